use crate::hash::{Hash, node_hash};
use crate::tree::{HashReader, MAX_SIZE, ProofError, TreeError, fold_right, frontier_levels};

/// The right edge of a tree: the hashes of the complete subtrees that make it up, larger first, one for
/// each one-bit of the size. It is all that is needed to append.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

impl Frontier {
    /// # Errors
    /// The number of hashes does not belong to the size, or the size is too large.
    pub fn new(size: u64, hashes: Vec<Hash>) -> Result<Self, TreeError> {
        if MAX_SIZE < size {
            return Err(TreeError::TooLarge(size));
        }
        let expected = size.count_ones();
        if hashes.len() != expected as usize {
            return Err(TreeError::Frontier {
                size,
                expected,
                actual: hashes.len(),
            });
        }
        Ok(Self { size, hashes })
    }

    /// Reads the frontier of a tree of `size` leaves.
    ///
    /// # Errors
    /// The size is too large, or a hash cannot be read.
    pub fn load<R: HashReader>(size: u64, reader: R) -> Result<Self, ProofError<R::Error>> {
        if MAX_SIZE < size {
            return Err(ProofError::Tree(TreeError::TooLarge(size)));
        }
        let hashes = frontier_levels(size)
            .map(|level| reader.hash(level, (size >> level) - 1))
            .collect::<Result<_, _>>()
            .map_err(ProofError::Read)?;
        Ok(Self { size, hashes })
    }

    /// Number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Appends a leaf by its hash.
    ///
    /// # Errors
    /// The tree is full.
    pub fn push(&mut self, leaf: Hash) -> Result<(), TreeError> {
        if self.size == MAX_SIZE {
            return Err(TreeError::TooLarge(MAX_SIZE + 1));
        }
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            let left = self.hashes.pop().expect("one hash for each one-bit of the size");
            hash = node_hash(&left, &hash);
        }
        self.hashes.push(hash);
        self.size += 1;
        Ok(())
    }

    pub fn root(&self) -> Hash {
        fold_right(self.hashes.iter().copied()).unwrap_or(Hash::EMPTY_TREE)
    }
}
