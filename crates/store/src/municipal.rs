//! What a node keeps of its own municipality: a journal of changes, and a mirror of the last published state.
//!
//! The journal is the truth: numbered changes, each appended with one sync before anything is sent. The mirror is
//! its projection and says what the last export looked like, so that the next one can be compared with it; like every
//! projection it can be deleted and comes back from the journal. Both are sealed under the municipality's key, and
//! the mirror's keys are tokens of local ids.

mod change_journal;

use std::path::Path;
use std::sync::Arc;

use registry::canonical;
use registry::change::{Change, ChangeBody};
use registry::digest::SetDigest;
use registry::identifier::LocalId;
use registry::municipality::MunicipalityId;
use registry::record::Record;

use crate::files::Files;
use crate::keys::ring::{KeyRing, NamedKey, RingError};
use crate::keys::token::{TokenDomain, Tokenizer};
use crate::kv::memory::Memory;
use crate::kv::sled_engine::SledEngine;
use crate::kv::{EngineError, KeyValue};
use crate::municipal::change_journal::ChangeJournal;
pub use crate::municipal::change_journal::ChangeJournalError;
use crate::publication_journal::municipality_key;
use crate::rows::ROW_FORMAT;
use crate::segment::Settings;

const CARD: u8 = b'M';
const APPLIED: &[u8] = b"Z";

/// Where the mirror's rows live.
#[derive(Clone, Copy, Debug)]
pub enum MirrorEngine<'a> {
    /// sled, below this directory, with so many bytes of page cache.
    Sled {
        /// Directory of the engine.
        directory: &'a Path,
        /// Page cache, bytes.
        cache_bytes: u64,
    },
    /// The double of tests: filled from the journal at each start.
    Memory,
}

/// Why the node's store refuses.
#[derive(Debug, thiserror::Error)]
pub enum MunicipalError {
    /// The journal of changes.
    #[error(transparent)]
    Journal(#[from] ChangeJournalError),
    /// The engine of the mirror.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The key ring.
    #[error(transparent)]
    Keys(#[from] RingError),
    /// A row of the mirror does not open or decode: delete the mirror's directory, it is made again.
    #[error("a row of the mirror is damaged")]
    Mirror,
}

/// A municipality's journal and mirror.
#[derive(Debug)]
pub struct MunicipalStore {
    municipality: MunicipalityId,
    journal: ChangeJournal,
    mirror: Mirror,
    digest: SetDigest,
    cards: u64,
}

/// The mirror's rows.
#[derive(Debug)]
struct Mirror {
    engine: Arc<dyn KeyValue>,
    key: NamedKey,
    tokens: Tokenizer,
}

impl MunicipalStore {
    /// Opens journal and mirror, and brings the mirror up to the journal.
    ///
    /// # Errors
    /// See [`MunicipalError`].
    pub fn open(
        files: Arc<dyn Files>,
        keys: &KeyRing,
        settings: Settings,
        engine: MirrorEngine<'_>,
        municipality: MunicipalityId,
    ) -> Result<Self, MunicipalError> {
        let key = keys.get_or_create(&municipality_key(municipality))?;
        let journal = ChangeJournal::open(files, key.clone(), settings)?;
        let open_mirror = || -> Result<Mirror, MunicipalError> {
            let engine: Arc<dyn KeyValue> = match engine {
                MirrorEngine::Sled { directory, cache_bytes } => Arc::new(SledEngine::open(directory, cache_bytes)?),
                MirrorEngine::Memory => Arc::new(Memory::default()),
            };
            Ok(Mirror { engine, tokens: Tokenizer::new(&key.key), key: key.clone() })
        };
        let mut mirror = open_mirror()?;
        if journal.last() < mirror.applied()? {
            tracing::warn!("the mirror is ahead of the journal and is made again");
            mirror.clear()?;
            drop(mirror);
            mirror = open_mirror()?;
        }
        let mut next = mirror.applied()? + 1;
        while next <= journal.last() {
            for change in journal.changes_from(next, 1_000)? {
                next = change.sequence + 1;
                mirror.apply(&change)?;
            }
        }
        let mut digest = SetDigest::new();
        let mut cards = 0;
        mirror.every_card(&mut |card| {
            digest.add(&card.local_id, &canonical::encode(&card));
            cards += 1;
        })?;
        Ok(Self { municipality, journal, mirror, digest, cards })
    }

    /// Whose store it is.
    pub fn municipality(&self) -> MunicipalityId {
        self.municipality
    }

    /// Number of the last change; 0 when there is none.
    pub fn last_sequence(&self) -> u64 {
        self.journal.last()
    }

    /// Number of cards in the mirror.
    pub fn cards(&self) -> u64 {
        self.cards
    }

    /// Digest of the mirror.
    pub fn digest(&self) -> &SetDigest {
        &self.digest
    }

    /// The card as last journalled.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub fn card(&self, local_id: &LocalId) -> Result<Option<Record>, MunicipalError> {
        self.mirror.card(local_id)
    }

    /// Hands every card to `visit`.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub fn every_card(&self, visit: &mut dyn FnMut(Record)) -> Result<(), MunicipalError> {
        self.mirror.every_card(visit)
    }

    /// Journals changes, numbered on from the last, and then brings the mirror up to them. When this returns they
    /// are on the device.
    ///
    /// # Errors
    /// After an error of the journal nothing more can be appended to this store; open it again.
    pub fn append(&mut self, drafts: Vec<ChangeDraft>) -> Result<(), MunicipalError> {
        let first = self.journal.last() + 1;
        let changes: Vec<Change> = drafts
            .into_iter()
            .zip(first..)
            .map(|(ChangeDraft { local_id, body, events }, sequence)| Change { sequence, local_id, body, events })
            .collect();
        self.journal.append(&changes)?;
        for change in &changes {
            let before = self.mirror.card(&change.local_id)?;
            if let Some(before) = &before {
                self.digest.remove(&change.local_id, &canonical::encode(before));
                self.cards = self.cards.saturating_sub(1);
            }
            if let ChangeBody::Upsert(card) = &change.body {
                self.digest.add(&change.local_id, &canonical::encode(card));
                self.cards += 1;
            }
            self.mirror.apply(change)?;
        }
        Ok(())
    }

    /// Changes from `sequence` on, at most `limit`, as they were journalled.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn changes_from(&self, sequence: u64, limit: usize) -> Result<Vec<Change>, MunicipalError> {
        Ok(self.journal.changes_from(sequence, limit)?)
    }

    /// Puts the mirror on the device, so that the next start replays less.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn sync(&self) -> Result<(), MunicipalError> {
        self.mirror.sync(self.journal.last())
    }
}

/// A change that has no number yet.
#[derive(Debug)]
pub struct ChangeDraft {
    /// The card.
    pub local_id: LocalId,
    /// Its new state.
    pub body: ChangeBody,
    /// What explains it.
    pub events: Vec<registry::change::RegistryEvent>,
}

impl Mirror {
    fn key_of(&self, local_id: &LocalId) -> Vec<u8> {
        let token = self.tokens.token(TokenDomain::LocalId, local_id.as_str().as_bytes());
        let mut key = vec![CARD];
        key.extend_from_slice(token.as_bytes());
        key
    }

    fn applied(&self) -> Result<u64, MunicipalError> {
        let Some(value) = self.engine.get(APPLIED)? else { return Ok(0) };
        match value.split_first() {
            Some((&ROW_FORMAT, number)) => {
                number.try_into().map(u64::from_be_bytes).map_err(|_| MunicipalError::Mirror)
            }
            _ => Err(MunicipalError::Mirror),
        }
    }

    fn sync(&self, applied: u64) -> Result<(), MunicipalError> {
        self.engine.sync()?;
        let mut value = vec![ROW_FORMAT];
        value.extend_from_slice(&applied.to_be_bytes());
        self.engine.insert(APPLIED, &value)?;
        self.engine.sync()?;
        Ok(())
    }

    fn clear(&self) -> Result<(), MunicipalError> {
        let mut keys = Vec::new();
        self.engine.scan(&[], &mut |key, _| {
            keys.push(key.to_vec());
            true
        })?;
        for key in keys {
            self.engine.remove(&key)?;
        }
        Ok(self.engine.sync()?)
    }

    fn apply(&self, change: &Change) -> Result<(), MunicipalError> {
        let key = self.key_of(&change.local_id);
        match &change.body {
            ChangeBody::Remove => self.engine.remove(&key)?,
            ChangeBody::Upsert(card) => {
                let sealed = self.key.key.seal_derived(&key, &canonical::encode(card));
                self.engine.insert(&key, &sealed)?;
            }
        }
        Ok(())
    }

    fn card(&self, local_id: &LocalId) -> Result<Option<Record>, MunicipalError> {
        let key = self.key_of(local_id);
        self.engine.get(&key)?.map(|value| self.open(&key, &value)).transpose()
    }

    fn every_card(&self, visit: &mut dyn FnMut(Record)) -> Result<(), MunicipalError> {
        let mut damaged = false;
        self.engine.scan(&[CARD], &mut |key, value| match self.open(key, value) {
            Ok(card) => {
                visit(card);
                true
            }
            Err(_) => {
                damaged = true;
                false
            }
        })?;
        if damaged { Err(MunicipalError::Mirror) } else { Ok(()) }
    }

    fn open(&self, key: &[u8], value: &[u8]) -> Result<Record, MunicipalError> {
        let plain = self.key.key.open(key, value).map_err(|_| MunicipalError::Mirror)?;
        canonical::decode(&plain).map_err(|_| MunicipalError::Mirror)
    }
}
