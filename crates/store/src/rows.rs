//! The rows of the projection: keys and values byte by byte.
//!
//! | Key | Value |
//! |---|---|
//! | `C` record id | sealed [`Version`]: the newest version of a card |
//! | `H` record id, sequence | sealed [`Version`]: a superseded version |
//! | `T` token, record id | [`Spans`]: when the card answered to the identifier |
//! | `F` household token, record id | [`Spans`]: when the card belonged to the household |
//! | `R` house token, record id | [`Spans`]: when the card named the house as a residence |
//! | `P` person id, record id | [`Spans`]: when the card was linked to a person of another id than its own |
//! | `W` record id, sequence | sealed [`Version`]: what was received of a card and not served, from that sequence on |
//! | `K` recorded instant | last commit sequence that was recorded at the instant (u64, Unix ms) or before |
//! | `V` | version of this scheme of rows |
//! | `Q` person id, record id | [`Spans`]: when the card told of a protection of the person's whereabouts |
//! | `S` household or dwelling token, record id | [`Spans`]: when a card of a protected person stood there |
//! | `B` token, record id | [`Spans`]: when the identifier was known as one of a buried identity |
//! | `N` municipality, record id, kind, municipality, record id | [`Spans`]: when the first card contradicted the second |
//! | `Z` | last commit sequence known to be synced |
//!
//! What leads to cards has one row for each card, never one list for all: no municipality can make a value too long
//! to be stored by giving one code to many cards. Integers are big-endian. Every value begins with its format
//! version, 1. Identifiers in keys are record ids, themselves keyed hashes, or 16-byte tokens; nothing in the open
//! says who anybody is.

use std::borrow::Cow;

use registry::identifier::{PersonId, RecordId};
use uuid::Uuid;

use crate::keys::token::Token;
use crate::publication_journal::ruling::Restored;

/// Version of all formats of this module.
pub(crate) const ROW_FORMAT: u8 = 1;

/// Version of the scheme: which rows there are. An engine with another is filled again from the journal.
pub(crate) const ROW_SCHEME: u64 = 7;

/// A place in the order of all accepted changes; the first is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CommitSequence(pub u64);

impl CommitSequence {
    /// The place before this one.
    pub(crate) const fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

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

/// What leads to cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lead {
    /// An identifier, by its token.
    Identifier(Token),
    /// A household, by its token.
    Household(Token),
    /// A house, to the cards that name it as a residence, present or past.
    House(Token),
    /// A person, to the cards linked to it beside the one that bears its id.
    Person(PersonId),
    /// A person, to those of its cards that tell of a protection.
    Protected(PersonId),
    /// A household or a dwelling, to the cards of protected persons that ever stood there.
    Sheltered(Token),
    /// An identifier, to the buried cards that bore it.
    Buried(Token),
}

impl Lead {
    /// Prefix of the rows of all cards.
    pub(crate) fn prefix(&self) -> Vec<u8> {
        match self {
            Self::Identifier(token) => prefixed(b'T', token.as_bytes()),
            Self::Household(token) => prefixed(b'F', token.as_bytes()),
            Self::House(token) => prefixed(b'R', token.as_bytes()),
            Self::Person(person) => prefixed(b'P', person.0.as_bytes()),
            Self::Protected(person) => prefixed(b'Q', person.0.as_bytes()),
            Self::Sheltered(token) => prefixed(b'S', token.as_bytes()),
            Self::Buried(token) => prefixed(b'B', token.as_bytes()),
        }
    }

    /// Key of one card's row.
    pub(crate) fn key(&self, record: RecordId) -> Vec<u8> {
        let mut key = self.prefix();
        key.extend_from_slice(record.0.as_bytes());
        key
    }
}

/// Key of what waits of a card from a sequence on.
pub(crate) fn waiting_key(record: RecordId, sequence: CommitSequence) -> Vec<u8> {
    let mut key = waiting_prefix(record);
    key.extend_from_slice(&sequence.0.to_be_bytes());
    key
}

/// Prefix of all that ever waited of a card.
pub(crate) fn waiting_prefix(record: RecordId) -> Vec<u8> {
    prefixed(b'W', record.0.as_bytes())
}

/// Prefix of all that ever waited of any card.
pub(crate) const WAITING_PREFIX: &[u8] = b"W";

/// The card of a row of [`waiting_key`].
pub(crate) fn record_of_waiting(key: &[u8]) -> Result<RecordId, RowError> {
    let (record, _) = key
        .strip_prefix(WAITING_PREFIX)
        .and_then(|rest| rest.split_first_chunk::<16>())
        .ok_or(RowError::Malformed)?;
    Ok(RecordId(Uuid::from_bytes(*record)))
}

/// Key of the last sequence that was recorded at an instant, Unix milliseconds.
pub(crate) fn recorded_key(recorded_ms: u64) -> Vec<u8> {
    prefixed(b'K', &recorded_ms.to_be_bytes())
}

/// Prefix of all recorded instants.
pub(crate) const RECORDED_PREFIX: &[u8] = b"K";

/// Key of the scheme's version.
pub(crate) const SCHEME_KEY: &[u8] = b"V";

/// Key of the last synced sequence.
pub(crate) const APPLIED_KEY: &[u8] = b"Z";

/// Prefix of all newest versions.
pub(crate) const CURRENT_PREFIX: &[u8] = b"C";

/// Prefix of all superseded versions.
pub(crate) const SUPERSEDED_PREFIX: &[u8] = b"H";

/// The card of a row that holds a version: newest, superseded or waiting.
pub(crate) fn record_of_version(key: &[u8]) -> Result<RecordId, RowError> {
    let (_, rest) = key.split_first().ok_or(RowError::Malformed)?;
    let (record, _) = rest.split_first_chunk::<16>().ok_or(RowError::Malformed)?;
    Ok(RecordId(Uuid::from_bytes(*record)))
}

pub(crate) fn prefixed(prefix: u8, body: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + body.len() + 16);
    key.push(prefix);
    key.extend_from_slice(body);
    key
}

/// The record id behind a prefix.
pub(crate) fn record_behind(prefix: &[u8], key: &[u8]) -> Result<RecordId, RowError> {
    let bytes = key.strip_prefix(prefix).ok_or(RowError::Malformed)?;
    Uuid::from_slice(bytes)
        .map(RecordId)
        .map_err(|_| RowError::Malformed)
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
    /// Whether it stands in the place of a later one that is not trusted.
    pub(crate) restored: Restored,
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
    /// Nothing waits: only under [`waiting_key`].
    Settled,
    /// The card is that of an identity which nobody may see: neither now nor at any earlier moment.
    Buried(Burial),
    /// The card left publication with its group of fields. What remains, in canonical bytes, says where somebody is
    /// protected and nothing of who it is; it is shown to nobody and counts among nobody's cards.
    Sheltering(Vec<u8>),
}

/// What is kept of a buried card.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Burial {
    /// The card under which the municipality's number goes on, where it does.
    pub(crate) successor: Option<RecordId>,
    /// What of the card is kept.
    pub(crate) kept: Kept,
}

/// What of a buried card is kept, in canonical bytes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Nothing.
    Nothing,
    /// The card as the municipality publishes it: it counts among its cards and in its digest.
    Card(Vec<u8>),
    /// What a card that left publication with its group of fields goes on sheltering; it counts nowhere.
    Shelter(Vec<u8>),
}

/// A card is personal: debugging output does not carry it.
impl std::fmt::Debug for VersionBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Card(_) => f.write_str("Card(..)"),
            Self::Removed => f.write_str("Removed"),
            Self::Settled => f.write_str("Settled"),
            Self::Buried(_) => f.write_str("Buried(..)"),
            Self::Sheltering(_) => f.write_str("Sheltering(..)"),
        }
    }
}

impl Version {
    const CARD: u8 = 1;
    const REMOVED: u8 = 2;
    const SETTLED: u8 = 3;
    const CARD_RESTORED: u8 = 4;
    const REMOVED_RESTORED: u8 = 5;
    const BURIED: u8 = 6;
    const SHELTERING: u8 = 7;

    /// The bytes that are sealed.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let nothing = Cow::Borrowed(&[][..]);
        let (kind, card) = match (&self.body, self.restored) {
            (VersionBody::Card(bytes), Restored::No) => (Self::CARD, Cow::Borrowed(bytes.as_slice())),
            (VersionBody::Card(bytes), Restored::Yes) => {
                (Self::CARD_RESTORED, Cow::Borrowed(bytes.as_slice()))
            }
            (VersionBody::Removed, Restored::No) => (Self::REMOVED, nothing),
            (VersionBody::Removed, Restored::Yes) => (Self::REMOVED_RESTORED, nothing),
            (VersionBody::Settled, _) => (Self::SETTLED, nothing),
            (VersionBody::Buried(burial), _) => (Self::BURIED, Cow::Owned(burial.encode())),
            (VersionBody::Sheltering(bytes), _) => (Self::SHELTERING, Cow::Borrowed(bytes.as_slice())),
        };
        let mut bytes = Vec::with_capacity(34 + card.len());
        bytes.extend_from_slice(&[ROW_FORMAT, kind]);
        bytes.extend_from_slice(&self.sequence.0.to_be_bytes());
        bytes.extend_from_slice(&self.recorded_ms.to_be_bytes());
        bytes.extend_from_slice(self.person.0.as_bytes());
        bytes.extend_from_slice(&card);
        bytes
    }

    /// The card as its municipality publishes it, in canonical bytes, whether it is shown or buried.
    pub(crate) fn into_card(self) -> Option<Vec<u8>> {
        match self.body {
            VersionBody::Card(bytes) => Some(bytes),
            VersionBody::Removed | VersionBody::Settled | VersionBody::Sheltering(_) => None,
            VersionBody::Buried(Burial { successor: _, kept }) => match kept {
                Kept::Card(bytes) => Some(bytes),
                Kept::Nothing | Kept::Shelter(_) => None,
            },
        }
    }

    /// Whether the card is that of a buried identity.
    pub(crate) const fn is_buried(&self) -> bool {
        matches!(self.body, VersionBody::Buried(_))
    }

    /// Whether the card left publication and goes on sheltering.
    pub(crate) const fn is_sheltering(&self) -> bool {
        matches!(self.body, VersionBody::Sheltering(_))
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
        let (body, restored) = match kind {
            Self::CARD => (VersionBody::Card(card.to_vec()), Restored::No),
            Self::CARD_RESTORED => (VersionBody::Card(card.to_vec()), Restored::Yes),
            Self::REMOVED if card.is_empty() => (VersionBody::Removed, Restored::No),
            Self::REMOVED_RESTORED if card.is_empty() => (VersionBody::Removed, Restored::Yes),
            Self::SETTLED if card.is_empty() => (VersionBody::Settled, Restored::No),
            Self::BURIED => (VersionBody::Buried(Burial::decode(card)?), Restored::No),
            Self::SHELTERING => (VersionBody::Sheltering(card.to_vec()), Restored::No),
            _ => return Err(RowError::Malformed),
        };
        Ok(Self {
            sequence: CommitSequence(u64::from_be_bytes(*sequence)),
            recorded_ms: u64::from_be_bytes(*recorded),
            person: PersonId(Uuid::from_bytes(*person)),
            restored,
            body,
        })
    }
}

impl Burial {
    const SUCCEEDED: u8 = 1;
    const KEPT: u8 = 2;
    const SHELTER: u8 = 4;

    /// A byte that says what follows; the successor; the card, or what it shelters.
    fn encode(&self) -> Vec<u8> {
        let Self { successor, kept } = self;
        let mut bytes = vec![0];
        if let Some(successor) = successor {
            bytes[0] |= Self::SUCCEEDED;
            bytes.extend_from_slice(successor.0.as_bytes());
        }
        let (flag, content) = match kept {
            Kept::Nothing => (0, &[][..]),
            Kept::Card(card) => (Self::KEPT, card.as_slice()),
            Kept::Shelter(shelter) => (Self::SHELTER, shelter.as_slice()),
        };
        bytes[0] |= flag;
        bytes.extend_from_slice(content);
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let (&parts, mut rest) = bytes.split_first().ok_or(RowError::Malformed)?;
        let mut successor = None;
        if parts & Self::SUCCEEDED != 0 {
            let (id, behind) = rest.split_first_chunk::<16>().ok_or(RowError::Malformed)?;
            successor = Some(RecordId(Uuid::from_bytes(*id)));
            rest = behind;
        }
        let kept = match parts & !Self::SUCCEEDED {
            0 if rest.is_empty() => Kept::Nothing,
            Self::KEPT => Kept::Card(rest.to_vec()),
            Self::SHELTER => Kept::Shelter(rest.to_vec()),
            _ => return Err(RowError::Malformed),
        };
        Ok(Self { successor, kept })
    }
}

/// A stretch of changes during which a card answered to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// The change that began it.
    pub(crate) from: CommitSequence,
    /// The change that ended it; [`Span::OPEN`] while it lasts.
    pub(crate) until: CommitSequence,
}

impl Span {
    /// No change has ended it.
    pub(crate) const OPEN: CommitSequence = CommitSequence(u64::MAX);

    fn holds_at(&self, visible: CommitSequence) -> bool {
        self.from <= visible && visible < self.until
    }
}

/// The spans of one card, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spans(pub(crate) Vec<Span>);

impl Spans {
    /// Whether a reader at `visible` sees the card here.
    pub(crate) fn hold_at(&self, visible: CommitSequence) -> bool {
        self.0.iter().any(|span| span.holds_at(visible))
    }

    /// Begins a span at `sequence`, and says whether that was new: a replay finds what it did before.
    pub(crate) fn enter(&mut self, sequence: CommitSequence) -> bool {
        let known = self.hold_at(sequence);
        if !known {
            self.0.push(Span {
                from: sequence,
                until: Span::OPEN,
            });
            self.0.sort_by_key(|span| span.from);
        }
        !known
    }

    /// Ends the span that holds before `sequence`, and says whether that was new.
    pub(crate) fn leave(&mut self, sequence: CommitSequence) -> bool {
        let open = self
            .0
            .iter_mut()
            .find(|span| span.from < sequence && sequence < span.until);
        let Some(span) = open else { return false };
        span.until = sequence;
        true
    }

    /// The stretches during which something held, from what each version says of it, oldest first.
    pub(crate) fn of(versions: impl IntoIterator<Item = (CommitSequence, bool)>) -> Self {
        let mut spans = Self::default();
        for (sequence, holds) in versions {
            if holds {
                spans.enter(sequence);
            } else {
                spans.leave(sequence);
            }
        }
        spans
    }

    /// The stored bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + 16 * self.0.len());
        bytes.push(ROW_FORMAT);
        for Span { from, until } in &self.0 {
            bytes.extend_from_slice(&from.0.to_be_bytes());
            bytes.extend_from_slice(&until.0.to_be_bytes());
        }
        bytes
    }

    /// Reads what [`Spans::encode`] wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let (&format, rest) = bytes.split_first().ok_or(RowError::Malformed)?;
        if format != ROW_FORMAT {
            return Err(RowError::Format);
        }
        let (numbers, []) = rest.as_chunks::<8>() else {
            return Err(RowError::Malformed);
        };
        let (pairs, []) = numbers.as_chunks::<2>() else {
            return Err(RowError::Malformed);
        };
        let number = |bytes: &[u8; 8]| CommitSequence(u64::from_be_bytes(*bytes));
        Ok(Self(
            pairs
                .iter()
                .map(|[from, until]| Span {
                    from: number(from),
                    until: number(until),
                })
                .collect(),
        ))
    }
}

/// The value of the last synced sequence: the number behind the format version.
pub(crate) fn encode_number(number: u64) -> Vec<u8> {
    let mut value = vec![ROW_FORMAT];
    value.extend_from_slice(&number.to_be_bytes());
    value
}

/// Reads what [`encode_number`] wrote.
pub(crate) fn decode_number(value: &[u8]) -> Result<u64, RowError> {
    match value.split_first() {
        Some((&ROW_FORMAT, number)) => number
            .try_into()
            .map(u64::from_be_bytes)
            .map_err(|_| RowError::Malformed),
        Some(_) => Err(RowError::Format),
        None => Err(RowError::Malformed),
    }
}

#[cfg(test)]
mod tests;
