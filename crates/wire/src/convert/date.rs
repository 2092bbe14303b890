//! Dates and instants.

use chrono::{Datelike, NaiveDate};
use prost_types::Timestamp;
use registry::date::{DateError, PartialDate};

use super::invalid::{Invalid, Named, Rule, required};
use crate::proto::r#type::v1 as wire;

impl From<PartialDate> for wire::PartialDate {
    fn from(date: PartialDate) -> Self {
        Self {
            year: date.year(),
            month: date.month().map_or(0, i32::from),
            day: date.day().map_or(0, i32::from),
        }
    }
}

impl From<NaiveDate> for wire::PartialDate {
    fn from(date: NaiveDate) -> Self {
        // Months end at 12 and days at 31: the conversions cannot saturate.
        Self {
            year: date.year(),
            month: i32::try_from(date.month()).unwrap_or(i32::MAX),
            day: i32::try_from(date.day()).unwrap_or(i32::MAX),
        }
    }
}

impl TryFrom<wire::PartialDate> for PartialDate {
    type Error = DateError;

    fn try_from(date: wire::PartialDate) -> Result<Self, DateError> {
        let wire::PartialDate { year, month, day } = date;
        let part = |number: i32, error: DateError| match number {
            0 => Ok(None),
            known => u8::try_from(known).map(Some).map_err(|_| error),
        };
        Self::new(year, part(month, DateError::Month)?, part(day, DateError::Day)?)
    }
}

/// A date that is set, with day or month possibly unknown.
pub(super) fn partial_date(field: &str, date: Option<wire::PartialDate>) -> Result<PartialDate, Invalid> {
    PartialDate::try_from(required(field, date)?).named(field)
}

/// A date known to the day.
///
/// # Errors
/// It is unset, no date, or lacks day or month; `field` is how the error names it.
pub fn civil_date(field: &str, date: Option<wire::PartialDate>) -> Result<NaiveDate, Invalid> {
    partial_date(field, date)?
        .to_naive()
        .ok_or_else(|| Invalid::new(field, Rule::NotToTheDay))
}

/// A date known to the day, where it is set.
pub(super) fn optional_civil_date(
    field: &str,
    date: Option<wire::PartialDate>,
) -> Result<Option<NaiveDate>, Invalid> {
    date.map(|date| civil_date(field, Some(date))).transpose()
}

/// An instant given in milliseconds since 1970 UTC.
pub fn timestamp_from_ms(ms: i64) -> Timestamp {
    let nanos = i32::try_from(ms.rem_euclid(1000)).unwrap_or_default() * 1_000_000;
    Timestamp {
        seconds: ms.div_euclid(1000),
        nanos,
    }
}

/// An instant as stores and logs keep it, in milliseconds since 1970 UTC.
pub fn timestamp_from_unix_ms(unix_ms: u64) -> Timestamp {
    timestamp_from_ms(i64::try_from(unix_ms).unwrap_or(i64::MAX))
}

/// Milliseconds since 1970 UTC; anything finer is dropped.
///
/// # Errors
/// It is unset or outside the years 1 to 9999; `field` is how the error names it.
pub fn timestamp_to_ms(field: &str, timestamp: Option<Timestamp>) -> Result<i64, Invalid> {
    const YEARS_1_TO_9999: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
    let Timestamp { seconds, nanos } = required(field, timestamp)?;
    let valid = YEARS_1_TO_9999.contains(&seconds) && (0..1_000_000_000).contains(&nanos);
    if !valid {
        return Err(Invalid::new(field, Rule::Range));
    }
    Ok(seconds * 1000 + i64::from(nanos / 1_000_000))
}
