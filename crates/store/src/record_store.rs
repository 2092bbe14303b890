//! The record store: what the index holds of all municipalities, in the registry's and the agreements' terms.
//!
//! [`RecordStore`] is what the index is written against; [`JournaledStore`] is its implementation over the
//! publication journal and an engine. Reads for agencies demand a [`Permit`] and hand out nothing but
//! [`Sealed`] answers: the entry that tells of the access leaves together with what was read.

pub mod answer;
pub mod anomalies;
pub mod handle;
mod location;
mod read;
mod subjects;
pub mod suspects;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use agreement::permit::Permit;
use registry::digest::{Bucket, CardDigest};
use registry::identifier::LocalId;
use registry::linking::RegionKey;
use registry::municipality::MunicipalityId;
use registry::publication::{AcknowledgementKey, Claim, DailyLimits, Epoch, Verdict, VerifiedBatch};
use tokio::sync::watch;

use crate::access_log::draft::{EntryDraft, Sealed};
use crate::files::{self, Files};
use crate::keys::ring::{KeyRing, RingError};
use crate::keys::{Entropy, KeyName};
use crate::kv::EngineError;
use crate::kv::place::{Place, unless_it_panics};
use crate::linker::Linker;
use crate::projection::own_cards::Wanted;
use crate::projection::{Projection, ProjectionError};
use crate::publication_journal::JournalError;
use crate::publisher::confirmations::Confirmations;
use crate::publisher::lines::Lines;
use crate::publisher::order::{Done, Order, OrderError};
use crate::publisher::recovery::{Recovered, RecoveryError, Stale, recover};
use crate::publisher::writer::Writer;
use crate::publisher::{
    Acknowledged, MunicipalityState, NewLine, PublishError, Publisher, Standing, States, Work, WriterFailure,
};
use crate::record_store::anomalies::{AnomalyPage, AnomalyQuestion};
use crate::record_store::answer::{HouseholdAnswer, PersonAnswer, Question, VerificationOutcome};
use crate::record_store::handle::HandleKeys;
use crate::record_store::read::Reader;
use crate::record_store::suspects::Suspects;
use crate::rows::CommitSequence;
use crate::segment::Settings;

/// File in which the index's epoch stands.
const EPOCH_FILE: &str = "epoch";

/// What the index asks of a store, whatever engine is under it.
pub trait RecordStore: Send + Sync + 'static {
    /// Journals a batch; when this answers, what was acknowledged is durable.
    ///
    /// # Errors
    /// See [`PublishError`]; nothing was acknowledged.
    fn publish(
        &self,
        batch: VerifiedBatch,
        now_ms: u64,
    ) -> impl Future<Output = Result<Acknowledged, PublishError>> + Send;

    /// Carries out what a person orders about changes that are held already; when this answers, it is durable and
    /// visible.
    ///
    /// # Errors
    /// See [`OrderError`]; nothing was changed.
    fn order(&self, order: Order, now_ms: u64) -> impl Future<Output = Result<Done, OrderError>> + Send;

    /// Looks a person up.
    ///
    /// # Errors
    /// See [`ReadError`]; nothing was disclosed.
    fn lookup_person(
        &self,
        permit: &Permit,
        question: &Question,
        draft: EntryDraft,
    ) -> impl Future<Output = Result<Sealed<PersonAnswer>, ReadError>> + Send;

    /// Looks up the household of a person.
    ///
    /// # Errors
    /// See [`ReadError`]; nothing was disclosed.
    fn lookup_household(
        &self,
        permit: &Permit,
        question: &Question,
        draft: EntryDraft,
    ) -> impl Future<Output = Result<Sealed<HouseholdAnswer>, ReadError>> + Send;

    /// Verifies a declaration about a person.
    ///
    /// # Errors
    /// See [`ReadError`]; nothing was disclosed.
    fn verify(
        &self,
        permit: &Permit,
        question: &Question,
        claim: &agreement::claim::Claim,
        draft: EntryDraft,
    ) -> impl Future<Output = Result<Sealed<VerificationOutcome>, ReadError>> + Send;

    /// Whom entries of the access log name when they were answered with versions in a quarantine; `None` when there is
    /// no such quarantine.
    ///
    /// # Errors
    /// When the rows cannot be read.
    fn suspects(
        &self,
        municipality: MunicipalityId,
        quarantine: CommitSequence,
    ) -> Result<Option<Suspects>, ReadError>;
    /// Local id and digest of what was last received of a municipality's own cards in some buckets, in order of local id, those behind `after`, at
    /// most `limit`: for the municipality itself. It reads every row, so it belongs on a thread that may block; what is
    /// being applied meanwhile may show.
    ///
    /// # Errors
    /// When the rows cannot be read.
    fn own_cards(
        &self,
        municipality: MunicipalityId,
        buckets: &BTreeSet<Bucket>,
        after: Option<&LocalId>,
        limit: usize,
    ) -> Result<Vec<(LocalId, CardDigest)>, ReadError>;
    /// What contradicts the cards of a municipality; `draft` begins the entry of each contradiction.
    ///
    /// # Errors
    /// See [`ReadError`]; nothing was disclosed.
    fn anomalies(
        &self,
        question: &AnomalyQuestion<'_>,
        draft: &(dyn Fn() -> EntryDraft + Sync),
    ) -> impl Future<Output = Result<AnomalyPage, ReadError>> + Send;

    /// What is held of a municipality; `None` when it never published.
    fn municipality(&self, municipality: MunicipalityId) -> Option<MunicipalityState>;

    /// Notes that a municipality's node holds the very cards that answers show, at `now_ms`, Unix milliseconds.
    fn confirm(&self, municipality: MunicipalityId, now_ms: u64);

    /// Changes whenever something was confirmed: a batch that became visible, or an equal digest.
    fn confirmations(&self) -> watch::Receiver<u64>;

    /// Every municipality that ever published, with when its data were last confirmed (Unix milliseconds).
    fn received(&self) -> BTreeMap<MunicipalityId, u64>;

    /// When the municipality's data were last confirmed, Unix milliseconds.
    fn received_ms(&self, municipality: MunicipalityId) -> Option<u64>;

    /// The earliest of those times among the municipalities that `within` admits.
    fn oldest_received_ms(&self, within: &dyn Fn(MunicipalityId) -> bool) -> Option<u64>;

    /// What a node is told of a municipality when it opens a stream at `now_ms`, Unix milliseconds.
    fn standing(&self, municipality: MunicipalityId, now_ms: u64) -> Standing;

    /// The epoch under which a municipality's changes are counted.
    fn epoch(&self, municipality: MunicipalityId) -> Epoch;

    /// Batches that a node may have unacknowledged now, from 1: fewer the more municipalities publish at once.
    fn credits(&self) -> u32;

    /// What a node's claim to an acknowledgement means. It changes nothing.
    fn judge(&self, municipality: MunicipalityId, claim: &Claim) -> Verdict;

    /// Begins a new line of history under `epoch`, 16 bytes never used before, where there is reason to: it is durable
    /// when this answers. Where there is none, the line goes on as it is.
    ///
    /// # Errors
    /// See [`PublishError`]; the line goes on as it was.
    fn begin_line(
        &self,
        municipality: MunicipalityId,
        epoch: Epoch,
        reason: NewLine,
        now_ms: u64,
    ) -> impl Future<Output = Result<Standing, PublishError>> + Send;

    /// Notes that a backup is known to hold everything recorded up to `at_ms`, Unix milliseconds.
    ///
    /// # Errors
    /// See [`PublishError`]; nothing was noted.
    fn backed_up(&self, at_ms: u64) -> impl Future<Output = Result<(), PublishError>> + Send;

    /// The last change that answers show.
    fn visible(&self) -> CommitSequence;
}

/// Why a reading failed. Nothing was disclosed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The permit is for another service.
    #[error("the permit was granted for another service")]
    Service,
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
    /// How much of a municipality may change in a day before a registrar must confirm it.
    pub daily_limits: DailyLimits,
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
    lines: Lines,
    confirmations: Confirmations,
    reader: Reader,
}

impl JournaledStore {
    /// Opens the store of a directory and proves that its rows are what the journal says.
    ///
    /// # Errors
    /// See [`OpenError`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the store keeps shares of both for as long as it lives"
    )]
    pub fn open(
        files: Arc<dyn Files>,
        keys: Arc<KeyRing>,
        entropy: &dyn Entropy,
        settings: &StoreSettings,
    ) -> Result<(Self, OpenReport), OpenError> {
        let epoch = read_or_make_epoch(files.as_ref(), entropy)?;
        let handles = HandleKeys::new(&named_secret(&keys, "store/handles")?);
        let region = named_secret(&keys, "store/region")?;
        let lines = Lines {
            first: epoch,
            key: Arc::new(AcknowledgementKey::new(&named_secret(
                &keys,
                "publication/acknowledgements",
            )?)),
        };
        let place = settings.engine.place();
        let fill = || {
            let projection = Projection::new(place.open()?, Arc::clone(&keys))?;
            let linker = Linker::new(RegionKey::new(&region));
            recover(
                Arc::clone(&files),
                &keys,
                settings.segments,
                epoch,
                projection,
                linker,
                settings.daily_limits,
            )
        };
        let (recovered, rebuilt) = match unless_it_panics(fill).unwrap_or_else(|| Err(Stale::Panic.into())) {
            Err(RecoveryError::Stale(stale)) => {
                tracing::warn!(
                    reason = &stale as &dyn std::error::Error,
                    "the rows are made again from the journal"
                );
                place.set_aside()?;
                (fill()?, true)
            }
            first => (first?, false),
        };
        let Recovered {
            journal,
            projection,
            linker,
            gatekeeper,
            book,
            states,
            recorded_ms,
            applied,
            replayed,
        } = recovered;
        let report = OpenReport {
            changes: journal.last().0,
            replayed,
            rebuilt,
        };
        let confirmations = Confirmations::new();
        let publisher = Publisher::start(Writer {
            journal,
            projection: Arc::clone(&projection),
            linker,
            gatekeeper,
            book,
            states: Arc::clone(&states),
            recorded_ms,
            lines: lines.clone(),
            confirmations: confirmations.clone(),
            synced: applied,
            sync_interval: settings.sync_interval,
        })?;
        let reader = Reader::new(Arc::clone(&projection), Arc::clone(&states), &keys, handles)?;
        Ok((
            Self {
                projection,
                publisher,
                states,
                lines,
                confirmations,
                reader,
            },
            report,
        ))
    }

    /// Tells when and why the writer stopped by itself: the process must then end.
    pub fn failure(&self) -> watch::Receiver<Option<Arc<WriterFailure>>> {
        self.publisher.failure()
    }

    #[cfg(test)]
    pub(crate) fn projection(&self) -> &Projection {
        &self.projection
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
    async fn publish(&self, batch: VerifiedBatch, now_ms: u64) -> Result<Acknowledged, PublishError> {
        self.publisher.publish(batch, now_ms).await
    }

    async fn order(&self, order: Order, now_ms: u64) -> Result<Done, OrderError> {
        self.publisher.order(order, now_ms).await
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

    fn suspects(
        &self,
        municipality: MunicipalityId,
        quarantine: CommitSequence,
    ) -> Result<Option<Suspects>, ReadError> {
        let state = self.municipality(municipality);
        let kept = state.and_then(|state| {
            let mut quarantines = state.holdings.quarantines().iter();
            quarantines.find(|kept| kept.id == quarantine).cloned()
        });
        kept.map(|kept| self.reader.suspects(municipality, &kept))
            .transpose()
    }

    fn own_cards(
        &self,
        municipality: MunicipalityId,
        buckets: &BTreeSet<Bucket>,
        after: Option<&LocalId>,
        limit: usize,
    ) -> Result<Vec<(LocalId, CardDigest)>, ReadError> {
        let wanted = Wanted {
            buckets,
            after,
            limit,
        };
        Ok(self.projection.own_cards(municipality, wanted)?)
    }

    async fn anomalies(
        &self,
        question: &AnomalyQuestion<'_>,
        draft: &(dyn Fn() -> EntryDraft + Sync),
    ) -> Result<AnomalyPage, ReadError> {
        self.reader.anomalies(question, draft)
    }

    fn municipality(&self, municipality: MunicipalityId) -> Option<MunicipalityState> {
        self.states
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&municipality)
            .cloned()
    }

    fn confirm(&self, municipality: MunicipalityId, now_ms: u64) {
        self.confirmations.note(&self.states, municipality, now_ms);
    }

    fn confirmations(&self) -> watch::Receiver<u64> {
        self.confirmations.subscribe()
    }

    fn received(&self) -> BTreeMap<MunicipalityId, u64> {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        states
            .iter()
            .filter_map(|(&municipality, state)| Some((municipality, state.confirmed_ms?)))
            .collect()
    }

    fn received_ms(&self, municipality: MunicipalityId) -> Option<u64> {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        states.get(&municipality).and_then(|state| state.confirmed_ms)
    }

    fn oldest_received_ms(&self, within: &dyn Fn(MunicipalityId) -> bool) -> Option<u64> {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        states
            .iter()
            .filter(|(municipality, _)| within(**municipality))
            .filter_map(|(_, state)| state.confirmed_ms)
            .min()
    }

    fn standing(&self, municipality: MunicipalityId, now_ms: u64) -> Standing {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        self.lines
            .standing(municipality, states.get(&municipality), now_ms)
    }

    fn epoch(&self, municipality: MunicipalityId) -> Epoch {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        self.lines.of(states.get(&municipality)).epoch()
    }

    fn credits(&self) -> u32 {
        self.publisher.credits()
    }

    fn judge(&self, municipality: MunicipalityId, claim: &Claim) -> Verdict {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        let state = states.get(&municipality);
        let held = state.map_or_else(Default::default, |state| state.watermark);
        self.lines.judge(&self.lines.of(state), municipality, held, claim)
    }

    async fn begin_line(
        &self,
        municipality: MunicipalityId,
        epoch: Epoch,
        reason: NewLine,
        now_ms: u64,
    ) -> Result<Standing, PublishError> {
        self.publisher
            .ask(|reply| Work::Line {
                municipality,
                epoch,
                reason,
                now_ms,
                reply,
            })
            .await
    }

    async fn backed_up(&self, at_ms: u64) -> Result<(), PublishError> {
        self.publisher.ask(|reply| Work::Backup { at_ms, reply }).await
    }

    fn visible(&self) -> CommitSequence {
        self.projection.visible()
    }
}

impl Engine {
    fn place(&self) -> Place<'_> {
        match self {
            Self::Sled {
                directory,
                cache_bytes,
            } => Place::Sled {
                directory,
                cache_bytes: *cache_bytes,
            },
            Self::Memory => Place::Memory,
        }
    }
}

impl From<RecoveryError> for OpenError {
    fn from(error: RecoveryError) -> Self {
        match error {
            RecoveryError::Journal(error) => error.into(),
            RecoveryError::Keys(error) => error.into(),
            RecoveryError::Engine(error) => error.into(),
            RecoveryError::Stale(stale) => Self::Rebuild(Box::new(stale)),
        }
    }
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
pub(crate) fn named_secret(keys: &KeyRing, name: &str) -> Result<[u8; 32], RingError> {
    let name = KeyName::new(name).expect("the name lies within the alphabet of key names");
    Ok(keys.get_or_create(&name)?.key.derived_secret())
}

#[cfg(test)]
mod tests;
