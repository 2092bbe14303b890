//! The version before the last operation (*annullamento dell'ultima operazione*, ANPR 1013, 2011, 5012).

use crate::change::event::EventKind;
use crate::change::{Change, ChangeBody};
use crate::measure::with_measures_of;
use crate::profile::{FieldGroup, GroupSet};
use crate::record::Record;

/// What a card goes back to when its last operation is annulled, from its operations in order (see [`operations`]):
/// the version before, or `Some(None)` when there was no card before. `None` when no operation is left to annul.
///
/// A change that brought back the version before and says that it annulled is no operation: it took the last one
/// away, so that the next annulment goes one further.
pub fn undo_last(operations: &[Change]) -> Option<Option<&Record>> {
    let mut versions: Vec<Option<&Record>> = vec![None];
    for change in operations {
        let version = version_of(change);
        let annuls = !change.events.is_empty()
            && change
                .events
                .iter()
                .all(|event| event.kind == EventKind::Annulment);
        let before = versions
            .len()
            .checked_sub(2)
            .and_then(|before| versions.get(before));
        if annuls && before.is_some_and(|before| is_same_but_for_measures(*before, version)) {
            versions.pop();
        } else {
            versions.push(version);
        }
    }
    versions.pop();
    versions.pop()
}

/// The operations among all changes of a card. A change that only set or ended a measure is none: it is a registrar's,
/// no export annuls it, and the operation before it stands with the measure. Nor is one by which groups of fields came into
/// publication or left it and of which no event tells: nothing happened in the registry.
pub fn operations(history: Vec<Change>) -> Vec<Change> {
    let mut operations: Vec<Change> = Vec::new();
    for change in history {
        match operations.last_mut() {
            Some(last) if sets_measures_only(last, &change) || changes_groups_only(last, &change) => {
                last.body = change.body;
            }
            _ => operations.push(change),
        }
    }
    operations
}

fn version_of(change: &Change) -> Option<&Record> {
    match &change.body {
        ChangeBody::Upsert(card) => Some(card),
        ChangeBody::Remove => None,
    }
}

fn sets_measures_only(before: &Change, change: &Change) -> bool {
    let (Some(earlier), Some(later)) = (version_of(before), version_of(change)) else {
        return false;
    };
    // The marker of an export is set by a row, which is an operation, and taken away by a registrar alone.
    let by_registrar =
        earlier.measures != later.measures || (earlier.flags.protected && !later.flags.protected);
    by_registrar && is_same_but_for_measures(Some(earlier), Some(later))
}

fn changes_groups_only(before: &Change, change: &Change) -> bool {
    const WITHOUT_GROUPS: GroupSet = GroupSet::of(&[FieldGroup::Aire]);
    let (Some(earlier), Some(later)) = (version_of(before), version_of(change)) else {
        return false;
    };
    let always_published = |card: &Record| WITHOUT_GROUPS.applied(card.clone());
    change.events.is_empty() && always_published(earlier) == always_published(later)
}

fn is_same_but_for_measures(earlier: Option<&Record>, later: Option<&Record>) -> bool {
    match (earlier, later) {
        (Some(earlier), Some(later)) => {
            let mut measured = with_measures_of(later, earlier.clone());
            measured.flags.protected = later.flags.protected;
            measured == *later
        }
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}
