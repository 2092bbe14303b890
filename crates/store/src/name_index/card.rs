//! What is held of a card, and what of it is known without its record.

use std::collections::BTreeSet;
use std::fmt;

use agreement::subject::{Age, Consent, Identity, Location, StandingDates, SubjectFacts};
use chrono::NaiveDate;
use registry::date::PartialDate;
use registry::identifier::{PersonId, RecordId};
use registry::matching::{NameField, TaxCodeQuery};
use registry::municipality::MunicipalityId;
use registry::record::{Record, Register};

use super::codes::CodeKey;

/// What the index holds of a card.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct IndexedCard {
    pub(super) person: PersonId,
    pub(super) surname: Option<Box<str>>,
    pub(super) given_name: Option<Box<str>>,
    pub(super) codes: BTreeSet<CodeKey>,
    pub(super) traits: Traits,
}

/// What else decides whether a card is a hit and may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Traits {
    pub(super) birth: BirthDate,
    pub(super) municipality: MunicipalityId,
    pub(super) register: Register,
    pub(super) standing: StandingDates,
    pub(super) guard: Guard,
}

/// Birth date in the order of its parts; 0 where one is not known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BirthDate {
    year: i16,
    month: u8,
    day: u8,
}

/// Whether the card itself may protect whereabouts on some day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Guard {
    Never,
    Sometimes,
}

/// A card that answers a question, as far as the index can tell.
#[derive(Debug)]
pub struct Candidate {
    /// The card.
    pub record: RecordId,
    /// Its person.
    pub person: PersonId,
    pub(super) traits: Traits,
}

/// What is left to be known about where a card's person may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationKnown {
    /// The card protects nothing on any day; other cards may.
    NotByThisCard,
    /// The card may.
    No,
}

impl IndexedCard {
    /// What is held of a card that is served; `None` where its municipality is none of the table.
    pub fn of(person: PersonId, record: &Record) -> Option<Self> {
        let generalities = &record.generalities;
        let text = |field: NameField| field.of(generalities).map(|name| name.as_str().into());
        let current = record.current_tax_code();
        let codes = record.tax_codes.iter().map(|entry| CodeKey {
            key: TaxCodeQuery::longest_key(&entry.code).into(),
            current: current == Some(&entry.code),
        });
        Some(Self {
            person,
            surname: text(NameField::Surname),
            given_name: text(NameField::GivenName),
            codes: codes.collect(),
            traits: Traits {
                birth: BirthDate::of(generalities.birth_date),
                municipality: MunicipalityId::of_any(record.municipality)?,
                register: record.register,
                standing: StandingDates::of(record),
                guard: if record.ever_protected() {
                    Guard::Sometimes
                } else {
                    Guard::Never
                },
            },
        })
    }

    pub(super) fn name(&self, field: NameField) -> Option<&str> {
        match field {
            NameField::Surname => self.surname.as_deref(),
            NameField::GivenName => self.given_name.as_deref(),
        }
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for IndexedCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexedCard(..)")
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthDate(..)")
    }
}

impl BirthDate {
    pub(super) fn of(date: PartialDate) -> Self {
        Self {
            year: i16::try_from(date.year()).unwrap_or_default(),
            month: date.month().unwrap_or_default(),
            day: date.day().unwrap_or_default(),
        }
    }

    /// The date again; `None` never happens for one that was held.
    pub(super) fn date(self) -> Option<PartialDate> {
        let known = |part: u8| (part != 0).then_some(part);
        PartialDate::new(self.year.into(), known(self.month), known(self.day)).ok()
    }
}

impl Candidate {
    /// What decides whether the card is shown on a day, with what is not known put in by the caller.
    pub fn facts(&self, day: NaiveDate, location: Location) -> Option<SubjectFacts> {
        let Traits {
            birth,
            municipality,
            register,
            standing,
            guard: _,
        } = self.traits;
        Some(SubjectFacts {
            municipality,
            register,
            standing: standing.on(day),
            age: Age::on(birth.date()?, day),
            location,
            identity: Identity::Open,
            consent: Consent::Given,
        })
    }

    /// The municipality that keeps the card.
    pub fn municipality(&self) -> MunicipalityId {
        self.traits.municipality
    }

    /// What the card says of its location.
    pub fn location(&self) -> LocationKnown {
        match self.traits.guard {
            Guard::Never => LocationKnown::NotByThisCard,
            Guard::Sometimes => LocationKnown::No,
        }
    }
}
