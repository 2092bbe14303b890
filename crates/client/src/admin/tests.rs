//! The administrator's client against an index that is not available.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ::agreement::reason::Reason;
use tonic::{Request, Response, Status};
use transport::clock::ManualClock;
use transport::random::danger::SeededRandom;
use wire::proto::agreement::v1::agreement_service_server::{AgreementService, AgreementServiceServer};
use wire::status::{Details, status_for};

use crate::backoff::Backoff;
use crate::connection::Timing;
use crate::fixture::serve;
use crate::receipt::ReceiptPolicy;

use super::*;

/// Counts the calls, and answers none.
#[derive(Clone, Default)]
struct Unavailable {
    calls: Arc<AtomicU32>,
}

impl Unavailable {
    fn refuse<T>(&self) -> Result<Response<T>, Status> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Err(status_for(Reason::LogUnavailable, Details::none()))
    }
}

#[tonic::async_trait]
impl AgreementService for Unavailable {
    async fn activate_agreement(
        &self,
        _: Request<proto::ActivateAgreementRequest>,
    ) -> Result<Response<proto::ActivateAgreementResponse>, Status> {
        self.refuse()
    }

    async fn revoke_agreement(
        &self,
        _: Request<proto::RevokeAgreementRequest>,
    ) -> Result<Response<proto::RevokeAgreementResponse>, Status> {
        self.refuse()
    }

    async fn get_agreement(
        &self,
        _: Request<proto::GetAgreementRequest>,
    ) -> Result<Response<proto::GetAgreementResponse>, Status> {
        self.refuse()
    }

    async fn list_agreements(
        &self,
        _: Request<proto::ListAgreementsRequest>,
    ) -> Result<Response<proto::ListAgreementsResponse>, Status> {
        self.refuse()
    }

    async fn explain_decision(
        &self,
        _: Request<proto::ExplainDecisionRequest>,
    ) -> Result<Response<proto::ExplainDecisionResponse>, Status> {
        self.refuse()
    }
}

#[tokio::test]
async fn what_may_have_taken_effect_is_not_tried_again_and_what_changes_nothing_is() {
    let index = Unavailable::default();
    let channel = serve!(AgreementServiceServer::new(index.clone()));
    let wait = Duration::from_millis(1);
    let timing = Timing {
        deadline: Duration::from_secs(60),
        attempts: 3,
        backoff: Backoff {
            first: wait,
            longest: wait,
        },
    };
    let clock = Arc::new(ManualClock::at_ms(1_736_500_000_000));
    let random = Arc::new(SeededRandom::new(1));
    let connection = Connection::over(channel, ReceiptPolicy::Keep, timing, clock, random);
    let client = AdminClient::new(connection);
    let act = Act {
        reference: "DET 1/2025".to_owned(),
        operator: "g.verdi".to_owned(),
    };
    let id = AgreementId::parse("conv-1").unwrap();

    let activated = client.activate(b"format = 1", None, &act, Effect::Activate).await;
    assert_eq!(activated.unwrap_err().reason(), Some(Reason::LogUnavailable));
    assert_eq!(index.calls.swap(0, Ordering::SeqCst), 1);
    let revoked = client.revoke(&id, "the agency withdrew", &act).await;
    assert_eq!(revoked.unwrap_err().reason(), Some(Reason::LogUnavailable));
    assert_eq!(index.calls.swap(0, Ordering::SeqCst), 1);
    let got = client.get(&id).await;
    assert_eq!(got.unwrap_err().reason(), Some(Reason::LogUnavailable));
    assert_eq!(index.calls.swap(0, Ordering::SeqCst), 3);
}
