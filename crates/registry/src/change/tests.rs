mod merging;

use proptest::prelude::*;

use super::*;
use crate::code::{
    AprCancellationReason, AprRegistrationReason, CancellationReason, CivilStatus, HouseholdRole, Kinship,
    RegistrationReason,
};
use crate::measure::NewIdentity;
use crate::record::{Cancellation, Death, Place, Record, Sex, TaxCodeEntry};
use crate::sealing::stripped;
use crate::testing::{
    any_record, day, full_record, istat, measured_record, name, open_record, state, tax_code, timeline,
};
use crate::timeline::{Dated, Timeline};

fn statuses(facts: &[(Option<&str>, CivilStatus)]) -> Timeline<CivilStatus> {
    Timeline::from_facts(facts.iter().map(|(from, value)| Dated {
        from: from.map(day),
        value: *value,
    }))
}

#[test]
fn a_fact_of_an_export_finds_its_place_in_the_history() {
    use CivilStatus::{Divorced as D, Married as M, Single as S, Widowed as W};
    type Facts<'a> = &'a [(Option<&'a str>, CivilStatus)];
    let cases: &[(&str, Facts<'_>, Facts<'_>, Facts<'_>)] = &[
        (
            "first",
            &[],
            &[(Some("2010-01-01"), M)],
            &[(Some("2010-01-01"), M)],
        ),
        (
            "new start is added",
            &[(None, S), (Some("2010-01-01"), M)],
            &[(Some("2020-01-01"), D)],
            &[(None, S), (Some("2010-01-01"), M), (Some("2020-01-01"), D)],
        ),
        (
            "same start supersedes",
            &[(None, S), (Some("2010-01-01"), M)],
            &[(Some("2010-01-01"), W)],
            &[(None, S), (Some("2010-01-01"), W)],
        ),
        (
            "same fact changes nothing",
            &[(None, S), (Some("2010-01-01"), M)],
            &[(Some("2010-01-01"), M)],
            &[(None, S), (Some("2010-01-01"), M)],
        ),
        (
            "later facts are annulled",
            &[(None, S), (Some("2010-01-01"), M), (Some("2020-01-01"), D)],
            &[(Some("2012-01-01"), W)],
            &[(None, S), (Some("2010-01-01"), M), (Some("2012-01-01"), W)],
        ),
        (
            "no start, same value: nothing learnt",
            &[(None, S), (Some("2010-01-01"), M)],
            &[(None, M)],
            &[(None, S), (Some("2010-01-01"), M)],
        ),
        (
            "no start, other value: stands alone",
            &[(None, S), (Some("2010-01-01"), M)],
            &[(None, W)],
            &[(None, W)],
        ),
        (
            "a start becomes known",
            &[(None, M)],
            &[(Some("2010-01-01"), M)],
            &[(Some("2010-01-01"), M)],
        ),
        (
            "a start was too early",
            &[(None, S), (Some("2010-01-01"), M)],
            &[(Some("2010-01-03"), M)],
            &[(None, S), (Some("2010-01-03"), M)],
        ),
        (
            "a start was too late",
            &[(None, S), (Some("2010-01-01"), M)],
            &[(Some("2009-12-30"), M)],
            &[(None, S), (Some("2009-12-30"), M)],
        ),
        (
            "the last fact is undone",
            &[(None, S), (Some("2010-01-01"), M), (Some("2020-01-01"), D)],
            &[(Some("2010-01-01"), M)],
            &[(None, S), (Some("2010-01-01"), M)],
        ),
        ("withdrawn", &[(None, S), (Some("2010-01-01"), M)], &[], &[]),
    ];
    for (case, known, stated, merged) in cases {
        let previous = Record {
            civil_status: statuses(known),
            ..open_record()
        };
        let incoming = Record {
            civil_status: statuses(stated),
            ..open_record()
        };
        let next = merge_export(Some(&previous), incoming);
        assert_eq!(next.civil_status, statuses(merged), "{case}");
    }
}

#[test]
fn a_past_codice_fiscale_stays_before_the_current_one() {
    let entry = |given_name: &str, from: Option<&str>| TaxCodeEntry {
        code: tax_code("Rossi", given_name, Sex::Male, "1980-03-05", "A944"),
        validated: true,
        from: from.map(day),
    };
    let (old, new) = (entry("Ugo", Some("1980-04-01")), entry("Gino", None));
    let merged = |known: Vec<TaxCodeEntry>, stated: Vec<TaxCodeEntry>| {
        let previous = Record {
            tax_codes: known,
            ..open_record()
        };
        merge_export(
            Some(&previous),
            Record {
                tax_codes: stated,
                ..open_record()
            },
        )
        .tax_codes
    };
    let both = vec![old.clone(), new.clone()];
    assert_eq!(merged(vec![old.clone()], vec![new.clone()]), both);
    assert_eq!(merged(both.clone(), vec![new.clone()]), both);
    assert_eq!(merged(both.clone(), vec![old.clone()]), [new, old.clone()]);
    let unvalidated = TaxCodeEntry {
        validated: false,
        from: None,
        code: old.code,
    };
    assert_eq!(
        merged(vec![old.clone()], vec![unvalidated]),
        [TaxCodeEntry {
            validated: false,
            ..old
        }]
    );
    assert!(merged(both, Vec::new()).is_empty());
}

/// Kinds and effective dates of what happened between [`open_record`] and a changed one.
fn events(change: impl FnOnce(&mut Record)) -> Vec<(EventKind, Option<String>)> {
    let previous = open_record();
    let mut next = open_record();
    change(&mut next);
    let registered = day("2025-01-10");
    derive_events(Some(&previous), &next, registered)
        .into_iter()
        .inspect(|event| assert_eq!(event.registration_date, registered))
        .map(|event| (event.kind, event.effective_date.map(|date| date.to_string())))
        .collect()
}

#[test]
fn each_difference_is_told_as_its_event() {
    type Edit = fn(&mut Record);
    type Told<'a> = &'a [(EventKind, Option<&'a str>)];
    let cases: &[(Edit, Told<'_>)] = &[
        (|_| {}, &[]),
        (
            |record| record.generalities.surname = Some(name("Bianchi")),
            &[(EventKind::Rectification, None)],
        ),
        (
            |record| record.parents.clear(),
            &[(EventKind::Rectification, None)],
        ),
        (
            |record| record.tax_codes[0].validated = false,
            &[(EventKind::TaxCode, Some("1981-01-02"))],
        ),
        (
            |record| record.identity_document = None,
            &[(EventKind::IdentityDocument, None)],
        ),
        (
            |record| record.flags.procedure_open = true,
            &[(EventKind::Marker, None)],
        ),
        (|record| record.national_id = None, &[(EventKind::Marker, None)]),
        (
            |record| {
                record.civil_status.record(Dated {
                    from: Some(day("2022-02-02")),
                    value: CivilStatus::Divorced,
                });
            },
            &[(EventKind::Dissolution, Some("2022-02-02"))],
        ),
        (
            |record| {
                record.civil_status.record(Dated {
                    from: Some(day("2022-02-02")),
                    value: CivilStatus::Widowed,
                });
            },
            &[(EventKind::Widowhood, Some("2022-02-02"))],
        ),
        (
            |record| {
                record.civil_status.record(Dated {
                    from: Some(day("2022-02-02")),
                    value: CivilStatus::CivillyUnited,
                });
            },
            &[(EventKind::CivilUnion, Some("2022-02-02"))],
        ),
        (
            |record| {
                record.civil_status.record(Dated {
                    from: Some(day("2010-06-12")),
                    value: CivilStatus::Single,
                });
            },
            &[(EventKind::Rectification, Some("2010-06-12"))],
        ),
        (
            |record| record.civil_status = Timeline::default(),
            &[(EventKind::Annulment, Some("2010-06-12"))],
        ),
        (
            |record| {
                record.citizenships.record(Dated {
                    from: Some(day("2021-01-01")),
                    value: vec![state("100")],
                });
            },
            &[(EventKind::Citizenship, Some("2021-01-01"))],
        ),
        (
            |record| {
                let mut moved = record.residences.latest().unwrap().value.clone();
                moved.place = Place::Notional {
                    municipality: istat("037032"),
                };
                record.residences.record(Dated {
                    from: Some(day("2023-03-03")),
                    value: moved,
                });
            },
            &[(EventKind::ChangeOfDwelling, Some("2023-03-03"))],
        ),
        (
            |record| {
                let mut link = record.households.latest().unwrap().value.clone();
                link.role = HouseholdRole::Family(Kinship::Spouse);
                record.households.record(Dated {
                    from: Some(day("2023-03-03")),
                    value: link,
                });
            },
            &[(EventKind::HouseholdChange, Some("2023-03-03"))],
        ),
        (
            |record| record.registration.effective = Some(day("2004-12-31")),
            &[(EventKind::Rectification, Some("2004-12-31"))],
        ),
        (
            |record| {
                record.registration.reason = RegistrationReason::Apr(AprRegistrationReason::Reappearance);
                record.registration.effective = Some(day("2019-12-31"));
            },
            &[(EventKind::Registration, Some("2019-12-31"))],
        ),
        (
            |record| {
                let reason = CancellationReason::Apr(AprCancellationReason::MoveAbroadToAire);
                record.cancellation = Some(Cancellation {
                    reason,
                    effective: day("2024-05-05"),
                    destination: None,
                });
            },
            &[(EventKind::Emigration, Some("2024-05-05"))],
        ),
        (
            |record| {
                let reason = CancellationReason::Apr(AprCancellationReason::Untraceable);
                record.cancellation = Some(Cancellation {
                    reason,
                    effective: day("2024-05-05"),
                    destination: None,
                });
            },
            &[(EventKind::Cancellation, Some("2024-05-05"))],
        ),
        (
            |record| {
                record.death = full_record().death;
                record.cancellation = full_record().cancellation;
            },
            &[(EventKind::Death, Some("2024-11-20"))],
        ),
        (
            |record| {
                record.death = Some(Death {
                    date: day("2024-11-20"),
                    place: None,
                })
            },
            &[(EventKind::Death, None)],
        ),
    ];
    for (position, (edit, expected)) in cases.iter().enumerate() {
        let expected: Vec<_> = expected
            .iter()
            .map(|(kind, date)| (*kind, date.map(str::to_owned)))
            .collect();
        assert_eq!(events(edit), expected, "case {position}");
    }
}

#[test]
fn what_is_undone_is_an_annulment() {
    let kinds = |previous: &Record, next: &Record| -> Vec<EventKind> {
        derive_events(Some(previous), next, day("2025-01-10"))
            .iter()
            .map(|event| event.kind)
            .collect()
    };
    let mut dead = open_record();
    dead.death = full_record().death;
    dead.cancellation = full_record().cancellation;
    assert_eq!(
        kinds(&dead, &open_record()),
        [EventKind::Annulment, EventKind::Annulment]
    );
    let mut other_day = dead.clone();
    other_day.death = Some(Death {
        date: day("2024-11-19"),
        place: None,
    });
    assert_eq!(kinds(&dead, &other_day), [EventKind::Rectification]);
}

#[test]
fn a_first_version_tells_how_the_person_came_and_left() {
    let told = |record: &Record| -> Vec<_> {
        derive_events(None, record, day("2025-01-10"))
            .iter()
            .map(|event| (event.kind, event.event_date, event.effective_date))
            .collect()
    };
    let came = (EventKind::Immigration, None, Some(day("2005-01-01")));
    assert_eq!(told(&open_record()), [came]);
    let died = (EventKind::Death, Some(day("2024-11-20")), Some(day("2024-11-20")));
    assert_eq!(told(&full_record()), [came, died]);
    let mut born_here = open_record();
    born_here.registration.reason = RegistrationReason::Apr(AprRegistrationReason::Birth);
    born_here.registration.effective = Some(day("1980-03-05"));
    assert_eq!(
        told(&born_here),
        [(EventKind::Birth, Some(day("1980-03-05")), Some(day("1980-03-05")))]
    );
}

/// Changes of one card: versions by the surname they give, `-` for a removal, with the kind of their event.
fn history(versions: &[(&str, EventKind)]) -> Vec<Change> {
    let change = |(surname, kind): &(&str, EventKind)| Change {
        sequence: 1,
        local_id: open_record().local_id,
        body: match *surname {
            "-" => ChangeBody::Remove,
            surname => {
                let mut card = open_record();
                card.generalities.surname = Some(name(surname));
                ChangeBody::Upsert(Box::new(card))
            }
        },
        events: vec![RegistryEvent {
            kind: *kind,
            event_date: None,
            effective_date: None,
            registration_date: day("2025-01-10"),
            act: None,
        }],
    };
    versions.iter().map(change).collect()
}

#[test]
fn the_last_operation_that_still_stands_is_the_one_to_undo() {
    use EventKind::{Annulment as X, Emigration as E, Marker as M};
    type Versions<'a> = &'a [(&'a str, EventKind)];
    let cases: &[(Versions<'_>, Option<Option<&str>>)] = &[
        (&[], None),
        (&[("A", M)], Some(None)),
        (&[("A", M), ("B", M)], Some(Some("A"))),
        (&[("A", M), ("B", M), ("C", M)], Some(Some("B"))),
        // What was undone counts no more, and what followed it counts.
        (&[("A", M), ("B", M), ("A", X)], Some(None)),
        (&[("A", M), ("B", M), ("C", M), ("B", X)], Some(Some("A"))),
        (&[("A", M), ("B", M), ("A", X), ("C", M)], Some(Some("A"))),
        (&[("A", M), ("-", X)], None),
        (&[("A", M), ("-", E)], Some(Some("A"))),
        (&[("A", M), ("-", E), ("A", X)], Some(None)),
        // An annulment of a fact that brings another version is an operation of its own.
        (&[("A", M), ("B", M), ("C", X)], Some(Some("B"))),
        // The version of before, brought back by an operation that annuls nothing.
        (&[("A", M), ("B", M), ("A", M)], Some(Some("B"))),
    ];
    for (versions, expected) in cases {
        let changes = history(versions);
        let undone = undo_last(&changes);
        let told = undone.map(|card| card.map(|card| card.generalities.surname.as_ref().unwrap().as_str()));
        assert_eq!(told, *expected, "{versions:?}");
    }
}

#[test]
fn event_kinds_keep_their_numbers_and_codes() {
    for (number, kind) in (1u8..).zip(EventKind::ALL) {
        assert_eq!(
            (kind.number(), EventKind::from_number(number)),
            (number, Some(*kind))
        );
        assert_eq!(EventKind::from_code(kind.code()), Some(*kind));
    }
    assert_eq!(EventKind::ALL.len(), 19);
    assert_eq!(
        (EventKind::from_number(0), EventKind::from_number(20)),
        (None, None)
    );
}

#[test]
fn an_export_neither_sets_nor_ends_a_measure_and_never_clears_the_marker_of_protection() {
    let known = measured_record();
    let mut stated = full_record();
    stated.flags.protected = false;
    let next = merge_export(Some(&known), stated.clone());
    assert_eq!(next.measures, known.measures);
    assert!(next.flags.protected);
    let mut open = full_record();
    open.flags.protected = false;
    assert!(!merge_export(Some(&open), stated.clone()).flags.protected);
    stated.flags.protected = true;
    assert!(
        merge_export(Some(&open), stated).flags.protected,
        "an export may protect"
    );
}

#[test]
fn a_sealed_card_gains_the_new_identity_from_an_export_and_keeps_nothing_of_the_old() {
    let mut known = stripped(measured_record());
    if let Some(seal) = &mut known.measures.seal {
        seal.identity = NewIdentity::Awaited;
    }
    let same = merge_export(Some(&known), full_record());
    assert_eq!(
        same.measures, known.measures,
        "the back office still names the old identity"
    );
    let mut renamed = full_record();
    let code = tax_code("Nuovo", "Nome", Sex::Male, "1980-03-05", "A944");
    renamed.tax_codes = vec![TaxCodeEntry {
        code,
        validated: true,
        from: None,
    }];
    let next = merge_export(Some(&known), renamed);
    assert_eq!(
        next.measures.seal.map(|seal| seal.identity),
        Some(NewIdentity::Present)
    );
    assert_eq!(next.tax_codes.len(), 1);
    assert_eq!(next.current_tax_code(), Some(&code));
}

proptest! {
    #[test]
    fn the_same_export_twice_changes_nothing(known in any_record(), stated in any_record()) {
        let once = merge_export(Some(&known), stated.clone());
        let twice = merge_export(Some(&once), stated);
        prop_assert!(derive_events(Some(&once), &twice, day("2025-01-10")).is_empty());
        prop_assert!(once == twice);
    }

    #[test]
    fn what_the_export_says_is_what_holds(
        known in timeline(any::<u8>()),
        stated in proptest::option::of((proptest::option::of(0i32..36_000), any::<u8>())),
    ) {
        let code = |value: u8| CivilStatus::ALL[usize::from(value) % CivilStatus::ALL.len()];
        let date = |days| chrono::NaiveDate::from_num_days_from_ce_opt(701_000 + days).unwrap();
        let facts = known.facts().iter().map(|fact| Dated { from: fact.from, value: code(fact.value) });
        let previous = Record { civil_status: Timeline::from_facts(facts), ..open_record() };
        let stated = stated.map(|(from, value)| Timeline::starting(from.map(date), code(value))).unwrap_or_default();
        let next = merge_export(Some(&previous), Record { civil_status: stated.clone(), ..open_record() });
        let holds = next.civil_status.latest().map(|fact| fact.value);
        prop_assert_eq!(holds, stated.latest().map(|fact| fact.value));
    }
}
