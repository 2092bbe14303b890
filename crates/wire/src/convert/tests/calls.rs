//! Calls of agencies, and what they are answered.

use std::collections::BTreeMap;
use std::time::Duration;

use agreement::context::{AccessContext, Assurance, Urgency};
use agreement::field::{Field, FieldSet};
use agreement::request::Asked;
use agreement::service::VerificationKind;
use agreement::view::household::{HouseholdView, VisibleCard};
use agreement::view::person::PersonView;
use chrono::NaiveDate;
use prost_types::FieldMask;
use registry::code::{HouseholdRole, Kinship};
use registry::codice_fiscale::TaxCode;
use registry::identifier::{HouseholdId, IstatCode, NationalId};
use registry::record::{BirthPlace, HouseholdLink};
use registry::timeline::Timeline;

use super::super::*;
use super::cards;
use crate::proto::agreement::v1 as admin;
use crate::proto::consultation::v1 as wire;
use crate::proto::registry::v1 as card;
use crate::proto::r#type::v1::PartialDate;

pub(super) const TAX_CODE: &str = "RSSMRA80A01H501U";

pub(super) fn context() -> wire::AccessContext {
    wire::AccessContext {
        agreement: "questura".into(),
        purpose: "identification".into(),
        operator: "m.bianchi".into(),
        assurance: wire::Assurance::Substantial.into(),
        workstation: "PC-12".into(),
        case_reference: "2026/001234".into(),
        consent_reference: "CONS/2026-118 2026-03-01".into(),
        reference_date: Some(PartialDate {
            year: 2026,
            month: 3,
            day: 1,
        }),
        known_on: Some(timestamp_from_ms(1_772_445_600_123)),
        request_id: "01890a5d-ac96-774b-bcce-b302099a8057".into(),
        statement_version: "1.2".into(),
        urgency: wire::Urgency::Ordinary.into(),
        min_fresh_since: Some(Timestamp {
            seconds: 1_772_000_000,
            nanos: 5_000_000,
        }),
    }
}

fn lookup() -> wire::LookupPersonRequest {
    wire::LookupPersonRequest {
        context: Some(context()),
        municipality: "037032".into(),
        read_mask: Some(FieldMask {
            paths: vec!["surname".into(), "residence".into()],
        }),
        receipt_form: 2,
        ascertainment: wire::Ascertainment::Unspecified.into(),
        key: Some(wire::lookup_person_request::Key::TaxCode(TAX_CODE.into())),
    }
}

#[test]
fn a_context_survives_the_wire() {
    let read = AccessContext::try_from(context()).unwrap();
    assert_eq!(
        (read.assurance, read.urgency),
        (Some(Assurance::Substantial), Urgency::Ordinary)
    );
    assert_eq!(wire::AccessContext::from(&read), context());
    let sparse = wire::AccessContext {
        agreement: "questura".into(),
        purpose: "identification".into(),
        request_id: context().request_id,
        urgency: wire::Urgency::Emergency.into(),
        ..wire::AccessContext::default()
    };
    assert_eq!(
        wire::AccessContext::from(&AccessContext::try_from(sparse.clone()).unwrap()),
        sparse
    );
}

#[track_caller]
fn refused(spoil: impl FnOnce(&mut wire::LookupPersonRequest), field: &str) {
    let mut message = lookup();
    spoil(&mut message);
    let invalid = PersonLookup::try_from(message).unwrap_err();
    assert_eq!(invalid.field(), field, "{invalid}");
    assert!(!invalid.to_string().contains("bianchi"));
}

#[test]
fn a_lookup_is_refused_by_the_name_of_the_field() {
    refused(|call| call.context = None, "context");
    refused(
        |call| call.context.as_mut().unwrap().agreement = "Questura".into(),
        "context.agreement",
    );
    refused(
        |call| call.context.as_mut().unwrap().operator = "m bianchi".into(),
        "context.operator",
    );
    refused(
        |call| call.context.as_mut().unwrap().assurance = 7,
        "context.assurance",
    );
    refused(
        |call| call.context.as_mut().unwrap().urgency = 7,
        "context.urgency",
    );
    refused(
        |call| call.context.as_mut().unwrap().case_reference = TAX_CODE.into(),
        "context.case_reference",
    );
    refused(
        |call| call.context.as_mut().unwrap().consent_reference = "CONS/1".into(),
        "context.consent_reference",
    );
    refused(
        |call| call.context.as_mut().unwrap().request_id = "x".into(),
        "context.request_id",
    );
    refused(
        |call| call.context.as_mut().unwrap().request_id = uuid::Uuid::nil().to_string(),
        "context.request_id",
    );
    refused(
        |call| {
            call.context.as_mut().unwrap().reference_date = Some(PartialDate {
                year: 2026,
                month: 3,
                day: 0,
            })
        },
        "context.reference_date",
    );
    refused(|call| call.municipality = "999999".into(), "municipality");
    refused(
        |call| {
            call.read_mask = Some(FieldMask {
                paths: vec!["surname.x".into()],
            })
        },
        "read_mask",
    );
    refused(|call| call.receipt_form = 3, "receipt_form");
    refused(|call| call.key = None, "key");
    refused(
        |call| call.key = Some(wire::lookup_person_request::Key::TaxCode("X".into())),
        "tax_code",
    );
    refused(
        |call| call.key = Some(wire::lookup_person_request::Key::NationalId("X".into())),
        "national_id",
    );
}

#[test]
fn a_lookup_says_what_is_asked_of_whom() {
    let PersonLookup {
        request,
        key,
        receipt,
    } = PersonLookup::try_from(lookup()).unwrap();
    let fields = FieldSet::of(&[Field::Surname, Field::Residence]);
    assert_eq!(request.asked, Asked::Person { fields });
    assert_eq!(
        request.municipality.map(|id| id.to_string()),
        Some("E289".to_owned())
    );
    assert_eq!(receipt, ReceiptChoice::Short);
    assert!(matches!(key, LookupKey::Identifier(PersonKey::TaxCode(code)) if code.as_str() == TAX_CODE));
    let everything = PersonLookup::try_from(wire::LookupPersonRequest {
        read_mask: None,
        ..lookup()
    })
    .unwrap();
    assert_eq!(
        everything.request.asked,
        Asked::Person {
            fields: FieldSet::EMPTY
        }
    );
}

#[test]
fn a_household_is_asked_by_all_keys_of_a_person() {
    use wire::lookup_household_request::Key;
    let asked = |key| {
        HouseholdLookup::try_from(wire::LookupHouseholdRequest {
            context: Some(context()),
            municipality: String::new(),
            read_mask: None,
            receipt_form: 0,
            ascertainment: wire::Ascertainment::Unspecified.into(),
            key,
        })
        .map(|lookup| (lookup.request.asked, lookup.key))
    };
    let fields = FieldSet::EMPTY;
    let plain = Asked::Household { fields };
    let (of_code, key) = asked(Some(Key::TaxCode(TAX_CODE.into()))).unwrap();
    assert_eq!(of_code, plain);
    assert!(matches!(key, LookupKey::Identifier(PersonKey::TaxCode(_))));
    let found = asked(Some(Key::Handle(vec![7]))).unwrap();
    assert_eq!(found, (plain, LookupKey::Found(vec![7])));
    let generalities = card::Generalities {
        surname: "Bianchi".into(),
        given_name: "Anna".into(),
        sex: card::Sex::Female.into(),
        birth_date: Some(NaiveDate::from_ymd_opt(1990, 4, 2).unwrap().into()),
        birth_place: Some((&BirthPlace::Exceptional("ON BOARD".into())).into()),
    };
    let (named, key) = asked(Some(Key::Generalities(generalities.clone()))).unwrap();
    assert_eq!(named, Asked::HouseholdNamed { fields });
    assert!(matches!(key, LookupKey::Generalities(_)));
    let incomplete = card::Generalities {
        given_name: String::new(),
        ..generalities
    };
    let refused = asked(Some(Key::Generalities(incomplete))).unwrap_err();
    assert_eq!(refused.field(), "generalities");
    assert_eq!(asked(None).unwrap_err().field(), "key");
}

#[test]
fn an_inquiry_may_name_whom_declarations_would_be_about() {
    use wire::describe_access_request::Key;
    let about = |key| {
        AccessInquiry::try_from(wire::DescribeAccessRequest {
            context: Some(context()),
            key,
            receipt_form: 0,
        })
        .map(|inquiry| inquiry.about)
    };
    assert_eq!(about(None), Ok(None));
    let code = TaxCode::parse(TAX_CODE).unwrap();
    assert_eq!(
        about(Some(Key::TaxCode(TAX_CODE.into()))),
        Ok(Some(PersonKey::TaxCode(code)))
    );
    let id = NationalId::parse("AA00001AA").unwrap();
    assert_eq!(
        about(Some(Key::NationalId("AA00001AA".into()))),
        Ok(Some(PersonKey::NationalId(id)))
    );
    for wrong in [Key::TaxCode("RSSMRA".into()), Key::NationalId("1".into())] {
        assert!(about(Some(wrong)).is_err());
    }
}

pub(super) fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, 1).unwrap()
}

fn mark(handle: &str) -> PersonMark {
    PersonMark {
        name: format!("persons/{handle}"),
        currency: KeyCurrency::Superseded,
        trust: CardTrust::Latest,
    }
}

fn card_with_household() -> registry::record::Record {
    let link = HouseholdLink {
        household: HouseholdId::parse("F-1").unwrap(),
        role: HouseholdRole::Family(Kinship::ReferencePerson),
    };
    registry::record::Record {
        households: Timeline::starting(None, link),
        ..cards::example()
    }
}

#[test]
fn a_person_shows_the_fields_of_the_view_and_no_local_number() {
    let view = |fields| PersonView::of(&card_with_household(), fields, day(), None);
    let all = person_message(view(FieldSet::ALL), mark("a"), |_| "households/h".into());
    assert_eq!(
        (all.name.as_str(), all.superseded, all.surname.as_str()),
        ("persons/a", true, "Rossi")
    );
    assert_eq!(all.fields.len(), 19);
    assert_eq!(all.household.as_ref().unwrap().household, "households/h");
    let Some(card::place::Place::Italian(address)) = all.residence.unwrap().place.unwrap().place else {
        panic!("the example lives in Italy");
    };
    assert_eq!(address.street, "Appia");
    let name_only = person_message(view(FieldSet::of(&[Field::Surname])), mark("a"), |_| {
        "households/h".into()
    });
    let expect = wire::Person {
        name: "persons/a".into(),
        superseded: true,
        fields: vec!["surname".into()],
        surname: "Rossi".into(),
        ..wire::Person::default()
    };
    assert!(name_only == expect);
}

#[test]
fn a_household_bears_handles_in_place_of_numbers() {
    let record = card_with_household();
    let visible = [VisibleCard {
        record: &record,
        visible: FieldSet::of(&[Field::Surname, Field::Household]),
    }];
    let view = HouseholdView::of(&HouseholdId::parse("F-1").unwrap(), &visible, day(), None).unwrap();
    let household = household_message(view, "households/h", |card| mark(&card.to_string()));
    assert_eq!(
        (household.name.as_str(), household.kind()),
        ("households/h", wire::HouseholdKind::Family)
    );
    let person = household.members[0].person.as_ref().unwrap();
    assert_eq!(
        (person.name.as_str(), person.surname.as_str()),
        ("persons/0", "Rossi")
    );
    assert_eq!(person.household.as_ref().unwrap().household, "households/h");
}

#[test]
fn ages_are_rounded_up_to_the_minute() {
    let cases = [
        (0, 0, 1),
        (1, 0, 1),
        (60, 0, 1),
        (60, 1, 2),
        (61, 0, 2),
        (3600, 0, 60),
    ];
    for (seconds, nanos, minutes) in cases {
        assert_eq!(
            age_in_minutes(Duration::new(seconds, nanos)),
            minutes,
            "{seconds}.{nanos}"
        );
    }
    let ages = BTreeMap::from([(IstatCode::parse("037032").unwrap(), Duration::from_secs(90))]);
    let Some(wire::freshness::Freshness::Municipalities(shown)) =
        wire::Freshness::from(DataAge::Of(ages)).freshness
    else {
        panic!("ages of municipalities were given");
    };
    assert_eq!(shown.ages[0].municipality, "037032");
    assert_eq!(
        shown.ages[0].age,
        Some(prost_types::Duration {
            seconds: 120,
            nanos: 0
        })
    );
}

pub(super) fn supposed() -> admin::ExplainDecisionRequest {
    admin::ExplainDecisionRequest {
        peer: "spiffe://ponte.example/agency/questura".into(),
        address: "192.0.2.7".into(),
        certificate: vec![1; 32],
        context: Some(context()),
        service: "lookup-person".into(),
        fields: vec!["surname".into()],
        ..admin::ExplainDecisionRequest::default()
    }
}

#[test]
fn a_supposed_call_is_read_as_the_call_itself_would_be() {
    let call = SupposedCall::try_from(supposed()).unwrap();
    assert_eq!(
        call.request.asked,
        Asked::Person {
            fields: FieldSet::of(&[Field::Surname])
        }
    );
    assert!(
        call.peer.is_some() && call.address.is_some() && call.certificate.is_some() && call.time.is_none()
    );
    let verify = admin::ExplainDecisionRequest {
        service: "verify-declaration".into(),
        verification: "residence".into(),
        fields: Vec::new(),
        ..supposed()
    };
    let asked = SupposedCall::try_from(verify.clone()).unwrap().request.asked;
    assert_eq!(asked, Asked::Verification(VerificationKind::Residence));
    let refused = |message: admin::ExplainDecisionRequest, field: &str| {
        assert_eq!(SupposedCall::try_from(message).unwrap_err().field(), field);
    };
    refused(
        admin::ExplainDecisionRequest {
            verification: String::new(),
            ..verify.clone()
        },
        "verification",
    );
    refused(
        admin::ExplainDecisionRequest {
            fields: vec!["surname".into()],
            ..verify
        },
        "fields",
    );
    refused(
        admin::ExplainDecisionRequest {
            verification: "residence".into(),
            ..supposed()
        },
        "verification",
    );
    refused(
        admin::ExplainDecisionRequest {
            service: "search".into(),
            ..supposed()
        },
        "service",
    );
    refused(
        admin::ExplainDecisionRequest {
            peer: "questura".into(),
            ..supposed()
        },
        "peer",
    );
    refused(
        admin::ExplainDecisionRequest {
            address: "localhost".into(),
            ..supposed()
        },
        "address",
    );
    refused(
        admin::ExplainDecisionRequest {
            certificate: vec![1; 31],
            ..supposed()
        },
        "certificate",
    );
}
