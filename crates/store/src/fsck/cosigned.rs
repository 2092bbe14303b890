//! The files of cosigned checkpoints: whether the log signed each, and the witnesses whose keys are given.

use std::collections::BTreeSet;
use std::io;

use ledger::checkpoint::{Checkpoint, CheckpointError, LogVerifier, NoteSignature, SignedCheckpoint};
use ledger::policy::Policy;

use crate::cosignatures::{self, Stored};
use crate::files::Files;
use crate::fsck::FsckError;

/// Cosigned checkpoints without findings: the log signed each of them, and the entries lead to each of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CosignedReport {
    /// How many checkpoints.
    pub checkpoints: u64,
    /// Cosignatures that witnesses of the policy made.
    pub verified: u64,
    /// Cosignatures that nobody checked, because no key for them is given.
    pub unchecked: u64,
    /// The names of those who are said to have made them.
    pub strangers: BTreeSet<String>,
    /// Entries of the newest checkpoint that the policy's quorum has cosigned; nothing when it has none, or without a
    /// policy.
    pub witnessed: Option<u64>,
}

/// What is wrong with a cosigned checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CosignedFault {
    /// It does not read.
    #[error("it does not read")]
    Shape(#[source] CheckpointError),
    /// Its name says another size.
    #[error("its name says another size than it")]
    Name,
    /// The log did not sign it.
    #[error("the log did not sign it")]
    Log(#[source] CheckpointError),
    /// A witness did not sign it, although it is said so.
    #[error("the witness {witness} did not cosign it, although that is said")]
    Witness {
        /// Its name in the policy.
        witness: String,
        /// What is wrong.
        #[source]
        error: CheckpointError,
    },
}

/// Whether any of the files is of a cosigned checkpoint.
///
/// # Errors
/// The names cannot be read.
pub fn holds_cosigned(files: &dyn Files) -> io::Result<bool> {
    Ok(!cosignatures::names(files)?.is_empty())
}

/// Checks all that can be checked without the entries. The checkpoints are compared with them afterwards.
pub(super) fn check(
    files: &dyn Files,
    verifier: &LogVerifier,
    policy: Option<&Policy>,
) -> Result<(CosignedReport, Vec<Checkpoint>), FsckError> {
    let mut report = CosignedReport::default();
    let mut heads = Vec::new();
    for file in cosignatures::names(files).map_err(FsckError::Unread)? {
        let stored = cosignatures::read(files, &file).map_err(FsckError::Unread)?;
        let checked = match stored {
            Stored::Checkpoint(signed) => {
                judge(&signed, verifier, policy, &mut report).map(|()| signed.checkpoint().clone())
            }
            Stored::Damaged(error) => Err(CosignedFault::Shape(error)),
            Stored::Misnamed => Err(CosignedFault::Name),
        };
        heads.push(checked.map_err(|fault| FsckError::Cosigned { file, fault })?);
    }
    Ok((report, heads))
}

fn judge(
    signed: &SignedCheckpoint,
    verifier: &LogVerifier,
    policy: Option<&Policy>,
    report: &mut CosignedReport,
) -> Result<(), CosignedFault> {
    verifier.verify(signed).map_err(CosignedFault::Log)?;
    report.checkpoints += 1;
    let witnesses = policy.map(Policy::witnesses).unwrap_or_default();
    let mut cosigned = Vec::with_capacity(witnesses.len());
    for witness in witnesses {
        let has = match witness.key.verify(signed) {
            Ok(_) => true,
            Err(CheckpointError::NotSigned) => false,
            Err(error) => {
                let witness = witness.name.clone();
                return Err(CosignedFault::Witness { witness, error });
            }
        };
        report.verified += u64::from(has);
        cosigned.push(has);
    }
    let is_of_log = |line: &NoteSignature| {
        line.name.as_str() == verifier.origin().as_str() && line.key_id == verifier.key_id()
    };
    let is_known = |line: &NoteSignature| {
        let mut keys = witnesses.iter().map(|witness| &witness.key);
        keys.any(|key| *key.name() == line.name && key.key_id() == line.key_id)
    };
    for line in signed.signatures() {
        if is_of_log(line) || is_known(line) {
            continue;
        }
        report.unchecked += 1;
        report.strangers.insert(line.name.as_str().to_owned());
    }
    if policy.is_some_and(|policy| policy.is_met_by(|at| cosigned.get(at).copied().unwrap_or(false))) {
        // Files come in the order of sizes.
        report.witnessed = Some(signed.checkpoint().size);
    }
    Ok(())
}
