//! `PublicationService`: nodes hand over their municipalities' changes.
//!
//! A node may speak for the municipalities that the configuration gives it and for no other. Opening a stream and
//! every refused batch are entries of the access log; accepted batches are the publication journal's.

mod cards;
mod held;
mod opening;
mod seals;
pub(crate) mod statement;
mod stream;
mod withdrawal;

use std::pin::Pin;
use std::sync::Arc;

use agreement::reason::Reason;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use registry::digest::DIGEST_VERSION;
use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use registry::publication::Refusal;
use store::access_log::part_content::DetailPart;
use store::publisher::{MunicipalityState, PublishError, Rejection, Standing};
use store::record_store::RecordStore;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use wire::convert::{digest_from_wire, epoch_from_wire, municipality_from_wire, timestamp_from_unix_ms};
use wire::proto::publication::v1 as pb;
use wire::proto::publication::v1::publication_service_server::PublicationService;
use wire::status::{Details, invalid_argument, status_for};

use crate::anomalies;
use crate::call::call_of;
use crate::entry::{Call, told, usual_retention};
use crate::page::{PageToken, page_size};
use crate::shared::Shared;
use crate::stream::StreamGuard;

const PUBLISH: &str = "ponte.publication.v1.PublicationService/Publish";
const LIST_CARDS: &str = "ponte.publication.v1.PublicationService/ListCards";
const LIST_ANOMALIES: &str = "ponte.publication.v1.PublicationService/ListAnomalies";
const LIST_REJECTIONS: &str = "ponte.publication.v1.PublicationService/ListRejections";

/// Answers that may wait for a node's connection.
const ANSWERS: usize = 8;

/// Largest message of a node, bytes.
pub const LARGEST_MESSAGE: usize = 4 << 20;

/// The service.
#[derive(Debug)]
pub struct Publication<S> {
    shared: Arc<Shared<S>>,
}

/// A municipality for which the calling node may speak: made only by [`Publication::granted`].
#[derive(Clone, Copy, Debug)]
struct OwnMunicipality {
    code: IstatCode,
    id: MunicipalityId,
}

impl<S> Publication<S> {
    /// The service over the index's state.
    pub fn new(shared: Arc<Shared<S>>) -> Self {
        Self { shared }
    }

    /// A municipality of the calling node, be it withdrawn.
    fn granted(&self, call: &Call, field: &str, code: &str) -> Result<OwnMunicipality, Status> {
        let code = municipality_from_wire(field, code).map_err(|invalid| invalid_argument(&invalid))?;
        let foreign = || status_for(Reason::ForeignMunicipality, Details::none());
        let id = MunicipalityId::of_any(code).ok_or_else(foreign)?;
        let granted = self.shared.nodes.get(&call.peer.id).ok_or_else(foreign)?;
        if granted.municipalities.contains(&id) {
            Ok(OwnMunicipality { code, id })
        } else {
            Err(foreign())
        }
    }
}

impl<S: RecordStore> Publication<S> {
    /// A municipality of the calling node that takes part.
    fn own(&self, call: &Call, field: &str, code: &str) -> Result<OwnMunicipality, Status> {
        let own = self.granted(call, field, code)?;
        match self.withdrawn(own) {
            Some(reason) => Err(status_for(reason, Details::none())),
            None => Ok(own),
        }
    }

    /// The refusal of whatever is asked about a municipality that has left.
    fn withdrawn(&self, own: OwnMunicipality) -> Option<Reason> {
        let state = self.shared.store.municipality(own.id)?;
        state.withdrawn.map(|_| Reason::MunicipalityWithdrawn)
    }

    /// Enters a fact about publication; the reason is what the node is told.
    async fn enter(
        &self,
        call: &Call,
        municipality: Option<OwnMunicipality>,
        details: Vec<(String, String)>,
        reason: Option<Reason>,
    ) -> Result<(), Status> {
        let slot = self.shared.reserve()?;
        let mut draft = call.draft(EntryKind::Publication, usual_retention());
        if let Some(reason) = reason {
            draft.header.outcome = told(reason);
        }
        let mut facts = details;
        facts.extend(municipality.map(|own| ("municipality".to_owned(), own.code.to_string())));
        let draft = draft
            .with(PartKind::AdministrativeDetail, &DetailPart { details: facts })
            .map_err(|_| status_for(Reason::Internal, Details::none()))?;
        self.shared.enter(slot, draft).await.map(drop)
    }
}

fn rejection_to_wire(rejection: &Rejection) -> pb::Rejection {
    let Rejection {
        sequence,
        local_id,
        rule,
        at_ms,
    } = rejection;
    pb::Rejection {
        sequence: *sequence,
        local_id: local_id.to_string(),
        code: rule.clone(),
        field: String::new(),
        reject_time: Some(timestamp_from_unix_ms(*at_ms)),
    }
}

pub(crate) fn refusal_of(error: &PublishError) -> (Reason, Details) {
    let details = Details::none();
    match error {
        PublishError::Refused(Refusal::ForeignMunicipality) | PublishError::UnknownMunicipality => {
            (Reason::ForeignMunicipality, details)
        }
        PublishError::Withdrawn => (Reason::MunicipalityWithdrawn, details),
        PublishError::Refused(Refusal::WrongEpoch) => (Reason::IndexRestored, details),
        PublishError::Refused(Refusal::ClockSkew(_)) => (Reason::ClockSkew, details),
        PublishError::Refused(Refusal::Gap { expected }) => (
            Reason::PublicationGap,
            details.with_metadata("expected_sequence", expected.to_string()),
        ),
        PublishError::Refused(Refusal::Conflict { sequence }) => (
            Reason::PublicationConflict,
            details.with_metadata("sequence", sequence.to_string()),
        ),
        PublishError::Refused(Refusal::Stale { watermark }) => (
            Reason::StreamSuperseded,
            details.with_metadata("watermark", watermark.0.to_string()),
        ),
        PublishError::Busy => (
            Reason::Busy,
            details.with_retry_after(std::time::Duration::from_millis(200)),
        ),
        PublishError::Stopped => (Reason::Unavailable, details),
    }
}

#[tonic::async_trait]
impl<S: RecordStore> PublicationService for Publication<S> {
    type PublishStream = Pin<Box<dyn Stream<Item = Result<pb::PublishResponse, Status>> + Send>>;

    async fn publish(
        &self,
        request: Request<Streaming<pb::PublishRequest>>,
    ) -> Result<Response<Self::PublishStream>, Status> {
        let call = call_of(&request, PUBLISH)?;
        let guard = StreamGuard::of(&request, &self.shared.shutdown)?;
        let (answers, stream) = mpsc::channel(ANSWERS);
        let service = Arc::new(Self::new(Arc::clone(&self.shared)));
        self.shared
            .tasks
            .spawn(service.serve(call, request.into_inner(), guard, answers));
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }

    async fn get_state(
        &self,
        request: Request<pb::GetStateRequest>,
    ) -> Result<Response<pb::GetStateResponse>, Status> {
        let call = call_of(&request, "ponte.publication.v1.PublicationService/GetState")?;
        let pb::GetStateRequest { municipality } = request.into_inner();
        let own = self.own(&call, "municipality", &municipality)?;
        let profile = self.shared.profile_of(own.id).await?;
        let Standing {
            epoch,
            began_ms,
            watermark: _,
            proof: _,
            last: _,
            backed_up,
            profile: _,
        } = self.shared.store.standing(own.id, self.shared.clock.now_ms());
        let epoch = epoch.0.to_vec();
        let digest_version = u32::from(DIGEST_VERSION);
        let state = self.shared.store.municipality(own.id);
        let MunicipalityState {
            watermark,
            visible,
            records,
            received_ms,
            digest,
            holdings: _,
            rejections,
            ..
        } = state.unwrap_or_else(MunicipalityState::empty);
        Ok(Response::new(pb::GetStateResponse {
            epoch,
            watermark: watermark.0,
            visible: visible.0,
            digest_version,
            digest: digest.root().as_bytes().to_vec(),
            records,
            rejections: rejections.len() as u64,
            receive_time: received_ms.map(timestamp_from_unix_ms),
            epoch_begin_time: began_ms.map(timestamp_from_unix_ms),
            backed_up: backed_up.0,
            profile: Some(profile.into()),
        }))
    }

    async fn compare_digests(
        &self,
        request: Request<pb::CompareDigestsRequest>,
    ) -> Result<Response<pb::CompareDigestsResponse>, Status> {
        let call = call_of(&request, "ponte.publication.v1.PublicationService/CompareDigests")?;
        let pb::CompareDigestsRequest {
            municipality,
            epoch,
            sequence,
            digest_version,
            digest,
        } = request.into_inner();
        let own = self.own(&call, "municipality", &municipality)?;
        let epoch = epoch_from_wire("epoch", &epoch).map_err(|invalid| invalid_argument(&invalid))?;
        let theirs = digest_from_wire("digest", &digest).map_err(|invalid| invalid_argument(&invalid))?;
        let state = self
            .shared
            .store
            .municipality(own.id)
            .unwrap_or_else(MunicipalityState::empty);
        let comparable = epoch == self.shared.store.epoch(own.id)
            && digest_version == u32::from(DIGEST_VERSION)
            && sequence == state.visible.0;
        let differing = if comparable {
            state.digest.differing(&theirs)
        } else {
            Vec::new()
        };
        if comparable && differing.is_empty() {
            // The node has nothing that answers do not show.
            self.shared.store.confirm(own.id, self.shared.clock.now_ms());
        }
        let comparison = match (comparable, differing.is_empty()) {
            (false, _) => pb::DigestComparison::NotComparable,
            (true, true) => pb::DigestComparison::Equal,
            (true, false) => pb::DigestComparison::Different,
        };
        Ok(Response::new(pb::CompareDigestsResponse {
            comparison: comparison.into(),
            buckets: differing
                .into_iter()
                .map(|bucket| u32::from(bucket.number()))
                .collect(),
            sequence: state.visible.0,
        }))
    }

    async fn list_cards(
        &self,
        request: Request<pb::ListCardsRequest>,
    ) -> Result<Response<pb::ListCardsResponse>, Status> {
        let call = call_of(&request, LIST_CARDS)?;
        self.list(&call, request.into_inner()).await.map(Response::new)
    }

    async fn list_anomalies(
        &self,
        request: Request<pb::ListAnomaliesRequest>,
    ) -> Result<Response<pb::ListAnomaliesResponse>, Status> {
        let call = call_of(&request, LIST_ANOMALIES)?;
        let pb::ListAnomaliesRequest {
            municipality,
            page_size,
            page_token,
        } = request.into_inner();
        let own = self.own(&call, "municipality", &municipality)?;
        let page = anomalies::list(&self.shared, call, own.id, page_size, &page_token).await?;
        Ok(Response::new(page))
    }

    async fn list_rejections(
        &self,
        request: Request<pb::ListRejectionsRequest>,
    ) -> Result<Response<pb::ListRejectionsResponse>, Status> {
        let call = call_of(&request, LIST_REJECTIONS)?;
        let pb::ListRejectionsRequest {
            municipality,
            page_size: size,
            page_token,
        } = request.into_inner();
        let own = self.own(&call, "municipality", &municipality)?;
        let limit = page_size(size)?;
        let scope = format!("{LIST_REJECTIONS}|{}", own.code);
        let from =
            PageToken::open(&self.shared.page_key, &scope, &page_token)?.map_or(0, |token| token.position);
        let facts = vec![("act".to_owned(), "list-rejections".to_owned())];
        self.enter(&call, Some(own), facts, None).await?;
        let state = self.shared.store.municipality(own.id);
        let kept = state.map(|state| state.rejections).unwrap_or_default();
        let page: Vec<_> = kept
            .iter()
            .filter(|kept| from <= kept.sequence)
            .take(limit)
            .collect();
        let next = page
            .last()
            .filter(|last| kept.last().is_some_and(|end| last.sequence < end.sequence))
            .map(|last| {
                PageToken {
                    position: last.sequence + 1,
                    end: 0,
                }
                .seal(&self.shared.page_key, &scope)
            });
        Ok(Response::new(pb::ListRejectionsResponse {
            rejections: page.into_iter().map(rejection_to_wire).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn list_held_changes(
        &self,
        request: Request<pb::ListHeldChangesRequest>,
    ) -> Result<Response<pb::ListHeldChangesResponse>, Status> {
        self.list_held(request).await
    }

    async fn confirm_held_changes(
        &self,
        request: Request<pb::ConfirmHeldChangesRequest>,
    ) -> Result<Response<pb::ConfirmHeldChangesResponse>, Status> {
        self.confirm_held(request).await
    }

    async fn withdraw_municipality(
        &self,
        request: Request<pb::WithdrawMunicipalityRequest>,
    ) -> Result<Response<pb::WithdrawMunicipalityResponse>, Status> {
        self.withdraw(request).await
    }
}
