//! What a node can do: publish, ask what the index holds, compare.

mod publication;
mod comparison;
mod aside;
mod held;
mod anomalies;

use registry::digest::DigestRoot;
use registry::identifier::IstatCode;
use registry::profile::Profile;
use registry::publication::{Epoch, Watermark};
use wire::convert::{Invalid, epoch_from_wire};
use wire::proto::publication::v1 as proto;
use wire::proto::publication::v1::publication_service_client::PublicationServiceClient as Service;

use crate::connection::{Connection, Repeat};
use crate::convert::{array, optional_time};
use crate::error::ClientError;

pub use self::anomalies::Anomaly;
pub use self::aside::Rejection;
pub use self::comparison::{CardPage, Comparison};
pub use self::held::{HeldChange, HeldPage};
pub use self::publication::{Acknowledged, Opened, Opening, Publication};

/// The node's side of the publication service. Clones share the connection.
#[derive(Clone, Debug)]
pub struct NodeClient {
    connection: Connection,
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
    /// What the municipality publishes; an index of an earlier version does not say.
    pub profile: Option<Profile>,
}

impl NodeClient {
    /// A client over a connection with a node's certificate.
    pub fn new(connection: Connection) -> Self {
        Self { connection }
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
            profile,
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
            profile: profile.map(TryInto::try_into).transpose()?,
        })
    }
}
