//! Questions about an address: read, or refused by the name of the field.

use agreement::field::{Field, FieldSet};
use agreement::request::Asked;
use prost_types::FieldMask;
use registry::code::ToponymSpecies;

use super::calls::context;
use super::*;
use crate::proto::consultation::v1 as wire;

fn address() -> wire::AddressClaim {
    wire::AddressClaim {
        street: "Emilia".to_owned(),
        number: Some(10),
        ..wire::AddressClaim::default()
    }
}

fn question() -> wire::LookupAddressResidentsRequest {
    wire::LookupAddressResidentsRequest {
        context: Some(context()),
        address: Some(address()),
        municipality: "037032".to_owned(),
        read_mask: None,
        receipt_form: 0,
    }
}

#[track_caller]
fn refused(change: impl FnOnce(&mut wire::LookupAddressResidentsRequest), field: &str) {
    let mut question = question();
    change(&mut question);
    let invalid = ResidentsLookup::try_from(question).unwrap_err();
    assert_eq!(invalid.field(), field, "{invalid}");
    assert!(!invalid.to_string().contains("Emilia"));
}

#[test]
fn a_question_about_an_address_names_municipality_street_and_number() {
    let whole = wire::LookupAddressResidentsRequest {
        address: Some(wire::AddressClaim {
            species: "213".to_owned(),
            suffix: "A".to_owned(),
            unit: "4".to_owned(),
            ..address()
        }),
        read_mask: Some(FieldMask {
            paths: vec!["surname".to_owned()],
        }),
        ..question()
    };
    let read = ResidentsLookup::try_from(whole).unwrap();
    let fields = FieldSet::of(&[Field::Surname]);
    assert_eq!(read.request.asked, Asked::Residents { fields });
    assert_eq!(read.request.municipality, Some(read.address.municipality));
    assert_eq!(read.address.address.species, Some(ToponymSpecies::VIA));
    let entered: Vec<(&str, &str)> = read
        .criteria
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let expected = [
        ("municipality", "037032"),
        ("species", "213"),
        ("street", "Emilia"),
        ("number", "10"),
        ("suffix", "A"),
        ("unit", "4"),
    ];
    assert_eq!(entered, expected);
    let snc = wire::LookupAddressResidentsRequest {
        address: Some(wire::AddressClaim {
            number: None,
            without_number: true,
            ..address()
        }),
        ..question()
    };
    let read = ResidentsLookup::try_from(snc).unwrap();
    assert_eq!(read.address.address.number, None);
    assert!(read.criteria.contains(&("number".to_owned(), "none".to_owned())));
}

#[test]
fn what_is_missing_of_an_address_is_named() {
    refused(|question| question.context = None, "context");
    refused(|question| question.municipality.clear(), "municipality");
    refused(
        |question| question.municipality = "999999".to_owned(),
        "municipality",
    );
    refused(|question| question.address = None, "address");
    let of = |change: fn(&mut wire::AddressClaim)| {
        move |question: &mut wire::LookupAddressResidentsRequest| {
            change(question.address.as_mut().unwrap());
        }
    };
    refused(of(|address| address.street.clear()), "address.street");
    refused(of(|address| address.street = "--".to_owned()), "address.street");
    refused(of(|address| address.number = None), "address.number");
    refused(of(|address| address.without_number = true), "address.number");
    refused(of(|address| address.species = "V".to_owned()), "address.species");
    refused(
        of(|address| address.unit = "12345678901".to_owned()),
        "address.unit",
    );
    refused(
        |question| {
            question.read_mask = Some(FieldMask {
                paths: vec!["everything".to_owned()],
            });
        },
        "read_mask",
    );
}
