//! Birth places as a codice fiscale names them.

use std::sync::LazyLock;

use chrono::NaiveDate;

use super::layout;
use crate::date::PartialDate;
use crate::identifier::{CadastralCode, IstatCode};
use crate::municipality::{self, Municipality};
use crate::record::BirthPlace;
use crate::state;
use crate::validity::Standing;

/// One bit for each of the 26 000 possible codes: set where the code was given to a municipality or state.
static ASSIGNED: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let municipalities = municipality::all().iter().filter_map(Municipality::cadastral);
    let states = state::all().iter().filter_map(state::State::cadastral);
    let mut bits = vec![0; 26_000_usize.div_ceil(64)];
    for code in municipalities.chain(states) {
        if let Some((word, bit)) =
            position(layout::place_characters(code)).and_then(|at| Some((bits.get_mut(at / 64)?, at % 64)))
        {
            *word |= 1 << bit;
        }
    }
    bits
});

/// Whether a code was ever given to a municipality or state.
pub fn is_assigned(code: CadastralCode) -> bool {
    characters_assigned(layout::place_characters(code))
}

/// The same for the characters of a code.
pub(super) fn characters_assigned(code: [u8; 4]) -> bool {
    let Some(at) = position(code) else { return false };
    ASSIGNED
        .get(at / 64)
        .is_some_and(|word| word >> (at % 64) & 1 == 1)
}

/// The cadastral code that belongs to a birth place, as the registry writes it.
///
/// A municipality is found by the ISTAT code in force on the birth date; if no municipality had it then (the back
/// office gives today's code, or the table has no period so early), by the code if only one municipality ever had
/// it, else by name and province. `None` for exceptional places, states without a cadastral code, and
/// whatever the tables do not know: nothing can then be compared.
pub fn birth_place_code(place: &BirthPlace, birth_date: PartialDate) -> Option<CadastralCode> {
    let day = birth_date.earliest();
    match place {
        BirthPlace::Municipality {
            istat,
            name,
            province,
        } => {
            let by_code = istat.and_then(|istat| of_istat(istat, day));
            by_code.or_else(|| municipality::by_name_at(name, province, day).ok()?.cadastral())
        }
        BirthPlace::Abroad { state, locality: _ } => state::by_code(*state)?.cadastral(),
        BirthPlace::Exceptional(_) => None,
    }
}

/// How `day` lies to the existence of a place.
pub(super) fn standing_on(code: CadastralCode, day: NaiveDate) -> Option<Standing> {
    municipality::placed_at(code, day)
        .map(|placed| placed.standing)
        .or_else(|| state::by_cadastral(code).map(|state| state.standing_on(day)))
}

fn of_istat(istat: IstatCode, day: NaiveDate) -> Option<CadastralCode> {
    if let Some(municipality) = municipality::by_istat_at(istat, day) {
        return municipality.cadastral();
    }
    let mut holders = municipality::periods_of_istat(istat).map(Municipality::cadastral);
    let first = holders.next()?;
    if holders.all(|holder| holder == first) {
        first
    } else {
        None
    }
}

fn position([letter, digits @ ..]: [u8; 4]) -> Option<usize> {
    if !letter.is_ascii_uppercase() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits
        .iter()
        .fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
    Some(usize::from(letter - b'A') * 1000 + number)
}
