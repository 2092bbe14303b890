use thiserror::Error;

use crate::hash::{Hash, sha256};
use crate::name::Origin;
use crate::receipt::VerifiedReceipt;

const MAGIC: [u8; 4] = *b"PRS\x01";
const ORIGIN_LEN: usize = 28;

/// The short receipt, always 72 bytes: the claim that entry `index` of a log has this leaf hash. It is not
/// signed; the full receipt of the same entry, fetched later, must make the claim good, or the log lied.
///
/// Bytes: `PRS` and version (4), index (8, big-endian), leaf hash (32), first 28 bytes of SHA-256(origin).
/// The size never depends on the outcome, so that an error's receipt tells nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ShortReceipt {
    index: u64,
    leaf: Hash,
    origin: [u8; ORIGIN_LEN],
}

/// Why bytes are not a [`ShortReceipt`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ShortReceiptError {
    #[error("a short receipt has 72 bytes, got {0}")]
    Length(usize),
    #[error("short receipt has an unknown mark or version")]
    Magic,
}

impl ShortReceipt {
    pub const LEN: usize = 72;

    pub fn new(origin: &Origin, index: u64, leaf: Hash) -> Self {
        Self {
            index,
            leaf,
            origin: origin_tag(origin),
        }
    }

    pub fn index(&self) -> u64 {
        self.index
    }

    pub fn leaf_hash(&self) -> Hash {
        self.leaf
    }

    pub fn is_of(&self, origin: &Origin) -> bool {
        self.origin == origin_tag(origin)
    }

    /// Whether the full receipt makes this claim good.
    pub fn is_proved_by(&self, receipt: &VerifiedReceipt) -> bool {
        self.is_of(&receipt.checkpoint().origin)
            && self.index == receipt.index()
            && self.leaf == receipt.leaf_hash()
    }

    pub fn encode(&self) -> [u8; Self::LEN] {
        let Self { index, leaf, origin } = self;
        let mut bytes = [0; Self::LEN];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..12].copy_from_slice(&index.to_be_bytes());
        bytes[12..44].copy_from_slice(leaf.as_ref());
        bytes[44..].copy_from_slice(origin);
        bytes
    }

    /// # Errors
    /// Another length, mark or version.
    pub fn decode(bytes: &[u8]) -> Result<Self, ShortReceiptError> {
        let bytes: &[u8; Self::LEN] = bytes
            .try_into()
            .map_err(|_| ShortReceiptError::Length(bytes.len()))?;
        let Some(rest) = bytes.strip_prefix(&MAGIC) else {
            return Err(ShortReceiptError::Magic);
        };
        let mut index = [0; 8];
        let mut leaf = [0; Hash::LEN];
        let mut origin = [0; ORIGIN_LEN];
        index.copy_from_slice(&rest[..8]);
        leaf.copy_from_slice(&rest[8..40]);
        origin.copy_from_slice(&rest[40..]);
        Ok(Self {
            index: u64::from_be_bytes(index),
            leaf: Hash::new(leaf),
            origin,
        })
    }
}

fn origin_tag(origin: &Origin) -> [u8; ORIGIN_LEN] {
    let mut tag = [0; ORIGIN_LEN];
    tag.copy_from_slice(&sha256(origin.as_str().as_bytes()).as_bytes()[..ORIGIN_LEN]);
    tag
}
