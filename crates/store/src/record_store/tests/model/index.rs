//! The index: the product's store over files that fail on command, and what the model knows of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use registry::change::{Change, ChangeBody};
use registry::digest::{Bucket, CardDigest};
use registry::identifier::LocalId;
use registry::linking::RegionKey;
use registry::municipality::MunicipalityId;
use registry::publication::{
    Accepted, Allowance, Batch, Claim, DailyLimits, Epoch, Refusal, Verdict, Watermark,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::people::{self, PERSONS, QUESTIONS, code, street_of};
use super::{Keys, MUNICIPALITIES};
use crate::files::faulty::{Fault, FaultyFiles};
use crate::keys::encryption_key::KeyEncryptionKey;
use crate::keys::ring::KeyRing;
use crate::linker::Linker;
use crate::publisher::{Acknowledged, NewLine, PublishError, Standing};
use crate::record_store::{Engine, JournaledStore, RecordStore, StoreSettings, named_secret};
use crate::rows::CommitSequence;
use crate::test_support::CountingEntropy;
use crate::test_support::people::{day, local_id, municipality};
use crate::test_support::world::{Kind, NEVER, NOW_MS, SEGMENTS, check_houses, check_names, verified};

/// How the next writing fails.
#[derive(Clone, Copy, Debug)]
pub(super) enum Failing {
    WriteLost,
    WriteShort(usize),
    WriteDone,
    SyncLost,
    SyncDone,
}

/// What the model knows of the index: its journal, and how it counts each municipality's changes.
#[derive(Clone)]
struct Known {
    /// Every accepted change, in order, with its municipality.
    journal: Vec<(usize, Change)>,
    lines: Vec<Line>,
}

#[derive(Clone, Default)]
struct Line {
    epoch: Option<Epoch>,
    /// The changes up to the watermark.
    held: Vec<Change>,
    /// Batches of this epoch.
    batches: Vec<Accepted>,
}

/// A copy of the index's files, and what is in them.
struct Backup {
    journal: FaultyFiles,
    keys: FaultyFiles,
    known: Known,
    generation: u32,
}

pub(super) struct Index {
    kind: Kind,
    directory: TempDir,
    journal: FaultyFiles,
    keys: FaultyFiles,
    entropy: Arc<CountingEntropy>,
    runtime: Runtime,
    store: Option<JournaledStore>,
    ring: Arc<KeyRing>,
    known: Known,
    backups: Vec<Backup>,
    /// Real acknowledgements, with the keys' generation.
    claims: Vec<(u32, usize, Claim)>,
    generation: u32,
    epochs: u8,
    /// Times that the index lost something, and lines that an administrator began.
    pub(super) reasons: u32,
    begun: [u32; MUNICIPALITIES],
    accepted: [u32; MUNICIPALITIES],
    now_ms: u64,
    seed: u64,
}

impl Failing {
    /// Lets the next write or sync fail.
    pub(super) fn inject(self, files: &FaultyFiles) {
        files.inject(match self {
            Self::WriteLost => Fault::WriteLost(files.writes()),
            Self::WriteShort(bytes) => Fault::WriteShort(files.writes(), bytes),
            Self::WriteDone => Fault::WritePersisted(files.writes()),
            Self::SyncLost => Fault::SyncLost(files.syncs()),
            Self::SyncDone => Fault::SyncPersisted(files.syncs()),
        });
    }
}

fn id(at: usize) -> MunicipalityId {
    municipality(code(at))
}

impl Index {
    pub(super) fn new(kind: Kind) -> Self {
        let keys = FaultyFiles::default();
        let entropy = Arc::new(CountingEntropy::default());
        let mut index = Self {
            kind,
            directory: tempfile::tempdir().unwrap(),
            journal: FaultyFiles::default(),
            ring: open_ring(&keys, &entropy),
            keys,
            entropy,
            runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
            store: None,
            known: Known {
                journal: Vec::new(),
                lines: vec![Line::default(); MUNICIPALITIES],
            },
            backups: Vec::new(),
            claims: Vec::new(),
            generation: 0,
            epochs: 0,
            reasons: 0,
            begun: [0; MUNICIPALITIES],
            accepted: [0; MUNICIPALITIES],
            now_ms: NOW_MS,
            seed: 0,
        };
        index.open();
        index
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Time goes by.
    pub(super) fn tick(&mut self) {
        self.now_ms += 1;
    }

    fn store(&self) -> &JournaledStore {
        self.store.as_ref().expect("the index runs")
    }

    fn open(&mut self) {
        self.ring = open_ring(&self.keys, &self.entropy);
        let engine = match self.kind {
            Kind::Memory => Engine::Memory,
            Kind::Sled => Engine::Sled {
                directory: self.directory.path().join("rows"),
                cache_bytes: 1 << 20,
            },
        };
        let settings = StoreSettings {
            segments: SEGMENTS,
            sync_interval: NEVER,
            daily_limits: unlimited(),
            engine,
        };
        let files = Arc::new(self.journal.clone());
        let opened = JournaledStore::open(files, Arc::clone(&self.ring), self.entropy.as_ref(), &settings);
        self.store = Some(opened.unwrap().0);
        for at in 0..MUNICIPALITIES {
            if self.known.lines[at].epoch.is_none() {
                self.known.lines[at].epoch = Some(self.store().epoch(id(at)));
            }
        }
        self.check(&[self.known.journal.len() as u64]);
    }

    pub(super) fn restart(&mut self) {
        self.store().close();
        self.store = None;
        self.journal = self.journal.after_kill();
        self.open();
    }

    pub(super) fn kill(&mut self) {
        let journal = self.journal.after_kill();
        self.store = None;
        self.journal = journal;
        self.open();
    }

    pub(super) fn cut(&mut self, seed: u64) {
        let (journal, keys) = (self.journal.crash_image(seed), self.keys.crash_image(seed));
        self.store = None;
        (self.journal, self.keys) = (journal, keys);
        self.open();
    }

    pub(super) fn fail(&mut self, failing: Failing, seed: u64) {
        self.seed = seed;
        failing.inject(&self.journal);
    }

    pub(super) fn back_up(&mut self) {
        self.backups.push(Backup {
            journal: self.journal.after_kill(),
            keys: self.keys.after_kill(),
            known: self.known.clone(),
            generation: self.generation,
        });
    }

    /// Puts a backup in the place of the files. Its engine is left as it is, as whoever restores a journal alone would.
    pub(super) fn restore(&mut self, which: usize) {
        if self.backups.is_empty() {
            return;
        }
        let backup = &self.backups[which % self.backups.len()];
        let (journal, keys) = (backup.journal.after_kill(), backup.keys.after_kill());
        (self.known, self.generation) = (backup.known.clone(), backup.generation);
        self.store = None;
        (self.journal, self.keys) = (journal, keys);
        self.reasons += 1;
        self.open();
    }

    pub(super) fn empty(&mut self, keys: Keys) {
        self.store = None;
        self.journal = FaultyFiles::default();
        if keys == Keys::Lost {
            self.keys = FaultyFiles::default();
            self.generation += 100;
        }
        self.known = Known {
            journal: Vec::new(),
            lines: vec![Line::default(); MUNICIPALITIES],
        };
        self.reasons += 1;
        self.open();
    }

    /// The process ends where a writing failed, and starts again over what the disk then holds.
    fn crashed(&mut self) {
        let seed = self.seed;
        let (journal, keys) = (self.journal.crash_image(seed), self.keys.after_kill());
        self.store = None;
        (self.journal, self.keys) = (journal, keys);
        self.ring = open_ring(&self.keys, &self.entropy);
    }

    fn fresh_epoch(&mut self) -> Epoch {
        self.epochs = self.epochs.checked_add(1).expect("a story has fewer epochs");
        Epoch([self.epochs; 16])
    }

    pub(super) fn held(&self, at: usize) -> &[Change] {
        &self.known.lines[at].held
    }

    /// A node opens a stream; nothing when the index fails meanwhile.
    pub(super) fn open_stream(&mut self, at: usize, claim: Option<Claim>) -> Option<Standing> {
        let lost = claim.filter(|claim| self.store().judge(id(at), claim) == Verdict::Lost);
        if let Some(claim) = lost {
            self.begin(at, NewLine::Claimed(claim))?;
        }
        let standing = self.store().standing(id(at), self.now_ms);
        let real = |claim: &Claim| {
            let known = (self.generation, at, *claim);
            self.claims.contains(&known)
        };
        if let Some(claim) = claim.filter(real)
            && claim.epoch == standing.epoch
        {
            assert!(
                claim.watermark <= standing.watermark,
                "the index goes on as if nothing had been lost"
            );
        }
        self.note(at, standing.epoch, standing.watermark, standing.proof);
        Some(standing)
    }

    /// An administrator accepts a journal as it is up to a change.
    pub(super) fn accept_journal(&mut self, at: usize, end: u64) -> Option<Standing> {
        self.reasons += 1;
        self.accepted[at] += 1;
        self.begin(at, NewLine::ShorterJournal(Watermark(end)))?;
        Some(self.store().standing(id(at), self.now_ms))
    }

    /// Somebody shows an acknowledgement of before; it may have been anybody's.
    pub(super) fn show_again(&mut self, which: usize) {
        let mine: Vec<_> = self
            .claims
            .iter()
            .filter(|(generation, _, _)| *generation == self.generation)
            .copied()
            .collect();
        if !mine.is_empty() {
            let (_, at, claim) = mine[which % mine.len()];
            self.open_stream(at, Some(claim));
        }
    }

    fn begin(&mut self, at: usize, reason: NewLine) -> Option<()> {
        let (epoch, before) = (self.fresh_epoch(), self.store().standing(id(at), self.now_ms));
        let begun = self
            .runtime
            .block_on(self.store().begin_line(id(at), epoch, reason, self.now_ms));
        let failed = match begun {
            Ok(_) => false,
            Err(PublishError::Stopped) => true,
            Err(other) => panic!("{other}"),
        };
        let line = match reason {
            NewLine::Claimed(_) => before.watermark,
            NewLine::ShorterJournal(end) => end,
        };
        if failed {
            self.crashed();
            // Whether it was durable before the failure, only the journal knows.
            let peek = self.peek();
            if peek.epoch(id(at)) == before.epoch {
                drop(peek);
                self.open();
                return None;
            }
            drop(peek);
        }
        if failed || self.store().epoch(id(at)) != before.epoch {
            self.begun[at] += 1;
            let held = &mut self.known.lines[at];
            held.epoch = Some(epoch);
            held.batches.clear();
            held.held.truncate(usize::try_from(line.0).unwrap());
        }
        if failed {
            self.open();
            return None;
        }
        Some(())
    }

    /// The store as it opens, without its checks.
    fn peek(&self) -> JournaledStore {
        let settings = StoreSettings {
            segments: SEGMENTS,
            sync_interval: NEVER,
            daily_limits: unlimited(),
            engine: Engine::Memory,
        };
        let files = Arc::new(self.journal.after_kill());
        let keys = open_ring(&self.keys.after_kill(), &self.entropy);
        JournaledStore::open(files, keys, self.entropy.as_ref(), &settings)
            .unwrap()
            .0
    }

    /// A batch arrives. Nothing when the index fails over it.
    pub(super) fn receive(&mut self, at: usize, batch: &Batch) -> Option<Result<Acknowledged, Refusal>> {
        let expected = self.expected(at, batch);
        let answer = self
            .runtime
            .block_on(self.store().publish(verified(batch.clone()), self.now_ms));
        let taken = |index: &mut Self| {
            let line = &mut index.known.lines[at];
            line.batches.push(Accepted {
                first_sequence: batch.first_sequence(),
                last_sequence: batch.last_sequence(),
                content: batch.content_id(),
            });
            for change in batch.changes() {
                line.held.push(change.clone());
                index.known.journal.push((at, change.clone()));
            }
        };
        match answer {
            Ok(acknowledged) => {
                match expected {
                    Ok(Arrival::New) => taken(self),
                    Ok(Arrival::Repeated) => {}
                    Err(refusal) => panic!("the index took a batch that it must refuse: {refusal}"),
                }
                let held = self.known.lines[at].held.len() as u64;
                assert_eq!(acknowledged.watermark, Watermark(held));
                let spoiled: Vec<u64> = batch
                    .changes()
                    .iter()
                    .filter(|change| is_spoiled(change))
                    .map(|change| change.sequence)
                    .collect();
                let told: Vec<u64> = acknowledged.rejections.iter().map(|kept| kept.sequence).collect();
                assert_eq!(told, spoiled);
                self.note(at, batch.epoch(), acknowledged.watermark, acknowledged.proof);
                Some(Ok(acknowledged))
            }
            Err(PublishError::Refused(refusal)) => {
                assert_eq!(expected.err(), Some(refusal));
                Some(Err(refusal))
            }
            Err(PublishError::Stopped) => {
                self.crashed();
                let durable = self.peek().standing(id(at), self.now_ms).watermark.0;
                if durable != self.known.lines[at].held.len() as u64 {
                    assert_eq!((expected, durable), (Ok(Arrival::New), batch.last_sequence()));
                    taken(self);
                }
                self.open();
                None
            }
            Err(
                other @ (PublishError::Busy | PublishError::UnknownMunicipality | PublishError::Withdrawn),
            ) => panic!("{other}"),
        }
    }

    /// What the protocol says of a batch, from first principles.
    fn expected(&self, at: usize, batch: &Batch) -> Result<Arrival, Refusal> {
        let line = &self.known.lines[at];
        let next = line.held.len() as u64 + 1;
        let first = batch.first_sequence();
        if Some(batch.epoch()) != line.epoch {
            return Err(Refusal::WrongEpoch);
        }
        if next < first {
            return Err(Refusal::Gap { expected: next });
        }
        if next == first {
            return Ok(Arrival::New);
        }
        let remembered = line.batches.first().map(|batch| batch.first_sequence);
        if remembered.is_none_or(|remembered| first < remembered) {
            let watermark = Watermark(next - 1);
            return Err(Refusal::Stale { watermark });
        }
        let same = line
            .batches
            .iter()
            .any(|known| known.first_sequence == first && known.content == batch.content_id());
        if same {
            Ok(Arrival::Repeated)
        } else {
            Err(Refusal::Conflict { sequence: first })
        }
    }

    fn note(
        &mut self,
        at: usize,
        epoch: Epoch,
        watermark: Watermark,
        proof: registry::publication::AcknowledgementProof,
    ) {
        let claim = Claim {
            epoch,
            watermark,
            proof,
        };
        self.claims.push((self.generation, at, claim));
    }

    /// What holds at every moment.
    pub(super) fn check_now(&self) {
        for at in 0..MUNICIPALITIES {
            let standing = self.store().standing(id(at), self.now_ms);
            let line = &self.known.lines[at];
            assert_eq!(Some(standing.epoch), line.epoch);
            assert_eq!(standing.watermark, Watermark(line.held.len() as u64));
            assert_eq!(standing.last, line.batches.last().copied());
            let losses = self.reasons - self.accepted.iter().sum::<u32>();
            assert!(
                self.begun[at] <= losses + self.accepted[at],
                "more epochs than reasons"
            );
        }
    }

    /// Compares what is served as of some changes, and the counts, with the model.
    fn check(&self, moments: &[u64]) {
        let store = self.store();
        assert_eq!(store.visible(), CommitSequence(self.known.journal.len() as u64));
        let linker = Linker::new(RegionKey::new(&named_secret(&self.ring, "store/region").unwrap()));
        for &moment in moments {
            let served = self.served_at(usize::try_from(moment).unwrap());
            for at in 0..MUNICIPALITIES {
                for person in 0..PERSONS {
                    let local_id = local_id(&format!("{at}-{person}"));
                    let record = linker.record_id(id(at), &local_id);
                    let card = store.projection.card_at(record, CommitSequence(moment)).unwrap();
                    let card = card.and_then(|card| card.record);
                    assert!(
                        card.as_ref() == served.get(&local_id).copied(),
                        "{local_id} as of {moment}"
                    );
                }
            }
        }
        self.check_now();
    }

    /// The cards served when so many changes had been recorded.
    fn served_at(&self, moment: usize) -> BTreeMap<LocalId, &registry::record::Record> {
        let mut served = BTreeMap::new();
        for (_, change) in &self.known.journal[..moment] {
            match &change.body {
                ChangeBody::Upsert(_) if is_spoiled(change) => {}
                ChangeBody::Upsert(card) => {
                    served.insert(change.local_id.clone(), card.as_ref());
                }
                ChangeBody::Remove => {
                    served.remove(&change.local_id);
                }
            }
        }
        served
    }

    /// Compares everything: each version as of each change, and each day of each version.
    pub(super) fn check_history(&mut self, plain: &dyn Fn(&Change) -> Option<people::Plain>) {
        self.restart();
        let all: Vec<u64> = (0..=self.known.journal.len() as u64).collect();
        self.check(&all);
        for (_, change) in &self.known.journal {
            if let (ChangeBody::Upsert(card), Some(plain)) = (&change.body, plain(change)) {
                for question in QUESTIONS.map(day) {
                    let expected = plain.street_on(question).map(str::to_owned);
                    assert_eq!(street_of(card, question), expected);
                }
            }
        }
    }

    /// The store, when the rows of everything acknowledged are written: the writer answers before it writes them, and
    /// takes what it is given in turn.
    pub(super) fn settled(&self) -> &JournaledStore {
        let nothing = NewLine::ShorterJournal(Watermark(u64::MAX));
        let asked = self
            .store()
            .begin_line(id(0), Epoch([0; 16]), nothing, self.now_ms);
        self.runtime.block_on(asked).unwrap();
        check_names(self.store());
        check_houses(self.store());
        self.store()
    }

    pub(super) fn municipality(at: usize) -> MunicipalityId {
        id(at)
    }

    pub(super) fn own_cards(&self, at: usize) -> BTreeMap<LocalId, CardDigest> {
        let every = (0..1024).filter_map(Bucket::new).collect();
        let cards = self.settled().own_cards(id(at), &every, None, 1_000).unwrap();
        cards.into_iter().collect()
    }
}

/// What is to become of a batch that is not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arrival {
    New,
    Repeated,
}

/// Nothing waits for a registrar here: these stories are about what is acknowledged.
fn unlimited() -> DailyLimits {
    let all = Allowance {
        at_least: u32::MAX,
        per_mille: 0,
    };
    DailyLimits {
        departures: all,
        identifiers: all,
        arrivals: all,
    }
}

/// Whether the index must keep a change aside.
fn is_spoiled(change: &Change) -> bool {
    match &change.body {
        ChangeBody::Upsert(card) => card.generalities.birth_date.year() == 2199,
        ChangeBody::Remove => false,
    }
}

fn open_ring(files: &FaultyFiles, entropy: &Arc<CountingEntropy>) -> Arc<KeyRing> {
    let key = KeyEncryptionKey::from_bytes(&[5; 32]);
    Arc::new(
        KeyRing::open(
            Arc::new(files.clone()),
            key,
            Arc::<CountingEntropy>::clone(entropy),
        )
        .unwrap(),
    )
}
