//! Who belongs to the person's family.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use registry::code::HouseholdRole;
use registry::record::Record;
use registry::timeline::AsOf;

use super::register::{AfterDeath, hindrance};
use super::{Part, VerificationAnswer, VerificationReason, agreement, whole};
use crate::claim::FamilyClaim;
use crate::view::household::{Member, VisibleCard, members_on};

/// Everybody in the family, and nobody else.
pub(super) fn family(
    record: &Record,
    cards: &[VisibleCard<'_>],
    claim: &FamilyClaim,
    day: NaiveDate,
) -> VerificationAnswer {
    if let Some(answer) = hindrance(record, day, AfterDeath::Untrue) {
        return answer;
    }
    let household = match record.while_registered(&record.households, day) {
        AsOf::Held(link) => &link.household,
        AsOf::BeforeHistory => return VerificationAnswer::undetermined(VerificationReason::BeforeHistory),
        AsOf::Never => return VerificationAnswer::undetermined(VerificationReason::NotHeld),
    };
    let members: Vec<_> = members_on(household, cards, day).collect();
    let found: Vec<Option<&Member<'_>>> = claim
        .members()
        .iter()
        .map(|stated| {
            let is_stated = |member: &&Member<'_>| {
                member
                    .card
                    .record
                    .tax_codes
                    .iter()
                    .any(|entry| entry.code == stated.tax_code)
            };
            members.iter().find(is_stated)
        })
        .collect();
    let without_code = members
        .iter()
        .any(|member| member.card.record.tax_codes.is_empty());
    if without_code {
        // A member without a code can be neither named nor ruled out.
        return VerificationAnswer::undetermined(VerificationReason::NotHeld);
    }
    let places: BTreeSet<usize> = found.iter().flatten().map(|member| member.place).collect();
    let each_once = places.len() == claim.members().len() && places.len() == members.len();
    if !each_once {
        return VerificationAnswer::NO;
    }
    whole(
        found
            .iter()
            .zip(claim.members())
            .map(|(held, stated)| match (held, stated.kinship) {
                (Some(held), Some(kinship)) => agreement(held.role == HouseholdRole::Family(kinship)),
                (Some(_), None) => Part::Agrees,
                (None, _) => Part::Differs,
            }),
    )
}
