//! Domain values as data for standard output. Codes stand beside their labels.

mod card;
mod answer;
mod batch;
mod access;

pub use self::access::access_description;
pub use self::answer::{
    freshness, household_rows, person_rows, resident_rows, search_rows, verification_row,
};
pub use self::batch::{declared_row, found_row, unsent_row};
pub use self::card::person_card;

use chrono::{DateTime, NaiveDate, SecondsFormat};
use registry::identifier::{IstatCode, StateCode};
use registry::municipality;
use registry::record::Locality;
use registry::state;

use crate::datum::{Datum, RecordBuilder};

/// A code of a table, with its label.
pub(crate) fn coded(code: &str, label: &str) -> RecordBuilder {
    RecordBuilder::new().with("code", code).with("label", label)
}

/// A day, where it is known.
pub(crate) fn day(day: Option<NaiveDate>) -> Datum {
    Datum::of(day.map(|day| day.to_string()))
}

/// An instant, to the second.
pub(crate) fn instant(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms)
        .map_or_else(String::new, |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A municipality by code and its present name.
pub(crate) fn municipality_of(istat: IstatCode) -> Datum {
    coded(istat.as_str(), municipality_name(istat)).build()
}

/// The newest name under which a municipality with this code is known.
pub(crate) fn municipality_name(istat: IstatCode) -> &'static str {
    municipality::periods_of_istat(istat)
        .next_back()
        .map_or("", |period| period.name())
}

/// A state by code and name.
pub(crate) fn state_of(code: StateCode) -> Datum {
    coded(
        code.as_str(),
        state::by_code(code).map_or("", |state| state.name()),
    )
    .build()
}

pub(crate) fn locality(locality: &Locality) -> Datum {
    let record = RecordBuilder::new();
    match locality {
        Locality::Municipality(istat) => record.with("municipality", municipality_of(*istat)),
        Locality::State(code) => record.with("state", state_of(*code)),
    }
    .build()
}
