//! Persons and their households by complete generalities.

use agreement::context::AccessContext;
use agreement::field::FieldSet;
use registry::identifier::IstatCode;
use registry::record::Generalities;
use wire::proto::consultation::v1 as proto;

use crate::agency::AgencyClient;
use crate::agency::answer::{HouseholdAnswer, PersonAnswer};
use crate::agency::request::{istat_text, read_mask};
use crate::error::ClientError;
use crate::receipt::{ReceiptForm, wire_form};

/// Asks for whoever has complete generalities.
#[derive(Clone, Debug)]
pub struct LookupNamed {
    /// Ground of the call.
    pub context: AccessContext,
    /// Every part must be known: names, sex, birth date to the day, birth place.
    pub generalities: Generalities,
    /// The municipality to which the question is limited; the whole territory when absent.
    pub municipality: Option<IstatCode>,
    /// Fields that are wanted; empty for all that is granted.
    pub fields: FieldSet,
    /// Which receipt.
    pub receipt: ReceiptForm,
}

impl AgencyClient {
    /// Looks up whoever has complete generalities. Where several persons have them, the cards of all are answered.
    ///
    /// # Errors
    /// As of a lookup by an identifier.
    pub async fn lookup_named(&self, request: LookupNamed) -> Result<PersonAnswer, ClientError> {
        let context = request.context.clone();
        self.look_up_person(&context, request.into()).await
    }

    /// Looks up the households of whoever has complete generalities; the fields are those of the members.
    ///
    /// # Errors
    /// As of a lookup by an identifier.
    pub async fn lookup_household_of_named(
        &self,
        request: LookupNamed,
    ) -> Result<HouseholdAnswer, ClientError> {
        let context = request.context.clone();
        self.look_up_household(&context, request.into()).await
    }
}

impl From<LookupNamed> for proto::LookupHouseholdRequest {
    fn from(request: LookupNamed) -> Self {
        let LookupNamed {
            context,
            generalities,
            municipality,
            fields,
            receipt,
        } = request;
        Self {
            context: Some((&context).into()),
            key: Some(proto::lookup_household_request::Key::Generalities(
                (&generalities).into(),
            )),
            municipality: istat_text(municipality),
            read_mask: read_mask(fields),
            receipt_form: wire_form(receipt),
            ascertainment: proto::Ascertainment::Unspecified.into(),
        }
    }
}

impl From<LookupNamed> for proto::LookupPersonRequest {
    fn from(request: LookupNamed) -> Self {
        let LookupNamed {
            context,
            generalities,
            municipality,
            fields,
            receipt,
        } = request;
        Self {
            context: Some((&context).into()),
            key: Some(proto::lookup_person_request::Key::Generalities(
                (&generalities).into(),
            )),
            municipality: istat_text(municipality),
            read_mask: read_mask(fields),
            receipt_form: wire_form(receipt),
            ascertainment: proto::Ascertainment::Unspecified.into(),
        }
    }
}
