//! What a node can do: publish, ask what the index holds, compare.

mod held;

use std::collections::BTreeSet;

use registry::digest::{Bucket, CardDigest, DIGEST_VERSION, DigestRoot, SetDigest};
use registry::identifier::{IstatCode, LocalId};
use registry::linking::AnomalyKind;
use registry::publication::{
    Accepted, AcknowledgementProof, Claim, ContentId, Epoch, SignedBatch, Watermark,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use wire::convert::{Invalid, Rule, epoch_from_wire, timestamp_from_ms, timestamp_to_ms};
use wire::proto::publication::v1 as proto;
use wire::proto::publication::v1::publication_service_client::PublicationServiceClient as Service;

use crate::connection::{Connection, Repeat};
use crate::convert::{array, each, optional_time, required, unknown_value};
use crate::error::ClientError;
use crate::page::{Page, PageRequest};

pub use self::held::{HeldChange, HeldPage};

/// Messages that may wait for the connection; the index's credits bound them further.
const OUTBOX: usize = 16;

/// The node's side of the publication service. Clones share the connection.
#[derive(Clone, Debug)]
pub struct NodeClient {
    connection: Connection,
}

/// What a node says when it opens a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Whose changes follow.
    pub municipality: IstatCode,
    /// The index's line of history as the node last knew it; nothing when it never published.
    pub epoch: Option<Epoch>,
    /// The newest acknowledgement under that epoch: where it proves a loss, the index begins a new epoch.
    pub claim: Option<Claim>,
    /// Last change of the journal; 0 when it is empty.
    pub journal_end: u64,
}

/// What the index answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The index's line of history.
    pub epoch: Epoch,
    /// What it holds durably; the node continues with the next change.
    pub watermark: Watermark,
    /// Version of the digest that both compare.
    pub digest_version: u32,
    /// How many batches may be unacknowledged, from 1.
    pub credits: u32,
    /// How many changes a batch may hold, from 1.
    pub max_changes: u32,
    /// How many bytes a batch may take.
    pub max_bytes: u32,
    /// Proof that everything up to the watermark was acknowledged.
    pub proof: Option<AcknowledgementProof>,
    /// The last batch that the index holds under this epoch.
    pub last_batch: Option<Accepted>,
    /// When the epoch began, Unix milliseconds; nothing while it is the municipality's first.
    pub began_ms: Option<i64>,
    /// Highest change that a backup of the index is known to hold.
    pub backed_up: Watermark,
}

/// What the index says after a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// What it holds durably.
    pub watermark: Watermark,
    /// Changes of the batch that it keeps aside.
    pub rejections: Vec<Rejection>,
    /// Highest change that consultations see.
    pub visible: Watermark,
    /// How many batches may now be unacknowledged, from 1.
    pub credits: u32,
    /// Proof of the acknowledgement.
    pub proof: Option<AcknowledgementProof>,
    /// Highest change that a backup of the index is known to hold.
    pub backed_up: Watermark,
}

/// A change that the index keeps aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Its number in the node's journal.
    pub sequence: u64,
    /// The municipality's number for the card.
    pub local_id: LocalId,
    /// Code of the rule that it breaks.
    pub code: String,
    /// Path of the field that breaks it; empty where it is the card as a whole.
    pub field: String,
    /// When the index decided it, Unix milliseconds.
    pub rejected_ms: i64,
}

/// A contradiction between a card of the municipality and another card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// What contradicts.
    pub kind: AnomalyKind,
    /// The municipality's number for its own card.
    pub local_id: LocalId,
    /// Who keeps the other card, where that may be said.
    pub other: Option<IstatCode>,
}

/// What the index holds of a municipality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MunicipalityState {
    /// Its line of history.
    pub epoch: Epoch,
    /// Highest change that it holds durably.
    pub watermark: Watermark,
    /// Highest change that consultations see.
    pub visible: Watermark,
    /// Version of the digest that it computes.
    pub digest_version: u32,
    /// Root of the digest of the cards at `visible`.
    pub digest: DigestRoot,
    /// Number of cards at `visible`.
    pub records: u64,
    /// Changes kept aside whose card has not been published correctly since.
    pub rejections: u64,
    /// When the last batch became durable, Unix milliseconds.
    pub received_ms: Option<i64>,
    /// When the epoch began, Unix milliseconds; nothing while it is the municipality's first.
    pub began_ms: Option<i64>,
    /// Highest change that a backup of the index is known to hold.
    pub backed_up: Watermark,
}

/// How the node's cards compare with the index's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// They are equal.
    Equal,
    /// They differ in these buckets.
    Different(Vec<Bucket>),
    /// Epoch, version or sequence differ: compare again at this sequence.
    NotComparable(Watermark),
}

/// A page of the index's cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardPage {
    /// Local id and digest, in order of local id.
    pub cards: Vec<(LocalId, CardDigest)>,
    /// Whether more follow after the last one.
    pub more: bool,
}

/// An open stream of batches and acknowledgements.
#[derive(Debug)]
pub struct Publication {
    connection: Connection,
    outbox: mpsc::Sender<proto::PublishRequest>,
    inbox: Streaming<proto::PublishResponse>,
}

impl NodeClient {
    /// A client over a connection with a node's certificate.
    pub fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Opens the stream of one municipality.
    ///
    /// # Errors
    /// See [`ClientError`]. It is not made again by itself.
    pub async fn open_publication(&self, opening: Opening) -> Result<(Publication, Opened), ClientError> {
        let Opening {
            municipality,
            epoch,
            claim,
            journal_end,
        } = opening;
        let open = proto::PublishOpen {
            municipality: municipality.to_string(),
            epoch: epoch.map(|epoch| epoch.0.to_vec()).unwrap_or_default(),
            journal_end,
            digest_version: u32::from(DIGEST_VERSION),
            sent_at: Some(timestamp_from_ms(
                self.connection.clock().now().timestamp_millis(),
            )),
            acknowledged: claim.map_or(0, |claim| claim.watermark.0),
            proof: claim
                .map(|claim| claim.proof.as_bytes().to_vec())
                .unwrap_or_default(),
        };
        let (outbox, requests) = mpsc::channel(OUTBOX);
        let first = proto::PublishRequest {
            message: Some(proto::publish_request::Message::Open(open)),
        };
        // The channel is empty and its receiver is held here: the first message always has a place.
        let lost = |_| ClientError::Unreachable {
            code: tonic::Code::Unavailable.into(),
        };
        outbox.send(first).await.map_err(lost)?;
        let connection = self.connection.clone();
        let inbox = connection
            .open_stream(ReceiverStream::new(requests), |channel, request| async move {
                Service::new(channel).publish(request).await
            })
            .await?;
        let mut publication = Publication {
            connection,
            outbox,
            inbox,
        };
        let deadline = publication.connection.timing().deadline;
        let answer = tokio::time::timeout(deadline, publication.receive_message()).await;
        match answer.map_err(|_| ClientError::Deadline(deadline))?? {
            Some(proto::publish_response::Message::Opened(opened)) => Ok((publication, opened.try_into()?)),
            Some(proto::publish_response::Message::Acknowledged(_)) => {
                Err(Invalid::new("acknowledged", Rule::Unexpected).into())
            }
            None => Err(ClientError::Unreachable {
                code: tonic::Code::Unavailable.into(),
            }),
        }
    }

    /// What the index holds of a municipality.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn get_state(&self, municipality: IstatCode) -> Result<MunicipalityState, ClientError> {
        let message = proto::GetStateRequest {
            municipality: municipality.to_string(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).get_state(request).await
            })
            .await?;
        Ok(answer.try_into()?)
    }

    /// Compares the digest of the cards that the node held at `sequence` with that of the index.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn compare_digests(
        &self,
        municipality: IstatCode,
        epoch: Epoch,
        sequence: Watermark,
        digest: &SetDigest,
    ) -> Result<Comparison, ClientError> {
        let message = proto::CompareDigestsRequest {
            municipality: municipality.to_string(),
            epoch: epoch.0.to_vec(),
            sequence: sequence.0,
            digest_version: u32::from(DIGEST_VERSION),
            digest: digest.to_bytes(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).compare_digests(request).await
            })
            .await?;
        Ok(answer.try_into()?)
    }

    /// A page of the index's cards in some buckets as they are at `sequence`, those behind `after`; nothing where the
    /// index is elsewhere: compare again.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list_cards(
        &self,
        municipality: IstatCode,
        epoch: Epoch,
        sequence: Watermark,
        buckets: &BTreeSet<Bucket>,
        after: Option<&LocalId>,
    ) -> Result<Option<CardPage>, ClientError> {
        let message = proto::ListCardsRequest {
            municipality: municipality.to_string(),
            epoch: epoch.0.to_vec(),
            sequence: sequence.0,
            digest_version: u32::from(DIGEST_VERSION),
            buckets: buckets.iter().map(|bucket| u32::from(bucket.number())).collect(),
            after: after.map(ToString::to_string).unwrap_or_default(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).list_cards(request).await
            })
            .await?;
        let proto::ListCardsResponse {
            sequence: _,
            cards,
            more,
            comparable,
        } = answer;
        if !comparable {
            return Ok(None);
        }
        let read = |card: proto::CardDigest| {
            let proto::CardDigest { local_id, digest } = card;
            Ok((
                LocalId::parse(&local_id).map_err(|error| Invalid::new("local_id", error))?,
                CardDigest::from_bytes(array("digest", &digest)?),
            ))
        };
        let cards = each("cards", cards, read)?;
        Ok(Some(CardPage { cards, more }))
    }

    /// A page of the changes that the index keeps aside, in order of sequence.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list_rejections(
        &self,
        municipality: IstatCode,
        page: &PageRequest,
    ) -> Result<Page<Rejection>, ClientError> {
        let message = proto::ListRejectionsRequest {
            municipality: municipality.to_string(),
            page_size: page.wire_size(),
            page_token: page.wire_token(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).list_rejections(request).await
            })
            .await?;
        let proto::ListRejectionsResponse {
            rejections,
            next_page_token,
        } = answer;
        Ok(Page::new(
            each("rejections", rejections, TryInto::try_into)?,
            next_page_token,
        ))
    }
}

impl NodeClient {
    /// A page of what contradicts the municipality's cards. Each anomaly is an entry of the access log.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list_anomalies(
        &self,
        municipality: IstatCode,
        page: &PageRequest,
    ) -> Result<Page<Anomaly>, ClientError> {
        let message = proto::ListAnomaliesRequest {
            municipality: municipality.to_string(),
            page_size: page.wire_size(),
            page_token: page.wire_token(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).list_anomalies(request).await
            })
            .await?;
        let proto::ListAnomaliesResponse {
            anomalies,
            next_page_token,
        } = answer;
        Ok(Page::new(
            each("anomalies", anomalies, TryInto::try_into)?,
            next_page_token,
        ))
    }
}

impl Publication {
    /// Sends a batch; waits while the connection takes no more.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] when the stream is gone; [`Self::receive`] then tells why.
    pub async fn send(&self, batch: &SignedBatch) -> Result<(), ClientError> {
        let message = proto::PublishRequest {
            message: Some(proto::publish_request::Message::Batch(batch.into())),
        };
        let lost = |_| ClientError::Unreachable {
            code: tonic::Code::Unavailable.into(),
        };
        self.outbox.send(message).await.map_err(lost)
    }

    /// The next acknowledgement; nothing when the index has ended the stream in good order.
    ///
    /// # Errors
    /// The refusal of a batch, or what broke the stream.
    pub async fn receive(&mut self) -> Result<Option<Acknowledged>, ClientError> {
        match self.receive_message().await? {
            Some(proto::publish_response::Message::Acknowledged(acknowledged)) => {
                Ok(Some(acknowledged.try_into()?))
            }
            Some(proto::publish_response::Message::Opened(_)) => {
                Err(Invalid::new("opened", Rule::Unexpected).into())
            }
            None => Ok(None),
        }
    }

    async fn receive_message(&mut self) -> Result<Option<proto::publish_response::Message>, ClientError> {
        match self.inbox.message().await {
            Ok(Some(proto::PublishResponse { message })) => Ok(Some(required("message", message)?)),
            Ok(None) => Ok(None),
            Err(status) => Err(self.connection.stream_error(&status)),
        }
    }
}

impl TryFrom<proto::PublishOpened> for Opened {
    type Error = Invalid;

    fn try_from(message: proto::PublishOpened) -> Result<Self, Invalid> {
        let proto::PublishOpened {
            epoch,
            watermark,
            digest_version,
            credits,
            max_changes,
            max_bytes,
            proof,
            last_batch,
            epoch_begin_time,
            backed_up,
        } = message;
        Ok(Self {
            epoch: epoch_from_wire("epoch", &epoch)?,
            watermark: Watermark(watermark),
            digest_version,
            credits: from_one("credits", credits)?,
            max_changes: from_one("max_changes", max_changes)?,
            max_bytes: from_one("max_bytes", max_bytes)?,
            proof: proof_of(&proof)?,
            last_batch: last_batch.map(accepted).transpose()?,
            began_ms: optional_time("epoch_begin_time", epoch_begin_time)?,
            backed_up: Watermark(backed_up),
        })
    }
}

impl TryFrom<proto::PublishAcknowledged> for Acknowledged {
    type Error = Invalid;

    fn try_from(message: proto::PublishAcknowledged) -> Result<Self, Invalid> {
        let proto::PublishAcknowledged {
            watermark,
            rejections,
            visible,
            credits,
            proof,
            backed_up,
        } = message;
        Ok(Self {
            watermark: Watermark(watermark),
            rejections: each("rejections", rejections, TryInto::try_into)?,
            visible: Watermark(visible),
            credits: from_one("credits", credits)?,
            proof: proof_of(&proof)?,
            backed_up: Watermark(backed_up),
        })
    }
}

impl TryFrom<proto::Rejection> for Rejection {
    type Error = Invalid;

    fn try_from(message: proto::Rejection) -> Result<Self, Invalid> {
        let proto::Rejection {
            sequence,
            local_id,
            code,
            field,
            reject_time,
        } = message;
        Ok(Self {
            sequence,
            local_id: LocalId::parse(&local_id).map_err(|error| Invalid::new("local_id", error))?,
            code,
            field,
            rejected_ms: timestamp_to_ms("reject_time", reject_time)?,
        })
    }
}

impl TryFrom<proto::Anomaly> for Anomaly {
    type Error = Invalid;

    fn try_from(message: proto::Anomaly) -> Result<Self, Invalid> {
        let proto::Anomaly {
            code,
            local_id,
            other_municipality,
        } = message;
        let other = (!other_municipality.is_empty()).then(|| IstatCode::parse(&other_municipality));
        Ok(Self {
            kind: AnomalyKind::from_code(&code).ok_or_else(|| unknown_value("code"))?,
            local_id: LocalId::parse(&local_id).map_err(|error| Invalid::new("local_id", error))?,
            other: other
                .transpose()
                .map_err(|error| Invalid::new("other_municipality", error))?,
        })
    }
}

impl TryFrom<proto::GetStateResponse> for MunicipalityState {
    type Error = Invalid;

    fn try_from(message: proto::GetStateResponse) -> Result<Self, Invalid> {
        let proto::GetStateResponse {
            epoch,
            watermark,
            visible,
            digest_version,
            digest,
            records,
            rejections,
            receive_time,
            epoch_begin_time,
            backed_up,
        } = message;
        Ok(Self {
            epoch: epoch_from_wire("epoch", &epoch)?,
            watermark: Watermark(watermark),
            visible: Watermark(visible),
            digest_version,
            digest: DigestRoot::from_bytes(array("digest", &digest)?),
            records,
            rejections,
            received_ms: optional_time("receive_time", receive_time)?,
            began_ms: optional_time("epoch_begin_time", epoch_begin_time)?,
            backed_up: Watermark(backed_up),
        })
    }
}

impl TryFrom<proto::CompareDigestsResponse> for Comparison {
    type Error = Invalid;

    fn try_from(message: proto::CompareDigestsResponse) -> Result<Self, Invalid> {
        let proto::CompareDigestsResponse {
            comparison,
            buckets,
            sequence,
        } = message;
        match proto::DigestComparison::try_from(comparison) {
            Ok(proto::DigestComparison::Equal) => Ok(Self::Equal),
            Ok(proto::DigestComparison::Different) => each("buckets", buckets, |number| {
                u16::try_from(number)
                    .ok()
                    .and_then(Bucket::new)
                    .ok_or_else(|| Invalid::new("", Rule::Range))
            })
            .map(Self::Different),
            Ok(proto::DigestComparison::NotComparable) => Ok(Self::NotComparable(Watermark(sequence))),
            Ok(proto::DigestComparison::Unspecified) | Err(_) => Err(unknown_value("comparison")),
        }
    }
}

/// An index of an earlier version gives no proofs.
fn proof_of(bytes: &[u8]) -> Result<Option<AcknowledgementProof>, Invalid> {
    if bytes.is_empty() {
        return Ok(None);
    }
    array("proof", bytes).map(|proof| Some(AcknowledgementProof::from_bytes(proof)))
}

fn accepted(message: proto::AcceptedBatch) -> Result<Accepted, Invalid> {
    let proto::AcceptedBatch {
        first_sequence,
        last_sequence,
        content,
    } = message;
    Ok(Accepted {
        first_sequence,
        last_sequence,
        content: ContentId::from_bytes(array("last_batch.content", &content)?),
    })
}

fn from_one(field: &str, number: u32) -> Result<u32, Invalid> {
    if number == 0 {
        Err(Invalid::new(field, Rule::Range))
    } else {
        Ok(number)
    }
}
