//! Journal frames that tell of a municipality's line of history, of backups and of the end of a restoration: numbers, and no personal data.
//!
//! Line: format version 1; cadastral code (4 bytes); epoch (16); the watermark at which it begins (u64); the instant
//! (u64, Unix ms); cause (1: proved loss, then the claimed epoch (16) and watermark (u64); 2: shorter journal).
//!
//! Backup: format version 1; the instant up to which a backup is known to hold everything (u64, Unix ms); number of
//! municipalities (u32); for each its cadastral code and the watermark then (u64).
//!
//! Reopening: format version 1; the instant (u64, Unix ms).

use registry::municipality::MunicipalityId;
use registry::publication::{Cause, Epoch, Watermark};

use crate::publication_journal::entry::EntryError;
use crate::publication_journal::input::Input;

const FORMAT: u8 = 1;
const LOSS: u8 = 1;
const SHORTER_JOURNAL: u8 = 2;

/// A new line of history of one municipality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LineEntry {
    /// Whose.
    pub(crate) municipality: MunicipalityId,
    /// Its epoch.
    pub(crate) epoch: Epoch,
    /// The change after which the node continues.
    pub(crate) watermark: Watermark,
    /// When it began, Unix milliseconds.
    pub(crate) began_ms: u64,
    /// Why.
    pub(crate) cause: Cause,
}

/// How far a backup is known to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BackupEntry {
    /// It holds everything recorded up to here, Unix milliseconds.
    pub(crate) at_ms: u64,
    /// Each municipality's watermark then.
    pub(crate) municipalities: Vec<(MunicipalityId, Watermark)>,
}

/// After a loss the index answers again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReopeningEntry {
    /// Since when, Unix milliseconds.
    pub(crate) at_ms: u64,
}

impl LineEntry {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self {
            municipality,
            epoch,
            watermark,
            began_ms,
            cause,
        } = self;
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(municipality.as_str().as_bytes());
        bytes.extend_from_slice(&epoch.0);
        bytes.extend_from_slice(&watermark.0.to_be_bytes());
        bytes.extend_from_slice(&began_ms.to_be_bytes());
        match cause {
            Cause::Loss { epoch, watermark } => {
                bytes.push(LOSS);
                bytes.extend_from_slice(&epoch.0);
                bytes.extend_from_slice(&watermark.0.to_be_bytes());
            }
            Cause::ShorterJournal => bytes.push(SHORTER_JOURNAL),
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let mut input = Input::of(bytes, FORMAT..=FORMAT)?;
        let municipality = input.municipality()?;
        let epoch = Epoch(input.array()?);
        let watermark = Watermark(input.number()?);
        let began_ms = input.number()?;
        let cause = match input.array()? {
            [LOSS] => Cause::Loss {
                epoch: Epoch(input.array()?),
                watermark: Watermark(input.number()?),
            },
            [SHORTER_JOURNAL] => Cause::ShorterJournal,
            [_] => return Err(EntryError::Malformed),
        };
        input.end()?;
        Ok(Self {
            municipality,
            epoch,
            watermark,
            began_ms,
            cause,
        })
    }
}

impl BackupEntry {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self {
            at_ms,
            municipalities,
        } = self;
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&at_ms.to_be_bytes());
        bytes.extend_from_slice(&(municipalities.len() as u32).to_be_bytes());
        for (municipality, watermark) in municipalities {
            bytes.extend_from_slice(municipality.as_str().as_bytes());
            bytes.extend_from_slice(&watermark.0.to_be_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let mut input = Input::of(bytes, FORMAT..=FORMAT)?;
        let at_ms = input.number()?;
        let count = u32::from_be_bytes(input.array()?);
        let mut municipalities = Vec::new();
        for _ in 0..count {
            municipalities.push((input.municipality()?, Watermark(input.number()?)));
        }
        input.end()?;
        Ok(Self {
            at_ms,
            municipalities,
        })
    }
}

impl ReopeningEntry {
    pub(crate) fn encode(self) -> Vec<u8> {
        let Self { at_ms } = self;
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&at_ms.to_be_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        let mut input = Input::of(bytes, FORMAT..=FORMAT)?;
        let at_ms = input.number()?;
        input.end()?;
        Ok(Self { at_ms })
    }
}

#[cfg(test)]
mod tests;
