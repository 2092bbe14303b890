//! The operations of a card, as annulments see them.

use chrono::NaiveDate;
use registry::change::{Change, ChangeBody, EventKind, operations, undo_last};
use registry::record::Record;

use crate::retention::Retention;

/// The operations of a card that an annulment can mean, in order, from all its changes. A withdrawal because the term of
/// publication was over is none: nothing happened in the registry, and what is annulled is the operation before it. An
/// annulment that left a card withdrawn because its term was over stands with the version that it brought back.
pub(crate) fn operations_of(changes: Vec<Change>, retention: Retention, day: NaiveDate) -> Vec<Change> {
    let mut kept: Vec<Change> = Vec::new();
    for mut change in operations(changes) {
        if change.body == ChangeBody::Remove {
            let is_over = |card: &&Record| retention.is_over(card, day);
            let by_term = kept.last().and_then(version_of).filter(is_over).is_some();
            if by_term && change.events.is_empty() {
                continue;
            }
            let brought_back = undo_last(&kept).flatten().filter(is_over);
            if let (true, Some(before)) = (annuls(&change), brought_back) {
                change.body = ChangeBody::Upsert(Box::new(before.clone()));
            }
        }
        kept.push(change);
    }
    kept
}

/// The card after a change.
pub(crate) fn version_of(change: &Change) -> Option<&Record> {
    match &change.body {
        ChangeBody::Upsert(card) => Some(card),
        ChangeBody::Remove => None,
    }
}

fn annuls(change: &Change) -> bool {
    let annuls = |event: &registry::change::RegistryEvent| event.kind == EventKind::Annulment;
    !change.events.is_empty() && change.events.iter().all(annuls)
}
