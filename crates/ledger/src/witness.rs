//! Witnesses (*testimoni*): whoever keeps the newest checkpoint that it has seen of a log, and cosigns only one that
//! continues it.
//!
//! The order is held by types. [`WitnessMemory::accept`] checks an offered checkpoint, [`Accepted::keep`] has it stored,
//! and only what was stored can be cosigned ([`Kept::cosign`]): whoever is stopped between the two remembers more than
//! it has cosigned, never less. The stored record is text:
//!
//! ```text
//! ponte.witness/1
//! <the signed checkpoint>
//! ```

use thiserror::Error;

use crate::checkpoint::{
    Checkpoint, CheckpointError, Cosigner, LogVerifier, NoteSignature, SignedCheckpoint, WitnessedAt,
};
use crate::hash::Hash;
use crate::tree::{VerifyError, verify_consistency};

pub mod submission;

#[cfg(test)]
mod tests;

const MARK: &str = "ponte.witness/1\n";

/// The newest checkpoint that a witness has stored for one log, and may have cosigned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WitnessMemory {
    newest: Option<SignedCheckpoint>,
}

/// A checkpoint that continues what the witness remembers, not yet stored.
#[derive(Debug)]
#[must_use = "a checkpoint is cosigned only after it was stored"]
pub struct Accepted(SignedCheckpoint);

/// A checkpoint that the witness has stored.
#[derive(Debug)]
pub struct Kept(Checkpoint);

/// Why a record is no memory of a witness. Whoever has lost its memory must not go on as if it had seen nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MemoryError {
    #[error("witness record does not begin with ponte.witness/1")]
    Mark,
    #[error("witness record is not UTF-8")]
    Utf8,
    #[error("witness record: {0}")]
    Checkpoint(#[from] CheckpointError),
}

/// Why a witness does not cosign a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WitnessRefusal {
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("the log has {offered} entries, and had {kept} before")]
    Shrinks { kept: u64, offered: u64 },
    #[error("the log has another root at {0} entries than before")]
    OtherRoot(u64),
    #[error("the log does not continue that of {kept} entries: {error}")]
    Inconsistent { kept: u64, error: VerifyError },
}

impl WitnessMemory {
    /// Reads a stored record.
    ///
    /// # Errors
    /// Another version, or a checkpoint that this log did not sign.
    pub fn decode(bytes: &[u8], log: &LogVerifier) -> Result<Self, MemoryError> {
        let text = std::str::from_utf8(bytes).map_err(|_| MemoryError::Utf8)?;
        let signed = SignedCheckpoint::parse(text.strip_prefix(MARK).ok_or(MemoryError::Mark)?)?;
        log.verify(&signed)?;
        Ok(Self { newest: Some(signed) })
    }

    /// What is remembered; nothing before the first checkpoint.
    pub fn newest(&self) -> Option<&Checkpoint> {
        self.newest.as_ref().map(SignedCheckpoint::checkpoint)
    }

    /// Entries of the remembered log: a proof must lead from there.
    pub fn size(&self) -> u64 {
        self.newest().map_or(0, |newest| newest.size)
    }

    /// Checks an offered checkpoint and the proof that it continues the remembered one. The first is taken on the log's
    /// word.
    ///
    /// # Errors
    /// The log did not sign it, or it does not continue what was seen before: then the log shows two histories.
    pub fn accept(
        &self,
        signed: SignedCheckpoint,
        proof: &[Hash],
        log: &LogVerifier,
    ) -> Result<Accepted, WitnessRefusal> {
        log.verify(&signed)?;
        let offered = signed.checkpoint();
        let Some(kept) = self.newest() else {
            return Ok(Accepted(signed));
        };
        if offered.size < kept.size {
            let (kept, offered) = (kept.size, offered.size);
            return Err(WitnessRefusal::Shrinks { kept, offered });
        }
        if offered.size == kept.size && offered.root != kept.root {
            return Err(WitnessRefusal::OtherRoot(kept.size));
        }
        verify_consistency(kept.size, &kept.root, offered.size, &offered.root, proof).map_err(|error| {
            let kept = kept.size;
            WitnessRefusal::Inconsistent { kept, error }
        })?;
        Ok(Accepted(signed))
    }
}

impl Accepted {
    /// Has the record stored. `store` must return only when it is durable.
    ///
    /// # Errors
    /// Those of `store`: nothing is cosigned, and whether it is remembered shows when the record is read again.
    pub fn keep<E>(self, store: impl FnOnce(&[u8]) -> Result<(), E>) -> Result<(WitnessMemory, Kept), E> {
        let Self(signed) = self;
        store(format!("{MARK}{}", signed.to_text()).as_bytes())?;
        let kept = Kept(signed.checkpoint().clone());
        Ok((WitnessMemory { newest: Some(signed) }, kept))
    }
}

impl Kept {
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.0
    }

    pub fn cosign(self, key: &Cosigner, at: WitnessedAt) -> NoteSignature {
        key.cosign(&self.0, at)
    }
}
