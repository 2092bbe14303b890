//! Digest of a municipality: the proof that two copies of its cards are equal, and where they are not.
//!
//! Cards fall into 1,024 buckets by the first ten bits of `SHA-256(local id)`. A bucket is the sum modulo 2²⁵⁶ of
//! `SHA-256(version ‖ local id ‖ canonical bytes)` over its cards, so that adding, removing and replacing a card cost
//! two hashes, in any order. The concatenation has one reading: canonical bytes begin with a version byte below 0x20,
//! which no local id contains.
//!
//! The sum detects copies that drifted apart and says where. It is no defence against somebody who can choose the
//! cards of both copies: a set of hashes with a given sum can be searched for.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

use crate::hex::Hex;
use crate::identifier::LocalId;

/// Version of the digest, agreed between node and index before they compare.
pub const DIGEST_VERSION: u8 = 1;

/// Number of buckets.
pub const BUCKETS: usize = 1024;

/// Length of [`SetDigest::to_bytes`]: 32 KiB.
pub const DIGEST_BYTES: usize = BUCKETS * 32;

/// Digest of the cards of one municipality.
#[derive(Clone, PartialEq, Eq)]
pub struct SetDigest {
    buckets: Box<[Sum]>,
}

/// Which of the 1,024 buckets, 0 to 1023.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(u16);

/// What one card adds to its bucket.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CardDigest([u8; 32]);

/// One value over all buckets.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DigestRoot([u8; 32]);

/// The bytes are not a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a set digest has 32768 bytes")]
pub struct DigestLength;

/// A 256-bit number, least significant limb first.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Sum([u64; 4]);

impl Bucket {
    /// The bucket of a card.
    pub fn of(local_id: &LocalId) -> Self {
        let hash = sha256(&[local_id.as_str().as_bytes()]);
        let [high, low, ..] = hash;
        Self(u16::from_be_bytes([high, low]) >> 6)
    }

    /// The bucket with this number, when there is one.
    pub fn new(number: u16) -> Option<Self> {
        (usize::from(number) < BUCKETS).then_some(Self(number))
    }

    /// Its number, 0 to 1023.
    pub fn number(self) -> u16 {
        self.0
    }
}

impl CardDigest {
    /// Digest of one card from its canonical bytes.
    pub fn of(local_id: &LocalId, canonical: &[u8]) -> Self {
        Self(sha256(&[
            &[DIGEST_VERSION],
            local_id.as_str().as_bytes(),
            canonical,
        ]))
    }

    /// The digest of a card as another side reports it.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl SetDigest {
    /// Digest of no card.
    pub fn new() -> Self {
        Self {
            buckets: vec![Sum::ZERO; BUCKETS].into_boxed_slice(),
        }
    }

    /// Takes a card in.
    pub fn add(&mut self, local_id: &LocalId, canonical: &[u8]) {
        self.add_card(Bucket::of(local_id), CardDigest::of(local_id, canonical));
    }

    /// Takes a card out; `canonical` must be the bytes with which it was taken in.
    pub fn remove(&mut self, local_id: &LocalId, canonical: &[u8]) {
        self.remove_card(Bucket::of(local_id), CardDigest::of(local_id, canonical));
    }

    /// Takes a new version of a card in for the old one.
    pub fn replace(&mut self, local_id: &LocalId, old: &[u8], new: &[u8]) {
        let bucket = Bucket::of(local_id);
        self.remove_card(bucket, CardDigest::of(local_id, old));
        self.add_card(bucket, CardDigest::of(local_id, new));
    }

    /// Takes a card in of which only the digest is at hand.
    pub fn add_card(&mut self, bucket: Bucket, card: CardDigest) {
        self.update(bucket, |sum| sum.plus(Sum::from_be_bytes(&card.0)));
    }

    /// Takes a card out of which only the digest is at hand.
    pub fn remove_card(&mut self, bucket: Bucket, card: CardDigest) {
        self.update(bucket, |sum| sum.minus(Sum::from_be_bytes(&card.0)));
    }

    /// `SHA-256(version ‖ buckets)`: equal roots, equal sets.
    pub fn root(&self) -> DigestRoot {
        DigestRoot(sha256(&[&[DIGEST_VERSION], &self.to_bytes()]))
    }

    /// Buckets in which the two sets differ, ascending.
    pub fn differing(&self, other: &Self) -> Vec<Bucket> {
        (0u16..)
            .zip(self.buckets.iter().zip(&other.buckets))
            .filter(|(_, (mine, theirs))| mine != theirs)
            .map(|(number, _)| Bucket(number))
            .collect()
    }

    /// All buckets in order, each a 256-bit number, most significant byte first.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(DIGEST_BYTES);
        for sum in &self.buckets {
            bytes.extend_from_slice(&sum.to_be_bytes());
        }
        bytes
    }

    /// Reads what [`SetDigest::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DigestLength> {
        if bytes.len() != DIGEST_BYTES {
            return Err(DigestLength);
        }
        let (sums, _) = bytes.as_chunks::<32>();
        Ok(Self {
            buckets: sums.iter().map(Sum::from_be_bytes).collect(),
        })
    }

    fn update(&mut self, bucket: Bucket, change: impl FnOnce(Sum) -> Sum) {
        if let Some(sum) = self.buckets.get_mut(usize::from(bucket.0)) {
            *sum = change(*sum);
        }
    }
}

impl Default for SetDigest {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SetDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SetDigest({})", self.root())
    }
}

/// A card's digest is a function of personal data that can be guessed: debugging output does not carry it.
impl fmt::Debug for CardDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardDigest(..)")
    }
}

impl DigestRoot {
    /// The root as another side reports it.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for DigestRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}

impl fmt::Debug for DigestRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DigestRoot({self})")
    }
}

impl Sum {
    const ZERO: Self = Self([0; 4]);

    fn plus(self, other: Self) -> Self {
        let mut carry = false;
        Self(std::array::from_fn(|limb| {
            let (sum, over) = self.0[limb].overflowing_add(other.0[limb]);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            carry = over || over_again;
            sum
        }))
    }

    fn minus(self, other: Self) -> Self {
        let mut borrow = false;
        Self(std::array::from_fn(|limb| {
            let (difference, under) = self.0[limb].overflowing_sub(other.0[limb]);
            let (difference, under_again) = difference.overflowing_sub(u64::from(borrow));
            borrow = under || under_again;
            difference
        }))
    }

    fn from_be_bytes(bytes: &[u8; 32]) -> Self {
        let (limbs, _) = bytes.as_chunks::<8>();
        let mut sum = Self::ZERO;
        for (limb, value) in sum.0.iter_mut().rev().zip(limbs) {
            *limb = u64::from_be_bytes(*value);
        }
        sum
    }

    fn to_be_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, limb) in bytes.chunks_exact_mut(8).zip(self.0.iter().rev()) {
            chunk.copy_from_slice(&limb.to_be_bytes());
        }
        bytes
    }
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests;
