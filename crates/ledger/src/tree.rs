//! The Merkle tree of RFC 6962 §2.1: roots, inclusion and consistency proofs.
//!
//! A node is named by its level, zero for leaves, and its index in that level; the node (level, index) is
//! *complete* when the tree has all of the leaves from `index << level` to `(index + 1) << level`. Only
//! complete nodes are ever stored: their hashes never change.
//!
//! Prover and verifier are one walk. From the leaf up, a node that is a right child has its left sibling
//! in the path; a left child has its right sibling there, unless it is the last node of its level: then
//! there is none, and the node moves up as it is.

use thiserror::Error;

use crate::hash::{Hash, node_hash};

mod batch;
mod frontier;
mod proof;
mod verify;

#[cfg(test)]
mod tests;

pub use batch::{BatchPath, BatchTree};
pub use frontier::Frontier;
pub use proof::{consistency_proof, inclusion_proof};
pub use verify::{VerifyError, verify_consistency, verify_inclusion};

/// Largest number of leaves. Proofs are never longer than 63 hashes.
pub const MAX_SIZE: u64 = 1 << 63;

/// Longest inclusion proof, in hashes; a consistency proof may have one more.
pub const MAX_PATH_LEN: usize = 63;

/// Access to the hashes of complete nodes.
pub trait HashReader {
    type Error;

    /// Hash of the complete node `index` of `level`.
    ///
    /// # Errors
    /// It cannot be read, or the tree is not so large.
    fn hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// A question about a tree that has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TreeError {
    #[error("tree size {0} is above 2^63")]
    TooLarge(u64),
    #[error("leaf {index} is not in a tree of {size}")]
    Index { index: u64, size: u64 },
    #[error("a tree of {new} leaves does not continue one of {old}")]
    Shrinks { old: u64, new: u64 },
    #[error("a tree of {size} leaves has {expected} frontier hashes, not {actual}")]
    Frontier { size: u64, expected: u32, actual: usize },
}

/// Why a proof could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProofError<E> {
    #[error(transparent)]
    Tree(TreeError),
    #[error("hash of a node cannot be read")]
    Read(#[source] E),
}

impl<R: HashReader + ?Sized> HashReader for &R {
    type Error = R::Error;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, R::Error> {
        (**self).hash(level, index)
    }
}

/// The root of a tree with these leaf hashes.
///
/// # Errors
/// None for a slice that fits in memory; the size is checked as everywhere.
pub fn root_of(leaves: &[Hash]) -> Result<Hash, TreeError> {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf)?;
    }
    Ok(frontier.root())
}

/// Folds the hashes of adjacent subtrees, larger to the left, into the hash of their union.
fn fold_right(subtrees: impl DoubleEndedIterator<Item = Hash>) -> Option<Hash> {
    subtrees.rev().reduce(|right, left| node_hash(&left, &right))
}

/// Levels of the complete subtrees whose leaves, left to right, make up a tree of `size` leaves.
fn frontier_levels(size: u64) -> impl DoubleEndedIterator<Item = u8> {
    (0..64).rev().filter(move |level| (size >> level) & 1 == 1)
}
