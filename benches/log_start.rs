//! How long an index takes to serve after its start, by the size of its access log: everything in it is read and checked
//! first. Beside it, the same bytes are read and hashed and nothing else is done.
//!
//! ```text
//! cargo bench -p benches --bench log_start
//! ```
//!
//! The log has `PONTE_BENCH_ENTRIES` (1,000,000) entries as granted lookups make them; `PONTE_BENCH_PAIRS` (5) times it is
//! opened with its hash files, opened without them, checked by `fsck`, and read. All of it lies in the page cache, where it
//! fits; `PONTE_BENCH_DIRECTORY` names a directory on the disk to be measured.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use benches::child::runtime;
use benches::log::{append, open_log, verifier};
use benches::measure::{Extent, count, median, setting};
use benches::region::scratch;
use ledger::hash::sha256;
use store::files::system::SystemFiles;
use store::files::{self, Files};
use store::fsck::fsck;
use store::keys::data_key::DataKey;
use store::keys::token::Tokenizer;

const PRODUCERS: u64 = 64;

#[expect(clippy::print_stdout, reason = "a comparison prints its table")]
fn main() {
    let Some(extent) = Extent::from_arguments() else {
        return;
    };
    let entries = setting("PONTE_BENCH_ENTRIES", extent.choose(1_000_000, 500));
    let pairs = setting("PONTE_BENCH_PAIRS", extent.choose(5, 1));
    let directory = scratch();
    fill(directory.path(), entries);
    println!("{}", extent.printed(&compare(directory.path(), entries, pairs)));
}

/// Makes the log.
fn fill(directory: &Path, entries: u64) {
    runtime().block_on(async {
        let (log, _) = open_log(directory);
        let pseudonyms = Arc::new(Tokenizer::new(&DataKey::from_bytes(&[7; 32])));
        let numbers = Arc::new(AtomicU64::new(0));
        let producers = (0..PRODUCERS).map(|_| {
            let (log, pseudonyms, numbers) = (log.clone(), Arc::clone(&pseudonyms), Arc::clone(&numbers));
            tokio::spawn(async move {
                loop {
                    let number = numbers.fetch_add(1, Ordering::Relaxed);
                    if entries <= number {
                        return;
                    }
                    append(log.clone(), Arc::clone(&pseudonyms), number).await;
                }
            })
        });
        for producer in producers.collect::<Vec<_>>() {
            producer.await.expect("a producer ends");
        }
        log.close();
    });
}

fn compare(directory: &Path, entries: u64, pairs: u64) -> String {
    let segments = SystemFiles::open_for_reading(&directory.join("log")).expect("the log");
    let bytes = fsck(&segments, None, &verifier(), Vec::new())
        .expect("the log is whole")
        .bytes;
    let gigabytes = count(bytes) / 1e9;
    let [mut with, mut without, mut checked, mut read] = [const { Vec::new() }; 4];
    for _ in 0..pairs {
        with.push(opened(directory, entries));
        fs::remove_dir_all(directory.join("hashes")).expect("hash files can be deleted");
        without.push(opened(directory, entries));
        checked.push(timed(|| {
            fsck(&segments, None, &verifier(), Vec::new()).expect("the log is whole");
        }));
        read.push(timed(|| hash_segments(&segments, bytes)));
    }
    let row = |name: &str, seconds: Vec<f64>| {
        let seconds = median(seconds) / gigabytes;
        (format!("{name:<34} {seconds:>7.2} s/GB"), seconds)
    };
    let (read, bare) = row("the bytes read and hashed", read);
    let ratio = |(line, seconds): (String, f64)| format!("{line}  {:>6.1} x", seconds / bare);
    [
        format!("{entries} entries, {gigabytes:.2} GB, {pairs} times"),
        ratio(row("start, everything verified", with)),
        ratio(row("start, hash files made again", without)),
        ratio(row("fsck, every signature", checked)),
        read,
    ]
    .join("\n")
}

/// Opens and closes the log; the seconds until it could have served.
fn opened(directory: &Path, entries: u64) -> f64 {
    let (log, report) = open_log(directory);
    assert_eq!(report.entries, entries, "all of it is there");
    log.close();
    report.seconds
}

/// Reads and hashes every segment, with the room behind its last frame.
fn hash_segments(segments: &SystemFiles, least: u64) {
    let mut read = 0;
    for name in segments.list().expect("the log") {
        let bytes = files::read_whole(segments, &name)
            .expect("a segment")
            .unwrap_or_default();
        read += bytes.len() as u64;
        black_box(sha256(&bytes));
    }
    assert!(least <= read, "all of it was read");
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}
