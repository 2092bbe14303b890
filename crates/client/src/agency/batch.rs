//! Lists: rows go out as they come, outcomes come back in their order.

use std::iter;

use agreement::batch::{Approval, row_request_id};
use agreement::claim::Claim;
use agreement::context::{AccessContext, ConsentReference};
use agreement::field::FieldSet;
use agreement::reason::Reason;
use agreement::request::DeclaredPerson;
use agreement::usage::Unit;
use agreement::verification::{Verdict, VerificationReason};
use chrono::{DateTime, NaiveDate, Utc};
use registry::codice_fiscale::TaxCode;
use registry::identifier::{IstatCode, NationalId};
use tonic::Streaming;
use wire::convert::{Invalid, timestamp_to_ms};
use wire::proto::consultation::v1 as proto;
use wire::proto::consultation::v1::consultation_service_client::ConsultationServiceClient as Service;
use wire::proto::ledger::v1 as ledger;

use crate::agency::AgencyClient;
use crate::agency::person::PersonCard;
use crate::agency::request::{PersonKey, declaration, read_mask};
use crate::connection::Connection;
use crate::convert::{each, known_reason, optional_date, required, unknown_value};
use crate::error::ClientError;
use crate::receipt::{ShortClaim, claim_of};

/// A list that somebody has approved.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Ground of every row; its request id is that of the batch. With the same id a list that was broken off goes on.
    pub context: AccessContext,
    /// How many rows the list has, also those that are not sent again.
    pub rows: u32,
    /// Who has approved it.
    pub approval: Approval,
    /// Fields that are wanted; empty for all that is granted to lists. Of declarations it must be empty.
    pub fields: FieldSet,
}

/// A person of a list.
#[derive(Clone, PartialEq, Eq)]
pub enum ListedPerson {
    /// By codice fiscale, current or past.
    TaxCode(TaxCode),
    /// By national id (idANPR).
    NationalId(NationalId),
}

/// A declaration of a list.
#[derive(Clone, Debug)]
pub struct ListedDeclaration {
    /// Whom the declaration is about.
    pub key: PersonKey,
    /// The municipality to which the question is limited; the whole territory when absent.
    pub municipality: Option<IstatCode>,
    /// Whether the person is the declarant or somebody whom the declaration names.
    pub declared: DeclaredPerson,
    /// What was declared.
    pub claim: Claim,
    /// Consent of this row's declarant; that of the context where absent.
    pub consent: Option<ConsentReference>,
}

/// What came of a row.
#[derive(Clone, Debug)]
pub struct RowOutcome<T> {
    /// The row, from 1.
    pub row: u32,
    /// Its answer, or why there is none.
    pub answer: Result<T, RowFailure>,
    /// Where its entry stands; [`AgencyClient::get_receipt`] proves it.
    pub receipt: Option<ShortClaim>,
}

/// A row without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFailure {
    /// Why; [`Reason::NotFound`] where nobody is visible, whether or not somebody exists. `None` where the index is of a
    /// later version.
    pub reason: Option<Reason>,
    /// Path of the field that breaks a rule; empty where none does.
    pub field: String,
    /// When what is used up begins anew.
    pub resets_at: Option<DateTime<Utc>>,
}

/// Cards of a person of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundPersons {
    /// At least one.
    pub persons: Vec<PersonCard>,
    /// Day from which there is history, when the reference date lies before it.
    pub no_history_before: Option<NaiveDate>,
}

/// What the registry says of a declaration of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowAnswer {
    /// Yes, no, or cannot be determined.
    pub verdict: Verdict,
    /// Why.
    pub reason: VerificationReason,
    /// Whether a card was compared in an earlier version, because what came later is in quarantine.
    pub restored: bool,
}

/// Outcomes of a list, in the order of its rows.
#[derive(Debug)]
pub struct Outcomes<M> {
    connection: Connection,
    context: AccessContext,
    stream: Streaming<M>,
}

/// A message with the outcome of a row.
pub trait RowMessage: Sized {
    /// What an answered row holds.
    type Answer;

    /// Reads it.
    ///
    /// # Errors
    /// The index broke its contract.
    fn read(self) -> Result<RowOutcome<Self::Answer>, Invalid>;
}

/// Personal: debugging output does not carry it.
impl std::fmt::Debug for ListedPerson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TaxCode(_) => "TaxCode(..)",
            Self::NationalId(_) => "NationalId(..)",
        })
    }
}

impl AgencyClient {
    /// Looks up the persons of a list. Rows are numbered from 1 and ascend; a list that goes on leaves out those that
    /// have their outcomes.
    ///
    /// # Errors
    /// See [`ClientError`]. A list is not sent again by itself.
    pub async fn batch_lookup_persons(
        &self,
        batch: &Batch,
        rows: impl Iterator<Item = (u32, ListedPerson)> + Send + 'static,
    ) -> Result<Outcomes<proto::BatchLookupPersonsResponse>, ClientError> {
        use proto::batch_lookup_persons_request::Part;
        let message = |part| proto::BatchLookupPersonsRequest { part: Some(part) };
        let opening = iter::once(message(Part::Opening(batch.into())));
        let rows = rows.map(move |(row, person)| message(Part::Row(lookup_row(row, &person))));
        let connection = self.connection.clone();
        connection.check_quota(&batch.context, Unit::Row)?;
        let stream = connection
            .open_stream(
                tokio_stream::iter(opening.chain(rows)),
                |channel, request| async move { Service::new(channel).batch_lookup_persons(request).await },
            )
            .await;
        connection.learn_quota(&batch.context, Unit::Row, stream.as_ref().map(drop));
        Ok(Outcomes {
            context: batch.context.clone(),
            stream: stream?,
            connection,
        })
    }

    /// Compares the declarations of a list; see [`Self::batch_lookup_persons`].
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn batch_verify(
        &self,
        batch: &Batch,
        rows: impl Iterator<Item = (u32, ListedDeclaration)> + Send + 'static,
    ) -> Result<Outcomes<proto::BatchVerifyResponse>, ClientError> {
        use proto::batch_verify_request::Part;
        let message = |part| proto::BatchVerifyRequest { part: Some(part) };
        let opening = iter::once(message(Part::Opening(batch.into())));
        let rows = rows.map(move |(row, listed)| message(Part::Row(verify_row(row, listed))));
        let connection = self.connection.clone();
        connection.check_quota(&batch.context, Unit::Row)?;
        let stream = connection
            .open_stream(
                tokio_stream::iter(opening.chain(rows)),
                |channel, request| async move { Service::new(channel).batch_verify(request).await },
            )
            .await;
        connection.learn_quota(&batch.context, Unit::Row, stream.as_ref().map(drop));
        Ok(Outcomes {
            context: batch.context.clone(),
            stream: stream?,
            connection,
        })
    }
}

impl<M: RowMessage> Outcomes<M> {
    /// The next outcome; `None` when every row that was sent has one.
    ///
    /// # Errors
    /// Why the list ended before, as when the agreement was revoked; see [`ClientError`].
    pub async fn next(&mut self) -> Result<Option<RowOutcome<M::Answer>>, ClientError> {
        match self.stream.message().await {
            Ok(None) => Ok(None),
            Ok(Some(message)) => Ok(Some(message.read()?)),
            Err(status) => {
                let error = self.connection.stream_error(&status);
                self.connection.learn_quota(&self.context, Unit::Row, Err(&error));
                Err(error)
            }
        }
    }
}

impl Batch {
    /// The request id under which the index entered a row.
    pub fn request_id(&self, row: u32) -> uuid::Uuid {
        row_request_id(self.context.request_id, row)
    }
}

impl From<&Batch> for proto::BatchOpening {
    fn from(batch: &Batch) -> Self {
        let Batch {
            context,
            rows,
            approval:
                Approval {
                    reference,
                    approver,
                    approved_on,
                },
            fields,
        } = batch;
        Self {
            context: Some(context.into()),
            rows: *rows,
            approval: Some(proto::BatchApproval {
                reference: reference.as_str().to_owned(),
                approver: approver.as_str().to_owned(),
                approval_date: Some((*approved_on).into()),
            }),
            read_mask: read_mask(*fields),
        }
    }
}

fn lookup_row(row: u32, person: &ListedPerson) -> proto::LookupRow {
    use proto::lookup_row::Key;
    proto::LookupRow {
        row,
        key: Some(match person {
            ListedPerson::TaxCode(code) => Key::TaxCode(code.as_str().to_owned()),
            ListedPerson::NationalId(id) => Key::NationalId(id.as_str().to_owned()),
        }),
    }
}

fn verify_row(row: u32, listed: ListedDeclaration) -> proto::VerifyRow {
    let ListedDeclaration {
        key,
        municipality,
        declared,
        claim,
        consent,
    } = listed;
    proto::VerifyRow {
        row,
        declaration: Some(declaration(&key, municipality, declared, claim)),
        consent_reference: consent.map(|consent| consent.to_string()).unwrap_or_default(),
    }
}

impl RowMessage for proto::BatchLookupPersonsResponse {
    type Answer = FoundPersons;

    fn read(self) -> Result<RowOutcome<FoundPersons>, Invalid> {
        use proto::batch_lookup_persons_response::Outcome;
        let Self {
            row,
            outcome,
            receipt,
        } = self;
        let answer = match required("outcome", outcome)? {
            Outcome::Found(proto::FoundPersons {
                persons,
                no_history_before,
            }) => Ok(FoundPersons {
                persons: each("persons", persons, TryInto::try_into)?,
                no_history_before: optional_date("no_history_before", no_history_before)?,
            }),
            Outcome::Failure(failure) => Err(failure.try_into()?),
        };
        Ok(RowOutcome {
            row,
            answer,
            receipt: receipt.map(claim).transpose()?,
        })
    }
}

impl RowMessage for proto::BatchVerifyResponse {
    type Answer = RowAnswer;

    fn read(self) -> Result<RowOutcome<RowAnswer>, Invalid> {
        use proto::batch_verify_response::Outcome;
        let Self {
            row,
            outcome,
            receipt,
        } = self;
        let answer = match required("outcome", outcome)? {
            Outcome::Answer(proto::RowAnswer {
                answer,
                reason,
                restored,
            }) => {
                let (verdict, reason) = super::answer::verdict(answer, reason)?;
                Ok(RowAnswer {
                    verdict,
                    reason,
                    restored,
                })
            }
            Outcome::Failure(failure) => Err(failure.try_into()?),
        };
        Ok(RowOutcome {
            row,
            answer,
            receipt: receipt.map(claim).transpose()?,
        })
    }
}

fn claim(receipt: ledger::ShortReceipt) -> Result<ShortClaim, Invalid> {
    claim_of(receipt.origin.clone(), receipt.try_into()?)
}

impl TryFrom<proto::RowFailure> for RowFailure {
    type Error = Invalid;

    fn try_from(message: proto::RowFailure) -> Result<Self, Invalid> {
        let proto::RowFailure {
            code: _,
            reason,
            field,
            reset_time,
        } = message;
        let resets_at = reset_time
            .map(|time| timestamp_to_ms("reset_time", Some(time)))
            .transpose()?
            .map(|ms| DateTime::from_timestamp_millis(ms).ok_or_else(|| unknown_value("reset_time")))
            .transpose()?;
        Ok(Self {
            reason: known_reason(reason),
            field,
            resets_at,
        })
    }
}
