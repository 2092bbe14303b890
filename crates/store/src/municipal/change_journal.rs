//! The node's journal: numbered changes in sealed frames.
//!
//! A frame's payload is the number of its changes (u32, big-endian) and the sealed canonical bytes of a batch that
//! holds them, with cards under one ISTAT code; the frame's own number is that of its first change. Associated data: `node-journal/1` and that number.

use std::sync::Arc;

use registry::change::{Change, ChangeBody};
use registry::identifier::IstatCode;
use registry::publication::{Batch, BatchError, Epoch, MAX_CHANGES};

use crate::files::Files;
use crate::keys::ring::NamedKey;
use crate::segment::envelope::Envelope;
use crate::segment::reader::SegmentReader;
use crate::segment::scan::ScanError;
use crate::segment::{AppendError, Position, SegmentSet, Settings};

const SEGMENT_PREFIX: &str = "changes";
const MAGIC: [u8; 4] = *b"PNTN";
const VERSION: u8 = 1;
const LABEL: &[u8] = b"node-journal/1";

/// Frames carry no epoch and no instant of their own: both belong to the sending.
const NO_EPOCH: Epoch = Epoch([0; 16]);

/// A removal carries no card and so no code; frames without any card are filed under this one.
const NO_CODE: &str = "000000";

/// Why the journal of changes refuses.
#[derive(Debug, thiserror::Error)]
pub enum ChangeJournalError {
    /// The files do not hold a whole journal.
    #[error("the journal of changes cannot be read")]
    Scan(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Writing failed.
    #[error("the journal of changes cannot be written")]
    Append(#[from] AppendError),
    /// A frame cannot be read again.
    #[error("a frame of the journal of changes cannot be read")]
    Read(#[source] std::io::Error),
    /// A frame is not what was written.
    #[error("a frame of the journal of changes is malformed")]
    Malformed,
    /// Changes that do not make a batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

#[derive(Clone, Copy, Debug)]
struct FramePlace {
    first: u64,
    last: u64,
    position: Position,
    length: usize,
}

/// The open journal of one municipality.
#[derive(Debug)]
pub(super) struct ChangeJournal {
    segments: SegmentSet,
    reader: SegmentReader,
    envelope: Envelope,
    key: NamedKey,
    frames: Vec<FramePlace>,
    last: u64,
}

impl ChangeJournal {
    pub(super) fn open(
        files: Arc<dyn Files>,
        key: NamedKey,
        settings: Settings,
    ) -> Result<Self, ChangeJournalError> {
        let envelope = Envelope::new(MAGIC, VERSION).ok_or(ChangeJournalError::Malformed)?;
        let mut frames = Vec::new();
        let mut last = 0;
        let mut visit = |position: Position, frame: &[u8]| -> Result<(), ChangeJournalError> {
            let framed = envelope.decode(frame).ok_or(ChangeJournalError::Malformed)?;
            let (count, _) = framed
                .payload
                .split_first_chunk::<4>()
                .ok_or(ChangeJournalError::Malformed)?;
            let count = u64::from(u32::from_be_bytes(*count));
            if framed.sequence != last + 1 || count == 0 {
                return Err(ChangeJournalError::Malformed);
            }
            last += count;
            frames.push(FramePlace {
                first: framed.sequence,
                last,
                position,
                length: frame.len(),
            });
            Ok(())
        };
        let (segments, _) = SegmentSet::open(files, SEGMENT_PREFIX, settings, &envelope, &mut visit)
            .map_err(|error: ScanError<ChangeJournalError>| ChangeJournalError::Scan(Box::new(error)))?;
        let reader = segments.reader();
        Ok(Self {
            segments,
            reader,
            envelope,
            key,
            frames,
            last,
        })
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// How many of these changes make the next frame: a frame holds a bounded number, and cards under one code.
    pub(super) fn frame_len(changes: &[Change]) -> usize {
        let mut code = None;
        let same = |change: &&Change| match code_of(change) {
            Some(other) => *code.get_or_insert(other) == other,
            None => true,
        };
        changes.iter().take(MAX_CHANGES).take_while(same).count()
    }

    /// Appends one frame; when this returns it is on the device.
    pub(super) fn append(&mut self, changes: &[Change]) -> Result<(), ChangeJournalError> {
        let first = self.last + 1;
        let no_code = || IstatCode::parse(NO_CODE).expect("six digits are a code");
        let code = changes.iter().find_map(code_of).unwrap_or_else(no_code);
        let batch = Batch::new(code, NO_EPOCH, first, changes.to_vec(), 0)?;
        let count = u32::try_from(changes.len()).map_err(|_| ChangeJournalError::Malformed)?;
        let mut payload = count.to_be_bytes().to_vec();
        payload.extend(
            self.key
                .key
                .seal_derived(&associated(first), &batch.canonical_bytes()),
        );
        let mut frame = Vec::with_capacity(payload.len() + Envelope::OVERHEAD);
        self.envelope
            .encode(first, &payload, &mut frame)
            .ok_or(ChangeJournalError::Malformed)?;
        let position = self.segments.append(&frame)?;
        self.last += u64::from(count);
        self.frames.push(FramePlace {
            first,
            last: self.last,
            position,
            length: frame.len(),
        });
        Ok(())
    }

    pub(super) fn changes_from(
        &self,
        sequence: u64,
        limit: usize,
    ) -> Result<Vec<Change>, ChangeJournalError> {
        let mut changes = Vec::new();
        let from = self.frames.partition_point(|frame| frame.last < sequence);
        for place in self.frames.iter().skip(from) {
            if limit <= changes.len() {
                break;
            }
            let wanted = self
                .read(place)?
                .into_iter()
                .filter(|change| sequence <= change.sequence);
            changes.extend(wanted.take(limit - changes.len()));
        }
        Ok(changes)
    }

    fn read(&self, place: &FramePlace) -> Result<Vec<Change>, ChangeJournalError> {
        let mut frame = vec![0; place.length];
        self.reader
            .read(place.position, &mut frame)
            .map_err(ChangeJournalError::Read)?;
        let framed = self
            .envelope
            .decode(&frame)
            .ok_or(ChangeJournalError::Malformed)?;
        let (_, sealed) = framed
            .payload
            .split_first_chunk::<4>()
            .ok_or(ChangeJournalError::Malformed)?;
        let plain = self
            .key
            .key
            .open(&associated(place.first), sealed)
            .map_err(|_| ChangeJournalError::Malformed)?;
        Ok(Batch::from_canonical_bytes(&plain, 0)?.into_changes())
    }
}

fn associated(first: u64) -> Vec<u8> {
    let mut bytes = LABEL.to_vec();
    bytes.extend_from_slice(&first.to_be_bytes());
    bytes
}

/// The code under which a change's card was published.
fn code_of(change: &Change) -> Option<IstatCode> {
    match &change.body {
        ChangeBody::Upsert(card) => Some(card.municipality),
        ChangeBody::Remove => None,
    }
}
