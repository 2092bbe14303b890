//! The rule of three after a restart: counted again from the entries of the days that count, so that a crash gives nobody
//! three more tries.
//!
//! An entry counts when its call was granted, whatever was found. One whose parts were erased at the end of their
//! retention, which may be a month of 28 days, counts no longer.

use agreement::declarations::{Attempt, DeclarationCounters, DeclarationEvent, WINDOW_DAYS};
use agreement::moment::Moment;
use agreement::reason::Reason;
use chrono::TimeDelta;
use ledger::header::{EntryKind, HeaderBody};
use ledger::part::PartKind;
use store::access_log::AccessLog;
use store::access_log::part_content::{CriteriaPart, PartContent};
use store::access_log::reading::{OpenedEntry, OpenedPart, ReadError};

use crate::agreement_book::instant;
use crate::consultation::{BATCH_VERIFY, VERIFY_DECLARATION};
use crate::usage_restore::first_since;

/// Name of the criterion under which an entry keeps the hashes of its declaration.
pub(crate) const CRITERION: &str = "declaration";

/// The declarations that count as of the last entry.
///
/// # Errors
/// When the log cannot be read.
pub fn restore(log: &AccessLog, now: Moment) -> Result<DeclarationCounters, ReadError> {
    let size = log.checkpoint().checkpoint.size;
    let since = now.utc() - TimeDelta::days(i64::from(WINDOW_DAYS));
    let since_ms = u64::try_from(since.timestamp_millis()).unwrap_or_default();
    let from = first_since(log, size, since_ms)?;
    let mut counters = DeclarationCounters::default();
    log.visit_wanted(from, compares, |entry| counters.restore(events(entry)))?;
    Ok(counters)
}

/// Whether an entry is that of a declaration that was compared: not of another call, and not of a denied one.
fn compares(body: &HeaderBody) -> bool {
    let compared = match (body.outcome.code, Reason::from_name(&body.outcome.reason)) {
        (0, _) => true,
        (_, Some(reason)) => matches!(reason, Reason::NotFound | Reason::Internal),
        (_, None) => false,
    };
    let verifies = [VERIFY_DECLARATION, BATCH_VERIFY]
        .map(Some)
        .contains(&body.service.as_deref());
    compared && verifies && body.kind == EntryKind::Access
}

/// What was declared.
fn events(entry: &OpenedEntry) -> Vec<DeclarationEvent> {
    let Some(made) = instant(&entry.header) else {
        return Vec::new();
    };
    let criteria = entry.parts.iter().filter_map(|part| match part {
        OpenedPart::Shown(opening) if opening.kind == PartKind::Criteria => {
            let CriteriaPart { criteria } = CriteriaPart::decode(&opening.content).ok()?;
            Some(criteria)
        }
        OpenedPart::Shown(_) | OpenedPart::Erased { .. } => None,
    });
    let hashes = criteria.flatten().filter(|(name, _)| name == CRITERION);
    let event = |(_, hashes): (String, String)| {
        Some(DeclarationEvent {
            attempt: Attempt::parse(&hashes).ok()?,
            moment: Moment::new(made),
        })
    };
    hashes.filter_map(event).collect()
}
