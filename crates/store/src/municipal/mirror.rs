//! The mirror: each card as it was last journalled.
//!
//! | Key | Value |
//! |---|---|
//! | `M` token of the local id | format version 1, then the card's canonical bytes, sealed with the key as associated data |
//! | `Z` | format version 1, the last change of the last sync (u64, big-endian), root of the digest then (32 bytes) |

use std::sync::Arc;

use registry::canonical;
use registry::change::{Change, ChangeBody};
use registry::digest::{DigestRoot, SetDigest};
use registry::identifier::LocalId;
use registry::record::Record;

use crate::keys::ring::NamedKey;
use crate::keys::token::{TokenDomain, Tokenizer};
use crate::kv::{EngineError, KeyValue};
use crate::rows::ROW_FORMAT;

const CARD: u8 = b'M';
const SYNCED: &[u8] = b"Z";

/// Why the mirror cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum MirrorError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("a row of the mirror is damaged")]
    Row,
}

/// The mirror's rows.
#[derive(Debug)]
pub(super) struct Mirror {
    engine: Arc<dyn KeyValue>,
    key: NamedKey,
    tokens: Tokenizer,
}

/// What the mirror held when it was last synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Synced {
    /// The last change in it.
    pub(super) sequence: u64,
    /// Root of its digest.
    pub(super) root: DigestRoot,
}

impl Mirror {
    pub(super) fn new(engine: Arc<dyn KeyValue>, key: NamedKey) -> Self {
        Self {
            engine,
            tokens: Tokenizer::new(&key.key),
            key,
        }
    }

    pub(super) fn synced(&self) -> Result<Option<Synced>, MirrorError> {
        let Some(value) = self.engine.get(SYNCED)? else {
            return Ok(None);
        };
        let (&format, rest) = value.split_first().ok_or(MirrorError::Row)?;
        let (sequence, root) = rest.split_first_chunk::<8>().ok_or(MirrorError::Row)?;
        if format != ROW_FORMAT {
            return Err(MirrorError::Row);
        }
        let root = root.try_into().map_err(|_| MirrorError::Row)?;
        Ok(Some(Synced {
            sequence: u64::from_be_bytes(*sequence),
            root: DigestRoot::from_bytes(root),
        }))
    }

    pub(super) fn sync(&self, synced: Synced) -> Result<(), MirrorError> {
        self.engine.sync()?;
        let Synced { sequence, root } = synced;
        let mut value = vec![ROW_FORMAT];
        value.extend_from_slice(&sequence.to_be_bytes());
        value.extend_from_slice(root.as_bytes());
        self.engine.insert(SYNCED, &value)?;
        Ok(self.engine.sync()?)
    }

    pub(super) fn apply(&self, change: &Change) -> Result<(), MirrorError> {
        let key = self.key_of(&change.local_id);
        match &change.body {
            ChangeBody::Remove => self.engine.remove(&key)?,
            ChangeBody::Upsert(card) => {
                let mut value = vec![ROW_FORMAT];
                value.extend(self.key.key.seal_derived(&key, &canonical::encode(card)));
                self.engine.insert(&key, &value)?;
            }
        }
        Ok(())
    }

    pub(super) fn card(&self, local_id: &LocalId) -> Result<Option<Record>, MirrorError> {
        let key = self.key_of(local_id);
        self.engine
            .get(&key)?
            .map(|value| self.open(&key, &value))
            .transpose()
    }

    pub(super) fn every_card(&self, visit: &mut dyn FnMut(Record)) -> Result<(), MirrorError> {
        let mut fault = None;
        self.engine.scan(&[CARD], &mut |key, value| {
            fault = self.open(key, value).map(&mut *visit).err();
            fault.is_none()
        })?;
        fault.map_or(Ok(()), Err)
    }

    /// Digest and number of all cards.
    pub(super) fn sum(&self) -> Result<(SetDigest, u64), MirrorError> {
        let mut digest = SetDigest::new();
        let mut cards = 0;
        self.every_card(&mut |card| {
            digest.add(&card.local_id, &canonical::encode(&card));
            cards += 1;
        })?;
        Ok((digest, cards))
    }

    fn key_of(&self, local_id: &LocalId) -> Vec<u8> {
        let token = self
            .tokens
            .token(TokenDomain::LocalId, local_id.as_str().as_bytes());
        let mut key = vec![CARD];
        key.extend_from_slice(token.as_bytes());
        key
    }

    fn open(&self, key: &[u8], value: &[u8]) -> Result<Record, MirrorError> {
        let Some((&ROW_FORMAT, sealed)) = value.split_first() else {
            return Err(MirrorError::Row);
        };
        let plain = self.key.key.open(key, sealed).map_err(|_| MirrorError::Row)?;
        canonical::decode(&plain).map_err(|_| MirrorError::Row)
    }
}
