use std::fmt;

use crate::checkpoint::{decode_base64, encode_base64};
use crate::hash::sha256;
use crate::name::KeyName;

/// The first four bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key): a hint which key signed, no proof.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 4]);

/// One signature line of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    pub name: KeyName,
    pub key_id: KeyId,
    /// What follows the key id; its meaning depends on the key's type.
    pub signature: Vec<u8>,
}

impl KeyId {
    pub(super) fn of(name: &KeyName, key_type: u8, public_key: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(name.as_str().len() + 2 + public_key.len());
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(&[b'\n', key_type]);
        bytes.extend_from_slice(public_key);
        let [a, b, c, d, ..] = *sha256(&bytes).as_bytes();
        Self([a, b, c, d])
    }

    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }
}

impl NoteSignature {
    pub(super) fn write_line(&self, text: &mut String) {
        let Self {
            name,
            key_id,
            signature,
        } = self;
        let mut bytes = Vec::with_capacity(4 + signature.len());
        bytes.extend_from_slice(&key_id.0);
        bytes.extend_from_slice(signature);
        text.push_str("— ");
        text.push_str(name.as_str());
        text.push(' ');
        text.push_str(&encode_base64(&bytes));
        text.push('\n');
    }

    pub(super) fn parse_line(line: &str) -> Option<Self> {
        let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
        let bytes = decode_base64(encoded)?;
        let (key_id, signature) = bytes.split_first_chunk()?;
        if signature.is_empty() {
            return None;
        }
        let name = KeyName::new(name).ok()?;
        Some(Self {
            name,
            key_id: KeyId(*key_id),
            signature: signature.to_vec(),
        })
    }

    /// The line as it stands in a note, without the line feed.
    pub fn to_line(&self) -> String {
        let mut line = String::new();
        self.write_line(&mut line);
        line.truncate(line.len() - 1);
        line
    }

    /// Reads one signature line, without the line feed; nothing when it is malformed.
    pub fn from_line(line: &str) -> Option<Self> {
        if line.chars().any(char::is_control) {
            None
        } else {
            Self::parse_line(line)
        }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}
