//! Entries as rows.

use chrono::{DateTime, SecondsFormat};
use client::auditor::{AccessEntry, EntryPart};
use ledger::header::{Header, HeaderBody, Outcome};
use ledger::part::PartKind;

use crate::datum::{Datum, RecordBuilder};

/// An entry with the parts that the reader may see.
pub fn entry_row(entry: &AccessEntry) -> Datum {
    let AccessEntry {
        origin: _,
        index,
        header,
        header_bytes: _,
        parts,
        reserved,
    } = entry;
    let mut row = header_record(*index, header);
    if *reserved {
        row.push(("reserved".to_owned(), Datum::Truth(true)));
    }
    for EntryPart {
        kind,
        content: _,
        items,
        salt: _,
        proof: _,
    } in parts
    {
        let name = match kind {
            PartKind::Operator => "operator".to_owned(),
            PartKind::Criteria => "criteria".to_owned(),
            PartKind::Decision => "decision".to_owned(),
            PartKind::Subjects(municipality) => format!("subjects_{}", municipality.as_str()),
            PartKind::AgreementBytes => continue,
            PartKind::AdministrativeDetail => "detail".to_owned(),
            PartKind::PreviousCheckpoint => "previous_checkpoint".to_owned(),
        };
        let items = items
            .iter()
            .map(|(name, value)| (name.clone(), Datum::text(value.as_str())));
        row.push((name, Datum::Record(items.collect())));
    }
    Datum::Record(row)
}

/// An entry on one line, for people.
pub fn entry_line(entry: &AccessEntry) -> Datum {
    let HeaderBody {
        kind,
        peer,
        agreement,
        purpose,
        service,
        outcome,
        ..
    } = &entry.header.body;
    let operator = entry
        .parts
        .iter()
        .filter(|part| part.kind == PartKind::Operator)
        .find_map(|part| {
            part.items
                .iter()
                .find(|(name, _)| name == "operator")
                .map(|(_, value)| value.as_str())
        });
    let withheld = if entry.reserved { "(reserved)" } else { "" };
    // Who and what, without the trust domain and the package, which are the same on every line.
    let short = |text: &Option<String>, separator: char, parts: usize| {
        let parts: Vec<&str> = text
            .as_deref()
            .unwrap_or_default()
            .rsplitn(parts + 1, separator)
            .take(parts)
            .collect();
        parts.into_iter().rev().collect::<Vec<_>>().join("/")
    };
    RecordBuilder::new()
        .with("index", entry.index)
        .with("time", time_text(entry.header.time_ms))
        .with("kind", kind.name())
        .with("peer", short(peer, '/', 2))
        .with("operator", operator.unwrap_or(withheld))
        .with("agreement", agreement.clone().unwrap_or_default())
        .with("purpose", purpose.clone().unwrap_or_default())
        .with("method", short(service, '/', 1))
        .with("outcome", outcome_name(outcome))
        .build()
}

/// What a header says: what the caller already knew.
pub fn header_record(index: u64, header: &Header) -> Vec<(String, Datum)> {
    let Header {
        origin,
        time_ms,
        body,
    } = header;
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
    let record = RecordBuilder::new()
        .with("index", index)
        .with("time", time_text(*time_ms))
        .with("kind", kind.name())
        .with_some("peer", peer.clone())
        .with_some("address", address.clone())
        .with_some("agreement", agreement.clone())
        .with_some("purpose", purpose.clone())
        .with_some("service", service.clone())
        .with("outcome", outcome_name(outcome))
        .with(
            "fields",
            granted_fields.iter().map(String::as_str).collect::<Datum>(),
        )
        .with_some(
            "request_id",
            request_id.map(|id| uuid::Uuid::from_bytes(id.0).to_string()),
        )
        .with_some("certificate", certificate.map(|print| print.to_string()))
        .with_some("repeat_of", *repeat_of)
        .with("origin", origin.as_str());
    match record.build() {
        Datum::Record(fields) => fields,
        Datum::Absent | Datum::Text(_) | Datum::Number(_) | Datum::Truth(_) | Datum::List(_) => Vec::new(),
    }
}

fn time_text(time_ms: u64) -> String {
    let time = i64::try_from(time_ms)
        .ok()
        .and_then(DateTime::from_timestamp_millis);
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
        .unwrap_or_default()
}

fn outcome_name(outcome: &Outcome) -> &str {
    match outcome.reason.as_str() {
        "" if outcome.code == 0 => "OK",
        reason => reason,
    }
}
