//! Which entries are opened: some hundreds of indices, as people write them.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Most entries of one opening.
pub const MAX_ENTRIES: u64 = 1_000;

/// Indices of entries, each once, 1 to [`MAX_ENTRIES`]: `3-5,9`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntrySet(Vec<(u64, u64)>);

/// Why a text or a list of ranges names no entries that could be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntrySetError {
    /// No entry is named.
    #[error("at least one entry must be named")]
    Empty,
    /// More than can be opened at once.
    #[error("at most 1000 entries can be named")]
    TooMany,
    /// A range ends before it begins.
    #[error("a range must not end before it begins")]
    Backwards,
    /// Not numbers and ranges with commas between them.
    #[error("entries are written as 3-5,9")]
    Form,
}

impl EntrySet {
    /// The entries of these ranges, both ends included; ranges may overlap.
    ///
    /// # Errors
    /// See [`EntrySetError`].
    pub fn new(ranges: impl IntoIterator<Item = RangeInclusive<u64>>) -> Result<Self, EntrySetError> {
        let mut sorted = Vec::new();
        for range in ranges {
            let (first, last) = range.into_inner();
            if last < first {
                return Err(EntrySetError::Backwards);
            }
            sorted.push((first, last));
        }
        sorted.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::new();
        for (first, last) in sorted {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                Some(_) | None => merged.push((first, last)),
            }
        }
        let count = merged.iter().fold(0_u64, |count, (first, last)| {
            count.saturating_add(last - first).saturating_add(1)
        });
        match count {
            0 => Err(EntrySetError::Empty),
            1..=MAX_ENTRIES => Ok(Self(merged)),
            _ => Err(EntrySetError::TooMany),
        }
    }

    /// The indices, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// The ranges, ascending and apart from each other, both ends included.
    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u64>> {
        self.0.iter().map(|(first, last)| *first..=*last)
    }
}

impl fmt::Display for EntrySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (first, last)) in self.0.iter().enumerate() {
            if 0 < position {
                f.write_str(",")?;
            }
            write!(f, "{first}")?;
            if first < last {
                write!(f, "-{last}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for EntrySet {
    type Err = EntrySetError;

    fn from_str(text: &str) -> Result<Self, EntrySetError> {
        let number = |digits: &str| -> Result<u64, EntrySetError> {
            if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(EntrySetError::Form);
            }
            digits.parse().map_err(|_| EntrySetError::Form)
        };
        let ranges = text.split(',').map(|range| match range.split_once('-') {
            Some((first, last)) => Ok(number(first)?..=number(last)?),
            None => number(range).map(|index| index..=index),
        });
        Self::new(ranges.collect::<Result<Vec<_>, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, EntrySetError>) {
        let read = text.parse::<EntrySet>();
        assert_eq!(
            read.map(|set| set.to_string()),
            expected.map(str::to_owned),
            "{text}"
        );
    }

    #[test]
    fn entries_are_numbers_and_ranges_sorted_and_each_once() {
        check("7", Ok("7"));
        check("9,3-5", Ok("3-5,9"));
        check("3,4,5,5", Ok("3-5"));
        check("0-999", Ok("0-999"));
        check("18446744073709551615", Ok("18446744073709551615"));
        check("0-1000", Err(EntrySetError::TooMany));
        check("0-18446744073709551615", Err(EntrySetError::TooMany));
        check("5-3", Err(EntrySetError::Backwards));
        for text in [
            "",
            ",",
            "3-",
            "-3",
            "3--5",
            "1,,2",
            " 1",
            "a",
            "+1",
            "18446744073709551616",
        ] {
            check(text, Err(EntrySetError::Form));
        }
        assert_eq!(EntrySet::new([]), Err(EntrySetError::Empty));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_and_holds_each_index_once(indices in prop::collection::btree_set(0_u64..3_000, 1..300)) {
            let set = EntrySet::new(indices.iter().map(|index| *index..=*index)).unwrap();
            prop_assert_eq!(set.iter().collect::<Vec<_>>(), indices.into_iter().collect::<Vec<_>>());
            prop_assert_eq!(set.to_string().parse::<EntrySet>(), Ok(set.clone()));
            prop_assert_eq!(EntrySet::new(set.ranges()), Ok(set));
        }
    }
}
