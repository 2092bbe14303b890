//! Who takes part: for nodes, auditors and administrators.

use std::time::Duration;

use registry::identifier::IstatCode;
use registry::publication::Watermark;
use wire::convert::{Invalid, timestamp_to_ms};
use wire::proto::directory::v1 as proto;
use wire::proto::directory::v1::directory_service_client::DirectoryServiceClient as Service;

use crate::connection::{Connection, Repeat};
use crate::convert::{each, istat, span};
use crate::error::ClientError;
use crate::page::{Page, PageRequest};

/// The caller's side of the directory service. Clones share the connection.
#[derive(Clone, Debug)]
pub struct DirectoryClient {
    connection: Connection,
}

/// A municipality that the index serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MunicipalityStatus {
    /// ISTAT code in force today.
    pub istat: IstatCode,
    /// Name in force today.
    pub name: String,
    /// The node that publishes it, a SPIFFE id.
    pub node: String,
    /// Highest change that the index holds durably.
    pub watermark: Watermark,
    /// Highest change that consultations see.
    pub visible: Watermark,
    /// When the node last confirmed its data, Unix milliseconds; nothing when it never did.
    pub confirmed_ms: Option<i64>,
    /// Time since then, in whole minutes.
    pub age: Option<Duration>,
    /// Number of cards that consultations see.
    pub records: u64,
    /// Identity that lasts while codes change.
    pub identity: String,
}

impl DirectoryClient {
    /// A client over a connection.
    pub fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// A page of the municipalities, in order of ISTAT code.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list_municipalities(
        &self,
        page: &PageRequest,
    ) -> Result<Page<MunicipalityStatus>, ClientError> {
        let message = proto::ListMunicipalitiesRequest {
            page_size: page.wire_size(),
            page_token: page.wire_token(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).list_municipalities(request).await
            })
            .await?;
        let proto::ListMunicipalitiesResponse {
            municipalities,
            next_page_token,
        } = answer;
        Ok(Page::new(
            each("municipalities", municipalities, TryInto::try_into)?,
            next_page_token,
        ))
    }
}

impl TryFrom<proto::Municipality> for MunicipalityStatus {
    type Error = Invalid;

    fn try_from(message: proto::Municipality) -> Result<Self, Invalid> {
        let proto::Municipality {
            istat: code,
            name,
            node,
            watermark,
            visible,
            confirm_time,
            age,
            records,
            identity,
        } = message;
        Ok(Self {
            istat: istat("istat", &code)?,
            name,
            node,
            watermark: Watermark(watermark),
            visible: Watermark(visible),
            confirmed_ms: confirm_time
                .map(|time| timestamp_to_ms("confirm_time", Some(time)))
                .transpose()?,
            age: age.map(|age| span("age", Some(age))).transpose()?,
            records,
            identity,
        })
    }
}
