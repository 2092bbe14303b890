//! What an export would cancel, before anything of it is imported.

use std::collections::HashSet;
use std::io::Read;

use registry::change::undo_last;
use registry::export::{ExportForm, ExportKind, Operation};
use registry::record::Record;
use store::municipal::{History, MunicipalError, MunicipalStore};

use crate::check::{CheckedExport, CheckedRow, Refused};
use crate::exports::Cancellations;
use crate::import::{ImportContext, ImportError};

/// Reads an export to its end and counts the cards that an import would newly mark as cancelled or dead, and those that
/// it would withdraw: because a row says so, because a row puts their end so far back that their term of publication is
/// over, because an annulment takes back their only operation, or because a total export does not name them. Only cards
/// whose term is over as the mirror has them are not among them: they leave whatever the export says. Nothing is changed.
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
    let cards = store.cards();
    let mut counted = Cancellations {
        cards,
        cancelled: 0,
        missing: 0,
        admitted: removals.admits(cards),
        journal_end: store.last_sequence(),
    };
    let mut export = CheckedExport::open(input, context.of_export(), form)?;
    let mut history = History::default();
    let mut named = HashSet::new();
    let mut all_named = true;
    while let Some(row) = export.next_row()? {
        match row {
            CheckedRow::Accepted { operation, .. } => {
                let effect = effect(store, &mut history, &operation, |card| {
                    retention.is_over(card, day)
                })?;
                counted.cancelled += u64::from(effect == Some(Effect::Ends));
                counted.missing += u64::from(effect == Some(Effect::Withdraws));
                if let (ExportKind::Total, Operation::Publish(record)) = (form.kind, operation) {
                    named.insert(record.local_id);
                }
            }
            CheckedRow::Refused(Refused::Card(card)) => {
                named.insert(card);
            }
            CheckedRow::Refused(Refused::Unknown) => all_named = false,
        }
    }
    if form.kind == ExportKind::Total && all_named && cards != 0 {
        store.every_card(&mut |card| {
            let missing = !named.contains(&card.local_id) && !retention.is_over(&card, day);
            counted.missing += u64::from(missing);
        })?;
    }
    Ok(counted)
}

/// What a row would do to a card that is published.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// It would newly be cancelled or dead.
    Ends,
    /// It would leave publication.
    Withdraws,
}

fn effect(
    store: &MunicipalStore,
    history: &mut History,
    operation: &Operation,
    is_over: impl Fn(&Record) -> bool,
) -> Result<Option<Effect>, MunicipalError> {
    let is_open = |card: Option<Record>| card.is_some_and(|card| !has_ended(&card));
    match operation {
        // Only a row that says so can end a card: the mirror is asked for these alone.
        Operation::Publish(record) if has_ended(record) => Ok(match store.card(&record.local_id)? {
            Some(card) if is_over(&card) => None,
            Some(card) if !has_ended(&card) => Some(Effect::Ends),
            Some(_) if is_over(record) => Some(Effect::Withdraws),
            Some(_) | None => None,
        }),
        Operation::Publish(_) => Ok(None),
        Operation::Withdraw(card) => Ok(store.card(card)?.map(|_| Effect::Withdraws)),
        Operation::Annul(card) => {
            let changes = history.of_card(store, card)?;
            match undo_last(&changes) {
                None => Ok(None),
                Some(None) => Ok(store.card(card)?.map(|_| Effect::Withdraws)),
                Some(Some(before)) if has_ended(before) => {
                    Ok(is_open(store.card(card)?).then_some(Effect::Ends))
                }
                Some(Some(_)) => Ok(None),
            }
        }
    }
}

fn has_ended(card: &Record) -> bool {
    card.cancellation.is_some() || card.death.is_some()
}

#[cfg(test)]
mod tests;
