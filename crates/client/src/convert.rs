//! Small pieces that every conversion of an answer needs.

use std::time::Duration;

use agreement::reason::Reason;
use chrono::NaiveDate;
use registry::identifier::IstatCode;
use wire::convert::{Invalid, Rule, civil_date, timestamp_to_ms};
use wire::proto::error::v1::ErrorReason;
use wire::proto::r#type::v1::PartialDate as WireDate;

/// A part of an answer that must be there.
pub(crate) fn required<T>(field: &str, value: Option<T>) -> Result<T, Invalid> {
    value.ok_or_else(|| Invalid::new(field, Rule::Missing))
}

/// A part of an answer that may be absent.
pub(crate) fn optional<A, B: TryFrom<A, Error = Invalid>>(
    field: &str,
    value: Option<A>,
) -> Result<Option<B>, Invalid> {
    value
        .map(B::try_from)
        .transpose()
        .map_err(|invalid| invalid.within(field))
}

/// Parts of an answer, each converted.
pub(crate) fn each<A, B>(
    field: &str,
    values: Vec<A>,
    convert: impl Fn(A) -> Result<B, Invalid>,
) -> Result<Vec<B>, Invalid> {
    let positions = values.into_iter().enumerate();
    positions
        .map(|(position, value)| {
            convert(value).map_err(|invalid| invalid.within(&format!("{field}[{position}]")))
        })
        .collect()
}

/// A text that is absent when empty.
pub(crate) fn when_present<T, E: Into<Rule>>(
    field: &str,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, Invalid> {
    if text.is_empty() {
        return Ok(None);
    }
    parse(text).map(Some).map_err(|error| Invalid::new(field, error))
}

/// A date that may be absent.
pub(crate) fn optional_date(field: &str, date: Option<WireDate>) -> Result<Option<NaiveDate>, Invalid> {
    date.map(|date| civil_date(field, Some(date))).transpose()
}

/// ISTAT code of a municipality.
pub(crate) fn istat(field: &str, text: &str) -> Result<IstatCode, Invalid> {
    IstatCode::parse(text).map_err(|error| Invalid::new(field, error))
}

/// A span that is not negative.
pub(crate) fn span(field: &str, span: Option<prost_types::Duration>) -> Result<Duration, Invalid> {
    Duration::try_from(required(field, span)?).map_err(|_| Invalid::new(field, Rule::Range))
}

/// Bytes of a fixed length.
pub(crate) fn array<const N: usize>(field: &str, bytes: &[u8]) -> Result<[u8; N], Invalid> {
    bytes.try_into().map_err(|_| Invalid::new(field, Rule::Bytes(N)))
}

/// An instant where there is one, Unix milliseconds.
pub(crate) fn optional_time(
    field: &str,
    time: Option<prost_types::Timestamp>,
) -> Result<Option<i64>, Invalid> {
    time.map(|time| timestamp_to_ms(field, Some(time))).transpose()
}

/// An enum value that this version does not know, or the zero that is never sent.
pub(crate) fn unknown_value(field: &str) -> Invalid {
    Invalid::new(field, Rule::Value)
}

/// The reason behind its number; `None` of one that this version does not know.
pub(crate) fn known_reason(number: i32) -> Option<Reason> {
    let reason = ErrorReason::try_from(number).ok()?;
    Reason::from_name(reason.as_str_name().strip_prefix("ERROR_REASON_")?)
}
