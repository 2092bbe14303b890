//! Who may see which counts.
//!
//! **Reserved purposes.** Anybody outside the agency sees nothing of them but their inclusion in totals over at least 30
//! days. So every row and every total of a range leaves them out, whatever the range, and apart from that there are
//! *blocks*: totals with them, of 30 days on a grid that nobody chooses, given only once a block is over. Two ranges that
//! overlap differ in ordinary accesses alone, and blocks do not overlap: whatever is subtracted from whatever, what is left
//! of reserved accesses is their number in whole blocks. Blocks are totals of the reader's scope and are never broken down.
//! Calendar months would not do: February has fewer than 30 days. An access that its agreement releases later stays where
//! it was: asked before and after, rows would tell it from all others.
//!
//! **Operators** are shown to the regional auditor and to their agency's own supervisor. **Municipalities** are not shown to
//! a supervisor, who is told nowhere where the persons live that its agency asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use chrono::{Datelike, Days, NaiveDate};

use crate::oversight::counters::{Count, DayCount, Row, WHOLE};

/// Days of a block.
pub(crate) const BLOCK_DAYS: i32 = 30;

/// Days that one question may span.
pub(crate) const MOST_DAYS: i64 = 366;

/// The name of what belongs to no municipality.
pub(crate) const REGION: &str = "region";

/// Whose accesses a reader may count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All.
    Region,
    /// Those about persons of these municipalities, which are one and those merged into it.
    Municipality(BTreeSet<String>),
    /// Those of this agency, a SPIFFE id.
    Agency(String),
}

/// By what accesses are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dimension {
    /// The caller.
    Agency,
    /// The agreement.
    Agreement,
    /// The purpose.
    Purpose,
    /// The operator.
    Operator,
    /// The hour, Europe/Rome.
    Hour,
    /// The method.
    Service,
    /// The outcome as told.
    Outcome,
    /// The municipality, or the region.
    Municipality,
    /// The day, Europe/Rome.
    Day,
}

/// A dimension that a scope does not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotShown(pub(crate) Dimension);

/// A question, whose dimensions its scope shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    scope: Scope,
    range: Range<NaiveDate>,
    by: Vec<Dimension>,
}

/// Counts of a range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Statistics {
    /// One row for each combination of values.
    pub(crate) rows: BTreeMap<Vec<String>, Count>,
    /// All of them.
    pub(crate) total: Count,
    /// Totals with reserved purposes, by the first day of their block.
    pub(crate) blocks: BTreeMap<NaiveDate, Count>,
}

/// The first day of the block of a day.
pub(crate) fn block_of(day: NaiveDate) -> NaiveDate {
    let number = day.num_days_from_ce() - epoch().num_days_from_ce();
    let first = number.div_euclid(BLOCK_DAYS) * BLOCK_DAYS + epoch().num_days_from_ce();
    NaiveDate::from_num_days_from_ce_opt(first).unwrap_or(day)
}

/// The first day after a block.
pub(crate) fn block_end(first: NaiveDate) -> NaiveDate {
    first
        .checked_add_days(Days::new(BLOCK_DAYS.unsigned_abs().into()))
        .unwrap_or(NaiveDate::MAX)
}

/// 1 January 1970.
fn epoch() -> NaiveDate {
    NaiveDate::from_ymd_opt(1970, 1, 1).unwrap_or(NaiveDate::MIN)
}

impl Scope {
    fn shows(&self, dimension: Dimension) -> bool {
        match (self, dimension) {
            (Self::Municipality(_), Dimension::Operator) | (Self::Agency(_), Dimension::Municipality) => {
                false
            }
            (Self::Region | Self::Municipality(_) | Self::Agency(_), _) => true,
        }
    }

    fn holds(&self, row: &Row) -> bool {
        match self {
            Self::Region => true,
            Self::Municipality(places) => places.contains(&*row.place),
            Self::Agency(agency) => *row.caller == **agency,
        }
    }

    /// Whether reserved purposes are the reader's own.
    fn is_inside(&self) -> bool {
        matches!(self, Self::Agency(_))
    }
}

impl Question {
    /// A question over whole days.
    ///
    /// # Errors
    /// The scope does not show a dimension.
    pub(crate) fn new(scope: Scope, range: Range<NaiveDate>, by: Vec<Dimension>) -> Result<Self, NotShown> {
        match by.iter().find(|dimension| !scope.shows(**dimension)) {
            Some(&hidden) => Err(NotShown(hidden)),
            None => Ok(Self { scope, range, by }),
        }
    }

    /// The days.
    pub(crate) fn range(&self) -> Range<NaiveDate> {
        self.range.clone()
    }

    /// The answer from the days that have counters; `today` is the day that is not over yet.
    pub(crate) fn answer<'a>(
        &self,
        days: impl IntoIterator<Item = (NaiveDate, &'a DayCount)>,
        today: NaiveDate,
    ) -> Statistics {
        let mut answer = Statistics {
            blocks: self.blocks(today),
            ..Statistics::default()
        };
        for (day, counts) in days {
            if !self.range.contains(&day) {
                continue;
            }
            let mut block = answer.blocks.get_mut(&block_of(day));
            for (row, count) in counts.rows().filter(|(row, _)| self.scope.holds(row)) {
                if let Some(block) = &mut block {
                    **block += count;
                }
                if row.reserved && !self.scope.is_inside() {
                    continue;
                }
                answer.total += count;
                let values = self.by.iter().map(|dimension| value(*dimension, day, row));
                *answer.rows.entry(values.collect()).or_default() += count;
            }
        }
        if self.by.is_empty() {
            answer.rows.clear();
        }
        self.settle(&mut answer);
        answer
    }

    /// The blocks that lie in the range and are over; none for whoever sees the reserved purposes anyway.
    fn blocks(&self, today: NaiveDate) -> BTreeMap<NaiveDate, Count> {
        let mut blocks = BTreeMap::new();
        if self.scope.is_inside() {
            return blocks;
        }
        let mut first = block_of(self.range.start);
        while block_end(first) <= self.range.end.min(today) {
            if self.range.start <= first {
                blocks.insert(first, Count::default());
            }
            first = block_end(first);
        }
        blocks
    }

    /// Entries are counted once for each municipality; where municipalities are not told apart, each is one all the same,
    /// and that is what its shares add up to. A municipality is told whole entries alone: shares would tell it that another
    /// one's records were read.
    fn settle(&self, answer: &mut Statistics) {
        let Statistics { rows, total, blocks } = answer;
        if matches!(self.scope, Scope::Municipality(_)) {
            let whole = |count: &mut Count| count.share = count.entries * WHOLE;
            whole(total);
            blocks.values_mut().for_each(whole);
            rows.values_mut().for_each(whole);
            return;
        }
        let once = |count: &mut Count| count.entries = count.share / WHOLE;
        once(total);
        blocks.values_mut().for_each(once);
        if !self.by.contains(&Dimension::Municipality) {
            rows.values_mut().for_each(once);
        }
    }
}

fn value(dimension: Dimension, day: NaiveDate, row: &Row) -> String {
    match dimension {
        Dimension::Agency => row.caller.to_string(),
        Dimension::Agreement => row.agreement.to_string(),
        Dimension::Purpose => row.purpose.to_string(),
        Dimension::Operator => row.operator.to_string(),
        Dimension::Hour => format!("{:02}", row.hour),
        Dimension::Service => row.service.to_string(),
        Dimension::Outcome => row.outcome.to_string(),
        Dimension::Municipality if row.place.is_empty() => REGION.to_owned(),
        Dimension::Municipality => row.place.to_string(),
        Dimension::Day => day.to_string(),
    }
}

#[cfg(test)]
mod tests;
