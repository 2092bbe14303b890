//! Qualification of an export module (*qualificazione del modulo di scarico*): files with known faults and the
//! verdicts that must come of them.
//!
//! The built-in suite holds every code of the table of rules; a vendor runs it to see what the node says of what. With
//! a suite of its own, a vendor proves its export: the node must find what the vendor expects, no more and no less.
//! Each case is a real import into a node of its own, sealed under a key that is forgotten, in a directory that goes.

mod builtin;
mod expectation;
mod suite;

use std::fs;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use registry::export::{ExportForm, ExportKind, OpenError};
use registry::municipality::MunicipalityId;
use serde::Serialize;
use store::files::Files;
use store::files::system::SystemFiles;
use store::keys::encryption_key::KeyEncryptionKey;
use store::keys::ring::{KeyRing, RingError};
use store::municipal::{MirrorEngine, MunicipalError, MunicipalStore};
use store::segment::Settings;
use store::segment::preparation::Preparation;
use transport::random::Random;

use crate::check::{CheckedExport, ExportError};
use crate::form::MappingFileError;
use crate::import::{ImportContext, ImportError, import, import_checked};
use crate::storage::RingEntropy;

pub use self::expectation::{Expectation, ExpectationError};
pub use self::suite::{Case, Source, Suite};

/// Journal of a case: frames hold a thousand changes, and no case needs many.
const SEGMENT_BYTES: u64 = 8 << 20;

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Name of the case.
    pub case: String,
    /// How many findings were expected.
    pub expected: usize,
    /// How many there were.
    pub found: usize,
    /// Expected and not found.
    pub missing: Vec<Expectation>,
    /// Found and not expected.
    pub unexpected: Vec<Expectation>,
}

/// Why a case cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum QualificationError {
    /// A file of the suite cannot be read.
    #[error("{0}: the file cannot be read")]
    Read(String, #[source] io::Error),
    /// The list of cases is not TOML, or a key is missing, unknown or of the wrong type.
    #[error("suite.toml is not valid")]
    Suite(#[source] Box<toml::de::Error>),
    /// A value of the list breaks a rule.
    #[error("suite.toml: {key}: {rule}")]
    Value {
        /// The key.
        key: &'static str,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A mapping of the suite.
    #[error("{0}: the mapping cannot be used")]
    Mapping(String, #[source] MappingFileError),
    /// The expected findings of a case.
    #[error("{0}: the expected findings cannot be read")]
    Expected(String, #[source] ExpectationError),
    /// The file that comes before the export of a case has errors of its own.
    #[error("{0}: the file before the export has errors of its own")]
    Before(String),
    /// An export cannot be read to its end, or the node's store failed.
    #[error("{0}: the export cannot be imported")]
    Import(String, #[source] ImportError),
    /// The directory in which cases are run.
    #[error("the directory of the cases cannot be used")]
    Scratch(#[source] io::Error),
    /// The store of a case.
    #[error("the store of a case cannot be opened")]
    Store(#[from] MunicipalError),
    /// The keys of a case.
    #[error("the keys of a case cannot be made")]
    Keys(#[from] RingError),
}

impl Verdict {
    /// Whether everything was as expected.
    pub fn passed(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty()
    }
}

/// Runs a case below `scratch`, an empty directory that the caller removes afterwards.
///
/// # Errors
/// See [`QualificationError`]. Findings other than the expected ones are no error but the verdict.
pub fn run(case: &Case, scratch: &Path, random: &Arc<dyn Random>) -> Result<Verdict, QualificationError> {
    let Case {
        name,
        export,
        before,
        form,
        context,
        expected,
    } = case;
    let directory = scratch.join("case");
    fs::create_dir(&directory).map_err(QualificationError::Scratch)?;
    let outcome = open(&directory, *context, random).and_then(|mut store| {
        if let Some(before) = before {
            bring_to(&mut store, before, *context, form).map_err(|failed| failed.of_case(name))?;
        }
        judged(&mut store, export, *context, form).map_err(|failed| failed.of_case(name))
    });
    fs::remove_dir_all(&directory).map_err(QualificationError::Scratch)?;
    let found = outcome?;
    Ok(Verdict {
        case: name.clone(),
        expected: expected.len(),
        found: found.len(),
        missing: expectation::without(expected, &found),
        unexpected: expectation::without(&found, expected),
    })
}

/// What went wrong, before the case is named.
enum Failed {
    Read(PathBuf, io::Error),
    Before,
    Import(ImportError),
}

impl Failed {
    fn of_case(self, case: &str) -> QualificationError {
        match self {
            Self::Read(path, error) => QualificationError::Read(path.display().to_string(), error),
            Self::Before => QualificationError::Before(case.to_owned()),
            Self::Import(error) => QualificationError::Import(case.to_owned(), error),
        }
    }
}

fn open(
    directory: &Path,
    context: ImportContext,
    random: &Arc<dyn Random>,
) -> Result<MunicipalStore, QualificationError> {
    let files: Arc<dyn Files> = Arc::new(SystemFiles::open(directory).map_err(QualificationError::Scratch)?);
    let mut key = [0; 32];
    random.fill(&mut key);
    let keys = KeyRing::open(
        Arc::clone(&files),
        KeyEncryptionKey::from_bytes(&key),
        Arc::new(RingEntropy(Arc::clone(random))),
    )?;
    let settings = Settings {
        segment_bytes: SEGMENT_BYTES,
        preparation: Preparation::Inline,
    };
    let municipality = MunicipalityId::of_any(context.municipality).ok_or(QualificationError::Value {
        key: "municipality",
        rule: "must be the ISTAT code of a municipality",
    })?;
    Ok(MunicipalStore::open(
        files,
        &keys,
        settings,
        MirrorEngine::Memory,
        municipality,
    )?)
}

fn bring_to(
    store: &mut MunicipalStore,
    before: &Source,
    context: ImportContext,
    form: &ExportForm,
) -> Result<(), Failed> {
    let form = ExportForm {
        kind: ExportKind::Total,
        mapping: form.mapping.clone(),
    };
    let input = before.open().map_err(|(path, error)| Failed::Read(path, error))?;
    let report = import(store, BufReader::new(input), context, &form).map_err(Failed::Import)?;
    if report.quarantined == 0 {
        Ok(())
    } else {
        Err(Failed::Before)
    }
}

/// Imports the export and gives back everything that was found.
fn judged(
    store: &mut MunicipalStore,
    export: &Source,
    context: ImportContext,
    form: &ExportForm,
) -> Result<Vec<Expectation>, Failed> {
    let input = export.open().map_err(|(path, error)| Failed::Read(path, error))?;
    let opened = match CheckedExport::open(BufReader::new(input), context.of_export(), form) {
        Ok(opened) => opened.naming_every_line(),
        Err(ExportError::Open(OpenError::Header(faults))) => {
            return Ok(faults.iter().map(Expectation::of_header).collect());
        }
        Err(error) => return Err(Failed::Import(error.into())),
    };
    let report = import_checked(store, opened, context, form.kind).map_err(Failed::Import)?;
    let mut found: Vec<Expectation> = report
        .findings
        .iter()
        .flat_map(Expectation::of_findings)
        .collect();
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests;
