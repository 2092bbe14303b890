//! Days drawn between days.

use chrono::{Datelike, Days, Months, NaiveDate};

use super::random::Stream;

/// A day from `first` to `last`, both included; `first` where `last` lies before it.
pub(super) fn day_between(stream: &mut Stream, first: NaiveDate, last: NaiveDate) -> NaiveDate {
    let span = usize::try_from((last - first).num_days() + 1).unwrap_or(0);
    after_days(first, stream.below(span) as u64)
}

/// As [`day_between`], but late days more often than early ones: half lie in the last quarter.
pub(super) fn late_day_between(stream: &mut Stream, first: NaiveDate, last: NaiveDate) -> NaiveDate {
    let span = (last - first).num_days().max(0) as f64;
    let back = (stream.unit().powi(2) * span) as u64;
    last.checked_sub_days(Days::new(back)).unwrap_or(last).max(first)
}

/// The day so many years later; of 29 February the 28th.
pub(super) fn after_years(day: NaiveDate, years: u32) -> NaiveDate {
    day.checked_add_months(Months::new(12 * years)).unwrap_or(day)
}

/// The day so many days later.
pub(super) fn after_days(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(day)
}

/// 1 January.
pub(super) fn new_year(year: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default()
}

/// 31 December.
pub(super) fn year_end(year: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, 12, 31).unwrap_or_default()
}

/// Full years from `birth` to `day`.
pub(super) fn age_on(birth: NaiveDate, day: NaiveDate) -> i32 {
    let before_birthday = (day.month(), day.day()) < (birth.month(), birth.day());
    day.year() - birth.year() - i32::from(before_birthday)
}
