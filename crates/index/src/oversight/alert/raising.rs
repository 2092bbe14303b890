//! From what calls for a look to an entry of its own, once each.
//!
//! Everything is from the log: which rules are in force since which entry, which alerts were raised, and what operators
//! did as far back as rules look. So a restart begins a day before the last entry, with what rules look back at as warming
//! up, and raises what a crash may have kept from being entered, and nothing twice.

use std::collections::{HashMap, HashSet, VecDeque};

use agreement::moment::{Moment, start_of_day};
use chrono::{DateTime, Days, TimeDelta, Utc};
use ledger::header::EntryKind;
use ledger::part::PartKind;
use store::access_log::AccessLog;
use store::access_log::draft::EntryDraft;
use store::access_log::part_content::{ContentError, DetailPart};
use store::access_log::reading::{ReadError, ReaderScope};

use crate::entry::{told_ok, usual_retention};
use crate::oversight::access::{Seen, What, content};
use crate::oversight::alert::AlertRule;
use crate::oversight::alert::engine::{Alert, Colleagues, Engine};
use crate::oversight::alert::entry::key_of;
use crate::usage_restore::first_since;

/// The name under which the entry of a configuration says what it is about.
const WHAT: &str = "configuration";

/// What it says where it is about alert rules.
const ALERTS: &str = "alerts";

/// The name of a rule in it.
const RULE: &str = "rule";

/// How long before the last entry a crash may have kept an alert from being entered; it is a matter of seconds.
const UNSURE: TimeDelta = TimeDelta::days(1);

/// The rules at work.
#[derive(Debug)]
pub(crate) struct Watch {
    engine: Engine,
    /// First entry that was not looked at.
    next: u64,
    /// Earlier accesses only warm up.
    since: DateTime<Utc>,
    in_force: InForce,
    raised: HashSet<String>,
    pending: VecDeque<Alert>,
}

/// Since which entry each rule is in force.
#[derive(Debug, Default)]
struct InForce {
    since: HashMap<String, u64>,
    /// The last statement.
    last: Option<u64>,
}

impl InForce {
    /// A statement of all rules.
    fn state(&mut self, index: u64, rules: &[String]) {
        if self.last.is_some_and(|last| index <= last) {
            return;
        }
        self.since.retain(|rule, _| rules.contains(rule));
        for rule in rules {
            self.since.entry(rule.clone()).or_insert(index);
        }
        self.last = Some(index);
    }

    fn holds(&self, rule: &str, trigger: u64) -> bool {
        self.since.get(rule).is_some_and(|since| *since < trigger)
    }
}

impl Watch {
    /// The rules as they were at work when the log ended.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(crate) fn open(log: &AccessLog, rules: Vec<AlertRule>) -> Result<Self, ReadError> {
        let engine = Engine::new(rules);
        let size = log.checkpoint().checkpoint.size;
        let mut watch = Self {
            next: size,
            since: DateTime::UNIX_EPOCH,
            in_force: InForce::default(),
            raised: HashSet::new(),
            pending: VecDeque::new(),
            engine,
        };
        for index in log.oversight_acts() {
            let wanted = |_, part: &str| part == "detail";
            log.survey(index..index + 1, wanted, |entry| {
                let detail = content(&entry.parts, &PartKind::AdministrativeDetail);
                match (entry.header.body.kind, detail) {
                    (EntryKind::AlertRaised, Some(detail)) => watch.raised.extend(key_of(&detail)),
                    (EntryKind::ConfigurationChanged, Some(detail)) => {
                        if let Some(rules) = stated(&detail) {
                            watch.in_force.state(index, &rules);
                        }
                    }
                    _ => {}
                }
            })?;
        }
        let last = match size.checked_sub(1) {
            Some(last) => log.entry(&ReaderScope::Index, last)?,
            None => None,
        };
        let time = last.and_then(|entry| crate::agreement_book::instant(&entry.header));
        if let Some(last) = time {
            watch.since = last - UNSURE;
            if !watch.engine.rules().is_empty() {
                let day = Moment::new(watch.since).date();
                let first = day.checked_sub_days(Days::new(watch.engine.looks_back().into()));
                let from = start_of_day(first.unwrap_or(day)).timestamp_millis();
                watch.next = first_since(log, size, u64::try_from(from).unwrap_or_default())?;
            }
        }
        Ok(watch)
    }

    /// First entry that was not looked at.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The rules.
    pub(crate) fn rules(&self) -> &[AlertRule] {
        self.engine.rules()
    }

    /// Whether any rule is at work, so that persons are looked at.
    pub(crate) fn is_watching(&self) -> bool {
        !self.engine.rules().is_empty()
    }

    /// Looks at the next entry.
    pub(crate) fn fold(&mut self, seen: &Seen, colleagues: &mut dyn Colleagues) {
        let Seen { index, at, what } = seen;
        match what {
            What::Access(access) if self.is_watching() => {
                for alert in self.engine.observe(*index, *at, access, colleagues) {
                    let is_old = at.utc() < self.since || !self.in_force.holds(&alert.rule, *index);
                    if !is_old && self.raised.insert(alert.key()) {
                        self.pending.push_back(alert);
                    }
                }
            }
            What::Raised(key) => {
                self.raised.insert(key.clone());
            }
            What::Rules(rules) => self.in_force.state(*index, rules),
            What::Access(_) | What::Destroyed(_) | What::Other => {}
        }
        self.next = index + 1;
    }

    /// The next alert that is to be entered; it stays until [`Self::entered`].
    pub(crate) fn pending(&self) -> Option<Alert> {
        self.pending.front().cloned()
    }

    /// The alert that [`Self::pending`] gave is durable.
    pub(crate) fn entered(&mut self) {
        self.pending.pop_front();
    }
}

/// The rules that the entry of a configuration states; `None` when it is about something else.
pub(crate) fn stated(detail: &DetailPart) -> Option<Vec<String>> {
    let (head, rules) = detail.details.split_first()?;
    if *head != (WHAT.to_owned(), ALERTS.to_owned()) {
        return None;
    }
    Some(rules.iter().map(|(_, rule)| rule.clone()).collect())
}

/// The entry that states the rules, when they differ from those stated last.
///
/// # Errors
/// The log cannot be read, or the rules do not fit into an entry.
pub(crate) fn changed(log: &AccessLog, rules: &[AlertRule]) -> Result<Option<EntryDraft>, ChangedError> {
    let mut last = Vec::new();
    for index in log.oversight_acts() {
        let wanted = |kind, part: &str| kind == EntryKind::ConfigurationChanged && part == "detail";
        log.survey(index..index + 1, wanted, |entry| {
            let detail = content(&entry.parts, &PartKind::AdministrativeDetail);
            if let Some(rules) = detail.and_then(|detail| stated(&detail)) {
                last = rules;
            }
        })?;
    }
    let rules: Vec<String> = rules.iter().map(AlertRule::text).collect();
    if rules == last {
        return Ok(None);
    }
    let head = (WHAT.to_owned(), ALERTS.to_owned());
    let rules = rules.into_iter().map(|rule| (RULE.to_owned(), rule));
    let detail = DetailPart {
        details: std::iter::once(head).chain(rules).collect(),
    };
    let mut draft = EntryDraft::new(EntryKind::ConfigurationChanged, usual_retention());
    draft.header.outcome = told_ok();
    Ok(Some(draft.with(PartKind::AdministrativeDetail, &detail)?))
}

/// Why the rules cannot be compared with those stated last.
#[derive(Debug, thiserror::Error)]
pub enum ChangedError {
    /// The log.
    #[error("the last entry of the alert rules cannot be read")]
    Read(#[from] ReadError),
    /// Too many rules.
    #[error("the alert rules do not fit into an entry")]
    Detail(#[from] ContentError),
}
