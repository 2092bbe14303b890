//! Journal frames that tell which groups of fields a municipality publishes from then on: no personal data.
//!
//! Format version 1; recorded instant (u64, Unix ms); cadastral code (4 bytes); the groups, a bit for each, that of
//! number 1 lowest (u8).

use registry::municipality::MunicipalityId;
use registry::profile::GroupSet;

use crate::publication_journal::entry::EntryError;
use crate::publication_journal::input::Input;
use crate::rows::CommitSequence;

const FORMAT: u8 = 1;

/// A new publication profile of one municipality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProfileEntry {
    /// Its place in the order of all changes: what was received before leaves the rows as far as it is outside.
    pub(crate) sequence: CommitSequence,
    /// When the index recorded it, Unix milliseconds.
    pub(crate) recorded_ms: u64,
    /// Whose.
    pub(crate) municipality: MunicipalityId,
    /// What is published from now on.
    pub(crate) groups: GroupSet,
}

impl ProfileEntry {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self {
            sequence: _,
            recorded_ms,
            municipality,
            groups,
        } = self;
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&recorded_ms.to_be_bytes());
        bytes.extend_from_slice(municipality.as_str().as_bytes());
        bytes.push(groups.bits());
        bytes
    }

    pub(crate) fn decode(sequence: CommitSequence, bytes: &[u8]) -> Result<Self, EntryError> {
        let mut input = Input::of(bytes, FORMAT..=FORMAT)?;
        let recorded_ms = input.number()?;
        let municipality = input.municipality()?;
        let [bits] = input.array()?;
        input.end()?;
        Ok(Self {
            sequence,
            recorded_ms,
            municipality,
            groups: GroupSet::from_bits(bits).ok_or(EntryError::Malformed)?,
        })
    }
}

#[cfg(test)]
mod tests;
