//! Calls of agencies, and what they are answered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use agreement::claim::{Claim, ClaimError};
use agreement::context::{AccessContext, Assurance, Urgency};
use agreement::field::{Field, FieldSet};
use agreement::request::{Asked, DeclaredPerson};
use agreement::service::VerificationKind;
use agreement::verification::{VerificationAnswer, VerificationReason};
use agreement::view::household::{HouseholdView, VisibleCard};
use agreement::view::person::PersonView;
use chrono::NaiveDate;
use prost_types::FieldMask;
use registry::code::{HouseholdRole, Kinship};
use registry::codice_fiscale::TaxCode;
use registry::identifier::{HouseholdId, IstatCode, NationalId};
use registry::record::HouseholdLink;
use registry::timeline::Timeline;

use super::super::*;
use super::cards;
use crate::proto::agreement::v1 as admin;
use crate::proto::consultation::v1 as wire;
use crate::proto::registry::v1 as card;
use crate::proto::r#type::v1::PartialDate;

const TAX_CODE: &str = "RSSMRA80A01H501U";

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

fn verification(claim: wire::verify_declaration_request::Claim) -> Result<VerificationCall, Invalid> {
    VerificationCall::try_from(wire::VerifyDeclarationRequest {
        context: Some(context()),
        municipality: String::new(),
        receipt_form: 0,
        key: Some(wire::verify_declaration_request::Key::TaxCode(TAX_CODE.into())),
        claim: Some(claim),
        declared_person: wire::DeclaredPerson::Named.into(),
    })
}

fn partial_day() -> PartialDate {
    day().into()
}

fn bond() -> wire::BondClaim {
    wire::BondClaim {
        since: Some(partial_day()),
        partner: Some(named_person("Bianchi")),
    }
}

fn parent_claim() -> wire::ParentClaim {
    wire::ParentClaim {
        parent: Some(named_person("Rossi")),
    }
}

fn named_person(surname: &str) -> wire::NamedPerson {
    wire::NamedPerson {
        surname: Some(surname.into()),
        given_name: None,
    }
}

#[test]
fn each_claim_asks_for_its_own_kind_of_verification() {
    use wire::verify_declaration_request::Claim as Wire;
    let address = wire::AddressClaim {
        street: "Emilia".into(),
        number: Some(12),
        ..wire::AddressClaim::default()
    };
    let member = wire::FamilyMemberClaim {
        tax_code: TAX_CODE.into(),
        kinship: "1".into(),
    };
    let generalities = wire::GeneralitiesClaim {
        surname: Some("Rossi".into()),
        ..wire::GeneralitiesClaim::default()
    };
    let claims = [
        (Wire::Generalities(generalities), VerificationKind::Generalities),
        (
            Wire::Residence(wire::ResidenceClaim {
                municipality: "037032".into(),
                address: Some(address),
            }),
            VerificationKind::Residence,
        ),
        (
            Wire::ExistenceInLife(wire::ExistenceInLifeClaim {}),
            VerificationKind::ExistenceInLife,
        ),
        (
            Wire::FamilyStatus(wire::FamilyStatusClaim {
                members: vec![member],
            }),
            VerificationKind::FamilyStatus,
        ),
        (
            Wire::Death(wire::DeathClaim {
                date: Some(partial_day()),
            }),
            VerificationKind::Death,
        ),
        (Wire::Marriage(bond()), VerificationKind::Marriage),
        (Wire::Widowhood(bond()), VerificationKind::Widowhood),
        (Wire::CivilUnion(bond()), VerificationKind::CivilUnion),
        (
            Wire::Citizenship(wire::CitizenshipClaim { state: "100".into() }),
            VerificationKind::Citizenship,
        ),
        (
            Wire::UnmarriedStatus(wire::UnmarriedStatusClaim {
                civil_status: "4".into(),
            }),
            VerificationKind::UnmarriedStatus,
        ),
        (
            Wire::UnmarriedStatus(wire::UnmarriedStatusClaim::default()),
            VerificationKind::UnmarriedStatus,
        ),
        (Wire::Paternity(parent_claim()), VerificationKind::Paternity),
        (Wire::Maternity(parent_claim()), VerificationKind::Maternity),
        (
            Wire::AssignedNationalId(wire::NationalIdClaim {
                national_id: "AA00001AA".into(),
                generalities: Some(wire::GeneralitiesClaim {
                    surname: Some("Rossi".into()),
                    ..wire::GeneralitiesClaim::default()
                }),
            }),
            VerificationKind::NationalId,
        ),
        (
            Wire::MunicipalResidence(wire::MunicipalResidenceClaim {
                municipality: "037032".into(),
            }),
            VerificationKind::MunicipalResidence,
        ),
    ];
    let kinds: BTreeSet<_> = claims.iter().map(|(_, kind)| *kind).collect();
    assert_eq!(kinds.len(), VerificationKind::ALL.len());
    for (claim, kind) in claims {
        let call = verification(claim).unwrap();
        assert_eq!(call.request.asked, Asked::Verification(kind));
        assert_eq!(call.request.declared, DeclaredPerson::Named);
        assert_eq!(Claim::kind(&call.claim), kind);
    }
}

#[test]
fn a_claim_that_cannot_be_compared_is_refused() {
    use wire::verify_declaration_request::Claim as Wire;
    let nothing = wire::GeneralitiesClaim {
        sex: card::Sex::Unknown.into(),
        ..wire::GeneralitiesClaim::default()
    };
    let invalid = verification(Wire::Generalities(nothing)).unwrap_err();
    assert_eq!(
        invalid,
        Invalid::new("generalities", Rule::Claim(ClaimError::NothingStated))
    );
    let nobody = verification(Wire::FamilyStatus(wire::FamilyStatusClaim {
        members: Vec::new(),
    }))
    .unwrap_err();
    assert_eq!(
        nobody,
        Invalid::new("family_status.members", Rule::Claim(ClaimError::FamilySize))
    );
    let generalities = wire::GeneralitiesClaim {
        surname: Some("Rossi".into()),
        ..wire::GeneralitiesClaim::default()
    };
    let address = |number: Option<u32>, without_number: bool| wire::AddressClaim {
        street: "Emilia".into(),
        number,
        without_number,
        ..wire::AddressClaim::default()
    };
    let residence = |municipality: &str, address: Option<wire::AddressClaim>| {
        Wire::Residence(wire::ResidenceClaim {
            municipality: municipality.into(),
            address,
        })
    };
    let unmarried = |code: &str| {
        Wire::UnmarriedStatus(wire::UnmarriedStatusClaim {
            civil_status: code.into(),
        })
    };
    let citizenship = |state: &str| Wire::Citizenship(wire::CitizenshipClaim { state: state.into() });
    let national_id = |id: &str, generalities: Option<wire::GeneralitiesClaim>| {
        Wire::AssignedNationalId(wire::NationalIdClaim {
            national_id: id.into(),
            generalities,
        })
    };
    let no_date = PartialDate {
        year: 2026,
        month: 13,
        day: 0,
    };
    let cases = [
        (
            residence("999999", Some(address(Some(7), false))),
            "residence.municipality",
            Rule::UnknownMunicipality,
        ),
        (residence("037032", None), "residence.address", Rule::Missing),
        (
            residence("037032", Some(address(None, false))),
            "residence.address.number",
            Rule::Missing,
        ),
        (
            residence("037032", Some(address(Some(7), true))),
            "residence.address.number",
            Rule::Contradicts("without_number"),
        ),
        (
            Wire::MunicipalResidence(wire::MunicipalResidenceClaim {
                municipality: "999999".into(),
            }),
            "municipal_residence.municipality",
            Rule::UnknownMunicipality,
        ),
        (
            Wire::Death(wire::DeathClaim { date: Some(no_date) }),
            "death.date",
            Rule::Date(registry::date::DateError::Month),
        ),
        (
            Wire::Marriage(wire::BondClaim {
                since: None,
                partner: Some(wire::NamedPerson::default()),
            }),
            "marriage.partner",
            Rule::Claim(ClaimError::NobodyNamed),
        ),
        (
            Wire::Widowhood(wire::BondClaim {
                since: Some(no_date),
                partner: None,
            }),
            "widowhood.since",
            Rule::Date(registry::date::DateError::Month),
        ),
        (
            Wire::CivilUnion(wire::BondClaim {
                since: None,
                partner: Some(named_person("12")),
            }),
            "civil_union.partner.surname",
            Rule::Name(registry::record::NameError::Character),
        ),
        (
            citizenship("998"),
            "citizenship.state",
            Rule::Claim(ClaimError::NoCitizenship),
        ),
        (
            citizenship("ITA"),
            "citizenship.state",
            Rule::Identifier(registry::identifier::IdentifierError::StateCode),
        ),
        (
            unmarried("2"),
            "unmarried_status.civil_status",
            Rule::Claim(ClaimError::NotUnmarried),
        ),
        (
            Wire::Paternity(wire::ParentClaim { parent: None }),
            "paternity.parent",
            Rule::Missing,
        ),
        (
            Wire::Maternity(wire::ParentClaim {
                parent: Some(wire::NamedPerson::default()),
            }),
            "maternity.parent",
            Rule::Claim(ClaimError::NobodyNamed),
        ),
        (
            national_id("AA1", Some(generalities)),
            "assigned_national_id.national_id",
            Rule::Identifier(registry::identifier::IdentifierError::NationalId),
        ),
        (
            national_id("AA00001AA", None),
            "assigned_national_id.generalities",
            Rule::Missing,
        ),
    ];
    for (claim, field, rule) in cases {
        assert_eq!(verification(claim).unwrap_err(), Invalid::new(field, rule));
    }
    let without = verification(residence("037032", Some(address(None, true)))).unwrap();
    assert!(matches!(without.claim, Claim::Residence(claim) if claim.address.number.is_none()));
}

#[test]
fn answers_of_verifications_keep_undetermined_apart_from_no() {
    let undetermined = VerificationAnswer::undetermined(VerificationReason::ProcedureOpen);
    let cases = [
        (
            VerificationAnswer::YES,
            wire::VerificationAnswer::Yes,
            wire::VerificationReason::Matches,
        ),
        (
            VerificationAnswer::NO,
            wire::VerificationAnswer::No,
            wire::VerificationReason::Differs,
        ),
        (
            undetermined,
            wire::VerificationAnswer::Undetermined,
            wire::VerificationReason::ProcedureOpen,
        ),
    ];
    for (answer, verdict, reason) in cases {
        assert_eq!(verification_answer(answer), (verdict, reason));
    }
}

fn day() -> NaiveDate {
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

fn supposed() -> admin::ExplainDecisionRequest {
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
