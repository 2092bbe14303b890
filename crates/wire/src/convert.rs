//! From messages to the domain and back.
//!
//! A message is checked whole on the way in: what comes out is valid, and [`Invalid`] names the field and the rule
//! otherwise. On the way out every type is taken apart without `..`, so that a new field breaks the build here.

mod invalid;
mod date;
mod place;
mod person;
mod measure;
mod confirmed_seal;
mod record;
mod publication;
mod receipt;
mod audit;
mod report;
mod consultation;
mod ascertainment;
mod search;
mod claim;
mod residents;
mod answer;
mod batch;
mod access;
mod explanation;

pub use self::access::{Document, access_description, agreement_message};
pub use self::answer::{
    CardTrust, DataAge, FreshnessOutcome, KeyCurrency, PersonMark, age_in_minutes, deceased_message,
    household_message, person_message, whole_minutes,
};
pub use self::audit::{PartItem, VisiblePart, access_entry};
pub use self::batch::{BatchOpening, RowCall};
pub use self::claim::{VerificationCall, verification_answer};
pub use self::consultation::{
    AccessInquiry, HouseholdLookup, LookupKey, PersonKey, PersonLookup, ReceiptInquiry, field_names,
    origin_from_wire,
};
pub use prost_types::Timestamp;

pub use self::confirmed_seal::confirmed_seals_from_wire;
pub use self::date::{civil_date, timestamp_from_ms, timestamp_from_unix_ms, timestamp_to_ms};
pub use self::explanation::SupposedCall;
pub use self::invalid::{Invalid, Rule};
pub use self::publication::{
    digest_from_wire, epoch_from_wire, hold_reason_from_wire, municipality_from_wire, statement_from_wire,
};
pub use self::receipt::{AccessReceipt, ReceiptChoice, full_receipt, receipt_choice, short_receipt};
pub use self::report::{ReportedPerson, SubjectInquiry, report_message, subject_inquiry};
pub use self::residents::ResidentsLookup;
pub use self::search::{FoundPerson, PersonSearch, match_reason, search_hit};

#[cfg(test)]
mod tests;
