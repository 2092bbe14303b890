//! Oversight of those who consult (*monitoraggio degli accessi*, DOMAIN R27 to R29): accesses are counted, watched and
//! sampled, all of it from the entries of the access log and from nothing else.
//!
//! [`access`] is what of an entry counts; [`counters`], [`statistics`] and the rules of [`alert`] are arithmetic, without
//! any I/O; [`days`] keeps what was counted of days that are over, sealed, as a projection of the log; [`sample`] is the
//! fold of what was drawn, justified and judged.

pub(crate) mod access;
pub mod alert;
pub(crate) mod counters;
mod day_file;
pub(crate) mod days;
mod reserved;
pub(crate) mod statistics;
pub(crate) mod sample;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agreement::context::AgreementId;
use agreement::reason::Reason;
use chrono::NaiveDate;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use store::access_log::AccessLog;
use store::access_log::draft::EntryDraft;
use store::access_log::part_content::DecisionPart;
use store::access_log::reading::ReadError;
use store::access_log::retention::Retention;
use store::record_store::RecordStore;
use tonic::Status;
use wire::status::{Details, status_for};

use crate::entry::{told_ok, usual_retention};
use crate::oversight::access::{Seen, wanted};
use crate::oversight::alert::AlertRule;
use crate::oversight::alert::engine::Alert;
use crate::oversight::alert::raising::Watch;
use crate::oversight::alert::roster::Staff;
use crate::oversight::counters::DayCount;
use crate::oversight::days::{Days, DaysError};
use crate::oversight::reserved::ReservedPurposes;
use crate::oversight::sample::fold::Drawn;
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
    /// The cards of those on a roster.
    #[error("the cards of those on a roster cannot be read")]
    Cards(#[from] store::record_store::ReadError),
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
    /// Guards the raising of alerts, so that each is entered once.
    raising: tokio::sync::Mutex<()>,
    /// Guards the acts of samples, so that each fits the state that was read before.
    pub(crate) sampling: tokio::sync::Mutex<()>,
    /// What announcements drew, by their index.
    drawn: Mutex<HashMap<u64, Arc<Drawn>>>,
}

#[derive(Debug)]
struct Counted {
    days: Days,
    reserved: ReservedPurposes,
    watch: Watch,
    staff: Staff,
}

impl Oversight {
    /// Takes up the counters that are kept, and goes on from there. What is kept and does not belong to the log is counted
    /// again.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn open(log: &AccessLog, mut days: Days, rules: Vec<AlertRule>) -> Result<Self, OversightError> {
        days.take_up(log)?;
        let counted = Counted {
            days,
            reserved: ReservedPurposes::of(log)?,
            staff: Staff::of(&rules),
            watch: Watch::open(log, rules)?,
        };
        Ok(Self {
            counted: Mutex::new(counted),
            raising: tokio::sync::Mutex::new(()),
            sampling: tokio::sync::Mutex::new(()),
            drawn: Mutex::default(),
        })
    }

    /// The rules that are at work.
    pub(crate) fn rules(&self) -> Vec<AlertRule> {
        self.with(|counted| counted.watch.rules().to_vec())
    }

    /// Counts one step of what is not yet counted before `end`, and tells whether anything is left. Blocks.
    fn step(&self, log: &AccessLog, store: &impl RecordStore, end: u64) -> Result<bool, OversightError> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let Counted {
            days,
            reserved,
            watch,
            staff,
        } = &mut *counted;
        let next = days.next().min(watch.next());
        if end <= next {
            return Ok(false);
        }
        staff.refresh(store)?;
        let last = end.min(next + STEP);
        let watching = watch.is_watching();
        let mut failed = None;
        let wanted = |kind, part: &str| wanted(kind, part, watching);
        log.survey(next..last, wanted, |surveyed| {
            if failed.is_some() {
                return;
            }
            let seen = Seen::of(surveyed, reserved);
            if days.next() <= seen.index {
                failed = days.fold(log, &seen).err();
            }
            if failed.is_none() && watch.next() <= seen.index {
                watch.fold(&seen, staff);
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
    fn catch_up(
        &self,
        log: &AccessLog,
        store: &impl RecordStore,
        end: u64,
    ) -> Result<Reached, OversightError> {
        let next = self.with(|counted| counted.days.next().min(counted.watch.next()));
        if PATIENCE < end.saturating_sub(next) {
            return Ok(Reached::Behind);
        }
        while self.step(log, store, end)? {}
        Ok(Reached::All)
    }

    /// The counters of each day of a range that has any, in order. Blocks.
    ///
    /// # Errors
    /// See [`DaysError`].
    pub(crate) fn days(&self, range: Range<NaiveDate>) -> Result<Vec<(NaiveDate, Arc<DayCount>)>, DaysError> {
        self.with(|counted| counted.days.of(range))
    }

    fn with_drawn<T>(&self, act: impl FnOnce(&mut HashMap<u64, Arc<Drawn>>) -> T) -> T {
        act(&mut self.drawn.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Counted) -> T) -> T {
        act(&mut self.counted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: RecordStore> Shared<S> {
    /// Counts what is left before `end`, unless that is more than a reader waits for. Blocks.
    ///
    /// # Errors
    /// See [`OversightError`].
    pub(crate) fn catch_up(&self, end: u64) -> Result<Reached, OversightError> {
        self.oversight.catch_up(&self.log, &self.store, end)
    }

    /// Enters every alert that waits for it.
    ///
    /// # Errors
    /// The status of the entry that could not be made; its alert waits on.
    pub(crate) async fn raise_alerts(&self) -> Result<(), Status> {
        let _order = self.oversight.raising.lock().await;
        while let Some(alert) = self.oversight.with(|counted| counted.watch.pending()) {
            let draft = self.alert_draft(&alert)?;
            self.enter(self.reserve()?, draft).await?;
            self.oversight.with(|counted| counted.watch.entered());
        }
        Ok(())
    }

    /// The entry of an alert, kept as long as the entries that it is about.
    fn alert_draft(&self, alert: &Alert) -> Result<EntryDraft, Status> {
        let agreements = self.agreements.load();
        let id = AgreementId::parse(&alert.agreement).ok();
        let months = id
            .and_then(|id| agreements.get(&id))
            .map(|entry| entry.agreement().terms().retention_months);
        let retention = months.and_then(|months| Retention::months(months).ok());
        let mut draft = EntryDraft::new(EntryKind::AlertRaised, retention.unwrap_or_else(usual_retention));
        draft.header.outcome = told_ok();
        let drafted = draft.with(PartKind::AdministrativeDetail, &alert.detail());
        let drafted = match drafted {
            Ok(draft) if alert.reserved => draft.with(PartKind::Decision, &kept_from_others()),
            other => other,
        };
        drafted.map_err(|_| status_for(Reason::Internal, Details::none()))
    }

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
            if let Err(status) = self.raise_alerts().await {
                tracing::warn!(code = ?status.code(), "an alert could not be entered; it is tried again");
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
            let step =
                tokio::task::spawn_blocking(move || shared.oversight.step(&shared.log, &shared.store, end));
            if !step.await?? {
                break;
            }
        }
        Ok(())
    }
}

/// What an entry about reserved accesses says besides, so that nobody outside of the agency is shown its parts, at no time.
pub(crate) fn kept_from_others() -> DecisionPart {
    DecisionPart {
        outcome: "RESERVED".to_owned(),
        reserved: true,
        ..DecisionPart::default()
    }
}

#[cfg(test)]
pub(crate) mod tests;
