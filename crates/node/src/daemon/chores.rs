//! What the daemon does once a day.

use std::error::Error;
use std::sync::Arc;

use chrono::NaiveDate;
use transport::clock::Clock;

use crate::exports::SealedExports;
use crate::housekeeping::Chore;
use crate::incoming::{Incoming, IncomingRules};
use crate::publisher::{LinkStatus, PublisherHandle};
use crate::reports::Reports;
use crate::retention::{self, Retention};
use crate::storage::Storage;

/// Reports that are kept: with one export a day, more than five years.
const KEPT_REPORTS: usize = 2_000;

/// Withdraws the cards whose term of publication is over.
#[derive(Debug)]
pub(super) struct WithdrawOld {
    pub(super) storage: Storage,
    pub(super) retention: Retention,
    pub(super) publisher: PublisherHandle,
}

/// Lets the publisher hear what is agreed, where nothing else is to be sent.
#[derive(Debug)]
pub(super) struct HearProfile(pub(super) PublisherHandle);

/// Destroys the keys of exports that are gone.
#[derive(Debug)]
pub(super) struct ForgetKeys(pub(super) SealedExports);

/// Removes reports that are too many.
#[derive(Debug)]
pub(super) struct KeepNewestReports(pub(super) Reports);

/// Removes rejected files that were kept long enough.
#[derive(Debug)]
pub(super) struct RemoveRejected {
    pub(super) rules: IncomingRules,
    pub(super) clock: Arc<dyn Clock>,
}

impl Chore for WithdrawOld {
    fn name(&self) -> &'static str {
        "retention"
    }

    fn run(&self, today: NaiveDate) -> Result<u64, Box<dyn Error + Send + Sync>> {
        let withdrawn = retention::withdraw(&mut self.storage.store(), self.retention, today)?;
        if withdrawn != 0 {
            self.publisher.wake();
        }
        Ok(withdrawn)
    }
}

impl Chore for HearProfile {
    fn name(&self) -> &'static str {
        "profile"
    }

    fn run(&self, _today: NaiveDate) -> Result<u64, Box<dyn Error + Send + Sync>> {
        // A comparison asks first. Whoever is stopped or waits hears when the next stream opens.
        if self.0.status().link == LinkStatus::Idle {
            self.0.wake();
        }
        Ok(0)
    }
}

impl Chore for ForgetKeys {
    fn name(&self) -> &'static str {
        "export-keys"
    }

    fn run(&self, today: NaiveDate) -> Result<u64, Box<dyn Error + Send + Sync>> {
        Ok(self.0.forget_keys(today)? as u64)
    }
}

impl Chore for KeepNewestReports {
    fn name(&self) -> &'static str {
        "reports"
    }

    fn run(&self, _today: NaiveDate) -> Result<u64, Box<dyn Error + Send + Sync>> {
        Ok(self.0.keep_newest(KEPT_REPORTS)? as u64)
    }
}

impl Chore for RemoveRejected {
    fn name(&self) -> &'static str {
        "rejected-files"
    }

    fn run(&self, _today: NaiveDate) -> Result<u64, Box<dyn Error + Send + Sync>> {
        Ok(Incoming::expire_rejected(&self.rules, self.clock.now_ms())? as u64)
    }
}
