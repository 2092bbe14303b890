//! Where an export is not what it says.

use std::fmt;
use std::io::{self, ErrorKind};

use ledger::checkpoint::CheckpointError;
use ledger::tile::proved::TileProofError;
use parquet::errors::ParquetError;

use super::evidence::EvidenceError;
use super::files::FileFault;

/// Why an export is not verified.
#[derive(Debug, thiserror::Error)]
pub enum Verification {
    /// It is not what it says.
    #[error(transparent)]
    Difference(#[from] Difference),
    /// A file of it cannot be read: nothing is known.
    #[error(transparent)]
    File(#[from] FileFault),
}

/// The first difference between an export and what it says.
#[derive(Debug)]
pub struct Difference {
    /// The file, as a path from the export's directory.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u64>,
    /// The entry.
    pub entry: Option<u64>,
    cause: Cause,
}

/// What is different.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// A file.
    #[error("it is missing")]
    Missing,
    /// A file.
    #[error("it is not in the manifest")]
    Unlisted,
    /// A file.
    #[error("it is none of the files of this export")]
    Foreign,
    /// The manifest.
    #[error("it is no manifest of a format that this version reads")]
    Format,
    /// The manifest.
    #[error("its content is not that of its digest")]
    Digest,
    /// The manifest.
    #[error("it is of another log than the key")]
    OtherLog,
    /// The manifest.
    #[error("its checkpoint is not the largest of the export")]
    Final,
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A checkpoint.
    #[error("its name is not the size that it states")]
    Name,
    /// A checkpoint.
    #[error("the tree of the largest checkpoint does not continue this one")]
    Inconsistent,
    /// A tile.
    #[error(transparent)]
    Tile(#[from] TileProofError),
    /// A line.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A line.
    #[error("it is not UTF-8, has no end or is longer than any")]
    Line,
    /// A line.
    #[error("it does not come after the entry before it")]
    Order,
    /// A line.
    #[error("it lies outside of what was exported")]
    Outside,
    /// A line.
    #[error("it is none that the filter admits")]
    Filter,
    /// The evidence.
    #[error("entry {0} is left out")]
    LeftOut(u64),
    /// A line.
    #[error("the log has another entry there")]
    Leaf,
    /// A row.
    #[error("the row is not that of the entry")]
    Row,
    /// A file of rows.
    #[error("there is something behind the last row")]
    Behind,
    /// A table.
    #[error("it is no table of entries")]
    Table(#[source] ParquetError),
    /// The evidence.
    #[error("there are {counted} entries where the manifest states {stated}")]
    Count {
        /// As the manifest states.
        stated: u64,
        /// As there are.
        counted: u64,
    },
    /// A file.
    #[error("its size or SHA-256 is not that of the manifest")]
    File,
}

impl Verification {
    /// What follows when a file cannot be read: of one that is not there, that it is missing.
    pub fn reading(file: &str, error: io::Error) -> Self {
        if error.kind() == ErrorKind::NotFound {
            return Difference::of_file(file, Cause::Missing).into();
        }
        Self::File(FileFault {
            path: file.into(),
            cause: error,
        })
    }
}

impl Difference {
    /// In a file as a whole.
    pub fn of_file(file: impl Into<String>, cause: Cause) -> Self {
        Self {
            file: file.into(),
            line: None,
            entry: None,
            cause,
        }
    }

    /// In the evidence of an entry.
    pub fn of_entry(entry: u64, cause: Cause) -> Self {
        Self::of_file(super::EVIDENCE, cause).about(Some(entry))
    }

    /// The same about an entry, where it is known.
    #[must_use]
    pub fn about(self, entry: Option<u64>) -> Self {
        Self { entry, ..self }
    }

    /// The same at a line.
    #[must_use]
    pub fn at_line(self, line: u64) -> Self {
        Self {
            line: Some(line),
            ..self
        }
    }

    /// What is different.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        match self.entry {
            Some(entry) => write!(f, ", entry {entry}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Difference {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}
