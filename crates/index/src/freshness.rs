//! How fresh the data are: calls that wait for fresher ones, and alarms for municipalities that fell behind.
//!
//! What is waited for follows from the request alone, the municipality asked for or else the agreement's territory,
//! and never from whom it is about: waiting tells nothing of anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use agreement::decision::decide;
use agreement::peer::SpiffeId;
use agreement::request::Request;
use chrono::{DateTime, Utc};
use registry::municipality::MunicipalityId;
use store::record_store::RecordStore;
use tokio::time::Instant;
use transport::deadline::Deadline;
use wire::convert::FreshnessOutcome;

use crate::access::usage_key;
use crate::entry::Call;
use crate::shared::Shared;

/// Pause between two looks for municipalities that fell behind.
pub(crate) const LOOK: Duration = Duration::from_secs(60);

/// Part of the time left that a call does not wait, so that it is still answered in time.
const KEPT_BACK: u32 = 4;

/// Most of it.
const KEPT_BACK_MOST: Duration = Duration::from_millis(500);

/// From which age the data of a node count as stale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleAfter {
    /// Of nodes that are not named.
    pub usual: Duration,
    /// Of single nodes.
    pub nodes: BTreeMap<SpiffeId, Duration>,
}

/// A municipality whose data became stale, or fresh again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// Nothing was confirmed for so long; or ever, when it has no age.
    Stale(MunicipalityId, Option<Duration>),
    /// It was, and data came again.
    Fresh(MunicipalityId),
}

/// Which municipalities are stale, so that each is told of once.
#[derive(Debug, Default)]
pub struct Alarms {
    stale: BTreeSet<MunicipalityId>,
}

impl Default for StaleAfter {
    fn default() -> Self {
        Self {
            usual: Duration::from_hours(48),
            nodes: BTreeMap::new(),
        }
    }
}

impl StaleAfter {
    /// From which age a node's data count as stale.
    pub fn of(&self, node: &SpiffeId) -> Duration {
        self.nodes.get(node).copied().unwrap_or(self.usual)
    }

    /// Whether data of that age, or that never came, are stale.
    pub fn is_stale(&self, node: &SpiffeId, age: Option<Duration>) -> bool {
        age.is_none_or(|age| self.of(node) < age)
    }
}

impl Alarms {
    /// Takes the present ages in, and says what changed since the last look.
    pub fn look(
        &mut self,
        limits: &StaleAfter,
        ages: impl IntoIterator<Item = (SpiffeId, MunicipalityId, Option<Duration>)>,
    ) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        for (node, municipality, age) in ages {
            if limits.is_stale(&node, age) {
                if self.stale.insert(municipality) {
                    alarms.push(Alarm::Stale(municipality, age));
                }
            } else if self.stale.remove(&municipality) {
                alarms.push(Alarm::Fresh(municipality));
            }
        }
        alarms
    }
}

impl Alarm {
    /// Tells whoever runs the index.
    pub(crate) fn report(self) {
        match self {
            Self::Stale(municipality, age) => tracing::warn!(
                municipality = municipality.as_str(),
                hours = age.map(|age| age.as_secs() / 3600),
                "the data of a municipality are stale"
            ),
            Self::Fresh(municipality) => tracing::info!(
                municipality = municipality.as_str(),
                "the data of a municipality are fresh again"
            ),
        }
    }
}

impl<S: RecordStore> Shared<S> {
    /// The present age of the data of every municipality that takes part and was not merged, with the node that publishes it.
    pub(crate) fn ages(&self) -> Vec<(SpiffeId, MunicipalityId, Option<Duration>)> {
        let served = self.nodes.iter().flat_map(|(node, grant)| {
            grant
                .municipalities
                .iter()
                .map(move |&municipality| (node.clone(), municipality))
        });
        let takes_part = |municipality: &MunicipalityId| {
            let state = self.store.municipality(*municipality);
            municipality.successor().is_none() && state.is_none_or(|state| state.withdrawn.is_none())
        };
        served
            .filter(|(_, municipality)| takes_part(municipality))
            .map(|(node, municipality)| {
                let received = self.store.received_ms(municipality);
                let age = received.map(|received| self.age_of(Some(received)));
                (node, municipality, age)
            })
            .collect()
    }

    /// Waits for the data that the request demands, as long as its deadline allows. A call that would be denied does
    /// not wait.
    pub(crate) async fn wait_fresh(
        &self,
        call: &Call,
        request: &Request,
        deadline: Option<Deadline>,
    ) -> FreshnessOutcome {
        let Some(since) = request.context.min_fresh_since else {
            return FreshnessOutcome::NotAsked;
        };
        let mut changes = self.store.confirmations();
        let until = deadline.map(|deadline| {
            let left = deadline.answer_by.saturating_duration_since(Instant::now());
            deadline.answer_by - (left / KEPT_BACK).min(KEPT_BACK_MOST)
        });
        loop {
            changes.mark_unchanged();
            if self.is_fresh(request, since) {
                return FreshnessOutcome::Met;
            }
            // Without a deadline there is no end to wait for.
            let Some(until) = until.filter(|_| self.would_pass(call, request)) else {
                return FreshnessOutcome::NotMet;
            };
            let changed = tokio::select! {
                changed = tokio::time::timeout_at(until, changes.changed()) => changed,
                () = self.shutdown.triggered() => return FreshnessOutcome::NotMet,
            };
            if !matches!(changed, Ok(Ok(()))) {
                return FreshnessOutcome::NotMet;
            }
        }
    }

    fn is_fresh(&self, request: &Request, since: DateTime<Utc>) -> bool {
        let confirmed = match request.municipality {
            Some(municipality) => self.store.received_ms(municipality),
            None => {
                let agreements = self.agreements.load();
                let entry = agreements.get(&request.context.agreement);
                entry.and_then(|entry| {
                    let territory = &entry.agreement().terms().territory;
                    self.store
                        .oldest_received_ms(&|municipality| territory.contains(municipality))
                })
            }
        };
        let confirmed = confirmed.and_then(|confirmed| i64::try_from(confirmed).ok());
        confirmed.is_some_and(|confirmed| since.timestamp_millis() <= confirmed)
    }

    fn would_pass(&self, call: &Call, request: &Request) -> bool {
        let (moment, agreements) = (self.moment(), self.agreements.load());
        let usage = self.with_usage(|counters| counters.peek(&usage_key(call, request), moment));
        decide(&agreements, &call.peer, request, &usage, moment).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use transport::clock::{Clock, ManualClock};

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn node(name: &str) -> SpiffeId {
        SpiffeId::parse(&format!("spiffe://ponte.example/node/{name}")).unwrap()
    }

    fn municipality(code: &str) -> MunicipalityId {
        MunicipalityId::of_any(registry::identifier::IstatCode::parse(code).unwrap()).unwrap()
    }

    #[test]
    fn a_municipality_that_falls_behind_is_told_of_once_and_again_when_it_comes_back() {
        let limits = StaleAfter {
            usual: 48 * HOUR,
            nodes: BTreeMap::from([(node("dozza"), 2 * HOUR)]),
        };
        let (imola, dozza) = (municipality("037032"), municipality("037025"));
        let clock = ManualClock::at_ms(1_800_000_000_000);
        let mut confirmed = BTreeMap::from([(imola, clock.now_ms()), (dozza, clock.now_ms())]);
        let mut alarms = Alarms::default();
        let mut look = |confirmed: &BTreeMap<MunicipalityId, u64>| {
            let age = |of| Some(Duration::from_millis(clock.now_ms() - confirmed.get(&of)?));
            let ages = [
                (node("imola"), imola, age(imola)),
                (node("dozza"), dozza, age(dozza)),
            ];
            alarms.look(&limits, ages)
        };
        assert_eq!(look(&confirmed), []);
        clock.advance(2 * HOUR);
        assert_eq!(look(&confirmed), []);
        clock.advance(Duration::from_millis(1));
        let age = 2 * HOUR + Duration::from_millis(1);
        assert_eq!(look(&confirmed), [Alarm::Stale(dozza, Some(age))]);
        assert_eq!(look(&confirmed), []);
        confirmed.insert(dozza, clock.now_ms());
        assert_eq!(look(&confirmed), [Alarm::Fresh(dozza)]);
        clock.advance(47 * HOUR);
        let stale = look(&confirmed);
        assert_eq!(stale.len(), 2);
        confirmed.clear();
        assert_eq!(look(&confirmed), []);
    }

    #[test]
    fn data_that_never_came_are_stale() {
        let mut alarms = Alarms::default();
        let imola = municipality("037032");
        let never = [(node("imola"), imola, None)];
        assert_eq!(
            alarms.look(&StaleAfter::default(), never),
            [Alarm::Stale(imola, None)]
        );
    }
}
