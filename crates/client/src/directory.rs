//! Who takes part: for nodes, auditors and administrators.

use std::time::Duration;

use registry::identifier::IstatCode;
use registry::publication::{Epoch, Watermark};
use wire::convert::{Invalid, epoch_from_wire, timestamp_from_ms};
use wire::proto::directory::v1 as proto;
use wire::proto::directory::v1::directory_service_client::DirectoryServiceClient as Service;

use crate::admin::Act;
use crate::connection::{Connection, Repeat};
use crate::convert::{each, istat, optional_time, span};
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
    /// When its line of history began, Unix milliseconds; nothing while it is the first.
    pub began_ms: Option<i64>,
    /// Highest change that a backup of the index is known to hold.
    pub backed_up: Watermark,
    /// Age from which its data count as stale, where one is configured.
    pub alarm_after: Option<Duration>,
    /// Whether its data are older than that, or never came.
    pub stale: bool,
    /// When it was withdrawn, Unix milliseconds; nothing while it takes part.
    pub withdrawn_ms: Option<i64>,
}

/// What became of a shorter journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptedJournal {
    /// The municipality's line of history now.
    pub epoch: Epoch,
    /// The change after which its node continues.
    pub watermark: Watermark,
    /// Whether a new line began; not where the index holds less than the journal.
    pub begun: bool,
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

    /// Takes a node's journal that ends before what the index holds: for administrators.
    ///
    /// # Errors
    /// See [`ClientError`]. It is never made twice: the municipality's state tells whether it took effect.
    pub async fn accept_journal(
        &self,
        municipality: IstatCode,
        journal_end: u64,
        act: &Act,
    ) -> Result<AcceptedJournal, ClientError> {
        let Act { reference, operator } = act.clone();
        let message = proto::AcceptJournalRequest {
            municipality: municipality.to_string(),
            journal_end,
            reference,
            operator,
        };
        let answer = self
            .connection
            .call(Repeat::Never, message, |channel, request| async move {
                Service::new(channel).accept_journal(request).await
            })
            .await?;
        let proto::AcceptJournalResponse {
            epoch,
            watermark,
            begun,
        } = answer;
        Ok(AcceptedJournal {
            epoch: epoch_from_wire("epoch", &epoch)?,
            watermark: Watermark(watermark),
            begun,
        })
    }

    /// Declares that a backup of the index holds everything recorded up to an instant, Unix milliseconds: for
    /// administrators.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn declare_backup(&self, at_ms: i64, act: &Act) -> Result<(), ClientError> {
        let Act { reference, operator } = act.clone();
        let message = proto::DeclareBackupRequest {
            time: Some(timestamp_from_ms(at_ms)),
            reference,
            operator,
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).declare_backup(request).await
            })
            .await?;
        let proto::DeclareBackupResponse {} = answer;
        Ok(())
    }

    /// Ends a restoration, and tells without which municipalities: for administrators.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn reopen(&self, act: &Act) -> Result<Vec<IstatCode>, ClientError> {
        let Act { reference, operator } = act.clone();
        let message = proto::ReopenRequest { reference, operator };
        let answer = self
            .connection
            .call(Repeat::Never, message, |channel, request| async move {
                Service::new(channel).reopen(request).await
            })
            .await?;
        let proto::ReopenResponse { awaited } = answer;
        Ok(each("awaited", awaited, |code| istat("awaited", &code))?)
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
            epoch_begin_time,
            backed_up,
            alarm_after,
            stale,
            withdraw_time,
        } = message;
        Ok(Self {
            istat: istat("istat", &code)?,
            name,
            node,
            watermark: Watermark(watermark),
            visible: Watermark(visible),
            confirmed_ms: optional_time("confirm_time", confirm_time)?,
            age: age.map(|age| span("age", Some(age))).transpose()?,
            records,
            identity,
            began_ms: optional_time("epoch_begin_time", epoch_begin_time)?,
            backed_up: Watermark(backed_up),
            alarm_after: alarm_after
                .map(|age| span("alarm_after", Some(age)))
                .transpose()?,
            stale,
            withdrawn_ms: optional_time("withdraw_time", withdraw_time)?,
        })
    }
}
