//! The bytes of the counters of one day that is over.
//!
//! All numbers are big endian.
//!
//! | bytes | content |
//! |---|---|
//! | 2 | format version, 1 |
//! | 8, 8 | index of the first entry that was looked at, and of the first one after |
//! | 32 | leaf hash of the last entry that was looked at |
//! | 4 | number of names; each is its length (2) and its bytes, UTF-8, sorted, each once |
//! | 4 | number of rows |
//! | 50 a row | hour (1), reserved 0 or 1 (1), place, caller, agreement, purpose, service, outcome, operator, class as numbers of names (4 each), entries (8), share (8) |
//!
//! Rows are in their order.

use std::collections::BTreeMap;

use ledger::hash::Hash;

use crate::oversight::access::Name;
use crate::oversight::counters::{Count, DayCount, Row};

const VERSION: u16 = 1;

/// The counters of a day with the piece of the log that they were counted from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DayFile {
    /// First entry.
    pub(super) first: u64,
    /// First entry after.
    pub(super) end: u64,
    /// Leaf hash of the last entry.
    pub(super) last: Hash,
    /// The counters.
    pub(super) counts: DayCount,
}

impl DayFile {
    pub(super) fn encode(&self) -> Vec<u8> {
        let Self {
            first,
            end,
            last,
            counts,
        } = self;
        let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
        for (row, _) in counts.rows() {
            for name in names(row) {
                numbers.insert(name, 0);
            }
        }
        for (number, (_, place)) in (0..).zip(numbers.iter_mut()) {
            *place = number;
        }
        let mut bytes = VERSION.to_be_bytes().to_vec();
        bytes.extend(first.to_be_bytes());
        bytes.extend(end.to_be_bytes());
        bytes.extend(last.as_bytes());
        bytes.extend(length(numbers.len()).to_be_bytes());
        for name in numbers.keys() {
            // A name comes from a header or an operator part, both of which are shorter.
            bytes.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend(name.as_bytes());
        }
        let rows = counts.rows();
        bytes.extend(length(rows.len()).to_be_bytes());
        for (row, Count { entries, share }) in rows {
            bytes.extend([row.hour, u8::from(row.reserved)]);
            for name in names(row) {
                bytes.extend(numbers.get(name).copied().unwrap_or_default().to_be_bytes());
            }
            bytes.extend(entries.to_be_bytes());
            bytes.extend(share.to_be_bytes());
        }
        bytes
    }

    /// `None` when the bytes are not the encoding of a day.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        if u16::from_be_bytes(reader.array()?) != VERSION {
            return None;
        }
        let first = u64::from_be_bytes(reader.array()?);
        let end = u64::from_be_bytes(reader.array()?);
        let last = Hash::new(reader.array()?);
        let mut table: Vec<Name> = Vec::new();
        for _ in 0..u32::from_be_bytes(reader.array()?) {
            let length = u16::from_be_bytes(reader.array()?);
            let name = reader.take(length.into())?;
            table.push(std::str::from_utf8(name).ok()?.into());
        }
        let mut rows = Vec::new();
        for _ in 0..u32::from_be_bytes(reader.array()?) {
            rows.push(reader.row(&table)?);
        }
        reader.0.is_empty().then(|| Self {
            first,
            end,
            last,
            counts: DayCount::of(rows),
        })
    }
}

fn length(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}

/// The names of a row, in the order of the format.
fn names(row: &Row) -> [&str; 8] {
    let Row {
        hour: _,
        reserved: _,
        place,
        caller,
        agreement,
        purpose,
        service,
        outcome,
        operator,
        class,
    } = row;
    [
        place, caller, agreement, purpose, service, outcome, operator, class,
    ]
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn name(&mut self, table: &[Name]) -> Option<Name> {
        let number = usize::try_from(u32::from_be_bytes(self.array()?)).ok()?;
        table.get(number).cloned()
    }

    fn row(&mut self, table: &[Name]) -> Option<(Row, Count)> {
        let [hour, reserved] = self.array()?;
        if 23 < hour || 1 < reserved {
            return None;
        }
        let row = Row {
            hour,
            reserved: reserved == 1,
            place: self.name(table)?,
            caller: self.name(table)?,
            agreement: self.name(table)?,
            purpose: self.name(table)?,
            service: self.name(table)?,
            outcome: self.name(table)?,
            operator: self.name(table)?,
            class: self.name(table)?,
        };
        let count = Count {
            entries: u64::from_be_bytes(self.array()?),
            share: u64::from_be_bytes(self.array()?),
        };
        Some((row, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day() -> DayFile {
        let row = |hour, reserved, operator: &str, place: &str| Row {
            hour,
            reserved,
            place: place.into(),
            caller: "spiffe://ponte.test/agency/questura-bo".into(),
            agreement: "questura-2026".into(),
            purpose: "identification".into(),
            service: "ponte.consultation.v1.ConsultationService/LookupPerson".into(),
            outcome: "OK".into(),
            operator: operator.into(),
            class: "operator 24m 2026-11".into(),
        };
        let count = |entries, share| Count { entries, share };
        DayFile {
            first: 7,
            end: 4711,
            last: Hash::new([9; 32]),
            counts: DayCount::of([
                (row(8, false, "m.esposito", "E289"), count(3, 2_500_000)),
                (row(23, true, "", ""), count(1, 1_000_000)),
            ]),
        }
    }

    #[test]
    fn the_bytes_of_a_day_are_as_documented() {
        let fixture: String = include_str!("fixtures/day-1.txt").split_whitespace().collect();
        let bytes = day().encode();
        assert_eq!(
            registry::hex::encode(&bytes),
            fixture,
            "a new version needs a new fixture"
        );
        assert_eq!(DayFile::decode(&bytes), Some(day()));
    }

    #[test]
    fn what_is_cut_off_or_goes_on_is_no_day() {
        let bytes = day().encode();
        for end in 0..bytes.len() {
            assert_eq!(DayFile::decode(&bytes[..end]), None, "{end}");
        }
        assert_eq!(DayFile::decode(&[&bytes[..], &[0]].concat()), None);
        let mut other = bytes;
        other[1] = 2;
        assert_eq!(DayFile::decode(&other), None, "an unknown version");
    }
}
