use std::sync::atomic::{AtomicU32, Ordering};

use client::error::SetupError;
use ledger::checkpoint::LogSigner;
use ledger::hash::sha256;
use ledger::name::{KeyName, Origin};
use store::files::faulty::{FaultyFiles, Syncs};
use transport::channel::ConnectError;
use transport::clock::ManualClock;

use super::*;

fn signer() -> LogSigner {
    LogSigner::from_seed(Origin::new("log.example/1").unwrap(), &[7; 32]).unwrap()
}

/// A witness over files, which counts how often it tried to connect; it cannot.
fn witness(files: &FaultyFiles) -> (Witness, Arc<AtomicU32>) {
    let tried = Arc::new(AtomicU32::new(0));
    let counting = Arc::clone(&tried);
    let connect: Connect = Arc::new(move || {
        counting.fetch_add(1, Ordering::Relaxed);
        Err(SetupError::Address(ConnectError::ServerName))
    });
    let key = Cosigner::from_seed(KeyName::new("witness.example.org").unwrap(), &[9; 32]).unwrap();
    let clock = Arc::new(ManualClock::at_ms(1_800_000_000_000));
    let log = signer().verifier();
    (
        Witness::new(connect, key, log, Arc::new(files.clone()), clock),
        tried,
    )
}

/// How it stands after one look.
async fn looked(witness: Witness) -> WitnessStatus {
    let (handle, shutdown) = (witness.handle(), Shutdown::new());
    let task = tokio::spawn(witness.run(shutdown.clone()));
    let status = handle.wait_for(|status| status.looks != 0).await.unwrap();
    shutdown.trigger();
    task.await.unwrap();
    status
}

#[tokio::test]
async fn a_witness_whose_memory_is_damaged_asks_for_nothing_and_forgets_nothing() {
    let record = format!("ponte.witness/1\n{}", signer().sign(5, sha256(b"root")).to_text());
    let mut damaged = record.clone().into_bytes();
    damaged[40] ^= 1;
    let files = FaultyFiles::new(Syncs::Honest);
    files.set_content(MEMORY, damaged.clone());
    let (damaged_one, tried) = witness(&files);
    let status = looked(damaged_one).await;
    assert!(status.error.unwrap().contains("cannot be read"));
    assert_eq!(tried.load(Ordering::Relaxed), 0);
    assert_eq!(files.content(MEMORY), Some(damaged));

    files.set_content(MEMORY, record.into_bytes());
    let (mended, tried) = witness(&files);
    assert!(looked(mended).await.error.is_some(), "nobody can be reached");
    assert_eq!(tried.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_conflict_that_was_seen_once_is_told_after_every_start() {
    let files = FaultyFiles::new(Syncs::Honest);
    let (clean, _) = witness(&files);
    assert!(!clean.handle().status().conflict);
    let first = signer().sign(5, sha256(b"one"));
    clean.keep_evidence(&first).unwrap();
    clean.keep_evidence(&signer().sign(6, sha256(b"two"))).unwrap();
    let (again, _) = witness(&files);
    assert!(again.handle().status().conflict);
    let kept = files.content(CONFLICT).unwrap();
    assert_eq!(kept, first.to_text().into_bytes(), "the first one is kept");

    // What the log did not sign accuses nobody.
    let files = FaultyFiles::new(Syncs::Honest);
    let (other, _) = witness(&files);
    let stranger = LogSigner::from_seed(Origin::new("log.example/1").unwrap(), &[8; 32]).unwrap();
    other.keep_evidence(&stranger.sign(5, sha256(b"one"))).unwrap();
    assert_eq!(files.content(CONFLICT), None);
}
