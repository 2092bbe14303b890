//! A record store with all that it stands on: journal, keys, an engine, and the log through which answers leave.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agreement::claim::{Claim, ResidenceClaim};
use ledger::checkpoint::LogSigner;
use ledger::header::EntryKind;
use ledger::name::Origin;
use ledger::part::PartKind;
use registry::change::{Change, ChangeBody};
use registry::codice_fiscale::TaxCode;
use registry::matching::PersonQuery;
use registry::publication::{Batch, DailyLimits, SignedBatch, VerifiedBatch};
use registry::record::Record;
use registry::signing::SigningKey;
use registry::statement::{Act, RegistrarId, Stated, Statement, Withdrawal};
use tempfile::TempDir;

use crate::access_log::draft::{EntryDraft, Sealed};
use crate::access_log::part_content::{DecisionPart, PartContent, SubjectsPart};
use crate::access_log::reading::{OpenedEntry, OpenedPart, ReaderScope};
use crate::access_log::retention::Retention;
use crate::access_log::start::{LogFiles, LogParameters};
use crate::access_log::{AccessLog, LogSettings};
use crate::files::faulty::FaultyFiles;
use crate::keys::encryption_key::KeyEncryptionKey;
use crate::keys::ring::KeyRing;
use crate::publisher::order::{Done, Order, OrderError};
use crate::publisher::{Acknowledged, PublishError};
use crate::record_store::answer::{
    HouseholdAnswer, PersonAnswer, Question, ResidentsAnswer, SearchAnswer, VerificationOutcome,
};
use crate::record_store::{Engine, JournaledStore, OpenError, OpenReport, RecordStore, StoreSettings};
use crate::segment::{Settings, preparation::Preparation};
use crate::test_support::CountingEntropy;
use crate::test_support::people::{self, istat, local_id};
use crate::test_support::permits::Ask;

/// 2 March 2026, 10:00 UTC.
pub(crate) const NOW_MS: u64 = 1_772_445_600_000;

/// Longer than any test.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

/// Small segments, made in a fixed order.
pub(crate) const SEGMENTS: Settings = Settings {
    segment_bytes: 256 << 10,
    preparation: Preparation::Inline,
};

/// Which engine a story runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Memory,
    Sled,
}

/// Runs a story on every engine.
#[track_caller]
pub(crate) fn on_every_engine(story: impl Fn(&World)) {
    for kind in [Kind::Memory, Kind::Sled] {
        story(&World::new(kind));
    }
}

/// Journal, keys, engine and log; stores are opened over them.
pub(crate) struct World {
    pub(crate) journal: FaultyFiles,
    pub(crate) keys: FaultyFiles,
    entropy: Arc<CountingEntropy>,
    kind: Kind,
    directory: Arc<TempDir>,
    log: AccessLog,
    published: Mutex<BTreeMap<String, u64>>,
    pub(crate) daily_limits: DailyLimits,
}

/// An answer with the entry under which it left.
pub(crate) struct Told<T> {
    pub(crate) answer: T,
    entry: OpenedEntry,
}

impl<T> Told<T> {
    /// What the caller was told.
    pub(crate) fn outcome(&self) -> (u16, &str) {
        let outcome = &self.entry.header.body.outcome;
        (outcome.code, &outcome.reason)
    }

    /// How many subjects the entry names.
    pub(crate) fn subjects(&self) -> usize {
        let counted = self.entry.parts.iter().filter_map(|part| match part {
            OpenedPart::Shown(part) if matches!(part.kind, PartKind::Subjects(_)) => {
                Some(SubjectsPart::decode(&part.content).unwrap().subjects.len())
            }
            _ => None,
        });
        counted.sum()
    }

    /// What really happened.
    pub(crate) fn decision(&self) -> DecisionPart {
        let part = self.entry.parts.iter().find_map(|part| match part {
            OpenedPart::Shown(part) if part.kind == PartKind::Decision => Some(&part.content),
            _ => None,
        });
        DecisionPart::decode(part.unwrap()).unwrap()
    }
}

impl World {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            journal: FaultyFiles::default(),
            keys: FaultyFiles::default(),
            entropy: Arc::default(),
            kind,
            directory: Arc::new(tempfile::tempdir().unwrap()),
            log: open_log(),
            published: Mutex::default(),
            daily_limits: DailyLimits::default(),
        }
    }

    /// The same store on other disks, as after a crash; an engine on disk is the same one.
    pub(crate) fn on(&self, journal: FaultyFiles) -> Self {
        Self {
            journal,
            keys: self.keys.after_kill(),
            entropy: Arc::clone(&self.entropy),
            kind: self.kind,
            directory: Arc::clone(&self.directory),
            log: open_log(),
            published: Mutex::new(self.published.lock().unwrap().clone()),
            daily_limits: self.daily_limits,
        }
    }

    /// A new engine over the same journal.
    pub(crate) fn with_fresh_engine(&self, kind: Kind) -> Self {
        let fresh = self.on(self.journal.after_kill());
        Self {
            kind,
            directory: Arc::new(tempfile::tempdir().unwrap()),
            ..fresh
        }
    }

    /// The engine's files of another over this journal.
    pub(crate) fn with_engine_of(self, other: &Self) -> Self {
        Self {
            kind: other.kind,
            directory: Arc::clone(&other.directory),
            ..self
        }
    }

    /// The same index after its journal was lost: it has its keys and holds nothing.
    pub(crate) fn emptied(&self, kind: Kind) -> Self {
        Self {
            kind,
            directory: Arc::new(tempfile::tempdir().unwrap()),
            published: Mutex::default(),
            ..self.on(FaultyFiles::default())
        }
    }

    pub(crate) fn is_memory(&self) -> bool {
        self.kind == Kind::Memory
    }

    pub(crate) fn engine_directory(&self) -> PathBuf {
        self.directory.path().join("rows")
    }

    /// Where a damaged engine goes.
    pub(crate) fn directory_aside(&self) -> PathBuf {
        self.directory.path().join("rows.damaged")
    }

    pub(crate) fn ring(&self) -> Arc<KeyRing> {
        let key = KeyEncryptionKey::from_bytes(&[5; 32]);
        Arc::new(KeyRing::open(Arc::new(self.keys.clone()), key, self.entropy.clone()).unwrap())
    }

    /// The secret from which stores of this world make the ids of cards.
    pub(crate) fn region_secret(&self) -> [u8; 32] {
        crate::record_store::named_secret(&self.ring(), "store/region").unwrap()
    }

    pub(crate) fn try_open(
        &self,
        sync_interval: Duration,
    ) -> Result<(JournaledStore, OpenReport), OpenError> {
        self.open_on(self.ring(), sync_interval)
    }

    /// A store that syncs its engine only when it is closed.
    pub(crate) fn open(&self) -> JournaledStore {
        self.open_with(&self.ring())
    }

    pub(crate) fn open_with(&self, ring: &Arc<KeyRing>) -> JournaledStore {
        self.open_on(Arc::clone(ring), NEVER).unwrap().0
    }

    fn open_on(
        &self,
        ring: Arc<KeyRing>,
        sync_interval: Duration,
    ) -> Result<(JournaledStore, OpenReport), OpenError> {
        let engine = match self.kind {
            Kind::Memory => Engine::Memory,
            Kind::Sled => Engine::Sled {
                directory: self.engine_directory(),
                cache_bytes: 4 << 20,
            },
        };
        let settings = StoreSettings {
            segments: SEGMENTS,
            sync_interval,
            daily_limits: self.daily_limits,
            engine,
        };
        JournaledStore::open(
            Arc::new(self.journal.clone()),
            ring,
            self.entropy.as_ref(),
            &settings,
        )
    }

    /// Publishes changes under the next numbers of their municipality.
    pub(crate) fn publish(
        &self,
        store: &JournaledStore,
        municipality: &str,
        changes: Vec<(&str, Option<Record>)>,
    ) -> Result<Acknowledged, PublishError> {
        let first = self
            .published
            .lock()
            .unwrap()
            .get(municipality)
            .map_or(1, |last| last + 1);
        let batch = batch(store, municipality, first, changes);
        let last = batch.batch().last_sequence();
        let acknowledged = wait(store.publish(batch, NOW_MS))?;
        self.published
            .lock()
            .unwrap()
            .insert(municipality.to_owned(), last);
        settled(store, municipality);
        Ok(acknowledged)
    }

    /// Publishes cards, each under its own number.
    pub(crate) fn publish_cards(
        &self,
        store: &JournaledStore,
        municipality: &str,
        cards: impl IntoIterator<Item = Record>,
    ) {
        let cards: Vec<Record> = cards.into_iter().collect();
        let numbers: Vec<String> = cards
            .iter()
            .map(|card| card.local_id.as_str().to_owned())
            .collect();
        let changes = numbers
            .iter()
            .map(String::as_str)
            .zip(cards.into_iter().map(Some));
        self.publish(store, municipality, changes.collect()).unwrap();
    }

    /// Publishes cards, and a registrar confirms what waits of their municipality.
    pub(crate) fn publish_confirmed(
        &self,
        store: &JournaledStore,
        municipality: &str,
        cards: impl IntoIterator<Item = Record>,
    ) {
        self.publish_cards(store, municipality, cards);
        self.confirm(store, municipality);
    }

    /// A registrar confirms what waits of a municipality, where anything does.
    pub(crate) fn confirm(&self, store: &JournaledStore, code: &str) {
        self.state(store, code, Act::Release);
    }

    /// A registrar states what becomes of what waits of a municipality, where anything does.
    pub(crate) fn state(&self, store: &JournaledStore, code: &str, act: Act) {
        let id = people::municipality(code);
        let holdings = store.municipality(id).unwrap().holdings;
        if holdings.held().is_empty() {
            return;
        }
        let key = SigningKey::from_seed(&[6; 32]).unwrap();
        let statement = Statement {
            act,
            municipality: istat(code),
            epoch: store.epoch(id),
            changes: u32::try_from(holdings.held().len()).unwrap(),
            digest: holdings.digest(),
        };
        let registrar = RegistrarId::parse("m.rossi").unwrap();
        let statement = statement.sign(registrar, &key).verify(&key.verifying_key());
        let order = Order::Confirm {
            municipality: id,
            statement: statement.unwrap(),
        };
        wait(store.order(order, NOW_MS)).unwrap();
    }

    /// A registrar states that a municipality leaves.
    pub(crate) fn withdraw(&self, store: &JournaledStore, code: &str) -> Result<Done, OrderError> {
        wait(store.order(withdrawal(store, code), NOW_MS))
    }

    pub(crate) fn person(&self, store: &JournaledStore, ask: Ask, question: &Question) -> Told<PersonAnswer> {
        self.tell(wait(store.lookup_person(&ask.permit(), question, draft())).unwrap())
    }

    pub(crate) fn household(
        &self,
        store: &JournaledStore,
        ask: Ask,
        question: &Question,
    ) -> Told<HouseholdAnswer> {
        self.tell(wait(store.lookup_household(&ask.permit(), question, draft())).unwrap())
    }

    pub(crate) fn residents(
        &self,
        store: &JournaledStore,
        ask: Ask,
        address: &ResidenceClaim,
    ) -> Told<ResidentsAnswer> {
        self.tell(wait(store.lookup_address_residents(&ask.permit(), address, draft())).unwrap())
    }

    pub(crate) fn search(&self, store: &JournaledStore, ask: Ask, query: &PersonQuery) -> Told<SearchAnswer> {
        self.tell(wait(store.search_persons(&ask.permit(), query, draft())).unwrap())
    }

    pub(crate) fn verify(
        &self,
        store: &JournaledStore,
        ask: Ask,
        question: &Question,
        claim: &Claim,
    ) -> Told<VerificationOutcome> {
        self.tell(wait(store.verify(&ask.permit(), question, claim, draft())).unwrap())
    }

    pub(crate) fn tell<T>(&self, sealed: Sealed<T>) -> Told<T> {
        let (answer, committed) = wait(self.log.commit(self.log.reserve().unwrap(), sealed)).unwrap();
        let place = committed.index()..committed.index() + 1;
        let entry = self.log.entries(&ReaderScope::Index, place, 1).unwrap().remove(0);
        Told { answer, entry }
    }
}

/// The order that a municipality leaves, as a registrar has signed it.
pub(crate) fn withdrawal(store: &JournaledStore, code: &str) -> Order {
    let id = people::municipality(code);
    let key = SigningKey::from_seed(&[6; 32]).unwrap();
    let withdrawal = Stated::Withdrawal(Withdrawal {
        municipality: istat(code),
        epoch: store.epoch(id),
    });
    let signed = withdrawal.sign(RegistrarId::parse("m.rossi").unwrap(), &key);
    Order::Withdraw {
        municipality: id,
        statement: signed.verify_withdrawal(&key.verifying_key()).unwrap(),
    }
}

pub(crate) fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// A draft as the index makes it, but for what the store adds.
pub(crate) fn draft() -> EntryDraft {
    EntryDraft::new(EntryKind::Access, Retention::months(24).unwrap())
}

/// The key of every municipality of the tests.
pub(crate) fn publication_key() -> SigningKey {
    SigningKey::from_seed(&[8; 32]).unwrap()
}

/// A batch as the index takes it after a look at its signature.
pub(crate) fn verified(batch: Batch) -> VerifiedBatch {
    let key = publication_key();
    VerifiedBatch::verify(SignedBatch::sign(batch, &key), &key.verifying_key()).unwrap()
}

/// A batch of changes numbered from `first`; `None` removes a card.
pub(crate) fn batch(
    store: &JournaledStore,
    municipality: &str,
    first: u64,
    changes: Vec<(&str, Option<Record>)>,
) -> VerifiedBatch {
    let changes = changes
        .into_iter()
        .zip(first..)
        .map(|((number, card), sequence)| Change {
            sequence,
            local_id: local_id(number),
            body: card.map_or(ChangeBody::Remove, |card| ChangeBody::Upsert(Box::new(card))),
            events: Vec::new(),
        })
        .collect();
    let now_ms = i64::try_from(NOW_MS).unwrap();
    let epoch = store.epoch(people::municipality(municipality));
    verified(Batch::new(istat(municipality), epoch, first, changes, now_ms).unwrap())
}

/// The person with this codice fiscale.
pub(crate) fn who_has(code: TaxCode) -> Question {
    Question::TaxCode(code)
}

/// Every row of a store but the mark of the last sync. Whenever they are looked at, the name index and what leads from
/// houses must be theirs.
pub(crate) fn rows_of(store: &JournaledStore) -> Vec<(Vec<u8>, Vec<u8>)> {
    check_names(store);
    check_houses(store);
    let mut rows = Vec::new();
    store
        .every_row(&mut |key, value| rows.push((key.to_vec(), value.to_vec())))
        .unwrap();
    rows
}

/// Waits until what was acknowledged is visible: the writer answers before it writes rows. It takes submissions in
/// turn, so one that it must refuse is answered only after them.
pub(crate) fn settled(store: &JournaledStore, municipality: &str) {
    let gap = batch(store, municipality, u64::from(u32::MAX), vec![("0", None)]);
    wait(store.publish(gap, NOW_MS)).unwrap_err();
    check_names(store);
    check_houses(store);
}

/// From each house to the cards, now, that name it, and to no others: what would be led to from the cards as they are served.
#[track_caller]
pub(crate) fn check_houses(store: &JournaledStore) {
    let projection = store.projection();
    assert_eq!(
        projection.houses_of_rows().unwrap(),
        projection.houses_of_cards().unwrap()
    );
}

/// The name index goes up to what is visible and is the one that would be filled from the rows.
#[track_caller]
pub(crate) fn check_names(store: &JournaledStore) {
    let projection = store.projection();
    assert_eq!(projection.names().read().through(), projection.visible());
    assert!(projection.names().contents() == projection.names_of_rows().unwrap());
}

fn open_log() -> AccessLog {
    let parameters = LogParameters {
        files: LogFiles {
            log: Arc::new(FaultyFiles::default()),
            hashes: Arc::new(FaultyFiles::default()),
            copy: Arc::new(FaultyFiles::default()),
        },
        signer: LogSigner::from_seed(Origin::new("registro.example.it/accessi/1").unwrap(), &[7; 32])
            .unwrap(),
        ring: Arc::new(
            KeyRing::open(
                Arc::new(FaultyFiles::default()),
                KeyEncryptionKey::from_bytes(&[5; 32]),
                Arc::new(CountingEntropy::default()),
            )
            .unwrap(),
        ),
        entropy: Arc::new(CountingEntropy::default()),
        clock: Arc::new(|| NOW_MS),
        witnessed: Vec::new(),
        on_fatal: Arc::new(|failure| panic!("the log failed: {failure:?}")),
    };
    let settings = LogSettings {
        segments: SEGMENTS,
        batch_bytes: 64 << 10,
        quiet: NEVER,
        ..LogSettings::default()
    };
    AccessLog::open(parameters, settings).unwrap().0
}
