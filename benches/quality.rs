//! How good the search is: how often who is sought is found, and how often an answer is somebody else.
//!
//! The product's own matcher and name index answer ([`look_up`]), over a published benchmark ([`febrl`]) and over the
//! synthetic people of a district whose names are misspelt by rules of their own ([`italian`], [`corrupt`]); [`figures`]
//! holds what comes out against floors that were written down before (`quality/floors.toml`, which also says what each
//! figure means and how questions are parted into a tuning and a held-out half).

pub mod look_up;
pub mod figures;
pub mod febrl;
pub mod corrupt;
pub mod italian;

use ledger::hash::sha256;

/// Half of a data set's questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// Anything may be tried on it.
    Tuning,
    /// Only this one counts.
    HeldOut,
}

impl Half {
    /// The half of a record's id: of the first byte of its SHA-256, even is tuning.
    pub fn of(id: &str) -> Self {
        let [first, ..] = *sha256(id.as_bytes()).as_bytes();
        if first.is_multiple_of(2) {
            Self::Tuning
        } else {
            Self::HeldOut
        }
    }
}

#[cfg(test)]
mod tests;
