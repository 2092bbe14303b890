//! The store over the publication journal and an engine: the writer takes what comes in, readings take the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use agreement::claim::ResidenceClaim;
use agreement::permit::Permit;
use registry::codice_fiscale::TaxCode;
use registry::digest::{Bucket, CardDigest};
use registry::identifier::LocalId;
use registry::matching::PersonQuery;
use registry::municipality::MunicipalityId;
use registry::profile::{GroupSet, Profile};
use registry::publication::{
    Batch, Claim, ConfirmedSeal, Epoch, ProvedSeal, Verdict, VerifiedBatch, Watermark,
};
use registry::record::Record;
use tokio::sync::{Semaphore, watch};

use crate::access_log::draft::{EntryDraft, Sealed};
use crate::files::Files;
use crate::keys::ring::KeyRing;
use crate::projection::own_cards::Wanted;
use crate::projection::{Projection, ProjectionError};
use crate::publication_journal::ruling::Release;
use crate::publication_journal::{JournalError, PublicationJournal, ReadError as FrameError, Replayed};
use crate::publisher::confirmations::Confirmations;
use crate::publisher::lines::Lines;
use crate::publisher::order::{Done, Order, OrderError};
use crate::publisher::profiles::profile_of;
use crate::publisher::{
    Acknowledged, MunicipalityState, NewLine, PublishError, Publisher, Standing, States, Work, WriterFailure,
};
use crate::record_store::anomalies::{AnomalyPage, AnomalyQuestion};
use crate::record_store::answer::{
    HouseholdAnswer, PersonAnswer, Question, ResidentsAnswer, SearchAnswer, VerificationOutcome,
};
use crate::record_store::handle::SearchHandle;
use crate::record_store::listed::Listed;
use crate::record_store::read::Reader;
use crate::record_store::suspects::Suspects;
use crate::record_store::trail::{Identified, SubjectKey, TrailScope};
use crate::record_store::{ReadError, RecordStore};
use crate::rows::CommitSequence;
use crate::segment::Settings;

/// The store over journal and engine.
#[derive(Debug)]
pub struct JournaledStore {
    pub(super) projection: Arc<Projection>,
    pub(super) publisher: Publisher,
    pub(super) states: States,
    pub(super) lines: Lines,
    pub(super) confirmations: Confirmations,
    pub(super) reader: Arc<Reader>,
    pub(super) searches: Semaphore,
}

impl JournaledStore {
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

/// For whoever must prove that something is gone.
impl JournaledStore {
    /// Hands every card that any row holds to `visit`: served, superseded, waiting or buried, or what remains of it.
    ///
    /// # Errors
    /// When the rows cannot be read.
    pub fn every_card(&self, visit: &mut dyn FnMut(Record)) -> Result<(), ProjectionError> {
        self.projection.every_card_ever(visit)
    }

    /// Hands every batch of a journal to `visit`, as it was received.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn every_batch(
        files: Arc<dyn Files>,
        keys: Arc<KeyRing>,
        settings: Settings,
        visit: &mut dyn FnMut(&Batch),
    ) -> Result<(), JournalError> {
        let mut read = |replayed| match replayed {
            Replayed::Batch(batch) | Replayed::Release(Release { statement: _, batch }) => {
                let batch = Batch::from_canonical_bytes(&batch.content, batch.sent_at_ms)
                    .map_err(|error| FrameError::Refused(Box::new(error)))?;
                visit(&batch);
                Ok(())
            }
            Replayed::Restatement(_)
            | Replayed::Erased { .. }
            | Replayed::SyncPoint(_)
            | Replayed::Line(_)
            | Replayed::Backup(_)
            | Replayed::Reopening
            | Replayed::Withdrawal(_)
            | Replayed::Remains(_)
            | Replayed::ErasedRemains { .. }
            | Replayed::Profile(_) => Ok(()),
        };
        PublicationJournal::open(files, keys, settings, &mut read).map(drop)
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

    async fn lookup_address_residents(
        &self,
        permit: &Permit,
        address: &ResidenceClaim,
        draft: EntryDraft,
    ) -> Result<Sealed<ResidentsAnswer>, ReadError> {
        self.reader.residents(permit, address, draft)
    }

    async fn search_persons(
        &self,
        permit: &Permit,
        query: &PersonQuery,
        draft: EntryDraft,
    ) -> Result<Sealed<SearchAnswer>, ReadError> {
        // Through many names it takes milliseconds: on threads that may be busy so long, and never on all cores at once.
        // The semaphore is never closed.
        let _place = self.searches.acquire().await;
        let (reader, permit, query) = (Arc::clone(&self.reader), permit.clone(), query.clone());
        let searched = tokio::task::spawn_blocking(move || reader.search(&permit, &query, draft)).await;
        searched.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(ReadError::Stopping),
        })
    }

    fn found(&self, permit: &Permit, handle: &SearchHandle) -> Option<Question> {
        self.reader.found(permit, handle)
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

    fn listed(&self, code: &TaxCode) -> Result<Listed, ReadError> {
        self.reader.listed(code)
    }

    fn trail(&self, key: &SubjectKey, scope: &TrailScope) -> Result<Identified, ReadError> {
        let departed = {
            let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
            let departed = states.iter().filter(|(_, state)| state.withdrawn.is_some());
            departed.map(|(id, _)| id.as_str().to_owned()).collect()
        };
        Ok(self.reader.trail(key, scope, departed)?)
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

    fn confirmed_seals(&self, municipality: MunicipalityId) -> Vec<ProvedSeal> {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        let seals = states.get(&municipality).map(|state| state.holdings.seals());
        let seals = seals.unwrap_or_default().iter().cloned();
        seals
            .map(|seal| self.lines.key.prove_seal(municipality, seal))
            .collect()
    }

    fn recall_seals(&self, municipality: MunicipalityId, shown: Vec<ProvedSeal>) -> usize {
        let number = shown.len();
        let proved: BTreeSet<ConfirmedSeal> = shown
            .into_iter()
            .filter(|proved| self.lines.key.confirms_seal(municipality, proved))
            .map(|proved| proved.seal)
            .collect();
        let unproved = number.saturating_sub(proved.len());
        let mut states = self.states.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = states.get_mut(&municipality) {
            // What was proved once stays proved, whatever another stream shows.
            let all = proved.union(&state.proved_seals).cloned().collect();
            state.proved_seals = Arc::new(all);
            if state.has_forgotten_a_seal() {
                // It was confirmed, and that is lost: no acknowledgement need tell of it.
                self.lines.restoration.begin();
            }
        } else if !proved.is_empty() {
            let mut state = MunicipalityState::empty();
            state.proved_seals = Arc::new(proved);
            states.insert(municipality, state);
        }
        unproved
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

    fn is_restoring(&self) -> bool {
        self.lines.restoration.lasts()
    }

    fn hear(&self, municipality: MunicipalityId, journal_end: Watermark) {
        let state = self.municipality(municipality);
        if state.is_some_and(|state| journal_end < state.watermark) {
            // A journal that ends before what is held was lost or restored as well: it cannot give back what is missing.
            return;
        }
        self.lines.restoration.hear(municipality, journal_end);
        self.confirmations.stir();
    }

    fn awaited(&self, of: &BTreeSet<MunicipalityId>) -> BTreeSet<MunicipalityId> {
        let restoration = &self.lines.restoration;
        if !restoration.lasts() {
            return BTreeSet::new();
        }
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        let visible = |municipality| states.get(municipality).map(|state| state.visible);
        let takes_part = |municipality: &&MunicipalityId| {
            let state = states.get(*municipality);
            state.is_none_or(|state| state.withdrawn.is_none())
        };
        let awaited = of.iter().filter(takes_part).filter(|municipality| {
            let has_forgotten = states
                .get(*municipality)
                .is_some_and(MunicipalityState::has_forgotten_a_seal);
            let heard = restoration.heard(**municipality);
            has_forgotten || heard.is_none_or(|end| visible(*municipality).unwrap_or_default() < end)
        });
        awaited.copied().collect()
    }

    async fn reopen(&self, at_ms: u64) -> Result<(), PublishError> {
        self.publisher.ask(|reply| Work::Reopen { at_ms, reply }).await
    }

    fn municipalities(&self) -> Vec<MunicipalityId> {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        let present = states.iter().filter(|(_, state)| state.withdrawn.is_none());
        present.map(|(municipality, _)| *municipality).collect()
    }

    fn profile(&self, municipality: MunicipalityId) -> Option<Profile> {
        profile_of(&self.states, municipality)
    }

    async fn set_profiles(
        &self,
        wanted: Vec<(MunicipalityId, GroupSet)>,
        now_ms: u64,
    ) -> Result<BTreeMap<MunicipalityId, Profile>, PublishError> {
        let work = |reply| Work::Profiles {
            wanted,
            now_ms,
            reply,
        };
        self.publisher.ask(work).await
    }

    async fn backed_up(&self, at_ms: u64) -> Result<(), PublishError> {
        self.publisher.ask(|reply| Work::Backup { at_ms, reply }).await
    }

    fn visible(&self) -> CommitSequence {
        self.projection.visible()
    }
}
