//! Numbers from a seed, always the same: for synthetic people and planted errors, never for keys.

use crate::measure::count;

/// A stream of numbers.
#[derive(Clone, Debug)]
pub struct Draws(u64);

impl Draws {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits (SplitMix64).
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 where that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.word()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or_default()
    }

    /// One of the values, if there is one.
    pub fn pick<'a, T>(&mut self, values: &'a [T]) -> Option<&'a T> {
        values.get(self.below(values.len()))
    }

    /// A rank below `ranks`, each as much rarer than the first as it is greater.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a power of a number between 0 and 1 lies between 1 and the ranks"
    )]
    pub fn rank(&mut self, ranks: u64) -> u64 {
        let share = count(self.word() >> 11) / count(1 << 53);
        (count(ranks).powf(share) as u64).min(ranks) - 1
    }
}
