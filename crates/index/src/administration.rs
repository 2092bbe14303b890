//! `AgreementService`: agreements are activated, revoked, read and explained.
//!
//! Only administrators change anything. There are no signatures yet: whoever administers the index decides.

mod act;

use std::sync::Arc;

use agreement::agreements::{Agreements, AgreementsError};
use agreement::context::AgreementId;
use agreement::decision::{decide, explain};
use agreement::document::AgreementDocument;
use agreement::lint::lint;
use agreement::moment::Moment;
use agreement::peer::{Peer, Role, SpiffeId};
use agreement::reason::Reason;
use agreement::usage::{Unit, UsageKey};
use ledger::hash::Hash;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use store::access_log::part_content::OperatorPart;
use store::access_log::retention::Retention;
use store::record_store::RecordStore;
use tonic::{Request, Response, Status};
use wire::convert::{Document, Invalid, ReceiptChoice, Rule, SupposedCall, agreement_message};
use wire::proto::agreement::v1 as pb;
use wire::proto::agreement::v1::agreement_service_server::AgreementService;
use wire::proto::error::v1::ErrorReason;
use wire::status::{Details, invalid_argument, status_for};

use crate::agreement_book::REASON;
use crate::call::call_of;
use crate::entry::{Call, told_ok};
use crate::page::{PageToken, page_size};
use crate::shared::{Shared, detached};

pub(crate) use self::act::Act;

/// Months for which the document of an agreement is kept: as long as a retention term can be.
const DOCUMENT_MONTHS: u16 = 600;

const LIST: &str = "ponte.agreement.v1.AgreementService/ListAgreements";

/// The service.
#[derive(Debug)]
pub struct Administration<S> {
    shared: Arc<Shared<S>>,
}

/// An administrator's call: made only by [`administrator`].
pub(crate) struct Administrator<'a>(pub(crate) &'a Call);

impl<S> Administration<S> {
    /// The service over the index's state.
    pub fn new(shared: Arc<Shared<S>>) -> Self {
        Self { shared }
    }
}

pub(crate) fn administrator(call: &Call) -> Result<Administrator<'_>, Status> {
    if call.peer.id.role() == Role::Admin {
        Ok(Administrator(call))
    } else {
        Err(status_for(Reason::RoleNotAllowed, Details::none()))
    }
}

fn retention() -> Retention {
    Retention::months(DOCUMENT_MONTHS).expect("600 months lie within the range of retention terms")
}

pub(crate) fn text(field: &'static str, value: &str, most: usize) -> Result<String, Status> {
    let length = value.chars().count();
    if length == 0 || most < length {
        return Err(invalid_argument(&Invalid::new(
            field,
            Rule::Length { least: 1, most },
        )));
    }
    if value.chars().any(char::is_control) {
        return Err(invalid_argument(&Invalid::new(field, Rule::Character)));
    }
    Ok(value.to_owned())
}

fn state_error(error: AgreementsError) -> Status {
    let reason = match error {
        AgreementsError::Unknown => Reason::ResourceNotFound,
        AgreementsError::Revoked | AgreementsError::OtherAgency => Reason::AgreementState,
    };
    status_for(reason, Details::none().with_metadata("state", error.to_string()))
}

impl<S: RecordStore> Shared<S> {
    async fn activate(
        &self,
        call: Call,
        request: pb::ActivateAgreementRequest,
    ) -> Result<pb::ActivateAgreementResponse, Status> {
        let Administrator(call) = administrator(&call)?;
        let pb::ActivateAgreementRequest {
            document,
            replaces,
            reference,
            operator,
            validate_only,
        } = request;
        let reference = text("reference", &reference, 240)?;
        let operator = text("operator", &operator, 64)?;
        let agreement = AgreementDocument::parse(&document).map_err(|error| {
            status_for(
                Reason::AgreementInvalid,
                Details::none().with_metadata("rule", error.to_string()),
            )
        })?;
        let findings = lint(&agreement).iter().map(Into::into).collect();
        let order = self.agreements_change.lock().await;
        let now = self.clock.now();
        let mut next = Agreements::clone(&self.agreements.load());
        let current = next
            .get(&agreement.terms().id)
            .map(|entry| entry.agreement().hash().0.to_vec());
        if current.unwrap_or_default() != replaces {
            let details = Details::none()
                .with_metadata("state", "the active version is another than the one to replace");
            return Err(status_for(Reason::AgreementState, details));
        }
        next.activate(agreement.clone(), now).map_err(state_error)?;
        let activated = next
            .get(&agreement.terms().id)
            .map(|entry| agreement_message(entry, Document::Omitted));
        if validate_only {
            return Ok(pb::ActivateAgreementResponse {
                agreement: activated,
                findings,
                receipt: None,
            });
        }
        let slot = self.reserve()?;
        let mut draft = call.draft(EntryKind::AgreementActivated, retention());
        draft.header.agreement = Some(agreement.terms().id.as_str().to_owned());
        draft.header.agreement_version = Some(Hash::new(agreement.hash().0));
        let draft = draft
            .with_bytes(PartKind::AgreementBytes, document)
            .with(PartKind::Operator, &administrative(operator, reference))
            .map_err(|_| status_for(Reason::Internal, Details::none()))?;
        let committed = self.enter(slot, draft).await?;
        self.agreements.store(Arc::new(next));
        drop(order);
        self.look_at_profiles().await;
        let receipt = Some(self.receipt(&committed, ReceiptChoice::Full));
        Ok(pb::ActivateAgreementResponse {
            agreement: activated,
            findings,
            receipt,
        })
    }

    async fn revoke(
        &self,
        call: Call,
        request: pb::RevokeAgreementRequest,
    ) -> Result<pb::RevokeAgreementResponse, Status> {
        let administrator = administrator(&call)?;
        let pb::RevokeAgreementRequest {
            id,
            reason,
            reference,
            operator,
        } = request;
        let id =
            AgreementId::parse(&id).map_err(|_| invalid_argument(&Invalid::new("id", Rule::Character)))?;
        let reason = text("reason", &reason, 240)?;
        let details = vec![(REASON.to_owned(), reason.clone())];
        let act =
            Act::new(EntryKind::AgreementRevoked, details, &reference, &operator)?.kept_for(retention());
        let order = self.agreements_change.lock().await;
        let mut next = Agreements::clone(&self.agreements.load());
        next.revoke(&id, self.clock.now(), &reason).map_err(state_error)?;
        let slot = self.reserve()?;
        let mut draft = act.draft(&administrator, told_ok())?;
        draft.header.agreement = Some(id.as_str().to_owned());
        draft.header.agreement_version = next.get(&id).map(|entry| Hash::new(entry.agreement().hash().0));
        let committed = self.enter(slot, draft).await?;
        let revoked = next
            .get(&id)
            .map(|entry| agreement_message(entry, Document::Omitted));
        self.agreements.store(Arc::new(next));
        drop(order);
        self.look_at_profiles().await;
        let receipt = Some(self.receipt(&committed, ReceiptChoice::Full));
        Ok(pb::RevokeAgreementResponse {
            agreement: revoked,
            receipt,
        })
    }

    fn explain(
        &self,
        call: &Call,
        request: pb::ExplainDecisionRequest,
    ) -> Result<pb::ExplainDecisionResponse, Status> {
        let SupposedCall {
            peer,
            address,
            certificate,
            request,
            time,
        } = SupposedCall::try_from(request).map_err(|invalid| invalid_argument(&invalid))?;
        let supposed = Peer {
            id: peer.unwrap_or_else(|| call.peer.id.clone()),
            address: address.unwrap_or(call.peer.address),
            certificate: certificate.unwrap_or(call.peer.certificate),
        };
        if call.peer.id.role() != Role::Admin && supposed.id != call.peer.id {
            return Err(status_for(Reason::OutsideScope, Details::none()));
        }
        let moment = time.map_or_else(|| self.moment(), Moment::new);
        let key = UsageKey {
            agency: supposed.id.clone(),
            agreement: request.context.agreement.clone(),
            purpose: request.context.purpose.clone(),
            operator: request.context.operator.clone(),
            unit: Unit::of(&request),
        };
        let usage = self.with_usage(|counters| counters.peek(&key, moment));
        let agreements = self.agreements.load_full();
        let clauses = explain(&agreements, &supposed, &request, &usage, moment);
        let decided = decide(&agreements, &supposed, &request, &usage, moment);
        let (fields, reason) = match &decided {
            Ok(permit) => (
                permit.fields().names().map(str::to_owned).collect(),
                ErrorReason::Unspecified,
            ),
            Err(denial) => (Vec::new(), error_reason(denial.reason())),
        };
        Ok(pb::ExplainDecisionResponse {
            permitted: decided.is_ok(),
            reason: reason.into(),
            clauses: clauses.iter().map(Into::into).collect(),
            fields,
        })
    }
}

/// The reason as the error area names it; a test of the contract holds that every reason is there.
pub(crate) fn error_reason(reason: Reason) -> ErrorReason {
    ErrorReason::from_str_name(&format!("ERROR_REASON_{}", reason.name())).unwrap_or(ErrorReason::Unspecified)
}

pub(crate) fn administrative(operator: String, reference: String) -> OperatorPart {
    OperatorPart {
        operator,
        case_reference: Some(reference),
        ..OperatorPart::default()
    }
}

#[tonic::async_trait]
impl<S: RecordStore> AgreementService for Administration<S> {
    async fn activate_agreement(
        &self,
        request: Request<pb::ActivateAgreementRequest>,
    ) -> Result<Response<pb::ActivateAgreementResponse>, Status> {
        let call = call_of(&request, "ponte.agreement.v1.AgreementService/ActivateAgreement")?;
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            shared
                .activate(call, request.into_inner())
                .await
                .map(Response::new)
        })
        .await
    }

    async fn revoke_agreement(
        &self,
        request: Request<pb::RevokeAgreementRequest>,
    ) -> Result<Response<pb::RevokeAgreementResponse>, Status> {
        let call = call_of(&request, "ponte.agreement.v1.AgreementService/RevokeAgreement")?;
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            shared.revoke(call, request.into_inner()).await.map(Response::new)
        })
        .await
    }

    async fn get_agreement(
        &self,
        request: Request<pb::GetAgreementRequest>,
    ) -> Result<Response<pb::GetAgreementResponse>, Status> {
        let call = call_of(&request, "ponte.agreement.v1.AgreementService/GetAgreement")?;
        let pb::GetAgreementRequest { id } = request.into_inner();
        let id =
            AgreementId::parse(&id).map_err(|_| invalid_argument(&Invalid::new("id", Rule::Character)))?;
        let agreements = self.shared.agreements.load_full();
        let own = |agency: &SpiffeId| call.peer.id.role() == Role::Admin || *agency == call.peer.id;
        let entry = agreements
            .get(&id)
            .filter(|entry| own(&entry.agreement().terms().agency));
        let entry = entry.ok_or_else(|| status_for(Reason::ResourceNotFound, Details::none()))?;
        let agreement = Some(agreement_message(entry, Document::Included));
        Ok(Response::new(pb::GetAgreementResponse { agreement }))
    }

    async fn list_agreements(
        &self,
        request: Request<pb::ListAgreementsRequest>,
    ) -> Result<Response<pb::ListAgreementsResponse>, Status> {
        let call = call_of(&request, LIST)?;
        let pb::ListAgreementsRequest {
            page_size: size,
            page_token,
            agency,
            state,
        } = request.into_inner();
        let limit = page_size(size)?;
        let state = pb::AgreementState::try_from(state)
            .map_err(|_| invalid_argument(&Invalid::new("state", Rule::Value)))?;
        let scope = format!("{LIST}|{}|{agency}|{}", call.peer.id, i32::from(state));
        let token = PageToken::open(&self.shared.page_key, &scope, &page_token)?;
        let from = usize::try_from(token.map_or(0, |token| token.position)).unwrap_or(usize::MAX);
        let agreements = self.shared.agreements.load_full();
        let admin = call.peer.id.role() == Role::Admin;
        let listed: Vec<pb::Agreement> = agreements
            .iter()
            .filter(|entry| admin || entry.agreement().terms().agency == call.peer.id)
            .map(|entry| agreement_message(entry, Document::Omitted))
            .filter(|found| agency.is_empty() || found.agency == agency)
            .filter(|found| state == pb::AgreementState::Unspecified || found.state() == state)
            .collect();
        let page: Vec<pb::Agreement> = listed.iter().skip(from).take(limit).cloned().collect();
        let next = from.saturating_add(page.len());
        let more = next < listed.len();
        let token = PageToken {
            position: next as u64,
            end: 0,
        };
        let next_page_token = if more {
            token.seal(&self.shared.page_key, &scope)
        } else {
            String::new()
        };
        Ok(Response::new(pb::ListAgreementsResponse {
            agreements: page,
            next_page_token,
        }))
    }

    async fn explain_decision(
        &self,
        request: Request<pb::ExplainDecisionRequest>,
    ) -> Result<Response<pb::ExplainDecisionResponse>, Status> {
        let call = call_of(&request, "ponte.agreement.v1.AgreementService/ExplainDecision")?;
        self.shared
            .explain(&call, request.into_inner())
            .map(Response::new)
    }
}
