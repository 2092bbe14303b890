//! The node's side: what to send next, what was acknowledged, where to resume.

use crate::identifier::IstatCode;
use crate::publication::batch::{Batch, Epoch, Watermark};
use crate::publication::intake::Refusal;

/// A municipality's journal without a connection to the index. It sends nothing.
#[derive(Debug)]
pub struct Detached {
    municipality: IstatCode,
    journal_end: u64,
}

/// A municipality's journal that knows the index's state and can send.
///
/// What stays unacknowledged for long was lost on the way, or by an index that restarted: the owner then detaches and
/// attaches again, which asks the index what it holds.
#[derive(Debug)]
pub struct Attached {
    municipality: IstatCode,
    epoch: Epoch,
    acknowledged: Watermark,
    sent: u64,
    journal_end: u64,
}

/// What the index says of a municipality when a node connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexState {
    /// Municipality asked for.
    pub municipality: IstatCode,
    /// The index's line of history.
    pub epoch: Epoch,
    /// What it holds durably.
    pub watermark: Watermark,
}

/// Why the node cannot begin to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttachError {
    /// The answer is about another municipality.
    #[error("the index answered for another municipality")]
    ForeignMunicipality,
    /// The index holds changes that this journal never had: the journal was lost or restored. The administrator of the
    /// index must accept the shorter journal, which opens a new epoch at its end, before this node may publish.
    #[error("the index holds changes up to {}, the journal only up to {journal_end}", watermark.0)]
    AheadOfJournal {
        /// What the index holds.
        watermark: Watermark,
        /// What the journal holds.
        journal_end: u64,
    },
    /// The journal has other content under numbers that the index holds: it was restored, and grew since. The
    /// administrator of the index must accept it as it is.
    #[error("the index holds other content than the journal from change {sequence} on")]
    OtherContent {
        /// First change of the batch that differs.
        sequence: u64,
    },
}

/// What a node does after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Go on with the batch that begins here.
    ResendFrom(u64),
    /// Drop the connection and ask for the index's state.
    Reattach,
    /// Stop publishing and tell a person.
    Stop(StopReason),
}

/// Why a node stops publishing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    /// One of the two clocks is wrong.
    #[error("the clocks of node and index differ too much")]
    Clock,
    /// Two journals disagree about what was published.
    #[error("the index accepted other content under the same number")]
    Conflict,
    /// The node sends for a municipality that this connection does not serve.
    #[error("the index does not take this municipality's changes here")]
    ForeignMunicipality,
    /// The municipality has left, and whatever it published was destroyed.
    #[error("the municipality was withdrawn from the index")]
    Withdrawn,
    /// The index does not know the key with which the node signs.
    #[error("the index does not accept the signature of the publication key")]
    NotSigned,
    /// The index acknowledges or expects what was never journalled.
    #[error("the index speaks of changes that this journal does not have")]
    IndexAhead,
}

impl Detached {
    /// A journal whose last change is `journal_end`, 0 when it is empty.
    pub fn new(municipality: IstatCode, journal_end: u64) -> Self {
        Self {
            municipality,
            journal_end,
        }
    }

    /// Begins to send after what the index holds.
    pub fn attach(self, state: IndexState) -> Result<Attached, AttachError> {
        let IndexState {
            municipality,
            epoch,
            watermark,
        } = state;
        if municipality != self.municipality {
            return Err(AttachError::ForeignMunicipality);
        }
        if self.journal_end < watermark.0 {
            return Err(AttachError::AheadOfJournal {
                watermark,
                journal_end: self.journal_end,
            });
        }
        Ok(Attached {
            municipality,
            epoch,
            acknowledged: watermark,
            sent: watermark.0,
            journal_end: self.journal_end,
        })
    }
}

impl Attached {
    /// The epoch under which batches are sent.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// What the index is known to hold durably.
    pub fn acknowledged(&self) -> Watermark {
        self.acknowledged
    }

    /// Changes sent and not acknowledged.
    pub fn in_flight(&self) -> u64 {
        self.sent.saturating_sub(self.acknowledged.0)
    }

    /// The journal has grown to this change.
    pub fn journalled(&mut self, journal_end: u64) {
        self.journal_end = self.journal_end.max(journal_end);
    }

    /// Number with which the next batch begins, when there is one to send.
    pub fn next_sequence(&self) -> Option<u64> {
        (self.sent < self.journal_end).then(|| self.sent.saturating_add(1))
    }

    /// A batch went out. Only the next one counts as progress; one sent again changes nothing.
    pub fn sent(&mut self, batch: &Batch) {
        if Some(batch.first_sequence()) == self.next_sequence() {
            self.sent = batch.last_sequence();
        }
    }

    /// The index holds everything up to `watermark`. An acknowledgement that comes late, behind a newer one, changes
    /// nothing; one of batches that an earlier connection sent moves on past them.
    pub fn acknowledge(&mut self, watermark: Watermark) -> Result<Watermark, StopReason> {
        if self.journal_end < watermark.0 {
            return Err(StopReason::IndexAhead);
        }
        self.acknowledged = self.acknowledged.max(watermark);
        self.sent = self.sent.max(self.acknowledged.0);
        Ok(self.acknowledged)
    }

    /// The index refused a batch.
    pub fn refused(&mut self, refusal: Refusal) -> Reaction {
        match refusal {
            Refusal::ForeignMunicipality => Reaction::Stop(StopReason::ForeignMunicipality),
            Refusal::WrongEpoch | Refusal::Stale { .. } => Reaction::Reattach,
            Refusal::ClockSkew(_) => Reaction::Stop(StopReason::Clock),
            Refusal::Conflict { .. } => Reaction::Stop(StopReason::Conflict),
            Refusal::Gap { expected } if expected <= self.acknowledged.0 => Reaction::Reattach,
            Refusal::Gap { expected } if self.journal_end < expected.saturating_sub(1) => {
                Reaction::Stop(StopReason::IndexAhead)
            }
            Refusal::Gap { expected } => {
                self.sent = expected.saturating_sub(1);
                Reaction::ResendFrom(expected)
            }
        }
    }

    /// The connection is gone; what was under way may or may not have arrived.
    pub fn detach(self) -> Detached {
        Detached {
            municipality: self.municipality,
            journal_end: self.journal_end,
        }
    }
}
