//! Requests in the domain's words, and their messages.

use std::fmt;

use agreement::claim::{AddressClaim, Claim, GeneralitiesParts, MemberClaim, ResidenceClaim};
use agreement::context::AccessContext;
use agreement::field::FieldSet;
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
        }
    }
}

impl From<VerifyDeclaration> for proto::VerifyDeclarationRequest {
    fn from(request: VerifyDeclaration) -> Self {
        let VerifyDeclaration {
            context,
            key,
            municipality,
            claim,
            receipt,
        } = request;
        use proto::verify_declaration_request::Key;
        Self {
            context: Some((&context).into()),
            key: Some(match key {
                PersonKey::TaxCode(code) => Key::TaxCode(code.as_str().to_owned()),
                PersonKey::NationalId(id) => Key::NationalId(id.as_str().to_owned()),
            }),
            municipality: istat_text(municipality),
            receipt_form: wire_form(receipt),
            claim: Some(claim_message(claim)),
        }
    }
}

fn claim_message(claim: Claim) -> proto::verify_declaration_request::Claim {
    use proto::verify_declaration_request::Claim as Message;
    match claim {
        Claim::Generalities(claim) => {
            let GeneralitiesParts {
                surname,
                given_name,
                sex,
                birth_date,
                birth_place,
            } = claim.parts();
            Message::Generalities(proto::GeneralitiesClaim {
                surname: surname.as_ref().map(|name| name.as_str().to_owned()),
                given_name: given_name.as_ref().map(|name| name.as_str().to_owned()),
                sex: sex.map_or(card::Sex::Unspecified, Into::into).into(),
                birth_date: birth_date.map(Into::into),
                birth_place: birth_place.as_ref().map(Into::into),
            })
        }
        Claim::Residence(ResidenceClaim {
            municipality,
            address,
        }) => Message::Residence(proto::ResidenceClaim {
            municipality: istat_text(last_istat(municipality)),
            address: address.map(address_message),
        }),
        Claim::ExistenceInLife => Message::ExistenceInLife(proto::ExistenceInLifeClaim {}),
        Claim::FamilyStatus(claim) => {
            let members =
                claim
                    .members()
                    .iter()
                    .map(|MemberClaim { tax_code, kinship }| proto::FamilyMemberClaim {
                        tax_code: tax_code.as_str().to_owned(),
                        kinship: kinship
                            .map(|kinship| kinship.code().to_owned())
                            .unwrap_or_default(),
                    });
            Message::FamilyStatus(proto::FamilyStatusClaim {
                members: members.collect(),
            })
        }
    }
}

fn address_message(address: AddressClaim) -> proto::AddressClaim {
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
    }
}

/// The code that the municipality had last: claims travel by code, and a municipality that has ceased has none today.
fn last_istat(municipality: MunicipalityId) -> Option<IstatCode> {
    periods(municipality.cadastral())
        .iter()
        .rev()
        .find_map(Municipality::istat)
}

fn istat_text(municipality: Option<IstatCode>) -> String {
    municipality.map(|istat| istat.to_string()).unwrap_or_default()
}

fn read_mask(fields: FieldSet) -> Option<prost_types::FieldMask> {
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
