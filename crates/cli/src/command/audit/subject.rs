//! `ponte audit subject` and `subject-verify`: the accesses to one person, for that person.

use std::path::{Path, PathBuf};

use agreement::reason::ExitCode;
use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use client::auditor::{ReportRequest, ReportedPerson};
use ledger::checkpoint::LogVerifier;
use ledger::report::{ReportStatement, ReportSubject, SubjectReport, VerifiedReport};
use registry::identifier::{LocalId, NationalId};

use super::ReaderArguments;
use super::offline::log_verifier;
use crate::call;
use crate::datum::RecordBuilder;
use crate::failure::Failure;
use crate::profile::{ConnectionSettings, Profile, required};
use crate::report::{json, pdf, text, words};
use crate::session::Session;

/// Arguments of `ponte audit subject`.
#[derive(Args, Debug)]
pub struct SubjectArguments {
    /// Codice fiscale of the person, current or past
    #[arg(
        required_unless_present_any = ["national_id", "local_id"],
        conflicts_with_all = ["national_id", "local_id"]
    )]
    pub codice_fiscale: Option<String>,
    /// National id (idANPR) of the person
    #[arg(long, value_name = "ID", conflicts_with = "local_id")]
    pub national_id: Option<String>,
    /// Municipality that keeps a card of the person, by ISTAT code
    #[arg(long, value_name = "ISTAT", requires = "local_id")]
    pub municipality: Option<String>,
    /// The municipality's own number of the card
    #[arg(long, value_name = "NUMBER", requires = "municipality")]
    pub local_id: Option<String>,
    /// Protocol number of the person's request, 1 to 120 characters
    #[arg(long, value_name = "NUMBER")]
    pub request_number: String,
    /// Accesses at or after this instant, RFC 3339; all that are kept without it
    #[arg(long, value_name = "TIME")]
    pub from: Option<DateTime<Utc>>,
    /// Accesses before this instant
    #[arg(long, value_name = "TIME")]
    pub until: Option<DateTime<Utc>>,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = Form::Text)]
    pub format: Form,
    /// File for the report, for its owner alone; never overwritten. Without it text and JSON go to standard output
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Who reads.
    #[command(flatten)]
    pub reader: ReaderArguments,
}

/// A form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people
    Text,
    /// For people, A4
    Pdf,
    /// For subject-verify, with every proof
    Json,
}

/// Arguments of `ponte audit subject-verify`.
#[derive(Args, Debug)]
pub struct SubjectVerifyArguments {
    /// Report, as written by --format json
    pub file: PathBuf,
    /// Have the report made again over the same entries, and compare: proves that nothing was left out
    #[arg(long)]
    pub recompute: bool,
    /// With --log-key or a profile, whom to trust; with --recompute, who reads.
    #[command(flatten)]
    pub reader: ReaderArguments,
}

/// Makes a report.
pub(super) fn report(
    arguments: &SubjectArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let SubjectArguments {
        codice_fiscale: _,
        national_id: _,
        municipality: _,
        local_id: _,
        request_number,
        from,
        until,
        format,
        out,
        reader,
    } = arguments;
    if *format == Form::Pdf && out.is_none() {
        return Err(Failure::usage(
            "manca --out per il PDF",
            "--out is missing for the PDF",
        ));
    }
    if let Some(path) = out.as_ref().filter(|path| path.exists()) {
        return Err(call::exists(path));
    }
    let request = ReportRequest {
        request: request_number.clone(),
        person: arguments.person()?,
        from: *from,
        until: *until,
        tree_size: None,
    };
    session.block_on(async |session| {
        let (auditor, context) = reader.prepare(session)?;
        let report = auditor
            .report_subject(&context, &request)
            .await
            .map_err(|error| call::unanswered(&error))?;
        let (lines, entry) = (report.lines.len(), report.receipt.index);
        session.say(
            format!("{lines} accessi elencati; registrato alla voce {entry}"),
            format!("{lines} accesses listed; logged as entry {entry}"),
        )?;
        let bytes = rendered(&report, *format, session)?;
        match out {
            Some(path) => call::write_new_private(path, &bytes)?,
            None => session.raw(&String::from_utf8_lossy(&bytes))?,
        }
        Ok(ExitCode::Ok)
    })
}

fn rendered(report: &SubjectReport, format: Form, session: &Session<'_, '_>) -> Result<Vec<u8>, Failure> {
    if format == Form::Json {
        let file = json::write(report).map_err(|error| Failure::internal(&error))?;
        return Ok(file.into_bytes());
    }
    let statement = report.stated().map_err(|error| Failure::internal(&error))?;
    let document = words::document(report, &statement, session.language);
    Ok(match format {
        Form::Pdf => pdf::render(&document, session.language),
        Form::Text | Form::Json => text::render(&document).into_bytes(),
    })
}

impl SubjectArguments {
    fn person(&self) -> Result<ReportedPerson, Failure> {
        match (
            &self.codice_fiscale,
            &self.national_id,
            &self.municipality,
            &self.local_id,
        ) {
            (Some(code), ..) => Ok(ReportedPerson::TaxCode(call::tax_code(code)?)),
            (None, Some(id), ..) => national_id(id),
            (None, None, Some(municipality), Some(number)) => card(municipality, number),
            (None, None, ..) => Err(Failure::usage("manca la persona", "the person is missing")),
        }
    }
}

fn national_id(id: &str) -> Result<ReportedPerson, Failure> {
    let id = NationalId::parse(id).map_err(|error| {
        Failure::usage(
            "l'identificativo nazionale non è valido",
            "the national id is not valid",
        )
        .because(&error)
    })?;
    Ok(ReportedPerson::NationalId(id))
}

fn card(municipality: &str, number: &str) -> Result<ReportedPerson, Failure> {
    Ok(ReportedPerson::Card {
        municipality: call::istat(municipality)?,
        local_id: LocalId::parse(number).map_err(|error| {
            Failure::usage(
                "il numero di scheda non è valido",
                "the number of the card is not valid",
            )
            .because(&error)
        })?,
    })
}

/// Verifies a report offline, and makes it again where that is asked for.
pub(super) fn verify(
    arguments: &SubjectVerifyArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let SubjectVerifyArguments {
        file,
        recompute,
        reader,
    } = arguments;
    let verifier = log_verifier(&trusted_key(reader, session)?)?;
    let proved = read(file).and_then(|report| report.verify(&verifier).map_err(Failed::Proof));
    let verified = match proved {
        Ok(verified) => verified,
        Err(Failed::File(failure)) => return Err(failure),
        Err(Failed::Form(error)) => return proves_nothing(&error, session),
        Err(Failed::Proof(error)) => return proves_nothing(&error, session),
    };
    session.say_all([
        (
            "riscontro valido: nulla è stato tolto, aggiunto o alterato, e ogni accesso elencato è una voce del registro",
            "the report is valid: nothing was removed, added or altered, and each access listed is an entry of the log",
        ),
        (
            "non è provato che nulla sia stato omesso alla formazione: lo prova il revisore con --recompute",
            "it is not proved that nothing was left out when it was made: the auditor proves that with --recompute",
        ),
    ])?;
    show(&verified, session)?;
    if *recompute {
        return again(reader, &verifier, verified.statement(), session);
    }
    Ok(ExitCode::Ok)
}

/// The log's public key: of the flag or the environment, and else of the profile.
fn trusted_key(reader: &ReaderArguments, session: &Session<'_, '_>) -> Result<String, Failure> {
    let environment = &session.surroundings.environment;
    let stated = reader.connection.resolve(&Profile::default(), environment)?;
    if let Some(key) = stated.log_key {
        return Ok(key);
    }
    let profile = reader.choice.load(environment)?;
    required(profile.connection.log_key, "log-key")
}

/// Why a file proves nothing.
enum Failed {
    File(Failure),
    Form(json::FileError),
    Proof(ledger::report::ReportError),
}

fn read(path: &Path) -> Result<SubjectReport, Failed> {
    let unusable = |error: std::io::Error| Failed::File(Failure::file(path, &error));
    let length = std::fs::metadata(path).map_err(unusable)?.len();
    if json::LARGEST_FILE < length {
        return Err(Failed::File(Failure::usage(
            "il file non è un riscontro",
            "the file is no report",
        )));
    }
    let text = std::fs::read_to_string(path).map_err(unusable)?;
    json::read(&text).map_err(Failed::Form)
}

fn proves_nothing(
    error: &(dyn std::error::Error + 'static),
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let chain = transport::causes::chain(error);
    session.say(
        format!("riscontro NON valido: {chain}"),
        format!("the report proves NOTHING: {chain}"),
    )?;
    Ok(ExitCode::NegativeAnswer)
}

fn show(verified: &VerifiedReport, session: &mut Session<'_, '_>) -> Result<(), Failure> {
    let statement = verified.statement();
    session.data(&[RecordBuilder::new()
        .with("log", statement.origin.as_str())
        .with("request", statement.request.as_str())
        .with("first_size", statement.first.0)
        .with("last_size", statement.last.0)
        .with("lines", statement.lines)
        .with("digest", statement.digest.to_string())
        .with("entry", verified.entry())
        .build()])
}

/// Has the report made again over the same entries and compares the digests.
fn again(
    reader: &ReaderArguments,
    verifier: &LogVerifier,
    stated: &ReportStatement,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let time = |ms: Option<u64>| ms.and_then(|ms| DateTime::from_timestamp_millis(i64::try_from(ms).ok()?));
    let request = ReportRequest {
        request: stated.request.as_str().to_owned(),
        person: match &stated.subject {
            ReportSubject::TaxCode(code) => ReportedPerson::TaxCode(call::tax_code(code.as_str())?),
            ReportSubject::NationalId(id) => national_id(id.as_str())?,
            ReportSubject::Card {
                municipality,
                local_id,
            } => card(municipality.as_str(), local_id.as_str())?,
        },
        from: time(stated.from_ms),
        until: time(stated.until_ms),
        tree_size: Some(stated.last.0),
    };
    // The key may have been given as a file.
    let connection = ConnectionSettings {
        log_key: Some(verifier.to_string()),
        ..reader.connection.clone()
    };
    session.block_on(async |session| {
        let (auditor, context) = reader.prepare_over(&connection, session)?;
        let report = auditor
            .report_subject(&context, &request)
            .await
            .map_err(|error| call::unanswered(&error))?;
        let now = report.stated().map_err(|error| Failure::internal(&error))?;
        if now.scope != stated.scope {
            return Err(Failure::usage(
                "il riscontro è di un altro ambito di quello di questo revisore",
                "the report is of another scope than this auditor's",
            ));
        }
        if (now.lines, now.digest, now.first, now.last)
            == (stated.lines, stated.digest, stated.first, stated.last)
        {
            session.say(
                "formato di nuovo: le stesse righe, nulla era stato omesso",
                "made again: the same lines, nothing had been left out",
            )?;
            return Ok(ExitCode::Ok);
        }
        session.say(
            format!(
                "formato di nuovo: righe DIVERSE ({} ora, {} nel riscontro); schede unite o chiavi distrutte nel \
                 frattempo ne possono essere la ragione",
                now.lines, stated.lines
            ),
            format!(
                "made again: the lines DIFFER ({} now, {} in the report); cards that were linked or keys that were \
                 destroyed since may be the reason",
                now.lines, stated.lines
            ),
        )?;
        Ok(ExitCode::NegativeAnswer)
    })
}
