use std::fmt;

use thiserror::Error;

use crate::hash::Hash;
use crate::part::{PartKind, PartKindError, PartProof, PartProofError, Salt, verify_part};

const OPENING_VERSION: u8 = 1;

/// A part with all that proves it against its entry's header. This is what the store seals: whoever holds
/// the key of one part can check that part, and needs nothing of the others.
///
/// Bytes: version (u8, 1), leaf position (u16), number of hashes (u8), hashes, salt (32), kind as
/// [`PartKind::encode`], content to the end.
#[derive(Clone, PartialEq, Eq)]
pub struct PartOpening {
    pub kind: PartKind,
    pub salt: Salt,
    pub proof: PartProof,
    pub content: Vec<u8>,
}

/// Why bytes are not a [`PartOpening`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpeningError {
    #[error("part opening is truncated")]
    Truncated,
    #[error("part opening version {0} is unknown")]
    Version(u8),
    #[error("part opening has {0} hashes, outside 3 to 10")]
    Width(u8),
    #[error(transparent)]
    Kind(#[from] PartKindError),
}

impl PartOpening {
    /// # Errors
    /// A path longer than any parts tree has.
    pub fn encode(&self) -> Result<Vec<u8>, OpeningError> {
        let Self {
            kind,
            salt,
            proof: PartProof { index, path },
            content,
        } = self;
        let hashes = u8::try_from(path.len()).map_err(|_| OpeningError::Width(u8::MAX))?;
        if !(3..=10).contains(&hashes) {
            return Err(OpeningError::Width(hashes));
        }
        let mut bytes = Vec::with_capacity(64 + Hash::LEN * path.len() + content.len());
        bytes.push(OPENING_VERSION);
        bytes.extend_from_slice(&index.to_be_bytes());
        bytes.push(hashes);
        for hash in path {
            bytes.extend_from_slice(hash.as_ref());
        }
        bytes.extend_from_slice(salt.as_bytes());
        bytes.extend_from_slice(&kind.encode());
        bytes.extend_from_slice(content);
        Ok(bytes)
    }

    /// # Errors
    /// The bytes are not an opening. It is not yet checked against a header: see [`PartOpening::verify`].
    pub fn decode(bytes: &[u8]) -> Result<Self, OpeningError> {
        let Some(([version, high, low, hashes], rest)) = bytes.split_first_chunk::<4>() else {
            return Err(OpeningError::Truncated);
        };
        if *version != OPENING_VERSION {
            return Err(OpeningError::Version(*version));
        }
        if !(3..=10).contains(hashes) {
            return Err(OpeningError::Width(*hashes));
        }
        let (path, rest) = rest
            .split_at_checked(Hash::LEN * usize::from(*hashes))
            .ok_or(OpeningError::Truncated)?;
        let (salt, rest) = rest
            .split_first_chunk::<{ Salt::LEN }>()
            .ok_or(OpeningError::Truncated)?;
        let (kind, content) = PartKind::decode(rest)?;
        let path = path
            .chunks_exact(Hash::LEN)
            .map(|hash| Hash::try_from(hash).expect("chunks of 32 bytes"))
            .collect();
        let index = u16::from_be_bytes([*high, *low]);
        Ok(Self {
            kind,
            salt: Salt::new(*salt),
            proof: PartProof { index, path },
            content: content.to_vec(),
        })
    }

    /// Checks the part against the `parts_root` of its entry's header.
    ///
    /// # Errors
    /// As [`verify_part`].
    pub fn verify(&self, parts_root: &Hash) -> Result<(), PartProofError> {
        verify_part(&self.kind, &self.salt, &self.content, &self.proof, parts_root)
    }
}

impl fmt::Debug for PartOpening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            salt,
            proof,
            content: _,
        } = self;
        f.debug_struct("PartOpening")
            .field("kind", kind)
            .field("salt", salt)
            .field("proof", proof)
            .finish_non_exhaustive()
    }
}
