//! The different names of one field: each held once, with the cards that bear it.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use registry::matching::{BlockingKey, NameField, name_keys};

use super::cards::Slot;
use super::digest_set::{Digest, DigestSet};

/// A name of a table: its place, counted from 1, so that a card without a name takes no more room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NameId(NonZeroU32);

/// Names, what leads to them and what they lead to.
#[derive(Default)]
pub(super) struct NameTable {
    names: Vec<Option<Named>>,
    free: Vec<NameId>,
    leads: DigestSet<NameId>,
}

struct Named {
    text: Box<str>,
    cards: Vec<Slot>,
}

impl NameId {
    /// The last of so many names.
    fn last_of(names: usize) -> Self {
        let number = u32::try_from(names).ok().and_then(NonZeroU32::new);
        Self(number.unwrap_or(NonZeroU32::MAX))
    }

    fn place(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl NameTable {
    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.names.len() - self.free.len()
    }

    /// Notes that a card bears a name.
    pub(super) fn hold(&mut self, field: NameField, text: &str, slot: Slot) -> NameId {
        let known = self.id_of(text);
        let id = known.unwrap_or_else(|| self.intern(field, text));
        if let Some(named) = self.named_mut(id) {
            named.cards.push(slot);
        }
        id
    }

    /// Notes that a card bears a name no longer. Nothing is left of a name that nobody bears.
    pub(super) fn release(&mut self, field: NameField, id: NameId, slot: Slot) {
        let Some(named) = self.named_mut(id) else {
            return;
        };
        if let Some(at) = named.cards.iter().position(|held| *held == slot) {
            named.cards.swap_remove(at);
        }
        if !named.cards.is_empty() {
            return;
        }
        let text = std::mem::take(&mut named.text);
        for lead in leads_to(field, &text) {
            self.leads.remove(lead, id);
        }
        if let Some(place) = self.names.get_mut(id.place()) {
            *place = None;
        }
        self.free.push(id);
    }

    /// A name as it is written.
    pub(super) fn text(&self, id: NameId) -> Option<&str> {
        self.named(id).map(|named| &*named.text)
    }

    /// The cards that bear a name.
    pub(super) fn cards(&self, id: NameId) -> &[Slot] {
        self.named(id).map_or(&[], |named| &named.cards)
    }

    /// The names to which one of the keys leads, in their order.
    pub(super) fn led_to_by(&self, keys: &BTreeSet<BlockingKey>) -> Vec<NameId> {
        let mut ids: Vec<NameId> = keys
            .iter()
            .flat_map(|key| self.leads.led_to(digest_of_key(key)))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn intern(&mut self, field: NameField, text: &str) -> NameId {
        let named = Some(Named {
            text: text.into(),
            cards: Vec::new(),
        });
        let id = match self.free.pop() {
            Some(id) => {
                if let Some(place) = self.names.get_mut(id.place()) {
                    *place = named;
                }
                id
            }
            None => {
                self.names.push(named);
                NameId::last_of(self.names.len())
            }
        };
        for lead in leads_to(field, text) {
            self.leads.insert(lead, id);
        }
        id
    }

    fn id_of(&self, text: &str) -> Option<NameId> {
        self.leads
            .led_to(digest_of_text(text))
            .find(|id| self.text(*id) == Some(text))
    }

    fn named(&self, id: NameId) -> Option<&Named> {
        self.names.get(id.place()).and_then(Option::as_ref)
    }

    fn named_mut(&mut self, id: NameId) -> Option<&mut Named> {
        self.names.get_mut(id.place()).and_then(Option::as_mut)
    }

    /// Text and cards of every name, and everything that leads to it: how two tables are compared.
    #[cfg(test)]
    pub(super) fn contents(&self) -> Vec<(String, BTreeSet<Digest>, Vec<Slot>)> {
        let named = self.names.iter().zip(0..).filter_map(|(named, id)| {
            let named = named.as_ref()?;
            let leads = self.leads.iter().filter(|(_, led)| led.place() == id);
            let mut cards = named.cards.clone();
            cards.sort();
            Some((
                named.text.to_string(),
                leads.map(|(lead, _)| lead).collect(),
                cards,
            ))
        });
        let mut contents: Vec<_> = named.collect();
        contents.sort();
        contents
    }
}

/// All that leads to a name.
fn leads_to(field: NameField, text: &str) -> impl Iterator<Item = Digest> {
    let keys: BTreeSet<Digest> = name_keys(field, text).iter().map(digest_of_key).collect();
    keys.into_iter().chain([digest_of_text(text)])
}

fn digest_of_key(key: &BlockingKey) -> Digest {
    Digest::of(&key.to_bytes())
}

fn digest_of_text(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}
