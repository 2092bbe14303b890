//! What an agreement does not grant is refused, named, and entered before it is told.

use agreement::context::AccessContext;
use agreement::field::{Field, FieldSet};
use agreement::peer::Role;
use agreement::reason::Reason;
use client::error::ClientError;
use client::receipt::ReceiptForm;
use ledger::header::EntryKind;
use support::agreements::{ASSOCIATION, Document, POLICE, PUBLIC_BODY};
use support::calls::{at, ground, lookup};
use support::people::{day, istat, mario};
use support::region::{Region, act};
use tonic::Code;
use wire::proto::consultation::v1 as proto;
use wire::proto::consultation::v1::consultation_service_client::ConsultationServiceClient;
use wire::status::failure_of;

async fn refusal(region: &Region, document: Document, context: AccessContext) -> ClientError {
    region
        .agency(document)
        .lookup_person(lookup(context, mario().tax_code()))
        .await
        .expect_err("a refusal")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_field_is_named_by_its_clause_and_the_denial_is_in_the_log() {
    let region = Region::populated().await;
    let channel = region.channel(Role::Agency, PUBLIC_BODY.agency).await;
    let id = region.agency(PUBLIC_BODY).new_request_id();
    let mut asked = lookup(ground(PUBLIC_BODY, "co-payment", id), mario().tax_code());
    asked.fields = FieldSet::of(&[Field::Surname, Field::Citizenships]);
    let message = proto::LookupPersonRequest::from(asked);
    let status = ConsultationServiceClient::new(channel)
        .lookup_person(message)
        .await
        .expect_err("a refusal");

    assert_eq!(status.code(), Code::PermissionDenied);
    let failure = failure_of(&status);
    assert_eq!(failure.reason.known(), Some(Reason::FieldsNotGranted));
    assert_eq!(failure.details.metadata("clause"), Some("fields"));
    let receipt = failure.details.receipt().expect("a denial has its entry").receipt;
    let entries = region.entries("garante").await;
    let entry = entries
        .iter()
        .find(|entry| entry.index == receipt.index())
        .expect("the entry is in the log");
    assert_eq!(entry.header.body.outcome.reason, Reason::FieldsNotGranted.name());
    assert_eq!(entry.header.body.kind, EntryKind::Access);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_missing_ground_is_refused_for_its_own_reason() {
    let region = Region::populated().await;
    let id = || region.agency(POLICE).new_request_id();
    let good = || ground(POLICE, "investigation", id());
    let cases = [
        (ground(PUBLIC_BODY, "co-payment", id()), Reason::AgreementUnknown),
        (ground(POLICE, "curiosity", id()), Reason::PurposeUnknown),
        (
            AccessContext {
                operator: None,
                ..good()
            },
            Reason::OperatorMissing,
        ),
        (
            AccessContext {
                workstation: None,
                ..good()
            },
            Reason::WorkstationMissing,
        ),
        (
            AccessContext {
                case_reference: None,
                ..good()
            },
            Reason::CaseReferenceMissing,
        ),
        (
            AccessContext {
                assurance: Some(agreement::context::Assurance::Low),
                ..good()
            },
            Reason::AssuranceTooLow,
        ),
        (
            AccessContext {
                urgency: agreement::context::Urgency::Emergency,
                ..good()
            },
            Reason::UrgencyNotGranted,
        ),
        (at(day("2099-01-01"), good()), Reason::ReferenceDateInFuture),
    ];
    for (context, expected) in cases {
        let refused = refusal(&region, POLICE, context).await;
        assert_eq!(refused.reason(), Some(expected), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trade_association_verifies_and_looks_up_nothing() {
    let region = Region::populated().await;
    let id = region.agency(ASSOCIATION).new_request_id();
    let refused = refusal(
        &region,
        ASSOCIATION,
        ground(ASSOCIATION, "declared-residence", id),
    )
    .await;
    assert_eq!(refused.reason(), Some(Reason::ServiceNotGranted));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_municipality_outside_the_territory_may_not_be_named() {
    let region = Region::populated().await;
    let body = region.agency(PUBLIC_BODY);
    let mut asked = lookup(
        ground(PUBLIC_BODY, "co-payment", body.new_request_id()),
        mario().tax_code(),
    );
    asked.municipality = Some(istat("037020"));
    let refused = body.lookup_person(asked).await.expect_err("a refusal");
    assert_eq!(refused.reason(), Some(Reason::OutsideTerritory));
}

#[tokio::test(flavor = "multi_thread")]
async fn history_before_what_the_agreement_grants_is_refused() {
    let region = Region::populated().await;
    let id = region.agency(PUBLIC_BODY).new_request_id();
    let context = at(day("2009-12-31"), ground(PUBLIC_BODY, "co-payment", id));
    assert_eq!(
        refusal(&region, PUBLIC_BODY, context).await.reason(),
        Some(Reason::HistoryTooDeep)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_agreement_is_refused_from_the_next_call_on_and_after_a_restart() {
    let mut region = Region::populated().await;
    let police = region.agency(POLICE);
    let context = || ground(POLICE, "investigation", police.new_request_id());
    police
        .lookup_person(lookup(context(), mario().tax_code()))
        .await
        .expect("it is active");

    let revoked = region
        .administrator()
        .revoke(&POLICE.agreement(), "the convention ended", &act())
        .await;
    revoked.expect("the administrator revokes");
    assert_eq!(
        refusal(&region, POLICE, context()).await.reason(),
        Some(Reason::AgreementRevoked)
    );

    region.stop_index().await;
    region.start_index().await;
    assert_eq!(
        refusal(&region, POLICE, context()).await.reason(),
        Some(Reason::AgreementRevoked)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_is_in_force_only_after_its_activation() {
    let mut region = Region::empty().await;
    region.publish("037032", &support::people::everybody()).await;
    let id = region.agency(POLICE).new_request_id();
    let refused = refusal(&region, POLICE, ground(POLICE, "investigation", id)).await;
    assert_eq!(refused.reason(), Some(Reason::AgreementUnknown));
    region.activate(POLICE).await;
    let police = region.agency(POLICE);
    let context = ground(POLICE, "investigation", police.new_request_id());
    police
        .lookup_person(lookup(context, mario().tax_code()))
        .await
        .expect("now it is active");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_is_described_in_no_more_than_the_agreement_of_the_caller() {
    let region = Region::populated().await;
    let police = region.agency(POLICE);
    let context = ground(ASSOCIATION, "declared-residence", police.new_request_id());
    let refused = police
        .describe_access(&context, None, ReceiptForm::Full)
        .await
        .expect_err("another's agreement");
    assert_eq!(refused.reason(), Some(Reason::AgreementUnknown));
}
