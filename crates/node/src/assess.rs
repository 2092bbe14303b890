//! What an export would cancel, before anything of it is imported.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use registry::change::Change;
use registry::export::{ExportForm, ExportKind, Operation};
use registry::identifier::LocalId;
use store::municipal::{ChangeDraft, MunicipalStore};

use crate::check::{CheckedExport, CheckedRow, Refused};
use crate::exports::Cancellations;
use crate::import::decision::Judge;
use crate::import::departures::{Departure, Departures, Missing};
use crate::import::{ImportContext, ImportError};

/// Reads an export to its end, decides about each row as the import would, and counts the cards that it would newly mark
/// as cancelled or dead, and those that it would withdraw: because a row says so, because a row puts their end so far back
/// that their term of publication is over, because an annulment takes back their only operation, or because a total export
/// does not name them. Only cards whose term is over as the mirror has them are not among them: they leave whatever the
/// export says. Nothing is changed. Memory is bounded by the local ids of the cards of a total export, and by the cards
/// that an incremental one changes.
///
/// # Errors
/// See [`ImportError`].
pub fn assess<R: Read>(
    store: &MunicipalStore,
    input: R,
    context: ImportContext,
    form: &ExportForm,
) -> Result<Cancellations, ImportError> {
    let ImportContext {
        municipality: _,
        day,
        removals,
        retention,
    } = context;
    let mut export = CheckedExport::open(input, context.of_export(), form)?;
    let mut judge = Judge::new(store, day, retention, form.kind);
    let mut departures = Departures::default();
    let mut ahead = Ahead::new(store.last_sequence());
    let mut named = HashSet::new();
    let mut all_named = true;
    while let Some(row) = export.next_row()? {
        match row {
            CheckedRow::Accepted {
                line: _,
                operation,
                event,
            } => {
                if let (ExportKind::Total, Operation::Publish(record)) = (form.kind, &operation) {
                    named.insert(record.local_id.clone());
                }
                let before = ahead.of_card(operation.card());
                if let Ok(decision) = judge.decide(store, before, operation, event)? {
                    departures.note(&decision.local_id, judge.departure(&decision));
                    // A total export names each card once.
                    if let (ExportKind::Incremental, Some(draft)) = (form.kind, decision.into_draft()) {
                        ahead.push(draft);
                    }
                }
            }
            CheckedRow::Refused(Refused::Card(card)) => {
                named.insert(card);
            }
            CheckedRow::Refused(Refused::Unknown) => all_named = false,
        }
    }
    let missing = if form.kind == ExportKind::Total && all_named {
        Missing::find(store, &judge, &named)?.departing.len() as u64
    } else {
        0
    };
    let cards = store.cards();
    Ok(Cancellations {
        cards,
        cancelled: departures.count(Departure::Ended),
        missing: departures.count(Departure::Withdrawn) + missing,
        admitted: removals.admits(cards),
        journal_end: store.last_sequence(),
    })
}

/// The changes that the rows before would have made.
#[derive(Debug)]
struct Ahead {
    last: u64,
    changes: HashMap<LocalId, Vec<Change>>,
}

impl Ahead {
    fn new(last: u64) -> Self {
        Self {
            last,
            changes: HashMap::new(),
        }
    }

    fn of_card(&self, card: &LocalId) -> &[Change] {
        self.changes.get(card).map_or(&[], Vec::as_slice)
    }

    fn push(&mut self, draft: ChangeDraft) {
        let ChangeDraft {
            local_id,
            body,
            events,
        } = draft;
        self.last += 1;
        let change = Change {
            sequence: self.last,
            local_id: local_id.clone(),
            body,
            events,
        };
        self.changes.entry(local_id).or_default().push(change);
    }
}

#[cfg(test)]
mod tests;
