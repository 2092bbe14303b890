//! When an answer leaves. What a call took would tell of whom it does not show: who is hidden was read and looked at, who is
//! absent was not, and that is about twenty microseconds. So an answer that could tell leaves on a step, counted from when
//! the call was taken up: whatever was done within a step, and in most calls everything is, the answer leaves at the same
//! time.
//!
//! A call that takes longer, because the disk is slow, leaves on a later step. The steps are counted from the call and not
//! from the clock, so that nobody chooses where in a step the work ends. For the same reason a thread of its own waits for
//! them: the runtime's timers round to a millisecond counted from when a worker went to sleep, which is when the work
//! ended.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::Builder;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::time::sleep_until;

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

/// Holds answers back until they may leave.
#[derive(Debug)]
pub struct Pacer {
    steps: Option<Sender<Held>>,
}

/// An answer that waits for its step.
#[derive(Debug)]
struct Held {
    due: Instant,
    leave: oneshot::Sender<()>,
}

impl Pacer {
    /// A pacer; its thread ends with it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn new(pace: Pace) -> io::Result<Self> {
        let steps = match pace {
            Pace::AtOnce => None,
            Pace::Steps => {
                let (steps, held) = channel();
                Builder::new()
                    .name("pace".to_owned())
                    .spawn(move || keep(&held))?;
                Some(steps)
            }
        };
        Ok(Self { steps })
    }

    /// Waits until the answer to a call that was taken up at `arrived` may leave.
    pub async fn hold(&self, arrived: Instant) {
        let Some(steps) = &self.steps else { return };
        let due = next_step(arrived, Instant::now());
        let (leave, left) = oneshot::channel();
        let held = steps.send(Held { due, leave });
        if held.is_err() || left.await.is_err() {
            tracing::error!("the thread that holds answers back has ended");
            sleep_until(due.into()).await;
        }
    }
}

/// Lets every answer leave when it is due, until no pacer is left.
fn keep(queue: &Receiver<Held>) {
    let mut waiting: BTreeMap<(Instant, u64), oneshot::Sender<()>> = BTreeMap::new();
    let mut number: u64 = 0;
    loop {
        let now = Instant::now();
        while let Some(first) = waiting.first_entry().filter(|first| first.key().0 <= now) {
            // The caller may have gone.
            let _ = first.remove().send(());
        }
        let held = match waiting.first_key_value() {
            Some(((due, _), _)) => queue.recv_timeout(*due - now),
            None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match held {
            Ok(Held { due, leave }) => {
                number += 1;
                waiting.insert((due, number), leave);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
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
        let pacer = Pacer::new(Pace::Steps).unwrap();
        let arrived = Instant::now();
        let (late, early) = (arrived + 2 * STEP, arrived);
        let leave = async |arrived| {
            pacer.hold(arrived).await;
            (arrived, Instant::now())
        };
        let (late, early) = tokio::join!(leave(late), leave(early));
        for (arrived, left) in [late, early] {
            assert!(arrived + STEP <= left);
        }
    }
}
