use ledger::receipt::Receipt;

use super::{Bench, START_MS, check_receipts, enter, signer};
use crate::{
    access_log::{
        LogStatus, ReserveError,
        start::{Refusal, StartError},
        verification::Finding,
    },
    files::{
        Files,
        faulty::{Fault, FaultyFiles},
    },
    fsck::{FsckError, FsckReport, fsck},
    segment::{preparation::segment_name, scan::ScanError},
};

const ENTRIES: usize = 9;

/// Opens, enters and closes until something fails; returns the receipts that were handed out.
fn run(bench: &Bench) -> Vec<Receipt> {
    let mut receipts = Vec::new();
    let Ok((log, _)) = bench.open() else {
        return receipts;
    };
    for _ in 0..ENTRIES {
        let Ok(committed) = enter(&log) else { break };
        receipts.push(committed.receipt());
    }
    log.close();
    receipts
}

fn check(bench: &Bench) -> Result<FsckReport, FsckError> {
    fsck(&bench.log, Some(&bench.copy), &signer().verifier(), Vec::new())
}

#[track_caller]
fn check_kept(bench: &Bench, receipts: &[Receipt]) {
    let before = check(bench).unwrap();
    let (log, report) = bench.open().unwrap();
    assert_eq!(report.entries, before.entries);
    let acknowledged = receipts.len() as u64;
    assert!(acknowledged <= report.entries && report.entries <= acknowledged + 1);
    check_receipts(&log, receipts);
    let next = enter(&log).unwrap();
    assert_eq!(next.index(), report.entries);
    check_receipts(&log, &[next.receipt()]);
    log.close();
    assert_eq!(check(bench).unwrap().entries, report.entries + 1);
}

#[test]
fn every_single_fault_keeps_every_receipt_good() {
    let probe = Bench::new();
    assert_eq!(run(&probe).len(), ENTRIES);
    assert!(
        1 < probe.log.list().unwrap().len(),
        "the log must roll over for the test to say much"
    );
    let faults = (0..probe.log.writes())
        .flat_map(|at| {
            [
                Fault::WriteLost(at),
                Fault::WritePersisted(at),
                Fault::WriteShort(at, 700),
            ]
        })
        .chain((0..probe.log.syncs()).flat_map(|at| [Fault::SyncLost(at), Fault::SyncPersisted(at)]));
    for fault in faults {
        let bench = Bench::new();
        bench.log.inject(fault);
        let receipts = run(&bench);
        check_kept(
            &bench.on(bench.log.after_kill(), bench.copy.after_kill()),
            &receipts,
        );
        for seed in 0..3 {
            check_kept(
                &bench.on(bench.log.crash_image(seed), bench.copy.crash_image(seed)),
                &receipts,
            );
        }
    }
}

#[test]
fn a_failed_write_ends_the_log_and_says_so() {
    let bench = Bench::new();
    let log = bench.log();
    enter(&log).unwrap();
    bench.log.inject(Fault::SyncPersisted(bench.log.syncs()));
    let slot = log.reserve().unwrap();
    enter(&log).unwrap_err();
    wait_for(&log, LogStatus::Failed);
    assert_eq!(log.reserve().unwrap_err(), ReserveError::Unavailable);
    let late = super::access(super::POLICE, &[], false);
    super::wait(log.append(slot, late)).unwrap_err();
    log.close();
    assert!(bench.fatal.load(std::sync::atomic::Ordering::SeqCst));
}

#[test]
fn a_log_smaller_than_its_copied_checkpoint_is_refused() {
    let bench = Bench::new();
    let log = bench.log();
    enter(&log).unwrap();
    let backup = bench.log.after_kill();
    enter(&log).unwrap();
    log.close();
    let restored = bench.on(backup.after_kill(), bench.copy.after_kill());
    assert!(matches!(
        restored.open(),
        Err(StartError::Log(Finding::Smaller { found: 1, known: 2 }))
    ));
    // Without the copy only a witness can know.
    let mut restored = bench.on(backup, FaultyFiles::default());
    restored.witnessed = vec![log.checkpoint().checkpoint.clone()];
    assert!(matches!(
        restored.open(),
        Err(StartError::Log(Finding::Smaller { found: 1, known: 2 }))
    ));
}

#[test]
fn a_log_with_another_past_is_refused() {
    let one = Bench::new();
    let receipts = run(&one);
    let other = Bench::new();
    other
        .clock
        .store(START_MS + 1, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(run(&other).len(), receipts.len());
    let swapped = one.on(other.log.after_kill(), one.copy.after_kill());
    let size = receipts.len() as u64;
    let Err(StartError::Segments(ScanError::Refused {
        reason: Refusal::Finding(finding),
        ..
    })) = swapped.open()
    else {
        panic!("another log was served");
    };
    assert_eq!(finding, Finding::Different { size });
    assert!(check(&swapped).is_err());
}

#[test]
fn fsck_names_the_place_of_the_first_difference() {
    let bench = Bench::new();
    run(&bench);
    let name = segment_name("access", 0);
    let mut bytes = bench.log.content(&name).unwrap();
    bytes[100] ^= 1;
    bench.log.set_content(&name, bytes);
    let error = check(&bench).unwrap_err().to_string();
    assert_eq!(error, "segment 0 is damaged at offset 0");
}

#[test]
fn deleted_hash_files_come_back_the_same() {
    let bench = Bench::new();
    let receipts = run(&bench);
    let before = bench.hashes.content("hashes-0.tiles").unwrap();
    let empty = Bench {
        hashes: FaultyFiles::default(),
        ..bench.on(bench.log.after_kill(), bench.copy.after_kill())
    };
    let (log, report) = empty.open().unwrap();
    assert_eq!(report.hashes_rewritten, ENTRIES as u64);
    check_receipts(&log, &receipts);
    log.close();
    assert_eq!(empty.hashes.content("hashes-0.tiles").unwrap(), before);
}

#[test]
fn a_full_disk_stops_the_log_until_there_is_room_and_leaves_a_gap_entry() {
    let bench = Bench::new();
    let log = bench.log();
    bench.log.inject(Fault::FullFrom(0));
    let mut receipts = Vec::new();
    while let Ok(committed) = enter(&log) {
        receipts.push(committed.receipt());
    }
    assert!(1 < receipts.len(), "the segment made ahead is used up first");
    wait_for(&log, LogStatus::NoSpace);
    assert_eq!(log.reserve().unwrap_err(), ReserveError::Unavailable);
    bench
        .clock
        .store(START_MS + 5000, std::sync::atomic::Ordering::Relaxed);
    bench.log.make_room();
    wait_for(&log, LogStatus::Serving);
    let next = enter(&log).unwrap();
    assert_eq!(next.index(), receipts.len() as u64 + 1);
    let gap = log
        .entry(
            &crate::access_log::reading::ReaderScope::Index,
            receipts.len() as u64,
        )
        .unwrap()
        .unwrap();
    assert_eq!(gap.header.body.kind, ledger::header::EntryKind::Gap);
    assert_eq!(gap.header.time_ms, START_MS + 5000);
    check_receipts(&log, &receipts);
    assert!(!bench.fatal.load(std::sync::atomic::Ordering::SeqCst));
    log.close();
    check(&bench).unwrap();
}

fn wait_for(log: &crate::access_log::AccessLog, expected: LogStatus) {
    super::wait(async {
        log.status()
            .wait_for(|status| *status == expected)
            .await
            .map(|_| ())
    })
    .unwrap();
}
