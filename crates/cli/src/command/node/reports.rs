//! Reports of imports, read from the data directory: no daemon is needed, and none is disturbed.

use agreement::reason::ExitCode;
use node::exports::ExportId;
use node::reports::{ListedFinding, Report, ReportError, ReportLine, Reports};
use node::storage::{DataDirectory, StorageError};

use super::{NodeArguments, ReportArguments};
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::language::Language;
use crate::output::Format;
use crate::session::Session;

pub(super) fn list(arguments: &NodeArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let lines = open(arguments)?.list().map_err(|error| unreadable(&error))?;
    let rows: Vec<Datum> = lines
        .into_iter()
        .map(|line| {
            let ReportLine {
                id,
                received,
                verdict,
                rows,
                quarantined,
            } = line;
            RecordBuilder::new()
                .with("id", id.as_str())
                .with("received", received)
                .with("verdict", verdict)
                .with("rows", Datum::of(rows))
                .with("quarantined", Datum::of(quarantined))
                .build()
        })
        .collect();
    session.data(&rows)?;
    Ok(ExitCode::Ok)
}

pub(super) fn show(arguments: &ReportArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let ReportArguments { id, node } = arguments;
    let reports = open(node)?;
    let id = match id {
        Some(id) => ExportId::parse(id)
            .map_err(|error| Failure::usage("identificativo non valido", "not an id").because(&error))?,
        None => newest(&reports)?,
    };
    let report = reports.get(&id).map_err(|error| unreadable(&error))?;
    match session.format {
        Format::Table => session.raw(&report.text())?,
        Format::Json | Format::Jsonl | Format::Csv => {
            let language = session.language;
            let rows: Vec<Datum> = report
                .findings
                .iter()
                .map(|finding| row(&report, finding, language))
                .collect();
            session.data(&rows)?;
        }
    }
    Ok(ExitCode::Ok)
}

/// One finding; remedies are for municipal offices, and Italian only.
fn row(report: &Report, finding: &ListedFinding, language: Language) -> Datum {
    let ListedFinding { line, column, code } = finding;
    let rule = report.rule_of(finding);
    RecordBuilder::new()
        .with("line", *line)
        .with("column", column.as_deref().unwrap_or_default())
        .with("code", code.as_str())
        .with(
            "severity",
            rule.map_or_else(String::new, |rule| rule.severity.to_string()),
        )
        .with(
            "text",
            rule.map_or("", |rule| {
                language.pick(rule.italian.as_str(), rule.english.as_str())
            }),
        )
        .with("remedy", rule.map_or("", |rule| rule.remedy.as_str()))
        .build()
}

fn newest(reports: &Reports) -> Result<ExportId, Failure> {
    let lines = reports.list().map_err(|error| unreadable(&error))?;
    lines.into_iter().next().map(|line| line.id).ok_or_else(none)
}

fn open(arguments: &NodeArguments) -> Result<Reports, Failure> {
    let config = arguments.load()?;
    DataDirectory::reports(&config.data_directory).map_err(|error| match &error {
        StorageError::Directory(cause) if cause.kind() == std::io::ErrorKind::NotFound => none(),
        _ => Failure::new(
            ExitCode::Unavailable,
            "i rapporti non sono leggibili",
            "the reports cannot be read",
        )
        .because(&error),
    })
}

fn none() -> Failure {
    Failure::new(ExitCode::NotFound, "nessun rapporto", "there is no report")
}

fn unreadable(error: &ReportError) -> Failure {
    match error {
        ReportError::Unknown => none(),
        ReportError::Io(_) | ReportError::Form(_) => Failure::new(
            ExitCode::Unavailable,
            "il rapporto non è leggibile",
            "the report cannot be read",
        )
        .because(error),
    }
}
