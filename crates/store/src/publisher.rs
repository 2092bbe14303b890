//! The one writer of journal and projection: a thread that takes batches, decides, journals, acknowledges, applies.
//!
//! The order is the guarantee. A batch is judged against its municipality's sequence; its persons are resolved
//! against everything accepted before; batch and decisions go to the journal with one sync; only then is the node
//! answered; then the rows are written and become visible. A crash in between loses nothing that was answered:
//! replay applies what the journal holds.

mod intake_book;
pub(crate) mod gate;
pub mod held;
pub mod order;
mod rulings;
pub(crate) mod writer;
pub(crate) mod recovery;

use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use registry::digest::SetDigest;
use registry::identifier::LocalId;
use registry::municipality::MunicipalityId;
use registry::publication::{NotNext, Refusal, VerifiedBatch, Watermark};
use tokio::sync::{oneshot, watch};

use crate::projection::{ProjectionError, Replaced};
use crate::publication_journal::JournalError;
use crate::publisher::held::Holdings;
use crate::publisher::order::{Done, Order, OrderError};
use crate::publisher::writer::Writer;

/// Batches that may wait for the writer; beyond that nodes are told to come back.
const QUEUE: usize = 64;

/// What the index holds of one municipality.
#[derive(Clone, Debug)]
pub struct MunicipalityState {
    /// The node's last change that is durable.
    pub watermark: Watermark,
    /// The node's last change that answers show.
    pub visible: Watermark,
    /// Cards received, whatever of them is served.
    pub records: u64,
    /// When the last batch was recorded, Unix milliseconds.
    pub received_ms: u64,
    /// Digest of the cards received: what the node's mirror must be equal to.
    pub digest: SetDigest,
    /// What waits for a registrar, and what is not trusted.
    pub holdings: Holdings,
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
            holdings: Holdings::default(),
            rejections: Vec::new(),
        }
    }

    /// Keeps the digest in step with what a change did to the cards received.
    pub(crate) fn replace(&mut self, local_id: &LocalId, replaced: &Replaced) {
        let Replaced { before, after } = replaced;
        if let Some(before) = before {
            self.digest.remove(local_id, before);
            self.records = self.records.saturating_sub(1);
        }
        if let Some(after) = after {
            self.digest.add(local_id, after);
            self.records += 1;
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
    pub local_id: LocalId,
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

/// What the writer is asked to do.
pub(crate) enum Work {
    Batch(Submission),
    Order(OrderSubmission),
}

pub(crate) struct Submission {
    pub(crate) batch: VerifiedBatch,
    pub(crate) now_ms: u64,
    pub(crate) reply: oneshot::Sender<Result<Acknowledged, PublishError>>,
}

pub(crate) struct OrderSubmission {
    pub(crate) order: Order,
    pub(crate) now_ms: u64,
    pub(crate) reply: oneshot::Sender<Result<Done, OrderError>>,
}

/// The handle to the writer thread.
#[derive(Debug)]
pub(crate) struct Publisher {
    queue: Mutex<Option<SyncSender<Work>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    failed: watch::Receiver<Option<Arc<WriterFailure>>>,
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

    pub(crate) async fn publish(
        &self,
        batch: VerifiedBatch,
        now_ms: u64,
    ) -> Result<Acknowledged, PublishError> {
        let (reply, answer) = oneshot::channel();
        self.submit(Work::Batch(Submission { batch, now_ms, reply }))?;
        answer.await.unwrap_or(Err(PublishError::Stopped))
    }

    pub(crate) async fn order(&self, order: Order, now_ms: u64) -> Result<Done, OrderError> {
        let (reply, answer) = oneshot::channel();
        self.submit(Work::Order(OrderSubmission { order, now_ms, reply }))?;
        answer
            .await
            .unwrap_or(Err(OrderError::Publish(PublishError::Stopped)))
    }

    fn submit(&self, work: Work) -> Result<(), PublishError> {
        let queue = self
            .queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or(PublishError::Stopped)?;
        queue.try_send(work).map_err(|error| match error {
            TrySendError::Full(_) => PublishError::Busy,
            TrySendError::Disconnected(_) => PublishError::Stopped,
        })
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
