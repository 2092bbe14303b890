//! The daemon: publisher and commands over one data directory.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agreement::moment::Moment;
use chrono::NaiveDate;
use client::connection::Connection;
use client::node::NodeClient;
use registry::export::ExportForm;
use registry::identifier::IstatCode;
use registry::signing::{KeyError, SigningKey};
use serde::Serialize;
use transport::clock::Clock;
use transport::pki::files::{PkiFileError, read_key};
use transport::random::Random;
use transport::shutdown::Shutdown;

use crate::config::NodeConfig;
use crate::control;
use crate::form::{MappingFileError, load_mapping};
use crate::import::{ImportContext, ImportError, ImportReport, RemovalLimit, import};
use crate::measure::{CardNumber, MeasureError, MeasureReport, Order, set_measure};
use crate::publisher::{Connect, Publisher, PublisherHandle, PublisherStatus};
use crate::reconcile::{Mending, ReconcileError, ReconcileReport, reconcile};
use crate::storage::{Storage, StorageError};

/// A daemon whose data directory is open and that has not begun to serve.
#[derive(Debug)]
pub struct Node {
    publisher: Publisher,
    handle: Handle,
    socket: PathBuf,
}

/// Talks to a daemon in the same process. Clones talk to the same.
#[derive(Clone, Debug)]
pub struct Handle {
    municipality: IstatCode,
    removals: RemovalLimit,
    form: ExportForm,
    storage: Storage,
    publisher: PublisherHandle,
    index: ToIndex,
    clock: Arc<dyn Clock>,
}

/// The way to the index.
#[derive(Clone)]
struct ToIndex(Connect);

impl std::fmt::Debug for ToIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ToIndex(..)")
    }
}

/// How a node stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeStatus {
    /// ISTAT code of the municipality.
    pub municipality: String,
    /// Cards in the mirror.
    pub cards: u64,
    /// Last change of the journal.
    pub journal_end: u64,
    /// How publishing stands.
    pub publisher: PublisherStatus,
}

/// Why the daemon cannot run, or a command cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The data directory.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The socket of the commands.
    #[error("the socket of the commands cannot be used")]
    Socket(#[source] std::io::Error),
    /// The export cannot be opened.
    #[error("the export cannot be opened")]
    OpenExport(#[source] std::io::Error),
    /// The mapping of exports.
    #[error(transparent)]
    Mapping(#[from] MappingFileError),
    /// The import.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The file of the publication key.
    #[error("the publication key cannot be read")]
    KeyFile(#[from] PkiFileError),
    /// The publication key.
    #[error("the publication key is not an Ed25519 key in PKCS#8")]
    PublicationKey(#[from] KeyError),
    /// The comparison with the index.
    #[error(transparent)]
    Reconcile(#[from] ReconcileError),
    /// An order about a measure.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// A task of the daemon broke.
    #[error("a task of the daemon broke")]
    Task(#[from] tokio::task::JoinError),
}

impl Node {
    /// Opens the data directory. Nothing is sent yet.
    ///
    /// # Errors
    /// [`StorageError::Locked`] when another daemon uses it; else see [`NodeError`].
    pub fn open(
        config: &NodeConfig,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, NodeError> {
        let form = ExportForm {
            kind: config.export_kind,
            mapping: config.mapping.as_deref().map(load_mapping).transpose()?,
        };
        let storage = Storage::open(config, Arc::clone(&random))?;
        let endpoint = config.index.clone();
        let (for_clock, for_random) = (Arc::clone(&clock), Arc::clone(&random));
        let connect: Connect =
            Arc::new(move || Connection::open(&endpoint, Arc::clone(&for_clock), Arc::clone(&for_random)));
        let index = ToIndex(Arc::clone(&connect));
        let publisher = Publisher::new(
            connect,
            config.municipality,
            Arc::new(publication_key(&config.publication_key)?),
            storage.clone(),
            config.batches,
            Arc::clone(&clock),
            random,
        );
        let handle = Handle {
            municipality: config.municipality,
            removals: config.removals,
            form,
            storage,
            publisher: publisher.handle(),
            index,
            clock,
        };
        Ok(Self {
            publisher,
            handle,
            socket: control::socket_path(&config.data_directory),
        })
    }

    /// How others in this process talk to it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Publishes and takes commands until `shutdown` is triggered.
    ///
    /// # Errors
    /// The socket cannot be made. Errors of publishing are no end: see [`PublisherStatus`].
    pub async fn run(self, shutdown: Shutdown) -> Result<(), NodeError> {
        let Self {
            publisher,
            handle,
            socket,
        } = self;
        let listener = control::bind(&socket).map_err(NodeError::Socket)?;
        let storage = handle.storage.clone();
        let publishing = tokio::spawn(publisher.run(shutdown.clone()));
        control::serve(listener, handle, shutdown).await;
        publishing.await?;
        // The socket's name may go before the lock does: whoever comes next makes its own.
        if let Err(error) = std::fs::remove_file(&socket) {
            tracing::debug!(%error, "the socket was gone already");
        }
        let synced = tokio::task::spawn_blocking(move || storage.store().sync()).await?;
        if let Err(error) = synced {
            tracing::warn!(%error, "the mirror was not synced: the next start replays more of the journal");
        }
        Ok(())
    }
}

fn publication_key(path: &Path) -> Result<SigningKey, NodeError> {
    let pem = read_key(path)?;
    Ok(SigningKey::from_pem(pem.expose())?)
}

impl Handle {
    /// The journal has grown, or a person has looked: go on publishing.
    pub fn imported(&self) {
        self.publisher.wake();
    }

    /// How the node stands. Waits while an import runs.
    ///
    /// # Errors
    /// [`NodeError::Task`].
    pub async fn status(&self) -> Result<NodeStatus, NodeError> {
        let storage = self.storage.clone();
        let counts = tokio::task::spawn_blocking(move || {
            let store = storage.store();
            (store.cards(), store.last_sequence())
        });
        let (cards, journal_end) = counts.await?;
        let municipality = self.municipality.to_string();
        Ok(NodeStatus {
            municipality,
            cards,
            journal_end,
            publisher: self.publisher.status(),
        })
    }

    /// Compares the cards with the index's, publishes those that differ again where that is wanted, and goes on
    /// publishing.
    ///
    /// # Errors
    /// See [`ReconcileError`].
    pub async fn reconcile(&self, mending: Mending) -> Result<ReconcileReport, NodeError> {
        let connection = (self.index.0)().map_err(ReconcileError::from)?;
        let client = NodeClient::new(connection);
        let report = reconcile(&client, self.municipality, &self.storage, mending).await?;
        self.imported();
        Ok(report)
    }

    /// How publishing stands, and a way to wait for it.
    pub fn publisher(&self) -> &PublisherHandle {
        &self.publisher
    }

    /// How exports are read, unless an import is told otherwise.
    pub fn form(&self) -> &ExportForm {
        &self.form
    }

    /// Carries out a registrar's order about a card and publishes it at once.
    ///
    /// # Errors
    /// [`NodeError::Measure`], with nothing journalled.
    pub async fn order(&self, number: CardNumber, order: Order) -> Result<MeasureReport, NodeError> {
        let storage = self.storage.clone();
        let today = Moment::new(self.clock.now()).date();
        let ordering =
            tokio::task::spawn_blocking(move || set_measure(&mut storage.store(), &number, &order, today));
        let report = ordering.await??;
        self.imported();
        Ok(report)
    }

    /// Imports a file made on `day`, today in Italy when absent, and goes on publishing. What is not told is as
    /// configured.
    ///
    /// # Errors
    /// See [`NodeError`]. What was journalled before an error stays and is published.
    pub async fn import(
        &self,
        path: &Path,
        day: Option<NaiveDate>,
        removals: Option<RemovalLimit>,
        form: Option<ExportForm>,
    ) -> Result<ImportReport, NodeError> {
        let context = ImportContext {
            municipality: self.municipality,
            day: day.unwrap_or_else(|| Moment::new(self.clock.now()).date()),
            removals: removals.unwrap_or(self.removals),
        };
        let form = form.unwrap_or_else(|| self.form.clone());
        let (storage, path) = (self.storage.clone(), path.to_owned());
        let importing = tokio::task::spawn_blocking(move || {
            let file = File::open(path).map_err(NodeError::OpenExport)?;
            Ok::<_, NodeError>(import(
                &mut storage.store(),
                BufReader::new(file),
                context,
                &form,
            )?)
        });
        let report = importing.await?;
        self.imported();
        report
    }
}

#[cfg(test)]
mod tests;
