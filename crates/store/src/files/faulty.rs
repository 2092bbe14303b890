//! A directory in memory that fails on command and can show what a disk may hold after a power cut.
//!
//! It is the double for every test of durability. It keeps two states, what processes see and what the disk holds,
//! with the writes between them; a sync moves a file's writes to the disk, [`FaultyFiles::crash_image`] lets chance decide.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Error, ErrorKind, Result},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{File, Files, SECTOR, check_name};

/// One fault. Writes (creations included) and syncs (directory included) are counted separately, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// This write fails and nothing of it is seen again.
    WriteLost(u64),
    /// This write fails although all of it was done.
    WritePersisted(u64),
    /// This write fails after so many bytes.
    WriteShort(u64, usize),
    /// This sync fails and what it should have made durable never will be.
    SyncLost(u64),
    /// This sync fails although all of it was done.
    SyncPersisted(u64),
    /// From this write on nothing new fits (`StorageFull`) until [`FaultyFiles::make_room`]; writes inside files go on.
    FullFrom(u64),
}

/// What syncs do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syncs {
    /// What POSIX promises.
    Honest,
    /// Nothing, successfully: the negative control of power-cut tests.
    Ignored,
}

/// The double. Clones share one directory.
#[derive(Debug, Clone)]
pub struct FaultyFiles {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    syncs: Syncs,
    faults: BTreeSet<Fault>,
    full: bool,
    writes_done: u64,
    syncs_done: u64,
    files: Vec<Content>,
    seen: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    changes: Vec<NameChange>,
}

#[derive(Debug, Default, Clone)]
struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<(usize, Vec<u8>)>,
}

#[derive(Debug, Clone)]
enum NameChange {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

impl Default for FaultyFiles {
    fn default() -> Self {
        Self::new(Syncs::Honest)
    }
}

impl FaultyFiles {
    /// An empty directory without faults.
    #[must_use]
    pub fn new(syncs: Syncs) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                syncs,
                faults: BTreeSet::new(),
                full: false,
                writes_done: 0,
                syncs_done: 0,
                files: Vec::new(),
                seen: BTreeMap::new(),
                durable: BTreeMap::new(),
                changes: Vec::new(),
            })),
        }
    }

    /// Adds a fault to the script.
    pub fn inject(&self, fault: Fault) {
        self.lock().faults.insert(fault);
    }

    /// Ends a full disk.
    pub fn make_room(&self) {
        let mut state = self.lock();
        state.faults.retain(|fault| !matches!(fault, Fault::FullFrom(_)));
        state.full = false;
    }

    /// How many writes and creations were tried so far.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.lock().writes_done
    }

    /// How many syncs were tried so far.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.lock().syncs_done
    }

    /// What a process sees after this one died and no power was lost: everything written, no fault.
    #[must_use]
    pub fn after_kill(&self) -> Self {
        let state = self.lock();
        let image = Self::new(state.syncs);
        {
            let mut copy = image.lock();
            for (name, file) in &state.seen {
                copy.add(name, state.files[*file].seen.clone());
            }
        }
        image
    }

    /// What the disk may hold after a power cut: durable bytes, and of the rest what the seed chooses, in any order,
    /// torn at sectors. The result has no faults and is wholly durable.
    #[must_use]
    pub fn crash_image(&self, seed: u64) -> Self {
        let state = self.lock();
        let mut chance = Chance(seed);
        let mut names = state.durable.clone();
        for change in &state.changes {
            if chance.coin() {
                apply_change(&mut names, change);
            }
        }
        let image = Self::new(state.syncs);
        {
            let mut copy = image.lock();
            for (name, file) in &names {
                copy.add(name, crashed(&state.files[*file], &mut chance));
            }
        }
        image
    }

    /// A file's bytes as processes see them.
    #[must_use]
    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.lock();
        state.seen.get(name).map(|file| state.files[*file].seen.clone())
    }

    /// Sets a file's bytes, durably and without counting as a write.
    pub fn set_content(&self, name: &str, bytes: Vec<u8>) {
        self.lock().add(name, bytes);
    }

    /// Turns one bit of a file, as a disk that decays does: also for whoever has it open.
    pub fn flip_bit(&self, name: &str, bit: usize) {
        let mut state = self.lock();
        if let Some(file) = state.seen.get(name).copied() {
            let Content { seen, durable, .. } = &mut state.files[file];
            for bytes in [seen, durable] {
                if let Some(byte) = bytes.get_mut(bit / 8) {
                    *byte ^= 1 << (bit % 8);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, file: usize) -> Arc<dyn File> {
        Arc::new(FaultyFile {
            state: Arc::clone(&self.state),
            file,
        })
    }
}

impl Files for FaultyFiles {
    fn create(&self, name: &str, len: u64) -> Result<Arc<dyn File>> {
        check_name(name)?;
        let mut state = self.lock();
        if state.seen.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let outcome = state.next_write();
        if state.full {
            return Err(ErrorKind::StorageFull.into());
        }
        let len = usize::try_from(len).map_err(Error::other)?;
        let len = match outcome {
            Outcome::Done | Outcome::FailedDone => len,
            Outcome::FailedShort(short) => short.min(len),
            Outcome::FailedLost => return Err(injected()),
        };
        let file = state.files.len();
        state.files.push(Content {
            seen: vec![0; len],
            durable: Vec::new(),
            pending: vec![(0, vec![0; len])],
        });
        state.seen.insert(name.to_owned(), file);
        state.changes.push(NameChange::Create(name.to_owned(), file));
        match outcome {
            Outcome::Done => Ok(self.handle(file)),
            Outcome::FailedDone | Outcome::FailedShort(_) | Outcome::FailedLost => Err(injected()),
        }
    }

    fn open(&self, name: &str) -> Result<Arc<dyn File>> {
        check_name(name)?;
        let file = self.lock().seen.get(name).copied();
        file.map(|file| self.handle(file))
            .ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        check_name(from)?;
        check_name(to)?;
        let mut state = self.lock();
        if !state.seen.contains_key(from) {
            return Err(ErrorKind::NotFound.into());
        }
        let change = NameChange::Rename(from.to_owned(), to.to_owned());
        apply_change(&mut state.seen, &change);
        state.changes.push(change);
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<()> {
        check_name(name)?;
        let mut state = self.lock();
        if !state.seen.contains_key(name) {
            return Err(ErrorKind::NotFound.into());
        }
        let change = NameChange::Remove(name.to_owned());
        apply_change(&mut state.seen, &change);
        state.changes.push(change);
        Ok(())
    }

    fn sync_dir(&self) -> Result<()> {
        let mut state = self.lock();
        let outcome = state.next_sync();
        if state.syncs == Syncs::Honest {
            match outcome {
                Outcome::Done | Outcome::FailedDone => state.durable = state.seen.clone(),
                Outcome::FailedLost | Outcome::FailedShort(_) => {}
            }
            state.changes.clear();
        }
        outcome.into_result()
    }

    fn list(&self) -> Result<Vec<String>> {
        Ok(self.lock().seen.keys().cloned().collect())
    }
}

#[derive(Debug)]
struct FaultyFile {
    state: Arc<Mutex<State>>,
    file: usize,
}

impl FaultyFile {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl File for FaultyFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let state = self.lock();
        let start = usize::try_from(offset).map_err(Error::other)?;
        let bytes = start
            .checked_add(buffer.len())
            .and_then(|end| state.files[self.file].seen.get(start..end))
            .ok_or(ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut state = self.lock();
        let start = usize::try_from(offset).map_err(Error::other)?;
        let outcome = state.next_write();
        let full = state.full;
        let content = &mut state.files[self.file];
        if full && content.seen.len() < start + bytes.len() {
            return Err(ErrorKind::StorageFull.into());
        }
        let kept = match outcome {
            Outcome::Done | Outcome::FailedDone => bytes,
            Outcome::FailedShort(short) => &bytes[..short.min(bytes.len())],
            Outcome::FailedLost => return Err(injected()),
        };
        overwrite(&mut content.seen, start, kept);
        content.pending.push((start, kept.to_vec()));
        outcome.into_result()
    }

    fn sync_data(&self) -> Result<()> {
        let mut state = self.lock();
        let outcome = state.next_sync();
        if state.syncs == Syncs::Honest {
            let content = &mut state.files[self.file];
            let pending = std::mem::take(&mut content.pending);
            if matches!(outcome, Outcome::Done | Outcome::FailedDone) {
                for (start, bytes) in pending {
                    overwrite(&mut content.durable, start, &bytes);
                }
            }
        }
        outcome.into_result()
    }

    fn len(&self) -> Result<u64> {
        Ok(self.lock().files[self.file].seen.len() as u64)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    FailedDone,
    FailedShort(usize),
    FailedLost,
}

impl Outcome {
    fn into_result(self) -> Result<()> {
        match self {
            Self::Done => Ok(()),
            Self::FailedDone | Self::FailedShort(_) | Self::FailedLost => Err(injected()),
        }
    }
}

impl State {
    fn add(&mut self, name: &str, bytes: Vec<u8>) {
        let file = self.files.len();
        self.files.push(Content {
            seen: bytes.clone(),
            durable: bytes,
            pending: Vec::new(),
        });
        self.seen.insert(name.to_owned(), file);
        self.durable.insert(name.to_owned(), file);
    }

    fn next_write(&mut self) -> Outcome {
        let index = self.writes_done;
        self.writes_done += 1;
        let mut outcome = Outcome::Done;
        for fault in &self.faults {
            match *fault {
                Fault::WriteLost(at) if at == index => outcome = Outcome::FailedLost,
                Fault::WritePersisted(at) if at == index => outcome = Outcome::FailedDone,
                Fault::WriteShort(at, bytes) if at == index => outcome = Outcome::FailedShort(bytes),
                Fault::FullFrom(from) if from <= index => self.full = true,
                Fault::WriteLost(_)
                | Fault::WritePersisted(_)
                | Fault::WriteShort(..)
                | Fault::SyncLost(_)
                | Fault::SyncPersisted(_)
                | Fault::FullFrom(_) => {}
            }
        }
        outcome
    }

    fn next_sync(&mut self) -> Outcome {
        let index = self.syncs_done;
        self.syncs_done += 1;
        if self.faults.contains(&Fault::SyncLost(index)) {
            return Outcome::FailedLost;
        }
        if self.faults.contains(&Fault::SyncPersisted(index)) {
            return Outcome::FailedDone;
        }
        Outcome::Done
    }
}

/// A small generator (SplitMix64), so that an image can be made again from its seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn coin(&mut self) -> bool {
        self.next() & 1 == 0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit.max(1) as u64)).unwrap_or(0)
    }
}

fn crashed(content: &Content, chance: &mut Chance) -> Vec<u8> {
    let mut bytes = content.durable.clone();
    let mut pending: Vec<&(usize, Vec<u8>)> = content.pending.iter().collect();
    for last in (1..pending.len()).rev() {
        pending.swap(last, chance.below(last + 1));
    }
    for (start, written) in pending {
        match chance.below(3) {
            0 => {}
            1 => overwrite(&mut bytes, *start, written),
            _ => {
                for (from, to) in sectors(*start, written.len()) {
                    if chance.coin() {
                        overwrite(&mut bytes, from, &written[from - start..to - start]);
                    }
                }
            }
        }
    }
    bytes
}

/// The pieces of `[start, start + len)` between sector boundaries.
fn sectors(start: usize, len: usize) -> impl Iterator<Item = (usize, usize)> {
    let sector = usize::try_from(SECTOR).unwrap_or(usize::MAX);
    let end = start + len;
    let mut from = start;
    std::iter::from_fn(move || {
        if end <= from {
            return None;
        }
        let to = ((from / sector + 1) * sector).min(end);
        let piece = (from, to);
        from = to;
        Some(piece)
    })
}

fn overwrite(target: &mut Vec<u8>, start: usize, bytes: &[u8]) {
    let end = start + bytes.len();
    if target.len() < end {
        target.resize(end, 0);
    }
    target[start..end].copy_from_slice(bytes);
}

fn apply_change(names: &mut BTreeMap<String, usize>, change: &NameChange) {
    match change {
        NameChange::Create(name, file) => {
            names.insert(name.clone(), *file);
        }
        NameChange::Rename(from, to) => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
        NameChange::Remove(name) => {
            names.remove(name);
        }
    }
}

fn injected() -> Error {
    Error::other("an injected fault")
}
