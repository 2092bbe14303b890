//! What a withdrawal does to the rows: those of the municipality go, those of all others stay as they are.
//!
//! A change of one municipality may have given cards of others another person, buried them, or made their places
//! shelter somebody. Once the municipality's key is gone, no replay knows of such a change any more. So everything that
//! may rest on it is noted before, row by row, as **what remains**: all rows, but for those that lead from houses, which
//! are made again from the card, of every card of other municipalities that
//! was ever joined to a person of the municipality, or to a person of such a card, and so on; those of every buried
//! card, of which there are few; all recorded instants; and the marks of the municipality's own cards that guard
//! somebody elsewhere:
//!
//! - by what a buried identity is known, so that no other municipality shows it;
//! - that a person's whereabouts are protected, where the protection lasts and the person has a card elsewhere. Nobody
//!   is left to say when it ends, so it does not.
//!
//! Both are keyed hashes without content. To erase is to make the rows what they are with that in its place; done
//! again, after a crash anywhere, it ends in the same rows.

pub(crate) mod guards;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use registry::identifier::{PersonId, RecordId};
use registry::municipality::MunicipalityId;
use registry::record::Record;
use uuid::Uuid;

use super::{Projection, ProjectionError, published_card};
use crate::kv::Row;
use crate::projection::houses::leads_from_house;
use crate::projection::scans::{VERSION_PREFIXES, key_id};
use crate::publication_journal::{municipality_key, municipality_of};
use crate::rows::{self, CURRENT_PREFIX, CommitSequence, Lead, RowError, Version};

/// Rows that stay, by the municipality whose they are; `None` for those of no municipality or of the one that leaves.
pub(crate) type Remains = BTreeMap<Option<MunicipalityId>, Vec<Row>>;

/// What a row is about.
enum About {
    /// A version of a card.
    Version(RecordId),
    /// What leads to a card.
    Lead(RecordId),
    /// A contradiction between cards of two municipalities, by their cadastral codes.
    Contradiction([u8; 4], [u8; 4]),
    /// A recorded instant.
    Instant,
    /// The store itself.
    Store,
}

/// The cards of others whose rows may rest on changes of the municipality that leaves.
#[derive(Default)]
struct Joined {
    cards: BTreeSet<RecordId>,
    /// Those that went with an earlier withdrawal, of which only guarding marks are left.
    gone: BTreeSet<RecordId>,
}

/// The cards of the municipality that leaves, and to whom they lead.
#[derive(Default)]
struct Leaving {
    cards: BTreeSet<RecordId>,
    persons: BTreeSet<PersonId>,
    /// Whose protection lasts, by card.
    protected: BTreeSet<(PersonId, RecordId)>,
    /// National ids of sealed identities: they may have been marks of buried cards elsewhere.
    released: Vec<Lead>,
}

impl Projection {
    /// What remains when a municipality leaves on `today`.
    pub(crate) fn remains_of(
        &self,
        municipality: MunicipalityId,
        today: NaiveDate,
    ) -> Result<Remains, ProjectionError> {
        let leaving = self.leaving(municipality, today)?;
        let joined = self.joined_to(&leaving)?;
        let mut persons = BTreeSet::new();
        for record in &joined.cards {
            persons.extend(
                self.version_at(*record, self.visible())?
                    .map(|version| version.person),
            );
        }
        let mut owners = BTreeMap::new();
        let mut kept: Vec<(Option<RecordId>, Row)> = Vec::new();
        self.visit(&[], &mut |key, value| {
            let record = match about(key)? {
                About::Version(record) if joined.cards.contains(&record) => {
                    let owner = self
                        .keys
                        .name_of(key_id(value)?)
                        .as_ref()
                        .and_then(municipality_of);
                    owners.insert(record, owner);
                    Some(record)
                }
                // What a card says of houses rests on nothing else, so it is made again.
                About::Lead(_) if leads_from_house(key) => return Ok(()),
                About::Lead(record) if joined.cards.contains(&record) => Some(record),
                About::Lead(record) if joined.gone.contains(&record) => None,
                About::Lead(record) if leaving.cards.contains(&record) => {
                    if !leaving.guards(key, record, &persons)? {
                        return Ok(());
                    }
                    None
                }
                About::Instant => None,
                About::Version(_) | About::Lead(_) | About::Contradiction(..) | About::Store => return Ok(()),
            };
            kept.push((record, (key.to_vec(), value.to_vec())));
            Ok(())
        })?;
        let mut remains = Remains::new();
        for (record, row) in kept {
            let owner = record.and_then(|record| owners.get(&record).copied().flatten());
            remains.entry(owner).or_default().push(row);
        }
        Ok(remains)
    }

    /// Makes the rows what they are without a municipality; `remains` are the rows noted before.
    pub(crate) fn erase(
        &self,
        municipality: MunicipalityId,
        remains: &BTreeMap<Vec<u8>, Vec<u8>>,
    ) -> Result<(), ProjectionError> {
        let own_key = self.keys.id_of(&municipality_key(municipality));
        let mut own = BTreeSet::new();
        let mut joined = BTreeSet::new();
        for key in remains.keys() {
            if let About::Version(record) = about(key)? {
                joined.insert(record);
            }
        }
        for prefix in VERSION_PREFIXES {
            self.visit(prefix, &mut |key, value| {
                if let About::Version(record) = about(key)?
                    && Some(key_id(value)?) == own_key
                {
                    own.insert(record);
                }
                Ok(())
            })?;
        }
        let code: [u8; 4] = municipality
            .as_str()
            .as_bytes()
            .try_into()
            .map_err(|_| RowError::Malformed)?;
        let (mut leads, mut versions) = (Vec::new(), Vec::new());
        let mut missing = remains.clone();
        self.visit(&[], &mut |key, value| {
            if let Some(kept) = remains.get(key) {
                if kept == value {
                    missing.remove(key);
                }
                return Ok(());
            }
            let gone = |record: &RecordId| own.contains(record) || joined.contains(record);
            match about(key)? {
                About::Version(record) if gone(&record) => versions.push(key.to_vec()),
                About::Lead(record) if gone(&record) => leads.push(key.to_vec()),
                About::Contradiction(one, other) if one == code || other == code => leads.push(key.to_vec()),
                About::Version(_)
                | About::Lead(_)
                | About::Contradiction(..)
                | About::Instant
                | About::Store => {}
            }
            Ok(())
        })?;
        // Versions last: by them a later attempt knows which leads are those of the municipality.
        for (key, value) in &missing {
            self.engine.insert(key, value)?;
            self.note_rewritten(key)?;
        }
        for key in leads {
            self.engine.remove(&key)?;
        }
        self.engine.sync()?;
        for key in versions {
            self.engine.remove(&key)?;
            self.note_rewritten(&key)?;
        }
        for record in joined {
            self.lead_to_houses_again(record)?;
        }
        Ok(())
    }

    fn leaving(&self, municipality: MunicipalityId, today: NaiveDate) -> Result<Leaving, ProjectionError> {
        let mut leaving = Leaving::default();
        let Some(own) = self.keys.get(&municipality_key(municipality)) else {
            return Ok(leaving);
        };
        for prefix in VERSION_PREFIXES {
            self.visit(prefix, &mut |key, value| {
                let About::Version(record) = about(key)? else {
                    return Ok(());
                };
                if key_id(value)? != own.id {
                    return Ok(());
                }
                let version = self.open_version(key, value)?.ok_or(RowError::Seal)?;
                let card = published_card(&version)?;
                leaving.cards.insert(record);
                leaving.persons.extend([version.person, PersonId(record.0)]);
                if prefix == CURRENT_PREFIX && card.as_ref().is_some_and(|card| protects_from(card, today)) {
                    leaving.protected.insert((version.person, record));
                }
                if let Some(id) = card.filter(Record::is_sealed).and_then(|card| card.national_id)
                    && let Lead::Identifier(token) = self.national_id(id.as_str())
                {
                    leaving.released.push(Lead::Buried(token));
                }
                Ok(())
            })?;
        }
        Ok(leaving)
    }

    /// The cards of others whose rows may rest on changes of the municipality.
    fn joined_to(&self, leaving: &Leaving) -> Result<Joined, ProjectionError> {
        let mut joined = Joined::default();
        let mut known = leaving.persons.clone();
        let mut persons: Vec<PersonId> = known.iter().copied().collect();
        let mut found = self.buried_of_others(leaving)?;
        for lead in &leaving.released {
            found.extend(self.ever_led_to(*lead)?);
        }
        loop {
            for record in found.drain(..) {
                if leaving.cards.contains(&record) || joined.cards.contains(&record) {
                    continue;
                }
                let versions = self.every_version(record)?;
                if versions.is_empty() {
                    joined.gone.insert(record);
                    continue;
                }
                joined.cards.insert(record);
                let linked = versions.iter().map(|version| version.person);
                for person in linked.chain([PersonId(record.0)]) {
                    if known.insert(person) {
                        persons.push(person);
                    }
                }
            }
            let Some(person) = persons.pop() else { break };
            found = self.ever_linked(person)?;
            found.extend(self.ever_led_to(Lead::Protected(person))?);
        }
        Ok(joined)
    }

    /// The buried cards of others: by what they are known depends on who else bore it when they were buried.
    fn buried_of_others(&self, leaving: &Leaving) -> Result<Vec<RecordId>, ProjectionError> {
        let mut buried = Vec::new();
        self.visit(CURRENT_PREFIX, &mut |key, value| {
            let About::Version(record) = about(key)? else {
                return Ok(());
            };
            let version = self.open_version(key, value)?;
            if version.is_some_and(|version| version.is_buried()) && !leaving.cards.contains(&record) {
                buried.push(record);
            }
            Ok(())
        })?;
        Ok(buried)
    }

    /// The cards to which something leads or ever led.
    fn ever_led_to(&self, lead: Lead) -> Result<Vec<RecordId>, ProjectionError> {
        let prefix = lead.prefix();
        let mut cards = Vec::new();
        self.visit(&prefix, &mut |key, _| {
            cards.push(rows::record_behind(&prefix, key)?);
            Ok(())
        })?;
        Ok(cards)
    }

    /// Every version of a card that was ever served or waited.
    fn every_version(&self, record: RecordId) -> Result<Vec<Version>, ProjectionError> {
        let mut versions = self.served_versions(record)?;
        self.visit(&rows::waiting_prefix(record), &mut |key, value| {
            versions.extend(self.open_version(key, value)?);
            Ok(())
        })?;
        Ok(versions)
    }

    /// Where a card goes over to another person, the marks go along that guard the one before: those left by a
    /// withdrawal, which no card moves any more.
    pub(super) fn carry_guards(
        &self,
        before: PersonId,
        after: PersonId,
        sequence: CommitSequence,
    ) -> Result<(), ProjectionError> {
        for record in self.cards_of(Lead::Protected(before), sequence.before())? {
            if self.version_at(record, sequence)?.is_none() {
                let lead = Lead::Protected(after);
                self.edit_spans(&lead.key(record), |spans| spans.enter(sequence))?;
            }
        }
        Ok(())
    }
}

impl Leaving {
    /// Whether a row that led to a card of the municipality guards somebody of another one. `persons` are those of
    /// whom there are cards elsewhere.
    fn guards(
        &self,
        key: &[u8],
        record: RecordId,
        persons: &BTreeSet<PersonId>,
    ) -> Result<bool, ProjectionError> {
        Ok(match key.first() {
            Some(b'B') => true,
            Some(b'Q') => {
                let person = guards::person_protected(key)?;
                persons.contains(&person) && self.protected.contains(&(person, record))
            }
            Some(_) | None => false,
        })
    }
}

/// Whether a card protects its person on `day` or on any later one.
fn protects_from(card: &Record, day: NaiveDate) -> bool {
    let lasts = |until: Option<NaiveDate>| until.is_none_or(|until| day <= until);
    card.flags.protected
        || card
            .measures
            .protection
            .is_some_and(|protection| lasts(protection.until))
}

/// What a row is about, by its key.
fn about(key: &[u8]) -> Result<About, RowError> {
    let record = |bytes: Option<&[u8]>| {
        let bytes = bytes.ok_or(RowError::Malformed)?;
        Uuid::from_slice(bytes)
            .map(RecordId)
            .map_err(|_| RowError::Malformed)
    };
    let code = |bytes: Option<&[u8]>| {
        let bytes = bytes.ok_or(RowError::Malformed)?;
        <[u8; 4]>::try_from(bytes).map_err(|_| RowError::Malformed)
    };
    Ok(match key.first() {
        Some(b'C' | b'H' | b'W') => About::Version(record(key.get(1..17))?),
        Some(b'T' | b'F' | b'R' | b'P' | b'Q' | b'S' | b'B') => About::Lead(record(key.get(17..33))?),
        Some(b'N') => About::Contradiction(code(key.get(1..5))?, code(key.get(22..26))?),
        Some(b'K') => About::Instant,
        Some(b'V' | b'Z') => About::Store,
        Some(_) | None => return Err(RowError::Malformed),
    })
}

#[cfg(test)]
mod tests;
