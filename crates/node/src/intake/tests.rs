use store::files::faulty::Fault;

use crate::fixture::disk::{Disk, RULES};
use crate::fixture::{export, residents};

use super::*;

fn take(intake: &Intake, text: &str) -> Outcome {
    intake.take(text.as_bytes(), Delivery::default()).unwrap()
}

#[track_caller]
fn imported(outcome: Outcome) -> Imported {
    match outcome {
        Outcome::Imported(imported) => imported,
        other => panic!("not imported: {other:?}"),
    }
}

#[track_caller]
fn waiting(outcome: Outcome) -> WaitingExport {
    match outcome {
        Outcome::Waiting(waiting) => waiting,
        other => panic!("does not wait: {other:?}"),
    }
}

fn cards(intake: &Intake) -> (u64, u64) {
    let store = intake.storage.store();
    (store.cards(), store.last_sequence())
}

/// Residents of whom the first ones are cancelled.
fn with_cancelled(count: usize, cancelled: usize) -> String {
    let cards: Vec<String> = (1..=count).map(|number| format!("S{number:05}")).collect();
    let gone: &[(&str, &str)] = &[
        ("cancellazione_motivo", "5"),
        ("cancellazione_decorrenza", "2025-01-02"),
    ];
    let rows: Vec<_> = cards
        .iter()
        .enumerate()
        .map(|(at, card)| (card.as_str(), if at < cancelled { gone } else { &[][..] }))
        .collect();
    export(&rows)
}

#[test]
fn an_imported_export_is_reported_and_nothing_of_it_is_kept() {
    let mut disk = Disk::new();
    let intake = disk.start(RULES);
    let done = imported(take(&intake, &residents(12)));
    assert_eq!((done.import.created, cards(&intake)), (12, (12, 12)));
    assert_eq!(disk.sealed_files(), 0);
    let report = intake.reports.get(&done.report).unwrap();
    assert_eq!(report.verdict.name(), "imported");
    assert_eq!(
        (report.received.as_str(), report.day.as_str()),
        ("2025-01-10 12:00:00", "2025-01-10")
    );
}

#[test]
fn an_export_is_kept_sealed_for_the_stated_time_also_over_a_restart() {
    let rules = IntakeRules {
        keep: Duration::from_secs(3600),
        ..RULES
    };
    let mut disk = Disk::new();
    let intake = disk.start(rules);
    take(&intake, &residents(12));
    assert_eq!((disk.sealed_files(), intake.expire().unwrap()), (2, 0));
    drop(intake);
    disk.clock.advance(Duration::from_secs(3599));
    let intake = disk.start(rules);
    assert_eq!((disk.sealed_files(), intake.expire().unwrap()), (2, 0));
    disk.clock.advance(Duration::from_secs(1));
    assert_eq!((intake.expire().unwrap(), disk.sealed_files()), (1, 0));
}

#[test]
fn an_export_that_would_cancel_too_many_changes_nothing_until_a_person_confirms() {
    let mut disk = Disk::new();
    let intake = disk.start(RULES);
    take(&intake, &residents(400));
    for (text, cancelled, missing) in [
        (residents(379), 0, 21),
        (with_cancelled(400, 21), 21, 0),
        (with_cancelled(390, 11), 11, 10),
    ] {
        let held = waiting(take(&intake, &text));
        let Cancellations {
            cards: counted,
            cancelled: ended,
            missing: gone,
            admitted,
            journal_end,
        } = held.cancellations;
        assert_eq!(
            [counted, ended, gone, admitted, journal_end],
            [400, cancelled, missing, 20, 400]
        );
        assert_eq!(cards(&intake), (400, 400), "nothing was imported");
        assert_eq!(intake.reports.get(&held.id).unwrap().verdict.name(), "waiting");
        assert_eq!(intake.discard(None).unwrap(), held.id);
        assert_eq!(intake.reports.get(&held.id).unwrap().verdict.name(), "discarded");
    }
    let held = waiting(take(&intake, &residents(379)));
    drop(intake);
    let intake = disk.start(RULES);
    assert_eq!(
        intake.waiting().unwrap(),
        std::slice::from_ref(&held),
        "it survives a restart"
    );
    let done = intake.confirm(Some(held.id.as_str())).unwrap();
    assert_eq!((done.import.removed, cards(&intake)), (21, (379, 421)));
    assert_eq!((intake.waiting().unwrap(), disk.sealed_files()), (Vec::new(), 0));
    assert_eq!(intake.reports.get(&held.id).unwrap().verdict.name(), "imported");
}

#[test]
fn what_the_limit_admits_is_imported_at_once() {
    let mut disk = Disk::new();
    let intake = disk.start(RULES);
    take(&intake, &residents(400));
    assert_eq!(imported(take(&intake, &residents(380))).import.removed, 20, "5 %");
    let complete = Delivery {
        removals: Some(RemovalLimit::Unlimited),
        ..Delivery::default()
    };
    let text = residents(100);
    let outcome = intake.take(text.as_bytes(), complete).unwrap();
    assert_eq!(imported(outcome).import.removed, 280, "known to be complete");
    assert_eq!(
        imported(take(&intake, &with_cancelled(100, 10))).import.updated,
        10,
        "a small municipality"
    );
    assert_eq!(
        imported(take(&intake, &with_cancelled(100, 20))).import.updated,
        10,
        "the others were so before"
    );
    waiting(take(&intake, &with_cancelled(100, 31)));
}

#[test]
fn the_same_export_waits_once_however_often_it_is_delivered() {
    let mut disk = Disk::new();
    let intake = disk.start(RULES);
    take(&intake, &residents(400));
    let first = waiting(take(&intake, &residents(100)));
    disk.clock.advance(Duration::from_secs(60));
    assert_eq!(waiting(take(&intake, &residents(100))), first);
    assert_eq!(disk.sealed_files(), 2);
    let other = waiting(take(&intake, &residents(101)));
    assert_ne!(other.id, first.id);
    assert!(matches!(intake.confirm(None), Err(IntakeError::SeveralWait)));
    assert!(matches!(
        intake.confirm(Some("20250110-120000000-aaaaaa")),
        Err(IntakeError::NothingWaits)
    ));
}

#[test]
fn a_person_confirms_what_was_shown_and_nothing_else() {
    let mut disk = Disk::new();
    let intake = disk.start(RULES);
    take(&intake, &residents(400));
    let first = waiting(take(&intake, &residents(370)));
    disk.clock.advance(Duration::from_secs(60));
    let second = waiting(take(&intake, &residents(300)));
    // Meanwhile thirty of those who would go are gone.
    let id = Some(first.id.as_str());
    assert_eq!(intake.confirm(id).unwrap().import.removed, 30);
    let id = Some(second.id.as_str());
    let refused = intake.confirm(id);
    assert!(
        matches!(refused, Err(IntakeError::Changed { now: 70, cards: 370 })),
        "{refused:?}"
    );
    assert_eq!(cards(&intake).0, 370);
    assert_eq!(
        intake.waiting().unwrap()[0].cancellations.missing,
        70,
        "now this is shown"
    );
    assert_eq!(intake.confirm(id).unwrap().import.removed, 70);
}

/// A mapping that gives everybody a death of long ago must not empty the registry, whatever terms are set.
#[test]
fn with_a_term_of_publication_an_export_that_ends_everybody_waits_too() {
    let rules = IntakeRules {
        retention: Retention {
            cancelled_years: Some(5),
            deceased_years: Some(5),
        },
        ..RULES
    };
    for end in [
        ("decesso_data", "2010-01-01"),
        ("cancellazione_decorrenza", "2010-01-01"),
    ] {
        let mut disk = Disk::new();
        let intake = disk.start(rules);
        take(&intake, &residents(100));
        let names: Vec<String> = (1..=100).map(|number| format!("S{number:05}")).collect();
        let ended: &[(&str, &str)] = &[("cancellazione_motivo", "5"), end];
        let ended = if end.0 == "decesso_data" {
            &ended[1..]
        } else {
            ended
        };
        let rows: Vec<_> = names.iter().map(|card| (card.as_str(), ended)).collect();
        let held = waiting(take(&intake, &export(&rows)));
        assert_eq!(held.cancellations.cancelled, 100, "{end:?}");
        assert_eq!(cards(&intake), (100, 100), "{end:?}");
    }
}

/// Monday's export waits, Tuesday's is imported: Monday's is never put over it, also after a restart.
#[test]
fn an_export_that_waits_is_not_imported_over_one_that_was_received_later() {
    let mut disk = Disk::new();
    let intake = disk.start(RULES);
    take(&intake, &residents(400));
    let monday = waiting(take(&intake, &residents(300)));
    assert!(!monday.overtaken);
    disk.clock.advance(Duration::from_secs(24 * 3600));
    // Five are born and have cards; one who lived in via Emilia has moved.
    let tuesday = residents(405).replacen("Emilia", "Cavour", 1);
    assert_eq!(imported(take(&intake, &tuesday)).import.created, 5);
    let end = cards(&intake);
    drop(intake);
    let intake = disk.start(RULES);
    for _ in 0..2 {
        let refused = intake.confirm(Some(monday.id.as_str())).unwrap_err();
        assert!(matches!(refused, IntakeError::Overtaken), "{refused:?}");
        assert!(refused.to_string().contains("discard it and export again"));
    }
    assert_eq!(cards(&intake), end, "the newborns and the new address stay");
    assert!(intake.waiting().unwrap()[0].overtaken, "and it is shown");
    assert_eq!(intake.discard(None).unwrap(), monday.id);
    assert_eq!((intake.waiting().unwrap(), disk.sealed_files()), (Vec::new(), 0));
}

#[test]
fn of_two_exports_that_wait_the_older_one_is_overtaken_by_the_newer_and_not_the_other_way_round() {
    let mut disk = Disk::new();
    let intake = disk.start(RULES);
    take(&intake, &residents(400));
    let gone = |cards: &[&str]| {
        let withdraw: &[(&str, &str)] = &[("operazione", "C")];
        let rows: Vec<_> = cards.iter().map(|card| (*card, withdraw)).collect();
        export(&rows)
    };
    let names: Vec<String> = (1..=60).map(|number| format!("S{number:05}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let incremental = || Delivery {
        form: Some(ExportForm {
            kind: registry::export::ExportKind::Incremental,
            mapping: None,
        }),
        ..Delivery::default()
    };
    let mut held = Vec::new();
    for part in names.chunks(21).take(2) {
        held.push(waiting(
            intake.take(gone(part).as_bytes(), incremental()).unwrap(),
        ));
        disk.clock.advance(Duration::from_secs(60));
    }
    let [monday, tuesday] = held.as_slice() else {
        panic!("two wait");
    };
    assert_eq!(
        intake.confirm(Some(tuesday.id.as_str())).unwrap().import.removed,
        21
    );
    let refused = intake.confirm(Some(monday.id.as_str()));
    assert!(matches!(refused, Err(IntakeError::Overtaken)), "{refused:?}");
    assert_eq!(cards(&intake).0, 379);
}

#[test]
fn a_file_that_is_no_export_overtakes_nothing_and_neither_does_one_that_waits() {
    let mut disk = Disk::new();
    let intake = disk.start(RULES);
    take(&intake, &residents(400));
    let monday = waiting(take(&intake, &residents(300)));
    disk.clock.advance(Duration::from_secs(60));
    for removals in [None, Some(RemovalLimit::Unlimited)] {
        let delivery = Delivery {
            removals,
            ..Delivery::default()
        };
        let outcome = intake.take("no export".as_bytes(), delivery).unwrap();
        assert!(matches!(outcome, Outcome::Rejected(_)));
    }
    let later = waiting(take(&intake, &residents(299)));
    intake.discard(Some(later.id.as_str())).unwrap();
    assert_eq!(
        intake.confirm(Some(monday.id.as_str())).unwrap().import.removed,
        100
    );
}

#[test]
fn a_file_that_is_no_export_is_rejected_with_its_reasons() {
    let mut disk = Disk::new();
    let intake = disk.start(RULES);
    take(&intake, &residents(20));
    for (text, reason) in [
        ("", "il file è vuoto"),
        (
            "nome,cognome\nAnna,Rossi\n",
            "i campi sono separati da ',' e non da ';'",
        ),
    ] {
        let Outcome::Rejected(rejected) = take(&intake, text) else {
            panic!("taken: {text:?}");
        };
        assert_eq!(rejected.reasons[0].italian, reason);
        let report = intake.reports.get(&rejected.report).unwrap();
        assert!(report.text().contains(reason) && !report.text().contains("Rossi"));
    }
    assert_eq!((cards(&intake), disk.sealed_files()), ((20, 20), 0));
}

#[test]
fn a_hash_that_its_sender_stated_must_be_that_of_the_content() {
    let mut disk = Disk::new();
    let intake = disk.start(RULES);
    let text = residents(3);
    let stated = |sha256: &str| Delivery {
        sha256: Some(sha256.to_owned()),
        ..Delivery::default()
    };
    let wrong = intake.take(text.as_bytes(), stated(&"0".repeat(64))).unwrap();
    assert!(matches!(wrong, Outcome::Rejected(_)));
    let report = match wrong {
        Outcome::Rejected(rejected) => intake.reports.get(&rejected.report).unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(cards(&intake), (0, 0));
    let right = intake
        .take(text.as_bytes(), stated(&report.sha256.to_uppercase()))
        .unwrap();
    assert_eq!(imported(right).import.created, 3);
}

#[test]
fn a_file_s_name_stands_in_the_report_only_when_it_is_of_plain_letters() {
    let mut disk = Disk::new();
    let intake = disk.start(RULES);
    for (name, expect) in [
        ("anagrafe_2025-01-10.csv", Some("anagrafe_2025-01-10.csv")),
        ("Niccolò Rossi.csv", None),
    ] {
        let delivery = Delivery {
            file: Some(name.to_owned()),
            ..Delivery::default()
        };
        let done = imported(intake.take(residents(2).as_bytes(), delivery).unwrap());
        assert_eq!(intake.reports.get(&done.report).unwrap().file.as_deref(), expect);
    }
}

#[test]
fn a_full_volume_loses_nothing_and_the_export_is_taken_when_there_is_room() {
    for full in ["exports", "reports"] {
        let mut disk = Disk::new();
        let intake = disk.start(RULES);
        take(&intake, &residents(20));
        let files = match full {
            "exports" => Arc::clone(&disk.exports),
            _ => Arc::clone(&disk.reports),
        };
        files.inject(Fault::FullFrom(files.writes()));
        assert!(
            intake
                .take(residents(30).as_bytes(), Delivery::default())
                .is_err(),
            "{full}"
        );
        files.make_room();
        assert_eq!(disk.sealed_files(), 0, "{full}");
        let done = imported(take(&intake, &residents(30)));
        assert_eq!(done.import.created + done.import.unchanged, 30, "{full}");
        assert_eq!(cards(&intake), (30, 30), "{full}");
    }
}

/// Every place at which the process may die while an export is taken, or made to wait.
#[test]
fn an_export_that_is_taken_again_after_a_crash_anywhere_gives_the_same_end() {
    let first = residents(40);
    let small = residents(35);
    let large = residents(20);
    for (text, end) in [(&small, (35, 45)), (&large, (40, 40))] {
        let mut interrupted = 0;
        for dies_in in ["exports", "reports", "journal"] {
            for write in 0..14 {
                let mut disk = Disk::new();
                let intake = disk.start(RULES);
                take(&intake, &first);
                let files = match dies_in {
                    "exports" => Arc::clone(&disk.exports),
                    "reports" => Arc::clone(&disk.reports),
                    _ => Arc::clone(&disk.journal),
                };
                files.inject(Fault::WriteLost(files.writes() + write));
                interrupted += usize::from(intake.take(text.as_bytes(), Delivery::default()).is_err());
                drop(intake);
                disk.exports = Arc::new(disk.exports.after_kill());
                disk.reports = Arc::new(disk.reports.after_kill());
                disk.journal = Arc::new(disk.journal.after_kill());

                let intake = disk.start(RULES);
                take(&intake, text);
                let waits = intake.waiting().unwrap().len();
                assert_eq!(cards(&intake), end, "{dies_in} {write}");
                assert_eq!(waits, usize::from(end == (40, 40)), "{dies_in} {write}");
                assert_eq!(disk.sealed_files(), 2 * waits, "{dies_in} {write}");
            }
        }
        assert!(5 < interrupted, "faults were met: {interrupted}");
    }
}

#[test]
fn an_export_that_waits_is_imported_as_it_was_meant_to_be_read() {
    const MAPPING: &str = include_str!("../../../../config/mappings/alfa.toml");
    const FOREIGN: &[u8] = include_bytes!("../../../../config/mappings/alfa.csv");
    let mapping = registry::export::mapping::Mapping::parse(MAPPING).unwrap();
    let mut disk = Disk::new();
    let intake = disk.start(RULES);
    take(&intake, &residents(400));
    let delivery = Delivery {
        day: Some("2026-10-01".parse().unwrap()),
        form: Some(ExportForm {
            mapping: Some(Arc::new(mapping)),
            ..ExportForm::default()
        }),
        ..Delivery::default()
    };
    let held = waiting(intake.take(FOREIGN, delivery).unwrap());
    assert_eq!(held.cancellations.missing, 400);
    drop(intake);
    let intake = disk.start(RULES);
    assert!(
        intake.form().mapping.is_none(),
        "control: as configured it would be no export"
    );
    let done = intake.confirm(None).unwrap().import;
    assert_eq!((done.removed, done.quarantined), (400, 0), "{:?}", done.findings);
    assert!(0 < done.created);
}

#[test]
fn an_incremental_export_that_withdraws_too_many_waits_too() {
    let mut disk = Disk::new();
    let intake = disk.start(RULES);
    take(&intake, &residents(400));
    let withdrawn = |count: usize| {
        let cards: Vec<String> = (1..=count).map(|number| format!("S{number:05}")).collect();
        let withdraw: &[(&str, &str)] = &[("operazione", "C")];
        let rows: Vec<_> = cards.iter().map(|card| (card.as_str(), withdraw)).collect();
        export(&rows)
    };
    let incremental = || Delivery {
        form: Some(ExportForm {
            kind: registry::export::ExportKind::Incremental,
            mapping: None,
        }),
        ..Delivery::default()
    };
    let few = intake.take(withdrawn(20).as_bytes(), incremental()).unwrap();
    assert_eq!(imported(few).import.removed, 20);
    let held = waiting(intake.take(withdrawn(40).as_bytes(), incremental()).unwrap());
    assert_eq!(held.cancellations.missing, 20, "the others are gone already");
    assert_eq!(intake.confirm(None).unwrap().import.removed, 20);
    assert_eq!(cards(&intake).0, 360, "what is not named stays");
}
