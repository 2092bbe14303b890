//! Entries as rows.

use chrono::DateTime;
use client::auditor::{AccessEntry, EntryPart};
use ledger::header::{Header, HeaderBody};
use ledger::part::PartKind;

use crate::datum::{Datum, RecordBuilder};

/// An entry with the parts that the reader may see.
pub fn entry_row(entry: &AccessEntry) -> Datum {
    let AccessEntry { origin: _, index, header, header_bytes: _, parts } = entry;
    let mut row = header_record(*index, header);
    for EntryPart { kind, content: _, items } in parts {
        let name = match kind {
            PartKind::Operator => "operator".to_owned(),
            PartKind::Criteria => "criteria".to_owned(),
            PartKind::Decision => "decision".to_owned(),
            PartKind::Subjects(municipality) => format!("subjects_{}", municipality.as_str()),
            PartKind::AgreementBytes => continue,
            PartKind::AdministrativeDetail => "detail".to_owned(),
            PartKind::PreviousCheckpoint => "previous_checkpoint".to_owned(),
        };
        let items = items.iter().map(|(name, value)| (name.clone(), Datum::text(value.as_str())));
        row.push((name, Datum::Record(items.collect())));
    }
    Datum::Record(row)
}

/// What a header says: what the caller already knew.
pub fn header_record(index: u64, header: &Header) -> Vec<(String, Datum)> {
    let Header { origin, time_ms, body } = header;
    let HeaderBody {
        kind,
        peer,
        certificate,
        address,
        agreement,
        agreement_version: _,
        purpose,
        service,
        request_id,
        trace_id: _,
        outcome,
        granted_fields,
        repeat_of,
        parts_root: _,
    } = body;
    let time = i64::try_from(*time_ms).ok().and_then(DateTime::from_timestamp_millis);
    let outcome = match outcome.reason.as_str() {
        "" if outcome.code == 0 => "OK",
        reason => reason,
    };
    let record = RecordBuilder::new()
        .with("index", index)
        .with("time", Datum::of(time.map(|time| time.to_rfc3339())))
        .with("kind", kind.name())
        .with_some("peer", peer.clone())
        .with_some("address", address.clone())
        .with_some("agreement", agreement.clone())
        .with_some("purpose", purpose.clone())
        .with_some("service", service.clone())
        .with("outcome", outcome)
        .with("fields", granted_fields.iter().map(String::as_str).collect::<Datum>())
        .with_some("request_id", request_id.map(|id| uuid::Uuid::from_bytes(id.0).to_string()))
        .with_some("certificate", certificate.map(|print| print.to_string()))
        .with_some("repeat_of", *repeat_of)
        .with("origin", origin.as_str());
    match record.build() {
        Datum::Record(fields) => fields,
        Datum::Absent | Datum::Text(_) | Datum::Number(_) | Datum::Truth(_) | Datum::List(_) => Vec::new(),
    }
}
