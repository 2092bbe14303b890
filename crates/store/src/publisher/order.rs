//! What persons order about changes that the index holds already.

use registry::identifier::PersonId;
use registry::municipality::MunicipalityId;
use registry::statement::{VerifiedStatement, VerifiedWithdrawal};

use crate::publisher::PublishError;
use crate::rows::CommitSequence;

/// An order. Whoever gives it was looked at before, and the access log has its entry.
#[derive(Clone, Debug)]
pub enum Order {
    /// A registrar confirms or rejects what waits.
    Confirm {
        /// The municipality.
        municipality: MunicipalityId,
        /// The registrar's word.
        statement: VerifiedStatement,
    },
    /// A registrar states that the municipality leaves. Ordered again, it is done already.
    Withdraw {
        /// The municipality.
        municipality: MunicipalityId,
        /// The registrar's word.
        statement: VerifiedWithdrawal,
    },
    /// An administrator does not trust what was received in an interval.
    Quarantine {
        /// The municipality.
        municipality: MunicipalityId,
        /// First instant, Unix milliseconds.
        from_ms: u64,
        /// Last instant.
        to_ms: u64,
        /// The act, such as a number of protocol.
        reference: String,
    },
    /// An administrator takes a quarantine back.
    Lift {
        /// The municipality.
        municipality: MunicipalityId,
        /// Which: [`Quarantine::id`](super::held::Quarantine::id).
        quarantine: CommitSequence,
        /// The act.
        reference: String,
    },
}

impl Order {
    /// About whose cards it is.
    pub const fn municipality(&self) -> MunicipalityId {
        match self {
            Self::Confirm { municipality, .. }
            | Self::Withdraw { municipality, .. }
            | Self::Quarantine { municipality, .. }
            | Self::Lift { municipality, .. } => *municipality,
        }
    }
}

/// What became of an order: it is durable and visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Place of its first card in the order of all changes; `None` when no card was concerned.
    pub first: Option<CommitSequence>,
    /// The persons whose cards are served otherwise than before.
    pub persons: Vec<PersonId>,
    /// For a quarantine: the first change that is not trusted.
    pub suspect_from: Option<CommitSequence>,
}

/// Why an order is not carried out; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// The municipality never published.
    #[error("the municipality is unknown")]
    UnknownMunicipality,
    /// The municipality has left, and whatever it published was destroyed.
    #[error("the municipality was withdrawn")]
    Withdrawn,
    /// What waits is not what the statement names: it has changed since it was shown.
    #[error("what waits is no longer what the statement names")]
    OtherHoldings,
    /// The statement is of another line of history.
    #[error("the statement is of another epoch")]
    OtherEpoch,
    /// Nothing waits, or there is no such quarantine.
    #[error("there is nothing to be ordered about")]
    Nothing,
    /// The interval ends before it begins, or in the future.
    #[error("the interval ends before it begins, or in the future")]
    Interval,
    /// The writer cannot take it.
    #[error(transparent)]
    Publish(#[from] PublishError),
}
