//! What goes on guarding residents of others when a municipality has left, also where the journal that noted it is lost.
//!
//! Kept beside the tombstone of the municipality's key, so that an index that comes back from a backup of before, or
//! empty, with its key ring still knows of it:
//!
//! - **marks**, keys of rows: by what a buried identity is known, and whose whereabouts are protected. Keyed hashes and
//!   ids, without content;
//! - **buried** cards of other municipalities.
//!
//! Format version 1; number of marks (u32), each behind its length (u32); for each buried card the cadastral code of its
//! municipality (4 bytes) and its id (16).

use std::collections::{BTreeMap, BTreeSet};

use registry::identifier::{PersonId, RecordId};
use registry::municipality::MunicipalityId;
use uuid::Uuid;

use super::{About, about};
use crate::projection::scans::key_id;
use crate::projection::{Projection, ProjectionError};
use crate::publication_journal::entry::EntryError;
use crate::publication_journal::input::Input;
use crate::publication_journal::ruling::{Restored, read_long, write_long};
use crate::publication_journal::{municipality_key, municipality_of};
use crate::rows::{
    Burial, CURRENT_PREFIX, CommitSequence, Kept, Lead, RowError, Spans, Version, VersionBody, current_key,
};

const FORMAT: u8 = 1;

/// See the module. Marks are keyed hashes: debugging output counts them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Guards {
    marks: BTreeSet<Vec<u8>>,
    buried: BTreeSet<(MunicipalityId, RecordId)>,
}

impl std::fmt::Debug for Guards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { marks, buried } = self;
        write!(f, "Guards({} marks, {} buried)", marks.len(), buried.len())
    }
}

impl Guards {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self { marks, buried } = self;
        let mut bytes = vec![FORMAT];
        let count = u32::try_from(marks.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&count.to_be_bytes());
        for mark in marks {
            write_long(&mut bytes, mark);
        }
        for (municipality, record) in buried {
            bytes.extend_from_slice(municipality.as_str().as_bytes());
            bytes.extend_from_slice(record.0.as_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let mut input = Input::of(bytes, FORMAT..=FORMAT)?;
        let mut guards = Self::default();
        for _ in 0..u32::from_be_bytes(input.array()?) {
            guards.marks.insert(read_long(&mut input)?.to_vec());
        }
        while !input.rest().is_empty() {
            let municipality = input.municipality()?;
            guards
                .buried
                .insert((municipality, RecordId(Uuid::from_bytes(input.array()?))));
        }
        Ok(guards)
    }
}

impl Projection {
    /// What guards others among the rows that remain after a withdrawal at `at`.
    pub(crate) fn guards_among(
        &self,
        remains: &BTreeMap<Vec<u8>, Vec<u8>>,
        at: CommitSequence,
    ) -> Result<Guards, ProjectionError> {
        let mut guards = Guards::default();
        let mut cards: BTreeMap<PersonId, Vec<RecordId>> = BTreeMap::new();
        for (key, value) in remains {
            let About::Version(record) = about(key)? else {
                continue;
            };
            if !key.starts_with(CURRENT_PREFIX) {
                continue;
            }
            let Some(version) = self.open_version(key, value)? else {
                continue;
            };
            cards.entry(version.person).or_default().push(record);
            let owner = self
                .keys
                .name_of(key_id(value)?)
                .as_ref()
                .and_then(municipality_of);
            if let Some(owner) = owner.filter(|_| version.is_buried()) {
                guards.buried.insert((owner, record));
            }
        }
        for (key, value) in remains {
            let About::Lead(record) = about(key)? else {
                continue;
            };
            if !Spans::decode(value)?.hold_at(at) {
                continue;
            }
            match key.first() {
                Some(b'B') => {
                    guards.marks.insert(key.clone());
                }
                Some(b'Q') => {
                    // Whoever comes first again of the person's cards gives the person its id.
                    let person = person_protected(key)?;
                    let of = cards.get(&person).into_iter().flatten();
                    let persons = of.map(|card| PersonId(card.0)).chain([person]);
                    let leads = persons.map(|person| Lead::Protected(person).key(record));
                    guards.marks.extend(leads);
                }
                Some(_) | None => {}
            }
        }
        Ok(guards)
    }

    /// Makes the rows guard again whom they guarded. Done again, it changes nothing.
    pub(crate) fn guard_again(&self, guards: &Guards) -> Result<(), ProjectionError> {
        let Guards { marks, buried } = guards;
        for mark in marks {
            self.edit_spans(mark, |spans| spans.enter(CommitSequence(0)))?;
        }
        for (municipality, record) in buried {
            // Where it left as well, its cards are gone.
            let Some(key) = self.keys.get(&municipality_key(*municipality)) else {
                continue;
            };
            let place = current_key(*record);
            let newest = self.read_version(&place)?;
            if newest.as_ref().is_some_and(Version::is_buried) {
                continue;
            }
            let never = Version {
                sequence: CommitSequence(0),
                recorded_ms: 0,
                person: PersonId(record.0),
                restored: Restored::No,
                body: VersionBody::Removed,
            };
            let newest = newest.unwrap_or(never);
            let kept = match &newest.body {
                VersionBody::Card(bytes) => Kept::Card(bytes.clone()),
                VersionBody::Sheltering(bytes) => Kept::Shelter(bytes.clone()),
                VersionBody::Removed | VersionBody::Settled | VersionBody::Buried(_) => Kept::Nothing,
            };
            let burial = Burial {
                successor: None,
                kept,
            };
            let version = Version {
                body: VersionBody::Buried(burial),
                ..newest
            };
            self.write_version(&key, &place, &version)?;
        }
        Ok(())
    }
}

/// Whom a mark protects.
pub(super) fn person_protected(key: &[u8]) -> Result<PersonId, RowError> {
    let person = key.get(1..17).and_then(|bytes| Uuid::from_slice(bytes).ok());
    person.map(PersonId).ok_or(RowError::Malformed)
}

#[cfg(test)]
mod tests;
