//! The list of cases: `suite.toml` and the files that it names.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use registry::export::mapping::Mapping;
use registry::export::{ExportForm, ExportKind};
use registry::identifier::IstatCode;
use serde::Deserialize;

use super::builtin::FILES;
use super::{Expectation, QualificationError};
use crate::form::MappingFileError;
use crate::import::{ImportContext, RemovalLimit};
use crate::retention::Retention;

/// Name of the list in the directory of a suite.
const LIST: &str = "suite.toml";

/// Cases, in the order of the list.
#[derive(Debug)]
pub struct Suite {
    /// The cases.
    pub cases: Vec<Case>,
}

/// An export and what must be found in it.
#[derive(Debug)]
pub struct Case {
    /// Name, for people.
    pub name: String,
    /// The export.
    pub export: Source,
    /// A total export, without errors, that was imported before.
    pub before: Option<Source>,
    /// How it is laid out.
    pub form: ExportForm,
    /// What it does not say of itself.
    pub context: ImportContext,
    /// What must be found, sorted.
    pub expected: Vec<Expectation>,
}

/// Where a file is.
#[derive(Clone, Debug)]
pub enum Source {
    /// In the program.
    BuiltIn(&'static [u8]),
    /// In the file system.
    File(PathBuf),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSuite {
    version: u32,
    municipality: String,
    date: String,
    case: Vec<RawCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    name: String,
    export: String,
    expected: String,
    before: Option<String>,
    mapping: Option<String>,
    kind: Option<String>,
}

/// Where the files of a suite are.
#[derive(Clone, Copy)]
enum Place<'a> {
    BuiltIn,
    Directory(&'a Path),
}

impl Suite {
    /// The suite of this program.
    ///
    /// # Errors
    /// None, in a program whose tests pass.
    pub fn built_in() -> Result<Self, QualificationError> {
        Self::at(Place::BuiltIn)
    }

    /// A suite in a directory of its own, with a `suite.toml`.
    ///
    /// # Errors
    /// See [`QualificationError`].
    pub fn in_directory(directory: &Path) -> Result<Self, QualificationError> {
        Self::at(Place::Directory(directory))
    }

    fn at(place: Place<'_>) -> Result<Self, QualificationError> {
        let list = place.read(LIST)?;
        let list = String::from_utf8(list).map_err(|_| value_error("file", "must be UTF-8"))?;
        let RawSuite {
            version,
            municipality,
            date,
            case,
        } = toml::from_str(&list).map_err(|error| QualificationError::Suite(Box::new(error)))?;
        if version != 1 {
            return Err(value_error("version", "must be 1"));
        }
        let municipality = IstatCode::parse(&municipality)
            .map_err(|_| value_error("municipality", "must be an ISTAT code, six digits"))?;
        let day: NaiveDate = date
            .parse()
            .map_err(|_| value_error("date", "must be written YYYY-MM-DD"))?;
        let context = context(municipality, day);
        let cases = case.into_iter().map(|raw| place.case(raw, context));
        Ok(Self {
            cases: cases.collect::<Result<_, _>>()?,
        })
    }
}

impl Case {
    /// A vendor's own export and the file of what must be found in it.
    ///
    /// # Errors
    /// See [`QualificationError`].
    pub fn of_files(
        export: &Path,
        expected: &Path,
        form: ExportForm,
        municipality: IstatCode,
        day: NaiveDate,
    ) -> Result<Self, QualificationError> {
        let name = expected.display().to_string();
        let bytes = std::fs::read(expected).map_err(|error| QualificationError::Read(name.clone(), error))?;
        let expected =
            Expectation::parse_file(&bytes).map_err(|error| QualificationError::Expected(name, error))?;
        Ok(Self {
            name: export.display().to_string(),
            export: Source::File(export.to_owned()),
            before: None,
            form,
            context: context(municipality, day),
            expected,
        })
    }
}

impl Source {
    pub(super) fn open(&self) -> Result<Box<dyn Read + '_>, (PathBuf, io::Error)> {
        match self {
            Self::BuiltIn(bytes) => Ok(Box::new(*bytes)),
            Self::File(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) => Err((path.clone(), error)),
            },
        }
    }
}

impl Place<'_> {
    fn source(self, name: &str) -> Result<Source, QualificationError> {
        match self {
            Self::BuiltIn => FILES
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, bytes)| Source::BuiltIn(bytes))
                .ok_or_else(|| QualificationError::Read(name.to_owned(), io::ErrorKind::NotFound.into())),
            Self::Directory(directory) => Ok(Source::File(directory.join(name))),
        }
    }

    fn read(self, name: &str) -> Result<Vec<u8>, QualificationError> {
        let unreadable = |error| QualificationError::Read(name.to_owned(), error);
        let mut bytes = Vec::new();
        let source = self.source(name)?;
        let mut input = source.open().map_err(|(_, error)| unreadable(error))?;
        input.read_to_end(&mut bytes).map_err(unreadable)?;
        drop(input);
        Ok(bytes)
    }

    fn case(self, raw: RawCase, context: ImportContext) -> Result<Case, QualificationError> {
        let RawCase {
            name,
            export,
            expected,
            before,
            mapping,
            kind,
        } = raw;
        let kind = match kind {
            None => ExportKind::default(),
            Some(kind) => ExportKind::named(&kind)
                .ok_or_else(|| value_error("case.kind", "must be total or incremental"))?,
        };
        let mapping = mapping.map(|mapping| self.mapping(&mapping)).transpose()?;
        let bytes = self.read(&expected)?;
        Ok(Case {
            name,
            export: self.source(&export)?,
            before: before.map(|before| self.source(&before)).transpose()?,
            form: ExportForm { kind, mapping },
            context,
            expected: Expectation::parse_file(&bytes)
                .map_err(|error| QualificationError::Expected(expected, error))?,
        })
    }

    fn mapping(self, name: &str) -> Result<Arc<Mapping>, QualificationError> {
        let unusable = |error| QualificationError::Mapping(name.to_owned(), error);
        let bytes = self.read(name)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            unusable(MappingFileError::Read(io::Error::new(
                io::ErrorKind::InvalidData,
                error,
            )))
        })?;
        Mapping::parse(&text)
            .map(Arc::new)
            .map_err(|error| unusable(error.into()))
    }
}

fn context(municipality: IstatCode, day: NaiveDate) -> ImportContext {
    ImportContext {
        municipality,
        day,
        removals: RemovalLimit::Unlimited,
        retention: Retention::default(),
    }
}

fn value_error(key: &'static str, rule: &'static str) -> QualificationError {
    QualificationError::Value { key, rule }
}
