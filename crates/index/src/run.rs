//! Bringing the index up and taking it down.
//!
//! The order at start is the order of trust: keys, access log (verified whole), record store (proved against its
//! journal), agreements and usage (folded from the log), then the gate with its allow-list, and only then the socket.

mod open;
mod ground;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agreement::peer::Role;
use agreement::reason::Reason;
use ledger::receipt::ShortReceipt;
use store::access_log::LogStatus;
use store::access_log::draft::EntryDraft;
use store::record_store::{JournaledStore, RecordStore};
use tokio::task::JoinHandle;
use transport::allow::AllowList;
use transport::clock::Clock;
use transport::door::DoorReceipt;
use transport::gate::services::{HEALTH, Services};
use transport::gate::{AnswerOf, Gate, GateParts};
use transport::health::Health;
use transport::listener::{Listener, ListenerLimits};
use transport::random::Random;
use transport::server::{Ended, ServerSettings, serve};
use transport::shutdown::Shutdown;
use transport::tls::live::LiveTls;
use wire::proto::agreement::v1::agreement_service_server::AgreementServiceServer;
use wire::proto::audit::v1::audit_service_server::AuditServiceServer;
use wire::proto::consultation::v1::consultation_service_server::ConsultationServiceServer;
use wire::proto::directory::v1::directory_service_server::DirectoryServiceServer;
use wire::proto::publication::v1::publication_service_server::PublicationServiceServer;
use wire::proto::publication::v1::quarantine_service_server::QuarantineServiceServer;
use wire::proto::witness::v1::witness_service_server::WitnessServiceServer;
use wire::status::{Details, status_for};

use crate::administration::Administration;
use crate::audit::Audit;
use crate::config::{IndexConfig, StatedConfiguration};
use crate::consultation::Consultation;
use crate::directory::Directory;
use crate::door::LoggedDoor;
use crate::freshness::{self, Alarm, Alarms};
use crate::monitor;
use crate::oversight::alert::raising;
use crate::profiles::look_beside;
use crate::publication::{LARGEST_MESSAGE, Publication};
use crate::quarantine::Quarantines;
use crate::scopes;
use crate::shared::Shared;
use crate::starting::{LastStart, Program, Started};
use crate::witness::outside::{self, OutsideHandle, OutsideWitness};
use crate::witness::{WitnessAlarm, Witnesses};

pub use self::ground::{Ground, Opens};
pub use self::open::StartFailure;
use self::open::{Opening, open, server_tls};

/// Largest request of an agency, auditor or administrator, bytes.
const LARGEST_QUESTION: usize = 256 * 1024;

/// Largest answer, bytes.
const LARGEST_ANSWER: usize = 4 << 20;

/// How long, and in which steps, the end waits for the last tasks that hold the index's state.
const LAST_HOLDERS_LOOK: Duration = Duration::from_millis(10);
const LAST_HOLDERS_LOOKS: u32 = 500;

/// Names of the services that health reports on.
const SERVICES: [&str; 7] = [
    "ponte.publication.v1.PublicationService",
    "ponte.publication.v1.QuarantineService",
    "ponte.consultation.v1.ConsultationService",
    "ponte.audit.v1.AuditService",
    "ponte.agreement.v1.AgreementService",
    "ponte.directory.v1.DirectoryService",
    "ponte.witness.v1.WitnessService",
];

/// A running index.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where monitors follow its access log, when they can.
    pub monitor: Option<SocketAddr>,
    /// Verifier key of its access log.
    pub verifier: String,
    /// The witnesses that it asks.
    pub witnesses: OutsideHandle,
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
        self.served
            .await
            .unwrap_or_else(|_| Err(Fatal("its task panicked".to_owned())))
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
    start_on(Ground::default(), config, clock, random, shutdown).await
}

/// The same on another ground: for whoever tries the index rather than runs it.
///
/// # Errors
/// See [`StartFailure`]; nothing is served then.
pub async fn start_on(
    ground: Ground,
    config: IndexConfig,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    shutdown: Shutdown,
) -> Result<Running, StartFailure> {
    let fatal: Arc<Mutex<Option<String>>> = Arc::new(Mutex::new(None));
    let tls = LiveTls::new(server_tls(&config, Arc::clone(&clock))?);
    let outside = OutsideWitness::of_config(&config.witnessing, &clock)?;
    let started = started(&config, &ground)?;
    let opening = Opening {
        config: config.clone(),
        clock: Arc::clone(&clock),
        random,
        fatal: Arc::clone(&fatal),
        shutdown: shutdown.clone(),
        ground,
    };
    let opened = tokio::task::spawn_blocking(move || open(&opening))
        .await
        .map_err(|_| StartFailure::Entry)??;
    let shared = Arc::new(opened);
    enter_start(&shared, &started).await?;
    shared.look_at_profiles().await;

    let door = Arc::new(LoggedDoor::new(shared.log.clone()));
    let (health, health_server) = Health::new(&SERVICES).await;
    let services = Services::new()
        .serve(health_server)
        .serve(limited(
            LARGEST_MESSAGE,
            PublicationServiceServer::new(Publication::new(Arc::clone(&shared))),
        ))
        .serve(limited(
            LARGEST_QUESTION,
            QuarantineServiceServer::new(Quarantines::new(Arc::clone(&shared))),
        ))
        .serve(limited(
            LARGEST_QUESTION,
            ConsultationServiceServer::new(Consultation::new(Arc::clone(&shared))),
        ))
        .serve(limited(
            LARGEST_QUESTION,
            AuditServiceServer::new(Audit::new(Arc::clone(&shared))),
        ))
        .serve(limited(
            LARGEST_QUESTION,
            AgreementServiceServer::new(Administration::new(Arc::clone(&shared))),
        ))
        .serve(limited(
            LARGEST_QUESTION,
            DirectoryServiceServer::new(Directory::new(Arc::clone(&shared))),
        ))
        .serve(limited(
            LARGEST_QUESTION,
            WitnessServiceServer::new(Witnesses::new(Arc::clone(&shared))),
        ));
    let gate = Gate::new(GateParts {
        services,
        allow: allow_list(),
        door: Arc::clone(&door) as Arc<dyn transport::door::DoorLog>,
        clock,
        tls: tls.clone(),
        answer: refusal_answer(&shared),
        longest_call: config.limits.deadline,
    })
    .map_err(|error| StartFailure::AllowList(Box::new(error)))?;
    let limits = ListenerLimits {
        connections: config.limits.connections,
        connections_per_address: config.limits.connections_per_address,
        ..ListenerLimits::default()
    };
    let (listener, address) = bind("the listening address", config.listen, limits).await?;
    let monitored = match &config.monitor {
        Some(settings) => {
            let limits = monitor::listener_limits(settings);
            Some((
                bind("the listening address of [monitor]", settings.listen, limits).await?,
                *settings,
            ))
        }
        None => None,
    };
    let verifier = shared.log.verifier().to_string();
    health.serving().await;
    tracing::info!(%address, "the index serves");
    let monitor = monitored.as_ref().map(|((_, address), _)| *address);
    let monitors = tokio::spawn({
        let (log, ending) = (shared.log.clone(), shutdown.clone());
        async move {
            if let Some(((listener, address), settings)) = monitored {
                tracing::info!(%address, "monitors follow the access log");
                monitor::serve(listener, settings, log, tls, ending).await;
            }
        }
    });
    let overseer = tokio::spawn({
        let shared = Arc::clone(&shared);
        async move { shared.oversee().await }
    });
    let witnesses = outside::ask(&shared, outside, &shutdown);
    let ending = shutdown.clone();
    let served = tokio::spawn(async move {
        let watch = tokio::spawn(watch(
            Arc::clone(&shared),
            health.clone(),
            Arc::clone(&fatal),
            ending.clone(),
        ));
        let ended = serve(
            listener,
            ServerSettings::default(),
            Arc::new(gate),
            health,
            ending.clone(),
        )
        .await;
        if let Ended::Cut(connections) = ended {
            tracing::warn!(
                connections,
                "connections were cut when the time to drain was over"
            );
        }
        ending.trigger();
        shared.tasks.close();
        shared.tasks.wait().await;
        door.finish().await;
        let _ = watch.await;
        let _ = overseer.await;
        let _ = monitors.await;
        drop(door);
        let reason = fatal.lock().unwrap_or_else(PoisonError::into_inner).clone();
        finish(shared, &started, reason.as_deref()).await;
        match fatal.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(reason) => Err(Fatal(reason)),
            None => Ok(()),
        }
    });
    Ok(Running {
        address,
        monitor,
        verifier,
        witnesses,
        shutdown,
        served,
    })
}

async fn bind(
    what: &'static str,
    address: SocketAddr,
    limits: ListenerLimits,
) -> Result<(Listener, SocketAddr), StartFailure> {
    let refused = |error| StartFailure::Files { what, error };
    let listener = Listener::bind(address, limits).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
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
    QuarantineServiceServer,
    ConsultationServiceServer,
    AuditServiceServer,
    AgreementServiceServer,
    DirectoryServiceServer,
    WitnessServiceServer
);

fn limited<S: Limited>(decode: usize, server: S) -> S {
    server.with_limits(decode)
}

/// Which role may call which service; whatever is not named is closed.
pub fn allow_list() -> AllowList {
    let [
        publication,
        quarantine,
        consultation,
        audit,
        agreements,
        directory,
        witness,
    ] = SERVICES;
    AllowList::new()
        .allow(HEALTH, &[Role::Node, Role::Agency, Role::Auditor, Role::Admin])
        .allow(publication, &[Role::Node])
        .allow(quarantine, &[Role::Admin])
        .allow(consultation, &[Role::Agency])
        .allow(audit, &[Role::Auditor])
        .allow(agreements, &[Role::Admin, Role::Agency])
        .allow(directory, &[Role::Node, Role::Auditor, Role::Admin])
        // Agencies fetch what makes their receipts witnessed ones; only a witness's key makes a cosignature.
        .allow(witness, &[Role::Node, Role::Auditor, Role::Agency])
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

/// The program that runs and its configuration, as the log is to tell of them.
fn started(config: &IndexConfig, ground: &Ground) -> Result<Started, StartFailure> {
    let program = match &ground.program {
        Some(program) => program.clone(),
        None => Program::running().map_err(|error| StartFailure::Files {
            what: "the program's own file",
            error,
        })?,
    };
    let configuration = StatedConfiguration::of(config).map_err(|error| StartFailure::Files {
        what: "a file that the configuration names",
        error,
    })?;
    Ok(Started {
        program,
        configuration,
    })
}

async fn enter_start(shared: &Shared<JournaledStore>, started: &Started) -> Result<(), StartFailure> {
    if let Some(draft) = scopes::changed(&shared.log, &shared.readers)? {
        append(shared, draft).await?;
    }
    if let Some(draft) = raising::changed(&shared.log, &shared.oversight.rules())? {
        append(shared, draft).await?;
    }
    let last = LastStart::of(&shared.log)?;
    let drafts = started.entries(&last).map_err(|_| StartFailure::Entry)?;
    for draft in drafts {
        append(shared, draft).await?;
    }
    Ok(())
}

async fn append(shared: &Shared<JournaledStore>, draft: EntryDraft) -> Result<(), StartFailure> {
    let slot = shared.log.reserve().map_err(|_| StartFailure::Entry)?;
    shared
        .log
        .append(slot, draft)
        .await
        .map(drop)
        .map_err(|_| StartFailure::Entry)
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
    let mut look = tokio::time::interval(freshness::LOOK);
    let mut alarms = Alarms::default();
    let mut witnesses = WitnessAlarm::default();
    let mut publication = shared.store.confirmations();
    publication.mark_changed();
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
                fatal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
                shutdown.trigger();
            }
            changed = publication.changed() => {
                if changed.is_err() { return }
                shared.reopen_when_complete().await;
            }
            _ = look.tick() => {
                shared.reopen_when_complete().await;
                alarms
                    .look(&shared.stale_after, shared.ages())
                    .into_iter()
                    .for_each(Alarm::report);
                shared.look_at_witnesses(&mut witnesses);
            }
            _ = expiry.tick() => {
                let moment = shared.moment();
                shared.with_usage(|counters| counters.expire(moment));
                shared.with_declarations(|counters| counters.expire(moment));
                shared.with_requests(|book| book.expire(moment));
                look_beside(&shared);
                shared.end_retention().await;
            }
        }
    }
}

/// The last entry, the last checkpoint, the last sync point.
async fn finish(shared: Arc<Shared<JournaledStore>>, started: &Started, reason: Option<&str>) {
    let entered = match started.stopped(reason) {
        Ok(stopped) => append(&shared, stopped).await.is_ok(),
        Err(_) => false,
    };
    if !entered {
        tracing::error!("the stop could not be entered in the access log");
    }
    // The HTTP/2 library ends the tasks of its streams a moment after their connections. Whoever is told that the
    // index has ended must find its directories free.
    let mut look = tokio::time::interval(LAST_HOLDERS_LOOK);
    for _ in 0..LAST_HOLDERS_LOOKS {
        if Arc::strong_count(&shared) == 1 {
            break;
        }
        look.tick().await;
    }
    let closing = tokio::task::spawn_blocking(move || {
        shared.log.close();
        shared.store.close();
    });
    if closing.await.is_err() {
        tracing::error!("the index's files were not closed in order");
    }
}
