//! Marriage, civil union, widowhood, unmarried status.
//!
//! A card holds the status and the day from which it holds. It does not hold spouse or partner, so a declaration that
//! names one is never more than not contradicted.

use chrono::NaiveDate;

use registry::code::CivilStatus;
use registry::date::PartialDate;
use registry::record::Record;
use registry::timeline::{AsOf, Dated};

use super::identity::same_date;
use super::register::{AfterDeath, hindrance};
use super::{Part, VerificationAnswer, VerificationReason, agreement, whole};
use crate::claim::{BondClaim, UnmarriedClaim};

pub(super) fn marriage(record: &Record, claim: &BondClaim, day: NaiveDate) -> VerificationAnswer {
    bond(record, claim, day, |status| match status {
        CivilStatus::Married => Part::Agrees,
        CivilStatus::Unknown => Part::NotHeld,
        CivilStatus::Single
        | CivilStatus::Widowed
        | CivilStatus::Divorced
        | CivilStatus::CivillyUnited
        | CivilStatus::FreeAfterPartnerDeath
        | CivilStatus::FreeAfterUnionDissolved => Part::Differs,
    })
}

pub(super) fn civil_union(record: &Record, claim: &BondClaim, day: NaiveDate) -> VerificationAnswer {
    bond(record, claim, day, |status| match status {
        CivilStatus::CivillyUnited => Part::Agrees,
        CivilStatus::Unknown => Part::NotHeld,
        CivilStatus::Single
        | CivilStatus::Married
        | CivilStatus::Widowed
        | CivilStatus::Divorced
        | CivilStatus::FreeAfterPartnerDeath
        | CivilStatus::FreeAfterUnionDissolved => Part::Differs,
    })
}

/// Whom a civil partner left by death is called free and not widowed, though what the law says of spouses holds for
/// partners (L. 76/2016 art. 1 c. 20): the registry does not contradict who says widowed.
pub(super) fn widowhood(record: &Record, claim: &BondClaim, day: NaiveDate) -> VerificationAnswer {
    bond(record, claim, day, |status| match status {
        CivilStatus::Widowed => Part::Agrees,
        CivilStatus::FreeAfterPartnerDeath | CivilStatus::Unknown => Part::NotHeld,
        CivilStatus::Single
        | CivilStatus::Married
        | CivilStatus::Divorced
        | CivilStatus::CivillyUnited
        | CivilStatus::FreeAfterUnionDissolved => Part::Differs,
    })
}

pub(super) fn unmarried(record: &Record, claim: &UnmarriedClaim, day: NaiveDate) -> VerificationAnswer {
    let held = match status_on(record, day) {
        Ok(held) => held.value,
        Err(answer) => return answer,
    };
    let stated = claim.status();
    whole([match held {
        CivilStatus::Unknown => Part::NotHeld,
        CivilStatus::Married | CivilStatus::CivillyUnited => Part::Differs,
        CivilStatus::Single
        | CivilStatus::Widowed
        | CivilStatus::Divorced
        | CivilStatus::FreeAfterPartnerDeath
        | CivilStatus::FreeAfterUnionDissolved => agreement(stated.is_none_or(|stated| stated == held)),
    }])
}

fn bond(
    record: &Record,
    claim: &BondClaim,
    day: NaiveDate,
    judge: impl Fn(CivilStatus) -> Part,
) -> VerificationAnswer {
    let held = match status_on(record, day) {
        Ok(held) => held,
        Err(answer) => return answer,
    };
    let BondClaim { since, partner } = claim;
    let parts = [
        Some(judge(held.value)),
        since.map(|stated| begins(record, held.from, stated)),
        partner.as_ref().map(|_| Part::NotHeld),
    ];
    whole(parts.into_iter().flatten())
}

/// The status on the day with its start, or why there is no saying.
fn status_on(record: &Record, day: NaiveDate) -> Result<&Dated<CivilStatus>, VerificationAnswer> {
    if let Some(answer) = hindrance(record, day, AfterDeath::Undetermined) {
        return Err(answer);
    }
    let reason = match record.while_registered(&record.civil_status, day) {
        AsOf::BeforeHistory => VerificationReason::BeforeHistory,
        AsOf::Held(_) | AsOf::Never => VerificationReason::NotHeld,
    };
    record
        .civil_status
        .dated_at(day)
        .filter(|_| reason != VerificationReason::BeforeHistory)
        .ok_or_else(|| VerificationAnswer::undetermined(reason))
}

/// A status that is dated with the entry into the register may have begun before it.
fn begins(record: &Record, from: Option<NaiveDate>, stated: PartialDate) -> Part {
    let Some(from) = from else {
        return Part::NotHeld;
    };
    let Ok(held) = PartialDate::known(from) else {
        return Part::NotHeld;
    };
    match same_date(held, stated) {
        Part::Differs if record.registration.effective == Some(from) && stated.earliest() < from => {
            Part::NotHeld
        }
        part => part,
    }
}
