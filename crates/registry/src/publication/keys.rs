//! The publication keys of a node, each for its time, so that a new one is in use before the old one is refused.

use crate::publication::signed::{SignedBatch, VerifiedBatch};
use crate::signing::{SignatureError, VerifyingKey};

/// A publication key that a municipality enrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnrolledKey {
    /// Its public half.
    pub key: VerifyingKey,
    /// Refused before this, Unix milliseconds; good from ever when absent.
    pub from_ms: Option<u64>,
    /// Refused from this instant on, Unix milliseconds; good for ever when absent.
    pub until_ms: Option<u64>,
}

/// How a key stands at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStanding {
    /// Its time has not begun.
    Awaited,
    /// What it signed is taken.
    Good,
    /// Its time is over.
    Over,
}

/// The keys of a node: at least one, none twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolledKeys(Vec<EnrolledKey>);

/// Why keys are not those of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the publication keys of a node {}", self.rule())]
pub enum EnrolledKeysError {
    /// There is none.
    Empty,
    /// Too many: a stolen one could hide among them.
    TooMany,
    /// One stands there twice.
    Repeated,
    /// The time of one ends before it begins.
    Time,
}

impl EnrolledKeysError {
    /// What must be.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Empty => "must be at least one",
            Self::TooMany => "must be at most four",
            Self::Repeated => "must each be named once",
            Self::Time => "must each have a time that ends after it begins",
        }
    }
}

impl EnrolledKey {
    /// How it stands at an instant of the index's clock.
    pub fn standing(&self, now_ms: u64) -> KeyStanding {
        let Self {
            key: _,
            from_ms,
            until_ms,
        } = *self;
        if from_ms.is_some_and(|from| now_ms < from) {
            KeyStanding::Awaited
        } else if until_ms.is_some_and(|until| until <= now_ms) {
            KeyStanding::Over
        } else {
            KeyStanding::Good
        }
    }
}

impl EnrolledKeys {
    /// Most keys that a node has at a time.
    pub const MOST: usize = 4;

    /// One key for good.
    pub fn of(key: VerifyingKey) -> Self {
        Self(vec![EnrolledKey {
            key,
            from_ms: None,
            until_ms: None,
        }])
    }

    /// Several keys.
    ///
    /// # Errors
    /// See [`EnrolledKeysError`].
    pub fn new(keys: Vec<EnrolledKey>) -> Result<Self, EnrolledKeysError> {
        if keys.is_empty() {
            return Err(EnrolledKeysError::Empty);
        }
        if Self::MOST < keys.len() {
            return Err(EnrolledKeysError::TooMany);
        }
        let backwards = |key: &EnrolledKey| matches!((key.from_ms, key.until_ms), (Some(from), Some(until)) if until <= from);
        if keys.iter().any(backwards) {
            return Err(EnrolledKeysError::Time);
        }
        let is_repeated =
            |(at, key): (usize, &EnrolledKey)| keys.iter().take(at).any(|earlier| earlier.key == key.key);
        if keys.iter().enumerate().any(is_repeated) {
            return Err(EnrolledKeysError::Repeated);
        }
        Ok(Self(keys))
    }

    /// Every key, in the order in which they are written.
    pub fn iter(&self) -> impl Iterator<Item = &EnrolledKey> {
        self.0.iter()
    }

    /// Proves that a key whose time it is at the index's `now_ms` signed the batch.
    ///
    /// # Errors
    /// See [`SignatureError`]; nothing of the batch may then be used.
    pub fn verify(&self, signed: SignedBatch, now_ms: u64) -> Result<VerifiedBatch, SignatureError> {
        let good = self
            .iter()
            .filter(|key| key.standing(now_ms) == KeyStanding::Good);
        VerifiedBatch::verify_any(signed, good.map(|key| &key.key))
    }
}

#[cfg(test)]
mod tests;
