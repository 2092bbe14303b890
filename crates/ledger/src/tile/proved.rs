//! Tiles that are proved to lead to a signed root: from then on their hashes stand for the entries of the log.
//!
//! Every hash of a full tile of level L is under one hash of level L + 1, and every hash of the last, narrower tile of a
//! level is under the root itself. So a tree is proved from its root down, each tile once, and a proof of inclusion
//! for each entry apart is not needed.

use thiserror::Error;

use crate::hash::Hash;
use crate::tile::fetched::{NotFetched, TileLength, TileSet, tile_of};
use crate::tile::{TILE_HEIGHT, TILE_WIDTH, Tile, TileHashes, TileReader};
use crate::tree::{Frontier, ProofError, TreeError, root_of};

/// Tiles of one tree, proved against its root. Only [`Self::prove`] makes one.
#[derive(Clone, Debug)]
pub struct ProvedTiles(TileSet);

/// Why tiles do not prove anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TileProofError {
    /// A tile that the proof needs is not there.
    #[error(transparent)]
    Missing(#[from] NotFetched),
    /// A tile's bytes are too few or too many.
    #[error(transparent)]
    Length(#[from] TileLength),
    /// A tile is not one of the tree, or narrower than the tree has it.
    #[error("{0} is no tile of a tree of {1} entries")]
    Foreign(Tile, u64),
    /// The hashes of a tile are not those under the tile above it.
    #[error("the hashes of {0} are not those of the tree")]
    Tile(Tile),
    /// The right edge of the tiles gives another root.
    #[error("the tiles do not lead to the root of the checkpoint")]
    Root,
    /// The size is none that a tree can have, or larger than that of the tiles.
    #[error(transparent)]
    Tree(TreeError),
}

impl ProvedTiles {
    /// Proves each of the tiles. Among them must be those of the root, and above each full one the next.
    ///
    /// # Errors
    /// See [`TileProofError`]. What is above a tile that is named as wrong has been proved.
    pub fn prove(tiles: TileSet, root: &Hash) -> Result<Self, TileProofError> {
        let proved = Self(tiles);
        if proved.root_at(proved.0.size())? != *root {
            return Err(TileProofError::Root);
        }
        for (tile, hashes) in proved.0.iter().rev() {
            proved.check(*tile, hashes)?;
        }
        Ok(proved)
    }

    /// Number of leaves of the tree.
    pub fn size(&self) -> u64 {
        self.0.size()
    }

    /// The root that the tree had when it had `size` leaves. It is that of a checkpoint if, and only if, the tree
    /// continues the checkpoint's.
    ///
    /// # Errors
    /// The tree is smaller, or a tile is missing that it takes ([`crate::tile::fetched::tiles_of_older_root`]).
    pub fn root_at(&self, size: u64) -> Result<Hash, TileProofError> {
        if self.size() < size {
            let (old, new) = (size, self.size());
            return Err(TileProofError::Tree(TreeError::Shrinks { old, new }));
        }
        match Frontier::load(size, TileReader(&self.0)) {
            Ok(frontier) => Ok(frontier.root()),
            Err(ProofError::Read(missing)) => Err(missing.into()),
            Err(ProofError::Tree(error)) => Err(TileProofError::Tree(error)),
        }
    }

    /// Proves the bytes of a further tile, whose next one above is among these: the hashes of entries, which need not
    /// be held all at once.
    ///
    /// # Errors
    /// See [`TileProofError`].
    pub fn hashes_of(&self, tile: Tile, bytes: &[u8]) -> Result<Vec<Hash>, TileProofError> {
        let mut alone = TileSet::new(self.size());
        alone.insert(tile, bytes)?;
        let hashes = alone.get(&tile).unwrap_or_default();
        self.check(tile, hashes)?;
        // The narrower tile at the end of a level is under no other: it must be the one that led to the root.
        if tile.width() < TILE_WIDTH && self.0.get(&tile) != Some(hashes) {
            return Err(TileProofError::Tile(tile));
        }
        Ok(hashes.to_vec())
    }

    /// Checks that a tile is one of the tree and, when it is full, that it is under the tile above it.
    fn check(&self, tile: Tile, hashes: &[Hash]) -> Result<(), TileProofError> {
        if tile_of(self.size(), tile.level(), tile.first_hash()) != Some(tile) {
            return Err(TileProofError::Foreign(tile, self.size()));
        }
        if tile.width() < TILE_WIDTH {
            return Ok(());
        }
        let mut above = [Hash::EMPTY_TREE];
        self.0.read(tile.level() + 1, tile.index(), &mut above)?;
        let root = root_of(hashes).map_err(TileProofError::Tree)?;
        if above == [root] {
            Ok(())
        } else {
            Err(TileProofError::Tile(tile))
        }
    }
}

/// Place of an entry's hash in its tile of level 0.
pub fn place_in_tile(index: u64) -> usize {
    (index & ((1 << TILE_HEIGHT) - 1)) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::hash::leaf_hash;
    use crate::tile::fetched::{tiles_above, tiles_of_entry, tiles_of_older_root, tiles_of_root};

    struct Tree {
        leaves: Vec<Hash>,
        levels: Vec<Vec<Hash>>,
    }

    impl Tree {
        fn of(count: u64) -> Self {
            let leaves: Vec<Hash> = (0..count)
                .map(|number| leaf_hash(&number.to_be_bytes()))
                .collect();
            let mut levels = vec![leaves.clone()];
            while let Some(below) = levels.last().filter(|level| 256 <= level.len()) {
                let above = below.chunks_exact(256).map(|tile| root_of(tile).unwrap());
                levels.push(above.collect());
            }
            Self { leaves, levels }
        }

        fn root_at(&self, size: u64) -> Hash {
            root_of(&self.leaves[..size as usize]).unwrap()
        }

        fn bytes(&self, tile: Tile) -> Vec<u8> {
            let first = tile.first_hash() as usize;
            let hashes = &self.levels[usize::from(tile.level())][first..first + usize::from(tile.width())];
            hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
        }

        fn set(&self, size: u64, tiles: &BTreeSet<Tile>) -> TileSet {
            let mut set = TileSet::new(size);
            for tile in tiles {
                set.insert(*tile, &self.bytes(*tile)).unwrap();
            }
            set
        }
    }

    /// The tiles for the root of `size`, for each of the older sizes, and above one entry.
    fn wanted(size: u64, older: &[u64], entry: u64) -> BTreeSet<Tile> {
        let mut tiles = tiles_of_root(size).unwrap();
        for old in older {
            tiles.extend(tiles_of_older_root(*old, size).unwrap());
        }
        let above: Vec<Tile> = tiles.iter().flat_map(|tile| tiles_above(*tile, size)).collect();
        tiles.extend(above);
        tiles.extend(tiles_of_entry(entry, size).filter(|tile| 0 < tile.level()));
        tiles
    }

    #[test]
    fn entries_and_older_roots_are_those_of_the_tree() {
        let tree = Tree::of(66_000);
        for size in [1, 255, 256, 257, 700, 65_535, 65_536, 65_537, 66_000] {
            let older: Vec<u64> = [0, 1, 200, 256, 500, 512, 65_536]
                .into_iter()
                .filter(|old| *old <= size)
                .collect();
            for entry in [0, size / 2, size - 1] {
                let tiles = wanted(size, &older, entry);
                let proved = ProvedTiles::prove(tree.set(size, &tiles), &tree.root_at(size)).unwrap();
                for old in &older {
                    assert_eq!(proved.root_at(*old), Ok(tree.root_at(*old)), "{old} of {size}");
                }
                let tile = tile_of(size, 0, entry).unwrap();
                let hashes = proved.hashes_of(tile, &tree.bytes(tile)).unwrap();
                assert_eq!(hashes[place_in_tile(entry)], tree.leaves[entry as usize]);
            }
        }
    }

    #[test]
    fn every_changed_hash_is_found() {
        let tree = Tree::of(1_000);
        let tiles = wanted(1_000, &[300], 600);
        let root = tree.root_at(1_000);
        for changed in &tiles {
            for at in 0..usize::from(changed.width()) {
                let mut set = tree.set(1_000, &tiles);
                let mut bytes = tree.bytes(*changed);
                bytes[at * Hash::LEN] ^= 1;
                set.insert(*changed, &bytes).unwrap();
                assert!(ProvedTiles::prove(set, &root).is_err(), "{changed} {at}");
            }
        }
        let proved = ProvedTiles::prove(tree.set(1_000, &tiles), &root).unwrap();
        for tile in [tile_of(1_000, 0, 600).unwrap(), tile_of(1_000, 0, 999).unwrap()] {
            let mut bytes = tree.bytes(tile);
            bytes[5] ^= 1;
            assert_eq!(proved.hashes_of(tile, &bytes), Err(TileProofError::Tile(tile)));
            assert!(matches!(
                proved.hashes_of(tile, &bytes[1..]),
                Err(TileProofError::Length(_))
            ));
        }
        let narrow = Tile::new(0, 0, 3).unwrap();
        assert_eq!(
            proved.hashes_of(narrow, &tree.bytes(narrow)),
            Err(TileProofError::Foreign(narrow, 1_000))
        );
        let missing = tree.set(1_000, &BTreeSet::new());
        assert!(matches!(
            ProvedTiles::prove(missing, &root),
            Err(TileProofError::Missing(_))
        ));
        assert_eq!(
            ProvedTiles::prove(tree.set(1_000, &tiles), &tree.root_at(999)).err(),
            Some(TileProofError::Root)
        );
    }
}
