mod incremental;
mod profile;

use registry::change::EventKind;
use registry::digest::SetDigest;
use store::files::faulty::FaultyFiles;

use crate::fixture::{Row, card, export, import_context, import_text, no_files, open_store, residents};

use super::*;

/// Created, updated, removed, unchanged, quarantined, removals withheld.
#[track_caller]
fn counted(report: &ImportReport, expect: [u64; 6]) {
    let ImportReport {
        created,
        updated,
        removed,
        unchanged,
        quarantined,
        removals_withheld,
        ..
    } = report;
    assert_eq!(
        [
            *created,
            *updated,
            *removed,
            *unchanged,
            *quarantined,
            *removals_withheld
        ],
        expect
    );
}

fn store_of(text: &str) -> (std::sync::Arc<FaultyFiles>, MunicipalStore) {
    let files = no_files();
    let mut store = open_store(&files);
    import_text(&mut store, text);
    (files, store)
}

const THREE: [Row<'static>; 3] = [("1", &[]), ("2", &[]), ("3", &[])];

#[test]
fn the_same_export_again_changes_nothing() {
    let (_, mut store) = store_of(&export(&THREE));
    assert_eq!((store.last_sequence(), store.cards()), (3, 3));
    let digest = store.digest().clone();
    let again = import_text(&mut store, &export(&THREE));
    counted(&again, [0, 0, 0, 3, 0, 0]);
    assert_eq!((store.last_sequence(), store.digest()), (3, &digest));
}

#[test]
fn a_row_that_changed_is_one_change_with_its_event() {
    let (_, mut store) = store_of(&export(&THREE));
    let moved = [("via", "Cavour"), ("decorrenza_residenza", "2024-12-01")];
    let report = import_text(&mut store, &export(&[("1", &[]), ("2", &moved), ("3", &[])]));
    counted(&report, [0, 1, 0, 2, 0, 0]);
    let changes = store.changes_from(4, 10).unwrap();
    assert_eq!(
        changes.iter().map(|change| change.sequence).collect::<Vec<_>>(),
        [4]
    );
    assert_eq!(changes[0].local_id, card("2"));
    assert_eq!(
        changes[0]
            .events
            .iter()
            .map(|event| event.kind)
            .collect::<Vec<_>>(),
        [EventKind::ChangeOfDwelling]
    );
    assert_eq!(
        store.card(&card("2")).unwrap().unwrap().residences.facts().len(),
        2,
        "the earlier one is history"
    );
}

#[test]
fn a_card_that_is_no_longer_there_is_withdrawn() {
    let (_, mut store) = store_of(&export(&THREE));
    let report = import_text(&mut store, &export(&[("1", &[]), ("3", &[])]));
    counted(&report, [0, 0, 1, 2, 0, 0]);
    assert_eq!(store.changes_from(4, 10).unwrap()[0].body, ChangeBody::Remove);
    assert_eq!((store.card(&card("2")).unwrap(), store.cards()), (None, 2));
}

#[test]
fn a_row_that_is_kept_aside_leaves_its_card_as_it_was() {
    let (_, mut store) = store_of(&export(&THREE));
    let before = store.card(&card("2")).unwrap();
    let report = import_text(
        &mut store,
        &export(&[("1", &[]), ("2", &[("sesso", "X")]), ("3", &[])]),
    );
    counted(&report, [0, 0, 0, 2, 1, 0]);
    assert_eq!(
        (store.card(&card("2")).unwrap(), store.last_sequence()),
        (before, 3)
    );
}

#[test]
fn a_row_that_names_no_card_prevents_every_withdrawal() {
    let (_, mut store) = store_of(&export(&THREE));
    let cut = format!("{}half of a ro", export(&[("1", &[])]));
    let report = import_text(&mut store, &cut);
    counted(&report, [0, 0, 0, 1, 1, 2]);
    assert_eq!(store.cards(), 3);
}

#[test]
fn an_export_that_would_withdraw_too_many_cards_is_taken_for_incomplete() {
    let (_, mut store) = store_of(&residents(200));
    counted(&import_text(&mut store, &residents(190)), [0, 0, 10, 190, 0, 0]);
    counted(&import_text(&mut store, &residents(100)), [0, 0, 0, 100, 0, 90]);
    let complete = ImportContext {
        removals: RemovalLimit::Unlimited,
        ..import_context()
    };
    counted(
        &import(
            &mut store,
            residents(100).as_bytes(),
            complete,
            &ExportForm::default(),
        )
        .unwrap(),
        [0, 0, 90, 100, 0, 0],
    );
    assert_eq!(store.cards(), 100);
}

#[test]
fn ten_withdrawals_are_always_admitted() {
    let (_, mut store) = store_of(&residents(20));
    counted(&import_text(&mut store, &residents(10)), [0, 0, 10, 10, 0, 0]);
    counted(&import_text(&mut store, &export(&[])), [0, 0, 10, 0, 0, 0]);
}

#[test]
fn a_long_export_is_journalled_whole_and_is_there_after_a_start() {
    let (files, store) = store_of(&residents(2_345));
    let digest: SetDigest = store.digest().clone();
    drop(store);
    let store = open_store(&files);
    assert_eq!(
        (store.last_sequence(), store.cards(), store.digest()),
        (2_345, 2_345, &digest)
    );
    let sequences: Vec<u64> = store
        .changes_from(1, 3_000)
        .unwrap()
        .iter()
        .map(|change| change.sequence)
        .collect();
    assert_eq!(sequences, (1..=2_345).collect::<Vec<_>>());
}
