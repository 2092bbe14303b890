//! Which cards could be the same person's.

use registry::identifier::{PersonId, RecordId};
use registry::linking::{self, Candidate, CardFacts, Identity, LinkKey};
use registry::municipality::MunicipalityId;
use registry::publication::Others;
use registry::record::{Record, TaxCodeEntry};

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
        self.sharing(linking::link_keys(card), known)
    }

    /// Every card that has one of these keys, and every card of a person.
    pub(super) fn sharing(
        &self,
        keys: Vec<LinkKey>,
        known: Option<PersonId>,
    ) -> Result<Vec<Candidate>, ProjectionError> {
        let (projection, pending) = (self.projection, &self.pending);
        let mut found: Vec<Candidate> = Vec::new();
        let mut stored: Vec<RecordId> = Vec::new();
        for key in keys {
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

    /// What other cards say of the person of a card. `previous` is the card as it was.
    pub(super) fn others(
        &self,
        record: RecordId,
        previous: Option<&Record>,
        card: &Record,
    ) -> Result<Others, ProjectionError> {
        if card.is_sealed() {
            return Ok(Others::default());
        }
        let known = match self.known(record)? {
            Known::Published(person) => Some(person),
            Known::Unknown | Known::Buried(_) => None,
        };
        let mut found = self.candidates(known, card)?;
        found.extend(self.stating_a_code(card.tax_codes.iter().filter(|entry| !entry.validated))?);
        let alive = found
            .iter()
            .any(|other| other.record != record && other.facts.registered_on(self.today));
        // What an open card said before, it claimed then.
        if let Some(previous) = previous.filter(|previous| previous.is_open()) {
            let said = linking::link_keys(previous);
            let keys = linking::link_keys(card)
                .into_iter()
                .filter(|key| !said.contains(key));
            found = self.sharing(keys.collect(), None)?;
            let codes = card.tax_codes.iter().filter(|entry| {
                let mut said = previous.tax_codes.iter();
                !entry.validated && said.all(|said| said.code != entry.code)
            });
            found.extend(self.stating_a_code(codes)?);
        }
        let registered = found.iter().any(|other| {
            // An heir takes over whom it inherits; nobody takes anybody back from an heir.
            let elsewhere = MunicipalityId::of_any(other.facts.municipality)
                .is_none_or(|keeper| !self.municipality.inherits(keeper));
            elsewhere && other.facts.registered_on(self.today)
        });
        Ok(Others { registered, alive })
    }

    /// The cards under codici fiscali that are stated without the tax registry's word: such a code links nobody, and
    /// yet leads to the card.
    fn stating_a_code<'r>(
        &self,
        codes: impl Iterator<Item = &'r TaxCodeEntry>,
    ) -> Result<Vec<Candidate>, ProjectionError> {
        let mut found = Vec::new();
        for entry in codes {
            let lead = self.projection.tax_code(entry.code.as_str());
            let sharing = self.projection.cards_of(lead, self.visible)?;
            for record in sharing.into_iter().take(CROWD) {
                found.extend(self.projection.card_at(record, self.visible)?.and_then(candidate));
            }
        }
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
        shelter: _,
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
