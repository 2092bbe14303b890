//! The cases written by hand: `tests/data/history/cases.toml`.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use cli::synthetic::truth::{CardAnswer, Standing, Told};
use registry::export::COLUMNS;
use registry::identifier::{IstatCode, LocalId};
use serde::Deserialize;

use crate::answers::answer;
use crate::replay::Registry;

const CASES: &str = include_str!("../data/history/cases.toml");
const CARDS: &str = include_str!("../data/history/cards.toml");
/// Columns that say what a row does, where the layout does not have them among its own.
const TOLD: [&str; 4] = ["operazione", "evento", "evento_data", "evento_registrazione"];

/// Values of a row by column.
type Values = BTreeMap<String, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    rule: String,
    days: Vec<Export>,
    ask: Vec<Ask>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Export {
    date: String,
    rows: Vec<Values>,
}

/// A question, and what of the answer is looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    scheda: String,
    on: String,
    known_on: String,
    standing: Option<String>,
    registration: Option<String>,
    cancellation: Option<String>,
    death: Option<String>,
    residence: Option<String>,
    since: Option<String>,
    provisional: Option<bool>,
    household: Option<String>,
    members: Option<Vec<String>>,
    civil_status: Option<String>,
    citizenships: Option<String>,
    tax_codes: Option<Vec<String>>,
    names: Option<String>,
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// The product's registry after the exports of a case.
fn told(case: &Case, cards: &BTreeMap<String, Values>) -> Registry {
    let mut registry = Registry::new(IstatCode::parse("037032").expect("an ISTAT code"));
    let mut last: BTreeMap<String, Values> = BTreeMap::new();
    for (at, export) in case.days.iter().enumerate() {
        let rows: Vec<Values> = export
            .rows
            .iter()
            .map(|row| {
                let number = &row["scheda"];
                let mut values = last
                    .get(number)
                    .or_else(|| cards.get(number))
                    .expect("a card of the file of cards")
                    .clone();
                // What a row does is said by that row alone.
                TOLD.iter().for_each(|column| drop(values.remove(*column)));
                values.extend(row.clone());
                last.insert(number.clone(), values.clone());
                values
            })
            .collect();
        let (file, date) = (export_of(&rows), day(&export.date));
        if at == 0 {
            registry.total(&export_without_operations(&rows), date);
        } else {
            registry.incremental(&file, date);
        }
    }
    registry
}

fn export_of(rows: &[Values]) -> Vec<u8> {
    let own = COLUMNS.iter().map(|spec| spec.name);
    let more = TOLD
        .into_iter()
        .filter(|name| COLUMNS.iter().all(|spec| spec.name != *name));
    written(&own.chain(more).collect::<Vec<_>>(), rows)
}

fn export_without_operations(rows: &[Values]) -> Vec<u8> {
    let own = COLUMNS.iter().map(|spec| spec.name);
    written(&own.filter(|name| !TOLD.contains(name)).collect::<Vec<_>>(), rows)
}

fn written(columns: &[&str], rows: &[Values]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(columns).expect("memory takes every row");
    for row in rows {
        let stray: Vec<_> = row
            .keys()
            .filter(|name| !columns.contains(&name.as_str()))
            .collect();
        assert!(stray.is_empty(), "columns that there are not: {stray:?}");
        let values = columns
            .iter()
            .map(|column| row.get(*column).map_or("", String::as_str));
        writer.write_record(values).expect("memory takes every row");
    }
    writer.into_inner().expect("memory takes every row")
}

/// A fact as a case writes it.
fn words<T>(told: &Told<T>, value: impl Fn(&T) -> String) -> String {
    match told {
        Told::Held { value: held, .. } => value(held),
        Told::NoHistoryBefore(day) => format!("no history before {day}"),
        Told::NotHeld => "none".to_owned(),
    }
}

/// Street and number of an address of the truth.
fn street(address: &str) -> String {
    let parts: Vec<&str> = address.split('|').collect();
    match parts.as_slice() {
        [_, _, _, _, street, _, number, ..] => format!("{street} {number}"),
        _ => address.replace("senza fissa dimora,", "no fixed abode"),
    }
}

/// Differences between an answer and what a case expects of it.
fn differences(ask: &Ask, answer: Option<&CardAnswer>) -> Vec<String> {
    let Ask {
        scheda: _,
        on: _,
        known_on: _,
        standing,
        registration,
        cancellation,
        death,
        residence,
        since,
        provisional,
        household,
        members,
        civil_status,
        citizenships,
        tax_codes,
        names,
    } = ask;
    let Some(answer) = answer else {
        return match standing.as_deref() {
            Some("unknown") => Vec::new(),
            _ => vec!["the card is unknown".to_owned()],
        };
    };
    let standing_now = match answer.standing {
        Standing::Registered => "registered",
        Standing::Cancelled => "cancelled",
        Standing::Dead => "dead",
    };
    let none = || "none".to_owned();
    let entry = answer.registration.as_ref().map_or_else(none, |(reason, from)| {
        format!(
            "{reason} {}",
            from.map(|from| from.to_string()).unwrap_or_default()
        )
    });
    let exit = answer
        .cancellation
        .as_ref()
        .map_or_else(none, |(reason, from)| format!("{reason} {from}"));
    let (surname, given_name) = &answer.names;
    let (begun, is_provisional) = match &answer.residence {
        Told::Held { from, value } => (from.map(|from| from.to_string()), Some(value.provisional)),
        Told::NoHistoryBefore(_) | Told::NotHeld => (None, None),
    };
    let belonging: Vec<String> = answer
        .members
        .iter()
        .map(|(card, role)| format!("{card} {role}"))
        .collect();
    let told = [
        ("standing", standing, standing_now.to_owned()),
        ("registration", registration, entry),
        ("cancellation", cancellation, exit),
        (
            "death",
            death,
            answer.death.map_or_else(none, |day| day.to_string()),
        ),
        (
            "residence",
            residence,
            words(&answer.residence, |dwelling| street(&dwelling.address)),
        ),
        ("since", since, begun.unwrap_or_else(none)),
        (
            "household",
            household,
            words(&answer.household, |link| link.household.clone()),
        ),
        (
            "civil status",
            civil_status,
            words(&answer.civil_status, Clone::clone),
        ),
        (
            "citizenships",
            citizenships,
            words(&answer.citizenships, |states| states.join(",")),
        ),
        (
            "names",
            names,
            format!(
                "{} {}",
                surname.as_deref().unwrap_or("-"),
                given_name.as_deref().unwrap_or("-")
            ),
        ),
    ];
    let mut differences: Vec<String> = told
        .into_iter()
        .filter_map(|(what, expected, found)| {
            let expected = expected.as_ref().filter(|expected| **expected != found)?;
            Some(format!("{what}: {found}, not {expected}"))
        })
        .collect();
    if members.as_ref().is_some_and(|expected| *expected != belonging) {
        differences.push(format!("members: {belonging:?}"));
    }
    if tax_codes
        .as_ref()
        .is_some_and(|expected| *expected != answer.tax_codes)
    {
        differences.push(format!("tax codes: {:?}", answer.tax_codes));
    }
    if provisional.is_some() && *provisional != is_provisional {
        differences.push(format!("provisional: {is_provisional:?}"));
    }
    differences
}

#[test]
fn every_case_written_by_hand_has_its_answer() {
    let Cases { case: cases } = toml::from_str(CASES).expect("the cases are well formed");
    let cards: BTreeMap<String, Values> = toml::from_str(CARDS).expect("the cards are well formed");
    assert!(40 <= cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let registry = told(case, &cards);
        assert!(!case.rule.is_empty() && !case.ask.is_empty(), "{}", case.name);
        for ask in &case.ask {
            let card = LocalId::parse(&ask.scheda).expect("the number of a card");
            let answer = answer(&registry, &card, day(&ask.on), day(&ask.known_on));
            for difference in differences(ask, answer.as_ref()) {
                let (name, on, known_on) = (&case.name, &ask.on, &ask.known_on);
                wrong.push(format!("{name}\n    on {on}, known on {known_on}: {difference}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
