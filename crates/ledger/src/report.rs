//! Reports of the accesses to one person (GDPR article 15, *riscontro all'interessato*): what is signed, and what their
//! offline verification proves.
//!
//! A report is a list of lines, one for each entry that it reports, and a statement about the list. The statement is
//! the text of a C2SP signed-note, signed by the log's own Ed25519 key under the key name `<origin>/report`:
//!
//! ```text
//! ponte.report/1                    format
//! log <origin>
//! scope region                      or: scope municipality <its identity>
//! request <protocol number of the person's request>
//! subject tax-code <code>           or: subject national-id <id>, subject card <ISTAT code> <local id>
//! from -                            or Unix milliseconds: only accesses at or after it
//! until -                           or Unix milliseconds: only accesses before it
//! first <size> <root, base64>       checkpoint at which the range begins
//! last <size> <root, base64>        checkpoint at which it ends
//! lines <number>
//! digest <base64>                   of the lines, see below
//! restricted not-listed             accesses restricted by law are not listed, whether there are any or not
//! ```
//!
//! It can never be taken for a checkpoint, nor a checkpoint for it: a checkpoint has exactly three lines, the second a
//! number. Nor for a cosignature, which begins with `cosignature/v1`. The key's name gives it another key id too.
//!
//! The digest is H(`ponte.report.lines/1` ‖ line feed ‖ for each line its length (u32) ‖ its bytes); a line is a record:
//!
//! | Tag | Field | Value |
//! |---|---|---|
//! | 1 | index | u64 |
//! | 2 | leaf | 32 bytes, hash of the entry's leaf |
//! | 3 | time | u64, Unix milliseconds |
//! | 4 | agency | text, SPIFFE URI |
//! | 5 | agreement | text |
//! | 6 | title of the agreement | text, may be empty |
//! | 7 | purpose | text |
//! | 8 | the purpose in words | text, may be empty |
//! | 9 | service | text, `package.Service/Method` |
//! | 10 | uses | each as length (u16) ‖ length of municipality (u8) ‖ municipality ‖ kind (u8, [`UseKind`]) ‖ each field as length (u8) ‖ name |
//!
//! [`SubjectReport::verify`] proves with the log's key alone that the report is as the index made it: nothing of it was
//! removed, added or altered, and each line stands for an entry of the log between the two checkpoints, of which the
//! second continues the first. It does not prove that nothing was left out when it was made: that shows to whoever may
//! have the report made again over the same range.

use thiserror::Error;

use crate::checkpoint::{CheckpointError, LogSigner, LogVerifier, SignedCheckpoint};
use crate::encoding::FieldError;
use crate::hash::Hash;
use crate::header::EntryKind;
use crate::receipt::{Receipt, ReceiptError};
use crate::tree::{VerifyError, verify_consistency, verify_inclusion};

mod line;
mod statement;

#[cfg(test)]
mod tests;

pub use line::{ReportLine, SubjectUse, UseKind, digest};
pub use statement::{ReportScope, ReportStatement, ReportSubject, Text};

/// A report as it travels and is kept. Nothing of it is proved before [`SubjectReport::verify`].
#[derive(Clone, PartialEq, Eq)]
pub struct SubjectReport {
    /// The signed statement.
    pub note: String,
    /// The signed checkpoint at which the range begins.
    pub first_checkpoint: String,
    /// The signed checkpoint at which it ends.
    pub last_checkpoint: String,
    /// Proof that the last continues the first.
    pub consistency: Vec<Hash>,
    /// The lines, in order of index.
    pub lines: Vec<ProvedLine>,
    /// Receipt of the entry that the report itself made.
    pub receipt: Receipt,
}

/// A line with the path from its entry's leaf to the root of the last checkpoint.
#[derive(Clone, PartialEq, Eq)]
pub struct ProvedLine {
    /// The line.
    pub line: ReportLine,
    /// The path, sibling of the leaf first.
    pub path: Vec<Hash>,
}

/// What a report proved. Only [`SubjectReport::verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedReport {
    statement: ReportStatement,
    entry: u64,
    time_ms: u64,
}

/// Why a report cannot be read or proves nothing. No message holds personal data.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReportError {
    /// The note is not the text of a statement.
    #[error("the statement's line {0:?} is missing or malformed")]
    Statement(&'static str),
    /// A text outside its bounds.
    #[error("a text of the report is too long, empty or holds a control character")]
    Text,
    /// The note is not text and signatures.
    #[error("the statement is not a signed note")]
    Note,
    /// The note's signature, or a checkpoint.
    #[error("statement or checkpoint: {0}")]
    Signed(#[from] CheckpointError),
    /// A checkpoint is not the one that the statement names.
    #[error("the {0} checkpoint is not the one that the statement names")]
    Checkpoint(&'static str),
    /// The last checkpoint does not continue the first.
    #[error("the last checkpoint does not continue the first: {0}")]
    Consistency(VerifyError),
    /// Lines were taken away or added.
    #[error("the report has {actual} lines and states {stated}")]
    Count {
        /// Lines that the statement names.
        stated: u64,
        /// Lines that are there.
        actual: u64,
    },
    /// Lines were altered, exchanged or reordered.
    #[error("the lines are not those that were signed")]
    Digest,
    /// A line outside of the report's range or out of order.
    #[error("the line of entry {0} is out of order or outside the range")]
    Range(u64),
    /// A line whose entry is not in the log.
    #[error("the log does not hold entry {index} as the report says: {error}")]
    Inclusion {
        /// Its index.
        index: u64,
        /// Why.
        error: VerifyError,
    },
    /// A line that cannot be encoded.
    #[error("a line of the report: {0}")]
    Line(#[from] FieldError),
    /// The receipt.
    #[error("the receipt of the report: {0}")]
    Receipt(#[from] ReceiptError),
    /// The receipt is not that of a report made over this range.
    #[error("the receipt is not that of a report over this range")]
    OtherEntry,
}

impl SubjectReport {
    /// What the report states of itself, without any proof.
    ///
    /// # Errors
    /// The note is not the text of a statement.
    pub fn stated(&self) -> Result<ReportStatement, ReportError> {
        let (text, _) = self.note.rsplit_once("\n\n").ok_or(ReportError::Note)?;
        ReportStatement::parse(&format!("{text}\n"))
    }

    /// Proves that the report is as the index of this log made it, and that each line stands for an entry of the log.
    ///
    /// # Errors
    /// See [`ReportError`]: something was removed, added or altered, or the report is of another log.
    pub fn verify(&self, log: &LogVerifier) -> Result<VerifiedReport, ReportError> {
        let Self {
            note,
            first_checkpoint,
            last_checkpoint,
            consistency,
            lines,
            receipt,
        } = self;
        let statement = ReportStatement::verify(note, log)?;
        let checkpoint = |text: &str| -> Result<_, CheckpointError> {
            Ok(log.verify(&SignedCheckpoint::parse(text)?)?.into_checkpoint())
        };
        let (first, last) = (checkpoint(first_checkpoint)?, checkpoint(last_checkpoint)?);
        if (first.size, first.root) != statement.first {
            return Err(ReportError::Checkpoint("first"));
        }
        if (last.size, last.root) != statement.last {
            return Err(ReportError::Checkpoint("last"));
        }
        verify_consistency(first.size, &first.root, last.size, &last.root, consistency)
            .map_err(ReportError::Consistency)?;
        let actual = lines.len() as u64;
        if actual != statement.lines {
            let stated = statement.lines;
            return Err(ReportError::Count { stated, actual });
        }
        if digest(lines.iter().map(|proved| &proved.line))? != statement.digest {
            return Err(ReportError::Digest);
        }
        let mut next = first.size;
        for ProvedLine { line, path } in lines {
            let index = line.index;
            if index < next || last.size <= index || !statement.admits(line.time_ms) {
                return Err(ReportError::Range(index));
            }
            verify_inclusion(&line.leaf, index, last.size, path, &last.root)
                .map_err(|error| ReportError::Inclusion { index, error })?;
            next = index + 1;
        }
        let entered = receipt.verify(log)?;
        let header = entered.header();
        if header.body.kind != EntryKind::SubjectReport || entered.index() < last.size {
            return Err(ReportError::OtherEntry);
        }
        Ok(VerifiedReport {
            statement,
            entry: entered.index(),
            time_ms: header.time_ms,
        })
    }
}

impl VerifiedReport {
    /// What the report states of itself.
    pub fn statement(&self) -> &ReportStatement {
        &self.statement
    }

    /// Index of the entry that the report made.
    pub fn entry(&self) -> u64 {
        self.entry
    }

    /// When it was made, Unix milliseconds.
    pub fn time_ms(&self) -> u64 {
        self.time_ms
    }
}

/// Signs a statement as the log.
pub fn sign(statement: &ReportStatement, signer: &LogSigner) -> String {
    statement.sign(signer)
}

/// A report is about a person: debugging output does not carry it.
impl std::fmt::Debug for SubjectReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SubjectReport({} lines)", self.lines.len())
    }
}

/// As for the report.
impl std::fmt::Debug for ProvedLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProvedLine({})", self.line.index)
    }
}
