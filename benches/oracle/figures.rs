//! How well two classes are told apart by one figure.

use std::fmt;

use crate::number;

/// The chance that a threshold on latency tells a sample of one class from one of the other, whichever is the slower: 0.5
/// by guessing, 1 always.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Auc {
    /// The chance.
    pub(crate) value: f64,
    /// Its standard error where both classes are alike.
    pub(crate) error: f64,
    /// The same chance that the second class is the slower, below 0.5 where the first is.
    second_slower: f64,
}

impl Auc {
    /// Of two classes (Mann and Whitney's statistic, ties counting half).
    pub(crate) fn of(first: &[f64], second: &[f64]) -> Self {
        let mut all: Vec<(f64, bool)> = first.iter().map(|value| (*value, false)).collect();
        all.extend(second.iter().map(|value| (*value, true)));
        all.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let (mut wins, mut below) = (0.0, 0.0);
        for ties in all.chunk_by(|one, other| one.0.total_cmp(&other.0).is_eq()) {
            let seconds = number(ties.iter().filter(|(_, second)| *second).count());
            let firsts = number(ties.len()) - seconds;
            wins += seconds * (below + firsts / 2.0);
            below += firsts;
        }
        let (one, other) = (number(first.len()), number(second.len()));
        Self::from(
            wins / (one * other),
            ((one + other + 1.0) / (12.0 * one * other)).sqrt(),
        )
    }

    /// The mean of several, of which each is of another door.
    pub(crate) fn pooled(of: impl Iterator<Item = Self>) -> Self {
        let all: Vec<Self> = of.collect();
        let doors = number(all.len());
        let mean = all.iter().map(|auc| auc.second_slower).sum::<f64>() / doors;
        let error = all.iter().map(|auc| auc.error * auc.error).sum::<f64>().sqrt() / doors;
        Self::from(mean, error)
    }

    fn from(second_slower: f64, error: f64) -> Self {
        Self {
            value: second_slower.max(1.0 - second_slower),
            error,
            second_slower,
        }
    }
}

impl fmt::Display for Auc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} (se {:.3})", self.value, self.error)
    }
}

/// Means of so many samples each, in the order in which they were taken.
pub(crate) fn means(samples: &[f64], of: usize) -> Vec<f64> {
    let whole = samples.chunks_exact(of);
    whole
        .map(|samples| samples.iter().sum::<f64>() / number(of))
        .collect()
}

/// Numbers drawn from a seed (xorshift64*, Vigna 2016): the same seed, the same order.
#[derive(Debug)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below a bound.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }

    /// The three places in any order.
    pub(crate) fn order(&mut self) -> [usize; 3] {
        const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        ORDERS[usize::try_from(self.below(6)).unwrap_or_default()]
    }
}
