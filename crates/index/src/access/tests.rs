use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agreement::declarations::DeclarationCounters;
use agreement::repeats::RequestBook;
use agreement::usage::UsageCounters;
use arc_swap::ArcSwap;
use ledger::header::EntryKind;
use ledger::policy::Policy;
use registry::publication::DailyLimits;
use store::access_log::part_content::ContentError;
use store::access_log::reading::ReaderScope;
use store::cosignatures::Cosignatures;
use store::files::Files;
use store::files::faulty::{FaultyFiles, Syncs};
use store::keys::data_key::DataKey;
use store::keys::encryption_key::KeyEncryptionKey;
use store::keys::ring::KeyRing;
use store::keys::token::Tokenizer;
use store::record_store::{Engine, JournaledStore, StoreSettings};
use store::segment::Settings;
use store::segment::preparation::Preparation;
use tokio_util::task::TaskTracker;
use transport::clock::ManualClock;
use transport::shutdown::Shutdown;

use super::*;
use crate::door::tests::{Counting, log};
use crate::entry::usual_retention;

fn files() -> Arc<dyn Files> {
    Arc::new(FaultyFiles::new(Syncs::Honest))
}

/// A store without cards.
pub(crate) fn store() -> JournaledStore {
    let entropy = Arc::new(Counting::default());
    let keys = KeyRing::open(files(), KeyEncryptionKey::from_bytes(&[1; 32]), entropy.clone()).unwrap();
    let settings = StoreSettings {
        segments: Settings {
            segment_bytes: 1 << 20,
            preparation: Preparation::Inline,
        },
        sync_interval: Duration::from_secs(5),
        daily_limits: DailyLimits::default(),
        engine: Engine::Memory,
    };
    JournaledStore::open(files(), Arc::new(keys), entropy.as_ref(), &settings)
        .unwrap()
        .0
}

pub(crate) fn shared() -> Shared<JournaledStore> {
    Shared {
        store: store(),
        log: log(),
        cosignatures: cosignatures(files()),
        oversight: crate::oversight::tests::oversight(files()),
        lag: crate::witness::Lag::new(Duration::from_hours(4), 1_800_000_000_000),
        agreements: ArcSwap::from_pointee(Agreements::default()),
        agreements_change: tokio::sync::Mutex::new(()),
        profiles_change: tokio::sync::Mutex::new(()),
        openings: Mutex::default(),
        openings_change: tokio::sync::Mutex::new(()),
        usage: Mutex::new(UsageCounters::default()),
        declarations: Mutex::new(DeclarationCounters::default()),
        declaration_tokens: Tokenizer::new(&DataKey::from_bytes(&[7; 32])),
        requests: Mutex::new(RequestBook::default()),
        request_tokens: Tokenizer::new(&DataKey::from_bytes(&[8; 32])),
        nodes: BTreeMap::new(),
        registrars: BTreeMap::new(),
        stale_after: crate::freshness::StaleAfter::default(),
        contacts: std::collections::BTreeSet::new(),
        readers: BTreeMap::new(),
        clock: Arc::new(ManualClock::at_ms(1_800_000_000_000)),
        random: Arc::new(transport::random::danger::SeededRandom::new(1)),
        page_key: [0; 32],
        pace: crate::pace::Pacer::new(crate::pace::Pace::Steps).unwrap(),
        listing: tokio::sync::Mutex::new(()),
        shutdown: Shutdown::new(),
        tasks: TaskTracker::new(),
    }
}

/// Nobody witnesses the log here.
fn cosignatures(files: Arc<dyn Files>) -> Cosignatures {
    let policy = Policy::of_index(log().verifier().clone(), Vec::new(), 1);
    Cosignatures::open(files, policy).unwrap().0
}

#[tokio::test]
async fn a_reading_that_fails_is_an_entry_and_discloses_nothing() {
    let shared = shared();
    let pending = Pending {
        slot: shared.reserve().unwrap(),
        reservation: None,
        first: None,
        unread: EntryDraft::new(EntryKind::Access, usual_retention()),
    };
    let read: Result<Sealed<()>, _> = Err(ReadError::Draft(ContentError::Value));
    let status = shared
        .commit(pending, read, |()| Settlement::Hit)
        .await
        .unwrap_err();
    assert_eq!(
        wire::status::failure_of(&status).reason.known(),
        Some(Reason::Internal)
    );
    let entry = shared
        .log
        .entry(&ReaderScope::Index, 0)
        .unwrap()
        .expect("the access is in the log");
    assert_eq!(entry.header.body.outcome.reason, Reason::Internal.name());
}

#[tokio::test]
async fn more_calls_at_once_than_the_log_takes_are_told_to_come_back() {
    let shared = shared();
    let mut slots = Vec::new();
    let status = loop {
        assert!(slots.len() < 1_000_000, "the log takes no end of calls");
        match shared.reserve() {
            Ok(slot) => slots.push(slot),
            Err(status) => break status,
        }
    };
    let failure = wire::status::failure_of(&status);
    assert_eq!(failure.reason.known(), Some(Reason::Busy));
    assert!(failure.details.retry_after().is_some());
    slots.pop();
    assert!(shared.reserve().is_ok(), "there is a place again");
}
