//! Dates as registries know them: day or month may be unknown.

use std::cmp::Ordering;
use std::fmt;

use chrono::{Datelike, NaiveDate};

/// A calendar date of which the day, or day and month, may be unknown (ANPR `senzaGiorno`, `senzaGiornoMese`).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartialDate {
    year: i32,
    month: Option<u8>,
    day: Option<u8>,
}

/// Why three numbers are not a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// The registry admits years 1800 to 9998: 9999 is the "no end" of older layouts and never a birth.
    #[error("the year must lie between 1800 and 9998")]
    Year,
    /// Not a month.
    #[error("the month must lie between 1 and 12")]
    Month,
    /// Not a day of that month and year.
    #[error("the day does not exist in that month")]
    Day,
    /// A day needs its month.
    #[error("a day without a month is not a date")]
    DayWithoutMonth,
    /// Not in one of the admitted written forms.
    #[error("the date must be written YYYY-MM-DD, YYYY-MM or YYYY")]
    Form,
}

impl PartialDate {
    /// Checks the parts against each other.
    pub fn new(year: i32, month: Option<u8>, day: Option<u8>) -> Result<Self, DateError> {
        if !(1800..=9998).contains(&year) {
            return Err(DateError::Year);
        }
        match (month, day) {
            (None, Some(_)) => return Err(DateError::DayWithoutMonth),
            (Some(month), _) if !(1..=12).contains(&month) => return Err(DateError::Month),
            (Some(month), Some(day)) if NaiveDate::from_ymd_opt(year, month.into(), day.into()).is_none() => {
                return Err(DateError::Day);
            }
            _ => {}
        }
        Ok(Self { year, month, day })
    }

    /// A date known to the day.
    pub fn known(date: NaiveDate) -> Result<Self, DateError> {
        let month = u8::try_from(date.month()).map_err(|_| DateError::Month)?;
        let day = u8::try_from(date.day()).map_err(|_| DateError::Day)?;
        Self::new(date.year(), Some(month), Some(day))
    }

    /// Reads `YYYY-MM-DD`, `YYYY-MM` or `YYYY`.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let digits = |part: &str, length: usize| -> Result<u32, DateError> {
            let all_digits = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
            if !all_digits {
                return Err(DateError::Form);
            }
            part.parse().map_err(|_| DateError::Form)
        };
        let mut parts = text.split('-');
        let year = digits(parts.next().unwrap_or_default(), 4)?;
        let two_digits = |part: Option<&str>| -> Result<Option<u8>, DateError> {
            part.map(|part| {
                digits(part, 2).and_then(|value| u8::try_from(value).map_err(|_| DateError::Form))
            })
            .transpose()
        };
        let month = two_digits(parts.next())?;
        let day = two_digits(parts.next())?;
        if parts.next().is_some() {
            return Err(DateError::Form);
        }
        Self::new(i32::try_from(year).map_err(|_| DateError::Year)?, month, day)
    }

    /// The year, always known.
    pub fn year(self) -> i32 {
        self.year
    }

    /// The month, 1 to 12, when known.
    pub fn month(self) -> Option<u8> {
        self.month
    }

    /// The day of the month, when known.
    pub fn day(self) -> Option<u8> {
        self.day
    }

    /// The calendar date, when it is known to the day.
    pub fn to_naive(self) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(self.year, self.month?.into(), self.day?.into())
    }

    /// The first day on which it can have been.
    pub fn earliest(self) -> NaiveDate {
        let month = self.month.unwrap_or(1).into();
        let day = self.day.unwrap_or(1).into();
        NaiveDate::from_ymd_opt(self.year, month, day).unwrap_or(NaiveDate::MAX)
    }

    /// The last day on which it can have been.
    pub fn latest(self) -> NaiveDate {
        if let Some(exact) = self.to_naive() {
            return exact;
        }
        let (next_year, next_month) = match self.month {
            Some(month) if month < 12 => (self.year, u32::from(month) + 1),
            _ => (self.year + 1, 1),
        };
        NaiveDate::from_ymd_opt(next_year, next_month, 1)
            .and_then(|next| next.pred_opt())
            .unwrap_or(NaiveDate::MAX)
    }

    /// How it lies to `other`, or `None` where the unknown parts leave it open.
    pub fn certain_cmp(self, other: Self) -> Option<Ordering> {
        if self.latest() < other.earliest() {
            Some(Ordering::Less)
        } else if other.latest() < self.earliest() {
            Some(Ordering::Greater)
        } else if self.to_naive().is_some() && self == other {
            Some(Ordering::Equal)
        } else {
            None
        }
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        if let Some(month) = self.month {
            write!(f, "-{month:02}")?;
        }
        if let Some(day) = self.day {
            write!(f, "-{day:02}")?;
        }
        Ok(())
    }
}

/// A birth date is personal: debugging output does not carry it.
impl fmt::Debug for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartialDate(..)")
    }
}

#[cfg(test)]
mod tests;
