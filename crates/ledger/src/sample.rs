//! Drawing entries that an agency must justify, so that nobody chooses which.
//!
//! A drawing is announced by an entry, which says from whose entries, of which time, and how many are drawn. Only the tree
//! that ends with that entry says which, so whoever announces cannot know them, and whoever has the log's hashes and
//! the headers can draw again:
//!
//! 1. The *seed* is the SHA-256 of [`DOMAIN`], a line feed, and the text of the checkpoint ([`Checkpoint::to_text`]: origin,
//!    size and root, a line each) whose size is the index of the announcement plus one.
//! 2. The *weight* of a candidate is the SHA-256 of the seed and the candidate's index, 8 bytes big endian.
//! 3. Drawn are the candidates with the least weights, as many as were announced, or all when there are no more; they are
//!    listed by index.
//!
//! Who announces again to draw others leaves another announcement. Whoever writes the log could try salts of its own
//! until a root pleases: against that stand those who look at the log's times and at how often it draws, not this rule.

use crate::checkpoint::Checkpoint;
use crate::hash::{Hash, sha256};

/// The first line of what is hashed.
pub const DOMAIN: &str = "ponte sample v1";

/// What decides who is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(Hash);

impl Seed {
    /// The seed of a drawing, from the checkpoint whose last entry announced it.
    pub fn of(checkpoint: &Checkpoint) -> Self {
        let text = format!("{DOMAIN}\n{}", checkpoint.to_text());
        Self(sha256(text.as_bytes()))
    }

    /// The 32 bytes.
    pub const fn as_hash(&self) -> &Hash {
        &self.0
    }

    /// The weight of a candidate.
    pub fn weight(&self, index: u64) -> Hash {
        let bytes = [self.0.as_bytes().as_slice(), &index.to_be_bytes()].concat();
        sha256(&bytes)
    }

    /// The candidates that are drawn, by index. Candidates may come in any order; one that comes twice is one.
    pub fn draw(&self, candidates: impl IntoIterator<Item = u64>, count: usize) -> Vec<u64> {
        let mut weighed: Vec<(Hash, u64)> = candidates
            .into_iter()
            .map(|index| (self.weight(index), index))
            .collect();
        weighed.sort_unstable();
        weighed.dedup();
        let mut drawn: Vec<u64> = weighed.into_iter().take(count).map(|(_, index)| index).collect();
        drawn.sort_unstable();
        drawn
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::name::Origin;

    fn seed(number: u8) -> Seed {
        Seed::of(&Checkpoint {
            origin: Origin::new("log.ponte.example/1").unwrap(),
            size: 100,
            root: Hash::new([number; 32]),
        })
    }

    proptest! {
        #[test]
        fn a_drawing_depends_on_the_set_of_candidates_alone(
            mut candidates in proptest::collection::vec(0..1_000u64, 0..50),
            count in 0..60usize,
            number: u8,
        ) {
            let seed = seed(number);
            let drawn = seed.draw(candidates.iter().copied(), count);
            candidates.sort_unstable();
            candidates.dedup();
            prop_assert_eq!(drawn.len(), count.min(candidates.len()));
            prop_assert!(drawn.is_sorted() && drawn.iter().all(|index| candidates.contains(index)));
            let again = seed.draw(candidates.iter().rev().chain(&candidates).copied(), count);
            prop_assert_eq!(&drawn, &again);
            // One more is the same ones and another.
            let more = seed.draw(candidates.iter().copied(), count + 1);
            prop_assert!(drawn.iter().all(|index| more.contains(index)));
        }
    }

    #[test]
    fn every_candidate_is_drawn_about_as_often_as_any_other() {
        let mut drawn = [0_u32; 20];
        for number in 0..=255 {
            for index in seed(number).draw(0..20, 5) {
                drawn[usize::try_from(index).unwrap()] += 1;
            }
        }
        // 256 drawings of 5 in 20: 64 are expected, with a standard deviation of 7.
        assert!(drawn.iter().all(|times| (36..=92).contains(times)), "{drawn:?}");
    }
}
