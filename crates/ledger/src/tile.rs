//! Hash tiles in the shape of C2SP tlog-tiles: 256 hashes of one level in eight.
//!
//! Tile level `L` holds the complete nodes of tree level `8 L`; tile `N` of it those with indices from
//! `256 N`. A store can therefore keep one append-only file of hashes for each tile level; every node
//! between is computed from at most 128 stored hashes.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::hash::{Hash, node_hash};
use crate::tree::HashReader;

pub mod fetched;

pub mod proved;

/// Levels of the tree in one tile.
pub const TILE_HEIGHT: u8 = 8;

/// Hashes in a full tile.
pub const TILE_WIDTH: u16 = 256;

/// Tile levels: the tree has at most 64 levels.
pub const TILE_LEVELS: u8 = 8;

/// Address of a tile, `tile/<level>/<index>[.p/<width>]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: u8,
    index: u64,
    width: u16,
}

/// Why a tile address is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TileError {
    #[error("tile level is above 7")]
    Level,
    #[error("tile width is not 1 to 256")]
    Width,
    #[error("tile index is too large")]
    Index,
    #[error("tile path is malformed")]
    Path,
}

/// Access to the stored hashes of a tile level.
pub trait TileHashes {
    type Error;

    /// Fills `hashes` with the hashes of tile level `tile_level` from number `first`.
    ///
    /// # Errors
    /// They cannot be read, or there are not so many.
    fn read(&self, tile_level: u8, first: u64, hashes: &mut [Hash]) -> Result<(), Self::Error>;
}

/// Reads any complete node from the stored hashes of tile levels.
#[derive(Clone, Copy, Debug)]
pub struct TileReader<T>(pub T);

/// The stored hashes, as (tile level, index), that become complete when the tree grows from `old` to
/// `new` leaves; by level, in the order in which they are appended.
pub fn completed(old: u64, new: u64) -> impl Iterator<Item = (u8, u64)> {
    (0..TILE_LEVELS).flat_map(move |level| {
        let shift = level * TILE_HEIGHT;
        (old >> shift..new >> shift).map(move |index| (level, index))
    })
}

/// Stored hashes of a tile level in a tree of `size` leaves.
pub fn stored_hashes(tile_level: u8, size: u64) -> u64 {
    if tile_level < TILE_LEVELS {
        size >> (tile_level * TILE_HEIGHT)
    } else {
        0
    }
}

impl Tile {
    /// # Errors
    /// A level above 7, a width that is not 1 to 256, or an index that no tree reaches.
    pub fn new(level: u8, index: u64, width: u16) -> Result<Self, TileError> {
        if TILE_LEVELS <= level {
            return Err(TileError::Level);
        }
        if !(1..=TILE_WIDTH).contains(&width) {
            return Err(TileError::Width);
        }
        if (u64::MAX >> TILE_HEIGHT) < index {
            return Err(TileError::Index);
        }
        Ok(Self { level, index, width })
    }

    pub fn level(&self) -> u8 {
        self.level
    }

    pub fn index(&self) -> u64 {
        self.index
    }

    /// Number of hashes, 256 when full.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Number of bytes of the hashes.
    pub fn bytes(&self) -> usize {
        usize::from(self.width) * Hash::LEN
    }

    /// Number of the tile's first hash within its level.
    pub fn first_hash(&self) -> u64 {
        self.index << TILE_HEIGHT
    }

    /// Whether a tree of `size` leaves has all hashes of the tile.
    pub fn is_in(&self, size: u64) -> bool {
        self.first_hash() + u64::from(self.width) <= stored_hashes(self.level, size)
    }

    /// The path under the log's prefix.
    pub fn path(&self) -> String {
        let Self { level, index, width } = *self;
        let mut groups = format!("{:03}", index % 1000);
        let mut rest = index / 1000;
        while 0 < rest {
            groups = format!("x{:03}/{groups}", rest % 1000);
            rest /= 1000;
        }
        if width == TILE_WIDTH {
            format!("tile/{level}/{groups}")
        } else {
            format!("tile/{level}/{groups}.p/{width}")
        }
    }
}

impl<T: TileHashes> HashReader for TileReader<T> {
    type Error = T::Error;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, T::Error> {
        let above = level % TILE_HEIGHT;
        let mut hashes = [Hash::EMPTY_TREE; 1 << (TILE_HEIGHT - 1)];
        let mut count = 1_usize << above;
        // No tree is so large that the product overflows; a saturated index is beyond every store.
        let first = index.saturating_mul(count as u64);
        self.0.read(level / TILE_HEIGHT, first, &mut hashes[..count])?;
        while 1 < count {
            count /= 2;
            for node in 0..count {
                hashes[node] = node_hash(&hashes[2 * node], &hashes[2 * node + 1]);
            }
        }
        Ok(hashes[0])
    }
}

impl<T: TileHashes + ?Sized> TileHashes for &T {
    type Error = T::Error;

    fn read(&self, tile_level: u8, first: u64, hashes: &mut [Hash]) -> Result<(), T::Error> {
        (**self).read(tile_level, first, hashes)
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path())
    }
}

impl FromStr for Tile {
    type Err = TileError;

    fn from_str(text: &str) -> Result<Self, TileError> {
        let rest = text.strip_prefix("tile/").ok_or(TileError::Path)?;
        let (level, rest) = rest.split_once('/').ok_or(TileError::Path)?;
        let level = level.parse().map_err(|_| TileError::Path)?;
        let (groups, width) = match rest.split_once(".p/") {
            Some((groups, width)) => (groups, width.parse().map_err(|_| TileError::Path)?),
            None => (rest, TILE_WIDTH),
        };
        let mut index = 0_u64;
        for group in groups.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let number: u64 = digits.parse().map_err(|_| TileError::Path)?;
            index = index
                .checked_mul(1000)
                .and_then(|i| i.checked_add(number))
                .ok_or(TileError::Index)?;
        }
        let tile = Self::new(level, index, width)?;
        // One tile has one path: anything but the canonical text is refused.
        if tile.path() == text {
            Ok(tile)
        } else {
            Err(TileError::Path)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_tlog_tiles() {
        for (level, index, width, path) in [
            (0, 0, 256, "tile/0/000"),
            (0, 1_234_067, 256, "tile/0/x001/x234/067"),
            (1, 999, 256, "tile/1/999"),
            (1, 1000, 255, "tile/1/x001/000.p/255"),
            (7, 0, 1, "tile/7/000.p/1"),
        ] {
            let tile = Tile::new(level, index, width).unwrap();
            assert_eq!(tile.path(), path);
            assert_eq!(path.parse(), Ok(tile));
        }
    }

    #[test]
    fn other_paths_are_refused() {
        for path in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/0/00",
            "tile/0/0000",
            "tile/00/000",
            "tile/+1/000",
            "tile/0/x000/001",
            "tile/0/001/001",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000/",
            "tile/0/x001",
            "tile/0/-01",
            "tile/entries/000",
            "tile/0/000.p/",
            "/tile/0/000",
        ] {
            assert_eq!(path.parse::<Tile>(), Err(TileError::Path), "{path}");
        }
        assert_eq!("tile/8/000".parse::<Tile>(), Err(TileError::Level));
        assert_eq!("tile/0/000.p/0".parse::<Tile>(), Err(TileError::Width));
        assert_eq!(Tile::new(0, u64::MAX, 256), Err(TileError::Index));
        let beyond = format!("tile/0/{}000", "x999/".repeat(8));
        assert_eq!(beyond.parse::<Tile>(), Err(TileError::Index));
    }

    #[test]
    fn growing_step_by_step_completes_what_growing_at_once_does() {
        let sizes = [0, 1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 131_072];
        for level in 0..TILE_LEVELS {
            let at_once: Vec<_> = completed(0, 131_072).filter(|(l, _)| *l == level).collect();
            let steps: Vec<_> = sizes
                .windows(2)
                .flat_map(|pair| completed(pair[0], pair[1]))
                .filter(|(l, _)| *l == level)
                .collect();
            assert_eq!(steps, at_once, "level {level}");
            assert_eq!(steps.len() as u64, stored_hashes(level, 131_072));
        }
        assert_eq!(completed(255, 256).collect::<Vec<_>>(), [(0, 255), (1, 0)]);
        assert_eq!(completed(7, 7).count(), 0);
    }

    #[test]
    fn a_tile_is_in_a_tree_that_has_all_its_hashes() {
        let tile = Tile::new(1, 0, 3).unwrap();
        assert!(!tile.is_in(767));
        assert!(tile.is_in(768));
    }
}
