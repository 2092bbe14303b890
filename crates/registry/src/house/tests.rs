//! Which spellings are the same house, and which residences are houses.

use super::*;
use crate::record::{Address, ForeignAddress, Residence};
use crate::testing::{BOLOGNA, IMOLA, day, full_record, istat};
use crate::timeline::{Dated, Timeline};

fn imola() -> MunicipalityId {
    MunicipalityId::of_any(istat(IMOLA)).unwrap()
}

#[test]
fn spellings_of_a_street_are_one_house_and_another_number_is_another() {
    let house = HouseKey::new(imola(), "D'Azeglio", Some(7));
    for spelling in ["D’AZEGLIO", "d azeglio", "DAZEGLIO"] {
        assert_eq!(HouseKey::new(imola(), spelling, Some(7)), house, "{spelling}");
    }
    let bologna = MunicipalityId::of_any(istat(BOLOGNA)).unwrap();
    for other in [
        HouseKey::new(imola(), "D'Azeglio", Some(8)),
        HouseKey::new(imola(), "D'Azeglio", None),
        HouseKey::new(imola(), "Azeglio", Some(7)),
        HouseKey::new(bologna, "D'Azeglio", Some(7)),
    ] {
        assert_ne!(other, house);
    }
    assert_eq!(format!("{house:?}"), "HouseKey(..)");
}

#[test]
fn a_card_names_each_house_of_its_history_once_and_no_notional_or_foreign_one() {
    let mut card = full_record();
    let italian = card
        .residences
        .facts()
        .iter()
        .find_map(|fact| match &fact.value.place {
            Place::Italian(address) => Some((fact.value.clone(), address.clone())),
            Place::Foreign(_) | Place::Notional { .. } => None,
        });
    let (residence, address) = italian.unwrap();
    let at = |place: Place| Residence {
        place,
        ..residence.clone()
    };
    let numbered = |number| {
        at(Place::Italian(Address {
            number,
            ..address.clone()
        }))
    };
    let notional = at(Place::Notional {
        municipality: istat(IMOLA),
    });
    let foreign = at(Place::Foreign(ForeignAddress {
        state: crate::testing::state("215"),
        locality: "PARIS".to_owned(),
        line: "Rue de Rivoli 1".to_owned(),
    }));
    let mut residences = Timeline::starting(Some(day("2001-01-01")), numbered(Some(1)));
    for (year, value) in (2002..).zip([
        notional,
        numbered(Some(2)),
        foreign,
        numbered(Some(1)),
        numbered(None),
    ]) {
        let from = Some(day(&format!("{year}-01-01")));
        residences.record(Dated { from, value });
    }
    card.residences = residences;
    card.register = Register::Apr;
    let own = MunicipalityId::of_any(card.municipality).unwrap();
    let house = |number| HouseKey::new(own, &address.street, number);
    assert_eq!(
        HouseKey::of_card(&card),
        [house(Some(1)), house(Some(2)), house(None)]
    );
    card.register = Register::Aire;
    assert!(HouseKey::of_card(&card).is_empty());
}
