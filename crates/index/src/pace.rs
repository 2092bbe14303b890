//! When an answer leaves. What a call took would tell of whom it does not show: who is hidden was read and looked at, who is
//! absent was not. So an answer that could tell leaves on a step, counted from when the call was taken up: whatever was
//! done within a step, and in most calls everything is, the answer leaves at the same time.
//!
//! A call that takes longer, because the disk is slow, leaves on a later step. The steps are counted from the call and not
//! from the clock, so that nobody chooses where in a step the work ends.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Length of a step. The work of a call takes about a tenth of it, the sync of the log more, but no more for the one
/// than for the other.
pub const STEP: Duration = Duration::from_millis(2);

/// When answers leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// On the next step.
    Steps,
    /// As soon as they are ready: to measure what steps cost and what they hide, and for nothing else.
    AtOnce,
}

impl Pace {
    /// Waits until the answer to a call may leave.
    pub async fn hold(self, arrived: Instant) {
        match self {
            Self::Steps => sleep_until(next_step(arrived, Instant::now())).await,
            Self::AtOnce => {}
        }
    }
}

/// The first step, counted from `arrived`, that is not before `now`; a call takes one at least.
fn next_step(arrived: Instant, now: Instant) -> Instant {
    let taken = now.saturating_duration_since(arrived).as_nanos();
    let steps = taken.div_ceil(STEP.as_nanos()).max(1);
    arrived + STEP * u32::try_from(steps).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_leaves_on_the_next_step_of_its_call() {
        let arrived = Instant::now();
        let after = |micros| next_step(arrived, arrived + Duration::from_micros(micros)) - arrived;
        assert_eq!(after(0), STEP);
        assert_eq!(after(1), STEP);
        assert_eq!(after(1_999), STEP);
        assert_eq!(after(2_000), STEP);
        assert_eq!(after(2_001), 2 * STEP);
        assert_eq!(after(9_000), 5 * STEP);
        // A clock that stands counts as no time.
        assert_eq!(next_step(arrived + STEP, arrived) - arrived, 2 * STEP);
    }

    #[tokio::test]
    async fn no_answer_leaves_before_its_step() {
        let arrived = Instant::now();
        Pace::Steps.hold(arrived).await;
        assert!(arrived + STEP <= Instant::now());
    }
}
