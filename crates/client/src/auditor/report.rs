//! Reports of the accesses to one person, each proved before it is handed out.

use std::fmt;

use chrono::{DateTime, Utc};
use ledger::report::{ReportStatement, ReportSubject, SubjectReport};
use registry::codice_fiscale::TaxCode;
use registry::identifier::{IstatCode, LocalId, NationalId};
use wire::convert::timestamp_from_ms;
use wire::proto::audit::v1 as proto;
use wire::proto::audit::v1::audit_service_client::AuditServiceClient as Service;
use wire::proto::audit::v1::report_subject_request::Subject;

use crate::auditor::{AuditorClient, ReadingContext};
use crate::connection::Repeat;
use crate::error::{ClientError, EvidenceFault};

/// Asks for the accesses to one person that the person may be told of.
#[derive(Clone, PartialEq, Eq)]
pub struct ReportRequest {
    /// Protocol number of the person's request, 1 to 120 characters.
    pub request: String,
    /// The person.
    pub person: ReportedPerson,
    /// Accesses at or after this instant, in milliseconds; all that are kept where absent.
    pub from: Option<DateTime<Utc>>,
    /// Accesses before this instant; all up to the last checkpoint where absent.
    pub until: Option<DateTime<Utc>>,
    /// Size of the log at which the report ends, as an earlier report states it; that of the newest checkpoint where
    /// absent.
    pub tree_size: Option<u64>,
}

/// By what the person is named; the report is about all cards of the regional person all the same.
#[derive(Clone, PartialEq, Eq)]
pub enum ReportedPerson {
    /// Codice fiscale or provisional code, also one that was replaced.
    TaxCode(TaxCode),
    /// National id.
    NationalId(NationalId),
    /// A municipality's own card.
    Card {
        /// The municipality.
        municipality: IstatCode,
        /// Its number of the card.
        local_id: LocalId,
    },
}

impl AuditorClient {
    /// The report of the accesses to one person. The reading is entered, and the report carries the receipt of that entry.
    /// Where the connection verifies receipts, the report is verified as well, and it is the one that was asked for.
    ///
    /// # Errors
    /// `SUBJECT_UNKNOWN`, `SUBJECT_AMBIGUOUS`, `REPORT_TOO_LONG`, `LOG_RANGE`, `OUTSIDE_SCOPE`; [`ClientError::Evidence`]
    /// when the report proves nothing or is another.
    pub async fn report_subject(
        &self,
        context: &ReadingContext,
        request: &ReportRequest,
    ) -> Result<SubjectReport, ClientError> {
        let message = proto::ReportSubjectRequest {
            context: Some(context.into()),
            request_number: request.request.clone(),
            subject: Some(request.person.to_wire()),
            start_time: request
                .from
                .map(|time| timestamp_from_ms(time.timestamp_millis())),
            end_time: request
                .until
                .map(|time| timestamp_from_ms(time.timestamp_millis())),
            tree_size: request.tree_size.unwrap_or_default(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).report_subject(request).await
            })
            .await?;
        let report = SubjectReport::try_from(answer)?;
        let statement = self.connection.receipts().report(&report)?;
        request.check(&statement)?;
        Ok(report)
    }
}

impl ReportRequest {
    /// A genuine report about somebody else, or over another range, is no answer.
    fn check(&self, statement: &ReportStatement) -> Result<(), EvidenceFault> {
        let Self {
            request,
            person,
            from,
            until,
            tree_size,
        } = self;
        let ms =
            |time: &Option<DateTime<Utc>>| time.and_then(|time| u64::try_from(time.timestamp_millis()).ok());
        if statement.request.as_str() != request {
            return Err(EvidenceFault::OtherSubject("request"));
        }
        if Some(&statement.subject) != person.named().as_ref() {
            return Err(EvidenceFault::OtherSubject("person"));
        }
        if statement.from_ms != ms(from) || statement.until_ms != ms(until) {
            return Err(EvidenceFault::OtherSubject("range of time"));
        }
        let size = statement.last.0;
        let other = match (tree_size, until) {
            (Some(asked), None) => size != *asked,
            (Some(asked), Some(_)) => *asked < size,
            (None, _) => false,
        };
        if other {
            return Err(EvidenceFault::OtherSubject("size"));
        }
        Ok(())
    }
}

impl ReportedPerson {
    fn to_wire(&self) -> Subject {
        match self {
            Self::TaxCode(code) => Subject::TaxCode(code.as_str().to_owned()),
            Self::NationalId(id) => Subject::NationalId(id.as_str().to_owned()),
            Self::Card {
                municipality,
                local_id,
            } => Subject::Card(proto::MunicipalCard {
                municipality: municipality.as_str().to_owned(),
                local_id: local_id.as_str().to_owned(),
            }),
        }
    }

    /// The person as a report names it.
    fn named(&self) -> Option<ReportSubject> {
        match self {
            Self::TaxCode(code) => ReportSubject::tax_code(code.as_str()).ok(),
            Self::NationalId(id) => ReportSubject::national_id(id.as_str()).ok(),
            Self::Card {
                municipality,
                local_id,
            } => ReportSubject::card(municipality.as_str(), local_id.as_str()).ok(),
        }
    }
}

/// A request names a person: debugging output does not.
impl fmt::Debug for ReportRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReportRequest(..)")
    }
}

/// As for the request.
impl fmt::Debug for ReportedPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReportedPerson(..)")
    }
}
