//! The log's one writer: a thread that turns queued entries into batches.

use std::{
    sync::{
        Arc, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    time::{Duration, Instant},
};

use ledger::{
    checkpoint::{LogSigner, SignedCheckpoint},
    frame::{self, FrameBuilder},
    hash::Hash,
    header::EntryKind,
    part::PartKind,
    tree::{BatchTree, Frontier},
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::{
    access_log::{
        LogSettings, LogStatus, Shared,
        committed::{Committed, Head},
        draft::{self, EntryDraft, SealedEntry},
        hashes::FLUSH_FROM,
        keeper::Keeper,
        part_content::DetailPart,
        reading::FramePlace,
    },
    segment::{AppendError, SegmentSet},
};

/// Bytes kept free in every frame for the checkpoint before it.
pub(super) const CHECKPOINT_ROOM: usize = 1024;

/// Only after a batch of so many entries is a smaller one held back for others to join it.
const GATHER_FROM: usize = 8;

/// How often a batch waits for others, at most.
const GATHER_STEPS: u32 = 8;

/// Called with a word for the operator when the log can never write again.
pub type OnFatal = Arc<dyn Fn(&'static str) + Send + Sync>;

#[derive(Debug)]
pub(super) enum Message {
    Entry(Box<Queued>),
    Close,
}

#[derive(Debug)]
pub(super) struct Queued {
    pub(super) entry: SealedEntry,
    pub(super) answer: oneshot::Sender<Committed>,
    /// The place in the queue; free again as soon as the writer has taken the entry.
    pub(super) place: OwnedSemaphorePermit,
}

/// Who waits for one entry of a batch; nobody, when the log writes it for itself.
type Waiting = Option<oneshot::Sender<Committed>>;

pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) settings: LogSettings,
    pub(super) queue: Receiver<Message>,
    pub(super) segments: SegmentSet,
    pub(super) frontier: Frontier,
    pub(super) last_time: u64,
    pub(super) keeper: Keeper,
    pub(super) on_fatal: OnFatal,
    /// The newest head, and whether a frame holds it.
    pub(super) head: Arc<Head>,
    pub(super) stored: bool,
    pub(super) buffer: Vec<u8>,
    pub(super) carried: Option<Box<Queued>>,
    /// Entries of the batch before.
    pub(super) gathered: usize,
    pub(super) full_since: Option<u64>,
}

/// What a turn of the writer ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Go,
    Closed,
    Fatal,
}

impl Writer {
    /// Works until the log is closed or cannot go on.
    pub(super) fn run(mut self) {
        let mut quiet_from = Instant::now();
        loop {
            let turn = match self.next(quiet_from) {
                Ok(Message::Entry(first)) => {
                    let turn = self.batch(first);
                    quiet_from = Instant::now();
                    turn
                }
                Ok(Message::Close) => Turn::Closed,
                Err(RecvTimeoutError::Timeout) if self.full_since.is_some() => {
                    let turn = self.try_resume();
                    quiet_from = Instant::now();
                    turn
                }
                Err(RecvTimeoutError::Timeout) => self.store_checkpoint(),
                Err(RecvTimeoutError::Disconnected) => Turn::Closed,
            };
            match turn {
                Turn::Go => {}
                Turn::Closed => return self.close(),
                Turn::Fatal => return self.fail(),
            }
        }
    }

    fn next(&mut self, quiet_from: Instant) -> Result<Message, RecvTimeoutError> {
        if let Some(carried) = self.carried.take() {
            return Ok(Message::Entry(carried));
        }
        if self.full_since.is_some() {
            return self
                .queue
                .recv_timeout(left(quiet_from, self.settings.retry_space));
        }
        if self.stored {
            return self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected);
        }
        self.queue.recv_timeout(left(quiet_from, self.settings.quiet))
    }

    /// Takes what is queued, as far as one frame goes, and commits it.
    fn batch(&mut self, first: Box<Queued>) -> Turn {
        if self.full_since.is_some() {
            // A place taken before the disk was full. Dropping the sender answers: unavailable.
            drop(first);
            return Turn::Go;
        }
        let budget = self.shared.max_entry;
        let mut bytes = first.entry.len;
        let mut entries = Vec::with_capacity(64);
        let mut waiting = Vec::with_capacity(64);
        let mut closing = false;
        let mut take = |queued: Box<Queued>| {
            let Queued { entry, answer, place } = *queued;
            drop(place);
            entries.push(entry);
            waiting.push(Some(answer));
            entries.len()
        };
        let mut count = take(first);
        let mut gathering = Gathering::after(self.gathered);
        while count < self.settings.batch_entries {
            match self.queue.try_recv() {
                Ok(Message::Entry(queued)) if budget < bytes + queued.entry.len => {
                    self.carried = Some(queued);
                    break;
                }
                Ok(Message::Entry(queued)) => {
                    bytes += queued.entry.len;
                    count = take(queued);
                }
                Ok(Message::Close) => {
                    closing = true;
                    break;
                }
                Err(TryRecvError::Empty) if gathering.goes_on(count) => {
                    // Asleep and not at the queue: there, every arrival would wake this thread.
                    std::thread::sleep(self.settings.gather);
                }
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        self.gathered = count;
        match self.commit(&entries, waiting) {
            Turn::Go if closing => Turn::Closed,
            turn => turn,
        }
    }

    /// Writes one frame, and answers when it is durable.
    fn commit(&mut self, entries: &[SealedEntry], waiting: Vec<Waiting>) -> Turn {
        let time = self.now();
        let previous = if self.stored { "" } else { self.head.text.as_str() };
        let buffer = std::mem::take(&mut self.buffer);
        let Ok(mut builder) = FrameBuilder::with_buffer(buffer, self.frontier.size(), previous.as_bytes())
        else {
            return Turn::Fatal;
        };
        let mut headers = Vec::with_capacity(entries.len());
        let mut leaves = Vec::with_capacity(entries.len());
        for entry in entries {
            let header = entry.header.seal(&self.shared.origin, time);
            // The limits of a frame were kept when entries were drafted and drained.
            if builder.push(header.as_bytes(), entry.parts()).is_err() {
                return Turn::Fatal;
            }
            leaves.push(header.leaf_hash());
            headers.push(header.into_bytes());
        }
        let frame = builder.finish();
        let frontier = self.frontier.clone();
        let signer = self.shared.signer.as_ref();
        let outcome = if entries.len() < self.settings.overlap_from {
            self.segments
                .append(&frame)
                .map(|position| (position, prove(&frontier, signer, headers, &leaves)))
        } else {
            self.segments
                .append_during(&frame, || prove(&frontier, signer, headers, &leaves))
        };
        let (position, proved) = match outcome {
            Ok(done) => done,
            Err(AppendError::NoSpace) => {
                self.buffer = frame;
                return self.pause(time);
            }
            Err(error @ (AppendError::Failed(_) | AppendError::TooLong { .. } | AppendError::Poisoned)) => {
                tracing::error!(%error, "the access log cannot be written");
                return Turn::Fatal;
            }
        };
        let Some(Proved {
            tree,
            head,
            committed,
        }) = proved
        else {
            return Turn::Fatal;
        };
        let len = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        self.buffer = frame;
        self.publish(
            entries,
            &tree,
            time,
            FramePlace {
                first_index: tree.first_index(),
                position,
                len,
            },
        );
        self.stored = false;
        self.head = head;
        self.shared.head.send_replace(Arc::clone(&self.head));
        self.keeper.copy();
        for (committed, waiting) in committed.into_iter().zip(waiting) {
            if let Some(answer) = waiting {
                // A caller that went away leaves its entry behind: the answer may have been on its way.
                drop(answer.send(committed));
            }
        }
        Turn::Go
    }

    fn publish(&mut self, entries: &[SealedEntry], tree: &BatchTree, time: u64, place: FramePlace) {
        self.frontier = tree.frontier();
        self.last_time = time;
        let in_memory = self.shared.hashes.append(tree);
        self.shared.frames.push(place);
        {
            let mut postings = self
                .shared
                .postings
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            for (entry, index) in entries.iter().zip(tree.first_index()..) {
                postings.add(index, time, &entry.posting);
            }
        }
        if FLUSH_FROM <= in_memory {
            self.keeper.flush();
        }
    }

    /// Stores the newest checkpoint in a frame of its own.
    fn store_checkpoint(&mut self) -> Turn {
        let buffer = std::mem::take(&mut self.buffer);
        let Ok(builder) = FrameBuilder::with_buffer(buffer, self.frontier.size(), self.head.text.as_bytes())
        else {
            return Turn::Fatal;
        };
        let frame = builder.finish();
        let outcome = self.segments.append(&frame);
        self.buffer = frame;
        match outcome {
            Ok(_) => {
                self.stored = true;
                self.shared.stored.send_replace(self.frontier.size());
                self.keeper.flush();
                Turn::Go
            }
            Err(AppendError::NoSpace) => {
                let time = self.now();
                self.pause(time)
            }
            Err(error @ (AppendError::Failed(_) | AppendError::TooLong { .. } | AppendError::Poisoned)) => {
                tracing::error!(%error, "the access log cannot be written");
                Turn::Fatal
            }
        }
    }

    /// Stops serving until there is room for the next segment.
    fn pause(&mut self, time: u64) -> Turn {
        tracing::error!("no space for the access log's next segment: not serving");
        self.full_since.get_or_insert(time);
        self.shared.status.send_replace(LogStatus::NoSpace);
        Turn::Go
    }

    /// Serves again when there is room, after an entry that states the gap.
    fn try_resume(&mut self) -> Turn {
        let Some(since) = self.full_since else {
            return Turn::Go;
        };
        match self.segments.make_room(self.shared.max_entry + CHECKPOINT_ROOM) {
            Ok(()) => {}
            Err(AppendError::NoSpace) => return Turn::Go,
            Err(error @ (AppendError::Failed(_) | AppendError::TooLong { .. } | AppendError::Poisoned)) => {
                tracing::error!(%error, "the access log cannot be written");
                return Turn::Fatal;
            }
        }
        let until = self.now();
        let entry = match self.gap(since, until) {
            Ok(entry) => entry,
            Err(error) => {
                tracing::error!(%error, "the entry for the time without space cannot be drafted");
                return Turn::Go;
            }
        };
        let before = self.frontier.size();
        let turn = self.commit(&[entry], vec![None]);
        if before < self.frontier.size() {
            self.full_since = None;
            self.shared.status.send_replace(LogStatus::Serving);
        }
        turn
    }

    fn gap(&self, since: u64, until: u64) -> Result<SealedEntry, draft::DraftError> {
        let details = DetailPart {
            details: vec![
                ("from_ms".to_owned(), since.to_string()),
                ("to_ms".to_owned(), until.to_string()),
            ],
        };
        let draft = EntryDraft::new(EntryKind::Gap, self.settings.retention)
            .with(PartKind::AdministrativeDetail, &details)?;
        self.shared.seal(draft)
    }

    fn now(&self) -> u64 {
        (self.shared.clock)().max(self.last_time)
    }

    fn close(mut self) {
        // What was queued before the close is still entered.
        while let Some(queued) = self.carried.take().or_else(|| self.next_queued()) {
            match self.batch(queued) {
                Turn::Go | Turn::Closed => {}
                Turn::Fatal => return self.fail(),
            }
        }
        if !self.stored && self.full_since.is_none() && self.store_checkpoint() == Turn::Fatal {
            return self.fail();
        }
        self.shared.status.send_replace(LogStatus::Closed);
    }

    fn next_queued(&self) -> Option<Box<Queued>> {
        loop {
            match self.queue.try_recv() {
                Ok(Message::Entry(queued)) => return Some(queued),
                Ok(Message::Close) => {}
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return None,
            }
        }
    }

    /// Ends for good. Dropping the queue with the senders in it answers all who wait: unavailable.
    fn fail(self) {
        let on_fatal = Arc::clone(&self.on_fatal);
        self.shared.status.send_replace(LogStatus::Failed);
        drop(self);
        on_fatal("the access log cannot be written");
    }
}

/// Whether a batch waits for more.
///
/// The answers of a large batch wake many callers at once. The first of them to come back would be written alone, and
/// all others would wait for its sync: as many syncs again, each for one entry. So while callers keep coming, the
/// batch is held back until it is half as large as the one before. A caller alone never waits.
struct Gathering {
    before: usize,
    seen: usize,
    steps: u32,
}

impl Gathering {
    fn after(before: usize) -> Self {
        Self {
            before,
            seen: 0,
            steps: if before < GATHER_FROM { 0 } else { GATHER_STEPS },
        }
    }

    fn goes_on(&mut self, count: usize) -> bool {
        if self.steps == 0 || self.before <= 2 * count || count <= self.seen {
            return false;
        }
        self.steps -= 1;
        self.seen = count;
        true
    }
}

struct Proved {
    tree: BatchTree,
    head: Arc<Head>,
    committed: Vec<Committed>,
}

/// Root, signature and proofs of a batch; `None` when the tree is full.
fn prove(before: &Frontier, signer: &LogSigner, headers: Vec<Vec<u8>>, leaves: &[Hash]) -> Option<Proved> {
    let tree = BatchTree::new(before, leaves).ok()?;
    let head = Arc::new(head_of(&signer.sign(tree.size(), tree.root())));
    let mut committed = Vec::with_capacity(leaves.len());
    for ((header, leaf), index) in headers.into_iter().zip(leaves).zip(tree.first_index()..) {
        committed.push(Committed {
            index,
            header,
            leaf: *leaf,
            path: tree.path(index)?.collect(),
            head: Arc::clone(&head),
        });
    }
    Some(Proved {
        tree,
        head,
        committed,
    })
}

pub(super) fn head_of(signed: &SignedCheckpoint) -> Head {
    Head {
        checkpoint: signed.checkpoint().clone(),
        text: signed.to_text(),
    }
}

/// Bytes of entries that fit into a frame of a segment.
pub(super) fn entry_budget(settings: &LogSettings) -> usize {
    let segment = usize::try_from(settings.segments.segment_bytes).unwrap_or(usize::MAX);
    let frame = segment.min(frame::FRAME_MAX_LEN);
    settings
        .batch_bytes
        .min(frame.saturating_sub(frame::empty_frame_len(CHECKPOINT_ROOM)))
}

fn left(from: Instant, duration: Duration) -> Duration {
    duration.saturating_sub(from.elapsed())
}
