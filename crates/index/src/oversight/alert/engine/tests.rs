mod honest;

use std::sync::Arc;

use chrono::{DateTime, NaiveTime};
use proptest::prelude::*;

use super::*;
use crate::oversight::access::Pseudonym;
use crate::oversight::alert::roster::Roster;

const POLICE: &str = "spiffe://ponte.test/agency/questura-bo";

/// Nobody is a colleague but subject 1, who is `colleague`, and subject 2, who is `m.esposito`.
struct Two;

impl Colleagues for Two {
    fn who(&mut self, _: usize, subject: &Subject, _: u16) -> Option<String> {
        if subject.pseudonym == person(1) {
            Some("colleague".to_owned())
        } else if subject.pseudonym == person(2) {
            Some("m.esposito".to_owned())
        } else {
            None
        }
    }
}

fn moment(text: &str) -> Moment {
    Moment::new(text.parse::<DateTime<chrono::Utc>>().unwrap())
}

/// A weekday of November 2026, at ten in Italy.
fn day(number: u32) -> String {
    format!("2026-11-{number:02}T09:00:00Z")
}

fn person(number: u32) -> Pseudonym {
    let mut pseudonym = [0; 16];
    pseudonym[12..].copy_from_slice(&number.to_be_bytes());
    pseudonym
}

/// A lookup of a person of Imola with a case.
fn lookup(number: u32) -> Access {
    Access {
        reached: true,
        caller: POLICE.into(),
        agreement: "questura-2026".into(),
        purpose: "identification".into(),
        service: "ponte.consultation.v1.ConsultationService/LookupPerson".into(),
        outcome: "OK".into(),
        operator: "m.esposito".into(),
        class: "operator 24m 2026-11".into(),
        reserved: false,
        places: vec!["E289".into()],
        is_repeat: false,
        is_row: false,
        has_case: true,
        subjects: vec![Subject {
            place: "E289".into(),
            pseudonym: person(number),
        }],
    }
}

fn miss() -> Access {
    Access {
        outcome: "NOT_FOUND".into(),
        places: Vec::new(),
        subjects: Vec::new(),
        ..lookup(0)
    }
}

fn rule(kind: AlertKind) -> AlertRule {
    AlertRule {
        kind,
        agencies: BTreeSet::new(),
    }
}

/// Alerts as kind, first day, last day and counts; each once, as it first came.
fn run<T: AsRef<str>>(
    kind: AlertKind,
    accesses: impl IntoIterator<Item = (T, Access)>,
) -> Vec<(String, Vec<(&'static str, u64)>)> {
    let mut engine = Engine::new(vec![rule(kind)]);
    let mut keys = BTreeSet::new();
    let mut alerts = Vec::new();
    for (index, (at, access)) in (0..).zip(accesses) {
        for alert in engine.observe(index, moment(at.as_ref()), &access, &mut Two) {
            if keys.insert(alert.key()) {
                alerts.push((format!("{}..{}", alert.first, alert.last), alert.counts));
            }
        }
    }
    alerts
}

fn repeated_days(days: &[u32], each: u32) -> Vec<(String, Access)> {
    let days = days.iter();
    days.flat_map(|number| (0..each).map(|person| (day(*number), lookup(100 + person))))
        .collect()
}

const VOLUME: AlertKind = AlertKind::Volume {
    factor: 4,
    days: 5,
    at_least: 10,
};

#[test]
fn volume_is_told_from_the_operators_own_baseline() {
    let usual = repeated_days(&[2, 3, 4, 5, 6], 10);
    let with = |number: u32, each: u32| {
        let mut accesses = usual.clone();
        accesses.extend(repeated_days(&[number], each));
        run(VOLUME, accesses)
    };
    assert_eq!(with(9, 40), []);
    let alert = (
        "2026-11-09..2026-11-09".to_owned(),
        vec![("calls", 41), ("usual", 10)],
    );
    assert_eq!(with(9, 41), std::slice::from_ref(&alert));
    assert_eq!(with(9, 80), [alert], "one a day");
    // Within three times five days the baseline holds over a pause; after it there is none any more.
    assert_eq!(with(20, 41).len(), 1);
    let late = run(VOLUME, usual.iter().cloned().chain(repeated_days(&[30], 41)));
    assert_eq!(
        late.len(),
        1,
        "without a baseline it is four times ten all the same"
    );
    // A baseline below the least is one, and the least is the least.
    let few = repeated_days(&[2, 3, 4], 1);
    let run_after = |each| run(VOLUME, few.iter().cloned().chain(repeated_days(&[5], each)));
    assert_eq!(run_after(9), []);
    assert_eq!(run_after(10).len(), 1);
}

#[test]
fn rows_of_lists_and_repeats_are_no_volume() {
    let row = Access {
        is_row: true,
        ..lookup(1)
    };
    let repeat = Access {
        is_repeat: true,
        ..lookup(1)
    };
    for access in [row, repeat] {
        let many = (0..1_000).map(|_| (day(2), access.clone()));
        assert_eq!(run(VOLUME, many), []);
    }
}

fn night(sundays: bool) -> AlertKind {
    AlertKind::NightAndHolidays {
        from: NaiveTime::from_hms_opt(22, 0, 0).unwrap(),
        until: NaiveTime::from_hms_opt(6, 0, 0).unwrap(),
        sundays,
        at_least: 1,
    }
}

#[test]
fn nights_holidays_and_sundays_are_those_of_italy_also_when_clocks_change() {
    for (at, sundays, expected) in [
        ("2026-11-03T20:59:59Z", true, 0),
        ("2026-11-03T21:00:00Z", true, 1),
        ("2026-11-04T04:59:59Z", true, 1),
        ("2026-11-04T05:00:00Z", true, 0),
        // The night of 29 March 2026 has no hour from 2 to 3: six o'clock comes at four in UTC.
        ("2026-03-28T20:59:59Z", false, 0),
        ("2026-03-29T03:59:59Z", false, 1),
        ("2026-03-29T04:00:00Z", false, 0),
        // The night of 25 October 2026 has two.
        ("2026-10-24T19:59:59Z", false, 0),
        ("2026-10-24T20:00:00Z", false, 1),
        ("2026-10-25T00:30:00Z", false, 1),
        ("2026-10-25T01:30:00Z", false, 1),
        ("2026-10-25T04:59:59Z", false, 1),
        ("2026-10-25T05:00:00Z", false, 0),
        // A Sunday, Easter Monday, and 2 June.
        ("2026-11-08T10:00:00Z", true, 1),
        ("2026-11-08T10:00:00Z", false, 0),
        ("2026-04-06T10:00:00Z", false, 1),
        ("2026-06-02T10:00:00Z", false, 1),
        ("2026-06-03T10:00:00Z", false, 0),
    ] {
        assert_eq!(run(night(sundays), [(at, lookup(100))]).len(), expected, "{at}");
    }
    let within = AlertKind::NightAndHolidays {
        from: NaiveTime::from_hms_opt(12, 0, 0).unwrap(),
        until: NaiveTime::from_hms_opt(14, 0, 0).unwrap(),
        sundays: false,
        at_least: 2,
    };
    let noon = [
        "2026-11-03T11:00:00Z",
        "2026-11-03T12:59:00Z",
        "2026-11-03T13:00:00Z",
    ];
    let alerts = run(within, noon.map(|at| (at, lookup(100))));
    assert_eq!(
        alerts,
        [("2026-11-03..2026-11-03".to_owned(), vec![("accesses", 2)])]
    );
}

#[test]
fn the_same_person_again_and_again_is_one_alert_a_month_lists_included() {
    let kind = AlertKind::RepeatedSubject {
        more_than: 3,
        days: 10,
    };
    let on = |days: &[u32]| {
        let accesses = days.iter().map(|number| (day(*number), lookup(100)));
        run(kind.clone(), accesses.collect::<Vec<_>>())
    };
    assert_eq!(on(&[2, 3, 4]), []);
    assert_eq!(
        on(&[2, 3, 4, 11, 12]),
        [("2026-11-02..2026-11-11".to_owned(), vec![("accesses", 4)])]
    );
    assert_eq!(on(&[2, 3, 4, 12]), [], "ten days have passed");
    let rows = (0..4).map(|_| {
        let access = Access {
            is_row: true,
            ..lookup(100)
        };
        (day(2), access)
    });
    assert_eq!(run(kind.clone(), rows).len(), 1);
    let different = (0..40).map(|number| (day(2), lookup(100 + number)));
    assert_eq!(run(kind, different), []);
}

#[test]
fn many_misses_are_a_share_of_the_calls_that_were_answered() {
    let kind = AlertKind::ManyMisses {
        percent: 50,
        at_least: 10,
    };
    let denied = || Access {
        outcome: "QUOTA_PER_DAY".into(),
        ..miss()
    };
    let of = |found: u32, missed: u32, refused: u32| {
        let accesses = (0..found)
            .map(|number| lookup(100 + number))
            .chain((0..refused).map(|_| denied()))
            .chain((0..missed).map(|_| miss()));
        let accesses: Vec<_> = accesses.map(|access| (day(2), access)).collect();
        run(kind.clone(), accesses)
    };
    assert_eq!(of(0, 9, 50), [], "too few");
    assert_eq!(of(6, 5, 0), [], "too small a share");
    assert_eq!(
        of(5, 5, 0),
        [(
            "2026-11-02..2026-11-02".to_owned(),
            vec![("answered", 10), ("not_found", 5)]
        )]
    );
}

#[test]
fn outside_of_the_usual_territory_is_where_the_operator_was_not_lately() {
    let kind = AlertKind::OutsideTerritory {
        days: 20,
        at_least: 3,
    };
    let elsewhere = || Access {
        places: vec!["A944".into()],
        ..lookup(100)
    };
    let of = |usual: &[u32], strange: u32, on: u32| {
        let usual = usual.iter().map(|number| (day(*number), lookup(100)));
        let strange = (0..strange).map(|_| (day(on), elsewhere()));
        run(kind.clone(), usual.chain(strange).collect::<Vec<_>>())
    };
    let week = [2, 3, 4, 5, 6];
    assert_eq!(of(&week, 2, 9), []);
    assert_eq!(
        of(&week, 3, 9),
        [("2026-11-09..2026-11-09".to_owned(), vec![("accesses", 3)])]
    );
    assert_eq!(of(&week[..4], 3, 9), [], "no territory yet");
    assert_eq!(of(&week, 3, 24), [], "too long ago");
    // Who was there lately, or asks about somebody who is of a known place too, is at home.
    let both = Access {
        places: vec!["A944".into(), "E289".into()],
        ..lookup(100)
    };
    let mut accesses: Vec<_> = week.iter().map(|number| (day(*number), lookup(100))).collect();
    accesses.extend((0..9).map(|_| (day(9), both.clone())));
    accesses.extend((0..9).map(|_| (day(10), elsewhere())));
    assert_eq!(run(kind, accesses), []);
}

#[test]
fn a_colleague_and_the_own_person_are_alerts_and_nobody_else_is() {
    let kind = AlertKind::Colleague {
        roster: Arc::new(Roster::parse("").unwrap()),
    };
    let accesses = [1, 1, 2, 3].map(|number| (day(2), lookup(number)));
    let today = "2026-11-02..2026-11-02".to_owned();
    let expected = [
        (today.clone(), vec![("colleague", 1)]),
        (today, vec![("self", 1)]),
    ];
    assert_eq!(run(kind, accesses), expected);
}

#[test]
fn many_persons_without_a_case_are_many_calls_too() {
    let kind = AlertKind::WithoutCase { at_least: 5 };
    let without = |number: u32| Access {
        has_case: false,
        ..lookup(number)
    };
    let of = |accesses: Vec<Access>| run(kind.clone(), accesses.into_iter().map(|access| (day(2), access)));
    assert_eq!(of((0..4).map(|number| without(100 + number)).collect()), []);
    assert_eq!(of((0..9).map(|_| without(100)).collect()), [], "one person");
    assert_eq!(
        of((0..9).map(|number| lookup(100 + number)).collect()),
        [],
        "with a case"
    );
    let search = Access {
        subjects: (0..9).flat_map(|number| lookup(100 + number).subjects).collect(),
        ..without(100)
    };
    assert_eq!(of(vec![search]), [], "one call");
    assert_eq!(of((0..5).map(|number| without(100 + number)).collect()).len(), 1);
}

#[test]
fn a_rule_is_for_its_agencies_and_reserved_purposes_are_watched_apart() {
    let mut engine = Engine::new(vec![AlertRule {
        kind: AlertKind::WithoutCase { at_least: 2 },
        agencies: BTreeSet::from([POLICE.to_owned()]),
    }]);
    let without = |number, caller: &str, reserved| Access {
        has_case: false,
        caller: caller.into(),
        reserved,
        ..lookup(number)
    };
    let mut alerts = Vec::new();
    for (index, access) in [
        without(100, "spiffe://ponte.test/agency/asl-imola", false),
        without(101, "spiffe://ponte.test/agency/asl-imola", false),
        without(102, POLICE, false),
        without(103, POLICE, true),
        without(104, POLICE, true),
    ]
    .into_iter()
    .enumerate()
    {
        let index = index as u64;
        alerts.extend(engine.observe(index, moment(&day(2)), &access, &mut Two));
    }
    let seen: Vec<_> = alerts
        .iter()
        .map(|alert| (alert.reserved, alert.entries.clone()))
        .collect();
    assert_eq!(seen, [(true, vec![3, 4])]);
}

#[test]
fn an_alert_reads_back_from_its_entry_and_names_no_person() {
    let mut engine = Engine::new(vec![rule(AlertKind::RepeatedSubject {
        more_than: 1,
        days: 3,
    })]);
    let mut alerts = Vec::new();
    for index in 0..2 {
        alerts.extend(engine.observe(index, moment(&day(2)), &lookup(77), &mut Two));
    }
    let [alert] = &alerts[..] else { panic!("one alert") };
    let detail = alert.detail();
    let read = crate::oversight::alert::entry::RaisedAlert::read(&detail).unwrap();
    assert_eq!(
        (read.entries, read.counts),
        (vec![0, 1], vec![("accesses".to_owned(), 2)])
    );
    assert_eq!((read.operator.as_str(), read.reserved), ("m.esposito", false));
    let pseudonym = registry::hex::Hex(&person(77)).to_string();
    assert!(
        detail
            .details
            .iter()
            .all(|(_, value)| !value.contains(&pseudonym))
    );
}

proptest! {
    /// What a rule says of a day depends on nothing from before the days that it looks back at: a restart may begin there.
    #[test]
    fn rules_forget_what_they_do_not_look_back_at(
        accesses in proptest::collection::vec((1..29u32, 0..6u32, any::<bool>()), 1..120),
    ) {
        let rules = || vec![
            rule(AlertKind::Volume { factor: 2, days: 3, at_least: 2 }),
            rule(AlertKind::RepeatedSubject { more_than: 2, days: 9 }),
            rule(AlertKind::OutsideTerritory { days: 7, at_least: 1 }),
        ];
        let mut accesses = accesses;
        accesses.sort_unstable();
        let seen = |from: u32| {
            let mut engine = Engine::new(rules());
            let mut alerts = Vec::new();
            for (index, (number, who, elsewhere)) in (0..).zip(&accesses) {
                let access = Access {
                    places: vec![if *elsewhere { "A944".into() } else { "E289".into() }],
                    ..lookup(100 + who)
                };
                if from <= *number {
                    let found = engine.observe(index, moment(&day(*number)), &access, &mut Two);
                    if 20 <= *number {
                        alerts.extend(found);
                    }
                }
            }
            alerts
        };
        prop_assert_eq!(Engine::new(rules()).looks_back(), 9);
        prop_assert_eq!(seen(1), seen(11));
    }
}
