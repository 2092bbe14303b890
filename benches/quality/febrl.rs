//! Febrl data set 4: 5,000 synthetic Australian persons, and one duplicate of each with errors (`data/febrl4`).
//!
//! Surname, given name and birth date are what the search has too; addresses and social security numbers have no
//! counterpart in it and are left out. An original without a birth date is held as born in 1800, which no question names.

use std::collections::BTreeMap;
use std::str::FromStr;

use chrono::NaiveDate;
use registry::date::PartialDate;
use registry::identifier::RecordId;
use registry::record::PersonName;
use uuid::Uuid;

use super::Half;
use super::figures::Tally;
use super::look_up::{Known, People};
use crate::people;

const ORIGINALS: &str = include_str!("../data/febrl4/febrl4a.csv");
const DUPLICATES: &str = include_str!("../data/febrl4/febrl4b.csv");

/// The originals, and what the duplicates say.
#[derive(Debug)]
pub struct Febrl {
    originals: People,
    duplicates: BTreeMap<u64, Known>,
}

impl Febrl {
    /// Reads both files and indexes the originals.
    ///
    /// # Panics
    /// When the compiled-in files are not as their description says.
    pub fn read() -> Self {
        let mut originals = People::default();
        for (number, known) in rows(ORIGINALS) {
            let Known {
                surname,
                given_name,
                birth,
            } = known;
            let name = |text: Option<String>| {
                text.map(|text| PersonName::parse(&text).expect("letters make a name"))
            };
            let mut card = people::card(0);
            card.generalities.surname = name(surname);
            card.generalities.given_name = name(given_name);
            let date = match birth {
                Some(day) => PartialDate::known(day),
                None => PartialDate::new(1800, None, None),
            };
            card.generalities.birth_date = date.expect("a birth date");
            originals.hold(record(number), &card);
        }
        Self {
            originals,
            duplicates: rows(DUPLICATES),
        }
    }

    /// Looks up the originals by their duplicates: of a half, one in so many.
    pub fn tally(&self, half: Half, one_in: usize) -> Tally {
        let mut tally = Tally::default();
        let of_half = |number: &u64| Half::of(&format!("rec-{number}-org")) == half;
        let duplicates = self.duplicates.iter().filter(|(number, _)| of_half(number));
        for (number, known) in duplicates.step_by(one_in) {
            tally.look_up(&self.originals, known, record(*number));
        }
        tally
    }
}

fn record(number: u64) -> RecordId {
    RecordId(Uuid::from_u128(number.into()))
}

fn rows(text: &str) -> BTreeMap<u64, Known> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.records().map(|row| {
        let row = row.expect("a row");
        let [id, surname, given_name, birth] = [0, 1, 2, 3].map(|at| row.get(at).unwrap_or_default());
        let number = id.split('-').nth(1).map(u64::from_str);
        let text = |field: &str| (!field.is_empty()).then(|| field.to_owned());
        let known = Known {
            surname: text(surname),
            given_name: text(given_name),
            // What is no date is not known.
            birth: NaiveDate::parse_from_str(birth, "%Y%m%d").ok(),
        };
        (number.expect("an id of three parts").expect("a number"), known)
    });
    rows.collect()
}
