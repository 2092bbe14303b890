//! Comparison of a declaration with the registry: yes, no, or cannot be determined (ANPR S, N, A).
//!
//! *No* is said only where the registry contradicts the declaration. Where it holds nothing, holds only part, or may
//! not show what it holds, the answer is *undetermined*. A reason never tells which datum differs.

mod citizenship;
mod civil_status;
mod family;
mod identity;
mod life;
mod register;
mod residence;

use chrono::NaiveDate;

use registry::record::ParentRole;

use crate::claim::Claim;
use crate::view::household::VisibleCard;

pub use self::residence::resides_at;

/// What the registry says of a declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerificationAnswer {
    /// The answer.
    pub verdict: Verdict,
    /// Why.
    pub reason: VerificationReason,
}

/// Yes, no or undetermined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The declaration is true (S).
    Yes,
    /// It is not true (N).
    No,
    /// It cannot be determined (A).
    Undetermined,
}

/// Why. Never a datum that the caller did not supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VerificationReason {
    /// Everything declared agrees with the registry.
    Matches,
    /// Something declared does not agree.
    Differs,
    /// The registry does not hold what was declared, holds it in part, or may not compare it.
    NotHeld,
    /// The reference date lies before the history of the registry.
    BeforeHistory,
    /// An administrative procedure is open on the card (ANPR EN176).
    ProcedureOpen,
    /// The person was not in the register on the reference date.
    NotRegistered,
    /// Several cards answer differently.
    Contradiction,
}

/// What a declaration is compared with.
#[derive(Clone, Copy, Debug)]
pub struct VerificationFacts<'a> {
    /// The person's card, with what the permit lets be compared of it.
    pub subject: VisibleCard<'a>,
    /// All cards of the person's household, the person's included, each past its permit's view; looked at for family
    /// status only. Who is hidden is absent here and counts as absent.
    pub household: &'a [VisibleCard<'a>],
}

/// Compares a declaration with the registry on the reference date.
pub fn verify(facts: &VerificationFacts<'_>, claim: &Claim, reference_date: NaiveDate) -> VerificationAnswer {
    let VerificationFacts {
        subject: VisibleCard { record, visible },
        household,
    } = *facts;
    if !claim.kind().examines().is_subset(visible) {
        return VerificationAnswer::undetermined(VerificationReason::NotHeld);
    }
    let day = reference_date;
    match claim {
        Claim::Generalities(claim) => identity::generalities(&record.generalities, claim.parts()),
        Claim::Death(claim) => life::death(record, claim, day),
        Claim::Marriage(claim) => civil_status::marriage(record, claim, day),
        Claim::Citizenship(claim) => citizenship::citizenship(record, claim, day),
        Claim::ExistenceInLife => life::existence(record, day),
        Claim::Residence(claim) => residence::at_address(record, claim, day),
        Claim::FamilyStatus(claim) => family::family(record, household, claim, day),
        Claim::UnmarriedStatus(claim) => civil_status::unmarried(record, claim, day),
        Claim::Widowhood(claim) => civil_status::widowhood(record, claim, day),
        Claim::Paternity(claim) => identity::parent(record, ParentRole::Father, claim),
        Claim::Maternity(claim) => identity::parent(record, ParentRole::Mother, claim),
        Claim::CivilUnion(claim) => civil_status::civil_union(record, claim, day),
        Claim::NationalId(claim) => identity::national_id(record, claim),
        Claim::MunicipalResidence(municipality) => residence::in_municipality(record, *municipality, day),
    }
}

/// One answer from those of several cards of a person: a card that can tell outweighs those that cannot, and two that
/// tell differently leave it undetermined. `None` of no cards.
pub fn combine(answers: impl IntoIterator<Item = VerificationAnswer>) -> Option<VerificationAnswer> {
    answers
        .into_iter()
        .reduce(|one, other| match (one.verdict, other.verdict) {
            _ if one.reason == VerificationReason::Contradiction => one,
            (Verdict::Yes, Verdict::No) | (Verdict::No, Verdict::Yes) => {
                VerificationAnswer::undetermined(VerificationReason::Contradiction)
            }
            (Verdict::Undetermined, Verdict::Yes | Verdict::No) => other,
            (Verdict::Undetermined, Verdict::Undetermined)
                if one.reason == VerificationReason::NotRegistered =>
            {
                other
            }
            (Verdict::Yes | Verdict::No | Verdict::Undetermined, _) => one,
        })
}

impl VerificationAnswer {
    /// The declaration is true.
    pub const YES: Self = Self {
        verdict: Verdict::Yes,
        reason: VerificationReason::Matches,
    };
    /// The declaration is not true.
    pub const NO: Self = Self {
        verdict: Verdict::No,
        reason: VerificationReason::Differs,
    };

    /// It cannot be determined.
    pub const fn undetermined(reason: VerificationReason) -> Self {
        Self {
            verdict: Verdict::Undetermined,
            reason,
        }
    }
}

impl Verdict {
    /// The letter of ANPR.
    pub const fn anpr(self) -> &'static str {
        match self {
            Self::Yes => "S",
            Self::No => "N",
            Self::Undetermined => "A",
        }
    }
}

/// How one part of a declaration compares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Agrees,
    Differs,
    NotHeld,
}

/// One part that differs makes the whole untrue; else one that is not held leaves it open.
fn whole(parts: impl IntoIterator<Item = Part>) -> VerificationAnswer {
    let mut answer = VerificationAnswer::YES;
    for part in parts {
        match part {
            Part::Agrees => {}
            Part::Differs => return VerificationAnswer::NO,
            Part::NotHeld => answer = VerificationAnswer::undetermined(VerificationReason::NotHeld),
        }
    }
    answer
}

fn agreement(agrees: bool) -> Part {
    if agrees { Part::Agrees } else { Part::Differs }
}

#[cfg(test)]
mod tests;
