//! Time as a parameter: the one place that reads the machine's clock, and a clock that tests move by hand.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};

/// A source of wall-clock time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    /// Clocks step back when they are corrected: callers that need order take the maximum with what they
    /// have already seen.
    fn now_ms(&self) -> u64;

    /// The same instant as a date and time.
    fn now(&self) -> DateTime<Utc> {
        instant_of(self.now_ms())
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the machine's clock"
    )]
    fn now_ms(&self) -> u64 {
        u64::try_from(Utc::now().timestamp_millis()).unwrap_or(0)
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock {
    now_ms: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `now_ms` milliseconds since 1970.
    pub fn at_ms(now_ms: u64) -> Self {
        Self {
            now_ms: AtomicU64::new(now_ms),
        }
    }

    /// A clock that shows `now`; instants before 1970 show as 1970.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self::at_ms(u64::try_from(now.timestamp_millis()).unwrap_or(0))
    }

    /// Moves the clock to `now`, forwards or backwards.
    pub fn set(&self, now: DateTime<Utc>) {
        self.now_ms.store(
            u64::try_from(now.timestamp_millis()).unwrap_or(0),
            Ordering::SeqCst,
        );
    }

    /// Moves the clock forwards by whole milliseconds.
    pub fn advance(&self, by: std::time::Duration) {
        let by_ms = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.now_ms.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::SeqCst)
    }
}

/// The instant `ms` milliseconds after 1970, or the last instant that can be shown.
fn instant_of(ms: u64) -> DateTime<Utc> {
    i64::try_from(ms)
        .ok()
        .and_then(DateTime::from_timestamp_millis)
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_manual_clock_shows_what_it_was_set_to_and_moves_only_by_hand() {
        let start = DateTime::from_timestamp_millis(1_790_000_000_123).unwrap();
        let clock = ManualClock::at(start);
        assert_eq!(clock.now(), start);
        clock.advance(Duration::from_millis(877));
        assert_eq!(clock.now_ms(), 1_790_000_001_000);
        clock.set(start);
        assert_eq!(clock.now(), start);
    }

    #[test]
    fn an_instant_beyond_the_calendar_shows_as_the_last_one() {
        assert_eq!(ManualClock::at_ms(u64::MAX).now(), DateTime::<Utc>::MAX_UTC);
    }

    #[test]
    fn the_system_clock_agrees_with_itself() {
        let clock = SystemClock;
        let before = clock.now_ms();
        let shown = u64::try_from(clock.now().timestamp_millis()).unwrap();
        assert!(before <= shown);
    }
}
