//! Cards of citizens abroad (AIRE).

use chrono::NaiveDate;

use registry::code::{AddressKind, AireRegistrationReason, RegistrationReason};
use registry::record::{ForeignAddress, Place, Record, Register, Registration, Residence, ResidenceStanding};
use registry::timeline::Timeline;

use super::calendar::{after_years, late_day_between};
use super::family::Named;
use super::places::{Birthplace, code_of, state_of};
use super::random::Stream;

/// Citizens abroad over residents (5.8 % in 2026).
pub(super) const SHARE: f64 = 0.058;
/// Share of citizens abroad without a codice fiscale.
const WITHOUT_CODE: f64 = 0.15;

/// Towns and streets of the states to which Italians emigrated.
const TOWNS: [(&str, &[&str], &[&str]); 9] = [
    (
        "ARG",
        &["BUENOS AIRES", "ROSARIO", "CORDOBA", "LA PLATA"],
        &["CALLE SAN MARTIN", "AVENIDA BELGRANO"],
    ),
    (
        "DEU",
        &["STUTTGART", "MUENCHEN", "KOELN", "BERLIN"],
        &["HAUPTSTRASSE", "BAHNHOFSTRASSE"],
    ),
    (
        "CHE",
        &["ZURIGO", "GINEVRA", "LUGANO", "BASILEA"],
        &["BAHNHOFSTRASSE", "VIA NASSA"],
    ),
    (
        "BRA",
        &["SAO PAULO", "CURITIBA", "PORTO ALEGRE"],
        &["RUA SETE DE SETEMBRO", "RUA QUINZE DE NOVEMBRO"],
    ),
    (
        "FRA",
        &["PARIGI", "LIONE", "NIZZA", "MARSIGLIA"],
        &["RUE DE LA REPUBLIQUE", "RUE VICTOR HUGO"],
    ),
    (
        "GBR",
        &["LONDRA", "MANCHESTER", "BEDFORD", "CARDIFF"],
        &["HIGH STREET", "STATION ROAD"],
    ),
    (
        "USA",
        &["NEW YORK", "CHICAGO", "BOSTON"],
        &["MAIN STREET", "OAK AVENUE"],
    ),
    (
        "BEL",
        &["BRUXELLES", "LIEGI", "CHARLEROI"],
        &["RUE DE LA STATION", "RUE HAUTE"],
    ),
    (
        "VEN",
        &["CARACAS", "VALENCIA"],
        &["AVENIDA BOLIVAR", "CALLE MIRANDA"],
    ),
];

/// Turns the cards of a household into those of citizens who live in a state.
pub(super) fn expatriate(
    stream: &mut Stream,
    state: &str,
    named: &[Named],
    cards: &mut [Record],
    last: NaiveDate,
) {
    let (_, towns, streets) = TOWNS.iter().find(|(of, ..)| *of == state).unwrap_or(&TOWNS[0]);
    let address = ForeignAddress {
        state: code_of(state_of(state)),
        locality: stream.pick(towns).copied().unwrap_or("BUENOS AIRES").to_owned(),
        line: format!(
            "{} {}",
            stream.pick(streets).copied().unwrap_or_default(),
            stream.between(1, 240)
        ),
    };
    let left = named.first().map_or(last, |head| {
        let first = after_years(head.identity.birth, 20).min(last);
        late_day_between(stream, first, last)
    });
    for (person, card) in named.iter().zip(cards) {
        let birth = person.identity.birth;
        let born_abroad = matches!(person.identity.place, Birthplace::Abroad(..));
        let reason = if born_abroad {
            AireRegistrationReason::Birth
        } else {
            AireRegistrationReason::ExpatriationOrResidence
        };
        let since = if born_abroad { birth } else { left.max(birth) };
        card.register = Register::Aire;
        card.registration = Registration {
            reason: RegistrationReason::Aire(reason),
            effective: Some(since),
            origin: None,
        };
        card.residences = Timeline::starting(
            Some(left.max(birth)),
            Residence {
                kind: AddressKind::ForeignResidence,
                place: Place::Foreign(address.clone()),
                standing: ResidenceStanding::Definitive,
            },
        );
        card.identity_document = None;
        if stream.chance(WITHOUT_CODE) {
            card.tax_codes.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::descent::state_of_emigrants;

    #[test]
    fn every_state_of_emigrants_has_towns() {
        let mut stream = Stream::new(&[1]);
        for _ in 0..500 {
            let state = state_of_emigrants(&mut stream);
            assert!(TOWNS.iter().any(|(of, ..)| *of == state), "{state}");
        }
    }
}
