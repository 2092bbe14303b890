//! What a registrar has signed and a node hands over: checked, entered, and then carried out.

use std::sync::Arc;

use agreement::reason::Reason;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use registry::signing::VerifyingKey;
use registry::statement::SignedStatement;
use store::access_log::draft::EntryDraft;
use store::access_log::part_content::DetailPart;
use store::publisher::order::{Order, OrderError};
use store::record_store::RecordStore;
use tonic::Status;
use wire::convert::statement_from_wire;
use wire::status::{Details, invalid_argument, status_for};

use super::{OwnMunicipality, Publication};
use crate::entry::{Call, told, usual_retention};
use crate::shared::{Shared, detached};

/// A statement as it came, about a municipality of the calling node.
pub(super) struct HandedOver {
    pub(super) kind: EntryKind,
    pub(super) own: OwnMunicipality,
    pub(super) statement: String,
    pub(super) registrar: String,
    pub(super) signature: Vec<u8>,
}

/// What a statement orders once the registrar's key is known, with what its entry says of it.
pub(super) struct Ordered {
    pub(super) order: Order,
    pub(super) facts: Vec<(String, String)>,
}

impl<S: RecordStore> Publication<S> {
    /// Carries out what a registrar of the municipality has signed, and tells how many cards it concerned. `read` makes
    /// an order of the statement; `None` where the key did not sign it. The act is entered before it is done; one that
    /// fails is entered again with its reason.
    pub(super) async fn hand_over(
        &self,
        call: &Call,
        handed: HandedOver,
        read: impl FnOnce(SignedStatement, &VerifyingKey) -> Option<Ordered>,
    ) -> Result<u32, Status> {
        let HandedOver {
            kind,
            own,
            statement,
            registrar,
            signature,
        } = handed;
        let signed = statement_from_wire(statement, &registrar, &signature)
            .map_err(|invalid| invalid_argument(&invalid))?;
        let known = self.shared.registrars.get(&signed.registrar);
        let known = known.filter(|grant| grant.municipalities.contains(&own.id));
        let ordered = known.and_then(|grant| read(signed, &grant.key));
        let mut details = vec![
            ("municipality".to_owned(), own.code.to_string()),
            ("registrar".to_owned(), registrar),
        ];
        let order = ordered.map(|Ordered { order, facts }| {
            details.extend(facts);
            order
        });
        let entry = |reason: Option<Reason>| -> Result<EntryDraft, Status> {
            let mut draft = call.draft(kind, usual_retention());
            if let Some(reason) = reason {
                draft.header.outcome = told(reason);
            }
            let details = details.clone();
            draft
                .with(PartKind::AdministrativeDetail, &DetailPart { details })
                .map_err(|_| status_for(Reason::Internal, Details::none()))
        };
        let shared = &self.shared;
        let refusal = order.is_none().then_some(Reason::StatementNotSigned);
        shared.enter(shared.reserve()?, entry(refusal)?).await?;
        let Some(order) = order else {
            return Err(status_for(Reason::StatementNotSigned, Details::none()));
        };
        match carry_out(shared, order).await {
            Ok(cards) => Ok(cards),
            Err(reason) => {
                shared.enter(shared.reserve()?, entry(Some(reason))?).await?;
                Err(status_for(reason, Details::none()))
            }
        }
    }
}

/// Carries out an order, even when the caller goes away; tells how many cards it concerned.
async fn carry_out<S: RecordStore>(shared: &Arc<Shared<S>>, order: Order) -> Result<u32, Reason> {
    let now_ms = shared.clock.now_ms();
    let working = Arc::clone(shared);
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
