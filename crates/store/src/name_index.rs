//! The name index: from what somebody knows of a person, in part or misspelt, to the cards that may be meant.
//!
//! A projection of the newest served version of every card, held in memory and nowhere else: nothing of it is on any
//! disk, so there is nothing to seal and nothing to go stale between two runs. It is filled by the reading of all cards
//! with which every start proves the rows, and kept in step by the one writer: **what is visible is in the index**
//! ([`crate::projection::Projection::publish`] brings it in step first). Each search reads the rows as of the change up
//! to which the index goes ([`NamesRead::through`]), so candidates and cards are of one moment.
//!
//! **Two levels.** Names are interned: each different surname and each different given name is held once, with its
//! blocking keys; behind each stand the cards that bear it, by numbers of 4 bytes. A question is compared with names,
//! not with cards: its keys lead to few names, and of those that it admits the cards are intersected.
//!
//! A card here is what must be known of it to count it without reading it: names, beginning of its codes, birth date,
//! municipality, and what decides whether it may be shown.

mod card;
mod cards;
mod codes;
mod names;
mod digest_set;
mod group;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use registry::identifier::RecordId;
use registry::matching::{NameField, NameQuery, PersonQuery, query_keys};

use self::cards::{CardTable, Slot};
use self::codes::CodeTable;
use self::group::Group;
use self::names::NameTable;
use crate::rows::CommitSequence;

pub use self::card::{Candidate, IndexedCard, LocationKnown};

/// The index, shared by the writer and all readers.
#[derive(Debug, Default)]
pub struct NameIndex {
    held: RwLock<Held>,
    pending: Mutex<Pending>,
}

/// What the index holds.
#[derive(Default)]
struct Held {
    through: CommitSequence,
    cards: CardTable,
    surnames: NameTable,
    given_names: NameTable,
    codes: CodeTable,
}

/// Changes of rows that the index does not show yet.
#[derive(Default)]
enum Pending {
    /// The index was never filled: what changes is not noted.
    #[default]
    Unfilled,
    /// Cards that changed since, with what is served of each.
    Since(BTreeMap<RecordId, Change>),
}

/// What became of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This is served of it.
    Served(Box<IndexedCard>),
    /// Nothing is.
    Gone,
    /// Its row was rewritten: whoever brings the index in step must read it.
    Unread,
}

/// The index as it stands, while it is read: the writer waits meanwhile.
pub struct NamesRead<'a>(RwLockReadGuard<'a, Held>);

/// Which codes of a person a question looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodesAsked {
    /// The one in force.
    Current,
    /// Every one that the person had.
    All,
}

/// How much the index holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Cards.
    pub cards: usize,
    /// Different surnames.
    pub surnames: usize,
    /// Different given names.
    pub given_names: usize,
}

impl NameIndex {
    /// The index as it stands now.
    pub fn read(&self) -> NamesRead<'_> {
        NamesRead(self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Empties the index, to be filled with every card that is served; what changes from now on is noted.
    pub(crate) fn begin_filling(&self) {
        *self.write() = Held::default();
        *self.pending() = Pending::Since(BTreeMap::new());
    }

    /// Whether it was ever filled.
    pub(crate) fn is_filled(&self) -> bool {
        matches!(*self.pending(), Pending::Since(_))
    }

    /// Holds a card that was not held.
    pub fn add(&self, record: RecordId, card: &IndexedCard) {
        self.write().insert(record, card);
    }

    /// Notes what became of a card; [`Self::step`] shows it.
    pub(crate) fn note(&self, record: RecordId, change: impl FnOnce() -> Change) {
        if let Pending::Since(changes) = &mut *self.pending() {
            changes.insert(record, change());
        }
    }

    /// What was noted since the last step.
    pub(crate) fn take_noted(&self) -> BTreeMap<RecordId, Change> {
        match &mut *self.pending() {
            Pending::Unfilled => BTreeMap::new(),
            Pending::Since(changes) => std::mem::take(changes),
        }
    }

    /// Shows changes, all at once; `None` is a card of which nothing is served.
    pub fn step(&self, through: CommitSequence, changes: BTreeMap<RecordId, Option<IndexedCard>>) {
        let mut held = self.write();
        for (record, card) in changes {
            held.replace(record, card.as_ref());
        }
        held.through = through;
    }

    fn write(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NamesRead<'_> {
    /// The change up to which the index goes: whatever became visible up to it is held, and nothing that came later.
    pub fn through(&self) -> CommitSequence {
        self.0.through
    }

    /// How much is held.
    pub fn size(&self) -> Size {
        Size {
            cards: self.0.cards.len(),
            surnames: self.0.surnames.len(),
            given_names: self.0.given_names.len(),
        }
    }

    /// Hands every card that answers a question to `visit`, each once and in no particular order, until it breaks.
    ///
    /// The municipality of the question is not looked at: whether a card is of one is for a permit to say.
    pub fn candidates(
        &self,
        query: &PersonQuery,
        codes: CodesAsked,
        visit: &mut dyn FnMut(Candidate) -> ControlFlow<()>,
    ) {
        let held = &*self.0;
        let born = |slot: Slot| {
            query.birth_date().is_none_or(|range| {
                let birth = held.cards.traits(slot).and_then(|traits| traits.birth.date());
                birth.is_some_and(|birth| range.admits(birth))
            })
        };
        let mut hand = |slot: Slot| {
            let (Some((record, person)), Some(traits)) = (held.cards.identity(slot), held.cards.traits(slot))
            else {
                return ControlFlow::Continue(());
            };
            visit(Candidate {
                record,
                person,
                traits,
            })
        };
        let coded = query.tax_code().map(|asked| held.codes.find(asked, codes));
        let _ = match (query.names(), coded) {
            (None, None) => ControlFlow::Continue(()),
            (None, Some(coded)) => coded
                .into_iter()
                .filter(|slot| born(*slot))
                .try_for_each(&mut hand),
            (Some(names), coded) => {
                let admitted = |slot: Slot| {
                    let by_code = coded.as_ref().is_none_or(|coded| coded.contains(&slot));
                    by_code && born(slot)
                };
                held.named(names, &admitted, &mut hand)
            }
        };
    }
}

impl Held {
    fn table(&self, field: NameField) -> &NameTable {
        match field {
            NameField::Surname => &self.surnames,
            NameField::GivenName => &self.given_names,
        }
    }

    fn table_mut(&mut self, field: NameField) -> &mut NameTable {
        match field {
            NameField::Surname => &mut self.surnames,
            NameField::GivenName => &mut self.given_names,
        }
    }

    fn insert(&mut self, record: RecordId, card: &IndexedCard) {
        let slot = self.cards.insert(record, card.person, card.traits);
        for field in NameField::ALL {
            if let Some(name) = card.name(field) {
                let id = self.table_mut(field).hold(field, name, slot);
                self.cards.set_name(slot, field, id);
            }
        }
        for code in &card.codes {
            self.codes.insert(code, slot);
            self.cards.add_code(slot, code);
        }
    }

    fn remove(&mut self, record: RecordId) {
        let Some(slot) = self.cards.slot_of(record) else {
            return;
        };
        for field in NameField::ALL {
            if let Some(id) = self.cards.name(slot, field) {
                self.table_mut(field).release(field, id, slot);
            }
        }
        for code in self.cards.codes(slot) {
            self.codes.remove(&code, slot);
        }
        self.cards.remove(slot);
    }

    /// Makes a card what it is, and does nothing where it is so already: most changes of a card are of neither name nor
    /// code.
    fn replace(&mut self, record: RecordId, card: Option<&IndexedCard>) {
        let held = self.cards.slot_of(record).and_then(|slot| self.card(slot));
        if held.as_ref() == card {
            return;
        }
        self.remove(record);
        if let Some(card) = card {
            self.insert(record, card);
        }
    }

    /// What is held of a card.
    fn card(&self, slot: Slot) -> Option<IndexedCard> {
        let name = |field: NameField| {
            let id = self.cards.name(slot, field)?;
            Some(self.table(field).text(id)?.into())
        };
        let (_, person) = self.cards.identity(slot)?;
        Some(IndexedCard {
            person,
            surname: name(NameField::Surname),
            given_name: name(NameField::GivenName),
            codes: self.cards.codes(slot).into_iter().collect(),
            traits: self.cards.traits(slot)?,
        })
    }

    /// The cards whose names answer a question.
    fn named(
        &self,
        query: &NameQuery,
        admitted: &dyn Fn(Slot) -> bool,
        hand: &mut dyn FnMut(Slot) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let ways = query_keys(query);
        let mut handed: HashSet<Slot> = HashSet::new();
        let several = 1 < ways.len();
        for (way, swapped) in ways.iter().zip([false, true]) {
            let mut groups: Vec<Group<'_>> = query
                .fields()
                .zip(&way.groups)
                .map(|(asked, keys)| {
                    let place = if swapped { asked.swapped() } else { asked };
                    Group::new(query, asked, place, self.table(place), keys)
                })
                .collect();
            // Where least is to be compared and looked at first; the cards are then asked for their other name.
            groups.sort_by_key(Group::cost);
            let Some((first, rest)) = groups.split_first_mut() else {
                continue;
            };
            for at in 0..first.ids.len() {
                let Some(id) = first.admitted_at(at) else { continue };
                for slot in first.table.cards(id) {
                    let mut named = |group: &mut Group<'_>| {
                        let name = self.cards.name(*slot, group.place);
                        name.is_some_and(|name| group.admits(name))
                    };
                    if admitted(*slot)
                        && rest.iter_mut().all(&mut named)
                        && (!several || handed.insert(*slot))
                    {
                        hand(*slot)?;
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held(..)")
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending(..)")
    }
}

impl fmt::Debug for NamesRead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NamesRead(..)")
    }
}

#[cfg(test)]
pub(crate) mod tests;
