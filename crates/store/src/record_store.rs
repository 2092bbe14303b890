//! The record store: what the index holds of all municipalities, in the registry's and the agreements' terms.
//!
//! [`RecordStore`] is what the index is written against; [`JournaledStore`] is its implementation over the
//! publication journal and an engine. Reads for agencies demand a [`Permit`] and hand out nothing but

pub mod answer;
pub mod anomalies;
pub mod handle;
mod open;
mod journaled;
mod location;
mod read;
mod household;
mod parents;
mod residents;
mod search;
mod subjects;
pub mod suspects;
pub mod listed;
pub mod trail;

use std::collections::{BTreeMap, BTreeSet};

use agreement::permit::Permit;
use registry::codice_fiscale::TaxCode;
use registry::digest::{Bucket, CardDigest};
use registry::identifier::LocalId;
use registry::matching::PersonQuery;
use registry::municipality::MunicipalityId;
use registry::profile::{GroupSet, Profile};
use registry::publication::{Claim, Epoch, ProvedSeal, Verdict, VerifiedBatch, Watermark};
use tokio::sync::watch;

use crate::access_log::draft::{EntryDraft, Sealed};
use crate::projection::ProjectionError;
use crate::publisher::order::{Done, Order, OrderError};
use crate::publisher::{Acknowledged, MunicipalityState, NewLine, PublishError, Standing};
use crate::record_store::anomalies::{AnomalyPage, AnomalyQuestion};
use crate::record_store::answer::{
    HouseholdAnswer, PersonAnswer, Question, ResidentsAnswer, SearchAnswer, VerificationOutcome,
};
use crate::record_store::handle::SearchHandle;
use crate::record_store::listed::Listed;
use crate::record_store::suspects::Suspects;
use crate::record_store::trail::{Identified, SubjectKey, TrailScope};
use crate::rows::CommitSequence;

pub use self::journaled::JournaledStore;
#[cfg(test)]
pub(crate) use self::open::named_secret;
pub use self::open::{Engine, OpenError, OpenReport, StoreSettings};

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

    /// Looks up the residents of an address, in the municipality to which the permit is limited.
    ///
    /// # Errors
    /// See [`ReadError`]; nothing was disclosed.
    fn lookup_address_residents(
        &self,
        permit: &Permit,
        address: &agreement::claim::ResidenceClaim,
        draft: EntryDraft,
    ) -> impl Future<Output = Result<Sealed<ResidentsAnswer>, ReadError>> + Send;

    /// Searches for persons by a part of what they are known by. The municipality, where one is asked for, is that of the
    /// permit.
    ///
    /// # Errors
    /// See [`ReadError`]; nothing was disclosed.
    fn search_persons(
        &self,
        permit: &Permit,
        query: &PersonQuery,
        draft: EntryDraft,
    ) -> impl Future<Output = Result<Sealed<SearchAnswer>, ReadError>> + Send;

    /// The question for a person whom a search found; `None` where the handle is not of the permit's operator and
    /// agreement, or is valid no longer. Nothing is read.
    fn found(&self, permit: &Permit, handle: &SearchHandle) -> Option<Question>;

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

    /// Whom entries of the access log name when they are about the persons behind a codice fiscale: for the index itself,
    /// which watches over whoever asks about colleagues.
    ///
    /// # Errors
    /// When the rows cannot be read.
    fn listed(&self, code: &TaxCode) -> Result<Listed, ReadError>;

    /// Every card of whoever bears an identifier, with the ids under which entries of the access log name the person.
    ///
    /// # Errors
    /// When the rows cannot be read.
    fn trail(&self, key: &SubjectKey, scope: &TrailScope) -> Result<Identified, ReadError>;

    /// Local id and digest of what was last received of a municipality's own cards in some buckets, in order of local
    /// id, those behind `after`, at most `limit`: for the municipality itself. It reads every row, so it belongs on a
    /// thread that may block; what is being applied meanwhile may show.
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

    /// The seals of a municipality that took effect, each with the proof that a registrar has confirmed it, in the order
    /// in which they did.
    fn confirmed_seals(&self, municipality: MunicipalityId) -> Vec<ProvedSeal>;

    /// Takes a node's word for seals that were confirmed before: those that are proved take effect at once when their
    /// cards come. Tells how many are not.
    fn recall_seals(&self, municipality: MunicipalityId, shown: Vec<ProvedSeal>) -> usize;

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

    /// Whether a loss was proved and agencies must not be answered yet: what is held may be of before a protection or a
    /// seal.
    fn is_restoring(&self) -> bool;

    /// Notes where the journal of a municipality ends, as its node says when it opens a stream; one that ends before what
    /// is held is not noted.
    fn hear(&self, municipality: MunicipalityId, journal_end: Watermark);

    /// Which of these municipalities keep a restoration from ending: they have not been heard since the process began, or
    /// have not sent everything. None where no restoration lasts.
    fn awaited(&self, of: &BTreeSet<MunicipalityId>) -> BTreeSet<MunicipalityId>;

    /// Ends a restoration, durably; whoever asks for it answers for those that are still awaited. Where none lasts
    /// nothing happens.
    ///
    /// # Errors
    /// See [`PublishError`]; the restoration goes on.
    fn reopen(&self, at_ms: u64) -> impl Future<Output = Result<(), PublishError>> + Send;

    /// Every municipality of which anything is held; one that was withdrawn is not among them.
    fn municipalities(&self) -> Vec<MunicipalityId>;

    /// What is published of a municipality; `None` while that was never said.
    fn profile(&self, municipality: MunicipalityId) -> Option<Profile>;

    /// Publishes these groups of each municipality's cards, and no others, from now on. When this answers, it is durable,
    /// and what is outside is gone from every version that readings find. Where they are the ones in force, nothing
    /// happens; one that was withdrawn has no profile in the answer.
    ///
    /// # Errors
    /// See [`PublishError`]; what is published is what was published, but that some of several may have changed.
    fn set_profiles(
        &self,
        wanted: Vec<(MunicipalityId, GroupSet)>,
        now_ms: u64,
    ) -> impl Future<Output = Result<BTreeMap<MunicipalityId, Profile>, PublishError>> + Send;

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
    /// The process is stopping.
    #[error("the store is stopping")]
    Stopping,
    /// The name index is older than what is visible: the one writer brings it in step first, so this is a fault.
    #[error("the name index is behind the rows")]
    NamesBehind,
    /// The rows.
    #[error(transparent)]
    Rows(#[from] ProjectionError),
    /// The entry cannot be drafted.
    #[error("the entry of the access cannot be drafted")]
    Draft(#[from] crate::access_log::part_content::ContentError),
}

#[cfg(test)]
mod tests;
