use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use thiserror::Error;

use crate::checkpoint::{
    Checkpoint, CheckpointError, KeyId, NoteSignature, SignedCheckpoint, VerifiedCheckpoint, decode_base64,
    encode_base64,
};
use crate::hash::Hash;
use crate::name::{KeyName, NameError, Origin};

/// Signature type of a log: Ed25519 over the note text.
const ED25519_NOTE: u8 = 0x01;

/// The log's signing key. Its name in notes is the log's origin.
pub struct LogSigner {
    origin: Origin,
    key: NoteKey,
}

/// The public half of a [`LogSigner`]: what an auditor or a client is configured with.
#[derive(Clone, PartialEq, Eq)]
pub struct LogVerifier {
    origin: Origin,
    key: VerifierKey,
}

/// Why a key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    #[error("private key is not an Ed25519 key")]
    Private,
    #[error("public key is not an Ed25519 key")]
    Public,
    #[error("verifier key is not name, eight hexadecimal digits and base64 joined by plus signs")]
    Shape,
    #[error("verifier key is of another signature type")]
    Type,
    #[error("verifier key's id does not belong to its name and key")]
    Id,
    #[error("verifier key: {0}")]
    Name(#[from] NameError),
}

impl LogSigner {
    /// # Errors
    /// The seed makes no key.
    pub fn from_seed(origin: Origin, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let key = NoteKey::from_seed(KeyName::from(&origin), ED25519_NOTE, seed)?;
        Ok(Self { origin, key })
    }

    /// # Errors
    /// The document is not an Ed25519 key in PKCS#8.
    pub fn from_pkcs8(origin: Origin, document: &[u8]) -> Result<Self, KeyError> {
        let key = NoteKey::from_pkcs8(KeyName::from(&origin), ED25519_NOTE, document)?;
        Ok(Self { origin, key })
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    pub fn verifier(&self) -> LogVerifier {
        let Self { origin, key } = self;
        LogVerifier {
            origin: origin.clone(),
            key: key.public.clone(),
        }
    }

    /// Signs the head of this log at `size` entries. The caller answers for never signing two heads of
    /// which neither continues the other.
    pub fn sign(&self, size: u64, root: Hash) -> SignedCheckpoint {
        let checkpoint = Checkpoint {
            origin: self.origin.clone(),
            size,
            root,
        };
        let signature = self.key.sign(checkpoint.to_text().as_bytes());
        let signatures = vec![self.key.public.note_signature(signature.to_vec())];
        SignedCheckpoint::new(checkpoint, signatures)
    }

    /// Signs a text that is no checkpoint under another name of the same key. The caller answers for texts that can be
    /// taken for nothing else.
    pub(crate) fn sign_as(&self, name: &KeyName, text: &str) -> NoteSignature {
        let public_key = &self.key.public.public_key;
        NoteSignature {
            key_id: KeyId::of(name, ED25519_NOTE, public_key),
            name: name.clone(),
            signature: self.key.sign(text.as_bytes()).to_vec(),
        }
    }
}

impl LogVerifier {
    /// # Errors
    /// The bytes are not an Ed25519 public key.
    pub fn new(origin: Origin, public_key: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifierKey::new(KeyName::from(&origin), ED25519_NOTE, public_key)?;
        Ok(Self { origin, key })
    }

    /// Reads a verifier key, `name+id+base64(0x01 ‖ public key)`; the base64 may contain plus signs.
    ///
    /// # Errors
    /// Another shape or signature type, or an id that belongs to another key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let key = VerifierKey::parse(text, ED25519_NOTE)?;
        Ok(Self {
            origin: Origin::new(key.name.as_str())?,
            key,
        })
    }

    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    pub fn key_id(&self) -> KeyId {
        self.key.id
    }

    pub fn public_key(&self) -> &[u8; 32] {
        &self.key.public_key
    }

    /// Checks that this log signed the checkpoint. Signatures of other keys are ignored.
    ///
    /// # Errors
    /// Of another log, not signed by this key, or signed wrongly.
    pub fn verify(&self, signed: &SignedCheckpoint) -> Result<VerifiedCheckpoint, CheckpointError> {
        if signed.checkpoint.origin != self.origin {
            return Err(CheckpointError::OtherLog);
        }
        let text = signed.checkpoint.to_text();
        let mut found = false;
        for note in signed.signatures_of(&self.key.name, self.key.id) {
            self.key.verify(text.as_bytes(), &note.signature)?;
            found = true;
        }
        if found {
            Ok(VerifiedCheckpoint(signed.checkpoint.clone()))
        } else {
            Err(CheckpointError::NotSigned)
        }
    }

    /// Checks a signature of [`LogSigner::sign_as`].
    ///
    /// # Errors
    /// Of another key or name, or wrong.
    pub(crate) fn verify_as(
        &self,
        name: &KeyName,
        text: &str,
        signature: &NoteSignature,
    ) -> Result<(), CheckpointError> {
        let key_id = KeyId::of(name, ED25519_NOTE, &self.key.public_key);
        if signature.name != *name || signature.key_id != key_id {
            return Err(CheckpointError::NotSigned);
        }
        self.key.verify(text.as_bytes(), &signature.signature)
    }
}

impl FromStr for LogVerifier {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::parse(text)
    }
}

impl fmt::Display for LogVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}

impl fmt::Debug for LogVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogVerifier({self})")
    }
}

impl fmt::Debug for LogSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSigner")
            .field("verifier", &self.key.public)
            .finish_non_exhaustive()
    }
}

/// An Ed25519 key with the name and type under which it signs notes.
pub(super) struct NoteKey {
    pair: Ed25519KeyPair,
    pub(super) public: VerifierKey,
}

impl NoteKey {
    pub(super) fn from_seed(name: KeyName, key_type: u8, seed: &[u8; 32]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyError::Private)?;
        Self::new(name, key_type, pair)
    }

    pub(super) fn from_pkcs8(name: KeyName, key_type: u8, document: &[u8]) -> Result<Self, KeyError> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(document).map_err(|_| KeyError::Private)?;
        Self::new(name, key_type, pair)
    }

    fn new(name: KeyName, key_type: u8, pair: Ed25519KeyPair) -> Result<Self, KeyError> {
        let public_key = pair
            .public_key()
            .as_ref()
            .try_into()
            .map_err(|_| KeyError::Private)?;
        Ok(Self {
            public: VerifierKey::new(name, key_type, public_key)?,
            pair,
        })
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature = self.pair.sign(message);
        let mut bytes = [0; 64];
        bytes.copy_from_slice(signature.as_ref());
        bytes
    }
}

/// A public key with the name and type under which it verifies notes.
#[derive(Clone)]
pub(super) struct VerifierKey {
    pub(super) name: KeyName,
    pub(super) id: KeyId,
    key_type: u8,
    pub(super) public_key: [u8; 32],
    parsed: ParsedPublicKey,
}

impl VerifierKey {
    pub(super) fn new(name: KeyName, key_type: u8, public_key: &[u8; 32]) -> Result<Self, KeyError> {
        let parsed = ParsedPublicKey::new(&ED25519, public_key).map_err(|_| KeyError::Public)?;
        let id = KeyId::of(&name, key_type, public_key);
        Ok(Self {
            name,
            id,
            key_type,
            public_key: *public_key,
            parsed,
        })
    }

    pub(super) fn parse(text: &str, expected_type: u8) -> Result<Self, KeyError> {
        let mut pieces = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (pieces.next(), pieces.next(), pieces.next()) else {
            return Err(KeyError::Shape);
        };
        let key = decode_base64(key).ok_or(KeyError::Shape)?;
        let (key_type, public_key) = key.split_first().ok_or(KeyError::Shape)?;
        if *key_type != expected_type {
            return Err(KeyError::Type);
        }
        let public_key = public_key.try_into().map_err(|_| KeyError::Public)?;
        let key = Self::new(KeyName::new(name)?, expected_type, public_key)?;
        if key.id.to_string() == id {
            Ok(key)
        } else {
            Err(KeyError::Id)
        }
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), CheckpointError> {
        self.parsed
            .verify_sig(message, signature)
            .map_err(|_| CheckpointError::WrongSignature)
    }

    pub(super) fn note_signature(&self, signature: Vec<u8>) -> NoteSignature {
        NoteSignature {
            name: self.name.clone(),
            key_id: self.id,
            signature,
        }
    }
}

impl PartialEq for VerifierKey {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.key_type, self.public_key) == (&other.name, other.key_type, other.public_key)
    }
}

impl Eq for VerifierKey {}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            id,
            key_type,
            public_key,
            parsed: _,
        } = self;
        let mut key = vec![*key_type];
        key.extend_from_slice(public_key);
        write!(f, "{name}+{id}+{}", encode_base64(&key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}
