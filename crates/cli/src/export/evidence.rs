//! `evidence.jsonl`: for each entry what proves it, one JSON object a line.
//!
//! | Member | Value |
//! |---|---|
//! | `index` | index of the entry in the log |
//! | `header` | bytes of the header, base64: H(0x00 ‖ header) is the leaf of the log's tree |
//! | `parts` | the parts that the auditor was shown, each proved by the header's root of parts |
//! | `parts[].kind` | number of the kind of part, as in `ledger` |
//! | `parts[].label` | the municipality of a part on subjects, else empty |
//! | `parts[].position` | position of its commitment under the root of parts |
//! | `parts[].salt`, `content` | base64; the commitment is H(0x00 ‖ salt ‖ kind (u16) ‖ length of label (u8) ‖ label ‖ content) |
//! | `parts[].path` | hashes from the commitment to the root of parts, base64 |
//!
//! A line has exactly one form: members in this order, no spaces, a line feed at its end.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use client::auditor::{AccessEntry, EntryPart};
use ledger::hash::Hash;
use ledger::header::{Header, HeaderError};
use ledger::part::{PartKind, PartKindError, PartOpening, PartProof, PartProofError, Salt};
use serde::{Deserialize, Serialize};

/// An entry with its parts, each of which belongs to the header: only [`Self::of`] and [`Self::parse`] make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    index: u64,
    header: Header,
    header_bytes: Vec<u8>,
    parts: Vec<PartOpening>,
}

/// Why a line is no evidence.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// Not the JSON object that a line is.
    #[error("not a line of evidence")]
    Json(#[from] serde_json::Error),
    /// A member's value.
    #[error("{0} is malformed")]
    Member(&'static str),
    /// The header's bytes.
    #[error("the header does not decode")]
    Header(#[from] HeaderError),
    /// The kind of a part.
    #[error(transparent)]
    Kind(#[from] PartKindError),
    /// A part is not the one that the header commits to.
    #[error("part {number} is not the one its header commits to")]
    Part {
        /// Which, from 1.
        number: usize,
        /// Why.
        #[source]
        cause: PartProofError,
    },
    /// The same content in another form.
    #[error("the line is not written in its one form")]
    Form,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    index: u64,
    header: String,
    parts: Vec<PartLine>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct PartLine {
    kind: u16,
    label: String,
    position: u16,
    salt: String,
    path: Vec<String>,
    content: String,
}

/// What is read of a line to know which entry it is about.
#[derive(Deserialize)]
struct IndexOnly {
    index: u64,
}

impl Evidence {
    /// The evidence of an entry, whose parts the client has proved.
    pub fn of(entry: AccessEntry) -> Self {
        let AccessEntry {
            origin: _,
            index,
            header,
            header_bytes,
            parts,
            reserved: _,
        } = entry;
        let parts = parts.into_iter().map(|part| {
            let EntryPart {
                kind,
                content,
                items: _,
                salt,
                proof,
            } = part;
            PartOpening {
                kind,
                salt,
                proof,
                content,
            }
        });
        Self {
            index,
            header,
            header_bytes,
            parts: parts.collect(),
        }
    }

    /// Index of the entry.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The header's bytes.
    pub fn header_bytes(&self) -> &[u8] {
        &self.header_bytes
    }

    /// The parts, in the order in which they were given.
    pub fn parts(&self) -> &[PartOpening] {
        &self.parts
    }

    /// The line, with the line feed.
    ///
    /// # Errors
    /// None that a string in memory could give.
    pub fn line(&self) -> Result<String, serde_json::Error> {
        let line = Line {
            index: self.index,
            header: STANDARD.encode(&self.header_bytes),
            parts: self.parts.iter().map(PartLine::of).collect(),
        };
        let mut text = serde_json::to_string(&line)?;
        text.push('\n');
        Ok(text)
    }

    /// Reads a line, which ends with its line feed, and proves its parts. That the header is in the log is not proved here.
    ///
    /// # Errors
    /// See [`EvidenceError`].
    pub fn parse(text: &str) -> Result<Self, EvidenceError> {
        let Line { index, header, parts } = serde_json::from_str(text)?;
        let header_bytes = bytes("header", &header)?;
        let header = Header::decode(&header_bytes)?;
        let parts_root = header.body.parts_root;
        let parts = (1..).zip(parts).map(|(number, part)| {
            let part = part.read()?;
            part.verify(&parts_root)
                .map_err(|cause| EvidenceError::Part { number, cause })?;
            Ok(part)
        });
        let evidence = Self {
            index,
            header,
            header_bytes,
            parts: parts.collect::<Result<_, EvidenceError>>()?,
        };
        if evidence.line()? == text {
            Ok(evidence)
        } else {
            Err(EvidenceError::Form)
        }
    }
}

/// The index of a line whose content was proved before, or will be.
///
/// # Errors
/// It is not JSON, or has none.
pub fn index_of(line: &str) -> Result<u64, serde_json::Error> {
    serde_json::from_str(line).map(|IndexOnly { index }| index)
}

impl PartLine {
    fn of(part: &PartOpening) -> Self {
        let PartOpening {
            kind,
            salt,
            proof,
            content,
        } = part;
        let label = match kind {
            PartKind::Subjects(municipality) => municipality.as_str().to_owned(),
            PartKind::Operator
            | PartKind::Criteria
            | PartKind::Decision
            | PartKind::AgreementBytes
            | PartKind::AdministrativeDetail
            | PartKind::PreviousCheckpoint => String::new(),
        };
        let encoded = kind.encode();
        Self {
            kind: encoded
                .first_chunk()
                .map_or(0, |number| u16::from_be_bytes(*number)),
            label,
            position: proof.index,
            salt: STANDARD.encode(salt.as_bytes()),
            path: proof
                .path
                .iter()
                .map(|hash| STANDARD.encode(hash.as_bytes()))
                .collect(),
            content: STANDARD.encode(content),
        }
    }

    fn read(self) -> Result<PartOpening, EvidenceError> {
        let Self {
            kind,
            label,
            position,
            salt,
            path,
            content,
        } = self;
        let mut encoded = kind.to_be_bytes().to_vec();
        encoded.push(u8::try_from(label.len()).map_err(|_| EvidenceError::Member("label"))?);
        encoded.extend_from_slice(label.as_bytes());
        let (kind, _) = PartKind::decode(&encoded)?;
        let hash = |text: &String| fixed("path", text).map(Hash::new);
        Ok(PartOpening {
            kind,
            salt: Salt::new(fixed("salt", &salt)?),
            proof: PartProof {
                index: position,
                path: path.iter().map(hash).collect::<Result<_, _>>()?,
            },
            content: bytes("content", &content)?,
        })
    }
}

fn bytes(member: &'static str, text: &str) -> Result<Vec<u8>, EvidenceError> {
    STANDARD.decode(text).map_err(|_| EvidenceError::Member(member))
}

fn fixed(member: &'static str, text: &str) -> Result<[u8; 32], EvidenceError> {
    bytes(member, text)?
        .try_into()
        .map_err(|_| EvidenceError::Member(member))
}
