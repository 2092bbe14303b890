use std::collections::BTreeMap;

use super::*;
use crate::synthetic::truth::{Statement, Truth};

fn istat(text: &str) -> IstatCode {
    IstatCode::parse(text).unwrap()
}

fn plan() -> Plan {
    Plan::new(1, 2026).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Rows by event, and the truth, of a directory.
fn written(churn: &Churn) -> (BTreeMap<String, usize>, Truth, ChurnReport) {
    let directory = tempfile::tempdir().unwrap();
    let report = churn.write(directory.path(), |_| ()).unwrap();
    let mut events: BTreeMap<String, usize> = BTreeMap::new();
    for code in churn.municipalities() {
        let mut day = churn.first();
        while day < churn.last() {
            day = after_days(day, 1);
            let path = directory
                .path()
                .join(code.as_str())
                .join(Churn::incremental_name(day));
            let text = std::fs::read_to_string(path).unwrap();
            for row in text.lines().skip(1) {
                let event = row.rsplit(';').nth(2).unwrap();
                *events.entry(event.to_owned()).or_default() += 1;
            }
        }
    }
    let truth = File::open(directory.path().join(TRUTH)).unwrap();
    (events, Truth::read(io::BufReader::new(truth)).unwrap(), report)
}

#[test]
fn things_happen_as_often_as_in_life() {
    // 20,800 residents.
    let churn = Churn::new(plan(), None, 90, &[istat("037020")]).unwrap();
    let (events, truth, report) = written(&churn);
    let residents = 20_800.0 * 90.0 / 365.0 / 1_000.0;
    for (event, low, high) in [
        ("BIRTH", 4.0, 9.0),
        ("DEATH", 8.0, 16.0),
        ("EMIGRATION", 15.0, 40.0),
        ("IMMIGRATION", 8.0, 40.0),
        // A row when it is declared and one when its check ends, also of those declared before the first day.
        ("CHANGE_OF_DWELLING", 50.0, 400.0),
        ("MARRIAGE", 3.0, 10.0),
    ] {
        let rate = events.get(event).copied().unwrap_or_default() as f64 / residents;
        assert!(
            (low..high).contains(&rate),
            "{event}: {rate:.1} per thousand and year: {events:?}"
        );
    }
    assert_eq!(
        u64::try_from(events.values().sum::<usize>()).unwrap(),
        report.rows
    );
    assert_eq!(u64::try_from(truth.cards().len()).unwrap(), report.truths);
    assert!(report.cards < report.truths);
}

#[test]
fn who_moves_has_a_card_in_both_municipalities() {
    let codes = [istat("037007"), istat("037014"), istat("037016")];
    let churn = Churn::new(plan(), Some(day("2026-03-01")), 60, &codes).unwrap();
    let (_, truth, _) = written(&churn.of(Scale::one_in(4).unwrap()).at(Pace::times(30).unwrap()));
    let entered = |card: &TruthCard| {
        card.facts.iter().find_map(|fact| match fact.statement {
            Statement::Registration { .. } => fact.from,
            _ => None,
        })
    };
    let left = |card: &TruthCard| {
        card.facts.iter().find_map(|fact| match &fact.statement {
            Statement::Cancellation { reason } if reason == "3" => Some((fact.known_from, fact.from)),
            _ => None,
        })
    };
    let (mut before, mut after) = (0, 0);
    for new in truth.cards() {
        let old = truth
            .cards_of(&new.person)
            .find(|card| card.municipality != new.municipality);
        let Some(old) = old.filter(|_| !new.person.starts_with(&new.municipality)) else {
            continue;
        };
        // Who left in the last days may not have been cancelled yet.
        if let Some((known, effective)) = left(old) {
            assert_eq!(effective, entered(new));
            let registered = new.facts[0].known_from;
            before += usize::from(known < registered);
            after += usize::from(registered < known);
        }
    }
    assert!(
        5 < before && 5 < after,
        "either half may come first: {before} and {after}"
    );
}

#[test]
fn what_is_no_set_of_days_is_refused() {
    let code = istat("037007");
    let refused = |first: Option<&str>, days: u16, codes: &[IstatCode]| {
        Churn::new(plan(), first.map(day), days, codes)
            .map(|_| ())
            .unwrap_err()
    };
    assert!(matches!(refused(None, 0, &[code]), GenerateError::DayOutsideYear));
    assert!(matches!(
        refused(None, 365, &[code]),
        GenerateError::DayOutsideYear
    ));
    assert!(matches!(
        refused(Some("2025-12-31"), 3, &[code]),
        GenerateError::DayOutsideYear
    ));
    let twice = refused(None, 3, &[code, istat("037014"), code]);
    assert!(matches!(twice, GenerateError::MunicipalityTwice(of) if of == code));
    let unknown = refused(None, 3, &[istat("058091")]);
    assert!(matches!(unknown, GenerateError::UnknownMunicipality(_)));
    assert!(matches!(Pace::times(0), Err(GenerateError::Pace)));
    assert!(matches!(Pace::times(1_001), Err(GenerateError::Pace)));
    assert!(Churn::new(plan(), None, 364, &[code]).is_ok());
}
