//! Batches, and the bytes that identify their content.

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use crate::canonical;
use crate::canonical::bytes::{Cursor, Malformed, Writer};
use crate::change::{ActReference, ActText, Change, ChangeBody, EventKind, RegistryEvent};
use crate::identifier::{IstatCode, LocalId};
use crate::profile::GroupSet;

/// Most changes in one batch.
pub const MAX_CHANGES: usize = 2_000;

/// A line of history of the index: 16 random bytes chosen by it for each municipality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(pub [u8; 16]);

/// Highest change of a municipality that is held durably; 0 when there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Watermark(pub u64);

/// Consecutive changes of one municipality, under one epoch. What the constructor checks holds for every batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    municipality: IstatCode,
    epoch: Epoch,
    changes: Vec<Change>,
    first_sequence: u64,
    last_sequence: u64,
    sent_at_ms: i64,
}

/// Why changes are not a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// No change.
    #[error("a batch holds at least one change")]
    Empty,
    /// More than [`MAX_CHANGES`].
    #[error("a batch holds at most {MAX_CHANGES} changes")]
    TooLong,
    /// Numbers do not start at the first sequence, from 1, and go up by one.
    #[error("the changes of a batch are numbered one after the other from its first sequence, from 1 on")]
    Sequence,
    /// A card of another municipality.
    #[error("change {0} holds a card of another municipality")]
    ForeignRecord(u64),
    /// The change and its card disagree about the local id.
    #[error("change {0} holds a card with another local id")]
    LocalId(u64),
    /// The bytes are not those of a batch.
    #[error("the bytes are not a canonical batch")]
    Bytes,
}

/// SHA-256 of a batch's canonical bytes: what makes it the same batch when it comes again.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentId([u8; 32]);

/// Versions of the canonical bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    WithoutActs,
    WithActs,
}

impl Format {
    fn number(self) -> u8 {
        match self {
            Self::WithoutActs => 1,
            Self::WithActs => 2,
        }
    }

    fn of(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::WithoutActs),
            2 => Some(Self::WithActs),
            _ => None,
        }
    }
}

impl Batch {
    /// Checks the changes against each other and against the municipality. `sent_at_ms` is the sender's clock,
    /// milliseconds since 1970 UTC.
    pub fn new(
        municipality: IstatCode,
        epoch: Epoch,
        first_sequence: u64,
        changes: Vec<Change>,
        sent_at_ms: i64,
    ) -> Result<Self, BatchError> {
        if MAX_CHANGES < changes.len() {
            return Err(BatchError::TooLong);
        }
        let last_sequence = changes.last().ok_or(BatchError::Empty)?.sequence;
        if first_sequence == 0 {
            return Err(BatchError::Sequence);
        }
        let mut expected = Some(first_sequence);
        for change in &changes {
            if expected != Some(change.sequence) {
                return Err(BatchError::Sequence);
            }
            expected = change.sequence.checked_add(1);
            if let ChangeBody::Upsert(record) = &change.body {
                if record.municipality != municipality {
                    return Err(BatchError::ForeignRecord(change.sequence));
                }
                if record.local_id != change.local_id {
                    return Err(BatchError::LocalId(change.sequence));
                }
            }
        }
        Ok(Self {
            municipality,
            epoch,
            changes,
            first_sequence,
            last_sequence,
            sent_at_ms,
        })
    }

    /// Whose changes.
    pub fn municipality(&self) -> IstatCode {
        self.municipality
    }

    /// The index's line of history in which the node believes to be.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Number of the first change.
    pub fn first_sequence(&self) -> u64 {
        self.first_sequence
    }

    /// Number of the last change.
    pub fn last_sequence(&self) -> u64 {
        self.last_sequence
    }

    /// The changes, in order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The changes, in order, by value.
    pub fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    /// The sender's clock when it was sent, milliseconds since 1970 UTC.
    pub fn sent_at_ms(&self) -> i64 {
        self.sent_at_ms
    }

    /// The batch without what is outside a profile; its bounds stay.
    pub fn within(&self, profile: GroupSet) -> Cow<'_, Self> {
        if self.changes.iter().all(|change| profile.covers_change(change)) {
            return Cow::Borrowed(self);
        }
        let changes = self.changes.iter().cloned();
        Cow::Owned(Self {
            changes: changes.map(|change| profile.applied_to_change(change)).collect(),
            ..*self
        })
    }

    /// The same batch, sent at another time.
    #[must_use]
    pub fn sent_again(self, sent_at_ms: i64) -> Self {
        Self { sent_at_ms, ..self }
    }

    /// Canonical bytes of the content: all but the time of sending, which changes when a batch is sent again.
    ///
    /// ```text
    /// batch  := (%x01 | %x02) istat epoch varint(first sequence) varint(count) change*     epoch: 16 bytes
    /// change := text(local id) body varint(count) event*
    /// body   := %x00 | %x01 nested(record)                                        removed, or the record's bytes
    /// event  := kind date?(event) date?(effective) date(registration) act?        kind: 1 byte; act: version 2 alone
    /// act    := istat word?(office) year word?(part) word?(series) word(number)   year: 2 bytes, big endian; word: text
    /// ```
    ///
    /// A batch without references of acts is written in version 1, one with any in version 2: so the identity of the
    /// former is what it always was.
    ///
    /// The words are those of [`crate::canonical`]; `nested` is a varint length and as many bytes.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(64 + 512 * self.changes.len());
        let format = self.format();
        out.byte(format.number());
        out.raw(self.municipality.as_str().as_bytes());
        out.raw(&self.epoch.0);
        out.varint(self.first_sequence);
        out.varint(self.changes.len() as u64);
        for Change {
            sequence: _,
            local_id,
            body,
            events,
        } in &self.changes
        {
            out.text(local_id.as_str());
            match body {
                ChangeBody::Remove => out.byte(0),
                ChangeBody::Upsert(record) => {
                    out.byte(1);
                    let record = canonical::encode(record);
                    out.varint(record.len() as u64);
                    out.raw(&record);
                }
            }
            out.varint(events.len() as u64);
            for RegistryEvent {
                kind,
                event_date,
                effective_date,
                registration_date,
                act,
            } in events
            {
                out.byte(kind.number());
                out.optional(*event_date, Writer::date);
                out.optional(*effective_date, Writer::date);
                out.date(*registration_date);
                match format {
                    Format::WithoutActs => {}
                    Format::WithActs => out.optional(act.as_ref(), write_act),
                }
            }
        }
        out.into_bytes()
    }

    /// Reads what [`Batch::canonical_bytes`] wrote; the time of sending is not in it.
    pub fn from_canonical_bytes(bytes: &[u8], sent_at_ms: i64) -> Result<Self, BatchError> {
        let (municipality, epoch, first_sequence, changes) =
            read(&mut Cursor::new(bytes)).map_err(|Malformed| BatchError::Bytes)?;
        Self::new(municipality, epoch, first_sequence, changes, sent_at_ms)
    }

    fn format(&self) -> Format {
        let mut events = self.changes.iter().flat_map(|change| &change.events);
        if events.any(|event| event.act.is_some()) {
            Format::WithActs
        } else {
            Format::WithoutActs
        }
    }

    /// Identity of the content.
    pub fn content_id(&self) -> ContentId {
        ContentId::of(&self.canonical_bytes())
    }
}

impl ContentId {
    /// Identity of a batch of which the canonical bytes are at hand.
    pub fn of(canonical_bytes: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, canonical_bytes).as_ref());
        Self(hash)
    }

    /// As it was stored.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentId(..)")
    }
}

fn write_act(out: &mut Writer, act: &ActReference) {
    let ActReference {
        municipality,
        office,
        year,
        part,
        series,
        number,
    } = act;
    let word = |out: &mut Writer, word: &ActText| out.text(word.as_str());
    out.raw(municipality.as_str().as_bytes());
    out.optional(office.as_ref(), word);
    out.raw(&year.to_be_bytes());
    out.optional(part.as_ref(), word);
    out.optional(series.as_ref(), word);
    word(out, number);
}

fn read_act(input: &mut Cursor<'_>) -> Result<ActReference, Malformed> {
    let word = |input: &mut Cursor<'_>| ActText::parse(input.text()?).ok_or(Malformed);
    Ok(ActReference {
        municipality: IstatCode::parse(input.ascii::<6>()?).map_err(|_| Malformed)?,
        office: input.optional(word)?,
        year: Some(u16::from_be_bytes(*input.array::<2>()?))
            .filter(|year| ActReference::is_year(*year))
            .ok_or(Malformed)?,
        part: input.optional(word)?,
        series: input.optional(word)?,
        number: word(input)?,
    })
}

fn read(input: &mut Cursor<'_>) -> Result<(IstatCode, Epoch, u64, Vec<Change>), Malformed> {
    let format = Format::of(input.byte()?).ok_or(Malformed)?;
    let municipality = IstatCode::parse(input.ascii::<6>()?).map_err(|_| Malformed)?;
    let epoch = Epoch(*input.array::<16>()?);
    let first_sequence = input.varint()?;
    let count = input.varint()?;
    if (MAX_CHANGES as u64) < count {
        return Err(Malformed);
    }
    let mut changes = Vec::new();
    for offset in 0..count {
        let sequence = first_sequence.checked_add(offset).ok_or(Malformed)?;
        changes.push(read_change(input, sequence, format)?);
    }
    input.end()?;
    let mut events = changes.iter().flat_map(|change: &Change| &change.events);
    // One content, one encoding.
    if format == Format::WithActs && events.all(|event| event.act.is_none()) {
        return Err(Malformed);
    }
    Ok((municipality, epoch, first_sequence, changes))
}

fn read_change(input: &mut Cursor<'_>, sequence: u64, format: Format) -> Result<Change, Malformed> {
    let local_id = LocalId::parse(input.text()?).map_err(|_| Malformed)?;
    let body = match input.byte()? {
        0 => ChangeBody::Remove,
        1 => ChangeBody::Upsert(Box::new(
            canonical::decode(input.nested()?).map_err(|_| Malformed)?,
        )),
        _ => return Err(Malformed),
    };
    let mut events = Vec::new();
    for _ in 0..input.varint()? {
        events.push(RegistryEvent {
            kind: EventKind::from_number(input.byte()?).ok_or(Malformed)?,
            event_date: input.optional(Cursor::date)?,
            effective_date: input.optional(Cursor::date)?,
            registration_date: input.date()?,
            act: match format {
                Format::WithoutActs => None,
                Format::WithActs => input.optional(read_act)?,
            },
        });
    }
    Ok(Change {
        sequence,
        local_id,
        body,
        events,
    })
}
