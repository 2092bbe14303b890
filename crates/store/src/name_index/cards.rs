//! What is held of each card, under a number of 4 bytes.

use std::collections::HashMap;

use agreement::subject::StandingDates;
use registry::identifier::{PersonId, RecordId};
use registry::matching::NameField;
use registry::municipality::MunicipalityId;
use registry::record::Register;

use super::card::{BirthDate, Guard, Traits};
use super::codes::{CodeBytes, CodeKey};
use super::digest_set::{Digest, DigestSet};
use super::names::NameId;

/// Number of a card; it is given again when the card is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Slot(u32);

/// Cards of one chunk: memory grows by one of these, and what is there never moves.
const CHUNK: usize = 1 << 14;

/// All cards.
#[derive(Default)]
pub(super) struct CardTable {
    chunks: Vec<Vec<Held>>,
    free: Vec<Slot>,
    slots: DigestSet<Slot>,
    /// The person of those that are linked to another one than they bear the id of.
    persons: HashMap<Slot, PersonId>,
    /// Codes behind the first one.
    further_codes: HashMap<Slot, Vec<CodeBytes>>,
    municipalities: Vec<MunicipalityId>,
}

/// One card.
#[derive(Clone, Copy)]
struct Held {
    record: RecordId,
    surname: Option<NameId>,
    given_name: Option<NameId>,
    /// Zeros where there is none.
    code: CodeBytes,
    birth: BirthDate,
    municipality: u16,
    register: Register,
    guard: Guard,
    standing: StandingDates,
}

impl Slot {
    /// The first one.
    pub(super) const FIRST: Self = Self(0);

    fn place(self) -> (usize, usize) {
        let at = self.0 as usize;
        (at / CHUNK, at % CHUNK)
    }
}

impl CardTable {
    /// How many cards there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The number of a card.
    pub(super) fn slot_of(&self, record: RecordId) -> Option<Slot> {
        let is_of = |slot: &Slot| self.held(*slot).is_some_and(|held| held.record == record);
        self.slots.led_to(digest_of(record)).find(is_of)
    }

    /// Takes in a card without names and codes.
    pub(super) fn insert(&mut self, record: RecordId, person: PersonId, traits: Traits) -> Slot {
        let Traits {
            birth,
            municipality,
            register,
            standing,
            guard,
        } = traits;
        let held = Held {
            record,
            surname: None,
            given_name: None,
            code: CodeBytes::default(),
            birth,
            municipality: self.number_of(municipality),
            register,
            guard,
            standing,
        };
        let slot = self.place(held);
        self.slots.insert(digest_of(record), slot);
        if person.0 != record.0 {
            self.persons.insert(slot, person);
        }
        slot
    }

    /// Forgets a card.
    pub(super) fn remove(&mut self, slot: Slot) {
        let Some(record) = self.held(slot).map(|held| held.record) else {
            return;
        };
        self.slots.remove(digest_of(record), slot);
        self.persons.remove(&slot);
        self.further_codes.remove(&slot);
        self.free.push(slot);
    }

    /// The card and its person.
    pub(super) fn identity(&self, slot: Slot) -> Option<(RecordId, PersonId)> {
        let record = self.held(slot)?.record;
        let own = PersonId(record.0);
        Some((record, self.persons.get(&slot).copied().unwrap_or(own)))
    }

    pub(super) fn traits(&self, slot: Slot) -> Option<Traits> {
        let held = self.held(slot)?;
        Some(Traits {
            birth: held.birth,
            municipality: *self.municipalities.get(usize::from(held.municipality))?,
            register: held.register,
            standing: held.standing,
            guard: held.guard,
        })
    }

    /// The name of a card.
    pub(super) fn name(&self, slot: Slot, field: NameField) -> Option<NameId> {
        let held = self.held(slot)?;
        match field {
            NameField::Surname => held.surname,
            NameField::GivenName => held.given_name,
        }
    }

    pub(super) fn set_name(&mut self, slot: Slot, field: NameField, name: NameId) {
        if let Some(held) = self.held_mut(slot) {
            match field {
                NameField::Surname => held.surname = Some(name),
                NameField::GivenName => held.given_name = Some(name),
            }
        }
    }

    /// The codes of a card.
    pub(super) fn codes(&self, slot: Slot) -> Vec<CodeKey> {
        let first = self.held(slot).map(|held| held.code);
        let first = first.filter(|code| *code != CodeBytes::default());
        let further = self.further_codes.get(&slot).map_or(&[][..], Vec::as_slice);
        let all = first.iter().chain(further);
        all.map(CodeKey::from_bytes).collect()
    }

    pub(super) fn add_code(&mut self, slot: Slot, code: &CodeKey) {
        let bytes = code.to_bytes();
        match self.held_mut(slot) {
            Some(held) if held.code == CodeBytes::default() => held.code = bytes,
            Some(_) => self.further_codes.entry(slot).or_default().push(bytes),
            None => {}
        }
    }

    /// The cards that are held, in order of their ids.
    #[cfg(test)]
    pub(super) fn slots(&self) -> std::collections::BTreeMap<RecordId, Slot> {
        let slots = self.slots.iter().map(|(_, slot)| slot);
        slots
            .filter_map(|slot| Some((self.held(slot)?.record, slot)))
            .collect()
    }

    /// Municipalities are few and named by many cards.
    fn number_of(&mut self, municipality: MunicipalityId) -> u16 {
        let known = self
            .municipalities
            .iter()
            .position(|known| *known == municipality);
        let at = known.unwrap_or_else(|| {
            self.municipalities.push(municipality);
            self.municipalities.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    fn place(&mut self, held: Held) -> Slot {
        if let Some(slot) = self.free.pop() {
            if let Some(place) = self.held_mut(slot) {
                *place = held;
            }
            return slot;
        }
        let full = self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK);
        if full {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let before = (self.chunks.len() - 1) * CHUNK;
        let chunk = self.chunks.last_mut().map_or(0, |chunk| {
            chunk.push(held);
            chunk.len() - 1
        });
        Slot(u32::try_from(before + chunk).unwrap_or(u32::MAX))
    }

    fn held(&self, slot: Slot) -> Option<&Held> {
        let (chunk, at) = slot.place();
        self.chunks.get(chunk)?.get(at)
    }

    fn held_mut(&mut self, slot: Slot) -> Option<&mut Held> {
        let (chunk, at) = slot.place();
        self.chunks.get_mut(chunk)?.get_mut(at)
    }
}

fn digest_of(record: RecordId) -> Digest {
    Digest::of(record.0.as_bytes())
}
