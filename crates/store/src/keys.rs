//! Keys at rest: one key-encryption key from outside, many data keys in a ring wrapped by it, tokens of identifiers.
//!
//! A data key has a name that says what it protects ("municipality/E289") and an opaque id that stands beside what it
//! sealed. Destroying a key is how data is erased: the bytes that it sealed stay where they are and open no more.

pub mod data_key;
pub mod encryption_key;
pub mod ring;
pub mod token;

use std::fmt::{self, Debug, Display};

use registry::hex::Hex;

/// A source of random bytes fit for keys. Randomness is a parameter: the daemon gives the system's, tests a counter.
pub trait Entropy: Send + Sync + Debug {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// What a data key protects: 1 to 120 characters of `[A-Za-z0-9/._-]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// The opaque id of a data key; it says nothing about what the key protects.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 16]);

/// A key name outside its alphabet or length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key name must be 1 to 120 characters of [A-Za-z0-9/._-]")]
pub struct KeyNameError;

impl KeyName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`KeyNameError`].
    pub fn new(name: impl Into<String>) -> Result<Self, KeyNameError> {
        let name = name.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
        if name.is_empty() || 120 < name.len() || !name.bytes().all(allowed) {
            return Err(KeyNameError);
        }
        Ok(Self(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl KeyId {
    /// An id from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({})", Hex(&self.0))
    }
}

#[cfg(test)]
mod tests;
