use thiserror::Error;

use crate::hash::{Hash, node_hash};
use crate::part::{PARTS_MAX_WIDTH, PARTS_MIN_WIDTH, PartProof};

/// The tree over an entry's commitments and its random leaves.
#[derive(Clone, Debug)]
pub struct PartsTree {
    /// The complete binary tree by rows from the leaves up; the root is last.
    nodes: Vec<Hash>,
    width: usize,
    /// Leaf position of each commitment, in the order in which they were given.
    positions: Vec<u16>,
}

/// Why a parts tree cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PartsError {
    #[error("{0} parts, an entry holds at most {PARTS_MAX_WIDTH}")]
    TooMany(usize),
    #[error("{actual} random bytes given, {expected} needed")]
    Random { actual: usize, expected: usize },
}

impl PartsTree {
    /// Leaves of a tree for this many parts: 8, or the next power of two.
    pub fn width(parts: usize) -> usize {
        parts.max(PARTS_MIN_WIDTH).next_power_of_two()
    }

    /// Random bytes that [`PartsTree::build`] needs: 4 for each part, 32 for each other leaf.
    ///
    /// # Errors
    /// More parts than an entry holds.
    pub fn random_len(parts: usize) -> Result<usize, PartsError> {
        if PARTS_MAX_WIDTH < parts {
            return Err(PartsError::TooMany(parts));
        }
        Ok(4 * parts + Hash::LEN * (Self::width(parts) - parts))
    }

    /// Puts the commitments at positions drawn from `random` and fills the others with random leaves.
    ///
    /// # Errors
    /// More parts than an entry holds, or another number of random bytes than [`PartsTree::random_len`].
    pub fn build(commitments: &[Hash], random: &[u8]) -> Result<Self, PartsError> {
        let expected = Self::random_len(commitments.len())?;
        if random.len() != expected {
            return Err(PartsError::Random {
                actual: random.len(),
                expected,
            });
        }
        let width = Self::width(commitments.len());
        let (draws, padding) = random.split_at(4 * commitments.len());

        // The first steps of a Fisher-Yates shuffle: the chosen positions end up in front.
        let mut order = [0_u16; PARTS_MAX_WIDTH];
        for (position, slot) in (0..).zip(&mut order[..width]) {
            *slot = position;
        }
        for (step, draw) in draws.chunks_exact(4).enumerate() {
            let draw = u64::from(u32::from_be_bytes([draw[0], draw[1], draw[2], draw[3]]));
            // The high half of the product is below `width - step`, with a bias below 2^-22.
            let offset = (draw * (width - step) as u64) >> 32;
            order.swap(step, step + offset as usize);
        }
        let (chosen, free) = order[..width].split_at(commitments.len());

        let mut nodes = Vec::with_capacity(2 * width - 1);
        nodes.resize(width, Hash::EMPTY_TREE);
        for (&position, commitment) in chosen.iter().zip(commitments) {
            nodes[usize::from(position)] = *commitment;
        }
        for (&position, leaf) in free.iter().zip(padding.chunks_exact(Hash::LEN)) {
            nodes[usize::from(position)] = Hash::try_from(leaf).expect("chunks of 32 bytes");
        }
        let mut left = 0;
        while nodes.len() < 2 * width - 1 {
            nodes.push(node_hash(&nodes[left], &nodes[left + 1]));
            left += 2;
        }
        Ok(Self {
            nodes,
            width,
            positions: chosen.to_vec(),
        })
    }

    /// The header's `parts_root`.
    pub fn root(&self) -> Hash {
        self.nodes[2 * self.width - 2]
    }

    /// All leaves, in order.
    pub fn leaves(&self) -> &[Hash] {
        &self.nodes[..self.width]
    }

    /// Leaf position of each commitment, in the order in which they were given.
    pub fn positions(&self) -> &[u16] {
        &self.positions
    }

    /// Proof of the `part`-th commitment given, if there were so many.
    pub fn proof(&self, part: usize) -> Option<PartProof> {
        let index = *self.positions.get(part)?;
        let mut path = Vec::with_capacity(self.width.ilog2() as usize);
        let (mut node, mut row, mut row_width) = (usize::from(index), 0, self.width);
        while 1 < row_width {
            path.push(self.nodes[row + (node ^ 1)]);
            row += row_width;
            row_width /= 2;
            node /= 2;
        }
        Some(PartProof { index, path })
    }
}
