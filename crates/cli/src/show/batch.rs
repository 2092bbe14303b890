//! Outcomes of the rows of a list.

use agreement::reason::Reason;
use client::agency::{FoundPersons, RowAnswer, RowOutcome};

use crate::datum::{Datum, RecordBuilder};
use crate::show::answer::{verdict_name, verification_reason};
use crate::show::person_card;

/// One record for each row of a list of persons.
pub fn found_row(outcome: &RowOutcome<FoundPersons>) -> Datum {
    let record = outcome_of(outcome, |_| "FOUND");
    let persons = outcome.answer.iter().flat_map(|found| &found.persons);
    record
        .with("persons", persons.map(person_card).collect::<Datum>())
        .build()
}

/// One record for each row of a list of declarations.
pub fn declared_row(outcome: &RowOutcome<RowAnswer>) -> Datum {
    let reason = outcome.answer.as_ref().ok();
    outcome_of(outcome, |answer| verdict_name(answer.verdict))
        .with(
            "reason",
            reason.map_or("", |answer| verification_reason(answer.reason)),
        )
        .build()
}

/// A row that was not sent, because what stands in one of its columns cannot be asked.
pub fn unsent_row(row: u32, field: &str) -> Datum {
    RecordBuilder::new()
        .with("row", row)
        .with("outcome", Reason::InvalidArgument.name())
        .with("field", field)
        .with("entry", "")
        .build()
}

fn outcome_of<T>(outcome: &RowOutcome<T>, name: impl FnOnce(&T) -> &'static str) -> RecordBuilder {
    let RowOutcome { row, answer, receipt } = outcome;
    let (name, field) = match answer {
        Ok(answer) => (name(answer), ""),
        Err(failure) => (
            failure.reason.map_or("UNKNOWN_REASON", Reason::name),
            failure.field.as_str(),
        ),
    };
    let entry = receipt.as_ref().map(|claim| claim.receipt.index().to_string());
    RecordBuilder::new()
        .with("row", *row)
        .with("outcome", name)
        .with("field", field)
        .with("entry", entry.unwrap_or_default())
}
