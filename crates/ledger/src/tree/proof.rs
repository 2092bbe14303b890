use crate::hash::Hash;
use crate::tree::{HashReader, MAX_SIZE, ProofError, TreeError, fold_right, frontier_levels};

/// Inclusion proof of leaf `index` in the tree of `size` leaves (RFC 6962 §2.1.1).
///
/// # Errors
/// There is no such leaf, or a hash cannot be read.
pub fn inclusion_proof<R: HashReader>(
    index: u64,
    size: u64,
    reader: R,
) -> Result<Vec<Hash>, ProofError<R::Error>> {
    if MAX_SIZE < size {
        return Err(ProofError::Tree(TreeError::TooLarge(size)));
    }
    if size <= index {
        return Err(ProofError::Tree(TreeError::Index { index, size }));
    }
    let mut path = Vec::new();
    climb(0, index, size, &reader, &mut path).map_err(ProofError::Read)?;
    Ok(path)
}

/// Consistency proof from the tree of `old` leaves to that of `new` (RFC 6962 §2.1.2). It is empty from an
/// empty tree and between equal sizes.
///
/// # Errors
/// `new` is smaller than `old`, or a hash cannot be read.
pub fn consistency_proof<R: HashReader>(
    old: u64,
    new: u64,
    reader: R,
) -> Result<Vec<Hash>, ProofError<R::Error>> {
    if MAX_SIZE < new {
        return Err(ProofError::Tree(TreeError::TooLarge(new)));
    }
    if new < old {
        return Err(ProofError::Tree(TreeError::Shrinks { old, new }));
    }
    let mut proof = Vec::new();
    if old == 0 || old == new {
        return Ok(proof);
    }
    // The walk starts at the last complete subtree of the old tree. When that is the whole old tree the
    // verifier knows its hash already.
    let level = old.trailing_zeros() as u8;
    let node = (old - 1) >> level;
    if node != 0 {
        proof.push(reader.hash(level, node).map_err(ProofError::Read)?);
    }
    climb(level, node, new, &reader, &mut proof).map_err(ProofError::Read)?;
    Ok(proof)
}

/// Collects the siblings of a node on the way up to the root of the tree of `size` leaves.
fn climb<R: HashReader>(
    mut level: u8,
    mut node: u64,
    size: u64,
    reader: &R,
    path: &mut Vec<Hash>,
) -> Result<(), R::Error> {
    let mut last = (size - 1) >> level;
    while last != 0 {
        if node & 1 == 1 {
            path.push(reader.hash(level, node - 1)?);
        } else if node < last {
            path.push(node_at(level, node + 1, size, reader)?);
        }
        level += 1;
        node >>= 1;
        last >>= 1;
    }
    Ok(())
}

/// Hash of a node of the tree of `size` leaves, which may lack leaves on the right.
fn node_at<R: HashReader>(level: u8, node: u64, size: u64, reader: &R) -> Result<Hash, R::Error> {
    let begin = node << level;
    let leaves = size - begin;
    if leaves >> level != 0 {
        return reader.hash(level, node);
    }
    let subtrees = frontier_levels(leaves)
        .map(|level| reader.hash(level, (size >> level) - 1))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(fold_right(subtrees.into_iter()).expect("the node has at least one leaf"))
}
