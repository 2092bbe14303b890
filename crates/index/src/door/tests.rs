use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use agreement::reason::Reason;
use chrono::DateTime;
use ledger::checkpoint::LogSigner;
use ledger::name::Origin;
use store::access_log::LogSettings;
use store::access_log::part_content::PartContent;
use store::access_log::reading::{OpenedPart, ReaderScope};
use store::access_log::start::{LogFiles, LogParameters};
use store::files::Files;
use store::files::faulty::{FaultyFiles, Syncs};
use store::keys::Entropy;
use store::keys::encryption_key::KeyEncryptionKey;
use store::keys::ring::KeyRing;
use store::segment::Settings;
use store::segment::preparation::Preparation;

use super::*;

#[derive(Debug, Default)]
pub(crate) struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for part in buffer.chunks_mut(8) {
            let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
            part.copy_from_slice(&number[..part.len()]);
        }
    }
}

/// What a log in memory stands on.
#[derive(Debug)]
pub(crate) struct Disks {
    pub(crate) log: FaultyFiles,
    pub(crate) hashes: FaultyFiles,
    copy: FaultyFiles,
    keys: FaultyFiles,
}

impl Disks {
    pub(crate) fn new() -> Self {
        let disk = || FaultyFiles::new(Syncs::Honest);
        Self {
            log: disk(),
            hashes: disk(),
            copy: disk(),
            keys: disk(),
        }
    }

    /// The same as it lies there now.
    pub(crate) fn image(&self) -> Self {
        Self {
            log: self.log.after_kill(),
            hashes: self.hashes.after_kill(),
            copy: self.copy.after_kill(),
            keys: self.keys.after_kill(),
        }
    }
}

pub(crate) fn log() -> AccessLog {
    log_on(&Disks::new())
}

/// A log whose clock the caller moves.
pub(crate) fn log_at(clock: store::access_log::Clock) -> AccessLog {
    open(&Disks::new(), clock)
}

pub(crate) fn log_on(disks: &Disks) -> AccessLog {
    open(disks, Arc::new(|| 1_800_000_000_000))
}

fn open(disks: &Disks, clock: store::access_log::Clock) -> AccessLog {
    let entropy: Arc<dyn Entropy> = Arc::new(Counting::default());
    let files = |disk: &FaultyFiles| -> Arc<dyn Files> { Arc::new(disk.clone()) };
    let keys = KeyRing::open(
        files(&disks.keys),
        KeyEncryptionKey::from_bytes(&[1; 32]),
        Arc::clone(&entropy),
    )
    .unwrap();
    let parameters = LogParameters {
        files: LogFiles {
            log: files(&disks.log),
            hashes: files(&disks.hashes),
            copy: files(&disks.copy),
        },
        signer: LogSigner::from_seed(Origin::new("log.test/1").unwrap(), &[2; 32]).unwrap(),
        ring: Arc::new(keys),
        entropy,
        clock,
        witnessed: Vec::new(),
        on_fatal: Arc::new(|reason| panic!("the log failed: {reason}")),
    };
    let segments = Settings {
        segment_bytes: 1 << 20,
        preparation: Preparation::Inline,
    };
    AccessLog::open(
        parameters,
        LogSettings {
            segments,
            ..LogSettings::default()
        },
    )
    .unwrap()
    .0
}

fn refusal(address: &str, second: i64) -> Refusal {
    Refusal {
        peer: None,
        address: SocketAddr::new(address.parse().unwrap(), 4711),
        method: None,
        cause: Cause::Call(Reason::UnknownMethod),
        at: DateTime::from_timestamp(second, 0).unwrap(),
    }
}

fn kinds(log: &AccessLog) -> Vec<EntryKind> {
    let size = log.checkpoint().checkpoint.size;
    let entries = log.entries(&ReaderScope::Index, 0..size, 10_000).unwrap();
    entries.iter().map(|entry| entry.header.body.kind).collect()
}

#[tokio::test]
async fn refusals_up_to_the_rate_are_entries_of_their_own() {
    let log = log();
    let door = LoggedDoor::new(log.clone());
    for _ in 0..SINGLY {
        let receipt = door.refused(refusal("192.0.2.1", 60)).await.unwrap();
        assert!(receipt.is_some());
    }
    assert_eq!(kinds(&log), vec![EntryKind::Refusal; SINGLY as usize]);
}

#[tokio::test]
async fn a_flood_from_one_address_is_summed_and_the_sum_is_exact() {
    let log = log();
    let door = LoggedDoor::new(log.clone());
    for _ in 0..SINGLY + 40 {
        door.refused(refusal("192.0.2.1", 61)).await.unwrap();
    }
    assert!(
        door.refused(refusal("192.0.2.2", 62)).await.unwrap().is_some(),
        "another address is not affected"
    );
    door.refused(refusal("192.0.2.2", 120)).await.unwrap();
    let size = log.checkpoint().checkpoint.size;
    let entries = log.entries(&ReaderScope::Index, 0..size, 10_000).unwrap();
    let summaries: Vec<_> = entries
        .iter()
        .filter(|entry| entry.header.body.kind == EntryKind::RefusalSummary)
        .collect();
    assert_eq!(summaries.len(), 1);
    assert_eq!(summaries[0].header.body.address.as_deref(), Some("192.0.2.1"));
    let Some(OpenedPart::Shown(detail)) = summaries[0].parts.first() else {
        panic!("the summary has its detail")
    };
    let DetailPart { details } = DetailPart::decode(&detail.content).unwrap();
    assert!(details.contains(&("refusals".to_owned(), "40".to_owned())));
    assert_eq!(entries.len(), SINGLY as usize + 3);
}

#[tokio::test]
async fn what_was_only_counted_is_entered_at_shutdown() {
    let log = log();
    let door = LoggedDoor::new(log.clone());
    for _ in 0..=SINGLY {
        door.refused(refusal("192.0.2.1", 61)).await.unwrap();
    }
    door.finish().await;
    assert_eq!(kinds(&log).last(), Some(&EntryKind::RefusalSummary));
}

#[tokio::test]
async fn a_log_that_cannot_write_lets_no_refusal_be_answered() {
    let log = log();
    let door = LoggedDoor::new(log.clone());
    log.close();
    assert_eq!(door.refused(refusal("192.0.2.1", 61)).await, Err(DoorLogFailed));
}
