use std::fmt;
use std::str::FromStr;

use crate::checkpoint::keys::{NoteKey, VerifierKey};
use crate::checkpoint::{Checkpoint, CheckpointError, KeyError, KeyId, NoteSignature, SignedCheckpoint};
use crate::name::KeyName;

/// Signature type of a witness: Ed25519 with a time (C2SP tlog-cosignature, `cosignature/v1`).
const ED25519_COSIGNATURE: u8 = 0x04;

/// A witness's key: it states that it saw this log only ever grow, and this checkpoint as its newest.
pub struct Cosigner(NoteKey);

/// The public half of a [`Cosigner`].
#[derive(Clone, PartialEq, Eq)]
pub struct CosignatureVerifier(VerifierKey);

/// When a witness saw a checkpoint, by its own clock, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WitnessedAt(pub u64);

impl Cosigner {
    /// # Errors
    /// The seed makes no key.
    pub fn from_seed(name: KeyName, seed: &[u8; 32]) -> Result<Self, KeyError> {
        NoteKey::from_seed(name, ED25519_COSIGNATURE, seed).map(Self)
    }

    /// # Errors
    /// The document is not an Ed25519 key in PKCS#8.
    pub fn from_pkcs8(name: KeyName, document: &[u8]) -> Result<Self, KeyError> {
        NoteKey::from_pkcs8(name, ED25519_COSIGNATURE, document).map(Self)
    }

    pub fn name(&self) -> &KeyName {
        &self.0.public.name
    }

    pub fn verifier(&self) -> CosignatureVerifier {
        CosignatureVerifier(self.0.public.clone())
    }

    /// Cosigns. The caller has checked the log's signature and the consistency with what it cosigned
    /// before, and has stored the checkpoint.
    pub fn cosign(&self, checkpoint: &Checkpoint, at: WitnessedAt) -> NoteSignature {
        let WitnessedAt(seconds) = at;
        let mut signature = seconds.to_be_bytes().to_vec();
        signature.extend_from_slice(&self.0.sign(cosigned_text(checkpoint, at).as_bytes()));
        self.0.public.note_signature(signature)
    }
}

impl CosignatureVerifier {
    /// # Errors
    /// The bytes are not an Ed25519 public key.
    pub fn new(name: KeyName, public_key: &[u8; 32]) -> Result<Self, KeyError> {
        VerifierKey::new(name, ED25519_COSIGNATURE, public_key).map(Self)
    }

    /// Reads a verifier key of type 0x04.
    ///
    /// # Errors
    /// As [`crate::checkpoint::LogVerifier::parse`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        VerifierKey::parse(text, ED25519_COSIGNATURE).map(Self)
    }

    pub fn name(&self) -> &KeyName {
        &self.0.name
    }

    pub fn key_id(&self) -> KeyId {
        self.0.id
    }

    pub fn public_key(&self) -> &[u8; 32] {
        &self.0.public_key
    }

    /// Checks this witness's cosignature and returns its time, the latest when there are several. Whether
    /// the log signed is another question: see [`crate::checkpoint::LogVerifier::verify`].
    ///
    /// # Errors
    /// Not cosigned by this key, or cosigned wrongly.
    pub fn verify(&self, signed: &SignedCheckpoint) -> Result<WitnessedAt, CheckpointError> {
        let mut latest = None;
        for note in signed.signatures_of(&self.0.name, self.0.id) {
            let (seconds, signature) = note
                .signature
                .split_first_chunk()
                .ok_or(CheckpointError::WrongSignature)?;
            let at = WitnessedAt(u64::from_be_bytes(*seconds));
            if at.0 >> 63 != 0 {
                return Err(CheckpointError::WrongSignature);
            }
            self.0
                .verify(cosigned_text(signed.checkpoint(), at).as_bytes(), signature)?;
            latest = latest.max(Some(at));
        }
        latest.ok_or(CheckpointError::NotSigned)
    }
}

fn cosigned_text(checkpoint: &Checkpoint, WitnessedAt(seconds): WitnessedAt) -> String {
    format!("cosignature/v1\ntime {seconds}\n{}", checkpoint.to_text())
}

impl FromStr for CosignatureVerifier {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

impl fmt::Display for CosignatureVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CosignatureVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CosignatureVerifier({self})")
    }
}

impl fmt::Debug for Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cosigner").field(&self.0.public).finish()
    }
}
