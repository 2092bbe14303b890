//! What one municipality needs to go on: its office and streets, names, and codici fiscali that nobody else gives out.

use std::collections::HashSet;

use chrono::{Datelike, NaiveDate};

use registry::codice_fiscale::{CodiceFiscale, TaxCode};
use registry::record::{Address, Generalities, PersonName, Record, Sex};

use crate::synthetic::Plan;
use crate::synthetic::calendar::new_year;
use crate::synthetic::cards::Office;
use crate::synthetic::events::other_dwelling;
use crate::synthetic::identity::leap_day;
use crate::synthetic::names::{self, Names};
use crate::synthetic::numbers::{Kind, Numbers};
use crate::synthetic::ownership::{CodeFrame, Ownership};
use crate::synthetic::random::{Stream, fold};
use crate::synthetic::region::{Municipality, Region};

/// How often a newborn's given name and birth place are drawn until the code is the municipality's to give.
const TRIES: usize = 400;

/// A municipality of which days are made.
#[derive(Debug)]
pub(super) struct Town {
    pub(super) office: Office,
    pub(super) seed: u64,
    names: Names,
    ownership: Ownership,
    /// Codes of the residents of the first day.
    codes: HashSet<TaxCode>,
    /// Codes given since.
    given: HashSet<TaxCode>,
    /// Cards and households opened so far.
    opened: usize,
}

impl Town {
    /// The municipality as it is on `first`, before anything happens.
    pub(super) fn new(plan: Plan, municipality: &'static Municipality, first: NaiveDate) -> Self {
        let seed = fold(&[plan.seed(), u64::from(plan.year().unsigned_abs())]);
        let numbers = Numbers {
            seed,
            ordinal: municipality.ordinal,
        };
        Self {
            office: Office::new(municipality, numbers, new_year(plan.year()), first),
            seed,
            names: Names::of_province(municipality.province()),
            ownership: Ownership::new(Region::emilia_romagna(), seed, municipality.ordinal),
            codes: HashSet::new(),
            given: HashSet::new(),
            opened: 0,
        }
    }

    /// The stream of one kind of chance in this municipality.
    pub(super) fn stream(&self, kind: u64) -> Stream {
        Stream::new(&[self.seed, self.office.numbers.ordinal as u64, kind])
    }

    /// Takes note of a code that is given.
    pub(super) fn note_codes(&mut self, card: &Record) {
        self.codes.extend(card.tax_codes.iter().map(|entry| entry.code));
    }

    /// Lets the codes of the residents go: they are as many as the residents.
    pub(super) fn forget_residents(&mut self) {
        self.codes = HashSet::new();
    }

    /// Serial of the next card or household that is opened.
    pub(super) fn next_serial(&mut self) -> u64 {
        self.opened += 1;
        Kind::Opened.serial(self.opened)
    }

    /// A flat that nobody of the first day lives in.
    pub(super) fn dwelling(&self, stream: &mut Stream) -> Address {
        self.office.streets.address(other_dwelling(&self.office, stream))
    }

    /// Generalities and code of a child born on a day; `None` where no name was found of which the municipality may
    /// give out the code.
    pub(super) fn newborn(
        &mut self,
        stream: &mut Stream,
        birth: NaiveDate,
        surname: &PersonName,
    ) -> Option<(Generalities, CodiceFiscale)> {
        let sex = if stream.chance(0.514) {
            Sex::Male
        } else {
            Sex::Female
        };
        for attempt in 0..TRIES {
            let place = if attempt < TRIES / 2 {
                self.office.places.in_region(stream, birth.year())
            } else {
                self.office.places.home()
            };
            let given = names::given(stream, birth.year(), sex);
            let cadastral = place.cadastral();
            let code =
                CodiceFiscale::compute(surname.as_str(), given.text.as_str(), sex, birth, cadastral).ok()?;
            let letters = code.as_str().as_bytes().first_chunk().copied()?;
            let frame = CodeFrame {
                letters,
                place: cadastral,
                year: birth.year(),
                female: sex == Sex::Female,
            };
            let own = self.ownership.days(place.origin(), frame);
            if own.contains(leap_day(birth)) && self.given.insert(code.into()) {
                let generalities = Generalities {
                    surname: Some(surname.clone()),
                    given_name: Some(given.text.clone()),
                    sex,
                    birth_date: registry::date::PartialDate::known(birth).ok()?,
                    birth_place: place.written(birth),
                };
                return Some((generalities, code));
            }
        }
        None
    }

    /// The next form of omocodia that nobody in the municipality has.
    pub(super) fn omocode(&mut self, code: CodiceFiscale) -> Option<CodiceFiscale> {
        let free = code.omocodes().find(|form| {
            !self.codes.contains(&TaxCode::from(*form)) && !self.given.contains(&TaxCode::from(*form))
        })?;
        self.given.insert(free.into());
        Some(free)
    }

    /// The generalities with a second surname, where that leaves the codice fiscale as it is.
    pub(super) fn second_surname(&self, stream: &mut Stream, card: &Record) -> Option<Generalities> {
        let first = card.generalities.surname.as_ref()?;
        let second = &self.names.surname(stream).text;
        let surname = PersonName::parse(&format!("{first} {second}")).ok()?;
        let generalities = Generalities {
            surname: Some(surname),
            ..card.generalities.clone()
        };
        let code = card.tax_codes.last().and_then(|entry| entry.code.definitive());
        let still_right = code.is_none_or(|code| {
            code.mismatches(&generalities, None) == code.mismatches(&card.generalities, None)
        });
        still_right.then_some(generalities)
    }
}
