//! What a journal frame holds once its seal is open.
//!
//! Batch: format version 2; recorded instant (u64, Unix ms); the node's instant (i64, Unix ms); the municipality's
//! cadastral code (4 bytes); evidence of who published it: 0, or 1, publication key (32 bytes) and signature (64);
//! length (u32) and canonical bytes of the batch as received; then one decision a change: 1 and person id for a
//! confirmed link, 2 and person id for an unconfirmed one, 3 and a rule's code (length u8, text) for a quarantined
//! change, 9 and the number of a reason for a change that waits for a registrar, 10, the number and a record id for one
//! of a sealed card. A decision of a change that counts towards the limits of a day has 8 and the byte of its kinds
//! before it. Further kinds:
//!
//! - 4 for a link of which more came: 0 confirmed or 1 unconfirmed, person id, number (u8) of other cards that got
//!   another person, each record id and person id, number (u8) of contradictions, each the kind's number (u8),
//!   cadastral code and record id of the other card;
//! - 5 for a card with which a sealed identity begins: 0 shown or 1 awaited, record id, record id under which the
//!   municipality's number stood before, number (u8) of other cards that are buried, each record id;
//! - 6 and record id for a change of a buried card, which is kept and not shown;
//! - 7 for a later change of a card of a sealed identity: 0 shown or 1 awaited, record id.
//!
//! Version 1 has neither evidence nor kinds beyond 3.
//!
//! Release: a batch of changes that waited, numbered from 1, behind the registrar's statement: format version 2;
//! text and id of the registrar, each behind its length (u32); signature (64 bytes); then the batch as above.
//!
//! Restatement: see [`Restatement::encode`](super::ruling::Restatement::encode).
//!
//! Sync point: format version 1 or 2, which are alike; last applied commit sequence (u64); number of municipalities
//! (u32); for each its cadastral code, the node's watermark (u64) and the root of its set digest (32 bytes).

use registry::digest::DigestRoot;
use registry::identifier::{PersonId, RecordId};
use registry::linking::AnomalyKind;
use registry::municipality::MunicipalityId;
use registry::publication::{HoldReason, LimitedKinds, Watermark};
use registry::signing::{Signature, VerifyingKey};
use uuid::Uuid;

use crate::projection::contradictions::{Contradiction, Place};
use crate::rows::CommitSequence;

pub(super) use super::input::Input;

const FORMAT: u8 = 2;
const FIRST_FORMAT: u8 = 1;
const CONFIRMED: u8 = 1;
const UNCONFIRMED: u8 = 2;
const QUARANTINED: u8 = 3;
const RELATED: u8 = 4;
const SEALED: u8 = 5;
const BURIED: u8 = 6;
const RENEWED: u8 = 7;
const COUNTED: u8 = 8;
const HELD: u8 = 9;
const HELD_MOVED: u8 = 10;

/// Other cards that one change may give another person; nobody has as many.
pub(crate) const MOST_RELINKED: usize = 6;

/// Contradictions that are recorded of one change.
pub(crate) const MOST_CONTRADICTIONS: usize = 4;

/// Other cards that one change may bury.
pub(crate) const MOST_BURIED: usize = 16;

/// The kinds counted, and a link with everything that may come of it; all others are shorter.
const LONGEST_DECISION: usize = 2 + 1 + 1 + 16 + 1 + 32 * MOST_RELINKED + 1 + 21 * MOST_CONTRADICTIONS;

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
        /// Under which id the card stands, where its identity was sealed.
        moved: Option<RecordId>,
    },
    /// The card belongs to this person, and more came of it.
    Related {
        /// The person.
        person: PersonId,
        /// What the link rests on.
        standing: LinkStanding,
        /// Other cards, with the persons to whom they belong from now on; at most [`MOST_RELINKED`].
        relinked: Vec<(RecordId, PersonId)>,
        /// What the card contradicts from now on; at most [`MOST_CONTRADICTIONS`].
        contradictions: Vec<Contradiction>,
    },
    /// With the card a sealed identity begins, which is a person of its own.
    Sealed {
        /// Whether the card is shown.
        showing: Showing,
        /// Under which id it stands from now on; it is that of the person as well.
        record: RecordId,
        /// Under which the municipality's number stood before: buried, whether there was a card or not.
        before: RecordId,
        /// Other cards of the old identity, which are buried; at most [`MOST_BURIED`].
        buried: Vec<RecordId>,
    },
    /// The card is one of a buried identity: it is kept, and shown to nobody.
    Buried {
        /// Under which id it stands.
        record: RecordId,
    },
    /// A later change of the card of a sealed identity.
    Renewed {
        /// Whether the card is shown.
        showing: Showing,
        /// Under which id it stands.
        record: RecordId,
    },
}

/// Whether the card of a sealed identity is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Showing {
    /// It bears the new identity.
    Shown,
    /// It still bears the old one.
    Awaited,
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

impl Showing {
    fn byte(self) -> u8 {
        match self {
            Self::Shown => 0,
            Self::Awaited => 1,
        }
    }
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
                Decision::Held { reason, moved: None } => {
                    bytes.extend_from_slice(&[HELD, reason.number()]);
                }
                Decision::Held {
                    reason,
                    moved: Some(record),
                } => {
                    bytes.extend_from_slice(&[HELD_MOVED, reason.number()]);
                    bytes.extend_from_slice(record.0.as_bytes());
                }
                Decision::Related {
                    person,
                    standing,
                    relinked,
                    contradictions,
                } => {
                    bytes.push(RELATED);
                    bytes.push(match standing {
                        LinkStanding::Confirmed => 0,
                        LinkStanding::Unconfirmed => 1,
                    });
                    bytes.extend_from_slice(person.0.as_bytes());
                    bytes.push(relinked.len() as u8);
                    for (record, person) in relinked {
                        bytes.extend_from_slice(record.0.as_bytes());
                        bytes.extend_from_slice(person.0.as_bytes());
                    }
                    bytes.push(contradictions.len() as u8);
                    for Contradiction { kind, other } in contradictions {
                        bytes.push(kind.number());
                        bytes.extend_from_slice(other.municipality.as_str().as_bytes());
                        bytes.extend_from_slice(other.record.0.as_bytes());
                    }
                }
                Decision::Sealed {
                    showing,
                    record,
                    before,
                    buried,
                } => {
                    bytes.extend_from_slice(&[SEALED, showing.byte()]);
                    bytes.extend_from_slice(record.0.as_bytes());
                    bytes.extend_from_slice(before.0.as_bytes());
                    bytes.push(buried.len() as u8);
                    for record in buried {
                        bytes.extend_from_slice(record.0.as_bytes());
                    }
                }
                Decision::Buried { record } => {
                    bytes.push(BURIED);
                    bytes.extend_from_slice(record.0.as_bytes());
                }
                Decision::Renewed { showing, record } => {
                    bytes.extend_from_slice(&[RENEWED, showing.byte()]);
                    bytes.extend_from_slice(record.0.as_bytes());
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
        let evidence = match input.format() {
            FIRST_FORMAT => None,
            _ => input.evidence()?,
        };
        let length = u32::from_be_bytes(input.array()?) as usize;
        let content = input.take(length)?.to_vec();
        let mut decisions = Vec::new();
        let mut counts = Vec::new();
        while !input.rest().is_empty() {
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
                    Decision::Held { reason, moved: None }
                }
                HELD_MOVED => {
                    let [number] = input.array()?;
                    let reason = HoldReason::from_number(number).ok_or(EntryError::Malformed)?;
                    let moved = Some(input.record()?);
                    Decision::Held { reason, moved }
                }
                RELATED => input.related()?,
                SEALED => Decision::Sealed {
                    showing: input.showing()?,
                    record: input.record()?,
                    before: input.record()?,
                    buried: input.list(Input::record)?,
                },
                BURIED => Decision::Buried {
                    record: input.record()?,
                },
                RENEWED => Decision::Renewed {
                    showing: input.showing()?,
                    record: input.record()?,
                },
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

impl<'a> Input<'a> {
    /// Behind the byte of the format of batches, releases, restatements and sync points.
    pub(super) fn versioned(bytes: &'a [u8]) -> Result<Self, EntryError> {
        Self::of(bytes, FIRST_FORMAT..=FORMAT)
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

    fn record(&mut self) -> Result<RecordId, EntryError> {
        Ok(RecordId(Uuid::from_bytes(self.array()?)))
    }

    fn showing(&mut self) -> Result<Showing, EntryError> {
        match self.array()? {
            [0] => Ok(Showing::Shown),
            [1] => Ok(Showing::Awaited),
            [_] => Err(EntryError::Malformed),
        }
    }

    fn related(&mut self) -> Result<Decision, EntryError> {
        let standing = match self.array()? {
            [0] => LinkStanding::Confirmed,
            [1] => LinkStanding::Unconfirmed,
            [_] => return Err(EntryError::Malformed),
        };
        Ok(Decision::Related {
            person: PersonId(Uuid::from_bytes(self.array()?)),
            standing,
            relinked: self.list(|input| Ok((input.record()?, PersonId(Uuid::from_bytes(input.array()?)))))?,
            contradictions: self.list(|input| {
                let [kind] = input.array()?;
                Ok(Contradiction {
                    kind: AnomalyKind::from_number(kind).ok_or(EntryError::Malformed)?,
                    other: Place {
                        municipality: input.municipality()?,
                        record: input.record()?,
                    },
                })
            })?,
        })
    }

    fn link(&mut self, standing: LinkStanding) -> Result<Decision, EntryError> {
        Ok(Decision::Linked {
            person: PersonId(Uuid::from_bytes(self.array()?)),
            standing,
        })
    }
}
