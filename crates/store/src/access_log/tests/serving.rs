use std::{sync::atomic::Ordering, time::Duration};

use ledger::receipt::ShortReceipt;

use super::{Bench, POLICE, START_MS, access, check_receipts, enter, signer, wait};
use crate::{
    access_log::{
        LogFailure, ReserveError,
        draft::{DraftError, Sealed},
        start::LogFiles,
    },
    fsck::fsck,
};

#[test]
fn an_answer_comes_with_receipts_that_verify() {
    let bench = Bench::new();
    let log = bench.log();
    let committed = enter(&log).unwrap();
    let receipt = committed.receipt().verify(log.verifier()).unwrap();
    assert_eq!((receipt.index(), receipt.header().time_ms), (0, START_MS));
    let short = ShortReceipt::decode(&committed.short_receipt().encode()).unwrap();
    assert!(short.is_proved_by(&receipt));
    assert_eq!(
        committed.encode_receipt().unwrap(),
        committed.receipt().encode().unwrap()
    );
    assert_eq!(log.checkpoint().checkpoint, *receipt.checkpoint());
}

#[test]
fn concurrent_callers_share_batches_and_each_gets_its_own_proof() {
    let bench = Bench::new();
    let log = bench.log();
    let receipts = wait(async {
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let slot = log.reserve().unwrap();
            let log = log.clone();
            tasks.push(async move { log.append(slot, access(POLICE, &["E289"], false)).await });
        }
        let mut receipts = Vec::new();
        for joined in join_all(tasks).await {
            receipts.push(joined.unwrap().receipt());
        }
        receipts
    });
    let mut indices: Vec<u64> = receipts.iter().map(|receipt| receipt.index).collect();
    indices.sort_unstable();
    assert_eq!(indices, (0..8).collect::<Vec<_>>());
    check_receipts(&log, &receipts);
    log.close();
    fsck(&bench.log, Some(&bench.copy), &signer().verifier(), Vec::new()).unwrap();
}

#[test]
fn a_log_in_a_real_directory_serves_many_callers_and_opens_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut bench = Bench::new();
    bench.settings = crate::access_log::LogSettings::default();
    let open = || {
        let files = |name: &str| -> std::sync::Arc<dyn crate::files::Files> {
            std::sync::Arc::new(
                crate::files::system::SystemFiles::open(&directory.path().join(name)).unwrap(),
            )
        };
        let files = LogFiles {
            log: files("log"),
            hashes: files("hashes"),
            copy: files("copy"),
        };
        bench.open_on(files, bench.try_ring().unwrap()).unwrap()
    };
    let (log, _) = open();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let receipts = runtime.block_on(async {
        let tasks: Vec<_> = (0..64)
            .map(|_| {
                let log = log.clone();
                tokio::spawn(async move {
                    let mut receipts = Vec::new();
                    for _ in 0..10 {
                        let slot = log.reserve().unwrap();
                        let sealed = Sealed::new((), access(POLICE, &["E289"], false));
                        receipts.push(log.commit(slot, sealed).await.unwrap().1.receipt());
                    }
                    receipts
                })
            })
            .collect();
        let mut receipts = Vec::new();
        for task in tasks {
            receipts.extend(task.await.unwrap());
        }
        receipts
    });
    check_receipts(&log, &receipts);
    log.close();
    drop(log);
    let (log, report) = open();
    assert_eq!((report.entries, report.hashes_rewritten), (640, 0));
    check_receipts(&log, &receipts);
}

#[test]
fn a_full_queue_refuses_before_anything_is_read_and_a_dropped_place_is_free() {
    let bench = Bench::new();
    let log = bench.log();
    let mut slots: Vec<_> = (0..bench.settings.queue)
        .map(|_| log.reserve().unwrap())
        .collect();
    assert!(matches!(log.reserve(), Err(ReserveError::Full { .. })));
    slots.pop();
    slots.push(log.reserve().unwrap());
    assert!(log.reserve().is_err());
}

#[test]
fn an_entry_that_breaks_a_rule_gives_no_answer() {
    let bench = Bench::new();
    let log = bench.log();
    let refuse = |draft| {
        let slot = log.reserve().unwrap();
        wait(log.commit(slot, Sealed::new((), draft))).unwrap_err()
    };
    let repeated = access(POLICE, &["E289", "E289"], false);
    assert!(matches!(
        refuse(repeated),
        LogFailure::Draft(DraftError::Repeated)
    ));
    let mut long = access(POLICE, &[], false);
    long.header.peer = Some("x".repeat(500));
    assert!(matches!(refuse(long), LogFailure::Draft(DraftError::Header(_))));
    let large =
        access(POLICE, &[], false).with_bytes(ledger::part::PartKind::AdministrativeDetail, vec![1; 20_000]);
    assert!(matches!(
        refuse(large),
        LogFailure::Draft(DraftError::TooLong { .. })
    ));
    assert_eq!(log.checkpoint().checkpoint.size, 0);
}

#[test]
fn time_never_goes_back_not_even_over_a_restart() {
    let bench = Bench::new();
    let log = bench.log();
    enter(&log).unwrap();
    bench.clock.store(START_MS - 60_000, Ordering::Relaxed);
    let time = |committed: crate::access_log::committed::Committed| {
        ledger::header::Header::decode(&committed.receipt().header)
            .unwrap()
            .time_ms
    };
    assert_eq!(time(enter(&log).unwrap()), START_MS);
    log.close();
    let log = bench.log();
    assert_eq!(time(enter(&log).unwrap()), START_MS);
}

#[test]
fn a_restart_continues_the_same_log() {
    let bench = Bench::new();
    let mut receipts = Vec::new();
    for round in 0..4 {
        let (log, report) = bench.open().unwrap();
        assert_eq!(report.entries, round * 3);
        for _ in 0..3 {
            receipts.push(enter(&log).unwrap().receipt());
        }
        check_receipts(&log, &receipts);
    }
    let (log, report) = bench.open().unwrap();
    assert_eq!(
        (report.entries, report.hashes_rewritten, report.recovery.cut),
        (12, 0, None)
    );
    check_receipts(&log, &receipts);
}

#[test]
fn the_checkpoint_is_stored_after_quiet_and_copied() {
    let mut bench = Bench::new();
    bench.settings.quiet = Duration::from_millis(1);
    let log = bench.log();
    enter(&log).unwrap();
    wait(async {
        log.stored_checkpoints()
            .wait_for(|size| *size == 1)
            .await
            .map(|_| ())
            .unwrap();
        log.copied_checkpoints()
            .wait_for(|size| *size == 1)
            .await
            .map(|_| ())
            .unwrap();
    });
    let disk = bench.log.crash_image(1);
    let report = fsck(
        &disk,
        Some(&bench.copy.crash_image(1)),
        &signer().verifier(),
        Vec::new(),
    )
    .unwrap();
    assert_eq!((report.entries, report.frames, report.checkpoints), (1, 2, 1));
}

#[test]
fn without_quiet_the_checkpoint_is_in_the_next_frame() {
    let bench = Bench::new();
    let log = bench.log();
    for _ in 0..3 {
        enter(&log).unwrap();
    }
    let disk = bench.log.after_kill();
    let report = fsck(&disk, None, &signer().verifier(), Vec::new()).unwrap();
    assert_eq!((report.entries, report.frames, report.checkpoints), (3, 3, 2));
    log.close();
    let report = fsck(&bench.log, None, &signer().verifier(), Vec::new()).unwrap();
    assert_eq!((report.frames, report.checkpoints), (4, 3));
}

#[test]
fn nothing_sealed_shows_in_debug_text() {
    let sealed = Sealed::new("the answer", access(POLICE, &["E289"], false));
    assert_eq!(format!("{sealed:?}"), "Sealed(..)");
    let draft = format!("{:?}", access(POLICE, &["E289"], false));
    assert!(!draft.contains("RSSMRA") && !draft.contains("rossi"), "{draft}");
}

/// Polls all futures on one task.
async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = pending.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in pending.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(context)
            {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}
