//! Exports in the node's hands: sealed while they are imported, while they wait for a person, while they are kept.
//!
//! The node never imports the file that it was given, but a sealed copy of it, so that nobody can change it between
//! judgement and import. A copy is two files, `<id>.data` ([`store::sealed_file`]) and `<id>.meta`: format version 1
//! (1 byte), id of the data key (16), and the sealed JSON of [`Note`] and [`ExportState`]. Data come first and go last:
//! data without a note were never taken, and are removed at the next start, as are copies whose import was
//! interrupted; their sources are where they were.
//!
//! Each day has a data key of its own. It is destroyed when the day is over and no file is sealed under it any more, so
//! that what a device may keep of removed files opens no more. Which keys are in use is read from the heads of the files
//! themselves, also of those whose note or content is damaged.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::io::{self, Read};
use std::sync::{Arc, PoisonError, RwLock};

use agreement::moment::Moment;
use aws_lc_rs::digest;
use chrono::NaiveDate;
use registry::export::mapping::Mapping;
use registry::export::{ExportForm, ExportKind};
use registry::hex;
use serde::{Deserialize, Serialize};
use store::files::{Files, read_whole, replace};
use store::keys::ring::{KeyRing, NamedKey, RingError};
use store::keys::{Entropy, KeyId, KeyName};
use store::sealed_file::{self, SealError, SealedReader, seal};

const DATA: &str = ".data";
const META: &str = ".meta";
const META_VERSION: u8 = 1;
const META_PURPOSE: &[u8] = b"ponte export note v1";
const KEY_PREFIX: &str = "export/";

/// Name of an export and of its report: day and time of receipt in Italy, to the millisecond, and six random characters.
/// Later ones sort behind earlier ones, but for the hour that comes twice a year.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExportId(String);

/// A text is no id of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id of an export is YYYYMMDD-HHMMSSmmm and six characters of 0-9 and a-f, joined by hyphens")]
pub struct ExportIdError;

/// What stays the same about an export.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When it was received, Unix milliseconds.
    pub received_ms: u64,
    /// Day on which it was made.
    pub day: String,
    /// Name of the file, in the words of whoever wrote it.
    pub file: Option<String>,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
    /// Bytes of its content.
    pub bytes: u64,
    /// Which cards it holds, `total` or `incremental`.
    pub kind: String,
    /// The mapping with which it is read, where it is not in our layout.
    pub mapping: Option<String>,
}

/// Why the node holds an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum ExportState {
    /// It is being imported.
    Taken,
    /// It would cancel more cards than the limit admits: a person decides.
    Waiting(Cancellations),
    /// It would have, and an export that was received later has been imported since: a person can only give it up.
    Overtaken(Cancellations),
    /// It was imported, and is kept for the stated time.
    Kept {
        /// Until then, Unix milliseconds.
        until_ms: u64,
    },
}

/// What an export would take out of publication, or mark as no longer registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellations {
    /// Cards of the mirror.
    pub cards: u64,
    /// Cards that would newly be cancelled or dead.
    pub cancelled: u64,
    /// Cards that the export does not name, and that would be withdrawn.
    pub missing: u64,
    /// How many the limit admits.
    pub admitted: u64,
    /// Last change of the journal when this was counted.
    pub journal_end: u64,
}

/// An export that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldExport {
    /// Its name.
    pub id: ExportId,
    /// What stays the same.
    pub note: Note,
    /// Why it is held.
    pub state: ExportState,
}

/// The sealed copies of a node.
#[derive(Clone, Debug)]
pub struct SealedExports {
    files: Arc<dyn Files>,
    keys: Arc<KeyRing>,
    entropy: Arc<dyn Entropy>,
    /// Shared by whoever writes a file under a key, from the choice of the key until the file is there; exclusive to
    /// whoever destroys keys.
    custody: Arc<RwLock<()>>,
}

/// Why a copy cannot be made, read or changed.
#[derive(Debug, thiserror::Error)]
pub enum ExportsError {
    /// The source cannot be read to its end.
    #[error("the export cannot be read")]
    Source(#[source] io::Error),
    /// The copy cannot be written or read.
    #[error("the sealed copy of the export cannot be written or read")]
    Copy(#[source] io::Error),
    /// The key ring.
    #[error("the key of the sealed copy cannot be used")]
    Keys(#[from] RingError),
    /// A note does not open or is of no known form.
    #[error("the note of a sealed copy is damaged")]
    Note,
    /// Of a file it cannot be told under which key it is sealed.
    #[error("the head of a sealed copy is damaged: no key of a day is destroyed until the copy is removed")]
    Head,
}

impl ExportId {
    /// A new id.
    pub fn new(received: Moment, entropy: &dyn Entropy) -> Self {
        let mut salt = [0; 3];
        entropy.fill(&mut salt);
        let (day, time) = (
            received.date().format("%Y%m%d"),
            received.time().format("%H%M%S%3f"),
        );
        Self(format!("{day}-{time}-{}", hex::encode(&salt)))
    }

    /// Reads an id.
    ///
    /// # Errors
    /// [`ExportIdError`].
    pub fn parse(text: &str) -> Result<Self, ExportIdError> {
        let mut parts = text.split('-');
        let digits = |part: Option<&str>, length: usize, radix| {
            part.is_some_and(|part| {
                let lower = !part.bytes().any(|byte| byte.is_ascii_uppercase());
                part.len() == length && lower && part.chars().all(|digit| digit.is_digit(radix))
            })
        };
        let well_formed =
            digits(parts.next(), 8, 10) && digits(parts.next(), 9, 10) && digits(parts.next(), 6, 16);
        if well_formed && parts.next().is_none() {
            Ok(Self(text.to_owned()))
        } else {
            Err(ExportIdError)
        }
    }

    /// The id as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of the file is not ours and may be anything.
impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Note({} bytes of {})", self.bytes, self.day)
    }
}

impl Note {
    /// How the export is read.
    ///
    /// # Errors
    /// [`ExportsError::Note`] when this program knows no such form.
    pub fn form(&self) -> Result<ExportForm, ExportsError> {
        let kind = ExportKind::named(&self.kind).ok_or(ExportsError::Note)?;
        let mapping = self.mapping.as_deref().map(Mapping::parse).transpose();
        Ok(ExportForm {
            kind,
            mapping: mapping.map_err(|_| ExportsError::Note)?.map(Arc::new),
        })
    }
}

impl Cancellations {
    /// Cards that would be cancelled, dead or withdrawn.
    pub fn total(&self) -> u64 {
        self.cancelled.saturating_add(self.missing)
    }

    /// Whether the limit admits them.
    pub fn within_limit(&self) -> bool {
        self.total() <= self.admitted
    }
}

impl SealedExports {
    /// Opens the directory, and removes what an interruption left behind.
    ///
    /// # Errors
    /// See [`ExportsError`].
    pub fn open(
        files: Arc<dyn Files>,
        keys: Arc<KeyRing>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, ExportsError> {
        let exports = Self {
            files,
            keys,
            entropy,
            custody: Arc::default(),
        };
        let names = exports.names()?;
        let interrupted: BTreeSet<String> = exports
            .all()?
            .into_iter()
            .filter(|held| held.state == ExportState::Taken)
            .map(|held| held.id.0)
            .collect();
        let noted: BTreeSet<&str> = names.iter().filter_map(|name| name.strip_suffix(META)).collect();
        let mut left: Vec<&String> = names
            .iter()
            .filter(|name| interrupted.contains(stem(name)) || !noted.contains(stem(name)))
            .collect();
        // Notes first, so that an interruption here leaves data without a note, never the other way round.
        left.sort_by_key(|name| name.ends_with(DATA));
        for name in left.iter().copied() {
            exports.files.remove(name).map_err(ExportsError::Copy)?;
        }
        if !left.is_empty() {
            exports.files.sync_dir().map_err(ExportsError::Copy)?;
        }
        Ok(exports)
    }

    /// Seals a copy of a source, durable when this returns.
    ///
    /// # Errors
    /// [`ExportsError::Source`] for the source, the others for the copy; nothing is left of it.
    pub fn take(
        &self,
        received: Moment,
        day: NaiveDate,
        file: Option<String>,
        form: &ExportForm,
        source: impl Read,
    ) -> Result<HeldExport, ExportsError> {
        let id = ExportId::new(received, self.entropy.as_ref());
        let _custody = self.custody.read().unwrap_or_else(PoisonError::into_inner);
        let taken = self.copy(&id, received, day, file, form, source);
        if taken.is_err() {
            self.remove_quietly(&id);
        }
        taken
    }

    fn copy(
        &self,
        id: &ExportId,
        received: Moment,
        day: NaiveDate,
        file: Option<String>,
        form: &ExportForm,
        source: impl Read,
    ) -> Result<HeldExport, ExportsError> {
        let key = self.key_of_day(received.date())?;
        let data = self.files.create(&data_name(id), 0).map_err(ExportsError::Copy)?;
        let mut hash = digest::Context::new(&digest::SHA256);
        let bytes = seal(&*data, &key, self.entropy.as_ref(), source, &mut |bytes| {
            hash.update(bytes);
        })
        .map_err(|error| match error {
            SealError::Source(error) => ExportsError::Source(error),
            SealError::Target(error) => ExportsError::Copy(error),
        })?;
        let held = HeldExport {
            id: id.clone(),
            note: Note {
                received_ms: u64::try_from(received.utc().timestamp_millis()).unwrap_or(0),
                day: day.to_string(),
                file,
                sha256: hex::encode(hash.finish().as_ref()),
                bytes,
                kind: form.kind.name().to_owned(),
                mapping: form.mapping.as_ref().map(|mapping| mapping.text().to_owned()),
            },
            state: ExportState::Taken,
        };
        self.write_note(&held, &key)?;
        Ok(held)
    }

    /// The content of an export, from its beginning.
    ///
    /// # Errors
    /// [`ExportsError::Copy`].
    pub fn read(&self, id: &ExportId) -> Result<SealedReader, ExportsError> {
        let file = self.files.open(&data_name(id)).map_err(ExportsError::Copy)?;
        SealedReader::open(file, |key| self.keys.by_id(key)).map_err(ExportsError::Copy)
    }

    /// Notes why the export is held from now on, durably.
    ///
    /// # Errors
    /// See [`ExportsError`]; then it is held as before.
    pub fn hold(&self, held: &mut HeldExport, state: ExportState) -> Result<(), ExportsError> {
        let _custody = self.custody.read().unwrap_or_else(PoisonError::into_inner);
        let (key, _) = self.sealed_note(&held.id)?;
        let changed = HeldExport {
            state,
            ..held.clone()
        };
        self.write_note(&changed, &key)?;
        *held = changed;
        Ok(())
    }

    /// Removes an export for good.
    ///
    /// # Errors
    /// [`ExportsError::Copy`].
    pub fn remove(&self, id: &ExportId) -> Result<(), ExportsError> {
        for name in [meta_name(id), data_name(id)] {
            match self.files.remove(&name) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(ExportsError::Copy(error)),
            }
        }
        self.files.sync_dir().map_err(ExportsError::Copy)
    }

    /// Everything that is held, oldest first. A copy whose note is damaged is left where it is, and told of.
    ///
    /// # Errors
    /// See [`ExportsError`].
    pub fn all(&self) -> Result<Vec<HeldExport>, ExportsError> {
        let names = self.names()?;
        let ids = names.iter().filter_map(|name| name.strip_suffix(META));
        let mut all = Vec::new();
        for id in ids.filter_map(|id| ExportId::parse(id).ok()) {
            match self.held(id) {
                Ok(held) => all.push(held),
                Err(ExportsError::Note) => tracing::error!("the note of a sealed copy is damaged"),
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// Destroys the keys of days before `today` under which no file is sealed any more. Returns how many.
    ///
    /// # Errors
    /// [`ExportsError::Head`] and [`ExportsError::Copy`] when it is not known which keys are in use: then none is
    /// destroyed. [`ExportsError::Keys`] as [`KeyRing::destroy`].
    pub fn forget_keys(&self, today: NaiveDate) -> Result<usize, ExportsError> {
        let _custody = self.custody.write().unwrap_or_else(PoisonError::into_inner);
        let in_use = self.keys_in_use()?;
        let of_past_day = |name: &KeyName| key_day(name).is_some_and(|day| day < today);
        let over: Vec<KeyName> = self
            .keys
            .names()
            .into_iter()
            .filter(|name| of_past_day(name))
            .filter(|name| self.keys.get(name).is_none_or(|key| !in_use.contains(&key.id)))
            .collect();
        Ok(self.keys.destroy(&over)?)
    }

    /// The ids of the keys under which there are files, whatever their names and content.
    fn keys_in_use(&self) -> Result<HashSet<KeyId>, ExportsError> {
        let mut in_use = HashSet::new();
        for name in self.names()? {
            // What is neither is a note that was not finished, and never read.
            let head = if name.ends_with(META) {
                self.head_of_note(&name)
            } else if name.ends_with(DATA) {
                self.head_of_data(&name)
            } else {
                continue;
            };
            match head {
                Ok(key) => {
                    in_use.insert(key);
                }
                // Removed since the directory was listed.
                Err(ExportsError::Copy(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(in_use)
    }

    fn head_of_note(&self, name: &str) -> Result<KeyId, ExportsError> {
        let content = read_whole(self.files.as_ref(), name).map_err(ExportsError::Copy)?;
        let content = content.ok_or_else(|| ExportsError::Copy(io::ErrorKind::NotFound.into()))?;
        let (key, _) = split_note(&content).ok_or(ExportsError::Head)?;
        Ok(key)
    }

    fn head_of_data(&self, name: &str) -> Result<KeyId, ExportsError> {
        let file = self.files.open(name).map_err(ExportsError::Copy)?;
        sealed_file::key_of(&*file).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => ExportsError::Head,
            _ => ExportsError::Copy(error),
        })
    }

    fn held(&self, id: ExportId) -> Result<HeldExport, ExportsError> {
        let (key, sealed) = self.sealed_note(&id)?;
        let opened = key
            .key
            .open(&associated(&id), &sealed)
            .map_err(|_| ExportsError::Note)?;
        let WrittenNote { note, state } = serde_json::from_slice(&opened).map_err(|_| ExportsError::Note)?;
        Ok(HeldExport { id, note, state })
    }

    /// The sealed note with its key.
    fn sealed_note(&self, id: &ExportId) -> Result<(NamedKey, Vec<u8>), ExportsError> {
        let content = read_whole(self.files.as_ref(), &meta_name(id))
            .map_err(ExportsError::Copy)?
            .ok_or(ExportsError::Note)?;
        let (key, sealed) = split_note(&content).ok_or(ExportsError::Note)?;
        let key = self.keys.by_id(key).ok_or(ExportsError::Note)?;
        Ok((key, sealed.to_vec()))
    }

    fn write_note(&self, held: &HeldExport, key: &NamedKey) -> Result<(), ExportsError> {
        let HeldExport { id, note, state } = held;
        let written = WrittenNote {
            note: note.clone(),
            state: state.clone(),
        };
        let json = serde_json::to_vec(&written).map_err(|_| ExportsError::Note)?;
        let mut nonce = [0; 12];
        self.entropy.fill(&mut nonce);
        let sealed = key.key.seal_random(nonce, &associated(id), &json);
        let content = [&[META_VERSION][..], key.id.as_bytes(), &sealed].concat();
        replace(self.files.as_ref(), &meta_name(id), &content).map_err(ExportsError::Copy)
    }

    /// The key under which exports of a day are sealed. After a clock that went back the first may be destroyed.
    fn key_of_day(&self, day: NaiveDate) -> Result<NamedKey, ExportsError> {
        let mut attempt = 1;
        loop {
            let name = match attempt {
                1 => format!("{KEY_PREFIX}{day}"),
                _ => format!("{KEY_PREFIX}{day}/{attempt}"),
            };
            let name = KeyName::new(name).map_err(|error| ExportsError::Copy(io::Error::other(error)))?;
            match self.keys.get_or_create(&name) {
                Err(RingError::Destroyed) => attempt += 1,
                key => return Ok(key?),
            }
        }
    }

    fn names(&self) -> Result<Vec<String>, ExportsError> {
        self.files.list().map_err(ExportsError::Copy)
    }

    fn remove_quietly(&self, id: &ExportId) {
        if let Err(error) = self.remove(id) {
            tracing::warn!(%error, "what is left of a sealed copy is removed at the next start");
        }
    }
}

/// What stands in a note.
#[derive(Serialize, Deserialize)]
struct WrittenNote {
    #[serde(flatten)]
    note: Note,
    #[serde(flatten)]
    state: ExportState,
}

/// The key id of a note and its sealed bytes.
fn split_note(content: &[u8]) -> Option<(KeyId, &[u8])> {
    let Some((&META_VERSION, rest)) = content.split_first() else {
        return None;
    };
    let (key, sealed) = rest.split_first_chunk::<16>()?;
    Some((KeyId::from_bytes(*key), sealed))
}

fn data_name(id: &ExportId) -> String {
    format!("{id}{DATA}")
}

fn meta_name(id: &ExportId) -> String {
    format!("{id}{META}")
}

fn stem(name: &str) -> &str {
    name.split_once('.').map_or(name, |(stem, _)| stem)
}

fn associated(id: &ExportId) -> Vec<u8> {
    [META_PURPOSE, id.as_str().as_bytes()].concat()
}

/// The day of a key that seals exports.
fn key_day(name: &KeyName) -> Option<NaiveDate> {
    let rest = name.as_str().strip_prefix(KEY_PREFIX)?;
    rest.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests;
