use registry::code::{AprCancellationReason, CancellationReason};
use registry::identifier::NationalId;
use registry::record::{Locality, ParentRole};

use super::*;
use crate::fixture::{self, day};

fn view(record: &Record, fields: FieldSet, on: &str) -> PersonView {
    PersonView::of(record, fields, day(on), None)
}

fn full_record() -> Record {
    let mut record = fixture::record();
    record.national_id = NationalId::parse("AF41450AS").ok();
    record.tax_codes.insert(0, fixture::tax_code("VRDNNA60A41A944R"));
    record.parents = vec![Parent {
        role: ParentRole::Father,
        surname: Some(fixture::name("Rossi")),
        given_name: Some(fixture::name("Luca")),
        tax_code: Some(fixture::tax_code("RSSLCU12A05A944U").code),
    }];
    record.identity_document = Some(IdentityDocument {
        number: "CA00000AA".to_owned(),
        issuer: fixture::istat(fixture::IMOLA),
        issued: day("2020-01-01"),
        expires: day("2030-01-01"),
    });
    record
}

fn died(record: &mut Record, on: &str) {
    let place = Some(Locality::Municipality(fixture::istat(fixture::IMOLA)));
    record.death = Some(Death { date: day(on), place });
    record.cancellation = Some(Cancellation {
        reason: CancellationReason::Apr(AprCancellationReason::Death),
        effective: day(on),
        destination: None,
    });
}

#[test]
fn each_field_shows_itself_and_nothing_else() {
    let mut record = full_record();
    died(&mut record, "2026-03-01");
    record.flags.procedure_open = true;
    let empty = view(&record, FieldSet::EMPTY, "2026-03-02");
    for field in Field::ALL {
        let shown = view(&record, FieldSet::of(&[field]), "2026-03-02");
        assert_eq!(shown.fields, FieldSet::of(&[field]));
        assert_ne!(
            shown,
            PersonView {
                fields: shown.fields,
                ..empty.clone()
            },
            "{field} is shown"
        );
        let PersonView {
            fields: _,
            location_withheld,
            of_kind,
            surname,
            given_name,
            sex,
            birth_date,
            birth_place,
            tax_code,
            tax_code_history,
            national_id,
            civil_status,
            citizenships,
            parents,
            residence,
            residence_history,
            household,
            identity_document,
            registration,
            cancellation,
            death,
            procedure_open,
        } = shown;
        let filled = [
            surname.is_some(),
            given_name.is_some(),
            sex.is_some(),
            birth_date.is_some(),
            birth_place.is_some(),
            tax_code.is_some(),
            !tax_code_history.is_empty(),
            national_id.is_some(),
            civil_status.is_some(),
            citizenships.is_some(),
            !parents.is_empty(),
            residence.is_some(),
            !residence_history.is_empty(),
            household.is_some(),
            identity_document.is_some(),
            registration.is_some(),
            cancellation.is_some(),
            death.is_some(),
            procedure_open.is_some(),
        ];
        let expect = Field::ALL.map(|other| other == field);
        assert_eq!(
            (filled, location_withheld, of_kind),
            (expect, false, None),
            "{field}"
        );
    }
}

#[test]
fn values_are_those_of_the_reference_date() {
    let record = full_record();
    let fields = FieldSet::ALL;
    let street = |on: &str| match view(&record, fields, on).residence {
        Some(Fact::Held {
            from,
            value:
                Residence {
                    place: registry::record::Place::Italian(address),
                    ..
                },
        }) => (from.map(|from| from.to_string()), address.street),
        other => panic!("no residence on {on}: {other:?}"),
    };
    assert_eq!(
        street("2020-01-14"),
        (Some("2015-06-01".to_owned()), "EMILIA".to_owned())
    );
    assert_eq!(
        street("2020-01-15"),
        (Some("2020-01-15".to_owned()), "Appia".to_owned())
    );
    let now = view(&record, fields, "2026-03-02");
    assert_eq!(now.tax_code, record.tax_codes.last().cloned());
    assert_eq!(now.tax_code_history, record.tax_codes);
    assert_eq!(
        now.parents[0].tax_code, None,
        "codici fiscali of parents are never shown"
    );
    assert_eq!(now.procedure_open, Some(false));
    assert_eq!(now.no_history_before(), None);
    let registration = now.registration.unwrap();
    assert_eq!(
        (registration.register, registration.registration),
        (Register::Apr, record.registration.clone())
    );
}

#[test]
fn what_has_no_start_is_not_known_before_the_registration() {
    let mut record = full_record();
    record.registration.effective = Some(day("2015-06-01"));
    let undated = |facts: &Timeline<Residence>| facts.latest().map(|fact| fact.value.clone());
    record.residences = Timeline::starting(None, undated(&record.residences).unwrap());
    let early = view(&record, FieldSet::ALL, "2015-05-31").residence;
    assert_eq!(early, Some(Fact::NoHistoryBefore(day("2015-06-01"))));
    let later = view(&record, FieldSet::ALL, "2015-06-01").residence;
    assert!(matches!(later, Some(Fact::Held { from: None, .. })));
    record.registration.effective = None;
    let unknown = view(&record, FieldSet::ALL, "2015-05-31").residence;
    assert!(matches!(unknown, Some(Fact::Held { from: None, .. })));
}

#[test]
fn days_before_the_history_are_marked() {
    let record = full_record();
    let early = view(&record, FieldSet::ALL, "2015-05-31");
    assert_eq!(early.residence, Some(Fact::NoHistoryBefore(day("2015-06-01"))));
    assert_eq!(early.household, Some(Fact::NoHistoryBefore(day("2015-06-01"))));
    assert_eq!(
        early.civil_status.as_ref().and_then(Fact::held),
        Some(&CivilStatus::Married)
    );
    assert_eq!(early.no_history_before(), Some(day("2015-06-01")));
    assert_eq!(early.registration, None);
    assert_eq!(early.residence_history, []);
    assert!(view(&record, FieldSet::ALL, "2015-06-01").registration.is_some());
    let earliest = view(&record, FieldSet::of(&[Field::CivilStatus]), "2012-05-04");
    assert_eq!(earliest.no_history_before(), Some(day("2012-05-05")));
    assert_eq!(earliest.civil_status.as_ref().and_then(Fact::held), None);
    let mut record = record;
    record.households = Timeline::default();
    record.citizenships = Timeline::starting(Some(day("2018-01-01")), Vec::new());
    assert_eq!(
        view(&record, FieldSet::ALL, "2017-01-01").household,
        Some(Fact::NotHeld)
    );
    let latest = view(&record, FieldSet::ALL, "2010-01-01");
    assert_eq!(
        latest.no_history_before(),
        Some(day("2018-01-01")),
        "the latest of several"
    );
}

#[test]
fn the_dead_are_dead_from_the_day_after() {
    let mut record = full_record();
    died(&mut record, "2026-03-03");
    let on_the_day = view(&record, FieldSet::ALL, "2026-03-03");
    assert_eq!((on_the_day.death, on_the_day.cancellation), (None, None));
    assert!(on_the_day.residence.as_ref().and_then(Fact::held).is_some());
    assert!(on_the_day.household.as_ref().and_then(Fact::held).is_some());
    let after = view(&record, FieldSet::ALL, "2026-03-04");
    assert_eq!(
        (after.death, after.cancellation),
        (record.death.clone(), record.cancellation.clone())
    );
    assert_eq!(
        (after.residence, after.household),
        (Some(Fact::NotHeld), Some(Fact::NotHeld))
    );
    assert_eq!(after.residence_history.len(), 2);
}

#[test]
fn who_has_left_has_no_residence_here() {
    let mut record = full_record();
    record.cancellation = Some(Cancellation {
        reason: CancellationReason::Apr(AprCancellationReason::Untraceable),
        effective: day("2026-03-03"),
        destination: None,
    });
    let before = view(&record, FieldSet::ALL, "2026-03-02");
    assert_eq!(before.cancellation, None);
    assert!(before.residence.as_ref().and_then(Fact::held).is_some());
    let after = view(&record, FieldSet::ALL, "2026-03-03");
    assert_eq!(after.cancellation, record.cancellation);
    assert_eq!(
        (after.residence, after.household),
        (Some(Fact::NotHeld), Some(Fact::NotHeld))
    );
    record.death = Some(Death {
        date: day("2026-03-01"),
        place: None,
    });
    let dead_first = view(&record, FieldSet::ALL, "2026-03-02");
    assert_eq!(
        dead_first.cancellation, None,
        "it takes effect only on the next day"
    );
    assert!(dead_first.death.is_some());
}

#[test]
fn former_residences_reach_into_the_history_granted() {
    let record = full_record();
    let streets = |on: &str, from: Option<&str>| -> Vec<Option<NaiveDate>> {
        let view = PersonView::of(
            &record,
            FieldSet::of(&[Field::ResidenceHistory]),
            day(on),
            from.map(day),
        );
        view.residence_history.into_iter().map(|fact| fact.from).collect()
    };
    let (first, second) = (Some(day("2015-06-01")), Some(day("2020-01-15")));
    assert_eq!(streets("2026-03-02", None), [first, second]);
    assert_eq!(streets("2026-03-02", Some("2020-01-14")), [first, second]);
    assert_eq!(streets("2026-03-02", Some("2020-01-15")), [second]);
    assert_eq!(streets("2026-03-02", Some("2026-03-02")), [second]);
    assert_eq!(streets("2020-01-15", None), [first, second]);
    assert_eq!(streets("2020-01-14", None), [first]);
    assert_eq!(streets("2015-05-31", None), []);
}

#[test]
fn the_place_of_death_is_withheld_with_the_location() {
    let mut record = full_record();
    died(&mut record, "2026-03-01");
    let place = |record: &Record, fields: &[Field]| {
        view(record, FieldSet::of(fields), "2026-03-02")
            .death
            .unwrap()
            .place
            .is_some()
    };
    assert!(place(&record, &[Field::Death]));
    record.flags.protected = true;
    assert!(!place(&record, &[Field::Death]));
    assert!(place(&record, &[Field::Death, Field::Residence]));
}

#[test]
fn debugging_output_names_fields_and_holds_no_data() {
    let text = format!(
        "{:?}",
        view(
            &full_record(),
            FieldSet::of(&[Field::Surname, Field::BirthDate]),
            "2026-03-02"
        )
    );
    assert_eq!(text, "PersonView(surname, birth_date)");
}
