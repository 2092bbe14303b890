use crate::fixture::{day, export, import_context, import_text, no_files, open_store};
use crate::retention::Retention;

use super::*;

const GONE: &[(&str, &str)] = &[
    ("cancellazione_motivo", "5"),
    ("cancellazione_decorrenza", "2018-03-01"),
];
const DEAD: &[(&str, &str)] = &[("decesso_data", "2025-01-09")];
const BROKEN: &[(&str, &str)] = &[("sesso", "X")];

#[track_caller]
fn check(text: &str, retention: Retention, expect: [u64; 2]) {
    let mut store = open_store(&no_files());
    import_text(
        &mut store,
        &export(&[("1", &[]), ("2", &[]), ("3", &[]), ("4", GONE), ("5", &[])]),
    );
    let context = ImportContext {
        retention,
        day: day("2025-01-10"),
        ..import_context()
    };
    let before = (store.last_sequence(), store.digest().clone());
    let counted = assess(&store, text.as_bytes(), context, &ExportForm::default()).unwrap();
    assert_eq!([counted.cancelled, counted.missing], expect);
    assert_eq!((counted.cards, counted.journal_end, counted.admitted), (5, 5, 10));
    assert_eq!(
        (store.last_sequence(), store.digest().clone()),
        before,
        "nothing is changed"
    );
}

#[test]
fn newly_ended_cards_and_missing_ones_are_counted() {
    let open = Retention::default();
    check(
        &export(&[("1", &[]), ("2", &[]), ("3", &[]), ("4", GONE), ("5", &[])]),
        open,
        [0, 0],
    );
    check(
        &export(&[("1", GONE), ("2", DEAD), ("3", &[]), ("4", GONE)]),
        open,
        [2, 1],
    );
    check(
        &export(&[("1", BROKEN), ("2", &[]), ("3", &[]), ("4", GONE), ("5", &[])]),
        open,
        [0, 0],
    );
    check(&export(&[("1", &[]), ("new", GONE)]), open, [0, 4]);
    check(&export(&[]), open, [0, 5]);
}

#[test]
fn with_a_row_that_names_no_card_none_would_be_withdrawn() {
    let cut = format!("{}half of a ro", export(&[("1", GONE)]));
    check(&cut, Retention::default(), [1, 0]);
}

/// What the mirror has decides: an end that the export alone puts so far back may be a mapping's fault.
#[test]
fn cards_whose_term_is_over_in_the_mirror_do_not_count_and_those_that_only_a_row_ends_do() {
    let five = Retention {
        cancelled_years: Some(5),
        deceased_years: None,
    };
    check(&export(&[("1", GONE), ("2", DEAD), ("3", &[])]), five, [2, 1]);
    check(
        &export(&[("1", &[]), ("2", &[]), ("3", &[]), ("4", GONE), ("5", &[])]),
        five,
        [0, 0],
    );
}

#[test]
fn a_card_whose_end_a_row_puts_back_until_its_term_is_over_counts_as_withdrawn() {
    let ten = Retention {
        cancelled_years: Some(10),
        deceased_years: None,
    };
    let long_gone = [GONE[0], ("cancellazione_decorrenza", "2006-03-01")];
    let rows: [(&str, &[(&str, &str)]); 5] =
        [("1", &[]), ("2", &[]), ("3", &[]), ("4", &long_gone), ("5", &[])];
    check(&export(&rows), ten, [0, 1]);
}

#[test]
fn an_incremental_export_cancels_what_its_rows_say_and_nothing_else() {
    let mut store = open_store(&no_files());
    import_text(
        &mut store,
        &export(&[("1", &[]), ("2", &[]), ("3", &[]), ("4", GONE)]),
    );
    let form = ExportForm {
        kind: ExportKind::Incremental,
        mapping: None,
    };
    let asks = |operation| [("operazione", operation), ("evento_registrazione", "2025-01-10")];
    let (withdraw, annul) = (asks("C"), asks("X"));
    let text = export(&[("1", &withdraw), ("2", &annul), ("9", &withdraw), ("3", &[])]);
    let context = ImportContext {
        day: day("2025-01-10"),
        ..import_context()
    };
    let counted = assess(&store, text.as_bytes(), context, &form).unwrap();
    assert_eq!(
        [counted.cancelled, counted.missing],
        [0, 2],
        "one is withdrawn, of one the only operation is annulled"
    );
}
