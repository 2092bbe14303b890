//! Comparison of a declaration with the registry: yes, no, or cannot be determined (ANPR S, N, A).
//!
//! *No* is said only where the registry contradicts the declaration. Where it holds nothing, holds only part, or may
//! not show what it holds, the answer is *undetermined*. A reason never tells which datum differs.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use chrono::NaiveDate;

use registry::code::HouseholdRole;
use registry::date::PartialDate;
use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use registry::normal::{code_key, same_name};
use registry::record::{Address, BirthPlace, Generalities, PersonName, Place, Record, Register, Sex};
use registry::timeline::AsOf;

use crate::claim::{AddressClaim, Claim, FamilyClaim, GeneralitiesParts, ResidenceClaim};
use crate::subject::Standing;
use crate::view::household::{Member, VisibleCard, members_on};

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
    match claim {
        Claim::Generalities(claim) => generalities(&record.generalities, claim.parts()),
        Claim::Residence(claim) => residence(record, claim, reference_date),
        Claim::ExistenceInLife => existence(record, reference_date),
        Claim::FamilyStatus(claim) => family(record, household, claim, reference_date),
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

fn generalities(held: &Generalities, stated: &GeneralitiesParts) -> VerificationAnswer {
    let GeneralitiesParts {
        surname,
        given_name,
        sex,
        birth_date,
        birth_place,
    } = stated;
    let parts = [
        surname
            .as_ref()
            .map(|stated| same_person_name(held.surname.as_ref(), stated)),
        given_name
            .as_ref()
            .map(|stated| same_person_name(held.given_name.as_ref(), stated)),
        sex.map(|stated| same_sex(held.sex, stated)),
        birth_date.map(|stated| same_date(held.birth_date, stated)),
        birth_place
            .as_ref()
            .map(|stated| same_birth_place(&held.birth_place, stated, held.birth_date)),
    ];
    whole(parts.into_iter().flatten())
}

/// Somebody registered without a surname is contradicted by any surname.
fn same_person_name(held: Option<&PersonName>, stated: &PersonName) -> Part {
    agreement(held.is_some_and(|held| same_name(held.as_str(), stated.as_str())))
}

fn same_sex(held: Sex, stated: Sex) -> Part {
    if held == Sex::Unknown {
        Part::NotHeld
    } else {
        agreement(held == stated)
    }
}

/// A date stated in part is true of every date it covers; a date held in part may or may not be the one stated.
fn same_date(held: PartialDate, stated: PartialDate) -> Part {
    if stated.earliest() <= held.earliest() && held.latest() <= stated.latest() {
        return Part::Agrees;
    }
    match held.certain_cmp(stated) {
        Some(Ordering::Less | Ordering::Greater) => Part::Differs,
        Some(Ordering::Equal) => Part::Agrees,
        None => Part::NotHeld,
    }
}

fn same_birth_place(held: &BirthPlace, stated: &BirthPlace, born: PartialDate) -> Part {
    match (held, stated) {
        (
            BirthPlace::Municipality {
                istat: held_code,
                name: held_name,
                province: held_province,
            },
            BirthPlace::Municipality {
                istat,
                name,
                province,
            },
        ) => {
            let identity =
                |code: &Option<IstatCode>| code.and_then(|code| identity_on(code, born.earliest()));
            match (identity(held_code), identity(istat)) {
                (Some(held), Some(stated)) => agreement(held == stated),
                _ if same_name(held_name, name) && held_province.eq_ignore_ascii_case(province) => {
                    Part::Agrees
                }
                _ => Part::NotHeld,
            }
        }
        (
            BirthPlace::Abroad {
                state: held,
                locality: held_place,
            },
            BirthPlace::Abroad { state, locality },
        ) => {
            if held != state {
                Part::Differs
            } else if locality.is_empty() || same_name(held_place, locality) {
                Part::Agrees
            } else {
                // Foreign places are spelt in many ways: another spelling contradicts nothing.
                Part::NotHeld
            }
        }
        (BirthPlace::Exceptional(held), BirthPlace::Exceptional(stated)) if same_name(held, stated) => {
            Part::Agrees
        }
        (BirthPlace::Exceptional(_), _) | (_, BirthPlace::Exceptional(_)) => Part::NotHeld,
        (BirthPlace::Municipality { .. }, BirthPlace::Abroad { .. })
        | (BirthPlace::Abroad { .. }, BirthPlace::Municipality { .. }) => Part::Differs,
    }
}

/// The municipality behind a code: the one that had it on the day, else the last that had it.
fn identity_on(code: IstatCode, day: NaiveDate) -> Option<MunicipalityId> {
    MunicipalityId::of(code, day).or_else(|| MunicipalityId::of_any(code))
}

/// Residence is where the register of residents says. Who is registered abroad is resident in no municipality; whose
/// address is notional is resident in the municipality and at no address.
fn residence(record: &Record, claim: &ResidenceClaim, day: NaiveDate) -> VerificationAnswer {
    if let Some(answer) = registered(record, day) {
        return answer;
    }
    if record.register == Register::Aire {
        return VerificationAnswer::NO;
    }
    let ResidenceClaim {
        municipality,
        address,
    } = claim;
    if identity_on(record.municipality, day) != Some(*municipality) {
        return VerificationAnswer::NO;
    }
    let Some(stated) = address else {
        return VerificationAnswer::YES;
    };
    match record.while_registered(&record.residences, day) {
        AsOf::Held(held) => match &held.place {
            Place::Italian(held) => same_address(held, stated),
            Place::Foreign(_) | Place::Notional { .. } => {
                VerificationAnswer::undetermined(VerificationReason::NotHeld)
            }
        },
        AsOf::BeforeHistory => VerificationAnswer::undetermined(VerificationReason::BeforeHistory),
        AsOf::Never => VerificationAnswer::undetermined(VerificationReason::NotHeld),
    }
}

fn same_address(held: &Address, stated: &AddressClaim) -> VerificationAnswer {
    let AddressClaim {
        species,
        street,
        number,
        suffix,
        staircase,
        unit,
    } = stated;
    let written = |held: &str, stated: &str| match (held.is_empty(), stated.is_empty()) {
        (_, true) => None,
        (true, false) => Some(Part::NotHeld),
        (false, false) => Some(agreement(code_key(held) == code_key(stated))),
    };
    let parts = [
        species.map(|species| agreement(held.species == species)),
        Some(agreement(same_name(&held.street, street))),
        number.map(|number| agreement(held.number == Some(number))),
        written(&held.suffix, suffix),
        written(&held.staircase, staircase),
        written(&held.unit, unit),
    ];
    whole(parts.into_iter().flatten())
}

/// Alive is who was born by then and stands in the register, entered it later, or is known to have died later. Who has
/// left the register may be dead without its knowledge.
fn existence(record: &Record, day: NaiveDate) -> VerificationAnswer {
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

fn family(
    record: &Record,
    cards: &[VisibleCard<'_>],
    claim: &FamilyClaim,
    day: NaiveDate,
) -> VerificationAnswer {
    if let Some(answer) = registered(record, day) {
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

/// What stands in the way of a question that supposes the person in the register; `None` where nothing does.
fn registered(record: &Record, day: NaiveDate) -> Option<VerificationAnswer> {
    match Standing::of(record, day) {
        Standing::Dead => return Some(VerificationAnswer::NO),
        Standing::Cancelled => {
            return Some(VerificationAnswer::undetermined(
                VerificationReason::NotRegistered,
            ));
        }
        Standing::Registered => {}
    }
    let begins = record.registration.effective.or_else(|| {
        let first = record.residences.facts().first()?;
        first.from
    });
    if begins.is_some_and(|begins| day < begins) {
        return Some(VerificationAnswer::undetermined(
            VerificationReason::BeforeHistory,
        ));
    }
    record
        .flags
        .procedure_open
        .then_some(VerificationAnswer::undetermined(
            VerificationReason::ProcedureOpen,
        ))
}

fn agreement(agrees: bool) -> Part {
    if agrees { Part::Agrees } else { Part::Differs }
}

#[cfg(test)]
mod tests;
