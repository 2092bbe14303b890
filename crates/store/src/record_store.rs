//! The record store: what the index holds of all municipalities, in the registry's and the agreements' terms.
//!
//! [`RecordStore`] is what the index is written against; [`JournaledStore`] is its implementation over the
//! publication journal and an engine. Reads for agencies demand a [`Permit`] and hand out nothing but
//! [`Sealed`] answers: the entry that tells of the access leaves together with what was read.

pub mod answer;
pub mod handle;
mod read;
mod subjects;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use agreement::permit::Permit;
use registry::linking::RegionKey;
use registry::municipality::MunicipalityId;
use registry::publication::{Batch, Epoch};
use tokio::sync::watch;

use crate::access_log::draft::{EntryDraft, Sealed};
use crate::files::{self, Files};
use crate::keys::ring::{KeyRing, RingError};
use crate::keys::{Entropy, KeyName};
use crate::kv::memory::Memory;
use crate::kv::sled_engine::SledEngine;
use crate::kv::{EngineError, KeyValue};
use crate::linker::Linker;
use crate::projection::{Projection, ProjectionError};
use crate::publication_journal::JournalError;
use crate::publisher::recovery::{Recovered, RecoveryError, Stale, recover};
use crate::publisher::{
    Acknowledged, MunicipalityState, PublishError, Publisher, States, Writer, WriterFailure,
};
use crate::record_store::answer::{HouseholdAnswer, PersonAnswer, Question, VerificationOutcome};
use crate::record_store::handle::HandleKeys;
use crate::record_store::read::Reader;
use crate::rows::CommitSequence;
use crate::segment::Settings;

/// File in which the index's epoch stands.
const EPOCH_FILE: &str = "epoch";

/// What the index asks of a store, whatever engine is under it.
pub trait RecordStore: Send + Sync + 'static {
    /// Journals a batch; when this answers, what was acknowledged is durable.
    fn publish(
        &self,
        batch: Batch,
        now_ms: u64,
    ) -> impl Future<Output = Result<Acknowledged, PublishError>> + Send;

    /// Looks a person up.
    fn lookup_person(
        &self,
        permit: &Permit,
        question: &Question,
        draft: EntryDraft,
    ) -> impl Future<Output = Result<Sealed<PersonAnswer>, ReadError>> + Send;

    /// Looks up the household of a person.
    fn lookup_household(
        &self,
        permit: &Permit,
        question: &Question,
        draft: EntryDraft,
    ) -> impl Future<Output = Result<Sealed<HouseholdAnswer>, ReadError>> + Send;

    /// Verifies a declaration about a person.
    fn verify(
        &self,
        permit: &Permit,
        question: &Question,
        claim: &agreement::claim::Claim,
        draft: EntryDraft,
    ) -> impl Future<Output = Result<Sealed<VerificationOutcome>, ReadError>> + Send;

    /// What is held of a municipality; `None` when it never published.
    fn municipality(&self, municipality: MunicipalityId) -> Option<MunicipalityState>;

    /// Every municipality that ever published, with when its last batch was recorded (Unix milliseconds).
    fn received(&self) -> BTreeMap<MunicipalityId, u64>;

    /// When the municipality's last batch was recorded, Unix milliseconds.
    fn received_ms(&self, municipality: MunicipalityId) -> Option<u64>;

    /// The earliest of those times among the municipalities that `within` admits.
    fn oldest_received_ms(&self, within: &dyn Fn(MunicipalityId) -> bool) -> Option<u64>;

    /// The epoch under which watermarks are counted.
    fn epoch(&self) -> Epoch;

    /// The last change that answers show.
    fn visible(&self) -> CommitSequence;
}

/// Why a reading failed. Nothing was disclosed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The rows.
    #[error(transparent)]
    Rows(#[from] ProjectionError),
    /// The entry cannot be drafted.
    #[error("the entry of the access cannot be drafted")]
    Draft(#[from] crate::access_log::part_content::ContentError),
}

/// Which engine holds the rows.
#[derive(Clone, Debug)]
pub enum Engine {
    /// sled.
    Sled {
        /// Directory of the engine.
        directory: PathBuf,
        /// Page cache, bytes; as large as the data, or loading slows down.
        cache_bytes: u64,
    },
    /// The double: filled from the journal at each start.
    Memory,
}

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// Segments of the journal.
    pub segments: Settings,
    /// Time between two sync points.
    pub sync_interval: Duration,
    /// The engine.
    pub engine: Engine,
}

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The journal, which is the truth, cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Even a fresh engine, filled from the journal, does not hold what it should.
    #[error("the record store cannot be made from its journal")]
    Rebuild(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The key ring.
    #[error(transparent)]
    Keys(#[from] RingError),
    /// Rows of a fresh engine.
    #[error(transparent)]
    Rows(#[from] ProjectionError),
    /// Files beside the journal.
    #[error("the files of the record store cannot be read or written")]
    Files(#[from] std::io::Error),
    /// The file of the epoch does not have 16 bytes.
    #[error("the file of the epoch is damaged")]
    Epoch,
}

/// What opening found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenReport {
    /// Changes in the journal.
    pub changes: u64,
    /// Changes that were applied again.
    pub replayed: u64,
    /// Whether the engine's rows were thrown away and made again.
    pub rebuilt: bool,
}

/// The store over journal and engine.
#[derive(Debug)]
pub struct JournaledStore {
    projection: Arc<Projection>,
    publisher: Publisher,
    states: States,
    epoch: Epoch,
    reader: Reader,
}

impl JournaledStore {
    /// Opens the store of a directory and proves that its rows are what the journal says.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(
        files: Arc<dyn Files>,
        keys: Arc<KeyRing>,
        entropy: &dyn Entropy,
        settings: &StoreSettings,
    ) -> Result<(Self, OpenReport), OpenError> {
        let epoch = read_or_make_epoch(files.as_ref(), entropy)?;
        let handles = HandleKeys::new(&named_secret(&keys, "store/handles")?);
        let fill = |projection| {
            recover(
                Arc::clone(&files),
                Arc::clone(&keys),
                settings.segments,
                epoch,
                projection,
                Linker::new(RegionKey::new(&named_secret(&keys, "store/region")?)),
            )
            .map_err(FillError::from)
        };
        let first = open_engine(&settings.engine)
            .map_err(FillError::from)
            .and_then(|engine| Projection::new(engine, Arc::clone(&keys)).map_err(FillError::from))
            .and_then(fill);
        let (recovered, rebuilt) = match first {
            Ok(recovered) => (recovered, false),
            Err(FillError::Stale(stale)) => {
                tracing::warn!(reason = &stale as &dyn std::error::Error, "the rows are made again from the journal");
                clear_engine(&settings.engine)?;
                let projection = Projection::new(open_engine(&settings.engine)?, Arc::clone(&keys))?;
                match fill(projection) {
                    Ok(recovered) => (recovered, true),
                    Err(FillError::Stale(stale)) => return Err(OpenError::Rebuild(Box::new(stale))),
                    Err(FillError::Open(error)) => return Err(error),
                }
            }
            Err(FillError::Open(error)) => return Err(error),
        };
        let Recovered { journal, projection, linker, book, states, replayed } = recovered;
        let report = OpenReport { changes: journal.last().0, replayed, rebuilt };
        let publisher = Publisher::start(Writer {
            journal,
            projection: Arc::clone(&projection),
            linker,
            book,
            states: Arc::clone(&states),
            epoch,
            sync_interval: settings.sync_interval,
        })?;
        let reader = Reader::new(Arc::clone(&projection), &keys, handles)?;
        Ok((Self { projection, publisher, states, epoch, reader }, report))
    }

    /// Tells when and why the writer stopped by itself: the process must then end.
    pub fn failure(&self) -> watch::Receiver<Option<Arc<WriterFailure>>> {
        self.publisher.failure()
    }

    /// Lets the writer finish, sync and stop.
    pub fn close(&self) {
        self.publisher.close();
    }

    /// Hands every row to `visit`, in key order: two stores of one journal have the same, byte for byte.
    ///
    /// # Errors
    /// When the engine cannot be read.
    pub fn every_row(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), ProjectionError> {
        self.projection.every_row(visit)
    }
}

impl RecordStore for JournaledStore {
    async fn publish(&self, batch: Batch, now_ms: u64) -> Result<Acknowledged, PublishError> {
        self.publisher.publish(batch, now_ms).await
    }

    async fn lookup_person(
        &self,
        permit: &Permit,
        question: &Question,
        draft: EntryDraft,
    ) -> Result<Sealed<PersonAnswer>, ReadError> {
        self.reader.person(permit, question, draft)
    }

    async fn lookup_household(
        &self,
        permit: &Permit,
        question: &Question,
        draft: EntryDraft,
    ) -> Result<Sealed<HouseholdAnswer>, ReadError> {
        self.reader.household(permit, question, draft)
    }

    async fn verify(
        &self,
        permit: &Permit,
        question: &Question,
        claim: &agreement::claim::Claim,
        draft: EntryDraft,
    ) -> Result<Sealed<VerificationOutcome>, ReadError> {
        self.reader.verify(permit, question, claim, draft)
    }

    fn municipality(&self, municipality: MunicipalityId) -> Option<MunicipalityState> {
        self.states.read().unwrap_or_else(PoisonError::into_inner).get(&municipality).cloned()
    }

    fn received(&self) -> BTreeMap<MunicipalityId, u64> {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        states.iter().map(|(&municipality, state)| (municipality, state.received_ms)).collect()
    }

    fn received_ms(&self, municipality: MunicipalityId) -> Option<u64> {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        states.get(&municipality).map(|state| state.received_ms)
    }

    fn oldest_received_ms(&self, within: &dyn Fn(MunicipalityId) -> bool) -> Option<u64> {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        states.iter().filter(|(municipality, _)| within(**municipality)).map(|(_, state)| state.received_ms).min()
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn visible(&self) -> CommitSequence {
        self.projection.visible()
    }
}

/// Sorted by what helps: another engine, or nothing.
enum FillError {
    Stale(Stale),
    Open(OpenError),
}

impl From<RecoveryError> for FillError {
    fn from(error: RecoveryError) -> Self {
        match error {
            RecoveryError::Stale(stale) => Self::Stale(stale),
            RecoveryError::Journal(error) => Self::Open(error.into()),
        }
    }
}

impl From<EngineError> for FillError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Corrupt(_) => Self::Stale(Stale::Rows(error.into())),
            EngineError::NoSpace(_) | EngineError::Failed(_) => Self::Open(error.into()),
        }
    }
}

impl From<ProjectionError> for FillError {
    fn from(error: ProjectionError) -> Self {
        Self::Open(error.into())
    }
}

impl From<RingError> for FillError {
    fn from(error: RingError) -> Self {
        Self::Open(error.into())
    }
}

fn open_engine(engine: &Engine) -> Result<Arc<dyn KeyValue>, EngineError> {
    Ok(match engine {
        Engine::Sled { directory, cache_bytes } => Arc::new(SledEngine::open(directory, *cache_bytes)?),
        Engine::Memory => Arc::new(Memory::default()),
    })
}

/// Sets the damaged engine aside rather than deleting it: somebody will want to know how it came to be so.
fn clear_engine(engine: &Engine) -> std::io::Result<()> {
    let Engine::Sled { directory, .. } = engine else { return Ok(()) };
    if !directory.try_exists()? {
        return Ok(());
    }
    let aside = aside_of(directory);
    if aside.try_exists()? {
        std::fs::remove_dir_all(&aside)?;
    }
    std::fs::rename(directory, aside)
}

fn aside_of(directory: &Path) -> PathBuf {
    let mut name = directory.file_name().unwrap_or_default().to_owned();
    name.push(".damaged");
    directory.with_file_name(name)
}

fn read_or_make_epoch(files: &dyn Files, entropy: &dyn Entropy) -> Result<Epoch, OpenError> {
    if let Some(bytes) = files::read_whole(files, EPOCH_FILE)? {
        return bytes.try_into().map(Epoch).map_err(|_| OpenError::Epoch);
    }
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    files::replace(files, EPOCH_FILE, &bytes)?;
    Ok(Epoch(bytes))
}

/// 32 secret bytes derived from a key of the ring.
fn named_secret(keys: &KeyRing, name: &str) -> Result<[u8; 32], RingError> {
    let name = KeyName::new(name).expect("the name lies within the alphabet of key names");
    Ok(keys.get_or_create(&name)?.key.derived_secret())
}
