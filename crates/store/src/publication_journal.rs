//! The publication journal: what nodes published and the index accepted, with its decisions.
//!
//! It is the truth of the record store; everything in the engine can be made again from it. An append is one write
//! and one sync. A frame's payload is, integers big-endian:
//!
//! | Bytes | Meaning |
//! |---|---|
//! | 1 | kind: 1 batch, 2 sync point, 3 release, 4 restatement, 32 line of history, 33 backup, 34 publication profile, 35 withdrawal, 36 reopening, 37 remains |
//! | 4 | changes in it (0 for a sync point, a line of history, a backup or a reopening, 1 for a profile or a withdrawal, for remains the number of the part) |
//! | 16 | id of the data key |
//! | rest | sealed content, see [`entry`], [`ruling`], [`line_entry`], [`profile_entry`] and [`withdrawal_entry`]; associated data: `publication-journal/1`, the frame's number, kind, changes |
//!
//! The frame's number is the commit sequence of its first change; all others have that of the last change before them.
//! Number of changes and order are in the open so that a batch whose key was destroyed can be stepped over; a later
//! withdrawal must then name its municipality. It is sealed under a key that stays: who could write one without that
//! key could have the keys of a municipality destroyed.
//! A batch whose key is missing without having been destroyed is refused: the key ring is older than the journal.

pub mod entry;
pub(crate) mod input;
pub(crate) mod ruling;
pub(crate) mod line_entry;
pub(crate) mod profile_entry;
pub(crate) mod withdrawal_entry;

use std::collections::BTreeSet;
use std::sync::Arc;

use registry::identifier::{LocalId, RecordId};
use registry::municipality::MunicipalityId;
use registry::publication::{Batch, MAX_CHANGES};

use crate::files::Files;
use crate::keys::data_key::DataKey;
use crate::keys::ring::{KeyRing, RingError};
use crate::keys::{KeyId, KeyName};
use crate::publication_journal::entry::{AcceptedBatch, Decision, EntryError, SyncPoint};
use crate::publication_journal::line_entry::{BackupEntry, LineEntry, ReopeningEntry};
use crate::publication_journal::profile_entry::ProfileEntry;
use crate::publication_journal::ruling::{Release, Restatement};
use crate::publication_journal::withdrawal_entry::{RemainsEntry, WithdrawalEntry};
use crate::rows::CommitSequence;
use crate::segment::envelope::Envelope;
use crate::segment::scan::{ScanError, scan};
use crate::segment::{AppendError, Recovery, SegmentSet, Settings};

/// Name prefix of the journal's segment files.
pub const SEGMENT_PREFIX: &str = "journal";

const MAGIC: [u8; 4] = *b"PNTJ";
const VERSION: u8 = 1;
const LABEL: &[u8] = b"publication-journal/1";
const HEAD: usize = 21;
const BATCH: u8 = 1;
const SYNC_POINT: u8 = 2;
const RELEASE: u8 = 3;
const RESTATEMENT: u8 = 4;
const LINE: u8 = 32;
const BACKUP: u8 = 33;
/// After a loss the index answers again.
const REOPENING: u8 = 36;
const PROFILE: u8 = 34;
const WITHDRAWAL: u8 = 35;
const REMAINS: u8 = 37;

/// Why the journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The files do not hold a whole journal.
    #[error("the publication journal cannot be read")]
    Scan(#[source] Box<ScanError<ReadError>>),
    /// The key of a municipality cannot be had.
    #[error("the key ring refused")]
    Keys(#[from] RingError),
    /// Writing failed.
    #[error("the publication journal cannot be written")]
    Append(#[from] AppendError),
    /// An entry is longer than a frame can be.
    #[error("the entry is too long for a frame")]
    TooLong,
}

/// Why one frame is refused.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not an envelope of this journal.
    #[error("the frame is not of a publication journal")]
    Envelope,
    /// Numbers do not follow each other.
    #[error("the numbers of the frames do not follow each other")]
    Order,
    /// The seal does not open although its key is there.
    #[error("the seal of the frame does not open")]
    Seal,
    /// The content is malformed.
    #[error("the content of the frame is malformed")]
    Content(#[from] EntryError),
    /// A data key that neither exists nor was destroyed.
    #[error("the key of the frame is unknown")]
    UnknownKey,
    /// Something of a municipality behind its withdrawal.
    #[error("the municipality of the frame was withdrawn before it")]
    Withdrawn,
    /// A withdrawal without all that remains.
    #[error("parts are missing of what remains after a withdrawal")]
    Remains,
    /// Whoever reads refused an entry.
    #[error("replay refused an entry")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A card of which something was received and served.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Received {
    /// Under the municipality's number.
    Numbered(LocalId),
    /// Under the id of a sealed identity.
    Renewed(RecordId),
}

/// One frame, as replay sees it.
#[derive(Debug)]
pub(crate) enum Replayed {
    /// An accepted batch.
    Batch(AcceptedBatch),
    /// Changes that waited and are served now.
    Release(Release),
    /// Cards that are served otherwise.
    Restatement(Restatement),
    /// Any of these, of a municipality that was withdrawn: its key is gone.
    Erased {
        /// Whose.
        municipality: MunicipalityId,
        /// Its last change.
        last: CommitSequence,
    },
    /// A part of what remains after a withdrawal: the rows of one that was withdrawn itself since.
    ErasedRemains {
        /// Whose rows.
        municipality: MunicipalityId,
        /// Which part.
        part: u32,
    },
    /// A part of what remains after a withdrawal.
    Remains(RemainsEntry),
    /// A municipality left.
    Withdrawal(WithdrawalEntry),
    /// What the store was at some point.
    SyncPoint(SyncPoint),
    /// A municipality's line of history began anew.
    Line(LineEntry),
    /// A backup is known to hold everything up to some point.
    Backup(BackupEntry),
    /// After a loss the index answers again.
    Reopening,
    /// A municipality publishes other groups of fields from then on.
    Profile(ProfileEntry),
}

/// The open journal.
#[derive(Debug)]
pub struct PublicationJournal {
    files: Arc<dyn Files>,
    segments: SegmentSet,
    keys: Arc<KeyRing>,
    envelope: Envelope,
    last: CommitSequence,
    buffer: Vec<u8>,
}

impl PublicationJournal {
    /// Opens the journal, handing every frame to `visit` in order; makes it when there is none.
    pub(crate) fn open(
        files: Arc<dyn Files>,
        keys: Arc<KeyRing>,
        settings: Settings,
        visit: &mut dyn FnMut(Replayed) -> Result<(), ReadError>,
    ) -> Result<(Self, Recovery), JournalError> {
        let envelope = Envelope::new(MAGIC, VERSION).ok_or(JournalError::TooLong)?;
        let mut last = CommitSequence(0);
        let mut read = |_position, frame: &[u8]| {
            let replayed = read_frame(&envelope, &keys, last, frame)?;
            last = match &replayed {
                Replayed::Batch(batch) => batch.last(),
                Replayed::Release(release) => release.batch.last(),
                Replayed::Restatement(restatement) => restatement.last(),
                Replayed::Erased {
                    municipality: _,
                    last,
                } => *last,
                Replayed::Profile(profile) => profile.sequence,
                Replayed::Withdrawal(withdrawal) => withdrawal.sequence,
                Replayed::SyncPoint(_)
                | Replayed::Line(_)
                | Replayed::Backup(_)
                | Replayed::Reopening
                | Replayed::Remains(_)
                | Replayed::ErasedRemains { .. } => last,
            };
            visit(replayed)
        };
        let opened = SegmentSet::open(Arc::clone(&files), SEGMENT_PREFIX, settings, &envelope, &mut read);
        let (segments, recovery) = opened.map_err(|error| JournalError::Scan(Box::new(error)))?;
        Ok((
            Self {
                files,
                segments,
                keys,
                envelope,
                last,
                buffer: Vec::new(),
            },
            recovery,
        ))
    }

    /// The last change in the journal.
    pub(crate) fn last(&self) -> CommitSequence {
        self.last
    }

    /// The cards of a municipality of which something was received and served in a stretch of changes, those of a
    /// sealed identity included. Reads the
    /// whole journal; only the frames of the stretch are opened.
    pub(crate) fn received_between(
        &self,
        municipality: MunicipalityId,
        first: CommitSequence,
        last: CommitSequence,
    ) -> Result<BTreeSet<Received>, JournalError> {
        let mut received = BTreeSet::new();
        let mut visit = |_position, frame: &[u8]| {
            let framed = self.envelope.decode(frame).ok_or(ReadError::Envelope)?;
            let number = CommitSequence(framed.sequence);
            // A frame that begins before the stretch may reach into it.
            if last < number || number.0.saturating_add(MAX_CHANGES as u64) < first.0 {
                return Ok(());
            }
            let before = match framed.payload.first() {
                Some(&(SYNC_POINT | LINE | BACKUP | REOPENING | REMAINS)) => number,
                _ => CommitSequence(number.0.saturating_sub(1)),
            };
            let batch = match read_frame(&self.envelope, &self.keys, before, frame)? {
                Replayed::Batch(batch) => batch,
                Replayed::Release(release) => release.batch,
                Replayed::Restatement(_)
                | Replayed::Erased { .. }
                | Replayed::ErasedRemains { .. }
                | Replayed::Remains(_)
                | Replayed::Withdrawal(_)
                | Replayed::SyncPoint(_)
                | Replayed::Line(_)
                | Replayed::Backup(_)
                | Replayed::Reopening
                | Replayed::Profile(_) => return Ok(()),
            };
            if batch.municipality != municipality {
                return Ok(());
            }
            let changes = Batch::from_canonical_bytes(&batch.content, batch.sent_at_ms)
                .map_err(|error| ReadError::Refused(Box::new(error)))?
                .into_changes();
            let decided = changes.into_iter().zip(&batch.decisions).zip(batch.first.0..);
            for ((change, decision), sequence) in decided {
                let within = first.0 <= sequence && sequence <= last.0;
                if !within {
                    continue;
                }
                match decision {
                    Decision::Linked { .. } | Decision::Related { .. } => {
                        received.insert(Received::Numbered(change.local_id));
                    }
                    Decision::Renewed { record, .. } => {
                        received.insert(Received::Renewed(*record));
                    }
                    // Nothing that is shown came with these.
                    Decision::Held { .. }
                    | Decision::Quarantined { .. }
                    | Decision::Sealed { .. }
                    | Decision::Buried { .. } => {}
                }
            }
            Ok(())
        };
        scan(self.files.as_ref(), SEGMENT_PREFIX, &self.envelope, &mut visit)
            .map_err(|error| JournalError::Scan(Box::new(error)))?;
        Ok(received)
    }

    /// Makes sure that a batch of so many changes and bytes of content can be appended: its key is there, and a place
    /// for it in the segments. Refusing here leaves the journal as it was.
    pub(crate) fn prepare(
        &mut self,
        municipality: MunicipalityId,
        changes: usize,
        content: usize,
    ) -> Result<(), JournalError> {
        self.prepare_entry(municipality, AcceptedBatch::longest(changes, content))
    }

    /// The same for an entry of at most so many bytes.
    pub(crate) fn prepare_entry(
        &mut self,
        municipality: MunicipalityId,
        longest: usize,
    ) -> Result<(), JournalError> {
        self.keys.get_or_create(&municipality_key(municipality))?;
        self.make_room(longest)
    }

    fn make_room(&mut self, longest: usize) -> Result<(), JournalError> {
        let longest = Envelope::OVERHEAD + HEAD + DataKey::OVERHEAD + longest;
        Ok(self.segments.make_room(longest)?)
    }

    /// Appends an accepted batch; when this returns it is on the device.
    pub(crate) fn append_batch(&mut self, batch: &AcceptedBatch) -> Result<(), JournalError> {
        let count = u32::try_from(batch.decisions.len()).map_err(|_| JournalError::TooLong)?;
        let name = municipality_key(batch.municipality);
        self.append(BATCH, batch.first, count, &name, &batch.encode())?;
        self.last = batch.last();
        Ok(())
    }

    /// Appends changes that a registrar has released; when this returns they are on the device.
    pub(crate) fn append_release(&mut self, release: &Release) -> Result<(), JournalError> {
        let Release { statement: _, batch } = release;
        let count = u32::try_from(batch.decisions.len()).map_err(|_| JournalError::TooLong)?;
        let name = municipality_key(batch.municipality);
        self.append(RELEASE, batch.first, count, &name, &release.encode())?;
        self.last = batch.last();
        Ok(())
    }

    /// Appends what is served otherwise; when this returns it is on the device.
    pub(crate) fn append_restatement(&mut self, restatement: &Restatement) -> Result<(), JournalError> {
        let count = u32::try_from(restatement.cards.len()).map_err(|_| JournalError::TooLong)?;
        let name = municipality_key(restatement.municipality);
        self.append(
            RESTATEMENT,
            restatement.first,
            count,
            &name,
            &restatement.encode(),
        )?;
        self.last = restatement.last();
        Ok(())
    }

    /// Appends what the store holds now.
    pub(crate) fn append_sync_point(&mut self, point: &SyncPoint) -> Result<(), JournalError> {
        self.append(SYNC_POINT, self.last, 0, &state_key(), &point.encode())
    }

    /// Appends a new line of history; when this returns it is on the device.
    pub(crate) fn append_line(&mut self, line: &LineEntry) -> Result<(), JournalError> {
        self.append(LINE, self.last, 0, &state_key(), &line.encode())
    }

    /// Appends how far a backup holds; when this returns it is on the device.
    pub(crate) fn append_backup(&mut self, backup: &BackupEntry) -> Result<(), JournalError> {
        self.append(BACKUP, self.last, 0, &state_key(), &backup.encode())
    }

    /// Appends that the index answers again; when this returns it is on the device.
    pub(crate) fn append_reopening(&mut self, reopening: ReopeningEntry) -> Result<(), JournalError> {
        self.append(REOPENING, self.last, 0, &state_key(), &reopening.encode())
    }

    /// Appends a profile; when this returns it is on the device.
    pub(crate) fn append_profile(&mut self, profile: &ProfileEntry) -> Result<(), JournalError> {
        self.append(PROFILE, profile.sequence, 1, &state_key(), &profile.encode())?;
        self.last = profile.sequence;
        Ok(())
    }

    /// Appends a part of what remains, under the key of `owner`. Refused for want of room, it leaves the journal as it
    /// was.
    pub(crate) fn append_remains(
        &mut self,
        owner: Option<MunicipalityId>,
        remains: &RemainsEntry,
    ) -> Result<(), JournalError> {
        let key = owner.map_or_else(state_key, municipality_key);
        let content = remains.encode();
        self.make_room(content.len())?;
        self.append(REMAINS, self.last, remains.part, &key, &content)
    }

    /// Appends that a municipality leaves; when this returns it is on the device, and what it published is to be
    /// destroyed. Refused for want of room, it leaves the journal as it was.
    pub(crate) fn append_withdrawal(&mut self, withdrawal: &WithdrawalEntry) -> Result<(), JournalError> {
        let content = withdrawal.encode();
        self.make_room(content.len())?;
        self.append(WITHDRAWAL, withdrawal.sequence, 1, &state_key(), &content)?;
        self.last = withdrawal.sequence;
        Ok(())
    }

    fn append(
        &mut self,
        kind: u8,
        number: CommitSequence,
        count: u32,
        key: &KeyName,
        content: &[u8],
    ) -> Result<(), JournalError> {
        let key = self.keys.get_or_create(key)?;
        let sealed = key.key.seal_derived(&associated(number, kind, count), content);
        let mut payload = Vec::with_capacity(HEAD + sealed.len());
        payload.push(kind);
        payload.extend_from_slice(&count.to_be_bytes());
        payload.extend_from_slice(key.id.as_bytes());
        payload.extend_from_slice(&sealed);
        self.buffer.clear();
        self.envelope
            .encode(number.0, &payload, &mut self.buffer)
            .ok_or(JournalError::TooLong)?;
        self.segments.append(&self.buffer)?;
        Ok(())
    }
}

const MUNICIPALITY_KEYS: &str = "municipality/";

/// Name of the data key of a municipality's cards.
pub(crate) fn municipality_key(municipality: MunicipalityId) -> KeyName {
    KeyName::new(format!("{MUNICIPALITY_KEYS}{}", municipality.as_str()))
        .expect("a cadastral code lies within the alphabet of key names")
}

/// The municipality of whose cards a key is.
pub(crate) fn municipality_of(key: &KeyName) -> Option<MunicipalityId> {
    key.as_str()
        .strip_prefix(MUNICIPALITY_KEYS)
        .and_then(MunicipalityId::parse)
}

fn state_key() -> KeyName {
    KeyName::new("publication/state").expect("the name lies within the alphabet of key names")
}

fn associated(number: CommitSequence, kind: u8, count: u32) -> Vec<u8> {
    let mut bytes = LABEL.to_vec();
    bytes.extend_from_slice(&number.0.to_be_bytes());
    bytes.push(kind);
    bytes.extend_from_slice(&count.to_be_bytes());
    bytes
}

fn read_frame(
    envelope: &Envelope,
    keys: &KeyRing,
    last: CommitSequence,
    frame: &[u8],
) -> Result<Replayed, ReadError> {
    let framed = envelope.decode(frame).ok_or(ReadError::Envelope)?;
    let (head, sealed) = framed.payload.split_at_checked(HEAD).ok_or(ReadError::Envelope)?;
    let (&kind, head) = head.split_first().ok_or(ReadError::Envelope)?;
    let (count, id) = head.split_first_chunk::<4>().ok_or(ReadError::Envelope)?;
    let id: [u8; 16] = id.try_into().map_err(|_| ReadError::Envelope)?;
    let count = u32::from_be_bytes(*count);
    let number = CommitSequence(framed.sequence);
    let expected = match kind {
        BATCH | RELEASE | RESTATEMENT | PROFILE | WITHDRAWAL => CommitSequence(last.0 + 1),
        SYNC_POINT | LINE | BACKUP | REOPENING | REMAINS => last,
        _ => return Err(ReadError::Envelope),
    };
    if number != expected {
        return Err(ReadError::Order);
    }
    let id = KeyId::from_bytes(id);
    let Some(key) = keys.by_id(id) else {
        let last = number
            .0
            .checked_add(u64::from(count).saturating_sub(1))
            .ok_or(ReadError::Order)?;
        let municipality = keys.name_of(id).as_ref().and_then(municipality_of);
        return match (kind, municipality) {
            (BATCH | RELEASE | RESTATEMENT, Some(municipality)) if 0 < count => Ok(Replayed::Erased {
                municipality,
                last: CommitSequence(last),
            }),
            (REMAINS, Some(municipality)) => Ok(Replayed::ErasedRemains {
                municipality,
                part: count,
            }),
            _ => Err(ReadError::UnknownKey),
        };
    };
    let content = key
        .key
        .open(&associated(number, kind, count), sealed)
        .map_err(|_| ReadError::Seal)?;
    let (replayed, changes) = match kind {
        SYNC_POINT => return Ok(Replayed::SyncPoint(SyncPoint::decode(&content)?)),
        LINE => return Ok(Replayed::Line(LineEntry::decode(&content)?)),
        BACKUP => return Ok(Replayed::Backup(BackupEntry::decode(&content)?)),
        REOPENING => {
            ReopeningEntry::decode(&content)?;
            return Ok(Replayed::Reopening);
        }
        PROFILE => {
            let profile = ProfileEntry::decode(number, &content)?;
            (Replayed::Profile(profile), 1)
        }
        REMAINS => return Ok(Replayed::Remains(RemainsEntry::decode(count, &content)?)),
        WITHDRAWAL => (
            Replayed::Withdrawal(WithdrawalEntry::decode(number, &content)?),
            1,
        ),
        RELEASE => {
            let release = Release::decode(number, &content)?;
            let changes = release.batch.decisions.len();
            (Replayed::Release(release), changes)
        }
        RESTATEMENT => {
            let restatement = Restatement::decode(number, &content)?;
            let changes = restatement.cards.len();
            (Replayed::Restatement(restatement), changes)
        }
        _ => {
            let batch = AcceptedBatch::decode(number, &content)?;
            let changes = batch.decisions.len();
            (Replayed::Batch(batch), changes)
        }
    };
    if u32::try_from(changes) == Ok(count) {
        Ok(replayed)
    } else {
        Err(EntryError::Malformed.into())
    }
}

#[cfg(test)]
mod tests;
