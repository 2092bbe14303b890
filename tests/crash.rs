//! Index and node are killed with SIGKILL under load, in rounds: nothing acknowledged is lost, nothing counts twice.
//!
//! `PONTE_CRASH_ROUNDS` sets the number of rounds, 20 without it. `PONTE_CRASH_SEED` repeats a run's moments.
//!
//! Besides, under a tracer: the index is killed at named points, and an answer shows the order of its system calls.

#![expect(
    clippy::print_stdout,
    reason = "what a run found is said on standard output, as a test harness does"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use agreement::peer::Role;
use client::agency::AgencyClient;
use client::receipt::AccessProof;
use ledger::checkpoint::Checkpoint;
use ledger::hash::leaf_hash;
use store::files::system::SystemFiles;
use store::fsck::fsck;
use support::agreements::POLICE;
use support::calls::{ground, lookup};
use support::people::{IMOLA, Person, crowd, mario};
use support::process::{Process, Processes};
use support::region::log_verifier;
use support::rows;
use support::search::files_under;
use support::tools::tool;
use support::wait;

const BINARY: &str = env!("CARGO_BIN_EXE_ponte-under-test");

/// People added to the export in each round.
const ADDED: u32 = 150;

/// Callers at the same time.
const CALLERS: usize = 6;

/// An access that was answered: its entry must be in the log for ever.
struct Acknowledged {
    index: u64,
    header: Vec<u8>,
    checkpoint: Checkpoint,
}

/// Moments that look random and are repeated by their seed (splitmix64).
struct Moments(u64);

impl Moments {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(usual)
}

fn main() -> ExitCode {
    // The harness of cargo passes names and flags; listing is all of them that means anything here.
    if std::env::args().any(|argument| argument == "--list") {
        println!("crash: test");
        return ExitCode::SUCCESS;
    }
    let mut filters = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .peekable();
    if filters.peek().is_some() && !filters.any(|filter| "crash".contains(&filter)) {
        return ExitCode::SUCCESS;
    }
    controls();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        killed_in_rounds(setting("PONTE_CRASH_ROUNDS", 20), setting("PONTE_CRASH_SEED", 1)).await;
        killed_at_named_points().await;
        synced_before_the_first_byte_of_an_answer().await;
    });
    println!("crash: ok");
    ExitCode::SUCCESS
}

/// The people of the region after so many rounds.
fn people(rounds: u64) -> Vec<Person> {
    let count = u32::try_from(rounds + 1).expect("few rounds") * ADDED;
    std::iter::once(mario()).chain(crowd(IMOLA, count)).collect()
}

async fn killed_in_rounds(rounds: u64, seed: u64) {
    let region = Processes::new(BINARY);
    let mut moments = Moments(seed);
    let mut acknowledged = Vec::new();
    let mut watermark = 0;
    let mut index = region.start_index();
    let mut node = region.start_node();
    region.activate(POLICE).await;
    region.import(&people(0));
    region.holds(people(0).len() as u64).await;
    for round in 1..=rounds {
        let (added, told) = disturbed(&region, round, index, node, moments.next(400)).await;
        assert!(
            watermark <= told,
            "round {round}: the index acknowledged {watermark} and holds {told}"
        );
        watermark = told;
        acknowledged.extend(added);
        check_log(&region, &acknowledged, round);
        index = region.start_index();
        node = region.start_node();
    }
    // The node's daemon was killed as well: what it had imported is in its journal, the rest comes with this import.
    region.import(&people(rounds));
    region.holds(people(rounds).len() as u64).await;
    node.kill();
    index.kill();
    check_log(&region, &acknowledged, rounds);
    check_rows(&region);
    let answered = acknowledged.len();
    assert!(
        0 < answered,
        "nothing was answered in any round: the load was none"
    );
    println!(
        "killed in {rounds} rounds (seed {seed}): {answered} answers, {watermark} changes, none lost, none twice"
    );
}

/// One round: callers look up, the node publishes, both processes are killed after so many milliseconds. Gives what
/// was answered, and what the index had acknowledged to the node.
async fn disturbed(
    region: &Processes,
    round: u64,
    index: Process,
    node: Process,
    after_ms: u64,
) -> (Vec<Acknowledged>, u64) {
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let police = AgencyClient::new(region.connection(Role::Agency, POLICE.agency));
            tokio::spawn(call_until(police, Arc::clone(&stop)))
        })
        .collect();
    let directory = region.directory().to_owned();
    let importing = {
        let file = directory.join(format!("export-{round}.csv"));
        std::fs::write(&file, support::people::export(IMOLA, &people(round)))
            .expect("the export can be written");
        let config = directory.join("node/node.toml");
        let mut command = Command::new(BINARY);
        command
            .args(["node", "import", "--complete", "--config"])
            .arg(config)
            .arg(file);
        command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        command.spawn().expect("the import runs")
    };
    // A moment of the disturbance, not a time to wait for something.
    tokio::time::sleep(Duration::from_millis(after_ms)).await;
    let told = acknowledged_to(region).await;
    if round.is_multiple_of(2) {
        node.kill();
        index.kill();
    } else {
        index.kill();
        node.kill();
    }
    stop.store(true, Ordering::SeqCst);
    let mut importing = importing;
    // With its daemon dead the import may fail: that is part of the disturbance.
    importing.wait().expect("the import ends");
    let mut acknowledged = Vec::new();
    for caller in callers {
        acknowledged.extend(caller.await.expect("a caller ends"));
    }
    (acknowledged, told)
}

/// What the index has acknowledged to the node, as the node would learn it.
async fn acknowledged_to(region: &Processes) -> u64 {
    let id = support::municipality::node_id(IMOLA);
    let client = client::node::NodeClient::new(region.connection(Role::Node, &id));
    let state = client.get_state(support::people::istat(IMOLA)).await;
    state.expect("the index is alive at this moment").watermark.0
}

async fn call_until(police: AgencyClient, stop: Arc<AtomicBool>) -> Vec<Acknowledged> {
    let mut acknowledged = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let asked = lookup(
            ground(POLICE, "investigation", police.new_request_id()),
            mario().tax_code(),
        );
        let Ok(answer) = police.lookup_person(asked).await else {
            tokio::task::yield_now().await;
            continue;
        };
        let AccessProof::Proved(entry) = answer.receipt else {
            panic!("a full receipt was asked for")
        };
        acknowledged.push(Acknowledged {
            index: entry.receipt().index,
            header: entry.receipt().header.clone(),
            checkpoint: entry.checkpoint().clone(),
        });
    }
    acknowledged
}

/// The log holds every entry that was answered, each once, and agrees with every checkpoint that was ever handed out.
fn check_log(region: &Processes, acknowledged: &[Acknowledged], round: u64) {
    let mut by_index: BTreeMap<u64, &[u8]> = BTreeMap::new();
    for Acknowledged {
        index,
        header,
        checkpoint: _,
    } in acknowledged
    {
        let other = by_index.insert(*index, header);
        assert!(
            other.is_none(),
            "round {round}: entry {index} was given to two calls"
        );
    }
    let mut leaves: Vec<_> = by_index.values().map(|header| leaf_hash(header)).collect();
    leaves.sort();
    leaves.dedup();
    assert_eq!(
        leaves.len(),
        acknowledged.len(),
        "round {round}: two answers share an entry"
    );
    let handed_out = acknowledged
        .iter()
        .map(|entry| entry.checkpoint.clone())
        .collect();
    let data = region.directory().join("index/data");
    let files = SystemFiles::open_for_reading(&data.join("log")).expect("the log");
    let copy = SystemFiles::open_for_reading(&region.directory().join("index/copy")).expect("the copy");
    // The receipts were verified against their checkpoints: with these in the log, so are the entries.
    let report = fsck(&files, Some(&copy), &log_verifier(), handed_out);
    let report = report.unwrap_or_else(|error| panic!("round {round}: {error}"));
    assert!(acknowledged.len() as u64 <= report.entries);
}

/// The projection is what a clean replay of the journal gives.
fn check_rows(region: &Processes) {
    let (kept, report) = rows::of_index(&region.index_config());
    let (replayed, _) = rows::of_clean_replay(&region.index_config());
    assert!(0 < report.changes && !kept.is_empty());
    assert!(kept == replayed, "a clean replay gives other rows");
}

/// A command under a tracer.
fn traced(strace: &Path, options: &[&str], output: &Path, command: &Command) -> Command {
    let mut tracer = Command::new(strace);
    tracer
        .args(["-f", "-qq", "-o"])
        .arg(output)
        .args(options)
        .arg("--");
    tracer.arg(command.get_program()).args(command.get_args());
    tracer
}

/// A point in the life of an access or of a batch at which the index dies.
struct Point {
    name: &'static str,
    /// The system call on entering which it is killed: what the call would have done does not happen.
    call: &'static str,
    /// The files of which the call must be about one; any where there are none.
    files: Vec<PathBuf>,
    /// The n-th such call of one thread since the start.
    calls: &'static [u32],
}

/// The index dies at points that a moment in time hardly ever meets. Wherever it dies, what was answered or
/// acknowledged is there, and the rest is whole or cut off.
async fn killed_at_named_points() {
    let Some(strace) = tool("killed at named points", "PONTE_STRACE", "strace", "") else {
        return;
    };
    let region = Processes::new(BINARY);
    let mut acknowledged = Vec::new();
    let mut watermark = 0;
    let index = region.start_index();
    region.activate(POLICE).await;
    region.import(&people(0));
    let node = region.start_node();
    region.holds(people(0).len() as u64).await;
    node.kill();
    index.kill();
    let data = region.directory().join("index/data");
    let points = [
        Point {
            name: "before the log is synced",
            call: "fdatasync",
            files: files_under(&data.join("log")),
            calls: &[2, 5, 9],
        },
        Point {
            name: "before the journal is synced",
            call: "fdatasync",
            files: files_under(&data.join("journal")),
            calls: &[1, 2],
        },
        Point {
            name: "between a sync and the answer or acknowledgement",
            call: "sendto,writev",
            files: Vec::new(),
            calls: &[5, 9, 14, 21],
        },
        Point {
            name: "in the middle of a flush of the projection",
            call: "pwrite64",
            files: vec![data.join("projection/sled/db")],
            calls: &[1, 1],
        },
    ];
    let mut round = 0;
    for Point {
        name,
        call,
        files,
        calls,
    } in points
    {
        for when in calls {
            round += 1;
            let filter = format!("trace={call}");
            let inject = format!("inject={call}:signal=SIGKILL:when={when}");
            let mut options = vec!["-e", &filter, "-e", &inject];
            let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            options.extend(files.iter().flat_map(|file| ["-P", file.as_str()]));
            let trace = region.directory().join("killed.trace");
            let mut command = traced(&strace, &options, &trace, &region.index_command());
            let mut index = Process::start(&mut command, &region.directory().join("index.out"));
            let node = region.start_node();
            region.import(&people(round));
            let stop = Arc::new(AtomicBool::new(false));
            let police = AgencyClient::new(region.connection(Role::Agency, POLICE.agency));
            let caller = tokio::spawn(call_until(police, Arc::clone(&stop)));
            wait::until(&format!("the index dies {name}, call {when}"), || index.ended());
            stop.store(true, Ordering::SeqCst);
            acknowledged.extend(caller.await.expect("the caller ends"));
            node.kill();
            check_log(&region, &acknowledged, round);
            check_rows(&region);
            let index = region.start_index();
            let told = acknowledged_to(&region).await;
            assert!(
                watermark <= told,
                "{name}: the index acknowledged {watermark} and holds {told}"
            );
            watermark = told;
            index.kill();
        }
    }
    let index = region.start_index();
    let node = region.start_node();
    region.holds(people(round).len() as u64).await;
    node.kill();
    index.kill();
    check_log(&region, &acknowledged, round);
    check_rows(&region);
    println!(
        "killed at {round} named points: {} answers, none lost",
        acknowledged.len()
    );
}

/// A system-call trace of a live index: the entry is written, then synced, and only then the answer begins to leave.
async fn synced_before_the_first_byte_of_an_answer() {
    let suite = "sync before the first byte";
    let Some(strace) = tool(suite, "PONTE_STRACE", "strace", "") else {
        return;
    };
    let region = Processes::new(BINARY);
    let trace = region.directory().join("index.trace");
    let calls = "trace=fdatasync,pwrite64,write,writev,sendto,sendmsg";
    let mut command = traced(&strace, &["-yy", "-e", calls], &trace, &region.index_command());
    let index = region.start_index_by(&mut command);
    region.activate(POLICE).await;
    region.import(&people(0));
    let node = region.start_node();
    region.holds(people(0).len() as u64).await;
    node.kill();
    let police = AgencyClient::new(region.connection(Role::Agency, POLICE.agency));
    let ask = async || {
        let asked = lookup(
            ground(POLICE, "investigation", police.new_request_id()),
            mario().tax_code(),
        );
        police.lookup_person(asked).await.expect("an answer");
    };
    // The first call opens the connection.
    ask().await;
    for _ in 0..5 {
        let before = std::fs::read_to_string(&trace).expect("a trace").len();
        ask().await;
        let text = std::fs::read_to_string(&trace).expect("a trace");
        let order = order_of(&text[before..]);
        assert!(order.is_right(), "{order:?} in\n{}", &text[before..]);
    }
    index.kill();
    println!("an answer leaves after the sync of its entry: 5 of 5 traced calls");
}

/// Where in a trace the entry's bytes were written, their sync ended and the answer began.
#[derive(Debug, Default)]
struct Order {
    written: Option<usize>,
    synced: Option<usize>,
    answered: Option<usize>,
}

impl Order {
    fn is_right(&self) -> bool {
        let Self {
            written: Some(written),
            synced: Some(synced),
            answered: Some(answered),
        } = self
        else {
            return false;
        };
        written < synced && synced < answered
    }
}

/// More bytes than a frame that holds a checkpoint alone, fewer than an entry or an answer with its receipt.
const LARGE: u64 = 900;

fn order_of(trace: &str) -> Order {
    let mut order = Order::default();
    let mut syncing: BTreeMap<&str, ()> = BTreeMap::new();
    for (number, line) in trace.lines().enumerate() {
        let thread = line.split_whitespace().next().unwrap_or_default();
        let is_log = line.contains("/data/log/");
        let ended = line
            .rsplit("= ")
            .next()
            .and_then(|value| value.trim().parse::<u64>().ok());
        if line.contains("pwrite64(") && is_log && order.written.is_none() && LARGE <= asked_bytes(line) {
            order.written = Some(number);
        }
        if line.contains("fdatasync(") && is_log && order.written.is_some() {
            match ended {
                Some(0) => order.synced = order.synced.or(Some(number)),
                _ => {
                    syncing.insert(thread, ());
                }
            }
        }
        if line.contains("fdatasync resumed") && ended == Some(0) && syncing.remove(thread).is_some() {
            order.synced = order.synced.or(Some(number));
        }
        let is_answer = line.contains("TCP:") || line.contains("TCPv4:");
        if is_answer && !line.contains("pwrite64(") && order.answered.is_none() && LARGE <= asked_bytes(line)
        {
            order.answered = Some(number);
        }
    }
    order
}

/// How many bytes a call was asked to write: the largest number among its arguments.
fn asked_bytes(line: &str) -> u64 {
    let arguments = line.rsplit_once(") = ").map_or(line, |(arguments, _)| arguments);
    let after_text = arguments.rsplit_once('"').map_or(arguments, |(_, rest)| rest);
    let numbers = after_text
        .split(|letter: char| !letter.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok());
    numbers.take(1).next().unwrap_or_default()
}

/// The reading of traces bites: an answer before its sync, or beside a sync that does not end, is not right.
#[track_caller]
fn controls() {
    let write = r#"9 pwrite64(30</i/data/log/a.seg>, "x"..., 2048, 0) = 2048"#;
    let sync = "9 fdatasync(30</i/data/log/a.seg>) = 0";
    let begun = "9 fdatasync(30</i/data/log/a.seg> <unfinished ...>";
    let ended = "9 <... fdatasync resumed>) = 0";
    let answer = r#"8 sendto(40<TCP:[127.0.0.1:1->127.0.0.1:2]>, "x"..., 1500, 0, NULL, 0) = 1500"#;
    let is_right = |lines: &[&str]| order_of(&lines.join("\n")).is_right();
    assert!(is_right(&[write, sync, answer]));
    assert!(is_right(&[write, begun, ended, answer]));
    for wrong in [
        &[write, answer, sync][..],
        &[write, begun, answer, ended],
        &[sync, write, answer],
        &[write, answer],
    ] {
        assert!(!is_right(wrong), "{wrong:?}");
    }
}
