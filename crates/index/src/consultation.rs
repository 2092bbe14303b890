//! `ConsultationService`: what agencies ask.

mod person;
mod household;
mod residents;
mod search;
mod verify;
mod batch;
mod access;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use agreement::permit::Permit;
use agreement::usage::Settlement;
use registry::identifier::IstatCode;
use store::access_log::draft::EntryDraft;
use store::record_store::RecordStore;
use store::record_store::answer::{Question, Source, VersionStanding};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use transport::deadline::Deadline;
use wire::convert::{
    AccessInquiry, CardTrust, DataAge, HouseholdLookup, LookupKey, PersonKey, PersonLookup, PersonSearch,
    ReceiptInquiry, ResidentsLookup, VerificationCall,
};
use wire::proto::consultation::v1 as pb;
use wire::proto::consultation::v1::consultation_service_server::ConsultationService;

use crate::access::Pending;
use crate::call::call_of;
use crate::consultation::batch::{Declarations, List, OUTCOMES, Persons};
use crate::entry::Call;
use crate::shared::{Shared, detached};
use crate::stream::StreamGuard;

pub(crate) use self::batch::BATCH_VERIFY;

/// The method that compares one declaration.
pub(crate) const VERIFY_DECLARATION: &str = "ponte.consultation.v1.ConsultationService/VerifyDeclaration";

/// The method that says what agreements allow; it costs no quota.
pub(crate) const DESCRIBE_ACCESS: &str = "ponte.consultation.v1.ConsultationService/DescribeAccess";

/// The method that returns the receipt of an earlier call; it costs no quota.
pub(crate) const GET_RECEIPT: &str = "ponte.consultation.v1.ConsultationService/GetReceipt";

/// Outcomes of the rows of a list, in their order.
type Outcomes<R> = Pin<Box<dyn Stream<Item = Result<R, Status>> + Send>>;

/// The service.
#[derive(Debug)]
pub struct Consultation<S> {
    shared: Arc<Shared<S>>,
}

impl<S> Consultation<S> {
    /// The service over the index's state.
    pub fn new(shared: Arc<Shared<S>>) -> Self {
        Self { shared }
    }
}

/// A request that was read, with the call that names it; one that does not read is entered and refused.
async fn read<S, M, D>(
    shared: &Arc<Shared<S>>,
    request: Request<M>,
    method: &'static str,
    request_of: impl Fn(&D) -> &agreement::request::Request,
) -> Result<(Call, D), Status>
where
    S: RecordStore,
    M: prost::Message,
    D: TryFrom<M, Error = wire::convert::Invalid>,
{
    let mut call = call_of(&request, method)?;
    let deadline = request.extensions().get::<Deadline>().copied();
    let message = request.into_inner();
    let digest = shared.request_digest(method, &message);
    match D::try_from(message) {
        Ok(domain) => {
            call.digest = Some(digest);
            call.request_id = Some(request_of(&domain).context.request_id);
            call.freshness = shared.wait_fresh(&call, request_of(&domain), deadline).await;
            Ok((call, domain))
        }
        Err(invalid) => Err(shared.refuse(&call, &invalid).await),
    }
}

impl<S: RecordStore> Shared<S> {
    /// Decides on a lookup by a key. A handle that leads this operator nowhere, or no longer, is entered and refused.
    async fn reading_by_key(
        &self,
        call: &Call,
        request: &agreement::request::Request,
        key: LookupKey,
    ) -> Result<(Permit, Question, EntryDraft, Pending), Status> {
        self.complete(call).await?;
        let mut asked = criteria_of_key(&key);
        asked.extend(kind_of(request));
        let granted = self.decide(call, request, asked).await?;
        let (permit, draft, pending) = granted.into_reading();
        match self.question_of(&permit, key) {
            Some(question) => Ok((permit, question, draft, pending)),
            None => Err(self.handle_invalid(pending, draft).await),
        }
    }

    /// What a lookup asks of the store; `None` where its handle leads this operator nowhere, or no longer.
    fn question_of(&self, permit: &Permit, key: LookupKey) -> Option<Question> {
        match key {
            LookupKey::Identifier(key) => Some(question(&key)),
            LookupKey::Generalities(key) => Some(Question::Generalities(key)),
            LookupKey::Found(handle) => self.found(permit, &handle),
        }
    }

    /// Freshness of what an answer shows: by municipality where all of it may be named, else the oldest.
    fn data_age(&self, permit: &Permit, sources: impl Iterator<Item = Source>) -> DataAge {
        let mut ages: BTreeMap<IstatCode, std::time::Duration> = BTreeMap::new();
        for source in sources {
            let named = match source {
                Source::Named(municipality) => municipality
                    .latest_istat()
                    .map(|istat| (istat, self.age_of(self.store.received_ms(municipality)))),
                Source::Withheld => None,
            };
            let Some((istat, age)) = named else {
                return DataAge::OldestInTerritory(self.oldest_age(permit));
            };
            ages.insert(istat, age);
        }
        DataAge::Of(ages)
    }
}

fn question(key: &PersonKey) -> Question {
    match key {
        PersonKey::TaxCode(code) => Question::TaxCode(*code),
        PersonKey::NationalId(id) => Question::NationalId(*id),
    }
}

/// What the entry of an ascertainment says was asked for: its kind.
fn kind_of(request: &agreement::request::Request) -> Option<(String, String)> {
    let kind = request.asked.ascertainment()?;
    Some(("ascertainment".to_owned(), kind.name().to_owned()))
}

fn criteria(question: &Question) -> Vec<(String, String)> {
    let (name, value) = question.criterion();
    vec![(name.to_owned(), value)]
}

fn criteria_of_key(key: &LookupKey) -> Vec<(String, String)> {
    match key {
        LookupKey::Identifier(key) => criteria(&question(key)),
        LookupKey::Found(_) => search::criteria_of_handle(),
        LookupKey::Generalities(key) => criteria(&Question::Generalities(key.clone())),
    }
}

pub(crate) fn settlement(nobody: bool) -> Settlement {
    if nobody { Settlement::Miss } else { Settlement::Hit }
}

pub(crate) fn trust(version: VersionStanding) -> CardTrust {
    match version {
        VersionStanding::Latest => CardTrust::Latest,
        VersionStanding::Restored => CardTrust::Restored,
    }
}

impl<S: RecordStore> Consultation<S> {
    /// Answers a list beside the call that brings it.
    fn list<L: List>(
        &self,
        request: Request<Streaming<L::Request>>,
    ) -> Result<Response<Outcomes<L::Response>>, Status> {
        let call = call_of(&request, L::METHOD)?;
        let guard = StreamGuard::of(&request, &self.shared.shutdown)?;
        let (outcomes, stream) = mpsc::channel(OUTCOMES);
        let shared = Arc::clone(&self.shared);
        let served = batch::serve::<L, S>(shared, call, request.into_inner(), guard, outcomes);
        self.shared.tasks.spawn(served);
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

#[tonic::async_trait]
impl<S: RecordStore> ConsultationService for Consultation<S> {
    type BatchLookupPersonsStream = Outcomes<pb::BatchLookupPersonsResponse>;
    type BatchVerifyStream = Outcomes<pb::BatchVerifyResponse>;

    async fn batch_lookup_persons(
        &self,
        request: Request<Streaming<pb::BatchLookupPersonsRequest>>,
    ) -> Result<Response<Self::BatchLookupPersonsStream>, Status> {
        self.list::<Persons>(request)
    }

    async fn batch_verify(
        &self,
        request: Request<Streaming<pb::BatchVerifyRequest>>,
    ) -> Result<Response<Self::BatchVerifyStream>, Status> {
        self.list::<Declarations>(request)
    }

    async fn lookup_person(
        &self,
        request: Request<pb::LookupPersonRequest>,
    ) -> Result<Response<pb::LookupPersonResponse>, Status> {
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            const METHOD: &str = "ponte.consultation.v1.ConsultationService/LookupPerson";
            let (call, lookup) =
                read(&shared, request, METHOD, |lookup: &PersonLookup| &lookup.request).await?;
            shared.lookup_person(call, lookup).await.map(Response::new)
        })
        .await
    }

    async fn lookup_household(
        &self,
        request: Request<pb::LookupHouseholdRequest>,
    ) -> Result<Response<pb::LookupHouseholdResponse>, Status> {
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            const METHOD: &str = "ponte.consultation.v1.ConsultationService/LookupHousehold";
            let (call, lookup) = read(&shared, request, METHOD, |lookup: &HouseholdLookup| {
                &lookup.request
            })
            .await?;
            let arrived = call.arrived;
            let found = shared.lookup_household(call, lookup).await;
            // Who lives there and is not shown was read too.
            shared.pace.hold(arrived).await;
            found.map(Response::new)
        })
        .await
    }

    async fn lookup_address_residents(
        &self,
        request: Request<pb::LookupAddressResidentsRequest>,
    ) -> Result<Response<pb::LookupAddressResidentsResponse>, Status> {
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            const METHOD: &str = "ponte.consultation.v1.ConsultationService/LookupAddressResidents";
            let (call, lookup) = read(&shared, request, METHOD, |lookup: &ResidentsLookup| {
                &lookup.request
            })
            .await?;
            let arrived = call.arrived;
            let found = shared.lookup_address_residents(call, lookup).await;
            // Who lives there and is not shown was read too.
            shared.pace.hold(arrived).await;
            found.map(Response::new)
        })
        .await
    }

    async fn search_persons(
        &self,
        request: Request<pb::SearchPersonsRequest>,
    ) -> Result<Response<pb::SearchPersonsResponse>, Status> {
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            const METHOD: &str = "ponte.consultation.v1.ConsultationService/SearchPersons";
            let (call, search) =
                read(&shared, request, METHOD, |search: &PersonSearch| &search.request).await?;
            let arrived = call.arrived;
            let found = shared.search_persons(call, search).await;
            // Who answers the search and is not shown was read too.
            shared.pace.hold(arrived).await;
            found.map(Response::new)
        })
        .await
    }

    async fn verify_declaration(
        &self,
        request: Request<pb::VerifyDeclarationRequest>,
    ) -> Result<Response<pb::VerifyDeclarationResponse>, Status> {
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            let (call, asked) = read(
                &shared,
                request,
                VERIFY_DECLARATION,
                |asked: &VerificationCall| &asked.request,
            )
            .await?;
            shared.verify_declaration(call, asked).await.map(Response::new)
        })
        .await
    }

    async fn describe_access(
        &self,
        request: Request<pb::DescribeAccessRequest>,
    ) -> Result<Response<pb::DescribeAccessResponse>, Status> {
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            let (call, asked) = read(&shared, request, DESCRIBE_ACCESS, |asked: &AccessInquiry| {
                &asked.request
            })
            .await?;
            shared.describe_access(call, asked).await.map(Response::new)
        })
        .await
    }

    async fn get_receipt(
        &self,
        request: Request<pb::GetReceiptRequest>,
    ) -> Result<Response<pb::GetReceiptResponse>, Status> {
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            let (call, asked) = read(&shared, request, GET_RECEIPT, |asked: &ReceiptInquiry| {
                &asked.request
            })
            .await?;
            shared.get_receipt(call, asked).await.map(Response::new)
        })
        .await
    }
}
