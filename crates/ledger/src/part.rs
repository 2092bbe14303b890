//! The parts of an entry: what lies beside the header, committed by it and sealed by the store.
//!
//! The commitment of a part is `leaf_hash(salt ‖ kind ‖ content)`: salt 32 random bytes, kind as
//! [`PartKind::encode`] writes it, content to the end. Commitments stand at random positions among random
//! leaves, so that neither the number nor the order of the leaves tells what a small entry holds.

use std::fmt;

use thiserror::Error;

use crate::hash::{Hash, leaf_hash_of};
use crate::tree::{VerifyError, verify_inclusion};

mod opening;
mod parts_tree;

#[cfg(test)]
mod tests;

pub use opening::{OpeningError, PartOpening};
pub use parts_tree::{PartsError, PartsTree};

/// Leaves of an entry's parts tree, at least.
pub const PARTS_MIN_WIDTH: usize = 8;

/// Leaves of an entry's parts tree, at most: one part for each municipality of a region, and room.
pub const PARTS_MAX_WIDTH: usize = 1024;

/// What a part holds. Numbers are part of the format and are never reused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartKind {
    /// 1: operator (*operatore*), assurance, workstation, case and consent reference.
    Operator,
    /// 2: what was searched.
    Criteria,
    /// 3: real outcome and clause, facts used, counters.
    Decision,
    /// 4: the subjects of one municipality that influenced the answer.
    Subjects(MunicipalityId),
    /// 5: bytes of an agreement's version.
    AgreementBytes,
    /// 6: detail of an administrative entry: counts, ranges, names of files.
    AdministrativeDetail,
    /// 7: last known checkpoint of the log that this one continues.
    PreviousCheckpoint,
}

/// Internal identity of a municipality, 1 to 16 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MunicipalityId(String);

/// Random bytes that keep a commitment from being guessed. Destroying them unlinks it from its content.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt([u8; 32]);

/// Place of a part in its entry's parts tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartProof {
    /// Position of the leaf, from zero.
    pub index: u16,
    /// Sibling hashes from the leaf up; their number gives the width of the tree.
    pub path: Vec<Hash>,
}

/// Why bytes are not the encoding of a [`PartKind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PartKindError {
    #[error("part kind is truncated")]
    Truncated,
    #[error("part kind {0} is unknown")]
    Unknown(u16),
    #[error("part kind {0} takes no label")]
    Label(u16),
    #[error("municipality identity is not 1 to 16 visible ASCII characters")]
    Municipality,
}

/// Why a part is not proved by a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PartProofError {
    #[error("part proof has {0} hashes, outside 3 to 10")]
    Width(usize),
    #[error("part proof: {0}")]
    Inclusion(#[from] VerifyError),
}

/// The hash by which an entry commits to a part.
pub fn commitment(kind: &PartKind, salt: &Salt, content: &[u8]) -> Hash {
    leaf_hash_of(&[
        &salt.0,
        &kind.code().to_be_bytes(),
        &[kind.label_len()],
        kind.label(),
        content,
    ])
}

/// Checks that an entry with this `parts_root` holds the part: it may be shown without the others.
///
/// # Errors
/// The proof has another shape than a parts tree, or leads to another root.
pub fn verify_part(
    kind: &PartKind,
    salt: &Salt,
    content: &[u8],
    proof: &PartProof,
    parts_root: &Hash,
) -> Result<(), PartProofError> {
    let PartProof { index, path } = proof;
    let height = path.len();
    if !(3..=10).contains(&height) {
        return Err(PartProofError::Width(height));
    }
    verify_inclusion(
        &commitment(kind, salt, content),
        u64::from(*index),
        1 << height,
        path,
        parts_root,
    )?;
    Ok(())
}

impl PartKind {
    pub const fn code(&self) -> u16 {
        match self {
            Self::Operator => 1,
            Self::Criteria => 2,
            Self::Decision => 3,
            Self::Subjects(_) => 4,
            Self::AgreementBytes => 5,
            Self::AdministrativeDetail => 6,
            Self::PreviousCheckpoint => 7,
        }
    }

    /// Number (u16, big-endian), length of the label (u8), label: the municipality of `Subjects`, else empty.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(3 + self.label().len());
        bytes.extend_from_slice(&self.code().to_be_bytes());
        bytes.push(self.label_len());
        bytes.extend_from_slice(self.label());
        bytes
    }

    /// Reads a kind from the front and returns what follows it.
    ///
    /// # Errors
    /// The bytes do not begin with a kind.
    pub fn decode(bytes: &[u8]) -> Result<(Self, &[u8]), PartKindError> {
        let Some(([high, low, length], rest)) = bytes.split_first_chunk::<3>() else {
            return Err(PartKindError::Truncated);
        };
        let code = u16::from_be_bytes([*high, *low]);
        let (label, rest) = rest
            .split_at_checked(usize::from(*length))
            .ok_or(PartKindError::Truncated)?;
        let kind = match code {
            1 => Self::Operator,
            2 => Self::Criteria,
            3 => Self::Decision,
            4 => {
                let label = std::str::from_utf8(label).map_err(|_| PartKindError::Municipality)?;
                return Ok((Self::Subjects(MunicipalityId::new(label)?), rest));
            }
            5 => Self::AgreementBytes,
            6 => Self::AdministrativeDetail,
            7 => Self::PreviousCheckpoint,
            _ => return Err(PartKindError::Unknown(code)),
        };
        if label.is_empty() {
            Ok((kind, rest))
        } else {
            Err(PartKindError::Label(code))
        }
    }

    fn label(&self) -> &[u8] {
        match self {
            Self::Subjects(MunicipalityId(id)) => id.as_bytes(),
            Self::Operator
            | Self::Criteria
            | Self::Decision
            | Self::AgreementBytes
            | Self::AdministrativeDetail
            | Self::PreviousCheckpoint => &[],
        }
    }

    fn label_len(&self) -> u8 {
        u8::try_from(self.label().len()).expect("a municipality identity is at most 16 bytes")
    }
}

impl MunicipalityId {
    /// In bytes.
    pub const MAX_LEN: usize = 16;

    /// # Errors
    /// Empty, too long, or with a character outside visible ASCII.
    pub fn new(id: impl Into<String>) -> Result<Self, PartKindError> {
        let id = id.into();
        let fits = (1..=Self::MAX_LEN).contains(&id.len());
        if fits && id.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(id))
        } else {
            Err(PartKindError::Municipality)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Salt {
    pub const LEN: usize = 32;

    /// `bytes` must be random and used once.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}
