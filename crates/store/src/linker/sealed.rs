//! Sealed identities: what a seal buries, when the new card is shown, and which other cards are of the old identity.

use std::collections::BTreeSet;

use registry::identifier::{PersonId, RecordId};
use registry::linking::{self, CardFacts, Identity, LinkKey};
use registry::measure::NewIdentity;
use registry::record::Record;
use registry::sealing;

use crate::linker::pending::Known;
use crate::linker::{Deciding, SEAL_TOO_WIDE, quarantined};
use crate::projection::ProjectionError;
use crate::publication_journal::entry::{Decision, MOST_BURIED, Showing};

impl Deciding<'_, '_, '_> {
    /// A sealed identity begins: everything that led to the old one is buried, in whatever municipality.
    pub(super) fn seal(
        &mut self,
        before: RecordId,
        known: Known,
        sealed: RecordId,
        card: &Record,
    ) -> Result<Decision, ProjectionError> {
        let buried = self.cards_of_identity(before, known)?;
        if MOST_BURIED < buried.len() {
            return Ok(quarantined(SEAL_TOO_WIDE));
        }
        let mut keys = Vec::new();
        for old in buried.iter().chain([&before]) {
            keys.extend(self.projection.keys_of_identity(*old, self.visible)?);
            keys.extend(self.pending.keys_of(*old));
            let held = self.pending.held.iter().filter(|(record, ..)| record == old);
            keys.extend(held.flat_map(|(_, _, keys)| keys.clone()));
        }
        let showing = shown_if(
            card.measures
                .seal
                .is_some_and(|seal| seal.identity == NewIdentity::Present),
        );
        if showing == Showing::Shown {
            let own = sealing::identity_keys(card);
            keys.retain(|key| !own.contains(key));
        }
        self.pending.bury(before, Some(sealed));
        for other in &buried {
            self.pending.bury(*other, None);
        }
        self.pending.buried_keys.extend(keys);
        self.pending.settle(sealed, showing);
        Ok(Decision::Sealed {
            showing,
            record: sealed,
            before,
            buried: buried.into_iter().collect(),
        })
    }

    /// Every other card of the person of a card, and of whomever it once was said to be: what a back office has
    /// corrected before the seal led to the old identity no less.
    fn cards_of_identity(
        &self,
        before: RecordId,
        known: Known,
    ) -> Result<BTreeSet<RecordId>, ProjectionError> {
        let mut persons = BTreeSet::new();
        if let Known::Published(person) = known {
            persons.insert(person);
        }
        let stored = self.projection.every_word(before, self.visible)?;
        let stored = stored.into_iter().map(|(person, card)| {
            let facts = CardFacts::of(&card, Identity::Open);
            (person, facts, linking::link_keys(&card))
        });
        let batched = self.pending.cards.iter().filter(|card| card.record == before);
        let batched = batched.map(|card| (card.person, card.facts.clone(), self.pending.keys_of(before)));
        let held = self.pending.held.iter().filter(|(record, ..)| *record == before);
        let held = held.map(|(record, facts, keys)| (PersonId(record.0), facts.clone(), keys.clone()));
        for (person, facts, keys) in stored.chain(batched).chain(held) {
            let others = self.sharing(keys, Some(person))?;
            let others = others.into_iter().filter(|other| other.record != before);
            persons.extend(
                others
                    .filter(|other| linking::said_of_same(&facts, &other.facts))
                    .map(|other| other.person),
            );
        }
        let mut cards = BTreeSet::new();
        for person in persons {
            cards.extend(self.every_card_of_person(person)?);
        }
        cards.remove(&before);
        Ok(cards)
    }

    /// A later version of a sealed card is shown once it bears the new identity and nothing of the old one.
    pub(super) fn renew(
        &mut self,
        record: RecordId,
        card: &Record,
        identity: NewIdentity,
    ) -> Result<Decision, ProjectionError> {
        let borne = self.buried_among(sealing::identity_keys(card))?;
        let old = borne.iter().any(|key| match key {
            LinkKey::NationalId(_) => false,
            LinkKey::TaxCode(_) | LinkKey::Generalities(_) => true,
        });
        let showing = shown_if(identity == NewIdentity::Present && !old);
        self.pending.settle(record, showing);
        if showing == Showing::Shown {
            self.pending
                .released
                .extend(card.national_id.map(LinkKey::NationalId));
        }
        Ok(Decision::Renewed { showing, record })
    }

    /// Whether an open card bears what is known of a buried identity, and did not bear it when that was buried.
    pub(super) fn bears_buried(&self, record: RecordId, card: &Record) -> Result<bool, ProjectionError> {
        let borne = self.buried_among(sealing::identity_keys(card))?;
        if borne.is_empty() {
            return Ok(false);
        }
        let mut before = self.pending.keys_of(record);
        if let Some(known) = self
            .projection
            .card_at(record, self.visible)?
            .and_then(|card| card.record)
        {
            before.extend(sealing::identity_keys(&known));
        }
        let gained: Vec<LinkKey> = borne.into_iter().filter(|key| !before.contains(key)).collect();
        Ok(sealing::belongs_to_buried(card, &gained))
    }

    fn buried_among(&self, keys: Vec<LinkKey>) -> Result<Vec<LinkKey>, ProjectionError> {
        let (mut now, earlier): (Vec<LinkKey>, Vec<LinkKey>) = keys
            .into_iter()
            .filter(|key| !self.pending.released.contains(key))
            .partition(|key| self.pending.buried_keys.contains(key));
        now.extend(self.projection.buried_keys(earlier, self.visible)?);
        Ok(now)
    }
}

fn shown_if(shown: bool) -> Showing {
    if shown { Showing::Shown } else { Showing::Awaited }
}
