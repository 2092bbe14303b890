use thiserror::Error;

use crate::hash::{Hash, node_hash};
use crate::tree::MAX_SIZE;

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum VerifyError {
    #[error("tree size is above 2^63")]
    Size,
    #[error("leaf index is outside the tree")]
    Index,
    #[error("the newer tree is the smaller")]
    Shrinks,
    #[error("proof has too few or too many hashes")]
    Length,
    #[error("proof leads to another root")]
    Root,
    #[error("proof leads to another old root")]
    OldRoot,
}

/// Checks that the leaf with hash `leaf` is number `index` of the tree with `size` leaves and this root.
///
/// # Errors
/// It is not proved. Any input is safe.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: &Hash,
) -> Result<(), VerifyError> {
    if MAX_SIZE < size {
        return Err(VerifyError::Size);
    }
    if size <= index {
        return Err(VerifyError::Index);
    }
    let mut path = path.iter();
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    while last != 0 {
        if node & 1 == 1 {
            hash = node_hash(path.next().ok_or(VerifyError::Length)?, &hash);
        } else if node < last {
            hash = node_hash(&hash, path.next().ok_or(VerifyError::Length)?);
        }
        node >>= 1;
        last >>= 1;
    }
    if path.next().is_some() {
        return Err(VerifyError::Length);
    }
    if hash == *root {
        Ok(())
    } else {
        Err(VerifyError::Root)
    }
}

/// Checks that the tree of `new_size` leaves begins with all the leaves of the tree of `old_size`.
///
/// # Errors
/// It is not proved. Any input is safe.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), VerifyError> {
    if MAX_SIZE < new_size {
        return Err(VerifyError::Size);
    }
    if new_size < old_size {
        return Err(VerifyError::Shrinks);
    }
    if old_size == 0 || old_size == new_size {
        if !proof.is_empty() {
            return Err(VerifyError::Length);
        }
        if old_size == 0 && *old_root != Hash::EMPTY_TREE {
            return Err(VerifyError::OldRoot);
        }
        // An empty tree is the beginning of every tree; equal sizes must have equal roots.
        let same = old_root == new_root;
        return if same || old_size != new_size {
            Ok(())
        } else {
            Err(VerifyError::Root)
        };
    }
    let mut proof = proof.iter();
    let level = old_size.trailing_zeros();
    let (mut node, mut last) = ((old_size - 1) >> level, (new_size - 1) >> level);
    let seed = if node == 0 {
        *old_root
    } else {
        *proof.next().ok_or(VerifyError::Length)?
    };
    let (mut old, mut new) = (seed, seed);
    while last != 0 {
        if node & 1 == 1 {
            let left = proof.next().ok_or(VerifyError::Length)?;
            old = node_hash(left, &old);
            new = node_hash(left, &new);
        } else if node < last {
            new = node_hash(&new, proof.next().ok_or(VerifyError::Length)?);
        }
        node >>= 1;
        last >>= 1;
    }
    if proof.next().is_some() {
        return Err(VerifyError::Length);
    }
    if old != *old_root {
        return Err(VerifyError::OldRoot);
    }
    if new == *new_root {
        Ok(())
    } else {
        Err(VerifyError::Root)
    }
}
