//! What an administrator can do about a node that is no longer trusted.

use registry::identifier::IstatCode;
use wire::convert::{Invalid, Timestamp, timestamp_from_ms, timestamp_to_ms};
use wire::proto::publication::v1 as proto;
use wire::proto::publication::v1::quarantine_service_client::QuarantineServiceClient as Service;

use super::{Act, AdminClient};
use crate::connection::Repeat;
use crate::convert::{each, required};
use crate::error::ClientError;
use crate::page::{Page, PageRequest};
use crate::receipt::{AccessProof, Expected};

const BEGIN: &str = "ponte.publication.v1.QuarantineService/BeginQuarantine";
const LIFT: &str = "ponte.publication.v1.QuarantineService/LiftQuarantine";

/// Versions received in an interval that are not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// By what it is lifted.
    pub id: u64,
    /// First instant of the interval, Unix milliseconds.
    pub from_ms: i64,
    /// Last instant of the interval.
    pub to_ms: i64,
    /// When it began.
    pub begun_ms: i64,
    /// Number of the act.
    pub reference: String,
    /// Cards that are served as they were before.
    pub cards: u32,
}

/// A quarantine that was begun.
#[derive(Clone, Debug)]
pub struct Begun {
    /// The quarantine; nothing when no card had a version in the interval.
    pub quarantine: Option<Quarantine>,
    /// Proof that it was entered in the log.
    pub receipt: AccessProof,
}

/// A quarantine that was taken back.
#[derive(Clone, Debug)]
pub struct Lifted {
    /// Cards that are served otherwise.
    pub cards: u32,
    /// Proof that it was entered in the log.
    pub receipt: AccessProof,
}

/// An access that was answered with a version in quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuspectAccess {
    /// Index of the entry in the access log.
    pub index: u64,
    /// When it was entered, Unix milliseconds.
    pub at_ms: i64,
    /// Who was answered, a SPIFFE id.
    pub peer: String,
    /// Id of the agreement.
    pub agreement: String,
    /// Id of the purpose.
    pub purpose: String,
    /// gRPC method.
    pub service: String,
    /// How many of its subjects had a version in quarantine.
    pub subjects: u32,
}

impl AdminClient {
    /// Stops serving what was received of a municipality in an interval, and serves what was there before.
    ///
    /// # Errors
    /// See [`ClientError`]. It is never made twice: after a lost connection, [`Self::quarantines`] tells whether it
    /// took effect.
    pub async fn begin_quarantine(
        &self,
        municipality: IstatCode,
        (from_ms, to_ms): (i64, i64),
        act: &Act,
    ) -> Result<Begun, ClientError> {
        let Act { reference, operator } = act.clone();
        let message = proto::BeginQuarantineRequest {
            municipality: municipality.to_string(),
            from_time: Some(timestamp_from_ms(from_ms)),
            to_time: Some(timestamp_from_ms(to_ms)),
            reference,
            operator,
        };
        let answer = self
            .connection
            .call(Repeat::Never, message, |channel, request| async move {
                Service::new(channel).begin_quarantine(request).await
            })
            .await?;
        let proto::BeginQuarantineResponse { quarantine, receipt } = answer;
        Ok(Begun {
            quarantine: quarantine.map(TryInto::try_into).transpose()?,
            receipt: self.connection.receipts().of_answer(receipt, &of_act(BEGIN))?,
        })
    }

    /// Takes a quarantine back.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn lift_quarantine(
        &self,
        municipality: IstatCode,
        id: u64,
        act: &Act,
    ) -> Result<Lifted, ClientError> {
        let Act { reference, operator } = act.clone();
        let message = proto::LiftQuarantineRequest {
            municipality: municipality.to_string(),
            id,
            reference,
            operator,
        };
        let answer = self
            .connection
            .call(Repeat::Never, message, |channel, request| async move {
                Service::new(channel).lift_quarantine(request).await
            })
            .await?;
        let proto::LiftQuarantineResponse { cards, receipt } = answer;
        Ok(Lifted {
            cards,
            receipt: self.connection.receipts().of_answer(receipt, &of_act(LIFT))?,
        })
    }

    /// A page of the quarantines of a municipality, oldest first.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn quarantines(
        &self,
        municipality: IstatCode,
        page: &PageRequest,
    ) -> Result<Page<Quarantine>, ClientError> {
        let message = proto::ListQuarantinesRequest {
            municipality: municipality.to_string(),
            page_size: page.wire_size(),
            page_token: page.wire_token(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).list_quarantines(request).await
            })
            .await?;
        let proto::ListQuarantinesResponse {
            quarantines,
            next_page_token,
        } = answer;
        Ok(Page::new(
            each("quarantines", quarantines, TryInto::try_into)?,
            next_page_token,
        ))
    }

    /// A page of the accesses that were answered with versions in a quarantine, oldest first. A page may be empty
    /// and not the last: the index looks at so many entries at a time.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn suspect_accesses(
        &self,
        municipality: IstatCode,
        id: u64,
        page: &PageRequest,
    ) -> Result<Page<SuspectAccess>, ClientError> {
        let message = proto::ListSuspectAccessesRequest {
            municipality: municipality.to_string(),
            id,
            page_size: page.wire_size(),
            page_token: page.wire_token(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).list_suspect_accesses(request).await
            })
            .await?;
        let proto::ListSuspectAccessesResponse {
            accesses,
            next_page_token,
            origin: _,
        } = answer;
        Ok(Page::new(
            each("accesses", accesses, TryInto::try_into)?,
            next_page_token,
        ))
    }
}

fn of_act(method: &'static str) -> Expected<'static> {
    Expected {
        method,
        request_id: None,
        agreement: None,
        purpose: None,
    }
}

impl TryFrom<proto::Quarantine> for Quarantine {
    type Error = Invalid;

    fn try_from(message: proto::Quarantine) -> Result<Self, Invalid> {
        let proto::Quarantine {
            id,
            from_time,
            to_time,
            begin_time,
            reference,
            cards,
        } = message;
        let instant =
            |field: &str, time: Option<Timestamp>| timestamp_to_ms(field, Some(required(field, time)?));
        Ok(Self {
            id,
            from_ms: instant("from_time", from_time)?,
            to_ms: instant("to_time", to_time)?,
            begun_ms: instant("begin_time", begin_time)?,
            reference,
            cards,
        })
    }
}

impl TryFrom<proto::SuspectAccess> for SuspectAccess {
    type Error = Invalid;

    fn try_from(message: proto::SuspectAccess) -> Result<Self, Invalid> {
        let proto::SuspectAccess {
            index,
            access_time,
            peer,
            agreement,
            purpose,
            service,
            subjects,
        } = message;
        Ok(Self {
            index,
            at_ms: timestamp_to_ms("access_time", access_time)?,
            peer,
            agreement,
            purpose,
            service,
            subjects,
        })
    }
}
