//! The daemon, and the commands that go to it.

use std::path::Path;
use std::sync::Arc;

use agreement::reason::ExitCode;
use node::config::NodeConfig;
use node::control::{self, AskError, Command, Removals, Reply};
use node::daemon::{Node, NodeError};
use node::import::RemovalLimit;
use node::intake::IntakeError;
use node::reconcile::Mending;
use node::withdrawal::Mark;
use serde::Serialize;
use serde_json::Value;
use transport::shutdown::Shutdown;

use super::{ImportArguments, NodeArguments, ReconcileArguments, WaitingArguments};
use crate::datum::Datum;
use crate::failure::Failure;
use crate::output::Format;
use crate::session::Session;

pub(super) fn run(arguments: &NodeArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let config = arguments.load()?;
    crate::diagnostics::install();
    let name = config.municipality;
    session.say(
        format!("nodo di {name} avviato"),
        format!("node of {name} started"),
    )?;
    session.block_on(async |session| {
        let shutdown = Shutdown::new();
        shutdown.on_signals().map_err(|error| Failure::internal(&error))?;
        open(&config, session)?
            .run(shutdown)
            .await
            .map_err(|error| failed(&error))
    })?;
    Ok(ExitCode::Ok)
}

pub(super) fn import(
    arguments: &ImportArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let ImportArguments {
        file,
        node,
        form,
        date,
        complete,
    } = arguments;
    let config = node.load()?;
    let absolute = |path: &Path| std::path::absolute(path).map_err(|error| Failure::file(path, &error));
    let path = absolute(file)?;
    // Read here first: what is wrong with it is told in the words of its file, whoever imports.
    form.form()?;
    let mapping = form.mapping.as_deref().map(absolute).transpose()?;
    let kind = form.kind();
    let command = Command::Import {
        path: path.clone(),
        day: date.map(|day| day.to_string()),
        removals: if *complete {
            Removals::All
        } else {
            Removals::Configured
        },
        kind,
        mapping: mapping.clone(),
    };
    let report = match told(&config, &command)? {
        Some(report) => report,
        None => {
            let limit = complete.then_some(RemovalLimit::Unlimited);
            session.block_on(async |session| {
                let handle = open(&config, session)?.handle();
                let form = control::form_of(kind, mapping.as_deref(), handle.form())
                    .map_err(|error| Failure::internal(&error))?;
                let outcome = handle
                    .take(&path, *date, limit, Some(form))
                    .await
                    .map_err(|error| failed(&error))?;
                as_json(&outcome)
            })?
        }
    };
    ended(&report, session)
}

pub(super) fn confirm(
    arguments: &WaitingArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let WaitingArguments { id, node } = arguments;
    let config = node.load()?;
    let imported = match told(&config, &Command::Confirm { id: id.clone() })? {
        Some(imported) => imported,
        None => session.block_on(async |session| {
            let handle = open(&config, session)?.handle();
            let imported = handle.confirm(id.clone()).await;
            as_json(&imported.map_err(|error| failed(&error))?)
        })?,
    };
    show_import(&imported, session)
}

pub(super) fn discard(
    arguments: &WaitingArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let WaitingArguments { id, node } = arguments;
    let config = node.load()?;
    let discarded = match told(&config, &Command::Discard { id: id.clone() })? {
        Some(discarded) => discarded,
        None => session.block_on(async |session| {
            let handle = open(&config, session)?.handle();
            let discarded = handle.discard(id.clone()).await;
            as_json(&discarded.map_err(|error| failed(&error))?)
        })?,
    };
    let id = discarded.as_str().unwrap_or_default();
    session.say(
        format!("scartata l'estrazione {id}: nulla è stato acquisito"),
        format!("gave up export {id}: nothing of it was imported"),
    )?;
    Ok(ExitCode::Ok)
}

/// Shows what became of an export: exit 1 when rows were set aside, 6 when it waits, 2 when it is none.
fn ended(outcome: &Value, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let text = |value: &Value, name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    match text(outcome, "outcome").as_str() {
        "waiting" => {
            let id = text(outcome, "id");
            session.say_all([
                (
                    "nulla è stato acquisito: l'estrazione cancellerebbe troppe schede e attende".to_owned(),
                    "nothing was imported: the export would cancel too many cards, and waits".to_owned(),
                ),
                (
                    format!("  → verificare, poi ponte node confirm {id} oppure ponte node discard {id}"),
                    format!("  → verify, then ponte node confirm {id} or ponte node discard {id}"),
                ),
            ])?;
            session.data(&[Datum::from(outcome)])?;
            Ok(ExitCode::Conflict)
        }
        "rejected" => {
            let reasons = outcome.get("reasons").and_then(Value::as_array);
            let reasons: Vec<(String, String)> = reasons
                .into_iter()
                .flatten()
                .map(|reason| (text(reason, "italian"), text(reason, "english")))
                .collect();
            let (italian, english): (Vec<_>, Vec<_>) = reasons.into_iter().unzip();
            let (italian, english) = (italian.join("; "), english.join("; "));
            Err(Failure::usage(
                format!("il file non è un'estrazione: {italian}"),
                format!("the file is no export: {english}"),
            )
            .remedy(
                "il tracciato è in config/export-layout.md",
                "the layout is in config/export-layout.md",
            ))
        }
        _ => show_import(outcome, session),
    }
}

fn show_import(imported: &Value, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let refused = imported.get("quarantined").and_then(Value::as_u64).unwrap_or(0);
    show(imported, "findings", session)?;
    if refused == 0 {
        return Ok(ExitCode::Ok);
    }
    session.say(
        "righe non acquisite: ponte node report dice quali e perché",
        "rows were set aside: ponte node report says which and why",
    )?;
    Ok(ExitCode::NegativeAnswer)
}

pub(super) fn status(arguments: &NodeArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let config = arguments.load()?;
    let status = match told(&config, &Command::Status)? {
        Some(status) => status,
        None => {
            session.say("il demone non è in esecuzione", "no daemon runs")?;
            session.block_on(async |session| {
                let handle = open(&config, session)?.handle();
                as_json(&handle.status().await.map_err(|error| failed(&error))?)
            })?
        }
    };
    session.data(&[Datum::from(&status)])?;
    Ok(ExitCode::Ok)
}

/// Shows which groups of fields are published: exit 1 where a total export is awaited.
pub(super) fn profile(arguments: &NodeArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let config = arguments.load()?;
    let report = match told(&config, &Command::Profile)? {
        Some(report) => report,
        None => session.block_on(async |session| {
            let handle = open(&config, session)?.handle();
            as_json(&handle.profile().await.map_err(|error| failed(&error))?)
        })?,
    };
    session.data(&[Datum::from(&report)])?;
    let awaited = report.get("awaited").and_then(Value::as_array);
    if awaited.is_none_or(Vec::is_empty) {
        return Ok(ExitCode::Ok);
    }
    session.say(
        "il profilo di pubblicazione è stato ampliato: acquisire un'estrazione totale",
        "the publication profile was widened: import a total export",
    )?;
    Ok(ExitCode::NegativeAnswer)
}

pub(super) fn publish_now(
    arguments: &NodeArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let config = arguments.load()?;
    if told(&config, &Command::PublishNow)?.is_none() {
        return Err(Failure::new(
            ExitCode::Unavailable,
            "il demone non è in esecuzione",
            "no daemon runs",
        )
        .remedy("avviarlo con ponte node run", "start it with ponte node run"));
    }
    session.say("il demone pubblica", "the daemon publishes")?;
    Ok(ExitCode::Ok)
}

pub(super) fn reconcile(
    arguments: &ReconcileArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let ReconcileArguments { node, mend } = arguments;
    let config = node.load()?;
    let mending = if *mend {
        Mending::PublishAgain
    } else {
        Mending::ShowOnly
    };
    let report = match told(&config, &Command::Reconcile { mending })? {
        Some(report) => report,
        None => session.block_on(async |session| {
            let handle = open(&config, session)?.handle();
            let report = handle.reconcile(mending).await.map_err(|error| failed(&error))?;
            as_json(&report)
        })?,
    };
    let differing = report
        .get("differences")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    let again = report.get("published_again").and_then(Value::as_u64).unwrap_or(0);
    let words = match (differing, again) {
        (0, _) => (
            "il nodo e l'indice hanno le stesse schede".to_owned(),
            "node and index hold the same cards".to_owned(),
        ),
        (_, 0) => (
            format!("{differing} schede differiscono; --mend le pubblica di nuovo"),
            format!("{differing} cards differ; --mend publishes them again"),
        ),
        _ => (
            format!("{differing} schede differivano e vengono pubblicate di nuovo"),
            format!("{differing} cards differed and are published again"),
        ),
    };
    session.say(words.0, words.1)?;
    show(&report, "differences", session)?;
    Ok(if differing == 0 || again != 0 {
        ExitCode::Ok
    } else {
        ExitCode::NegativeAnswer
    })
}

impl NodeArguments {
    /// The configuration of a node that takes part.
    pub(super) fn load(&self) -> Result<NodeConfig, Failure> {
        let config = self.load_withdrawn_or_not()?;
        let directory = &config.data_directory;
        match Mark::of(directory).map_err(|error| Failure::file(directory, &error))? {
            None => Ok(config),
            Some(mark) => Err(withdrawn(&config, &mark)),
        }
    }

    pub(super) fn load_withdrawn_or_not(&self) -> Result<NodeConfig, Failure> {
        NodeConfig::load(&self.config).map_err(|error| Failure::file(&self.config, &error))
    }
}

/// What the running daemon answers; nothing where none runs.
pub(super) fn told(config: &NodeConfig, command: &Command) -> Result<Option<Value>, Failure> {
    match control::ask(&config.data_directory, command) {
        Ok(Reply::Done(value)) => Ok(Some(value)),
        Ok(Reply::Failed(why)) => Err(Failure::usage(
            format!("il demone rifiuta: {why}"),
            format!("the daemon refuses: {why}"),
        )),
        Err(AskError::NoDaemon) => Ok(None),
        Err(error @ (AskError::Io(_) | AskError::Reply(_))) => Err(Failure::new(
            ExitCode::Unavailable,
            "il demone non risponde",
            "the daemon does not answer",
        )
        .because(&error)),
    }
}

pub(super) fn open(config: &NodeConfig, session: &Session<'_, '_>) -> Result<Node, Failure> {
    let (clock, random) = (&session.surroundings.clock, &session.surroundings.random);
    Node::open(config, Arc::clone(clock), Arc::clone(random)).map_err(|error| failed(&error))
}

pub(super) fn failed(error: &NodeError) -> Failure {
    let exit = match error {
        NodeError::Storage(_) | NodeError::Socket(_) | NodeError::DropFolder(_) | NodeError::Reconcile(_) => {
            ExitCode::Unavailable
        }
        NodeError::Intake(IntakeError::NothingWaits) => ExitCode::NotFound,
        NodeError::Intake(
            IntakeError::SeveralWait | IntakeError::Overtaken | IntakeError::Changed { .. },
        )
        | NodeError::Waits { .. } => ExitCode::Conflict,
        NodeError::Intake(IntakeError::Exports(_) | IntakeError::Report(_)) => ExitCode::Unavailable,
        NodeError::KeyFile(_) | NodeError::PublicationKey(_) | NodeError::WitnessKey(_) => ExitCode::Usage,
        NodeError::OpenExport(_)
        | NodeError::Mapping(_)
        | NodeError::Intake(IntakeError::Import(_))
        | NodeError::Acceptance(_)
        | NodeError::Measure(_)
        | NodeError::Rejected { .. } => ExitCode::Usage,
        NodeError::Task(_) => ExitCode::Internal,
    };
    Failure::new(exit, "il nodo non può farlo", "the node cannot do it").because(error)
}

fn withdrawn(config: &NodeConfig, mark: &Mark) -> Failure {
    let (name, on) = (config.municipality, mark.at().date_naive());
    Failure::new(
        ExitCode::Conflict,
        format!("il comune {name} è stato ritirato il {on}: le chiavi di questo nodo sono distrutte"),
        format!("municipality {name} was withdrawn on {on}: the keys of this node are destroyed"),
    )
    .remedy(
        "dismettere il nodo; ponte node withdraw dice che cosa resta da eliminare",
        "remove the node; ponte node withdraw says what is left to be removed",
    )
}

pub(super) fn as_json(value: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(value).map_err(|error| Failure::internal(&error))
}

/// Shows a report; for people the counts first, then the rows of its list.
fn show(report: &Value, list: &str, session: &mut Session<'_, '_>) -> Result<(), Failure> {
    let Datum::Record(mut fields) = Datum::from(report) else {
        return Ok(());
    };
    if session.format != Format::Table {
        return session.data(&[Datum::Record(fields)]);
    }
    let findings = fields
        .iter()
        .position(|(name, _)| name == list)
        .map(|position| fields.remove(position).1);
    session.data(&[Datum::Record(fields)])?;
    match findings {
        Some(Datum::List(findings)) if !findings.is_empty() => {
            session.raw("\n")?;
            session.data(&findings)
        }
        _ => Ok(()),
    }
}
