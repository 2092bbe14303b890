//! Appending to the access log, beside a bare file that is written and synced in groups.
//!
//! ```text
//! cargo bench -p benches --bench log_append
//! ```
//!
//! 64 producers append entries with a full header and four sealed parts, and wait for proof and signature; beside
//! it, as many producers hand 300 bytes each to a thread that writes what has queued into a preallocated file with
//! one write and one `fdatasync`. `PONTE_BENCH_PAIRS` (7) pairs of rounds of `PONTE_BENCH_MILLISECONDS` (2,000) each;
//! `PONTE_BENCH_DIRECTORY` names a directory on the disk to be measured.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use benches::child::runtime;
use benches::log::{append, open_log};
use benches::measure::{Extent, Round, drive, median, setting};
use benches::region::scratch;
use benches::report::{Bound, Budget};
use store::keys::data_key::DataKey;
use store::keys::token::Tokenizer;
use tokio::sync::oneshot;

const PRODUCERS: usize = 64;
const BARE_ENTRY: usize = 300;
const BARE_FILE: usize = 64 << 20;

const RATE: Budget = Budget {
    what: "entries a second / preallocated file, fdatasync in groups",
    bound: Bound::AtLeast,
    gate: 0.5,
    target: 0.7,
};

/// What waits for the bare file's thread.
type Waiting = (Vec<u8>, oneshot::Sender<()>);

/// A preallocated file with one writing thread; it begins again at its front when it is full.
struct BareFile {
    queue: Sender<Waiting>,
    writer: JoinHandle<()>,
}

impl BareFile {
    fn create(directory: &Path) -> Self {
        let file = File::create(directory.join("bare")).expect("the file can be made");
        file.write_all_at(&vec![0; BARE_FILE], 0)
            .and_then(|()| file.sync_all())
            .expect("the file can be filled");
        let (queue, waiting) = channel();
        let writer = std::thread::spawn(move || write(&file, &waiting));
        Self { queue, writer }
    }

    fn close(self) {
        drop(self.queue);
        self.writer.join().expect("the writer does not panic");
    }
}

fn write(file: &File, queue: &Receiver<Waiting>) {
    let mut offset = 0;
    let mut group = Vec::with_capacity(PRODUCERS * BARE_ENTRY);
    let mut answers = Vec::with_capacity(PRODUCERS);
    while let Ok(first) = queue.recv() {
        for (bytes, answer) in std::iter::once(first).chain(queue.try_iter()) {
            group.extend_from_slice(&bytes);
            answers.push(answer);
        }
        if BARE_FILE < offset + group.len() {
            offset = 0;
        }
        file.write_all_at(&group, offset as u64)
            .and_then(|()| file.sync_data())
            .expect("the disk writes");
        offset += group.len();
        group.clear();
        for answer in answers.drain(..) {
            answer.send(()).expect("the producer waits");
        }
    }
}

async fn hand_over(queue: Sender<Waiting>) {
    let (answer, answered) = oneshot::channel();
    queue
        .send((vec![0x5a; BARE_ENTRY], answer))
        .expect("the writer runs");
    answered.await.expect("the writer answers");
}

#[expect(clippy::print_stdout, reason = "a comparison prints its table")]
fn main() {
    let Some(extent) = Extent::from_arguments() else {
        return;
    };
    let pairs = setting("PONTE_BENCH_PAIRS", extent.choose(7, 1));
    let time = Duration::from_millis(setting("PONTE_BENCH_MILLISECONDS", extent.choose(2000, 50)));
    let report = runtime().block_on(compare(pairs, time));
    println!("{}", extent.printed(&report));
}

async fn compare(pairs: u64, time: Duration) -> String {
    let directory = scratch();
    let (log, _) = open_log(directory.path());
    let bare = BareFile::create(directory.path());
    let pseudonyms = Arc::new(Tokenizer::new(&DataKey::from_bytes(&[7; 32])));
    let logs = vec![log.clone(); PRODUCERS];
    let queues = vec![bare.queue.clone(); PRODUCERS];
    let own = std::process::id();

    let (mut ours, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..pairs {
        let pseudonyms = Arc::clone(&pseudonyms);
        let round = drive(&logs, time, own, move |log, number| {
            append(log, Arc::clone(&pseudonyms), number)
        });
        ours.push(round.await);
        beside.push(drive(&queues, time, own, |queue, _| hand_over(queue)).await);
    }
    log.close();
    drop(queues);
    bare.close();

    let figure = |rounds: &[Round], figure: fn(&Round) -> f64| median(rounds.iter().map(figure));
    let row = |name: &str, rounds: &[Round]| {
        format!(
            "{name:<16} {:>9.0} {:>12.2} {:>8.0} {:>8.0}",
            figure(rounds, Round::throughput),
            figure(rounds, Round::cpu_per_call),
            figure(rounds, |round| round.percentile(50)),
            figure(rounds, |round| round.percentile(99)),
        )
    };
    [
        format!("{pairs} pairs of {time:?}, {PRODUCERS} producers"),
        "                 entries/s CPU us/entry   p50 us   p99 us".to_owned(),
        row("access log", &ours),
        row("bare file", &beside),
        RATE.line(figure(&ours, Round::throughput) / figure(&beside, Round::throughput)),
    ]
    .join("\n")
}
