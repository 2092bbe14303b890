use registry::export::ExportForm;
use store::files::faulty::FaultyFiles;

use crate::fixture::{Row, card, day, export, import_context, no_files, open_store};
use crate::import::{ImportContext, ImportReport, import};

use super::*;

const GONE_2019: &[(&str, &str)] = &[
    ("cancellazione_motivo", "5"),
    ("cancellazione_decorrenza", "2019-03-01"),
];
const GONE_LEAP: &[(&str, &str)] = &[
    ("cancellazione_motivo", "5"),
    ("cancellazione_decorrenza", "2020-02-29"),
];
const DIED_2018: &[(&str, &str)] = &[
    ("cancellazione_motivo", "2"),
    ("cancellazione_decorrenza", "2018-07-10"),
    ("decesso_data", "2018-07-09"),
];
const DEAD_BY_REASON: &[(&str, &str)] = &[
    ("cancellazione_motivo", "2"),
    ("cancellazione_decorrenza", "2018-07-10"),
];
const ROWS: [Row<'static>; 5] = [
    ("resident", &[]),
    ("gone", GONE_2019),
    ("gone-leap", GONE_LEAP),
    ("died", DIED_2018),
    ("dead-by-reason", DEAD_BY_REASON),
];

const TWO_AND_FOUR: Retention = Retention {
    cancelled_years: Some(2),
    deceased_years: Some(4),
};

fn store() -> (std::sync::Arc<FaultyFiles>, MunicipalStore) {
    let files = no_files();
    let mut store = open_store(&files);
    let report = import_with(&mut store, Retention::default(), "2019-12-31");
    assert_eq!(
        (report.created, report.quarantined),
        (4, 1),
        "one row lies in the future: {report:?}"
    );
    let report = import_with(&mut store, Retention::default(), "2020-03-01");
    assert_eq!((report.created, report.quarantined), (1, 0));
    (files, store)
}

fn import_with(store: &mut MunicipalStore, retention: Retention, date: &str) -> ImportReport {
    let context = ImportContext {
        retention,
        day: day(date),
        ..import_context()
    };
    import(store, export(&ROWS).as_bytes(), context, &ExportForm::default()).unwrap()
}

#[track_caller]
fn over(store: &MunicipalStore, name: &str, retention: Retention, last_day_within: &str) {
    let record = store.card(&card(name)).unwrap().unwrap();
    let last = day(last_day_within);
    assert!(!retention.is_over(&record, last), "{name} on {last}");
    assert!(
        retention.is_over(&record, last.succ_opt().unwrap()),
        "{name} after {last}"
    );
}

#[test]
fn a_term_is_over_on_the_same_day_some_years_later() {
    let (_, store) = store();
    over(&store, "gone", TWO_AND_FOUR, "2021-02-28");
    over(&store, "gone-leap", TWO_AND_FOUR, "2022-02-28");
    over(&store, "died", TWO_AND_FOUR, "2022-07-08");
    over(&store, "dead-by-reason", TWO_AND_FOUR, "2022-07-09");
    let resident = store.card(&card("resident")).unwrap().unwrap();
    assert!(!TWO_AND_FOUR.is_over(&resident, day("2300-01-01")));
}

#[test]
fn each_term_stands_alone_and_without_one_cards_stay() {
    let (_, store) = store();
    let cancelled = Retention {
        deceased_years: None,
        ..TWO_AND_FOUR
    };
    let deceased = Retention {
        cancelled_years: None,
        ..TWO_AND_FOUR
    };
    let late = day("2100-01-01");
    let of = |name: &str| store.card(&card(name)).unwrap().unwrap();
    for (name, by_cancelled, by_deceased) in [
        ("gone", true, false),
        ("died", false, true),
        ("dead-by-reason", false, true),
    ] {
        assert_eq!(cancelled.is_over(&of(name), late), by_cancelled, "{name}");
        assert_eq!(deceased.is_over(&of(name), late), by_deceased, "{name}");
        assert!(!Retention::default().is_over(&of(name), late), "{name}");
    }
}

#[test]
fn cards_whose_term_is_over_are_withdrawn_with_ordinary_changes() {
    let (_, mut store) = store();
    let before = store.last_sequence();
    assert_eq!(
        withdraw(&mut store, Retention::default(), day("2100-01-01")).unwrap(),
        0
    );
    assert_eq!(withdraw(&mut store, TWO_AND_FOUR, day("2022-07-09")).unwrap(), 3);
    let changes = store.changes_from(before + 1, 10).unwrap();
    let withdrawn: Vec<_> = changes
        .iter()
        .map(|change| (change.local_id.as_str(), change.body == ChangeBody::Remove))
        .collect();
    assert_eq!(withdrawn, [("died", true), ("gone", true), ("gone-leap", true)]);
    assert_eq!(
        withdraw(&mut store, TWO_AND_FOUR, day("2022-07-09")).unwrap(),
        0,
        "once"
    );
}

#[test]
fn the_next_export_does_not_bring_them_back() {
    let (_, mut store) = store();
    withdraw(&mut store, TWO_AND_FOUR, day("2022-07-10")).unwrap();
    let end = store.last_sequence();
    let report = import_with(&mut store, TWO_AND_FOUR, "2022-07-10");
    assert_eq!((report.beyond_term, report.unchanged, report.removed), (4, 1, 0));
    assert_eq!((store.last_sequence(), store.cards()), (end, 1));
}

#[test]
fn an_import_withdraws_them_too() {
    let (_, mut store) = store();
    let report = import_with(&mut store, TWO_AND_FOUR, "2022-07-10");
    assert_eq!(
        (report.beyond_term, report.removed, report.removals_withheld),
        (4, 0, 0)
    );
    assert_eq!(store.cards(), 1);
}
