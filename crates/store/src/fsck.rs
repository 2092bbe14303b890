//! Checking a directory of the access log offline and without its keys.
//!
//! Everything that the start checks, and besides every stored signature and the outer form of every sealed part; where
//! the cosigned checkpoints are given, that the entries lead to each of them, and, as far as the keys of witnesses are
//! given, each cosignature. Nothing is changed. What only secret keys can show, whether a part opens to what its header
//! commits to, is not checked.

mod cosigned;

use ledger::{
    checkpoint::{Checkpoint, LogVerifier},
    hash::Hash,
    policy::Policy,
};

use crate::{
    access_log::{
        frames::BatchFrames,
        start::{LOG_PREFIX, StartError, read_copy},
        verification::{Known, Signatures, Verification},
    },
    files::Files,
    segment::{
        Position,
        scan::{Scan, ScanError, Torn, scan},
    },
};

pub use self::cosigned::{CosignedFault, CosignedReport, holds_cosigned};
pub use crate::access_log::verification::Finding;

/// What is checked, and against what.
#[derive(Debug)]
pub struct Fsck<'a> {
    /// Files of the log's segments.
    pub log: &'a dyn Files,
    /// Key of the log.
    pub verifier: &'a LogVerifier,
    /// The copy of the newest checkpoint.
    pub copy: Option<&'a dyn Files>,
    /// Checkpoints that the log must contain, already verified.
    pub known: Vec<Checkpoint>,
    /// The cosigned checkpoints.
    pub cosignatures: Option<&'a dyn Files>,
    /// Keys of witnesses. Without it only their checkpoints are checked, not that they signed them.
    pub policy: Option<&'a Policy>,
}

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
    /// The cosigned checkpoints; nothing when none were given.
    pub cosigned: Option<CosignedReport>,
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
    /// In a file of a cosigned checkpoint.
    #[error("the cosigned checkpoint in {file}")]
    Cosigned {
        /// Its name.
        file: String,
        /// What is wrong.
        #[source]
        fault: CosignedFault,
    },
    /// The files of cosigned checkpoints cannot be read.
    #[error("the cosigned checkpoints cannot be read")]
    Unread(#[source] std::io::Error),
}

/// Checks the log in `log` against its own checkpoints, the copy on the second path and others given.
///
/// # Errors
/// The first difference found.
pub fn fsck(
    log: &dyn Files,
    copy: Option<&dyn Files>,
    verifier: &LogVerifier,
    known: Vec<Checkpoint>,
) -> Result<FsckReport, FsckError> {
    let check = Fsck {
        log,
        verifier,
        copy,
        known,
        cosignatures: None,
        policy: None,
    };
    check.run()
}

impl Fsck<'_> {
    /// Checks.
    ///
    /// # Errors
    /// The first difference found.
    pub fn run(self) -> Result<FsckReport, FsckError> {
        let Self {
            log,
            verifier,
            copy,
            known,
            cosignatures,
            policy,
        } = self;
        let mut known: Vec<Known> = known.into_iter().map(Known::Head).collect();
        if let Some(copy) = copy {
            let copied = read_copy(copy, verifier).map_err(FsckError::Copy)?;
            known.extend(copied.into_iter().map(Known::Head));
        }
        let cosigned = match cosignatures {
            Some(files) => {
                let (report, heads) = cosigned::check(files, verifier, policy)?;
                known.extend(heads.into_iter().map(Known::Cosigned));
                Some(report)
            }
            None => None,
        };
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
            cosigned,
        })
    }
}
