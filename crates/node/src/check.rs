//! Checking an export without importing it, and without index, data directory or keys.

use std::io::{self, Read};

use registry::export::{
    Accepted, ExportContext, ExportForm, ExportReader, OpenError, Operation, StatedEvent,
};
use registry::finding::{ExportChecks, Finding, Severity};
use registry::identifier::LocalId;
use serde::Serialize;

use crate::findings::{Findings, NAMED_LINES, Tally};

/// What an export is like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Rows after the header.
    pub rows: u64,
    /// Rows that an import would take.
    pub accepted: u64,
    /// Rows that an import would keep aside.
    pub refused: u64,
    /// What was found, by rule.
    pub findings: Findings,
}

/// Why an export cannot be checked or imported at all.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The header is not the layout's, or the file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The source failed in the middle.
    #[error("the file cannot be read to its end")]
    Read(#[source] io::Error),
}

/// A row after all checks.
#[derive(Debug)]
pub(crate) enum CheckedRow {
    /// It can be done.
    Accepted {
        /// Line of the file.
        line: u64,
        /// What becomes of the card.
        operation: Operation,
        /// What the row says of the event behind it.
        event: StatedEvent,
    },
    /// It is kept aside.
    Refused(Refused),
}

/// Of which card a refused row is.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The card's last good version stays.
    Card(LocalId),
    /// The row cannot even be read so far: it may be any card's.
    Unknown,
}

/// An export, row by row, with all checks.
#[derive(Debug)]
pub(crate) struct CheckedExport<R> {
    reader: ExportReader<R>,
    checks: ExportChecks,
    tally: Tally,
    rows: u64,
    accepted: u64,
}

/// Reads an export to its end and says what is wrong with it.
///
/// # Errors
/// See [`ExportError`]. Rows that break a rule are no error but part of the report.
pub fn check<R: Read>(
    input: R,
    context: ExportContext,
    form: &ExportForm,
) -> Result<CheckReport, ExportError> {
    let mut export = CheckedExport::open(input, context, form)?;
    while export.next_row()?.is_some() {}
    Ok(export.finish())
}

impl<R: Read> CheckedExport<R> {
    pub(crate) fn open(input: R, context: ExportContext, form: &ExportForm) -> Result<Self, ExportError> {
        Ok(Self {
            reader: ExportReader::open(input, context, form)?,
            checks: ExportChecks::of(form.kind),
            tally: Tally::naming(NAMED_LINES),
            rows: 0,
            accepted: 0,
        })
    }

    /// The same, with every line in the report.
    pub(crate) fn naming_every_line(self) -> Self {
        Self {
            tally: Tally::naming(usize::MAX),
            ..self
        }
    }

    /// Adds what only the store can tell of a row that was accepted; with an error it is refused after all.
    pub(crate) fn note(&mut self, finding: Finding) {
        if finding.severity() == Severity::Error {
            self.accepted -= 1;
        }
        self.tally.add([finding]);
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<CheckedRow>, ExportError> {
        let Some(row) = self.reader.next().transpose().map_err(ExportError::Read)? else {
            return Ok(None);
        };
        self.rows += 1;
        let refused = row.local_id.map_or(Refused::Unknown, Refused::Card);
        let Accepted {
            operation,
            event,
            warnings,
        } = match row.outcome {
            Ok(accepted) => accepted,
            Err(findings) => {
                self.tally.add(findings);
                return Ok(Some(CheckedRow::Refused(refused)));
            }
        };
        self.tally.add(warnings);
        if let Operation::Publish(record) = &operation {
            let beside_others = self.checks.observe(row.line, record);
            let broken = beside_others
                .iter()
                .any(|finding: &Finding| finding.severity() == Severity::Error);
            self.tally.add(beside_others);
            if broken {
                return Ok(Some(CheckedRow::Refused(refused)));
            }
        }
        self.accepted += 1;
        Ok(Some(CheckedRow::Accepted {
            line: row.line,
            operation,
            event,
        }))
    }

    pub(crate) fn finish(self) -> CheckReport {
        let Self {
            reader: _,
            checks,
            mut tally,
            rows,
            accepted,
        } = self;
        tally.add(checks.finish());
        CheckReport {
            rows,
            accepted,
            refused: rows - accepted,
            findings: tally.finish(),
        }
    }
}

#[cfg(test)]
mod tests;
