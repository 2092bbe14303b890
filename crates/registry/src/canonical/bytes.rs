//! The alphabet of canonical bytes: varints, texts, dates, presence, and their strict reading.

use chrono::{Datelike, NaiveDate};

/// Writes canonical bytes.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

/// Reads canonical bytes; whatever is not the one encoding of a value is refused.
#[derive(Debug)]
pub(crate) struct Cursor<'a>(&'a [u8]);

/// The bytes are not the canonical encoding of a value of the type asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl Writer {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn varint(&mut self, mut value: u64) {
        while 0x80 <= value {
            self.0.push(low_seven_bits(value) | 0x80);
            value >>= 7;
        }
        self.0.push(low_seven_bits(value));
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.varint(text.len() as u64);
        self.raw(text.as_bytes());
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    pub(crate) fn date(&mut self, date: NaiveDate) {
        self.raw(&date.num_days_from_ce().to_be_bytes());
    }

    pub(crate) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(crate) fn field(&mut self, tag: u8, write: impl FnOnce(&mut Self)) {
        self.byte(tag);
        self.nested(write);
    }

    /// A value preceded by its length. Almost every value is shorter than 128 bytes, so one byte is kept free for
    /// the length and the value is moved only when that does not do.
    pub(crate) fn nested(&mut self, write: impl FnOnce(&mut Self)) {
        let at = self.0.len();
        self.byte(0);
        write(self);
        let length = self.0.len() - at - 1;
        let mut prefix = Self::default();
        prefix.varint(length as u64);
        self.0.splice(at..=at, prefix.0);
    }
}

fn low_seven_bits(value: u64) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// All that follows, as text.
    pub(crate) fn rest(&mut self) -> Result<&'a str, Malformed> {
        let bytes = std::mem::take(&mut self.0);
        std::str::from_utf8(bytes).map_err(|_| Malformed)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.0.split_first().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        let (first, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = rest;
        Ok(first)
    }

    pub(crate) fn ascii<const N: usize>(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.array::<N>()?).map_err(|_| Malformed)
    }

    pub(crate) fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && 1 < bits {
                return Err(Malformed);
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                let shortest = byte != 0 || shift == 0;
                return if shortest { Ok(value) } else { Err(Malformed) };
            }
        }
        Err(Malformed)
    }

    /// A value preceded by its length.
    pub(crate) fn nested(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
        let (first, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(first)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.nested()?).map_err(|_| Malformed)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn date(&mut self) -> Result<NaiveDate, Malformed> {
        let days = i32::from_be_bytes(*self.array::<4>()?);
        NaiveDate::from_num_days_from_ce_opt(days).ok_or(Malformed)
    }

    pub(crate) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        if self.flag()? {
            read(self).map(Some)
        } else {
            Ok(None)
        }
    }
}
