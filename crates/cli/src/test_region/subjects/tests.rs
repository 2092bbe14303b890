use std::collections::BTreeSet;

use registry::codice_fiscale::TaxCode;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// What the published list must hold.
const GROUPS: [&str; 12] = [
    "homonyms",
    "omocodia",
    "death",
    "ages",
    "moves",
    "AIRE",
    "protected",
    "reservation",
    "several cards",
    "addresses",
    "names",
    "territory",
];

#[test]
fn the_list_has_some_sixty_subjects_of_every_group_and_each_is_asked_about() {
    let subjects = list(day("2026-11-25")).unwrap();
    assert!((55..=70).contains(&subjects.len()), "{}", subjects.len());
    for group in GROUPS {
        assert!(
            subjects.iter().any(|subject| subject.group == group),
            "{group} has a subject"
        );
    }
    let ids: BTreeSet<&str> = subjects.iter().map(|subject| subject.id.as_str()).collect();
    assert_eq!(ids.len(), subjects.len(), "each has a name of its own");
    for subject in &subjects {
        assert!(!subject.questions.is_empty(), "{} is asked about", subject.id);
        for question in &subject.questions {
            let answered = question.expect == "FOUND";
            assert_eq!(answered, !question.shown.is_empty(), "{}", subject.id);
        }
    }
}

#[test]
fn the_list_is_one_on_every_day_and_no_two_subjects_have_a_code_in_common() {
    let mut today = day("2026-12-28");
    let last = day("2029-03-02");
    while today <= last {
        let subjects = list(today).unwrap();
        let codes: Vec<&str> = subjects
            .iter()
            .filter_map(|subject| subject.code.as_deref())
            .collect();
        let different: BTreeSet<&str> = codes.iter().copied().collect();
        assert_eq!(different.len(), codes.len(), "{today}");
        assert!(codes.iter().all(|code| TaxCode::parse(code).is_ok()), "{today}");
        today = today.succ_opt().unwrap();
    }
}

#[test]
fn what_depends_on_the_day_is_of_that_day() {
    let subjects = list(day("2028-02-29")).unwrap();
    let card = |id: &str| {
        let subject = subjects.iter().find(|subject| subject.id == id).unwrap();
        subject.cards[0].now.clone()
    };
    assert_eq!(card("dead-today")["decesso_data"], "2028-02-29");
    assert_eq!(card("dead-yesterday")["decesso_data"], "2028-02-28");
    assert_eq!(card("eighteen-today")["data_nascita"], "2010-02-28");
    assert_eq!(card("eighteen-tomorrow")["data_nascita"], "2010-03-01");
}
