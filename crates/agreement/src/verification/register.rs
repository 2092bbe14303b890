//! Whether the person stood in the register on the day, and whether the register may speak.

use chrono::NaiveDate;

use registry::record::Record;

use super::{VerificationAnswer, VerificationReason};
use crate::subject::Standing;

/// What a declaration about a dead person is worth.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterDeath {
    /// It is not true: nobody dead lives anywhere or belongs to a family.
    Untrue,
    /// It cannot be determined: what the person was at the end, the registry says of a day of life.
    Undetermined,
}

/// What stands in the way of a question that supposes the person in the register; `None` where nothing does.
pub(super) fn hindrance(
    record: &Record,
    day: NaiveDate,
    after_death: AfterDeath,
) -> Option<VerificationAnswer> {
    absence(record, day, after_death).or_else(|| {
        record
            .flags
            .procedure_open
            .then_some(VerificationAnswer::undetermined(
                VerificationReason::ProcedureOpen,
            ))
    })
}

/// The same, whether or not the register may speak of whoever stands in it.
pub(super) fn absence(
    record: &Record,
    day: NaiveDate,
    after_death: AfterDeath,
) -> Option<VerificationAnswer> {
    match (Standing::of(record, day), after_death) {
        (Standing::Dead, AfterDeath::Untrue) => return Some(VerificationAnswer::NO),
        (Standing::Dead, AfterDeath::Undetermined) | (Standing::Cancelled, _) => {
            return Some(VerificationAnswer::undetermined(
                VerificationReason::NotRegistered,
            ));
        }
        (Standing::Registered, _) => {}
    }
    let begins = record.registration.effective.or_else(|| {
        let first = record.residences.facts().first()?;
        first.from
    });
    begins
        .is_some_and(|begins| day < begins)
        .then_some(VerificationAnswer::undetermined(
            VerificationReason::BeforeHistory,
        ))
}
