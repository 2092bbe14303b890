//! Ascertainments: kinds of datum, called by their names.

use std::fmt;

use agreement::ascertainment::Ascertainment;
use agreement::context::AccessContext;
use agreement::field::FieldSet;
use registry::identifier::IstatCode;
use registry::record::Generalities;
use wire::proto::consultation::v1 as proto;

use crate::agency::AgencyClient;
use crate::agency::answer::{HouseholdAnswer, PersonAnswer};
use crate::agency::request::{PersonKey, istat_text, read_mask};
use crate::agency::search::SearchHandle;
use crate::error::ClientError;
use crate::receipt::{ReceiptForm, wire_form};

/// Asks for one kind of datum about a person.
#[derive(Clone, Debug)]
pub struct Ascertain {
    /// Ground of the call.
    pub context: AccessContext,
    /// The kind. Family status is asked of a household: [`AscertainFamilyStatus`].
    pub kind: Ascertainment,
    /// Whom.
    pub person: AscertainedPerson,
    /// The municipality to which the question is limited; the whole territory when absent.
    pub municipality: Option<IstatCode>,
    /// Fields of the kind that are wanted; empty for all of them.
    pub fields: FieldSet,
    /// Which receipt.
    pub receipt: ReceiptForm,
}

/// How a person is named whose datum is ascertained.
#[derive(Clone, PartialEq, Eq)]
pub enum AscertainedPerson {
    /// By an identifier.
    Known(PersonKey),
    /// By the handle of a search of the same operator, within ten minutes.
    Found(SearchHandle),
    /// By complete generalities, where the agreement grants that mode.
    Named(Generalities),
}

/// Asks for the family status (*stato di famiglia*, ANPR C021) of a person.
#[derive(Clone, Debug)]
pub struct AscertainFamilyStatus {
    /// Ground of the call.
    pub context: AccessContext,
    /// One member.
    pub person: AscertainedPerson,
    /// The municipality to which the question is limited; the whole territory when absent.
    pub municipality: Option<IstatCode>,
    /// Fields of the members that are wanted; empty for all that the kind opens.
    pub fields: FieldSet,
    /// Which receipt.
    pub receipt: ReceiptForm,
}

impl AgencyClient {
    /// Ascertains one kind of datum about a person. What the kind asks whether is in
    /// [`PersonCard::of_kind`](crate::agency::PersonCard::of_kind).
    ///
    /// # Errors
    /// `ASCERTAINMENT_NOT_GRANTED` when the purpose does not list the kind, `INVALID_ARGUMENT` of family status, which is
    /// asked of a household; else as of a lookup.
    pub async fn ascertain(&self, request: Ascertain) -> Result<PersonAnswer, ClientError> {
        let context = request.context.clone();
        self.look_up_person(&context, request.into()).await
    }

    /// Ascertains the family status of a person: the members with kinship, start date and generalities.
    ///
    /// # Errors
    /// As [`Self::ascertain`].
    pub async fn ascertain_family_status(
        &self,
        request: AscertainFamilyStatus,
    ) -> Result<HouseholdAnswer, ClientError> {
        let context = request.context.clone();
        self.look_up_household(&context, request.into()).await
    }
}

impl From<Ascertain> for proto::LookupPersonRequest {
    fn from(request: Ascertain) -> Self {
        let Ascertain {
            context,
            kind,
            person,
            municipality,
            fields,
            receipt,
        } = request;
        use proto::lookup_person_request::Key;
        Self {
            context: Some((&context).into()),
            key: Some(match person {
                AscertainedPerson::Known(PersonKey::TaxCode(code)) => Key::TaxCode(code.as_str().to_owned()),
                AscertainedPerson::Known(PersonKey::NationalId(id)) => {
                    Key::NationalId(id.as_str().to_owned())
                }
                AscertainedPerson::Found(handle) => Key::Handle(handle.0),
                AscertainedPerson::Named(generalities) => Key::Generalities((&generalities).into()),
            }),
            municipality: istat_text(municipality),
            read_mask: read_mask(fields),
            receipt_form: wire_form(receipt),
            ascertainment: proto::Ascertainment::from(kind).into(),
        }
    }
}

impl From<AscertainFamilyStatus> for proto::LookupHouseholdRequest {
    fn from(request: AscertainFamilyStatus) -> Self {
        let AscertainFamilyStatus {
            context,
            person,
            municipality,
            fields,
            receipt,
        } = request;
        use proto::lookup_household_request::Key;
        Self {
            context: Some((&context).into()),
            key: Some(match person {
                AscertainedPerson::Known(PersonKey::TaxCode(code)) => Key::TaxCode(code.as_str().to_owned()),
                AscertainedPerson::Known(PersonKey::NationalId(id)) => {
                    Key::NationalId(id.as_str().to_owned())
                }
                AscertainedPerson::Found(handle) => Key::Handle(handle.0),
                AscertainedPerson::Named(generalities) => Key::Generalities((&generalities).into()),
            }),
            municipality: istat_text(municipality),
            read_mask: read_mask(fields),
            receipt_form: wire_form(receipt),
            ascertainment: proto::Ascertainment::FamilyStatus.into(),
        }
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for AscertainedPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known(_) => "Known(..)",
            Self::Found(_) => "Found(..)",
            Self::Named(_) => "Named(..)",
        })
    }
}
