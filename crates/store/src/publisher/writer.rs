//! What the writer's thread does.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate};
use registry::municipality::MunicipalityId;
use registry::profile::GroupSet;
use registry::publication::{Accepted, Admission, Batch, VerifiedBatch, Watermark};

use crate::files::is_no_space;
use crate::keys::ring::{KeyRing, RingError};
use crate::linker::Linker;
use crate::projection::burial::Moment;
use crate::projection::{Projection, ProjectionError};
use crate::publication_journal::entry::{AcceptedBatch, Decision, Evidence, MunicipalityPoint, SyncPoint};
use crate::publication_journal::ruling::Restatement;
use crate::publication_journal::{JournalError, PublicationJournal};
use crate::publisher::application::apply_change;
use crate::publisher::confirmations::Confirmations;
use crate::publisher::gate::{Before, Gatekeeper};
use crate::publisher::held::Holdings;
use crate::publisher::intake_book::IntakeBook;
use crate::publisher::lines::Lines;
use crate::publisher::profiles::groups_of;
use crate::publisher::{
    Acknowledged, MunicipalityState, OrderSubmission, PublishError, Rejection, States, Submission, Work,
    WriterFailure, WriterQueue, queue,
};
use crate::rows::CommitSequence;
use crate::segment::AppendError;

/// All that the thread owns.
pub(crate) struct Writer {
    pub(crate) journal: PublicationJournal,
    pub(crate) projection: Arc<Projection>,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) linker: Linker,
    pub(crate) gatekeeper: Gatekeeper,
    pub(crate) book: IntakeBook,
    pub(crate) states: States,
    pub(crate) lines: Lines,
    pub(crate) confirmations: Confirmations,
    /// When the last entry of the journal was recorded: what is recorded later is not recorded before it.
    pub(crate) recorded_ms: u64,
    /// How far the engine was synced when the store was opened.
    pub(crate) synced: CommitSequence,
    pub(crate) sync_interval: Duration,
}

impl Writer {
    /// Takes work until there is nobody left to send any; then syncs.
    pub(super) fn run(mut self, work: &WriterQueue) -> Result<(), WriterFailure> {
        let mut last_sync = Instant::now();
        loop {
            match work.take(self.sync_interval) {
                queue::Taken::Next(work) => self.work(work)?,
                queue::Taken::Nothing => {}
                queue::Taken::Closed => return self.sync_point(),
            }
            if self.sync_interval <= last_sync.elapsed() {
                self.sync_point()?;
                last_sync = Instant::now();
            }
        }
    }

    /// Does what it is given. Whoever gave it may be gone; what was done is done.
    fn work(&mut self, work: Work) -> Result<(), WriterFailure> {
        match work {
            Work::Batch(submission) => self.take(submission)?,
            Work::Order(OrderSubmission { order, now_ms, reply }) => {
                let outcome = self.order(order, now_ms)?;
                let _ = reply.send(outcome);
            }
            Work::Line {
                municipality,
                epoch,
                reason,
                now_ms,
                reply,
            } => {
                let outcome = self.begin_line(municipality, epoch, reason, now_ms)?;
                let _ = reply.send(outcome);
            }
            Work::Reopen { at_ms, reply } => {
                let outcome = self.reopen(at_ms)?;
                let _ = reply.send(outcome);
            }
            Work::Profiles {
                wanted,
                now_ms,
                reply,
            } => {
                let outcome = self.set_profiles(&wanted, now_ms)?;
                let _ = reply.send(outcome);
            }
            Work::Backup { at_ms, reply } => {
                let outcome = self.note_backup(at_ms)?;
                let _ = reply.send(outcome);
            }
        }
        Ok(())
    }

    fn take(&mut self, submission: Submission) -> Result<(), WriterFailure> {
        let Submission { batch, now_ms, reply } = submission;
        let municipality = MunicipalityId::of_any(batch.batch().municipality());
        let groups = municipality.map_or(GroupSet::ALL, |municipality| {
            groups_of(&self.states, municipality)
        });
        // What is outside the profile is kept as it was signed, in the journal alone: nothing is decided on it.
        let within = batch.batch().within(groups);
        let (answer, accepted) = match self.accept(&batch, &within, now_ms)? {
            Taken::Durable {
                acknowledged,
                accepted,
            } => (Ok(acknowledged), Some(accepted)),
            Taken::Duplicate(acknowledged) => (Ok(acknowledged), None),
            Taken::Refused(error) => (Err(error), None),
        };
        // The node may be gone; its batch is durable all the same and is acknowledged when it comes back.
        let _ = reply.send(answer);
        if let Some(accepted) = accepted {
            apply(&self.projection, &self.states, &accepted, &within, &self.linker)?;
            self.projection.publish(accepted.last())?;
            // Told afterwards: whoever is told that it is visible sees it.
            self.note_visible(accepted.municipality, Watermark(within.last_sequence()));
            self.confirmations
                .note(&self.states, accepted.municipality, accepted.recorded_ms);
        }
        Ok(())
    }

    /// Time never goes back in the journal, whatever the clock does.
    pub(super) fn recorded_at(&mut self, now_ms: u64) -> u64 {
        self.recorded_ms = self.recorded_ms.max(now_ms);
        self.recorded_ms
    }

    /// Judges a batch and makes it durable; `within` is what of it lies within the municipality's profile.
    fn accept(
        &mut self,
        verified: &VerifiedBatch,
        within: &Batch,
        now_ms: u64,
    ) -> Result<Taken, WriterFailure> {
        let batch = verified.batch();
        let Some(municipality) = MunicipalityId::of_any(batch.municipality()) else {
            return Ok(Taken::Refused(PublishError::UnknownMunicipality));
        };
        if self.is_withdrawn(municipality) {
            return Ok(Taken::Refused(PublishError::Withdrawn));
        }
        let content = batch.canonical_bytes();
        // Room first: what was admitted must become durable, or the writer must stop.
        if let Err(error) = self
            .journal
            .prepare(municipality, batch.changes().len(), content.len())
        {
            return refuse_for_now(error);
        }
        let admitted = match self.book.admit(municipality, batch, now_ms) {
            Ok(Admission::New(admitted)) => admitted,
            Ok(Admission::Duplicate(acknowledgement)) => {
                let rejections =
                    self.rejections_between(municipality, batch.first_sequence(), batch.last_sequence());
                let watermark = acknowledgement.watermark;
                let acknowledged =
                    self.acknowledged(municipality, batch.epoch(), watermark, rejections, now_ms);
                return Ok(Taken::Duplicate(acknowledged));
            }
            Err(refusal) => return Ok(Taken::Refused(refusal.into())),
        };
        let recorded_ms = self.recorded_at(now_ms);
        let before = self.standing_of(municipality);
        let changes = batch.changes().len() as u64;
        let mut gate = self.gatekeeper.guard(municipality, before, changes, recorded_ms);
        let resolved = self.linker.resolve(
            &self.projection,
            municipality,
            within.changes(),
            day_of(batch.sent_at_ms()),
            &mut gate,
        )?;
        let accepted = AcceptedBatch {
            first: CommitSequence(self.journal.last().0 + 1),
            recorded_ms,
            sent_at_ms: batch.sent_at_ms(),
            municipality,
            evidence: Some(Evidence {
                key: verified.key(),
                signature: *verified.signature(),
            }),
            content,
            decisions: resolved.decisions,
            counts: resolved.counts,
        };
        self.journal.append_batch(&accepted)?;
        let last = admitted.accepted();
        let watermark = self.book.settle(municipality, admitted)?.watermark;
        let rejections = rejections_of(batch, &accepted);
        self.note_durable(municipality, last, recorded_ms, &rejections);
        self.note_holdings(municipality, |holdings, linker| {
            holdings.note_batch(linker, &accepted, within);
        });
        Ok(Taken::Durable {
            acknowledged: self.acknowledged(municipality, batch.epoch(), watermark, rejections, now_ms),
            accepted,
        })
    }

    fn note_durable(
        &self,
        municipality: MunicipalityId,
        last: Accepted,
        now_ms: u64,
        rejections: &[Rejection],
    ) {
        let mut states = self.states.write().unwrap_or_else(PoisonError::into_inner);
        let state = states
            .entry(municipality)
            .or_insert_with(MunicipalityState::empty);
        state.watermark = Watermark(last.last_sequence);
        state.last = Some(last);
        state.received_ms = Some(now_ms);
        state.marks.push(now_ms, state.watermark);
        for rejection in rejections {
            state.reject(rejection.clone());
        }
    }

    fn note_visible(&self, municipality: MunicipalityId, visible: Watermark) {
        let mut states = self.states.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = states.get_mut(&municipality) {
            state.visible = visible;
        }
    }

    /// How many cards were received, and of which something waits for a registrar.
    fn standing_of(&self, municipality: MunicipalityId) -> Before {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        states
            .get(&municipality)
            .map_or_else(Before::default, |state| Before {
                cards: state.records,
                held: state.holdings.held_records(),
                proved_seals: Arc::clone(&state.proved_seals),
            })
    }

    /// Changes what is noted of changes that wait.
    pub(super) fn note_holdings(
        &self,
        municipality: MunicipalityId,
        note: impl FnOnce(&mut Holdings, &Linker),
    ) {
        let mut states = self.states.write().unwrap_or_else(PoisonError::into_inner);
        let state = states
            .entry(municipality)
            .or_insert_with(MunicipalityState::empty);
        note(&mut state.holdings, &self.linker);
    }

    fn rejections_between(&self, municipality: MunicipalityId, first: u64, last: u64) -> Vec<Rejection> {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        let kept = states
            .get(&municipality)
            .map_or(&[][..], |state| &state.rejections);
        kept.iter()
            .filter(|kept| (first..=last).contains(&kept.sequence))
            .cloned()
            .collect()
    }

    pub(super) fn sync_point(&mut self) -> Result<(), WriterFailure> {
        let applied = self.journal.last();
        if applied <= self.synced {
            return Ok(());
        }
        self.projection.sync(applied)?;
        let municipalities = {
            let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
            states
                .iter()
                .filter(|(_, state)| state.withdrawn.is_none())
                .map(|(&municipality, state)| MunicipalityPoint {
                    municipality,
                    watermark: state.watermark,
                    root: state.digest.root(),
                })
                .collect()
        };
        match self.journal.append_sync_point(&SyncPoint {
            applied,
            municipalities,
        }) {
            Err(JournalError::Append(AppendError::NoSpace)) => {
                tracing::warn!("no room for a sync point: it is tried again");
                Ok(())
            }
            Err(error) => Err(error.into()),
            Ok(()) => {
                self.synced = applied;
                Ok(())
            }
        }
    }
}

/// What became of a batch.
enum Taken {
    /// It is durable, and its rows are to be written.
    Durable {
        acknowledged: Acknowledged,
        accepted: AcceptedBatch,
    },
    /// It was durable before.
    Duplicate(Acknowledged),
    /// Nothing of it is kept.
    Refused(PublishError),
}

/// Sorts what stands in the way of one batch from what ends the writer.
fn refuse_for_now(error: JournalError) -> Result<Taken, WriterFailure> {
    match error {
        JournalError::Keys(RingError::Destroyed) => Ok(Taken::Refused(PublishError::Withdrawn)),
        JournalError::Append(AppendError::NoSpace | AppendError::TooLong { .. }) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "a batch finds no room");
            Ok(Taken::Refused(PublishError::Stopped))
        }
        JournalError::Keys(RingError::Io(cause)) if is_no_space(&cause) => {
            tracing::warn!("the key of a municipality finds no room");
            Ok(Taken::Refused(PublishError::Stopped))
        }
        other => Err(other.into()),
    }
}

/// The day of an instant, Unix milliseconds, in UTC.
pub(crate) fn day_of(instant_ms: i64) -> NaiveDate {
    DateTime::from_timestamp_millis(instant_ms).map_or(NaiveDate::MIN, |instant| instant.date_naive())
}

/// Writes the rows of an accepted batch, or of a release, and keeps the digest in step.
pub(crate) fn apply(
    projection: &Projection,
    states: &States,
    accepted: &AcceptedBatch,
    batch: &Batch,
    linker: &Linker,
) -> Result<(), ProjectionError> {
    let municipality = accepted.municipality;
    let mut replaced = Vec::with_capacity(batch.changes().len());
    for ((change, decision), sequence) in batch
        .changes()
        .iter()
        .zip(&accepted.decisions)
        .zip(accepted.first.0..)
    {
        let moment = Moment {
            sequence: CommitSequence(sequence),
            recorded_ms: accepted.recorded_ms,
        };
        let Some(outcome) = apply_change(projection, linker, moment, municipality, change, decision)? else {
            continue;
        };
        replaced.push((&change.local_id, outcome));
    }
    projection.note_recorded(accepted.recorded_ms, accepted.last())?;
    let mut states = states.write().unwrap_or_else(PoisonError::into_inner);
    let state = states
        .entry(municipality)
        .or_insert_with(MunicipalityState::empty);
    for (local_id, replaced) in replaced {
        state.replace(local_id, &replaced);
    }
    Ok(())
}

/// Writes the rows of cards that are served otherwise.
pub(crate) fn apply_restatement(
    projection: &Projection,
    states: &States,
    restatement: &Restatement,
) -> Result<(), ProjectionError> {
    let Restatement {
        first,
        recorded_ms,
        municipality,
        cause: _,
        cards,
    } = restatement;
    for (card, sequence) in cards.iter().zip(first.0..) {
        let sequence = CommitSequence(sequence);
        let replaced = projection.restate(sequence, *recorded_ms, *municipality, card)?;
        let local_id = replaced.local_id()?;
        let mut states = states.write().unwrap_or_else(PoisonError::into_inner);
        let state = states
            .entry(*municipality)
            .or_insert_with(MunicipalityState::empty);
        if let Some(local_id) = local_id {
            state.replace(&local_id, &replaced);
        }
    }
    projection.note_recorded(*recorded_ms, restatement.last())
}

/// The changes of a batch that are kept aside.
pub(crate) fn rejections_of(batch: &Batch, accepted: &AcceptedBatch) -> Vec<Rejection> {
    batch
        .changes()
        .iter()
        .zip(&accepted.decisions)
        .filter_map(|(change, decision)| match decision {
            Decision::Linked { .. }
            | Decision::Held { .. }
            | Decision::Related { .. }
            | Decision::Sealed { .. }
            | Decision::Buried { .. }
            | Decision::Renewed { .. } => None,
            Decision::Quarantined { rule } => Some(Rejection {
                sequence: change.sequence,
                local_id: change.local_id.clone(),
                rule: rule.clone(),
                at_ms: accepted.recorded_ms,
            }),
        })
        .collect()
}
