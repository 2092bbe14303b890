//! What a registrar's office knows: plain data, from which cards are made.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use proptest::prelude::*;
use registry::date::PartialDate;
use registry::record::{Place, Record};
use registry::timeline::AsOf;

use super::MUNICIPALITIES;
use crate::test_support::people::{
    BEGIN, DOZZA, IMOLA, anna, day, giulia, istat, lives_in, local_id, luca, mario, with,
};

const STREETS: [&str; 4] = ["Appia", "Emilia", "Aurelia", "Cassia"];
const DAYS: [&str; 4] = ["2016-01-01", "2018-05-01", "2020-01-01", "2024-02-29"];
const CODES: [&str; MUNICIPALITIES] = [IMOLA, DOZZA];

/// Persons of each municipality.
pub(super) const PERSONS: usize = 4;

/// Days on which histories are compared.
pub(super) const QUESTIONS: [&str; 5] = [
    "2015-12-31",
    "2016-01-01",
    "2019-01-01",
    "2020-01-01",
    "2025-01-01",
];

/// What a registrar does with a card.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edit {
    /// The person lives in that street from that day on; who has no card gets one.
    Move {
        person: usize,
        street: usize,
        day: usize,
    },
    /// The card is made so that the index must keep it aside.
    Spoil { person: usize },
    /// The card is withdrawn.
    Withdraw { person: usize },
}

/// A card as plain data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plain {
    moves: BTreeMap<NaiveDate, &'static str>,
    pub(super) spoiled: bool,
}

pub(super) fn any_edit() -> impl Strategy<Value = Edit> {
    let person = || 0..PERSONS;
    prop_oneof![
        6 => (person(), 0..STREETS.len(), 0..DAYS.len())
            .prop_map(|(person, street, day)| Edit::Move { person, street, day }),
        1 => person().prop_map(|person| Edit::Spoil { person }),
        1 => person().prop_map(|person| Edit::Withdraw { person }),
    ]
}

pub(super) fn code(municipality: usize) -> &'static str {
    CODES[municipality]
}

impl Edit {
    pub(super) fn person(self) -> usize {
        match self {
            Self::Move { person, .. } | Self::Spoil { person } | Self::Withdraw { person } => person,
        }
    }

    /// The card after it, given the card before.
    pub(super) fn after(self, before: Option<&Plain>) -> Option<Plain> {
        let mut card = before.cloned().unwrap_or_default();
        match self {
            Self::Move {
                person: _,
                street,
                day: on,
            } => {
                card.moves.insert(day(DAYS[on]), STREETS[street]);
                card.spoiled = false;
            }
            Self::Spoil { person: _ } => card.spoiled = true,
            Self::Withdraw { person: _ } => return None,
        }
        Some(card)
    }
}

impl Plain {
    /// Where the person lives on a day, as the office says.
    pub(super) fn street_on(&self, on: NaiveDate) -> Option<&'static str> {
        let last = self.moves.range(..=on).next_back();
        let first = (day(BEGIN) <= on).then_some(STREETS[0]);
        last.map(|(_, street)| *street).or(first)
    }

    pub(super) fn record(&self, municipality: usize, person: usize) -> Record {
        let base = match person {
            0 => mario(),
            1 => anna(),
            2 => luca(),
            _ => giulia(),
        };
        let card = with(base, |card| {
            card.municipality = istat(code(municipality));
            card.local_id = local_id(&format!("{municipality}-{person}"));
        });
        let moved = self.moves.iter().fold(card, |card, (from, street)| {
            lives_in(card, street, &from.to_string())
        });
        with(moved, |card| {
            if self.spoiled {
                card.generalities.birth_date = PartialDate::parse("2199-01-01").unwrap();
            }
        })
    }
}

/// Where a card says that the person lives on a day.
pub(super) fn street_of(card: &Record, on: NaiveDate) -> Option<String> {
    match card.residences.at(on) {
        AsOf::Held(residence) => match &residence.place {
            Place::Italian(address) => Some(address.street.clone()),
            _ => None,
        },
        AsOf::Never | AsOf::BeforeHistory => None,
    }
}
