//! SHA-256 with the domain separation of RFC 6962 §2.1.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest;
use thiserror::Error;

const LEAF_PREFIX: u8 = 0x00;
const NODE_PREFIX: u8 = 0x01;

/// Input up to this length is hashed from a stack buffer in one call, without a heap context.
const ONE_SHOT: usize = 2048;

/// A SHA-256 value: of a leaf, of an inner node, of a certificate, of an agreement's bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

/// Why a text or a byte string is not a [`struct@Hash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum HashError {
    #[error("a hash is 32 bytes, got {0}")]
    Length(usize),
    #[error("a hash is written with 64 lower-case hexadecimal digits")]
    Hex,
}

impl Hash {
    pub const LEN: usize = 32;

    /// The root of the tree without leaves: SHA-256 of the empty string (RFC 6962 §2.1).
    pub const EMPTY_TREE: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
        0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
    ]);

    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Plain SHA-256, without a prefix.
pub fn sha256(data: &[u8]) -> Hash {
    let digest = digest::digest(&digest::SHA256, data);
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.as_ref());
    Hash(bytes)
}

/// Plain SHA-256 of what comes piece by piece.
#[derive(Clone)]
pub struct Sha256(digest::Context);

impl Sha256 {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Takes the next piece in.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The value of everything that was taken in.
    pub fn finish(self) -> Hash {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.finish().as_ref());
        Hash(bytes)
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256(..)")
    }
}

/// Hash of a leaf: SHA-256(0x00 ‖ data).
pub fn leaf_hash(data: &[u8]) -> Hash {
    leaf_hash_of(&[data])
}

/// Hash of the leaf whose data is the concatenation of `pieces`.
pub(crate) fn leaf_hash_of(pieces: &[&[u8]]) -> Hash {
    let length = 1 + pieces.iter().map(|piece| piece.len()).sum::<usize>();
    if length <= ONE_SHOT {
        let mut buffer = [0; ONE_SHOT];
        buffer[0] = LEAF_PREFIX;
        let mut end = 1;
        for piece in pieces {
            buffer[end..end + piece.len()].copy_from_slice(piece);
            end += piece.len();
        }
        return sha256(&buffer[..end]);
    }
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&[LEAF_PREFIX]);
    for piece in pieces {
        context.update(piece);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    Hash(bytes)
}

/// Hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut buffer = [0; 1 + 2 * Hash::LEN];
    buffer[0] = NODE_PREFIX;
    buffer[1..33].copy_from_slice(&left.0);
    buffer[33..].copy_from_slice(&right.0);
    sha256(&buffer)
}

impl AsRef<[u8]> for Hash {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<[u8; 32]> for Hash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl TryFrom<&[u8]> for Hash {
    type Error = HashError;

    fn try_from(bytes: &[u8]) -> Result<Self, HashError> {
        bytes
            .try_into()
            .map(Self)
            .map_err(|_| HashError::Length(bytes.len()))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        if text.len() != 2 * Self::LEN {
            return Err(HashError::Hex);
        }
        let mut bytes = [0; Self::LEN];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let (Some(high), Some(low)) = (hex_digit(pair[0]), hex_digit(pair[1])) else {
                return Err(HashError::Hex);
            };
            *byte = high << 4 | low;
        }
        Ok(Self(bytes))
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(actual: Hash, expected: &str) {
        assert_eq!(actual.to_string(), expected);
        assert_eq!(expected.parse(), Ok(actual));
    }

    #[test]
    fn leaf_and_node_hashes_are_those_of_rfc_6962() {
        check(
            Hash::EMPTY_TREE,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        );
        check(
            sha256(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        );
        check(
            leaf_hash(b""),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        );
        check(
            leaf_hash(b"L123456"),
            "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56",
        );
        let left = Hash::try_from(sha256(b"N123").as_ref()).unwrap();
        assert_ne!(
            node_hash(&left, &Hash::EMPTY_TREE),
            node_hash(&Hash::EMPTY_TREE, &left)
        );
    }

    #[test]
    fn a_long_leaf_hashes_as_its_pieces_do() {
        for length in [0, 1, ONE_SHOT - 2, ONE_SHOT - 1, ONE_SHOT, 5000] {
            let data = vec![7; length];
            let mut prefixed = vec![LEAF_PREFIX];
            prefixed.extend_from_slice(&data);
            let (head, tail) = data.split_at(length / 3);
            assert_eq!(leaf_hash(&data), sha256(&prefixed));
            assert_eq!(leaf_hash_of(&[head, tail]), sha256(&prefixed));
        }
    }

    #[test]
    fn text_that_is_not_64_lower_case_digits_is_refused() {
        for text in [
            "",
            "00",
            &"A".repeat(64),
            &"g".repeat(64),
            &"0".repeat(63),
            &"é".repeat(32),
        ] {
            assert_eq!(text.parse::<Hash>(), Err(HashError::Hex), "{text}");
        }
        assert_eq!(Hash::try_from([0_u8; 31].as_slice()), Err(HashError::Length(31)));
    }
}
