//! The files of cases, each in a region of its own.

use crate::case::Cases;
use crate::run::Court;
use support::cards::Cards;

/// Searches and what is refused as no question.
pub(crate) const SEARCH: &str = include_str!("../data/acceptance/search.toml");
/// Who may ask what, of whom, when, from where.
pub(crate) const AUTHORISATION: &str = include_str!("../data/acceptance/authorisation.toml");
/// What holds on a day.
pub(crate) const REFERENCE_DATE: &str = include_str!("../data/acceptance/reference_date.toml");
/// Declarations; `tests/verification/cases.rs` asks them.
pub(crate) const VERIFICATION: &str = include_str!("../data/verification/cases.toml");

const SEARCHED: &str = include_str!("../data/acceptance/searched.toml");
const CARDS: &str = include_str!("../data/verification/cards.toml");
const MORE: &str = include_str!("../data/acceptance/more.toml");

/// Asks every case and compares what is looked at.
async fn ask_all(file: &str, cards: &[&str]) {
    let Cases { case: mut cases } = Cases::read(file);
    cases.sort_by_key(|case| case.at.clone());
    let mut court = Court::open(Cards::read(cards)).await;
    let mut wrong = Vec::new();
    for case in &cases {
        assert!(!case.expect.is_empty(), "{}", case.name);
        let told = court.ask(case).await;
        for (name, expected) in &case.expect {
            let found = told.get(name).map_or("", String::as_str);
            if found != expected {
                let (rules, case) = (case.rules.join(", "), &case.name);
                wrong.push(format!(
                    "{rules}: {case}\n    {name}: {found:?}, not {expected:?}"
                ));
            }
        }
        let refused = case.expect.contains_key("refused");
        if !refused && let Some(reason) = told.get("refused") {
            wrong.push(format!("{}\n    refused: {reason}, {told:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_search_tells_what_its_case_says() {
    ask_all(SEARCH, &[SEARCHED]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_granted_or_denied_as_its_case_says() {
    ask_all(AUTHORISATION, &[CARDS, MORE]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_date_has_the_answer_of_its_case() {
    ask_all(REFERENCE_DATE, &[CARDS, MORE]).await;
}
