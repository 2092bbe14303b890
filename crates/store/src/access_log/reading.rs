//! Reading entries back, each reader in its own scope.
//!
//! Reads go to the disk and block; the service runs them on a bounded pool. That a read is itself an entry of the
//! log is the business of the service too.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{PoisonError, RwLock},
};

use ledger::{
    frame::{FrameView, Parsed},
    header::{Header, HeaderError, RequestId},
    part::{OpeningError, PartKind, PartOpening, PartProofError},
};

use crate::{
    access_log::{
        Shared,
        draft::associated,
        part_content::{ContentError, DecisionPart, PartContent},
        reserve::{Opened, Reserve, Withheld},
        retention::subjects_municipality,
    },
    keys::{KeyId, KeyName, data_key::OpenError, ring::KeyRing},
    segment::{Position, reader::SegmentReader},
};

/// How the names of the keys of these parts begin.
const OPERATOR: &str = "log/operator/";
const CRITERIA: &str = "log/criteria/";
const DECISION: &str = "log/decision/";

/// Entries that are open to one reader: each with the opening by which it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenedEntries(BTreeMap<u64, u64>);

impl OpenedEntries {
    /// None: what most readings go with.
    pub const NONE: Self = Self(BTreeMap::new());

    /// Entries of an opening.
    pub fn insert(&mut self, opening: u64, entries: impl IntoIterator<Item = u64>) {
        self.0.extend(entries.into_iter().map(|index| (index, opening)));
    }

    /// The opening by which an entry is open.
    #[must_use]
    pub fn opening_of(&self, index: u64) -> Option<u64> {
        self.0.get(&index).copied()
    }

    fn is_open(&self, index: u64) -> Opened {
        if self.0.contains_key(&index) {
            Opened::Yes
        } else {
            Opened::No
        }
    }
}

/// What a reader of the log may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReaderScope {
    /// The index itself, which counts and folds: every entry, all parts. Nobody who reads the log has it.
    Index,
    /// A regional auditor: every entry, all parts; of a reserved access the header alone, unless it was opened.
    Region,
    /// An agency's supervisor: entries of this SPIFFE id, header and operator; of a reserved access that was opened the
    /// criteria too, which are what the agency asked. What was decided and about whom stays sealed in any case: it would
    /// tell who exists and was not shown.
    Agency(String),
    /// A municipal auditor: entries with subjects of these municipalities, which are one and those merged into it,
    /// header, operator and those subjects; nothing of a reserved access.
    Municipality(BTreeSet<String>),
}

/// An entry as one reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedEntry {
    /// Index in the log.
    pub index: u64,
    /// The header.
    pub header: Header,
    /// The header's bytes: the leaf.
    pub header_bytes: Vec<u8>,
    /// The parts that the reader may see, in the order in which they are stored.
    pub parts: Vec<OpenedPart>,
    /// Whether parts that the scope shows of ordinary accesses are kept from this reader, because this one is reserved.
    pub reserved: bool,
}

/// A part that the reader may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenedPart {
    /// Opened and checked against the header's commitment.
    Shown(PartOpening),
    /// Its retention has ended: the key was destroyed.
    Erased {
        /// Leaf position in the entry's parts tree.
        position: u16,
    },
}

/// Why an entry cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log has no such entry.
    #[error("the log has no entry {0}")]
    NoEntry(u64),
    /// Stored bytes changed since the log was opened.
    #[error("entry {0} is damaged")]
    Damaged(u64),
    /// A header does not read.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A part's key is neither in the ring nor known as destroyed.
    #[error("a part's key is not in the key ring")]
    UnknownKey,
    /// A part does not open under its key.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// An opened part does not read.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// An opened part is not the one that the header commits to.
    #[error(transparent)]
    Proof(#[from] PartProofError),
    /// A part's content does not read.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The files cannot be read.
    #[error("the log cannot be read")]
    Io(#[from] io::Error),
}

/// Where frames with entries begin; a projection, 32 bytes a batch.
#[derive(Debug, Default)]
pub(super) struct FrameIndex(RwLock<Vec<FramePlace>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FramePlace {
    pub(super) first_index: u64,
    pub(super) position: Position,
    pub(super) len: u32,
}

impl FrameIndex {
    pub(super) fn push(&self, place: FramePlace) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(place);
    }

    pub(super) fn find(&self, index: u64) -> Option<FramePlace> {
        let places = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let behind = places.partition_point(|place| place.first_index <= index);
        places.get(behind.checked_sub(1)?).copied()
    }
}

/// An entry as stored, its parts sealed.
#[derive(Debug)]
pub(super) struct StoredEntry {
    pub(super) index: u64,
    pub(super) header: Vec<u8>,
    parts: Vec<(KeyId, u16, Vec<u8>)>,
}

/// Reads entries, keeping the last frame for the next one.
#[derive(Debug)]
pub(super) struct EntryReader<'a> {
    frames: &'a FrameIndex,
    segments: &'a SegmentReader,
    last: Option<(FramePlace, Vec<u8>)>,
}

impl<'a> EntryReader<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        Self {
            frames: &shared.frames,
            segments: &shared.segments,
            last: None,
        }
    }

    pub(super) fn read(&mut self, index: u64) -> Result<StoredEntry, ReadError> {
        let place = self.frames.find(index).ok_or(ReadError::NoEntry(index))?;
        let bytes = match self.last.take() {
            Some((last, bytes)) if last == place => bytes,
            Some(_) | None => {
                let mut bytes = vec![0; place.len as usize];
                self.segments.read(place.position, &mut bytes)?;
                bytes
            }
        };
        let entry = Self::entry_of(&bytes, place, index)?;
        self.last = Some((place, bytes));
        Ok(entry)
    }

    fn entry_of(bytes: &[u8], place: FramePlace, index: u64) -> Result<StoredEntry, ReadError> {
        let Ok(Parsed::Frame(frame)) = FrameView::parse(bytes, place.position.offset) else {
            return Err(ReadError::Damaged(index));
        };
        let number = usize::try_from(index - place.first_index).map_err(io::Error::other)?;
        let entry = frame.entries().nth(number).ok_or(ReadError::NoEntry(index))?;
        Ok(StoredEntry {
            index,
            header: entry.header.to_vec(),
            parts: entry
                .parts
                .iter()
                .map(|part| {
                    (
                        KeyId::from_bytes(part.key_id),
                        part.position,
                        part.ciphertext.to_vec(),
                    )
                })
                .collect(),
        })
    }
}

impl Shared {
    /// The entry as the scope shows it at this Unix time in milliseconds; nothing when it is outside.
    pub(super) fn view(
        &self,
        scope: &ReaderScope,
        openings: &OpenedEntries,
        now_ms: u64,
        stored: StoredEntry,
    ) -> Result<Option<OpenedEntry>, ReadError> {
        let StoredEntry { index, header, parts } = stored;
        let decoded = Header::decode(&header)?;
        if let ReaderScope::Agency(agency) = scope
            && decoded.body.peer.as_deref() != Some(agency)
        {
            return Ok(None);
        }
        if let ReaderScope::Municipality(municipalities) = scope {
            let has_subjects = parts
                .iter()
                .filter_map(|(key, ..)| self.ring.name_of(*key))
                .any(|name| is_of(&name, municipalities));
            if !has_subjects {
                return Ok(None);
            }
        }
        let opened = openings.is_open(index);
        let withheld = match scope {
            // Read and decided by everybody but those from whom nothing is kept.
            ReaderScope::Region | ReaderScope::Municipality(_) => self
                .reserve(scope, &decoded, &parts)?
                .withheld_from(scope, opened, now_ms),
            ReaderScope::Index | ReaderScope::Agency(_) => Withheld::Nothing,
        };
        let reserved = match withheld {
            Withheld::Entry => return Ok(None),
            Withheld::Parts => true,
            Withheld::Nothing => false,
        };
        let criteria = matches!(scope, ReaderScope::Agency(_))
            && opened == Opened::Yes
            && self.reserve(scope, &decoded, &parts)?.holds_at(now_ms);
        let mut shown = Vec::new();
        for (key_id, position, ciphertext) in &parts {
            let name = self.ring.name_of(*key_id).ok_or(ReadError::UnknownKey)?;
            let operator = name.as_str().starts_with(OPERATOR);
            let visible = match scope {
                ReaderScope::Index => true,
                ReaderScope::Region => !reserved,
                ReaderScope::Agency(_) => operator || (criteria && name.as_str().starts_with(CRITERIA)),
                ReaderScope::Municipality(municipalities) => operator || is_of(&name, municipalities),
            };
            if visible {
                shown.push(open_part(&self.ring, &decoded, *key_id, *position, ciphertext)?);
            }
        }
        Ok(Some(OpenedEntry {
            index,
            header: decoded,
            header_bytes: header,
            parts: shown,
            reserved,
        }))
    }

    /// Whether the entry is of a reserved access. To a municipality, whatever names its residents and does not say so is.
    fn reserve(
        &self,
        scope: &ReaderScope,
        header: &Header,
        parts: &[(KeyId, u16, Vec<u8>)],
    ) -> Result<Reserve, ReadError> {
        let decision = self.decision(header, parts)?;
        if decision.is_none() && matches!(scope, ReaderScope::Municipality(_)) {
            return Ok(Reserve::Forever);
        }
        Ok(Reserve::of(header.body.kind, decision.as_ref()))
    }

    /// The decision of an entry; `None` where there is none, or where it was erased.
    fn decision(
        &self,
        header: &Header,
        parts: &[(KeyId, u16, Vec<u8>)],
    ) -> Result<Option<DecisionPart>, ReadError> {
        for (key_id, position, ciphertext) in parts {
            let name = self.ring.name_of(*key_id).ok_or(ReadError::UnknownKey)?;
            if !name.as_str().starts_with(DECISION) {
                continue;
            }
            return match open_part(&self.ring, header, *key_id, *position, ciphertext)? {
                OpenedPart::Shown(PartOpening {
                    kind: PartKind::Decision,
                    content,
                    ..
                }) => Ok(Some(DecisionPart::decode(&content)?)),
                OpenedPart::Shown(_) | OpenedPart::Erased { .. } => Ok(None),
            };
        }
        Ok(None)
    }

    /// The decision of an entry that may be told, at this Unix time in milliseconds, to the persons whom it names; `None`
    /// where the access is reserved, or nobody can say any more that it is not.
    pub(super) fn decision_for_subjects(
        &self,
        header: &Header,
        stored: &StoredEntry,
        now_ms: u64,
    ) -> Result<Option<DecisionPart>, ReadError> {
        let decision = self.decision(header, &stored.parts)?;
        let reserve = Reserve::of(header.body.kind, decision.as_ref());
        Ok(decision.filter(|_| !reserve.holds_at(now_ms)))
    }

    /// The parts of an entry whose keys have a wanted name, opened.
    pub(super) fn open_parts(
        &self,
        header: &Header,
        stored: &StoredEntry,
        wanted: impl Fn(&KeyName) -> bool,
    ) -> Result<Vec<OpenedPart>, ReadError> {
        let mut opened = Vec::new();
        for (key_id, position, ciphertext) in &stored.parts {
            let name = self.ring.name_of(*key_id).ok_or(ReadError::UnknownKey)?;
            if wanted(&name) {
                opened.push(open_part(&self.ring, header, *key_id, *position, ciphertext)?);
            }
        }
        Ok(opened)
    }

    /// Indices in the scope from `from` on, before scope rules that need the entry itself; not fewer than `limit` if
    /// there are so many.
    pub(super) fn candidates(&self, scope: &ReaderScope, from: u64, size: u64, limit: usize) -> Vec<u64> {
        let postings = self.postings.read().unwrap_or_else(PoisonError::into_inner);
        let merged;
        let list = match scope {
            ReaderScope::Index | ReaderScope::Region => return (from..size).take(limit).collect(),
            ReaderScope::Agency(agency) => postings.of_peer(agency),
            ReaderScope::Municipality(municipalities) => {
                merged = postings.of_municipalities(municipalities);
                &merged
            }
        };
        let start = list.partition_point(|index| *index < from);
        list[start..]
            .iter()
            .copied()
            .filter(|index| *index < size)
            .collect()
    }

    pub(super) fn requests(&self, request: RequestId) -> Vec<u64> {
        let postings = self.postings.read().unwrap_or_else(PoisonError::into_inner);
        postings.of_request(request).to_vec()
    }
}

pub(super) fn open_part(
    ring: &KeyRing,
    header: &Header,
    key_id: KeyId,
    position: u16,
    ciphertext: &[u8],
) -> Result<OpenedPart, ReadError> {
    let Some(key) = ring.by_id(key_id) else {
        return match ring.name_of(key_id) {
            Some(_) => Ok(OpenedPart::Erased { position }),
            None => Err(ReadError::UnknownKey),
        };
    };
    let parts_root = &header.body.parts_root;
    let plaintext = key.key.open(&associated(parts_root, position), ciphertext)?;
    let opening = PartOpening::decode(&plaintext)?;
    opening.verify(parts_root)?;
    Ok(OpenedPart::Shown(opening))
}

/// Whether a key is of subjects of one of these municipalities.
fn is_of(key: &KeyName, municipalities: &BTreeSet<String>) -> bool {
    subjects_municipality(key).is_some_and(|id| municipalities.contains(id))
}
