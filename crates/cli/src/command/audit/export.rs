//! `ponte audit export`: a directory with the entries in the auditor's scope and what proves them, resumable.

mod reading;
mod settle;

use std::path::{Path, PathBuf};

use agreement::reason::ExitCode;
use clap::Args;
use client::auditor::{AccessFilter, AuditorClient, ReadingContext, SignedHead};
use ledger::checkpoint::LogVerifier;
use transport::causes::chain;

use super::offline::{head_of_file, log_verifier};
use super::{FilterArguments, ReaderArguments};
use crate::datum::{Datum, RecordBuilder};
use crate::export::RowForm;
use crate::export::difference::Verification;
use crate::export::directory::{DirectoryError, ExportDirectory};
use crate::export::files::FileFault;
use crate::export::state::Settings;
use crate::export::verify::{Verified, verify};
use crate::failure::Failure;
use crate::profile::{parse_log_key, required};
use crate::session::Session;

/// Arguments of `ponte audit export`.
#[derive(Args, Debug)]
pub struct ExportArguments {
    /// Directory of the export: a new one, or one in which the same export was broken off and goes on
    #[arg(long, value_name = "DIRECTORY")]
    pub out: PathBuf,
    /// Forms of the rows; several are admitted, with commas between. What proves the entries is exported in any case
    #[arg(long = "format", value_enum, value_delimiter = ',', default_value = "jsonl")]
    pub formats: Vec<RowForm>,
    /// Which entries.
    #[command(flatten)]
    pub filter: FilterArguments,
    /// Index of the first entry
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    pub from_index: u64,
    /// Index before which the export ends; without it the newest checkpoint when it began
    #[arg(long, value_name = "INDEX")]
    pub until_index: Option<u64>,
    /// Go on as entries are made, until --until-index, SIGINT or SIGTERM; entries about followers are not among those
    #[arg(long, conflicts_with_all = ["from", "until"])]
    pub follow: bool,
    /// Checkpoint or receipt that the log must continue, kept from another time or place, such as the export of the month
    /// before; several are admitted, and become part of the export
    #[arg(long = "known", value_name = "FILE")]
    pub known: Vec<PathBuf>,
    /// Entries asked for at once, 1 to 1,000; each time is an entry of the log
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub page: u16,
    /// Who reads.
    #[command(flatten)]
    pub reader: ReaderArguments,
}

/// Arguments of `ponte audit export-verify`.
#[derive(Args, Debug)]
pub struct VerifyArguments {
    /// Directory of the export
    pub directory: PathBuf,
    /// Verifier key of the log, or a file that holds it
    #[arg(long, value_name = "KEY")]
    pub log_key: String,
}

/// Who exports, and with which key what is exported is proved.
struct Exporter {
    auditor: AuditorClient,
    context: ReadingContext,
    filter: AccessFilter,
    log: LogVerifier,
    known: Vec<SignedHead>,
    page: u16,
}

pub(super) fn run(arguments: ExportArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let ExportArguments {
        out,
        mut formats,
        filter,
        from_index,
        until_index,
        follow,
        known,
        page,
        reader,
    } = arguments;
    formats.sort_unstable();
    formats.dedup();
    let filter = AccessFilter::from(filter);
    let settings = Settings {
        from_index,
        until_index,
        follow,
        formats: formats.iter().map(|form| form.name().to_owned()).collect(),
        ..Settings::of(&filter)
    };
    if until_index.is_some_and(|until| until <= from_index) {
        return Err(Failure::usage(
            "--until-index deve superare --from-index",
            "--until-index must be above --from-index",
        ));
    }
    let log = reader.log(session)?;
    let known = known.iter().map(|path| known_head(path, &log));
    let known = known.collect::<Result<Vec<_>, _>>()?;
    let directory = ExportDirectory::take(&out).map_err(|error| refused(&error))?;
    let state = directory.state(&settings).map_err(|error| refused(&error))?;
    if directory.is_complete() && !follow && known.is_empty() {
        session.say(
            "l'esportazione è già completa: viene solo verificata",
            "the export is complete already: it is only verified",
        )?;
        return conclude(&out, &log, session);
    }
    session.block_on(async |session| {
        let (auditor, context) = reader.prepare(session)?;
        let exporter = Exporter {
            auditor,
            context,
            filter,
            log,
            known,
            page,
        };
        let mut growing = exporter.open(directory, state, settings, session).await?;
        exporter.pages(&mut growing, session).await?;
        if follow {
            exporter.follow(&mut growing, session).await?;
        }
        let verified = exporter.settle(&growing, session).await?;
        session.say(
            "esportazione completa e verificata",
            "the export is complete and verified",
        )?;
        session.data(&[row(&verified)])?;
        Ok(ExitCode::Ok)
    })
}

/// A checkpoint that was kept elsewhere, signed by the log.
fn known_head(path: &Path, log: &LogVerifier) -> Result<SignedHead, Failure> {
    let signed = head_of_file(path)?;
    let verified = log.verify(&signed).map_err(|error| Failure::file(path, &error))?;
    Ok(SignedHead {
        checkpoint: verified.into_checkpoint(),
        text: signed.to_text(),
    })
}

/// Verifies an export, and says what was found.
pub(super) fn run_verify(
    arguments: &VerifyArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let VerifyArguments { directory, log_key } = arguments;
    conclude(directory, &log_verifier(log_key)?, session)
}

/// The same with a key that was read before.
pub(super) fn conclude(
    directory: &Path,
    log: &LogVerifier,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    match verify(directory, log) {
        Ok(verified) => {
            session.say("esportazione integra", "the export is whole")?;
            session.data(&[row(&verified)])?;
            Ok(ExitCode::Ok)
        }
        Err(Verification::Difference(difference)) => {
            let chain = chain(&difference);
            session.say(
                format!("esportazione alterata o incompleta; prima differenza: {chain}"),
                format!("the export was changed or is not complete; first difference: {chain}"),
            )?;
            Ok(ExitCode::NegativeAnswer)
        }
        Err(Verification::File(fault)) => Err(fault_of(&fault)),
    }
}

fn row(verified: &Verified) -> Datum {
    let Verified {
        origin,
        scope,
        entries,
        outcomes,
        tree_size,
        checkpoints,
        complete,
    } = verified;
    let outcomes = outcomes
        .iter()
        .map(|(outcome, count)| (outcome.clone(), Datum::Number(*count)));
    RecordBuilder::new()
        .with("origin", origin.as_str())
        .with("scope", scope.as_str())
        .with("entries", *entries)
        .with("outcomes", Datum::Record(outcomes.collect()))
        .with("tree_size", *tree_size)
        .with("checkpoints", *checkpoints)
        .with(
            "consistent_pairs",
            checkpoints * checkpoints.saturating_sub(1) / 2,
        )
        .with("without_gap", *complete)
        .build()
}

impl ReaderArguments {
    /// The log's key, without which nothing that is exported could be proved.
    fn log(&self, session: &Session<'_, '_>) -> Result<LogVerifier, Failure> {
        let environment = &session.surroundings.environment;
        let profile = self.choice.load(environment)?;
        let settings = self.connection.resolve(&profile, environment)?;
        parse_log_key(required(settings.log_key.as_deref(), "log-key")?)
    }
}

/// What the person is told of a file: where there is no room, that nothing is lost.
fn fault_of(fault: &FileFault) -> Failure {
    if !fault.is_full() {
        return Failure::usage("un file non è utilizzabile", "a file cannot be used").because(fault);
    }
    Failure::new(
        ExitCode::Unavailable,
        "non c'è più spazio; ciò che è stato esportato resta",
        "there is no room left; what was exported stays",
    )
    .because(fault)
    .remedy(
        "liberare spazio e ripetere lo stesso comando, che riprende da dove era arrivato",
        "make room and run the same command again, which goes on where it was",
    )
}

fn refused(error: &DirectoryError) -> Failure {
    let conflict = |italian: &str, english: &str| Failure::new(ExitCode::Conflict, italian, english);
    match error {
        DirectoryError::File(fault) => fault_of(fault),
        DirectoryError::Open { .. } => Failure::usage(
            "la cartella non è riservata al proprietario",
            "the directory is not its owner's alone",
        )
        .because(error)
        .remedy(
            "chmod 700, oppure una cartella nuova",
            "chmod 700, or a new directory",
        ),
        DirectoryError::Foreign(_) => {
            conflict("la cartella contiene altro", "the directory holds something else").because(error)
        }
        DirectoryError::Locked(_) => {
            conflict("la cartella è in uso", "the directory is in use").because(error)
        }
        DirectoryError::State { .. } => Failure::usage(
            "lo stato dell'esportazione non è leggibile",
            "the state of the export cannot be read",
        )
        .because(error)
        .remedy(
            "ricominciare in una cartella nuova",
            "begin again in a new directory",
        ),
        DirectoryError::Other(_) => conflict(
            "nella cartella c'è un'altra esportazione",
            "the directory holds another export",
        )
        .because(error)
        .remedy(
            "gli stessi argomenti, oppure una cartella nuova",
            "the same arguments, or a new directory",
        ),
    }
}
