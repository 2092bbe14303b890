//! The synthetic people of a district of 134,000 residents, looked up by what somebody has wrong about them.

use std::collections::BTreeMap;

use cli::synthetic::{self, Extent, Plan, Scale};
use registry::identifier::{IstatCode, RecordId};
use registry::record::Record;
use uuid::Uuid;

use super::Half;
use super::corrupt::Fault;
use super::figures::Tally;
use super::look_up::{Known, People};
use crate::draws::Draws;

/// The Circondario Imolese.
pub const DISTRICT: [&str; 10] = [
    "037032", "037007", "037012", "037014", "037016", "037020", "037025", "037026", "037037", "037045",
];

/// Seed and year of the synthetic region.
const PLAN: (u64, i32) = (20_260, 2026);

/// The people, and what is right of those of whom something may be asked.
#[derive(Debug, Default)]
pub struct District {
    people: People,
    /// In an order that means nothing, and in which halves are mixed.
    known: Vec<(RecordId, Half, Known)>,
}

impl District {
    /// Makes the people of some municipalities, one household in so many, and indexes them.
    ///
    /// # Panics
    /// When a code is of no municipality of the region.
    pub fn of(municipalities: &[&str], scale: Scale) -> Self {
        let (seed, year) = PLAN;
        let plan = Plan::new(seed, year).expect("a year of the tables");
        let extent = Extent {
            scale,
            ..Extent::default()
        };
        let mut district = Self::default();
        let mut ordered = BTreeMap::new();
        for code in municipalities {
            let istat = IstatCode::parse(code).expect("six digits");
            let cards = synthetic::municipality(plan, istat, extent).expect("a municipality of the region");
            for card in cards {
                let id = format!("{code}-{}", card.local_id.as_str());
                let digest = ledger::hash::sha256(id.as_bytes());
                let record = RecordId(uuid_of(digest.as_bytes()));
                district.people.hold(record, &card);
                ordered.insert(record, (record, Half::of(&id), known_of(&card)));
            }
        }
        district.known = ordered.into_values().collect();
        district
    }

    /// The people.
    pub fn people(&self) -> &People {
        &self.people
    }

    /// Looks up as many persons of a half, each with one error of a kind; fewer where fewer can have it.
    pub fn tally(&self, fault: Fault, half: Half, most: usize) -> Tally {
        // Halves and kinds have errors of their own.
        let kind = Fault::ALL
            .iter()
            .position(|other| *other == fault)
            .unwrap_or_default();
        let mut draws = Draws::new(0x5eed_0000 + 2 * kind as u64 + u64::from(half == Half::HeldOut));
        let mut tally = Tally::default();
        let of_half = self.known.iter().filter(|(_, of, _)| *of == half);
        // Each kind begins elsewhere.
        let faulty = of_half.skip(kind * 97).filter_map(|(record, _, known)| {
            let faulty = fault.plant(known, &mut draws)?;
            Some((*record, faulty))
        });
        for (record, known) in faulty.take(most) {
            tally.look_up(&self.people, &known, record);
        }
        tally
    }

    /// The same without any error.
    pub fn as_registered(&self, half: Half, most: usize) -> Tally {
        let mut tally = Tally::default();
        let of_half = self.known.iter().filter(|(_, of, _)| *of == half);
        for (record, _, known) in of_half.take(most) {
            tally.look_up(&self.people, known, *record);
        }
        tally
    }
}

fn known_of(card: &Record) -> Known {
    let names = &card.generalities;
    Known {
        surname: names.surname.as_ref().map(|name| name.as_str().to_owned()),
        given_name: names.given_name.as_ref().map(|name| name.as_str().to_owned()),
        birth: names.birth_date.to_naive(),
    }
}

fn uuid_of(digest: &[u8; 32]) -> Uuid {
    let [id @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = *digest;
    Uuid::from_bytes(id)
}
