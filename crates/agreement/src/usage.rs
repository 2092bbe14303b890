//! How much was used: the counters behind the quotas.
//!
//! A call is counted before it is decided ([`UsageCounters::reserve`]), so that calls in flight cannot together
//! exceed a quota, and settled after its log entry is durable: a denial gives everything back, a miss counts as one.
//! Misses are known only when settled, so calls in flight together may exceed the misses by their number.
//! Minutes are those of the clock, days those of Italy. Time that runs backwards stays in the newest window seen.

use std::collections::HashMap;

use chrono::NaiveDate;

use crate::context::{AgreementId, OperatorId, PurposeId};
use crate::declarations::DeclarationUse;
use crate::moment::Moment;
use crate::peer::SpiffeId;
use crate::request::Request;

/// Operators counted apart under one agreement in one day; those that come later share one counter, which only makes
/// their quota smaller. An agency can therefore not fill the memory with invented names.
pub const MAX_OPERATORS: usize = 10_000;

/// What was used before the call, in the scopes that a quota may bound. An input of the decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// By all calls under the agreement.
    pub agreement: Counters,
    /// By calls for the same purpose.
    pub purpose: Counters,
    /// By calls for the same operator.
    pub operator: Counters,
    /// By other declarations about the same identifiers.
    pub declarations: DeclarationUse,
}

/// Counters of one scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Calls in this minute.
    pub calls_this_minute: u32,
    /// Calls today.
    pub calls_today: u32,
    /// Calls today that found nobody.
    pub misses_today: u32,
    /// Rows of lists today; they count as no calls.
    pub rows_today: u32,
}

/// On whose account a call goes. The agency is part of it, so that nobody uses up another agency's quota by naming
/// its agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageKey {
    /// The caller.
    pub agency: SpiffeId,
    /// The agreement it names.
    pub agreement: AgreementId,
    /// The purpose it names.
    pub purpose: PurposeId,
    /// The operator it names.
    pub operator: Option<OperatorId>,
    /// As what it counts.
    pub unit: Unit,
}

/// As what a call counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A call by itself.
    #[default]
    Call,
    /// A row of a list.
    Row,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Somebody was shown, or a declaration answered.
    Hit,
    /// Nobody was found that the agreement shows.
    Miss,
    /// It was denied, or failed before anything was read: it costs nothing.
    Denied,
}

impl Unit {
    /// As what a request counts.
    pub fn of(request: &Request) -> Self {
        match request.batch {
            Some(_) => Self::Row,
            None => Self::Call,
        }
    }
}

/// A call that is counted and not yet settled.
#[derive(Debug)]
#[must_use = "a reservation that is not settled counts as a call that found somebody"]
pub struct Reservation {
    key: UsageKey,
    window: Window,
    operator_slot: OperatorSlot,
}

/// A call that was entered in the log before a restart.
#[derive(Clone, Debug)]
pub struct UsageEvent {
    /// On whose account.
    pub key: UsageKey,
    /// When.
    pub moment: Moment,
    /// How it ended.
    pub settlement: Settlement,
}

/// The counters of all agreements. Pure accounting: whoever owns them also owns the clock.
#[derive(Debug, Default)]
pub struct UsageCounters {
    agencies: HashMap<SpiffeId, HashMap<AgreementId, Tally>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    day: NaiveDate,
    minute: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OperatorSlot {
    Absent,
    Own,
    Shared,
}

#[derive(Debug)]
struct Tally {
    window: Window,
    agreement: Counters,
    purposes: HashMap<PurposeId, Counters>,
    operators: HashMap<OperatorId, Counters>,
    later_operators: Counters,
}

impl UsageCounters {
    /// Counts a call and says what was used before it.
    pub fn reserve(&mut self, key: UsageKey, moment: Moment) -> (Reservation, Usage) {
        let window = Window {
            day: moment.date(),
            minute: moment.minute(),
        };
        let agreements = self.agencies.entry(key.agency.clone()).or_default();
        let tally = agreements
            .entry(key.agreement.clone())
            .or_insert_with(|| Tally::new(window));
        tally.roll(window);
        let operator_slot = tally.slot(key.operator.as_ref());
        let before = tally.usage(&key, operator_slot);
        tally.change(&key, operator_slot, |counters| match key.unit {
            Unit::Call => {
                counters.calls_this_minute = counters.calls_this_minute.saturating_add(1);
                counters.calls_today = counters.calls_today.saturating_add(1);
            }
            Unit::Row => counters.rows_today = counters.rows_today.saturating_add(1),
        });
        let window = tally.window;
        (
            Reservation {
                key,
                window,
                operator_slot,
            },
            before,
        )
    }

    /// Settles a call that was counted. A window that has ended meanwhile is left as it is.
    pub fn settle(&mut self, reservation: Reservation, settlement: Settlement) {
        let Reservation {
            key,
            window,
            operator_slot,
        } = reservation;
        let Some(agreements) = self.agencies.get_mut(&key.agency) else {
            return;
        };
        let Some(tally) = agreements.get_mut(&key.agreement) else {
            return;
        };
        if tally.window.day != window.day {
            return;
        }
        let same_minute = tally.window.minute == window.minute;
        tally.change(&key, operator_slot, |counters| match (settlement, key.unit) {
            (Settlement::Hit, _) | (Settlement::Miss, Unit::Row) => {}
            (Settlement::Denied, Unit::Row) => counters.rows_today = counters.rows_today.saturating_sub(1),
            (Settlement::Miss, Unit::Call) => counters.misses_today = counters.misses_today.saturating_add(1),
            (Settlement::Denied, Unit::Call) => {
                counters.calls_today = counters.calls_today.saturating_sub(1);
                if same_minute {
                    counters.calls_this_minute = counters.calls_this_minute.saturating_sub(1);
                }
            }
        });
        tally.forget_unused(&key);
        if tally.agreement == Counters::default() {
            agreements.remove(&key.agreement);
        }
        if agreements.is_empty() {
            self.agencies.remove(&key.agency);
        }
    }

    /// What is used, without counting a call: for descriptions and explanations.
    pub fn peek(&self, key: &UsageKey, moment: Moment) -> Usage {
        let tally = self
            .agencies
            .get(&key.agency)
            .and_then(|agreements| agreements.get(&key.agreement));
        let Some(tally) = tally else {
            return Usage::default();
        };
        let slot = tally.slot(key.operator.as_ref());
        let Usage {
            agreement,
            purpose,
            operator,
            declarations,
        } = tally.usage(key, slot);
        let now = |counters: Counters| tally.window.counters_at(counters, moment);
        Usage {
            agreement: now(agreement),
            purpose: now(purpose),
            operator: now(operator),
            declarations,
        }
    }

    /// Drops the counters of days that have ended.
    pub fn expire(&mut self, moment: Moment) {
        for agreements in self.agencies.values_mut() {
            agreements.retain(|_, tally| moment.date() <= tally.window.day);
        }
        self.agencies.retain(|_, agreements| !agreements.is_empty());
    }

    /// Counts again what the log says of calls since local midnight, oldest first.
    pub fn restore(events: impl IntoIterator<Item = UsageEvent>) -> Self {
        let mut counters = Self::default();
        for UsageEvent {
            key,
            moment,
            settlement,
        } in events
        {
            let (reservation, _) = counters.reserve(key, moment);
            counters.settle(reservation, settlement);
        }
        counters
    }

    /// How many counters are kept: a measure of memory.
    pub fn len(&self) -> usize {
        let counters = |tally: &Tally| 1 + tally.purposes.len() + tally.operators.len();
        self.agencies
            .values()
            .flat_map(HashMap::values)
            .map(counters)
            .sum()
    }

    /// Whether nothing is counted.
    pub fn is_empty(&self) -> bool {
        self.agencies.is_empty()
    }
}

impl Window {
    /// What counters of this window are worth at another moment.
    fn counters_at(self, counters: Counters, moment: Moment) -> Counters {
        if self.day < moment.date() {
            return Counters::default();
        }
        if self.minute < moment.minute() {
            return Counters {
                calls_this_minute: 0,
                ..counters
            };
        }
        counters
    }
}

impl Tally {
    fn new(window: Window) -> Self {
        Self {
            window,
            agreement: Counters::default(),
            purposes: HashMap::new(),
            operators: HashMap::new(),
            later_operators: Counters::default(),
        }
    }

    /// Goes on to a later window; never back.
    fn roll(&mut self, window: Window) {
        if self.window.day < window.day {
            *self = Self::new(window);
        } else if self.window.minute < window.minute {
            self.window.minute = window.minute;
            let scopes = self.purposes.values_mut().chain(self.operators.values_mut());
            for counters in scopes.chain([&mut self.agreement, &mut self.later_operators]) {
                counters.calls_this_minute = 0;
            }
        }
    }

    fn slot(&self, operator: Option<&OperatorId>) -> OperatorSlot {
        match operator {
            None => OperatorSlot::Absent,
            Some(operator)
                if self.operators.contains_key(operator) || self.operators.len() < MAX_OPERATORS =>
            {
                OperatorSlot::Own
            }
            Some(_) => OperatorSlot::Shared,
        }
    }

    fn usage(&self, key: &UsageKey, slot: OperatorSlot) -> Usage {
        let own = || {
            key.operator
                .as_ref()
                .and_then(|operator| self.operators.get(operator))
                .copied()
        };
        Usage {
            agreement: self.agreement,
            purpose: self.purposes.get(&key.purpose).copied().unwrap_or_default(),
            operator: match slot {
                OperatorSlot::Absent => Counters::default(),
                OperatorSlot::Own => own().unwrap_or_default(),
                OperatorSlot::Shared => self.later_operators,
            },
            declarations: DeclarationUse::Open,
        }
    }

    fn change(&mut self, key: &UsageKey, slot: OperatorSlot, change: impl Fn(&mut Counters)) {
        change(&mut self.agreement);
        change(self.purposes.entry(key.purpose.clone()).or_default());
        match (slot, &key.operator) {
            (OperatorSlot::Own, Some(operator)) => {
                change(self.operators.entry(operator.clone()).or_default())
            }
            (OperatorSlot::Shared, _) => change(&mut self.later_operators),
            (OperatorSlot::Absent, _) | (OperatorSlot::Own, None) => {}
        }
    }

    /// Keeps no counter that a denied call brought into being.
    fn forget_unused(&mut self, key: &UsageKey) {
        let unused = Counters::default();
        if self.purposes.get(&key.purpose) == Some(&unused) {
            self.purposes.remove(&key.purpose);
        }
        if let Some(operator) = &key.operator
            && self.operators.get(operator) == Some(&unused)
        {
            self.operators.remove(operator);
        }
    }
}

#[cfg(test)]
mod tests;
