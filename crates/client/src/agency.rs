//! What an agency (*ente fruitore*) can ask.

mod request;
mod person;
mod answer;
mod search;
mod batch;
mod named;
mod ascertainment;
mod residents;
mod description;

use agreement::context::AccessContext;
use agreement::domain::DomainKind;
use ledger::receipt::Receipt;
use wire::proto::consultation::v1 as proto;
use wire::proto::consultation::v1::consultation_service_client::ConsultationServiceClient as Service;

use crate::connection::{Connection, Repeat};
use crate::convert::required;
use crate::error::{ClientError, EvidenceFault};
use crate::receipt::{AccessProof, Expected, ReceiptForm, ShortClaim};
use crate::upgrade::Upgrades;

pub use self::answer::{
    DeceasedPerson, Freshness, Household, HouseholdAnswer, HouseholdMember, PersonAnswer, VerificationAnswer,
};
pub use self::ascertainment::{Ascertain, AscertainFamilyStatus, AscertainedPerson};
pub use self::batch::{
    Batch, FoundPersons, ListedDeclaration, ListedPerson, Outcomes, RowAnswer, RowFailure, RowMessage,
    RowOutcome,
};
pub use self::description::{
    AccessAnswer, AccessDescription, AgreementStanding, BatchGrant, DeclarationAllowance,
    OperatorRequirements, Population, Purpose, Quota, QuotaKind, QuotaScope,
};
pub use self::named::LookupNamed;
pub use self::person::{HouseholdMembership, PersonCard, PersonRegistration};
pub use self::request::{LookupHousehold, LookupPerson, PersonKey, VerifyDeclaration};
pub use self::residents::{LookupAddressResidents, ResidentGroup, ResidentsAnswer};
pub use self::search::{Born, LookupFound, SearchAnswer, SearchHandle, SearchHit, SearchPersons};

const LOOKUP_PERSON: &str = "ponte.consultation.v1.ConsultationService/LookupPerson";
const LOOKUP_HOUSEHOLD: &str = "ponte.consultation.v1.ConsultationService/LookupHousehold";
const SEARCH_PERSONS: &str = "ponte.consultation.v1.ConsultationService/SearchPersons";
const VERIFY_DECLARATION: &str = "ponte.consultation.v1.ConsultationService/VerifyDeclaration";
const DESCRIBE_ACCESS: &str = "ponte.consultation.v1.ConsultationService/DescribeAccess";

/// The agency's side of the consultation service. Clones share the connection.
#[derive(Clone, Debug)]
pub struct AgencyClient {
    connection: Connection,
}

impl AgencyClient {
    /// A client over a connection with an agency's certificate.
    pub fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Whether answers are about residents or about synthetic persons.
    pub fn domain(&self) -> DomainKind {
        self.connection.domain()
    }

    /// How the receipts of this client stand that must become witnessed ones, where a policy says who witnesses.
    pub fn upgrades(&self) -> Option<&Upgrades> {
        self.connection.upgrades()
    }

    /// Sends calls again whose quota the index said was used up, as after the agreement was given a larger one.
    pub fn forget_quota_stops(&self) {
        self.connection.forget_quota_stops();
    }

    /// A new request id for the context of a call.
    pub fn new_request_id(&self) -> uuid::Uuid {
        self.connection.new_request_id()
    }

    /// Looks up a person. Several cards when several municipalities keep one.
    ///
    /// # Errors
    /// `NOT_FOUND` when nobody is visible under the agreement, whether or not somebody exists; else see
    /// [`ClientError`].
    pub async fn lookup_person(&self, request: LookupPerson) -> Result<PersonAnswer, ClientError> {
        let context = request.context.clone();
        self.look_up_person(&context, request.into()).await
    }

    /// Looks up a person whom a search found, by the same operator and within ten minutes.
    ///
    /// # Errors
    /// `HANDLE_INVALID` afterwards, or by somebody else; else as [`Self::lookup_person`].
    pub async fn lookup_found(&self, request: LookupFound) -> Result<PersonAnswer, ClientError> {
        let context = request.context.clone();
        self.look_up_person(&context, request.into()).await
    }

    async fn look_up_person(
        &self,
        context: &AccessContext,
        message: proto::LookupPersonRequest,
    ) -> Result<PersonAnswer, ClientError> {
        let answer = self
            .connection
            .consult(context, message, |channel, request| async move {
                Service::new(channel).lookup_person(request).await
            })
            .await?;
        let expected = Expected::of_context(LOOKUP_PERSON, context);
        let receipt = self
            .connection
            .receipts()
            .of_answer(answer.receipt.clone(), &expected)?;
        Ok(PersonAnswer::read(answer, receipt)?)
    }

    /// Looks up the households of a person.
    ///
    /// # Errors
    /// As [`Self::lookup_person`].
    pub async fn lookup_household(&self, request: LookupHousehold) -> Result<HouseholdAnswer, ClientError> {
        let context = request.context.clone();
        self.look_up_household(&context, request.into()).await
    }

    /// Looks up the households of a person whom a search found, by the same operator and within ten minutes.
    ///
    /// # Errors
    /// As [`Self::lookup_found`].
    pub async fn lookup_household_of_found(
        &self,
        request: LookupFound,
    ) -> Result<HouseholdAnswer, ClientError> {
        let context = request.context.clone();
        self.look_up_household(&context, request.into()).await
    }

    async fn look_up_household(
        &self,
        context: &AccessContext,
        message: proto::LookupHouseholdRequest,
    ) -> Result<HouseholdAnswer, ClientError> {
        let answer = self
            .connection
            .consult(context, message, |channel, request| async move {
                Service::new(channel).lookup_household(request).await
            })
            .await?;
        let expected = Expected::of_context(LOOKUP_HOUSEHOLD, context);
        let receipt = self
            .connection
            .receipts()
            .of_answer(answer.receipt.clone(), &expected)?;
        Ok(HouseholdAnswer::read(answer, receipt)?)
    }

    /// Searches for persons of whom a part is known.
    ///
    /// # Errors
    /// `TOO_MANY_FOUND` when more are visible than the agreement lets a search show, `NOT_FOUND` when nobody is; else see
    /// [`ClientError`].
    pub async fn search_persons(&self, request: SearchPersons) -> Result<SearchAnswer, ClientError> {
        let context = request.context.clone();
        let message = proto::SearchPersonsRequest::from(request);
        let answer = self
            .connection
            .consult(&context, message, |channel, request| async move {
                Service::new(channel).search_persons(request).await
            })
            .await?;
        let expected = Expected::of_context(SEARCH_PERSONS, &context);
        let receipt = self
            .connection
            .receipts()
            .of_answer(answer.receipt.clone(), &expected)?;
        Ok(SearchAnswer::read(answer, receipt)?)
    }

    /// Asks whether a declaration is true.
    ///
    /// # Errors
    /// As [`Self::lookup_person`].
    pub async fn verify_declaration(
        &self,
        request: VerifyDeclaration,
    ) -> Result<VerificationAnswer, ClientError> {
        let context = request.context.clone();
        let message = proto::VerifyDeclarationRequest::from(request);
        let answer = self
            .connection
            .consult(&context, message, |channel, request| async move {
                Service::new(channel).verify_declaration(request).await
            })
            .await?;
        let expected = Expected::of_context(VERIFY_DECLARATION, &context);
        let receipt = self
            .connection
            .receipts()
            .of_answer(answer.receipt.clone(), &expected)?;
        Ok(VerificationAnswer::read(answer, receipt)?)
    }

    /// Asks what the agency's agreements allow. The context names one that is in force. With an identifier the answer says
    /// how many more declarations about it are compared; nothing is looked up.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn describe_access(
        &self,
        context: &AccessContext,
        about: Option<PersonKey>,
        form: ReceiptForm,
    ) -> Result<AccessAnswer, ClientError> {
        use proto::describe_access_request::Key;
        let message = proto::DescribeAccessRequest {
            context: Some(context.into()),
            key: about.map(|key| match key {
                PersonKey::TaxCode(code) => Key::TaxCode(code.as_str().to_owned()),
                PersonKey::NationalId(id) => Key::NationalId(id.as_str().to_owned()),
            }),
            receipt_form: crate::receipt::wire_form(form),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).describe_access(request).await
            })
            .await?;
        let expected = Expected::of_context(DESCRIBE_ACCESS, context);
        let receipt = self
            .connection
            .receipts()
            .of_answer(answer.receipt.clone(), &expected)?;
        Ok(AccessAnswer::read(answer, receipt)?)
    }

    /// Fetches the full receipt that makes a short one good. The context names an agreement that is in force.
    ///
    /// # Errors
    /// [`ClientError::Evidence`] when the receipt is not about the claimed entry: the log went back on its word.
    pub async fn get_receipt(
        &self,
        context: &AccessContext,
        claim: &ShortClaim,
    ) -> Result<AccessProof, ClientError> {
        let ShortClaim {
            origin,
            receipt: short,
        } = claim;
        let message = proto::GetReceiptRequest {
            context: Some(context.into()),
            origin: origin.as_str().to_owned(),
            index: short.index(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).get_receipt(request).await
            })
            .await?;
        let message = required("receipt", answer.receipt)?;
        let receipt = Receipt::try_from(message).map_err(|invalid| invalid.within("receipt"))?;
        let proof = self.connection.receipts().full(receipt, None)?;
        match &proof {
            AccessProof::Proved(entry) if !entry.makes_good(short) => {
                Err(EvidenceFault::OtherSubject("entry").into())
            }
            AccessProof::Kept(receipt) if receipt.index != short.index() => {
                Err(EvidenceFault::OtherSubject("entry").into())
            }
            AccessProof::Proved(_) | AccessProof::Kept(_) | AccessProof::Claimed(_) => Ok(proof),
        }
    }
}

#[cfg(test)]
mod tests;
