//! Searches: read, or refused by the name of the field; and hits.

use agreement::field::{Field, FieldSet};
use agreement::request::Asked;
use registry::matching::{QueryRule, Reason};

use super::calls::context;
use super::*;
use crate::convert::search::PersonSearch;
use crate::proto::consultation::v1 as wire;

fn name(text: &str) -> Option<wire::PartialName> {
    Some(wire::PartialName {
        text: text.to_owned(),
        beginning: false,
    })
}

fn day(year: i32, month: i32, day: i32) -> Option<PartialDate> {
    Some(PartialDate { year, month, day })
}

fn search() -> wire::SearchPersonsRequest {
    wire::SearchPersonsRequest {
        context: Some(context()),
        surname: name("Rossi"),
        ..wire::SearchPersonsRequest::default()
    }
}

#[test]
fn a_search_asks_by_the_fields_of_which_a_part_is_given() {
    let all = wire::SearchPersonsRequest {
        given_name: Some(wire::PartialName {
            text: "Ma".to_owned(),
            beginning: true,
        }),
        tax_code: "rss".to_owned(),
        birth_date: day(1985, 12, 0),
        municipality: "037032".to_owned(),
        ..search()
    };
    let read = PersonSearch::try_from(all).unwrap();
    let criteria = FieldSet::of(&[Field::Surname, Field::GivenName, Field::TaxCode, Field::BirthDate]);
    assert_eq!(read.request.asked, Asked::Search { criteria });
    assert!(read.request.municipality.is_some() && read.query.municipality().is_none());
    let born = read.query.birth_date().unwrap();
    assert_eq!(
        [born.first(), born.last()].map(|day| day.to_string()),
        ["1985-12-01", "1985-12-31"]
    );
    let entered: Vec<(&str, &str)> = read
        .criteria
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let expected = [
        ("surname", "Rossi"),
        ("given_name", "Ma*"),
        ("tax_code", "rss"),
        ("birth_date", "1985-12-01 1985-12-31"),
        ("municipality", "037032"),
    ];
    assert_eq!(entered, expected);
    assert_eq!(format!("{read:?}"), "PersonSearch(..)");
    let span = wire::SearchPersonsRequest {
        born_from: day(1980, 1, 1),
        born_to: day(1989, 12, 31),
        ..search()
    };
    let read = PersonSearch::try_from(span).unwrap();
    let criteria = FieldSet::of(&[Field::Surname, Field::BirthDate]);
    assert_eq!(read.request.asked, Asked::Search { criteria });
}

#[track_caller]
fn refused(spoil: impl FnOnce(&mut wire::SearchPersonsRequest), field: &str, rule: impl Into<Rule>) {
    let mut message = search();
    spoil(&mut message);
    let refused = PersonSearch::try_from(message).unwrap_err();
    assert_eq!(refused, Invalid::new(field, rule));
}

#[test]
fn a_search_is_refused_by_the_name_of_the_field() {
    refused(|search| search.surname = None, "surname", QueryRule::NoKey);
    refused(
        |search| search.surname = name("R"),
        "surname",
        QueryRule::TooFewLetters,
    );
    refused(
        |search| search.surname = name("*ossi"),
        "surname",
        QueryRule::WildcardTooEarly,
    );
    refused(
        |search| search.surname = name("Rossi1"),
        "surname",
        QueryRule::NameCharacter,
    );
    refused(
        |search| search.given_name = name(""),
        "given_name",
        QueryRule::TooFewLetters,
    );
    refused(
        |search| search.tax_code = "RS".into(),
        "tax_code",
        QueryRule::TooFewCharacters,
    );
    refused(
        |search| search.born_from = day(1980, 1, 1),
        "born_to",
        Rule::Missing,
    );
    refused(
        |search| search.born_to = day(1980, 1, 1),
        "born_from",
        Rule::Missing,
    );
    refused(
        |search| (search.born_from, search.born_to) = (day(1980, 1, 1), day(1990, 1, 1)),
        "born_to",
        QueryRule::RangeTooLong,
    );
    refused(
        |search| (search.born_from, search.born_to) = (day(1980, 1, 0), day(1981, 1, 1)),
        "born_from",
        Rule::NotToTheDay,
    );
    let both = Rule::Contradicts("born_from and born_to");
    refused(
        |search| {
            search.birth_date = day(1980, 1, 1);
            search.born_from = day(1980, 1, 1);
        },
        "birth_date",
        both,
    );
    refused(|search| search.context = None, "context", Rule::Missing);
    refused(
        |search| search.municipality = "999999".into(),
        "municipality",
        Rule::UnknownMunicipality,
    );
}

#[test]
fn every_reason_survives_the_wire() {
    let kinds: Vec<Reason> = (0..100).filter_map(match_reason).collect();
    assert_eq!(kinds.len(), 15);
    for reason in kinds {
        assert_eq!(match_reason(wire::MatchKind::from(reason).into()), Some(reason));
    }
    assert_eq!(match_reason(0), None);
}

#[test]
fn a_lookup_by_handle_says_so() {
    let message = wire::LookupPersonRequest {
        context: Some(context()),
        key: Some(wire::lookup_person_request::Key::Handle(vec![1, 2])),
        ..wire::LookupPersonRequest::default()
    };
    assert_eq!(
        PersonLookup::try_from(message).unwrap().key,
        LookupKey::Found(vec![1, 2])
    );
}
