//! From accepted changes to rows: the only writer of the engine, and the readings every answer rests on.
//!
//! Each change is applied with plain inserts that may be repeated: applying a journal again over rows that already
//! hold some of it, or all of it, ends in the same rows, byte for byte.

pub(crate) mod burial;
pub(crate) mod contradictions;
mod houses;
mod instants;
mod names;
mod scans;
pub(crate) mod profile;
mod shelters;
mod waiting;
pub(crate) mod withdrawal;
pub(crate) mod own_cards;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use registry::canonical;
use registry::house::HouseKey;
use registry::identifier::{LocalId, PersonId, RecordId};
use registry::linking::{GeneralitiesKey, LinkKey};
use registry::measure::SharedPlace;
use registry::municipality::MunicipalityId;
use registry::normal;
use registry::record::{HouseholdLink, Record};

use crate::keys::ring::{KeyRing, NamedKey, RingError};
use crate::keys::token::{Token, TokenDomain, Tokenizer};
use crate::keys::{KeyId, KeyName};
use crate::kv::{EngineError, KeyValue};
use crate::name_index::NameIndex;
use crate::publication_journal::municipality_key;
use crate::publication_journal::ruling::Restored;
use crate::rows::{
    self, Burial, CommitSequence, Kept, Lead, ROW_FORMAT, RowError, Spans, Version, VersionBody, current_key,
    record_behind, superseded_key, superseded_prefix,
};

/// Why a row cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A row is not what it should be.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The key ring refused.
    #[error(transparent)]
    Keys(#[from] RingError),
}

/// One change as the projection applies it.
#[derive(Debug)]
pub(crate) struct AppliedChange<'a> {
    /// Its place in the order of all changes.
    pub(crate) sequence: CommitSequence,
    /// When the index recorded it, Unix milliseconds.
    pub(crate) recorded_ms: u64,
    /// Whose card.
    pub(crate) municipality: MunicipalityId,
    /// Which card.
    pub(crate) record: RecordId,
    /// To whom it is linked; a removal keeps the person of the version before.
    pub(crate) person: PersonId,
    /// The new state; `None` removes the card from publication.
    pub(crate) card: Option<&'a Record>,
}

/// What a change did to the set of received cards: canonical bytes, where there was or is a card. The node's mirror
/// is the same set, whatever of it is served.
pub(crate) struct Replaced {
    /// The card before.
    pub(crate) before: Option<Vec<u8>>,
    /// The card since.
    pub(crate) after: Option<Vec<u8>>,
}

impl Replaced {
    /// The municipality's number of the card; `None` when there neither was nor is one.
    pub(crate) fn local_id(&self) -> Result<Option<LocalId>, RowError> {
        let either = self.before.as_ref().or(self.after.as_ref());
        either
            .map(|bytes| canonical::decode(bytes).map(|card| card.local_id))
            .transpose()
            .map_err(|_| RowError::Card)
    }
}

/// A version of a card, opened.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    /// Which.
    pub(crate) id: RecordId,
    /// The change that made it.
    pub(crate) sequence: CommitSequence,
    /// The person.
    pub(crate) person: PersonId,
    /// Whether it stands in the place of a later one that is not trusted.
    pub(crate) restored: Restored,
    /// The card, unless it was removed or is buried.
    pub(crate) record: Option<Record>,
    /// The card where it is buried: it counts among its municipality's and is shown to nobody.
    pub(crate) kept: Option<Record>,
    /// What remains of a card that left publication with its group and goes on sheltering: no card of anybody's.
    pub(crate) shelter: Option<Record>,
}

impl Card {
    /// The card as its municipality publishes it, whether it is shown or not.
    pub(crate) fn published(&self) -> Option<&Record> {
        self.record.as_ref().or(self.kept.as_ref())
    }

    /// What says whom the card shelters.
    pub(crate) fn into_sheltering(self) -> Option<Record> {
        self.record.or(self.kept).or(self.shelter)
    }
}

/// The rows and what is visible of them.
#[derive(Debug)]
pub(crate) struct Projection {
    engine: Arc<dyn KeyValue>,
    keys: Arc<KeyRing>,
    tokens: Tokenizer,
    names: NameIndex,
    visible: AtomicU64,
}

impl Projection {
    /// A projection over an engine; nothing is visible yet.
    pub(crate) fn new(engine: Arc<dyn KeyValue>, keys: Arc<KeyRing>) -> Result<Self, RingError> {
        let name = KeyName::new("store/tokens").expect("the name lies within the alphabet of key names");
        let tokens = Tokenizer::new(&keys.get_or_create(&name)?.key);
        Ok(Self {
            engine,
            keys,
            tokens,
            names: NameIndex::default(),
            visible: AtomicU64::new(0),
        })
    }

    /// The last change that readers see. A reading takes it once.
    pub(crate) fn visible(&self) -> CommitSequence {
        CommitSequence(self.visible.load(Ordering::Acquire))
    }

    /// Lets readers see everything up to `sequence`, which is all that was applied: whoever searches first.
    pub(crate) fn publish(&self, sequence: CommitSequence) -> Result<(), ProjectionError> {
        self.step_names(sequence)?;
        self.visible.store(sequence.0, Ordering::Release);
        Ok(())
    }

    /// Puts everything on the device and notes how far that goes.
    pub(crate) fn sync(&self, applied: CommitSequence) -> Result<(), ProjectionError> {
        self.engine.sync()?;
        self.engine
            .insert(rows::APPLIED_KEY, &rows::encode_number(applied.0))?;
        self.engine.sync()?;
        Ok(())
    }

    /// How far the engine was synced when it was last closed or lost.
    pub(crate) fn applied(&self) -> Result<CommitSequence, ProjectionError> {
        let value = self.engine.get(rows::APPLIED_KEY)?;
        let applied = value.map_or(Ok(0), |value| rows::decode_number(&value))?;
        Ok(CommitSequence(applied))
    }

    /// Applies one change: its state is what was received last and what is served.
    pub(crate) fn apply(&self, change: &AppliedChange<'_>) -> Result<Replaced, ProjectionError> {
        let AppliedChange {
            sequence,
            recorded_ms,
            municipality,
            record,
            person,
            card,
        } = *change;
        let key = self.keys.get_or_create(&municipality_key(municipality))?;
        let body = card.map_or(VersionBody::Removed, |card| {
            VersionBody::Card(canonical::encode(card))
        });
        let version = Version {
            sequence,
            recorded_ms,
            person,
            restored: Restored::No,
            body,
        };
        self.receive(&key, record, &version)
    }

    /// Makes what a municipality sent the newest version; nothing of the card waits any more.
    fn receive(
        &self,
        key: &NamedKey,
        record: RecordId,
        version: &Version,
    ) -> Result<Replaced, ProjectionError> {
        let waited = self.waiting_before(record, version.sequence)?;
        let served = self.put(key, record, version)?;
        if waited.is_some() {
            let settled = Version {
                body: VersionBody::Settled,
                restored: Restored::No,
                ..*version
            };
            let place = rows::waiting_key(record, version.sequence);
            self.write_version(key, &place, &settled)?;
        }
        Ok(Replaced {
            before: waited.unwrap_or(served),
            after: version.clone().into_card(),
        })
    }

    /// Makes a version the newest one, and tells what was published before: canonical bytes, or none.
    fn serve(
        &self,
        municipality: MunicipalityId,
        record: RecordId,
        version: &Version,
    ) -> Result<Option<Vec<u8>>, ProjectionError> {
        let key = self.keys.get_or_create(&municipality_key(municipality))?;
        self.put(&key, record, version)
    }

    /// Makes a version the one that holds from its sequence on, and moves what leads to the card.
    fn put(
        &self,
        key: &NamedKey,
        record: RecordId,
        version: &Version,
    ) -> Result<Option<Vec<u8>>, ProjectionError> {
        let sequence = version.sequence;
        let newest = self.read_version(&current_key(record))?;
        let before = match &newest {
            Some(newest) if newest.sequence < sequence => {
                // First the copy, then what it is a copy of: a crash in between loses nothing.
                self.write_version(key, &superseded_key(record, newest.sequence), newest)?;
                Some(newest.clone())
            }
            Some(_) => self.version_at(record, sequence.before())?,
            None => None,
        };
        let place = match &newest {
            Some(newest) if sequence < newest.sequence => superseded_key(record, sequence),
            Some(_) | None => current_key(record),
        };
        self.write_version(key, &place, version)?;
        let card = served_card(version)?;
        if place.starts_with(rows::CURRENT_PREFIX) {
            self.note_served(record, version, card.as_ref());
        }
        let led = |version: &Version| self.led_to(record, version);
        let leads_before = before.as_ref().map(led).transpose()?.unwrap_or_default();
        let leads_after = match &card {
            Some(card) => self.led_to_served(record, version.person, card),
            None => led(version)?,
        };
        self.move_leads(record, sequence, &leads_before, &leads_after)?;
        if let Some(before) = before.as_ref().filter(|before| before.person != version.person) {
            self.carry_guards(before.person, version.person, sequence)?;
        }
        self.move_shelters(record, before.as_ref(), version)?;
        Ok(before.and_then(Version::into_card))
    }

    fn move_leads(
        &self,
        record: RecordId,
        sequence: CommitSequence,
        before: &[Lead],
        after: &[Lead],
    ) -> Result<(), ProjectionError> {
        for lead in before.iter().filter(|lead| !after.contains(lead)) {
            self.edit_spans(&lead.key(record), |spans| spans.leave(sequence))?;
        }
        for lead in after.iter().filter(|lead| !before.contains(lead)) {
            self.edit_spans(&lead.key(record), |spans| spans.enter(sequence))?;
        }
        Ok(())
    }

    /// The newest version of a card that a reader at `visible` sees; `None` when there is none, when the card's
    /// municipality was withdrawn, or when the card is buried, be it after `visible`.
    pub(crate) fn card_at(
        &self,
        record: RecordId,
        visible: CommitSequence,
    ) -> Result<Option<Card>, ProjectionError> {
        let Some(newest) = self.read_version(&current_key(record))? else {
            return Ok(None);
        };
        if matches!(newest.body, VersionBody::Buried(_)) {
            return Ok(None);
        }
        let version = if newest.sequence <= visible {
            Some(newest)
        } else {
            self.superseded_at(record, visible)?
        };
        match version {
            Some(version) if !matches!(version.body, VersionBody::Buried(_)) => {
                Ok(Some(open_card(record, &version)?))
            }
            Some(_) | None => Ok(None),
        }
    }

    /// What leads to a version of a card; nothing does where it is withdrawn or buried.
    fn led_to(&self, record: RecordId, version: &Version) -> Result<Vec<Lead>, RowError> {
        let person = version.person;
        let Some(card) = served_card(version)? else {
            // Who is shown to nobody is protected all the same, and so is whoever shares the dwelling.
            let protected = published_card(version)?.is_some_and(|card| card.ever_protected());
            return Ok(protected.then_some(Lead::Protected(person)).into_iter().collect());
        };
        Ok(self.led_to_served(record, person, &card))
    }

    fn led_to_served(&self, record: RecordId, person: PersonId, card: &Record) -> Vec<Lead> {
        let mut leads = Vec::new();
        let mut add = |lead: Lead| {
            if !leads.contains(&lead) {
                leads.push(lead);
            }
        };
        for entry in &card.tax_codes {
            add(self.tax_code(entry.code.as_str()));
        }
        if let Some(id) = &card.national_id {
            add(self.national_id(id.as_str()));
        }
        if let Some(key) = GeneralitiesKey::of(&card.generalities) {
            add(self.generalities(&key));
        }
        for token in self.household_tokens(card) {
            add(Lead::Household(token));
        }
        for house in HouseKey::of_card(card) {
            add(self.house(&house));
        }
        if person.0 != record.0 {
            add(Lead::Person(person));
        }
        if card.ever_protected() {
            add(Lead::Protected(person));
        }
        leads
    }

    fn edit_spans(&self, key: &[u8], edit: impl FnOnce(&mut Spans) -> bool) -> Result<(), ProjectionError> {
        let mut spans = match self.engine.get(key)? {
            Some(value) => Spans::decode(&value)?,
            None => Spans::default(),
        };
        if edit(&mut spans) {
            self.engine.insert(key, &spans.encode())?;
        }
        Ok(())
    }

    pub(crate) fn version_at(
        &self,
        record: RecordId,
        visible: CommitSequence,
    ) -> Result<Option<Version>, ProjectionError> {
        match self.read_version(&current_key(record))? {
            None => Ok(None),
            Some(newest) if newest.sequence <= visible => Ok(Some(newest)),
            Some(_) => self.superseded_at(record, visible),
        }
    }

    fn superseded_at(
        &self,
        record: RecordId,
        visible: CommitSequence,
    ) -> Result<Option<Version>, ProjectionError> {
        let upper = superseded_key(record, visible);
        match self.engine.last_not_after(&superseded_prefix(record), &upper)? {
            Some((key, value)) => self.open_version(&key, &value),
            None => Ok(None),
        }
    }

    fn read_version(&self, key: &[u8]) -> Result<Option<Version>, ProjectionError> {
        match self.engine.get(key)? {
            Some(value) => self.open_version(key, &value),
            None => Ok(None),
        }
    }

    fn newest_of(&self, key: &[u8], value: &[u8]) -> Result<Card, ProjectionError> {
        let record = record_behind(rows::CURRENT_PREFIX, key)?;
        let version = self.open_version(key, value)?.ok_or(RowError::Seal)?;
        Ok(open_card(record, &version)?)
    }

    /// `None` when the key was destroyed on purpose.
    fn open_version(&self, key: &[u8], value: &[u8]) -> Result<Option<Version>, ProjectionError> {
        let (&format, rest) = value.split_first().ok_or(RowError::Malformed)?;
        if format != ROW_FORMAT {
            return Err(RowError::Format.into());
        }
        let (id, sealed) = rest.split_first_chunk::<16>().ok_or(RowError::Malformed)?;
        let id = KeyId::from_bytes(*id);
        let Some(data_key) = self.keys.by_id(id) else {
            return if self.keys.name_of(id).is_some() {
                Ok(None)
            } else {
                Err(RowError::Seal.into())
            };
        };
        let plain = data_key
            .key
            .open(&associated(key), sealed)
            .map_err(|_| RowError::Seal)?;
        Ok(Some(Version::decode(&plain)?))
    }

    fn write_version(
        &self,
        data_key: &NamedKey,
        key: &[u8],
        version: &Version,
    ) -> Result<(), ProjectionError> {
        let sealed = data_key.key.seal_derived(&associated(key), &version.encode());
        let mut value = Vec::with_capacity(17 + sealed.len());
        value.push(ROW_FORMAT);
        value.extend_from_slice(data_key.id.as_bytes());
        value.extend_from_slice(&sealed);
        self.engine.insert(key, &value)?;
        self.note_rewritten(key)
    }
}

/// What leads to cards, by value.
impl Projection {
    /// A codice fiscale or provisional code.
    pub(crate) fn tax_code(&self, code: &str) -> Lead {
        Lead::Identifier(
            self.tokens
                .token(TokenDomain::TaxCode, normal::code_key(code).as_bytes()),
        )
    }

    /// A national id.
    pub(crate) fn national_id(&self, id: &str) -> Lead {
        Lead::Identifier(
            self.tokens
                .token(TokenDomain::NationalId, normal::code_key(id).as_bytes()),
        )
    }

    /// Full generalities.
    pub(crate) fn generalities(&self, key: &GeneralitiesKey) -> Lead {
        Lead::Identifier(self.tokens.token(TokenDomain::Generalities, key.as_bytes()))
    }

    /// Token of a household card.
    pub(crate) fn household_token(&self, municipality: MunicipalityId, household: &str) -> Token {
        let value = format!("{}/{household}", municipality.as_str());
        self.tokens.token(TokenDomain::Household, value.as_bytes())
    }

    /// Token of a household that a card names.
    pub(crate) fn household_of(&self, card: &Record, link: &HouseholdLink) -> Option<Token> {
        let municipality = MunicipalityId::of_any(card.municipality)?;
        Some(self.household_token(municipality, link.household.as_str()))
    }

    /// Tokens of every household that a card names.
    pub(crate) fn household_tokens(&self, card: &Record) -> Vec<Token> {
        let links = card.households.facts().iter();
        links
            .filter_map(|link| self.household_of(card, &link.value))
            .collect()
    }

    /// Token of a household or dwelling that a card names.
    pub(crate) fn place_token(&self, card: &Record, place: &SharedPlace) -> Option<Token> {
        match place {
            SharedPlace::Household(household) => {
                let municipality = MunicipalityId::of_any(card.municipality)?;
                Some(self.household_token(municipality, household.as_str()))
            }
            SharedPlace::Dwelling(key) => Some(self.tokens.token(TokenDomain::Dwelling, key.as_bytes())),
        }
    }

    /// What leads from a key by which cards are linked.
    pub(crate) fn lead_of(&self, key: &LinkKey) -> Lead {
        match key {
            LinkKey::NationalId(id) => self.national_id(id.as_str()),
            LinkKey::TaxCode(code) => self.tax_code(code.as_str()),
            LinkKey::Generalities(key) => self.generalities(key),
        }
    }
}

fn associated(key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + key.len());
    bytes.push(ROW_FORMAT);
    bytes.extend_from_slice(key);
    bytes
}

fn open_card(id: RecordId, version: &Version) -> Result<Card, RowError> {
    let Version {
        sequence,
        recorded_ms: _,
        person,
        restored,
        body: _,
    } = version;
    let record = served_card(version)?;
    let (kept, shelter) = match &version.body {
        VersionBody::Buried(Burial { successor: _, kept }) => match kept {
            Kept::Card(bytes) => (Some(decoded(bytes)?), None),
            Kept::Shelter(bytes) => (None, Some(decoded(bytes)?)),
            Kept::Nothing => (None, None),
        },
        VersionBody::Sheltering(bytes) => (None, Some(decoded(bytes)?)),
        VersionBody::Card(_) | VersionBody::Removed | VersionBody::Settled => (None, None),
    };
    Ok(Card {
        id,
        sequence: *sequence,
        person: *person,
        restored: *restored,
        record,
        kept,
        shelter,
    })
}

/// The card of a version, where it is one that is served.
fn served_card(version: &Version) -> Result<Option<Record>, RowError> {
    match &version.body {
        VersionBody::Card(bytes) => decoded(bytes).map(Some),
        VersionBody::Removed | VersionBody::Settled | VersionBody::Buried(_) | VersionBody::Sheltering(_) => {
            Ok(None)
        }
    }
}

/// The card of a version as its municipality published it, or what remains of it, whether it is shown or not.
fn published_card(version: &Version) -> Result<Option<Record>, RowError> {
    match &version.body {
        VersionBody::Buried(Burial { successor: _, kept }) => match kept {
            Kept::Card(bytes) | Kept::Shelter(bytes) => decoded(bytes).map(Some),
            Kept::Nothing => Ok(None),
        },
        VersionBody::Sheltering(bytes) => decoded(bytes).map(Some),
        VersionBody::Card(_) | VersionBody::Removed | VersionBody::Settled => served_card(version),
    }
}

fn decoded(bytes: &[u8]) -> Result<Record, RowError> {
    canonical::decode(bytes).map_err(|_| RowError::Card)
}

#[cfg(test)]
mod tests;
