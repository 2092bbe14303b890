//! `ConsultationService`: what agencies ask.

mod search;
mod batch;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use agreement::context::AgreementId;
use agreement::declarations::Attempt;
use agreement::describe::describe;
use agreement::moment::Moment;
use agreement::permit::Permit;
use agreement::reason::Reason;
use agreement::request::DeclaredPerson;
use agreement::service::VerificationKind;
use agreement::usage::Settlement;
use agreement::view::person::PersonView;
use chrono::NaiveDate;
use ledger::header::Header;
use ledger::name::Origin;
use ledger::receipt::Receipt;
use registry::identifier::IstatCode;
use store::access_log::draft::Sealed;
use store::keys::token::TokenDomain;
use store::record_store::RecordStore;
use store::record_store::answer::{
    CodeStanding, HouseholdAnswer, HouseholdCard, PersonAnswer, PersonCard, Question, Source,
    VerificationOutcome, VersionStanding,
};
use store::record_store::handle::{HouseholdHandle, PersonHandle};
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use transport::deadline::Deadline;
use uuid::Uuid;
use wire::convert::{
    AccessInquiry, CardTrust, DataAge, HouseholdLookup, KeyCurrency, LookupKey, PersonKey, PersonLookup,
    PersonMark, PersonSearch, ReceiptInquiry, VerificationCall, access_description, full_receipt,
    household_message, person_message, verification_answer,
};
use wire::proto::consultation::v1 as pb;
use wire::proto::consultation::v1::consultation_service_server::ConsultationService;
use wire::status::{Details, status_for};

use crate::call::call_of;
use crate::consultation::batch::{Declarations, List, OUTCOMES, Persons};
use crate::entry::{Call, told};
use crate::shared::{Shared, detached};
use crate::stream::StreamGuard;

pub(crate) use self::batch::BATCH_VERIFY;

/// The method that compares one declaration.
pub(crate) const VERIFY_DECLARATION: &str = "ponte.consultation.v1.ConsultationService/VerifyDeclaration";

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

fn question(key: &PersonKey) -> Question {
    match key {
        PersonKey::TaxCode(code) => Question::TaxCode(*code),
        PersonKey::NationalId(id) => Question::NationalId(*id),
    }
}

fn criteria(question: &Question) -> Vec<(String, String)> {
    let (name, value) = question.criterion();
    vec![(name.to_owned(), value)]
}

/// The identifier as the rule of three counts it: the 128 forms of a codice fiscale under omocodia are one.
fn identifier(question: &Question) -> (String, String) {
    let (name, value) = question.criterion();
    let value = match question {
        Question::TaxCode(code) => match code.definitive() {
            Some(code) => code.base().as_str().to_owned(),
            None => value,
        },
        Question::NationalId(_) | Question::Found(_) | Question::Generalities(_) => value,
    };
    (name.to_owned(), value)
}

impl<S: RecordStore> Shared<S> {
    async fn lookup_person(
        &self,
        call: Call,
        lookup: PersonLookup,
    ) -> Result<pb::LookupPersonResponse, Status> {
        let PersonLookup {
            request,
            key,
            receipt,
        } = lookup;
        self.complete(&call).await?;
        let asked = match &key {
            LookupKey::Identifier(key) => criteria(&question(key)),
            LookupKey::Found(_) => search::criteria_of_handle(),
            LookupKey::Generalities(key) => criteria(&Question::Generalities(key.clone())),
        };
        let granted = self.decide(&call, &request, asked).await?;
        let (permit, draft, pending) = granted.into_reading();
        let question = match key {
            LookupKey::Identifier(key) => question(&key),
            LookupKey::Generalities(key) => Question::Generalities(key),
            LookupKey::Found(handle) => match self.found(&permit, &handle) {
                Some(question) => question,
                None => return Err(self.handle_invalid(pending, draft).await),
            },
        };
        let read = self.store.lookup_person(&permit, &question, draft).await;
        let settle = |answer: &PersonAnswer| settlement(answer.cards.is_empty());
        let (PersonAnswer { cards }, committed) = self.commit(pending, read, settle).await?;
        if cards.is_empty() {
            return Err(self.nobody(&call, &permit, &committed));
        }
        let freshness = self.data_age(&permit, cards.iter().map(|card| card.source));
        let no_history_before = cards
            .iter()
            .filter_map(|card| card.view.no_history_before())
            .max();
        Ok(pb::LookupPersonResponse {
            persons: cards.into_iter().map(person).collect(),
            no_history_before: no_history_before.map(Into::into),
            freshness: Some(freshness.message(call.freshness)),
            reference_date: Some(permit.reference_date().into()),
            today: Some(permit.today().into()),
            receipt: Some(self.receipt(&committed, receipt)),
        })
    }

    async fn lookup_household(
        &self,
        call: Call,
        lookup: HouseholdLookup,
    ) -> Result<pb::LookupHouseholdResponse, Status> {
        let HouseholdLookup {
            request,
            key,
            receipt,
        } = lookup;
        self.complete(&call).await?;
        let question = question(&key);
        let granted = self.decide(&call, &request, criteria(&question)).await?;
        let (permit, draft, pending) = granted.into_reading();
        let read = self.store.lookup_household(&permit, &question, draft).await;
        let settle = |answer: &HouseholdAnswer| settlement(answer.households.is_empty());
        let (HouseholdAnswer { households }, committed) = self.commit(pending, read, settle).await?;
        if households.is_empty() {
            return Err(self.nobody(&call, &permit, &committed));
        }
        let freshness = self.data_age(&permit, households.iter().map(|card| card.source));
        let members = households.iter().flat_map(|card| &card.view.members);
        let no_history_before: Option<NaiveDate> = members
            .filter_map(|member| member.person.no_history_before())
            .max();
        Ok(pb::LookupHouseholdResponse {
            households: households.into_iter().map(household).collect(),
            no_history_before: no_history_before.map(Into::into),
            freshness: Some(freshness.message(call.freshness)),
            reference_date: Some(permit.reference_date().into()),
            today: Some(permit.today().into()),
            receipt: Some(self.receipt(&committed, receipt)),
        })
    }

    async fn verify_declaration(
        &self,
        call: Call,
        verification: VerificationCall,
    ) -> Result<pb::VerifyDeclarationResponse, Status> {
        let VerificationCall {
            request,
            key,
            claim,
            receipt,
        } = verification;
        self.complete(&call).await?;
        let question = question(&key);
        let mut criteria = criteria(&question);
        criteria.push(("verification".to_owned(), claim.kind().name().to_owned()));
        // The declarant is what an entry without this criterion is about.
        if request.declared == DeclaredPerson::Named {
            criteria.push(("declared_person".to_owned(), "named".to_owned()));
        }
        let attempts = |moment: Moment| {
            Attempt::all_of(
                &request,
                &[identifier(&question)],
                &claim,
                moment.date(),
                |bytes| self.declaration_hash(bytes),
            )
        };
        let granted = self
            .decide_declaration(&call, &request, criteria, attempts)
            .await?;
        let (permit, draft, pending) = granted.into_reading();
        let read = self.store.verify(&permit, &question, &claim, draft).await;
        let settle = |outcome: &VerificationOutcome| settlement(outcome.answer.is_none());
        let (outcome, committed) = self.commit(pending, read, settle).await?;
        let VerificationOutcome { answer, version } = outcome;
        let Some(answer) = answer else {
            return Err(self.nobody(&call, &permit, &committed));
        };
        let (answer, reason) = verification_answer(answer);
        // A verification shows no datum, and so no municipality's data either.
        let freshness = DataAge::OldestInTerritory(self.oldest_age(&permit));
        Ok(pb::VerifyDeclarationResponse {
            answer: answer.into(),
            reason: reason.into(),
            freshness: Some(freshness.message(call.freshness)),
            reference_date: Some(permit.reference_date().into()),
            today: Some(permit.today().into()),
            receipt: Some(self.receipt(&committed, receipt)),
            restored: version == VersionStanding::Restored,
        })
    }

    fn declaration_hash(&self, bytes: &[u8]) -> [u8; 16] {
        *self
            .declaration_tokens
            .token(TokenDomain::Declaration, bytes)
            .as_bytes()
    }

    async fn describe_access(
        &self,
        call: Call,
        inquiry: AccessInquiry,
    ) -> Result<pb::DescribeAccessResponse, Status> {
        let AccessInquiry {
            request,
            about,
            receipt,
        } = inquiry;
        let question = about.as_ref().map(question);
        let asked = question.as_ref().map(criteria).unwrap_or_default();
        let granted = self.decide(&call, &request, asked).await?;
        let (permit, draft, pending) = granted.into_reading();
        let (_, committed) = self
            .commit(pending, Ok(Sealed::new((), draft)), |()| Settlement::Hit)
            .await?;
        let agreements = self.agreements.load_full();
        let moment = permit.moment();
        let identifiers = question.map(|question| [identifier(&question)]);
        let left =
            |agreement: &AgreementId, kind: VerificationKind| {
                let identifiers = identifiers.as_ref()?;
                let hash = |bytes: &[u8]| self.declaration_hash(bytes);
                Some(self.with_declarations(|counters| {
                    counters.remainder(agreement, identifiers, kind, moment, hash)
                }))
            };
        let description =
            self.with_usage(|counters| describe(&agreements, &call.peer, counters, left, moment));
        let mut response = access_description(description);
        response.receipt = Some(self.receipt(&committed, receipt));
        Ok(response)
    }

    async fn get_receipt(
        &self,
        call: Call,
        inquiry: ReceiptInquiry,
    ) -> Result<pb::GetReceiptResponse, Status> {
        let ReceiptInquiry {
            request,
            origin,
            index,
        } = inquiry;
        let criteria = vec![("index".to_owned(), index.to_string())];
        let granted = self.decide(&call, &request, criteria).await?;
        let (_, mut draft, pending) = granted.into_reading();
        let own = self.own_receipt(&call, &origin, index);
        if own.is_none() {
            draft.header.outcome = told(Reason::ResourceNotFound);
        }
        let (own, _) = self
            .commit(pending, Ok(Sealed::new(own, draft)), |_| Settlement::Hit)
            .await?;
        let receipt = own.ok_or_else(|| status_for(Reason::ResourceNotFound, Details::none()))?;
        Ok(pb::GetReceiptResponse {
            receipt: Some(full_receipt(self.log.origin(), receipt)),
        })
    }

    /// The receipt of an entry of the caller; somebody else's entry is none.
    fn own_receipt(&self, call: &Call, origin: &Origin, index: u64) -> Option<Receipt> {
        if origin != self.log.origin() {
            return None;
        }
        let receipt = self.log.receipt(index).ok()?;
        let header = Header::decode(&receipt.header).ok()?;
        (header.body.peer == Some(call.peer.id.to_string())).then_some(receipt)
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

pub(crate) fn settlement(nobody: bool) -> Settlement {
    if nobody { Settlement::Miss } else { Settlement::Hit }
}

fn person_name(handle: PersonHandle) -> String {
    format!("persons/{}", Uuid::from_bytes(handle.0).simple())
}

fn household_name(handle: HouseholdHandle) -> String {
    format!("households/{}", Uuid::from_bytes(handle.0).simple())
}

fn person(card: PersonCard) -> pb::Person {
    let PersonCard {
        handle,
        household,
        view,
        standing,
        source: _,
        version,
    } = card;
    let currency = match standing {
        CodeStanding::Current => KeyCurrency::Current,
        CodeStanding::Superseded => KeyCurrency::Superseded,
    };
    person_of(view, handle, currency, trust(version), household)
}

fn person_of(
    view: PersonView,
    handle: PersonHandle,
    currency: KeyCurrency,
    trust: CardTrust,
    household: Option<HouseholdHandle>,
) -> pb::Person {
    let mark = PersonMark {
        name: person_name(handle),
        currency,
        trust,
    };
    person_message(view, mark, |_| household.map(household_name).unwrap_or_default())
}

fn household(card: HouseholdCard) -> pb::Household {
    let HouseholdCard {
        handle,
        handles,
        view,
        source: _,
        version,
    } = card;
    household_message(view, &household_name(handle), |card| PersonMark {
        name: handles.get(card).copied().map(person_name).unwrap_or_default(),
        currency: KeyCurrency::Current,
        trust: trust(version),
    })
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
            shared.lookup_household(call, lookup).await.map(Response::new)
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
            shared.search_persons(call, search).await.map(Response::new)
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
            const METHOD: &str = "ponte.consultation.v1.ConsultationService/DescribeAccess";
            let (call, asked) =
                read(&shared, request, METHOD, |asked: &AccessInquiry| &asked.request).await?;
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
            const METHOD: &str = "ponte.consultation.v1.ConsultationService/GetReceipt";
            let (call, asked) =
                read(&shared, request, METHOD, |asked: &ReceiptInquiry| &asked.request).await?;
            shared.get_receipt(call, asked).await.map(Response::new)
        })
        .await
    }
}
