//! How the bytes of a frame are read, whatever the frame is about.

use std::ops::RangeInclusive;

use registry::municipality::MunicipalityId;

use crate::publication_journal::entry::EntryError;

/// Bytes that are read from the front, under the format that they state.
pub(crate) struct Input<'a> {
    format: u8,
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    /// Behind the byte of the format, which must be one of those known.
    pub(crate) fn of(bytes: &'a [u8], known: RangeInclusive<u8>) -> Result<Self, EntryError> {
        match bytes.split_first() {
            Some((&format, rest)) if known.contains(&format) => Ok(Self { format, rest }),
            Some(_) => Err(EntryError::Format),
            None => Err(EntryError::Malformed),
        }
    }

    pub(crate) fn format(&self) -> u8 {
        self.format
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn end(&self) -> Result<(), EntryError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(EntryError::Malformed)
        }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], EntryError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(EntryError::Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], EntryError> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(EntryError::Malformed)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn number(&mut self) -> Result<u64, EntryError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(crate) fn municipality(&mut self) -> Result<MunicipalityId, EntryError> {
        let text = std::str::from_utf8(self.take(4)?).map_err(|_| EntryError::Malformed)?;
        MunicipalityId::parse(text).ok_or(EntryError::Malformed)
    }

    /// A text behind its length (u32).
    pub(crate) fn text(&mut self) -> Result<String, EntryError> {
        let length = u32::from_be_bytes(self.array()?) as usize;
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| EntryError::Malformed)?;
        Ok(text.to_owned())
    }

    /// As many items as the byte in front says.
    pub(crate) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, EntryError>,
    ) -> Result<Vec<T>, EntryError> {
        let [count] = self.array()?;
        (0..count).map(|_| item(self)).collect()
    }
}
