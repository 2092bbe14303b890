//! The rules, evaluated as accesses are seen: a pure function of the accesses and of who is on a roster.

use std::collections::{BTreeSet, HashMap};

use agreement::moment::Moment;
use chrono::{Datelike, NaiveDate, Weekday};

use crate::oversight::access::{Access, Name, Subject};
use crate::oversight::alert::activity::{Activity, Named, OneDay};
use crate::oversight::alert::calendar::is_holiday;
use crate::oversight::alert::{AlertKind, AlertRule};

/// Active days without which an operator has no baseline.
const LEAST_BASELINE: usize = 3;

/// Active days without which an operator has no territory.
const LEAST_TERRITORY: usize = 5;

/// What calls for a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alert {
    /// The rule, with its parameters.
    pub(crate) rule: String,
    /// Name of the rule's kind.
    pub(crate) kind: String,
    /// The agency, a SPIFFE id.
    pub(crate) agency: Name,
    /// The operator, by the agency's own id.
    pub(crate) operator: Name,
    /// Agreement of the last access.
    pub(crate) agreement: Name,
    /// Whether it is about accesses for reserved purposes.
    pub(crate) reserved: bool,
    /// First day that it is about.
    pub(crate) first: NaiveDate,
    /// Last day that it is about, that of the last access.
    pub(crate) last: NaiveDate,
    /// What was counted, by name.
    pub(crate) counts: Vec<(&'static str, u64)>,
    /// Entries that it is about, the last ones of many, ascending.
    pub(crate) entries: Vec<u64>,
    /// Municipalities whose persons it is about.
    pub(crate) places: BTreeSet<Name>,
    /// The access with which it was seen.
    pub(crate) trigger: u64,
    /// What tells it from other alerts of its rule about its operator. Never shown.
    pub(crate) distinction: String,
}

/// Who of an agency's staff a subject is.
pub(crate) trait Colleagues {
    /// The operator id of the person, by the rule whose roster has it.
    fn who(&mut self, rule: usize, subject: &Subject, year: u16) -> Option<String>;
}

/// Whom the rules watch: one operator of one agency, for ordinary or for reserved purposes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Watched {
    agency: Name,
    operator: Name,
    reserved: bool,
}

/// What was found by one rule.
struct Finding {
    first: NaiveDate,
    counts: Vec<(&'static str, u64)>,
    entries: Vec<u64>,
    distinction: String,
}

/// The rules with what they remember.
#[derive(Debug)]
pub(crate) struct Engine {
    rules: Vec<AlertRule>,
    looks_back: u32,
    watched: HashMap<Watched, Activity>,
    swept: NaiveDate,
}

impl Engine {
    /// Rules that have seen nothing.
    pub(crate) fn new(rules: Vec<AlertRule>) -> Self {
        let looks_back = rules.iter().map(|rule| rule.kind.looks_back()).max();
        Self {
            rules,
            looks_back: looks_back.unwrap_or_default(),
            watched: HashMap::new(),
            swept: NaiveDate::MIN,
        }
    }

    /// The rules.
    pub(crate) fn rules(&self) -> &[AlertRule] {
        &self.rules
    }

    /// How many days before an access count.
    pub(crate) fn looks_back(&self) -> u32 {
        self.looks_back
    }

    /// Looks at the next access and tells what calls for a look. The same alert comes again with each further access of
    /// its day; whoever raises alerts raises each once.
    pub(crate) fn observe(
        &mut self,
        index: u64,
        at: Moment,
        access: &Access,
        colleagues: &mut dyn Colleagues,
    ) -> Vec<Alert> {
        if !access.reached || access.is_repeat || access.operator.is_empty() {
            return Vec::new();
        }
        let date = at.date();
        self.sweep(date);
        let Self {
            rules,
            looks_back,
            watched,
            ..
        } = self;
        let for_agency = |rule: &AlertRule| rule.is_for(&access.caller);
        let watched = watched
            .entry(Watched {
                agency: Name::clone(&access.caller),
                operator: Name::clone(&access.operator),
                reserved: access.reserved,
            })
            .or_default();
        let outside = outside_territory(rules, watched, date, access);
        let day = watched.add(index, date, access, *looks_back);
        if !access.is_row {
            for (number, rule) in rules.iter().enumerate() {
                if is_off_hours(&rule.kind, at) {
                    day.off_hours.entry(number).or_default().push(index);
                }
            }
            for number in outside {
                day.outside.entry(number).or_default().push(index);
            }
        }
        let mut alerts = Vec::new();
        for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| for_agency(rule)) {
            let findings = match &rule.kind {
                AlertKind::Colleague { .. } => colleague(number, index, date, access, colleagues),
                kind => evaluate(number, kind, watched, date, access),
            };
            alerts.extend(findings.into_iter().map(|finding| {
                let places = watched.day(date).map(|day| day.places.clone());
                Alert {
                    rule: rule.text(),
                    kind: rule.kind.name().to_owned(),
                    agency: Name::clone(&access.caller),
                    operator: Name::clone(&access.operator),
                    agreement: Name::clone(&access.agreement),
                    reserved: access.reserved,
                    first: finding.first,
                    last: date,
                    counts: finding.counts,
                    entries: finding.entries,
                    places: match &rule.kind {
                        AlertKind::RepeatedSubject { .. } | AlertKind::Colleague { .. } => {
                            access.places.iter().cloned().collect()
                        }
                        _ => places.unwrap_or_default(),
                    },
                    trigger: index,
                    distinction: finding.distinction,
                }
            }));
        }
        alerts
    }

    /// Once a day, forgets operators of whom nothing counts any more.
    fn sweep(&mut self, date: NaiveDate) {
        if self.swept < date {
            self.swept = date;
            let looks_back = self.looks_back;
            self.watched
                .retain(|_, activity| !activity.is_over(date, looks_back));
        }
    }
}

/// Rules for which the access is outside of the operator's territory, asked before it is added.
fn outside_territory(
    rules: &[AlertRule],
    activity: &Activity,
    date: NaiveDate,
    access: &Access,
) -> Vec<usize> {
    let is_outside = |kind: &AlertKind| {
        let AlertKind::OutsideTerritory { days, .. } = kind else {
            return false;
        };
        let before = activity.before(date, *days);
        let known = |place: &Name| before.clone().any(|(_, day)| day.places.contains(place));
        LEAST_TERRITORY <= before.clone().count()
            && !access.places.is_empty()
            && !access.places.iter().any(known)
    };
    let rules = rules.iter().enumerate();
    rules
        .filter(|(_, rule)| is_outside(&rule.kind))
        .map(|(number, _)| number)
        .collect()
}

fn is_off_hours(kind: &AlertKind, at: Moment) -> bool {
    let AlertKind::NightAndHolidays {
        from,
        until,
        sundays,
        at_least: _,
    } = kind
    else {
        return false;
    };
    let time = at.time();
    let night = if until < from {
        time < *until || *from <= time
    } else {
        (*from..*until).contains(&time)
    };
    night || (*sundays && at.weekday() == Weekday::Sun) || is_holiday(at.date())
}

fn evaluate(
    number: usize,
    kind: &AlertKind,
    activity: &Activity,
    date: NaiveDate,
    access: &Access,
) -> Vec<Finding> {
    let Some(day) = activity.day(date) else {
        return Vec::new();
    };
    match kind {
        AlertKind::RepeatedSubject { more_than, days } => access
            .subjects
            .iter()
            .filter_map(|subject| repeated(subject, *more_than, *days, activity, date))
            .collect(),
        // A row of a list brings none of the others nearer.
        _ if access.is_row => Vec::new(),
        AlertKind::Volume {
            factor,
            days,
            at_least,
        } => volume(*factor, *days, *at_least, activity, day, date),
        AlertKind::NightAndHolidays { at_least, .. } => {
            many(day.off_hours.get(&number), "accesses", *at_least, date)
        }
        AlertKind::OutsideTerritory { at_least, .. } => {
            many(day.outside.get(&number), "accesses", *at_least, date)
        }
        AlertKind::ManyMisses { percent, at_least } => misses(*percent, *at_least, day, date),
        AlertKind::WithoutCase { at_least } => without_case(*at_least, day, date),
        AlertKind::Colleague { .. } => Vec::new(),
    }
}

/// A finding about one day.
fn of_day(date: NaiveDate, counts: Vec<(&'static str, u64)>, entries: &Named) -> Vec<Finding> {
    vec![Finding {
        first: date,
        counts,
        entries: entries.last.clone(),
        distinction: date.to_string(),
    }]
}

fn many(named: Option<&Named>, name: &'static str, at_least: u32, date: NaiveDate) -> Vec<Finding> {
    match named {
        Some(named) if at_least <= named.count => of_day(date, vec![(name, named.count.into())], named),
        Some(_) | None => Vec::new(),
    }
}

fn volume(
    factor: u32,
    days: u32,
    at_least: u32,
    activity: &Activity,
    day: &OneDay,
    date: NaiveDate,
) -> Vec<Finding> {
    let calls = day.calls.count;
    if calls < at_least {
        return Vec::new();
    }
    let active = activity
        .before(date, 3 * days)
        .map(|(_, day)| day.calls.count)
        .filter(|calls| 0 < *calls);
    let mut baseline: Vec<u32> = active.take(days as usize).collect();
    baseline.sort_unstable();
    let usual = if baseline.len() < LEAST_BASELINE {
        at_least
    } else {
        baseline.get(baseline.len() / 2).copied().unwrap_or(at_least)
    };
    if calls <= factor.saturating_mul(usual) {
        return Vec::new();
    }
    of_day(
        date,
        vec![("calls", calls.into()), ("usual", usual.into())],
        &day.calls,
    )
}

fn misses(percent: u32, at_least: u32, day: &OneDay, date: NaiveDate) -> Vec<Finding> {
    let (answered, missed) = (u64::from(day.answered), u64::from(day.misses.count));
    if answered < at_least.into() || missed * 100 < answered * u64::from(percent) {
        return Vec::new();
    }
    of_day(
        date,
        vec![("answered", answered), ("not_found", missed)],
        &day.misses,
    )
}

/// Persons and calls must both be many: one search that finds many is one call.
fn without_case(at_least: u32, day: &OneDay, date: NaiveDate) -> Vec<Finding> {
    let persons = day.without_case.len() as u64;
    let calls = u64::from(day.calls_without_case.count);
    if persons.min(calls) < at_least.into() {
        return Vec::new();
    }
    of_day(
        date,
        vec![("persons", persons), ("calls", calls)],
        &day.calls_without_case,
    )
}

fn repeated(
    subject: &Subject,
    more_than: u32,
    days: u32,
    activity: &Activity,
    date: NaiveDate,
) -> Option<Finding> {
    let mut named = Named::default();
    let mut first = date;
    let before = activity
        .before(date, days - 1)
        .collect::<Vec<_>>()
        .into_iter()
        .rev();
    let of_day = |day: &OneDay| day.subjects.get(&subject.pseudonym).cloned();
    for (earlier, day) in before {
        if let Some(found) = of_day(day) {
            first = first.min(earlier);
            named.extend(&found);
        }
    }
    named.extend(&activity.day(date).and_then(of_day)?);
    (more_than < named.count).then(|| Finding {
        first,
        counts: vec![("accesses", named.count.into())],
        entries: named.last,
        distinction: format!(
            "{} {}",
            date.format("%Y-%m"),
            registry::hex::Hex(&subject.pseudonym)
        ),
    })
}

fn colleague(
    number: usize,
    index: u64,
    date: NaiveDate,
    access: &Access,
    colleagues: &mut dyn Colleagues,
) -> Vec<Finding> {
    let year = u16::try_from(date.year()).unwrap_or_default();
    let subjects = access.subjects.iter();
    let found = subjects.filter_map(|subject| {
        let who = colleagues.who(number, subject, year)?;
        let own = who == *access.operator;
        Some(Finding {
            first: date,
            counts: vec![(if own { "self" } else { "colleague" }, 1)],
            entries: vec![index],
            distinction: format!("{date} {who}"),
        })
    });
    found.collect()
}

#[cfg(test)]
mod tests;
