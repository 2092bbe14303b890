//! The one encoding of records: fields with fixed, strictly increasing tags.
//!
//! A record is a sequence of fields; a field is its tag (u16), the length of its value in bytes (u16)
//! and the value, integers big-endian. Each record type states which tags it has, in which order, and
//! which may be left out; nothing else decodes. So a record has exactly one encoding, and bytes that
//! decode encode again to themselves.

use thiserror::Error;

const PREFIX: usize = 4;

/// Bytes or values outside the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FieldError {
    #[error("bytes end inside a field")]
    Truncated,
    #[error("field {0} appears twice")]
    Duplicate(u16),
    #[error("field {0} is out of order")]
    Order(u16),
    #[error("field {0} is unknown here")]
    Unknown(u16),
    #[error("field {0} is missing")]
    Missing(u16),
    #[error("field {tag} has {actual} bytes")]
    Length { tag: u16, actual: usize },
}

/// Appends fields to a byte string; tags must increase, and zero is not a tag.
#[derive(Debug, Default)]
pub struct FieldWriter {
    bytes: Vec<u8>,
    last: u16,
}

/// Takes fields off a byte string in the order of their tags.
#[derive(Clone, Debug)]
pub struct FieldReader<'a> {
    rest: &'a [u8],
    last: u16,
}

impl FieldWriter {
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(bytes),
            last: 0,
        }
    }

    /// # Errors
    /// A tag not above the one before, or a value longer than 65,535 bytes.
    pub fn put(&mut self, tag: u16, value: &[u8]) -> Result<(), FieldError> {
        if tag <= self.last {
            return Err(if tag == self.last {
                FieldError::Duplicate(tag)
            } else {
                FieldError::Order(tag)
            });
        }
        let length = u16::try_from(value.len()).map_err(|_| FieldError::Length {
            tag,
            actual: value.len(),
        })?;
        self.last = tag;
        self.bytes.extend_from_slice(&tag.to_be_bytes());
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(value);
        Ok(())
    }

    /// # Errors
    /// As [`FieldWriter::put`], when there is a value.
    pub fn put_optional(&mut self, tag: u16, value: Option<&[u8]>) -> Result<(), FieldError> {
        value.map_or(Ok(()), |value| self.put(tag, value))
    }

    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

impl<'a> FieldReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, last: 0 }
    }

    /// The value of the next field, which must have this tag.
    ///
    /// # Errors
    /// The field is missing, or what stands in its place is malformed.
    pub fn required(&mut self, tag: u16) -> Result<&'a [u8], FieldError> {
        self.optional(tag)?.ok_or(FieldError::Missing(tag))
    }

    /// The value of the next field if it has this tag; nothing if a later field or the end comes next.
    ///
    /// # Errors
    /// What comes next is truncated, repeated, out of order, or a tag between the known ones.
    pub fn optional(&mut self, tag: u16) -> Result<Option<&'a [u8]>, FieldError> {
        let Some(next) = self.peek()? else { return Ok(None) };
        if tag < next {
            return Ok(None);
        }
        if next < tag {
            return Err(self.misplaced(next));
        }
        let (Some(length), true) = (self.rest.get(2..PREFIX), self.last < tag) else {
            return Err(if self.rest.len() < PREFIX {
                FieldError::Truncated
            } else {
                self.misplaced(tag)
            });
        };
        let end = PREFIX + usize::from(u16::from_be_bytes([length[0], length[1]]));
        let value = self.rest.get(PREFIX..end).ok_or(FieldError::Truncated)?;
        self.rest = &self.rest[end..];
        self.last = tag;
        Ok(Some(value))
    }

    /// A required value of exactly `N` bytes.
    ///
    /// # Errors
    /// As [`FieldReader::required`], and another length.
    pub fn required_array<const N: usize>(&mut self, tag: u16) -> Result<[u8; N], FieldError> {
        self.optional_array(tag)?.ok_or(FieldError::Missing(tag))
    }

    /// An optional value of exactly `N` bytes.
    ///
    /// # Errors
    /// As [`FieldReader::optional`], and another length.
    pub fn optional_array<const N: usize>(&mut self, tag: u16) -> Result<Option<[u8; N]>, FieldError> {
        let Some(value) = self.optional(tag)? else {
            return Ok(None);
        };
        let array = value.try_into().map_err(|_| FieldError::Length {
            tag,
            actual: value.len(),
        })?;
        Ok(Some(array))
    }

    /// Bytes not yet read.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// # Errors
    /// Anything is left.
    pub fn finish(self) -> Result<(), FieldError> {
        match self.peek()? {
            None => Ok(()),
            Some(tag) => Err(self.misplaced(tag)),
        }
    }

    fn peek(&self) -> Result<Option<u16>, FieldError> {
        match *self.rest {
            [] => Ok(None),
            [_] => Err(FieldError::Truncated),
            [high, low, ..] => Ok(Some(u16::from_be_bytes([high, low]))),
        }
    }

    fn misplaced(&self, tag: u16) -> FieldError {
        if tag == 0 || self.last < tag {
            FieldError::Unknown(tag)
        } else if tag == self.last {
            FieldError::Duplicate(tag)
        } else {
            FieldError::Order(tag)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<(Vec<u8>, Option<Vec<u8>>), FieldError> {
        let mut reader = FieldReader::new(bytes);
        let first = reader.required(2)?.to_vec();
        let second = reader.optional(5)?.map(<[u8]>::to_vec);
        reader.finish()?;
        Ok((first, second))
    }

    #[track_caller]
    fn refused(bytes: &[u8], expected: FieldError) {
        assert_eq!(read(bytes), Err(expected));
    }

    #[test]
    fn fields_are_read_as_written() {
        let mut writer = FieldWriter::default();
        writer.put(2, b"ab").unwrap();
        writer.put_optional(5, Some(b"")).unwrap();
        let bytes = writer.finish();
        assert_eq!(bytes, [0, 2, 0, 2, b'a', b'b', 0, 5, 0, 0]);
        assert_eq!(read(&bytes), Ok((b"ab".to_vec(), Some(Vec::new()))));
        assert_eq!(read(&bytes[..6]), Ok((b"ab".to_vec(), None)));
    }

    #[test]
    fn every_departure_from_the_encoding_is_named() {
        refused(&[], FieldError::Missing(2));
        refused(&[0], FieldError::Truncated);
        refused(&[0, 2], FieldError::Truncated);
        refused(&[0, 2, 0], FieldError::Truncated);
        refused(&[0, 2, 0, 1], FieldError::Truncated);
        refused(&[0, 1, 0, 0], FieldError::Unknown(1));
        refused(&[0, 0, 0, 0], FieldError::Unknown(0));
        refused(&[0, 5, 0, 0], FieldError::Missing(2));
        refused(&[0, 2, 0, 0, 0, 3, 0, 0], FieldError::Unknown(3));
        refused(&[0, 2, 0, 0, 0, 2, 0, 0], FieldError::Duplicate(2));
        refused(&[0, 2, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0], FieldError::Duplicate(5));
        refused(&[0, 2, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0], FieldError::Order(2));
        refused(&[0, 2, 0, 0, 0, 5, 0, 0, 9], FieldError::Truncated);
        refused(&[0, 2, 0, 0, 0, 6, 0, 0], FieldError::Unknown(6));
    }

    #[test]
    fn a_writer_refuses_what_a_reader_would() {
        let mut writer = FieldWriter::default();
        assert_eq!(writer.put(0, b""), Err(FieldError::Duplicate(0)));
        writer.put(4, b"").unwrap();
        assert_eq!(writer.put(4, b""), Err(FieldError::Duplicate(4)));
        assert_eq!(writer.put(3, b""), Err(FieldError::Order(3)));
        assert_eq!(
            writer.put(5, &[0; 65_536]),
            Err(FieldError::Length {
                tag: 5,
                actual: 65_536
            })
        );
        assert_eq!(writer.finish(), [0, 4, 0, 0]);
    }
}
