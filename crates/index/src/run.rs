//! Bringing the index up and taking it down.
//!
//! The order at start is the order of trust: keys, access log (verified whole), record store (proved against its
//! journal), agreements and usage (folded from the log), then the gate with its allow-list, and only then the socket.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agreement::peer::Role;
use agreement::reason::Reason;
use arc_swap::ArcSwap;
use ledger::checkpoint::LogSigner;
use ledger::header::EntryKind;
use ledger::name::Origin;
use ledger::receipt::ShortReceipt;
use store::access_log::draft::EntryDraft;
use store::access_log::start::{LogFiles, LogParameters};
use store::access_log::{AccessLog, LogSettings, LogStatus};
use store::files::Files;
use store::files::system::SystemFiles;
use store::keys::Entropy;
use store::keys::encryption_key::KeyEncryptionKey;
use store::keys::ring::KeyRing;
use store::record_store::{Engine, JournaledStore, StoreSettings};
use tokio::task::JoinHandle;
use transport::allow::AllowList;
use transport::clock::Clock;
use transport::door::DoorReceipt;
use transport::gate::services::{HEALTH, Services};
use transport::gate::{AnswerOf, Gate, GateParts};
use transport::health::Health;
use transport::listener::{Listener, ListenerLimits};
use transport::pki::files::{read_certificate, read_key};
use transport::pki::names::TrustDomainName;
use transport::random::Random;
use transport::server::{Ended, ServerSettings, serve};
use transport::shutdown::Shutdown;
use transport::tls::live::LiveTls;
use transport::tls::material::TlsMaterial;
use transport::tls::server::ServerTls;
use wire::proto::agreement::v1::agreement_service_server::AgreementServiceServer;
use wire::proto::audit::v1::audit_service_server::AuditServiceServer;
use wire::proto::consultation::v1::consultation_service_server::ConsultationServiceServer;
use wire::proto::directory::v1::directory_service_server::DirectoryServiceServer;
use wire::proto::publication::v1::publication_service_server::PublicationServiceServer;
use wire::status::{Details, status_for};

use crate::administration::Administration;
use crate::agreement_book::fold;
use crate::audit::Audit;
use crate::config::{IndexConfig, TlsFiles};
use crate::consultation::Consultation;
use crate::directory::Directory;
use crate::door::LoggedDoor;
use crate::entry::{told_ok, usual_retention};
use crate::publication::{LARGEST_MESSAGE, Publication};
use crate::scopes;
use crate::shared::Shared;
use crate::usage_restore;

/// Largest request of an agency, auditor or administrator, bytes.
const LARGEST_QUESTION: usize = 256 * 1024;

/// Largest answer, bytes.
const LARGEST_ANSWER: usize = 4 << 20;

/// Names of the services that health reports on.
const SERVICES: [&str; 5] = [
    "ponte.publication.v1.PublicationService",
    "ponte.consultation.v1.ConsultationService",
    "ponte.audit.v1.AuditService",
    "ponte.agreement.v1.AgreementService",
    "ponte.directory.v1.DirectoryService",
];

/// Why the index does not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartFailure {
    /// A directory of the index cannot be opened, or another process has it.
    #[error("{what} cannot be opened")]
    Files {
        /// Which part.
        what: &'static str,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// A key file.
    #[error("{what} is refused")]
    Key {
        /// Which key.
        what: &'static str,
        /// Why.
        #[source]
        error: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The origin has not the form of one.
    #[error("origin: is not the name of a log")]
    Origin,
    /// The access log is not what it must be.
    #[error(transparent)]
    Log(#[from] store::access_log::start::StartError),
    /// The record store cannot be proved.
    #[error(transparent)]
    Store(#[from] store::record_store::OpenError),
    /// The agreements cannot be folded: a broken policy denies.
    #[error(transparent)]
    Agreements(#[from] crate::agreement_book::FoldError),
    /// The usage of today cannot be counted.
    #[error("today's usage cannot be counted from the access log")]
    Usage(#[from] store::access_log::reading::ReadError),
    /// The scopes of the readers.
    #[error(transparent)]
    Scopes(#[from] scopes::ScopesError),
    /// Certificates.
    #[error("the index's certificates are refused")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A registered service has no entry in the allow-list, or the other way round.
    #[error("the allow-list and the registered services differ")]
    AllowList(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The first entry could not be made.
    #[error("the start cannot be entered in the access log")]
    Entry,
}

/// A running index.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Verifier key of its access log.
    pub verifier: String,
    shutdown: Shutdown,
    served: JoinHandle<Result<(), Fatal>>,
}

/// The index stopped because it must not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the index stopped: {0}")]
pub struct Fatal(pub String);

impl Running {
    /// Asks the index to stop.
    pub fn stop(&self) {
        self.shutdown.trigger();
    }

    /// Waits until the index has stopped, by itself or because it was asked to.
    ///
    /// # Errors
    /// See [`Fatal`].
    pub async fn ended(self) -> Result<(), Fatal> {
        self.served.await.unwrap_or_else(|_| Err(Fatal("its task panicked".to_owned())))
    }
}

/// Randomness as the store takes it.
#[derive(Debug)]
struct FromRandom(Arc<dyn Random>);

impl Entropy for FromRandom {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer);
    }
}

/// Opens everything, listens, and serves until `shutdown`.
///
/// # Errors
/// See [`StartFailure`]; nothing is served then.
pub async fn start(
    config: IndexConfig,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    shutdown: Shutdown,
) -> Result<Running, StartFailure> {
    let fatal: Arc<Mutex<Option<String>>> = Arc::new(Mutex::new(None));
    let tls = LiveTls::new(server_tls(&config, Arc::clone(&clock))?);
    let opened = {
        let config = config.clone();
        let clock = Arc::clone(&clock);
        let fatal = Arc::clone(&fatal);
        let shutdown = shutdown.clone();
        tokio::task::spawn_blocking(move || open(&config, &clock, &random, &fatal, &shutdown))
            .await
            .map_err(|_| StartFailure::Entry)??
    };
    let shared = Arc::new(opened);
    enter_start(&shared).await?;

    let door = Arc::new(LoggedDoor::new(shared.log.clone()));
    let (health, health_server) = Health::new(&SERVICES).await;
    let services = Services::new()
        .serve(health_server)
        .serve(limited(LARGEST_MESSAGE, PublicationServiceServer::new(Publication::new(Arc::clone(&shared)))))
        .serve(limited(LARGEST_QUESTION, ConsultationServiceServer::new(Consultation::new(Arc::clone(&shared)))))
        .serve(limited(LARGEST_QUESTION, AuditServiceServer::new(Audit::new(Arc::clone(&shared)))))
        .serve(limited(LARGEST_QUESTION, AgreementServiceServer::new(Administration::new(Arc::clone(&shared)))))
        .serve(limited(LARGEST_QUESTION, DirectoryServiceServer::new(Directory::new(Arc::clone(&shared)))));
    let gate = Gate::new(GateParts {
        services,
        allow: allow_list(),
        door: Arc::clone(&door) as Arc<dyn transport::door::DoorLog>,
        clock,
        tls,
        answer: refusal_answer(&shared),
        longest_call: config.limits.deadline,
    })
    .map_err(|error| StartFailure::AllowList(Box::new(error)))?;
    let limits = ListenerLimits {
        connections: config.limits.connections,
        connections_per_address: config.limits.connections_per_address,
        ..ListenerLimits::default()
    };
    let listener = Listener::bind(config.listen, limits)
        .await
        .map_err(|error| StartFailure::Files { what: "the listening address", error })?;
    let address =
        listener.local_addr().map_err(|error| StartFailure::Files { what: "the listening address", error })?;
    let verifier = shared.log.verifier().to_string();
    health.serving().await;
    tracing::info!(%address, "the index serves");
    let ending = shutdown.clone();
    let served = tokio::spawn(async move {
        let watch = tokio::spawn(watch(Arc::clone(&shared), health.clone(), Arc::clone(&fatal), ending.clone()));
        let ended = serve(listener, ServerSettings::default(), Arc::new(gate), health, ending.clone()).await;
        if let Ended::Cut(connections) = ended {
            tracing::warn!(connections, "connections were cut when the time to drain was over");
        }
        door.finish().await;
        ending.trigger();
        let _ = watch.await;
        finish(shared).await;
        match fatal.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
            Some(reason) => Err(Fatal(reason)),
            None => Ok(()),
        }
    });
    Ok(Running { address, verifier, shutdown, served })
}

/// Sets the limits of a generated server; the trait by which all have them is the code generator's secret, so each
/// is set through this one spelling.
macro_rules! impl_limited {
    ($($server:ident),+) => {
        $(impl<T> Limited for $server<T> {
            fn with_limits(self, decode: usize) -> Self {
                self.max_decoding_message_size(decode).max_encoding_message_size(LARGEST_ANSWER)
            }
        })+
    };
}

trait Limited {
    fn with_limits(self, decode: usize) -> Self;
}

impl_limited!(
    PublicationServiceServer,
    ConsultationServiceServer,
    AuditServiceServer,
    AgreementServiceServer,
    DirectoryServiceServer
);

fn limited<S: Limited>(decode: usize, server: S) -> S {
    server.with_limits(decode)
}

/// Which role may call which service; whatever is not named is closed.
pub fn allow_list() -> AllowList {
    let [publication, consultation, audit, agreements, directory] = SERVICES;
    AllowList::new()
        .allow(HEALTH, &[Role::Node, Role::Agency, Role::Auditor, Role::Admin])
        .allow(publication, &[Role::Node])
        .allow(consultation, &[Role::Agency])
        .allow(audit, &[Role::Auditor])
        .allow(agreements, &[Role::Admin, Role::Agency])
        .allow(directory, &[Role::Node, Role::Auditor, Role::Admin])
}

fn refusal_answer(shared: &Arc<Shared<JournaledStore>>) -> AnswerOf {
    let origin = shared.log.origin().clone();
    Arc::new(move |reason: Reason, receipt: Option<&DoorReceipt>| {
        let details = Details::none();
        let details = match receipt.and_then(|DoorReceipt(bytes)| ShortReceipt::decode(bytes).ok()) {
            Some(receipt) => details.with_receipt(origin.clone(), receipt),
            None => details,
        };
        status_for(reason, details)
    })
}

fn server_tls(config: &IndexConfig, clock: Arc<dyn Clock>) -> Result<ServerTls, StartFailure> {
    let TlsFiles { certificate, key, authorities, revocation_lists } = &config.tls;
    let refused = |error: Box<dyn std::error::Error + Send + Sync>| StartFailure::Tls(error);
    let lists = revocation_lists.iter().map(std::fs::read_to_string).collect::<Result<_, _>>();
    let material = TlsMaterial {
        chain: read_certificate(certificate).map_err(|error| refused(Box::new(error)))?,
        key: read_key(key).map_err(|error| refused(Box::new(error)))?,
        anchors: read_certificate(authorities).map_err(|error| refused(Box::new(error)))?,
        revocation_lists: lists.map_err(|error| refused(Box::new(error)))?,
        trust_domain: TrustDomainName::parse(&config.trust_domain).map_err(|error| refused(Box::new(error)))?,
    };
    ServerTls::new(&material, clock).map_err(|error| refused(Box::new(error)))
}

fn directory(config: &IndexConfig, name: &'static str) -> Result<Arc<dyn Files>, StartFailure> {
    let files = SystemFiles::open(&config.data_directory.join(name));
    Ok(Arc::new(files.map_err(|error| StartFailure::Files { what: name, error })?))
}

fn open(
    config: &IndexConfig,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
    fatal: &Arc<Mutex<Option<String>>>,
    shutdown: &Shutdown,
) -> Result<Shared<JournaledStore>, StartFailure> {
    let entropy: Arc<dyn Entropy> = Arc::new(FromRandom(Arc::clone(random)));
    let keys = KeyEncryptionKey::from_file(&config.key_encryption_key)
        .map_err(|error| StartFailure::Key { what: "the key-encryption key", error: Box::new(error) })?;
    let ring = KeyRing::open(directory(config, "keys")?, keys, Arc::clone(&entropy))
        .map_err(|error| StartFailure::Key { what: "the key ring", error: Box::new(error) })?;
    let ring = Arc::new(ring);
    let log = open_log(config, clock, &ring, &entropy, fatal, shutdown)?;
    let settings = StoreSettings {
        segments: config.limits.journal_segments(),
        sync_interval: config.limits.sync_interval,
        engine: Engine::Sled {
            directory: config.data_directory.join("projection"),
            cache_bytes: config.limits.cache_bytes,
        },
    };
    let (store, report) =
        JournaledStore::open(directory(config, "journal")?, Arc::clone(&ring), entropy.as_ref(), &settings)?;
    tracing::info!(
        changes = report.changes,
        replayed = report.replayed,
        rebuilt = report.rebuilt,
        "the record store is open"
    );
    let agreements = fold(&log)?;
    let moment = agreement::moment::Moment::new(clock.now());
    let usage = usage_restore::restore(&log, moment)?;
    let mut page_key = [0; 32];
    random.fill(&mut page_key);
    Ok(Shared {
        store,
        log,
        agreements: ArcSwap::from_pointee(agreements),
        agreements_change: tokio::sync::Mutex::new(()),
        usage: Mutex::new(usage),
        nodes: config.nodes.clone(),
        readers: config.readers.clone(),
        clock: Arc::clone(clock),
        page_key,
    })
}

fn open_log(
    config: &IndexConfig,
    clock: &Arc<dyn Clock>,
    ring: &Arc<KeyRing>,
    entropy: &Arc<dyn Entropy>,
    fatal: &Arc<Mutex<Option<String>>>,
    shutdown: &Shutdown,
) -> Result<AccessLog, StartFailure> {
    let origin = Origin::new(config.origin.clone()).map_err(|_| StartFailure::Origin)?;
    let seed = crate::init::read_secret(&config.log_key)
        .map_err(|error| StartFailure::Key { what: "the key of the access log", error: Box::new(error) })?;
    let signer = LogSigner::from_seed(origin, &seed)
        .map_err(|error| StartFailure::Key { what: "the key of the access log", error: Box::new(error) })?;
    let copy = match &config.checkpoint_copy {
        None => directory(config, "checkpoint")?,
        Some(path) => {
            let files = SystemFiles::open(path);
            Arc::new(files.map_err(|error| StartFailure::Files { what: "checkpoint_copy", error })?)
        }
    };
    let told = Arc::clone(fatal);
    let stop = shutdown.clone();
    let time = Arc::clone(clock);
    let parameters = LogParameters {
        files: LogFiles { log: directory(config, "log")?, hashes: directory(config, "hashes")?, copy },
        signer,
        ring: Arc::clone(ring),
        entropy: Arc::clone(entropy),
        clock: Arc::new(move || time.now_ms()),
        witnessed: Vec::new(),
        on_fatal: Arc::new(move |reason| {
            *told.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(reason.to_owned());
            stop.trigger();
        }),
    };
    let settings = LogSettings {
        segments: config.limits.log_segments(),
        queue: config.limits.log_queue,
        ..LogSettings::default()
    };
    let (log, report) = AccessLog::open(parameters, settings)?;
    tracing::info!(entries = report.entries, seconds = report.seconds, "the access log is verified");
    Ok(log)
}

async fn enter_start(shared: &Shared<JournaledStore>) -> Result<(), StartFailure> {
    if let Some(draft) = scopes::changed(&shared.log, &shared.readers)? {
        append(shared, draft).await?;
    }
    let mut started = EntryDraft::new(EntryKind::ServiceStarted, usual_retention());
    started.header.outcome = told_ok();
    append(shared, started).await
}

async fn append(shared: &Shared<JournaledStore>, draft: EntryDraft) -> Result<(), StartFailure> {
    let slot = shared.log.reserve().map_err(|_| StartFailure::Entry)?;
    shared.log.append(slot, draft).await.map(drop).map_err(|_| StartFailure::Entry)
}

/// Keeps health in step with the log, and ends the process's work when a writer has failed.
async fn watch(
    shared: Arc<Shared<JournaledStore>>,
    health: Health,
    fatal: Arc<Mutex<Option<String>>>,
    shutdown: Shutdown,
) {
    let mut log = shared.log.status();
    let mut store = shared.store.failure();
    let mut expiry = tokio::time::interval(Duration::from_secs(3600));
    loop {
        tokio::select! {
            () = shutdown.triggered() => return,
            changed = log.changed() => {
                if changed.is_err() { return }
                let status = *log.borrow_and_update();
                match status {
                    LogStatus::Serving => health.serving().await,
                    LogStatus::NoSpace => health.not_serving().await,
                    LogStatus::Failed | LogStatus::Closed => return,
                }
            }
            changed = store.changed() => {
                if changed.is_err() { return }
                let reason = "the writer of the publication journal failed".to_owned();
                fatal.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(reason);
                shutdown.trigger();
            }
            _ = expiry.tick() => {
                let moment = shared.moment();
                shared.with_usage(|counters| counters.expire(moment));
            }
        }
    }
}

/// The last entry, the last checkpoint, the last sync point.
async fn finish(shared: Arc<Shared<JournaledStore>>) {
    let mut stopped = EntryDraft::new(EntryKind::ServiceStopped, usual_retention());
    stopped.header.outcome = told_ok();
    if append(&shared, stopped).await.is_err() {
        tracing::error!("the stop could not be entered in the access log");
    }
    let closing = tokio::task::spawn_blocking(move || {
        shared.log.close();
        shared.store.close();
    });
    if closing.await.is_err() {
        tracing::error!("the index's files were not closed in order");
    }
}
