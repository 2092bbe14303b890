//! A municipality leaves: its node hands over what a registrar has signed.

use std::sync::Arc;

use agreement::reason::Reason;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use registry::statement::Stated;
use store::access_log::part_content::DetailPart;
use store::publisher::order::Order;
use store::record_store::RecordStore;
use tonic::{Request, Response, Status};
use wire::convert::{statement_from_wire, timestamp_from_unix_ms};
use wire::proto::publication::v1 as pb;
use wire::status::{Details, invalid_argument, status_for};

use super::Publication;
use crate::call::call_of;
use crate::entry::{told, usual_retention};
use crate::publication::held::carry_out;

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
        let signed = statement_from_wire(statement, &registrar, &signature)
            .map_err(|invalid| invalid_argument(&invalid))?;
        let known = self.shared.registrars.get(&signed.registrar);
        let known = known.filter(|grant| grant.municipalities.contains(&own.id));
        let verified = known.and_then(|grant| signed.verify_withdrawal(&grant.key).ok());
        let mut facts = vec![
            ("municipality".to_owned(), own.code.to_string()),
            ("registrar".to_owned(), registrar),
        ];
        if let Some(verified) = &verified {
            let act = Stated::Withdrawal(verified.withdrawal().clone()).act();
            facts.push(("act".to_owned(), act.to_owned()));
        }
        let refusal = verified.is_none().then_some(Reason::StatementNotSigned);
        let draft = move |reason: Option<Reason>| {
            let mut draft = call.draft(EntryKind::MunicipalityWithdrawn, usual_retention());
            if let Some(reason) = reason {
                draft.header.outcome = told(reason);
            }
            let details = facts.clone();
            draft
                .with(PartKind::AdministrativeDetail, &DetailPart { details })
                .map_err(|_| status_for(Reason::Internal, Details::none()))
        };
        // The entry comes first: what is destroyed is in the log, whatever happens to the rest of this call.
        let shared = Arc::clone(&self.shared);
        shared.enter(shared.reserve()?, draft(refusal)?).await?;
        let Some(statement) = verified else {
            return Err(status_for(Reason::StatementNotSigned, Details::none()));
        };
        let order = Order::Withdraw {
            municipality: own.id,
            statement,
        };
        if let Err(reason) = carry_out(&shared, order).await {
            shared.enter(shared.reserve()?, draft(Some(reason))?).await?;
            return Err(status_for(reason, Details::none()));
        }
        let state = shared.store.municipality(own.id);
        let withdrawn_ms = state.and_then(|state| state.withdrawn_ms);
        Ok(Response::new(pb::WithdrawMunicipalityResponse {
            withdraw_time: withdrawn_ms.map(timestamp_from_unix_ms),
        }))
    }
}
