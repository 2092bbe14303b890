//! Counters of one day, and how one access about persons of several municipalities is shared among them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use crate::oversight::access::{Access, Name};

/// An entry in the units of its shares.
pub(crate) const WHOLE: u64 = 1_000_000;

/// What accesses are told apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    /// Hour of the day, 0 to 23, Europe/Rome.
    pub(crate) hour: u8,
    /// Whether the purpose is reserved.
    pub(crate) reserved: bool,
    /// Cadastral code of the municipality; empty for the region.
    pub(crate) place: Name,
    /// The caller.
    pub(crate) caller: Name,
    /// The agreement.
    pub(crate) agreement: Name,
    /// The purpose.
    pub(crate) purpose: Name,
    /// The method.
    pub(crate) service: Name,
    /// The outcome as told.
    pub(crate) outcome: Name,
    /// The operator.
    pub(crate) operator: Name,
    /// Class of keys of the operator part.
    pub(crate) class: Name,
}

/// How many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Entries.
    pub(crate) entries: u64,
    /// Their shares, in parts of [`WHOLE`].
    pub(crate) share: u64,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.entries += other.entries;
        self.share += other.share;
    }
}

/// The counters of one day, Europe/Rome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DayCount {
    rows: BTreeMap<Row, Count>,
}

/// What each of `places` gets of one entry: equal parts, and of what does not divide one unit more for the first ones.
/// Together they are [`WHOLE`].
pub(crate) fn shares(places: u64) -> impl Iterator<Item = u64> {
    let (each, more) = match places {
        0 => (0, 0),
        places => (WHOLE / places, WHOLE % places),
    };
    (0..places).map(move |place| each + u64::from(place < more))
}

impl DayCount {
    /// From stored rows; equal ones are added up.
    pub(crate) fn of(rows: impl IntoIterator<Item = (Row, Count)>) -> Self {
        let mut day = Self::default();
        for (row, count) in rows {
            *day.rows.entry(row).or_default() += count;
        }
        day
    }

    /// Counts an access in an hour. One without a person counts under the region.
    pub(crate) fn add(&mut self, hour: u8, access: &Access) {
        let region = [Name::default()];
        let places = if access.places.is_empty() {
            &region[..]
        } else {
            &access.places[..]
        };
        for (place, share) in places.iter().zip(shares(places.len() as u64)) {
            let row = Row {
                hour,
                reserved: access.reserved,
                place: Name::clone(place),
                caller: Name::clone(&access.caller),
                agreement: Name::clone(&access.agreement),
                purpose: Name::clone(&access.purpose),
                service: Name::clone(&access.service),
                outcome: Name::clone(&access.outcome),
                operator: Name::clone(&access.operator),
                class: Name::clone(&access.class),
            };
            *self.rows.entry(row).or_default() += Count { entries: 1, share };
        }
    }

    /// Forgets the operators of classes whose keys were destroyed; tells whether there were any. The accesses stay counted.
    pub(crate) fn forget(&mut self, classes: &BTreeSet<Name>) -> bool {
        let concerned = |row: &Row| !row.operator.is_empty() && classes.contains(&row.class);
        if !self.rows.keys().any(concerned) {
            return false;
        }
        let rows = std::mem::take(&mut self.rows);
        *self = Self::of(rows.into_iter().map(|(row, count)| {
            let operator = if concerned(&row) {
                Name::default()
            } else {
                Name::clone(&row.operator)
            };
            (Row { operator, ..row }, count)
        }));
        true
    }

    /// The rows, in their order.
    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = (&Row, Count)> {
        self.rows.iter().map(|(row, count)| (row, *count))
    }
}
