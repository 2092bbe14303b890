//! The key-encryption key: the one secret that comes from outside the data directory.

use std::{
    fmt::{self, Debug},
    fs,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::Path,
};

use zeroize::Zeroizing;

use crate::keys::data_key::DataKey;

/// Wraps data keys. From a file or a systemd credential; never stored by Ponte.
pub struct KeyEncryptionKey(DataKey);

/// Why a key file is refused.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The group or others may read or write it.
    #[error(
        "the key file can be read or written by others than its owner: its mode must be 0600 or stricter"
    )]
    Exposed,
    /// Neither 32 bytes nor 64 hexadecimal characters.
    #[error("the key file must hold 32 bytes, or 64 hexadecimal characters and at most one line end")]
    Malformed,
    /// It cannot be read.
    #[error("the key file cannot be read")]
    Io(#[from] io::Error),
}

impl KeyEncryptionKey {
    /// A key from its bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(DataKey::from_bytes(bytes))
    }

    /// Reads a key file: 32 bytes, or 64 hexadecimal characters and a line end.
    ///
    /// # Errors
    /// See [`KeyFileError`].
    pub fn from_file(path: &Path) -> Result<Self, KeyFileError> {
        let file = fs::File::open(path)?;
        if file.metadata()?.mode() & 0o077 != 0 {
            return Err(KeyFileError::Exposed);
        }
        let mut content = Zeroizing::new(Vec::with_capacity(128));
        file.take(128).read_to_end(&mut content)?;
        let key = parse(&content).ok_or(KeyFileError::Malformed)?;
        Ok(Self::from_bytes(&key))
    }

    pub(super) fn key(&self) -> &DataKey {
        &self.0
    }
}

impl Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyEncryptionKey(..)")
    }
}

fn parse(content: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    if let Ok(raw) = <[u8; 32]>::try_from(content) {
        return Some(Zeroizing::new(raw));
    }
    let text = content.strip_suffix(b"\n").unwrap_or(content);
    if text.len() != 64 {
        return None;
    }
    let mut key = Zeroizing::new([0; 32]);
    for (byte, digits) in key.iter_mut().zip(text.chunks_exact(2)) {
        *byte = nibble(digits[0])? << 4 | nibble(digits[1])?;
    }
    Some(key)
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}
