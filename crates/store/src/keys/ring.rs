//! The ring: data keys in one file, each wrapped by the key-encryption key.
//!
//! The file is a sequence of [`Envelope`] frames, magic `PKR1`, numbered from 0. Each payload is sealed under the
//! key-encryption key with its number as associated data, and holds
//! kind (1 byte: 1 key, 2 tombstone) ‖ key id (16) ‖ key (32, keys only) ‖ name, or, of a tombstone with a note,
//! 3 ‖ key id (16) ‖ length of the name (u16) ‖ name ‖ note.
//! Creating a key appends a frame and syncs it before the key is used. Destroying keys writes the whole file anew
//! without them, so that the wrapped bytes are gone too, and leaves tombstones. A note is what must be known for as long
//! as the key is known to be destroyed; it is written with the tombstone or not at all.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use zeroize::Zeroizing;

use crate::{
    files::{self, File, Files},
    keys::{
        Entropy, KeyId, KeyName,
        data_key::{DataKey, OpenError},
        encryption_key::KeyEncryptionKey,
    },
    segment::{FrameFormat, Probe, envelope::Envelope},
};

/// The name of the ring's file.
pub const RING_FILE: &str = "keys.ring";

const KIND_KEY: u8 = 1;
const KIND_TOMBSTONE: u8 = 2;
const KIND_NOTED_TOMBSTONE: u8 = 3;
const HEAD: &[u8] = b"ponte key ring v1";

/// The data keys of one daemon.
#[derive(Debug)]
pub struct KeyRing {
    files: Arc<dyn Files>,
    encryption_key: KeyEncryptionKey,
    entropy: Arc<dyn Entropy>,
    /// Held while the file changes; readers only take `keys`.
    file: Mutex<RingFile>,
    keys: RwLock<Keys>,
}

/// A data key with its id and name.
#[derive(Debug, Clone)]
pub struct NamedKey {
    /// Stands beside what the key sealed.
    pub id: KeyId,
    /// What it protects.
    pub name: KeyName,
    /// The key.
    pub key: Arc<DataKey>,
}

/// Why the ring cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// The key was destroyed, and with it what it sealed; its name cannot be used again.
    #[error("the key was destroyed")]
    Destroyed,
    /// The file does not open under this key-encryption key.
    #[error("the key ring does not open under this key-encryption key")]
    WrongEncryptionKey,
    /// The file is damaged.
    #[error("the key ring is damaged at offset {offset}")]
    Broken {
        /// Byte offset.
        offset: u64,
    },
    /// An earlier write failed; the ring makes no new keys until it is opened again.
    #[error("an earlier write to the key ring failed")]
    Poisoned,
    /// The file could not be read or written.
    #[error("the key ring cannot be read or written")]
    Io(#[from] io::Error),
}

#[derive(Debug)]
struct RingFile {
    file: Arc<dyn File>,
    frames: u64,
    len: u64,
    state: FileState,
}

/// Whether the file can be appended to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileState {
    /// It ends behind the last whole frame.
    Sound,
    /// The disk was full: part of a frame may stand behind the end, or destroyed keys before it. Written anew first.
    Stale,
    /// A write or sync failed and nothing is known.
    Poisoned,
}

#[derive(Default)]
struct Keys {
    by_name: HashMap<KeyName, NamedKey>,
    by_id: HashMap<KeyId, NamedKey>,
    bytes: BTreeMap<KeyName, Zeroizing<[u8; 32]>>,
    tombstones: BTreeMap<KeyName, Tombstone>,
    destroyed: HashMap<KeyId, KeyName>,
}

/// What is left of a destroyed key.
#[derive(Clone, PartialEq, Eq)]
struct Tombstone {
    id: KeyId,
    /// Empty where nothing was to be noted.
    note: Vec<u8>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Keys({} live, {} destroyed)",
            self.by_id.len(),
            self.tombstones.len()
        )
    }
}

impl KeyRing {
    /// Opens the ring of a directory, or makes an empty one.
    ///
    /// # Errors
    /// See [`RingError`].
    pub fn open(
        files: Arc<dyn Files>,
        encryption_key: KeyEncryptionKey,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, RingError> {
        let content = match files::read_whole(files.as_ref(), RING_FILE)? {
            Some(content) => content,
            None => {
                files::replace(files.as_ref(), RING_FILE, &[])?;
                Vec::new()
            }
        };
        let mut keys = Keys::default();
        let (frames, whole) = read_frames(&content, &encryption_key, &mut keys)?;
        if whole < content.len() {
            files::replace(files.as_ref(), RING_FILE, &content[..whole])?;
        }
        let file = RingFile {
            file: files.open(RING_FILE)?,
            frames,
            len: whole as u64,
            state: FileState::Sound,
        };
        Ok(Self {
            files,
            encryption_key,
            entropy,
            file: Mutex::new(file),
            keys: RwLock::new(keys),
        })
    }

    /// The key of a name, made and synced first when there is none.
    ///
    /// # Errors
    /// `Destroyed` for a name whose key was destroyed, `Poisoned` and `Io` when a new key cannot be stored.
    pub fn get_or_create(&self, name: &KeyName) -> Result<NamedKey, RingError> {
        if let Some(key) = self.find(name)? {
            return Ok(key);
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // Another caller may have made it while this one waited.
        if let Some(key) = self.find(name)? {
            return Ok(key);
        }
        self.make_sound(&mut file)?;
        let mut bytes = Zeroizing::new([0; 32]);
        let mut id = [0; 16];
        self.entropy.fill(bytes.as_mut_slice());
        self.entropy.fill(&mut id);
        let id = KeyId::from_bytes(id);
        let frame = self.frame(file.frames, &encode_key(id, &bytes, name))?;
        if let Err(error) = file.append(&frame) {
            return Err(file.failed(error));
        }
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        Ok(keys.insert(name.clone(), id, bytes))
    }

    /// The key of a name, if there is one.
    #[must_use]
    pub fn get(&self, name: &KeyName) -> Option<NamedKey> {
        self.keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .by_name
            .get(name)
            .cloned()
    }

    /// The key of an id, if there is one and it was not destroyed.
    #[must_use]
    pub fn by_id(&self, id: KeyId) -> Option<NamedKey> {
        self.keys
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .by_id
            .get(&id)
            .cloned()
    }

    /// The name of an id's key, also when that key was destroyed.
    #[must_use]
    pub fn name_of(&self, id: KeyId) -> Option<KeyName> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let live = keys.by_id.get(&id).map(|key| &key.name);
        live.or_else(|| keys.destroyed.get(&id)).cloned()
    }

    /// The id of a name's key, also when that key was destroyed.
    #[must_use]
    pub fn id_of(&self, name: &KeyName) -> Option<KeyId> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let live = keys.by_name.get(name).map(|key| key.id);
        live.or_else(|| keys.tombstones.get(name).map(|tombstone| tombstone.id))
    }

    /// The names of all keys that are not destroyed, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<KeyName> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.bytes.keys().cloned().collect()
    }

    /// Whether the key of a name was destroyed.
    #[must_use]
    pub fn is_destroyed(&self, name: &KeyName) -> bool {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.tombstones.contains_key(name)
    }

    /// The names of all keys that were destroyed, sorted, each with what was noted then.
    #[must_use]
    pub fn destroyed(&self) -> Vec<(KeyName, Vec<u8>)> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let tombstones = keys.tombstones.iter();
        tombstones
            .map(|(name, tombstone)| (name.clone(), tombstone.note.clone()))
            .collect()
    }

    /// Destroys the keys of these names for good; names without a key are passed over. Returns how many were destroyed.
    ///
    /// # Errors
    /// `Poisoned` and `Io`: the keys open nothing any more in this process, but the file may still hold them. When the
    /// disk was full, trying again is enough; else the ring must be opened again.
    pub fn destroy(&self, names: &[KeyName]) -> Result<usize, RingError> {
        self.change(|keys| {
            let mut destroyed = 0;
            for name in names {
                destroyed += usize::from(keys.destroy(name, &[]));
            }
            destroyed
        })
    }

    /// Destroys a key like [`destroy`](Self::destroy), and notes what must be known from then on. Where that was done
    /// before, the first note that is not empty stays.
    ///
    /// # Errors
    /// As of `destroy`.
    pub fn destroy_with(&self, name: &KeyName, note: &[u8]) -> Result<(), RingError> {
        self.change(|keys| usize::from(keys.destroy(name, note) | keys.note(name, note)))
            .map(drop)
    }

    /// Writes the file anew where `change` says that it changed anything.
    fn change(&self, change: impl FnOnce(&mut Keys) -> usize) -> Result<usize, RingError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.state == FileState::Poisoned {
            return Err(RingError::Poisoned);
        }
        let changed = change(&mut self.keys.write().unwrap_or_else(PoisonError::into_inner));
        if 0 < changed {
            file.state = FileState::Stale;
        }
        self.make_sound(&mut file)?;
        Ok(changed)
    }

    fn find(&self, name: &KeyName) -> Result<Option<NamedKey>, RingError> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        if keys.tombstones.contains_key(name) {
            return Err(RingError::Destroyed);
        }
        Ok(keys.by_name.get(name).cloned())
    }

    fn frame(&self, number: u64, plaintext: &[u8]) -> Result<Vec<u8>, RingError> {
        let mut nonce = [0; 12];
        self.entropy.fill(&mut nonce);
        let sealed = self
            .encryption_key
            .key()
            .seal_random(nonce, &associated(number), plaintext);
        let mut frame = Vec::with_capacity(sealed.len() + Envelope::OVERHEAD);
        envelope()
            .encode(number, &sealed, &mut frame)
            .ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
        Ok(frame)
    }

    /// Writes the file anew if the last change left it stale.
    fn make_sound(&self, file: &mut RingFile) -> Result<(), RingError> {
        match file.state {
            FileState::Sound => Ok(()),
            FileState::Poisoned => Err(RingError::Poisoned),
            FileState::Stale => {
                let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
                match self.rewrite(&keys) {
                    Ok(rewritten) => {
                        *file = rewritten;
                        Ok(())
                    }
                    Err(RingError::Io(error)) => Err(file.failed(error)),
                    Err(error) => Err(error),
                }
            }
        }
    }

    fn rewrite(&self, keys: &Keys) -> Result<RingFile, RingError> {
        let mut content = Vec::new();
        let mut number = 0;
        for (name, tombstone) in &keys.tombstones {
            content.extend(self.frame(number, &encode_tombstone(name, tombstone))?);
            number += 1;
        }
        for (name, bytes) in &keys.bytes {
            let Some(key) = keys.by_name.get(name) else {
                continue;
            };
            content.extend(self.frame(number, &encode_key(key.id, bytes, name))?);
            number += 1;
        }
        files::replace(self.files.as_ref(), RING_FILE, &content)?;
        Ok(RingFile {
            file: self.files.open(RING_FILE)?,
            frames: number,
            len: content.len() as u64,
            state: FileState::Sound,
        })
    }
}

impl RingFile {
    fn failed(&mut self, error: io::Error) -> RingError {
        self.state = if files::is_no_space(&error) {
            FileState::Stale
        } else {
            FileState::Poisoned
        };
        RingError::Io(error)
    }

    fn append(&mut self, frame: &[u8]) -> io::Result<()> {
        self.file.write_at(self.len, frame)?;
        self.file.sync_data()?;
        self.len += frame.len() as u64;
        self.frames += 1;
        Ok(())
    }
}

impl Keys {
    fn insert(&mut self, name: KeyName, id: KeyId, bytes: Zeroizing<[u8; 32]>) -> NamedKey {
        let key = NamedKey {
            id,
            name: name.clone(),
            key: Arc::new(DataKey::from_bytes(&bytes)),
        };
        self.by_name.insert(name.clone(), key.clone());
        self.by_id.insert(id, key.clone());
        self.bytes.insert(name, bytes);
        key
    }

    fn bury(&mut self, name: KeyName, id: KeyId, note: &[u8]) {
        self.destroyed.insert(id, name.clone());
        let note = note.to_vec();
        self.tombstones.insert(name, Tombstone { id, note });
    }

    /// Whether there was such a key.
    fn destroy(&mut self, name: &KeyName, note: &[u8]) -> bool {
        self.bytes.remove(name);
        let Some(key) = self.by_name.remove(name) else {
            return false;
        };
        self.by_id.remove(&key.id);
        self.bury(name.clone(), key.id, note);
        true
    }

    /// Notes something of a destroyed key of which nothing is noted, and says whether it did.
    fn note(&mut self, name: &KeyName, note: &[u8]) -> bool {
        let tombstone = self.tombstones.get_mut(name);
        let Some(tombstone) = tombstone.filter(|tombstone| tombstone.note.is_empty() && !note.is_empty())
        else {
            return false;
        };
        tombstone.note = note.to_vec();
        true
    }
}

/// Returns how many frames there are and where the last whole one ends.
fn read_frames(
    content: &[u8],
    encryption_key: &KeyEncryptionKey,
    keys: &mut Keys,
) -> Result<(u64, usize), RingError> {
    let format = envelope();
    let mut offset = 0;
    let mut number = 0;
    while offset < content.len() {
        let rest = &content[offset..];
        let broken = RingError::Broken {
            offset: offset as u64,
        };
        match format.probe(rest) {
            Probe::Complete(len) => {
                let framed = format
                    .decode(&rest[..len])
                    .filter(|framed| framed.sequence == number);
                let Some(framed) = framed else { return Err(broken) };
                let opened = encryption_key.key().open(&associated(number), framed.payload);
                let plaintext = opened.map_err(|OpenError| RingError::WrongEncryptionKey)?;
                decode(&plaintext, keys).ok_or(broken)?;
                offset += len;
                number += 1;
            }
            Probe::Incomplete { .. } | Probe::End | Probe::Broken => {
                // A key is used only once its frame is synced, so a last frame with missing bytes never was.
                if is_torn(rest, &format) {
                    break;
                }
                return Err(broken);
            }
        }
    }
    Ok((number, offset))
}

/// A frame is at most some 300 bytes: what a crash leaves of it ends early or lacks one of its two sectors.
fn is_torn(rest: &[u8], format: &Envelope) -> bool {
    let extent = rest
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    let first = rest.iter().position(|byte| *byte != 0).unwrap_or(0);
    let short = match format.probe(rest) {
        Probe::Incomplete { claimed } => extent < claimed && rest.len() <= claimed,
        Probe::Complete(_) | Probe::End | Probe::Broken => extent < format.head_len(),
    };
    short || 0 < first || extent == 0
}

fn envelope() -> Envelope {
    Envelope::new(*b"PKR1", 1).expect("the magic begins with a letter")
}

fn associated(number: u64) -> Vec<u8> {
    [HEAD, &number.to_be_bytes()].concat()
}

fn encode_key(id: KeyId, bytes: &[u8; 32], name: &KeyName) -> Zeroizing<Vec<u8>> {
    let mut plaintext = Zeroizing::new(Vec::with_capacity(49 + name.as_str().len()));
    plaintext.push(KIND_KEY);
    plaintext.extend_from_slice(id.as_bytes());
    plaintext.extend_from_slice(bytes);
    plaintext.extend_from_slice(name.as_str().as_bytes());
    plaintext
}

fn encode_tombstone(name: &KeyName, tombstone: &Tombstone) -> Vec<u8> {
    let Tombstone { id, note } = tombstone;
    let name = name.as_str().as_bytes();
    if note.is_empty() {
        return [&[KIND_TOMBSTONE], id.as_bytes().as_slice(), name].concat();
    }
    let length = u16::try_from(name.len()).expect("names of keys are short");
    [
        &[KIND_NOTED_TOMBSTONE],
        id.as_bytes().as_slice(),
        &length.to_be_bytes(),
        name,
        note,
    ]
    .concat()
}

fn decode(plaintext: &[u8], keys: &mut Keys) -> Option<()> {
    let (kind, rest) = plaintext.split_first()?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    let id = KeyId::from_bytes(*id);
    match *kind {
        KIND_KEY => {
            let (bytes, name) = rest.split_first_chunk::<32>()?;
            let name = KeyName::new(std::str::from_utf8(name).ok()?).ok()?;
            keys.insert(name, id, Zeroizing::new(*bytes));
        }
        KIND_TOMBSTONE => {
            let name = KeyName::new(std::str::from_utf8(rest).ok()?).ok()?;
            keys.bury(name, id, &[]);
        }
        KIND_NOTED_TOMBSTONE => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let (name, note) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            let name = KeyName::new(std::str::from_utf8(name).ok()?).ok()?;
            keys.bury(name, id, note);
        }
        _ => return None,
    }
    Some(())
}
