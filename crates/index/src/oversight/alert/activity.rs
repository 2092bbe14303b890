//! What one operator did, day by day, as far back as rules look.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{Days, NaiveDate};

use crate::oversight::access::{Access, Name, Pseudonym};

/// Entries that an alert names at most, the last ones.
pub(crate) const MOST_ENTRIES: usize = 20;

/// Entries of which the last ones are named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// How many there are.
    pub(crate) count: u32,
    /// The last ones.
    pub(crate) last: Vec<u64>,
}

impl Named {
    pub(crate) fn push(&mut self, index: u64) {
        self.count += 1;
        if self.last.len() == MOST_ENTRIES {
            self.last.remove(0);
        }
        self.last.push(index);
    }

    /// These, and then others that came later.
    pub(crate) fn extend(&mut self, later: &Self) {
        self.count += later.count;
        self.last.extend(&later.last);
        let over = self.last.len().saturating_sub(MOST_ENTRIES);
        self.last.drain(..over);
    }
}

/// One day of one operator.
#[derive(Clone, Debug, Default)]
pub(crate) struct OneDay {
    /// Calls, without rows of lists.
    pub(crate) calls: Named,
    /// Those that were answered, with somebody or nobody.
    pub(crate) answered: u32,
    /// Those that found nobody.
    pub(crate) misses: Named,
    /// Those at night or on a holiday, by the rule that says what that is.
    pub(crate) off_hours: HashMap<usize, Named>,
    /// Those about persons of municipalities that were new to the operator, by the rule that says what that is.
    pub(crate) outside: HashMap<usize, Named>,
    /// Municipalities whose persons influenced an answer.
    pub(crate) places: BTreeSet<Name>,
    /// Persons, lists included.
    pub(crate) subjects: HashMap<Pseudonym, Named>,
    /// Persons that a call without a reference of a case was about.
    pub(crate) without_case: HashSet<Pseudonym>,
    /// The calls that these were.
    pub(crate) calls_without_case: Named,
}

/// The days of one operator.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity {
    days: BTreeMap<NaiveDate, OneDay>,
}

impl Activity {
    /// Adds an access and gives its day. Days that no rule looks back at are forgotten.
    pub(crate) fn add(
        &mut self,
        index: u64,
        date: NaiveDate,
        access: &Access,
        looks_back: u32,
    ) -> &mut OneDay {
        let oldest = date
            .checked_sub_days(Days::new(looks_back.into()))
            .unwrap_or(NaiveDate::MIN);
        self.days = self.days.split_off(&oldest);
        let day = self.days.entry(date).or_default();
        day.places.extend(access.places.iter().cloned());
        for subject in &access.subjects {
            day.subjects.entry(subject.pseudonym).or_default().push(index);
        }
        if access.is_row {
            return day;
        }
        day.calls.push(index);
        if access.is_miss() {
            day.misses.push(index);
        }
        if access.is_miss() || &*access.outcome == "OK" {
            day.answered += 1;
        }
        if !access.has_case && !access.subjects.is_empty() {
            day.without_case
                .extend(access.subjects.iter().map(|subject| subject.pseudonym));
            day.calls_without_case.push(index);
        }
        day
    }

    /// The days before one, the last first, as far back as so many days.
    pub(crate) fn before(
        &self,
        date: NaiveDate,
        days: u32,
    ) -> impl Iterator<Item = (NaiveDate, &OneDay)> + Clone {
        let oldest = date
            .checked_sub_days(Days::new(days.into()))
            .unwrap_or(NaiveDate::MIN);
        self.days
            .range(oldest..date)
            .rev()
            .map(|(date, day)| (*date, day))
    }

    /// A day.
    pub(crate) fn day(&self, date: NaiveDate) -> Option<&OneDay> {
        self.days.get(&date)
    }

    /// Whether anything is left that a rule looks back at from a date.
    pub(crate) fn is_over(&self, date: NaiveDate, looks_back: u32) -> bool {
        let oldest = date
            .checked_sub_days(Days::new(looks_back.into()))
            .unwrap_or(NaiveDate::MIN);
        self.days.range(oldest..).next().is_none()
    }
}
