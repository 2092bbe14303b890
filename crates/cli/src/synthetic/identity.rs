//! Gives people names, a birth date and a codice fiscale that nobody else in the region has.

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate};

use registry::codice_fiscale::CodiceFiscale;
use registry::date::PartialDate;
use registry::record::{Generalities, PersonName, Sex};

use super::names::Name;
use super::ownership::{CodeFrame, Ownership};
use super::places::Birthplace;
use super::random::Stream;

/// First day of each month in a leap year, counted from 0, and the end.
const MONTH_STARTS: [u16; 13] = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366];
/// How often other names are tried until one has a day that is the municipality's.
const TRIES: usize = 3_000;
/// How often other names are tried for a certain day before another day does.
const TRIES_FOR_DAY: usize = 200;

/// Somebody who is to be named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) year: i32,
    pub(super) sex: Sex,
    pub(super) place: Birthplace,
    /// A day that is preferred: that of a twin, or 1 January where nobody knew.
    pub(super) day: Option<NaiveDate>,
}

/// Somebody with names, birth date and code.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) surname: PersonName,
    pub(super) given_name: PersonName,
    pub(super) sex: Sex,
    pub(super) birth: NaiveDate,
    pub(super) place: Birthplace,
    pub(super) code: CodiceFiscale,
}

/// Names the people of one municipality.
#[derive(Debug)]
pub(super) struct Namer {
    ownership: Ownership,
    home: Birthplace,
    /// A town of the province, for years in which there was no such municipality.
    town: Birthplace,
    /// How many persons have each base code.
    holders: HashMap<u64, u8>,
}

impl Namer {
    /// A namer who has named nobody.
    pub(super) fn new(ownership: Ownership, home: Birthplace, town: Birthplace) -> Self {
        Self {
            ownership,
            home,
            town,
            holders: HashMap::new(),
        }
    }

    /// Draws names until they have a day of the birth year on which the municipality may have somebody born.
    ///
    /// The smallest municipalities own so few days of distant places that names may run out; whoever finds none is
    /// born at home, where half of the days are the municipality's, or in a town of the province if the municipality
    /// did not exist then.
    pub(super) fn identify<'a>(
        &mut self,
        stream: &mut Stream,
        wanted: Wanted,
        mut draw: impl FnMut(&mut Stream) -> (&'a Name, &'a Name),
    ) -> Identity {
        let mut wanted = wanted;
        let mut tries = 0;
        loop {
            tries += 1;
            if tries == TRIES_FOR_DAY {
                wanted.day = None;
            }
            if tries == TRIES {
                wanted.place = if self.home.existed(wanted.year) {
                    self.home
                } else {
                    self.town
                };
            }
            let names = draw(stream);
            if let Some(identity) = self.accept(stream, wanted, names) {
                return identity;
            }
        }
    }

    fn accept(&mut self, stream: &mut Stream, wanted: Wanted, names: (&Name, &Name)) -> Option<Identity> {
        let Wanted {
            year,
            sex,
            place,
            day,
        } = wanted;
        let (surname, given_name) = names;
        let [a, b, c] = surname.letters;
        let [d, e, f] = given_name.letters;
        let frame = CodeFrame {
            letters: [a, b, c, d, e, f],
            place: place.cadastral(),
            year,
            female: sex == Sex::Female,
        };
        let own = self.ownership.days(place.origin(), frame);
        let birth = match day {
            Some(day) => own.contains(leap_day(day)).then_some(day)?,
            None => {
                let start = stream.below(own.count());
                let days = (0..own.count()).map(|step| own.get((start + step) % own.count()));
                days.flatten().find_map(|day| date_of(year, day))?
            }
        };
        let key = frame.packed() * 366 + u64::from(leap_day(birth));
        let before = self.holders.get(&key).copied().unwrap_or_default();
        let code = CodiceFiscale::compute(
            surname.text.as_str(),
            given_name.text.as_str(),
            sex,
            birth,
            place.cadastral(),
        )
        .ok()?;
        // The first has the base code, the next the seven forms that the tax registry gives one after the other.
        let code = if before == 0 {
            code
        } else {
            code.omocodes().nth(usize::from(before) - 1)?
        };
        self.holders.insert(key, before + 1);
        Some(Identity {
            surname: surname.text.clone(),
            given_name: given_name.text.clone(),
            sex,
            birth,
            place,
            code,
        })
    }
}

impl Identity {
    /// The generalities as the registry writes them.
    pub(super) fn generalities(&self) -> Generalities {
        Generalities {
            surname: Some(self.surname.clone()),
            given_name: Some(self.given_name.clone()),
            sex: self.sex,
            birth_date: PartialDate::known(self.birth).expect("birth years lie in this and the last century"),
            birth_place: self.place.written(self.birth),
        }
    }
}

/// A date as a day of a leap year, 0 to 365.
pub(super) fn leap_day(date: NaiveDate) -> u16 {
    let start = MONTH_STARTS
        .get(date.month0() as usize)
        .copied()
        .unwrap_or_default();
    start + u16::try_from(date.day0()).unwrap_or_default()
}

/// The date of a day of a leap year, where `year` has it.
fn date_of(year: i32, day: u16) -> Option<NaiveDate> {
    let month = MONTH_STARTS.partition_point(|start| *start <= day);
    let first = MONTH_STARTS.get(month.checked_sub(1)?)?;
    NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::from(day - first) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_two_forms_of_the_same() {
        for day in 0..366 {
            assert_eq!(leap_day(date_of(2024, day).unwrap()), day);
        }
        assert_eq!(date_of(2023, 59), None);
        assert_eq!(date_of(2023, 60), NaiveDate::from_ymd_opt(2023, 3, 1));
        assert_eq!(date_of(2023, 366), None);
    }
}
