//! Dates as back offices write them.

use std::borrow::Cow;

use super::ForeignColumn;
use crate::date::PartialDate;
use crate::finding::{FindingRule, rules};

/// How the dates of a column are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dates {
    /// No two of them fit the same text.
    pub(super) forms: Vec<DateForm>,
    /// Values that mean that there is no date.
    pub(super) empty: Vec<String>,
    pub(super) zeros: Zeros,
    /// Says that the day is not known (ANPR `senzaGiorno`).
    pub(super) without_day: Option<ForeignColumn>,
    /// Says that day and month are not known (ANPR `senzaGiornoMese`).
    pub(super) without_month: Option<ForeignColumn>,
}

/// What a day or month of zeros means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Zeros {
    /// The date is wrong.
    #[default]
    Refused,
    /// It is not known.
    Unknown,
}

/// A written form of fixed length: `YYYY`, `MM` and `DD` once each, everything else as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DateForm(Vec<Part>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Year,
    Month,
    Day,
    Literal(u8),
}

impl DateForm {
    /// Reads `DD/MM/YYYY` and the like.
    pub(super) fn parse(form: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = form;
        while let Some(first) = rest.bytes().next() {
            let (part, after) = if let Some(after) = rest.strip_prefix("YYYY") {
                (Part::Year, after)
            } else if let Some(after) = rest.strip_prefix("MM") {
                (Part::Month, after)
            } else if let Some(after) = rest.strip_prefix("DD") {
                (Part::Day, after)
            } else if first.is_ascii() && !first.is_ascii_alphabetic() {
                (Part::Literal(first), rest.get(1..)?)
            } else {
                return None;
            };
            parts.push(part);
            rest = after;
        }
        let count = |part| parts.iter().filter(|other| **other == part).count();
        let once = [Part::Year, Part::Month, Part::Day]
            .into_iter()
            .all(|part| count(part) == 1);
        once.then_some(Self(parts))
    }

    /// Whether a text can be written in both: then which is meant would be a guess.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let (mine, others) = (self.shape(), other.shape());
        let meet = |(one, two): (&Option<u8>, &Option<u8>)| match (one, two) {
            (Some(one), Some(two)) => one == two,
            (Some(literal), None) | (None, Some(literal)) => literal.is_ascii_digit(),
            (None, None) => true,
        };
        mine.len() == others.len() && mine.iter().zip(&others).all(meet)
    }

    /// Each byte of the form; `None` for a digit.
    fn shape(&self) -> Vec<Option<u8>> {
        let mut shape = Vec::new();
        for part in &self.0 {
            match part {
                Part::Year => shape.extend([None; 4]),
                Part::Month | Part::Day => shape.extend([None; 2]),
                Part::Literal(byte) => shape.push(Some(*byte)),
            }
        }
        shape
    }

    /// Year, month and day as they stand; `None` when the text is not of this form.
    fn read(&self, text: &str) -> Option<(i32, u8, u8)> {
        let (mut year, mut month, mut day) = (0, 0, 0);
        let mut rest = text.as_bytes();
        for part in &self.0 {
            let length = match part {
                Part::Year => 4,
                Part::Month | Part::Day => 2,
                Part::Literal(_) => 1,
            };
            let (field, after) = rest.split_at_checked(length)?;
            rest = after;
            if let Part::Literal(byte) = part {
                if field != [*byte] {
                    return None;
                }
                continue;
            }
            if !field.iter().all(u8::is_ascii_digit) {
                return None;
            }
            let number = field
                .iter()
                .fold(0, |number, digit| number * 10 + i32::from(digit - b'0'));
            match part {
                Part::Year => year = number,
                Part::Month => month = u8::try_from(number).ok()?,
                Part::Day => day = u8::try_from(number).ok()?,
                Part::Literal(_) => {}
            }
        }
        rest.is_empty().then_some((year, month, day))
    }
}

impl Dates {
    /// The date as our layout writes it.
    pub(super) fn convert<'v>(
        &'v self,
        value: &str,
        value_of: impl Fn(ForeignColumn) -> &'v str,
    ) -> Result<Cow<'v, str>, &'static FindingRule> {
        if value.is_empty() || self.empty.iter().any(|empty| empty == value) {
            return Ok(Cow::Borrowed(""));
        }
        let read = self.forms.iter().find_map(|form| form.read(value));
        let (year, month, day) = read.ok_or(&rules::PN016)?;
        let (month, day) = match self.zeros {
            Zeros::Refused => (Some(month), Some(day)),
            Zeros::Unknown => (some_unless_zero(month), some_unless_zero(day)),
        };
        let (month, day) = self.as_known(month, day, value_of)?;
        let date = PartialDate::new(year, month, day).map_err(|_| &rules::PN016)?;
        Ok(Cow::Owned(date.to_string()))
    }

    /// Takes away what the flags say is not known; ANPR writes a 1 there, and anything else contradicts the flag.
    fn as_known<'v>(
        &self,
        month: Option<u8>,
        day: Option<u8>,
        value_of: impl Fn(ForeignColumn) -> &'v str,
    ) -> Result<(Option<u8>, Option<u8>), &'static FindingRule> {
        let flagged = |column: Option<ForeignColumn>| match column.map(value_of_flag(&value_of)) {
            None => Ok(false),
            Some("" | "0" | "N") => Ok(false),
            Some("1" | "S") => Ok(true),
            Some(_) => Err(&rules::PN005),
        };
        let (no_month, no_day) = (flagged(self.without_month)?, flagged(self.without_day)?);
        let is_filler = |part: Option<u8>| part.is_none_or(|part| part == 1);
        match (no_month, no_day) {
            (true, _) if is_filler(month) && is_filler(day) => Ok((None, None)),
            (false, true) if is_filler(day) => Ok((month, None)),
            (false, false) => Ok((month, day)),
            _ => Err(&rules::PN016),
        }
    }
}

fn value_of_flag<'v>(value_of: &impl Fn(ForeignColumn) -> &'v str) -> impl Fn(ForeignColumn) -> &'v str {
    move |column| value_of(column)
}

fn some_unless_zero(part: u8) -> Option<u8> {
    (part != 0).then_some(part)
}
