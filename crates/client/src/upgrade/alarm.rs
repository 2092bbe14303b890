//! What can be wrong with receipts that should become witnessed ones.

use std::time::Duration;

use ledger::checkpoint::{CheckpointError, SignedCheckpoint};
use ledger::receipt::{Receipt, ReceiptError};
use ledger::tree::VerifyError;

use super::keeper::Held;
use crate::error::EvidenceFault;

/// An alarm with what proves it.
#[derive(Debug)]
pub struct RaisedUpgrade {
    /// What is wrong.
    pub alarm: UpgradeAlarm,
    /// The receipt about which it is, with the head that the log signed.
    pub receipt: Receipt,
    /// The other head, as it came, where there is one. Both signed and neither continuing the other, the two prove to
    /// anybody that the log shows two histories.
    pub shown: Option<String>,
    /// When it was raised, in milliseconds since 1970.
    pub at_ms: u64,
}

/// What can be wrong with a receipt that should become a witnessed one. No message holds personal data.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeAlarm {
    /// The quorum of the policy has not cosigned a head at or after the receipt's within the period.
    #[error(
        "the log's head of {size} entries is not witnessed after {} minutes{}",
        .age.as_secs() / 60,
        .obstacle.as_deref().map(|obstacle| format!(": {obstacle}")).unwrap_or_default()
    )]
    NotWitnessed {
        /// Entries of the oldest head that is not witnessed.
        size: u64,
        /// Since it was shown.
        age: Duration,
        /// What stood in the way.
        obstacle: Option<String>,
    },
    /// The log signed two heads of one size.
    #[error("two heads of {size} entries differ: the log shows two histories")]
    Forked {
        /// Entries of both.
        size: u64,
    },
    /// The log says that it is smaller than a head that it signed.
    #[error("the log is smaller than the {size} entries that it signed: a part of it is gone")]
    Smaller {
        /// Entries of the head that was signed.
        size: u64,
    },
    /// No proof leads from a head that was shown to the one that is shown now.
    #[error("the log of {new} entries does not continue that of {old}")]
    NotContinued {
        /// Entries of the head that was shown.
        old: u64,
        /// Entries of the head that is shown now.
        new: u64,
        /// What is wrong with the proof.
        #[source]
        proof: VerifyError,
    },
    /// What came as evidence for the head of a receipt proves nothing.
    #[error("the evidence for the log's head of {size} entries proves nothing")]
    Proof {
        /// Entries of the head.
        size: u64,
        /// What is wrong with it.
        #[source]
        fault: EvidenceFault,
    },
    /// So many heads are held that another one cannot be.
    #[error("{held} heads of the log are held already, and another one is not: it may never be witnessed")]
    NotHeld {
        /// Heads that are held.
        held: usize,
    },
}

/// Which alarm, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeAlarmKind {
    /// `not-witnessed`
    NotWitnessed,
    /// `forked`
    Forked,
    /// `smaller`
    Smaller,
    /// `not-continued`
    NotContinued,
    /// `proof`
    Proof,
    /// `not-held`
    NotHeld,
}

impl UpgradeAlarm {
    /// Which one it is.
    pub fn kind(&self) -> UpgradeAlarmKind {
        match self {
            Self::NotWitnessed { .. } => UpgradeAlarmKind::NotWitnessed,
            Self::Forked { .. } => UpgradeAlarmKind::Forked,
            Self::Smaller { .. } => UpgradeAlarmKind::Smaller,
            Self::NotContinued { .. } => UpgradeAlarmKind::NotContinued,
            Self::Proof { .. } => UpgradeAlarmKind::Proof,
            Self::NotHeld { .. } => UpgradeAlarmKind::NotHeld,
        }
    }
}

impl UpgradeAlarmKind {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotWitnessed => "not-witnessed",
            Self::Forked => "forked",
            Self::Smaller => "smaller",
            Self::NotContinued => "not-continued",
            Self::Proof => "proof",
            Self::NotHeld => "not-held",
        }
    }
}

/// What it means that a witnessed head does not make a receipt a witnessed one.
pub(super) fn accusation(held: &Held, shown: &SignedCheckpoint, error: ReceiptError) -> UpgradeAlarm {
    let (old, new) = (&held.checkpoint, shown.checkpoint());
    match error {
        ReceiptError::Continuation(_) if old.size == new.size && old.root != new.root => {
            UpgradeAlarm::Forked { size: old.size }
        }
        ReceiptError::Continuation(VerifyError::Shrinks) => UpgradeAlarm::Smaller { size: old.size },
        ReceiptError::Continuation(proof) => UpgradeAlarm::NotContinued {
            old: old.size,
            new: new.size,
            proof,
        },
        ReceiptError::Checkpoint(CheckpointError::OtherLog) | ReceiptError::OtherLog => UpgradeAlarm::Proof {
            size: old.size,
            fault: EvidenceFault::OtherLog,
        },
        error => UpgradeAlarm::Proof {
            size: old.size,
            fault: error.into(),
        },
    }
}
