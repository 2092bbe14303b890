//! Counts by one dimension, added up from rows with several.

use std::collections::BTreeMap;

use client::auditor::StatisticsRow;

use crate::datum::{Datum, RecordBuilder};

/// Accesses by the values of one dimension.
pub(super) struct Figures(BTreeMap<String, u64>);

impl Figures {
    /// By the dimension at a position. Rows must not be of municipalities, of which an entry may have several.
    pub(super) fn of(rows: &[StatisticsRow], position: usize) -> Self {
        let mut figures = BTreeMap::new();
        for row in rows {
            let value = row.values.get(position).cloned().unwrap_or_default();
            *figures.entry(value).or_default() += row.count.entries;
        }
        Self(figures)
    }

    /// Accesses with other values than these.
    pub(super) fn other_than(&self, values: &[&str]) -> u64 {
        let others = self
            .0
            .iter()
            .filter(|(value, _)| !values.contains(&value.as_str()));
        others.map(|(_, count)| count).sum()
    }

    /// As records of value and count.
    pub(super) fn datum(&self) -> Datum {
        let rows = self.0.iter().map(|(value, count)| {
            RecordBuilder::new()
                .with("value", if value.is_empty() { "-" } else { value.as_str() })
                .with("accesses", *count)
                .build()
        });
        Datum::List(rows.collect())
    }
}

#[cfg(test)]
mod tests {
    use client::auditor::AccessCount;

    use super::*;

    fn row(values: [&str; 2], entries: u64) -> StatisticsRow {
        StatisticsRow {
            values: values.map(str::to_owned).into(),
            count: AccessCount {
                entries,
                share_millionths: entries * 1_000_000,
            },
        }
    }

    #[test]
    fn counts_of_one_dimension_add_up_over_the_others() {
        let rows = [row(["a", "OK"], 3), row(["a", "BUSY"], 1), row(["", "OK"], 2)];
        let outcomes = Figures::of(&rows, 1);
        assert_eq!(outcomes.0, BTreeMap::from([("BUSY".into(), 1), ("OK".into(), 5)]));
        assert_eq!(outcomes.other_than(&["OK"]), 1);
        let leaves = Figures::of(&rows, 0).datum().leaves();
        let values: Vec<_> = leaves.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["-", "2", "a", "4"]);
    }
}
