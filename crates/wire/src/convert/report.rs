//! Reports of the accesses to one person, both ways.

use std::fmt;

use ledger::hash::Hash;
use ledger::report::{
    ProvedLine, ReportError, ReportLine, ReportSubject, SubjectReport, SubjectUse, Text, UseKind,
};
use prost_types::Timestamp;
use registry::codice_fiscale::TaxCode;
use registry::identifier::{IstatCode, LocalId, NationalId};

use super::date::{timestamp_from_unix_ms, timestamp_to_ms};
use super::invalid::{Invalid, Named, Rule, Within, array, each, required};
use super::receipt::full_receipt;
use crate::proto::audit::v1 as wire;

/// What a report is asked about.
#[derive(Clone, PartialEq, Eq)]
pub struct SubjectInquiry {
    /// Protocol number of the person's request.
    pub request: Text,
    /// The person.
    pub person: ReportedPerson,
    /// Only accesses at or after it, Unix milliseconds.
    pub from_ms: Option<u64>,
    /// Only accesses before it, Unix milliseconds; later than `from_ms`.
    pub until_ms: Option<u64>,
    /// Size of the tree at which the report ends; that of the newest checkpoint where absent.
    pub tree_size: Option<u64>,
}

/// By what the person is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportedPerson {
    /// Codice fiscale or provisional code.
    TaxCode(TaxCode),
    /// National id.
    NationalId(NationalId),
    /// A municipality's own card.
    Card(IstatCode, LocalId),
}

impl ReportedPerson {
    /// The person as a report names it.
    ///
    /// # Errors
    /// None for identifiers of the domain: each is a short word.
    pub fn subject(&self) -> Result<ReportSubject, ReportError> {
        match self {
            Self::TaxCode(code) => ReportSubject::tax_code(code.as_str()),
            Self::NationalId(id) => ReportSubject::national_id(id.as_str()),
            Self::Card(municipality, local_id) => {
                ReportSubject::card(municipality.as_str(), local_id.as_str())
            }
        }
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for SubjectInquiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectInquiry(..)")
    }
}

/// Reads what is asked; the context is read apart, as for every reading.
///
/// # Errors
/// A field that breaks a rule.
pub fn subject_inquiry(
    request_number: String,
    subject: Option<wire::report_subject_request::Subject>,
    (start_time, end_time): (Option<Timestamp>, Option<Timestamp>),
    tree_size: u64,
) -> Result<SubjectInquiry, Invalid> {
    let length = request_number.chars().count();
    if length == 0 || Text::MAX_CHARS < length {
        let most = Text::MAX_CHARS;
        return Err(Invalid::new("request_number", Rule::Length { least: 1, most }));
    }
    let request = Text::new(request_number).map_err(|_| Invalid::new("request_number", Rule::Character))?;
    let person = match required("subject", subject)? {
        wire::report_subject_request::Subject::TaxCode(code) => {
            ReportedPerson::TaxCode(TaxCode::parse(&code).named("tax_code")?)
        }
        wire::report_subject_request::Subject::NationalId(id) => {
            ReportedPerson::NationalId(NationalId::parse(&id).named("national_id")?)
        }
        wire::report_subject_request::Subject::Card(wire::MunicipalCard {
            municipality,
            local_id,
        }) => ReportedPerson::Card(
            IstatCode::parse(&municipality).named("card.municipality")?,
            LocalId::parse(&local_id).named("card.local_id")?,
        ),
    };
    let instant = |field: &str, time: Option<Timestamp>| match time {
        None => Ok(None),
        Some(time) => u64::try_from(timestamp_to_ms(field, Some(time))?)
            .map(Some)
            .map_err(|_| Invalid::new(field, Rule::Range)),
    };
    let (from_ms, until_ms) = (instant("start_time", start_time)?, instant("end_time", end_time)?);
    if let (Some(from), Some(until)) = (from_ms, until_ms)
        && until <= from
    {
        return Err(Invalid::new("end_time", Rule::Contradicts("start_time")));
    }
    Ok(SubjectInquiry {
        request,
        person,
        from_ms,
        until_ms,
        tree_size: (tree_size != 0).then_some(tree_size),
    })
}

/// A report of the log `origin` as a message.
pub fn report_message(origin: &ledger::name::Origin, report: SubjectReport) -> wire::ReportSubjectResponse {
    let SubjectReport {
        note,
        first_checkpoint,
        last_checkpoint,
        consistency,
        lines,
        receipt,
    } = report;
    wire::ReportSubjectResponse {
        note,
        first_checkpoint,
        last_checkpoint,
        consistency: bytes(&consistency),
        accesses: lines.into_iter().map(Into::into).collect(),
        receipt: Some(full_receipt(origin, receipt)),
    }
}

fn bytes(hashes: &[Hash]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect()
}

fn hashes(field: &str, hashes: Vec<Vec<u8>>) -> Result<Vec<Hash>, Invalid> {
    each(field, hashes, |hash| {
        array::<{ Hash::LEN }>("", &hash).map(Hash::new)
    })
}

impl From<ProvedLine> for wire::ReportedAccess {
    fn from(proved: ProvedLine) -> Self {
        let ProvedLine {
            line:
                ReportLine {
                    index,
                    leaf,
                    time_ms,
                    agency,
                    agreement,
                    title,
                    purpose,
                    purpose_text,
                    service,
                    uses,
                },
            path,
        } = proved;
        Self {
            index,
            leaf_hash: leaf.as_bytes().to_vec(),
            path: bytes(&path),
            access_time: Some(timestamp_from_unix_ms(time_ms)),
            agency,
            agreement,
            agreement_title: title,
            purpose,
            purpose_text,
            service,
            uses: uses.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<SubjectUse> for wire::SubjectUse {
    fn from(used: SubjectUse) -> Self {
        let SubjectUse {
            municipality,
            kind,
            fields,
        } = used;
        let kind = match kind {
            UseKind::Shown => wire::SubjectUseKind::Shown,
            UseKind::Compared => wire::SubjectUseKind::Compared,
            UseKind::Withheld => wire::SubjectUseKind::Withheld,
            UseKind::Counted => wire::SubjectUseKind::Counted,
        };
        Self {
            municipality,
            kind: kind.into(),
            fields,
        }
    }
}

/// Reads the message; nothing is proved yet.
impl TryFrom<wire::ReportSubjectResponse> for SubjectReport {
    type Error = Invalid;

    fn try_from(message: wire::ReportSubjectResponse) -> Result<Self, Invalid> {
        let wire::ReportSubjectResponse {
            note,
            first_checkpoint,
            last_checkpoint,
            consistency,
            accesses,
            receipt,
        } = message;
        Ok(Self {
            note,
            first_checkpoint,
            last_checkpoint,
            consistency: hashes("consistency", consistency)?,
            lines: each("accesses", accesses, ProvedLine::try_from)?,
            receipt: required("receipt", receipt)?.try_into().within("receipt")?,
        })
    }
}

impl TryFrom<wire::ReportedAccess> for ProvedLine {
    type Error = Invalid;

    fn try_from(message: wire::ReportedAccess) -> Result<Self, Invalid> {
        let wire::ReportedAccess {
            index,
            leaf_hash,
            path,
            access_time,
            agency,
            agreement,
            agreement_title,
            purpose,
            purpose_text,
            service,
            uses,
        } = message;
        let time_ms = timestamp_to_ms("access_time", access_time)?;
        let line = ReportLine {
            index,
            leaf: Hash::new(array("leaf_hash", &leaf_hash)?),
            time_ms: u64::try_from(time_ms).map_err(|_| Invalid::new("access_time", Rule::Range))?,
            agency,
            agreement,
            title: agreement_title,
            purpose,
            purpose_text,
            service,
            uses: each("uses", uses, SubjectUse::try_from)?,
        };
        Ok(Self {
            line,
            path: hashes("path", path)?,
        })
    }
}

impl TryFrom<wire::SubjectUse> for SubjectUse {
    type Error = Invalid;

    fn try_from(message: wire::SubjectUse) -> Result<Self, Invalid> {
        let wire::SubjectUse {
            municipality,
            kind,
            fields,
        } = message;
        let kind = match wire::SubjectUseKind::try_from(kind) {
            Ok(wire::SubjectUseKind::Shown) => UseKind::Shown,
            Ok(wire::SubjectUseKind::Compared) => UseKind::Compared,
            Ok(wire::SubjectUseKind::Withheld) => UseKind::Withheld,
            Ok(wire::SubjectUseKind::Counted) => UseKind::Counted,
            Ok(wire::SubjectUseKind::Unspecified) | Err(_) => return Err(Invalid::new("kind", Rule::Value)),
        };
        Ok(Self {
            municipality,
            kind,
            fields,
        })
    }
}
