//! Days of birth between which the person may be born.

use std::fmt;

use chrono::{Months, NaiveDate};

use super::error::{QueryError, QueryField, QueryRule};
use crate::date::PartialDate;

/// First and last day, both included, at most [`BirthDateRange::MAX_YEARS`] apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BirthDateRange {
    first: NaiveDate,
    last: NaiveDate,
}

impl BirthDateRange {
    /// Longest span, in years.
    pub const MAX_YEARS: u32 = 10;

    /// Checks the span.
    ///
    /// # Errors
    ///
    /// [`QueryRule::RangeReversed`] and [`QueryRule::RangeTooLong`].
    pub fn new(first: NaiveDate, last: NaiveDate) -> Result<Self, QueryError> {
        let refused = |rule| Err(QueryError::new(QueryField::BirthDate, rule));
        if last < first {
            return refused(QueryRule::RangeReversed);
        }
        let end = first.checked_add_months(Months::new(12 * Self::MAX_YEARS));
        if end.is_none_or(|end| end <= last) {
            return refused(QueryRule::RangeTooLong);
        }
        Ok(Self { first, last })
    }

    /// The days on which a birth of that date can have been: one, a month or a year.
    pub fn of(date: PartialDate) -> Self {
        Self {
            first: date.earliest(),
            last: date.latest(),
        }
    }

    /// Whether a person with that birth date may be born on one of the days; where day or month of the registered
    /// date is unknown, whether any of the days in question is one of them.
    pub fn admits(self, registered: PartialDate) -> bool {
        registered.earliest() <= self.last && self.first <= registered.latest()
    }

    /// First day.
    pub fn first(self) -> NaiveDate {
        self.first
    }

    /// Last day.
    pub fn last(self) -> NaiveDate {
        self.last
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for BirthDateRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthDateRange(..)")
    }
}
