//! Requests in the domain's words, and their messages.

use std::fmt;

use agreement::claim::{
    AddressClaim, BondClaim, Claim, DeathClaim, FamilyClaim, GeneralitiesClaim, GeneralitiesParts,
    MemberClaim, NamedPerson, NationalIdClaim, ParentClaim, ResidenceClaim,
};
use agreement::context::AccessContext;
use agreement::field::FieldSet;
use agreement::request::DeclaredPerson;
use registry::codice_fiscale::TaxCode;
use registry::identifier::{IstatCode, NationalId};
use registry::municipality::{Municipality, MunicipalityId, periods};
use wire::proto::consultation::v1 as proto;
use wire::proto::registry::v1 as card;

use crate::receipt::{Expected, ReceiptForm, wire_form};

/// Identifier of a person.
#[derive(Clone, PartialEq, Eq)]
pub enum PersonKey {
    /// Codice fiscale, current or past.
    TaxCode(TaxCode),
    /// National id (idANPR).
    NationalId(NationalId),
}

/// Asks for a person.
#[derive(Clone, Debug)]
pub struct LookupPerson {
    /// Ground of the call.
    pub context: AccessContext,
    /// Whom.
    pub key: PersonKey,
    /// The municipality to which the question is limited; the whole territory when absent.
    pub municipality: Option<IstatCode>,
    /// Fields that are wanted; empty for all that is granted.
    pub fields: FieldSet,
    /// Which receipt.
    pub receipt: ReceiptForm,
}

/// Asks for the households of a person.
#[derive(Clone, Debug)]
pub struct LookupHousehold {
    /// Ground of the call.
    pub context: AccessContext,
    /// One member.
    pub key: PersonKey,
    /// The municipality to which the question is limited; the whole territory when absent.
    pub municipality: Option<IstatCode>,
    /// Fields of the members that are wanted; empty for all that is granted.
    pub fields: FieldSet,
    /// Which receipt.
    pub receipt: ReceiptForm,
}

/// Asks whether a declaration is true.
#[derive(Clone, Debug)]
pub struct VerifyDeclaration {
    /// Ground of the call.
    pub context: AccessContext,
    /// Whom the declaration is about.
    pub key: PersonKey,
    /// The municipality to which the question is limited; the whole territory when absent.
    pub municipality: Option<IstatCode>,
    /// Whether the person is the declarant or somebody whom the declaration names.
    pub declared: DeclaredPerson,
    /// What was declared.
    pub claim: Claim,
    /// Which receipt.
    pub receipt: ReceiptForm,
}

impl Expected<'_> {
    /// What the entry of a call with this context says.
    pub(super) fn of_context<'a>(method: &'static str, context: &'a AccessContext) -> Expected<'a> {
        Expected {
            method,
            request_id: Some(context.request_id),
            agreement: Some(context.agreement.as_str()),
            purpose: Some(context.purpose.as_str()),
        }
    }
}

impl From<LookupPerson> for proto::LookupPersonRequest {
    fn from(request: LookupPerson) -> Self {
        let LookupPerson {
            context,
            key,
            municipality,
            fields,
            receipt,
        } = request;
        use proto::lookup_person_request::Key;
        Self {
            context: Some((&context).into()),
            key: Some(match key {
                PersonKey::TaxCode(code) => Key::TaxCode(code.as_str().to_owned()),
                PersonKey::NationalId(id) => Key::NationalId(id.as_str().to_owned()),
            }),
            municipality: istat_text(municipality),
            read_mask: read_mask(fields),
            receipt_form: wire_form(receipt),
            ascertainment: proto::Ascertainment::Unspecified.into(),
        }
    }
}

impl From<LookupHousehold> for proto::LookupHouseholdRequest {
    fn from(request: LookupHousehold) -> Self {
        let LookupHousehold {
            context,
            key,
            municipality,
            fields,
            receipt,
        } = request;
        use proto::lookup_household_request::Key;
        Self {
            context: Some((&context).into()),
            key: Some(match key {
                PersonKey::TaxCode(code) => Key::TaxCode(code.as_str().to_owned()),
                PersonKey::NationalId(id) => Key::NationalId(id.as_str().to_owned()),
            }),
            municipality: istat_text(municipality),
            read_mask: read_mask(fields),
            receipt_form: wire_form(receipt),
            ascertainment: proto::Ascertainment::Unspecified.into(),
        }
    }
}

impl From<VerifyDeclaration> for proto::VerifyDeclarationRequest {
    fn from(request: VerifyDeclaration) -> Self {
        let VerifyDeclaration {
            context,
            key,
            municipality,
            declared,
            claim,
            receipt,
        } = request;
        Self {
            context: Some((&context).into()),
            receipt_form: wire_form(receipt),
            ..declaration(&key, municipality, declared, claim)
        }
    }
}

/// A declaration without the ground of its call.
pub(super) fn declaration(
    key: &PersonKey,
    municipality: Option<IstatCode>,
    declared: DeclaredPerson,
    claim: Claim,
) -> proto::VerifyDeclarationRequest {
    use proto::verify_declaration_request::Key;
    let declared = match declared {
        DeclaredPerson::Declarant => proto::DeclaredPerson::Declarant,
        DeclaredPerson::Named => proto::DeclaredPerson::Named,
    };
    proto::VerifyDeclarationRequest {
        context: None,
        key: Some(match key {
            PersonKey::TaxCode(code) => Key::TaxCode(code.as_str().to_owned()),
            PersonKey::NationalId(id) => Key::NationalId(id.as_str().to_owned()),
        }),
        municipality: istat_text(municipality),
        receipt_form: 0,
        declared_person: declared.into(),
        claim: Some(claim_message(claim)),
    }
}

fn claim_message(claim: Claim) -> proto::verify_declaration_request::Claim {
    use proto::verify_declaration_request::Claim as Message;
    match claim {
        Claim::Generalities(claim) => Message::Generalities(generalities_message(&claim)),
        Claim::Death(DeathClaim { date }) => Message::Death(proto::DeathClaim {
            date: date.map(Into::into),
        }),
        Claim::Marriage(claim) => Message::Marriage(bond_message(claim)),
        Claim::Citizenship(claim) => Message::Citizenship(proto::CitizenshipClaim {
            state: claim.state().to_string(),
        }),
        Claim::ExistenceInLife => Message::ExistenceInLife(proto::ExistenceInLifeClaim {}),
        Claim::Residence(ResidenceClaim {
            municipality,
            address,
        }) => Message::Residence(proto::ResidenceClaim {
            municipality: istat_text(last_istat(municipality)),
            address: Some(address_message(address)),
        }),
        Claim::FamilyStatus(claim) => Message::FamilyStatus(family_message(&claim)),
        Claim::UnmarriedStatus(claim) => Message::UnmarriedStatus(proto::UnmarriedStatusClaim {
            civil_status: claim
                .status()
                .map(|status| status.code().to_owned())
                .unwrap_or_default(),
        }),
        Claim::Widowhood(claim) => Message::Widowhood(bond_message(claim)),
        Claim::Paternity(claim) => Message::Paternity(parent_message(&claim)),
        Claim::Maternity(claim) => Message::Maternity(parent_message(&claim)),
        Claim::CivilUnion(claim) => Message::CivilUnion(bond_message(claim)),
        Claim::NationalId(NationalIdClaim {
            national_id,
            generalities,
        }) => Message::AssignedNationalId(proto::NationalIdClaim {
            national_id: national_id.to_string(),
            generalities: Some(generalities_message(&generalities)),
        }),
        Claim::MunicipalResidence(municipality) => {
            Message::MunicipalResidence(proto::MunicipalResidenceClaim {
                municipality: istat_text(last_istat(municipality)),
            })
        }
    }
}

fn generalities_message(claim: &GeneralitiesClaim) -> proto::GeneralitiesClaim {
    let GeneralitiesParts {
        surname,
        given_name,
        sex,
        birth_date,
        birth_place,
    } = claim.parts();
    proto::GeneralitiesClaim {
        surname: surname.as_ref().map(|name| name.as_str().to_owned()),
        given_name: given_name.as_ref().map(|name| name.as_str().to_owned()),
        sex: sex.map_or(card::Sex::Unspecified, Into::into).into(),
        birth_date: birth_date.map(Into::into),
        birth_place: birth_place.as_ref().map(Into::into),
    }
}

fn bond_message(claim: BondClaim) -> proto::BondClaim {
    let BondClaim { since, partner } = claim;
    proto::BondClaim {
        since: since.map(Into::into),
        partner: partner.as_ref().map(named_person),
    }
}

fn parent_message(claim: &ParentClaim) -> proto::ParentClaim {
    let ParentClaim { parent } = claim;
    proto::ParentClaim {
        parent: Some(named_person(parent)),
    }
}

fn named_person(person: &NamedPerson) -> proto::NamedPerson {
    proto::NamedPerson {
        surname: person.surname().map(|name| name.as_str().to_owned()),
        given_name: person.given_name().map(|name| name.as_str().to_owned()),
    }
}

fn family_message(claim: &FamilyClaim) -> proto::FamilyStatusClaim {
    let members = claim
        .members()
        .iter()
        .map(|MemberClaim { tax_code, kinship }| proto::FamilyMemberClaim {
            tax_code: tax_code.as_str().to_owned(),
            kinship: kinship
                .map(|kinship| kinship.code().to_owned())
                .unwrap_or_default(),
        });
    proto::FamilyStatusClaim {
        members: members.collect(),
    }
}

pub(super) fn address_message(address: AddressClaim) -> proto::AddressClaim {
    let AddressClaim {
        species,
        street,
        number,
        suffix,
        staircase,
        unit,
    } = address;
    let species = species
        .map(|species| species.code().to_string())
        .unwrap_or_default();
    proto::AddressClaim {
        species,
        street,
        number,
        suffix,
        staircase,
        unit,
        without_number: number.is_none(),
    }
}

/// The code that the municipality had last: claims travel by code, and a municipality that has ceased has none today.
fn last_istat(municipality: MunicipalityId) -> Option<IstatCode> {
    periods(municipality.cadastral())
        .iter()
        .rev()
        .find_map(Municipality::istat)
}

pub(super) fn istat_text(municipality: Option<IstatCode>) -> String {
    municipality.map(|istat| istat.to_string()).unwrap_or_default()
}

pub(super) fn read_mask(fields: FieldSet) -> Option<prost_types::FieldMask> {
    (!fields.is_empty()).then(|| prost_types::FieldMask {
        paths: fields.names().map(str::to_owned).collect(),
    })
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TaxCode(_) => "TaxCode(..)",
            Self::NationalId(_) => "NationalId(..)",
        })
    }
}
