//! An index side of one municipality: the protocol's intake, cards in memory, and faults on demand.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};

use agreement::reason::Reason;
use chrono::NaiveDate;
use client::connection::{Connection, Timing};
use client::node::NodeClient;
use client::receipt::ReceiptPolicy;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use registry::canonical;
use registry::change::ChangeBody;
use registry::digest::{Bucket, CardDigest, DIGEST_VERSION, SetDigest};
use registry::identifier::{IstatCode, LocalId};
use registry::measure::SealBasis;
use registry::profile::{GroupSet, Profile};
use registry::publication::{
    Accepted, Admission, Batch, ConfirmedSeal, ContentId, Epoch, Intake, ProvedSeal, Refusal, SealProof,
    Watermark,
};
use registry::record::Record;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Endpoint;
use tonic::{Request, Response, Status, Streaming};
use transport::clock::{Clock, ManualClock};
use transport::random::Random;
use transport::random::danger::SeededRandom;
use wire::convert::{digest_from_wire, timestamp_from_ms};
use wire::proto::publication::v1 as proto;
use wire::proto::publication::v1::publication_service_server::{
    PublicationService, PublicationServiceServer,
};
use wire::status::{Details, status_for};

use crate::publisher::Connect;

/// What goes wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// The batch of this number is held, and the stream breaks instead of its acknowledgement.
    DropAcknowledgementOf(usize),
    /// So many streams are refused.
    Unavailable(u32),
    /// The first batch is refused as other content.
    Conflict,
    /// A card is lost after it was acknowledged.
    ForgetCard,
    /// Every card of this number is kept aside.
    KeepAside(&'static str),
}

#[derive(Clone)]
pub(super) struct FakeIndex {
    address: String,
    state: Arc<Mutex<State>>,
    watermark: watch::Sender<u64>,
}

struct State {
    intake: Intake,
    cards: BTreeMap<LocalId, Record>,
    last: Option<Accepted>,
    claims: Vec<(u64, Vec<u8>)>,
    shown_seals: Vec<Vec<proto::ConfirmedSeal>>,
    rejections: Vec<proto::Rejection>,
    accepted: Vec<(u64, u64)>,
    fault: Fault,
    cut: watch::Sender<u64>,
}

impl FakeIndex {
    pub(super) async fn start(municipality: IstatCode, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = State {
            intake: Intake::new(municipality, Epoch([1; 16])),
            cards: BTreeMap::new(),
            last: None,
            claims: Vec::new(),
            shown_seals: Vec::new(),
            rejections: Vec::new(),
            accepted: Vec::new(),
            fault,
            cut: watch::Sender::new(0),
        };
        let index = Self {
            address,
            state: Arc::new(Mutex::new(state)),
            watermark: watch::Sender::new(0),
        };
        let service = PublicationServiceServer::new(index.clone());
        tokio::spawn(serve(listener, service));
        index
    }

    pub(super) fn connect(&self, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Connect {
        let address = self.address.clone();
        Arc::new(move || {
            let channel = Endpoint::from_shared(address.clone()).unwrap().connect_lazy();
            let timing = Timing::default();
            Ok(Connection::over(
                channel,
                ReceiptPolicy::Keep,
                timing,
                Arc::clone(&clock),
                Arc::clone(&random),
            ))
        })
    }

    /// A client of its own, beside the publisher's.
    pub(super) fn client(&self) -> NodeClient {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at_ms(1_736_510_400_000));
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(5));
        NodeClient::new(self.connect(clock, random)().unwrap())
    }

    /// A card is lost, and one comes from nowhere.
    pub(super) fn spoil(&self, lost: &str, stranger: &str) {
        let mut state = self.state();
        let mut card = state.cards.remove(&LocalId::parse(lost).unwrap()).unwrap();
        card.local_id = LocalId::parse(stranger).unwrap();
        state.cards.insert(card.local_id.clone(), card);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn accepted(&self) -> Vec<(u64, u64)> {
        self.state().accepted.clone()
    }

    /// What each opening showed: how far it was acknowledged, and the proof.
    pub(super) fn claims(&self) -> Vec<(u64, Vec<u8>)> {
        self.state().claims.clone()
    }

    /// Which confirmed seals each opening showed.
    pub(super) fn shown_seals(&self) -> Vec<Vec<proto::ConfirmedSeal>> {
        self.state().shown_seals.clone()
    }

    /// Another journal's batch stands in the place of the last one.
    pub(super) fn alter_last(&self) {
        let mut state = self.state();
        if let Some(last) = &mut state.last {
            last.content = ContentId::from_bytes([1; 32]);
        }
        state.cut.send_modify(|cuts| *cuts += 1);
    }

    pub(super) fn cards(&self) -> usize {
        self.state().cards.len()
    }

    /// The index lost everything after `watermark` and begins a new line of history; open streams are cut.
    pub(super) fn restore(&self, epoch: Epoch, watermark: u64) {
        let mut state = self.state();
        state.intake = Intake::restore(state.intake.municipality(), epoch, Watermark(watermark), []);
        state.last = None;
        state.cut.send_modify(|cuts| *cuts += 1);
        self.watermark.send_replace(watermark);
    }

    pub(super) async fn watermark_when(&self, at_least: u64) -> u64 {
        *self
            .watermark
            .subscribe()
            .wait_for(|watermark| at_least <= *watermark)
            .await
            .unwrap()
    }

    fn open(&self) -> Result<proto::PublishOpened, Status> {
        let mut state = self.state();
        if let Fault::Unavailable(left @ 1..) = state.fault {
            state.fault = Fault::Unavailable(left - 1);
            return Err(status_for(Reason::Unavailable, Details::none()));
        }
        Ok(proto::PublishOpened {
            epoch: state.intake.epoch().0.to_vec(),
            watermark: state.intake.watermark().0,
            digest_version: u32::from(DIGEST_VERSION),
            credits: 2,
            max_changes: 100,
            max_bytes: 1_000_000,
            proof: Vec::new(),
            last_batch: state.last.map(|last| proto::AcceptedBatch {
                first_sequence: last.first_sequence,
                last_sequence: last.last_sequence,
                content: last.content.as_bytes().to_vec(),
            }),
            epoch_begin_time: None,
            backed_up: 0,
            confirmed_seals: Vec::new(),
            profile: everything(),
        })
    }

    fn accept(&self, batch: &Batch) -> Result<proto::PublishAcknowledged, Status> {
        let mut state = self.state();
        if state.fault == Fault::Conflict {
            return Err(status_for(Reason::PublicationConflict, Details::none()));
        }
        let watermark = match state.intake.admit(batch, batch.sent_at_ms()) {
            Ok(Admission::Duplicate(acknowledged)) => acknowledged.watermark,
            Ok(Admission::New(admitted)) => {
                state.last = Some(admitted.accepted());
                let acknowledged = state.intake.settle(admitted).unwrap();
                state
                    .accepted
                    .push((batch.first_sequence(), batch.last_sequence()));
                for change in batch.changes() {
                    if let Fault::KeepAside(number) = state.fault
                        && change.local_id.as_str() == number
                    {
                        state.rejections.push(proto::Rejection {
                            sequence: change.sequence,
                            local_id: number.to_owned(),
                            code: "ES008".to_owned(),
                            field: String::new(),
                            reject_time: Some(timestamp_from_ms(0)),
                        });
                        continue;
                    }
                    match &change.body {
                        ChangeBody::Upsert(card) => {
                            state.cards.insert(change.local_id.clone(), card.as_ref().clone())
                        }
                        ChangeBody::Remove => state.cards.remove(&change.local_id),
                    };
                }
                self.watermark.send_replace(acknowledged.watermark.0);
                acknowledged.watermark
            }
            Err(Refusal::Gap { .. } | Refusal::Stale { .. }) => {
                return Err(status_for(Reason::PublicationGap, Details::none()));
            }
            Err(Refusal::WrongEpoch) => return Err(status_for(Reason::IndexRestored, Details::none())),
            Err(other) => panic!("{other}"),
        };
        if state.fault == Fault::DropAcknowledgementOf(state.accepted.len()) {
            state.fault = Fault::None;
            return Err(Status::unavailable("the connection is gone"));
        }
        if state.fault == Fault::ForgetCard {
            state.fault = Fault::None;
            state.cards.pop_first();
        }
        Ok(proto::PublishAcknowledged {
            watermark: watermark.0,
            rejections: Vec::new(),
            visible: watermark.0,
            credits: 2,
            proof: vec![7; 40],
            backed_up: 3,
            // Each batch comes with a seal of the card of its number.
            confirmed_seals: vec![confirmed_seal(batch.last_sequence()).into()],
            profile: everything(),
        })
    }
}

/// A seal that the index says was confirmed.
pub(super) fn confirmed_seal(card: u64) -> ProvedSeal {
    ProvedSeal {
        seal: ConfirmedSeal {
            local_id: LocalId::parse(&card.to_string()).unwrap(),
            basis: SealBasis::Adoption,
            from: NaiveDate::from_ymd_opt(2025, 1, 10).unwrap(),
        },
        proof: SealProof::from_bytes([8; SealProof::LENGTH]),
    }
}

/// Agreements open every group.
fn everything() -> Option<proto::PublicationProfile> {
    Some(Profile::first(GroupSet::ALL).into())
}

async fn serve(listener: TcpListener, service: PublicationServiceServer<FakeIndex>) {
    while let Ok((stream, _)) = listener.accept().await {
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let http = auto::Builder::new(TokioExecutor::new()).http2_only();
            // A connection that the publisher gave up ends with an error: that is what happens here on purpose.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

#[tonic::async_trait]
impl PublicationService for FakeIndex {
    type PublishStream = Pin<Box<dyn Stream<Item = Result<proto::PublishResponse, Status>> + Send>>;

    async fn publish(
        &self,
        request: Request<Streaming<proto::PublishRequest>>,
    ) -> Result<Response<Self::PublishStream>, Status> {
        let mut requests = request.into_inner();
        let (answers, stream) = mpsc::channel(4);
        let index = self.clone();
        let mut cut = self.state().cut.subscribe();
        tokio::spawn(async move {
            loop {
                let message = tokio::select! {
                    _ = cut.changed() => break,
                    message = requests.next() => match message {
                        Some(Ok(proto::PublishRequest { message: Some(message) })) => message,
                        _ => break,
                    },
                };
                let answer = match message {
                    proto::publish_request::Message::Open(open) => {
                        index.state().claims.push((open.acknowledged, open.proof));
                        index.state().shown_seals.push(open.confirmed_seals);
                        index.open().map(proto::publish_response::Message::Opened)
                    }
                    proto::publish_request::Message::Batch(batch) => {
                        let batch = Batch::try_from(batch).unwrap();
                        index
                            .accept(&batch)
                            .map(proto::publish_response::Message::Acknowledged)
                    }
                };
                let failed = answer.is_err();
                let answer = answer.map(|message| proto::PublishResponse {
                    message: Some(message),
                });
                if answers.send(answer).await.is_err() || failed {
                    break;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn get_state(
        &self,
        _: Request<proto::GetStateRequest>,
    ) -> Result<Response<proto::GetStateResponse>, Status> {
        let state = self.state();
        let watermark = state.intake.watermark().0;
        Ok(Response::new(proto::GetStateResponse {
            epoch: state.intake.epoch().0.to_vec(),
            watermark,
            visible: watermark,
            digest_version: u32::from(DIGEST_VERSION),
            digest: vec![0; 32],
            profile: everything(),
            ..proto::GetStateResponse::default()
        }))
    }

    async fn compare_digests(
        &self,
        request: Request<proto::CompareDigestsRequest>,
    ) -> Result<Response<proto::CompareDigestsResponse>, Status> {
        let state = self.state();
        let mut own = SetDigest::new();
        for (local_id, card) in &state.cards {
            own.add(local_id, &canonical::encode(card));
        }
        let request = request.into_inner();
        let theirs = digest_from_wire("digest", &request.digest).unwrap();
        let buckets: Vec<u32> = own
            .differing(&theirs)
            .into_iter()
            .map(|bucket| bucket.number().into())
            .collect();
        let comparison = match (request.sequence == state.intake.watermark().0, buckets.is_empty()) {
            (false, _) => proto::DigestComparison::NotComparable,
            (true, true) => proto::DigestComparison::Equal,
            (true, false) => proto::DigestComparison::Different,
        };
        let sequence = state.intake.watermark().0;
        Ok(Response::new(proto::CompareDigestsResponse {
            comparison: comparison.into(),
            buckets,
            sequence,
        }))
    }

    async fn list_cards(
        &self,
        request: Request<proto::ListCardsRequest>,
    ) -> Result<Response<proto::ListCardsResponse>, Status> {
        let state = self.state();
        let request = request.into_inner();
        let after = request.after;
        let mut cards: Vec<_> = state
            .cards
            .iter()
            .filter(|(local_id, _)| request.buckets.contains(&Bucket::of(local_id).number().into()))
            .filter(|(local_id, _)| after.as_str() < local_id.as_str())
            .map(|(local_id, card)| proto::CardDigest {
                local_id: local_id.to_string(),
                digest: CardDigest::of(local_id, &canonical::encode(card))
                    .as_bytes()
                    .to_vec(),
            })
            .collect();
        // Pages of one card: the node must ask on.
        let more = 1 < cards.len();
        cards.truncate(1);
        Ok(Response::new(proto::ListCardsResponse {
            sequence: state.intake.watermark().0,
            cards,
            more,
            comparable: request.sequence == state.intake.watermark().0,
        }))
    }

    async fn list_anomalies(
        &self,
        _: Request<proto::ListAnomaliesRequest>,
    ) -> Result<Response<proto::ListAnomaliesResponse>, Status> {
        Err(status_for(Reason::UnknownMethod, Details::none()))
    }

    async fn list_rejections(
        &self,
        _: Request<proto::ListRejectionsRequest>,
    ) -> Result<Response<proto::ListRejectionsResponse>, Status> {
        Ok(Response::new(proto::ListRejectionsResponse {
            rejections: self.state().rejections.clone(),
            next_page_token: String::new(),
        }))
    }

    async fn list_held_changes(
        &self,
        _: Request<proto::ListHeldChangesRequest>,
    ) -> Result<Response<proto::ListHeldChangesResponse>, Status> {
        Err(Status::unimplemented("not asked by a publisher"))
    }

    async fn confirm_held_changes(
        &self,
        _: Request<proto::ConfirmHeldChangesRequest>,
    ) -> Result<Response<proto::ConfirmHeldChangesResponse>, Status> {
        Err(Status::unimplemented("not asked by a publisher"))
    }

    async fn withdraw_municipality(
        &self,
        _: Request<proto::WithdrawMunicipalityRequest>,
    ) -> Result<Response<proto::WithdrawMunicipalityResponse>, Status> {
        Err(Status::unimplemented("not asked by a publisher"))
    }
}
