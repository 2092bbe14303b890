//! Periods in which an entry of a reference table holds.

use chrono::NaiveDate;

/// A period of days, both ends inclusive; `None` is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Validity {
    /// First day.
    pub from: Option<NaiveDate>,
    /// Last day.
    pub to: Option<NaiveDate>,
}

/// How a day lies to the periods of an entry.
///
/// Tables of places are incomplete for old times, so a day outside every period is not wrong in itself: a rule that
/// refuses it must say which of these it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// In one of the periods.
    Valid,
    /// Before the first: the place may have existed before the table knows it.
    BeforeFirstPeriod,
    /// Between two: the place was suppressed and later restored, or the table has a hole.
    InGap,
    /// After the last: the place no longer existed.
    AfterEnd,
}

impl Validity {
    /// Whether `day` lies in the period.
    pub fn contains(self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }

    /// Whether the period has no end.
    pub fn is_current(self) -> bool {
        self.to.is_none()
    }

    /// Whether the whole period lies before `day`.
    pub fn ended_before(self, day: NaiveDate) -> bool {
        self.to.is_some_and(|to| to < day)
    }
}

/// The entry that answers for `day`, of entries ordered by start: the one that holds, else the first when the day
/// lies before all, else the last that ended before it.
pub(crate) fn placed<T>(
    entries: &[T],
    validity: impl Fn(&T) -> Validity,
    day: NaiveDate,
) -> Option<(&T, Standing)> {
    if let Some(holding) = entries.iter().find(|entry| validity(entry).contains(day)) {
        return Some((holding, Standing::Valid));
    }
    let Some(ended) = entries
        .iter()
        .rev()
        .find(|entry| validity(entry).ended_before(day))
    else {
        return entries.first().map(|first| (first, Standing::BeforeFirstPeriod));
    };
    let resumes = entries.iter().any(|entry| !validity(entry).ended_before(day));
    Some((
        ended,
        if resumes {
            Standing::InGap
        } else {
            Standing::AfterEnd
        },
    ))
}

/// A date written `YYYYMMDD`; empty and malformed are both `None`, which a test of each table rules out.
pub(crate) fn compact_date(text: &str) -> Option<NaiveDate> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, month_day) = text.split_at_checked(4)?;
    let (month, day) = month_day.split_at_checked(2)?;
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

#[cfg(test)]
mod tests;
