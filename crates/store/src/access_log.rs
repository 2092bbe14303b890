//! The access log (*registro degli accessi*) of one process: no durable entry, no answer.
//!
//! A caller reserves a place, reads under its permit, and commits the sealed answer; one writer thread makes batches
//! durable with one write and one sync, signs the new head and hands the answers out. The mathematics is in
//! [`ledger`], the files in [`crate::segment`].

pub mod committed;
pub mod draft;
pub mod frames;
mod hashes;
pub mod keeper;
pub mod part_content;
pub mod part_items;
mod postings;
pub mod proofs;
pub mod reading;
pub mod reserve;
pub mod retention;
pub mod start;
pub mod survey;
pub mod subject;
pub(crate) mod verification;
mod writer;

use std::{
    collections::BTreeSet,
    fmt::{self, Debug},
    ops::Range,
    sync::{Arc, Mutex, PoisonError, RwLock, mpsc::Sender},
    thread::JoinHandle,
    time::Duration,
};

use ledger::{
    checkpoint::{Checkpoint, LogSigner, LogVerifier},
    header::{Header, HeaderBody, RequestId},
    name::Origin,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot, watch};

pub use writer::OnFatal;

use crate::{
    access_log::{
        committed::{Committed, Head},
        draft::{DraftError, EntryDraft, Sealed, SealedEntry},
        hashes::StoredHashes,
        postings::Postings,
        reading::{EntryReader, FrameIndex, OpenedEntries, OpenedEntry, ReadError, ReaderScope},
        retention::{ExpiredKeys, Month, Retention},
        writer::{Message, Queued},
    },
    keys::{
        Entropy,
        ring::{KeyRing, RingError},
    },
    segment::{self, reader::SegmentReader},
};

/// Unix time in milliseconds.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// How the log works. The default is for production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    /// Segment files.
    pub segments: segment::Settings,
    /// Places in the queue.
    pub queue: usize,
    /// Most entries of a batch.
    pub batch_entries: usize,
    /// Most bytes of a batch, and of an entry.
    pub batch_bytes: usize,
    /// After so much quiet the newest checkpoint is stored in a frame of its own.
    pub quiet: Duration,
    /// The newest checkpoint is copied to the second path at most once in this time.
    pub copy_interval: Duration,
    /// How often room for the next segment is looked for once there was none.
    pub retry_space: Duration,
    /// How long a small batch after a large one waits at a time for callers that are on their way.
    pub gather: Duration,
    /// From so many entries on, proofs are computed while another thread waits for the disk.
    pub overlap_from: usize,
    /// Retention of the parts of entries that the log writes itself.
    pub retention: Retention,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            segments: segment::Settings::default(),
            queue: 4096,
            batch_entries: 1024,
            batch_bytes: 4 << 20,
            quiet: Duration::from_millis(100),
            copy_interval: Duration::from_secs(1),
            retry_space: Duration::from_secs(1),
            gather: Duration::from_micros(50),
            overlap_from: 8,
            retention: Retention::months(120).expect("120 is between 1 and 600"),
        }
    }
}

/// Whether entries can be committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStatus {
    /// They can.
    Serving,
    /// There is no room for the next segment; ends by itself.
    NoSpace,
    /// A write failed; only a restart, with a new verification, can help.
    Failed,
    /// The log was closed.
    Closed,
}

/// A handle to the log; clones share it. The last one closes it.
#[derive(Debug, Clone)]
pub struct AccessLog {
    inner: Arc<Inner>,
}

/// A place in the log's queue, for one entry. Dropping it frees the place.
#[derive(Debug)]
#[must_use = "a place that is not used is free again at once"]
pub struct Slot(OwnedSemaphorePermit);

/// Why there is no place. Nothing may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReserveError {
    /// All places are taken.
    #[error("the access log's queue is full")]
    Full {
        /// When to try again.
        retry_after: Duration,
    },
    /// The log cannot write.
    #[error("the access log is unavailable")]
    Unavailable,
}

/// Why an entry was not entered. The answer is gone.
#[derive(Debug, thiserror::Error)]
pub enum LogFailure {
    /// The entry breaks a rule.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// The entry may or may not be in the log; the answer is not given.
    #[error("the access log is unavailable")]
    Unavailable,
}

struct Inner {
    shared: Arc<Shared>,
    queue: Sender<Message>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What the writer makes and readers use.
struct Shared {
    origin: Origin,
    verifier: LogVerifier,
    signer: Arc<LogSigner>,
    ring: Arc<KeyRing>,
    entropy: Arc<dyn Entropy>,
    clock: Clock,
    max_entry: usize,
    places: Arc<Semaphore>,
    hashes: StoredHashes,
    frames: FrameIndex,
    segments: SegmentReader,
    postings: RwLock<Postings>,
    head: watch::Sender<Arc<Head>>,
    stored: watch::Sender<u64>,
    copied: watch::Sender<u64>,
    status: watch::Sender<LogStatus>,
}

impl AccessLog {
    /// Takes a place in the queue. This comes first, before anything is read.
    ///
    /// # Errors
    /// See [`ReserveError`].
    pub fn reserve(&self) -> Result<Slot, ReserveError> {
        if *self.inner.shared.status.borrow() != LogStatus::Serving {
            return Err(ReserveError::Unavailable);
        }
        match Arc::clone(&self.inner.shared.places).try_acquire_owned() {
            Ok(place) => Ok(Slot(place)),
            Err(TryAcquireError::NoPermits) => Err(ReserveError::Full {
                retry_after: Duration::from_millis(50),
            }),
            Err(TryAcquireError::Closed) => Err(ReserveError::Unavailable),
        }
    }

    /// Makes the entry durable and opens the answer.
    ///
    /// Commitments and sealing run here, on the caller's task. Dropping the future before it ends loses the answer
    /// but may leave the entry, which then says more than happened, never less.
    ///
    /// # Errors
    /// See [`LogFailure`]; the answer is dropped unseen.
    pub async fn commit<T>(&self, slot: Slot, sealed: Sealed<T>) -> Result<(T, Committed), LogFailure> {
        let (content, draft) = sealed.into_pieces();
        let committed = self.append(slot, draft).await?;
        Ok((content, committed))
    }

    /// Makes an entry without an answer durable.
    ///
    /// # Errors
    /// See [`LogFailure`].
    pub async fn append(&self, slot: Slot, draft: EntryDraft) -> Result<Committed, LogFailure> {
        let entry = self.inner.shared.seal(draft)?;
        let (answer, answered) = oneshot::channel();
        let queued = Queued {
            entry,
            answer,
            place: slot.0,
        };
        self.inner
            .queue
            .send(Message::Entry(Box::new(queued)))
            .map_err(|_| LogFailure::Unavailable)?;
        answered.await.map_err(|_| LogFailure::Unavailable)
    }

    /// The name of the log.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.inner.shared.origin
    }

    /// The public key that checks the log's checkpoints.
    #[must_use]
    pub fn verifier(&self) -> &LogVerifier {
        &self.inner.shared.verifier
    }

    /// The newest signed head. Everything before it is durable.
    #[must_use]
    pub fn checkpoint(&self) -> Arc<Head> {
        Arc::clone(&self.inner.shared.head.borrow())
    }

    /// Follows the head.
    #[must_use]
    pub fn heads(&self) -> watch::Receiver<Arc<Head>> {
        self.inner.shared.head.subscribe()
    }

    /// Follows whether entries can be committed.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<LogStatus> {
        self.inner.shared.status.subscribe()
    }

    /// Follows the size of the newest checkpoint that is stored in a frame of its own.
    #[must_use]
    pub fn stored_checkpoints(&self) -> watch::Receiver<u64> {
        self.inner.shared.stored.subscribe()
    }

    /// Follows the size of the newest checkpoint on the second path.
    #[must_use]
    pub fn copied_checkpoints(&self) -> watch::Receiver<u64> {
        self.inner.shared.copied.subscribe()
    }

    /// One entry as the scope shows it now; `None` when it is outside the scope.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn entry(&self, scope: &ReaderScope, index: u64) -> Result<Option<OpenedEntry>, ReadError> {
        self.entry_opened(scope, &OpenedEntries::NONE, index)
    }

    /// The same to a reader to whom reserved accesses were opened.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn entry_opened(
        &self,
        scope: &ReaderScope,
        opened: &OpenedEntries,
        index: u64,
    ) -> Result<Option<OpenedEntry>, ReadError> {
        let shared = &self.inner.shared;
        if self.checkpoint().checkpoint.size <= index {
            return Err(ReadError::NoEntry(index));
        }
        let stored = EntryReader::new(shared).read(index)?;
        shared.view(scope, opened, (shared.clock)(), stored)
    }

    /// Entries of a range that the scope shows now, in order, at most `limit`.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn entries(
        &self,
        scope: &ReaderScope,
        range: Range<u64>,
        limit: usize,
    ) -> Result<Vec<OpenedEntry>, ReadError> {
        self.entries_opened(scope, &OpenedEntries::NONE, range, limit)
    }

    /// The same to a reader to whom reserved accesses were opened.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn entries_opened(
        &self,
        scope: &ReaderScope,
        opened: &OpenedEntries,
        range: Range<u64>,
        limit: usize,
    ) -> Result<Vec<OpenedEntry>, ReadError> {
        let shared = &self.inner.shared;
        let end = range.end.min(self.checkpoint().checkpoint.size);
        let mut reader = EntryReader::new(shared);
        let now_ms = (shared.clock)();
        let mut entries = Vec::new();
        for index in shared.candidates(scope, range.start, end, limit) {
            if limit <= entries.len() {
                break;
            }
            entries.extend(shared.view(scope, opened, now_ms, reader.read(index)?)?);
        }
        Ok(entries)
    }

    /// Hands every entry from `from` on whose header is wanted to `visit`, in order, whole: for the index itself, which
    /// counts again at its start. The parts of all others stay sealed.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn visit_wanted(
        &self,
        from: u64,
        wanted: impl Fn(&HeaderBody) -> bool,
        mut visit: impl FnMut(&OpenedEntry),
    ) -> Result<(), ReadError> {
        let shared = &self.inner.shared;
        let now_ms = (shared.clock)();
        let mut reader = EntryReader::new(shared);
        for index in from..self.checkpoint().checkpoint.size {
            let stored = reader.read(index)?;
            if wanted(&Header::decode(&stored.header)?.body)
                && let Some(entry) = shared.view(&ReaderScope::Index, &OpenedEntries::NONE, now_ms, stored)?
            {
                visit(&entry);
            }
        }
        Ok(())
    }

    /// Indices of entries, from `from` on, that name subjects of a municipality, by its cadastral code: oldest first,
    /// reserved ones among them.
    #[must_use]
    pub fn entries_about(&self, municipality: &str, from: u64) -> Vec<u64> {
        let size = self.checkpoint().checkpoint.size;
        let scope = ReaderScope::Municipality(BTreeSet::from([municipality.to_owned()]));
        self.inner.shared.candidates(&scope, from, size, usize::MAX)
    }

    /// Entries that activated or revoked an agreement or changed who reads the log, oldest first: their fold is who
    /// may see what.
    #[must_use]
    pub fn governing_acts(&self) -> Vec<u64> {
        let postings = self
            .inner
            .shared
            .postings
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        postings.governing_acts().to_vec()
    }

    /// Entries that state with which configuration the service started, and what of it had changed, oldest first.
    #[must_use]
    pub fn configurations(&self) -> Vec<u64> {
        let postings = self
            .inner
            .shared
            .postings
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        postings.configurations().to_vec()
    }

    /// Entries of those who oversee: alerts, the rules for them, and the acts of samples, oldest first.
    #[must_use]
    pub fn oversight_acts(&self) -> Vec<u64> {
        let postings = self
            .inner
            .shared
            .postings
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        postings.oversight_acts().to_vec()
    }

    /// Entries that asked for openings of reserved accesses or confirmed them, refused ones among them, oldest first:
    /// their fold is to whom what is open.
    #[must_use]
    pub fn opening_acts(&self) -> Vec<u64> {
        let postings = self
            .inner
            .shared
            .postings
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        postings.opening_acts().to_vec()
    }

    /// Entries of the last 24 hours with this request id, oldest first.
    #[must_use]
    pub fn entries_of_request(&self, request: RequestId) -> Vec<u64> {
        self.inner.shared.requests(request)
    }

    /// The keys of parts whose retention has ended, in the order of their names.
    #[must_use]
    pub fn expired(&self) -> ExpiredKeys {
        let shared = &self.inner.shared;
        ExpiredKeys::of(shared.ring.names(), Month::of((shared.clock)()))
    }

    /// Destroys keys whose time is over: what is sealed under them can never be opened again. Returns how many there were.
    ///
    /// The caller enters it before (`KeysDestroyed`).
    ///
    /// # Errors
    /// The key ring cannot be written.
    pub fn erase(&self, expired: &ExpiredKeys) -> Result<usize, RingError> {
        self.inner.shared.ring.destroy(expired.names())
    }

    /// Enters what is queued, stores the last checkpoint and ends the writer. Blocks.
    pub fn close(&self) {
        self.inner.close();
    }
}

impl Inner {
    fn close(&self) {
        self.shared.places.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(writer) = writer else { return };
        // An error means that the writer has ended already.
        drop(self.queue.send(Message::Close));
        if writer.join().is_err() {
            tracing::error!("the access log's writer panicked");
            self.shared.status.send_replace(LogStatus::Failed);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn seal(&self, draft: EntryDraft) -> Result<SealedEntry, DraftError> {
        draft::seal(
            draft,
            &self.ring,
            self.entropy.as_ref(),
            (self.clock)(),
            self.max_entry,
        )
    }
}

impl Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

impl Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Checkpoint {
            origin,
            size,
            root: _,
        } = &self.head.borrow().checkpoint;
        write!(f, "AccessLog({origin}, {size} entries)")
    }
}

#[cfg(test)]
mod tests;
