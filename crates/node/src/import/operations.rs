//! What a row asks for, done against mirror and journal.

use registry::change::{
    Change, ChangeBody, EventKind, RegistryEvent, derive_events, merge_event, merge_export, undo_last,
};
use registry::export::{Column, Operation, StatedEvent};
use registry::finding::{Finding, rules};
use registry::identifier::LocalId;
use registry::measure::with_measures_of;
use registry::record::Record;
use store::municipal::{ChangeDraft, MunicipalError};

use super::Import;
use super::history::{operations_of, version_of};

impl Import<'_> {
    /// Does what a row asks for, and says what only the store could tell about it.
    pub(super) fn take(
        &mut self,
        operation: Operation,
        event: StatedEvent,
        line: u64,
    ) -> Result<Option<Finding>, MunicipalError> {
        let found = |rule, column: Column| {
            Some(Finding {
                rule,
                column: Some(column.name()),
                line,
            })
        };
        match operation {
            Operation::Publish(record) => {
                self.publish(*record, event)?;
                Ok(None)
            }
            Operation::Withdraw(card) if self.withdraw(&card, event)? => Ok(None),
            Operation::Withdraw(_) => Ok(found(&rules::PN114, Column::Card)),
            Operation::Annul(card) if self.annul(&card, event)? => Ok(None),
            Operation::Annul(_) => Ok(found(&rules::EN077, Column::Operation)),
        }
    }

    fn publish(&mut self, record: Record, event: StatedEvent) -> Result<(), MunicipalError> {
        let previous = self.card(&record.local_id)?;
        let next = match event.kind {
            Some(event) => merge_event(previous.as_ref(), record, event),
            None => merge_export(previous.as_ref(), record),
        };
        if self.retention.is_over(&next, self.day) {
            return self.retire(next.local_id, previous.as_ref());
        }
        match &previous {
            Some(previous) if *previous == next => {
                self.counts.unchanged += 1;
                return Ok(());
            }
            Some(_) => self.counts.updated += 1,
            None => self.counts.created += 1,
        }
        let events = match event.event(self.day) {
            Some(stated) => vec![stated],
            None => derive_events(
                previous.as_ref(),
                &next,
                event.registration_date.unwrap_or(self.day),
            ),
        };
        self.push(ChangeDraft {
            local_id: next.local_id.clone(),
            body: ChangeBody::Upsert(Box::new(next)),
            events,
        })
    }

    /// False when the card is not published.
    fn withdraw(&mut self, card: &LocalId, event: StatedEvent) -> Result<bool, MunicipalError> {
        if self.card(card)?.is_none() {
            return Ok(false);
        }
        self.counts.removed += 1;
        self.push(ChangeDraft {
            local_id: card.clone(),
            body: ChangeBody::Remove,
            events: event.event(self.day).into_iter().collect(),
        })?;
        Ok(true)
    }

    /// False when the row is not about the card's last operation.
    fn annul(&mut self, card: &LocalId, event: StatedEvent) -> Result<bool, MunicipalError> {
        self.settle(card)?;
        let changes = operations_of(self.store, &mut self.history, card, self.retention, self.day)?;
        let annulment = event.as_kind(EventKind::Annulment, self.day);
        if changes.last().is_some_and(|last| is_done(last, &annulment)) {
            self.counts.unchanged += 1;
            return Ok(true);
        }
        // Of one file the order tells which operation is meant; between files the dates of registration do.
        let begun = self.begun;
        let later = |last: &Change| {
            let registered = last.events.iter().map(|event| event.registration_date);
            last.sequence <= begun && Some(annulment.registration_date) < registered.max()
        };
        if changes.last().is_some_and(later) {
            return Ok(false);
        }
        let Some(before) = undo_last(&changes) else {
            return Ok(false);
        };
        // What a term withdrew still has its measures and its seal.
        let current = self.store.card(card)?;
        let current = current.as_ref().or_else(|| changes.last().and_then(version_of));
        let before = match (before, current) {
            // From before a seal nothing comes back, and least of all by a row of an export.
            (Some(before), Some(current)) if before.measures.seal != current.measures.seal => {
                return Ok(false);
            }
            // A measure is a registrar's: no export takes it back.
            (Some(before), Some(current)) => Some(with_measures_of(current, before.clone())),
            (Some(before), None) => Some(before.clone()),
            (None, _) => None,
        };
        let before = before.filter(|card| {
            let is_over = self.retention.is_over(card, self.day);
            self.counts.beyond_term += u64::from(is_over);
            !is_over
        });
        self.counts.annulled += 1;
        self.push(ChangeDraft {
            local_id: card.clone(),
            body: before.map_or(ChangeBody::Remove, |card| ChangeBody::Upsert(Box::new(card))),
            events: vec![annulment],
        })?;
        Ok(true)
    }

    /// The card as the rows before left it.
    fn card(&mut self, card: &LocalId) -> Result<Option<Record>, MunicipalError> {
        self.settle(card)?;
        self.store.card(card)
    }

    /// Journals what is pending for the card.
    fn settle(&mut self, card: &LocalId) -> Result<(), MunicipalError> {
        if self.pending.contains(card) {
            self.flush()
        } else {
            Ok(())
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
