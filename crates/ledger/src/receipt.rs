//! Receipts (*ricevute*): proof, handed out with an answer, that the access is in the log.

use thiserror::Error;

use crate::checkpoint::{Checkpoint, CheckpointError, LogVerifier, SignedCheckpoint};
use crate::encoding::{FieldError, FieldReader, FieldWriter};
use crate::hash::{Hash, leaf_hash};
use crate::header::{Header, HeaderError};
use crate::policy::{JudgedCheckpoint, Policy, Standing};
use crate::tree::{MAX_PATH_LEN, VerifyError, verify_consistency, verify_inclusion};

mod proof_text;
mod short;

#[cfg(test)]
mod tests;

pub use proof_text::ProofTextError;
pub use short::{ShortReceipt, ShortReceiptError};

/// Version of the receipt's format, its first field.
pub const RECEIPT_VERSION: u16 = 1;

mod tag {
    pub(super) const VERSION: u16 = 1;
    pub(super) const INDEX: u16 = 2;
    pub(super) const HEADER: u16 = 3;
    pub(super) const PATH: u16 = 4;
    pub(super) const CHECKPOINT: u16 = 5;
}

/// The full receipt: an entry's header, its place, and the proof up to a signed checkpoint. It can be
/// verified offline with nothing but the log's public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's header as stored.
    pub header: Vec<u8>,
    /// The entry's index in the log, from zero.
    pub index: u64,
    /// Inclusion path at the checkpoint's size, leaf to root.
    pub path: Vec<Hash>,
    /// The signed checkpoint's text.
    pub checkpoint: String,
}

/// What a receipt proved. Only [`Receipt::verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedReceipt {
    header: Header,
    leaf: Hash,
    index: u64,
    checkpoint: Checkpoint,
}

/// Why a receipt cannot be read or proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReceiptError {
    #[error("receipt version {0} is unknown")]
    Version(u16),
    #[error("receipt encoding: {0}")]
    Encoding(#[from] FieldError),
    #[error("receipt path is not up to {MAX_PATH_LEN} whole hashes")]
    Path,
    #[error("receipt checkpoint is not UTF-8")]
    Utf8,
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Header(#[from] HeaderError),
    #[error("receipt header names another log than its checkpoint")]
    OtherLog,
    #[error("receipt inclusion: {0}")]
    Inclusion(#[from] VerifyError),
    #[error("the log does not continue that of the receipt: {0}")]
    Continuation(VerifyError),
    #[error("the checkpoint is not witnessed by the quorum of the policy")]
    NotWitnessed,
}

impl Receipt {
    /// # Errors
    /// A piece is longer than its limit; none made by the log is.
    pub fn encode(&self) -> Result<Vec<u8>, ReceiptError> {
        let Self {
            header,
            index,
            path,
            checkpoint,
        } = self;
        encode_receipt(header, *index, path.iter().copied(), checkpoint)
    }

    /// # Errors
    /// The bytes are not the encoding of a receipt. Nothing is proved yet: see [`Receipt::verify`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let mut fields = FieldReader::new(bytes);
        let version = u16::from_be_bytes(fields.required_array(tag::VERSION)?);
        if version != RECEIPT_VERSION {
            return Err(ReceiptError::Version(version));
        }
        let index = u64::from_be_bytes(fields.required_array(tag::INDEX)?);
        let header = fields.required(tag::HEADER)?.to_vec();
        let (path, partial) = fields.required(tag::PATH)?.as_chunks::<{ Hash::LEN }>();
        if !partial.is_empty() || MAX_PATH_LEN < path.len() {
            return Err(ReceiptError::Path);
        }
        let path = path.iter().copied().map(Hash::new).collect();
        let checkpoint =
            String::from_utf8(fields.required(tag::CHECKPOINT)?.to_vec()).map_err(|_| ReceiptError::Utf8)?;
        fields.finish()?;
        Ok(Self {
            header,
            index,
            path,
            checkpoint,
        })
    }

    /// Proves that the log with this key holds the entry.
    ///
    /// # Errors
    /// The checkpoint is not the log's, the path does not lead to its root, or the header is malformed or
    /// names another log.
    pub fn verify(&self, log: &LogVerifier) -> Result<VerifiedReceipt, ReceiptError> {
        let Self {
            header,
            index,
            path,
            checkpoint,
        } = self;
        let checkpoint = log
            .verify(&SignedCheckpoint::parse(checkpoint)?)?
            .into_checkpoint();
        let leaf = leaf_hash(header);
        verify_inclusion(&leaf, *index, checkpoint.size, path, &checkpoint.root)?;
        let header = Header::decode(header)?;
        if header.origin != checkpoint.origin {
            return Err(ReceiptError::OtherLog);
        }
        Ok(VerifiedReceipt {
            header,
            leaf,
            index: *index,
            checkpoint,
        })
    }
}

impl Receipt {
    /// The same under a policy, which also says what the checkpoint's signatures prove.
    ///
    /// # Errors
    /// As [`Receipt::verify`]; the log must be one of the policy's, and no signature under a key of the policy may be
    /// wrong.
    pub fn verify_under(&self, policy: &Policy) -> Result<(VerifiedReceipt, JudgedCheckpoint), ReceiptError> {
        let signed = SignedCheckpoint::parse(&self.checkpoint)?;
        let judged = policy.judge(&signed)?;
        let log = policy
            .log(&signed.checkpoint().origin)
            .ok_or(CheckpointError::OtherLog)?;
        Ok((self.verify(log)?, judged))
    }

    /// The receipt of the same entry under a witnessed checkpoint, at or after this receipt's own.
    ///
    /// # Errors
    /// One of the two proves nothing, the checkpoint is not witnessed, or its log does not continue that of this
    /// receipt: then the log has shown two histories, and both checkpoints are the proof of it.
    pub fn upgraded(
        &self,
        policy: &Policy,
        checkpoint: &SignedCheckpoint,
        inclusion: Vec<Hash>,
        consistency: &[Hash],
    ) -> Result<Self, ReceiptError> {
        let (own, _) = self.verify_under(policy)?;
        let own = own.checkpoint();
        let new = checkpoint.checkpoint();
        if new.origin != own.origin {
            return Err(ReceiptError::OtherLog);
        }
        let judged = policy.judge(checkpoint)?;
        verify_consistency(own.size, &own.root, new.size, &new.root, consistency)
            .map_err(ReceiptError::Continuation)?;
        if judged.standing() != Standing::Witnessed {
            return Err(ReceiptError::NotWitnessed);
        }
        let upgraded = Self {
            header: self.header.clone(),
            index: self.index,
            path: inclusion,
            checkpoint: checkpoint.to_text(),
        };
        upgraded.verify_under(policy)?;
        Ok(upgraded)
    }
}

/// Encodes a receipt from its pieces, without collecting the path first.
///
/// # Errors
/// As [`Receipt::encode`].
pub fn encode_receipt(
    header: &[u8],
    index: u64,
    path: impl Iterator<Item = Hash>,
    checkpoint: &str,
) -> Result<Vec<u8>, ReceiptError> {
    let mut hashes = [0; MAX_PATH_LEN * Hash::LEN];
    let mut slots = hashes.as_chunks_mut::<{ Hash::LEN }>().0.iter_mut();
    for hash in path {
        *slots.next().ok_or(ReceiptError::Path)? = *hash.as_bytes();
    }
    let used = (MAX_PATH_LEN - slots.len()) * Hash::LEN;
    let mut fields = FieldWriter::with_capacity(64 + header.len() + used + checkpoint.len());
    fields.put(tag::VERSION, &RECEIPT_VERSION.to_be_bytes())?;
    fields.put(tag::INDEX, &index.to_be_bytes())?;
    fields.put(tag::HEADER, header)?;
    fields.put(tag::PATH, &hashes[..used])?;
    fields.put(tag::CHECKPOINT, checkpoint.as_bytes())?;
    Ok(fields.finish())
}

impl VerifiedReceipt {
    pub fn header(&self) -> &Header {
        &self.header
    }

    pub fn leaf_hash(&self) -> Hash {
        self.leaf
    }

    pub fn index(&self) -> u64 {
        self.index
    }

    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}
