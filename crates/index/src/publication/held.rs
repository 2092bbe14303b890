//! Changes that wait for a registrar: the node lists them, and hands over what a registrar has signed about them.

use agreement::reason::Reason;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use store::access_log::part_content::DetailPart;
use store::publisher::held::HeldChange;
use store::publisher::order::{Order, OrderError};
use store::record_store::RecordStore;
use tonic::{Request, Response, Status};
use wire::convert::{statement_from_wire, timestamp_from_ms};
use wire::proto::publication::v1 as pb;
use wire::status::{Details, invalid_argument, status_for};

use super::Publication;
use crate::call::call_of;
use crate::entry::{told, usual_retention};
use crate::page::{PageToken, page_size};
use crate::shared::{Shared, detached};

const LIST: &str = "ponte.publication.v1.PublicationService/ListHeldChanges";
const CONFIRM: &str = "ponte.publication.v1.PublicationService/ConfirmHeldChanges";

impl<S: RecordStore> Publication<S> {
    pub(super) async fn list_held(
        &self,
        request: Request<pb::ListHeldChangesRequest>,
    ) -> Result<Response<pb::ListHeldChangesResponse>, Status> {
        let call = call_of(&request, LIST)?;
        let pb::ListHeldChangesRequest {
            municipality,
            page_size: size,
            page_token,
        } = request.into_inner();
        let own = self.own(&call, "municipality", &municipality)?;
        let limit = page_size(size)?;
        let scope = format!("{LIST}|{}", own.code);
        let key = &self.shared.page_key;
        let from = PageToken::open(key, &scope, &page_token)?.map_or(0, |token| token.position);
        // The list names cards and why they wait: whoever reads it leaves an entry.
        let facts = vec![("act".to_owned(), "list-held".to_owned())];
        self.enter(&call, Some(own), facts, None).await?;
        let state = self.shared.store.municipality(own.id);
        let holdings = state.map(|state| state.holdings).unwrap_or_default();
        let held = holdings.held();
        let rest = held.iter().filter(|change| from <= change.commit_sequence.0);
        let page: Vec<pb::HeldChange> = rest.clone().take(limit).map(|change| to_wire(change)).collect();
        let next = rest.clone().nth(limit).map(|change| {
            PageToken {
                position: change.commit_sequence.0,
                end: 0,
            }
            .seal(key, &scope)
        });
        Ok(Response::new(pb::ListHeldChangesResponse {
            held_changes: page,
            next_page_token: next.unwrap_or_default(),
            total_size: u32::try_from(held.len()).unwrap_or(u32::MAX),
            digest: holdings.digest().to_vec(),
            epoch: self.shared.store.epoch(own.id).0.to_vec(),
        }))
    }

    pub(super) async fn confirm_held(
        &self,
        request: Request<pb::ConfirmHeldChangesRequest>,
    ) -> Result<Response<pb::ConfirmHeldChangesResponse>, Status> {
        let call = call_of(&request, CONFIRM)?;
        let pb::ConfirmHeldChangesRequest {
            municipality,
            statement,
            registrar,
            signature,
        } = request.into_inner();
        let own = self.own(&call, "municipality", &municipality)?;
        let signed = statement_from_wire(statement, &registrar, &signature)
            .map_err(|invalid| invalid_argument(&invalid))?;
        let known = self.shared.registrars.get(&signed.registrar);
        let known = known.filter(|grant| grant.municipalities.contains(&own.id));
        let verified = known.and_then(|grant| signed.verify(&grant.key).ok());
        let mut facts = vec![
            ("municipality".to_owned(), own.code.to_string()),
            ("registrar".to_owned(), registrar),
        ];
        if let Some(verified) = &verified {
            let statement = verified.statement();
            facts.push(("act".to_owned(), statement.act.word().to_owned()));
            facts.push(("changes".to_owned(), statement.changes.to_string()));
        }
        let refusal = verified.is_none().then_some(Reason::StatementNotSigned);
        let shared = &self.shared;
        let draft = |reason: Option<Reason>| {
            let mut draft = call.draft(EntryKind::HeldConfirmed, usual_retention());
            if let Some(reason) = reason {
                draft.header.outcome = told(reason);
            }
            let details = facts.clone();
            draft
                .with(PartKind::AdministrativeDetail, &DetailPart { details })
                .map_err(|_| status_for(Reason::Internal, Details::none()))
        };
        // The act is entered before it is done; one that fails is entered again with its reason.
        shared.enter(shared.reserve()?, draft(refusal)?).await?;
        let Some(statement) = verified else {
            return Err(status_for(Reason::StatementNotSigned, Details::none()));
        };
        let order = Order::Confirm {
            municipality: own.id,
            statement,
        };
        match carry_out(shared, order).await {
            Ok(changes) => Ok(Response::new(pb::ConfirmHeldChangesResponse { changes })),
            Err(reason) => {
                shared.enter(shared.reserve()?, draft(Some(reason))?).await?;
                Err(status_for(reason, Details::none()))
            }
        }
    }
}

/// Carries out an order, even when the caller goes away; tells how many cards it concerned.
pub(super) async fn carry_out<S: RecordStore>(
    shared: &std::sync::Arc<Shared<S>>,
    order: Order,
) -> Result<u32, Reason> {
    let now_ms = shared.clock.now_ms();
    let working = std::sync::Arc::clone(shared);
    let done = detached(&shared.tasks, async move {
        Ok(working.store.order(order, now_ms).await)
    })
    .await;
    match done {
        Ok(Ok(done)) => Ok(u32::try_from(done.persons.len()).unwrap_or(u32::MAX)),
        Ok(Err(error)) => Err(reason_of(&error)),
        Err(_) => Err(Reason::Internal),
    }
}

/// What the caller is told.
pub(crate) fn reason_of(error: &OrderError) -> Reason {
    match error {
        OrderError::UnknownMunicipality | OrderError::Nothing => Reason::ResourceNotFound,
        OrderError::OtherHoldings => Reason::HoldingsChanged,
        OrderError::OtherEpoch => Reason::IndexRestored,
        OrderError::Withdrawn => Reason::MunicipalityWithdrawn,
        OrderError::Interval => Reason::InvalidArgument,
        OrderError::Publish(_) => Reason::Unavailable,
    }
}

fn to_wire(change: &HeldChange) -> pb::HeldChange {
    let HeldChange {
        commit_sequence,
        sequence,
        local_id,
        reason,
        at_ms,
        content,
        ..
    } = change;
    pb::HeldChange {
        commit_sequence: commit_sequence.0,
        sequence: *sequence,
        local_id: local_id.to_string(),
        reason: pb::HoldReason::from(*reason).into(),
        hold_time: Some(timestamp_from_ms(i64::try_from(*at_ms).unwrap_or(i64::MAX))),
        content: content.to_vec(),
    }
}
