//! An entry as a row: the same columns in every form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat};
use ledger::header::{Header, HeaderBody};
use ledger::part::{PartKind, PartOpening};
use registry::hex::encode;
use store::access_log::part_items::items;

use super::evidence::Evidence;
use super::state::told;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// A whole number, signed 64 bits.
    Number,
    /// An instant, UTC, in milliseconds.
    Time,
    /// Text.
    Text,
    /// Bytes; base64 where the form has none.
    Bytes,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub holds: ColumnType,
    /// Whether every row has a value.
    pub always: bool,
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Nothing is stated.
    Absent,
    /// A number.
    Number(i64),
    /// An instant, Unix milliseconds.
    Time(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

macro_rules! columns {
    ($($(#[doc = $doc:literal])+ $name:literal, $holds:ident, $always:literal;)+) => {
        /// The columns, in order:
        ///
        /// | Column | Holds |
        /// |---|---|
        $(#[doc = concat!("| `", $name, "` |", $($doc,)+ " |")])+
        pub const COLUMNS: &[Column] = &[$(Column {
            name: $name,
            holds: ColumnType::$holds,
            always: $always,
        },)+];
    };
}

columns! {
    /// index of the entry in the log
    "index", Number, true;
    /// when it was made
    "time", Time, true;
    /// kind of entry
    "kind", Text, true;
    /// the caller, a SPIFFE id
    "peer", Text, false;
    /// SHA-256 of the caller's certificate, hexadecimal
    "certificate", Text, false;
    /// network address of the caller
    "address", Text, false;
    /// agreement
    "agreement", Text, false;
    /// SHA-256 of the agreement's document, hexadecimal
    "agreement_hash", Text, false;
    /// purpose
    "purpose", Text, false;
    /// method called
    "service", Text, false;
    /// id of the call, a UUID
    "request_id", Text, false;
    /// W3C trace id, hexadecimal
    "trace_id", Text, false;
    /// gRPC status code
    "outcome_code", Number, true;
    /// outcome as told to the caller: OK or a reason
    "outcome", Text, true;
    /// granted fields, with spaces between
    "fields", Text, false;
    /// index of the entry that this call repeats
    "repeat_of", Number, false;
    /// the operator
    "operator", Text, false;
    /// level of assurance of the operator's login
    "assurance", Text, false;
    /// workstation
    "workstation", Text, false;
    /// case
    "case_reference", Text, false;
    /// consent
    "consent_reference", Text, false;
    /// the other parts that were shown, a JSON object: lists of name and value under the part's name
    "parts", Text, false;
    /// the log
    "origin", Text, true;
    /// the header's bytes: the leaf of the log's tree
    "header", Bytes, true;
}

/// The parts of an entry, read.
#[derive(Default)]
struct Parts {
    operator: Vec<(String, String)>,
    others: Vec<(String, serde_json::Value)>,
}

/// The cells of an entry, one for each of [`COLUMNS`].
pub fn cells(evidence: &Evidence) -> Vec<Cell> {
    let Header {
        origin,
        time_ms,
        body,
    } = evidence.header();
    let HeaderBody {
        kind,
        peer,
        certificate,
        address,
        agreement,
        agreement_version,
        purpose,
        service,
        request_id,
        trace_id,
        outcome,
        granted_fields,
        repeat_of,
        parts_root: _,
    } = body;
    let parts = Parts::read(evidence.parts());
    let mut cells = vec![
        number(evidence.index()),
        Cell::Time(i64::try_from(*time_ms).unwrap_or(i64::MAX)),
        text(kind.name()),
        optional(peer.clone()),
        optional(certificate.map(|hash| hash.to_string())),
        optional(address.clone()),
        optional(agreement.clone()),
        optional(agreement_version.map(|hash| hash.to_string())),
        optional(purpose.clone()),
        optional(service.clone()),
        optional(request_id.map(|id| uuid::Uuid::from_bytes(id.0).to_string())),
        optional(trace_id.map(|id| encode(&id.0))),
        Cell::Number(i64::from(outcome.code)),
        text(told(evidence.header())),
        some(granted_fields.join(" ")),
        repeat_of.map_or(Cell::Absent, number),
    ];
    cells.extend(OPERATOR.map(|name| parts.of_operator(name)));
    cells.extend([
        parts.others(),
        text(origin.as_str()),
        Cell::Bytes(evidence.header_bytes().to_vec()),
    ]);
    cells
}

/// What the operator's part says, each in a column of its own.
const OPERATOR: [&str; 5] = [
    "operator",
    "assurance",
    "workstation",
    "case_reference",
    "consent_reference",
];

impl Parts {
    /// A part whose content this version does not read stands as its bytes, base64.
    fn read(openings: &[PartOpening]) -> Self {
        let mut parts = Self::default();
        for opening in openings {
            let name = match &opening.kind {
                PartKind::Operator => "operator".to_owned(),
                PartKind::Criteria => "criteria".to_owned(),
                PartKind::Decision => "decision".to_owned(),
                PartKind::Subjects(municipality) => format!("subjects_{}", municipality.as_str()),
                PartKind::AgreementBytes => "agreement_bytes".to_owned(),
                PartKind::AdministrativeDetail => "detail".to_owned(),
                PartKind::PreviousCheckpoint => "previous_checkpoint".to_owned(),
            };
            match (&opening.kind, items(&opening.kind, &opening.content)) {
                (PartKind::Operator, Ok(items)) => parts.operator = items,
                (PartKind::AgreementBytes | PartKind::PreviousCheckpoint, _) | (_, Err(_)) => {
                    let bytes = STANDARD.encode(&opening.content);
                    parts.others.push((name, bytes.into()));
                }
                (_, Ok(items)) => {
                    let pairs = items.into_iter().map(|(name, value)| [name, value]);
                    let pairs: Vec<serde_json::Value> =
                        pairs.map(|pair| pair.into_iter().collect()).collect();
                    parts.others.push((name, pairs.into()));
                }
            }
        }
        parts
    }

    fn of_operator(&self, wanted: &str) -> Cell {
        let found = self.operator.iter().find(|(name, _)| name == wanted);
        found.map_or(Cell::Absent, |(_, value)| some(value.clone()))
    }

    /// In the order of the parts, which a map of a JSON library need not keep.
    fn others(&self) -> Cell {
        if self.others.is_empty() {
            return Cell::Absent;
        }
        let members = self
            .others
            .iter()
            .map(|(name, value)| format!("{}:{value}", serde_json::Value::from(name.as_str())));
        Cell::Text(format!("{{{}}}", members.collect::<Vec<_>>().join(",")))
    }
}

/// An instant as text.
pub fn time_text(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms)
        .map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
        .unwrap_or_default()
}

fn number(number: u64) -> Cell {
    Cell::Number(i64::try_from(number).unwrap_or(i64::MAX))
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn some(text: String) -> Cell {
    if text.is_empty() {
        Cell::Absent
    } else {
        Cell::Text(text)
    }
}

fn optional(text: Option<String>) -> Cell {
    text.map_or(Cell::Absent, some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_every_column_in_order() {
        let page = include_str!("../../../../config/access-log-export.md");
        let rows = page
            .split("\n## Rows\n")
            .nth(1)
            .and_then(|rest| rest.split("\n## ").next());
        let listed: Vec<&str> = rows
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
            .collect();
        let columns: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
        assert_eq!(listed, columns);
    }
}
