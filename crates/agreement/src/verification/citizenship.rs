//! Of which state the person is a citizen.

use chrono::NaiveDate;

use registry::record::Record;
use registry::state::{BEING_DEFINED, ITALY, NOT_ATTRIBUTABLE};
use registry::timeline::AsOf;

use super::register::{AfterDeath, hindrance};
use super::{VerificationAnswer, VerificationReason};
use crate::claim::CitizenshipClaim;

/// Citizenships beside which another one may hold that the register does not name.
const SILENT: [&str; 3] = [ITALY, BEING_DEFINED, NOT_ATTRIBUTABLE];

/// Of an Italian citizen the register need hold no other citizenship, since the Italian one prevails (L. 218/1995
/// art. 19 c. 2): its silence about another contradicts nothing.
pub(super) fn citizenship(record: &Record, claim: &CitizenshipClaim, day: NaiveDate) -> VerificationAnswer {
    if let Some(answer) = hindrance(record, day, AfterDeath::Undetermined) {
        return answer;
    }
    let not_held = VerificationAnswer::undetermined(VerificationReason::NotHeld);
    match record.while_registered(&record.citizenships, day) {
        AsOf::Held(held) if held.contains(&claim.state()) => VerificationAnswer::YES,
        AsOf::Held(held) if held.is_empty() => not_held,
        AsOf::Held(held) if held.iter().any(|state| SILENT.contains(&state.as_str())) => not_held,
        AsOf::Held(_) => VerificationAnswer::NO,
        AsOf::BeforeHistory => VerificationAnswer::undetermined(VerificationReason::BeforeHistory),
        AsOf::Never => not_held,
    }
}
