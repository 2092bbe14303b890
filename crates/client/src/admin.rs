//! What an administrator can do with agreements (*convenzioni*); an agency sees its own.

mod agreement;
mod explain;
mod quarantine;

use ::agreement::context::AgreementId;
use ::agreement::peer::SpiffeId;
use ledger::hash::Hash;
use wire::proto::agreement::v1 as proto;
use wire::proto::agreement::v1::agreement_service_client::AgreementServiceClient as Service;

use crate::connection::{Connection, Repeat};
use crate::convert::{each, required};
use crate::error::ClientError;
use crate::page::{Page, PageRequest};
use crate::receipt::{AccessProof, Expected};

pub use self::agreement::{AgreementRecord, AgreementState};
pub use self::explain::{ClauseOutcome, ClauseVerdict, Explanation, SupposedCall};
pub use self::quarantine::{Begun, Lifted, Quarantine, SuspectAccess};

const ACTIVATE: &str = "ponte.agreement.v1.AgreementService/ActivateAgreement";
const REVOKE: &str = "ponte.agreement.v1.AgreementService/RevokeAgreement";

/// The administrator's side of the agreement service. Clones share the connection.
#[derive(Clone, Debug)]
pub struct AdminClient {
    connection: Connection,
}

/// By what act, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Number of the act, 1 to 240 characters.
    pub reference: String,
    /// The administrator's own id of the natural person, 1 to 64 characters.
    pub operator: String,
}

/// Whether an activation takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It does.
    Activate,
    /// Everything is checked and nothing changed.
    CheckOnly,
}

/// An activated agreement.
#[derive(Clone, Debug)]
pub struct Activated {
    /// The agreement.
    pub agreement: AgreementRecord,
    /// What deserves attention in it.
    pub findings: Vec<LintFinding>,
    /// Proof that it was entered in the log; nothing after [`Effect::CheckOnly`].
    pub receipt: Option<AccessProof>,
}

/// A revoked agreement.
#[derive(Clone, Debug)]
pub struct Revoked {
    /// The agreement.
    pub agreement: AgreementRecord,
    /// Proof that it was entered in the log.
    pub receipt: AccessProof,
}

/// Something about a document that deserves attention, though it is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintFinding {
    /// Code of the rule.
    pub rule: String,
    /// What was found, English.
    pub text: String,
    /// Where in the document, by the path of its keys.
    pub key: String,
}

impl AdminClient {
    /// A client over a connection with an administrator's certificate.
    pub fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Activates an agreement, or replaces the active one of the same id, whose hash must then be `replaces`.
    ///
    /// # Errors
    /// `AGREEMENT_INVALID` with the keys to correct; else see [`ClientError`]. It is never made twice: after a lost
    /// connection, [`Self::get`] tells whether it took effect.
    pub async fn activate(
        &self,
        document: &[u8],
        replaces: Option<Hash>,
        act: &Act,
        effect: Effect,
    ) -> Result<Activated, ClientError> {
        let Act { reference, operator } = act.clone();
        let message = proto::ActivateAgreementRequest {
            document: document.to_vec(),
            replaces: replaces.map(|hash| hash.as_bytes().to_vec()).unwrap_or_default(),
            reference,
            operator,
            validate_only: effect == Effect::CheckOnly,
        };
        let answer = self
            .connection
            .call(Repeat::Never, message, |channel, request| async move {
                Service::new(channel).activate_agreement(request).await
            })
            .await?;
        let proto::ActivateAgreementResponse {
            agreement,
            findings,
            receipt,
        } = answer;
        let agreement = AgreementRecord::read("agreement", agreement)?;
        let receipt = match effect {
            Effect::CheckOnly => None,
            Effect::Activate => {
                let expected = Expected::of_agreement(ACTIVATE, &agreement.id);
                Some(self.connection.receipts().of_answer(receipt, &expected)?)
            }
        };
        let findings = findings
            .into_iter()
            .map(|proto::LintFinding { rule, text, key }| LintFinding { rule, text, key })
            .collect();
        Ok(Activated {
            agreement,
            findings,
            receipt,
        })
    }

    /// Revokes an agreement: calls under it are refused from the next one on. `reason` holds no personal data.
    ///
    /// # Errors
    /// As [`Self::activate`].
    pub async fn revoke(&self, id: &AgreementId, reason: &str, act: &Act) -> Result<Revoked, ClientError> {
        let Act { reference, operator } = act.clone();
        let message = proto::RevokeAgreementRequest {
            id: id.to_string(),
            reason: reason.to_owned(),
            reference,
            operator,
        };
        let answer = self
            .connection
            .call(Repeat::Never, message, |channel, request| async move {
                Service::new(channel).revoke_agreement(request).await
            })
            .await?;
        let proto::RevokeAgreementResponse { agreement, receipt } = answer;
        let agreement = AgreementRecord::read("agreement", agreement)?;
        let receipt = self
            .connection
            .receipts()
            .of_answer(receipt, &Expected::of_agreement(REVOKE, &agreement.id))?;
        Ok(Revoked { agreement, receipt })
    }

    /// An agreement with its document.
    ///
    /// # Errors
    /// `RESOURCE_NOT_FOUND` when there is none of this id; else see [`ClientError`].
    pub async fn get(&self, id: &AgreementId) -> Result<AgreementRecord, ClientError> {
        let message = proto::GetAgreementRequest { id: id.to_string() };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).get_agreement(request).await
            })
            .await?;
        let proto::GetAgreementResponse { agreement } = answer;
        Ok(AgreementRecord::read("agreement", agreement)?)
    }

    /// A page of agreements in order of id, of one agency or of all, in one state or in any.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list(
        &self,
        agency: Option<&SpiffeId>,
        state: Option<AgreementState>,
        page: &PageRequest,
    ) -> Result<Page<AgreementRecord>, ClientError> {
        let message = proto::ListAgreementsRequest {
            page_size: page.wire_size(),
            page_token: page.wire_token(),
            agency: agency.map(ToString::to_string).unwrap_or_default(),
            state: state
                .map_or(proto::AgreementState::Unspecified, Into::into)
                .into(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).list_agreements(request).await
            })
            .await?;
        let proto::ListAgreementsResponse {
            agreements,
            next_page_token,
        } = answer;
        Ok(Page::new(
            each("agreements", agreements, TryInto::try_into)?,
            next_page_token,
        ))
    }

    /// Says how a call would be decided, clause by clause, without making it.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn explain(&self, call: &SupposedCall) -> Result<Explanation, ClientError> {
        let message = proto::ExplainDecisionRequest::from(call);
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).explain_decision(request).await
            })
            .await?;
        Ok(answer.try_into()?)
    }
}

impl AgreementRecord {
    fn read(field: &str, message: Option<proto::Agreement>) -> Result<Self, wire::convert::Invalid> {
        required(field, message)?
            .try_into()
            .map_err(|invalid: wire::convert::Invalid| invalid.within(field))
    }
}

impl<'a> Expected<'a> {
    fn of_agreement(method: &'static str, agreement: &'a str) -> Self {
        Self {
            method,
            request_id: None,
            agreement: Some(agreement),
            purpose: None,
        }
    }
}

#[cfg(test)]
mod tests;
