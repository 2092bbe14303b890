//! Proofs and receipts of entries that stand already, each checked against the newest head before it leaves.
//!
//! The hashes come from files that are read again long after they were written: what has decayed there is found here, and
//! not by whoever verifies the proof.

use std::io;

use ledger::{
    checkpoint::Checkpoint,
    hash::{Hash, leaf_hash},
    receipt::Receipt,
    report::{self, ReportStatement},
    tile::{TILE_HEIGHT, Tile, TileHashes, TileReader},
    tree::{self, Frontier, HashReader, ProofError, TreeError, VerifyError},
};

use crate::access_log::{
    AccessLog,
    committed::Head,
    hashes::StoredHashes,
    reading::{EntryReader, ReadError},
    writer::head_of,
};

/// Why a proof or receipt cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LogProofError {
    /// The question has no answer.
    #[error(transparent)]
    Tree(TreeError),
    /// Hashes or entries cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Stored hashes or an entry changed since the log was opened: what they give does not lead to the signed head.
    #[error("the hashes of the log are damaged")]
    Damaged(#[from] VerifyError),
}

impl AccessLog {
    /// Inclusion proof of entry `index` in the log of `size` entries.
    ///
    /// # Errors
    /// `size` is larger than the log, `index` is not below it, or hashes cannot be read or are damaged.
    pub fn inclusion_proof(&self, index: u64, size: u64) -> Result<Vec<Hash>, LogProofError> {
        let root = self.root_at(size)?;
        let path = tree::inclusion_proof(index, size, self.hashes()).map_err(unread)?;
        let leaf = self.hashes().hash(0, index).map_err(ReadError::Io)?;
        tree::verify_inclusion(&leaf, index, size, &path, &root)?;
        Ok(path)
    }

    /// Consistency proof between two sizes of the log.
    ///
    /// # Errors
    /// `new` is larger than the log or smaller than `old`, or hashes cannot be read or are damaged.
    pub fn consistency_proof(&self, old: u64, new: u64) -> Result<Vec<Hash>, LogProofError> {
        let new_root = self.root_at(new)?;
        let proof = tree::consistency_proof(old, new, self.hashes()).map_err(unread)?;
        tree::verify_consistency(old, &self.root_at(old)?, new, &new_root, &proof)?;
        Ok(proof)
    }

    /// The signed head that the log had, or could have had, at a size: proved to lead to the newest head before it is
    /// signed.
    ///
    /// # Errors
    /// `size` is larger than the log, or hashes cannot be read or are damaged.
    pub fn head_at(&self, size: u64) -> Result<Head, LogProofError> {
        let newest = self.checkpoint();
        if newest.checkpoint.size == size {
            return Ok(Head::clone(&newest));
        }
        let root = self.root_at(size)?;
        Ok(head_of(&self.inner.shared.signer.sign(size, root)))
    }

    /// Signs what a report states of itself; see [`ledger::report`].
    #[must_use]
    pub fn sign_report(&self, statement: &ReportStatement) -> String {
        report::sign(statement, &self.inner.shared.signer)
    }

    /// The full receipt of an entry, under the newest head.
    ///
    /// # Errors
    /// There is no such entry, or it or its hashes cannot be read or are damaged.
    pub fn receipt(&self, index: u64) -> Result<Receipt, LogProofError> {
        let head = self.checkpoint();
        let (size, root) = (head.checkpoint.size, &head.checkpoint.root);
        let path = tree::inclusion_proof(index, size, self.hashes()).map_err(unread)?;
        let header = EntryReader::new(&self.inner.shared).read(index)?.header;
        tree::verify_inclusion(&leaf_hash(&header), index, size, &path, root)?;
        Ok(Receipt {
            header,
            index,
            path,
            checkpoint: head.text.clone(),
        })
    }

    /// The hashes of a tile, one behind the other; `None` when the log of `size` entries does not fill it so far. Of
    /// entries a tile tells nothing but their hashes.
    ///
    /// # Errors
    /// `size` is larger than the log, or hashes cannot be read or are damaged.
    pub fn tile(&self, tile: Tile, size: u64) -> Result<Option<Vec<u8>>, LogProofError> {
        let head = self.checkpoint();
        let newest = &head.checkpoint;
        if newest.size < size {
            return Err(LogProofError::Tree(TreeError::Shrinks {
                old: size,
                new: newest.size,
            }));
        }
        if !tile.is_in(size) {
            return Ok(None);
        }
        let mut hashes = vec![Hash::EMPTY_TREE; usize::from(tile.width())];
        let stored = &self.inner.shared.hashes;
        stored
            .read(tile.level(), tile.first_hash(), &mut hashes)
            .map_err(ReadError::Io)?;
        self.check_tile(tile, &hashes, newest)?;
        Ok(Some(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()))
    }

    /// Proves that each complete subtree over the tile's hashes is a node of the head's tree.
    fn check_tile(&self, tile: Tile, hashes: &[Hash], head: &Checkpoint) -> Result<(), LogProofError> {
        let mut rest = hashes;
        let mut first = tile.first_hash();
        while !rest.is_empty() {
            let height = rest.len().ilog2() as u8;
            let (subtree, behind) = rest.split_at(1 << height);
            let level = tile.level() * TILE_HEIGHT + height;
            let node = first >> height;
            // In the path of a leaf, the hashes below a complete node come first, one for each of its levels.
            let path = tree::inclusion_proof(node << level, head.size, self.hashes()).map_err(unread)?;
            let above = path.get(usize::from(level)..).unwrap_or_default();
            // Nodes of one level under a root are proved as leaves are.
            let nodes = ((head.size - 1) >> level) + 1;
            let hash = tree::root_of(subtree).map_err(LogProofError::Tree)?;
            tree::verify_inclusion(&hash, node, nodes, above, &head.root)?;
            first += subtree.len() as u64;
            rest = behind;
        }
        Ok(())
    }

    /// The root that the log had at a size, proved to lead to the newest head.
    ///
    /// # Errors
    /// The log was never of that size, or its hashes cannot be read or do not lead to the head.
    pub fn root_at(&self, size: u64) -> Result<Hash, LogProofError> {
        let head = self.checkpoint();
        let newest = &head.checkpoint;
        if newest.size < size {
            return Err(LogProofError::Tree(TreeError::Shrinks {
                old: size,
                new: newest.size,
            }));
        }
        let root = Frontier::load(size, self.hashes()).map_err(unread)?.root();
        let proof = tree::consistency_proof(size, newest.size, self.hashes()).map_err(unread)?;
        tree::verify_consistency(size, &root, newest.size, &newest.root, &proof)?;
        Ok(root)
    }

    fn hashes(&self) -> TileReader<&StoredHashes> {
        TileReader(&self.inner.shared.hashes)
    }
}

fn unread(error: ProofError<io::Error>) -> LogProofError {
    match error {
        ProofError::Tree(error) => LogProofError::Tree(error),
        ProofError::Read(error) => LogProofError::Read(ReadError::Io(error)),
    }
}
