//! Proofs from tiles that somebody else serves: which ones a question needs, and answers out of them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use crate::hash::Hash;
use crate::tile::{TILE_HEIGHT, TILE_LEVELS, TILE_WIDTH, Tile, TileHashes, TileReader, stored_hashes};
use crate::tree::{Frontier, HashReader, ProofError, TreeError, consistency_proof};

/// Tiles of a tree of one size, as they were fetched. Nothing in them is proved before a root is recomputed.
#[derive(Clone, Debug)]
pub struct TileSet {
    size: u64,
    tiles: BTreeMap<Tile, Vec<Hash>>,
}

/// A fetched tile that is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{tile} has {actual} bytes where {expected} belong")]
pub struct TileLength {
    pub tile: Tile,
    pub expected: usize,
    pub actual: usize,
}

/// A hash that is in none of the tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("hash {index} of tile level {tile_level} is in no tile that was fetched")]
pub struct NotFetched {
    pub tile_level: u8,
    pub index: u64,
}

/// Tiles from which the root of a tree of `size` leaves is computed.
///
/// # Errors
/// The size is above 2^63.
pub fn tiles_of_root(size: u64) -> Result<BTreeSet<Tile>, TreeError> {
    asked_for(size, |reader| Frontier::load(size, reader).map(drop))
}

/// Tiles of the tree of `new` leaves from which the proof is computed that it continues the tree of `old` leaves.
///
/// # Errors
/// `new` is smaller than `old` or above 2^63.
pub fn tiles_of_consistency(old: u64, new: u64) -> Result<BTreeSet<Tile>, TreeError> {
    asked_for(new, |reader| consistency_proof(old, new, reader).map(drop))
}

/// Tiles of the tree of `new` leaves from which the root is computed that it had when it had `old`.
///
/// # Errors
/// `new` is smaller than `old` or above 2^63.
pub fn tiles_of_older_root(old: u64, new: u64) -> Result<BTreeSet<Tile>, TreeError> {
    if new < old {
        return Err(TreeError::Shrinks { old, new });
    }
    asked_for(new, |reader| Frontier::load(old, reader).map(drop))
}

/// The tile that holds the leaf hash of an entry in the tree of `size` leaves, and the tiles through which it leads to
/// the root, lowest first; none when the tree has no such entry. Tiles that belong to the root itself
/// ([`tiles_of_root`]) are not among them where they lie beside the way.
pub fn tiles_of_entry(index: u64, size: u64) -> impl Iterator<Item = Tile> {
    (0..TILE_LEVELS).map_while(move |level| tile_of(size, level, index >> (level * TILE_HEIGHT)))
}

/// The tiles above a tile in the tree of `size` leaves, through which it leads to the root, lowest first.
pub fn tiles_above(tile: Tile, size: u64) -> impl Iterator<Item = Tile> {
    let first = tile.first_hash() << (tile.level() * TILE_HEIGHT);
    tiles_of_entry(first, size).filter(move |other| tile.level() < other.level())
}

/// The tile that holds a hash, as wide as it is in a tree of `size` leaves; `None` when the tree has no such hash.
pub fn tile_of(size: u64, tile_level: u8, hash: u64) -> Option<Tile> {
    let stored = stored_hashes(tile_level, size);
    if stored <= hash {
        return None;
    }
    let index = hash >> TILE_HEIGHT;
    let width = (stored - (index << TILE_HEIGHT)).min(TILE_WIDTH.into());
    Tile::new(tile_level, index, u16::try_from(width).ok()?).ok()
}

impl TileSet {
    /// No tile yet, of a tree of `size` leaves.
    pub fn new(size: u64) -> Self {
        Self {
            size,
            tiles: BTreeMap::new(),
        }
    }

    /// Number of leaves of the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of a tile that was taken in.
    pub fn get(&self, tile: &Tile) -> Option<&[Hash]> {
        self.tiles.get(tile).map(Vec::as_slice)
    }

    /// Every tile that was taken in, by level and index.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Tile, &[Hash])> {
        self.tiles.iter().map(|(tile, hashes)| (tile, hashes.as_slice()))
    }

    /// Takes a tile's bytes in.
    ///
    /// # Errors
    /// Not as many bytes as the tile has.
    pub fn insert(&mut self, tile: Tile, bytes: &[u8]) -> Result<(), TileLength> {
        let expected = tile.bytes();
        if bytes.len() != expected {
            return Err(TileLength {
                tile,
                expected,
                actual: bytes.len(),
            });
        }
        let (hashes, _) = bytes.as_chunks();
        self.tiles
            .insert(tile, hashes.iter().copied().map(Hash::new).collect());
        Ok(())
    }
}

impl TileHashes for TileSet {
    type Error = NotFetched;

    fn read(&self, tile_level: u8, first: u64, hashes: &mut [Hash]) -> Result<(), NotFetched> {
        for (index, hash) in (first..).zip(hashes) {
            *hash = tile_of(self.size, tile_level, index)
                .and_then(|tile| {
                    self.tiles
                        .get(&tile)?
                        .get(usize::try_from(index - tile.first_hash()).ok()?)
                })
                .copied()
                .ok_or(NotFetched { tile_level, index })?;
        }
        Ok(())
    }
}

/// Writes down which tiles are asked for, and answers anything: what is asked for does not depend on any hash.
struct Asked {
    size: u64,
    tiles: RefCell<BTreeSet<Tile>>,
}

impl TileHashes for &Asked {
    type Error = NotFetched;

    fn read(&self, tile_level: u8, first: u64, hashes: &mut [Hash]) -> Result<(), NotFetched> {
        for (index, _) in (first..).zip(hashes) {
            let tile = tile_of(self.size, tile_level, index).ok_or(NotFetched { tile_level, index })?;
            self.tiles.borrow_mut().insert(tile);
        }
        Ok(())
    }
}

fn asked_for(
    size: u64,
    question: impl FnOnce(&dyn HashReader<Error = NotFetched>) -> Result<(), ProofError<NotFetched>>,
) -> Result<BTreeSet<Tile>, TreeError> {
    let asked = Asked {
        size,
        tiles: RefCell::default(),
    };
    match question(&TileReader(&asked)) {
        Ok(()) => Ok(asked.tiles.into_inner()),
        Err(ProofError::Tree(error)) => Err(error),
        // Proofs and roots of a tree are made of nodes that it has.
        Err(ProofError::Read(_)) => Err(TreeError::TooLarge(size)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;
    use crate::tile::completed;
    use crate::tree::{root_of, verify_consistency};

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count)
            .map(|number| leaf_hash(&number.to_be_bytes()))
            .collect()
    }

    /// A level of stored hashes as one list.
    fn levels(leaves: &[Hash]) -> Vec<Vec<Hash>> {
        let mut levels = vec![leaves.to_vec()];
        while let Some(below) = levels.last().filter(|level| 256 <= level.len()) {
            let above = below
                .chunks_exact(256)
                .map(|tile| root_of(tile).unwrap())
                .collect();
            levels.push(above);
        }
        levels
    }

    fn fetched(size: u64, tiles: &BTreeSet<Tile>, levels: &[Vec<Hash>]) -> TileSet {
        let mut set = TileSet::new(size);
        for tile in tiles {
            let first = tile.first_hash() as usize;
            let hashes = &levels[usize::from(tile.level())][first..first + usize::from(tile.width())];
            let bytes: Vec<u8> = hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
            set.insert(*tile, &bytes).unwrap();
        }
        set
    }

    #[test]
    fn root_and_consistency_come_from_the_tiles_that_were_named() {
        let all = leaves(66_000);
        let stored = levels(&all);
        let sizes = [
            0, 1, 2, 255, 256, 257, 511, 512, 513, 1_000, 65_535, 65_536, 65_537, 66_000,
        ];
        for new in sizes {
            let root = root_of(&all[..new as usize]).unwrap();
            let tiles = tiles_of_root(new).unwrap();
            assert!(tiles.len() <= 8, "{new}: {tiles:?}");
            let set = fetched(new, &tiles, &stored);
            assert_eq!(
                Frontier::load(new, TileReader(&set)).unwrap().root(),
                root,
                "{new}"
            );
            for old in sizes.into_iter().filter(|old| *old <= new) {
                let tiles = tiles_of_consistency(old, new).unwrap();
                let set = fetched(new, &tiles, &stored);
                let proof = consistency_proof(old, new, TileReader(&set)).unwrap();
                let old_root = root_of(&all[..old as usize]).unwrap();
                assert_eq!(
                    verify_consistency(old, &old_root, new, &root, &proof),
                    Ok(()),
                    "{old} to {new}"
                );
            }
        }
        assert_eq!(completed(0, 66_000).count(), 66_000 + 257 + 1);
    }

    #[test]
    fn tiles_are_as_wide_as_the_tree_has_them() {
        let names = |tiles: BTreeSet<Tile>| -> Vec<String> { tiles.iter().map(Tile::path).collect() };
        assert_eq!(names(tiles_of_root(0).unwrap()), [""; 0]);
        assert_eq!(names(tiles_of_root(1).unwrap()), ["tile/0/000.p/1"]);
        assert_eq!(names(tiles_of_root(256).unwrap()), ["tile/1/000.p/1"]);
        assert_eq!(
            names(tiles_of_root(70_000).unwrap()),
            ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
        );
        assert_eq!(names(tiles_of_consistency(256, 256).unwrap()), [""; 0]);
        assert_eq!(
            names(tiles_of_consistency(255, 257).unwrap()),
            ["tile/0/000", "tile/0/001.p/1"]
        );
    }

    #[test]
    fn what_cannot_be_asked_is_an_error_and_no_panic() {
        assert_eq!(
            tiles_of_consistency(2, 1),
            Err(TreeError::Shrinks { old: 2, new: 1 })
        );
        assert_eq!(tiles_of_root(u64::MAX), Err(TreeError::TooLarge(u64::MAX)));
        assert!(tiles_of_root(1 << 63).is_ok());
        assert!(tiles_of_consistency(1, 1 << 63).is_ok());
    }

    #[test]
    fn a_tile_of_another_length_is_refused_and_one_that_was_not_fetched_is_named() {
        let tile = Tile::new(0, 0, 2).unwrap();
        let mut set = TileSet::new(2);
        for length in [0, 63, 65, 8192] {
            let error = set.insert(tile, &vec![7; length]).unwrap_err();
            assert_eq!((error.expected, error.actual), (64, length));
        }
        let missing = Frontier::load(2, TileReader(&set)).unwrap_err();
        assert_eq!(
            missing,
            ProofError::Read(NotFetched {
                tile_level: 0,
                index: 0
            })
        );
    }
}
