//! A report as a JSON file: everything that its offline verification needs, and nothing else.

use chrono::{DateTime, SecondsFormat, Utc};
use ledger::hash::Hash;
use ledger::receipt::Receipt;
use ledger::report::{ProvedLine, ReportLine, SubjectReport, SubjectUse, UseKind};
use registry::hex;
use serde::{Deserialize, Serialize};

/// First member of the file.
const FORMAT: &str = "ponte.report.json/1";

/// What each file says, in the same words, whether there are such accesses or not; the signed statement says it too.
const RESTRICTED: &str = "accesses restricted by law are not listed, whether there are any or not";

/// The largest file read: far above any report.
pub const LARGEST_FILE: u64 = 64 << 20;

/// Why a file is no report. It names the member and no value.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Not JSON, or with other members than a report has.
    #[error("the file is not a report of this format")]
    Form(#[source] serde_json::Error),
    /// A member's value.
    #[error("the member {0} is not what a report has there")]
    Member(&'static str),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    note: String,
    restricted: String,
    lines: Vec<Line>,
    first_checkpoint: String,
    last_checkpoint: String,
    consistency: Vec<String>,
    receipt: EntryReceipt,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    index: u64,
    time: String,
    agency: String,
    agreement: String,
    agreement_title: String,
    purpose: String,
    purpose_text: String,
    service: String,
    uses: Vec<Use>,
    leaf: String,
    path: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Use {
    municipality: String,
    kind: String,
    fields: Vec<String>,
}

/// The receipt of the report's own entry. Its header names the auditor, who is no secret of the person's.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryReceipt {
    index: u64,
    header: String,
    path: Vec<String>,
    checkpoint: String,
}

/// The file of a report.
///
/// # Errors
/// A time that is no instant.
pub fn write(report: &SubjectReport) -> Result<String, FileError> {
    let SubjectReport {
        note,
        first_checkpoint,
        last_checkpoint,
        consistency,
        lines,
        receipt,
    } = report;
    let Receipt {
        header,
        index,
        path,
        checkpoint,
    } = receipt;
    let file = File {
        format: FORMAT.to_owned(),
        note: note.clone(),
        restricted: RESTRICTED.to_owned(),
        lines: lines.iter().map(Line::of).collect::<Result<_, _>>()?,
        first_checkpoint: first_checkpoint.clone(),
        last_checkpoint: last_checkpoint.clone(),
        consistency: texts(consistency),
        receipt: EntryReceipt {
            index: *index,
            header: hex::encode(header),
            path: texts(path),
            checkpoint: checkpoint.clone(),
        },
    };
    let mut text = serde_json::to_string_pretty(&file).map_err(FileError::Form)?;
    text.push('\n');
    Ok(text)
}

/// Reads the file of a report; nothing is proved yet.
///
/// # Errors
/// See [`FileError`].
pub fn read(text: &str) -> Result<SubjectReport, FileError> {
    let File {
        format,
        note,
        restricted,
        lines,
        first_checkpoint,
        last_checkpoint,
        consistency,
        receipt,
    } = serde_json::from_str(text).map_err(FileError::Form)?;
    if format != FORMAT {
        return Err(FileError::Member("format"));
    }
    if restricted != RESTRICTED {
        return Err(FileError::Member("restricted"));
    }
    let EntryReceipt {
        index,
        header,
        path,
        checkpoint,
    } = receipt;
    Ok(SubjectReport {
        note,
        first_checkpoint,
        last_checkpoint,
        consistency: hashes("consistency", &consistency)?,
        lines: lines.into_iter().map(Line::read).collect::<Result<_, _>>()?,
        receipt: Receipt {
            header: bytes(&header).ok_or(FileError::Member("receipt.header"))?,
            index,
            path: hashes("receipt.path", &path)?,
            checkpoint,
        },
    })
}

impl Line {
    fn of(proved: &ProvedLine) -> Result<Self, FileError> {
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
        } = proved.clone();
        Ok(Self {
            index,
            time: instant(time_ms).ok_or(FileError::Member("lines.time"))?,
            agency,
            agreement,
            agreement_title: title,
            purpose,
            purpose_text,
            service,
            uses: uses.into_iter().map(Use::of).collect(),
            leaf: leaf.to_string(),
            path: texts(&path),
        })
    }

    fn read(self) -> Result<ProvedLine, FileError> {
        let Self {
            index,
            time,
            agency,
            agreement,
            agreement_title,
            purpose,
            purpose_text,
            service,
            uses,
            leaf,
            path,
        } = self;
        let time_ms = DateTime::parse_from_rfc3339(&time)
            .ok()
            .and_then(|at| u64::try_from(at.timestamp_millis()).ok())
            .filter(|ms| instant(*ms).as_ref() == Some(&time))
            .ok_or(FileError::Member("lines.time"))?;
        let line = ReportLine {
            index,
            leaf: hash(&leaf).ok_or(FileError::Member("lines.leaf"))?,
            time_ms,
            agency,
            agreement,
            title: agreement_title,
            purpose,
            purpose_text,
            service,
            uses: uses.into_iter().map(Use::read).collect::<Result<_, _>>()?,
        };
        Ok(ProvedLine {
            line,
            path: hashes("lines.path", &path)?,
        })
    }
}

impl Use {
    fn of(used: SubjectUse) -> Self {
        let SubjectUse {
            municipality,
            kind,
            fields,
        } = used;
        Self {
            municipality,
            kind: kind.name().to_owned(),
            fields,
        }
    }

    fn read(self) -> Result<SubjectUse, FileError> {
        let Self {
            municipality,
            kind,
            fields,
        } = self;
        Ok(SubjectUse {
            municipality,
            kind: UseKind::from_name(&kind).ok_or(FileError::Member("lines.uses.kind"))?,
            fields,
        })
    }
}

/// RFC 3339 in UTC with milliseconds: the one form of each instant.
fn instant(ms: u64) -> Option<String> {
    let at: DateTime<Utc> = DateTime::from_timestamp_millis(i64::try_from(ms).ok()?)?;
    Some(at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

fn texts(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(Hash::to_string).collect()
}

fn hash(text: &str) -> Option<Hash> {
    hex::decode(text).map(Hash::new)
}

fn hashes(member: &'static str, texts: &[String]) -> Result<Vec<Hash>, FileError> {
    let hashes = texts
        .iter()
        .map(|text| hash(text).ok_or(FileError::Member(member)));
    hashes.collect()
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let pairs = pairs.iter().map(|pair| {
        let [byte] = hex::decode::<1>(std::str::from_utf8(pair).ok()?)?;
        Some(byte)
    });
    pairs.collect()
}
