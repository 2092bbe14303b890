//! From accepted changes to rows: the only writer of the engine, and the readings every answer rests on.
//!
//! Each change is applied with plain inserts that may be repeated: applying a journal again over rows that already
//! hold some of it, or all of it, ends in the same rows, byte for byte.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use registry::canonical;
use registry::identifier::{PersonId, RecordId};
use registry::linking::GeneralitiesKey;
use registry::municipality::MunicipalityId;
use registry::normal;
use registry::record::Record;

use crate::keys::ring::{KeyRing, NamedKey, RingError};
use crate::keys::token::{Token, TokenDomain, Tokenizer};
use crate::keys::{KeyId, KeyName};
use crate::kv::{EngineError, KeyValue};
use crate::publication_journal::municipality_key;
use crate::rows::{
    self, CommitSequence, Posting, Postings, ROW_FORMAT, RowError, Version, VersionBody, current_key, household_prefix,
    member_key, person_key, superseded_key, superseded_prefix, token_key,
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

/// A version of a card, opened.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    /// The change that made it.
    pub(crate) sequence: CommitSequence,
    /// The person.
    pub(crate) person: PersonId,
    /// The card, unless it was removed.
    pub(crate) record: Option<Record>,
}

/// The rows and what is visible of them.
#[derive(Debug)]
pub(crate) struct Projection {
    engine: Arc<dyn KeyValue>,
    keys: Arc<KeyRing>,
    tokens: Tokenizer,
    visible: AtomicU64,
}

impl Projection {
    /// A projection over an engine; nothing is visible yet.
    pub(crate) fn new(engine: Arc<dyn KeyValue>, keys: Arc<KeyRing>) -> Result<Self, ProjectionError> {
        let name = KeyName::new("store/tokens").expect("the name lies within the alphabet of key names");
        let tokens = Tokenizer::new(&keys.get_or_create(&name)?.key);
        Ok(Self { engine, keys, tokens, visible: AtomicU64::new(0) })
    }

    /// The last change that readers see. A reading takes it once.
    pub(crate) fn visible(&self) -> CommitSequence {
        CommitSequence(self.visible.load(Ordering::Acquire))
    }

    /// Lets readers see everything up to `sequence`.
    pub(crate) fn publish(&self, sequence: CommitSequence) {
        self.visible.store(sequence.0, Ordering::Release);
    }

    /// Puts everything on the device and notes how far that goes.
    pub(crate) fn sync(&self, applied: CommitSequence) -> Result<(), ProjectionError> {
        self.engine.sync()?;
        let mut value = vec![ROW_FORMAT];
        value.extend_from_slice(&applied.0.to_be_bytes());
        self.engine.insert(rows::APPLIED_KEY, &value)?;
        self.engine.sync()?;
        Ok(())
    }

    /// How far the engine was synced when it was last closed or lost.
    pub(crate) fn applied(&self) -> Result<CommitSequence, ProjectionError> {
        let Some(value) = self.engine.get(rows::APPLIED_KEY)? else { return Ok(CommitSequence(0)) };
        match value.split_first() {
            Some((&ROW_FORMAT, number)) => {
                let number = number.try_into().map_err(|_| RowError::Malformed)?;
                Ok(CommitSequence(u64::from_be_bytes(number)))
            }
            Some(_) => Err(RowError::Format.into()),
            None => Err(RowError::Malformed.into()),
        }
    }

    /// Applies one change.
    pub(crate) fn apply(&self, change: &AppliedChange<'_>) -> Result<(), ProjectionError> {
        let AppliedChange { sequence, recorded_ms, municipality, record, person, card } = *change;
        let key = self.keys.get_or_create(&municipality_key(municipality))?;
        let body = card.map_or(VersionBody::Removed, |card| VersionBody::Card(canonical::encode(card)));
        let version = Version { sequence, recorded_ms, person, body };
        let newest = self.read_version(&current_key(record))?;
        let before = match &newest {
            Some(newest) if newest.sequence < sequence => Some(newest.clone()),
            Some(_) => self.version_at(record, CommitSequence(sequence.0.saturating_sub(1)))?,
            None => None,
        };
        if newest.as_ref().is_some_and(|newest| sequence < newest.sequence) {
            self.write_version(&key, &superseded_key(record, sequence), &version)?;
        } else {
            if let Some(newest) = newest.filter(|newest| newest.sequence < sequence) {
                self.write_version(&key, &superseded_key(record, newest.sequence), &newest)?;
            }
            self.write_version(&key, &current_key(record), &version)?;
        }
        let old = before.map(open_card).transpose()?;
        self.move_postings(municipality, record, sequence, old.as_ref(), person, card)
    }

    /// The newest version of a card that a reader at `visible` sees; `None` when there is none.
    pub(crate) fn card_at(
        &self,
        record: RecordId,
        visible: CommitSequence,
    ) -> Result<Option<Card>, ProjectionError> {
        self.version_at(record, visible)?.map(open_card).transpose().map_err(Into::into)
    }

    /// The cards that answer to an identifier, as a reader at `visible` sees them.
    pub(crate) fn cards_of_token(
        &self,
        token: &Token,
        visible: CommitSequence,
    ) -> Result<Vec<RecordId>, ProjectionError> {
        self.posted(&token_key(token), visible)
    }

    /// The cards of a person: the one whose id the person bears, and those linked to it.
    pub(crate) fn cards_of_person(
        &self,
        person: PersonId,
        visible: CommitSequence,
    ) -> Result<Vec<RecordId>, ProjectionError> {
        let mut cards = vec![RecordId(person.0)];
        cards.extend(self.posted(&person_key(person), visible)?);
        Ok(cards)
    }

    /// Every card that ever belonged to a household, as far as a reader at `visible` knows.
    pub(crate) fn cards_of_household(
        &self,
        household: &Token,
        visible: CommitSequence,
    ) -> Result<Vec<RecordId>, ProjectionError> {
        let mut members = Vec::new();
        let mut fault = None;
        self.engine.scan(&household_prefix(household), &mut |_, value| match Postings::decode(value) {
            Ok(postings) => {
                members.extend(held(&postings, visible));
                true
            }
            Err(error) => {
                fault = Some(error);
                false
            }
        })?;
        match fault {
            Some(error) => Err(error.into()),
            None => Ok(members),
        }
    }

    /// Hands every card that a reader at `visible` sees to `visit`, in order of record id.
    pub(crate) fn every_card(
        &self,
        visible: CommitSequence,
        visit: &mut dyn FnMut(Card) -> Result<(), ProjectionError>,
    ) -> Result<(), ProjectionError> {
        let mut fault = None;
        self.engine.scan(rows::CURRENT_PREFIX, &mut |key, _| {
            let seen = match rows::record_of_current_key(key) {
                Some(record) => self.card_at(record, visible),
                None => Err(RowError::Malformed.into()),
            };
            let visited = match seen {
                Ok(Some(card)) => visit(card),
                Ok(None) => Ok(()),
                Err(error) => Err(error),
            };
            match visited {
                Ok(()) => true,
                Err(error) => {
                    fault = Some(error);
                    false
                }
            }
        })?;
        fault.map_or(Ok(()), Err)
    }

    /// Hands every row to `visit`, in key order: how two projections are compared.
    pub(crate) fn every_row(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), ProjectionError> {
        self.engine.scan(&[], &mut |key, value| {
            if key != rows::APPLIED_KEY {
                visit(key, value);
            }
            true
        })?;
        Ok(())
    }

    fn posted(&self, key: &[u8], visible: CommitSequence) -> Result<Vec<RecordId>, ProjectionError> {
        let Some(value) = self.engine.get(key)? else { return Ok(Vec::new()) };
        Ok(held(&Postings::decode(&value)?, visible).collect())
    }

    fn version_at(
        &self,
        record: RecordId,
        visible: CommitSequence,
    ) -> Result<Option<Version>, ProjectionError> {
        match self.read_version(&current_key(record))? {
            None => Ok(None),
            Some(newest) if newest.sequence <= visible => Ok(Some(newest)),
            Some(_) => {
                let upper = superseded_key(record, visible);
                let row = self.engine.last_not_after(&superseded_prefix(record), &upper)?;
                row.map(|(key, value)| self.open_version(&key, &value)).transpose()
            }
        }
    }

    fn read_version(&self, key: &[u8]) -> Result<Option<Version>, ProjectionError> {
        self.engine.get(key)?.map(|value| self.open_version(key, &value)).transpose()
    }

    fn open_version(&self, key: &[u8], value: &[u8]) -> Result<Version, ProjectionError> {
        let (&format, rest) = value.split_first().ok_or(RowError::Malformed)?;
        if format != ROW_FORMAT {
            return Err(RowError::Format.into());
        }
        let (id, sealed) = rest.split_first_chunk::<16>().ok_or(RowError::Malformed)?;
        let data_key = self.keys.by_id(KeyId::from_bytes(*id)).ok_or(RowError::Seal)?;
        let plain = data_key.key.open(&associated(key), sealed).map_err(|_| RowError::Seal)?;
        Ok(Version::decode(&plain)?)
    }

    fn write_version(&self, data_key: &NamedKey, key: &[u8], version: &Version) -> Result<(), ProjectionError> {
        let sealed = data_key.key.seal_derived(&associated(key), &version.encode());
        let mut value = Vec::with_capacity(17 + sealed.len());
        value.push(ROW_FORMAT);
        value.extend_from_slice(data_key.id.as_bytes());
        value.extend_from_slice(&sealed);
        Ok(self.engine.insert(key, &value)?)
    }

    /// Brings tokens, household and person of a card from what they were to what they are.
    fn move_postings(
        &self,
        municipality: MunicipalityId,
        record: RecordId,
        sequence: CommitSequence,
        old: Option<&Card>,
        person: PersonId,
        card: Option<&Record>,
    ) -> Result<(), ProjectionError> {
        let keys_of = |record_body: Option<&Record>, person: PersonId| {
            let mut keys = record_body.map_or_else(Vec::new, |body| self.posting_keys(municipality, record, body));
            if record_body.is_some() && person.0 != record.0 {
                keys.push(person_key(person));
            }
            keys
        };
        let before = old.map_or_else(Vec::new, |old| keys_of(old.record.as_ref(), old.person));
        let after = keys_of(card, person);
        for key in before.iter().filter(|key| !after.contains(key)) {
            self.edit_postings(key, |postings| postings.leave(record, sequence))?;
        }
        for key in after.iter().filter(|key| !before.contains(key)) {
            self.edit_postings(key, |postings| postings.enter(record, sequence))?;
        }
        Ok(())
    }

    fn posting_keys(&self, municipality: MunicipalityId, record: RecordId, card: &Record) -> Vec<Vec<u8>> {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        let mut add = |key: Vec<u8>| {
            if !keys.contains(&key) {
                keys.push(key);
            }
        };
        for entry in &card.tax_codes {
            add(token_key(&self.tax_code_token(entry.code.as_str())));
        }
        if let Some(id) = &card.national_id {
            add(token_key(&self.national_id_token(id.as_str())));
        }
        if let Some(key) = GeneralitiesKey::of(&card.generalities) {
            add(token_key(&self.generalities_token(&key)));
        }
        for link in card.households.facts() {
            add(member_key(&self.household_token(municipality, link.value.household.as_str()), record));
        }
        keys
    }

    fn edit_postings(
        &self,
        key: &[u8],
        edit: impl FnOnce(&mut Postings) -> bool,
    ) -> Result<(), ProjectionError> {
        let mut postings = match self.engine.get(key)? {
            Some(value) => Postings::decode(&value)?,
            None => Postings::default(),
        };
        if edit(&mut postings) {
            self.engine.insert(key, &postings.encode())?;
        }
        Ok(())
    }

    /// Token of a codice fiscale or provisional code.
    pub(crate) fn tax_code_token(&self, code: &str) -> Token {
        self.tokens.token(TokenDomain::TaxCode, normal::code_key(code).as_bytes())
    }

    /// Token of a national id.
    pub(crate) fn national_id_token(&self, id: &str) -> Token {
        self.tokens.token(TokenDomain::NationalId, normal::code_key(id).as_bytes())
    }

    /// Token of a household card.
    pub(crate) fn household_token(&self, municipality: MunicipalityId, household: &str) -> Token {
        let value = format!("{}/{household}", municipality.as_str());
        self.tokens.token(TokenDomain::Household, value.as_bytes())
    }

    /// Token of full generalities.
    pub(crate) fn generalities_token(&self, key: &GeneralitiesKey) -> Token {
        self.tokens.token(TokenDomain::Generalities, key.as_bytes())
    }
}

fn held(postings: &Postings, visible: CommitSequence) -> impl Iterator<Item = RecordId> + '_ {
    postings.0.iter().filter(move |posting: &&Posting| posting.holds_at(visible)).map(|posting| posting.record)
}

fn associated(key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + key.len());
    bytes.push(ROW_FORMAT);
    bytes.extend_from_slice(key);
    bytes
}

fn open_card(version: Version) -> Result<Card, RowError> {
    let Version { sequence, recorded_ms: _, person, body } = version;
    let record = match body {
        VersionBody::Removed => None,
        VersionBody::Card(bytes) => Some(canonical::decode(&bytes).map_err(|_| RowError::Card)?),
    };
    Ok(Card { sequence, person, record })
}
