//! The stream of batches and acknowledgements.

use registry::digest::DIGEST_VERSION;
use registry::identifier::IstatCode;
use registry::profile::Profile;
use registry::publication::{
    Accepted, AcknowledgementProof, Claim, ContentId, Epoch, ProvedSeal, SignedBatch, Watermark,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use wire::convert::{Invalid, Rule, confirmed_seals_from_wire, epoch_from_wire, timestamp_from_ms};
use wire::proto::publication::v1 as proto;
use wire::proto::publication::v1::publication_service_client::PublicationServiceClient as Service;

use crate::connection::Connection;
use crate::convert::{array, each, optional_time, required};
use crate::error::ClientError;
use crate::node::{NodeClient, Rejection};

/// Messages that may wait for the connection; the index's credits bound them further.
const OUTBOX: usize = 16;

/// What a node says when it opens a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Whose changes follow.
    pub municipality: IstatCode,
    /// The index's line of history as the node last knew it; nothing when it never published.
    pub epoch: Option<Epoch>,
    /// The newest acknowledgement under that epoch: where it proves a loss, the index begins a new epoch.
    pub claim: Option<Claim>,
    /// Last change of the journal; 0 when it is empty.
    pub journal_end: u64,
    /// The confirmed seals of which the index ever told.
    pub confirmed_seals: Vec<ProvedSeal>,
}

/// What the index answers.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Every seal of the municipality that a registrar has confirmed, to be kept and shown.
    pub confirmed_seals: Vec<ProvedSeal>,
    /// What the municipality publishes; an index of an earlier version does not say.
    pub profile: Option<Profile>,
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
    /// Seals confirmed since the index last told, to be kept and shown.
    pub confirmed_seals: Vec<ProvedSeal>,
    /// What the municipality publishes; an index of an earlier version does not say.
    pub profile: Option<Profile>,
}

/// An open stream of batches and acknowledgements.
#[derive(Debug)]
pub struct Publication {
    connection: Connection,
    outbox: mpsc::Sender<proto::PublishRequest>,
    inbox: Streaming<proto::PublishResponse>,
}

impl NodeClient {
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
            confirmed_seals,
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
            confirmed_seals: confirmed_seals.into_iter().map(Into::into).collect(),
        };
        let (outbox, requests) = mpsc::channel(OUTBOX);
        let first = proto::PublishRequest {
            message: Some(proto::publish_request::Message::Open(open)),
        };
        // The channel is empty and its receiver is held here: the first message always has a place.
        let lost = |_| ClientError::Unreachable {
            code: tonic::Code::Unavailable.into(),
            fault: None,
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
                fault: None,
            }),
        }
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
            fault: None,
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
            confirmed_seals,
            profile,
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
            confirmed_seals: confirmed_seals_from_wire("confirmed_seals", confirmed_seals)?,
            profile: profile.map(TryInto::try_into).transpose()?,
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
            confirmed_seals,
            profile,
        } = message;
        Ok(Self {
            watermark: Watermark(watermark),
            rejections: each("rejections", rejections, TryInto::try_into)?,
            visible: Watermark(visible),
            credits: from_one("credits", credits)?,
            proof: proof_of(&proof)?,
            backed_up: Watermark(backed_up),
            confirmed_seals: confirmed_seals_from_wire("confirmed_seals", confirmed_seals)?,
            profile: profile.map(TryInto::try_into).transpose()?,
        })
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
