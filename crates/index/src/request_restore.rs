//! Request ids after a restart: those of the last day, from their entries, so that a repeat is told from another request
//! whatever happened in between.

use agreement::context::AgreementId;
use agreement::moment::Moment;
use agreement::peer::SpiffeId;
use agreement::reason::Reason;
use agreement::repeats::{FirstCall, RepeatEvent, RequestBook, RequestDigest, RequestKey, WINDOW_HOURS};
use chrono::{NaiveDate, TimeDelta};
use ledger::header::{EntryKind, HeaderBody};
use ledger::part::PartKind;
use registry::hex;
use store::access_log::AccessLog;
use store::access_log::part_content::{CriteriaPart, DecisionPart};
use store::access_log::reading::{OpenedEntry, ReadError};
use uuid::Uuid;

use crate::agreement_book::instant;
use crate::usage_restore::{first_since, part_of};

/// Name of the criterion under which an entry keeps the hash of its request.
pub(crate) const CRITERION: &str = "request";

/// The request ids in use as of the last entry.
///
/// # Errors
/// When the log cannot be read.
pub fn restore(log: &AccessLog, now: Moment) -> Result<RequestBook, ReadError> {
    let size = log.checkpoint().checkpoint.size;
    let since = now.utc() - TimeDelta::hours(i64::from(WINDOW_HOURS));
    let since_ms = u64::try_from(since.timestamp_millis()).unwrap_or_default();
    let from = first_since(log, size, since_ms)?;
    let mut book = RequestBook::default();
    log.visit_wanted(from, is_first, |entry| book.restore(event(entry)))?;
    Ok(book)
}

/// Whether an entry is that of a first call that was answered.
fn is_first(body: &HeaderBody) -> bool {
    let answered = match (body.outcome.code, Reason::from_name(&body.outcome.reason)) {
        (0, _) => true,
        (_, Some(reason)) => matches!(
            reason,
            Reason::NotFound
                | Reason::ResourceNotFound
                | Reason::TooManyFound
                | Reason::TooManyResidents
                | Reason::HandleInvalid
        ),
        (_, None) => false,
    };
    answered && body.kind == EntryKind::Access && body.repeat_of.is_none() && body.request_id.is_some()
}

/// The call; `None` where its parts were erased.
fn event(entry: &OpenedEntry) -> Option<RepeatEvent> {
    let body = &entry.header.body;
    let CriteriaPart { criteria } = part_of(entry, &PartKind::Criteria)?;
    let (_, digest) = criteria.into_iter().find(|(name, _)| name == CRITERION)?;
    let facts = part_of(entry, &PartKind::Decision).map_or_else(Vec::new, |DecisionPart { facts, .. }| facts);
    let fact = |wanted: &str| {
        let found = facts.iter().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.as_str())
    };
    let moment = Moment::new(instant(&entry.header)?);
    let reference_date = fact("reference_date").and_then(|day| day.parse::<NaiveDate>().ok());
    Some(RepeatEvent {
        key: RequestKey {
            agency: SpiffeId::parse(body.peer.as_deref()?).ok()?,
            agreement: AgreementId::parse(body.agreement.as_deref()?).ok()?,
            id: Uuid::from_bytes(body.request_id?.0),
        },
        digest: RequestDigest(hex::decode::<16>(&digest)?),
        call: FirstCall {
            entry: entry.index,
            read_at: fact("read_at").and_then(|sequence| sequence.parse().ok()),
            reference_date: reference_date.unwrap_or_else(|| moment.date()),
        },
        moment,
    })
}
