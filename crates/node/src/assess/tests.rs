use registry::record::Record;

use crate::fixture::{Row, day, export, import_context, import_text, no_files, open_store};
use crate::import::{RemovalLimit, import};
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

/// What the mirror lost: cards that were open and are not, cards that are gone, but for those whose term was over.
fn lost(before: &[Record], after: &MunicipalStore, is_over: impl Fn(&Record) -> bool) -> [u64; 2] {
    let mut lost = [0, 0];
    for card in before.iter().filter(|card| !is_over(card)) {
        match after.card(&card.local_id).unwrap() {
            None => lost[1] += 1,
            Some(now) if card.is_open() && !now.is_open() => lost[0] += 1,
            Some(_) => {}
        }
    }
    lost
}

/// The rule of the count is the rule of the import: whatever a file says, what was counted is what the mirror loses.
#[test]
fn what_is_counted_is_what_the_import_takes_away() {
    let terms = Retention {
        cancelled_years: Some(10),
        deceased_years: None,
    };
    let over = [GONE[0], ("cancellazione_decorrenza", "2006-03-01")];
    let asks = |operation, registered| [("operazione", operation), ("evento_registrazione", registered)];
    let (withdraw, annul) = (asks("C", "2025-01-10"), asks("X", "2025-01-10"));
    let early = asks("X", "2020-01-10");
    let moved = [("via", "Cavour"), ("decorrenza_residenza", "2024-12-01")];
    let files: &[(&str, ExportKind, &[Row<'_>])] = &[
        (
            "a total one",
            ExportKind::Total,
            &[("1", GONE), ("2", &[]), ("4", GONE), ("6", DEAD)],
        ),
        ("nobody left", ExportKind::Total, &[]),
        (
            "an end long ago",
            ExportKind::Total,
            &[("2", &over), ("4", &over), ("new", &over)],
        ),
        (
            "annulled before the last operation",
            ExportKind::Incremental,
            &[("1", &early), ("4", &early)],
        ),
        (
            "annulled",
            ExportKind::Incremental,
            &[("1", &annul), ("4", &annul), ("5", &annul), ("9", &annul)],
        ),
        (
            "annulled twice",
            ExportKind::Incremental,
            &[("1", &annul), ("1", &annul)],
        ),
        (
            "moved and annulled",
            ExportKind::Incremental,
            &[("1", &moved), ("1", &annul)],
        ),
        (
            "withdrawn and annulled",
            ExportKind::Incremental,
            &[("5", &over), ("5", &withdraw)],
        ),
        (
            "ended, then withdrawn",
            ExportKind::Incremental,
            &[("1", GONE), ("1", &withdraw), ("2", GONE)],
        ),
        (
            "new and withdrawn",
            ExportKind::Incremental,
            &[("9", &withdraw), ("2", &withdraw)],
        ),
    ];
    for (name, kind, rows) in files {
        let mut store = open_store(&no_files());
        let start = export(&[
            ("1", &[]),
            ("2", &[]),
            ("3", &[]),
            ("4", GONE),
            ("5", &over),
            ("6", &[]),
        ]);
        import_text(&mut store, &start);
        let mut before = Vec::new();
        store.every_card(&mut |card| before.push(card)).unwrap();
        let context = ImportContext {
            retention: terms,
            removals: RemovalLimit::Unlimited,
            ..import_context()
        };
        let form = ExportForm {
            kind: *kind,
            mapping: None,
        };
        let text = export(rows);
        let counted = assess(&store, text.as_bytes(), context, &form).unwrap();
        import(&mut store, text.as_bytes(), context, &form).unwrap();
        let lost = lost(&before, &store, |card| terms.is_over(card, context.day));
        assert_eq!(
            counted.total(),
            lost.iter().sum::<u64>(),
            "{name}: counted {counted:?}, lost {lost:?}"
        );
    }
}

#[test]
fn cards_whose_term_is_over_leave_with_an_export_that_does_not_name_them_and_count_for_no_limit() {
    let over = [GONE[0], ("cancellazione_decorrenza", "2006-03-01")];
    let cards: Vec<String> = (1..=30).map(|number| number.to_string()).collect();
    let all: Vec<Row<'_>> = cards
        .iter()
        .enumerate()
        .map(|(at, card)| (card.as_str(), if at < 20 { &over[..] } else { &[][..] }))
        .collect();
    let mut store = open_store(&no_files());
    import_text(&mut store, &export(&all));
    let context = ImportContext {
        retention: Retention {
            cancelled_years: Some(10),
            deceased_years: None,
        },
        ..import_context()
    };
    // Of thirty cards ten may leave; eleven would, with those that are over.
    let text = export(&all[25..]);
    let counted = assess(&store, text.as_bytes(), context, &ExportForm::default()).unwrap();
    assert_eq!((counted.total(), counted.admitted), (5, 10));
    let report = import(&mut store, text.as_bytes(), context, &ExportForm::default()).unwrap();
    assert_eq!(
        (report.beyond_term, report.removed, report.removals_withheld),
        (20, 5, 0)
    );
    assert_eq!(store.cards(), 5);
}
