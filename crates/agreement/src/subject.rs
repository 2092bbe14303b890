//! What of a person decides whether and how the person is shown.

use chrono::{Datelike, NaiveDate};

use registry::date::PartialDate;
use registry::municipality::MunicipalityId;
use registry::record::{Record, Register};

/// Facts of one card on the reference date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubjectFacts {
    /// Municipality that keeps the card.
    pub municipality: MunicipalityId,
    /// Register that keeps the card.
    pub register: Register,
    /// How the person stood to it.
    pub standing: Standing,
    /// Whether under eighteen.
    pub age: Age,
    /// Whether the location is protected.
    pub location: Location,
    /// Whether the identity is sealed.
    pub identity: Identity,
    /// Whether the municipality has opened its data to the agreement.
    pub consent: Consent,
}

/// How a person stands to the register of the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Registered, or registered only later: what was before then has no history.
    Registered,
    /// Has left it alive.
    Cancelled,
    /// Has died.
    Dead,
}

/// The days on which the standing of a card's person changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StandingDates {
    death: Option<NaiveDate>,
    left: Option<NaiveDate>,
}

/// Whether a person is under eighteen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// Eighteen or over, for certain.
    Adult,
    /// Under eighteen, or possibly so where parts of the birth date are unknown.
    Minor,
}

/// Whether the place where a person lives is protected by a measure; the stricter is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Location {
    /// It is not.
    Open,
    /// Somebody else's is, who shares the dwelling: to show where this person lives would show where that one does.
    Shared,
    /// It is.
    Protected,
}

/// Whether old and new identity of a person must stay apart: adoption, protection programmes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// No such measure.
    Open,
    /// The card is sealed.
    Sealed,
}

/// Whether a municipality has opened its data to an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// It has.
    Given,
    /// It has not.
    Withheld,
}

impl SubjectFacts {
    /// The facts of a card; what is not on the card is given beside it. The location is what the card alone says of
    /// the reference date: whoever knows more must add what [`Location`] demands.
    pub fn of(
        record: &Record,
        municipality: MunicipalityId,
        reference_date: NaiveDate,
        identity: Identity,
        consent: Consent,
    ) -> Self {
        Self {
            municipality,
            register: record.register,
            standing: Standing::of(record, reference_date),
            age: Age::on(record.generalities.birth_date, reference_date),
            location: Location::on_card(record, reference_date, reference_date),
            identity,
            consent,
        }
    }
}

impl Location {
    /// What the card itself says of its location, to a call of `today` about `reference_date`.
    ///
    /// A protection in force today covers every reference date, because most of what was true yesterday still is;
    /// and one in force on the reference date covers that date for ever, because where the person was then may be
    /// where others are now.
    pub fn on_card(record: &Record, reference_date: NaiveDate, today: NaiveDate) -> Self {
        if record.protected_on(reference_date) || record.protected_on(today) {
            Self::Protected
        } else {
            Self::Open
        }
    }
}

impl Standing {
    /// How the person of the card stood on `day`.
    ///
    /// The day of death counts as life, also where the cancellation for death takes effect on that very day: the
    /// person is registered until the day has passed.
    pub fn of(record: &Record, day: NaiveDate) -> Self {
        StandingDates::of(record).on(day)
    }
}

impl StandingDates {
    /// Those of a card.
    pub fn of(record: &Record) -> Self {
        let left = record.cancellation.as_ref().filter(|cancellation| {
            let by_death = cancellation.reason.is_death() && record.death.is_some();
            !by_death
        });
        Self {
            death: record.death.as_ref().map(|death| death.date),
            left: left.map(|cancellation| cancellation.effective),
        }
    }

    /// How the person stood on `day`: see [`Standing::of`].
    pub fn on(self, day: NaiveDate) -> Standing {
        if self.death.is_some_and(|death| death < day) {
            Standing::Dead
        } else if self.left.is_some_and(|left| left <= day) {
            Standing::Cancelled
        } else {
            Standing::Registered
        }
    }
}

impl Age {
    /// Whether someone born on `birth` is certainly eighteen on `day`. Who was born on 29 February comes of age on
    /// 1 March of a common year.
    pub fn on(birth: PartialDate, day: NaiveDate) -> Self {
        let born = birth.latest();
        let year = born.year() + 18;
        let of_age = born
            .with_year(year)
            .or_else(|| NaiveDate::from_ymd_opt(year, 3, 1));
        match of_age {
            Some(of_age) if of_age <= day => Self::Adult,
            Some(_) | None => Self::Minor,
        }
    }
}

#[cfg(test)]
mod tests {
    use registry::code::{AprCancellationReason, CancellationReason};
    use registry::record::{Cancellation, Death};

    use super::*;
    use crate::fixture;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check_age(birth: &str, on: &str, expect: Age) {
        assert_eq!(
            Age::on(PartialDate::parse(birth).unwrap(), day(on)),
            expect,
            "born {birth}, on {on}"
        );
    }

    #[test]
    fn one_comes_of_age_on_the_eighteenth_birthday() {
        check_age("2008-05-10", "2026-05-09", Age::Minor);
        check_age("2008-05-10", "2026-05-10", Age::Adult);
        check_age("2008-02-29", "2026-02-28", Age::Minor);
        check_age("2008-02-29", "2026-03-01", Age::Adult);
        check_age("2008-05", "2026-05-30", Age::Minor);
        check_age("2008-05", "2026-05-31", Age::Adult);
        check_age("2008", "2026-12-30", Age::Minor);
        check_age("2008", "2026-12-31", Age::Adult);
        check_age("1950", "2026-01-01", Age::Adult);
    }

    #[track_caller]
    fn check_standing(
        cancelled: Option<(&str, AprCancellationReason)>,
        died: Option<&str>,
        on: &str,
        expect: Standing,
    ) {
        let mut record = fixture::record();
        record.cancellation = cancelled.map(|(effective, reason)| Cancellation {
            reason: CancellationReason::Apr(reason),
            effective: day(effective),
            destination: None,
        });
        record.death = died.map(|date| Death {
            date: day(date),
            place: None,
        });
        assert_eq!(Standing::of(&record, day(on)), expect, "on {on}");
    }

    #[test]
    fn the_day_of_death_counts_as_life() {
        let death = Some(("2026-03-03", AprCancellationReason::Death));
        check_standing(death, Some("2026-03-03"), "2026-03-03", Standing::Registered);
        check_standing(death, Some("2026-03-03"), "2026-03-04", Standing::Dead);
        let later = Some(("2026-03-06", AprCancellationReason::Death));
        check_standing(later, Some("2026-03-03"), "2026-03-03", Standing::Registered);
        check_standing(later, Some("2026-03-03"), "2026-03-05", Standing::Dead);
        check_standing(None, Some("2026-03-03"), "2026-03-04", Standing::Dead);
        check_standing(death, None, "2026-03-03", Standing::Cancelled);
    }

    #[test]
    fn one_has_left_from_the_day_the_cancellation_takes_effect() {
        let abroad = Some(("2026-03-03", AprCancellationReason::Untraceable));
        check_standing(abroad, None, "2026-03-02", Standing::Registered);
        check_standing(abroad, None, "2026-03-03", Standing::Cancelled);
        check_standing(abroad, Some("2026-03-10"), "2026-03-05", Standing::Cancelled);
        check_standing(abroad, Some("2026-03-10"), "2026-03-11", Standing::Dead);
        check_standing(None, None, "2026-03-03", Standing::Registered);
    }

    #[test]
    fn the_facts_are_those_of_the_card() {
        let mut record = fixture::record();
        let municipality = MunicipalityId::of_any(record.municipality).unwrap();
        let facts = |record: &Record, identity, consent| {
            SubjectFacts::of(record, municipality, day("2026-03-03"), identity, consent)
        };
        let expect = SubjectFacts {
            municipality,
            register: Register::Apr,
            standing: Standing::Registered,
            age: Age::Adult,
            location: Location::Open,
            identity: Identity::Open,
            consent: Consent::Given,
        };
        assert_eq!(facts(&record, Identity::Open, Consent::Given), expect);
        record.flags.protected = true;
        record.register = Register::Aire;
        let expect = SubjectFacts {
            register: Register::Aire,
            location: Location::Protected,
            identity: Identity::Sealed,
            consent: Consent::Withheld,
            ..expect
        };
        assert_eq!(facts(&record, Identity::Sealed, Consent::Withheld), expect);
    }
}
