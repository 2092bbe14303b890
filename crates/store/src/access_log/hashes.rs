//! Stored hashes of the tree, one file for each tile level: a projection of the segments.
//!
//! New hashes stay in memory until the keeper writes them out. Nothing here is synced: opening computes every hash
//! anew and rewrites what differs.

use std::{
    io::{self, ErrorKind},
    sync::{Arc, PoisonError, RwLock},
};

use ledger::{
    hash::{Hash, node_hash},
    tile::{TILE_HEIGHT, TILE_LEVELS, TILE_WIDTH, TileHashes, completed},
    tree::BatchTree,
};

use crate::files::{File, Files};

/// From so many hashes in memory on they are written out also while the log is busy.
pub(super) const FLUSH_FROM: usize = 1 << 15;

#[derive(Debug)]
pub(super) struct StoredHashes {
    levels: RwLock<Vec<Level>>,
}

#[derive(Debug)]
struct Level {
    file: Arc<dyn File>,
    /// Hashes in the file.
    flushed: u64,
    /// Hashes behind those.
    tail: Vec<Hash>,
}

/// Computes stored hashes from leaves and compares the files with them.
#[derive(Debug)]
pub(super) struct Rebuild {
    levels: Vec<Level>,
    groups: Vec<Vec<Hash>>,
    rewritten: u64,
}

impl Rebuild {
    pub(super) fn start(files: &dyn Files) -> io::Result<Self> {
        let mut levels = Vec::new();
        for level in 0..TILE_LEVELS {
            let name = format!("hashes-{level}.tiles");
            let file = match files.open(&name) {
                Err(error) if error.kind() == ErrorKind::NotFound => files.create(&name, 0)?,
                opened => opened?,
            };
            levels.push(Level {
                file,
                flushed: 0,
                tail: Vec::new(),
            });
        }
        Ok(Self {
            groups: vec![Vec::new(); levels.len()],
            levels,
            rewritten: 0,
        })
    }

    pub(super) fn push(&mut self, leaf: Hash) -> io::Result<()> {
        let mut hash = leaf;
        for (level, group) in self.levels.iter_mut().zip(&mut self.groups) {
            level.tail.push(hash);
            if FLUSH_FROM <= level.tail.len() {
                self.rewritten += level.settle()?;
            }
            group.push(hash);
            if group.len() < usize::from(TILE_WIDTH) {
                break;
            }
            hash = root_of_group(group);
            group.clear();
        }
        Ok(())
    }

    /// Returns the hashes and how many in the files were missing or wrong.
    pub(super) fn finish(mut self) -> io::Result<(StoredHashes, u64)> {
        for level in &mut self.levels {
            self.rewritten += level.settle()?;
        }
        let hashes = StoredHashes {
            levels: RwLock::new(self.levels),
        };
        Ok((hashes, self.rewritten))
    }
}

impl Level {
    /// Brings the file in line with the tail and forgets the tail. Returns how many hashes were written.
    fn settle(&mut self) -> io::Result<u64> {
        let expected = bytes_of(&self.tail);
        let offset = self.flushed * Hash::LEN as u64;
        let mut found = vec![0; expected.len()];
        let equal = match self.file.read_at(offset, &mut found) {
            Ok(()) => found == expected,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => false,
            Err(error) => return Err(error),
        };
        let count = self.tail.len() as u64;
        self.flushed += count;
        self.tail.clear();
        if equal {
            return Ok(0);
        }
        self.file.write_at(offset, &expected)?;
        Ok(count)
    }
}

impl StoredHashes {
    /// Adds what a batch completed. Returns how many hashes are in memory.
    pub(super) fn append(&self, tree: &BatchTree) -> usize {
        let mut levels = self.levels.write().unwrap_or_else(PoisonError::into_inner);
        for (level, index) in completed(tree.first_index(), tree.size()) {
            if let Some(hash) = tree.completed_hash(level * TILE_HEIGHT, index) {
                levels[usize::from(level)].tail.push(hash);
            }
        }
        levels.iter().map(|level| level.tail.len()).sum()
    }

    /// Writes what is in memory to the files. Only one thread may call it.
    pub(super) fn flush(&self) -> io::Result<()> {
        for number in 0..usize::from(TILE_LEVELS) {
            let (file, flushed, tail) = {
                let levels = self.levels.read().unwrap_or_else(PoisonError::into_inner);
                let level = &levels[number];
                (Arc::clone(&level.file), level.flushed, level.tail.clone())
            };
            if tail.is_empty() {
                continue;
            }
            file.write_at(flushed * Hash::LEN as u64, &bytes_of(&tail))?;
            let mut levels = self.levels.write().unwrap_or_else(PoisonError::into_inner);
            let level = &mut levels[number];
            level.tail.drain(..tail.len());
            level.flushed += tail.len() as u64;
        }
        Ok(())
    }
}

impl TileHashes for StoredHashes {
    type Error = io::Error;

    fn read(&self, tile_level: u8, first: u64, hashes: &mut [Hash]) -> io::Result<()> {
        let levels = self.levels.read().unwrap_or_else(PoisonError::into_inner);
        let level = levels.get(usize::from(tile_level)).ok_or(ErrorKind::NotFound)?;
        let in_file = level.flushed.saturating_sub(first).min(hashes.len() as u64);
        let in_file = usize::try_from(in_file).map_err(io::Error::other)?;
        let (from_file, from_tail) = hashes.split_at_mut(in_file);
        if !from_file.is_empty() {
            let mut bytes = vec![0; from_file.len() * Hash::LEN];
            level.file.read_at(first * Hash::LEN as u64, &mut bytes)?;
            for (hash, bytes) in from_file.iter_mut().zip(bytes.as_chunks().0) {
                *hash = Hash::new(*bytes);
            }
        }
        if !from_tail.is_empty() {
            let skip = usize::try_from((first + in_file as u64) - level.flushed).map_err(io::Error::other)?;
            let tail = level
                .tail
                .get(skip..skip + from_tail.len())
                .ok_or(ErrorKind::NotFound)?;
            from_tail.copy_from_slice(tail);
        }
        Ok(())
    }
}

fn bytes_of(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

fn root_of_group(group: &[Hash]) -> Hash {
    let mut row = group.to_vec();
    while 1 < row.len() {
        row = row
            .as_chunks()
            .0
            .iter()
            .map(|[left, right]| node_hash(left, right))
            .collect();
    }
    row[0]
}
