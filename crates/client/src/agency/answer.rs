//! Answers in the domain's words.

use std::time::Duration;

use agreement::verification::{Verdict, VerificationReason};
use chrono::NaiveDate;
use registry::code::{HouseholdKind, HouseholdRole};
use registry::identifier::IstatCode;
use wire::convert::{Invalid, civil_date};
use wire::proto::consultation::v1 as proto;

use crate::agency::person::{PersonCard, read_role};
use crate::convert::{each, istat, optional_date, required, span, unknown_value};
use crate::receipt::AccessProof;

/// The cards of a person.
#[derive(Clone, Debug)]
pub struct PersonAnswer {
    /// The cards that the agreement shows, at least one.
    pub persons: Vec<PersonCard>,
    /// Day from which there is history, when the reference date lies before it.
    pub no_history_before: Option<NaiveDate>,
    /// How old the data are.
    pub freshness: Freshness,
    /// Whether the data were as fresh as the call demanded; nothing where it demanded nothing.
    pub fresh_enough: Option<bool>,
    /// Day at which the answer is true.
    pub reference_date: NaiveDate,
    /// Today in Europe/Rome at the index.
    pub today: NaiveDate,
    /// Proof of the access.
    pub receipt: AccessProof,
}

/// The households of a person on the reference date.
#[derive(Clone, Debug)]
pub struct HouseholdAnswer {
    /// The households that the agreement shows, at least one where nobody is deceased.
    pub households: Vec<Household>,
    /// Whoever was asked for and was dead on the reference date, where the agreement shows deaths.
    pub deceased: Vec<DeceasedPerson>,
    /// Day from which there is history, when the reference date lies before it.
    pub no_history_before: Option<NaiveDate>,
    /// How old the data are.
    pub freshness: Freshness,
    /// Whether the data were as fresh as the call demanded; nothing where it demanded nothing.
    pub fresh_enough: Option<bool>,
    /// Day at which the answer is true.
    pub reference_date: NaiveDate,
    /// Today in Europe/Rome at the index.
    pub today: NaiveDate,
    /// Proof of the access.
    pub receipt: AccessProof,
}

/// A household as it was on the reference date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Household {
    /// Handle, `households/{handle}`.
    pub handle: String,
    /// Family or convivenza, when it is stated.
    pub kind: Option<HouseholdKind>,
    /// The members that the agreement shows, the reference person first.
    pub members: Vec<HouseholdMember>,
}

/// A member of a household.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HouseholdMember {
    /// The person.
    pub person: PersonCard,
    /// Place in the household.
    pub role: HouseholdRole,
    /// Day from which it holds, when the registry knows it.
    pub from: Option<NaiveDate>,
}

/// The rule for the deceased: who is dead belongs to no household any more and is shown alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeceasedPerson {
    /// Generalities and day of death, as far as they are granted.
    pub person: PersonCard,
    /// The reference date to ask in its place, the day before the death; nothing where the agreement does not reach back
    /// to it.
    pub family_until: Option<NaiveDate>,
}

/// What the registry says of a declaration.
#[derive(Clone, Debug)]
pub struct VerificationAnswer {
    /// Yes, no, or cannot be determined.
    pub verdict: Verdict,
    /// Why.
    pub reason: VerificationReason,
    /// Whether a card was compared in an earlier version, because what came later is in quarantine.
    pub restored: bool,
    /// How old the data are.
    pub freshness: Freshness,
    /// Whether the data were as fresh as the call demanded; nothing where it demanded nothing.
    pub fresh_enough: Option<bool>,
    /// Day at which the answer is true.
    pub reference_date: NaiveDate,
    /// Today in Europe/Rome at the index.
    pub today: NaiveDate,
    /// Proof of the access.
    pub receipt: AccessProof,
}

/// How old the data are, in whole minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// For each municipality whose data the answer shows.
    Municipalities(Vec<(IstatCode, Duration)>),
    /// The oldest in the agreement's territory, where the location is withheld.
    Oldest(Duration),
}

impl PersonAnswer {
    pub(super) fn read(message: proto::LookupPersonResponse, proof: AccessProof) -> Result<Self, Invalid> {
        let proto::LookupPersonResponse {
            persons,
            no_history_before,
            freshness,
            reference_date,
            today,
            receipt: _,
        } = message;
        Ok(Self {
            persons: each("persons", persons, TryInto::try_into)?,
            no_history_before: optional_date("no_history_before", no_history_before)?,
            fresh_enough: fresh_enough(freshness.as_ref())?,
            freshness: required("freshness", freshness)?.try_into()?,
            reference_date: civil_date("reference_date", reference_date)?,
            today: civil_date("today", today)?,
            receipt: proof,
        })
    }
}

impl HouseholdAnswer {
    pub(super) fn read(message: proto::LookupHouseholdResponse, proof: AccessProof) -> Result<Self, Invalid> {
        let proto::LookupHouseholdResponse {
            households,
            no_history_before,
            freshness,
            reference_date,
            today,
            receipt: _,
            deceased,
        } = message;
        Ok(Self {
            households: each("households", households, TryInto::try_into)?,
            deceased: each("deceased", deceased, TryInto::try_into)?,
            no_history_before: optional_date("no_history_before", no_history_before)?,
            fresh_enough: fresh_enough(freshness.as_ref())?,
            freshness: required("freshness", freshness)?.try_into()?,
            reference_date: civil_date("reference_date", reference_date)?,
            today: civil_date("today", today)?,
            receipt: proof,
        })
    }
}

impl VerificationAnswer {
    pub(super) fn read(
        message: proto::VerifyDeclarationResponse,
        proof: AccessProof,
    ) -> Result<Self, Invalid> {
        let proto::VerifyDeclarationResponse {
            answer,
            reason,
            freshness,
            reference_date,
            today,
            receipt: _,
            restored,
        } = message;
        let (verdict, reason) = verdict(answer, reason)?;
        Ok(Self {
            restored,
            verdict,
            reason,
            fresh_enough: fresh_enough(freshness.as_ref())?,
            freshness: required("freshness", freshness)?.try_into()?,
            reference_date: civil_date("reference_date", reference_date)?,
            today: civil_date("today", today)?,
            receipt: proof,
        })
    }
}

pub(super) fn verdict(answer: i32, reason: i32) -> Result<(Verdict, VerificationReason), Invalid> {
    let verdict = match proto::VerificationAnswer::try_from(answer) {
        Ok(proto::VerificationAnswer::Yes) => Verdict::Yes,
        Ok(proto::VerificationAnswer::No) => Verdict::No,
        Ok(proto::VerificationAnswer::Undetermined) => Verdict::Undetermined,
        Ok(proto::VerificationAnswer::Unspecified) | Err(_) => return Err(unknown_value("answer")),
    };
    Ok((verdict, verification_reason(reason)?))
}

fn verification_reason(number: i32) -> Result<VerificationReason, Invalid> {
    use proto::VerificationReason as Wire;
    match Wire::try_from(number) {
        Ok(Wire::Matches) => Ok(VerificationReason::Matches),
        Ok(Wire::Differs) => Ok(VerificationReason::Differs),
        Ok(Wire::NotHeld) => Ok(VerificationReason::NotHeld),
        Ok(Wire::BeforeHistory) => Ok(VerificationReason::BeforeHistory),
        Ok(Wire::ProcedureOpen) => Ok(VerificationReason::ProcedureOpen),
        Ok(Wire::NotRegistered) => Ok(VerificationReason::NotRegistered),
        Ok(Wire::Contradiction) => Ok(VerificationReason::Contradiction),
        Ok(Wire::Unspecified) | Err(_) => Err(unknown_value("reason")),
    }
}

impl TryFrom<proto::Household> for Household {
    type Error = Invalid;

    fn try_from(message: proto::Household) -> Result<Self, Invalid> {
        let proto::Household { name, kind, members } = message;
        Ok(Self {
            handle: name,
            kind: match proto::HouseholdKind::try_from(kind) {
                Ok(proto::HouseholdKind::Unspecified) => None,
                Ok(proto::HouseholdKind::Family) => Some(HouseholdKind::Family),
                Ok(proto::HouseholdKind::Convivenza) => Some(HouseholdKind::Convivenza),
                Err(_) => return Err(unknown_value("kind")),
            },
            members: each("members", members, TryInto::try_into)?,
        })
    }
}

impl TryFrom<proto::HouseholdMember> for HouseholdMember {
    type Error = Invalid;

    fn try_from(message: proto::HouseholdMember) -> Result<Self, Invalid> {
        let proto::HouseholdMember { person, role, from } = message;
        Ok(Self {
            person: required("person", person)?
                .try_into()
                .map_err(|invalid: Invalid| invalid.within("person"))?,
            role: read_role(role)?,
            from: optional_date("from", from)?,
        })
    }
}

impl TryFrom<proto::DeceasedPerson> for DeceasedPerson {
    type Error = Invalid;

    fn try_from(message: proto::DeceasedPerson) -> Result<Self, Invalid> {
        let proto::DeceasedPerson { person, family_until } = message;
        Ok(Self {
            person: required("person", person)?
                .try_into()
                .map_err(|invalid: Invalid| invalid.within("person"))?,
            family_until: optional_date("family_until", family_until)?,
        })
    }
}

pub(super) fn fresh_enough(freshness: Option<&proto::Freshness>) -> Result<Option<bool>, Invalid> {
    let demand = freshness.map_or(0, |freshness| freshness.demand);
    match proto::FreshnessDemand::try_from(demand) {
        Ok(proto::FreshnessDemand::Unspecified) => Ok(None),
        Ok(proto::FreshnessDemand::Met) => Ok(Some(true)),
        Ok(proto::FreshnessDemand::NotMet) => Ok(Some(false)),
        Err(_) => Err(unknown_value("freshness.demand")),
    }
}

impl TryFrom<proto::Freshness> for Freshness {
    type Error = Invalid;

    fn try_from(message: proto::Freshness) -> Result<Self, Invalid> {
        let proto::Freshness { freshness, demand: _ } = message;
        match required("freshness", freshness)? {
            proto::freshness::Freshness::Municipalities(proto::MunicipalityAges { ages }) => {
                let read = |age: proto::MunicipalityAge| {
                    let proto::MunicipalityAge { municipality, age } = age;
                    Ok((istat("municipality", &municipality)?, span("age", age)?))
                };
                each("freshness.municipalities", ages, read).map(Self::Municipalities)
            }
            proto::freshness::Freshness::Oldest(age) => span("freshness.oldest", Some(age)).map(Self::Oldest),
        }
    }
}
