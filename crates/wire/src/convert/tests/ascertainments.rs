//! Kinds of ascertainment on the wire.

use agreement::ascertainment::{Ascertainment, NamedBy};
use agreement::field::{Field, FieldSet};
use agreement::request::Asked;
use agreement::verification::{VerificationAnswer, VerificationReason};
use agreement::view::person::PersonView;
use prost_types::FieldMask;

use super::super::*;
use super::calls::{context, supposed};
use super::cards;
use crate::proto::agreement::v1 as admin;
use crate::proto::consultation::v1 as wire;

fn of_person(ascertainment: i32) -> wire::LookupPersonRequest {
    wire::LookupPersonRequest {
        context: Some(context()),
        key: Some(wire::lookup_person_request::Key::NationalId("AA00001AA".into())),
        read_mask: Some(FieldMask {
            paths: vec!["residence".into()],
        }),
        ascertainment,
        ..wire::LookupPersonRequest::default()
    }
}

fn of_household(ascertainment: i32) -> wire::LookupHouseholdRequest {
    wire::LookupHouseholdRequest {
        context: Some(context()),
        key: Some(wire::lookup_household_request::Key::NationalId(
            "AA00001AA".into(),
        )),
        ascertainment,
        ..wire::LookupHouseholdRequest::default()
    }
}

#[test]
fn each_kind_is_called_by_its_number_of_the_service_whose_question_it_is() {
    for kind in Ascertainment::ALL {
        let number = i32::from(wire::Ascertainment::from(kind));
        let person = PersonLookup::try_from(of_person(number));
        let household = HouseholdLookup::try_from(of_household(number));
        if kind == Ascertainment::FamilyStatus {
            assert_eq!(person.unwrap_err().field(), "ascertainment");
            let expect = Asked::Ascertainment {
                kind,
                named_by: NamedBy::Identifier,
                fields: FieldSet::EMPTY,
            };
            assert_eq!(household.unwrap().request.asked, expect);
        } else {
            assert_eq!(household.unwrap_err().field(), "ascertainment", "{kind}");
            let expect = Asked::Ascertainment {
                kind,
                named_by: NamedBy::Identifier,
                fields: FieldSet::of(&[Field::Residence]),
            };
            assert_eq!(person.unwrap().request.asked, expect, "{kind}");
        }
    }
    let unknown = PersonLookup::try_from(of_person(99)).unwrap_err();
    assert_eq!(unknown.field(), "ascertainment");
}

#[test]
fn the_way_in_which_a_person_is_named_goes_with_the_kind() {
    let named = wire::LookupPersonRequest {
        key: Some(wire::lookup_person_request::Key::Generalities(
            (&cards::example().generalities).into(),
        )),
        read_mask: None,
        ..of_person(wire::Ascertainment::NationalId.into())
    };
    let asked = PersonLookup::try_from(named).unwrap().request.asked;
    let expect = Asked::Ascertainment {
        kind: Ascertainment::NationalId,
        named_by: NamedBy::Generalities,
        fields: FieldSet::EMPTY,
    };
    assert_eq!(asked, expect);
    let found = wire::LookupPersonRequest {
        key: Some(wire::lookup_person_request::Key::Handle(vec![1; 52])),
        ..of_person(wire::Ascertainment::Residence.into())
    };
    let asked = PersonLookup::try_from(found).unwrap().request.asked;
    assert!(!asked.names_by_generalities() && asked.ascertainment() == Some(Ascertainment::Residence));
}

#[test]
fn a_supposed_ascertainment_is_read_as_the_call_itself_would_be() {
    let supposing = |service: &str, ascertainment: &str| {
        SupposedCall::try_from(admin::ExplainDecisionRequest {
            service: service.into(),
            ascertainment: ascertainment.into(),
            fields: Vec::new(),
            ..supposed()
        })
    };
    let asked = |service, kind| supposing(service, kind).map(|call| call.request.asked.ascertainment());
    assert_eq!(asked("lookup-person", "death"), Ok(Some(Ascertainment::Death)));
    assert_eq!(
        asked("lookup-household", "family-status"),
        Ok(Some(Ascertainment::FamilyStatus))
    );
    for (service, kind) in [
        ("lookup-household", "death"),
        ("lookup-person", "family-status"),
        ("verify-declaration", "death"),
        ("batch-lookup-persons", "death"),
        ("lookup-person", "C016"),
    ] {
        assert_eq!(
            supposing(service, kind).unwrap_err().field(),
            "ascertainment",
            "{service} {kind}"
        );
    }
}

#[test]
fn a_card_says_whether_it_is_of_the_kind_where_that_was_asked() {
    let day = chrono::NaiveDate::from_ymd_opt(2026, 3, 2).unwrap();
    let message = |of_kind| {
        let view = PersonView::of(&cards::example(), FieldSet::EMPTY, day, None);
        let mark = PersonMark {
            name: "persons/a".into(),
            currency: KeyCurrency::Current,
            trust: CardTrust::Latest,
        };
        let message = person_message(PersonView { of_kind, ..view }, mark, |_| String::new());
        (message.of_kind(), message.of_kind_reason())
    };
    assert_eq!(
        message(None),
        (
            wire::VerificationAnswer::Unspecified,
            wire::VerificationReason::Unspecified
        )
    );
    let before = VerificationAnswer::undetermined(VerificationReason::BeforeHistory);
    assert_eq!(
        message(Some(before)),
        (
            wire::VerificationAnswer::Undetermined,
            wire::VerificationReason::BeforeHistory
        )
    );
}
