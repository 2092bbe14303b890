//! What a journal frame holds once its seal is open.
//!
//! Batch: format version 1; recorded instant (u64, Unix ms); the node's instant (i64, Unix ms); the municipality's
//! cadastral code (4 bytes); length (u32) and canonical bytes of the batch as received; then one decision a change:
//! 1 and person id for a confirmed link, 2 and person id for an unconfirmed one, 3 and a rule's code (length u8,
//! text) for a quarantined change.
//!
//! Sync point: format version 1; last applied commit sequence (u64); number of municipalities (u32); for each its
//! cadastral code, the node's watermark (u64) and the root of its set digest (32 bytes).

use registry::digest::DigestRoot;
use registry::identifier::PersonId;
use registry::municipality::MunicipalityId;
use registry::publication::Watermark;
use uuid::Uuid;

use crate::rows::CommitSequence;

const FORMAT: u8 = 1;
const CONFIRMED: u8 = 1;
const UNCONFIRMED: u8 = 2;
const QUARANTINED: u8 = 3;

/// Kind and person; codes of rules are shorter.
const LONGEST_DECISION: usize = 17;

/// Why the content of a frame is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// A later program wrote it.
    #[error("the entry has a format version this program does not know")]
    Format,
    /// It does not have the shape of its kind.
    #[error("the entry is malformed")]
    Malformed,
}

/// What the index decided about one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The card belongs to this person.
    Linked {
        /// The person.
        person: PersonId,
        /// Whether the link rests on a national id or a validated code, or only on equal generalities.
        standing: LinkStanding,
    },
    /// The change is kept but not served: a rule of the registry refused it.
    Quarantined {
        /// Code of the rule.
        rule: String,
    },
}

/// What a link rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkStanding {
    /// National id, validated codice fiscale, or the card's own first appearance.
    Confirmed,
    /// Equal generalities alone.
    Unconfirmed,
}

/// A batch as received, with the index's decisions.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AcceptedBatch {
    /// Commit sequence of its first change; the others follow.
    pub(crate) first: CommitSequence,
    /// When the index recorded it, Unix milliseconds.
    pub(crate) recorded_ms: u64,
    /// When the node sent it, Unix milliseconds.
    pub(crate) sent_at_ms: i64,
    /// Whose it is.
    pub(crate) municipality: MunicipalityId,
    /// The canonical bytes.
    pub(crate) content: Vec<u8>,
    /// One decision for each change.
    pub(crate) decisions: Vec<Decision>,
}

/// Cards are personal: debugging output does not carry them.
impl std::fmt::Debug for AcceptedBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "AcceptedBatch({:?}, {} changes)",
            self.first,
            self.decisions.len()
        )
    }
}

/// What the store held when the engine was last synced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyncPoint {
    /// Everything up to here is in the engine.
    pub(crate) applied: CommitSequence,
    /// Each municipality's watermark and digest.
    pub(crate) municipalities: Vec<MunicipalityPoint>,
}

/// One municipality at a sync point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MunicipalityPoint {
    /// Which.
    pub(crate) municipality: MunicipalityId,
    /// The node's last change in the store.
    pub(crate) watermark: Watermark,
    /// Root of the digest of all served cards.
    pub(crate) root: DigestRoot,
}

impl AcceptedBatch {
    /// Commit sequence of its last change.
    pub(crate) fn last(&self) -> CommitSequence {
        CommitSequence(self.first.0 + (self.decisions.len() as u64).saturating_sub(1))
    }

    /// The most bytes that [`AcceptedBatch::encode`] makes of so many changes and bytes of content.
    pub(crate) fn longest(changes: usize, content: usize) -> usize {
        25 + content + LONGEST_DECISION * changes
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self {
            first: _,
            recorded_ms,
            sent_at_ms,
            municipality,
            content,
            decisions,
        } = self;
        let mut bytes = Vec::with_capacity(32 + content.len() + 17 * decisions.len());
        bytes.push(FORMAT);
        bytes.extend_from_slice(&recorded_ms.to_be_bytes());
        bytes.extend_from_slice(&sent_at_ms.to_be_bytes());
        bytes.extend_from_slice(municipality.as_str().as_bytes());
        bytes.extend_from_slice(&(content.len() as u32).to_be_bytes());
        bytes.extend_from_slice(content);
        for decision in decisions {
            match decision {
                Decision::Linked { person, standing } => {
                    bytes.push(match standing {
                        LinkStanding::Confirmed => CONFIRMED,
                        LinkStanding::Unconfirmed => UNCONFIRMED,
                    });
                    bytes.extend_from_slice(person.0.as_bytes());
                }
                Decision::Quarantined { rule } => {
                    bytes.push(QUARANTINED);
                    bytes.push(rule.len() as u8);
                    bytes.extend_from_slice(rule.as_bytes());
                }
            }
        }
        bytes
    }

    pub(crate) fn decode(first: CommitSequence, bytes: &[u8]) -> Result<Self, EntryError> {
        let mut input = Input::versioned(bytes)?;
        let recorded_ms = u64::from_be_bytes(input.array()?);
        let sent_at_ms = i64::from_be_bytes(input.array()?);
        let municipality = input.municipality()?;
        let length = u32::from_be_bytes(input.array()?) as usize;
        let content = input.take(length)?.to_vec();
        let mut decisions = Vec::new();
        while !input.0.is_empty() {
            let [kind] = input.array()?;
            decisions.push(match kind {
                CONFIRMED => input.link(LinkStanding::Confirmed)?,
                UNCONFIRMED => input.link(LinkStanding::Unconfirmed)?,
                QUARANTINED => {
                    let [length] = input.array()?;
                    let rule = std::str::from_utf8(input.take(length.into())?);
                    Decision::Quarantined {
                        rule: rule.map_err(|_| EntryError::Malformed)?.to_owned(),
                    }
                }
                _ => return Err(EntryError::Malformed),
            });
        }
        Ok(Self {
            first,
            recorded_ms,
            sent_at_ms,
            municipality,
            content,
            decisions,
        })
    }
}

impl SyncPoint {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self {
            applied,
            municipalities,
        } = self;
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&applied.0.to_be_bytes());
        bytes.extend_from_slice(&(municipalities.len() as u32).to_be_bytes());
        for MunicipalityPoint {
            municipality,
            watermark,
            root,
        } in municipalities
        {
            bytes.extend_from_slice(municipality.as_str().as_bytes());
            bytes.extend_from_slice(&watermark.0.to_be_bytes());
            bytes.extend_from_slice(root.as_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let mut input = Input::versioned(bytes)?;
        let applied = CommitSequence(u64::from_be_bytes(input.array()?));
        let count = u32::from_be_bytes(input.array()?);
        let mut municipalities = Vec::new();
        for _ in 0..count {
            municipalities.push(MunicipalityPoint {
                municipality: input.municipality()?,
                watermark: Watermark(u64::from_be_bytes(input.array()?)),
                root: DigestRoot::from_bytes(input.array()?),
            });
        }
        if !input.0.is_empty() {
            return Err(EntryError::Malformed);
        }
        Ok(Self {
            applied,
            municipalities,
        })
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn versioned(bytes: &'a [u8]) -> Result<Self, EntryError> {
        let mut input = Self(bytes);
        let [format] = input.array()?;
        if format == FORMAT {
            Ok(input)
        } else {
            Err(EntryError::Format)
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], EntryError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(EntryError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], EntryError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(EntryError::Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn municipality(&mut self) -> Result<MunicipalityId, EntryError> {
        let text = std::str::from_utf8(self.take(4)?).map_err(|_| EntryError::Malformed)?;
        MunicipalityId::parse(text).ok_or(EntryError::Malformed)
    }

    fn link(&mut self, standing: LinkStanding) -> Result<Decision, EntryError> {
        Ok(Decision::Linked {
            person: PersonId(Uuid::from_bytes(self.array()?)),
            standing,
        })
    }
}
