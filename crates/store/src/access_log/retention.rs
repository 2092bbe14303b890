//! Under which key a part is sealed, and when that key is destroyed.
//!
//! One key for each part kind, municipality, retention class and month of entry:
//! `log/subjects/E289/24m/2026-11`. Destroying it erases that class of that month; headers and proofs stay.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike};
use ledger::part::PartKind;

use crate::{
    access_log::part_content::part_name,
    keys::{KeyName, KeyNameError},
};

/// How long parts are kept (*termine di conservazione*): 1 to 600 whole months after the month of entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Retention(u16);

/// A number of months outside 1 to 600.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("retention must be 1 to 600 months")]
pub struct RetentionError;

impl Retention {
    /// Checks the number of months.
    ///
    /// # Errors
    /// [`RetentionError`].
    pub const fn months(months: u16) -> Result<Self, RetentionError> {
        if months < 1 || 600 < months {
            return Err(RetentionError);
        }
        Ok(Self(months))
    }
}

/// A calendar month, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(i64);

impl Month {
    /// The month of a Unix time in milliseconds; times beyond the calendar count as the first month.
    pub(super) fn of(time_ms: u64) -> Self {
        let time = i64::try_from(time_ms)
            .ok()
            .and_then(DateTime::from_timestamp_millis);
        Self(time.map_or(0, |time| i64::from(time.year()) * 12 + i64::from(time.month0())))
    }

    /// As `YYYY-MM`.
    fn push_to(self, text: &mut String) {
        push_number(text, self.0.div_euclid(12), 4);
        text.push('-');
        push_number(text, self.0.rem_euclid(12) + 1, 2);
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let (year, month): (i64, i64) = (year.parse().ok()?, month.parse().ok()?);
        (1..=12).contains(&month).then_some(Self(year * 12 + month - 1))
    }
}

/// The name of the key for a part.
pub(super) fn key_name(kind: &PartKind, retention: Retention, month: Month) -> Result<KeyName, KeyNameError> {
    let municipality = match kind {
        PartKind::Subjects(municipality) if municipality.as_str().contains('/') => return Err(KeyNameError),
        PartKind::Subjects(municipality) => municipality.as_str(),
        PartKind::Operator
        | PartKind::Criteria
        | PartKind::Decision
        | PartKind::AgreementBytes
        | PartKind::AdministrativeDetail
        | PartKind::PreviousCheckpoint => "-",
    };
    // Made four times for every entry, and so put together without the machinery of formatting.
    let mut name = String::with_capacity(48);
    name.push_str("log/");
    name.push_str(part_name(kind));
    name.push('/');
    name.push_str(municipality);
    name.push('/');
    push_number(&mut name, i64::from(retention.0), 1);
    name.push_str("m/");
    month.push_to(&mut name);
    KeyName::new(name)
}

/// Writes a number that is not negative, with zeros in front up to `width` digits.
fn push_number(text: &mut String, number: i64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut rest = number.unsigned_abs();
    let mut first = digits.len();
    while 0 < rest || digits.len() - first < width {
        first -= 1;
        // The remainder of ten is one digit.
        digits[first] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
    }
    text.extend(digits[first..].iter().map(|&digit| char::from(digit)));
}

/// Keys of the log under which everything has reached the end of its retention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiredKeys(Vec<KeyName>);

impl ExpiredKeys {
    /// Those of the names whose time is over.
    pub(super) fn of(names: Vec<KeyName>, now: Month) -> Self {
        Self(names.into_iter().filter(|name| is_expired(name, now)).collect())
    }

    pub(super) fn names(&self) -> &[KeyName] {
        &self.0
    }

    /// Whether nothing has reached the end of its retention.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many keys go of each class, which is the kind of part, the term and the month of entry: `operator 6m 2026-05`.
    #[must_use]
    pub fn classes(&self) -> BTreeMap<String, usize> {
        let mut classes = BTreeMap::new();
        for (part, months, month) in self.0.iter().filter_map(class_of) {
            *classes.entry(format!("{part} {months} {month}")).or_default() += 1;
        }
        classes
    }
}

/// Kind of part, term and month of a key of the log.
pub(super) fn class_of(name: &KeyName) -> Option<(&str, &str, &str)> {
    let pieces: Vec<&str> = name.as_str().split('/').collect();
    match pieces[..] {
        ["log", part, _, months, month] => Some((part, months, month)),
        _ => None,
    }
}

/// Whether everything under the key has reached the end of its retention.
pub(super) fn is_expired(name: &KeyName, now: Month) -> bool {
    let Some((_, months, month)) = class_of(name) else {
        return false;
    };
    let months = months
        .strip_suffix('m')
        .and_then(|months| months.parse::<u16>().ok());
    match (months, Month::parse(month)) {
        (Some(months), Some(month)) => month.0 + i64::from(months) < now.0,
        (None, _) | (_, None) => false,
    }
}

/// The municipality of a key for subjects.
pub(super) fn subjects_municipality(name: &KeyName) -> Option<&str> {
    name.as_str().strip_prefix("log/subjects/")?.split('/').next()
}
