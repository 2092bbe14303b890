//! Incremental exports: what a row says happened, with its dates.

use chrono::NaiveDate;
use registry::change::{Change, RegistryEvent};
use registry::code::CivilStatus;
use registry::record::{Place, Record, ResidenceStanding};

use crate::fixture::day;
use crate::measure::{Bearing, CardNumber, Day, Order, set_measure};
use crate::retention::{Retention, withdraw};

use super::*;

/// A store with a card `1` of somebody who lives in via Emilia since 2005.
fn one_card() -> MunicipalStore {
    store_of(&export(&[("1", &[])])).1
}

#[track_caller]
fn incremental(store: &mut MunicipalStore, rows: &[Row<'_>]) -> ImportReport {
    incremental_on(store, "2025-01-10", rows)
}

#[track_caller]
fn incremental_on(store: &mut MunicipalStore, on: &str, rows: &[Row<'_>]) -> ImportReport {
    let form = ExportForm {
        kind: ExportKind::Incremental,
        mapping: None,
    };
    let context = ImportContext {
        day: day(on),
        ..import_context()
    };
    import(store, export(rows).as_bytes(), context, &form).unwrap()
}

fn streets(card: &Record) -> Vec<(Option<NaiveDate>, &str)> {
    let facts = card.residences.facts().iter();
    facts
        .map(|fact| match &fact.value.place {
            Place::Italian(address) => (fact.from, address.street.as_str()),
            Place::Foreign(_) | Place::Notional { .. } => (fact.from, ""),
        })
        .collect()
}

fn statuses(card: &Record) -> Vec<(Option<NaiveDate>, CivilStatus)> {
    card.civil_status
        .facts()
        .iter()
        .map(|fact| (fact.from, fact.value))
        .collect()
}

#[track_caller]
fn held(store: &MunicipalStore, number: &str) -> Record {
    store.card(&card(number)).unwrap().unwrap()
}

fn changes(store: &MunicipalStore, from: u64) -> Vec<Change> {
    store.changes_from(from, 100).unwrap()
}

/// Kind, event date, effective date and registration date.
fn dates(event: &RegistryEvent) -> (EventKind, Option<String>, Option<String>, String) {
    let RegistryEvent {
        kind,
        event_date,
        effective_date,
        registration_date,
        act: _,
    } = event;
    let text = |date: &Option<NaiveDate>| date.map(|date| date.to_string());
    (
        *kind,
        text(event_date),
        text(effective_date),
        registration_date.to_string(),
    )
}

#[test]
fn the_act_behind_an_event_travels_with_it_and_an_incomplete_reference_does_not() {
    let mut store = one_card();
    let married = [
        ("stato_civile", "2"),
        ("decorrenza_stato_civile", "2024-06-15"),
        ("evento", "MARRIAGE"),
        ("atto_comune", "037006"),
        ("atto_anno", "2024"),
        ("atto_parte", "2"),
        ("atto_serie", "A"),
        ("atto_numero", "12"),
    ];
    let report = incremental(&mut store, &[("1", &married)]);
    assert_eq!((report.updated, report.quarantined), (1, 0));
    let act = changes(&store, 2)[0].events[0].act.unwrap();
    let words = [act.office, act.part, act.series, Some(act.number)];
    let words = words.map(|word| word.map(|word| word.as_str().to_owned()).unwrap_or_default());
    assert_eq!(words, ["", "2", "A", "12"]);
    assert_eq!((act.municipality.as_str(), act.year), ("037006", 2024));

    let report = incremental(
        &mut store,
        &[(
            "1",
            &[("via", "Cavour"), ("evento", "MARRIAGE"), ("atto_anno", "2024")],
        )],
    );
    assert_eq!((report.updated, report.findings.count_of("PN115")), (1, 2));
    assert_eq!(changes(&store, 3)[0].events[0].act, None);
}

const MOVED: [(&str, &str); 2] = [("via", "Cavour"), ("decorrenza_residenza", "2024-12-01")];

#[test]
fn a_card_that_is_not_named_stays() {
    let (_, mut store) = store_of(&export(&THREE));
    let report = incremental(&mut store, &[("2", &MOVED), ("4", &[])]);
    counted(&report, [1, 1, 0, 0, 0, 0]);
    assert_eq!(store.cards(), 4);
    let again = incremental(&mut store, &[("2", &MOVED), ("4", &[])]);
    counted(&again, [0, 0, 0, 2, 0, 0]);
}

#[test]
fn a_card_is_withdrawn_where_a_row_says_so() {
    let (_, mut store) = store_of(&export(&THREE));
    let gone = [("operazione", "C"), ("sesso", ""), ("registro", "")];
    counted(&incremental(&mut store, &[("2", &gone)]), [0, 0, 1, 0, 0, 0]);
    assert_eq!((store.card(&card("2")).unwrap(), store.cards()), (None, 2));
    let again = incremental(&mut store, &[("2", &gone)]);
    assert_eq!((again.removed, again.findings.count_of("PN114")), (0, 1));
    assert_eq!(store.last_sequence(), 4);
}

#[test]
fn operations_of_one_card_are_done_in_the_order_of_the_file() {
    let mut store = one_card();
    let back = [("via", "Appia"), ("decorrenza_residenza", "2025-01-02")];
    let report = incremental(
        &mut store,
        &[
            ("1", &MOVED),
            ("1", &back),
            ("1", &[("operazione", "C")]),
            ("1", &back),
        ],
    );
    counted(&report, [1, 2, 1, 0, 0, 0]);
    let changes = changes(&store, 2);
    let ChangeBody::Upsert(second) = &changes[1].body else {
        panic!("the card")
    };
    let expected = [
        (Some(day("2005-01-01")), "Emilia"),
        (Some(day("2024-12-01")), "Cavour"),
        (Some(day("2025-01-02")), "Appia"),
    ];
    assert_eq!(streets(second), expected);
    assert_eq!(changes[2].body, ChangeBody::Remove);
    assert_eq!(
        streets(&held(&store, "1")),
        expected[2..],
        "what was withdrawn begins anew"
    );
}

#[test]
fn a_stated_event_keeps_its_dates_and_stands_alone() {
    let mut store = one_card();
    let married = [
        ("stato_civile", "2"),
        ("decorrenza_stato_civile", "2024-06-15"),
        ("evento", "MARRIAGE"),
        ("evento_data", "2024-06-15"),
        ("evento_decorrenza", "2024-06-16"),
        ("evento_registrazione", "2024-09-02"),
    ];
    incremental(&mut store, &[("1", &married)]);
    let [change] = changes(&store, 2).try_into().unwrap();
    let text = |date: &str| Some(date.to_owned());
    assert_eq!(
        change.events.iter().map(dates).collect::<Vec<_>>(),
        [(
            EventKind::Marriage,
            text("2024-06-15"),
            text("2024-06-16"),
            "2024-09-02".to_owned()
        )]
    );
}

#[test]
fn a_late_registration_finds_its_place_and_keeps_its_day() {
    let mut store = one_card();
    incremental(&mut store, &[("1", &MOVED)]);
    // Registered in January: a dwelling between the two, in which the person lived from 2015 on.
    let between = [
        ("via", "Zappi"),
        ("decorrenza_residenza", "2015-03-01"),
        ("evento_registrazione", "2025-01-08"),
    ];
    let still = [
        ("via", "Cavour"),
        ("decorrenza_residenza", "2024-12-01"),
        ("evento_registrazione", "2025-01-08"),
    ];
    incremental(&mut store, &[("1", &between), ("1", &still)]);
    let card = held(&store, "1");
    assert_eq!(
        streets(&card),
        [
            (Some(day("2005-01-01")), "Emilia"),
            (Some(day("2015-03-01")), "Zappi"),
            (Some(day("2024-12-01")), "Cavour"),
        ]
    );
    let registered: Vec<_> = changes(&store, 3)
        .iter()
        .flat_map(|change| &change.events)
        .map(|event| event.registration_date)
        .collect();
    assert!(!registered.is_empty() && registered.iter().all(|on| *on == day("2025-01-08")));
}

#[test]
fn a_rectified_start_leaves_no_second_fact() {
    let mut store = one_card();
    incremental(&mut store, &[("1", &MOVED)]);
    let mended = [
        ("via", "Cavour"),
        ("decorrenza_residenza", "2024-11-15"),
        ("evento", "RECTIFICATION"),
        ("evento_decorrenza", "2024-11-15"),
        ("evento_registrazione", "2025-01-07"),
    ];
    incremental(&mut store, &[("1", &mended)]);
    let expected = [
        (Some(day("2005-01-01")), "Emilia"),
        (Some(day("2024-11-15")), "Cavour"),
    ];
    assert_eq!(streets(&held(&store, "1")), expected);
    // Later too, where a fact under a new start would be added.
    let later = [
        ("via", "Cavour"),
        ("decorrenza_residenza", "2024-12-20"),
        ("evento", "RECTIFICATION"),
        ("evento_registrazione", "2025-01-08"),
    ];
    incremental(&mut store, &[("1", &later)]);
    let expected = [
        (Some(day("2005-01-01")), "Emilia"),
        (Some(day("2024-12-20")), "Cavour"),
    ];
    assert_eq!(streets(&held(&store, "1")), expected);
    assert_eq!(changes(&store, 4)[0].events[0].kind, EventKind::Rectification);
}

const ANNULLED: [(&str, &str); 3] = [
    ("operazione", "X"),
    ("evento_data", "2025-01-05"),
    ("evento_registrazione", "2025-01-06"),
];

#[test]
fn an_annulment_brings_the_version_before_back_and_is_done_once() {
    let mut store = one_card();
    let before = held(&store, "1");
    incremental_on(&mut store, "2025-01-03", &[("1", &MOVED)]);
    let married = [
        MOVED[0],
        MOVED[1],
        ("stato_civile", "2"),
        ("decorrenza_stato_civile", "2025-01-04"),
    ];
    incremental_on(&mut store, "2025-01-04", &[("1", &married)]);
    assert_eq!(statuses(&held(&store, "1")).len(), 2);
    let report = incremental(&mut store, &[("1", &ANNULLED)]);
    assert_eq!((report.annulled, report.quarantined), (1, 0));
    let card = held(&store, "1");
    assert_eq!(statuses(&card), [(None, CivilStatus::Single)]);
    assert_eq!(streets(&card).len(), 2, "only the last operation was annulled");
    let event = dates(&changes(&store, 4)[0].events[0]);
    assert_eq!(
        event,
        (
            EventKind::Annulment,
            Some("2025-01-05".to_owned()),
            None,
            "2025-01-06".to_owned()
        )
    );

    let again = incremental(&mut store, &[("1", &ANNULLED)]);
    assert_eq!(
        (again.annulled, again.unchanged, store.last_sequence()),
        (0, 1, 4)
    );
    let next_day = [("operazione", "X"), ("evento_registrazione", "2025-01-07")];
    incremental(&mut store, &[("1", &next_day)]);
    assert!(held(&store, "1") == before, "the next annulment goes one further");
    let last = [("operazione", "X"), ("evento_registrazione", "2025-01-10")];
    incremental(&mut store, &[("1", &last)]);
    assert_eq!(store.cards(), 0, "nothing was before the first operation");
}

#[test]
fn a_withdrawal_is_annulled_too() {
    let mut store = one_card();
    let before = held(&store, "1");
    incremental(&mut store, &[("1", &[("operazione", "C")])]);
    let undo = [("operazione", "X"), ("evento_registrazione", "2025-01-10")];
    assert_eq!(incremental(&mut store, &[("1", &undo)]).annulled, 1);
    assert!(held(&store, "1") == before);
}

const TERM: Retention = Retention {
    cancelled_years: Some(2),
    deceased_years: Some(2),
};

/// Emigrated on that day; imported as a row of an incremental export on another.
fn emigrated(store: &mut MunicipalStore, on: &str, effective: &str) {
    let gone = [
        ("cancellazione_motivo", "5"),
        ("cancellazione_decorrenza", effective),
    ];
    let report = incremental_on(store, on, &[("1", &gone)]);
    assert_eq!(
        (report.updated, report.quarantined),
        (1, 0),
        "{:?}",
        report.findings
    );
}

fn within_terms(store: &mut MunicipalStore, rows: &[Row<'_>]) -> ImportReport {
    let form = ExportForm {
        kind: ExportKind::Incremental,
        mapping: None,
    };
    let context = ImportContext {
        retention: TERM,
        day: day("2025-01-10"),
        ..import_context()
    };
    import(store, export(rows).as_bytes(), context, &form).unwrap()
}

#[test]
fn an_annulment_passes_over_the_end_of_the_term_of_publication() {
    let mut store = one_card();
    let before = held(&store, "1");
    emigrated(&mut store, "2025-01-03", "2019-03-01");
    assert_eq!(withdraw(&mut store, TERM, day("2025-01-04")).unwrap(), 1);
    let report = within_terms(&mut store, &[("1", &ANNULLED)]);
    assert_eq!(
        (report.annulled, report.beyond_term, report.quarantined),
        (1, 0, 0)
    );
    assert!(
        held(&store, "1") == before,
        "who never emigrated is a resident again"
    );
    let last = store.last_sequence();
    let again = within_terms(&mut store, &[("1", &ANNULLED)]);
    assert_eq!(
        (again.annulled, again.unchanged, store.last_sequence()),
        (0, 1, last)
    );
}

#[test]
fn what_an_annulment_brings_back_is_not_published_beyond_its_term_and_the_next_one_goes_further() {
    let mut store = one_card();
    let before = held(&store, "1");
    emigrated(&mut store, "2025-01-02", "2019-03-01");
    emigrated(&mut store, "2025-01-03", "2018-03-01");
    assert_eq!(withdraw(&mut store, TERM, day("2025-01-04")).unwrap(), 1);
    for _again in 0..2 {
        within_terms(&mut store, &[("1", &ANNULLED)]);
        assert_eq!(store.cards(), 0, "both days are long ago");
        assert_eq!(store.last_sequence(), 5, "and once");
    }
    let next_day = [("operazione", "X"), ("evento_registrazione", "2025-01-07")];
    assert_eq!(within_terms(&mut store, &[("1", &next_day)]).annulled, 1);
    assert!(held(&store, "1") == before);
}

#[test]
fn protection_outlives_the_end_of_the_term_and_its_annulment() {
    let mut store = one_card();
    emigrated(&mut store, "2025-01-03", "2019-03-01");
    let protect = Order::Protect {
        basis: "shelter".to_owned(),
        from: None,
        until: None,
    };
    measure(&mut store, &protect);
    assert_eq!(withdraw(&mut store, TERM, day("2025-01-07")).unwrap(), 1);
    assert_eq!(within_terms(&mut store, &[("1", &ANNULLED)]).annulled, 1);
    assert!(held(&store, "1").protected_on(day("2025-01-10")));
}

#[test]
fn what_is_not_the_last_operation_is_not_annulled() {
    let mut store = one_card();
    incremental(&mut store, &[("1", &MOVED)]);
    let (digest, last) = (store.digest().clone(), store.last_sequence());
    // Registered before the last operation was; and of a card that nobody knows.
    let earlier = [("operazione", "X"), ("evento_registrazione", "2025-01-09")];
    let report = incremental(&mut store, &[("1", &earlier), ("9", &earlier)]);
    assert_eq!((report.annulled, report.quarantined), (0, 2));
    assert_eq!(report.findings.count_of("EN077"), 2);
    assert_eq!((store.digest(), store.last_sequence()), (&digest, last));
}

#[test]
fn an_operation_and_its_annulment_in_one_file_are_done_in_their_order() {
    let mut store = one_card();
    let before = held(&store, "1");
    let file: [Row<'_>; 2] = [("1", &MOVED), ("1", &ANNULLED)];
    for _again in 0..2 {
        let report = incremental(&mut store, &file);
        assert_eq!((report.updated, report.annulled, report.quarantined), (1, 1, 0));
        assert!(held(&store, "1") == before);
    }
}

fn measure(store: &mut MunicipalStore, order: &Order) {
    set_measure(store, &CardNumber("1".to_owned()), order, day("2025-01-06")).unwrap();
}

#[test]
fn an_annulment_passes_over_measures_and_takes_none_back() {
    let mut store = one_card();
    let before = held(&store, "1");
    incremental_on(&mut store, "2025-01-03", &[("1", &MOVED)]);
    let protect = Order::Protect {
        basis: "shelter".to_owned(),
        from: None,
        until: None,
    };
    measure(&mut store, &protect);
    assert_eq!(incremental(&mut store, &[("1", &ANNULLED)]).annulled, 1);
    let card = held(&store, "1");
    assert!(
        card.residences == before.residences,
        "the move was annulled, not the measure"
    );
    assert!(card.protected_on(day("2025-01-10")));

    // A measure after the annulment: the file that comes again annuls nothing more.
    measure(&mut store, &Order::Unprotect);
    measure(&mut store, &protect);
    let last = store.last_sequence();
    let again = incremental(&mut store, &[("1", &ANNULLED)]);
    assert_eq!(
        (again.annulled, again.unchanged, store.last_sequence()),
        (0, 1, last)
    );
    assert!(held(&store, "1").protected_on(day("2025-01-10")));
}

#[test]
fn nothing_comes_back_from_before_a_seal() {
    let mut store = one_card();
    incremental_on(&mut store, "2025-01-03", &[("1", &MOVED)]);
    measure(
        &mut store,
        &Order::Seal {
            basis: "adoption".to_owned(),
            from: Day(day("2025-01-05")),
            identity: Bearing::Old,
        },
    );
    let sealed = held(&store, "1");
    let report = incremental(&mut store, &[("1", &ANNULLED)]);
    assert_eq!((report.annulled, report.findings.count_of("EN077")), (0, 1));
    assert!(held(&store, "1") == sealed);
}

#[test]
fn a_residence_with_reservation_that_is_undone_leaves_the_one_before() {
    let mut store = one_card();
    let before = held(&store, "1");
    let reserved = [MOVED[0], MOVED[1], ("residenza_con_riserva", "S")];
    incremental_on(&mut store, "2024-12-03", &[("1", &reserved)]);
    let standing = held(&store, "1").residences.latest().unwrap().value.standing;
    assert_eq!(standing, ResidenceStanding::Provisional);
    incremental(&mut store, &[("1", &ANNULLED)]);
    assert!(held(&store, "1") == before);
}

#[test]
fn operations_in_a_total_export_are_refused() {
    let mut store = one_card();
    let report = import_text(&mut store, &export(&[("1", &[("operazione", "C")])]));
    assert_eq!((report.removed, report.findings.count_of("PN110")), (0, 1));
    assert_eq!(store.cards(), 1, "the card stays as it was");
}

#[test]
fn one_row_in_twenty_thousand_is_one_change() {
    let (_, mut store) = store_of(&residents(20_000));
    let changed = residents(20_000).replacen("S12345;APR;Rossi", "S12345;APR;Verdi", 1);
    let report = import_text(&mut store, &changed);
    counted(&report, [0, 1, 0, 19_999, 0, 0]);
    assert_eq!(store.last_sequence(), 20_001);
}
