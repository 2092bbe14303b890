//! Ed25519 keys (RFC 8032) of a municipality: the publication key of its node, and the personal keys of its registrars.
//!
//! They stand apart from TLS: who steals a node's connection cannot speak for the municipality, and who steals the
//! node cannot speak for a registrar. Every signature is made over a context and a message, so that one made for one
//! purpose proves nothing for another.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What a signature is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// A batch of changes, by the node's publication key.
    Batch,
    /// A registrar's statement, by a personal key.
    Statement,
    /// A municipality's request to take part, by the publication key that it states.
    Enrolment,
}

/// A private key. It is never shown.
pub struct SigningKey(Ed25519KeyPair);

/// A public key, 32 bytes; as text, their base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerifyingKey([u8; 32]);

/// A signature, 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

/// The bytes are not an Ed25519 key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not an Ed25519 key")]
pub struct KeyError;

/// The signature is not one of this key over this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct SignatureError;

/// The private key of 32 random bytes in PKCS#8 (RFC 8410), PEM.
pub fn pem_of_seed(seed: &[u8; 32]) -> String {
    let document = [PKCS8_HEAD, seed].concat();
    format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", STANDARD.encode(document))
}

/// The PKCS#8 document, DER, of a private key in PEM. It is a secret.
///
/// # Errors
/// See [`KeyError`]: another PEM, or none.
pub fn pkcs8_of_pem(text: &str) -> Result<Vec<u8>, KeyError> {
    let body = text
        .trim()
        .strip_prefix(PEM_BEGIN)
        .and_then(|rest| rest.strip_suffix(PEM_END))
        .ok_or(KeyError)?;
    let body: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(body).map_err(|_| KeyError)
}

const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

/// What stands before the seed: version 0, algorithm 1.3.101.112, and the lengths.
const PKCS8_HEAD: &[u8] = &[
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

impl Purpose {
    const fn context(self) -> &'static [u8] {
        match self {
            Self::Batch => b"ponte/publication-batch/1\n",
            Self::Statement => b"ponte/registrar-statement/1\n",
            Self::Enrolment => b"ponte/enrolment-request/1\n",
        }
    }

    fn message(self, message: &[u8]) -> Vec<u8> {
        [self.context(), message].concat()
    }
}

impl SigningKey {
    /// The key of 32 random bytes.
    ///
    /// # Errors
    /// See [`KeyError`]; random bytes always make a key.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_seed_unchecked(seed)
            .map(Self)
            .map_err(|_| KeyError)
    }

    /// A key in PKCS#8, DER (RFC 8410).
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn from_pkcs8(document: &[u8]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(document)
            .map(Self)
            .map_err(|_| KeyError)
    }

    /// A key in PKCS#8, PEM: what [`pem_of_seed`] and other programs write.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        Self::from_pkcs8(&pkcs8_of_pem(text)?)
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        VerifyingKey(bytes)
    }

    /// Signs a message for a purpose.
    pub fn sign(&self, purpose: Purpose, message: &[u8]) -> Signature {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(self.0.sign(&purpose.message(message)).as_ref());
        Signature(bytes)
    }
}

impl VerifyingKey {
    /// From its bytes; whether they are a point of the curve shows when a signature is verified.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads base64 of 32 bytes.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = STANDARD.decode(text).map_err(|_| KeyError)?;
        bytes.try_into().map(Self).map_err(|_| KeyError)
    }

    /// The first 8 bytes of SHA-256 of the key: what a log entry and a list name it by.
    pub fn id(&self) -> [u8; 8] {
        let hash = digest(&SHA256, &self.0);
        hash.as_ref()
            .first_chunk()
            .copied()
            .expect("SHA-256 has 32 bytes")
    }

    /// Proves that the holder of the private half signed the message for the purpose.
    ///
    /// # Errors
    /// See [`SignatureError`].
    pub fn verify(
        &self,
        purpose: Purpose,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), SignatureError> {
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(&purpose.message(message), &signature.0)
            .map_err(|_| SignatureError)
    }
}

impl Signature {
    /// Reads base64 of 64 bytes.
    ///
    /// # Errors
    /// [`SignatureError`] when it is something else.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let bytes = STANDARD.decode(text).map_err(|_| SignatureError)?;
        bytes.try_into().map(Self).map_err(|_| SignatureError)
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(..)")
    }
}

#[cfg(test)]
mod tests;
