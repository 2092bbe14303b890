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
}

#[test]
fn a_card_is_shown_as_each_ascertainment_would_show_it() {
    let acceptance = make(&request(7, 1), now()).unwrap();
    let shown = |name: &str| match view(&acceptance, "3", "public-order", name) {
        SampledAnswer::Shown { fields, .. } => fields
            .iter()
            .map(|field| format!("{} {}", field.field, field.value))
            .collect::<Vec<_>>(),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(shown("ascertainment existence-in-life"), ["of_kind sì", "death "]);
    assert_eq!(
        shown("ascertainment family-status"),
        [
            "surname Bianchi",
            "given_name Anna",
            "sex F",
            "birth_date 1980",
            "birth_place BOLOGNA (BO) [037006]",
            "household F2, Intestatario Scheda",
        ]
    );
}

/// As the index answers: who left is in no household, neither is who never stood in one, and of the dead the rule for the
/// deceased shows who they were. An address leads to whoever lives there.
#[test]
fn households_and_addresses_show_whoever_stands_in_them_on_the_day() {
    let in_family = |edits: &[(&'static str, &'static str)]| [IN_FAMILY, edits].concat();
    let (emigrated, dead) = (in_family(EMIGRATED), in_family(DEAD));
    let text = export(&[
        ("member", IN_FAMILY),
        ("emigrated", &emigrated),
        ("dead", &dead),
        ("alone", &[]),
    ]);
    let mut store = open_store(&no_files());
    let report = import_text(&mut store, &text);
    assert_eq!(report.created, 4, "{:?}", report.findings);
    let reports = Reports::new(no_files());
    let acceptance = Acceptance::make(&store, &reports, imola(), &request(4, 1), now()).unwrap();
    for card in ["emigrated", "alone"] {
        let household = view(&acceptance, card, "public-order", "lookup-household");
        assert!(matches!(household, SampledAnswer::Absent), "{card}");
    }
    let deceased = view(&acceptance, "dead", "public-order", "lookup-household");
    let SampledAnswer::Shown { fields, .. } = deceased else {
        panic!("the deceased: {deceased:?}")
    };
    let names: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
    let expect = [
        "surname",
        "given_name",
        "sex",
        "birth_date",
        "birth_place",
        "death",
    ];
    assert_eq!(names, expect);
    for (card, lives_there) in [
        ("member", true),
        ("alone", true),
        ("emigrated", false),
        ("dead", false),
    ] {
        let residents = view(&acceptance, card, "public-order", "lookup-address-residents");
        assert_eq!(
            matches!(residents, SampledAnswer::Shown { .. }),
            lives_there,
            "{card}"
        );
        assert_eq!(matches!(residents, SampledAnswer::Absent), !lives_there, "{card}");
    }
    for card in ["emigrated", "dead", "alone"] {
        let person = view(&acceptance, card, "public-order", "lookup-person");
        assert!(matches!(person, SampledAnswer::Shown { .. }), "control: {card}");
    }
    let member = view(&acceptance, "member", "public-order", "lookup-household");
    assert!(
        matches!(member, SampledAnswer::Shown { fields, .. } if fields.iter().any(|field| field.field == "household"))
    );
    assert!(acceptance.text().contains("nulla: come se non esistesse"));
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
    for (card, clause) in [("4", "cancelled"), ("5", "deceased")] {
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
        "Scheda 1\n",
        "Schede escluse dal campione: 1.",
        "nessun dato: solo sì, no, non determinabile, su residence",
        "Per il comune (nome, qualifica, firma)",
    ] {
        assert!(page.contains(part), "{part:?} is missing:\n{page}");
    }
    for part in ["Scheda 3", "protett"] {
        assert!(!page.contains(part), "{part:?} stands there:\n{page}");
    }
    let json = serde_json::to_string(&acceptance).unwrap();
    assert_eq!(serde_json::from_str::<Acceptance>(&json).unwrap(), acceptance);
    assert!(!format!("{acceptance:?}").contains("Rossi"));
}

/// Vendor and region sign the page: nobody reads there who is protected, nor who lives with whom.
#[test]
fn neither_protected_persons_nor_those_who_share_their_place_stand_on_the_page() {
    let member = |household: &'static str, role: &'static str| {
        [("famiglia", household), ("tipo_legame", "F"), ("legame", role)]
    };
    let (head, child, stranger) = (member("F9", "1"), member("F9", "3"), member("F8", "1"));
    let sheltered = [&child[..], PROTECTED].concat();
    let at = |number: &'static str| [("via", "Appia"), ("civico", number), ("interno", "3")];
    let neighbour = [&at("7")[..], PROTECTED].concat();
    let lodger = [&at("7")[..], &member("F7", "1")].concat();
    let next_door = [&at("8")[..], &member("F6", "1")].concat();
    let text = export(&[
        ("head", &head),
        ("sheltered", &sheltered),
        ("stranger", &stranger),
        ("neighbour", &neighbour),
        ("lodger", &lodger),
        ("next-door", &next_door),
    ]);
    let mut store = open_store(&no_files());
    let report = import_text(&mut store, &text);
    assert_eq!(report.created, 6, "{:?}", report.findings);
    let acceptance =
        Acceptance::make(&store, &Reports::new(no_files()), imola(), &request(6, 1), now()).unwrap();
    let shown: Vec<_> = acceptance
        .samples
        .iter()
        .map(|sample| sample.local_id.as_str())
        .collect();
    assert_eq!((shown, acceptance.left_out), (vec!["next-door", "stranger"], 4));
    let page = acceptance.text();
    for absent in ["head", "sheltered", "neighbour", "lodger", "protett", "F9"] {
        assert!(!page.contains(absent), "{absent:?} stands there:\n{page}");
    }
    assert!(page.contains("Schede escluse dal campione: 4."));
}

#[test]
fn a_card_that_will_be_protected_or_is_sealed_is_left_out_without_saying_why() {
    use crate::measure::{Bearing, CardNumber, Day, Order, set_measure};
    let mut store = open_store(&no_files());
    import_text(&mut store, &residents(3));
    let orders = [
        Order::Protect {
            basis: "shelter".to_owned(),
            from: Some(Day(crate::fixture::day("2026-03-10"))),
            until: None,
        },
        Order::Seal {
            basis: "adoption".to_owned(),
            from: Day(crate::fixture::day("2025-01-05")),
            identity: Bearing::Old,
        },
    ];
    for (card, order) in ["S00001", "S00002"].iter().zip(&orders) {
        let card = CardNumber((*card).to_owned());
        set_measure(&mut store, &card, order, crate::fixture::day("2025-01-06")).unwrap();
    }
    let acceptance =
        Acceptance::make(&store, &Reports::new(no_files()), imola(), &request(3, 1), now()).unwrap();
    assert_eq!((acceptance.samples.len(), acceptance.left_out), (1, 2));
    assert_eq!(acceptance.samples[0].local_id, "S00003");
}
