//! What the writer's thread does.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use registry::change::ChangeBody;
use registry::municipality::MunicipalityId;
use registry::publication::{Admission, Batch, Watermark};

use crate::files::is_no_space;
use crate::keys::ring::RingError;
use crate::linker::Linker;
use crate::projection::{AppliedChange, Projection, ProjectionError, Replaced};
use crate::publication_journal::entry::{AcceptedBatch, Decision, MunicipalityPoint, SyncPoint};
use crate::publication_journal::{JournalError, PublicationJournal};
use crate::publisher::intake_book::IntakeBook;
use crate::publisher::{
    Acknowledged, MunicipalityState, PublishError, Rejection, States, Submission, WriterFailure,
};
use crate::rows::CommitSequence;
use crate::segment::AppendError;

/// All that the thread owns.
pub(crate) struct Writer {
    pub(crate) journal: PublicationJournal,
    pub(crate) projection: Arc<Projection>,
    pub(crate) linker: Linker,
    pub(crate) book: IntakeBook,
    pub(crate) states: States,
    /// How far the engine was synced when the store was opened.
    pub(crate) synced: CommitSequence,
    pub(crate) sync_interval: Duration,
}

impl Writer {
    /// Takes submissions until there is nobody left to send one; then syncs.
    pub(super) fn run(mut self, submissions: &Receiver<Submission>) -> Result<(), WriterFailure> {
        let mut last_sync = Instant::now();
        loop {
            match submissions.recv_timeout(self.sync_interval) {
                Ok(submission) => self.take(submission)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.sync_point(),
            }
            if self.sync_interval <= last_sync.elapsed() {
                self.sync_point()?;
                last_sync = Instant::now();
            }
        }
    }

    fn take(&mut self, submission: Submission) -> Result<(), WriterFailure> {
        let Submission { batch, now_ms, reply } = submission;
        let (answer, accepted) = match self.accept(&batch, now_ms)? {
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
            apply(&self.projection, &self.states, &accepted, &batch, &self.linker)?;
            self.projection.publish(accepted.last());
        }
        Ok(())
    }

    /// Judges a batch and makes it durable.
    fn accept(&mut self, batch: &Batch, now_ms: u64) -> Result<Taken, WriterFailure> {
        let Some(municipality) = MunicipalityId::of_any(batch.municipality()) else {
            return Ok(Taken::Refused(PublishError::UnknownMunicipality));
        };
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
                return Ok(Taken::Duplicate(Acknowledged {
                    watermark,
                    rejections,
                }));
            }
            Err(refusal) => return Ok(Taken::Refused(refusal.into())),
        };
        let accepted = AcceptedBatch {
            first: CommitSequence(self.journal.last().0 + 1),
            recorded_ms: now_ms,
            sent_at_ms: batch.sent_at_ms(),
            municipality,
            content,
            decisions: self.linker.resolve(&self.projection, municipality, batch)?,
        };
        self.journal.append_batch(&accepted)?;
        let watermark = self.book.settle(municipality, admitted)?.watermark;
        let rejections = rejections_of(batch, &accepted);
        self.note_durable(municipality, watermark, now_ms, &rejections);
        Ok(Taken::Durable {
            acknowledged: Acknowledged {
                watermark,
                rejections,
            },
            accepted,
        })
    }

    fn note_durable(
        &self,
        municipality: MunicipalityId,
        watermark: Watermark,
        now_ms: u64,
        rejections: &[Rejection],
    ) {
        let mut states = self.states.write().unwrap_or_else(PoisonError::into_inner);
        let state = states
            .entry(municipality)
            .or_insert_with(MunicipalityState::empty);
        state.watermark = watermark;
        state.received_ms = now_ms;
        for rejection in rejections {
            state.reject(rejection.clone());
        }
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

    fn sync_point(&mut self) -> Result<(), WriterFailure> {
        let applied = self.journal.last();
        if applied <= self.synced {
            return Ok(());
        }
        self.projection.sync(applied)?;
        let municipalities = {
            let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
            states
                .iter()
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
        JournalError::Keys(RingError::Destroyed) => Ok(Taken::Refused(PublishError::UnknownMunicipality)),
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

/// Writes the rows of an accepted batch and keeps the digest in step.
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
        let Decision::Linked { person, standing: _ } = decision else {
            continue;
        };
        let applied = projection.apply(&AppliedChange {
            sequence: CommitSequence(sequence),
            recorded_ms: accepted.recorded_ms,
            municipality,
            record: linker.record_id(municipality, &change.local_id),
            person: *person,
            card: match &change.body {
                ChangeBody::Upsert(card) => Some(card.as_ref()),
                ChangeBody::Remove => None,
            },
        })?;
        replaced.push((&change.local_id, applied));
    }
    let mut states = states.write().unwrap_or_else(PoisonError::into_inner);
    let state = states
        .entry(municipality)
        .or_insert_with(MunicipalityState::empty);
    for (local_id, Replaced { before, after }) in replaced {
        if let Some(before) = before {
            state.digest.remove(local_id, &before);
            state.records = state.records.saturating_sub(1);
        }
        if let Some(after) = after {
            state.digest.add(local_id, &after);
            state.records += 1;
        }
    }
    state.visible = Watermark(batch.last_sequence());
    Ok(())
}

/// The changes of a batch that are kept aside.
pub(crate) fn rejections_of(batch: &Batch, accepted: &AcceptedBatch) -> Vec<Rejection> {
    batch
        .changes()
        .iter()
        .zip(&accepted.decisions)
        .filter_map(|(change, decision)| match decision {
            Decision::Linked { .. } => None,
            Decision::Quarantined { rule } => Some(Rejection {
                sequence: change.sequence,
                local_id: change.local_id.clone(),
                rule: rule.clone(),
                at_ms: accepted.recorded_ms,
            }),
        })
        .collect()
}
