//! The one writer of journal and projection: a thread that takes batches, decides, journals, acknowledges, applies.
//!
//! The order is the guarantee. A batch is judged against its municipality's sequence; its persons are resolved
//! against everything accepted before; batch and decisions go to the journal with one sync; only then is the node
//! answered; then the rows are written and become visible. A crash in between loses nothing that was answered:
//! replay applies what the journal holds.

pub(crate) mod confirmations;
mod application;
mod intake_book;
pub(crate) mod gate;
pub mod held;
pub mod order;
mod quarantine;
mod rulings;
pub(crate) mod withdrawal;
pub(crate) mod lines;
pub(crate) mod restoration;
pub(crate) mod profiles;
mod marks;
pub(crate) mod queue;
pub(crate) mod writer;
pub(crate) mod recovery;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use registry::digest::SetDigest;
use registry::identifier::LocalId;
use registry::municipality::MunicipalityId;
use registry::profile::{GroupSet, Profile};
use registry::publication::{
    Accepted, AcknowledgementProof, Claim, ConfirmedSeal, Epoch, HoldReason, Line, NotNext, Refusal,
    VerifiedBatch, Watermark,
};
use tokio::sync::{oneshot, watch};

use crate::projection::{ProjectionError, Replaced};
use crate::publication_journal::JournalError;
use crate::publisher::held::{HeldChange, Holdings};
use crate::publisher::marks::Marks;
use crate::publisher::order::{Done, Order, OrderError};
use crate::publisher::queue::{FairQueue, NoPlace};
use crate::publisher::writer::Writer;

/// What the index holds of one municipality.
#[derive(Clone, Debug)]
pub struct MunicipalityState {
    /// The node's last change that is durable.
    pub watermark: Watermark,
    /// The node's last change that answers show.
    pub visible: Watermark,
    /// Cards received, whatever of them is served.
    pub records: u64,
    /// When the last batch was recorded, Unix milliseconds; `None` when there was none.
    pub received_ms: Option<u64>,
    /// When what answers show was last confirmed, Unix milliseconds: by the last batch, once it is visible, or since
    /// then by an equal digest.
    pub confirmed_ms: Option<u64>,
    /// Digest of the cards received: what the node's mirror must be equal to.
    pub digest: SetDigest,
    /// What waits for a registrar, and what is not trusted.
    pub holdings: Holdings,
    /// Changes kept aside, newest last, at most [`MunicipalityState::REJECTIONS`].
    pub rejections: Vec<Rejection>,
    /// The line of history, once it began anew; `None` while it is the municipality's first.
    pub line: Option<Line>,
    /// The last batch of this line, as it was accepted.
    pub last: Option<Accepted>,
    /// Highest change that a backup is known to hold; 0 while none was declared.
    pub backed_up: Watermark,
    /// What is published of it; `None` while that was never said, so that nothing is left out.
    pub profile: Option<Profile>,
    /// That the municipality left; nothing else is known of it then.
    pub withdrawn: Option<Withdrawn>,
    pub(crate) marks: Marks,
    /// Seals that the node has proved to be confirmed.
    pub(crate) proved_seals: Arc<BTreeSet<ConfirmedSeal>>,
}

/// By what it is known that a municipality left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// The journal holds its withdrawal.
    Recorded {
        /// When it was recorded, Unix milliseconds.
        at_ms: u64,
    },
    /// Its key was destroyed, and the journal is older than that, or empty: the index was restored.
    KeyDestroyed,
}

impl Withdrawn {
    /// When that was recorded, Unix milliseconds, where the index still knows.
    pub fn at_ms(self) -> Option<u64> {
        match self {
            Self::Recorded { at_ms } => Some(at_ms),
            Self::KeyDestroyed => None,
        }
    }
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
            received_ms: None,
            confirmed_ms: None,
            digest: SetDigest::new(),
            holdings: Holdings::default(),
            rejections: Vec::new(),
            line: None,
            last: None,
            backed_up: Watermark::default(),
            profile: None,
            withdrawn: None,
            marks: Marks::default(),
            proved_seals: Arc::default(),
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

    /// The groups of which something is kept; all while no profile was ever said.
    pub(crate) fn groups(&self) -> GroupSet {
        self.profile.map_or(GroupSet::ALL, Profile::groups)
    }

    /// A new line of history begins behind `watermark`. What was kept aside beyond it bears numbers of the old line.
    pub(crate) fn begin(&mut self, line: Line, watermark: Watermark) {
        if watermark < self.watermark {
            self.marks.clear();
        }
        self.line = Some(line);
        self.last = None;
        self.watermark = watermark;
        self.visible = watermark;
        self.backed_up = self.backed_up.min(watermark);
        self.rejections.retain(|kept| kept.sequence <= watermark.0);
    }

    /// Whether a seal waits that a registrar had confirmed: the index was restored from a copy of before.
    pub(crate) fn has_forgotten_a_seal(&self) -> bool {
        let held = self.holdings.held();
        self.proved_seals.iter().any(|proved| {
            let waits = |change: &&HeldChange| {
                change.reason == HoldReason::IdentitySealed && change.local_id == proved.local_id
            };
            !self.holdings.seals().contains(proved) && held.iter().any(waits)
        })
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
    /// Proof of the acknowledgement, for the node to keep and to show.
    pub proof: AcknowledgementProof,
    /// Highest change that a backup is known to hold.
    pub backed_up: Watermark,
    /// What is published of the municipality, once that was said.
    pub profile: Option<Profile>,
}

/// What a node is told when it opens a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The municipality's epoch.
    pub epoch: Epoch,
    /// When it began, Unix milliseconds; `None` while it is the first.
    pub began_ms: Option<u64>,
    /// What is held durably.
    pub watermark: Watermark,
    /// Proof of it.
    pub proof: AcknowledgementProof,
    /// The last batch of this epoch.
    pub last: Option<Accepted>,
    /// Highest change that a backup is known to hold.
    pub backed_up: Watermark,
    /// What is published of the municipality, once that was said.
    pub profile: Option<Profile>,
}

/// Why a line of history is to begin anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewLine {
    /// A node shows an acknowledgement of what is not held any more. Without a loss, nothing happens.
    Claimed(Claim),
    /// An administrator accepts a journal that has nothing in common with what is held beyond this change. Where less
    /// than that is held, nothing happens.
    ShorterJournal(Watermark),
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
    /// The municipality has left, and whatever it published was destroyed.
    #[error("the municipality was withdrawn")]
    Withdrawn,
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
pub(crate) type States = Arc<RwLock<BTreeMap<MunicipalityId, MunicipalityState>>>;

/// What the writer is asked to do.
pub(crate) enum Work {
    /// Take a batch.
    Batch(Submission),
    /// Carry an order out.
    Order(OrderSubmission),
    /// Begin a line of history under `epoch`, where there is reason to.
    Line {
        municipality: MunicipalityId,
        epoch: Epoch,
        reason: NewLine,
        now_ms: u64,
        reply: Reply<Standing>,
    },
    /// End a restoration.
    Reopen { at_ms: u64, reply: Reply<()> },
    /// Publish these groups of each municipality's cards, and no others, from now on.
    Profiles {
        wanted: Vec<(MunicipalityId, GroupSet)>,
        now_ms: u64,
        reply: Reply<BTreeMap<MunicipalityId, Profile>>,
    },
    /// Note that a backup holds everything recorded up to an instant.
    Backup { at_ms: u64, reply: Reply<()> },
}

pub(crate) struct Submission {
    pub(crate) batch: VerifiedBatch,
    pub(crate) now_ms: u64,
    pub(crate) reply: Reply<Acknowledged>,
}

pub(crate) struct OrderSubmission {
    pub(crate) order: Order,
    pub(crate) now_ms: u64,
    pub(crate) reply: oneshot::Sender<Result<Done, OrderError>>,
}

impl Work {
    fn lane(&self) -> Option<MunicipalityId> {
        match self {
            Self::Batch(submission) => MunicipalityId::of_any(submission.batch.batch().municipality()),
            Self::Line { municipality, .. } => Some(*municipality),
            Self::Profiles { wanted, .. } => match wanted.as_slice() {
                [(municipality, _)] => Some(*municipality),
                _ => None,
            },
            Self::Order(_) | Self::Reopen { .. } | Self::Backup { .. } => None,
        }
    }
}

/// Who waits in which lane: a municipality, or whoever orders.
pub(crate) type WriterQueue = FairQueue<Option<MunicipalityId>, Work>;

/// Where the answer goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, PublishError>>;

/// The handle to the writer thread.
#[derive(Debug)]
pub(crate) struct Publisher {
    queue: WriterQueue,
    thread: Mutex<Option<JoinHandle<()>>>,
    failed: watch::Receiver<Option<Arc<WriterFailure>>>,
}

impl Publisher {
    pub(crate) fn start(writer: Writer) -> std::io::Result<Self> {
        let queue = WriterQueue::new();
        let submissions = queue.clone();
        let (failure, failed) = watch::channel(None);
        let thread = std::thread::Builder::new()
            .name("publication-writer".to_owned())
            .spawn(move || {
                let ended = writer.run(&submissions);
                // Whoever still waits is told that nothing was taken.
                submissions.abandon();
                if let Err(error) = ended {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "the publication writer has stopped"
                    );
                    failure.send_replace(Some(Arc::new(error)));
                }
            })?;
        Ok(Self {
            queue,
            thread: Mutex::new(Some(thread)),
            failed,
        })
    }

    pub(crate) async fn publish(
        &self,
        batch: VerifiedBatch,
        now_ms: u64,
    ) -> Result<Acknowledged, PublishError> {
        self.ask(|reply| Work::Batch(Submission { batch, now_ms, reply }))
            .await
    }

    pub(crate) async fn order(&self, order: Order, now_ms: u64) -> Result<Done, OrderError> {
        let (reply, answer) = oneshot::channel();
        self.submit(Work::Order(OrderSubmission { order, now_ms, reply }))?;
        answer
            .await
            .unwrap_or(Err(OrderError::Publish(PublishError::Stopped)))
    }

    /// Gives the writer something to do and waits for its answer.
    pub(crate) async fn ask<T>(&self, work: impl FnOnce(Reply<T>) -> Work) -> Result<T, PublishError> {
        let (reply, answer) = oneshot::channel();
        self.submit(work(reply))?;
        answer.await.unwrap_or(Err(PublishError::Stopped))
    }

    fn submit(&self, work: Work) -> Result<(), PublishError> {
        self.queue.push(work.lane(), work).map_err(|error| match error {
            NoPlace::Full => PublishError::Busy,
            NoPlace::Closed => PublishError::Stopped,
        })
    }

    /// Batches that a node may have under way now.
    pub(crate) fn credits(&self) -> u32 {
        self.queue.credits()
    }

    /// Tells when and why the writer stopped by itself.
    pub(crate) fn failure(&self) -> watch::Receiver<Option<Arc<WriterFailure>>> {
        self.failed.clone()
    }

    /// Lets the writer finish what is queued, sync and stop.
    pub(crate) fn close(&self) {
        self.queue.close();
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
