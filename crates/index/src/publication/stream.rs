//! The stream of one municipality: opened once, then batches and acknowledgements until either side ends it.

use std::sync::Arc;

use agreement::reason::Reason;
use registry::digest::DIGEST_VERSION;
use registry::municipality::MunicipalityId;
use registry::publication::{MAX_CHANGES, MAX_CLOCK_SKEW_MS, Refusal, SignedBatch, Verdict, Watermark};
use store::publisher::{Acknowledged, PublishError, Standing};
use store::record_store::RecordStore;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tonic::{Status, Streaming};
use wire::convert::{confirmed_seals_from_wire, timestamp_from_unix_ms, timestamp_to_ms};
use wire::proto::publication::v1 as pb;
use wire::status::{Details, invalid_argument, status_for};

use super::opening::{accepted_to_wire, claim_of};
use super::seals::SealsTold;
use super::{LARGEST_MESSAGE, OwnMunicipality, Publication, refusal_of, rejection_to_wire};
use crate::entry::Call;
use crate::stream::StreamGuard;

impl<S: RecordStore> Publication<S> {
    async fn open(
        &self,
        call: &Call,
        open: pb::PublishOpen,
    ) -> Result<(OwnMunicipality, pb::PublishOpened), Status> {
        let pb::PublishOpen {
            municipality,
            epoch,
            journal_end,
            digest_version,
            sent_at,
            acknowledged,
            proof,
            confirmed_seals,
        } = open;
        let own = match self.granted(call, "open.municipality", &municipality) {
            Ok(own) => own,
            Err(status) => {
                self.enter(call, None, Vec::new(), Some(Reason::ForeignMunicipality))
                    .await?;
                return Err(status);
            }
        };
        let claim = claim_of(&epoch, acknowledged, &proof).map_err(|invalid| invalid_argument(&invalid))?;
        let shown = confirmed_seals_from_wire("open.confirmed_seals", confirmed_seals)
            .map_err(|invalid| invalid_argument(&invalid))?;
        let sent_ms =
            timestamp_to_ms("open.sent_at", sent_at).map_err(|invalid| invalid_argument(&invalid))?;
        let now_ms = i64::try_from(self.shared.clock.now_ms()).unwrap_or(i64::MAX);
        let withdrawn = self.withdrawn(own);
        let refusal = if withdrawn.is_some() {
            withdrawn
        } else if digest_version != u32::from(DIGEST_VERSION) {
            Some(Reason::VersionNotShared)
        } else if MAX_CLOCK_SKEW_MS < sent_ms.abs_diff(now_ms) {
            Some(Reason::ClockSkew)
        } else {
            None
        };
        // The entry comes first: a line that begins is in the log, whatever happens to the rest of this call.
        let judged = claim.filter(|_| refusal.is_none());
        let verdict = judged.map(|claim| self.shared.store.judge(own.id, &claim));
        if verdict == Some(Verdict::Unproved) {
            tracing::warn!(
                municipality = own.id.as_str(),
                "a node shows a proof that is not this index's"
            );
        }
        let lost = judged.filter(|_| verdict == Some(Verdict::Lost));
        let mut facts = vec![("act".to_owned(), "open".to_owned())];
        if let Some(claim) = lost {
            facts.extend(self.loss(own, &claim));
        }
        self.enter(call, Some(own), facts, refusal).await?;
        if let Some(reason) = refusal {
            return Err(status_for(reason, Details::none()));
        }
        self.recall_seals(own, shown);
        // What is published is decided before anything is.
        self.shared.profile_of(own.id).await?;
        let standing = match lost {
            Some(claim) => self.begin_line(own, claim).await?,
            None => self.shared.store.standing(own.id, self.shared.clock.now_ms()),
        };
        // Whoever shows another index's proof may speak of another journal.
        if verdict != Some(Verdict::Unproved) {
            self.shared.store.hear(own.id, Watermark(journal_end));
        }
        let Standing {
            epoch,
            began_ms,
            watermark,
            proof,
            last,
            backed_up,
            profile,
        } = standing;
        let opened = pb::PublishOpened {
            epoch: epoch.0.to_vec(),
            watermark: watermark.0,
            digest_version,
            credits: self.shared.store.credits(),
            max_changes: u32::try_from(MAX_CHANGES).unwrap_or(u32::MAX),
            max_bytes: u32::try_from(LARGEST_MESSAGE).unwrap_or(u32::MAX),
            proof: proof.as_bytes().to_vec(),
            last_batch: last.map(accepted_to_wire),
            epoch_begin_time: began_ms.map(timestamp_from_unix_ms),
            backed_up: backed_up.0,
            confirmed_seals: Vec::new(),
            profile: profile.map(Into::into),
        };
        Ok((own, opened))
    }

    async fn accept(
        &self,
        call: &Call,
        own: OwnMunicipality,
        batch: pb::Batch,
    ) -> Result<pb::PublishAcknowledged, Status> {
        let signed = match SignedBatch::try_from(batch) {
            Ok(signed) => signed,
            Err(invalid) => {
                let details = vec![("field".to_owned(), invalid.field().to_owned())];
                self.enter(call, Some(own), details, Some(Reason::InvalidArgument))
                    .await?;
                return Err(invalid_argument(&invalid));
            }
        };
        let first = signed.batch.first_sequence();
        let now_ms = self.shared.clock.now_ms();
        let keys = self
            .shared
            .nodes
            .get(&call.peer.id)
            .map(|grant| &grant.publication_keys);
        let Some(verified) = keys.and_then(|keys| keys.verify(signed, now_ms).ok()) else {
            let facts = vec![("first_sequence".to_owned(), first.to_string())];
            let reason = Reason::BatchNotSigned;
            self.enter(call, Some(own), facts, Some(reason)).await?;
            return Err(status_for(reason, Details::none()));
        };
        let published = if MunicipalityId::of_any(verified.batch().municipality()) == Some(own.id) {
            self.shared.store.publish(verified, now_ms).await
        } else {
            Err(PublishError::Refused(Refusal::ForeignMunicipality))
        };
        match published {
            Ok(Acknowledged {
                watermark,
                rejections,
                proof,
                backed_up,
                profile,
            }) => {
                let visible = self
                    .shared
                    .store
                    .municipality(own.id)
                    .map_or(0, |state| state.visible.0);
                Ok(pb::PublishAcknowledged {
                    watermark: watermark.0,
                    rejections: rejections.iter().map(rejection_to_wire).collect(),
                    visible,
                    credits: self.shared.store.credits(),
                    proof: proof.as_bytes().to_vec(),
                    backed_up: backed_up.0,
                    confirmed_seals: Vec::new(),
                    profile: profile.map(Into::into),
                })
            }
            Err(error) => {
                let (reason, details) = refusal_of(&error);
                let facts = vec![("first_sequence".to_owned(), first.to_string())];
                self.enter(call, Some(own), facts, Some(reason)).await?;
                Err(status_for(reason, details))
            }
        }
    }

    pub(super) async fn serve(
        self: Arc<Self>,
        call: Call,
        mut requests: Streaming<pb::PublishRequest>,
        mut guard: StreamGuard,
        answers: mpsc::Sender<Result<pb::PublishResponse, Status>>,
    ) {
        let mut opened = None;
        let mut told = SealsTold::default();
        loop {
            let request = tokio::select! {
                request = requests.next() => request,
                reason = guard.ended() => {
                    self.cut(&call, opened, reason, &answers).await;
                    return;
                }
            };
            let Some(request) = request else { return };
            let answer = match request.and_then(|request| request.message.ok_or_else(no_message)) {
                Ok(message) => {
                    let answer = self.answer(&call, &mut opened, message).await;
                    answer.map(|answer| self.with_seals(opened, &mut told, answer))
                }
                Err(status) => Err(status),
            };
            let last = answer.is_err();
            let message = answer.map(|message| pb::PublishResponse {
                message: Some(message),
            });
            // A node that has gone gets its acknowledgement when it comes back.
            if answers.send(message).await.is_err() || last {
                return;
            }
        }
    }

    /// Ends a stream from the index's side. What was sent and not acknowledged comes again.
    async fn cut(
        &self,
        call: &Call,
        opened: Option<OwnMunicipality>,
        reason: Reason,
        answers: &mpsc::Sender<Result<pb::PublishResponse, Status>>,
    ) {
        let details = vec![("act".to_owned(), "cut".to_owned())];
        let status = match self.enter(call, opened, details, Some(reason)).await {
            Ok(()) => status_for(reason, Details::none()),
            Err(unavailable) => unavailable,
        };
        // The node may have gone by itself.
        let _ = answers.send(Err(status)).await;
    }

    async fn answer(
        &self,
        call: &Call,
        opened: &mut Option<OwnMunicipality>,
        message: pb::publish_request::Message,
    ) -> Result<pb::publish_response::Message, Status> {
        match (message, *opened) {
            (pb::publish_request::Message::Open(open), None) => {
                let (own, answer) = self.open(call, open).await?;
                *opened = Some(own);
                Ok(pb::publish_response::Message::Opened(answer))
            }
            (pb::publish_request::Message::Batch(batch), Some(own)) => {
                let acknowledged = self.accept(call, own, batch).await?;
                Ok(pb::publish_response::Message::Acknowledged(acknowledged))
            }
            (pb::publish_request::Message::Open(_), Some(_))
            | (pb::publish_request::Message::Batch(_), None) => Err(no_message()),
        }
    }
}

/// The first message opens the stream, and only the first.
fn no_message() -> Status {
    let details = Details::none().with_metadata("field", "message");
    status_for(Reason::InvalidArgument, details)
}
