//! Synthetic people of one municipality: each number gives one card, always the same.

use chrono::{Days, NaiveDate};
use registry::change::{Change, ChangeBody};
use registry::code::{
    AddressKind, AprRegistrationReason, CivilStatus, HouseholdRole, Kinship, RegistrationReason,
    ToponymSpecies,
};
use registry::codice_fiscale::{CodiceFiscale, TaxCode};
use registry::date::PartialDate;
use registry::identifier::{CadastralCode, HouseholdId, IstatCode, LocalId, StateCode};
use registry::measure::Measures;
use registry::record::{
    Address, BirthPlace, Flags, Generalities, HouseholdLink, PersonName, Place, Record, Register,
    Registration, Residence, ResidenceStanding, Sex, TaxCodeEntry,
};
use registry::timeline::{Dated, Timeline};

/// Imola.
pub const MUNICIPALITY: &str = "037032";

const CONSONANTS: [char; 20] = [
    'B', 'C', 'D', 'F', 'G', 'H', 'J', 'K', 'L', 'M', 'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Z',
];
const GIVEN_NAMES: [&str; 8] = [
    "Mario", "Luca", "Paolo", "Ugo", "Dario", "Fabio", "Sergio", "Remo",
];
const STREETS: [&str; 6] = [
    "Appia",
    "Emilia",
    "Aldrovandi",
    "Cavour",
    "Garibaldi",
    "del Santo",
];

/// Surnames times birth dates: up to here every codice fiscale is another.
const BIRTHS: u64 = 25_000;

/// The codice fiscale of a number.
///
/// # Panics
/// Never: the generalities of every number make one.
pub fn tax_code(number: u64) -> TaxCode {
    let place = CadastralCode::parse("A944").expect("Bologna has a cadastral code");
    CodiceFiscale::compute(
        &surname(number),
        given_name(number),
        Sex::Male,
        birth(number),
        place,
    )
    .expect("the generalities make a codice fiscale")
    .into()
}

/// The card of a number: a resident with two dwellings and a household of two.
///
/// # Panics
/// Never: the values of every number make a card.
pub fn card(number: u64) -> Record {
    card_in(istat(), number)
}

/// The card of a number in any municipality.
///
/// # Panics
/// Never: the values of every number make a card.
pub fn card_in(municipality: IstatCode, number: u64) -> Record {
    let name = |text: &str| Some(PersonName::parse(text).expect("letters make a name"));
    let dwelling = |from: &str, street: usize, door: u64| Dated {
        from: Some(day(from)),
        value: Residence {
            kind: AddressKind::Residence,
            place: Place::Italian(Address {
                municipality,
                postcode: "40026".to_owned(),
                hamlet: String::new(),
                species: ToponymSpecies::VIA,
                street: STREETS[street % STREETS.len()].to_owned(),
                street_code: String::new(),
                number: u32::try_from(1 + door % 200).ok(),
                suffix: String::new(),
                staircase: String::new(),
                unit: String::new(),
            }),
            standing: ResidenceStanding::Definitive,
        },
    };
    let kinship = if number.is_multiple_of(2) {
        Kinship::ReferencePerson
    } else {
        Kinship::Spouse
    };
    let household = HouseholdLink {
        household: HouseholdId::parse(&format!("F{}", number / 2)).expect("a household's number"),
        role: HouseholdRole::Family(kinship),
    };
    let street = usize::try_from(number % 6).unwrap_or_default();
    Record {
        municipality,
        local_id: local_id(number),
        register: Register::Apr,
        generalities: Generalities {
            surname: name(&surname(number)),
            given_name: name(given_name(number)),
            sex: Sex::Male,
            birth_date: PartialDate::parse(&birth(number).to_string()).expect("a date"),
            birth_place: BirthPlace::Municipality {
                istat: IstatCode::parse("037006").ok(),
                name: "BOLOGNA".to_owned(),
                province: "BO".to_owned(),
            },
        },
        tax_codes: vec![TaxCodeEntry {
            code: tax_code(number),
            validated: true,
            from: None,
        }],
        national_id: None,
        civil_status: Timeline::starting(None, CivilStatus::Single),
        citizenships: Timeline::starting(None, vec![StateCode::parse("100").expect("Italy has a code")]),
        parents: Vec::new(),
        residences: Timeline::from_facts([
            dwelling("2015-06-01", street, number),
            dwelling("2021-03-15", street + 1, number + 7),
        ]),
        households: Timeline::starting(Some(day("2015-06-01")), household),
        identity_document: None,
        registration: Registration {
            reason: RegistrationReason::Apr(AprRegistrationReason::Birth),
            effective: Some(day("2015-06-01")),
            origin: None,
        },
        cancellation: None,
        death: None,
        flags: Flags::default(),
        measures: Measures::default(),
    }
}

/// The change with which a node publishes the card of a number for the first time; sequences start at 1.
pub fn change(number: u64) -> Change {
    Change {
        sequence: number + 1,
        local_id: local_id(number),
        body: ChangeBody::Upsert(Box::new(card(number))),
        events: Vec::new(),
    }
}

/// The municipality's ISTAT code.
///
/// # Panics
/// Never: the code is well formed.
pub fn istat() -> IstatCode {
    IstatCode::parse(MUNICIPALITY).expect("Imola has an ISTAT code")
}

fn local_id(number: u64) -> LocalId {
    LocalId::parse(&format!("C{number}")).expect("a card's number")
}

fn surname(number: u64) -> String {
    let letter = |divisor: u64| CONSONANTS[usize::try_from(number / divisor % 20).unwrap_or_default()];
    format!(
        "{}a{}e{}i",
        letter(1),
        letter(20).to_ascii_lowercase(),
        letter(400).to_ascii_lowercase()
    )
}

fn given_name(number: u64) -> &'static str {
    GIVEN_NAMES[usize::try_from(number / 200_000 % 8).unwrap_or_default()]
}

fn birth(number: u64) -> NaiveDate {
    day("1940-01-01") + Days::new(number * 37 % BIRTHS)
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn two_numbers_never_share_a_codice_fiscale() {
        let codes: BTreeSet<String> = (0..30_000)
            .map(|number| tax_code(number).as_str().to_owned())
            .collect();
        assert_eq!(codes.len(), 30_000);
    }
}
