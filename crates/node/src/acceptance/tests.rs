use std::sync::Arc;

use store::files::faulty::FaultyFiles;

use crate::fixture::disk::{Disk, RULES};
use crate::fixture::{Row, export, imola, import_text, no_files, open_store, residents};
use crate::intake::Delivery;

use super::*;

const POLICE: &str = include_str!("../../../../config/agreements/questura.toml");
const ASSOCIATION: &str = include_str!("../../../../config/agreements/trade-association.toml");
const SAMPLE_COUNTS: &str = include_str!("../../../../config/acceptance-counts.toml");

const EMIGRATED: &[(&str, &str)] = &[
    ("cancellazione_motivo", "5"),
    ("cancellazione_decorrenza", "2018-03-01"),
];
const DEAD: &[(&str, &str)] = &[("decesso_data", "2025-01-05")];
const DIES_LATER: &[(&str, &str)] = &[("sesso", "M"), ("decesso_data", "2025-01-10")];
const IN_FAMILY: &[(&str, &str)] = &[("famiglia", "F1"), ("tipo_legame", "F"), ("legame", "1")];
const PROTECTED: &[(&str, &str)] = &[("protetto", "S")];
const ROWS: [Row<'static>; 7] = [
    ("1", IN_FAMILY),
    (
        "2",
        &[
            ("famiglia", "F1"),
            ("tipo_legame", "F"),
            ("legame", "3"),
            ("sesso", "M"),
        ],
    ),
    (
        "3",
        &[
            ("famiglia", "F2"),
            ("tipo_legame", "F"),
            ("legame", "1"),
            ("cognome", "Bianchi"),
        ],
    ),
    ("4", EMIGRATED),
    ("5", DEAD),
    ("6", DIES_LATER),
    ("7", PROTECTED),
];

fn now() -> Moment {
    // A Saturday evening: agreements with hours of service are closed.
    Moment::new("2026-03-07T20:00:00Z".parse().unwrap())
}

fn on_the_tenth() -> Moment {
    Moment::new("2025-01-10T11:00:00Z".parse().unwrap())
}

fn store() -> (Arc<FaultyFiles>, MunicipalStore) {
    let files = no_files();
    let mut store = open_store(&files);
    let report = import_text(&mut store, &export(&ROWS));
    assert_eq!(
        (report.created, report.quarantined),
        (7, 0),
        "{:?}",
        report.findings
    );
    (files, store)
}

fn make(request: &AcceptanceRequest, now: Moment) -> Result<Acceptance, AcceptanceError> {
    let (_files, store) = store();
    let reports = Reports::new(no_files());
    Acceptance::make(&store, &reports, imola(), request, now)
}

fn count(acceptance: &Acceptance, key: &str) -> u64 {
    let line = acceptance.counts.iter().find(|line| line.key == key);
    line.unwrap_or_else(|| panic!("{key} is not counted")).node
}

#[test]
fn cards_are_counted_as_they_stand_on_the_day() {
    let acceptance = make(&AcceptanceRequest::default(), on_the_tenth()).unwrap();
    for (key, expect) in [
        ("cards", 7),
        ("apr.registered", 5),
        ("apr.male", 2),
        ("apr.female", 3),
        ("apr.unknown_sex", 0),
        ("apr.cancelled", 1),
        ("apr.cancelled_by_reason.5", 1),
        ("apr.dead", 1),
        ("aire.registered", 0),
        ("families", 2),
        ("convivenze", 0),
    ] {
        assert_eq!(count(&acceptance, key), expect, "{key}");
    }
    let later = make(&AcceptanceRequest::default(), now()).unwrap();
    assert_eq!(
        (count(&later, "apr.registered"), count(&later, "apr.dead")),
        (4, 2)
    );
}

#[test]
fn counts_that_differ_from_the_back_office_s_are_marked() {
    let with = |expected: &str| {
        let request = AcceptanceRequest {
            expected: Some(expected.to_owned()),
            ..AcceptanceRequest::default()
        };
        make(&request, on_the_tenth()).unwrap()
    };
    let equal = with("cards = 7\n[apr]\nregistered = 5\ncancelled_by_reason = { \"5\" = 1 }\n");
    assert!(
        equal.is_as_expected()
            && equal
                .text()
                .contains("Tutte le consistenze dichiarate coincidono.")
    );
    let other = with("cards = 8\nfamilies = 2\n[apr]\ncancelled_by_reason = { \"6\" = 1 }\n");
    assert!(!other.is_as_expected());
    let differing: Vec<_> = other
        .counts
        .iter()
        .filter(|line| line.differs())
        .map(|line| (line.key.as_str(), line.node, line.expected))
        .collect();
    assert_eq!(
        differing,
        [("cards", 7, Some(8)), ("apr.cancelled_by_reason.6", 0, Some(1))]
    );
    assert_eq!(other.text().matches("DIVERSO\n").count(), 2);
}

#[test]
fn the_sample_of_counts_is_read_and_a_wrong_one_is_refused() {
    let counts = ExpectedCounts::parse(SAMPLE_COUNTS).unwrap();
    assert_eq!(counts.apr.cancelled_by_reason.get("5"), Some(&40));
    for (text, expect) in [
        ("colour = 1", "the counts are not valid"),
        ("cards = -1", "the counts are not valid"),
        (
            "[apr]\ncancelled_by_reason = { \"99\" = 1 }",
            "apr.cancelled_by_reason: must be codes of the register's table of reasons (15, or 28 for AIRE)",
        ),
    ] {
        assert_eq!(
            ExpectedCounts::parse(text).unwrap_err().to_string(),
            expect,
            "{text}"
        );
    }
}

fn request(samples: usize, seed: u64) -> AcceptanceRequest {
    AcceptanceRequest {
        expected: None,
        agreements: vec![POLICE.to_owned(), ASSOCIATION.to_owned()],
        samples,
        seed,
    }
}

fn view<'a>(acceptance: &'a Acceptance, card: &str, purpose: &str, service: &str) -> &'a SampledAnswer {
    let card = acceptance
        .samples
        .iter()
        .find(|sample| sample.local_id == card)
        .unwrap();
    let mut views = card.views.iter();
    let found = views.find(|view| view.purpose == purpose && view.service == service);
    &found
        .unwrap_or_else(|| panic!("{purpose} {service} is not shown"))
        .answer
}

#[test]
fn a_card_is_shown_as_each_agreement_would_show_it() {
    let acceptance = make(&request(7, 1), now()).unwrap();
    let SampledAnswer::Shown {
        location_withheld,
        fields,
    } = view(&acceptance, "3", "public-order", "lookup-person")
    else {
        panic!("the police sees residents");
    };
    let shown: Vec<_> = fields
        .iter()
        .map(|field| (field.field.as_str(), field.value.as_str()))
        .collect();
    assert!(!location_withheld);
    assert_eq!(
        shown,
        [
            ("surname", "Bianchi"),
            ("given_name", "Anna"),
            ("sex", "F"),
            ("birth_date", "1980"),
            ("birth_place", "BOLOGNA (BO) [037006]"),
            ("tax_code", ""),
            ("residence", "VICO CIECO Emilia SNC, IMOLA (dal 2005-01-01)"),
            ("household", "F2, Intestatario Scheda"),
            ("death", ""),
        ]
    );
    let SampledAnswer::Shown {
        location_withheld,
        fields,
    } = view(&acceptance, "7", "public-order", "lookup-person")
    else {
        panic!("the police sees that a protected person exists");
    };
    assert!(*location_withheld && !fields.iter().any(|field| field.field == "residence"));
}

#[test]
fn an_association_gets_no_datum_and_learns_nothing_of_those_it_must_not_see() {
    let acceptance = make(&request(7, 1), now()).unwrap();
    let compared = view(
        &acceptance,
        "3",
        "member-declarations",
        "verify-declaration residence",
    );
    assert!(matches!(compared, SampledAnswer::Compared { fields } if fields == &["residence"]));
    for (card, clause) in [("4", "cancelled"), ("5", "deceased"), ("7", "protected")] {
        let hidden = view(
            &acceptance,
            card,
            "member-declarations",
            "verify-declaration residence",
        );
        assert!(
            matches!(hidden, SampledAnswer::Hidden { clause: found } if found == clause),
            "{card}"
        );
    }
}

#[test]
fn an_agreement_that_is_not_in_force_shows_nothing() {
    let mut early = request(1, 1);
    early.agreements = vec![POLICE.replace("valid_from = 2026-01-01", "valid_from = 2027-01-01")];
    let acceptance = make(&early, now()).unwrap();
    for view in &acceptance.samples[0].views {
        assert!(
            matches!(&view.answer, SampledAnswer::Denied { clause } if clause == "begun"),
            "{}",
            view.service
        );
    }
}

#[test]
fn the_same_seed_shows_the_same_cards_and_another_seed_others() {
    let files = no_files();
    let mut store = open_store(&files);
    import_text(&mut store, &residents(100));
    let reports = Reports::new(no_files());
    let cards = |seed: u64| -> Vec<String> {
        let request = AcceptanceRequest {
            samples: 5,
            seed,
            ..AcceptanceRequest::default()
        };
        let acceptance = Acceptance::make(&store, &reports, imola(), &request, now()).unwrap();
        acceptance.samples.into_iter().map(|card| card.local_id).collect()
    };
    assert_eq!(
        (cards(1).len(), cards(1) == cards(1), cards(1) == cards(2)),
        (5, true, false)
    );
}

#[test]
fn too_many_cards_and_a_document_that_is_no_agreement_are_refused() {
    let refused = make(&request(MOST_SAMPLES + 1, 1), now());
    assert_eq!(refused.unwrap_err().to_string(), "samples: must be at most 100");
    let mut broken = request(1, 1);
    broken.agreements[1] = "colour = 1".to_owned();
    assert_eq!(
        make(&broken, now()).unwrap_err().to_string(),
        "agreement number 2 cannot be used"
    );
}

#[test]
fn the_page_has_counts_rejects_samples_and_room_for_signatures() {
    let mut disk = Disk::new();
    let intake = disk.start(RULES);
    let text = export(&[("1", &[]), ("2", &[("sesso", "X")]), ("3", PROTECTED)]);
    intake.take(text.as_bytes(), Delivery::default()).unwrap();
    drop(intake);
    let reports = Reports::new(Arc::<FaultyFiles>::clone(&disk.reports));
    let store = open_store(&disk.journal);
    let acceptance = Acceptance::make(&store, &reports, imola(), &request(2, 1), now()).unwrap();
    let page = acceptance.text();
    for part in [
        "comune di IMOLA (037032)",
        "CONTIENE DATI PERSONALI",
        "3 righe, 1 non acquisite",
        "PN011/E sesso: Il valore non è tra quelli ammessi",
        "Scheda 3",
        "nessun dato: solo sì, no, non determinabile, su residence",
        "recapiti non mostrati: persona protetta",
        "Per il comune (nome, qualifica, firma)",
    ] {
        assert!(page.contains(part), "{part:?} is missing:\n{page}");
    }
    let json = serde_json::to_string(&acceptance).unwrap();
    assert_eq!(serde_json::from_str::<Acceptance>(&json).unwrap(), acceptance);
    assert!(!format!("{acceptance:?}").contains("Rossi"));
}

#[test]
fn whoever_lives_with_a_protected_person_is_shown_without_the_place_too() {
    let member = |role: &'static str| [("famiglia", "F9"), ("tipo_legame", "F"), ("legame", role)];
    let (head, child, stranger) = (
        member("1"),
        member("3"),
        [("famiglia", "F8"), ("tipo_legame", "F"), ("legame", "1")],
    );
    let sheltered = [&child[..], &[("protetto", "S")][..]].concat();
    let text = export(&[
        ("head", &head),
        ("sheltered", &sheltered),
        ("stranger", &stranger),
    ]);
    let mut store = open_store(&no_files());
    assert_eq!(import_text(&mut store, &text).created, 3);
    let acceptance =
        Acceptance::make(&store, &Reports::new(no_files()), imola(), &request(3, 1), now()).unwrap();
    let withheld = |card: &str| match view(&acceptance, card, "public-order", "lookup-person") {
        SampledAnswer::Shown {
            location_withheld, ..
        } => *location_withheld,
        _ => panic!("{card} is shown"),
    };
    assert_eq!(
        ["head", "sheltered", "stranger"].map(withheld),
        [true, true, false]
    );
}
