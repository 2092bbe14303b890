//! The daemon: publisher, drop folder, daily chores and commands over one data directory.

mod chores;
mod drop_folder;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agreement::moment::Moment;
use chrono::NaiveDate;
use client::connection::Connection;
use client::node::NodeClient;
use ledger::checkpoint::Cosigner;
use registry::export::ExportForm;
use registry::identifier::IstatCode;
use registry::signing::{KeyError, SigningKey, pkcs8_of_pem};
use serde::Serialize;
use store::files::system::SystemFiles;
use transport::clock::Clock;
use transport::pki::files::{PkiFileError, read_key};
use transport::random::Random;
use transport::shutdown::Shutdown;

use crate::acceptance::{Acceptance, AcceptanceError, AcceptanceRequest};
use crate::config::{NodeConfig, WitnessSettings};
use crate::control;
use crate::exports::ExportId;
use crate::form::{MappingFileError, load_mapping};
use crate::housekeeping::{Chore, ChoreStatus, Housekeeping, HousekeepingHandle};
use crate::import::{ImportReport, RemovalLimit};
use crate::incoming::{Incoming, IncomingStatus};
use crate::intake::{Delivery, Imported, Intake, IntakeError, Outcome, WaitingExport};
use crate::measure::{CardNumber, MeasureError, MeasureReport, Order, set_measure};
use crate::profile::{Asking, ProfileReport};
use crate::publisher::{Connect, Publisher, PublisherHandle, PublisherStatus};
use crate::reconcile::{Mending, ReconcileError, ReconcileReport, reconcile};
use crate::reports::Reports;
use crate::storage::{DataDirectory, Storage, StorageError};
use crate::witness::{Witness, WitnessHandle, WitnessStatus};

use self::chores::{ForgetKeys, HearProfile, KeepNewestReports, RemoveRejected, WithdrawOld};
use self::drop_folder::{DropFolder, DropFolderHandle};

/// Directory of what the witness has seen.
const WITNESS: &str = "witness";

/// A daemon whose data directory is open and that has not begun to serve.
#[derive(Debug)]
pub struct Node {
    publisher: Publisher,
    drop_folder: DropFolder,
    housekeeping: Housekeeping,
    witness: Option<Witness>,
    handle: Handle,
    socket: PathBuf,
}

/// Talks to a daemon in the same process. Clones talk to the same.
#[derive(Clone, Debug)]
pub struct Handle {
    municipality: IstatCode,
    storage: Storage,
    intake: Intake,
    reports: Reports,
    index: ToIndex,
    clock: Arc<dyn Clock>,
    publisher: PublisherHandle,
    drop_folder: DropFolderHandle,
    housekeeping: HousekeepingHandle,
    witness: Option<WitnessHandle>,
    asking: Asking,
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
    /// Which groups of fields are published.
    pub profile: ProfileReport,
    /// How publishing stands.
    pub publisher: PublisherStatus,
    /// How the drop folder stands.
    pub incoming: IncomingStatus,
    /// Exports that wait for a person.
    pub waiting: Vec<WaitingExport>,
    /// How the daily chores stand.
    pub chores: Vec<ChoreStatus>,
    /// How the node stands as a witness of the access log; nothing when it is none.
    pub witness: Option<WitnessStatus>,
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
    /// The drop folder cannot be made.
    #[error("the drop folder cannot be made")]
    DropFolder(#[source] std::io::Error),
    /// The export cannot be opened.
    #[error("the export cannot be opened")]
    OpenExport(#[source] std::io::Error),
    /// The mapping of exports.
    #[error(transparent)]
    Mapping(#[from] MappingFileError),
    /// The import, or a person's decision over one.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The file of the publication key.
    #[error("the publication key cannot be read")]
    KeyFile(#[from] PkiFileError),
    /// The publication key.
    #[error("the publication key is not an Ed25519 key in PKCS#8")]
    PublicationKey(#[from] KeyError),
    /// The key with which the node cosigns.
    #[error("the witness's key is refused")]
    WitnessKey(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The export waits for a person.
    #[error("the export would cancel {cancellations} cards: it waits for a decision as {id}")]
    Waits {
        /// Its id.
        id: ExportId,
        /// How many cards it would cancel.
        cancellations: u64,
    },
    /// The file is no export.
    #[error("the file is no export: {reasons}")]
    Rejected {
        /// Why, in English.
        reasons: String,
    },
    /// The acceptance report.
    #[error(transparent)]
    Acceptance(#[from] AcceptanceError),
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
    /// Opens the data directory. Nothing is sent or taken yet.
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
        let DataDirectory {
            storage,
            exports,
            reports,
        } = DataDirectory::open(config, Arc::clone(&random))?;
        let endpoint = config.index.clone();
        let (for_clock, for_random) = (Arc::clone(&clock), Arc::clone(&random));
        let connect: Connect =
            Arc::new(move || Connection::open(&endpoint, Arc::clone(&for_clock), Arc::clone(&for_random)));
        let index = ToIndex(Arc::clone(&connect));
        let for_asking = Arc::clone(&connect);
        let witness = witness(config, &connect, &clock)?;
        let publisher = Publisher::new(
            connect,
            config.municipality,
            Arc::new(publication_key(&config.publication_key)?),
            storage.clone(),
            config.batches,
            Arc::clone(&clock),
            random,
        );
        let asking = Asking {
            connect: for_asking,
            municipality: config.municipality,
            storage: storage.clone(),
            publisher: publisher.handle(),
        };
        let intake = Intake::new(
            config.municipality,
            config.intake,
            form,
            storage.clone(),
            exports.clone(),
            reports.clone(),
            Arc::clone(&clock),
        );
        let drop_folder = DropFolder::new(
            Incoming::new(config.incoming.clone(), intake.clone()),
            intake.clone(),
            config.incoming.clone(),
            publisher.handle(),
            asking.clone(),
            Arc::clone(&clock),
        );
        let chores: Vec<Arc<dyn Chore>> = vec![
            Arc::new(WithdrawOld {
                storage: storage.clone(),
                retention: config.intake.retention,
                publisher: publisher.handle(),
            }),
            Arc::new(HearProfile(publisher.handle())),
            Arc::new(ForgetKeys(exports)),
            Arc::new(KeepNewestReports(reports.clone())),
            Arc::new(RemoveRejected {
                rules: config.incoming.clone(),
                clock: Arc::clone(&clock),
            }),
        ];
        let housekeeping = Housekeeping::new(chores, Arc::clone(&clock));
        let handle = Handle {
            municipality: config.municipality,
            storage,
            intake,
            reports,
            index,
            clock,
            publisher: publisher.handle(),
            drop_folder: drop_folder.handle(),
            housekeeping: housekeeping.handle(),
            witness: witness.as_ref().map(Witness::handle),
            asking,
        };
        Ok(Self {
            publisher,
            drop_folder,
            housekeeping,
            witness,
            handle,
            socket: control::socket_path(&config.data_directory),
        })
    }

    /// How others in this process talk to it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Publishes, takes files and commands, and does its chores, until `shutdown` is triggered.
    ///
    /// # Errors
    /// Socket or drop folder cannot be made. Errors of publishing and of files are no end: see [`NodeStatus`].
    pub async fn run(self, shutdown: Shutdown) -> Result<(), NodeError> {
        let Self {
            publisher,
            drop_folder,
            housekeeping,
            witness,
            handle,
            socket,
        } = self;
        drop_folder.prepare().map_err(NodeError::DropFolder)?;
        let listener = control::bind(&socket).map_err(NodeError::Socket)?;
        let storage = handle.storage.clone();
        let publishing = tokio::spawn(publisher.run(shutdown.clone()));
        let taking = tokio::spawn(drop_folder.run(shutdown.clone()));
        let keeping_house = tokio::spawn(housekeeping.run(shutdown.clone()));
        let witnessing = witness.map(|witness| tokio::spawn(witness.run(shutdown.clone())));
        control::serve(listener, handle, shutdown).await;
        for task in [publishing, taking, keeping_house].into_iter().chain(witnessing) {
            task.await?;
        }
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

fn witness(
    config: &NodeConfig,
    connect: &Connect,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Witness>, NodeError> {
    let Some(WitnessSettings { key, name, log }) = config.witness.clone() else {
        return Ok(None);
    };
    let pem = read_key(&key)?;
    let document = pkcs8_of_pem(pem.expose()).map_err(|error| NodeError::WitnessKey(Box::new(error)))?;
    let key =
        Cosigner::from_pkcs8(name, &document).map_err(|error| NodeError::WitnessKey(Box::new(error)))?;
    let files = SystemFiles::open(&config.data_directory.join(WITNESS)).map_err(StorageError::Directory)?;
    let witness = Witness::new(Arc::clone(connect), key, log, Arc::new(files), Arc::clone(clock));
    Ok(Some(witness))
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
    /// See [`NodeError`].
    pub async fn status(&self) -> Result<NodeStatus, NodeError> {
        let (storage, intake) = (self.storage.clone(), self.intake.clone());
        let counts = tokio::task::spawn_blocking(move || {
            let waiting = intake.waiting()?;
            let store = storage.store();
            let profile = ProfileReport::from(store.profile());
            Ok::<_, IntakeError>((store.cards(), store.last_sequence(), profile, waiting))
        });
        let (cards, journal_end, profile, waiting) = counts.await??;
        let municipality = self.municipality.to_string();
        Ok(NodeStatus {
            municipality,
            cards,
            journal_end,
            profile,
            publisher: self.publisher.status(),
            incoming: self.drop_folder.status(),
            waiting,
            chores: self.housekeeping.status(),
            witness: self.witness.as_ref().map(WitnessHandle::status),
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
        self.intake.form()
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

    /// Asks the index what is agreed, takes it over, and says which groups of fields are published.
    ///
    /// # Errors
    /// When the index does not answer.
    pub async fn profile(&self) -> Result<ProfileReport, NodeError> {
        self.asking.ask().await?;
        self.imported();
        let storage = self.storage.clone();
        let status = tokio::task::spawn_blocking(move || storage.store().profile()).await?;
        Ok(status.into())
    }

    /// How the drop folder stands, and a way to wait for it.
    pub fn drop_folder(&self) -> &DropFolderHandle {
        &self.drop_folder
    }

    /// How the node stands as a witness, and a way to wait for it; nothing when it is none.
    pub fn witness(&self) -> Option<&WitnessHandle> {
        self.witness.as_ref()
    }

    /// How the daily chores stand, and a way to wait for them.
    pub fn housekeeping(&self) -> &HousekeepingHandle {
        &self.housekeeping
    }

    /// Takes a file made on `day`, today in Italy when absent, and goes on publishing. What is not told is as
    /// configured. The file stays.
    ///
    /// # Errors
    /// See [`NodeError`]. What was journalled before an error stays and is published.
    pub async fn take(
        &self,
        path: &Path,
        day: Option<NaiveDate>,
        removals: Option<RemovalLimit>,
        form: Option<ExportForm>,
    ) -> Result<Outcome, NodeError> {
        let delivery = Delivery {
            day,
            file: path.file_name().and_then(|name| name.to_str()).map(str::to_owned),
            sha256: None,
            removals,
            form,
        };
        let path = path.to_owned();
        self.asking.before_import().await;
        self.with_intake(move |intake| {
            let file = File::open(path).map_err(NodeError::OpenExport)?;
            Ok(intake.take(BufReader::new(file), delivery)?)
        })
        .await
    }

    /// The same, where everything but an import is an error.
    ///
    /// # Errors
    /// See [`NodeError`].
    pub async fn import(
        &self,
        path: &Path,
        day: Option<NaiveDate>,
        removals: Option<RemovalLimit>,
        form: Option<ExportForm>,
    ) -> Result<ImportReport, NodeError> {
        match self.take(path, day, removals, form).await? {
            Outcome::Imported(imported) => Ok(imported.import),
            Outcome::Waiting(waiting) => Err(NodeError::Waits {
                id: waiting.id,
                cancellations: waiting.cancellations.total(),
            }),
            Outcome::Rejected(rejected) => {
                let reasons: Vec<String> = rejected
                    .reasons
                    .into_iter()
                    .map(|reason| reason.english)
                    .collect();
                let reasons = reasons.join("; ");
                Err(NodeError::Rejected { reasons })
            }
        }
    }

    /// Imports an export that waits: the one of the id, or the only one.
    ///
    /// # Errors
    /// See [`IntakeError`].
    pub async fn confirm(&self, id: Option<String>) -> Result<Imported, NodeError> {
        self.asking.before_import().await;
        self.with_intake(move |intake| Ok(intake.confirm(id.as_deref())?))
            .await
    }

    /// Gives up an export that waits: the one of the id, or the only one.
    ///
    /// # Errors
    /// See [`IntakeError`].
    pub async fn discard(&self, id: Option<String>) -> Result<ExportId, NodeError> {
        self.with_intake(move |intake| Ok(intake.discard(id.as_deref())?))
            .await
    }

    /// Makes the acceptance report. It holds personal data.
    ///
    /// # Errors
    /// See [`AcceptanceError`].
    pub async fn acceptance(&self, request: AcceptanceRequest) -> Result<Acceptance, NodeError> {
        let (storage, reports) = (self.storage.clone(), self.reports.clone());
        let (municipality, now) = (self.municipality, Moment::new(self.clock.now()));
        let making = tokio::task::spawn_blocking(move || {
            Acceptance::make(&storage.store(), &reports, municipality, &request, now)
        });
        Ok(making.await??)
    }

    /// Does something that takes its time, and goes on publishing afterwards.
    async fn with_intake<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Intake) -> Result<T, NodeError> + Send + 'static,
    ) -> Result<T, NodeError> {
        let intake = self.intake.clone();
        let done = tokio::task::spawn_blocking(move || work(&intake)).await?;
        self.imported();
        done
    }
}

#[cfg(test)]
mod tests;
