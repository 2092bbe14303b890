//! Which tiles an export needs, and reading them from its directory.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ledger::hash::Hash;
use ledger::tile::Tile;
use ledger::tile::fetched::{
    TileSet, tile_of, tiles_above, tiles_of_entry, tiles_of_older_root, tiles_of_root,
};
use ledger::tile::proved::{ProvedTiles, TileProofError, place_in_tile};
use ledger::tree::TreeError;

use super::difference::{Cause, Difference, Verification};

/// Tiles that an export needs.
#[derive(Clone, Debug, Default)]
pub struct NeededTiles {
    /// Those that are held in memory while the export is proved: of the roots, and above those of entries.
    pub held: BTreeSet<Tile>,
    /// Those that hold hashes of entries.
    pub leaves: BTreeSet<Tile>,
}

/// The hashes of entries, proved tile by tile in the order of the entries.
#[derive(Debug)]
pub struct ProvedLeaves<'a> {
    directory: &'a Path,
    tiles: ProvedTiles,
    open: Option<(Tile, Vec<Hash>)>,
}

impl NeededTiles {
    /// The tiles of the roots of a tree of `size` entries, and of the older sizes.
    ///
    /// # Errors
    /// An older size is larger, or the size above 2^63.
    pub fn of_roots(size: u64, older: impl IntoIterator<Item = u64>) -> Result<Self, TreeError> {
        let mut held = tiles_of_root(size)?;
        for old in older {
            held.extend(tiles_of_older_root(old, size)?);
        }
        let above: Vec<Tile> = held.iter().flat_map(|tile| tiles_above(*tile, size)).collect();
        held.extend(above);
        Ok(Self {
            held,
            leaves: BTreeSet::new(),
        })
    }

    /// The tiles of an entry too.
    pub fn add_entry(&mut self, index: u64, size: u64) {
        let mut way = tiles_of_entry(index, size);
        if let Some(leaves) = way.next()
            && self.leaves.insert(leaves)
        {
            self.held.extend(way);
        }
    }

    /// All of them.
    pub fn all(&self) -> BTreeSet<Tile> {
        self.held.union(&self.leaves).copied().collect()
    }
}

impl<'a> ProvedLeaves<'a> {
    /// Reads and proves the tiles of the roots.
    ///
    /// # Errors
    /// A tile is missing or wrong.
    pub fn open(
        directory: &'a Path,
        needed: &NeededTiles,
        size: u64,
        root: &Hash,
    ) -> Result<Self, Verification> {
        let mut set = TileSet::new(size);
        for tile in &needed.held {
            let bytes = read(directory, *tile)?;
            let wrong = |error: TileProofError| Difference::of_file(tile.path(), error.into());
            set.insert(*tile, &bytes).map_err(|error| wrong(error.into()))?;
        }
        let tiles = ProvedTiles::prove(set, root).map_err(tile_difference)?;
        Ok(Self {
            directory,
            tiles,
            open: None,
        })
    }

    /// The root that the tree had at a size.
    ///
    /// # Errors
    /// See [`ProvedTiles::root_at`].
    pub fn root_at(&self, size: u64) -> Result<Hash, TileProofError> {
        self.tiles.root_at(size)
    }

    /// The hash of an entry.
    ///
    /// # Errors
    /// The tree has no such entry, or its tile is missing or wrong.
    pub fn leaf(&mut self, index: u64) -> Result<Hash, Verification> {
        let size = self.tiles.size();
        let tile = tile_of(size, 0, index).ok_or_else(|| Difference::of_entry(index, Cause::Outside))?;
        let hashes = match self.open.take() {
            Some((open, hashes)) if open == tile => hashes,
            Some(_) | None => {
                let bytes = read(self.directory, tile)?;
                self.tiles.hashes_of(tile, &bytes).map_err(tile_difference)?
            }
        };
        let hash = hashes.get(place_in_tile(index)).copied();
        self.open = Some((tile, hashes));
        hash.ok_or_else(|| Difference::of_entry(index, Cause::Outside).into())
    }
}

/// The bytes of a tile.
fn read(directory: &Path, tile: Tile) -> Result<Vec<u8>, Verification> {
    let path = tile.path();
    fs::read(directory.join(&path)).map_err(|error| Verification::reading(&path, error))
}

/// A difference in the file of the tile that is named, else in the tiles as a whole.
fn tile_difference(error: TileProofError) -> Difference {
    let file = match &error {
        TileProofError::Tile(tile) | TileProofError::Foreign(tile, _) => tile.path(),
        TileProofError::Length(length) => length.tile.path(),
        TileProofError::Missing(_) | TileProofError::Root | TileProofError::Tree(_) => {
            super::TILES.to_owned()
        }
    };
    Difference::of_file(file, error.into())
}
