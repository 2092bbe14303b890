//! Proofs and receipts of entries that stand already, each checked against the newest head before it leaves.
//!
//! The hashes come from files that are read again long after they were written: what has decayed there is found here, and
//! not by whoever verifies the proof.

use std::io;

use ledger::{
    hash::{Hash, leaf_hash},
    receipt::Receipt,
    tile::TileReader,
    tree::{self, Frontier, HashReader, ProofError, TreeError, VerifyError},
};

use crate::access_log::{
    AccessLog,
    hashes::StoredHashes,
    reading::{EntryReader, ReadError},
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

    /// The root that the log had at a size, proved to lead to the newest head.
    fn root_at(&self, size: u64) -> Result<Hash, LogProofError> {
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
