//! Checkpoints: the signed head of the log, as C2SP tlog-checkpoint in a C2SP signed-note.
//!
//! ```text
//! registro.example.it/accessi/1        origin
//! 20852163                             number of entries
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB…=    root, base64
//!                                      empty line
//! — registro.example.it/accessi/1 Az3grlgtz…=    signatures, one a line
//! ```
//!
//! The log signs with Ed25519 (type 0x01). Witnesses add cosignatures (type 0x04) with their time.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::hash::Hash;
use crate::name::{KeyName, NameError, Origin};
use crate::tree::MAX_SIZE;

mod cosignature;
mod keys;
mod note;

#[cfg(test)]
mod tests;

pub use cosignature::{CosignatureVerifier, Cosigner, WitnessedAt};
pub use keys::{KeyError, LogSigner, LogVerifier};
pub use note::{KeyId, NoteSignature};

/// Longest signed checkpoint, in bytes.
pub const CHECKPOINT_MAX_LEN: usize = 16 * 1024;

/// Most signatures read from one checkpoint. Signed-note demands at least 16.
pub const MAX_SIGNATURES: usize = 64;

/// The head of a log: how many entries it has, and the root that commits to all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: Origin,
    pub size: u64,
    pub root: Hash,
}

/// A checkpoint with signatures, none of them checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    signatures: Vec<NoteSignature>,
}

/// A checkpoint whose log signature was checked. Only [`LogVerifier::verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCheckpoint(Checkpoint);

/// Why a text is not a checkpoint, or proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CheckpointError {
    #[error("checkpoint is longer than {CHECKPOINT_MAX_LEN} bytes")]
    TooLong,
    #[error("checkpoint contains a control character")]
    Control,
    #[error("checkpoint is not three lines, an empty line and signature lines")]
    Shape,
    #[error("checkpoint origin: {0}")]
    Origin(NameError),
    #[error("checkpoint size is not a canonical decimal number up to 2^63")]
    Size,
    #[error("checkpoint root is not 32 bytes in base64")]
    Root,
    #[error("checkpoint signature line is malformed")]
    SignatureLine,
    #[error("checkpoint has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    #[error("checkpoint is of another log")]
    OtherLog,
    #[error("checkpoint is not signed by this key")]
    NotSigned,
    #[error("checkpoint signature of this key is wrong")]
    WrongSignature,
}

impl Checkpoint {
    /// The text that is signed: three lines, each with its line feed.
    pub fn to_text(&self) -> String {
        let Self { origin, size, root } = self;
        format!("{origin}\n{size}\n{}\n", STANDARD.encode(root))
    }

    /// # Errors
    /// Other than exactly the three lines. Extension lines are refused: no monitor could audit them.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Shape)?.split('\n');
        let (Some(origin), Some(size), Some(root), None) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Shape);
        };
        let origin = Origin::new(origin).map_err(CheckpointError::Origin)?;
        let size = canonical_decimal(size)
            .filter(|size| *size <= MAX_SIZE)
            .ok_or(CheckpointError::Size)?;
        let root = decode_hash(root).ok_or(CheckpointError::Root)?;
        Ok(Self { origin, size, root })
    }
}

impl SignedCheckpoint {
    pub fn new(checkpoint: Checkpoint, signatures: Vec<NoteSignature>) -> Self {
        Self {
            checkpoint,
            signatures,
        }
    }

    /// What the signatures are about; unproved until one is verified.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// Adds a witness's signature; one of the same key is replaced.
    pub fn add_signature(&mut self, signature: NoteSignature) {
        self.signatures
            .retain(|old| (&old.name, old.key_id) != (&signature.name, signature.key_id));
        self.signatures.push(signature);
    }

    pub fn to_text(&self) -> String {
        let Self {
            checkpoint,
            signatures,
        } = self;
        let mut text = checkpoint.to_text();
        text.push('\n');
        for signature in signatures {
            signature.write_line(&mut text);
        }
        text
    }

    /// # Errors
    /// Not the text of a signed checkpoint. Signatures are only read, not checked.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        if CHECKPOINT_MAX_LEN < text.len() {
            return Err(CheckpointError::TooLong);
        }
        if text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(CheckpointError::Control);
        }
        let split = text.rfind("\n\n").ok_or(CheckpointError::Shape)?;
        let checkpoint = Checkpoint::parse(&text[..split + 1])?;
        let lines = text[split + 2..]
            .strip_suffix('\n')
            .ok_or(CheckpointError::Shape)?;
        let mut signatures = Vec::new();
        for line in lines.split('\n') {
            if signatures.len() == MAX_SIGNATURES {
                return Err(CheckpointError::TooManySignatures);
            }
            signatures.push(NoteSignature::parse_line(line).ok_or(CheckpointError::SignatureLine)?);
        }
        Ok(Self {
            checkpoint,
            signatures,
        })
    }

    /// Signatures of a key; notes may hold others of the same name or of the same id.
    fn signatures_of<'a>(
        &'a self,
        name: &'a KeyName,
        key_id: KeyId,
    ) -> impl Iterator<Item = &'a NoteSignature> {
        self.signatures
            .iter()
            .filter(move |signature| signature.name == *name && signature.key_id == key_id)
    }
}

impl VerifiedCheckpoint {
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.0
    }

    pub fn into_checkpoint(self) -> Checkpoint {
        self.0
    }
}

impl FromStr for SignedCheckpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        Self::parse(text)
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

/// A number in decimal digits without sign or leading zeros.
pub(crate) fn canonical_decimal(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

pub(crate) fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(crate) fn decode_hash(text: &str) -> Option<Hash> {
    Hash::try_from(decode_base64(text)?.as_slice()).ok()
}
