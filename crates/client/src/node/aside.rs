//! Changes that the index keeps aside.

use registry::identifier::{IstatCode, LocalId};
use wire::convert::{Invalid, timestamp_to_ms};
use wire::proto::publication::v1 as proto;
use wire::proto::publication::v1::publication_service_client::PublicationServiceClient as Service;

use crate::connection::Repeat;
use crate::convert::each;
use crate::error::ClientError;
use crate::node::NodeClient;
use crate::page::{Page, PageRequest};

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

impl NodeClient {
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
