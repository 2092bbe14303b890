//! What a journal frame holds once its seal is open.
//!
//! Batch: format version 2; recorded instant (u64, Unix ms); the node's instant (i64, Unix ms); the municipality's
//! cadastral code (4 bytes); evidence of who published it: 0, or 1, publication key (32 bytes) and signature (64);
//! length (u32) and canonical bytes of the batch as received; then one decision a change: 1 and person id for a
//! confirmed link, 2 and person id for an unconfirmed one, 3 and a rule's code (length u8, text) for a quarantined
//! change, 9 and the number of a reason for a change that waits for a registrar. A decision of a change that counts
//! towards the limits of a day has 8 and the byte of its kinds before it. Version 1 has neither evidence nor 8 and 9.
//!
//! Release: a batch of changes that waited, numbered from 1, behind the registrar's statement: format version 2;
//! text and id of the registrar, each behind its length (u32); signature (64 bytes); then the batch as above.
//!
//! Restatement: see [`Restatement::encode`](super::ruling::Restatement::encode).
//!
//! Sync point: format version 1 or 2, which are alike; last applied commit sequence (u64); number of municipalities (u32); for each its
//! cadastral code, the node's watermark (u64) and the root of its set digest (32 bytes).

use registry::digest::DigestRoot;
use registry::identifier::PersonId;
use registry::municipality::MunicipalityId;
use registry::publication::{HoldReason, LimitedKinds, Watermark};
use registry::signing::{Signature, VerifyingKey};
use uuid::Uuid;

use crate::rows::CommitSequence;

const FORMAT: u8 = 2;
const FIRST_FORMAT: u8 = 1;
const CONFIRMED: u8 = 1;
const UNCONFIRMED: u8 = 2;
const QUARANTINED: u8 = 3;
const COUNTED: u8 = 8;
const HELD: u8 = 9;

/// Kinds, decision and person; codes of rules are shorter.
const LONGEST_DECISION: usize = 19;

/// What stands before the content.
const LONGEST_HEAD: usize = 25 + 97;

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
    /// The change is kept but not served before a registrar has confirmed it.
    Held {
        /// Why.
        reason: HoldReason,
    },
}

/// Who published a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// The municipality's publication key.
    pub(crate) key: VerifyingKey,
    /// Its signature over content and time of sending.
    pub(crate) signature: Signature,
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
    /// Who signed it; `None` for batches of the first format, which were not signed.
    pub(crate) evidence: Option<Evidence>,
    /// The canonical bytes.
    pub(crate) content: Vec<u8>,
    /// One decision for each change.
    pub(crate) decisions: Vec<Decision>,
    /// For each change that is served, towards which limits of a day it counts.
    pub(crate) counts: Vec<LimitedKinds>,
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
        LONGEST_HEAD + content + LONGEST_DECISION * changes
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self {
            first: _,
            recorded_ms,
            sent_at_ms,
            municipality,
            evidence,
            content,
            decisions,
            counts,
        } = self;
        let mut bytes = Vec::with_capacity(Self::longest(decisions.len(), content.len()));
        bytes.push(FORMAT);
        bytes.extend_from_slice(&recorded_ms.to_be_bytes());
        bytes.extend_from_slice(&sent_at_ms.to_be_bytes());
        bytes.extend_from_slice(municipality.as_str().as_bytes());
        match evidence {
            None => bytes.push(0),
            Some(Evidence { key, signature }) => {
                bytes.push(1);
                bytes.extend_from_slice(key.as_bytes());
                bytes.extend_from_slice(&signature.0);
            }
        }
        bytes.extend_from_slice(&(content.len() as u32).to_be_bytes());
        bytes.extend_from_slice(content);
        let counts = counts
            .iter()
            .copied()
            .chain(std::iter::repeat(LimitedKinds::NONE));
        for (decision, counts) in decisions.iter().zip(counts) {
            if !counts.is_none() {
                bytes.extend_from_slice(&[COUNTED, counts.byte()]);
            }
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
                Decision::Held { reason } => bytes.extend_from_slice(&[HELD, reason.number()]),
            }
        }
        bytes
    }

    pub(crate) fn decode(first: CommitSequence, bytes: &[u8]) -> Result<Self, EntryError> {
        let mut input = Input::versioned(bytes)?;
        let recorded_ms = u64::from_be_bytes(input.array()?);
        let sent_at_ms = i64::from_be_bytes(input.array()?);
        let municipality = input.municipality()?;
        let evidence = match input.format {
            FIRST_FORMAT => None,
            _ => input.evidence()?,
        };
        let length = u32::from_be_bytes(input.array()?) as usize;
        let content = input.take(length)?.to_vec();
        let mut decisions = Vec::new();
        let mut counts = Vec::new();
        while !input.rest.is_empty() {
            let [mut kind] = input.array()?;
            let mut counted = LimitedKinds::NONE;
            if kind == COUNTED {
                let [kinds, next] = input.array()?;
                counted = LimitedKinds::from_byte(kinds).ok_or(EntryError::Malformed)?;
                kind = next;
            }
            counts.push(counted);
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
                HELD => {
                    let [number] = input.array()?;
                    let reason = HoldReason::from_number(number).ok_or(EntryError::Malformed)?;
                    Decision::Held { reason }
                }
                _ => return Err(EntryError::Malformed),
            });
        }
        Ok(Self {
            first,
            recorded_ms,
            sent_at_ms,
            municipality,
            evidence,
            content,
            decisions,
            counts,
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
        input.end()?;
        Ok(Self {
            applied,
            municipalities,
        })
    }
}

/// Bytes that are read from the front, under the format that they state.
pub(super) struct Input<'a> {
    format: u8,
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(super) fn versioned(bytes: &'a [u8]) -> Result<Self, EntryError> {
        match bytes.split_first() {
            Some((&format @ (FIRST_FORMAT | FORMAT), rest)) => Ok(Self { format, rest }),
            Some(_) => Err(EntryError::Format),
            None => Err(EntryError::Malformed),
        }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn end(&self) -> Result<(), EntryError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(EntryError::Malformed)
        }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], EntryError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(EntryError::Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], EntryError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(EntryError::Malformed)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn municipality(&mut self) -> Result<MunicipalityId, EntryError> {
        let text = std::str::from_utf8(self.take(4)?).map_err(|_| EntryError::Malformed)?;
        MunicipalityId::parse(text).ok_or(EntryError::Malformed)
    }

    /// A text behind its length (u32).
    pub(super) fn text(&mut self) -> Result<String, EntryError> {
        let length = u32::from_be_bytes(self.array()?) as usize;
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| EntryError::Malformed)?;
        Ok(text.to_owned())
    }

    fn evidence(&mut self) -> Result<Option<Evidence>, EntryError> {
        match self.array()? {
            [0] => Ok(None),
            [1] => Ok(Some(Evidence {
                key: VerifyingKey::from_bytes(self.array()?),
                signature: Signature(self.array()?),
            })),
            _ => Err(EntryError::Malformed),
        }
    }

    fn link(&mut self, standing: LinkStanding) -> Result<Decision, EntryError> {
        Ok(Decision::Linked {
            person: PersonId(Uuid::from_bytes(self.array()?)),
            standing,
        })
    }
}
