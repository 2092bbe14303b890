//! What a row would do to its card: decided in one place, for the import and for the count before it.

use chrono::NaiveDate;
use registry::change::{
    Change, ChangeBody, EventKind, RegistryEvent, derive_events, merge_event, merge_export, undo_last,
};
use registry::export::{Column, ExportKind, Operation, StatedEvent};
use registry::finding::{Finding, FindingRule, rules};
use registry::identifier::LocalId;
use registry::measure::with_measures_of;
use registry::profile::{FieldGroup, GroupSet};
use registry::record::Record;
use store::municipal::{ChangeDraft, History, MunicipalError, MunicipalStore};

use super::departures::Departure;
use super::history::{operations_of, version_of};
use crate::retention::Retention;

/// Decides about the rows of one file, in their order.
#[derive(Debug)]
pub(crate) struct Judge {
    /// Last change of the journal before the file.
    begun: u64,
    day: NaiveDate,
    retention: Retention,
    /// What is published.
    groups: GroupSet,
    /// What of it was published before, so that a difference is something that happened.
    known: GroupSet,
    kind: ExportKind,
    history: History,
}

/// What a row does.
#[derive(Debug)]
pub(crate) struct Decision {
    pub(crate) local_id: LocalId,
    /// The published card as the rows before left it.
    pub(crate) previous: Option<Record>,
    pub(crate) next: Next,
    pub(crate) asked: Asked,
    pub(crate) events: Vec<RegistryEvent>,
}

/// What becomes of a card.
#[derive(Debug)]
pub(crate) enum Next {
    /// It stays as it is.
    Same,
    /// The same, and what is published of the card does not tell which operation there was: that there was one is noted,
    /// so that its annulment does not take back the operation before it.
    Silent(Box<Record>),
    /// The profile publishes no such card: it is withdrawn, or not even published.
    OutsideProfile,
    /// It has this version.
    Version(Box<Record>),
    /// It would have this version, whose term of publication is over: it is withdrawn, or not even published.
    BeyondTerm(Box<Record>),
    /// It is withdrawn.
    Withdrawn,
}

/// What the row asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Publication,
    Withdrawal,
    Annulment,
}

/// Why only the store could tell that a row cannot be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Objection {
    rule: &'static FindingRule,
    column: Column,
}

impl Judge {
    /// For a file that is read on `day`, before anything of it is journalled.
    pub(crate) fn new(
        store: &MunicipalStore,
        day: NaiveDate,
        retention: Retention,
        kind: ExportKind,
    ) -> Self {
        let groups = store.groups();
        Self {
            begun: store.last_sequence(),
            day,
            retention,
            groups,
            // What came in only now tells of no event: nothing happened in the registry.
            known: groups.difference(store.profile().awaited),
            kind,
            history: History::default(),
        }
    }

    /// Decides about a row. `ahead` are the changes of its card that rows before would make and the store does not have.
    pub(crate) fn decide(
        &mut self,
        store: &MunicipalStore,
        ahead: &[Change],
        operation: Operation,
        event: StatedEvent,
    ) -> Result<Result<Decision, Objection>, MunicipalError> {
        let previous = match ahead.last() {
            Some(change) => version_of(change).cloned(),
            None => store.card(operation.card())?,
        };
        match operation {
            Operation::Publish(record) => {
                let decision = self.publication(previous, *record, event);
                self.with_silent_operation(store, ahead, decision, event).map(Ok)
            }
            Operation::Withdraw(card) => Ok(match previous {
                Some(previous) => Ok(Decision {
                    local_id: card,
                    previous: Some(previous),
                    next: Next::Withdrawn,
                    asked: Asked::Withdrawal,
                    events: event.event(self.day).into_iter().collect(),
                }),
                None => Err(Objection::new(&rules::PN114, Column::Card)),
            }),
            Operation::Annul(card) => {
                let operations = self.operations(store, ahead, &card)?;
                Ok(self
                    .annulment(card, previous, &operations, event)
                    .ok_or_else(|| Objection::new(&rules::EN077, Column::Operation)))
            }
        }
    }

    /// Whether a card's term of publication is over on the day of the file.
    pub(crate) fn is_over(&self, card: &Record) -> bool {
        self.retention.is_over(card, self.day)
    }

    /// Whether a decision takes a card out of the population, or out of publication, that would else have stayed.
    pub(crate) fn departure(&self, decision: &Decision) -> Option<Departure> {
        let previous = decision.previous.as_ref().filter(|card| !self.is_over(card))?;
        let ends = |next: &Record| previous.is_open() && !next.is_open();
        match &decision.next {
            Next::Same | Next::Silent(_) => None,
            Next::Version(next) => ends(next).then_some(Departure::Ended),
            Next::BeyondTerm(next) if ends(next) => Some(Departure::Ended),
            Next::BeyondTerm(_) | Next::OutsideProfile | Next::Withdrawn => Some(Departure::Withdrawn),
        }
    }

    fn publication(&self, previous: Option<Record>, record: Record, event: StatedEvent) -> Decision {
        let next = match event.kind {
            Some(event) => merge_event(previous.as_ref(), record, event),
            None => merge_export(previous.as_ref(), record),
        };
        let local_id = next.local_id.clone();
        let (next, events) = if self.is_over(&next) {
            (Next::BeyondTerm(Box::new(next)), Vec::new())
        } else {
            match self.groups.applied(next) {
                None => (Next::OutsideProfile, Vec::new()),
                Some(next) if previous.as_ref() == Some(&next) => (Next::Same, Vec::new()),
                Some(next) => {
                    let stated = event.event(self.day);
                    let events = match stated.filter(|stated| self.groups.admits(stated)) {
                        Some(stated) => vec![stated],
                        None => self.derived(previous.as_ref(), &next, event),
                    };
                    (Next::Version(Box::new(next)), events)
                }
            }
        };
        Decision {
            local_id,
            previous,
            next,
            asked: Asked::Publication,
            events,
        }
    }

    /// What happened between two versions, as far as both tell of it.
    fn derived(&self, previous: Option<&Record>, next: &Record, event: StatedEvent) -> Vec<RegistryEvent> {
        let comparable = self.known.union(GroupSet::of(&[FieldGroup::Aire]));
        let known = |card: &Record| comparable.applied(card.clone());
        let noticed = event.registration_date.unwrap_or(self.day);
        match known(next) {
            Some(next) => derive_events(previous.and_then(known).as_ref(), &next, noticed),
            None => Vec::new(),
        }
    }

    /// Notes an operation that an incremental export states and of which nothing is published.
    fn with_silent_operation(
        &mut self,
        store: &MunicipalStore,
        ahead: &[Change],
        decision: Decision,
        event: StatedEvent,
    ) -> Result<Decision, MunicipalError> {
        let stated = event.event(self.day).filter(|stated| !self.groups.admits(stated));
        let (Next::Same, Some(card), Some(stated), ExportKind::Incremental) =
            (&decision.next, &decision.previous, stated, self.kind)
        else {
            return Ok(decision);
        };
        let silent = RegistryEvent {
            kind: EventKind::Marker,
            event_date: None,
            effective_date: None,
            registration_date: stated.registration_date,
            act: None,
        };
        let operations = self.operations(store, ahead, &decision.local_id)?;
        // A row that is imported again is the same operation.
        if operations.last().is_some_and(|last| last.events == [silent]) {
            return Ok(decision);
        }
        Ok(Decision {
            next: Next::Silent(Box::new(card.clone())),
            events: vec![silent],
            ..decision
        })
    }

    fn operations(
        &mut self,
        store: &MunicipalStore,
        ahead: &[Change],
        card: &LocalId,
    ) -> Result<Vec<Change>, MunicipalError> {
        let mut changes = self.history.of_card(store, card)?;
        changes.extend_from_slice(ahead);
        Ok(operations_of(changes, self.retention, self.day))
    }

    /// None when the row is not about the card's last operation.
    fn annulment(
        &self,
        local_id: LocalId,
        previous: Option<Record>,
        operations: &[Change],
        event: StatedEvent,
    ) -> Option<Decision> {
        let annulment = event.as_kind(EventKind::Annulment, self.day);
        if operations.last().is_some_and(|last| is_done(last, &annulment)) {
            return Some(Decision {
                local_id,
                previous,
                next: Next::Same,
                asked: Asked::Annulment,
                events: Vec::new(),
            });
        }
        // Of one file the order tells which operation is meant; between files the dates of registration do.
        let later = |last: &Change| {
            let registered = last.events.iter().map(|event| event.registration_date);
            last.sequence <= self.begun && Some(annulment.registration_date) < registered.max()
        };
        if operations.last().is_some_and(later) {
            return None;
        }
        let before = undo_last(operations)?;
        // What a term withdrew still has its measures and its seal.
        let current = previous
            .as_ref()
            .or_else(|| operations.last().and_then(version_of));
        let before = match (before, current) {
            // From before a seal nothing comes back, and least of all by a row of an export.
            (Some(before), Some(current)) if before.measures.seal != current.measures.seal => return None,
            // A measure is a registrar's: no export takes it back.
            (Some(before), Some(current)) => Some(with_measures_of(current, before.clone())),
            (Some(before), None) => Some(before.clone()),
            (None, _) => None,
        };
        let next = match before {
            Some(before) if self.is_over(&before) => Next::BeyondTerm(Box::new(before)),
            Some(before) => Next::Version(Box::new(before)),
            None => Next::Withdrawn,
        };
        Some(Decision {
            local_id,
            previous,
            next,
            asked: Asked::Annulment,
            events: vec![annulment],
        })
    }
}

impl Decision {
    /// The change that it makes, if any.
    pub(crate) fn into_draft(self) -> Option<ChangeDraft> {
        let Self {
            local_id,
            previous,
            next,
            asked: _,
            events,
        } = self;
        let body = match next {
            Next::Same => return None,
            Next::Version(card) | Next::Silent(card) => ChangeBody::Upsert(card),
            // Nothing happened to a card that was never published, and nobody is told.
            Next::BeyondTerm(_) | Next::OutsideProfile if previous.is_none() && events.is_empty() => {
                return None;
            }
            Next::BeyondTerm(_) | Next::OutsideProfile | Next::Withdrawn => ChangeBody::Remove,
        };
        Some(ChangeDraft {
            local_id,
            body,
            events,
        })
    }
}

impl Objection {
    fn new(rule: &'static FindingRule, column: Column) -> Self {
        Self { rule, column }
    }

    /// What is said of a row.
    pub(crate) fn at(self, line: u64) -> Finding {
        Finding {
            rule: self.rule,
            column: Some(self.column.name()),
            line,
        }
    }
}

/// Whether a change is this annulment: a row that is imported again must not annul a second operation.
fn is_done(last: &Change, annulment: &RegistryEvent) -> bool {
    let same = |event: &RegistryEvent| {
        event.kind == EventKind::Annulment && event.registration_date == annulment.registration_date
    };
    !last.events.is_empty() && last.events.iter().all(same)
}
