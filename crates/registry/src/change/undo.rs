//! The version before the last operation (*annullamento dell'ultima operazione*, ANPR 1013, 2011, 5012).

use crate::change::event::EventKind;
use crate::change::{Change, ChangeBody};
use crate::record::Record;

/// What a card goes back to when its last operation is annulled, from all its changes in order: the version before,
/// or `Some(None)` when there was no card before. `None` when no operation is left to annul.
///
/// A change that brought back the version before and says that it annulled is no operation: it took the last one
/// away, so that the next annulment goes one further.
pub fn undo_last(history: &[Change]) -> Option<Option<&Record>> {
    let mut versions: Vec<Option<&Record>> = vec![None];
    for change in history {
        let version = match &change.body {
            ChangeBody::Upsert(card) => Some(card.as_ref()),
            ChangeBody::Remove => None,
        };
        let annuls = !change.events.is_empty()
            && change
                .events
                .iter()
                .all(|event| event.kind == EventKind::Annulment);
        let before = versions
            .len()
            .checked_sub(2)
            .and_then(|before| versions.get(before));
        if annuls && before == Some(&version) {
            versions.pop();
        } else {
            versions.push(version);
        }
    }
    versions.pop();
    versions.pop()
}
