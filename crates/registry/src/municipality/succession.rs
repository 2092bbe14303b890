//! Which municipality keeps the records of one that was merged (*fusione di comuni*).
//!
//! A merger makes a new identity, and the new municipality inherits registry, history and whatever names the old ones:
//! agreements, scopes of auditors. The table has the mergers of Emilia-Romagna since 2009; whoever ceased before that
//! left no records of this kind.

use std::sync::LazyLock;

use super::{Municipality, MunicipalityId, periods};
use crate::identifier::{CadastralCode, IstatCode};

/// `predecessor, successor`, tab-separated cadastral codes, sorted by predecessor.
const TABLE: &str = include_str!("../../data/successions.tsv");

static SUCCESSIONS: LazyLock<Vec<(MunicipalityId, MunicipalityId)>> = LazyLock::new(|| {
    let row = |line: &str| {
        let (predecessor, successor) = line.split_once('\t')?;
        let id = |code| CadastralCode::parse(code).ok().map(MunicipalityId);
        Some((id(predecessor)?, id(successor)?))
    };
    TABLE.lines().skip(1).filter_map(row).collect()
});

impl MunicipalityId {
    /// The municipality into which this one was merged.
    pub fn successor(self) -> Option<Self> {
        let place = SUCCESSIONS
            .binary_search_by_key(&self, |(predecessor, _)| *predecessor)
            .ok()?;
        SUCCESSIONS.get(place).map(|(_, successor)| *successor)
    }

    /// The municipality that keeps its records today: itself, or whoever it was merged into in the end.
    pub fn keeper(self) -> Self {
        let mut keeper = self;
        while let Some(successor) = keeper.successor() {
            keeper = successor;
        }
        keeper
    }

    /// Itself, everybody that was merged into it, and everybody into whom it was merged, each at any remove.
    pub fn lineage(self) -> Vec<Self> {
        let mut lineage = vec![self];
        let mut next = 0;
        while let Some(&member) = lineage.get(next) {
            let merged = SUCCESSIONS.iter().filter(|(_, successor)| *successor == member);
            lineage.extend(merged.map(|(predecessor, _)| *predecessor));
            next += 1;
        }
        lineage.extend(std::iter::successors(self.successor(), |keeper| {
            keeper.successor()
        }));
        lineage
    }

    /// Whether it is the other, or the other was merged into it, at any remove.
    pub fn inherits(self, other: Self) -> bool {
        std::iter::successors(Some(other), |keeper| keeper.successor()).any(|keeper| keeper == self)
    }

    /// Whether they are one, or one was merged into the other, at any remove. Two that were merged into the same one
    /// have nothing in common.
    pub fn shares_lineage(self, other: Self) -> bool {
        self.inherits(other) || other.inherits(self)
    }

    /// How the municipality is today, or was last.
    pub fn latest(self) -> Option<&'static Municipality> {
        periods(self.0).last()
    }

    /// ISTAT code in force, or the last one that was.
    pub fn latest_istat(self) -> Option<IstatCode> {
        self.current().or_else(|| self.latest())?.istat()
    }
}

#[cfg(test)]
mod tests;
