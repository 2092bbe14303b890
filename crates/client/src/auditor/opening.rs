//! Openings of reserved accesses, as auditors ask for them, confirm and list them.

use std::fmt;

use agreement::openings::{EntrySet, EntrySetError};
use agreement::peer::SpiffeId;
use chrono::{DateTime, Utc};
use ledger::name::Origin;
use ledger::receipt::ShortReceipt;
use wire::convert::{Invalid, Rule, timestamp_to_ms};
use wire::proto::audit::v1 as proto;
use wire::proto::audit::v1::audit_service_client::AuditServiceClient as Service;

use crate::auditor::{AuditorClient, ReadingContext, origin};
use crate::connection::Repeat;
use crate::convert::{each, required, unknown_value};
use crate::error::ClientError;
use crate::page::{Page, PageRequest};
use crate::receipt::{ShortClaim, claim_of};

pub use agreement::openings::OpeningKind;

/// An opening of reserved accesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The log.
    pub origin: Origin,
    /// Its id: the index of the entry that asked for it.
    pub id: u64,
    /// By whose word.
    pub kind: OpeningKind,
    /// How it stands.
    pub state: OpeningState,
    /// Which entries, by agency.
    pub entries: Vec<(SpiffeId, EntrySet)>,
    /// Why.
    pub reason: String,
    /// Who asked.
    pub request: OpeningAct,
    /// Who confirmed.
    pub confirmation: Option<OpeningAct>,
}

/// How an opening stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpeningState {
    /// It waits for a second regional auditor until this instant.
    Waiting(DateTime<Utc>),
    /// Nobody confirmed it in time.
    Lapsed,
    /// Those who made it read what it opens until this instant.
    Open(DateTime<Utc>),
    /// Its time is over.
    Ended,
}

/// What somebody did about an opening.
#[derive(Clone, PartialEq, Eq)]
pub struct OpeningAct {
    /// Index of its entry in the log.
    pub index: u64,
    /// When it was entered.
    pub at: DateTime<Utc>,
    /// The auditor.
    pub auditor: SpiffeId,
    /// The natural person; nothing where the reader is not told.
    pub person: Option<String>,
    /// Purpose of the reading.
    pub purpose: String,
    /// The act that orders it.
    pub reference: String,
}

/// The person is personal: debugging output does not carry it.
impl fmt::Debug for OpeningAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpeningAct({}, {}, ..)", self.index, self.auditor)
    }
}

/// A page of openings, and the claim that the reading was entered.
#[derive(Clone, Debug)]
pub struct OpeningPage {
    /// The openings, in order of their ids.
    pub page: Page<Opening>,
    /// The entry that this reading made.
    pub receipt: ShortClaim,
}

impl AuditorClient {
    /// Asks for an opening of reserved accesses. One of an agency's supervisor takes effect at once, one of a regional
    /// auditor once another has confirmed it. The reference of the context is that of the act that orders it.
    ///
    /// It is not tried again by itself, since it may have taken effect: [`Self::openings`] tells.
    ///
    /// # Errors
    /// `OUTSIDE_SCOPE` to whoever opens nothing, `RESOURCE_NOT_FOUND` for entries outside the scope,
    /// `OPENING_NOT_RESERVED` for such as need no opening; see [`ClientError`].
    pub async fn request_opening(
        &self,
        context: &ReadingContext,
        entries: &EntrySet,
        reason: &str,
    ) -> Result<(Opening, ShortClaim), ClientError> {
        let message = proto::RequestOpeningRequest {
            context: Some(context.into()),
            entries: entries
                .ranges()
                .map(|range| proto::EntryRange {
                    first_index: *range.start(),
                    last_index: *range.end(),
                })
                .collect(),
            reason: reason.to_owned(),
        };
        let answer = self
            .connection
            .call(Repeat::Never, message, |channel, request| async move {
                Service::new(channel).request_opening(request).await
            })
            .await?;
        let proto::RequestOpeningResponse { opening, receipt } = answer;
        let opening = Opening::read(required("opening", opening)?)?;
        Ok((opening, claim(receipt)?))
    }

    /// Confirms the opening that another regional auditor asked for.
    ///
    /// # Errors
    /// `OPENING_SAME_CERTIFICATE`, `OPENING_SAME_AUDITOR` and `OPENING_SAME_PERSON` to whoever is not another one,
    /// `OPENING_LAPSED` and `OPENING_SETTLED` when it is too late; see [`ClientError`].
    pub async fn confirm_opening(
        &self,
        context: &ReadingContext,
        id: u64,
    ) -> Result<(Opening, ShortClaim), ClientError> {
        let message = proto::ConfirmOpeningRequest {
            context: Some(context.into()),
            id,
        };
        let answer = self
            .connection
            .call(Repeat::Never, message, |channel, request| async move {
                Service::new(channel).confirm_opening(request).await
            })
            .await?;
        let proto::ConfirmOpeningResponse { opening, receipt } = answer;
        let opening = Opening::read(required("opening", opening)?)?;
        Ok((opening, claim(receipt)?))
    }

    /// A page of openings: all to a regional auditor, those of its own entries to an agency's supervisor.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn openings(
        &self,
        context: &ReadingContext,
        page: &PageRequest,
    ) -> Result<OpeningPage, ClientError> {
        let message = proto::ListOpeningsRequest {
            context: Some(context.into()),
            page_size: page.wire_size(),
            page_token: page.wire_token(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).list_openings(request).await
            })
            .await?;
        let proto::ListOpeningsResponse {
            openings,
            next_page_token,
            receipt,
        } = answer;
        Ok(OpeningPage {
            page: Page::new(each("openings", openings, Opening::read)?, next_page_token),
            receipt: claim(receipt)?,
        })
    }
}

impl Opening {
    fn read(message: proto::Opening) -> Result<Self, Invalid> {
        let proto::Opening {
            origin: log,
            id,
            kind,
            state,
            entries,
            reason,
            request,
            confirmation,
            until_time,
        } = message;
        let until = until_time
            .map(|time| instant("until_time", Some(time)))
            .transpose()?;
        let state = match (proto::OpeningState::try_from(state), until) {
            (Ok(proto::OpeningState::Waiting), Some(until)) => OpeningState::Waiting(until),
            (Ok(proto::OpeningState::Open), Some(until)) => OpeningState::Open(until),
            (Ok(proto::OpeningState::Lapsed), _) => OpeningState::Lapsed,
            (Ok(proto::OpeningState::Ended), _) => OpeningState::Ended,
            (Ok(proto::OpeningState::Waiting | proto::OpeningState::Open), None) => {
                return Err(Invalid::new("until_time", Rule::Missing));
            }
            (Ok(proto::OpeningState::Unspecified) | Err(_), _) => return Err(unknown_value("state")),
        };
        let kind = match proto::OpeningKind::try_from(kind) {
            Ok(proto::OpeningKind::Regional) => OpeningKind::Regional,
            Ok(proto::OpeningKind::Agency) => OpeningKind::Agency,
            Ok(proto::OpeningKind::Unspecified) | Err(_) => return Err(unknown_value("kind")),
        };
        Ok(Self {
            origin: origin(log)?,
            id,
            kind,
            state,
            entries: each("entries", entries, read_entries)?,
            reason,
            request: OpeningAct::read(required("request", request)?).map_err(|it| it.within("request"))?,
            confirmation: confirmation
                .map(OpeningAct::read)
                .transpose()
                .map_err(|invalid| invalid.within("confirmation"))?,
        })
    }
}

impl OpeningAct {
    fn read(message: proto::OpeningAct) -> Result<Self, Invalid> {
        let proto::OpeningAct {
            index,
            act_time,
            auditor,
            person,
            purpose,
            reference,
        } = message;
        Ok(Self {
            index,
            at: instant("act_time", act_time)?,
            auditor: SpiffeId::parse(&auditor).map_err(|_| Invalid::new("auditor", Rule::SpiffeId))?,
            person: (!person.is_empty()).then_some(person),
            purpose,
            reference,
        })
    }
}

fn read_entries(message: proto::OpenedEntries) -> Result<(SpiffeId, EntrySet), Invalid> {
    let proto::OpenedEntries { agency, ranges } = message;
    let agency = SpiffeId::parse(&agency).map_err(|_| Invalid::new("agency", Rule::SpiffeId))?;
    let ranges = ranges.into_iter().map(|range| {
        let proto::EntryRange {
            first_index,
            last_index,
        } = range;
        first_index..=last_index
    });
    let set = EntrySet::new(ranges).map_err(|error| {
        let rule = match error {
            EntrySetError::Empty => Rule::Missing,
            EntrySetError::TooMany | EntrySetError::Backwards | EntrySetError::Form => Rule::Range,
        };
        Invalid::new("ranges", rule)
    })?;
    Ok((agency, set))
}

fn instant(field: &str, time: Option<wire::convert::Timestamp>) -> Result<DateTime<Utc>, Invalid> {
    let ms = timestamp_to_ms(field, time)?;
    DateTime::from_timestamp_millis(ms).ok_or_else(|| Invalid::new(field, Rule::Range))
}

fn claim(receipt: Option<wire::proto::ledger::v1::ShortReceipt>) -> Result<ShortClaim, Invalid> {
    let short = required("receipt", receipt)?;
    let log = short.origin.clone();
    let receipt = ShortReceipt::try_from(short).map_err(|invalid| invalid.within("receipt"))?;
    claim_of(log, receipt)
}
