use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use ledger::{
    header::RequestId,
    part::PartKind,
    tile::{
        Tile, TileReader,
        fetched::{TileSet, tiles_of_root},
    },
    tree::Frontier,
};

use super::{BANK, Bench, POLICE, START_MS, access, access_with, check_receipts, wait};
use crate::access_log::{
    AccessLog,
    draft::EntryDraft,
    part_content::{DecisionPart, OperatorPart, PartContent},
    reading::{OpenedEntries, OpenedEntry, OpenedPart, ReadError, ReaderScope},
};

fn region() -> ReaderScope {
    ReaderScope::Region
}

fn agency(peer: &str) -> ReaderScope {
    ReaderScope::Agency(peer.to_owned())
}

fn municipality(id: &str) -> ReaderScope {
    ReaderScope::Municipality(BTreeSet::from([id.to_owned()]))
}

/// Entries 0 police in E289 and A944, 1 bank in A944, 2 police in E289 with a reserved purpose, 3 bank nowhere.
fn four_entries(bench: &Bench) -> AccessLog {
    let log = bench.log();
    for draft in [
        access(POLICE, &["E289", "A944"], false),
        access(BANK, &["A944"], false),
        access(POLICE, &["E289"], true),
        access(BANK, &[], false),
    ] {
        wait(log.append(log.reserve().unwrap(), draft)).unwrap();
    }
    log
}

#[test]
fn who_reads_for_several_municipalities_sees_each_entry_once_and_no_other_subjects() {
    let bench = Bench::new();
    let log = four_entries(&bench);
    let both = ReaderScope::Municipality(["A944", "E289", "F257"].map(str::to_owned).into());
    let own: &[&str] = &["operator", "subjects A944"];
    check(
        &log,
        &both,
        &[(0, &["operator", "subjects A944", "subjects E289"]), (1, own)],
    );
}

fn kinds(entry: &OpenedEntry) -> Vec<String> {
    let mut kinds: Vec<String> = entry
        .parts
        .iter()
        .map(|part| match part {
            OpenedPart::Shown(opening) => match &opening.kind {
                PartKind::Subjects(id) => format!("subjects {}", id.as_str()),
                other => crate::access_log::part_content::part_name(other).to_owned(),
            },
            OpenedPart::Erased { .. } => "erased".to_owned(),
        })
        .collect();
    kinds.sort();
    kinds
}

#[track_caller]
fn check(log: &AccessLog, scope: &ReaderScope, expected: &[(u64, &[&str])]) {
    let seen: Vec<_> = log
        .entries(scope, 0..u64::MAX, usize::MAX)
        .unwrap()
        .iter()
        .map(|entry| (entry.index, kinds(entry)))
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(index, kinds)| {
            (
                *index,
                kinds.iter().map(|kind| (*kind).to_owned()).collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(seen, expected);
    // One by one it is the same.
    for index in 0..4 {
        let single = log
            .entry(scope, index)
            .unwrap()
            .map(|entry| (entry.index, kinds(&entry)));
        assert_eq!(
            single,
            expected.iter().find(|(expected, _)| *expected == index).cloned()
        );
    }
}

#[test]
fn each_reader_sees_its_scope_and_no_more() {
    let bench = Bench::new();
    let log = four_entries(&bench);
    let check_all = |log: &AccessLog| {
        let whole = |second: &'static [&'static str]| -> [(u64, &'static [&'static str]); 4] {
            [
                (
                    0,
                    &[
                        "criteria",
                        "decision",
                        "operator",
                        "subjects A944",
                        "subjects E289",
                    ],
                ),
                (1, &["criteria", "decision", "operator", "subjects A944"]),
                (2, second),
                (3, &["criteria", "decision", "operator"]),
            ]
        };
        check(log, &region(), &whole(&[]));
        let all = &["criteria", "decision", "operator", "subjects E289"];
        check(log, &ReaderScope::Index, &whole(all));
        check(log, &agency(POLICE), &[(0, &["operator"]), (2, &["operator"])]);
        check(log, &agency(BANK), &[(1, &["operator"]), (3, &["operator"])]);
        check(log, &agency("spiffe://ponte.example/agency/other"), &[]);
        check(
            log,
            &municipality("A944"),
            &[
                (0, &["operator", "subjects A944"]),
                (1, &["operator", "subjects A944"]),
            ],
        );
        check(log, &municipality("E289"), &[(0, &["operator", "subjects E289"])]);
        check(log, &municipality("H199"), &[]);
    };
    check_all(&log);
    log.close();
    check_all(&bench.log());
}

/// An access of the police to somebody in Imola that is released at this time.
fn reserved_until(released_ms: u64) -> EntryDraft {
    let decision = DecisionPart {
        outcome: "granted".to_owned(),
        reserved: true,
        released_ms: Some(released_ms),
        ..DecisionPart::default()
    };
    access_with(POLICE, &["E289"], &decision)
}

#[test]
fn a_reserved_access_is_an_ordinary_one_from_its_release_on_by_the_entry_alone() {
    let bench = Bench::new();
    let log = bench.log();
    let released = START_MS + 1_000;
    wait(log.append(log.reserve().unwrap(), reserved_until(released))).unwrap();
    let whole: &[&str] = &["criteria", "decision", "operator", "subjects E289"];
    let seen = |log: &AccessLog, scope: &ReaderScope| log.entry(scope, 0).unwrap().map(|entry| kinds(&entry));
    for (now, region_sees, imola_sees) in [
        (START_MS, &[][..], None),
        (released - 1, &[], None),
        (released, whole, Some(&["operator", "subjects E289"][..])),
        (u64::MAX, whole, Some(&["operator", "subjects E289"])),
    ] {
        bench.clock.store(now, Ordering::Relaxed);
        let owned = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect::<Vec<_>>();
        assert_eq!(seen(&log, &region()), Some(owned(region_sees)), "at {now}");
        assert_eq!(
            seen(&log, &municipality("E289")),
            imola_sees.map(owned),
            "at {now}"
        );
        assert_eq!(seen(&log, &ReaderScope::Index), Some(owned(whole)), "at {now}");
        assert_eq!(
            seen(&log, &agency(POLICE)),
            Some(owned(&["operator"])),
            "at {now}"
        );
    }
}

#[test]
fn what_was_opened_shows_all_to_the_region_the_criteria_to_the_agency_and_nothing_to_others() {
    let bench = Bench::new();
    let log = four_entries(&bench);
    let mut opened = OpenedEntries::default();
    opened.insert(9, [2]);
    let seen = |scope: &ReaderScope| -> Vec<(u64, Vec<String>)> {
        let entries = log.entries_opened(scope, &opened, 0..4, 9).unwrap();
        entries.iter().map(|entry| (entry.index, kinds(entry))).collect()
    };
    let one_by_one = |scope: &ReaderScope| -> Vec<(u64, Vec<String>)> {
        let entries = (0..4).filter_map(|index| log.entry_opened(scope, &opened, index).unwrap());
        entries.map(|entry| (entry.index, kinds(&entry))).collect()
    };
    for scope in [region(), agency(POLICE), agency(BANK), municipality("E289")] {
        assert_eq!(seen(&scope), one_by_one(&scope));
    }
    assert_eq!(
        seen(&region())[2].1,
        ["criteria", "decision", "operator", "subjects E289"]
    );
    assert_eq!(
        seen(&agency(POLICE))[1],
        (2, vec!["criteria".to_owned(), "operator".to_owned()])
    );
    assert!(
        seen(&agency(BANK))
            .iter()
            .all(|(index, kinds)| *index != 2 && kinds.len() == 1)
    );
    assert!(seen(&municipality("E289")).iter().all(|(index, _)| *index != 2));
    assert_eq!((opened.opening_of(2), opened.opening_of(1)), (Some(9), None));
    // An opening that names an ordinary access adds nothing to what its agency's supervisor sees.
    let mut ordinary = OpenedEntries::default();
    ordinary.insert(9, [0]);
    let entry = log.entry_opened(&agency(POLICE), &ordinary, 0).unwrap().unwrap();
    assert_eq!(kinds(&entry), ["operator"]);
}

#[test]
fn a_page_ends_at_its_limit_and_the_range() {
    let bench = Bench::new();
    let log = four_entries(&bench);
    let page = |range, limit| -> Vec<u64> {
        let entries = log.entries(&region(), range, limit).unwrap();
        entries.iter().map(|entry| entry.index).collect()
    };
    assert_eq!(page(1..4, 2), [1, 2]);
    assert_eq!(page(1..2, 9), [1]);
    assert_eq!(page(4..9, 9), [0; 0]);
    assert!(matches!(log.entry(&region(), 4), Err(ReadError::NoEntry(4))));
}

#[test]
fn parts_open_to_what_was_entered() {
    let bench = Bench::new();
    let log = four_entries(&bench);
    let entry = log.entry(&ReaderScope::Index, 2).unwrap().unwrap();
    let content = |wanted: PartKind| {
        entry
            .parts
            .iter()
            .find_map(|part| match part {
                OpenedPart::Shown(opening) if opening.kind == wanted => Some(opening.content.clone()),
                OpenedPart::Shown(_) | OpenedPart::Erased { .. } => None,
            })
            .unwrap()
    };
    let operator = OperatorPart::decode(&content(PartKind::Operator)).unwrap();
    assert_eq!(
        (operator.operator.as_str(), operator.workstation),
        ("m.rossi", None)
    );
    assert!(
        DecisionPart::decode(&content(PartKind::Decision))
            .unwrap()
            .reserved
    );
}

#[test]
fn no_personal_datum_is_in_clear_in_any_file() {
    let bench = Bench::new();
    four_entries(&bench).close();
    for files in [&bench.log, &bench.hashes, &bench.copy, &bench.keys] {
        for name in crate::files::Files::list(files).unwrap() {
            let content = files.content(&name).unwrap();
            for needle in ["rossi", "RSSMRA", "prot. 12", "E289"] {
                let found = content
                    .windows(needle.len())
                    .any(|window| window == needle.as_bytes());
                assert!(!found, "{needle} in {name}");
            }
        }
    }
}

#[test]
fn erasure_at_the_end_of_retention_leaves_every_proof_valid() {
    let bench = Bench::new();
    let log = four_entries(&bench);
    let receipts: Vec<_> = (0..4).map(|index| log.receipt(index).unwrap()).collect();
    let month = 31 * 24 * 60 * 60 * 1000;
    bench.clock.store(START_MS + 23 * month, Ordering::Relaxed);
    assert!(log.expired().is_empty());
    bench.clock.store(START_MS + 26 * month, Ordering::Relaxed);
    let expired = log.expired();
    let classes: Vec<_> = expired.classes().into_iter().collect();
    let class = |part: &str, keys| (format!("{part} 24m 2026-11"), keys);
    assert_eq!(
        classes,
        [
            class("criteria", 1),
            class("decision", 1),
            class("operator", 1),
            class("subjects", 2)
        ]
    );
    assert_eq!(log.erase(&expired).unwrap(), 5);
    assert!(log.expired().is_empty());
    log.close();
    let log = bench.log();
    check_receipts(&log, &receipts);
    let entry = log.entry(&ReaderScope::Index, 0).unwrap().unwrap();
    assert_eq!(kinds(&entry), ["erased"; 5]);
    // Whether the purpose was reserved is no longer known, so no municipality sees the entry, and the region its header.
    let entry = log.entry(&region(), 0).unwrap().unwrap();
    assert!(entry.reserved && entry.parts.is_empty());
    assert!(log.entry(&municipality("A944"), 0).unwrap().is_none());
    wait(log.append(log.reserve().unwrap(), access(POLICE, &["E289"], false))).unwrap();
    assert_eq!(log.entry(&region(), 4).unwrap().unwrap().parts.len(), 4);
}

#[test]
fn a_request_id_is_remembered_for_a_day() {
    let bench = Bench::new();
    let log = four_entries(&bench);
    let request = RequestId([9; 16]);
    assert_eq!(log.entries_of_request(request), [0, 1, 2, 3]);
    assert_eq!(log.entries_of_request(RequestId([8; 16])), [0; 0]);
    bench
        .clock
        .store(START_MS + 24 * 60 * 60 * 1000 + 1, Ordering::Relaxed);
    let mut other = access(POLICE, &[], false);
    other.header.request_id = None;
    wait(log.append(log.reserve().unwrap(), other)).unwrap();
    assert_eq!(log.entries_of_request(request), [0; 0]);
}

#[test]
fn proofs_hold_over_more_than_one_tile() {
    let mut bench = Bench::new();
    bench.settings.segments.segment_bytes = 64 << 10;
    let log = bench.log();
    for _ in 0..600 {
        let draft = EntryDraft::new(
            ledger::header::EntryKind::Access,
            crate::access_log::retention::Retention::months(1).unwrap(),
        );
        wait(log.append(log.reserve().unwrap(), draft)).unwrap();
    }
    let receipts: Vec<_> = (0..600)
        .step_by(37)
        .map(|index| log.receipt(index).unwrap())
        .collect();
    check_receipts(&log, &receipts);
    log.close();
    let (log, report) = bench.open().unwrap();
    assert_eq!((report.entries, report.hashes_rewritten), (600, 0));
    check_receipts(&log, &receipts);
    assert!(log.inclusion_proof(0, 601).is_err() && log.consistency_proof(1, 601).is_err());
}

#[test]
fn tiles_are_those_of_the_size_that_is_asked_for_also_while_the_log_grows_and_after_a_restart() {
    let bench = Bench::new();
    let log = bench.log();
    for _ in 0..260 {
        super::enter(&log).unwrap();
    }
    let first = Tile::new(0, 0, 256).unwrap();
    let partial = |width| Tile::new(0, 1, width).unwrap();
    let of = |log: &AccessLog, tile, size| log.tile(tile, size).unwrap();
    assert_eq!(of(&log, first, 255), None, "not full at that size");
    let full = of(&log, first, 256).unwrap();
    assert_eq!(full.len(), 8192);
    assert_eq!(of(&log, partial(4), 260).unwrap().len(), 128);
    assert_eq!(of(&log, partial(5), 260), None);
    assert!(log.tile(partial(5), 261).is_err(), "the log is not so large");

    let mut set = TileSet::new(260);
    for tile in tiles_of_root(260).unwrap() {
        set.insert(tile, &of(&log, tile, 260).unwrap()).unwrap();
    }
    let root = Frontier::load(260, TileReader(&set)).unwrap().root();
    assert_eq!(root, log.checkpoint().checkpoint.root);

    log.close();
    drop(log);
    let log = bench.log();
    super::enter(&log).unwrap();
    assert_eq!(of(&log, first, 261), Some(full));
    assert_eq!(of(&log, partial(5), 261).unwrap().len(), 160);
}

#[test]
fn a_survey_tells_of_whom_an_entry_is_and_opens_nothing_but_what_is_wanted() {
    let bench = Bench::new();
    let log = four_entries(&bench);
    let mut seen = Vec::new();
    let wanted = |_, part: &str| part == "operator";
    log.survey(1..9, wanted, |entry| {
        let class = entry.operator_class.expect("each has an operator");
        assert!(class.starts_with("operator "), "{class}");
        let opened: Vec<PartKind> = entry.parts.into_iter().map(|part| part.kind).collect();
        assert_eq!(opened, [PartKind::Operator]);
        seen.push((entry.index, entry.municipalities.join(" ")));
    })
    .unwrap();
    let expected = [(1, "A944"), (2, "E289"), (3, "")].map(|(index, places)| (index, places.to_owned()));
    assert_eq!(seen, expected);
    let mut first = Vec::new();
    log.survey(
        0..1,
        |_, _| false,
        |entry| first.push((entry.parts.len(), entry.municipalities)),
    )
    .unwrap();
    assert_eq!(first, [(0, vec!["A944".to_owned(), "E289".to_owned()])]);
}
