//! Where in the journal the changes of each card are.

use std::collections::HashMap;

use registry::change::Change;
use registry::identifier::LocalId;

use super::{ChangeJournalError, MunicipalError, MunicipalStore, REPLAYED_AT_ONCE};

/// The changes of each card, by number: made from the journal when it is first asked, and grown with it. Its memory
/// is bounded by the journal's changes; it is meant to live as long as an import.
#[derive(Debug, Default)]
pub struct History {
    changes: HashMap<LocalId, Vec<u64>>,
    last: u64,
}

impl History {
    /// Every change of the card, in the order of the journal.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn of_card(
        &mut self,
        store: &MunicipalStore,
        local_id: &LocalId,
    ) -> Result<Vec<Change>, MunicipalError> {
        while self.last < store.last_sequence() {
            let further = store.changes_from(self.last + 1, REPLAYED_AT_ONCE)?;
            if further.is_empty() {
                return Err(ChangeJournalError::Malformed.into());
            }
            for change in further {
                self.last = change.sequence;
                self.changes
                    .entry(change.local_id)
                    .or_default()
                    .push(change.sequence);
            }
        }
        let mut history = Vec::new();
        for sequence in self.changes.get(local_id).into_iter().flatten() {
            history.extend(store.changes_from(*sequence, 1)?);
        }
        Ok(history)
    }
}
