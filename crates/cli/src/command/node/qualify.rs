//! `ponte node qualify`: whether the node finds in exports with known faults what it must find.

use std::path::PathBuf;
use std::sync::Arc;

use agreement::reason::ExitCode;
use chrono::NaiveDate;
use clap::Args;
use node::qualification::{self, Case, Expectation, QualificationError, Suite, Verdict};

use super::{ExportArguments, FormArguments};
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::session::Session;

/// Arguments of `ponte node qualify`: nothing for the built-in suite, a directory, or one export.
#[derive(Args, Debug)]
pub struct QualifyArguments {
    /// Directory with a suite.toml, as config/qualification; the built-in suite without it
    #[arg(long, value_name = "DIRECTORY", conflicts_with_all = ["export", "expected", "mapping", "incremental", "municipality", "date"])]
    pub suite: Option<PathBuf>,
    /// An export of one's own
    #[arg(long, value_name = "FILE", requires = "expected", requires = "municipality")]
    pub export: Option<PathBuf>,
    /// What must be found in it: CSV with the header riga;codice;colonna
    #[arg(long, value_name = "FILE", requires = "export")]
    pub expected: Option<PathBuf>,
    /// ISTAT code of the municipality that keeps the cards
    #[arg(long, value_name = "ISTAT", requires = "export")]
    pub municipality: Option<String>,
    /// Day on which the export was made; today in Europe/Rome without it
    #[arg(long, value_name = "DATE", requires = "export")]
    pub date: Option<NaiveDate>,
    /// How the export is laid out.
    #[command(flatten)]
    pub form: FormArguments,
}

pub(super) fn run(arguments: &QualifyArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let suite = suite(arguments, session)?;
    let scratch = tempfile::tempdir().map_err(|error| unusable(&QualificationError::Scratch(error)))?;
    let random = Arc::clone(&session.surroundings.random);
    let mut verdicts = Vec::new();
    for case in &suite.cases {
        verdicts.push(qualification::run(case, scratch.path(), &random).map_err(|error| unusable(&error))?);
    }
    let failed = verdicts.iter().filter(|verdict| !verdict.passed()).count();
    let cases = verdicts.len();
    session.say(
        format!("{cases} prove, {failed} con esito diverso dall'atteso"),
        format!("{cases} cases, {failed} with another outcome than expected"),
    )?;
    let rows: Vec<Datum> = verdicts.iter().flat_map(rows).collect();
    session.data(&rows)?;
    Ok(if failed == 0 {
        ExitCode::Ok
    } else {
        ExitCode::NegativeAnswer
    })
}

fn suite(arguments: &QualifyArguments, session: &Session<'_, '_>) -> Result<Suite, Failure> {
    let QualifyArguments {
        suite,
        export,
        expected,
        municipality,
        date,
        form,
    } = arguments;
    let suite = match (suite, export, expected, municipality) {
        (Some(directory), ..) => Suite::in_directory(directory),
        (None, Some(export), Some(expected), Some(municipality)) => {
            let of_export = ExportArguments {
                municipality: municipality.clone(),
                date: *date,
            };
            let context = of_export.context(session)?;
            let form = form.form()?;
            let case = Case::of_files(
                export,
                expected,
                form,
                context.municipality,
                context.reference_date,
            );
            case.map(|case| Suite { cases: vec![case] })
        }
        (None, ..) if form.mapping.is_some() || form.incremental => {
            return Err(Failure::usage(
                "--mapping e --incremental richiedono --export",
                "--mapping and --incremental need --export",
            ));
        }
        (None, ..) => Suite::built_in(),
    };
    suite.map_err(|error| unusable(&error))
}

/// A row for the case, and one for each finding that differs.
fn rows(verdict: &Verdict) -> Vec<Datum> {
    let Verdict {
        case,
        expected,
        found,
        missing,
        unexpected,
    } = verdict;
    let outcome = if verdict.passed() { "ok" } else { "different" };
    let row = |outcome: &str, expected: Datum, found: Datum, place: Option<&Expectation>| {
        RecordBuilder::new()
            .with("case", case.as_str())
            .with("outcome", outcome)
            .with("expected", expected)
            .with("found", found)
            .with("line", Datum::of(place.map(|place| place.line)))
            .with("code", Datum::of(place.map(|place| place.code.as_str())))
            .with("column", Datum::of(place.map(|place| place.column.as_str())))
            .build()
    };
    let mut rows = vec![row(outcome, (*expected).into(), (*found).into(), None)];
    rows.extend(
        missing
            .iter()
            .map(|place| row("missing", 1_u64.into(), 0_u64.into(), Some(place))),
    );
    rows.extend(
        unexpected
            .iter()
            .map(|place| row("unexpected", 0_u64.into(), 1_u64.into(), Some(place))),
    );
    rows
}

fn unusable(error: &QualificationError) -> Failure {
    let exit = match error {
        QualificationError::Scratch(_) | QualificationError::Store(_) | QualificationError::Keys(_) => {
            ExitCode::Unavailable
        }
        QualificationError::Read(..)
        | QualificationError::Suite(_)
        | QualificationError::Value { .. }
        | QualificationError::Mapping(..)
        | QualificationError::Expected(..)
        | QualificationError::Before(_)
        | QualificationError::Import(..) => ExitCode::Usage,
    };
    Failure::new(exit, "qualificazione non possibile", "nothing can be qualified").because(error)
}
