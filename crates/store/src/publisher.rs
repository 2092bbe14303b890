//! The one writer of journal and projection: a thread that takes batches, decides, journals, acknowledges, applies.
//!
//! The order is the guarantee. A batch is judged against its municipality's sequence; its persons are resolved
//! against everything accepted before; batch and decisions go to the journal with one sync; only then is the node
//! answered; then the rows are written and become visible. A crash in between loses nothing that was answered:
//! replay applies what the journal holds.

mod intake_book;
pub(crate) mod recovery;

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use registry::change::ChangeBody;
use registry::digest::SetDigest;
use registry::municipality::MunicipalityId;
use registry::publication::{Batch, BatchError, Epoch, Watermark};
use registry::publication::{Admission, Refusal};
use tokio::sync::{oneshot, watch};

use crate::linker::{Linker, Resolved};
use crate::projection::{AppliedChange, Projection, ProjectionError};
use crate::publication_journal::entry::{AcceptedBatch, Decision, MunicipalityPoint, SyncPoint};
use crate::publication_journal::{JournalError, PublicationJournal};
use crate::publisher::intake_book::IntakeBook;
use crate::rows::CommitSequence;

/// Batches that may wait for the writer; beyond that nodes are told to come back.
const QUEUE: usize = 64;

/// What the index holds of one municipality.
#[derive(Clone, Debug)]
pub struct MunicipalityState {
    /// The node's last change that is durable.
    pub watermark: Watermark,
    /// The node's last change that answers show.
    pub visible: Watermark,
    /// Cards served.
    pub records: u64,
    /// When the last batch was recorded, Unix milliseconds.
    pub received_ms: u64,
    /// Digest of the served cards.
    pub digest: SetDigest,
    /// Changes kept aside, newest last, at most [`MunicipalityState::REJECTIONS`].
    pub rejections: Vec<Rejection>,
}

impl MunicipalityState {
    /// Rejections kept for the municipality to fetch.
    pub const REJECTIONS: usize = 10_000;

    pub fn empty() -> Self {
        Self {
            watermark: Watermark::default(),
            visible: Watermark::default(),
            records: 0,
            received_ms: 0,
            digest: SetDigest::new(),
            rejections: Vec::new(),
        }
    }

    pub(crate) fn reject(&mut self, rejection: Rejection) {
        if self.rejections.len() == Self::REJECTIONS {
            self.rejections.remove(0);
        }
        self.rejections.push(rejection);
    }
}

/// A change that the index keeps aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Its number in the node's journal.
    pub sequence: u64,
    /// The municipality's own number of the card.
    pub local_id: registry::identifier::LocalId,
    /// Code of the rule.
    pub rule: String,
    /// When, Unix milliseconds.
    pub at_ms: u64,
}

/// What a node learns of a batch: it is durable.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// The municipality's last durable change.
    pub watermark: Watermark,
    /// Changes of this batch that are kept aside.
    pub rejections: Vec<Rejection>,
}

/// Why a batch is not acknowledged.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The protocol refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The municipality is not one this index knows.
    #[error("the municipality of the batch is unknown")]
    UnknownMunicipality,
    /// Too many batches wait.
    #[error("too many batches wait to be written")]
    Busy,
    /// The writer has stopped, because of an error or at shutdown: nothing was acknowledged.
    #[error("the writer of the publication journal has stopped")]
    Stopped,
}

/// Why the writer stopped; whoever runs the store must end the process.
#[derive(Debug, thiserror::Error)]
pub enum WriterFailure {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The projection.
    #[error(transparent)]
    Projection(#[from] ProjectionError),
    /// A batch that passed its checks did not decode again.
    #[error("an accepted batch does not decode")]
    Batch(#[from] BatchError),
}

/// Shared with readers: state per municipality.
pub(crate) type States = Arc<RwLock<std::collections::BTreeMap<MunicipalityId, MunicipalityState>>>;

pub(crate) struct Submission {
    pub(crate) batch: Batch,
    pub(crate) now_ms: u64,
    pub(crate) reply: oneshot::Sender<Result<Acknowledged, PublishError>>,
}

/// The handle to the writer thread.
#[derive(Debug)]
pub(crate) struct Publisher {
    queue: Mutex<Option<SyncSender<Submission>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    failed: watch::Receiver<Option<Arc<WriterFailure>>>,
}

pub(crate) struct Writer {
    pub(crate) journal: PublicationJournal,
    pub(crate) projection: Arc<Projection>,
    pub(crate) linker: Linker,
    pub(crate) book: IntakeBook,
    pub(crate) states: States,
    pub(crate) epoch: Epoch,
    pub(crate) sync_interval: Duration,
}

impl Publisher {
    pub(crate) fn start(writer: Writer) -> std::io::Result<Self> {
        let (queue, submissions) = sync_channel(QUEUE);
        let (failure, failed) = watch::channel(None);
        let thread = std::thread::Builder::new().name("publication-writer".to_owned()).spawn(move || {
            if let Err(error) = writer.run(&submissions) {
                tracing::error!(error = &error as &dyn std::error::Error, "the publication writer has stopped");
                failure.send_replace(Some(Arc::new(error)));
            }
        })?;
        Ok(Self { queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)), failed })
    }

    pub(crate) async fn publish(&self, batch: Batch, now_ms: u64) -> Result<Acknowledged, PublishError> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(PublishError::Stopped)?;
        let (reply, answer) = oneshot::channel();
        queue.try_send(Submission { batch, now_ms, reply }).map_err(|error| match error {
            TrySendError::Full(_) => PublishError::Busy,
            TrySendError::Disconnected(_) => PublishError::Stopped,
        })?;
        answer.await.unwrap_or(Err(PublishError::Stopped))
    }

    /// Tells when and why the writer stopped by itself.
    pub(crate) fn failure(&self) -> watch::Receiver<Option<Arc<WriterFailure>>> {
        self.failed.clone()
    }

    /// Lets the writer finish what is queued, sync and stop.
    pub(crate) fn close(&self) {
        *self.queue.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A panic of the thread was printed by the runtime; there is nothing left to save.
            let _ = thread.join();
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.close();
    }
}

impl Writer {
    fn run(mut self, submissions: &Receiver<Submission>) -> Result<(), WriterFailure> {
        let mut synced = self.journal.last();
        let mut last_sync = Instant::now();
        loop {
            match submissions.recv_timeout(self.sync_interval) {
                Ok(submission) => self.take(submission)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if synced < self.journal.last() && self.sync_interval <= last_sync.elapsed() {
                self.sync_point()?;
                synced = self.journal.last();
                last_sync = Instant::now();
            }
        }
        self.sync_point()
    }

    fn take(&mut self, submission: Submission) -> Result<(), WriterFailure> {
        let Submission { batch, now_ms, reply } = submission;
        let Some(municipality) = MunicipalityId::of_any(batch.municipality()) else {
            let _ = reply.send(Err(PublishError::UnknownMunicipality));
            return Ok(());
        };
        let intake = self.book.intake(municipality, batch.municipality(), self.epoch);
        let admitted = match intake.admit(&batch, i64::try_from(now_ms).unwrap_or(i64::MAX)) {
            Ok(Admission::New(admitted)) => admitted,
            Ok(Admission::Duplicate(acknowledgement)) => {
                let watermark = acknowledgement.watermark;
                let rejections = self.rejections_between(municipality, batch.first_sequence(), batch.last_sequence());
                let _ = reply.send(Ok(Acknowledged { watermark, rejections }));
                return Ok(());
            }
            Err(refusal) => {
                let _ = reply.send(Err(refusal.into()));
                return Ok(());
            }
        };
        let resolved = self.linker.resolve(&self.projection, municipality, &batch)?;
        let accepted = AcceptedBatch {
            first: CommitSequence(self.journal.last().0 + 1),
            recorded_ms: now_ms,
            sent_at_ms: batch.sent_at_ms(),
            municipality,
            content: batch.canonical_bytes(),
            decisions: resolved.iter().map(Resolved::decision).collect(),
        };
        self.journal.append_batch(&accepted)?;
        let intake = self.book.intake(municipality, batch.municipality(), self.epoch);
        let acknowledgement = match intake.settle(admitted) {
            Ok(acknowledgement) => acknowledgement,
            Err(error) => {
                // One thread admits and settles in turn, so nothing can come in between.
                tracing::error!(%error, "a settled batch was not the next");
                return Ok(());
            }
        };
        let rejections = rejections_of(&batch, &accepted);
        self.note_durable(municipality, acknowledgement.watermark, now_ms, &rejections);
        // The node may be gone; its batch is durable all the same and is acknowledged when it comes back.
        let _ = reply.send(Ok(Acknowledged { watermark: acknowledgement.watermark, rejections }));
        apply(&self.projection, &self.states, &accepted, &batch, &self.linker)?;
        self.projection.publish(accepted.last());
        Ok(())
    }

    fn note_durable(
        &self,
        municipality: MunicipalityId,
        watermark: Watermark,
        now_ms: u64,
        rejections: &[Rejection],
    ) {
        let mut states = self.states.write().unwrap_or_else(PoisonError::into_inner);
        let state = states.entry(municipality).or_insert_with(MunicipalityState::empty);
        state.watermark = watermark;
        state.received_ms = now_ms;
        for rejection in rejections {
            state.reject(rejection.clone());
        }
    }

    fn rejections_between(&self, municipality: MunicipalityId, first: u64, last: u64) -> Vec<Rejection> {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        let kept = states.get(&municipality).map_or(&[][..], |state| &state.rejections);
        kept.iter().filter(|kept| (first..=last).contains(&kept.sequence)).cloned().collect()
    }

    fn sync_point(&mut self) -> Result<(), WriterFailure> {
        let applied = self.journal.last();
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
        self.journal.append_sync_point(&SyncPoint { applied, municipalities })?;
        Ok(())
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
    let mut moves = Vec::new();
    for (offset, (change, decision)) in batch.changes().iter().zip(&accepted.decisions).enumerate() {
        let Decision::Linked { person, standing: _ } = decision else { continue };
        let sequence = CommitSequence(accepted.first.0 + offset as u64);
        let record = linker.record_id(municipality, &change.local_id);
        let before = projection.card_at(record, CommitSequence(sequence.0 - 1))?.and_then(|card| card.record);
        let after = match &change.body {
            ChangeBody::Upsert(card) => Some(card.as_ref()),
            ChangeBody::Remove => None,
        };
        projection.apply(&AppliedChange {
            sequence,
            recorded_ms: accepted.recorded_ms,
            municipality,
            record,
            person: *person,
            card: after,
        })?;
        let encode = |card: &registry::record::Record| registry::canonical::encode(card);
        moves.push((&change.local_id, before.as_ref().map(encode), after.map(encode)));
    }
    let mut states = states.write().unwrap_or_else(PoisonError::into_inner);
    let state = states.entry(municipality).or_insert_with(MunicipalityState::empty);
    for (local_id, before, after) in moves {
        if let Some(before) = &before {
            state.digest.remove(local_id, before);
            state.records = state.records.saturating_sub(1);
        }
        if let Some(after) = &after {
            state.digest.add(local_id, after);
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
