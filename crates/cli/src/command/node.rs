//! `ponte node`: the municipal daemon, and the export that feeds it.

mod anomalies;
mod enrol;
mod daemon;
mod reports;
mod acceptance;
mod held;
pub(crate) mod publication_key;
mod qualify;
mod measure;
mod withdraw;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use agreement::reason::ExitCode;
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use client::node::NodeClient;
use node::check::{CheckReport, ExportError};
use node::config::NodeConfig;
use node::control;
use node::findings::RuleFindings;
use registry::export::{ExportContext, ExportForm, ExportKind, OpenError};

pub use self::measure::{CardArguments, ProtectArguments, SealArguments};
use self::qualify::QualifyArguments;
use crate::call;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::language::Language;
use crate::profile::connect;
use crate::session::Session;

/// What to do with the node.
#[derive(Debug, Subcommand)]
pub enum NodeCommand {
    /// Make keys, configuration and enrolment request of a new node from the region's invitation
    Enrol(enrol::EnrolArguments),
    /// Say what an import would take and refuse, and why; needs neither index nor certificate
    Check(CheckArguments),
    /// Import an export: by the daemon where one runs, else here
    Import(ImportArguments),
    /// Say whether exports with known faults give the expected findings: exit 0 if all do, 1 if not
    Qualify(QualifyArguments),
    /// Run the daemon until SIGTERM or SIGINT; it takes files from the drop folder
    Run(NodeArguments),
    /// List the reports of imports, newest first
    Reports(NodeArguments),
    /// Show one report of an import, in Italian, or its findings as CSV or JSON
    Report(ReportArguments),
    /// Import an export that waits because it would cancel many cards
    Confirm(WaitingArguments),
    /// Give up an export that waits because it would cancel many cards
    Discard(WaitingArguments),
    /// Write the acceptance report: counts beside the back office's, rejects, cards as agreements would show them
    Acceptance(acceptance::AcceptanceArguments),
    /// Say how the node stands
    Status(NodeArguments),
    /// Say which groups of fields are agreed, admitted and published: exit 1 when a total export must bring some
    Profile(NodeArguments),
    /// List what contradicts the municipality's cards in other cards of the region
    Anomalies(NodeArguments),
    /// Tell the daemon to publish at once, also after a stop
    PublishNow(NodeArguments),
    /// List the changes that the index does not serve before a registrar has confirmed them: exit 1 when there are any
    Held(held::HeldArguments),
    /// Hand over what a registrar has signed about them
    ConfirmHeld(held::ConfirmHeldArguments),
    /// Withdraw the municipality: its cards and keys at the index and here are destroyed for good, the access log stays
    Withdraw(withdraw::WithdrawArguments),
    /// Compare the cards with the index's, and say in which they differ
    Reconcile(ReconcileArguments),
    /// Protect the whereabouts of a person, at once and whatever exports say
    Protect(ProtectArguments),
    /// End the protection of a person; takes effect when a registrar has confirmed it
    Unprotect(CardArguments),
    /// Make a new publication key, and print what the region puts into its configuration
    NewPublicationKey(publication_key::NewPublicationKeyArguments),
    /// Seal an identity: the old one is shown to nobody, once a registrar has confirmed it
    Seal(SealArguments),
}

/// Which node.
#[derive(Args, Clone, Debug)]
pub struct NodeArguments {
    /// Configuration file of the node
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Arguments of `ponte node reconcile`.
#[derive(Args, Debug)]
pub struct ReconcileArguments {
    /// Which node.
    #[command(flatten)]
    pub node: NodeArguments,
    /// Publish the cards that differ again, and withdraw those that only the index has
    #[arg(long)]
    pub mend: bool,
}

/// Arguments of `ponte node import`.
#[derive(Args, Debug)]
pub struct ImportArguments {
    /// Export, in the layout of config/export-layout.md or of the mapping
    pub file: PathBuf,
    /// Which node.
    #[command(flatten)]
    pub node: NodeArguments,
    /// How the file is laid out; as configured without it.
    #[command(flatten)]
    pub form: FormArguments,
    /// Day on which the export was made; today in Europe/Rome without it
    #[arg(long, value_name = "DATE")]
    pub date: Option<NaiveDate>,
    /// The export is known to be complete: cancel whatever it cancels, and withdraw every card that it does not name
    #[arg(long)]
    pub complete: bool,
}

/// How an export is laid out.
#[derive(Args, Clone, Debug)]
pub struct FormArguments {
    /// Mapping of a layout that is not ours, see config/mapping.md
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// The export holds the cards to which something happened, not all
    #[arg(long)]
    pub incremental: bool,
}

/// Arguments of `ponte node report`.
#[derive(Args, Debug)]
pub struct ReportArguments {
    /// Id of the report; the newest without it
    pub id: Option<String>,
    /// Which node.
    #[command(flatten)]
    pub node: NodeArguments,
}

/// Arguments of `ponte node confirm` and `ponte node discard`.
#[derive(Args, Debug)]
pub struct WaitingArguments {
    /// Id of the export; the only one that waits without it
    pub id: Option<String>,
    /// Which node.
    #[command(flatten)]
    pub node: NodeArguments,
}

/// Arguments of `ponte node check`.
#[derive(Args, Debug)]
pub struct CheckArguments {
    /// Export, in the layout of config/export-layout.md or of the mapping
    pub file: PathBuf,
    /// Which export.
    #[command(flatten)]
    pub export: ExportArguments,
    /// How the file is laid out.
    #[command(flatten)]
    pub form: FormArguments,
}

/// What the file does not say of itself.
#[derive(Args, Clone, Debug)]
pub struct ExportArguments {
    /// ISTAT code of the municipality that keeps the cards
    #[arg(long, value_name = "ISTAT")]
    pub municipality: String,
    /// Day on which the export was made; today in Europe/Rome without it
    #[arg(long, value_name = "DATE")]
    pub date: Option<NaiveDate>,
}

/// Runs `ponte node`.
pub fn run(command: NodeCommand, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    match command {
        NodeCommand::Enrol(arguments) => enrol::run(&arguments, session),
        NodeCommand::Check(arguments) => check(&arguments, session),
        NodeCommand::Import(arguments) => daemon::import(&arguments, session),
        NodeCommand::Qualify(arguments) => qualify::run(&arguments, session),
        NodeCommand::Run(arguments) => daemon::run(&arguments, session),
        NodeCommand::Reports(arguments) => reports::list(&arguments, session),
        NodeCommand::Report(arguments) => reports::show(&arguments, session),
        NodeCommand::Confirm(arguments) => daemon::confirm(&arguments, session),
        NodeCommand::Discard(arguments) => daemon::discard(&arguments, session),
        NodeCommand::Acceptance(arguments) => acceptance::run(&arguments, session),
        NodeCommand::Status(arguments) => daemon::status(&arguments, session),
        NodeCommand::Profile(arguments) => daemon::profile(&arguments, session),
        NodeCommand::Reconcile(arguments) => daemon::reconcile(&arguments, session),
        NodeCommand::Anomalies(arguments) => anomalies::list(&arguments, session),
        NodeCommand::PublishNow(arguments) => daemon::publish_now(&arguments, session),
        NodeCommand::Held(arguments) => held::held(&arguments, session),
        NodeCommand::ConfirmHeld(arguments) => held::confirm(&arguments, session),
        NodeCommand::Withdraw(arguments) => withdraw::run(&arguments, session),
        NodeCommand::Protect(arguments) => measure::protect(&arguments, session),
        NodeCommand::Unprotect(arguments) => measure::unprotect(&arguments, session),
        NodeCommand::NewPublicationKey(arguments) => publication_key::run(&arguments, session),
        NodeCommand::Seal(arguments) => measure::seal(&arguments, session),
    }
}

/// A client of the index that a node publishes to. Must run inside the runtime.
fn client_of(config: &NodeConfig, session: &Session<'_, '_>) -> Result<NodeClient, Failure> {
    connect(&config.index, session).map(NodeClient::new)
}

fn check(arguments: &CheckArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let CheckArguments { file, export, form } = arguments;
    let context = export.context(session)?;
    let form = form.form()?;
    let input = File::open(file).map_err(|error| Failure::file(file, &error))?;
    let report = node::check::check(BufReader::new(input), context, &form)
        .map_err(|error| unreadable(file, &error))?;
    show_report(&report, session)
}

/// Shows what was found; exit 1 when rows would be refused.
fn show_report(report: &CheckReport, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let CheckReport {
        rows,
        accepted,
        refused,
        findings,
    } = report;
    session.say(
        format!("{rows} righe: {accepted} accettate, {refused} rifiutate"),
        format!("{rows} rows: {accepted} accepted, {refused} refused"),
    )?;
    let language = session.language;
    let found: Vec<Datum> = findings
        .iter()
        .map(|found| finding_row(found, language))
        .collect();
    session.data(&found)?;
    Ok(if *refused == 0 {
        ExitCode::Ok
    } else {
        ExitCode::NegativeAnswer
    })
}

fn finding_row(found: &RuleFindings, language: Language) -> Datum {
    let RuleFindings {
        code,
        severity,
        column,
        count,
        lines,
        italian,
        remedy,
        english,
    } = found;
    let row = RecordBuilder::new()
        .with("code", *code)
        .with("severity", severity.to_string())
        .with("count", *count)
        .with("column", column.unwrap_or_default())
        .with("text", language.pick(*italian, *english))
        .with("lines", lines.iter().copied().collect::<Datum>());
    // Remedies are for municipal offices, and Italian only.
    row.with("remedy", *remedy).build()
}

fn unreadable(file: &Path, error: &ExportError) -> Failure {
    let failure = Failure::file(file, error);
    let ExportError::Open(OpenError::Header(faults)) = error else {
        return failure;
    };
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let text = faults.join("; ");
    failure.remedy(
        format!("intestazione: {text}; il tracciato è in config/export-layout.md"),
        format!("header: {text}; the layout is in config/export-layout.md"),
    )
}

impl FormArguments {
    /// What the arguments say, total and in our layout where they say nothing.
    fn form(&self) -> Result<ExportForm, Failure> {
        control::form_of(self.kind(), self.mapping.as_deref(), &ExportForm::default()).map_err(|error| {
            let path = self.mapping.clone().unwrap_or_default();
            Failure::file(&path, &error).remedy(
                "il formato è descritto in config/mapping.md",
                "the format is in config/mapping.md",
            )
        })
    }

    fn kind(&self) -> Option<ExportKind> {
        self.incremental.then_some(ExportKind::Incremental)
    }
}

impl ExportArguments {
    /// The context of the export.
    pub fn context(&self, session: &Session<'_, '_>) -> Result<ExportContext, Failure> {
        let today = agreement::moment::Moment::new(session.surroundings.clock.now()).date();
        Ok(ExportContext {
            municipality: call::istat(&self.municipality)?,
            reference_date: self.date.unwrap_or(today),
        })
    }
}
