//! How long to wait before the next attempt.

use std::time::Duration;

use transport::random::Random;

/// Waits that double from attempt to attempt up to a longest one, each shortened at random by up to half, so that
/// callers that failed together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Wait after the first attempt.
    pub first: Duration,
    /// Longest wait.
    pub longest: Duration,
}

impl Backoff {
    /// How long to wait after `attempts` attempts have failed, from 1.
    pub fn wait_after(&self, attempts: u32, random: &dyn Random) -> Duration {
        let doublings = attempts.saturating_sub(1).min(20);
        let full = self.first.saturating_mul(1 << doublings).min(self.longest);
        let mut bytes = [0; 4];
        random.fill(&mut bytes);
        let share = f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX);
        full.mul_f64(0.5 + share / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use transport::random::danger::SeededRandom;

    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_lose_at_most_half() {
        let backoff = Backoff {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(1),
        };
        let random = SeededRandom::new(1);
        for (attempts, full) in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1000), (60, 1000)] {
            let wait = backoff.wait_after(attempts, &random);
            let full = Duration::from_millis(full);
            assert!(full / 2 <= wait && wait <= full, "after {attempts}: {wait:?}");
        }
    }

    #[test]
    fn two_callers_do_not_wait_equally_long() {
        let backoff = Backoff {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(1),
        };
        let random = SeededRandom::new(1);
        assert_ne!(backoff.wait_after(1, &random), backoff.wait_after(1, &random));
    }
}
