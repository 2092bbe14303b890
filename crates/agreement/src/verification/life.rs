//! Whether the person is alive or dead.

use std::cmp::Ordering;

use chrono::NaiveDate;

use super::{Part, VerificationAnswer, VerificationReason, whole};
use crate::claim::DeathClaim;
use crate::subject::Standing;
use registry::date::PartialDate;
use registry::record::Record;

use super::identity::same_date;

/// Alive is who was born by then and stands in the register, entered it later, or is known to have died later. Who has
/// left the register may be dead without its knowledge.
pub(super) fn existence(record: &Record, day: NaiveDate) -> VerificationAnswer {
    let birth = record.generalities.birth_date;
    if day < birth.earliest() {
        return VerificationAnswer::NO;
    }
    if day < birth.latest() {
        return VerificationAnswer::undetermined(VerificationReason::NotHeld);
    }
    let died_later = record.death.as_ref().is_some_and(|death| day <= death.date);
    match Standing::of(record, day) {
        Standing::Dead => VerificationAnswer::NO,
        Standing::Registered => VerificationAnswer::YES,
        Standing::Cancelled if died_later => VerificationAnswer::YES,
        Standing::Cancelled => VerificationAnswer::undetermined(VerificationReason::NotRegistered),
    }
}

/// Dead is who is known to have died before the day. Of the day of death itself the registry holds no hour, so it says
/// neither; who has left the register may be dead without its knowledge.
pub(super) fn death(record: &Record, claim: &DeathClaim, day: NaiveDate) -> VerificationAnswer {
    let DeathClaim { date: stated } = claim;
    if let Some(death) = &record.death {
        return match day.cmp(&death.date) {
            Ordering::Less => VerificationAnswer::NO,
            Ordering::Equal => VerificationAnswer::undetermined(VerificationReason::NotHeld),
            Ordering::Greater => {
                let date = stated.map(|stated| match PartialDate::known(death.date) {
                    Ok(held) => same_date(held, stated),
                    Err(_) => Part::NotHeld,
                });
                whole(date)
            }
        };
    }
    let buried = record
        .cancellation
        .as_ref()
        .filter(|cancellation| cancellation.reason.is_death());
    if let Some(cancellation) = buried
        && cancellation.effective <= day
    {
        // Dead for certain, on a day that the card does not tell, which may be that of the cancellation.
        let certain = cancellation.effective < day && stated.is_none();
        return if certain {
            VerificationAnswer::YES
        } else {
            VerificationAnswer::undetermined(VerificationReason::NotHeld)
        };
    }
    match Standing::of(record, day) {
        Standing::Registered | Standing::Dead => VerificationAnswer::NO,
        Standing::Cancelled => VerificationAnswer::undetermined(VerificationReason::NotRegistered),
    }
}
