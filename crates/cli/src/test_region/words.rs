//! Words of the list of test subjects that depend on the day and on other subjects: `{today-18y+1d}`, `{code:mario-rossi}`.

use std::collections::BTreeMap;

use chrono::{Days, Months, NaiveDate};

/// Why a word means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// A brace is not closed.
    #[error("a brace is not closed")]
    Open,
    /// Nothing is known under the name.
    #[error("{{{0}}} means nothing")]
    Unknown(String),
}

/// The words of a day.
#[derive(Clone, Debug)]
pub struct Words {
    today: NaiveDate,
    known: BTreeMap<String, String>,
}

impl Words {
    /// Those that depend on nothing but the day.
    pub fn of(today: NaiveDate) -> Self {
        Self {
            today,
            known: BTreeMap::new(),
        }
    }

    /// Adds a word.
    pub fn add(&mut self, word: String, meaning: String) {
        self.known.insert(word, meaning);
    }

    /// The text with every word in braces replaced by what it means.
    pub fn expand(&self, text: &str) -> Result<String, WordError> {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (word, after) = after.split_once('}').ok_or(WordError::Open)?;
            expanded.push_str(before);
            expanded.push_str(&self.meaning(word)?);
            rest = after;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    fn meaning(&self, word: &str) -> Result<String, WordError> {
        if let Some(known) = self.known.get(word) {
            return Ok(known.clone());
        }
        let day = word
            .strip_prefix("today")
            .and_then(|steps| moved(self.today, steps));
        day.map(|day| day.to_string())
            .ok_or_else(|| WordError::Unknown(word.to_owned()))
    }
}

/// A day moved by steps such as `-18y+1d`: years, months and days, one after the other. A day that a month does not have
/// is its last.
fn moved(mut day: NaiveDate, mut steps: &str) -> Option<NaiveDate> {
    while !steps.is_empty() {
        let end = steps.find(|letter: char| letter.is_ascii_lowercase())?;
        let (number, rest) = steps.split_at(end);
        let (unit, rest) = rest.split_at(1);
        let (sign, number) = number.split_at_checked(1)?;
        let number: u32 = number.parse().ok()?;
        let months = match unit {
            "y" => Months::new(number.checked_mul(12)?),
            "m" => Months::new(number),
            "d" => Months::new(0),
            _ => return None,
        };
        let days = Days::new(if unit == "d" { number.into() } else { 0 });
        day = match sign {
            "-" => day.checked_sub_months(months)?.checked_sub_days(days)?,
            "+" => day.checked_add_months(months)?.checked_add_days(days)?,
            _ => return None,
        };
        steps = rest;
    }
    Some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, WordError>) {
        let mut words = Words::of(NaiveDate::from_ymd_opt(2028, 2, 29).unwrap());
        words.add("code:a".to_owned(), "RSSMRA".to_owned());
        assert_eq!(words.expand(text), expect.map(str::to_owned), "{text}");
    }

    #[test]
    fn days_are_counted_from_today() {
        check("{today}", Ok("2028-02-29"));
        check("{today-1d}", Ok("2028-02-28"));
        check("{today-18y}", Ok("2010-02-28"));
        check("{today-18y+1d}", Ok("2010-03-01"));
        check("dal {today+1m} al {today+1y}", Ok("dal 2028-03-29 al 2029-02-28"));
    }

    #[test]
    fn other_words_are_replaced_and_plain_text_stays() {
        check("{code:a}:2", Ok("RSSMRA:2"));
        check("VIA ROMA", Ok("VIA ROMA"));
        check("", Ok(""));
    }

    #[test]
    fn a_word_without_meaning_is_refused() {
        let unknown = |word: &str| Err(WordError::Unknown(word.to_owned()));
        check("{code:b}", unknown("code:b"));
        check("{today-}", unknown("today-"));
        check("{today-1w}", unknown("today-1w"));
        check("{today1d}", unknown("today1d"));
        check("{tomorrow}", unknown("tomorrow"));
        check("{today", Err(WordError::Open));
    }
}
