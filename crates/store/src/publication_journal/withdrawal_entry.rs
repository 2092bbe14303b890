//! Journal frames with which a municipality leaves.
//!
//! Remains: the rows that other municipalities keep although changes of the one that leaves made them what they are
//! (another person for a card, a burial, a shelter), and that no replay could make again once its key is gone. They
//! stand in parts directly before the withdrawal; those of an attempt that was not finished count for nothing. Format
//! version 1; cadastral code of the municipality that leaves (4 bytes); then for each row key and value, each behind
//! its length (u32). A part is sealed under the key of the municipality whose rows it holds, and what belongs to none
//! under that of lines and sync points; where it was withdrawn since, nobody needs its rows. The number of changes in
//! the head of the frame is that of the part, from 1.
//!
//! Withdrawal: format version 1; when it was recorded (u64, Unix ms); cadastral code; number of parts before it (u32);
//! the registrar's statement as in a release. It has a place of its own in the order of all changes.

use registry::municipality::MunicipalityId;
use registry::statement::SignedStatement;

use crate::kv::Row;
use crate::publication_journal::entry::EntryError;
use crate::publication_journal::input::Input;
use crate::publication_journal::ruling::{read_long, read_statement, write_long, write_statement};
use crate::publisher::Withdrawn;
use crate::rows::CommitSequence;

const FORMAT: u8 = 1;

/// A municipality leaves: whatever it published is destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WithdrawalEntry {
    /// Its place in the order of all changes.
    pub(crate) sequence: CommitSequence,
    /// When the index recorded it, Unix milliseconds.
    pub(crate) at_ms: u64,
    /// Whose cards and keys.
    pub(crate) municipality: MunicipalityId,
    /// How many parts of what remains stand before it.
    pub(crate) parts: u32,
    /// The registrar's word.
    pub(crate) statement: SignedStatement,
}

/// A part of what remains.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RemainsEntry {
    /// Which, from 1; the first begins anew.
    pub(crate) part: u32,
    /// The municipality that leaves.
    pub(crate) municipality: MunicipalityId,
    /// Rows of others.
    pub(crate) rows: Vec<Row>,
}

/// Rows are personal: debugging output does not carry them.
impl std::fmt::Debug for RemainsEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RemainsEntry({}, {} rows)", self.part, self.rows.len())
    }
}

impl WithdrawalEntry {
    /// By what the withdrawal is known.
    pub(crate) fn known(&self) -> Withdrawn {
        Withdrawn::Recorded { at_ms: self.at_ms }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self {
            sequence: _,
            at_ms,
            municipality,
            parts,
            statement,
        } = self;
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&at_ms.to_be_bytes());
        bytes.extend_from_slice(municipality.as_str().as_bytes());
        bytes.extend_from_slice(&parts.to_be_bytes());
        write_statement(&mut bytes, statement);
        bytes
    }

    pub(crate) fn decode(sequence: CommitSequence, bytes: &[u8]) -> Result<Self, EntryError> {
        let mut input = Input::of(bytes, FORMAT..=FORMAT)?;
        let at_ms = input.number()?;
        let municipality = input.municipality()?;
        let parts = u32::from_be_bytes(input.array()?);
        let statement = read_statement(&mut input)?;
        input.end()?;
        Ok(Self {
            sequence,
            at_ms,
            municipality,
            parts,
            statement,
        })
    }
}

impl RemainsEntry {
    /// Bytes that one row takes.
    pub(crate) fn length_of((key, value): &Row) -> usize {
        4 + key.len() + 4 + value.len()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self {
            part: _,
            municipality,
            rows,
        } = self;
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(municipality.as_str().as_bytes());
        for (key, value) in rows {
            write_long(&mut bytes, key);
            write_long(&mut bytes, value);
        }
        bytes
    }

    pub(crate) fn decode(part: u32, bytes: &[u8]) -> Result<Self, EntryError> {
        let mut input = Input::of(bytes, FORMAT..=FORMAT)?;
        let municipality = input.municipality()?;
        let mut rows = Vec::new();
        while !input.rest().is_empty() {
            rows.push((read_long(&mut input)?.to_vec(), read_long(&mut input)?.to_vec()));
        }
        Ok(Self {
            part,
            municipality,
            rows,
        })
    }
}

#[cfg(test)]
mod tests;
