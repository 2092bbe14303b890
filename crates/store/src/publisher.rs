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
use registry::publication::{Admission, Batch, NotNext, Refusal, Watermark};
use tokio::sync::{oneshot, watch};

use crate::files::is_no_space;
use crate::keys::ring::RingError;
use crate::linker::Linker;
use crate::projection::{AppliedChange, Projection, ProjectionError, Replaced};
use crate::publication_journal::entry::{AcceptedBatch, Decision, MunicipalityPoint, SyncPoint};
use crate::publication_journal::{JournalError, PublicationJournal};
use crate::publisher::intake_book::IntakeBook;
use crate::rows::CommitSequence;
use crate::segment::AppendError;

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

    /// A municipality of which nothing is held.
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
    /// The municipality is not one this index knows, or it was withdrawn.
    #[error("the municipality of the batch is unknown or was withdrawn")]
    UnknownMunicipality,
    /// Too many batches wait.
    #[error("too many batches wait to be written")]
    Busy,
    /// Nothing can be written: there is no room for the batch, which may be sent again, or the writer has stopped,
    /// because of an error or at shutdown. Nothing was acknowledged.
    #[error("the publication journal cannot take the batch")]
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
    /// A batch became durable out of order, which the one writer excludes.
    #[error(transparent)]
    Order(#[from] NotNext),
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
    /// How far the engine was synced when the store was opened.
    pub(crate) synced: CommitSequence,
    pub(crate) sync_interval: Duration,
}

impl Publisher {
    pub(crate) fn start(writer: Writer) -> std::io::Result<Self> {
        let (queue, submissions) = sync_channel(QUEUE);
        let (failure, failed) = watch::channel(None);
        let thread = std::thread::Builder::new()
            .name("publication-writer".to_owned())
            .spawn(move || {
                if let Err(error) = writer.run(&submissions) {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the publication writer has stopped"
                    );
                    failure.send_replace(Some(Arc::new(error)));
                }
            })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
            failed,
        })
    }

    pub(crate) async fn publish(&self, batch: Batch, now_ms: u64) -> Result<Acknowledged, PublishError> {
        let queue = self
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or(PublishError::Stopped)?;
        let (reply, answer) = oneshot::channel();
        queue
            .try_send(Submission { batch, now_ms, reply })
            .map_err(|error| match error {
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
