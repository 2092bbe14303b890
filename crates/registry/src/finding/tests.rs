use std::collections::BTreeSet;

use super::*;
use crate::code::{ConvivenzaRole, HouseholdRole, Kinship};
use crate::export::ExportKind;
use crate::identifier::{HouseholdId, NationalId};
use crate::record::{HouseholdLink, Record, Register};
use crate::testing::{full_record, local_id, open_record};
use crate::timeline::Timeline;

#[test]
fn every_rule_can_be_told_and_mended() {
    let codes: BTreeSet<_> = RULES.iter().map(|rule| rule.code).collect();
    assert_eq!(codes.len(), RULES.len());
    for listed in RULES {
        assert_eq!(rule(listed.code), Some(*listed));
        for text in [listed.italian, listed.remedy, listed.english] {
            assert!(
                !text.is_empty() && !text.ends_with('.') && !text.contains('|'),
                "{}",
                listed.code
            );
        }
        assert!(
            listed.english.starts_with(|first: char| first.is_lowercase()),
            "{}",
            listed.code
        );
    }
    assert_eq!(rule("EN999"), None);
}

#[test]
fn a_finding_is_shown_by_place_and_rule() {
    let finding = Finding {
        rule: &rules::EN338,
        column: Some("istat_nascita"),
        line: 7,
    };
    assert_eq!(
        finding.to_string(),
        "EN338/W line 7 istat_nascita: the birth municipality did not exist at the birth date"
    );
}

struct Card(&'static str, Option<&'static str>, HouseholdRole);

fn card(Card(id, household, role): &Card) -> Record {
    let households = household
        .map(|household| HouseholdLink {
            household: HouseholdId::parse(household).unwrap(),
            role: *role,
        })
        .map(|link| Timeline::starting(None, link))
        .unwrap_or_default();
    Record {
        local_id: local_id(id),
        tax_codes: Vec::new(),
        national_id: None,
        households,
        ..open_record()
    }
}

/// What a file of these cards, from line 2 on, gives while it is read and at its end.
#[track_caller]
fn check(cards: &[Card], expected: &[(&str, u64)]) {
    let mut checks = ExportChecks::new();
    let mut found: Vec<Finding> = (2..)
        .zip(cards)
        .flat_map(|(line, entry)| checks.observe(line, &card(entry)))
        .collect();
    found.extend(checks.finish());
    let found: Vec<_> = found
        .iter()
        .map(|finding| (finding.rule.code, finding.line))
        .collect();
    assert_eq!(found, expected);
}

const HEAD: HouseholdRole = HouseholdRole::Family(Kinship::ReferencePerson);
const CHILD: HouseholdRole = HouseholdRole::Family(Kinship::Child);
const MEMBER: HouseholdRole = HouseholdRole::Convivenza(ConvivenzaRole::Member);
const RESPONSIBLE: HouseholdRole = HouseholdRole::Convivenza(ConvivenzaRole::Responsible);

#[test]
fn households_are_checked_over_the_whole_file() {
    check(&[], &[]);
    check(
        &[
            Card("1", Some("A"), CHILD),
            Card("2", Some("A"), HEAD),
            Card("3", None, HEAD),
        ],
        &[],
    );
    check(
        &[
            Card("1", Some("A"), HEAD),
            Card("2", Some("A"), HEAD),
            Card("3", Some("A"), HEAD),
        ],
        &[("EN166", 3)],
    );
    check(
        &[
            Card("1", Some("B"), CHILD),
            Card("2", Some("A"), CHILD),
            Card("3", Some("A"), CHILD),
        ],
        &[("EN062", 2), ("EN062", 3)],
    );
    check(
        &[Card("1", Some("C"), MEMBER), Card("2", Some("D"), RESPONSIBLE)],
        &[("PN102", 2)],
    );
    check(
        &[
            Card("1", Some("D"), RESPONSIBLE),
            Card("2", Some("D"), RESPONSIBLE),
        ],
        &[],
    );
    check(
        &[
            Card("1", Some("A"), CHILD),
            Card("2", Some("A"), MEMBER),
            Card("3", Some("A"), CHILD),
        ],
        &[("EN244", 3)],
    );
}

#[test]
fn a_card_twice_is_an_error_of_the_later_row_alone() {
    check(
        &[Card("1", Some("A"), HEAD), Card("1", Some("A"), HEAD)],
        &[("PN100", 3)],
    );
    assert_eq!(rules::PN100.severity, Severity::Error);
}

/// The codes that the cards give one after the other.
#[track_caller]
fn check_codes(kind: ExportKind, cards: &[Record], expected: &[&[&str]]) {
    let mut checks = ExportChecks::of(kind);
    let told: Vec<Vec<&str>> = (2..)
        .zip(cards)
        .map(|(line, card)| {
            checks
                .observe(line, card)
                .iter()
                .map(|finding| finding.rule.code)
                .collect()
        })
        .collect();
    assert_eq!(told, expected);
}

/// An open card without household.
fn alone(id: &str, change: impl FnOnce(&mut Record)) -> Record {
    let mut card = Record {
        local_id: local_id(id),
        households: Timeline::default(),
        national_id: None,
        ..open_record()
    };
    change(&mut card);
    card
}

#[test]
fn a_code_on_two_open_cards_is_told_and_on_a_closed_one_is_not() {
    let closed = Record {
        local_id: local_id("closed"),
        ..full_record()
    };
    let open = |id| alone(id, |_| {});
    let abroad = alone("3", |card| card.register = Register::Aire);
    let omocode = alone("4", |card| {
        let base = card.tax_codes[0].code.definitive().unwrap();
        card.tax_codes[0].code = base.omocodes().next().unwrap().into();
    });
    let numbered = |id| {
        alone(id, |card| {
            card.national_id = open_record().national_id;
            card.tax_codes.clear();
        })
    };
    check_codes(
        ExportKind::Total,
        &[
            closed,
            open("1"),
            open("2"),
            abroad,
            omocode,
            numbered("5"),
            numbered("6"),
        ],
        &[&[], &[], &["PN101"], &["PN104"], &["PN105"], &[], &["PN103"]],
    );
}

#[test]
fn two_persons_told_apart_by_omocodia_are_no_finding() {
    let numbered = |id: &str, number: &str| {
        alone(id, |card| {
            card.national_id = Some(NationalId::parse(number).unwrap())
        })
    };
    let mut other = numbered("2", "AA00002AA");
    let base = other.tax_codes[0].code.definitive().unwrap();
    other.tax_codes[0].code = base.omocodes().next().unwrap().into();
    check_codes(
        ExportKind::Total,
        &[numbered("1", "AA00001AA"), other],
        &[&[], &[]],
    );
}

#[test]
fn rows_of_an_incremental_export_are_operations_and_no_population() {
    let child = |id| card(&Card(id, Some("A"), CHILD));
    let head = |id| card(&Card(id, Some("A"), HEAD));
    let coded = |id| alone(id, |_| {});
    check_codes(
        ExportKind::Incremental,
        &[
            head("1"),
            child("1"),
            head("2"),
            coded("3"),
            coded("3"),
            coded("4"),
        ],
        &[&[], &[], &[], &[], &[], &["PN101"]],
    );
    let mut checks = ExportChecks::of(ExportKind::Incremental);
    checks.observe(2, &child("1"));
    assert!(checks.finish().is_empty());
}
