//! A municipality leaves: its node hands over what a registrar has signed.

use ledger::header::EntryKind;
use registry::statement::Stated;
use store::publisher::order::Order;
use store::record_store::RecordStore;
use tonic::{Request, Response, Status};
use wire::convert::timestamp_from_unix_ms;
use wire::proto::publication::v1 as pb;

use super::Publication;
use super::statement::{HandedOver, Ordered};
use crate::call::call_of;

const WITHDRAW: &str = "ponte.publication.v1.PublicationService/WithdrawMunicipality";

impl<S: RecordStore> Publication<S> {
    pub(super) async fn withdraw(
        &self,
        request: Request<pb::WithdrawMunicipalityRequest>,
    ) -> Result<Response<pb::WithdrawMunicipalityResponse>, Status> {
        let call = call_of(&request, WITHDRAW)?;
        let pb::WithdrawMunicipalityRequest {
            municipality,
            statement,
            registrar,
            signature,
        } = request.into_inner();
        let own = self.granted(&call, "municipality", &municipality)?;
        let handed = HandedOver {
            kind: EntryKind::MunicipalityWithdrawn,
            own,
            statement,
            registrar,
            signature,
        };
        let withdrawn = self.hand_over(&call, handed, |signed, key| {
            let statement = signed.verify_withdrawal(key).ok()?;
            let act = Stated::Withdrawal(statement.stated().clone()).act();
            let facts = vec![("act".to_owned(), act.to_owned())];
            let order = Order::Withdraw {
                municipality: own.id,
                statement,
            };
            Some(Ordered { order, facts })
        });
        withdrawn.await?;
        let state = self.shared.store.municipality(own.id);
        let withdrawn = state.and_then(|state| state.withdrawn);
        // An index restored from before does not know any more when that was; it has just been said again.
        let withdrawn_ms = withdrawn.map(|by| by.at_ms().unwrap_or_else(|| self.shared.clock.now_ms()));
        Ok(Response::new(pb::WithdrawMunicipalityResponse {
            withdraw_time: withdrawn_ms.map(timestamp_from_unix_ms),
        }))
    }
}
