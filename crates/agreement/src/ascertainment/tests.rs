use std::collections::BTreeSet;

use registry::code::CivilStatus;
use registry::identifier::NationalId;
use registry::record::{Death, Flags, Locality};
use registry::timeline::Timeline;

use super::*;
use crate::fixture::{self, day, name};
use crate::permit::{Permit, View};
use crate::request::{Asked, Request};
use crate::service::VerificationKind;
use crate::subject::{Consent, Identity, SubjectFacts};
use crate::terms::Agreement;
use crate::verification::{VerificationAnswer, VerificationReason};

const TODAY: &str = "2026-03-02";

fn of_every_kind(protected: &str) -> Agreement {
    let all = Ascertainment::ALL.map(|kind| format!("\"{kind}\"")).join(", ");
    let text = fixture::changed_document(
        "services = [\"lookup-person\", \"lookup-household\", \"verify-declaration\"]",
        &format!("services = [\"verify-declaration\"]\nascertainments = [{all}]"),
    );
    let text = text
        .replace(
            "residents = true",
            "residents = true\ncancelled = true\ndeceased = true",
        )
        .replace("protected = \"hidden\"", protected);
    crate::document::AgreementDocument::parse(text.as_bytes()).unwrap()
}

fn permit_on(kind: Ascertainment, on: &str, protected: &str) -> Permit {
    let mut request = Request {
        asked: Asked::Ascertainment {
            kind,
            named_by: NamedBy::Identifier,
            fields: FieldSet::EMPTY,
        },
        ..fixture::request()
    };
    request.context.reference_date = Some(day(on));
    fixture::permit(of_every_kind(protected), &request)
}

fn shown(kind: Ascertainment, record: &Record, on: &str) -> PersonView {
    let permit = permit_on(kind, on, "protected = \"hidden\"");
    let imola = registry::municipality::MunicipalityId::of_any(record.municipality).unwrap();
    let facts = SubjectFacts::of(record, imola, day(on), Identity::Open, Consent::Given);
    let View::Visible(fields) = permit.view(&facts) else {
        panic!("the person is shown");
    };
    permit.person_with(record, fields)
}

fn imola() -> Locality {
    Locality::Municipality(fixture::istat(fixture::IMOLA))
}

fn with_status(status: CivilStatus) -> Record {
    Record {
        civil_status: Timeline::starting(Some(day("2020-05-05")), status),
        ..fixture::record()
    }
}

fn status_shown(kind: Ascertainment, record: &Record, on: &str) -> Option<CivilStatus> {
    let view = shown(kind, record, on);
    assert!(view.fields.contains(Field::CivilStatus), "{kind}");
    view.civil_status.and_then(|fact| fact.held().copied())
}

#[test]
fn kinds_bear_the_anpr_code_of_the_same_meaning_and_are_read_by_their_names() {
    let codes = Ascertainment::ALL.map(|kind| (kind.name(), kind.anpr_code()));
    let expect = [
        ("generalities", "C015"),
        ("death", "C016"),
        ("marriage", "C017"),
        ("citizenship", "C018"),
        ("existence-in-life", "C019"),
        ("residence", "C020"),
        ("family-status", "C021"),
        ("unmarried-status", "C022"),
        ("widowhood", "C023"),
        ("paternity", "C024"),
        ("maternity", "C025"),
        ("civil-union", "C026"),
        ("registry-data", "C029"),
        ("national-id", "C030"),
    ];
    assert_eq!(codes, expect);
    assert!(Ascertainment::ALL.is_sorted());
    for kind in Ascertainment::ALL {
        assert_eq!(Ascertainment::from_name(kind.name()), Some(kind));
        // Where a verification has the same name, it has the same Italian one.
        if let Some(verified) = VerificationKind::from_name(kind.name()) {
            assert_eq!(verified.italian(), kind.italian());
        }
    }
    assert_eq!(Ascertainment::from_name("C016"), None);
    let italian: BTreeSet<_> = Ascertainment::ALL.map(Ascertainment::italian).into();
    assert_eq!(italian.len(), Ascertainment::ALL.len());
}

#[test]
fn a_kind_opens_its_fields_and_nothing_else() {
    let granted = FieldSet::of(&[Field::Surname, Field::Cancellation]);
    for (kind, fields) in [
        (
            "generalities",
            "surname, given_name, sex, birth_date, birth_place, tax_code",
        ),
        ("death", "death"),
        ("marriage", "civil_status"),
        ("citizenship", "citizenships"),
        ("existence-in-life", "death"),
        ("residence", "residence, death"),
        (
            "family-status",
            "surname, given_name, sex, birth_date, birth_place, household",
        ),
        ("unmarried-status", "civil_status"),
        ("widowhood", "civil_status"),
        ("paternity", "parents"),
        ("maternity", "parents"),
        ("civil-union", "civil_status"),
        ("registry-data", "surname, cancellation"),
        ("national-id", "national_id"),
    ] {
        let kind = Ascertainment::from_name(kind).unwrap();
        assert_eq!(kind.opens(granted).to_string(), fields, "{kind}");
        let permit = permit_on(kind, TODAY, "protected = \"hidden\"");
        let purpose = fixture::agreement("").terms().purposes[0].fields;
        assert_eq!(permit.fields(), kind.opens(purpose), "{kind}");
        assert_eq!(
            (permit.ascertainment(), permit.service()),
            (Some(kind), kind.service())
        );
    }
}

#[test]
fn a_civil_status_is_shown_of_whoever_is_of_the_kind_and_no_other() {
    use CivilStatus as S;
    let every = [
        S::Single,
        S::Married,
        S::Widowed,
        S::Divorced,
        S::CivillyUnited,
        S::FreeAfterPartnerDeath,
        S::FreeAfterUnionDissolved,
        S::Unknown,
    ];
    let free = [
        S::Single,
        S::Widowed,
        S::Divorced,
        S::FreeAfterPartnerDeath,
        S::FreeAfterUnionDissolved,
    ];
    for (kind, of_kind) in [
        (Ascertainment::Marriage, &[S::Married][..]),
        (Ascertainment::CivilUnion, &[S::CivillyUnited]),
        (Ascertainment::Widowhood, &[S::Widowed]),
        (Ascertainment::UnmarriedStatus, &free),
    ] {
        for status in every {
            let told = status_shown(kind, &with_status(status), TODAY);
            let expect = of_kind.contains(&status).then_some(status);
            assert_eq!(told, expect, "{kind} of {status:?}");
        }
    }
}

#[test]
fn whether_the_person_is_of_the_kind_is_what_the_verification_of_it_says() {
    let dead = Record {
        death: Some(Death {
            date: day("2026-02-01"),
            place: Some(imola()),
        }),
        ..fixture::record()
    };
    let records = [
        fixture::record(),
        with_status(CivilStatus::Widowed),
        with_status(CivilStatus::Unknown),
        dead,
    ];
    let days = [TODAY, "2026-02-01", "2026-02-02", "2014-01-01", "1980-01-01"];
    for kind in Ascertainment::ALL {
        for record in &records {
            for on in days.into_iter().filter(|on| "2010-01-01" <= *on) {
                let view = shown(kind, record, on);
                let told = VerificationKind::from_name(kind.name())
                    .filter(|_| kind.claim().is_some())
                    .map(|verified| {
                        let claim = kind.claim().unwrap();
                        assert_eq!(claim.kind(), verified);
                        let subject = VisibleCard {
                            record,
                            visible: verified.examines(),
                        };
                        let facts = VerificationFacts {
                            subject,
                            household: &[],
                        };
                        verification::verify(&facts, &claim, day(on))
                    });
                assert_eq!(view.of_kind, told, "{kind} on {on}");
            }
        }
    }
    let kinds: Vec<_> = Ascertainment::ALL
        .into_iter()
        .filter(|kind| kind.claim().is_some())
        .collect();
    let expect = [
        Ascertainment::Death,
        Ascertainment::Marriage,
        Ascertainment::ExistenceInLife,
        Ascertainment::UnmarriedStatus,
        Ascertainment::Widowhood,
        Ascertainment::CivilUnion,
    ];
    assert_eq!(kinds, expect);
}

#[test]
fn before_the_history_a_status_is_neither_shown_nor_denied() {
    let view = shown(Ascertainment::Marriage, &fixture::record(), "2011-01-01");
    assert_eq!(
        view.of_kind,
        Some(VerificationAnswer::undetermined(
            VerificationReason::BeforeHistory
        ))
    );
    assert_eq!(view.civil_status, Some(Fact::NoHistoryBefore(day("2012-05-05"))));
}

#[test]
fn the_place_of_death_is_told_where_death_is_ascertained_and_not_beside_another_datum() {
    let dead = Record {
        death: Some(Death {
            date: day("2026-02-01"),
            place: Some(imola()),
        }),
        ..fixture::record()
    };
    for (kind, place) in [
        (Ascertainment::Death, Some(imola())),
        (Ascertainment::ExistenceInLife, None),
        (Ascertainment::Residence, None),
    ] {
        let view = shown(kind, &dead, TODAY);
        let death = view.death.expect("a death");
        assert_eq!((death.date, death.place), (day("2026-02-01"), place), "{kind}");
        // On the day of death itself there is none yet.
        assert_eq!(shown(kind, &dead, "2026-02-01").death, None, "{kind}");
    }
    let home = shown(Ascertainment::Residence, &dead, TODAY).residence;
    assert_eq!(home, Some(Fact::NotHeld));
}

#[test]
fn a_parent_is_shown_alone_and_without_codice_fiscale() {
    let parent = |role, given_name| Parent {
        role,
        surname: Some(name("Rossi")),
        given_name: Some(name(given_name)),
        tax_code: Some(fixture::tax_code("RSSMRA85T10A944C").code),
    };
    let record = Record {
        parents: vec![
            parent(ParentRole::Father, "Aldo"),
            parent(ParentRole::Mother, "Ada"),
        ],
        ..fixture::record()
    };
    for (kind, role) in [
        (Ascertainment::Paternity, ParentRole::Father),
        (Ascertainment::Maternity, ParentRole::Mother),
    ] {
        let parents = shown(kind, &record, TODAY).parents;
        let told: Vec<_> = parents
            .iter()
            .map(|parent| (parent.role, parent.tax_code))
            .collect();
        assert_eq!(told, [(role, None)], "{kind}");
    }
}

#[test]
fn a_national_id_is_shown_alone() {
    let record = Record {
        national_id: NationalId::parse("AA00001AA").ok(),
        ..fixture::record()
    };
    let view = shown(Ascertainment::NationalId, &record, TODAY);
    assert_eq!(view.fields, FieldSet::of(&[Field::NationalId]));
    assert_eq!((view.national_id, view.surname), (record.national_id, None));
}

#[test]
fn whose_location_is_protected_is_hidden_or_leaves_no_place_through_any_kind() {
    let record = Record {
        death: Some(Death {
            date: day("2026-02-01"),
            place: Some(imola()),
        }),
        parents: vec![Parent {
            role: ParentRole::Father,
            surname: Some(name("Rossi")),
            given_name: None,
            tax_code: None,
        }],
        flags: Flags {
            protected: true,
            ..Flags::default()
        },
        ..fixture::record()
    };
    let imola = registry::municipality::MunicipalityId::of_any(record.municipality).unwrap();
    let facts = SubjectFacts {
        location: crate::subject::Location::Protected,
        ..SubjectFacts::of(&record, imola, day(TODAY), Identity::Open, Consent::Given)
    };
    let withheld = "protected = \"location-withheld\"\nprotected_basis = \"d.lgs. 119/1993\"";
    for kind in Ascertainment::ALL {
        let hidden = permit_on(kind, TODAY, "protected = \"hidden\"").view(&facts);
        assert!(matches!(hidden, View::Hidden(_)), "{kind}");
        let permit = permit_on(kind, TODAY, withheld);
        let View::Visible(fields) = permit.view(&facts) else {
            panic!("{kind}: shown without the place");
        };
        assert!(fields.intersection(FieldSet::LOCATION).is_empty(), "{kind}");
        let view = permit.person_with(&record, fields);
        let located = !kind
            .opens(permit.granted())
            .intersection(FieldSet::LOCATION)
            .is_empty();
        assert_eq!(view.location_withheld, located, "{kind}");
        assert!(view.parents.is_empty() && view.residence.is_none() && view.household.is_none());
        assert_eq!(view.death.and_then(|death| death.place), None, "{kind}");
    }
}
