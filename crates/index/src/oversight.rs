//! Oversight of those who consult (*monitoraggio degli accessi*, DOMAIN R27 to R29): accesses are counted, watched and
//! sampled, all of it from the entries of the access log and from nothing else.
//!
//! [`access`] is what of an entry counts, [`counters`] and [`statistics`] are arithmetic, without any I/O; [`days`] keeps
//! what was counted of days that are over, sealed, as a projection of the log.

pub(crate) mod access;
pub(crate) mod counters;
mod day_file;
pub(crate) mod days;
mod reserved;
pub(crate) mod statistics;

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::NaiveDate;
use store::access_log::AccessLog;
use store::access_log::reading::ReadError;
use store::record_store::RecordStore;

use crate::oversight::access::{Seen, wanted};
use crate::oversight::counters::DayCount;
use crate::oversight::days::{Days, DaysError};
use crate::oversight::reserved::ReservedPurposes;
use crate::shared::Shared;

/// Entries that are looked at before others may have the counters.
const STEP: u64 = 4096;

/// How far a reader waits for entries to be counted; beyond that it comes again.
const PATIENCE: u64 = 16 * STEP;

/// How long the follower lets entries gather, and how long it waits after a failure.
const PAUSE: Duration = Duration::from_millis(100);

/// Why accesses cannot be counted.
#[derive(Debug, thiserror::Error)]
pub enum OversightError {
    /// The log cannot be read.
    #[error("the access log cannot be read")]
    Read(#[from] ReadError),
    /// The counters of days that are over.
    #[error(transparent)]
    Days(#[from] DaysError),
}

/// How far the entries were counted when a reader came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    /// All that were wanted.
    All,
    /// Too many are left for a reader to wait.
    Behind,
}

/// What the index knows of accesses, all of it from the log.
#[derive(Debug)]
pub struct Oversight {
    counted: Mutex<Counted>,
}

#[derive(Debug)]
struct Counted {
    days: Days,
    reserved: ReservedPurposes,
}

impl Oversight {
    /// Takes up the counters that are kept, and goes on from there. What is kept and does not belong to the log is counted
    /// again.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn open(log: &AccessLog, mut days: Days) -> Result<Self, OversightError> {
        days.take_up(log)?;
        let counted = Counted {
            days,
            reserved: ReservedPurposes::of(log)?,
        };
        Ok(Self {
            counted: Mutex::new(counted),
        })
    }

    /// Counts one step of what is not yet counted before `end`, and tells whether anything is left. Blocks.
    fn step(&self, log: &AccessLog, end: u64) -> Result<bool, OversightError> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let Counted { days, reserved } = &mut *counted;
        let next = days.next();
        if end <= next {
            return Ok(false);
        }
        let last = end.min(next + STEP);
        let mut failed = None;
        log.survey(next..last, wanted, |surveyed| {
            if failed.is_none() {
                let seen = Seen::of(surveyed, reserved);
                failed = days.fold(log, &seen).err();
            }
        })?;
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(last < end),
        }
    }

    /// Counts what is left before `end`, unless that is more than a reader waits for. Blocks.
    ///
    /// # Errors
    /// See [`OversightError`].
    pub(crate) fn catch_up(&self, log: &AccessLog, end: u64) -> Result<Reached, OversightError> {
        let next = self.with_days(|days| days.next());
        if PATIENCE < end.saturating_sub(next) {
            return Ok(Reached::Behind);
        }
        while self.step(log, end)? {}
        Ok(Reached::All)
    }

    /// The counters of each day of a range that has any, in order. Blocks.
    ///
    /// # Errors
    /// See [`DaysError`].
    pub(crate) fn days(&self, range: Range<NaiveDate>) -> Result<Vec<(NaiveDate, Arc<DayCount>)>, DaysError> {
        self.with_days(|days| days.of(range))
    }

    fn with_days<T>(&self, read: impl FnOnce(&Days) -> T) -> T {
        read(&self.counted.lock().unwrap_or_else(PoisonError::into_inner).days)
    }
}

impl<S: RecordStore> Shared<S> {
    /// Follows the log until the index stops.
    pub(crate) async fn oversee(self: &Arc<Self>) {
        let mut heads = self.log.heads();
        loop {
            let end = heads.borrow_and_update().checkpoint.size;
            if let Err(error) = self.look_up_to(end).await {
                tracing::error!(
                    error = &*error as &dyn std::error::Error,
                    "accesses could not be counted; it is tried again"
                );
                heads.mark_changed();
            }
            // A busy log is followed in larger steps.
            tokio::select! {
                () = self.shutdown.triggered() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
            tokio::select! {
                () = self.shutdown.triggered() => return,
                changed = heads.changed() => if changed.is_err() { return },
            }
        }
    }

    async fn look_up_to(self: &Arc<Self>, end: u64) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        while !self.shutdown.is_triggered() {
            let shared = Arc::clone(self);
            let step = tokio::task::spawn_blocking(move || shared.oversight.step(&shared.log, end));
            if !step.await?? {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
