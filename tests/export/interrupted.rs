//! Exports that are killed, run out of room, or lose the index, and go on.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::process::Process;
use support::wait::{until, until_async};

use super::{BINARY, Live, verified_here, verified_in_go, verified_in_python, words};

const GROWING: [&str; 3] = ["evidence.jsonl", "entries.jsonl", "entries.csv"];

fn next(directory: &Path) -> Option<u64> {
    let state: Value = serde_json::from_slice(&std::fs::read(directory.join("state.json")).ok()?).ok()?;
    state["next"].as_u64()
}

#[track_caller]
fn the_same_entries(one: &Path, other: &Path, files: &[&str]) {
    for name in files {
        let read = |directory: &Path| std::fs::read(directory.join(name)).expect("readable");
        assert!(read(one) == read(other), "{name} differs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_export_goes_on_and_gives_the_same_bytes() {
    let live = Live::start().await;
    live.accesses(40).await;
    let size = live.head().await.size.to_string();
    let forms = ["--format", "jsonl,csv,parquet", "--until-index", &size];
    let (whole, killed) = (live.directory("whole"), live.directory("killed"));
    live.export("garante", &whole, &forms);

    let slowly = [&forms[..], &["--page", "1"]].concat();
    let arguments = live.arguments("garante", &killed, &slowly);
    let process = Process::start(
        Command::new(BINARY).args(&arguments),
        &live.directory("killed.out"),
    );
    let reached = until("a part of it is exported", || {
        next(&killed).filter(|next| 20 <= *next)
    });
    let other = live.try_export("garante", &killed, &forms);
    assert_eq!(other.status.code(), Some(6), "{}", words(&other));
    process.kill();
    assert!(
        !killed.join("manifest.json").exists(),
        "it was killed at {reached}"
    );
    let refused = verified_here(&killed, &["export-verify"]);
    assert!(
        words(&refused).contains("manifest.json: it is missing"),
        "{}",
        words(&refused)
    );

    // What was written and not counted is cut off, half a line or whole ones.
    for name in GROWING {
        let mut file = std::fs::File::options()
            .append(true)
            .open(killed.join(name))
            .expect("opened");
        file.write_all(b"{\"index\":99999,\"hea\n{").expect("written");
    }
    std::fs::write(killed.join("entries.parquet.new"), b"PAR1").expect("written");

    for other in [
        &[
            "--format",
            "jsonl,csv,parquet",
            "--until-index",
            &size,
            "--outcome",
            "OK",
        ][..],
        &["--format", "jsonl,csv,parquet"],
        &["--format", "jsonl", "--until-index", &size],
    ] {
        let refused = live.try_export("garante", &killed, other);
        assert_eq!(refused.status.code(), Some(6), "{}", words(&refused));
        assert!(words(&refused).contains("another --"), "{}", words(&refused));
    }
    let refused = live.try_export("questura", &killed, &forms);
    assert_eq!(refused.status.code(), Some(6), "{}", words(&refused));
    assert!(
        words(&refused).contains("the scope of the reader"),
        "{}",
        words(&refused)
    );

    let said = live.export("garante", &killed, &forms);
    the_same_entries(&whole, &killed, &GROWING);
    the_same_entries(&whole, &killed, &["entries.parquet"]);
    assert_eq!(said["entries"].to_string(), size);
    for done in [
        Some(verified_here(&killed, &["fsck"])),
        verified_in_python(&killed),
        verified_in_go(&killed, &live.directory("go-cache")),
    ]
    .into_iter()
    .flatten()
    {
        assert!(done.status.success(), "{}", words(&done));
    }
    let again = live.try_export("garante", &killed, &forms);
    assert!(words(&again).contains("complete already"), "{}", words(&again));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_without_room_says_so_and_loses_nothing() {
    let live = Live::start().await;
    live.accesses(20).await;
    let size = live.head().await.size.to_string();
    let forms = ["--format", "jsonl,csv", "--until-index", &size, "--page", "20"];
    let (whole, cramped) = (live.directory("whole"), live.directory("cramped"));
    live.export("garante", &whole, &forms);

    // No file of it may grow beyond a limit, as on a disk that is full.
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\"", BINARY])
        .args(live.arguments("garante", &cramped, &forms))
        .output()
        .expect("sh runs");
    assert_eq!(limited.status.code(), Some(5), "{}", words(&limited));
    assert!(
        words(&limited).contains("there is no room left"),
        "{}",
        words(&limited)
    );
    let reached = next(&cramped).expect("a state");
    assert!(0 < reached, "what fitted was exported");

    live.export("garante", &cramped, &forms);
    the_same_entries(&whole, &cramped, &GROWING);

    let file = live.directory("file");
    std::fs::write(&file, "x").expect("written");
    let refused = live.try_export("garante", &file, &forms);
    assert_eq!(refused.status.code(), Some(2), "{}", words(&refused));
    let foreign = live.directory("index");
    let refused = live.try_export("garante", &foreign, &forms);
    assert!(
        [Some(2), Some(6)].contains(&refused.status.code()),
        "{}",
        words(&refused)
    );
    assert!(!foreign.join("lock").exists(), "nothing was written there");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_follows_the_log_outlives_the_index() {
    let mut live = Live::start().await;
    live.accesses(2).await;
    let start = live.head().await.size;
    let until_index = (start + 60).to_string();
    let out = live.directory("followed");
    let following = ["--format", "jsonl,csv", "--follow", "--until-index", &until_index];
    let arguments = live.arguments("garante", &out, &following);
    let mut process = Process::start(
        Command::new(BINARY).args(&arguments),
        &live.directory("followed.out"),
    );
    until("it follows", || next(&out).filter(|next| start < *next));
    live.accesses(2).await;
    until("what was made meanwhile is exported", || {
        next(&out).filter(|next| start + 16 <= *next)
    });

    live.index.take().expect("it runs").kill();
    live.index = Some(live.region.start_index());
    let region = std::sync::Arc::clone(&live.region);
    until_async("the index answers", || async {
        let auditor =
            client::auditor::AuditorClient::new(region.connection(agreement::peer::Role::Auditor, "garante"));
        auditor.checkpoint().await.ok()
    })
    .await;
    live.accesses(8).await;
    let status = until("it has come to its end", || process.ended());
    assert!(status.success(), "{}", process.output());

    let text = std::fs::read_to_string(out.join("entries.jsonl")).expect("the rows");
    let rows: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let indices: Vec<u64> = rows.iter().filter_map(|row| row["index"].as_u64()).collect();
    assert!(
        indices.is_sorted_by(|one, other| one < other),
        "once each and in order"
    );
    // Everything but the entries about followers is there.
    let listed = live.directory("listed");
    live.export(
        "garante",
        &listed,
        &["--format", "jsonl", "--until-index", &until_index],
    );
    let listed = std::fs::read_to_string(listed.join("entries.jsonl")).expect("the rows");
    let others: Vec<&str> = listed
        .lines()
        .filter(|line| {
            let row: Value = serde_json::from_str(line).expect("JSON");
            row["index"].as_u64() < Some(start)
                || !row["kind"].as_str().unwrap_or_default().starts_with("follower")
        })
        .collect();
    let followed: Vec<&str> = text.lines().collect();
    assert_eq!(followed, others);
    for done in [
        Some(verified_here(&out, &["export-verify"])),
        verified_in_python(&out),
    ]
    .into_iter()
    .flatten()
    {
        assert!(done.status.success(), "{}", words(&done));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_follows_is_completed_when_it_is_ended_and_goes_on_afterwards() {
    let live = Live::start().await;
    let out = live.directory("followed");
    let arguments = live.arguments("garante", &out, &["--format", "jsonl,parquet", "--follow"]);
    let mut entries = 0;
    for round in 0..2 {
        let log = live.directory(&format!("followed-{round}.out"));
        let mut process = Process::start(Command::new(BINARY).args(&arguments), &log);
        let start = live.head().await.size;
        until("it follows", || next(&out).filter(|next| start <= *next));
        assert!(
            !out.join("manifest.json").exists(),
            "it is not complete while it goes on"
        );
        live.accesses(1).await;
        until("what was made meanwhile is exported", || {
            next(&out).filter(|next| start + 8 <= *next)
        });
        let ended = Command::new("kill").arg(process.id().to_string()).status();
        assert!(ended.expect("kill runs").success());
        let status = until("it ends", || process.ended());
        assert!(status.success(), "{}", process.output());

        let here = verified_here(&out, &["export-verify"]);
        assert_eq!(here.status.code(), Some(0), "{}", words(&here));
        let said: Value = serde_json::from_slice(&here.stdout).expect("JSON");
        let now = said[0]["entries"].as_u64().expect("a number");
        assert!(entries + 8 <= now, "{entries}, then {said}");
        entries = now;
        if let Some(python) = verified_in_python(&out) {
            assert!(python.status.success(), "{}", words(&python));
        }
    }
}
