//! Declarations to be verified, and what the registry says of them.

use agreement::claim::{
    AddressClaim, BondClaim, CitizenshipClaim, Claim, ClaimError, DeathClaim, FamilyClaim, GeneralitiesClaim,
    GeneralitiesParts, MemberClaim, NamedPerson, NationalIdClaim, ParentClaim, ResidenceClaim,
    UnmarriedClaim,
};
use agreement::request::{Asked, DeclaredPerson, Request};
use agreement::verification::{Verdict, VerificationAnswer, VerificationReason};
use registry::code::{CivilStatus, Kinship, ToponymSpecies};
use registry::codice_fiscale::TaxCode;
use registry::date::PartialDate;
use registry::identifier::{IstatCode, NationalId, StateCode};
use registry::municipality::MunicipalityId;
use registry::record::{PersonName, Sex};

use super::consultation::{PersonKey, national_id_key, request, tax_code_key};
use super::date::partial_date;
use super::invalid::{Invalid, Named, Rule, Within, each, required, text, when_present};
use super::receipt::{ReceiptChoice, receipt_choice};
use crate::proto::consultation::v1 as wire;
use crate::proto::registry::v1 as card;
use crate::proto::r#type::v1 as date;

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
            declared_person,
        } = message;
        let key = match required("key", key)? {
            wire::verify_declaration_request::Key::TaxCode(code) => tax_code_key(&code)?,
            wire::verify_declaration_request::Key::NationalId(id) => national_id_key(&id)?,
        };
        let claim = claim_from_wire(required("claim", claim)?)?;
        Ok(Self {
            request: Request {
                declared: declared_from_wire(declared_person)?,
                ..request(context, Asked::Verification(claim.kind()), &municipality)?
            },
            key,
            claim,
            receipt: receipt_choice(receipt_form)?,
        })
    }
}

fn declared_from_wire(number: i32) -> Result<DeclaredPerson, Invalid> {
    match wire::DeclaredPerson::try_from(number) {
        Ok(wire::DeclaredPerson::Unspecified | wire::DeclaredPerson::Declarant) => {
            Ok(DeclaredPerson::Declarant)
        }
        Ok(wire::DeclaredPerson::Named) => Ok(DeclaredPerson::Named),
        Err(_) => Err(Invalid::new("declared_person", Rule::Value)),
    }
}

fn claim_from_wire(message: wire::verify_declaration_request::Claim) -> Result<Claim, Invalid> {
    use wire::verify_declaration_request::Claim as Message;
    match message {
        Message::Generalities(claim) => generalities(claim)
            .map(Claim::Generalities)
            .within("generalities"),
        Message::Residence(claim) => residence(claim).map(Claim::Residence).within("residence"),
        Message::ExistenceInLife(wire::ExistenceInLifeClaim {}) => Ok(Claim::ExistenceInLife),
        Message::FamilyStatus(claim) => family(claim).map(Claim::FamilyStatus).within("family_status"),
        Message::Death(wire::DeathClaim { date }) => {
            let date = stated_date("date", date).within("death")?;
            Ok(Claim::Death(DeathClaim { date }))
        }
        Message::Marriage(claim) => bond(claim).map(Claim::Marriage).within("marriage"),
        Message::Widowhood(claim) => bond(claim).map(Claim::Widowhood).within("widowhood"),
        Message::CivilUnion(claim) => bond(claim).map(Claim::CivilUnion).within("civil_union"),
        Message::Citizenship(claim) => citizenship(&claim).map(Claim::Citizenship).within("citizenship"),
        Message::UnmarriedStatus(claim) => unmarried(&claim)
            .map(Claim::UnmarriedStatus)
            .within("unmarried_status"),
        Message::Paternity(claim) => parent(claim).map(Claim::Paternity).within("paternity"),
        Message::Maternity(claim) => parent(claim).map(Claim::Maternity).within("maternity"),
        Message::AssignedNationalId(claim) => national_id(claim)
            .map(Claim::NationalId)
            .within("assigned_national_id"),
        Message::MunicipalResidence(wire::MunicipalResidenceClaim { municipality }) => {
            claimed_municipality(&municipality)
                .map(Claim::MunicipalResidence)
                .within("municipal_residence")
        }
    }
}

fn generalities(message: wire::GeneralitiesClaim) -> Result<GeneralitiesClaim, Invalid> {
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
    let parts = GeneralitiesParts {
        surname: stated_name("surname", surname)?,
        given_name: stated_name("given_name", given_name)?,
        sex,
        birth_date: stated_date("birth_date", birth_date)?,
        birth_place: birth_place
            .map(TryInto::try_into)
            .transpose()
            .within("birth_place")?,
    };
    GeneralitiesClaim::new(parts).named("")
}

fn bond(message: wire::BondClaim) -> Result<BondClaim, Invalid> {
    let wire::BondClaim { since, partner } = message;
    Ok(BondClaim {
        since: stated_date("since", since)?,
        partner: partner.map(named_person).transpose().within("partner")?,
    })
}

fn citizenship(message: &wire::CitizenshipClaim) -> Result<CitizenshipClaim, Invalid> {
    let wire::CitizenshipClaim { state } = message;
    let code = StateCode::parse(state).named("state")?;
    CitizenshipClaim::new(code).named("state")
}

fn unmarried(message: &wire::UnmarriedStatusClaim) -> Result<UnmarriedClaim, Invalid> {
    let wire::UnmarriedStatusClaim { civil_status } = message;
    let status = when_present("civil_status", civil_status, CivilStatus::from_code)?;
    UnmarriedClaim::new(status).named("civil_status")
}

fn parent(message: wire::ParentClaim) -> Result<ParentClaim, Invalid> {
    let wire::ParentClaim { parent } = message;
    let parent = named_person(required("parent", parent)?).within("parent")?;
    Ok(ParentClaim { parent })
}

fn named_person(message: wire::NamedPerson) -> Result<NamedPerson, Invalid> {
    let wire::NamedPerson { surname, given_name } = message;
    let surname = stated_name("surname", surname)?;
    let given_name = stated_name("given_name", given_name)?;
    NamedPerson::new(surname, given_name).named("")
}

fn national_id(message: wire::NationalIdClaim) -> Result<NationalIdClaim, Invalid> {
    let wire::NationalIdClaim {
        national_id,
        generalities: person,
    } = message;
    Ok(NationalIdClaim {
        national_id: NationalId::parse(&national_id).named("national_id")?,
        generalities: generalities(required("generalities", person)?).within("generalities")?,
    })
}

fn residence(message: wire::ResidenceClaim) -> Result<ResidenceClaim, Invalid> {
    let wire::ResidenceClaim {
        municipality,
        address,
    } = message;
    Ok(ResidenceClaim {
        municipality: claimed_municipality(&municipality)?,
        address: address_claim(required("address", address)?).within("address")?,
    })
}

/// A municipality by any code that it ever had.
fn claimed_municipality(code: &str) -> Result<MunicipalityId, Invalid> {
    let code = IstatCode::parse(code).named("municipality")?;
    MunicipalityId::of_any(code).ok_or_else(|| Invalid::new("municipality", Rule::UnknownMunicipality))
}

fn stated_name(field: &str, name: Option<String>) -> Result<Option<PersonName>, Invalid> {
    name.map(|name| PersonName::parse(&name).named(field)).transpose()
}

fn stated_date(field: &str, date: Option<date::PartialDate>) -> Result<Option<PartialDate>, Invalid> {
    date.map(|date| partial_date(field, Some(date))).transpose()
}

pub(super) fn address_claim(message: wire::AddressClaim) -> Result<AddressClaim, Invalid> {
    let wire::AddressClaim {
        species,
        street,
        number,
        suffix,
        staircase,
        unit,
        without_number,
    } = message;
    match (number, without_number) {
        (None, false) => return Err(Invalid::new("number", Rule::Missing)),
        (Some(_), true) => return Err(Invalid::new("number", Rule::Contradicts("without_number"))),
        (Some(_), false) | (None, true) => {}
    }
    Ok(AddressClaim {
        species: when_present("species", &species, ToponymSpecies::from_code)?,
        street: text("street", street, 1, 100)?,
        number,
        suffix: text("suffix", suffix, 0, 10)?,
        staircase: text("staircase", staircase, 0, 10)?,
        unit: text("unit", unit, 0, 10)?,
    })
}

fn family(message: wire::FamilyStatusClaim) -> Result<FamilyClaim, Invalid> {
    let wire::FamilyStatusClaim { members } = message;
    let member = |wire::FamilyMemberClaim { tax_code, kinship }| {
        Ok(MemberClaim {
            tax_code: TaxCode::parse(&tax_code).named("tax_code")?,
            kinship: when_present("kinship", &kinship, Kinship::from_code)?,
        })
    };
    FamilyClaim::new(each("members", members, member)?).named("members")
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
