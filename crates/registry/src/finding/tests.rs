use std::collections::BTreeSet;

use super::*;
use crate::code::{ConvivenzaRole, HouseholdRole, Kinship};
use crate::identifier::HouseholdId;
use crate::record::{HouseholdLink, Record};
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

#[test]
fn a_codice_fiscale_on_two_open_cards_is_told_and_on_a_closed_one_is_not() {
    let open = |id: &str| Record {
        local_id: local_id(id),
        ..open_record()
    };
    let closed = Record {
        local_id: local_id("closed"),
        ..full_record()
    };
    let mut checks = ExportChecks::new();
    assert!(checks.observe(2, &closed).is_empty());
    assert!(checks.observe(3, &open("1")).is_empty());
    let codes: Vec<_> = checks
        .observe(4, &open("2"))
        .iter()
        .map(|finding| finding.rule.code)
        .collect();
    assert_eq!(codes, ["PN101", "EN166"]);
}
