//! What a caller gets for a durable entry.

use std::sync::Arc;

use ledger::{
    checkpoint::Checkpoint,
    hash::Hash,
    receipt::{Receipt, ReceiptError, ShortReceipt, encode_receipt},
};

/// The signed head of the log after a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Size and root.
    pub checkpoint: Checkpoint,
    /// The signed checkpoint's text.
    pub text: String,
}

/// A durable entry: its place, its proof, the head that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    pub(super) index: u64,
    pub(super) header: Vec<u8>,
    pub(super) leaf: Hash,
    pub(super) path: Vec<Hash>,
    pub(super) head: Arc<Head>,
}

impl Committed {
    /// The entry's index in the log.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The head after the entry's batch.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The full receipt (*ricevuta*).
    #[must_use]
    pub fn receipt(&self) -> Receipt {
        Receipt {
            header: self.header.clone(),
            index: self.index,
            path: self.path.clone(),
            checkpoint: self.head.text.clone(),
        }
    }

    /// The full receipt's bytes, without an intermediate copy.
    ///
    /// # Errors
    /// None for an entry of the log; the limits are checked as everywhere.
    pub fn encode_receipt(&self) -> Result<Vec<u8>, ReceiptError> {
        encode_receipt(
            &self.header,
            self.index,
            self.path.iter().copied(),
            &self.head.text,
        )
    }

    /// The short receipt.
    #[must_use]
    pub fn short_receipt(&self) -> ShortReceipt {
        ShortReceipt::new(&self.head.checkpoint.origin, self.index, self.leaf)
    }
}
