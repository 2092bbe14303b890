//! The rows of the projection: keys and values byte by byte.
//!
//! | Key | Value |
//! |---|---|
//! | `C` record id | sealed [`Version`]: the newest version of a card |
//! | `H` record id, sequence | sealed [`Version`]: a superseded version |
//! | `T` token | [`Postings`]: cards that answer to an identifier |
//! | `F` household token, record id | [`Postings`] of one card: when it belonged to the household |
//! | `P` person id | [`Postings`]: cards linked to one person |
//! | `Z` | last commit sequence known to be synced |
//!
//! Integers are big-endian. Every value begins with its format version, 1. Identifiers in keys are record ids,
//! themselves keyed hashes, or 16-byte tokens; nothing in the open says who anybody is.

use registry::identifier::{PersonId, RecordId};
use uuid::Uuid;

use crate::keys::token::Token;

/// Version of all formats of this module.
pub(crate) const ROW_FORMAT: u8 = 1;

/// A place in the order of all accepted changes; the first is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CommitSequence(pub u64);




/// Why stored bytes are not a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// A later program wrote it.
    #[error("the row has a format version this program does not know")]
    Format,
    /// It does not have the shape of its kind.
    #[error("the row is malformed")]
    Malformed,
    /// Its seal does not open: other key, other place, or altered.
    #[error("the seal of the row does not open")]
    Seal,
    /// The card in it does not decode.
    #[error("the card in the row does not decode")]
    Card,
}

/// Key of the newest version of a card.
pub(crate) fn current_key(record: RecordId) -> Vec<u8> {
    prefixed(b'C', record.0.as_bytes())
}

/// Key of a superseded version of a card.
pub(crate) fn superseded_key(record: RecordId, sequence: CommitSequence) -> Vec<u8> {
    let mut key = prefixed(b'H', record.0.as_bytes());
    key.extend_from_slice(&sequence.0.to_be_bytes());
    key
}

/// Prefix of all superseded versions of a card.
pub(crate) fn superseded_prefix(record: RecordId) -> Vec<u8> {
    prefixed(b'H', record.0.as_bytes())
}

/// Key of the cards that answer to an identifier.
pub(crate) fn token_key(token: &Token) -> Vec<u8> {
    prefixed(b'T', token.as_bytes())
}

/// Key of one card's membership of a household.
pub(crate) fn member_key(household: &Token, record: RecordId) -> Vec<u8> {
    let mut key = household_prefix(household);
    key.extend_from_slice(record.0.as_bytes());
    key
}

/// Prefix of all memberships of a household.
pub(crate) fn household_prefix(household: &Token) -> Vec<u8> {
    prefixed(b'F', household.as_bytes())
}

/// Key of the cards of a person.
pub(crate) fn person_key(person: PersonId) -> Vec<u8> {
    prefixed(b'P', person.0.as_bytes())
}

/// Key of the last synced sequence.
pub(crate) const APPLIED_KEY: &[u8] = b"Z";

/// Prefix of all newest versions.
pub(crate) const CURRENT_PREFIX: &[u8] = b"C";

fn prefixed(prefix: u8, body: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + body.len() + 16);
    key.push(prefix);
    key.extend_from_slice(body);
    key
}

/// The record id in a `C` key.
pub(crate) fn record_of_current_key(key: &[u8]) -> Option<RecordId> {
    let bytes = key.strip_prefix(CURRENT_PREFIX)?;
    Uuid::from_slice(bytes).ok().map(RecordId)
}

/// One version of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// The change that made it.
    pub(crate) sequence: CommitSequence,
    /// When the index recorded it, Unix milliseconds.
    pub(crate) recorded_ms: u64,
    /// The person to whom the card is linked.
    pub(crate) person: PersonId,
    /// What the change said.
    pub(crate) body: VersionBody,
}

/// What a version says.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum VersionBody {
    /// The card, in its canonical bytes.
    Card(Vec<u8>),
    /// The municipality withdrew the card from publication.
    Removed,
}

/// A card is personal: debugging output does not carry it.
impl std::fmt::Debug for VersionBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Card(_) => f.write_str("Card(..)"),
            Self::Removed => f.write_str("Removed"),
        }
    }
}

impl Version {
    const CARD: u8 = 1;
    const REMOVED: u8 = 2;

    /// The bytes that are sealed.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (kind, card): (u8, &[u8]) = match &self.body {
            VersionBody::Card(bytes) => (Self::CARD, bytes),
            VersionBody::Removed => (Self::REMOVED, &[]),
        };
        let mut bytes = Vec::with_capacity(34 + card.len());
        bytes.extend_from_slice(&[ROW_FORMAT, kind]);
        bytes.extend_from_slice(&self.sequence.0.to_be_bytes());
        bytes.extend_from_slice(&self.recorded_ms.to_be_bytes());
        bytes.extend_from_slice(self.person.0.as_bytes());
        bytes.extend_from_slice(card);
        bytes
    }

    /// Reads what [`Version::encode`] wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let (&format, rest) = bytes.split_first().ok_or(RowError::Malformed)?;
        if format != ROW_FORMAT {
            return Err(RowError::Format);
        }
        let (&kind, rest) = rest.split_first().ok_or(RowError::Malformed)?;
        let (sequence, rest) = rest.split_first_chunk::<8>().ok_or(RowError::Malformed)?;
        let (recorded, rest) = rest.split_first_chunk::<8>().ok_or(RowError::Malformed)?;
        let (person, card) = rest.split_first_chunk::<16>().ok_or(RowError::Malformed)?;
        let body = match kind {
            Self::CARD => VersionBody::Card(card.to_vec()),
            Self::REMOVED if card.is_empty() => VersionBody::Removed,
            _ => return Err(RowError::Malformed),
        };
        Ok(Self {
            sequence: CommitSequence(u64::from_be_bytes(*sequence)),
            recorded_ms: u64::from_be_bytes(*recorded),
            person: PersonId(Uuid::from_bytes(*person)),
            body,
        })
    }
}

/// One card in a posting list, with the changes between which it belonged there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Posting {
    /// The card.
    pub(crate) record: RecordId,
    /// The change that brought it in.
    pub(crate) from: CommitSequence,
    /// The change that took it out; [`Posting::OPEN`] while it is in.
    pub(crate) until: CommitSequence,
}

impl Posting {
    /// No change has ended it.
    pub(crate) const OPEN: CommitSequence = CommitSequence(u64::MAX);

    /// Whether a reader at `visible` sees it.
    pub(crate) fn holds_at(&self, visible: CommitSequence) -> bool {
        self.from <= visible && visible < self.until
    }
}

/// A posting list in order of entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Postings(pub(crate) Vec<Posting>);

impl Postings {
    /// Enters a card as of `sequence`; entering it again changes nothing, so that a replay is harmless.
    pub(crate) fn enter(&mut self, record: RecordId, sequence: CommitSequence) -> bool {
        let known = self.0.iter().any(|posting| {
            posting.record == record
                && (posting.from == sequence || (posting.from < sequence && sequence < posting.until))
        });
        if !known {
            self.0.push(Posting { record, from: sequence, until: Posting::OPEN });
            self.0.sort_by_key(|posting| (posting.from, posting.record));
        }
        !known
    }

    /// Ends a card's posting as of `sequence`.
    pub(crate) fn leave(&mut self, record: RecordId, sequence: CommitSequence) -> bool {
        let open = self
            .0
            .iter_mut()
            .find(|posting| posting.record == record && posting.from < sequence && sequence < posting.until);
        let Some(posting) = open else { return false };
        posting.until = sequence;
        true
    }

    /// The stored bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + 32 * self.0.len());
        bytes.push(ROW_FORMAT);
        for Posting { record, from, until } in &self.0 {
            bytes.extend_from_slice(record.0.as_bytes());
            bytes.extend_from_slice(&from.0.to_be_bytes());
            bytes.extend_from_slice(&until.0.to_be_bytes());
        }
        bytes
    }

    /// Reads what [`Postings::encode`] wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let (&format, rest) = bytes.split_first().ok_or(RowError::Malformed)?;
        if format != ROW_FORMAT {
            return Err(RowError::Format);
        }
        let (rows, rest) = rest.as_chunks::<32>();
        if !rest.is_empty() {
            return Err(RowError::Malformed);
        }
        let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |value, &byte| value << 8 | u64::from(byte));
        let posting = |row: &[u8; 32]| {
            let (record, spans) = row.split_at(16);
            let (from, until) = spans.split_at(8);
            Uuid::from_slice(record).map(|record| Posting {
                record: RecordId(record),
                from: CommitSequence(number(from)),
                until: CommitSequence(number(until)),
            })
        };
        let postings = rows.iter().map(posting).collect::<Result<_, _>>();
        postings.map(Self).map_err(|_| RowError::Malformed)
    }
}
