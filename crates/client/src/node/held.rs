//! Changes that wait for a registrar.

use registry::identifier::{IstatCode, LocalId};
use registry::publication::{Epoch, HoldReason};
use registry::statement::{Act, SignedStatement, Statement};
use wire::convert::{Invalid, epoch_from_wire, hold_reason_from_wire, timestamp_to_ms};
use wire::proto::publication::v1 as proto;
use wire::proto::publication::v1::publication_service_client::PublicationServiceClient as Service;

use crate::connection::Repeat;
use crate::convert::{array, each};
use crate::error::ClientError;
use crate::node::NodeClient;
use crate::page::{Page, PageRequest};

/// A change that the index received and does not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldChange {
    /// Its place in the order of all accepted changes.
    pub commit_sequence: u64,
    /// Its number in the node's journal.
    pub sequence: u64,
    /// The municipality's number for the card.
    pub local_id: LocalId,
    /// Why it waits.
    pub reason: HoldReason,
    /// When the index recorded it, Unix milliseconds.
    pub held_ms: i64,
    /// SHA-256 of the card's canonical bytes; zeros for a withdrawal.
    pub content: [u8; 32],
}

/// A page of what waits, with what a statement about all of it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldPage {
    /// The changes of the page.
    pub page: Page<HeldChange>,
    /// How many there are in all.
    pub total: u32,
    /// What a statement about all of them names.
    pub digest: [u8; 32],
    /// The index's line of history.
    pub epoch: Epoch,
}

impl HeldPage {
    /// The statement that a registrar would sign about all that waits.
    pub fn statement(&self, act: Act, municipality: IstatCode) -> Statement {
        Statement {
            act,
            municipality,
            epoch: self.epoch,
            changes: self.total,
            digest: self.digest,
        }
    }
}

impl NodeClient {
    /// A page of the changes that wait for a registrar, in the order in which the index accepted them.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list_held_changes(
        &self,
        municipality: IstatCode,
        page: &PageRequest,
    ) -> Result<HeldPage, ClientError> {
        let message = proto::ListHeldChangesRequest {
            municipality: municipality.to_string(),
            page_size: page.wire_size(),
            page_token: page.wire_token(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).list_held_changes(request).await
            })
            .await?;
        let proto::ListHeldChangesResponse {
            held_changes,
            next_page_token,
            total_size,
            digest,
            epoch,
        } = answer;
        Ok(HeldPage {
            page: Page::new(
                each("held_changes", held_changes, TryInto::try_into)?,
                next_page_token,
            ),
            total: total_size,
            digest: array("digest", &digest)?,
            epoch: epoch_from_wire("epoch", &epoch)?,
        })
    }

    /// Hands over a registrar's statement; tells how many cards are served otherwise, or waited and no longer do.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn confirm_held_changes(
        &self,
        municipality: IstatCode,
        statement: &SignedStatement,
    ) -> Result<u32, ClientError> {
        let SignedStatement {
            text,
            registrar,
            signature,
        } = statement;
        let message = proto::ConfirmHeldChangesRequest {
            municipality: municipality.to_string(),
            statement: text.clone(),
            registrar: registrar.to_string(),
            signature: signature.0.to_vec(),
        };
        // Sent twice, the second finds nothing that waits: it is not repeated by itself.
        let answer = self
            .connection
            .call(Repeat::Never, message, |channel, request| async move {
                Service::new(channel).confirm_held_changes(request).await
            })
            .await?;
        Ok(answer.changes)
    }
}

impl NodeClient {
    /// Hands over a registrar's statement that the municipality leaves; tells when the index recorded it, Unix
    /// milliseconds. Handed over again, it is done already.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn withdraw_municipality(
        &self,
        municipality: IstatCode,
        statement: &SignedStatement,
    ) -> Result<i64, ClientError> {
        let SignedStatement {
            text,
            registrar,
            signature,
        } = statement;
        let message = proto::WithdrawMunicipalityRequest {
            municipality: municipality.to_string(),
            statement: text.clone(),
            registrar: registrar.to_string(),
            signature: signature.0.to_vec(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).withdraw_municipality(request).await
            })
            .await?;
        Ok(timestamp_to_ms("withdraw_time", answer.withdraw_time)?)
    }
}

impl TryFrom<proto::HeldChange> for HeldChange {
    type Error = Invalid;

    fn try_from(message: proto::HeldChange) -> Result<Self, Invalid> {
        let proto::HeldChange {
            commit_sequence,
            sequence,
            local_id,
            reason,
            hold_time,
            content,
        } = message;
        Ok(Self {
            commit_sequence,
            sequence,
            local_id: LocalId::parse(&local_id).map_err(|error| Invalid::new("local_id", error))?,
            reason: hold_reason_from_wire("reason", reason)?,
            held_ms: timestamp_to_ms("hold_time", hold_time)?,
            content: array("content", &content)?,
        })
    }
}
