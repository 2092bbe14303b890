//! A small deterministic generator: SplitMix64, one stream for each thing drawn.
//!
//! Fast, equal on every machine, and in no way secure: whoever sees a few of its numbers knows the rest.
//! It makes synthetic people, never keys.

/// Step of SplitMix64: the odd number nearest to 2⁶⁴ divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A stream of numbers that depends on nothing but the parts it was opened with.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    state: u64,
}

/// Values drawn with their weights in constant time (Walker's alias method).
#[derive(Clone, Debug)]
pub(super) struct Weighted<T> {
    slots: Vec<Slot<T>>,
}

#[derive(Clone, Debug)]
struct Slot<T> {
    value: T,
    /// Share of the slot that is its own, of 2³².
    own: u64,
    /// Who has the rest.
    other: usize,
}

/// Mixes the bits of a word so that every one of them depends on all.
pub(super) fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// One word from several, in which their order counts.
pub(super) fn fold(parts: &[u64]) -> u64 {
    parts.iter().fold(STEP, |hash, part| {
        mix(hash.wrapping_mul(STEP) ^ mix(part.wrapping_add(STEP)))
    })
}

impl Stream {
    /// Opens the stream of `parts`.
    pub(super) fn new(parts: &[u64]) -> Self {
        Self { state: fold(parts) }
    }

    /// The next 64 bits.
    pub(super) fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        mix(self.state)
    }

    /// A number below `bound`, 0 where the bound is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.word()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included; `low` where they are the wrong way round.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = usize::try_from(high - low + 1).unwrap_or(0);
        low + i64::try_from(self.below(span)).unwrap_or(0)
    }

    /// A number in [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in `share` of the cases.
    pub(super) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// Roughly normal: the sum of four uniform numbers, so never beyond 3.5 deviations.
    pub(super) fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let sum: f64 = (0..4).map(|_| self.unit()).sum();
        mean + (sum - 2.0) * 3.0_f64.sqrt() * deviation
    }

    /// `expected` rounded up or down so that it is right on average.
    pub(super) fn rounded(&mut self, expected: f64) -> usize {
        let floor = expected.floor();
        floor as usize + usize::from(self.chance(expected - floor))
    }

    /// One of the values, `None` where there is none.
    pub(super) fn pick<'a, T>(&mut self, values: &'a [T]) -> Option<&'a T> {
        values.get(self.below(values.len()))
    }

    /// Puts the values in random order.
    pub(super) fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last + 1));
        }
    }
}

impl<T> Weighted<T> {
    /// A table of the values whose weight is positive.
    ///
    /// # Panics
    /// If there is none: tables are compiled in, and tests build every one of them.
    pub(super) fn new(values: impl IntoIterator<Item = (T, f64)>) -> Self {
        let (values, weights): (Vec<T>, Vec<f64>) =
            values.into_iter().filter(|(_, weight)| 0.0 < *weight).unzip();
        assert!(!values.is_empty(), "a table of weights must have a value");
        let mean = weights.iter().sum::<f64>() / weights.len() as f64;
        let mut scaled: Vec<f64> = weights.iter().map(|weight| weight / mean).collect();
        let (mut poor, mut rich): (Vec<usize>, Vec<usize>) =
            (0..scaled.len()).partition(|at| scaled[*at] < 1.0);
        let mut slots: Vec<Slot<T>> = values
            .into_iter()
            .enumerate()
            .map(|(at, value)| Slot {
                value,
                own: 1 << 32,
                other: at,
            })
            .collect();
        while let (Some(small), Some(large)) = (poor.pop(), rich.pop()) {
            slots[small].own = (scaled[small] * 4_294_967_296.0) as u64;
            slots[small].other = large;
            scaled[large] -= 1.0 - scaled[small];
            if scaled[large] < 1.0 {
                poor.push(large)
            } else {
                rich.push(large)
            }
        }
        Self { slots }
    }

    /// One value.
    pub(super) fn draw(&self, stream: &mut Stream) -> &T {
        let word = stream.word();
        let at = ((u128::from(word) * self.slots.len() as u128) >> 64) as usize;
        let slot = &self.slots[at];
        if mix(word) & 0xffff_ffff < slot.own {
            &slot.value
        } else {
            &self.slots[slot.other].value
        }
    }

    /// Every value.
    #[cfg(test)]
    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().map(|slot| &slot.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_repeats_itself_and_differs_from_its_neighbours() {
        let words = |parts: &[u64]| {
            let mut stream = Stream::new(parts);
            (0..8).map(|_| stream.word()).collect::<Vec<_>>()
        };
        assert_eq!(words(&[1, 2]), words(&[1, 2]));
        for other in [&[2, 1][..], &[1], &[1, 2, 0], &[1, 3], &[0, 2]] {
            assert_ne!(words(&[1, 2]), words(other), "{other:?}");
        }
    }

    #[test]
    fn values_are_drawn_with_their_weights() {
        let table = Weighted::new([('a', 1.0), ('b', 2.0), ('-', 0.0), ('c', 7.0)]);
        let mut stream = Stream::new(&[7]);
        let mut seen = std::collections::BTreeMap::new();
        for _ in 0..100_000 {
            *seen.entry(*table.draw(&mut stream)).or_insert(0_i32) += 1;
        }
        for (value, expected) in [('a', 10_000), ('b', 20_000), ('c', 70_000)] {
            assert!((seen[&value] - expected).abs() < 700, "{value}: {}", seen[&value]);
        }
        assert_eq!(seen.len(), 3);
    }

    #[test]
    fn numbers_keep_their_bounds() {
        let mut stream = Stream::new(&[3]);
        for _ in 0..10_000 {
            assert!(stream.below(7) < 7);
            assert!((-3..=4).contains(&stream.between(-3, 4)));
            assert!((0.0..1.0).contains(&stream.unit()));
            assert!((2..=3).contains(&stream.rounded(2.4)));
        }
        assert_eq!(stream.below(0), 0);
    }
}
