use crate::hash::{Hash, node_hash};
use crate::tree::{Frontier, MAX_SIZE, TreeError, frontier_levels};

/// A tree just after a batch of leaves: its root, and the proof of every leaf of the batch, from the
/// frontier and the batch alone. This is the log's hot path: nothing is read, and all nodes are computed
/// once, in one allocation.
#[derive(Clone, Debug)]
pub struct BatchTree {
    old_size: u64,
    new_size: u64,
    /// Rows from the leaves up. The row of a level holds the nodes that the batch touches and, when the
    /// first of them is a right child, its left sibling from the old frontier; so it begins at an even
    /// index. The last row is the root.
    nodes: Vec<Hash>,
    /// Where the row of each level begins in `nodes`; one more than there are levels.
    rows: Vec<usize>,
}

/// The hashes of an inclusion path, leaf to root.
#[derive(Clone, Debug)]
pub struct BatchPath<'a> {
    tree: &'a BatchTree,
    level: usize,
    node: u64,
}

impl BatchTree {
    /// # Errors
    /// The tree would be too large.
    pub fn new(before: &Frontier, leaves: &[Hash]) -> Result<Self, TreeError> {
        let old_size = before.size();
        let new_size = old_size
            .checked_add(leaves.len() as u64)
            .filter(|size| *size <= MAX_SIZE)
            .ok_or(TreeError::TooLarge(u64::MAX))?;
        let mut nodes = Vec::with_capacity(2 * leaves.len() + 3 * 64);
        let mut rows = Vec::with_capacity(66);
        rows.push(0);
        if new_size == 0 {
            return Ok(Self {
                old_size,
                new_size,
                nodes,
                rows,
            });
        }

        let mut siblings = before.hashes().iter().rev();
        if old_size & 1 == 1 {
            nodes.extend(siblings.next());
        }
        nodes.extend_from_slice(leaves);
        rows.push(nodes.len());
        for level in 1..=height(new_size) {
            let below = rows[level - 1]..rows[level];
            if (old_size >> level) & 1 == 1 {
                nodes.extend(siblings.next());
            }
            for left in below.clone().step_by(2) {
                let node = match left + 1 < below.end {
                    true => node_hash(&nodes[left], &nodes[left + 1]),
                    false => nodes[left],
                };
                nodes.push(node);
            }
            rows.push(nodes.len());
        }
        Ok(Self {
            old_size,
            new_size,
            nodes,
            rows,
        })
    }

    /// Number of leaves after the batch.
    pub fn size(&self) -> u64 {
        self.new_size
    }

    /// Number of leaves before the batch: the index of its first leaf.
    pub fn first_index(&self) -> u64 {
        self.old_size
    }

    pub fn root(&self) -> Hash {
        self.nodes.last().copied().unwrap_or(Hash::EMPTY_TREE)
    }

    /// Inclusion path of a leaf of the batch, by its index in the log; nothing for other leaves.
    pub fn path(&self, index: u64) -> Option<BatchPath<'_>> {
        (self.old_size <= index && index < self.new_size).then_some(BatchPath {
            tree: self,
            level: 0,
            node: index,
        })
    }

    /// Hash of a node that the batch completed. With [`crate::tile::completed`] it gives what a tile
    /// store has to append.
    pub fn completed_hash(&self, level: u8, index: u64) -> Option<Hash> {
        if 63 < level || index < self.old_size >> level || self.new_size >> level <= index {
            return None;
        }
        self.node(usize::from(level), index)
    }

    /// The frontier after the batch.
    pub fn frontier(&self) -> Frontier {
        let hashes = frontier_levels(self.new_size)
            .map(|level| {
                self.node(usize::from(level), (self.new_size >> level) - 1)
                    .expect("the last complete node of a level is touched by the batch or its left sibling")
            })
            .collect();
        Frontier::new(self.new_size, hashes).expect("one hash for each one-bit of the size")
    }

    fn node(&self, level: usize, index: u64) -> Option<Hash> {
        let row = *self.rows.get(level)?..*self.rows.get(level + 1)?;
        let offset = usize::try_from(index.checked_sub(row_first(self.old_size, level))?).ok()?;
        self.nodes[row].get(offset).copied()
    }
}

/// Index of the first node in the row of a level.
fn row_first(old_size: u64, level: usize) -> u64 {
    (old_size >> level) & !1
}

/// Levels above the leaves of a tree that is not empty.
fn height(size: u64) -> usize {
    (u64::BITS - (size - 1).leading_zeros()) as usize
}

impl Iterator for BatchPath<'_> {
    type Item = Hash;

    fn next(&mut self) -> Option<Hash> {
        loop {
            let last = (self.tree.new_size - 1) >> self.level;
            if last == 0 {
                return None;
            }
            let (level, node) = (self.level, self.node);
            self.level += 1;
            self.node >>= 1;
            if node & 1 == 1 {
                return self.tree.node(level, node - 1);
            }
            if node < last {
                return self.tree.node(level, node + 1);
            }
        }
    }
}
