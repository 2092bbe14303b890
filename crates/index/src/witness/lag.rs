//! How long entries have waited for a witnessed checkpoint, and what follows from it.
//!
//! The oldest entry that no witnessed checkpoint covers may wait for a stated time. After it agencies are not answered:
//! each call is refused and entered, and everything else goes on, first of all the witnesses' own calls. As soon as a
//! checkpoint is witnessed again, answers go on by themselves.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use agreement::reason::Reason;
use store::access_log::AccessLog;
use store::access_log::reading::{ReadError, ReaderScope};
use store::cosignatures::Cosignatures;
use store::record_store::RecordStore;
use tonic::Status;
use wire::status::Details;

use crate::entry::Call;
use crate::shared::Shared;

/// For so long after its start the index answers in any case, so that witnesses who could not reach it come first.
const AFTER_START: Duration = Duration::from_secs(600);

/// After which time a caller may try again.
const RETRY: Duration = Duration::from_secs(60);

/// Part of the limit after which whoever runs the index is told.
const TOLD_AFTER: u32 = 4;

/// The waiting of entries for witnesses.
#[derive(Debug)]
pub(crate) struct Lag {
    limit: Duration,
    started_ms: u64,
    /// Before this instant, Unix milliseconds, the limit is certainly not reached.
    not_before_ms: AtomicU64,
}

/// What whoever runs the index was told last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum WitnessAlarm {
    /// Nothing is wrong.
    #[default]
    Quiet,
    /// A good part of the limit is over.
    Late,
    /// The limit is over: agencies are not answered.
    Stopped,
}

impl Lag {
    pub(crate) fn new(limit: Duration, started_ms: u64) -> Self {
        Self {
            limit,
            started_ms,
            not_before_ms: AtomicU64::new(started_ms),
        }
    }

    /// Whether entries have waited longer than they may. Costs nothing until the limit could be reached.
    fn is_over(&self, now_ms: u64, log: &AccessLog, cosignatures: &Cosignatures) -> Result<bool, ReadError> {
        if !cosignatures.has_witnesses() || now_ms < self.not_before_ms.load(Ordering::Acquire) {
            return Ok(false);
        }
        let since = self.waiting_since_ms(log, cosignatures)?;
        let limit = millis(self.limit);
        // Entries to come are of now or later.
        let reached = since.map_or_else(
            || now_ms.saturating_add(limit),
            |since| {
                since
                    .saturating_add(limit)
                    .max(self.started_ms.saturating_add(millis(AFTER_START)))
            },
        );
        self.not_before_ms.store(reached, Ordering::Release);
        Ok(reached <= now_ms)
    }

    /// The time of the oldest entry that is not witnessed; nothing when all are. Where nothing was ever witnessed, it is
    /// the start of this process: no witness was missing before there was one.
    fn waiting_since_ms(
        &self,
        log: &AccessLog,
        cosignatures: &Cosignatures,
    ) -> Result<Option<u64>, ReadError> {
        let witnessed = cosignatures.witnessed_size();
        if log.checkpoint().checkpoint.size <= witnessed {
            return Ok(None);
        }
        if witnessed == 0 {
            return Ok(Some(self.started_ms));
        }
        let entry = log.entry(&ReaderScope::Index, witnessed)?;
        Ok(entry.map(|entry| entry.header.time_ms))
    }

    fn look(
        &self,
        now_ms: u64,
        log: &AccessLog,
        cosignatures: &Cosignatures,
    ) -> Result<WitnessAlarm, ReadError> {
        if !cosignatures.has_witnesses() {
            return Ok(WitnessAlarm::Quiet);
        }
        if self.is_over(now_ms, log, cosignatures)? {
            return Ok(WitnessAlarm::Stopped);
        }
        let since = self.waiting_since_ms(log, cosignatures)?;
        let late = since.is_some_and(|since| millis(self.limit / TOLD_AFTER) <= now_ms.saturating_sub(since));
        Ok(if late {
            WitnessAlarm::Late
        } else {
            WitnessAlarm::Quiet
        })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl<S: RecordStore> Shared<S> {
    /// Refuses to read cards while too few witnesses have been there for too long, with an entry.
    ///
    /// # Errors
    /// `WITNESSES_MISSING`, or that the refusal could not be entered.
    pub(crate) async fn witnessed_lately(&self, call: &Call) -> Result<(), Status> {
        let over = self
            .lag
            .is_over(self.clock.now_ms(), &self.log, &self.cosignatures);
        match over {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            // What cannot be judged is judged against answering.
            Err(error) => tracing::error!(%error, "the oldest entry without a witness cannot be read"),
        }
        let details = Details::none().with_retry_after(RETRY);
        Err(self
            .refused(call, Reason::WitnessesMissing, details, Vec::new())
            .await)
    }

    /// Looks how long entries have waited, and tells whoever runs the index of what changed.
    pub(crate) fn look_at_witnesses(&self, told: &mut WitnessAlarm) {
        let looked = self.lag.look(self.clock.now_ms(), &self.log, &self.cosignatures);
        let now = match looked {
            Ok(now) => now,
            Err(error) => {
                tracing::error!(%error, "the oldest entry without a witness cannot be read");
                return;
            }
        };
        if std::mem::replace(told, now) == now {
            return;
        }
        match now {
            WitnessAlarm::Quiet => tracing::info!("the access log is witnessed"),
            WitnessAlarm::Late => tracing::warn!("the access log has not been witnessed for a while"),
            WitnessAlarm::Stopped => {
                tracing::error!(
                    "the access log has not been witnessed for too long: agencies are not answered"
                );
            }
        }
    }
}
