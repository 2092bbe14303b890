//! `ponte audit`: reading the access log, and proving offline that nothing in it was changed.

mod alerts;
mod entry;
mod export;
mod monitor;
mod offline;
mod opening;
mod receipt;
mod report;
mod sample;
mod statistics;
mod subject;

use std::path::PathBuf;

use agreement::reason::ExitCode;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use client::auditor::{AccessEntry, AccessFilter, AuditorClient, Followed, ReadingContext};
use client::page::PageRequest;
use ledger::checkpoint::SignedCheckpoint;

use crate::call;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::profile::{ConnectionSettings, ProfileChoice, ReadingSettings, required};
use crate::session::Session;

pub use self::alerts::AlertsArguments;
pub use self::entry::{entry_line, entry_row, header_record};
pub use self::export::{ExportArguments, VerifyArguments as ExportVerifyArguments};
pub use self::monitor::MonitorArguments;
pub use self::offline::FsckArguments;
pub use self::opening::{ConfirmArguments, OpeningCommand, RequestArguments};
pub use self::receipt::{ReceiptCommand, TrustArguments, UpgradeArguments, VerifyArguments};
pub use self::report::ReportArguments;
pub use self::sample::SampleCommand;
pub use self::statistics::StatisticsArguments;
pub use self::subject::{Form, SubjectArguments, SubjectVerifyArguments};

/// What to do with the access log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List entries in the reader's own scope; the reading is itself entered
    List(ListArguments),
    /// Show entries as they are made, until interrupted
    Follow(FollowArguments),
    /// Count accesses in the reader's own scope, by agency, operator, hour and more; the reading is itself entered
    Statistics(StatisticsArguments),
    /// Show what operators did that calls for a look, in the reader's own scope; the reading is itself entered
    Alerts(AlertsArguments),
    /// Samples: accesses that are drawn so that nobody chooses them, justified by their agency, and judged
    #[command(subcommand)]
    Sample(SampleCommand),
    /// Report one month's accesses to the region, a municipality or an agency
    Report(ReportArguments),
    /// Openings of reserved accesses, by two regional auditors together or by an agency's supervisor
    #[command(subcommand)]
    Opening(OpeningCommand),
    /// Report the accesses to one person, for that person (GDPR article 15); the report is itself entered
    Subject(Box<SubjectArguments>),
    /// Prove offline that a report on a person is as it was made; exit 1 when anything of it was removed or altered
    SubjectVerify(Box<SubjectVerifyArguments>),
    /// Receipts: proofs that an access is in the log
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// Show a policy file, and warn of what it leaves open
    Policy {
        /// Policy file, C2SP tlog-policy
        file: PathBuf,
    },
    /// Print the newest checkpoint; with an older one, prove that the log continues it
    Checkpoint(CheckpointArguments),
    /// Follow the log from anywhere by what is public, and raise an alarm when it was changed: exit 1
    Monitor(MonitorArguments),
    /// Export entries with what proves them into a directory; the same command goes on where it was broken off
    Export(ExportArguments),
    /// Verify an export offline: every entry, every pair of checkpoints, every file; exit 1 at the first difference
    ExportVerify(ExportVerifyArguments),
    /// Check a directory of the log, or an export of it, offline, byte by byte; it may be in use
    Fsck(FsckArguments),
}

/// Which entries.
#[derive(Args, Debug)]
pub struct FilterArguments {
    /// At or after this instant, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub from: Option<DateTime<Utc>>,
    /// Before this instant
    #[arg(long, value_name = "TIME")]
    pub until: Option<DateTime<Utc>>,
    /// Of this agency, a SPIFFE id
    #[arg(long, value_name = "URI")]
    pub agency: Option<String>,
    /// Under this agreement
    #[arg(long, value_name = "ID")]
    pub under: Option<String>,
    /// With this outcome: OK or the name of a reason
    #[arg(long)]
    pub outcome: Option<String>,
}

/// Who reads.
#[derive(Args, Debug)]
pub struct ReaderArguments {
    /// Which profile.
    #[command(flatten)]
    pub choice: ProfileChoice,
    /// Where the index is and who calls.
    #[command(flatten)]
    pub connection: ConnectionSettings,
    /// Why.
    #[command(flatten)]
    pub reading: ReadingSettings,
}

/// Arguments of `ponte audit list`.
#[derive(Args, Debug)]
pub struct ListArguments {
    /// Which entries.
    #[command(flatten)]
    pub filter: FilterArguments,
    /// How many at most
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
    /// Who reads.
    #[command(flatten)]
    pub reader: ReaderArguments,
}

/// Arguments of `ponte audit follow`.
#[derive(Args, Debug)]
pub struct FollowArguments {
    /// Which entries.
    #[command(flatten)]
    pub filter: FilterArguments,
    /// Entry with which to begin; without it the next one that is made
    #[arg(long, value_name = "INDEX")]
    pub start: Option<u64>,
    /// End after so many entries
    #[arg(long, value_name = "COUNT")]
    pub count: Option<u64>,
    /// Who reads.
    #[command(flatten)]
    pub reader: ReaderArguments,
}

/// Arguments of `ponte audit checkpoint`.
#[derive(Args, Debug)]
pub struct CheckpointArguments {
    /// Older checkpoint of the same log, a file
    #[arg(long, value_name = "FILE")]
    pub since: Option<PathBuf>,
    /// Which profile.
    #[command(flatten)]
    pub choice: ProfileChoice,
    /// Where the index is and who calls.
    #[command(flatten)]
    pub connection: ConnectionSettings,
}

const PAGE: u16 = 500;

/// Runs `ponte audit`.
pub fn run(command: AuditCommand, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    match command {
        AuditCommand::List(arguments) => list(arguments, session),
        AuditCommand::Follow(arguments) => follow(arguments, session),
        AuditCommand::Statistics(arguments) => statistics::run(arguments, session),
        AuditCommand::Alerts(arguments) => alerts::run(&arguments, session),
        AuditCommand::Sample(command) => sample::run(command, session),
        AuditCommand::Report(arguments) => report::run(arguments, session),
        AuditCommand::Opening(command) => opening::run(command, session),
        AuditCommand::Subject(arguments) => subject::report(&arguments, session),
        AuditCommand::SubjectVerify(arguments) => subject::verify(&arguments, session),
        AuditCommand::Receipt(command) => receipt::run(command, session),
        AuditCommand::Policy { file } => receipt::policy(&file, session),
        AuditCommand::Checkpoint(arguments) => checkpoint(&arguments, session),
        AuditCommand::Monitor(arguments) => monitor::run(&arguments, session),
        AuditCommand::Export(arguments) => export::run(arguments, session),
        AuditCommand::ExportVerify(arguments) => export::run_verify(&arguments, session),
        AuditCommand::Fsck(arguments) => offline::fsck(&arguments, session),
    }
}

fn list(arguments: ListArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let ListArguments {
        filter,
        limit,
        reader,
    } = arguments;
    let filter = AccessFilter::from(filter);
    session.block_on(async |session| {
        let (auditor, context) = reader.prepare(session)?;
        let row = row_in(session.format);
        let mut rows: Vec<Datum> = Vec::new();
        let mut request = PageRequest {
            size: Some(PAGE),
            after: None,
        };
        while rows.len() < limit {
            let left = u16::try_from(limit - rows.len()).unwrap_or(PAGE).min(PAGE);
            request.size = Some(left);
            let page = auditor
                .list_accesses(&context, &filter, &request)
                .await
                .map_err(|error| call::unanswered(&error))?
                .page;
            rows.extend(page.items.iter().map(row));
            match page.next {
                Some(next) => request.after = Some(next),
                None => break,
            }
        }
        rows.truncate(limit);
        session.data(&rows)?;
        Ok(ExitCode::Ok)
    })
}

/// People get a line for each entry, programs everything.
fn row_in(format: Format) -> fn(&AccessEntry) -> Datum {
    match format {
        Format::Table => entry_line,
        Format::Json | Format::Jsonl | Format::Csv => entry_row,
    }
}

fn follow(arguments: FollowArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let FollowArguments {
        filter,
        start,
        count,
        reader,
    } = arguments;
    let filter = AccessFilter::from(filter);
    // Rows come one by one, so that what is one document becomes one line an entry.
    let format = match session.format {
        Format::Json | Format::Jsonl => Format::Jsonl,
        Format::Table | Format::Csv => Format::Table,
    };
    session.block_on(async |session| {
        let (auditor, context) = reader.prepare(session)?;
        let mut follower = auditor.follow_accesses(context, filter, start);
        let mut shown = 0;
        while count.is_none_or(|count| shown < count) {
            let next = tokio::select! {
                next = follower.next() => next.map_err(|error| call::unanswered(&error))?,
                interrupted = tokio::signal::ctrl_c() => {
                    interrupted.map_err(|error| Failure::internal(&error))?;
                    break;
                }
            };
            if let Followed::Entry(entry) = next {
                output::write(&mut *session.io.stdout, format, &[row_in(format)(&entry)])?;
                shown += 1;
            }
        }
        if let Some(next) = follower.next_index() {
            session.say(
                format!("per riprendere: --start {next}"),
                format!("to go on: --start {next}"),
            )?;
        }
        Ok(ExitCode::Ok)
    })
}

fn checkpoint(arguments: &CheckpointArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let CheckpointArguments {
        since,
        choice,
        connection,
    } = arguments;
    let old = match since {
        Some(path) => Some(offline::read_checkpoint(path)?),
        None => None,
    };
    session.block_on(async |session| {
        let environment = &session.surroundings.environment;
        let connection = connection.resolve(&choice.load(environment)?, environment)?;
        let auditor = AuditorClient::new(connection.connect(session)?);
        let head = match old.as_ref().map(SignedCheckpoint::checkpoint) {
            Some(old) => auditor.verify_continuation(old).await,
            None => auditor.checkpoint().await,
        }
        .map_err(|error| call::unanswered(&error))?;
        if old.is_some() {
            session.say(
                "il registro è la continuazione di quello del checkpoint indicato",
                "the log continues the one of the given checkpoint",
            )?;
        }
        match session.format {
            Format::Table => session.raw(&head.text)?,
            Format::Json | Format::Jsonl | Format::Csv => session.data(&[RecordBuilder::new()
                .with("origin", head.checkpoint.origin.as_str())
                .with("size", head.checkpoint.size)
                .with("root", head.checkpoint.root.to_string())
                .with("checkpoint", head.text)
                .build()])?,
        }
        Ok(ExitCode::Ok)
    })
}

impl ReaderArguments {
    fn prepare(&self, session: &Session<'_, '_>) -> Result<(AuditorClient, ReadingContext), Failure> {
        self.prepare_over(&self.connection, session)
    }

    /// The same with other settings of the connection.
    fn prepare_over(
        &self,
        connection: &ConnectionSettings,
        session: &Session<'_, '_>,
    ) -> Result<(AuditorClient, ReadingContext), Failure> {
        let Self {
            choice,
            connection: _,
            reading,
        } = self;
        let environment = &session.surroundings.environment;
        let profile = choice.load(environment)?;
        let auditor = AuditorClient::new(connection.resolve(&profile, environment)?.connect(session)?);
        let ReadingSettings {
            purpose,
            reference,
            reader,
        } = reading.resolve(&profile, environment)?;
        let context = ReadingContext {
            purpose: required(purpose, "purpose")?,
            reference: required(reference, "reference")?,
            reader: required(reader, "reader")?,
        };
        Ok((auditor, context))
    }
}

impl From<FilterArguments> for AccessFilter {
    fn from(arguments: FilterArguments) -> Self {
        let FilterArguments {
            from,
            until,
            agency,
            under,
            outcome,
        } = arguments;
        Self {
            from,
            until,
            agency,
            agreement: under,
            outcome,
        }
    }
}
