//! Checking a directory of the access log offline and without its keys.
//!
//! Everything that the start checks, and besides every stored signature and the outer form of every sealed part.
//! Nothing is changed. What only keys can show, whether a part opens to what its header commits to, is not checked.

use ledger::{
    checkpoint::{Checkpoint, LogVerifier},
    hash::Hash,
};

use crate::{
    access_log::{
        frames::BatchFrames,
        start::{LOG_PREFIX, StartError, read_copy},
        verification::{Signatures, Verification},
    },
    files::Files,
    segment::{
        Position,
        scan::{Scan, ScanError, Torn, scan},
    },
};

pub use crate::access_log::verification::Finding;

/// A log without findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FsckReport {
    /// Entries.
    pub entries: u64,
    /// The root over them.
    pub root: Hash,
    /// Frames.
    pub frames: u64,
    /// Bytes in frames.
    pub bytes: u64,
    /// Checkpoints in frames, all signed and all right.
    pub checkpoints: u64,
    /// An incomplete last frame, which the next start will cut off.
    pub torn: Option<Torn>,
}

/// The first difference.
#[derive(Debug, thiserror::Error)]
pub enum FsckError {
    /// At a place in the segments.
    #[error("segment {} offset {}: {finding}", .position.segment, .position.offset)]
    At {
        /// Where the frame begins.
        position: Position,
        /// What is wrong.
        finding: Finding,
    },
    /// In the log as a whole.
    #[error(transparent)]
    Log(Finding),
    /// In the segment files.
    #[error(transparent)]
    Segments(ScanError<Finding>),
    /// In the copy of the checkpoint.
    #[error(transparent)]
    Copy(StartError),
}

/// Checks the log in `log` against its own checkpoints, the copy on the second path and others given.
///
/// # Errors
/// The first difference found.
pub fn fsck(
    log: &dyn Files,
    copy: Option<&dyn Files>,
    verifier: &LogVerifier,
    witnessed: Vec<Checkpoint>,
) -> Result<FsckReport, FsckError> {
    let mut known = witnessed;
    if let Some(copy) = copy {
        known.extend(read_copy(copy, verifier).map_err(FsckError::Copy)?);
    }
    let mut verification = Verification::new(verifier, Signatures::Every, known);
    let scanned = scan(log, LOG_PREFIX, &BatchFrames, &mut |_, bytes| {
        verification.frame(bytes, &mut |_| {}).map(|_| ())
    });
    let Scan {
        segments: _,
        end: _,
        frames,
        bytes,
        torn,
    } = scanned.map_err(|error| match error {
        ScanError::Refused { position, reason } => FsckError::At {
            position,
            finding: reason,
        },
        other @ (ScanError::Broken { .. } | ScanError::Missing { .. } | ScanError::Io(_)) => {
            FsckError::Segments(other)
        }
    })?;
    let verified = verification.finish().map_err(FsckError::Log)?;
    Ok(FsckReport {
        entries: verified.frontier.size(),
        root: verified.frontier.root(),
        frames,
        bytes,
        checkpoints: verified.checkpoints,
        torn,
    })
}
