//! What a batch has made of the cards that it has changed so far.

use std::collections::{HashMap, HashSet};

use registry::identifier::{PersonId, RecordId};
use registry::linking::{Candidate, CardFacts, LinkKey};

use crate::publication_journal::entry::Showing;

/// What the batch at hand has made of the cards that it has changed so far.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) cards: Vec<Candidate>,
    pub(super) by_key: HashMap<LinkKey, Vec<usize>>,
    /// Where the card stands in `cards` now; `None` once it was removed.
    pub(super) by_record: HashMap<RecordId, (PersonId, Option<usize>)>,
    /// What the batch says of cards and waits, with the keys of each.
    pub(super) held: Vec<(RecordId, CardFacts, Vec<LinkKey>)>,
    /// Cards that the batch does not change and that got another person.
    pub(super) relinked: HashMap<RecordId, PersonId>,
    /// Cards that were buried or belong to a sealed identity.
    pub(super) standing: HashMap<RecordId, Known>,
    /// Keys of identities that were buried.
    pub(super) buried_keys: HashSet<LinkKey>,
    /// Keys that are those of a new identity from now on.
    pub(super) released: HashSet<LinkKey>,
}

/// How a card stands, as the batch has left it so far.
#[derive(Clone, Copy)]
pub(super) enum Known {
    Unknown,
    Published(PersonId),
    Buried(Option<RecordId>),
}

impl Pending {
    pub(super) fn add(&mut self, card: Candidate, keys: Vec<LinkKey>) {
        let place = self.cards.len();
        for key in keys {
            self.by_key.entry(key).or_default().push(place);
        }
        self.by_record.insert(card.record, (card.person, Some(place)));
        self.cards.push(card);
    }

    pub(super) fn remove(&mut self, record: RecordId, person: PersonId) {
        self.by_record.insert(record, (person, None));
    }

    pub(super) fn relink(&mut self, record: RecordId, person: PersonId) {
        match self.by_record.get_mut(&record) {
            Some((known, place)) => {
                *known = person;
                if let Some(card) = place.and_then(|place| self.cards.get_mut(place)) {
                    card.person = person;
                }
            }
            None => {
                self.relinked.insert(record, person);
            }
        }
    }

    pub(super) fn bury(&mut self, record: RecordId, successor: Option<RecordId>) {
        self.by_record.remove(&record);
        self.relinked.remove(&record);
        self.standing.insert(record, Known::Buried(successor));
    }

    /// The card of a sealed identity, as a batch leaves it.
    pub(super) fn settle(&mut self, record: RecordId, showing: Showing) {
        let known = match showing {
            Showing::Shown => Known::Published(PersonId(record.0)),
            Showing::Awaited => Known::Buried(None),
        };
        self.standing.insert(record, known);
    }

    /// The keys that the batch gave a card.
    pub(super) fn keys_of(&self, record: RecordId) -> Vec<LinkKey> {
        let holds = |places: &[usize]| {
            places
                .iter()
                .any(|place| self.cards.get(*place).is_some_and(|card| card.record == record))
        };
        let keys = self.by_key.iter().filter(|(_, places)| holds(places));
        keys.map(|(key, _)| key.clone()).collect()
    }

    /// The batch's own cards that have the key, in their last state.
    pub(super) fn with_key(&self, key: &LinkKey) -> impl Iterator<Item = &Candidate> {
        let places = self.by_key.get(key).map_or(&[][..], Vec::as_slice);
        places.iter().filter_map(|&place| {
            let card = self.cards.get(place)?;
            let (_, current) = self.by_record.get(&card.record)?;
            (*current == Some(place)).then_some(card)
        })
    }
}
