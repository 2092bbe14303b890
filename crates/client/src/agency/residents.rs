//! Residents of an address.

use std::fmt;

use agreement::claim::AddressClaim;
use agreement::context::AccessContext;
use agreement::field::FieldSet;
use chrono::NaiveDate;
use registry::identifier::IstatCode;
use wire::convert::{Invalid, civil_date};
use wire::proto::consultation::v1 as proto;
use wire::proto::consultation::v1::consultation_service_client::ConsultationServiceClient as Service;

use crate::agency::AgencyClient;
use crate::agency::answer::{Freshness, fresh_enough};
use crate::agency::person::PersonCard;
use crate::agency::request::{address_message, read_mask};
use crate::convert::{each, optional_date, required};
use crate::error::ClientError;
use crate::receipt::{AccessProof, Expected, ReceiptForm, wire_form};

const LOOKUP_ADDRESS_RESIDENTS: &str = "ponte.consultation.v1.ConsultationService/LookupAddressResidents";

/// Asks who is resident at an address.
#[derive(Clone)]
pub struct LookupAddressResidents {
    /// Ground of the call.
    pub context: AccessContext,
    /// Municipality of the address.
    pub municipality: IstatCode,
    /// The address, compared as that of a residence claim.
    pub address: AddressClaim,
    /// Fields that are wanted; empty for all that is granted.
    pub fields: FieldSet,
    /// Which receipt.
    pub receipt: ReceiptForm,
}

/// The residents of an address.
#[derive(Clone, Debug)]
pub struct ResidentsAnswer {
    /// By household, at least one.
    pub groups: Vec<ResidentGroup>,
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

/// Residents of one household.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResidentGroup {
    /// Handle of the household, `households/{handle}`; empty where it is not granted, not wanted or not held.
    pub household: String,
    /// The cards that the agreement shows, at least one.
    pub persons: Vec<PersonCard>,
}

impl AgencyClient {
    /// Looks up who is resident at an address on the reference date.
    ///
    /// # Errors
    /// `TOO_MANY_RESIDENTS` when more are visible than the agreement shows, `NOT_FOUND` when nobody is; else see
    /// [`ClientError`].
    pub async fn lookup_address_residents(
        &self,
        request: LookupAddressResidents,
    ) -> Result<ResidentsAnswer, ClientError> {
        let context = request.context.clone();
        let message = proto::LookupAddressResidentsRequest::from(request);
        let answer = self
            .connection
            .consult(&context, message, |channel, request| async move {
                Service::new(channel).lookup_address_residents(request).await
            })
            .await?;
        let expected = Expected::of_context(LOOKUP_ADDRESS_RESIDENTS, &context);
        let receipt = self
            .connection
            .receipts()
            .of_answer(answer.receipt.clone(), &expected)?;
        Ok(ResidentsAnswer::read(answer, receipt)?)
    }
}

impl From<LookupAddressResidents> for proto::LookupAddressResidentsRequest {
    fn from(request: LookupAddressResidents) -> Self {
        let LookupAddressResidents {
            context,
            municipality,
            address,
            fields,
            receipt,
        } = request;
        Self {
            context: Some((&context).into()),
            address: Some(address_message(address)),
            municipality: municipality.to_string(),
            read_mask: read_mask(fields),
            receipt_form: wire_form(receipt),
        }
    }
}

impl ResidentsAnswer {
    fn read(message: proto::LookupAddressResidentsResponse, proof: AccessProof) -> Result<Self, Invalid> {
        let proto::LookupAddressResidentsResponse {
            groups,
            no_history_before,
            freshness,
            reference_date,
            today,
            receipt: _,
        } = message;
        Ok(Self {
            groups: each("groups", groups, |group| {
                let proto::ResidentGroup { household, persons } = group;
                Ok(ResidentGroup {
                    household,
                    persons: each("persons", persons, TryInto::try_into)?,
                })
            })?,
            no_history_before: optional_date("no_history_before", no_history_before)?,
            fresh_enough: fresh_enough(freshness.as_ref())?,
            freshness: required("freshness", freshness)?.try_into()?,
            reference_date: civil_date("reference_date", reference_date)?,
            today: civil_date("today", today)?,
            receipt: proof,
        })
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for LookupAddressResidents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LookupAddressResidents(..)")
    }
}
