//! The agency's client against a server that answers one person and signs its own log.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agreement::batch::Approval;
use agreement::claim::{AddressClaim, Claim};
use agreement::clause::Clause;
use agreement::context::{AgreementId, CaseReference, OperatorId, PurposeId, Urgency};
use agreement::denial::{Denial, QuotaScope, Requirement};
use agreement::field::{Field, FieldSet};
use agreement::reason::Reason;
use agreement::request::DeclaredPerson;
use chrono::{TimeZone as _, Utc};
use ledger::checkpoint::LogSigner;
use ledger::hash::Hash;
use ledger::header::{EntryKind, Header, HeaderBody, RequestId};
use ledger::name::Origin;
use registry::identifier::{IstatCode, NationalId};
use tonic::{Request, Response, Status};
use transport::clock::ManualClock;
use transport::random::danger::SeededRandom;
use uuid::Uuid;
use wire::convert::full_receipt;
use wire::proto::consultation::v1::consultation_service_server::{
    ConsultationService, ConsultationServiceServer,
};
use wire::proto::r#type::v1::PartialDate;
use wire::status::{Details, status_for};

use crate::backoff::Backoff;
use crate::connection::Timing;
use crate::error::RefusedBy;
use crate::fixture::serve;
use crate::receipt::ReceiptPolicy;

use super::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
    Answers,
    /// Refuses so many calls first.
    Unavailable(u32),
    Refuses(Reason),
    /// Says that a quota of this scope is used up for a minute.
    UsedUp(Clause, QuotaScope),
    /// Says that it has too much to do, so often.
    Busy(u32),
    /// Answers as an index of tests does.
    Synthetic,
    /// Answers with the receipt of another call.
    ReceiptOfAnother,
    Silent,
}

#[derive(Clone)]
struct FakeIndex {
    behaviour: Arc<Mutex<Behaviour>>,
    request_ids: Arc<Mutex<Vec<String>>>,
}

fn signer() -> LogSigner {
    LogSigner::from_seed(Origin::new("log.ponte.example/1").unwrap(), &[1; 32]).unwrap()
}

async fn client(behaviour: Behaviour) -> (AgencyClient, FakeIndex) {
    let (client, index, _) = client_with_clock(behaviour).await;
    (client, index)
}

async fn client_with_clock(behaviour: Behaviour) -> (AgencyClient, FakeIndex, Arc<ManualClock>) {
    let index = FakeIndex {
        behaviour: Arc::new(Mutex::new(behaviour)),
        request_ids: Arc::default(),
    };
    let channel = serve!(ConsultationServiceServer::new(index.clone()));
    let backoff = Backoff {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(1),
    };
    let deadline = if behaviour == Behaviour::Silent {
        50
    } else {
        60_000
    };
    let timing = Timing {
        deadline: Duration::from_millis(deadline),
        attempts: 3,
        backoff,
    };
    let receipts = ReceiptPolicy::Verify(signer().verifier());
    let clock = Arc::new(ManualClock::at_ms(1_736_500_000_000));
    let random = Arc::new(SeededRandom::new(1));
    let connection = Connection::over(channel, receipts, timing, clock.clone(), random);
    (AgencyClient::new(connection), index, clock)
}

fn request(client: &AgencyClient) -> LookupPerson {
    LookupPerson {
        context: AccessContext {
            agreement: AgreementId::parse("conv-1").unwrap(),
            purpose: PurposeId::parse("indagini").unwrap(),
            operator: Some(OperatorId::parse("m.bianchi").unwrap()),
            assurance: None,
            workstation: None,
            case_reference: None,
            consent_reference: None,
            reference_date: None,
            known_on: None,
            request_id: client.new_request_id(),
            statement_version: None,
            urgency: Urgency::Ordinary,
            min_fresh_since: None,
        },
        key: PersonKey::NationalId(NationalId::parse("AF41450AS").unwrap()),
        municipality: None,
        fields: FieldSet::of(&[Field::Surname, Field::NationalId]),
        receipt: ReceiptForm::Full,
    }
}

fn receipt_of(
    context: &proto::AccessContext,
    request_id: [u8; 16],
) -> wire::proto::ledger::v1::AccessReceipt {
    let mut body = HeaderBody::new(EntryKind::Access, Hash::EMPTY_TREE);
    body.service = Some(LOOKUP_PERSON.to_owned());
    body.agreement = Some(context.agreement.clone());
    body.purpose = Some(context.purpose.clone());
    body.request_id = Some(RequestId(request_id));
    let header = Header {
        origin: signer().origin().clone(),
        time_ms: 1_736_500_000_000,
        body,
    }
    .encode()
    .unwrap();
    let checkpoint = signer().sign(1, header.leaf_hash()).to_text();
    let receipt = Receipt {
        header: header.into_bytes(),
        index: 0,
        path: Vec::new(),
        checkpoint,
    };
    full_receipt(signer().origin(), receipt).into()
}

impl FakeIndex {
    /// Why a call is refused now, when it is.
    fn refusal(&self, context: &proto::AccessContext) -> Option<Status> {
        let mut behaviour = self.behaviour.lock().unwrap();
        match *behaviour {
            Behaviour::Unavailable(left) if 0 < left => {
                *behaviour = Behaviour::Unavailable(left - 1);
                Some(status_for(Reason::LogUnavailable, Details::none()))
            }
            Behaviour::Busy(left) if 0 < left => {
                *behaviour = Behaviour::Busy(left - 1);
                let details = Details::none().with_retry_after(Duration::from_millis(1));
                Some(status_for(Reason::Busy, details))
            }
            Behaviour::Refuses(reason) => Some(status_for(reason, Details::none())),
            Behaviour::UsedUp(clause, scope) => {
                let now = Utc.timestamp_opt(1_736_500_000, 0).unwrap();
                let denial = Denial {
                    agreement: AgreementId::parse(&context.agreement).unwrap(),
                    purpose: PurposeId::parse(&context.purpose).unwrap(),
                    clause,
                    requirement: Requirement::Quota {
                        scope,
                        limit: 1,
                        resets_at: now + chrono::Duration::minutes(1),
                    },
                };
                Some(status_for(denial.reason(), Details::of_denial(&denial, now)))
            }
            Behaviour::Unavailable(_)
            | Behaviour::Busy(_)
            | Behaviour::Answers
            | Behaviour::Synthetic
            | Behaviour::ReceiptOfAnother
            | Behaviour::Silent => None,
        }
    }
}

#[tonic::async_trait]
impl ConsultationService for FakeIndex {
    type BatchLookupPersonsStream = tokio_stream::Empty<Result<proto::BatchLookupPersonsResponse, Status>>;
    type BatchVerifyStream = tokio_stream::Empty<Result<proto::BatchVerifyResponse, Status>>;

    async fn batch_lookup_persons(
        &self,
        request: Request<tonic::Streaming<proto::BatchLookupPersonsRequest>>,
    ) -> Result<Response<Self::BatchLookupPersonsStream>, Status> {
        use proto::batch_lookup_persons_request::Part;
        let opening = request.into_inner().message().await?;
        let Some(Part::Opening(opening)) = opening.and_then(|message| message.part) else {
            panic!("a list has an opening")
        };
        let context = opening.context.unwrap();
        self.request_ids.lock().unwrap().push(context.request_id.clone());
        match self.refusal(&context) {
            Some(status) => Err(status),
            None => Ok(Response::new(tokio_stream::empty())),
        }
    }

    async fn batch_verify(
        &self,
        _: Request<tonic::Streaming<proto::BatchVerifyRequest>>,
    ) -> Result<Response<Self::BatchVerifyStream>, Status> {
        Err(status_for(Reason::UnknownMethod, Details::none()))
    }

    async fn lookup_person(
        &self,
        request: Request<proto::LookupPersonRequest>,
    ) -> Result<Response<proto::LookupPersonResponse>, Status> {
        assert!(
            request.metadata().contains_key("grpc-timeout"),
            "every call has a deadline"
        );
        let message = request.into_inner();
        let context = message.context.unwrap();
        self.request_ids.lock().unwrap().push(context.request_id.clone());
        let mut request_id = Uuid::parse_str(&context.request_id).unwrap().into_bytes();
        let behaviour = *self.behaviour.lock().unwrap();
        match behaviour {
            Behaviour::ReceiptOfAnother => request_id[0] ^= 1,
            Behaviour::Silent => std::future::pending().await,
            Behaviour::Answers
            | Behaviour::Synthetic
            | Behaviour::Unavailable(_)
            | Behaviour::Refuses(_)
            | Behaviour::UsedUp(..)
            | Behaviour::Busy(_) => {}
        }
        if let Some(status) = self.refusal(&context) {
            return Err(status);
        }
        let today = PartialDate {
            year: 2025,
            month: 1,
            day: 10,
        };
        let paths = message.read_mask.unwrap().paths;
        let age = prost_types::Duration {
            seconds: 60,
            nanos: 0,
        };
        let mut answer = Response::new(proto::LookupPersonResponse {
            persons: vec![proto::Person {
                name: "persons/abc".to_owned(),
                fields: paths,
                surname: "Rossi".to_owned(),
                national_id: "AF41450AS".to_owned(),
                ..proto::Person::default()
            }],
            no_history_before: None,
            freshness: Some(proto::Freshness {
                freshness: Some(proto::freshness::Freshness::Oldest(age)),
                demand: 0,
            }),
            reference_date: Some(today),
            today: Some(today),
            receipt: Some(receipt_of(&context, request_id)),
        });
        if behaviour == Behaviour::Synthetic {
            let marked = transport::gate::SYNTHETIC.parse().unwrap();
            answer.metadata_mut().insert(transport::gate::DATA_HEADER, marked);
        }
        Ok(answer)
    }

    async fn lookup_household(
        &self,
        _: Request<proto::LookupHouseholdRequest>,
    ) -> Result<Response<proto::LookupHouseholdResponse>, Status> {
        Err(status_for(Reason::UnknownMethod, Details::none()))
    }

    async fn lookup_address_residents(
        &self,
        _: Request<proto::LookupAddressResidentsRequest>,
    ) -> Result<Response<proto::LookupAddressResidentsResponse>, Status> {
        Err(status_for(Reason::UnknownMethod, Details::none()))
    }

    async fn search_persons(
        &self,
        _: Request<proto::SearchPersonsRequest>,
    ) -> Result<Response<proto::SearchPersonsResponse>, Status> {
        Err(status_for(Reason::UnknownMethod, Details::none()))
    }

    async fn verify_declaration(
        &self,
        _: Request<proto::VerifyDeclarationRequest>,
    ) -> Result<Response<proto::VerifyDeclarationResponse>, Status> {
        Err(status_for(Reason::UnknownMethod, Details::none()))
    }

    async fn describe_access(
        &self,
        _: Request<proto::DescribeAccessRequest>,
    ) -> Result<Response<proto::DescribeAccessResponse>, Status> {
        Err(status_for(Reason::UnknownMethod, Details::none()))
    }

    async fn get_receipt(
        &self,
        _: Request<proto::GetReceiptRequest>,
    ) -> Result<Response<proto::GetReceiptResponse>, Status> {
        Err(status_for(Reason::UnknownMethod, Details::none()))
    }
}

#[tokio::test]
async fn an_answer_is_handed_out_with_the_proof_of_its_access() {
    let (client, _) = client(Behaviour::Answers).await;
    let answer = client.lookup_person(request(&client)).await.unwrap();
    let [person] = answer.persons.as_slice() else {
        panic!("one card")
    };
    assert_eq!(person.surname.as_ref().unwrap().as_str(), "Rossi");
    assert!(person.shows(Field::NationalId) && !person.shows(Field::Residence));
    assert_eq!(answer.freshness, Freshness::Oldest(Duration::from_secs(60)));
    assert!(matches!(answer.receipt, AccessProof::Proved(_)));
    assert!(!format!("{answer:?}").contains("Rossi"));
}

#[tokio::test]
async fn a_call_is_made_again_under_the_same_request_id_while_the_index_is_not_available() {
    let (client, index) = client(Behaviour::Unavailable(2)).await;
    client.lookup_person(request(&client)).await.unwrap();
    let ids = index.request_ids.lock().unwrap();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| *id == ids[0]));
}

#[tokio::test]
async fn attempts_end_and_the_last_refusal_is_told() {
    let (client, index) = client(Behaviour::Unavailable(9)).await;
    let error = client.lookup_person(request(&client)).await.unwrap_err();
    assert_eq!(
        (error.reason(), index.request_ids.lock().unwrap().len()),
        (Some(Reason::LogUnavailable), 3)
    );
}

#[tokio::test]
async fn a_refusal_is_not_tried_again() {
    for reason in [
        Reason::NotFound,
        Reason::QuotaPerMinute,
        Reason::PurposeUnknown,
        Reason::Internal,
    ] {
        let (client, index) = client(Behaviour::Refuses(reason)).await;
        let error = client.lookup_person(request(&client)).await.unwrap_err();
        assert_eq!(
            (error.reason(), index.request_ids.lock().unwrap().len()),
            (Some(reason), 1)
        );
    }
}

#[tokio::test]
async fn an_answer_with_the_receipt_of_another_call_is_withheld() {
    let (client, _) = client(Behaviour::ReceiptOfAnother).await;
    let error = client.lookup_person(request(&client)).await.unwrap_err();
    assert!(
        matches!(error, ClientError::ReceiptMismatch("request id")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_call_ends_at_its_deadline() {
    let (client, _) = client(Behaviour::Silent).await;
    let error = client.lookup_person(request(&client)).await.unwrap_err();
    assert!(matches!(error, ClientError::Deadline(_)), "{error:?}");
}

#[tokio::test]
async fn a_call_is_made_again_when_the_index_had_too_much_to_do() {
    let (client, index) = client(Behaviour::Busy(2)).await;
    client.lookup_person(request(&client)).await.unwrap();
    assert_eq!(index.request_ids.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn an_answer_of_a_test_index_is_no_answer_of_production() {
    let (client, _) = client(Behaviour::Synthetic).await;
    let error = client.lookup_person(request(&client)).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Evidence(EvidenceFault::OtherDomain)),
        "{error:?}"
    );
}

/// The same call for another agreement, purpose or operator.
fn changed(client: &AgencyClient, change: impl FnOnce(&mut AccessContext)) -> LookupPerson {
    let mut asked = request(client);
    change(&mut asked.context);
    asked
}

#[tokio::test]
async fn a_used_up_quota_stops_the_calls_of_its_scope_until_it_begins_anew() {
    let scopes = [
        (QuotaScope::Agreement, [true, true, true]),
        (QuotaScope::Purpose, [true, false, true]),
        (QuotaScope::Operator, [true, true, false]),
    ];
    for (scope, stopped) in scopes {
        let (client, index, clock) = client_with_clock(Behaviour::UsedUp(Clause::DayQuota, scope)).await;
        let sent = || index.request_ids.lock().unwrap().len();
        let denied = client.lookup_person(request(&client)).await.unwrap_err();
        assert_eq!((denied.reason(), sent()), (Some(Reason::QuotaPerDay), 1));
        assert_eq!(denied.refusal().map(|refusal| refusal.by), Some(RefusedBy::Index));

        *index.behaviour.lock().unwrap() = Behaviour::Answers;
        clock.advance(Duration::from_millis(59_999));
        let purpose = |context: &mut AccessContext| context.purpose = PurposeId::parse("other").unwrap();
        let operator = |context: &mut AccessContext| context.operator = OperatorId::parse("l.neri").ok();
        let calls = [
            request(&client),
            changed(&client, purpose),
            changed(&client, operator),
        ];
        for (call, stopped) in calls.into_iter().zip(stopped) {
            let before = sent();
            match client.lookup_person(call).await {
                Ok(_) => assert!(!stopped && sent() == before + 1, "{scope:?}"),
                Err(error) => {
                    let refusal = error.refusal().unwrap();
                    assert_eq!((error.reason(), refusal.by), (denied.reason(), RefusedBy::Client));
                    assert_eq!(refusal.retry_after, Some(Duration::from_millis(1)));
                    assert!(stopped && sent() == before, "{scope:?}: nothing is sent");
                }
            }
        }
        let elsewhere =
            |context: &mut AccessContext| context.agreement = AgreementId::parse("conv-2").unwrap();
        client.lookup_person(changed(&client, elsewhere)).await.unwrap();

        clock.advance(Duration::from_millis(1));
        client.lookup_person(request(&client)).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_about_one_person_stops_no_call_about_another() {
    let behaviour = Behaviour::Refuses(Reason::QuotaDeclarations);
    let (client, index) = client(behaviour).await;
    for sent in 1..3 {
        client.lookup_person(request(&client)).await.unwrap_err();
        assert_eq!(index.request_ids.lock().unwrap().len(), sent);
    }
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_is_let_through_under_its_id() {
    let (client, index) = client(Behaviour::Unavailable(3)).await;
    let lost = request(&client);
    client.lookup_person(lost.clone()).await.unwrap_err();
    *index.behaviour.lock().unwrap() = Behaviour::UsedUp(Clause::DayQuota, QuotaScope::Agreement);
    client.lookup_person(request(&client)).await.unwrap_err();

    *index.behaviour.lock().unwrap() = Behaviour::Answers;
    client.lookup_person(request(&client)).await.unwrap_err();
    client.lookup_person(lost.clone()).await.unwrap();
    client.lookup_person(lost).await.unwrap_err();
    client.forget_quota_stops();
    client.lookup_person(request(&client)).await.unwrap();
}

fn list(client: &AgencyClient) -> Batch {
    Batch {
        context: request(client).context,
        rows: 1,
        approval: Approval {
            reference: CaseReference::parse("DET-2025/7").unwrap(),
            approver: OperatorId::parse("l.neri").unwrap(),
            approved_on: "2025-01-09".parse().unwrap(),
        },
        fields: FieldSet::of(&[Field::Surname]),
    }
}

fn rows() -> impl Iterator<Item = (u32, ListedPerson)> + Send + 'static {
    let id = NationalId::parse("AF41450AS").unwrap();
    std::iter::once((1, ListedPerson::NationalId(id)))
}

#[tokio::test]
async fn used_up_rows_stop_lists_until_they_begin_anew_and_no_other_call() {
    let used_up = Behaviour::UsedUp(Clause::RowQuota, QuotaScope::Purpose);
    let (client, index, clock) = client_with_clock(used_up).await;
    let sent = || index.request_ids.lock().unwrap().len();
    let send = async || client.batch_lookup_persons(&list(&client), rows()).await;
    let denied = send().await.unwrap_err();
    assert_eq!((denied.reason(), sent()), (Some(Reason::QuotaRows), 1));

    *index.behaviour.lock().unwrap() = Behaviour::Answers;
    let stopped = send().await.unwrap_err();
    assert_eq!(
        stopped.refusal().map(|refusal| refusal.by),
        Some(RefusedBy::Client)
    );
    assert_eq!(sent(), 1, "nothing is sent");
    client.lookup_person(request(&client)).await.unwrap();

    clock.advance(Duration::from_secs(60));
    assert!(send().await.unwrap().next().await.unwrap().is_none());
    assert_eq!(sent(), 3);
}

#[tokio::test]
async fn a_list_is_not_sent_again_by_itself() {
    let (client, index) = client(Behaviour::Unavailable(1)).await;
    let error = client.batch_lookup_persons(&list(&client), rows()).await;
    assert_eq!(error.unwrap_err().reason(), Some(Reason::LogUnavailable));
    assert_eq!(index.request_ids.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_used_up_quota_stops_every_consultation() {
    let used_up = Behaviour::UsedUp(Clause::DayQuota, QuotaScope::Agreement);
    let (client, index) = client(used_up).await;
    client.lookup_person(request(&client)).await.unwrap_err();
    let LookupPerson {
        context,
        key,
        municipality,
        fields,
        receipt,
    } = request(&client);
    let household = LookupHousehold {
        context: context.clone(),
        key: key.clone(),
        municipality,
        fields,
        receipt,
    };
    let search = SearchPersons {
        context: context.clone(),
        surname: None,
        given_name: None,
        tax_code: Some("RSSMRA".to_owned()),
        born: None,
        municipality,
        receipt,
    };
    let declaration = VerifyDeclaration {
        context: context.clone(),
        key,
        municipality,
        declared: DeclaredPerson::Declarant,
        claim: Claim::ExistenceInLife,
        receipt,
    };
    let residents = LookupAddressResidents {
        context: context.clone(),
        municipality: IstatCode::parse("037032").unwrap(),
        address: AddressClaim {
            species: None,
            street: "VIA ROMA".to_owned(),
            number: None,
            suffix: String::new(),
            staircase: String::new(),
            unit: String::new(),
        },
        fields,
        receipt,
    };
    let found = LookupFound {
        context,
        handle: SearchHandle(vec![1]),
        fields,
        receipt,
    };
    let stopped = [
        client.lookup_household(household).await.unwrap_err(),
        client.search_persons(search).await.unwrap_err(),
        client.verify_declaration(declaration).await.unwrap_err(),
        client.lookup_address_residents(residents).await.unwrap_err(),
        client.lookup_found(found).await.unwrap_err(),
    ];
    for error in stopped {
        assert_eq!(error.refusal().map(|refusal| refusal.by), Some(RefusedBy::Client));
    }
    assert_eq!(index.request_ids.lock().unwrap().len(), 1, "nothing is sent");
}
