//! How often honest work calls for a look, and that abuse does.
//!
//! The model: forty operators over 200 working days and the weekends between, seeded. Each has a mean of 8 to 60 calls on
//! a working day, by a normal-like law with the usual ups and downs of a week (Mondays more, Fridays less) and, one day in
//! thirty, twice as many; is on leave one day in twelve; works on one Saturday in six and on no Sunday, but for three of
//! the forty who are on duty on one Sunday in twelve for an hour; stays late on one day in forty. One person in twelve was
//! looked up in the ten days before; cases stay open for as many lookups as they need, six at most. One call in twenty
//! finds nobody; one in sixteen is about somebody of one of the other municipalities of the operator's district, one in
//! fifty of anywhere in the region. One call in 100 lacks a case. A colleague is looked up, as everybody may have to be,
//! once in 20,000 calls.

use super::*;

const OPERATORS: u64 = 40;
const DAYS: u64 = 280;

/// Alerts may come on so many of a thousand honest operator-days, for each kind of rule.
const ADMITTED_PER_MILLE: usize = 20;

/// A generator of which a seed gives the same numbers everywhere (SplitMix64).
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn one_in(&mut self, bound: u64) -> bool {
        self.below(bound) == 0
    }

    /// About `mean`, between half and one and a half of it, more often near it.
    fn around(&mut self, mean: u64) -> u64 {
        let sum: u64 = (0..4).map(|_| self.below(mean + 1)).sum();
        mean / 2 + sum / 4
    }
}

struct Honest {
    name: String,
    mean: u64,
    home: u64,
    sundays: bool,
    /// Persons looked up lately, with how many lookups their case still needs.
    open: Vec<(u32, u32)>,
    next_person: u32,
}

/// A call of a series, by its number.
type Abuse = fn(u32) -> Access;

/// The usual rules.
fn rules() -> Vec<AlertRule> {
    vec![
        rule(AlertKind::Volume {
            factor: 4,
            days: 10,
            at_least: 100,
        }),
        rule(night_as_usual()),
        rule(AlertKind::RepeatedSubject {
            more_than: 8,
            days: 30,
        }),
        rule(AlertKind::ManyMisses {
            percent: 50,
            at_least: 20,
        }),
        rule(AlertKind::OutsideTerritory {
            days: 30,
            at_least: 10,
        }),
        rule(AlertKind::Colleague {
            roster: Arc::new(Roster::parse("").unwrap()),
        }),
        rule(AlertKind::WithoutCase { at_least: 15 }),
    ]
}

fn night_as_usual() -> AlertKind {
    AlertKind::NightAndHolidays {
        from: NaiveTime::from_hms_opt(22, 0, 0).unwrap(),
        until: NaiveTime::from_hms_opt(6, 0, 0).unwrap(),
        sundays: true,
        at_least: 5,
    }
}

impl Honest {
    fn new(number: u64, seeded: &mut Seeded) -> Self {
        Self {
            name: format!("op.{number}"),
            mean: 8 + seeded.below(53),
            home: seeded.below(20),
            sundays: number < 3,
            open: Vec::new(),
            next_person: 1_000 + u32::try_from(number).unwrap() * 100_000,
        }
    }

    /// Calls of a day, and at which hour in UTC they begin.
    fn workload(&self, date: NaiveDate, seeded: &mut Seeded) -> (u64, u64) {
        let calls = seeded.around(self.mean);
        let (calls, begin) = match date.weekday() {
            Weekday::Sun if self.sundays && seeded.one_in(12) => (calls / 8, 9),
            Weekday::Sat if seeded.one_in(6) => (calls / 2, 7),
            Weekday::Sat | Weekday::Sun => (0, 0),
            _ if is_holiday(date) || seeded.one_in(12) => (0, 0),
            Weekday::Mon => (calls * 5 / 4, 7),
            Weekday::Fri => (calls * 3 / 4, 7),
            _ => (calls, 7),
        };
        let calls = if seeded.one_in(30) { calls * 2 } else { calls };
        (calls, if seeded.one_in(40) { begin + 10 } else { begin })
    }

    fn call(&mut self, seeded: &mut Seeded) -> Access {
        let base = Access {
            operator: self.name.as_str().into(),
            has_case: !seeded.one_in(100),
            ..lookup(0)
        };
        if seeded.one_in(20) {
            return Access {
                operator: base.operator,
                has_case: base.has_case,
                ..miss()
            };
        }
        let number = if seeded.one_in(20_000) {
            1
        } else if !self.open.is_empty() && seeded.one_in(12) {
            let place = usize::try_from(seeded.below(self.open.len() as u64)).unwrap();
            let (number, left) = &mut self.open[place];
            let number = *number;
            *left -= 1;
            if *left == 0 {
                self.open.swap_remove(place);
            }
            number
        } else {
            self.next_person += 1;
            self.open
                .push((self.next_person, 1 + u32::try_from(seeded.below(5)).unwrap()));
            if 200 < self.open.len() {
                self.open.remove(0);
            }
            self.next_person
        };
        let place = if seeded.one_in(50) {
            seeded.below(330)
        } else if seeded.one_in(16) {
            self.home / 5 * 5 + seeded.below(5)
        } else {
            self.home
        };
        Access {
            places: vec![format!("P{place:03}").into()],
            subjects: lookup(number).subjects,
            ..base
        }
    }
}

/// Operator-days on which somebody worked, and those of them on which a rule called for a look, by kind.
fn simulate(seed: u64) -> (usize, HashMap<String, usize>) {
    let mut seeded = Seeded(seed);
    let mut engine = Engine::new(rules());
    let mut operators: Vec<Honest> = (0..OPERATORS)
        .map(|number| Honest::new(number, &mut seeded))
        .collect();
    let start: NaiveDate = "2026-01-07".parse().unwrap();
    let (mut worked, mut index) = (0, 0);
    let mut alerted: HashMap<String, usize> = HashMap::new();
    for date in start.iter_days().take(usize::try_from(DAYS).unwrap()) {
        for operator in &mut operators {
            let (calls, begin) = operator.workload(date, &mut seeded);
            worked += usize::from(0 < calls);
            let mut kinds = BTreeSet::new();
            for call in 0..calls {
                // Over eight hours, or what is left of the evening.
                let minutes = begin * 60 + call * 240 / calls;
                let at = date.and_hms_opt(0, 0, 0).unwrap().and_utc()
                    + chrono::Duration::minutes(i64::try_from(minutes).unwrap());
                let access = operator.call(&mut seeded);
                let alerts = engine.observe(index, Moment::new(at), &access, &mut Two);
                kinds.extend(alerts.into_iter().map(|alert| alert.kind));
                index += 1;
            }
            for kind in kinds {
                *alerted.entry(kind).or_default() += 1;
            }
        }
    }
    (worked, alerted)
}

#[test]
fn each_rule_calls_for_a_look_on_few_honest_days() {
    for seed in [1, 2, 3] {
        let (worked, alerted) = simulate(seed);
        assert!(6_000 < worked, "{worked} operator-days");
        for rule in rules() {
            let kind = rule.kind.name();
            let days = alerted.get(kind).copied().unwrap_or_default();
            println!("seed {seed}: {kind} on {days} of {worked} honest operator-days");
            assert!(
                days * 1_000 <= worked * ADMITTED_PER_MILLE,
                "{kind}: {days} of {worked}"
            );
        }
    }
}

#[test]
fn each_abuse_calls_for_a_look_after_months_of_honest_work() {
    let abuses: [(&str, u64, Abuse); 7] = [
        ("volume", 300, |number| lookup(500 + number)),
        ("night-and-holidays", 5, |number| lookup(500 + number)),
        ("repeated-subject", 9, |_| lookup(500)),
        ("many-misses", 40, |_| miss()),
        ("outside-territory", 10, |number| Access {
            places: vec!["Z999".into()],
            ..lookup(500 + number)
        }),
        ("colleague", 1, |_| lookup(1)),
        ("without-case", 15, |number| Access {
            has_case: false,
            ..lookup(500 + number)
        }),
    ];
    for (kind, calls, abuse) in abuses {
        let mut seeded = Seeded(7);
        let mut engine = Engine::new(rules());
        let mut operator = Honest::new(9, &mut seeded);
        let start: NaiveDate = "2026-09-07".parse().unwrap();
        let mut index = 0;
        let mut see = |engine: &mut Engine, date: NaiveDate, hour: u32, access: Access| {
            let at = date.and_hms_opt(hour, 0, 0).unwrap().and_utc();
            index += 1;
            engine.observe(index, Moment::new(at), &access, &mut Two)
        };
        for date in start.iter_days().take(60) {
            let (calls, _) = operator.workload(date, &mut seeded);
            for _ in 0..calls {
                let access = operator.call(&mut seeded);
                see(&mut engine, date, 9, access);
            }
        }
        let date = start + chrono::Days::new(60);
        let hour = if kind == "night-and-holidays" { 23 } else { 9 };
        let mut kinds = BTreeSet::new();
        for number in 0..calls {
            let access = Access {
                operator: operator.name.as_str().into(),
                ..abuse(u32::try_from(number).unwrap())
            };
            let alerts = see(&mut engine, date, hour, access);
            kinds.extend(alerts.into_iter().map(|alert| alert.kind));
        }
        assert!(kinds.contains(kind), "{kind} is not among {kinds:?}");
    }
}
