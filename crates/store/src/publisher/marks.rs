//! When which change of a municipality was recorded, to the minute: how far a backup of a given instant goes.

use std::collections::VecDeque;

use registry::publication::Watermark;

const MINUTE_MS: u64 = 60_000;

/// Minutes that are remembered: more than two months without a pause. What lies before counts as the oldest.
const REMEMBERED: usize = 100_000;

/// The last change of each minute in which something was recorded, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks(VecDeque<(u64, Watermark)>);

impl Marks {
    /// Notes that everything up to `watermark` was recorded by `recorded_ms`, which does not go back.
    pub(crate) fn push(&mut self, recorded_ms: u64, watermark: Watermark) {
        match self.0.back_mut() {
            Some((at, last)) if recorded_ms / MINUTE_MS <= *at / MINUTE_MS => {
                (*at, *last) = (recorded_ms.max(*at), watermark);
            }
            Some(_) | None => {
                if self.0.len() == REMEMBERED {
                    self.0.pop_front();
                }
                self.0.push_back((recorded_ms, watermark));
            }
        }
    }

    /// What was surely recorded by the instant `at_ms`: never too much.
    pub(crate) fn at(&self, at_ms: u64) -> Watermark {
        let before = self.0.partition_point(|(recorded, _)| *recorded <= at_ms);
        let last = before.checked_sub(1).and_then(|last| self.0.get(last));
        last.map_or_else(Watermark::default, |(_, watermark)| *watermark)
    }

    /// Forgets everything: numbers begin anew.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_holds_what_was_recorded_in_whole_minutes_before_it() {
        let mut marks = Marks::default();
        assert_eq!(marks.at(u64::MAX), Watermark(0));
        for (at, watermark) in [(60_000, 3), (61_000, 5), (119_999, 6), (300_000, 9)] {
            marks.push(at, Watermark(watermark));
        }
        for (at, expected) in [
            (0, 0),
            (60_000, 0),
            (119_998, 0),
            (119_999, 6),
            (299_999, 6),
            (300_000, 9),
            (u64::MAX, 9),
        ] {
            assert_eq!(marks.at(at), Watermark(expected), "{at}");
        }
        // A clock that went back adds to the minute that it had reached.
        marks.push(10, Watermark(11));
        assert_eq!(
            (marks.at(299_999), marks.at(300_000)),
            (Watermark(6), Watermark(11))
        );
        marks.clear();
        assert_eq!(marks.at(u64::MAX), Watermark(0));
    }
}
