//! Declarations to be verified, and what the registry says of them.

use agreement::claim::{
    AddressClaim, Claim, ClaimError, FamilyClaim, GeneralitiesClaim, GeneralitiesParts, MemberClaim,
    ResidenceClaim,
};
use agreement::request::{Asked, Request};
use agreement::verification::{Verdict, VerificationAnswer, VerificationReason};
use registry::code::{Kinship, ToponymSpecies};
use registry::codice_fiscale::TaxCode;
use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use registry::record::{PersonName, Sex};

use super::consultation::{PersonKey, national_id_key, request, tax_code_key};
use super::date::partial_date;
use super::invalid::{Invalid, Named, Rule, Within, each, required, text, when_present};
use super::receipt::{ReceiptChoice, receipt_choice};
use crate::proto::consultation::v1 as wire;
use crate::proto::registry::v1 as card;

/// A call for the verification of a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationCall {
    /// What is asked for, and on what ground.
    pub request: Request,
    /// Whom the declaration is about.
    pub key: PersonKey,
    /// What was declared.
    pub claim: Claim,
    /// Which receipt is wanted.
    pub receipt: ReceiptChoice,
}

impl TryFrom<wire::VerifyDeclarationRequest> for VerificationCall {
    type Error = Invalid;

    fn try_from(message: wire::VerifyDeclarationRequest) -> Result<Self, Invalid> {
        let wire::VerifyDeclarationRequest {
            context,
            municipality,
            receipt_form,
            key,
            claim,
        } = message;
        let key = match required("key", key)? {
            wire::verify_declaration_request::Key::TaxCode(code) => tax_code_key(&code)?,
            wire::verify_declaration_request::Key::NationalId(id) => national_id_key(&id)?,
        };
        let claim = match required("claim", claim)? {
            wire::verify_declaration_request::Claim::Generalities(claim) => {
                generalities(claim).within("generalities")?
            }
            wire::verify_declaration_request::Claim::Residence(claim) => {
                residence(claim).within("residence")?
            }
            wire::verify_declaration_request::Claim::ExistenceInLife(wire::ExistenceInLifeClaim {}) => {
                Claim::ExistenceInLife
            }
            wire::verify_declaration_request::Claim::FamilyStatus(claim) => {
                family(claim).within("family_status")?
            }
        };
        Ok(Self {
            request: request(context, Asked::Verification(claim.kind()), &municipality)?,
            key,
            claim,
            receipt: receipt_choice(receipt_form)?,
        })
    }
}

fn generalities(message: wire::GeneralitiesClaim) -> Result<Claim, Invalid> {
    let wire::GeneralitiesClaim {
        surname,
        given_name,
        sex,
        birth_date,
        birth_place,
    } = message;
    let sex = match card::Sex::try_from(sex) {
        Ok(card::Sex::Unspecified | card::Sex::Unknown) => None,
        Ok(card::Sex::Male) => Some(Sex::Male),
        Ok(card::Sex::Female) => Some(Sex::Female),
        Err(_) => return Err(Invalid::new("sex", Rule::Value)),
    };
    let name = |field: &str, name: Option<String>| {
        name.map(|name| PersonName::parse(&name).named(field)).transpose()
    };
    let parts = GeneralitiesParts {
        surname: name("surname", surname)?,
        given_name: name("given_name", given_name)?,
        sex,
        birth_date: birth_date
            .map(|date| partial_date("birth_date", Some(date)))
            .transpose()?,
        birth_place: birth_place
            .map(TryInto::try_into)
            .transpose()
            .within("birth_place")?,
    };
    GeneralitiesClaim::new(parts).map(Claim::Generalities).named("")
}

fn residence(message: wire::ResidenceClaim) -> Result<Claim, Invalid> {
    let wire::ResidenceClaim {
        municipality,
        address,
    } = message;
    let code = IstatCode::parse(&municipality).named("municipality")?;
    let unknown = || Invalid::new("municipality", Rule::UnknownMunicipality);
    Ok(Claim::Residence(ResidenceClaim {
        municipality: MunicipalityId::of_any(code).ok_or_else(unknown)?,
        address: address.map(address_claim).transpose().within("address")?,
    }))
}

fn address_claim(message: wire::AddressClaim) -> Result<AddressClaim, Invalid> {
    let wire::AddressClaim {
        species,
        street,
        number,
        suffix,
        staircase,
        unit,
    } = message;
    Ok(AddressClaim {
        species: when_present("species", &species, ToponymSpecies::from_code)?,
        street: text("street", street, 1, 100)?,
        number,
        suffix: text("suffix", suffix, 0, 10)?,
        staircase: text("staircase", staircase, 0, 10)?,
        unit: text("unit", unit, 0, 10)?,
    })
}

fn family(message: wire::FamilyStatusClaim) -> Result<Claim, Invalid> {
    let wire::FamilyStatusClaim { members } = message;
    let member = |wire::FamilyMemberClaim { tax_code, kinship }| {
        Ok(MemberClaim {
            tax_code: TaxCode::parse(&tax_code).named("tax_code")?,
            kinship: when_present("kinship", &kinship, Kinship::from_code)?,
        })
    };
    FamilyClaim::new(each("members", members, member)?)
        .map(Claim::FamilyStatus)
        .named("members")
}

impl From<ClaimError> for Rule {
    fn from(error: ClaimError) -> Self {
        Self::Claim(error)
    }
}

impl From<Verdict> for wire::VerificationAnswer {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Yes => Self::Yes,
            Verdict::No => Self::No,
            Verdict::Undetermined => Self::Undetermined,
        }
    }
}

impl From<VerificationReason> for wire::VerificationReason {
    fn from(reason: VerificationReason) -> Self {
        match reason {
            VerificationReason::Matches => Self::Matches,
            VerificationReason::Differs => Self::Differs,
            VerificationReason::NotHeld => Self::NotHeld,
            VerificationReason::BeforeHistory => Self::BeforeHistory,
            VerificationReason::ProcedureOpen => Self::ProcedureOpen,
            VerificationReason::NotRegistered => Self::NotRegistered,
            VerificationReason::Contradiction => Self::Contradiction,
        }
    }
}

/// Answer and reason as the response's two numbers.
pub fn verification_answer(
    answer: VerificationAnswer,
) -> (wire::VerificationAnswer, wire::VerificationReason) {
    let VerificationAnswer { verdict, reason } = answer;
    (verdict.into(), reason.into())
}
