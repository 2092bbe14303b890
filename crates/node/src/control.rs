//! Commands to a daemon that runs: a Unix socket in its data directory, one JSON object a line, both ways.
//!
//! The directory is readable by its owner alone, and so is the socket: whoever can open it is the daemon's own user.

use std::io::{self, BufRead, BufReader as StdBufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use registry::export::{ExportForm, ExportKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use transport::causes::chain;
use transport::shutdown::Shutdown;

use crate::acceptance::AcceptanceRequest;
use crate::daemon::Handle;
use crate::form::{MappingFileError, load_mapping};
use crate::import::RemovalLimit;
use crate::measure::{CardNumber, Order};
use crate::reconcile::Mending;

/// Name of the socket in the data directory.
const SOCKET: &str = "node.sock";

/// Longest line of a command, bytes: one that brings agreements.
const LONGEST_COMMAND: u64 = 4 << 20;

/// Pause after the system could not give a connection.
const ACCEPT_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// What the daemon can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// Import an export.
    Import {
        /// Absolute path of the file.
        path: PathBuf,
        /// Day on which it was made, `YYYY-MM-DD`; today in Italy when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        day: Option<String>,
        /// What becomes of cards that it does not name.
        #[serde(default)]
        removals: Removals,
        /// Which cards it holds; as configured when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<ExportKind>,
        /// Absolute path of the mapping with which it is read; as configured when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mapping: Option<PathBuf>,
    },
    /// Set or end a measure on a card.
    Measure {
        /// Number of the card.
        card: CardNumber,
        /// What to do.
        order: Order,
    },
    /// Import an export that waits.
    Confirm {
        /// Its id; the only one when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// Give up an export that waits.
    Discard {
        /// Its id; the only one when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// Make the acceptance report. The reply holds personal data.
    Acceptance {
        /// What it is to hold.
        request: AcceptanceRequest,
    },
    /// Ask the index what is agreed, and say which groups of fields are published.
    Profile,
    /// Say how the node stands.
    Status,
    /// Publish at once, also after a stop.
    PublishNow,
    /// Compare the cards with the index's.
    Reconcile {
        /// What becomes of cards that differ.
        #[serde(default)]
        mending: Mending,
    },
}

/// What becomes of cards that an export does not name, or says to be cancelled or dead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Removals {
    /// They are withdrawn, as far as the configured limit admits; beyond it the export waits for a person.
    #[default]
    Configured,
    /// They are withdrawn: the export is known to be complete.
    All,
}

/// What the daemon answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// Done; the report or status, as JSON.
    Done(Value),
    /// Not done, and why.
    Failed(String),
}

/// Why no reply was got.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No daemon runs over this directory.
    #[error("no daemon runs over this data directory")]
    NoDaemon,
    /// The socket failed.
    #[error("the daemon cannot be talked to")]
    Io(#[from] io::Error),
    /// The reply is not one.
    #[error("the daemon's reply cannot be read")]
    Reply(#[from] serde_json::Error),
}

/// Where the socket of a data directory is.
pub fn socket_path(data_directory: &Path) -> PathBuf {
    data_directory.join(SOCKET)
}

/// Tells the daemon of a data directory something and waits for its reply, as long as the work takes.
///
/// # Errors
/// See [`AskError`].
pub fn ask(data_directory: &Path, command: &Command) -> Result<Reply, AskError> {
    let mut stream = match StdUnixStream::connect(socket_path(data_directory)) {
        Ok(stream) => stream,
        Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused].contains(&error.kind()) => {
            return Err(AskError::NoDaemon);
        }
        Err(error) => return Err(error.into()),
    };
    let mut line = serde_json::to_vec(command)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut reply = String::new();
    StdBufReader::new(stream).read_line(&mut reply)?;
    Ok(serde_json::from_str(&reply)?)
}

/// Makes the socket; one that an earlier daemon left behind goes. The directory's lock must be held.
pub(crate) fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Takes commands until the shutdown; those under way are finished.
pub(crate) async fn serve(listener: UnixListener, handle: Handle, shutdown: Shutdown) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.triggered() => break,
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(converse(stream, handle.clone(), shutdown.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept commands");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn converse(stream: UnixStream, handle: Handle, shutdown: Shutdown) {
    let (input, mut output) = stream.into_split();
    let mut input = BufReader::new(input);
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut input).take(LONGEST_COMMAND);
        let read = tokio::select! {
            () = shutdown.triggered() => return,
            read = limited.read_until(b'\n', &mut line) => read,
        };
        if !matches!(read, Ok(1..)) {
            return;
        }
        let whole = line.ends_with(b"\n");
        let reply = match serde_json::from_slice(&line) {
            Ok(command) if whole => obey(command, &handle).await,
            Ok(_) | Err(_) => Reply::Failed("the command is not one of this daemon's".to_owned()),
        };
        let Ok(mut bytes) = serde_json::to_vec(&reply) else {
            return;
        };
        bytes.push(b'\n');
        if output.write_all(&bytes).await.is_err() || !whole {
            return;
        }
    }
}

async fn obey(command: Command, handle: &Handle) -> Reply {
    let done = match command {
        Command::Import {
            path,
            day,
            removals,
            kind,
            mapping,
        } => {
            if path.is_relative() || mapping.as_deref().is_some_and(Path::is_relative) {
                return Reply::Failed("the path of the export must be absolute".to_owned());
            }
            let form = match form_of(kind, mapping.as_deref(), handle.form()) {
                Ok(form) => form,
                Err(error) => return Reply::Failed(chain(&error)),
            };
            let Ok(day) = day.map(|day| day.parse::<NaiveDate>()).transpose() else {
                return Reply::Failed("the day must be written YYYY-MM-DD".to_owned());
            };
            let removals = match removals {
                Removals::Configured => None,
                Removals::All => Some(RemovalLimit::Unlimited),
            };
            handle
                .take(&path, day, removals, Some(form))
                .await
                .map(serde_json::to_value)
        }
        Command::Measure { card, order } => handle.order(card, order).await.map(serde_json::to_value),
        Command::Confirm { id } => handle.confirm(id).await.map(serde_json::to_value),
        Command::Discard { id } => handle.discard(id).await.map(serde_json::to_value),
        Command::Acceptance { request } => handle.acceptance(request).await.map(serde_json::to_value),
        Command::Profile => handle.profile().await.map(serde_json::to_value),
        Command::Status => handle.status().await.map(serde_json::to_value),
        Command::Reconcile { mending } => handle.reconcile(mending).await.map(serde_json::to_value),
        Command::PublishNow => {
            handle.imported();
            Ok(Ok(Value::Null))
        }
    };
    match done {
        Ok(Ok(report)) => Reply::Done(report),
        Ok(Err(error)) => Reply::Failed(error.to_string()),
        Err(error) => Reply::Failed(chain(&error)),
    }
}

/// How an export is read of which only this was told.
pub fn form_of(
    kind: Option<ExportKind>,
    mapping: Option<&Path>,
    configured: &ExportForm,
) -> Result<ExportForm, MappingFileError> {
    Ok(ExportForm {
        kind: kind.unwrap_or(configured.kind),
        mapping: match mapping {
            None => configured.mapping.clone(),
            Some(path) => Some(load_mapping(path)?),
        },
    })
}
