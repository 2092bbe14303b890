//! Which cards could be the same person's.

use registry::identifier::{PersonId, RecordId};
use registry::linking::{self, Candidate, CardFacts, Identity};
use registry::record::Record;

use crate::linker::pending::Known;
use crate::linker::{CROWD, Deciding};
use crate::projection::{Card, ProjectionError};

impl Deciding<'_, '_, '_> {
    /// Every card that shares a key with `card`, and every other card of the person to whom it was linked: each once, as
    /// the batch has left it so far.
    pub(super) fn candidates(
        &self,
        known: Option<PersonId>,
        card: &Record,
    ) -> Result<Vec<Candidate>, ProjectionError> {
        let (projection, pending) = (self.projection, &self.pending);
        let mut found: Vec<Candidate> = Vec::new();
        let mut stored: Vec<RecordId> = Vec::new();
        for key in linking::link_keys(card) {
            let sharing = projection.cards_of(projection.lead_of(&key), self.visible)?;
            let batched: Vec<&Candidate> = pending.with_key(&key).collect();
            if CROWD < sharing.len() + batched.len() {
                continue;
            }
            stored.extend(sharing);
            found.extend(batched.into_iter().cloned());
        }
        if let Some(person) = known {
            stored.extend(self.cards_of_person(person)?.into_iter().take(CROWD));
        }
        for record in stored {
            if found.iter().any(|other| other.record == record)
                || !matches!(self.known(record)?, Known::Published(_))
            {
                continue;
            }
            match pending.by_record.get(&record) {
                Some((_, place)) => found.extend(place.and_then(|place| pending.cards.get(place)).cloned()),
                None => found.extend(projection.card_at(record, self.visible)?.and_then(candidate)),
            }
        }
        for candidate in &mut found {
            if let Some(person) = pending.relinked.get(&candidate.record) {
                candidate.person = *person;
            }
        }
        found.sort_by_key(|candidate| candidate.record);
        found.dedup_by_key(|candidate| candidate.record);
        Ok(found)
    }
}

/// A candidate from a card that is served; a sealed identity is none.
pub(super) fn candidate(card: Card) -> Option<Candidate> {
    let Card {
        id,
        sequence,
        person,
        record,
        restored: _,
        kept: _,
    } = card;
    let record = record.filter(|record| !record.is_sealed())?;
    let facts = CardFacts::of(&record, Identity::Open);
    Some(Candidate {
        record: id,
        person,
        linked_at: sequence.0,
        facts,
    })
}
