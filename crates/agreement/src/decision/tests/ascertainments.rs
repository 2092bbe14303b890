//! Kinds of ascertainment: granted by name, with their fields and no others.

use super::*;

/// A purpose that lists some kinds, beside these services and fields.
fn listing_kinds(services: &str, kinds: &str, fields: &str, asked: Asked) -> Case {
    Case::with(|case| {
        case.document = fixture::changed_document(
            "services = [\"lookup-person\", \"lookup-household\", \"verify-declaration\"]\n\
             verifications = [\"generalities\", \"residence\"]\n\
             fields = [\"surname\", \"given_name\", \"birth_date\", \"residence\", \"household\", \"death\"]",
            &format!("services = [{services}]\nascertainments = [{kinds}]\nfields = [{fields}]"),
        )
        .replace(
            "format = 1",
            "format = 1\nsearch = [\"by-identifier\", \"by-generalities\"]",
        );
        case.request.asked = asked;
    })
}

fn call(kind: Ascertainment) -> Asked {
    Asked::Ascertainment {
        kind,
        named_by: NamedBy::Identifier,
        fields: FieldSet::EMPTY,
    }
}

fn named(kind: Ascertainment) -> Asked {
    Asked::Ascertainment {
        kind,
        named_by: NamedBy::Generalities,
        fields: FieldSet::EMPTY,
    }
}

#[test]
fn being_listed_suffices_for_each_kind_and_opens_nothing_to_another_call() {
    for kind in Ascertainment::ALL {
        let fields = if kind == Ascertainment::RegistryData {
            "\"surname\", \"residence\""
        } else {
            ""
        };
        let listed = |asked| listing_kinds("", &format!("\"{kind}\""), fields, asked);
        let permit = granted(&listed(call(kind)));
        let of_purpose = FieldSet::from_names(["surname", "residence"]).unwrap();
        assert_eq!(permit.fields(), kind.opens(of_purpose), "{kind}");
        for other in Ascertainment::ALL.into_iter().filter(|other| *other != kind) {
            let expect = Requirement::Ascertainments {
                refused: other,
                granted: vec![kind],
            };
            denied(&listed(call(other)), Clause::Ascertainment, expect);
        }
        let fields = FieldSet::EMPTY;
        for plain in [
            Asked::Person { fields },
            Asked::PersonNamed { fields },
            Asked::Household { fields },
            Asked::Search { criteria: fields },
        ] {
            denied(&listed(plain), Clause::Service, Requirement::Services(Vec::new()));
        }
    }
}

#[test]
fn a_service_and_its_fields_grant_no_kind() {
    let case = listing_kinds(
        "\"lookup-person\"",
        "\"death\"",
        "\"civil_status\", \"surname\"",
        call(Ascertainment::Marriage),
    );
    let denial = case.decide().unwrap_err();
    assert_eq!(denial.reason(), crate::reason::Reason::AscertainmentNotGranted);
    let english = denial.text(Language::English);
    assert!(
        english.ends_with("(not granted: marriage (C017); granted: death)"),
        "{english}"
    );
    let italian = denial.text(Language::Italian);
    assert!(
        italian.ends_with("(non concesso: matrimonio (C017); concessi: death)"),
        "{italian}"
    );
}

#[test]
fn a_mask_beyond_the_kind_is_refused_though_the_purpose_grants_the_field() {
    let masked = |fields: &[Field]| {
        listing_kinds(
            "\"lookup-person\"",
            "\"residence\"",
            "\"surname\", \"residence\"",
            Asked::Ascertainment {
                kind: Ascertainment::Residence,
                named_by: NamedBy::Identifier,
                fields: FieldSet::of(fields),
            },
        )
    };
    let permit = granted(&masked(&[Field::Residence]));
    assert_eq!(permit.fields(), FieldSet::of(&[Field::Residence]));
    let expect = Requirement::Fields {
        refused: FieldSet::of(&[Field::Surname]),
        granted: FieldSet::of(&[Field::Residence, Field::Death]),
    };
    denied(
        &masked(&[Field::Residence, Field::Surname]),
        Clause::Fields,
        expect,
    );
}

#[test]
fn a_kind_is_asked_by_generalities_or_within_a_municipality_only_where_that_tells_nothing_else() {
    let alone = |asked| {
        listing_kinds(
            "",
            "\"generalities\", \"death\", \"residence\", \"national-id\"",
            "",
            asked,
        )
    };
    for kind in [Ascertainment::Generalities, Ascertainment::NationalId] {
        granted(&alone(named(kind)));
    }
    let expect = Requirement::Fields {
        refused: FieldSet::SEARCHED,
        granted: FieldSet::of(&[Field::Death]),
    };
    denied(&alone(named(Ascertainment::Death)), Clause::Fields, expect);
    let everything =
        "\"surname\", \"given_name\", \"sex\", \"birth_date\", \"birth_place\", \"registration\"";
    let beside = |asked| listing_kinds("\"lookup-person\"", "\"death\"", everything, asked);
    granted(&beside(named(Ascertainment::Death)));

    let limited = |case: Case| Case {
        request: Request {
            municipality: Some(municipality("037032")),
            ..case.request.clone()
        },
        ..case
    };
    granted(&limited(alone(call(Ascertainment::Residence))));
    granted(&limited(beside(call(Ascertainment::Death))));
    let expect = Requirement::Fields {
        refused: FieldSet::of(&[Field::Residence]),
        granted: FieldSet::of(&[Field::Death]),
    };
    denied(
        &limited(alone(call(Ascertainment::Death))),
        Clause::Fields,
        expect,
    );
}

#[test]
fn an_agreement_without_that_mode_names_nobody_by_generalities_through_a_kind() {
    let mut case = listing_kinds("", "\"national-id\"", "", named(Ascertainment::NationalId));
    case.document = case.document.replace(", \"by-generalities\"", "");
    denied(&case, Clause::SearchMode, Requirement::Unspecified);
}

#[test]
fn no_list_is_made_of_ascertainments() {
    let mut case = listing(1, 5);
    let verifications = "verifications = [\"generalities\", ";
    case.document = case.document.replace(
        verifications,
        &format!("ascertainments = [\"death\"]\n{verifications}"),
    );
    granted(&case);
    case.request.asked = call(Ascertainment::Death);
    assert_eq!(case.decide().unwrap_err().clause, Clause::Ascertainment);
    case.request.batch = None;
    granted(&case);
}
