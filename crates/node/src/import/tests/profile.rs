//! Exports under a publication profile: what is outside is neither journalled nor compared.

use registry::change::Change;
use registry::profile::{FieldGroup, GroupSet, Profile};

use super::*;

const ABROAD: [(&str, &str); 2] = [("registro", "AIRE"), ("iscrizione_motivo", "C01")];
const MARRIED: [(&str, &str); 4] = [
    ("stato_civile", "2"),
    ("decorrenza_stato_civile", "2024-12-20"),
    ("evento", "MARRIAGE"),
    ("evento_registrazione", "2024-12-21"),
];
const MOVED: [(&str, &str); 2] = [("via", "Cavour"), ("decorrenza_residenza", "2024-12-01")];

fn incremental(store: &mut MunicipalStore, rows: &[Row<'_>]) -> ImportReport {
    let form = ExportForm {
        kind: ExportKind::Incremental,
        mapping: None,
    };
    import(store, export(rows).as_bytes(), import_context(), &form).unwrap()
}

/// A store that has heard of a profile before its first export.
fn under(groups: GroupSet) -> MunicipalStore {
    let mut store = open_store(&no_files());
    store.adopt_profile(Profile::first(groups)).unwrap();
    store
}

fn all_within(store: &MunicipalStore, groups: GroupSet) -> bool {
    let changes = store.changes_from(1, usize::MAX).unwrap();
    changes.iter().all(|change| groups.covers_change(change))
}

fn kinds(change: &Change) -> Vec<EventKind> {
    change.events.iter().map(|event| event.kind).collect()
}

#[test]
fn what_is_outside_is_neither_journalled_nor_a_difference() {
    let mut store = under(GroupSet::NONE);
    counted(&import_text(&mut store, &export(&THREE)), [3, 0, 0, 0, 0, 0]);
    assert!(all_within(&store, GroupSet::NONE));
    let naturalized = [("cittadinanze", "100,215")];
    let report = import_text(
        &mut store,
        &export(&[("1", &naturalized), ("2", &[]), ("3", &[])]),
    );
    counted(&report, [0, 0, 0, 3, 0, 0]);
    assert_eq!(store.last_sequence(), 3);
}

#[test]
fn a_citizen_abroad_is_published_only_where_that_is_agreed_and_is_no_missing_card() {
    let mut store = under(GroupSet::NONE);
    let rows = [("1", &[][..]), ("2", &ABROAD[..])];
    let report = import_text(&mut store, &export(&rows));
    counted(&report, [1, 0, 0, 0, 0, 0]);
    assert_eq!((report.outside_profile, store.cards()), (1, 1));
    // Who emigrates leaves publication.
    let report = import_text(&mut store, &export(&[("1", &ABROAD), ("2", &ABROAD)]));
    assert_eq!((report.outside_profile, store.cards()), (2, 0));
    let all = Profile::first(GroupSet::NONE).followed_by(GroupSet::ALL);
    store.adopt_profile(all).unwrap();
    let report = import_text(&mut store, &export(&[("1", &ABROAD), ("2", &ABROAD)]));
    counted(&report, [2, 0, 0, 0, 0, 0]);
    assert_eq!(report.outside_profile, 0);
}

#[test]
fn what_came_into_publication_is_no_event_and_is_awaited_until_a_total_export() {
    let mut store = under(GroupSet::NONE);
    import_text(&mut store, &export(&THREE));
    let status = GroupSet::of(&[FieldGroup::CivilStatus, FieldGroup::Citizenships]);
    store
        .adopt_profile(Profile::first(GroupSet::NONE).followed_by(status))
        .unwrap();
    assert_eq!(store.profile().awaited, status);
    incremental(&mut store, &[("1", &MOVED)]);
    assert_eq!(
        store.profile().awaited,
        status,
        "an incremental export names few cards"
    );
    let report = import_text(&mut store, &export(&[("1", &MOVED), ("2", &[]), ("3", &[])]));
    counted(&report, [0, 2, 0, 1, 0, 0]);
    let changes = store.changes_from(4, 10).unwrap();
    let told: Vec<Vec<EventKind>> = changes.iter().map(kinds).collect();
    assert_eq!(told, [vec![EventKind::ChangeOfDwelling], vec![], vec![]]);
    assert_eq!(store.profile().awaited, GroupSet::NONE);
}

#[test]
fn an_annulment_means_the_last_operation_also_where_nothing_of_it_is_published() {
    let mut store = under(GroupSet::NONE);
    import_text(&mut store, &export(&[("1", &[])]));
    incremental(&mut store, &[("1", &MOVED)]);
    let married = [&MOVED[..], &MARRIED].concat();
    for _ in 0..2 {
        incremental(&mut store, &[("1", &married)]);
        assert_eq!(store.last_sequence(), 3, "the same row is one operation");
    }
    let changes = store.changes_from(3, 1).unwrap();
    assert_eq!(
        kinds(&changes[0]),
        [EventKind::Marker],
        "that there was one, and not which"
    );
    let moved = store.card(&card("1")).unwrap();
    let annulled = [("operazione", "X"), ("evento_registrazione", "2025-01-10")];
    let report = incremental(&mut store, &[("1", &annulled)]);
    assert_eq!(report.annulled, 1);
    assert_eq!(store.card(&card("1")).unwrap(), moved, "the move stands");
    assert!(all_within(&store, GroupSet::NONE));
}

#[test]
fn groups_that_come_in_or_leave_are_no_operation_that_could_be_annulled() {
    let mut store = under(GroupSet::NONE);
    import_text(&mut store, &export(&[("1", &[])]));
    let before = store.card(&card("1")).unwrap().unwrap().residences;
    incremental(&mut store, &[("1", &MOVED)]);
    let wider = Profile::first(GroupSet::NONE).followed_by(GroupSet::ALL);
    store.adopt_profile(wider).unwrap();
    import_text(&mut store, &export(&[("1", &MOVED)]));
    store.admit_groups(GroupSet::NONE).unwrap();
    let annulled = [("operazione", "X"), ("evento_registrazione", "2025-01-10")];
    let report = incremental(&mut store, &[("1", &annulled)]);
    assert_eq!(report.annulled, 1);
    assert_eq!(store.card(&card("1")).unwrap().unwrap().residences, before);
}

#[test]
fn who_would_leave_publication_counts_before_the_import() {
    let mut store = under(GroupSet::NONE);
    let many: Vec<String> = (1..=30).map(|number| number.to_string()).collect();
    let residents: Vec<Row<'_>> = many.iter().map(|number| (number.as_str(), &[][..])).collect();
    import_text(&mut store, &export(&residents));
    let abroad: Vec<Row<'_>> = many.iter().map(|number| (number.as_str(), &ABROAD[..])).collect();
    let counted = crate::assess::assess(
        &store,
        export(&abroad).as_bytes(),
        import_context(),
        &ExportForm::default(),
    );
    assert_eq!(counted.unwrap().total(), 30);
}
