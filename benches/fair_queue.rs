//! A single change of one municipality while others load: how long until it is acknowledged, against an idle index.
//!
//! ```text
//! cargo bench -p benches --bench fair_queue
//! ```
//!
//! The store over real files and sled, without the network: what is measured is the wait for the one writer. Each
//! loading municipality has one batch of 1,000 cards waiting at any time, as its node's stream has.
//! `PONTE_BENCH_CHANGES` (200) single changes; `PONTE_BENCH_DIRECTORY` names a directory on the disk to be measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use benches::measure::{Extent, median, setting};
use benches::people;
use benches::region::scratch;
use benches::report::{Bound, Budget};
use registry::change::{Change, ChangeBody};
use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use registry::publication::{Allowance, Batch, DailyLimits, SignedBatch, VerifiedBatch};
use registry::signing::SigningKey;
use store::files::system::SystemFiles;
use store::keys::Entropy;
use store::keys::encryption_key::KeyEncryptionKey;
use store::keys::ring::KeyRing;
use store::record_store::{Engine, JournaledStore, RecordStore, StoreSettings};
use store::segment::Settings;
use transport::clock::{Clock, SystemClock};
use transport::random::{Random, SystemRandom};

/// Municipalities that load, of which one or all do.
const LOADING: [&str; 4] = ["037032", "037025", "037007", "037012"];

/// The municipality with a single change now and then.
const SMALL: &str = "037014";

const ONE: Budget = Budget {
    what: "single change acknowledged while one municipality loads / idle, median",
    bound: Bound::AtMost,
    gate: 60.0,
    target: 30.0,
};

const FOUR: Budget = Budget {
    what: "single change acknowledged while four load / while one loads, median",
    bound: Bound::AtMost,
    gate: 6.0,
    target: 5.0,
};

#[derive(Debug)]
struct FromRandom;

impl Entropy for FromRandom {
    fn fill(&self, buffer: &mut [u8]) {
        SystemRandom.fill(buffer);
    }
}

/// Where a municipality's numbers stand.
struct Sender {
    code: IstatCode,
    key: SigningKey,
    sent: u64,
}

impl Sender {
    fn new(code: &str) -> Self {
        Self {
            code: IstatCode::parse(code).expect("a code"),
            key: SigningKey::from_seed(&[7; 32]).expect("every seed makes a key"),
            sent: 0,
        }
    }

    /// The next batch of so many new cards.
    fn next(&mut self, store: &JournaledStore, cards: u64) -> VerifiedBatch {
        let changes: Vec<Change> = (self.sent..self.sent + cards)
            .map(|number| {
                let mut change = people::change(number);
                if let ChangeBody::Upsert(card) = &mut change.body {
                    card.municipality = self.code;
                }
                change
            })
            .collect();
        let municipality = MunicipalityId::of_any(self.code).expect("a municipality");
        let now = SystemClock.now().timestamp_millis();
        let batch = Batch::new(self.code, store.epoch(municipality), self.sent + 1, changes, now);
        self.sent += cards;
        let signed = SignedBatch::sign(batch.expect("a batch"), &self.key);
        VerifiedBatch::verify(signed, &self.key.verifying_key()).expect("its own signature")
    }
}

#[expect(clippy::print_stdout, reason = "a comparison prints its table")]
fn main() {
    let Some(extent) = Extent::from_arguments() else {
        return;
    };
    let changes = setting("PONTE_BENCH_CHANGES", extent.choose(200, 5));
    let cards = extent.choose(1_000, 20);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .build()
        .expect("a runtime");
    let report = runtime.block_on(compare(changes, cards));
    println!("{}", extent.printed(&report));
}

async fn compare(changes: u64, cards: u64) -> String {
    let idle = latency(&[], changes, cards).await;
    let one = latency(&LOADING[..1], changes, cards).await;
    let four = latency(&LOADING, changes, cards).await;
    let ms = |seconds: f64| seconds * 1e3;
    [
        format!(
            "single change acknowledged, median: idle {:.2} ms, while one loads {:.1} ms, while four load {:.1} ms",
            ms(idle),
            ms(one),
            ms(four)
        ),
        ONE.line(one / idle),
        FOUR.line(four / one),
    ]
    .join("\n")
}

/// Median seconds until a single change is acknowledged while these municipalities load.
async fn latency(loading: &[&'static str], changes: u64, cards: u64) -> f64 {
    let directory = scratch();
    let files = |name: &str| Arc::new(SystemFiles::open(&directory.path().join(name)).expect("a directory"));
    let key = KeyEncryptionKey::from_bytes(&[3; 32]);
    let ring = KeyRing::open(files("keys"), key, Arc::new(FromRandom)).expect("a key ring");
    let everything = Allowance {
        at_least: u32::MAX,
        per_mille: 0,
    };
    let settings = StoreSettings {
        segments: Settings::default(),
        sync_interval: Duration::from_secs(5),
        daily_limits: DailyLimits {
            departures: everything,
            identifiers: everything,
            arrivals: everything,
        },
        engine: Engine::Sled {
            directory: directory.path().join("rows"),
            cache_bytes: 256 << 20,
        },
    };
    let opened = JournaledStore::open(files("journal"), Arc::new(ring), &FromRandom, &settings);
    let store = Arc::new(opened.expect("a store").0);
    let done = Arc::new(AtomicBool::new(false));
    let loaders: Vec<_> = loading
        .iter()
        .map(|code| {
            let (store, done, code) = (Arc::clone(&store), Arc::clone(&done), *code);
            tokio::spawn(async move {
                let mut sender = Sender::new(code);
                let mut next = sender.next(&store, cards);
                while !done.load(Ordering::Relaxed) {
                    let sent = store.publish(next, SystemClock.now_ms());
                    let (acknowledged, following) = tokio::join!(sent, async { sender.next(&store, cards) });
                    acknowledged.expect("it is taken");
                    next = following;
                }
            })
        })
        .collect();
    let mut small = Sender::new(SMALL);
    let mut took = Vec::new();
    for _ in 0..changes {
        let batch = small.next(&store, 1);
        let begun = Instant::now();
        store
            .publish(batch, SystemClock.now_ms())
            .await
            .expect("it is taken");
        took.push(begun.elapsed().as_secs_f64());
    }
    done.store(true, Ordering::Relaxed);
    for loader in loaders {
        loader.await.expect("it ends");
    }
    store.close();
    median(took)
}
