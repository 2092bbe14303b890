//! Changes that wait for a registrar: the node lists them, and hands over what a registrar has signed about them.

use ledger::header::EntryKind;
use registry::statement::Statement;
use store::publisher::held::HeldChange;
use store::publisher::order::Order;
use store::record_store::RecordStore;
use tonic::{Request, Response, Status};
use wire::convert::timestamp_from_ms;
use wire::proto::publication::v1 as pb;

use super::Publication;
use super::statement::{HandedOver, Ordered};
use crate::call::call_of;
use crate::page::{PageToken, page_size};

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
        let handed = HandedOver {
            kind: EntryKind::HeldConfirmed,
            own,
            statement,
            registrar,
            signature,
        };
        let confirmed = self.hand_over(&call, handed, |signed, key| {
            let statement = signed.verify(key).ok()?;
            let Statement { act, changes, .. } = statement.stated();
            let facts = vec![
                ("act".to_owned(), act.word().to_owned()),
                ("changes".to_owned(), changes.to_string()),
            ];
            let order = Order::Confirm {
                municipality: own.id,
                statement,
            };
            Some(Ordered { order, facts })
        });
        let changes = confirmed.await?;
        Ok(Response::new(pb::ConfirmHeldChangesResponse { changes }))
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
