//! Sealing under one data key: AES-256-GCM with associated data.
//!
//! | bytes | content |
//! |---|---|
//! | 1 | format version, 1 |
//! | 12 | nonce |
//! | n | ciphertext |
//! | 16 | tag |
//!
//! The version byte is part of the associated data.

use std::fmt::{self, Debug};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    hmac,
};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;

/// A 256-bit key with what is derived from it.
pub struct DataKey {
    cipher: LessSafeKey,
    nonces: hmac::Key,
    tokens: hmac::Key,
}

/// A sealed value does not open: another key, other associated data, an unknown version or damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open under its key")]
pub struct OpenError;

impl DataKey {
    /// Bytes that sealing adds.
    pub const OVERHEAD: usize = 1 + NONCE + TAG;

    /// A key from its 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let unbound = UnboundKey::new(&AES_256_GCM, bytes).expect("AES-256 takes 32 bytes");
        let root = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        Self {
            cipher: LessSafeKey::new(unbound),
            nonces: derive(&root, b"ponte derived nonce v1"),
            tokens: derive(&root, b"ponte token v1"),
        }
    }

    /// Seals so that equal input gives equal output: the nonce is an HMAC of associated data and plaintext.
    ///
    /// For projections, whose rows must come back byte for byte. Equality of two values at one place shows.
    #[must_use]
    pub fn seal_derived(&self, associated: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.nonces);
        context.update(&(associated.len() as u64).to_be_bytes());
        context.update(associated);
        context.update(plaintext);
        let tag = context.sign();
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&tag.as_ref()[..NONCE]);
        self.seal(nonce, associated, plaintext)
    }

    /// Seals under a nonce that must be random, and never be used again under this key.
    #[must_use]
    pub fn seal_random(&self, nonce: [u8; 12], associated: &[u8], plaintext: &[u8]) -> Vec<u8> {
        self.seal(nonce, associated, plaintext)
    }

    /// Opens what one of the two seals made.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(&self, associated: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (version, rest) = sealed.split_first().ok_or(OpenError)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or(OpenError)?;
        if *version != VERSION || ciphertext.len() < TAG {
            return Err(OpenError);
        }
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .cipher
            .open_in_place(nonce, versioned(associated), &mut buffer)
            .map_err(|_| OpenError)?
            .len();
        buffer.truncate(opened);
        Ok(buffer)
    }

    /// Whether bytes have the outer form of a sealed value; says nothing about what is inside.
    #[must_use]
    pub fn is_sealed_form(bytes: &[u8]) -> bool {
        bytes.first() == Some(&VERSION) && Self::OVERHEAD <= bytes.len()
    }

    /// 32 bytes derived from the key, for uses that need a secret of their own.
    pub(crate) fn derived_secret(&self) -> [u8; 32] {
        let tag = hmac::sign(&self.tokens, b"ponte secret v1");
        let mut secret = [0; 32];
        secret.copy_from_slice(tag.as_ref());
        secret
    }

    pub(super) fn token_key(&self) -> &hmac::Key {
        &self.tokens
    }

    fn seal(&self, nonce: [u8; NONCE], associated: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(plaintext.len() + Self::OVERHEAD);
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let tag = self
            .cipher
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                versioned(associated),
                &mut sealed[1 + NONCE..],
            )
            .expect("AES-GCM seals anything below 64 GiB");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }
}

impl Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

fn versioned(associated: &[u8]) -> Aad<Vec<u8>> {
    let mut bytes = Vec::with_capacity(associated.len() + 1);
    bytes.push(VERSION);
    bytes.extend_from_slice(associated);
    Aad::from(bytes)
}

fn derive(root: &hmac::Key, purpose: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(root, purpose).as_ref())
}
