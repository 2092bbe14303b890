//! Quotas after a restart: counted again from today's entries, so that a crash gives nobody a second day.

use agreement::context::{AgreementId, OperatorId, PurposeId};
use agreement::moment::{Moment, start_of_day};
use agreement::peer::SpiffeId;
use agreement::reason::Reason;
use agreement::usage::{Settlement, Unit, UsageCounters, UsageEvent, UsageKey};
use ledger::header::{EntryKind, HeaderBody};
use ledger::part::PartKind;
use store::access_log::AccessLog;
use store::access_log::part_content::{CriteriaPart, OperatorPart, PartContent};
use store::access_log::reading::{OpenedEntry, OpenedPart, ReadError, ReaderScope};

use crate::access::entering::BATCH;
use crate::agreement_book::instant;
use crate::consultation::{DESCRIBE_ACCESS, GET_RECEIPT};

/// The counters as of the last entry.
///
/// # Errors
/// When the log cannot be read.
pub fn restore(log: &AccessLog, now: Moment) -> Result<UsageCounters, ReadError> {
    let size = log.checkpoint().checkpoint.size;
    let midnight = u64::try_from(start_of_day(now.date()).timestamp_millis()).unwrap_or_default();
    let from = first_since(log, size, midnight)?;
    let mut events = Vec::new();
    log.visit_wanted(from, costs, |entry| events.extend(event(entry)))?;
    Ok(UsageCounters::restore(events))
}

/// The first entry at or after an instant. Entry times never decrease.
///
/// # Errors
/// When the log cannot be read.
pub(crate) fn first_since(log: &AccessLog, size: u64, since_ms: u64) -> Result<u64, ReadError> {
    let (mut low, mut high) = (0, size);
    while low < high {
        let middle = low + (high - low) / 2;
        let before = log
            .entry(&ReaderScope::Index, middle)?
            .is_some_and(|entry| entry.header.time_ms < since_ms);
        if before {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Whether an entry may be of a call that cost something: not of another act, not of a repeat, and not of a question that
/// needs no grant.
fn costs(body: &HeaderBody) -> bool {
    let free = body
        .service
        .as_deref()
        .is_some_and(|service| [DESCRIBE_ACCESS, GET_RECEIPT].contains(&service));
    body.kind == EntryKind::Access && body.repeat_of.is_none() && !free
}

/// What a call cost; `None` where it was denied, or was none under an agreement.
fn event(entry: &OpenedEntry) -> Option<UsageEvent> {
    let body = &entry.header.body;
    let settlement = match (body.outcome.code, Reason::from_name(&body.outcome.reason)) {
        (0, _) => Settlement::Hit,
        (_, Some(Reason::NotFound)) => Settlement::Miss,
        // It was answered, if not with whom.
        (_, Some(Reason::TooManyFound | Reason::TooManyResidents)) => Settlement::Hit,
        _ => return None,
    };
    let operator: Option<OperatorPart> = part_of(entry, &PartKind::Operator);
    let criteria: Option<CriteriaPart> = part_of(entry, &PartKind::Criteria);
    let is_row = criteria.is_some_and(|part| part.criteria.iter().any(|(name, _)| name == BATCH));
    Some(UsageEvent {
        key: UsageKey {
            agency: SpiffeId::parse(body.peer.as_deref()?).ok()?,
            agreement: AgreementId::parse(body.agreement.as_deref()?).ok()?,
            purpose: PurposeId::parse(body.purpose.as_deref()?).ok()?,
            operator: operator.and_then(|part| OperatorId::parse(&part.operator).ok()),
            unit: if is_row { Unit::Row } else { Unit::Call },
        },
        moment: Moment::new(instant(&entry.header)?),
        settlement,
    })
}

/// The content of an entry's part of a kind; `None` where it has none, or where that was erased.
pub(crate) fn part_of<C: PartContent>(entry: &OpenedEntry, kind: &PartKind) -> Option<C> {
    entry.parts.iter().find_map(|part| match part {
        OpenedPart::Shown(opening) if opening.kind == *kind => C::decode(&opening.content).ok(),
        OpenedPart::Shown(_) | OpenedPart::Erased { .. } => None,
    })
}
