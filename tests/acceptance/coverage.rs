//! Whether every rule has its cases, and every reason of the error table is met by one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use agreement::reason::{Audience, Reason};
use serde::Deserialize;

use crate::case::{Case, Cases};
use crate::files::{AUTHORISATION, REFERENCE_DATE, SEARCH, VERIFICATION};

const RULES: &str = include_str!("../data/acceptance/rules.toml");

/// Codes of ANPR that are worth reproducing, of which each is one rule's.
const CODES: [&str; 64] = [
    "EN122", "EN130", "EN133", "EN131", "EN067", "EN043", "EN095", "EN115", "EN175", "EN068", "EN069",
    "EN070", "EN071", "EN072", "EN073", "EN074", "EN075", "EN083", "EN084", "EN085", "EN086", "EN087",
    "EN088", "EN089", "EN090", "EN081", "EN082", "EN132", "EN100", "EN101", "EN099", "EN108", "EN109",
    "EN148", "EN149", "EN167", "EN204", "EN210", "EN176", "EN178", "EN179", "EN184", "EN413", "EN214",
    "EN492", "EN313", "EN332", "EN338", "EN339", "EN340", "EN448", "EN467", "EN469", "EN470", "EN471",
    "EN472", "EHR15", "EHR16", "EHR29", "EHR59", "EHR60", "EHR61", "EHR62", "999",
];

/// Rules without cases there may be at most: each is one that no call of an agency can meet here.
const MOST_LEFT_OUT: usize = 5;

/// Reasons that no request by itself brings about, or no message that a client library would send, with the test that
/// does.
const ELSEWHERE: [(Reason, &str, &str); 17] = [
    (
        Reason::PeerNotIdentified,
        "crates/index/src/call.rs",
        "a_call_that_came_by_no_certificate_is_not_identified",
    ),
    (
        Reason::PeerRevoked,
        "tests/audit.rs",
        "an_open_stream_ends_with_the_certificate_behind_it_and_its_end_is_in_the_log",
    ),
    (
        Reason::RoleNotAllowed,
        "tests/door.rs",
        "no_role_calls_another_roles_service",
    ),
    (
        Reason::UnknownMethod,
        "tests/door.rs",
        "an_unknown_method_and_an_undecodable_message_are_refused_and_entered",
    ),
    (
        Reason::MessageUndecodable,
        "tests/door.rs",
        "an_unknown_method_and_an_undecodable_message_are_refused_and_entered",
    ),
    (
        Reason::MessageTooLarge,
        "crates/transport/tests/mutual_tls/calls.rs",
        "messages_above_the_limit_exhaust_a_resource_and_never_show_the_limit",
    ),
    (
        Reason::MetadataInvalid,
        "crates/transport/tests/mutual_tls/calls.rs",
        "metadata_that_imitate_or_repeat_are_refused",
    ),
    (
        Reason::DeadlineExceeded,
        "crates/transport/tests/mutual_tls/calls.rs",
        "a_call_ends_when_the_caller_stops_waiting_or_the_server_has_waited_long_enough",
    ),
    (
        Reason::Busy,
        "crates/index/src/access/tests.rs",
        "more_calls_at_once_than_the_log_takes_are_told_to_come_back",
    ),
    (
        Reason::Unavailable,
        "crates/index/src/upkeep/tests.rs",
        "a_backup_that_cannot_be_noted_is_entered_again_with_its_reason",
    ),
    (
        Reason::LogUnavailable,
        "tests/full_disk.rs",
        "an_index_on_a_full_disk_answers_unavailable_and_goes_on_when_there_is_room",
    ),
    (
        Reason::IndexRestoring,
        "tests/lines_of_history.rs",
        "after_a_loss_no_agency_is_answered_until_every_municipality_has_sent_what_was_lost",
    ),
    (
        Reason::WitnessesMissing,
        "tests/witness.rs",
        "without_witnesses_agencies_are_answered_for_four_hours_and_again_once_one_is_there",
    ),
    (
        Reason::NotWitnessedYet,
        "tests/witness.rs",
        "a_receipt_becomes_witnessed_when_nodes_and_somebody_outside_have_cosigned",
    ),
    (
        Reason::LogRange,
        "tests/witness.rs",
        "a_log_that_forks_after_a_rollback_is_refused_by_the_node_that_saw_it_and_by_an_old_receipt",
    ),
    (
        Reason::Internal,
        "crates/index/src/access/tests.rs",
        "a_reading_that_fails_is_an_entry_and_discloses_nothing",
    ),
    (
        Reason::ResourceNotFound,
        "tests/story.rs",
        "a_short_receipt_is_made_good_later_and_only_for_its_own_agency",
    ),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    rule: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: String,
    says: String,
    source: String,
    #[serde(default)]
    codes: Vec<String>,
    left_out: Option<String>,
}

/// A case of any file, by what it says of itself.
struct Stated {
    name: String,
    rules: Vec<String>,
    /// Whether it is refused, denied, or answered by anything but yes.
    refused: bool,
    /// Reasons of refusals, also of calls before and of rows of a list.
    reasons: Vec<String>,
}

/// A declaration, of which other keys say what is asked.
#[derive(Deserialize)]
struct Declaration {
    name: String,
    rules: Vec<String>,
    expect: String,
}

#[derive(Deserialize)]
struct Declarations {
    case: Vec<Declaration>,
}

fn stated(file: &str) -> Vec<Stated> {
    let of = |case: Case| {
        let looked_at = |name: &str| case.expect.get(name).map_or("", String::as_str);
        let rows: Vec<&str> = looked_at("rows")
            .split(", ")
            .filter(|row| !row.is_empty())
            .collect();
        let refused_row = |row: &&str| Reason::from_name(row).is_some();
        let no_row = !rows.is_empty() && rows.iter().all(refused_row);
        let (answer, refusal) = (looked_at("answer"), looked_at("refused"));
        let before = case.first.iter().filter_map(|ask| ask.refused.as_deref());
        let reasons = rows.into_iter().chain(before).chain([refusal]);
        Stated {
            refused: !refusal.is_empty() || no_row || (!answer.is_empty() && !answer.starts_with("YES")),
            reasons: reasons.map(str::to_owned).collect(),
            name: case.name.clone(),
            rules: case.rules.clone(),
        }
    };
    Cases::read(file).case.into_iter().map(of).collect()
}

fn declared(file: &str) -> Vec<Stated> {
    let Declarations { case: cases } = toml::from_str(file).expect("the cases are well formed");
    let of = |Declaration { name, rules, expect }| Stated {
        refused: !expect.starts_with("YES"),
        reasons: vec![expect],
        name,
        rules,
    };
    cases.into_iter().map(of).collect()
}

/// The files, with how many cases each has at least.
fn files() -> [(&'static str, usize, Vec<Stated>); 4] {
    [
        ("search", 120, stated(SEARCH)),
        ("authorisation", 120, stated(AUTHORISATION)),
        ("reference date", 40, stated(REFERENCE_DATE)),
        ("verification", 60, declared(VERIFICATION)),
    ]
}

fn rules() -> Vec<Rule> {
    let Rules { rule: rules } = toml::from_str(RULES).expect("the rules are well formed");
    rules
}

#[test]
fn every_rule_has_a_case_that_is_answered_and_one_that_is_refused() {
    let mut cases: BTreeMap<String, [u32; 2]> = BTreeMap::new();
    for (_, _, file) in files() {
        for case in file {
            for rule in case.rules {
                let [answered, refused] = cases.entry(rule).or_default();
                *(if case.refused { refused } else { answered }) += 1;
            }
        }
    }
    let mut faults = Vec::new();
    for rule in rules() {
        let [answered, refused] = cases.remove(&rule.id).unwrap_or_default();
        let (id, says) = (&rule.id, &rule.says);
        match &rule.left_out {
            None if answered == 0 => faults.push(format!("no case of {id} is answered: {says}")),
            None if refused == 0 => faults.push(format!("no case of {id} is refused: {says}")),
            None => {}
            Some(why) => {
                assert!(40 < why.len(), "{id} says why there can be no case of it");
                assert_eq!(answered + refused, 0, "there are cases of {id}, after all");
            }
        }
    }
    faults.extend(
        cases
            .keys()
            .map(|rule| format!("rules.toml does not list {rule}")),
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_rules_are_all_those_of_the_checklists() {
    let rules = rules();
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids.len(), rules.len(), "each rule is listed once");
    for rule in &rules {
        assert!(!rule.says.is_empty() && !rule.source.is_empty(), "{}", rule.id);
    }
    for number in [1, 2, 3, 14, 15, 16, 17, 18, 19] {
        let id = format!("R{number}");
        assert!(
            ids.iter().any(|known| known.split(' ').next() == Some(&id)),
            "{id}"
        );
    }
    for article in ["33", "34", "35", "37", "43"] {
        assert!(ids.contains(format!("4.3 art. {article}").as_str()), "{article}");
    }
    assert!(12 <= ids.iter().filter(|id| id.starts_with("2.5 ")).count());
    let codes: Vec<&str> = rules
        .iter()
        .flat_map(|rule| &rule.codes)
        .map(String::as_str)
        .collect();
    let distinct: BTreeSet<&str> = codes.iter().copied().collect();
    assert_eq!(distinct.len(), codes.len(), "each code is one rule's");
    assert_eq!(distinct, BTreeSet::from(CODES));
    let left_out = rules.iter().filter(|rule| rule.left_out.is_some()).count();
    assert!(left_out <= MOST_LEFT_OUT, "{left_out} rules are left out");
}

#[test]
fn every_file_has_its_cases_and_each_of_them_says_something_of_its_own() {
    for (file, least, cases) in files() {
        assert!(least <= cases.len(), "{file}: {} cases", cases.len());
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(
            names.len(),
            cases.len(),
            "{file}: each case has a name of its own"
        );
        for case in &cases {
            assert!(!case.rules.is_empty(), "{file}: {} names a rule", case.name);
        }
    }
}

#[test]
fn every_reason_that_an_agency_can_meet_is_met_by_a_case_or_by_a_test_that_is_named() {
    let mut met: BTreeSet<String> = BTreeSet::new();
    for (_, _, file) in files() {
        met.extend(file.into_iter().flat_map(|case| case.reasons));
    }
    let elsewhere: BTreeMap<Reason, (&str, &str)> = ELSEWHERE
        .into_iter()
        .map(|(reason, file, test)| (reason, (file, test)))
        .collect();
    assert_eq!(elsewhere.len(), ELSEWHERE.len(), "each reason is named once");
    for (reason, (file, test)) in &elsewhere {
        assert!(
            !met.contains(reason.name()),
            "{reason} is met by a case, after all"
        );
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        let source = std::fs::read_to_string(path).expect("the file of a named test is readable");
        let (_, body) = source
            .split_once(&format!("fn {test}("))
            .unwrap_or_else(|| panic!("{reason}: there is no test {test} in {file}"));
        let body = body.split("\n#[").next().unwrap_or_default();
        let variant = format!("{reason:?}");
        assert!(
            body.contains(&variant) || body.contains(reason.name()),
            "{test} does not name {reason}"
        );
    }
    let unmet: Vec<&Reason> = Reason::ALL
        .iter()
        .filter(|reason| matches!(reason.met_by(), Audience::Everybody | Audience::Agencies))
        .filter(|reason| !met.contains(reason.name()) && !elsewhere.contains_key(reason))
        .collect();
    assert!(unmet.is_empty(), "no case and no test is named for {unmet:?}");
    let known: BTreeSet<&str> = CODES.into_iter().collect();
    for reason in Reason::ALL {
        assert!(reason.anpr().is_none_or(|code| known.contains(code)), "{reason}");
    }
}
