//! The justified sample (*controllo a campione*, DOMAIN R29): accesses are drawn, their agency justifies each, and the
//! outcome is recorded. All of it is a fold of entries of the access log.
//!
//! Of accesses for ordinary purposes the regional auditor draws, and records the outcome. Those for reserved purposes are
//! drawn by the agency's own supervisor alone, and nobody else is shown that they were; there the outcome is recorded by
//! another natural person than whoever justified. Which accesses are drawn is a rule of [`ledger::sample`].

mod entry;
pub(crate) mod fold;

use std::collections::BTreeMap;

use chrono::NaiveDate;

pub(crate) use self::entry::{Act, Drawing, judged, justified};

/// Accesses that one sample has at most.
pub(crate) const MOST_DRAWN: u32 = 200;

/// Days from which one sample is drawn at most: all of their entries are looked at.
pub(crate) const MOST_DAYS: i64 = 92;

/// A sample with what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Index of the entry that announced it: its name.
    pub(crate) index: u64,
    /// When it was announced, Unix time in milliseconds.
    pub(crate) announced_ms: u64,
    /// What was announced.
    pub(crate) drawing: Drawing,
    /// The accesses that were drawn, by index.
    pub(crate) items: BTreeMap<u64, Item>,
}

/// An access that was drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Item {
    /// When the access was entered, Unix time in milliseconds.
    pub(crate) access_ms: u64,
    /// The agency's justification.
    pub(crate) justification: Option<Justification>,
    /// What is thought of it.
    pub(crate) judgement: Option<Judgement>,
}

/// Why an access was made, as the agency says.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Justification {
    /// Its entry.
    pub(crate) index: u64,
    /// Day on which it came, Europe/Rome.
    pub(crate) date: NaiveDate,
    /// In words.
    pub(crate) text: String,
    /// The case.
    pub(crate) case_reference: String,
    /// The natural person who justified.
    pub(crate) reader: String,
}

/// What is thought of a justification, or of its lack.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// Its entry.
    pub(crate) index: u64,
    /// Whether the access was justified.
    pub(crate) outcome: Outcome,
    /// In words; may be empty.
    pub(crate) note: String,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The access was justified.
    Accepted,
    /// It was not.
    Rejected,
}

/// Words of persons: debugging output has none of them.
impl std::fmt::Debug for Justification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Justification(entry {}, {})", self.index, self.date)
    }
}

impl std::fmt::Debug for Judgement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Judgement(entry {}, {:?})", self.index, self.outcome)
    }
}

/// Where an access of a sample stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It waits for a justification.
    Pending,
    /// It waits, and the deadline has passed.
    Overdue,
    /// It was justified in time.
    Justified,
    /// It was justified after the deadline.
    JustifiedLate,
    /// The justification was accepted.
    Accepted,
    /// It was rejected, or there was none by the deadline.
    Rejected,
}

/// Why an act on a sample is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SampleError {
    /// No such access in the sample.
    #[error("the sample does not have this access")]
    Unknown,
    /// It has been justified.
    #[error("the access was justified before")]
    Justified,
    /// It has been judged.
    #[error("the outcome was recorded before")]
    Judged,
    /// There is nothing to accept, and the deadline has not passed.
    #[error("the access is not justified yet, and its deadline has not passed")]
    Waiting,
    /// There is nothing to accept.
    #[error("an access that was not justified can only be rejected")]
    NothingToAccept,
    /// Whoever justified records the outcome.
    #[error("the outcome is recorded by another person than whoever justified")]
    SamePerson,
}

impl Outcome {
    /// The word in entries.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }

    /// The outcome of a word.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Accepted, Self::Rejected]
            .into_iter()
            .find(|outcome| outcome.name() == name)
    }
}

impl Item {
    /// Where it stands on a day, when the deadline is the last day in time.
    pub(crate) fn standing(&self, deadline: NaiveDate, today: NaiveDate) -> Standing {
        match (&self.judgement, &self.justification) {
            (Some(Judgement { outcome, .. }), _) => match outcome {
                Outcome::Accepted => Standing::Accepted,
                Outcome::Rejected => Standing::Rejected,
            },
            (None, Some(justification)) if deadline < justification.date => Standing::JustifiedLate,
            (None, Some(_)) => Standing::Justified,
            (None, None) if deadline < today => Standing::Overdue,
            (None, None) => Standing::Pending,
        }
    }
}

impl Sample {
    /// A sample that was just drawn, from the accesses with their times.
    pub(crate) fn new(index: u64, announced_ms: u64, drawing: Drawing, drawn: &[(u64, u64)]) -> Self {
        let items = drawn.iter().map(|&(entry, access_ms)| {
            let item = Item {
                access_ms,
                ..Item::default()
            };
            (entry, item)
        });
        Self {
            index,
            announced_ms,
            drawing,
            items: items.collect(),
        }
    }

    /// Whether an access can be justified: once, also after the deadline, until the outcome is recorded.
    ///
    /// # Errors
    /// See [`SampleError`].
    pub(crate) fn may_justify(&self, entry: u64) -> Result<(), SampleError> {
        let item = self.items.get(&entry).ok_or(SampleError::Unknown)?;
        match (&item.judgement, &item.justification) {
            (Some(_), _) => Err(SampleError::Judged),
            (None, Some(_)) => Err(SampleError::Justified),
            (None, None) => Ok(()),
        }
    }

    /// Whether an outcome can be recorded: once, after the justification or the deadline.
    ///
    /// # Errors
    /// See [`SampleError`].
    pub(crate) fn may_judge(
        &self,
        entry: u64,
        outcome: Outcome,
        reader: &str,
        today: NaiveDate,
    ) -> Result<(), SampleError> {
        let item = self.items.get(&entry).ok_or(SampleError::Unknown)?;
        if item.judgement.is_some() {
            return Err(SampleError::Judged);
        }
        match (&item.justification, outcome) {
            (Some(justification), _) if self.drawing.reserved && justification.reader == reader => {
                Err(SampleError::SamePerson)
            }
            (Some(_), _) => Ok(()),
            (None, _) if today <= self.drawing.deadline => Err(SampleError::Waiting),
            (None, Outcome::Accepted) => Err(SampleError::NothingToAccept),
            (None, Outcome::Rejected) => Ok(()),
        }
    }

    /// Adds what an entry says about an access. What no act could have done is not believed.
    pub(crate) fn apply(&mut self, act: Act) {
        let (entry, act) = match act {
            Act::Justified(entry, justification) => (entry, Ok(justification)),
            Act::Judged(entry, judgement) => (entry, Err(judgement)),
            Act::Drawn(_) => return,
        };
        let Some(item) = self.items.get_mut(&entry) else {
            return;
        };
        match act {
            Ok(justification) => {
                item.justification.get_or_insert(justification);
            }
            Err(judgement) => {
                item.judgement.get_or_insert(judgement);
            }
        }
    }
}

#[cfg(test)]
mod tests;
