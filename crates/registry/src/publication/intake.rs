//! The index's side: which batch is next, which came before, which is refused.

use std::collections::VecDeque;

use crate::change::{Change, ChangeBody};
use crate::identifier::IstatCode;
use crate::publication::batch::{Batch, ContentId, Epoch, Watermark};

/// How far the sender's clock may lie from the index's: 10 minutes.
pub const MAX_CLOCK_SKEW_MS: u64 = 10 * 60 * 1000;

/// How many batches are remembered by content. A node has fewer than this under way.
const REMEMBERED: usize = 256;

/// What the index knows of one municipality's publication.
///
/// The way of a batch: [`Intake::admit`], then the index's journal, then [`Intake::settle`], then the answer. Several
/// batches may be admitted before the first is settled; they are settled in the order in which they were admitted.
#[derive(Debug)]
pub struct Intake {
    municipality: IstatCode,
    epoch: Epoch,
    admitted: u64,
    durable: Watermark,
    recent: VecDeque<Accepted>,
}

/// A batch that was accepted, by its bounds and content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Number of its first change.
    pub first_sequence: u64,
    /// Number of its last change.
    pub last_sequence: u64,
    /// Its content.
    pub content: ContentId,
}

/// What becomes of a batch that is not refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is the next one: write it to the journal, then settle it.
    New(Admitted),
    /// It was admitted before: answer with what is durable by now, and do nothing else.
    Duplicate(Acknowledgement),
}

/// A batch that is the next one and not yet durable. It must be settled, or the process must end: the batches
/// behind it count on it.
#[must_use = "an admitted batch must be written and settled"]
#[derive(Debug, PartialEq, Eq)]
pub struct Admitted(Accepted);

/// What the node is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// Every change up to this one is held durably.
    pub watermark: Watermark,
}

/// Why a batch is refused; nothing of it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The batch belongs to another municipality than the stream.
    #[error("the batch is of another municipality")]
    ForeignMunicipality,
    /// The index's line of history is another one: the node must ask for its state.
    #[error("the batch is of another epoch")]
    WrongEpoch,
    /// The sender's clock lies too far from the index's.
    #[error("the sender's clock differs by {0} ms, more than {MAX_CLOCK_SKEW_MS}")]
    ClockSkew(u64),
    /// Changes before this batch are missing.
    #[error("change {expected} is expected next")]
    Gap {
        /// Number of the change that must come next.
        expected: u64,
    },
    /// Other content was accepted under the same number, or a batch was cut anew.
    #[error("change {sequence} was accepted with other content or in another batch")]
    Conflict {
        /// Number of the batch's first change.
        sequence: u64,
    },
    /// The batch lies before everything that is remembered by content.
    #[error("every change up to {} was accepted long ago", watermark.0)]
    Stale {
        /// What is durable.
        watermark: Watermark,
    },
}

/// Batches are settled in the order in which they were admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("change {expected} must become durable first")]
pub struct NotNext {
    /// Number of the change that must become durable next.
    pub expected: u64,
}

impl Accepted {
    /// Whether these changes of a journal are what was accepted. They may have been sent while the municipality had
    /// another ISTAT code, that of their cards; where they hold no card, the code that they were sent under is not
    /// known, and only a difference in number tells.
    pub fn is_of(&self, municipality: IstatCode, epoch: Epoch, changes: Vec<Change>) -> bool {
        let code = changes.iter().find_map(|change| match &change.body {
            ChangeBody::Upsert(card) => Some(card.municipality),
            ChangeBody::Remove => None,
        });
        let without_card = code.is_none();
        let code = code.unwrap_or(municipality);
        match Batch::new(code, epoch, self.first_sequence, changes, 0) {
            Ok(batch) if batch.last_sequence() == self.last_sequence => {
                without_card || batch.content_id() == self.content
            }
            Ok(_) | Err(_) => false,
        }
    }
}

impl Admitted {
    /// What will be remembered of it; it belongs into the journal beside the batch.
    pub fn accepted(&self) -> Accepted {
        self.0
    }
}

impl Intake {
    /// A municipality of which nothing was accepted yet.
    pub fn new(municipality: IstatCode, epoch: Epoch) -> Self {
        Self::restore(municipality, epoch, Watermark::default(), [])
    }

    /// As the journal tells it: the watermark, and the last batches in order, oldest first. Batches of which the
    /// end is not durable are left out.
    pub fn restore(
        municipality: IstatCode,
        epoch: Epoch,
        watermark: Watermark,
        recent: impl IntoIterator<Item = Accepted>,
    ) -> Self {
        let mut intake = Self {
            municipality,
            epoch,
            admitted: watermark.0,
            durable: watermark,
            recent: VecDeque::new(),
        };
        for accepted in recent
            .into_iter()
            .filter(|accepted| accepted.last_sequence <= watermark.0)
        {
            intake.remember(accepted);
        }
        intake
    }

    /// Whose changes.
    pub fn municipality(&self) -> IstatCode {
        self.municipality
    }

    /// The line of history.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// What is durable.
    pub fn watermark(&self) -> Watermark {
        self.durable
    }

    /// Decides over a batch at the index's time `now_ms`, milliseconds since 1970 UTC.
    pub fn admit(&mut self, batch: &Batch, now_ms: i64) -> Result<Admission, Refusal> {
        if batch.municipality() != self.municipality {
            return Err(Refusal::ForeignMunicipality);
        }
        if batch.epoch() != self.epoch {
            return Err(Refusal::WrongEpoch);
        }
        let skew = batch.sent_at_ms().abs_diff(now_ms);
        if MAX_CLOCK_SKEW_MS < skew {
            return Err(Refusal::ClockSkew(skew));
        }
        let sequence = batch.first_sequence();
        let expected = self.admitted.saturating_add(1);
        if expected < sequence {
            return Err(Refusal::Gap { expected });
        }
        let content = batch.content_id();
        if sequence < expected {
            return self.judge_known(sequence, content);
        }
        let accepted = Accepted {
            first_sequence: sequence,
            last_sequence: batch.last_sequence(),
            content,
        };
        self.admitted = accepted.last_sequence;
        self.remember(accepted);
        Ok(Admission::New(Admitted(accepted)))
    }

    /// Records that the journal holds the batch durably, and says what to answer.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a batch is settled once: its admission is used up"
    )]
    pub fn settle(&mut self, admitted: Admitted) -> Result<Acknowledgement, NotNext> {
        let Admitted(accepted) = admitted;
        let expected = self.durable.0.saturating_add(1);
        if accepted.first_sequence != expected {
            return Err(NotNext { expected });
        }
        self.durable = Watermark(accepted.last_sequence);
        Ok(Acknowledgement {
            watermark: self.durable,
        })
    }

    fn judge_known(&self, sequence: u64, content: ContentId) -> Result<Admission, Refusal> {
        let watermark = self.durable;
        let remembered_from = self.recent.front().map(|accepted| accepted.first_sequence);
        if remembered_from.is_none_or(|from| sequence < from) {
            return Err(Refusal::Stale { watermark });
        }
        let same = self
            .recent
            .binary_search_by_key(&sequence, |accepted| accepted.first_sequence);
        let known = same.ok().and_then(|at| self.recent.get(at));
        if known.is_some_and(|known| known.content == content) {
            Ok(Admission::Duplicate(Acknowledgement { watermark }))
        } else {
            Err(Refusal::Conflict { sequence })
        }
    }

    fn remember(&mut self, accepted: Accepted) {
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(accepted);
    }
}
