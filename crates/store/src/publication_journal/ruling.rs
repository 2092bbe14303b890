//! What the index decides about changes that it holds already: nothing new comes from a node.

use registry::identifier::{PersonId, RecordId};
use registry::municipality::MunicipalityId;
use registry::signing::Signature;
use registry::statement::{RegistrarId, SignedStatement};
use uuid::Uuid;

use crate::publication_journal::entry::{AcceptedBatch, EntryError, Input};
use crate::rows::CommitSequence;

const FORMAT: u8 = 2;

/// Changes that waited, and that a registrar has confirmed: they are served now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Release {
    /// The registrar's word.
    pub(crate) statement: SignedStatement,
    /// The changes, numbered from 1, with the decisions of now.
    pub(crate) batch: AcceptedBatch,
}

/// Cards of a municipality that are served otherwise from now on, although their node sent nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Restatement {
    /// Commit sequence of its first card; the others follow.
    pub(crate) first: CommitSequence,
    /// When the index recorded it, Unix milliseconds.
    pub(crate) recorded_ms: u64,
    /// Whose cards.
    pub(crate) municipality: MunicipalityId,
    /// Why.
    pub(crate) cause: Cause,
    /// The cards; at least one.
    pub(crate) cards: Vec<RestatedCard>,
}

/// Why cards are served otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A registrar has rejected what waited.
    Rejected(SignedStatement),
    /// Versions received in an interval are not trusted.
    Quarantined {
        /// First instant, Unix milliseconds.
        from_ms: u64,
        /// Last instant, Unix milliseconds.
        to_ms: u64,
        /// The administrator's act, such as a number of protocol.
        reference: String,
    },
    /// An earlier quarantine is over: what waited is served.
    Lifted {
        /// The first card of the quarantine.
        quarantine: CommitSequence,
        /// The administrator's act.
        reference: String,
    },
}

/// One card of a restatement.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RestatedCard {
    /// Which.
    pub(crate) record: RecordId,
    /// The person to whom it is linked.
    pub(crate) person: PersonId,
    /// What is served from now on.
    pub(crate) served: Served,
    /// What waits from now on.
    pub(crate) waiting: Waiting,
}

/// What is served of a card.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Served {
    /// As before.
    Unchanged,
    /// A version, in its canonical bytes.
    Card {
        /// The card.
        bytes: Vec<u8>,
        /// Whether it is an earlier one in the place of one that is not trusted.
        standing: Restored,
    },
    /// None.
    Removed {
        /// Whether it is so in the place of a version that is not trusted.
        standing: Restored,
    },
}

/// Whether a version stands in the place of one that is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Restored {
    /// It is the node's last word.
    No,
    /// It is what was served before the node's last word.
    Yes,
}

/// What was received of a card and is not served.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// Nothing: what is served is the last that was received.
    Nothing,
    /// A version, in its canonical bytes.
    Card(Vec<u8>),
    /// That the card was withdrawn.
    Removed,
}

/// Cards are personal: debugging output does not carry them.
impl std::fmt::Debug for RestatedCard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RestatedCard({:?})", self.record)
    }
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Card(_) => "Card(..)",
            Self::Removed => "Removed",
        })
    }
}

impl Release {
    /// The most bytes that [`Release::encode`] makes around a batch of so many bytes.
    pub(crate) fn longest(batch: usize) -> usize {
        1 + 4 + registry::statement::LONGEST_STATEMENT + 1 + 64 + 64 + batch
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self { statement, batch } = self;
        let mut bytes = vec![FORMAT];
        write_statement(&mut bytes, statement);
        bytes.extend_from_slice(&batch.encode());
        bytes
    }

    pub(crate) fn decode(first: CommitSequence, bytes: &[u8]) -> Result<Self, EntryError> {
        let mut input = Input::versioned(bytes)?;
        let statement = read_statement(&mut input)?;
        let batch = AcceptedBatch::decode(first, input.rest())?;
        Ok(Self { statement, batch })
    }
}

impl Restatement {
    const REJECTED: u8 = 1;
    const QUARANTINED: u8 = 2;
    const LIFTED: u8 = 3;

    /// Sequence of its last card.
    pub(crate) fn last(&self) -> CommitSequence {
        CommitSequence(self.first.0 + (self.cards.len() as u64).saturating_sub(1))
    }

    /// The cards that are served otherwise than before; of the others only what waits changes.
    pub(crate) fn served_otherwise(&self) -> impl Iterator<Item = &RestatedCard> {
        let unchanged = |card: &&RestatedCard| card.served == Served::Unchanged;
        self.cards.iter().filter(move |card| !unchanged(card))
    }

    /// Format version 2; recorded instant (u64, Unix ms); the municipality's cadastral code; cause: 1 and a
    /// statement as in a release; 2, from and to (u64, Unix ms) and a reference; 3, sequence of the quarantine (u64)
    /// and a reference; texts behind their length (u32). Then for each card record id, person id, what is served (0
    /// unchanged, 1 card, 2 card in the place of another, 3 none, 4 none in the place of a card) and what waits (0
    /// nothing, 1 card, 2 withdrawal); cards in canonical bytes behind their length (u32).
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self {
            first: _,
            recorded_ms,
            municipality,
            cause,
            cards,
        } = self;
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&recorded_ms.to_be_bytes());
        bytes.extend_from_slice(municipality.as_str().as_bytes());
        match cause {
            Cause::Rejected(statement) => {
                bytes.push(Self::REJECTED);
                write_statement(&mut bytes, statement);
            }
            Cause::Quarantined {
                from_ms,
                to_ms,
                reference,
            } => {
                bytes.push(Self::QUARANTINED);
                bytes.extend_from_slice(&from_ms.to_be_bytes());
                bytes.extend_from_slice(&to_ms.to_be_bytes());
                write_long(&mut bytes, reference.as_bytes());
            }
            Cause::Lifted {
                quarantine,
                reference,
            } => {
                bytes.push(Self::LIFTED);
                bytes.extend_from_slice(&quarantine.0.to_be_bytes());
                write_long(&mut bytes, reference.as_bytes());
            }
        }
        for RestatedCard {
            record,
            person,
            served,
            waiting,
        } in cards
        {
            bytes.extend_from_slice(record.0.as_bytes());
            bytes.extend_from_slice(person.0.as_bytes());
            match served {
                Served::Unchanged => bytes.push(0),
                Served::Card {
                    bytes: card,
                    standing,
                } => {
                    bytes.push(1 + u8::from(*standing == Restored::Yes));
                    write_long(&mut bytes, card);
                }
                Served::Removed { standing } => bytes.push(3 + u8::from(*standing == Restored::Yes)),
            }
            match waiting {
                Waiting::Nothing => bytes.push(0),
                Waiting::Card(card) => {
                    bytes.push(1);
                    write_long(&mut bytes, card);
                }
                Waiting::Removed => bytes.push(2),
            }
        }
        bytes
    }

    pub(crate) fn decode(first: CommitSequence, bytes: &[u8]) -> Result<Self, EntryError> {
        let mut input = Input::versioned(bytes)?;
        let recorded_ms = u64::from_be_bytes(input.array()?);
        let municipality = input.municipality()?;
        let cause = match input.array()? {
            [Self::REJECTED] => Cause::Rejected(read_statement(&mut input)?),
            [Self::QUARANTINED] => Cause::Quarantined {
                from_ms: u64::from_be_bytes(input.array()?),
                to_ms: u64::from_be_bytes(input.array()?),
                reference: input.text()?,
            },
            [Self::LIFTED] => Cause::Lifted {
                quarantine: CommitSequence(u64::from_be_bytes(input.array()?)),
                reference: input.text()?,
            },
            _ => return Err(EntryError::Malformed),
        };
        let mut cards = Vec::new();
        while !input.rest().is_empty() {
            cards.push(read_card(&mut input)?);
        }
        if cards.is_empty() {
            return Err(EntryError::Malformed);
        }
        Ok(Self {
            first,
            recorded_ms,
            municipality,
            cause,
            cards,
        })
    }
}

fn read_card(input: &mut Input<'_>) -> Result<RestatedCard, EntryError> {
    let record = RecordId(Uuid::from_bytes(input.array()?));
    let person = PersonId(Uuid::from_bytes(input.array()?));
    let standing = |number: u8| {
        if number.is_multiple_of(2) {
            Restored::Yes
        } else {
            Restored::No
        }
    };
    let served = match input.array()? {
        [0] => Served::Unchanged,
        [number @ (1 | 2)] => Served::Card {
            bytes: read_long(input)?.to_vec(),
            standing: standing(number),
        },
        [number @ (3 | 4)] => Served::Removed {
            standing: standing(number),
        },
        _ => return Err(EntryError::Malformed),
    };
    let waiting = match input.array()? {
        [0] => Waiting::Nothing,
        [1] => Waiting::Card(read_long(input)?.to_vec()),
        [2] => Waiting::Removed,
        _ => return Err(EntryError::Malformed),
    };
    Ok(RestatedCard {
        record,
        person,
        served,
        waiting,
    })
}

pub(super) fn write_statement(bytes: &mut Vec<u8>, statement: &SignedStatement) {
    let SignedStatement {
        text,
        registrar,
        signature,
    } = statement;
    write_long(bytes, text.as_bytes());
    write_long(bytes, registrar.as_str().as_bytes());
    bytes.extend_from_slice(&signature.0);
}

pub(super) fn read_statement(input: &mut Input<'_>) -> Result<SignedStatement, EntryError> {
    Ok(SignedStatement {
        text: input.text()?,
        registrar: RegistrarId::parse(&input.text()?).ok_or(EntryError::Malformed)?,
        signature: Signature(input.array()?),
    })
}

/// Bytes behind their length. What is written here fits into a frame, whose length is a u32 too.
pub(crate) fn write_long(bytes: &mut Vec<u8>, long: &[u8]) {
    bytes.extend_from_slice(&(long.len() as u32).to_be_bytes());
    bytes.extend_from_slice(long);
}

pub(crate) fn read_long<'a>(input: &mut Input<'a>) -> Result<&'a [u8], EntryError> {
    let length = u32::from_be_bytes(input.array()?) as usize;
    input.take(length)
}
