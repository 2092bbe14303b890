//! Everything the index stands on: keys, access log, record store, certificates, opened in the order of trust.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use ledger::checkpoint::LogSigner;
use ledger::name::Origin;
use ledger::policy::Policy;
use store::access_log::start::{LogFiles, LogParameters};
use store::access_log::{AccessLog, LogSettings};
use store::cosignatures::Cosignatures;
use store::files::Files;
use store::keys::encryption_key::KeyEncryptionKey;
use store::keys::ring::{KeyRing, NamedKey};
use store::keys::token::Tokenizer;
use store::keys::{Entropy, KeyName};
use store::record_store::{Engine, JournaledStore, StoreSettings};
use tokio_util::task::TaskTracker;
use transport::clock::Clock;
use transport::pki::files::{read_certificate, read_key};
use transport::pki::names::TrustDomainName;
use transport::random::Random;
use transport::shutdown::Shutdown;
use transport::tls::material::TlsMaterial;
use transport::tls::server::ServerTls;

use crate::agreement_book::fold;
use crate::config::{AlertSetting, IndexConfig, TlsFiles, Witnessing};
use crate::declaration_restore;
use crate::oversight::alert::raising::ChangedError;
use crate::oversight::alert::roster::RosterError;
use crate::oversight::days::Days;
use crate::oversight::{Oversight, OversightError};
use crate::pace::Pacer;
use crate::request_restore;
use crate::run::Ground;
use crate::scopes::ScopesError;
use crate::shared::Shared;
use crate::starting::LastStartError;
use crate::usage_restore;
use crate::witness::Lag;

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
    /// The witnesses that are asked.
    #[error("the witnesses that are asked cannot be")]
    Witnesses(#[from] crate::witness::outside::OutsideError),
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
    /// What is stored of witnesses.
    #[error(transparent)]
    Cosignatures(#[from] store::cosignatures::CosignaturesError),
    /// The record store cannot be proved.
    #[error(transparent)]
    Store(#[from] store::record_store::OpenError),
    /// The agreements cannot be folded: a broken policy denies.
    #[error(transparent)]
    Agreements(#[from] crate::agreement_book::FoldError),
    /// The usage of today cannot be counted.
    #[error("today's usage cannot be counted from the access log")]
    Usage(#[from] store::access_log::reading::ReadError),
    /// A roster of an alert rule.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// The alert rules.
    #[error(transparent)]
    Alerts(#[from] ChangedError),
    /// The counters of accesses.
    #[error("accesses cannot be counted from the access log")]
    Oversight(#[from] OversightError),
    /// The scopes of the readers.
    #[error(transparent)]
    Scopes(#[from] ScopesError),
    /// The entries of the starts before.
    #[error(transparent)]
    LastStart(#[from] LastStartError),
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

/// Randomness as the store takes it.
#[derive(Debug)]
struct FromRandom(Arc<dyn Random>);

impl Entropy for FromRandom {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer);
    }
}

/// What is opened, and what it is given from outside.
pub(super) struct Opening {
    pub(super) config: IndexConfig,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) fatal: Arc<Mutex<Option<String>>>,
    pub(super) shutdown: Shutdown,
    pub(super) ground: Ground,
}

pub(super) fn server_tls(config: &IndexConfig, clock: Arc<dyn Clock>) -> Result<ServerTls, StartFailure> {
    let TlsFiles {
        certificate,
        key,
        authorities,
        revocation_lists,
    } = &config.tls;
    let refused = |error: Box<dyn std::error::Error + Send + Sync>| StartFailure::Tls(error);
    let lists = revocation_lists
        .iter()
        .map(std::fs::read_to_string)
        .collect::<Result<_, _>>();
    let material = TlsMaterial {
        chain: read_certificate(certificate).map_err(|error| refused(Box::new(error)))?,
        key: read_key(key).map_err(|error| refused(Box::new(error)))?,
        anchors: read_certificate(authorities).map_err(|error| refused(Box::new(error)))?,
        revocation_lists: lists.map_err(|error| refused(Box::new(error)))?,
        trust_domain: TrustDomainName::parse(&config.trust_domain)
            .map_err(|error| refused(Box::new(error)))?,
    };
    ServerTls::new(&material, clock).map_err(|error| refused(Box::new(error)))
}

fn directory(opening: &Opening, name: &'static str) -> Result<Arc<dyn Files>, StartFailure> {
    let path = opening.config.data_directory.join(name);
    let files = opening.ground.files.open(&path);
    files.map_err(|error| StartFailure::Files { what: name, error })
}

/// Opens log and store, and folds from the log what is in force. Blocks while files are verified.
pub(super) fn open(opening: &Opening) -> Result<Shared<JournaledStore>, StartFailure> {
    let Opening {
        config,
        clock,
        random,
        ..
    } = opening;
    let entropy: Arc<dyn Entropy> = Arc::new(FromRandom(Arc::clone(random)));
    let keys =
        KeyEncryptionKey::from_file(&config.key_encryption_key).map_err(|error| StartFailure::Key {
            what: "the key-encryption key",
            error: Box::new(error),
        })?;
    let ring = KeyRing::open(directory(opening, "keys")?, keys, Arc::clone(&entropy)).map_err(|error| {
        StartFailure::Key {
            what: "the key ring",
            error: Box::new(error),
        }
    })?;
    let ring = Arc::new(ring);
    let (log, cosignatures) = open_log(opening, &ring, &entropy)?;
    let settings = StoreSettings {
        segments: config.limits.journal_segments(),
        sync_interval: config.limits.sync_interval,
        daily_limits: config.daily_limits,
        engine: Engine::Sled {
            directory: config.data_directory.join("projection"),
            cache_bytes: config.limits.cache_bytes,
        },
    };
    let (store, report) = JournaledStore::open(
        directory(opening, "journal")?,
        Arc::clone(&ring),
        entropy.as_ref(),
        &settings,
    )?;
    tracing::info!(
        changes = report.changes,
        replayed = report.replayed,
        rebuilt = report.rebuilt,
        "the record store is open"
    );
    let agreements = fold(&log)?;
    let moment = agreement::moment::Moment::new(clock.now());
    let openings = crate::openings::fold(&log)?;
    let usage = usage_restore::restore(&log, moment)?;
    let declarations = declaration_restore::restore(&log, moment)?;
    let declaration_tokens = tokens(&ring, "log/declarations")?;
    let rules = config.alerts.iter().map(AlertSetting::load);
    let rules = rules.collect::<Result<_, _>>()?;
    let oversight = Oversight::open(
        &log,
        Days::new(
            directory(opening, "oversight")?,
            named_key(&ring, "oversight/days")?,
        ),
        rules,
    )?;
    let requests = request_restore::restore(&log, moment)?;
    let request_tokens = tokens(&ring, "log/requests")?;
    let pace = Pacer::new(opening.ground.pace).map_err(|error| StartFailure::Files {
        what: "the thread that holds answers back",
        error,
    })?;
    let mut page_key = [0; 32];
    random.fill(&mut page_key);
    Ok(Shared {
        store,
        log,
        cosignatures,
        oversight,
        lag: Lag::new(config.witnessing.stop_after, clock.now_ms()),
        agreements: ArcSwap::from_pointee(agreements),
        agreements_change: tokio::sync::Mutex::new(()),
        profiles_change: tokio::sync::Mutex::new(()),
        openings: Mutex::new(openings),
        openings_change: tokio::sync::Mutex::new(()),
        usage: Mutex::new(usage),
        declarations: Mutex::new(declarations),
        declaration_tokens,
        requests: Mutex::new(requests),
        request_tokens,
        nodes: config.nodes.clone(),
        registrars: config.registrars.clone(),
        stale_after: config.stale_after.clone(),
        contacts: config.contacts.clone(),
        readers: config.readers.clone(),
        clock: Arc::clone(clock),
        random: Arc::clone(random),
        page_key,
        pace,
        listing: tokio::sync::Mutex::new(()),
        shutdown: opening.shutdown.clone(),
        tasks: TaskTracker::new(),
    })
}

/// Hashes under a key of their own, which stays the same after a restart.
fn tokens(ring: &KeyRing, key: &'static str) -> Result<Tokenizer, StartFailure> {
    Ok(Tokenizer::new(&named_key(ring, key)?.key))
}

/// A key of the ring, made when there is none.
fn named_key(ring: &KeyRing, key: &'static str) -> Result<NamedKey, StartFailure> {
    let refused = |error: Box<dyn std::error::Error + Send + Sync>| StartFailure::Key {
        what: "a key of the key ring",
        error,
    };
    let name = KeyName::new(key).map_err(|error| refused(Box::new(error)))?;
    ring.get_or_create(&name)
        .map_err(|error| refused(Box::new(error)))
}

fn open_log(
    opening: &Opening,
    ring: &Arc<KeyRing>,
    entropy: &Arc<dyn Entropy>,
) -> Result<(AccessLog, Cosignatures), StartFailure> {
    let Opening {
        config,
        clock,
        fatal,
        shutdown,
        ..
    } = opening;
    let origin = Origin::new(config.origin.clone()).map_err(|_| StartFailure::Origin)?;
    let seed = crate::init::read_secret(&config.log_key).map_err(|error| StartFailure::Key {
        what: "the key of the access log",
        error: Box::new(error),
    })?;
    let signer = LogSigner::from_seed(origin, &seed).map_err(|error| StartFailure::Key {
        what: "the key of the access log",
        error: Box::new(error),
    })?;
    let copy = match &config.checkpoint_copy {
        None => directory(opening, "checkpoint")?,
        Some(path) => {
            let files = opening.ground.files.open(path);
            files.map_err(|error| StartFailure::Files {
                what: "checkpoint_copy",
                error,
            })?
        }
    };
    let Witnessing {
        witnesses,
        quorum,
        asked: _,
        authorities: _,
        stop_after: _,
    } = config.witnessing.clone();
    if witnesses.is_empty() {
        tracing::warn!("nobody cosigns the access log: its receipts stand on this index alone");
    }
    let policy = Policy::of_index(signer.verifier(), witnesses, quorum);
    // The log must contain whatever somebody else has seen of it.
    let (cosignatures, witnessed) = Cosignatures::open(directory(opening, "cosignatures")?, policy)?;
    let told = Arc::clone(fatal);
    let stop = shutdown.clone();
    let time = Arc::clone(clock);
    let parameters = LogParameters {
        files: LogFiles {
            log: directory(opening, "log")?,
            hashes: directory(opening, "hashes")?,
            copy,
        },
        signer,
        ring: Arc::clone(ring),
        entropy: Arc::clone(entropy),
        clock: Arc::new(move || time.now_ms()),
        witnessed,
        on_fatal: Arc::new(move |reason| {
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.to_owned());
            stop.trigger();
        }),
    };
    let settings = LogSettings {
        segments: config.limits.log_segments(),
        queue: config.limits.log_queue,
        ..LogSettings::default()
    };
    let (log, report) = AccessLog::open(parameters, settings)?;
    tracing::info!(
        entries = report.entries,
        seconds = report.seconds,
        "the access log is verified"
    );
    Ok((log, cosignatures))
}
