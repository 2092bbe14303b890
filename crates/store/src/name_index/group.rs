//! One name of a question beside the names of a table.

use std::collections::BTreeSet;

use registry::matching::{BlockingKey, NameField, NameQuery};

use super::names::{NameId, NameTable};

/// One name of a question, with the names of a table to which its keys lead. Each is compared when it is first needed,
/// and once.
pub(super) struct Group<'a> {
    query: &'a NameQuery,
    asked: NameField,
    pub(super) place: NameField,
    pub(super) table: &'a NameTable,
    /// In their order.
    pub(super) ids: Vec<NameId>,
    /// What became of each.
    compared: Vec<Option<bool>>,
}

impl<'a> Group<'a> {
    pub(super) fn new(
        query: &'a NameQuery,
        asked: NameField,
        place: NameField,
        table: &'a NameTable,
        keys: &BTreeSet<BlockingKey>,
    ) -> Self {
        let ids = table.led_to_by(keys);
        Self {
            query,
            asked,
            place,
            table,
            compared: vec![None; ids.len()],
            ids,
        }
    }

    /// What it takes to go through the group: to compare a name is as much work as to look at some forty cards.
    pub(super) fn cost(&self) -> usize {
        let cards: usize = self.ids.iter().map(|id| self.table.cards(*id).len()).sum();
        40 * self.ids.len() + cards
    }

    pub(super) fn admits(&mut self, id: NameId) -> bool {
        let at = self.ids.binary_search(&id);
        at.is_ok_and(|at| self.admitted_at(at).is_some())
    }

    /// The name at a place of the group, where it is within the tolerance.
    pub(super) fn admitted_at(&mut self, at: usize) -> Option<NameId> {
        let id = *self.ids.get(at)?;
        let compared = self.compared.get_mut(at)?;
        let admitted = *compared.get_or_insert_with(|| {
            let text = self.table.text(id);
            text.is_some_and(|text| self.query.admits(self.asked, text))
        });
        admitted.then_some(id)
    }
}
