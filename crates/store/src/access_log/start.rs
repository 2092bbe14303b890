//! Opening a log: everything in it is read and checked before anything is served.

use std::{
    fmt::{self, Debug},
    io,
    sync::{Arc, Mutex, RwLock, mpsc::channel},
    thread,
    time::Instant,
};

use ledger::{
    checkpoint::{Checkpoint, CheckpointError, LogSigner, LogVerifier, SignedCheckpoint},
    tree::Frontier,
};
use tokio::sync::{Semaphore, watch};

use crate::{
    access_log::{
        AccessLog, Clock, Inner, LogSettings, LogStatus, OnFatal, Shared,
        frames::BatchFrames,
        hashes::{Rebuild, StoredHashes},
        keeper::{CHECKPOINT_COPY, Keeper},
        postings::{Posting, Postings},
        reading::{FrameIndex, FramePlace},
        verification::{Finding, Known, Signatures, Verification, Verified},
        writer::{Writer, entry_budget, head_of},
    },
    files::{self, Files},
    keys::{Entropy, KeyId, ring::KeyRing},
    segment::{Recovery, SegmentSet, scan::ScanError},
};

/// The prefix of the log's segment files.
pub const LOG_PREFIX: &str = "access";

/// Where the log keeps what.
#[derive(Debug, Clone)]
pub struct LogFiles {
    /// Segments: the log itself.
    pub log: Arc<dyn Files>,
    /// Hash files, which can be deleted.
    pub hashes: Arc<dyn Files>,
    /// The copy of the newest checkpoint, on another disk if there is one.
    pub copy: Arc<dyn Files>,
}

/// What a log needs from outside.
pub struct LogParameters {
    /// Files.
    pub files: LogFiles,
    /// Signs heads; its origin names the log.
    pub signer: LogSigner,
    /// Keys of parts.
    pub ring: Arc<KeyRing>,
    /// Salts, nonces and padding.
    pub entropy: Arc<dyn Entropy>,
    /// Time.
    pub clock: Clock,
    /// Heads that others have cosigned, already verified: the log must contain them.
    pub witnessed: Vec<Checkpoint>,
    /// Called once when the log can never write again; the process should end.
    pub on_fatal: OnFatal,
}

/// What opening found.
#[derive(Debug, Clone, PartialEq)]
pub struct StartReport {
    /// Entries in the log.
    pub entries: u64,
    /// What the segments said.
    pub recovery: Recovery,
    /// Stored hashes that were missing or wrong.
    pub hashes_rewritten: u64,
    /// How long it took.
    pub seconds: f64,
}

/// Why a log is refused.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The segments are damaged, or what they hold is not the log that it must be.
    #[error("the access log is refused: {0}")]
    Segments(#[from] ScanError<Refusal>),
    /// The whole log is not what it must be.
    #[error("the access log is refused: {0}")]
    Log(#[from] Finding),
    /// The checkpoint on the second path does not read, or is not signed by this log.
    #[error("the copy of the checkpoint: {0}")]
    Copy(CheckpointError),
    /// The settings leave no room for an entry.
    #[error("segments or batches are too small for one entry")]
    Settings,
    /// Files cannot be read or written.
    #[error("the access log cannot be read")]
    Io(#[from] io::Error),
}

/// Why a frame stops the walk.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The frame is not what it must be.
    #[error(transparent)]
    Finding(#[from] Finding),
    /// Hash files cannot be written.
    #[error("hash files cannot be written")]
    Io(#[from] io::Error),
}

impl Debug for LogParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogParameters({})", self.signer.origin())
    }
}

struct Walked {
    segments: SegmentSet,
    recovery: Recovery,
    verified: Verified,
    hashes: StoredHashes,
    hashes_rewritten: u64,
    frames: FrameIndex,
    postings: Postings,
    copied: Option<u64>,
}

impl AccessLog {
    /// Opens a log, or makes an empty one, and starts its writer.
    ///
    /// Every frame, hash and header is checked; the root must be that of the newest stored checkpoint, of the copy on
    /// the second path and of every witnessed head.
    ///
    /// # Errors
    /// See [`StartError`]; the log is then not served.
    pub fn open(parameters: LogParameters, settings: LogSettings) -> Result<(Self, StartReport), StartError> {
        let started = Instant::now();
        let LogParameters {
            files,
            signer,
            ring,
            entropy,
            clock,
            witnessed,
            on_fatal,
        } = parameters;
        let max_entry = entry_budget(&settings);
        if max_entry == 0 || settings.batch_entries == 0 || settings.queue == 0 {
            return Err(StartError::Settings);
        }
        let verifier = signer.verifier();
        let Walked {
            segments,
            recovery,
            verified,
            hashes,
            hashes_rewritten,
            frames,
            postings,
            copied,
        } = walk(&files, &verifier, &ring, witnessed, settings)?;
        let Verified {
            frontier,
            last_time,
            stored,
            checkpoints: _,
        } = verified;
        let size = frontier.size();
        let head = Arc::new(head_of(&signer.sign(size, frontier.root())));
        let shared = Arc::new(Shared {
            origin: signer.origin().clone(),
            verifier,
            signer: Arc::new(signer),
            ring,
            entropy,
            clock,
            max_entry,
            places: Arc::new(Semaphore::new(settings.queue)),
            hashes,
            frames,
            segments: segments.reader(),
            postings: RwLock::new(postings),
            head: watch::Sender::new(Arc::clone(&head)),
            stored: watch::Sender::new(stored.unwrap_or(0)),
            copied: watch::Sender::new(copied.unwrap_or(0)),
            status: watch::Sender::new(LogStatus::Serving),
        });
        let keeper = Keeper::start(Arc::clone(&shared), files.copy, settings.copy_interval)?;
        if copied.unwrap_or(0) < size {
            keeper.copy();
        }
        let (queue, received) = channel();
        let writer = Writer {
            shared: Arc::clone(&shared),
            settings,
            queue: received,
            segments,
            frontier,
            last_time,
            keeper,
            on_fatal,
            head,
            // An empty log has nothing to store.
            stored: stored == Some(size) || size == 0,
            buffer: Vec::new(),
            carried: None,
            gathered: 0,
            full_since: None,
        };
        let thread = thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || writer.run())?;
        let log = Self {
            inner: Arc::new(Inner {
                shared,
                queue,
                writer: Mutex::new(Some(thread)),
            }),
        };
        let report = StartReport {
            entries: size,
            recovery,
            hashes_rewritten,
            seconds: started.elapsed().as_secs_f64(),
        };
        Ok((log, report))
    }
}

/// The checkpoint on the second path, verified.
pub(crate) fn read_copy(copy: &dyn Files, verifier: &LogVerifier) -> Result<Option<Checkpoint>, StartError> {
    let Some(bytes) = files::read_whole(copy, CHECKPOINT_COPY)? else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let signed = SignedCheckpoint::parse(text).map_err(StartError::Copy)?;
    let verified = verifier.verify(&signed).map_err(StartError::Copy)?;
    Ok(Some(verified.into_checkpoint()))
}

fn walk(
    files: &LogFiles,
    verifier: &LogVerifier,
    ring: &KeyRing,
    mut known: Vec<Checkpoint>,
    settings: LogSettings,
) -> Result<Walked, StartError> {
    let copy = read_copy(files.copy.as_ref(), verifier)?;
    let copied = copy.as_ref().map(|copy| copy.size);
    known.extend(copy);
    let known = known.into_iter().map(Known::Head).collect();
    let mut verification = Verification::new(verifier, Signatures::Newest, known);
    let mut rebuild = Rebuild::start(files.hashes.as_ref())?;
    let frames = FrameIndex::default();
    let mut postings = Postings::default();
    let mut next = Frontier::default().size();
    let (segments, recovery) = SegmentSet::open(
        Arc::clone(&files.log),
        LOG_PREFIX,
        settings.segments,
        &BatchFrames,
        &mut |position, bytes| {
            let mut outcome = Ok(());
            let entries = verification.frame(bytes, &mut |visited| {
                let key_ids = visited.key_ids.iter().copied().map(KeyId::from_bytes);
                let time_ms = visited.header.time_ms;
                let posting = Posting::of_stored(&visited.header.body, ring, key_ids);
                postings.add(visited.index, time_ms, &posting);
                if outcome.is_ok() {
                    outcome = rebuild.push(visited.leaf);
                }
            })?;
            outcome?;
            if entries != 0 {
                frames.push(FramePlace {
                    first_index: next,
                    position,
                    len: u32::try_from(bytes.len()).map_err(io::Error::other)?,
                });
            }
            next += entries;
            Ok::<(), Refusal>(())
        },
    )?;
    let verified = verification.finish()?;
    let (hashes, hashes_rewritten) = rebuild.finish()?;
    Ok(Walked {
        segments,
        recovery,
        verified,
        hashes,
        hashes_rewritten,
        frames,
        postings,
        copied,
    })
}
