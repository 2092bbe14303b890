//! Rows that say what happened, and cards that close and open.

use crate::change::{EventKind, derive_events, merge_event, merge_export};
use crate::code::{AprCancellationReason, AprRegistrationReason, CancellationReason, RegistrationReason};
use crate::record::{
    Cancellation, Place, Record, Registration, Residence, ResidenceStanding, Sex, TaxCodeEntry,
};
use crate::testing::{day, istat, open_record, tax_code};
use crate::timeline::{Dated, Timeline};

/// A residence of no fixed abode, told apart by its municipality.
fn residence(municipality: &str, standing: ResidenceStanding) -> Residence {
    let place = Place::Notional {
        municipality: istat(municipality),
    };
    let model = open_record().residences.latest().unwrap().value.clone();
    Residence {
        place,
        standing,
        ..model
    }
}

fn living(facts: &[(Option<&str>, &str)]) -> Timeline<Residence> {
    Timeline::from_facts(facts.iter().map(|(from, municipality)| Dated {
        from: from.map(day),
        value: residence(municipality, ResidenceStanding::Definitive),
    }))
}

fn at(facts: &[(Option<&str>, &str)]) -> Record {
    Record {
        residences: living(facts),
        ..open_record()
    }
}

#[track_caller]
fn check_event(
    event: EventKind,
    known: &[(Option<&str>, &str)],
    stated: (Option<&str>, &str),
    expect: &[(Option<&str>, &str)],
) {
    let previous = at(known);
    let once = merge_event(Some(&previous), at(&[stated]), event);
    assert_eq!(once.residences, living(expect), "{event:?}");
    let twice = merge_event(Some(&once), at(&[stated]), event);
    assert_eq!(twice, once, "{event:?}, told twice");
}

#[test]
fn a_rectification_leaves_nothing_of_the_fact_that_was_wrong() {
    const A: &str = "037006";
    const B: &str = "037032";
    const C: &str = "037007";
    let known = [(Some("2010-01-01"), A), (Some("2026-03-05"), B)];
    let rectified = EventKind::Rectification;
    for stated in [
        (Some("2026-03-07"), B),
        (Some("2026-03-02"), B),
        (Some("2026-03-07"), C),
        (Some("2026-03-05"), C),
    ] {
        check_event(rectified, &known, stated, &[known[0], stated]);
    }
    let moved = (Some("2026-03-07"), C);
    check_event(
        EventKind::ChangeOfDwelling,
        &known,
        moved,
        &[known[0], known[1], moved],
    );
    check_event(rectified, &known, known[1], &known);
    // The last operation had corrected the start.
    check_event(
        EventKind::Annulment,
        &known,
        (Some("2026-03-09"), B),
        &[known[0], (Some("2026-03-09"), B)],
    );
    let next_door = (Some("2026-03-07"), B);
    check_event(
        EventKind::ChangeOfDwelling,
        &known,
        next_door,
        &[known[0], known[1], next_door],
    );
    let later = (Some("2026-03-09"), B);
    check_event(
        rectified,
        &[known[0], known[1], next_door],
        later,
        &[known[0], known[1], later],
    );
    check_event(EventKind::Marriage, &known, next_door, &[known[0], next_door]);
    check_event(EventKind::Annulment, &known, known[0], &[known[0]]);
    check_event(
        EventKind::Annulment,
        &[(None, A), known[1]],
        (None, A),
        &[(None, A)],
    );
}

#[test]
fn a_check_that_ends_makes_the_residence_definitive_from_its_own_start() {
    let mut declared = at(&[(Some("2010-01-01"), "037006")]);
    declared.residences.record(Dated {
        from: Some(day("2026-03-05")),
        value: residence("037032", ResidenceStanding::Provisional),
    });
    let stated = at(&[(Some("2026-03-05"), "037032")]);
    let checked = merge_export(Some(&declared), stated);
    let expect = living(&[(Some("2010-01-01"), "037006"), (Some("2026-03-05"), "037032")]);
    assert_eq!(checked.residences, expect);
    // The start was corrected when the check ended.
    let stated = at(&[(Some("2026-03-08"), "037032")]);
    let checked = merge_export(Some(&declared), stated);
    let expect = living(&[(Some("2010-01-01"), "037006"), (Some("2026-03-08"), "037032")]);
    assert_eq!(checked.residences, expect);
}

#[test]
fn a_wrong_codice_fiscale_is_no_past_one() {
    let entry = |given_name: &str| TaxCodeEntry {
        code: tax_code("Rossi", given_name, Sex::Male, "1980-03-05", "A944"),
        validated: true,
        from: Some(day("1980-04-01")),
    };
    let (first, wrong, right) = (entry("Ugo"), entry("Gino"), entry("Aldo"));
    let with = |tax_codes: &[&TaxCodeEntry]| Record {
        tax_codes: tax_codes.iter().map(|code| (*code).clone()).collect(),
        ..open_record()
    };
    let known = with(&[&first, &wrong]);
    let told = |stated: &TaxCodeEntry, event| merge_event(Some(&known), with(&[stated]), event).tax_codes;
    assert_eq!(
        told(&right, EventKind::TaxCode),
        [first.clone(), wrong.clone(), right.clone()]
    );
    assert_eq!(
        told(&right, EventKind::Rectification),
        [first.clone(), right.clone()]
    );
    assert_eq!(
        told(&wrong, EventKind::Rectification),
        [first.clone(), wrong.clone()]
    );
    let undone = told(&first, EventKind::Annulment);
    assert_eq!(undone, std::slice::from_ref(&first));
    assert_eq!(told(&right, EventKind::Annulment), [first, right]);
}

fn left(on: &str) -> Record {
    Record {
        cancellation: Some(Cancellation {
            reason: CancellationReason::Apr(AprCancellationReason::Untraceable),
            effective: day(on),
            destination: None,
        }),
        ..at(&[(Some("2010-01-01"), "037006")])
    }
}

fn back(on: &str, reason: AprRegistrationReason, living_since: &str) -> Record {
    Record {
        registration: Registration {
            reason: RegistrationReason::Apr(reason),
            effective: Some(day(on)),
            origin: None,
        },
        ..at(&[(Some(living_since), "037032")])
    }
}

#[test]
fn a_card_that_opens_again_says_nothing_of_the_time_between() {
    let previous = left("2026-02-10");
    let reappeared = back("2026-03-10", AprRegistrationReason::Reappearance, "2026-03-10");
    let next = merge_export(Some(&previous), reappeared.clone());
    assert_eq!(next.residences, reappeared.residences);
    assert!(next.residences.dated_at(day("2026-02-20")).is_none());
    let events: Vec<_> = derive_events(Some(&previous), &next, day("2026-03-11"))
        .iter()
        .map(|event| event.kind)
        .filter(|kind| *kind != EventKind::HouseholdChange)
        .collect();
    assert_eq!(events, [EventKind::Registration]);
}

#[test]
fn a_position_that_is_restored_was_never_interrupted() {
    let previous = left("2026-02-10");
    let reason = AprRegistrationReason::PreviousPositionRestored;
    let restored = Record {
        residences: previous.residences.clone(),
        ..back("2026-02-10", reason, "2010-01-01")
    };
    let next = merge_export(Some(&previous), restored);
    assert_eq!(next.residences, previous.residences);
    // The closing was taken back and the person has moved since: the registration is the old one.
    let moved = Record {
        residences: living(&[(Some("2026-03-01"), "037032")]),
        ..open_record()
    };
    let next = merge_export(Some(&previous), moved);
    let expect = living(&[(Some("2010-01-01"), "037006"), (Some("2026-03-01"), "037032")]);
    assert_eq!(next.residences, expect);
}

#[test]
fn a_closed_card_without_address_keeps_where_the_person_had_lived() {
    let open = at(&[(Some("2010-01-01"), "037006"), (Some("2020-01-01"), "037032")]);
    let closed = Record {
        residences: Timeline::default(),
        households: Timeline::default(),
        ..left("2026-02-10")
    };
    let next = merge_export(Some(&open), closed);
    assert_eq!(
        (&next.residences, &next.households),
        (&open.residences, &open.households)
    );
    let withdrawn = merge_export(Some(&open), at(&[]));
    assert!(withdrawn.residences.is_empty());
}

#[test]
fn another_start_of_the_same_registration_is_a_rectification() {
    let previous = open_record();
    let mut next = open_record();
    next.registration.effective = Some(day("2005-02-01"));
    let events = derive_events(Some(&previous), &next, day("2026-03-11"));
    let kinds: Vec<_> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Rectification]);
}

#[test]
fn another_start_of_the_same_fact_is_one_rectification() {
    let previous = at(&[(Some("2010-01-01"), "037006"), (Some("2026-03-05"), "037032")]);
    let next = merge_export(Some(&previous), at(&[(Some("2026-03-07"), "037032")]));
    let events = derive_events(Some(&previous), &next, day("2026-03-11"));
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.kind, event.effective_date))
        .collect();
    assert_eq!(told, [(EventKind::Rectification, Some(day("2026-03-07")))]);
}
