//! Quotas that are used up: what the index denied until an instant is not sent again before that instant.
//!
//! A denial of `QUOTA_PER_MINUTE`, `QUOTA_PER_DAY` or `QUOTA_MISSES` stops the calls of its scope (agreement, purpose or
//! operator), one of `QUOTA_ROWS` the lists of its scope; each for as long as the denial says, which is until the next
//! minute or the next midnight in Italy. Until then a call ends at once with the same refusal, nothing is sent, and
//! nothing is entered in the log. `QUOTA_DECLARATIONS` stops nothing: it is about one person, and declarations about
//! others, or one that was made before, are still answered.
//!
//! A call whose answer was lost is let through under the same request id: if it was counted, its repeat is free.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use agreement::context::{AccessContext, AgreementId, OperatorId, PurposeId};
use agreement::denial::QuotaScope;
use agreement::reason::Reason;
use agreement::usage::Unit;
use uuid::Uuid;

use crate::error::{ClientError, Refusal};

/// How many request ids of calls without answer are remembered.
const REMEMBERED: usize = 1024;

/// What is stopped, and until when.
#[derive(Debug, Default)]
pub(crate) struct QuotaStops {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    stops: HashMap<Stopped, Stop>,
    /// Request ids of calls of which it is not known whether they were answered, oldest first.
    unanswered: VecDeque<Uuid>,
}

/// Whose calls are stopped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Stopped {
    agreement: AgreementId,
    scope: Scope,
    unit: Unit,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Scope {
    Agreement,
    Purpose(PurposeId),
    Operator(Option<OperatorId>),
    /// The index did not say whose: no more than the calls that are surely of it.
    Caller(PurposeId, Option<OperatorId>),
}

#[derive(Debug)]
struct Stop {
    until_ms: u64,
    refusal: Refusal,
}

impl QuotaStops {
    /// Refuses a call of which it is known that the index would.
    pub(crate) fn check(&self, context: &AccessContext, unit: Unit, now_ms: u64) -> Result<(), ClientError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.stops.retain(|_, stop| now_ms < stop.until_ms);
        if state.stops.is_empty() || state.unanswered.contains(&context.request_id) {
            return Ok(());
        }
        let stops = Scope::of_call(context).into_iter().filter_map(|scope| {
            state.stops.get(&Stopped {
                agreement: context.agreement.clone(),
                scope,
                unit,
            })
        });
        match stops.max_by_key(|stop| stop.until_ms) {
            None => Ok(()),
            Some(Stop { until_ms, refusal }) => {
                let left = Duration::from_millis(until_ms.saturating_sub(now_ms));
                Err(ClientError::Refused(Box::new(refusal.by_client(left))))
            }
        }
    }

    /// Learns from the end of a call.
    pub(crate) fn learn(
        &self,
        context: &AccessContext,
        unit: Unit,
        ended: Result<(), &ClientError>,
        now_ms: u64,
    ) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match ended {
            Ok(()) => state.unanswered.retain(|id| *id != context.request_id),
            Err(error) if error.may_have_been_answered() => state.remember(context.request_id),
            Err(error) => {
                let Some(refusal) = error.refusal() else { return };
                let Some(until_ms) = stop_until(refusal, unit, now_ms) else {
                    return;
                };
                let stopped = Stopped {
                    agreement: context.agreement.clone(),
                    scope: Scope::of_denial(refusal.quota_scope, context),
                    unit,
                };
                let refusal = refusal.clone();
                state.stops.insert(stopped, Stop { until_ms, refusal });
            }
        }
    }

    /// Sends calls again, as after the agreement was given another quota.
    pub(crate) fn forget(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.stops.clear();
    }
}

impl State {
    fn remember(&mut self, id: Uuid) {
        if self.unanswered.contains(&id) {
            return;
        }
        if REMEMBERED <= self.unanswered.len() {
            self.unanswered.pop_front();
        }
        self.unanswered.push_back(id);
    }
}

impl Scope {
    fn of_denial(scope: Option<QuotaScope>, context: &AccessContext) -> Self {
        match scope {
            Some(QuotaScope::Agreement) => Self::Agreement,
            Some(QuotaScope::Purpose) => Self::Purpose(context.purpose.clone()),
            Some(QuotaScope::Operator) => Self::Operator(context.operator.clone()),
            None => Self::Caller(context.purpose.clone(), context.operator.clone()),
        }
    }

    /// Every scope that a call lies in.
    fn of_call(context: &AccessContext) -> [Self; 4] {
        let (purpose, operator) = (&context.purpose, &context.operator);
        [
            Self::Agreement,
            Self::Purpose(purpose.clone()),
            Self::Operator(operator.clone()),
            Self::Caller(purpose.clone(), operator.clone()),
        ]
    }
}

/// Until when a refusal stops the calls of its scope; nothing where it does not.
fn stop_until(refusal: &Refusal, unit: Unit, now_ms: u64) -> Option<u64> {
    let counts = matches!(
        (refusal.reason?, unit),
        (
            Reason::QuotaPerMinute | Reason::QuotaPerDay | Reason::QuotaMisses,
            Unit::Call
        ) | (Reason::QuotaRows, Unit::Row)
    );
    let wait = refusal.retry_after.filter(|_| counts)?;
    // The index says whole milliseconds; a part of one must not let a call through too early.
    let wait_ms = u64::try_from(wait.as_nanos().div_ceil(1_000_000)).ok()?;
    now_ms.checked_add(wait_ms)
}
