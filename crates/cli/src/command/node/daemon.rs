//! The daemon, and the commands that go to it.

use std::path::Path;
use std::sync::Arc;

use agreement::reason::ExitCode;
use node::config::NodeConfig;
use node::control::{self, AskError, Command, Removals, Reply};
use node::daemon::{Node, NodeError};
use node::import::RemovalLimit;
use node::reconcile::Mending;
use serde::Serialize;
use serde_json::Value;
use transport::shutdown::Shutdown;

use super::{ImportArguments, NodeArguments, ReconcileArguments};
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
                let report = handle
                    .import(&path, *date, limit, Some(form))
                    .await
                    .map_err(|error| failed(&error))?;
                as_json(&report)
            })?
        }
    };
    let refused = report.get("quarantined").and_then(Value::as_u64).unwrap_or(0);
    show(&report, "findings", session)?;
    Ok(if refused == 0 {
        ExitCode::Ok
    } else {
        ExitCode::NegativeAnswer
    })
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
    pub(super) fn load(&self) -> Result<NodeConfig, Failure> {
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
        NodeError::Storage(_) | NodeError::Socket(_) | NodeError::Reconcile(_) => ExitCode::Unavailable,
        NodeError::KeyFile(_) | NodeError::PublicationKey(_) => ExitCode::Usage,
        NodeError::OpenExport(_) | NodeError::Mapping(_) | NodeError::Import(_) | NodeError::Measure(_) => {
            ExitCode::Usage
        }
        NodeError::Task(_) => ExitCode::Internal,
    };
    Failure::new(exit, "il nodo non può farlo", "the node cannot do it").because(error)
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
