//! A region inside the process: index and nodes with real files and real mutual TLS, under one clock.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use agreement::peer::Role;
use chrono::{DateTime, TimeZone, Utc};
use client::admin::{Act, AdminClient, Effect};
use client::agency::AgencyClient;
use client::auditor::{AccessEntry, AccessFilter, AuditorClient, ReadingContext};
use client::connection::Connection;
use client::node::NodeClient;
use client::page::PageRequest;
use client::receipt::ReceiptPolicy;
use index::config::IndexConfig;
use index::run::{Running, StartFailure};
use ledger::checkpoint::{LogSigner, LogVerifier};
use ledger::name::Origin;
use tempfile::TempDir;
use tonic::transport::Channel;
use transport::channel::connect;
use transport::clock::{Clock, ManualClock};
use transport::pki::files::{read_certificate, read_key};
use transport::pki::names::TrustDomainName;
use transport::random::SystemRandom;
use transport::shutdown::Shutdown;
use transport::tls::client::ClientTls;
use transport::tls::material::TlsMaterial;

use crate::agreements::{self, Document};
use crate::authority::{Authority, TRUST_DOMAIN};
use crate::municipality::{Municipality, PUBLICATION_SEED, node_id, signing_key, write_secret};
use crate::people::{self, CASTEL_SAN_PIETRO, DOZZA, IMOLA, Person};
use crate::wait::within;

/// Origin of the access log.
pub const ORIGIN: &str = "log.ponte.test/1";

/// Seed of the log's key.
pub const LOG_SEED: [u8; 32] = [0x1e; 32];

/// Limits of a small index in which nothing waits for long.
pub const LIMITS: &str =
    "[limits]\ncache_mib = 8\nsync_interval_seconds = 1\nsegment_mib = 4\nconnections_per_address = 512\n";

/// The municipalities of the region.
pub const MUNICIPALITIES: [&str; 3] = [IMOLA, DOZZA, CASTEL_SAN_PIETRO];

/// Copies a directory with all that is in it.
///
/// # Panics
/// When it cannot.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the directory can be made");
    for entry in std::fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("readable").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// A running region.
#[derive(Debug)]
pub struct Region {
    directory: TempDir,
    /// The clock of all.
    pub clock: Arc<ManualClock>,
    /// The trust domain.
    pub authority: Authority,
    address: SocketAddr,
    index: Option<Running>,
    nodes: BTreeMap<String, Municipality>,
}

/// An address on which nothing listens. It lies below those that the system hands out by itself, so that an index
/// that starts again finds it free.
///
/// # Panics
/// When there is none.
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let own = u16::try_from(std::process::id() % 1_000).unwrap_or_default();
    for _ in 0..2_000 {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 12_000 + (own * 20 + step) % 20_000;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
    panic!("no port is free");
}

/// Writes the configuration of the index with its keys; `more` is added to it.
///
/// # Panics
/// When a file cannot be written.
pub fn write_config(directory: &Path, authority: &Authority, address: SocketAddr, more: &str) -> PathBuf {
    std::fs::create_dir_all(directory).expect("the directory can be made");
    write_secret(&directory.join("index.kek"), [0x2c; 32]);
    write_secret(&directory.join("log.key"), LOG_SEED);
    let identity = authority.server();
    let mut text = format!(
        "listen = \"{address}\"\n\
         data_directory = \"data\"\n\
         trust_domain = {TRUST_DOMAIN:?}\n\
         origin = {ORIGIN:?}\n\
         checkpoint_copy = \"copy\"\n\
         key_encryption_key = \"index.kek\"\n\
         log_key = \"log.key\"\n\
         contacts = [{IMOLA:?}]\n\
         [tls]\ncertificate = {:?}\nkey = {:?}\nauthorities = {:?}\n",
        identity.certificate, identity.key, identity.authorities,
    );
    let publication_key = signing_key(PUBLICATION_SEED).verifying_key();
    for istat in MUNICIPALITIES {
        let id = Authority::id(Role::Node, &node_id(istat));
        text.push_str(&format!(
            "[[node]]\nid = \"{id}\"\nmunicipalities = [{istat:?}]\npublication_key = \"{publication_key}\"\n"
        ));
    }
    let police = Authority::id(Role::Agency, agreements::POLICE.agency);
    let body = Authority::id(Role::Agency, agreements::PUBLIC_BODY.agency);
    let readers = [
        ("garante", "scope = \"region\"".to_owned()),
        (
            "imola",
            format!("scope = \"municipality\"\nmunicipality = {IMOLA:?}"),
        ),
        ("questura", format!("scope = \"agency\"\nagency = \"{police}\"")),
        ("asl", format!("scope = \"agency\"\nagency = \"{body}\"")),
    ];
    for (id, scope) in readers {
        text.push_str(&format!(
            "[[reader]]\nid = \"{}\"\n{scope}\n",
            Authority::id(Role::Auditor, id)
        ));
    }
    text.push_str(more);
    let file = directory.join("index.toml");
    std::fs::write(&file, text).expect("the configuration can be written");
    file
}

/// The verifier of the log of every region here.
///
/// # Panics
/// When the fixed seed makes no key.
pub fn log_verifier() -> LogVerifier {
    log_signer().verifier()
}

/// The key of the log of every region here, for whoever rewrites its history.
///
/// # Panics
/// When the fixed seed makes no key.
pub fn log_signer() -> LogSigner {
    LogSigner::from_seed(Origin::new(ORIGIN).expect("an origin"), &LOG_SEED).expect("a key")
}

/// The administrator's act.
pub fn act() -> Act {
    Act {
        reference: "Determina 12/2026".to_owned(),
        operator: "p.sarti".to_owned(),
    }
}

/// Why a log is read.
pub fn reading() -> ReadingContext {
    ReadingContext {
        purpose: "ordinary-control".to_owned(),
        reference: "2026/1".to_owned(),
        reader: "a.neri".to_owned(),
    }
}

impl Region {
    /// An index without data and without agreements.
    pub async fn empty() -> Self {
        Self::configured(LIMITS).await
    }

    /// The same, with more configuration.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn configured(more: &str) -> Self {
        // A Monday, 9:00 in Italy.
        let now = Utc
            .with_ymd_and_hms(2026, 11, 2, 8, 0, 0)
            .single()
            .expect("an instant");
        Self::at(now, more).await
    }

    /// The same at an instant, at which its clock stands.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn at(now: DateTime<Utc>, more: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let clock = Arc::new(ManualClock::at(now));
        let pki = directory.path().join("pki");
        std::fs::create_dir(&pki).expect("the directory can be made");
        let authority = Authority::create(&pki, clock.clone());
        let address = free_address();
        write_config(&directory.path().join("index"), &authority, address, more);
        let mut region = Self {
            directory,
            clock,
            authority,
            address,
            index: None,
            nodes: BTreeMap::new(),
        };
        region.start_index().await;
        region
    }

    /// A region with its three agreements active and its people published.
    pub async fn populated() -> Self {
        let mut region = Self::empty().await;
        // What is published is what agreements open.
        for document in agreements::ALL {
            region.activate(document).await;
        }
        for istat in MUNICIPALITIES {
            region.publish(istat, &people::everybody()).await;
        }
        region
    }

    /// Publishes these people's cards in one municipality, whose node is started when it is not there.
    pub async fn publish(&mut self, istat: &str, people: &[Person]) -> node::import::ImportReport {
        self.municipality(istat).publish(people).await
    }

    /// A municipality, whose node is started when it is not there.
    pub fn municipality(&mut self, istat: &str) -> &mut Municipality {
        let Self {
            directory,
            clock,
            authority,
            address,
            nodes,
            ..
        } = self;
        nodes.entry(istat.to_owned()).or_insert_with(|| {
            let directory = directory.path().join(format!("node-{istat}"));
            Municipality::start(&directory, istat, authority, *address, clock.clone())
        })
    }

    /// Activates an agreement.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn activate(&self, document: Document) {
        let activated = self
            .administrator()
            .activate(document.text.as_bytes(), None, &act(), Effect::Activate)
            .await;
        activated.expect("the agreement is activated");
    }

    /// Directory of everything: `pki`, `index`, `node-<istat>`.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Directory of the index's data.
    pub fn index_data(&self) -> PathBuf {
        self.directory.path().join("index/data")
    }

    /// The running index.
    ///
    /// # Panics
    /// When it was stopped.
    pub fn running(&self) -> &Running {
        self.index.as_ref().expect("the index runs")
    }

    /// Writes the configuration of the index anew, with more in it, for its next start.
    pub fn reconfigure(&self, more: &str) {
        let index = self.directory.path().join("index");
        write_config(&index, &self.authority, self.address, more);
    }

    /// Where the index listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A connection of any peer, whose receipts are verified.
    pub fn connection(&self, role: Role, id: &str) -> Connection {
        let identity = self.authority.peer(role, id);
        self.authority
            .connection(self.address, identity, ReceiptPolicy::Verify(log_verifier()))
    }

    /// The agency that holds an agreement.
    pub fn agency(&self, document: Document) -> AgencyClient {
        AgencyClient::new(self.connection(Role::Agency, document.agency))
    }

    /// An auditor: `garante` reads everything, `imola` its own, `questura` and `asl` their agencies' own,
    /// others nothing.
    pub fn auditor(&self, id: &str) -> AuditorClient {
        AuditorClient::new(self.connection(Role::Auditor, id))
    }

    /// The administrator of agreements.
    pub fn administrator(&self) -> AdminClient {
        AdminClient::new(self.connection(Role::Admin, "regione"))
    }

    /// A client of a municipality's node, without the node.
    pub fn node_client(&self, istat: &str) -> NodeClient {
        NodeClient::new(self.connection(Role::Node, &node_id(istat)))
    }

    /// A channel for generated clients: what comes back is seen byte by byte.
    ///
    /// # Panics
    /// When the connection fails.
    pub async fn channel(&self, role: Role, id: &str) -> Channel {
        let identity = self.authority.peer(role, id);
        let material = TlsMaterial {
            chain: read_certificate(&identity.certificate).expect("a certificate"),
            key: read_key(&identity.key).expect("a key"),
            anchors: read_certificate(&identity.authorities).expect("an authority"),
            revocation_lists: Vec::new(),
            trust_domain: TrustDomainName::parse(TRUST_DOMAIN).expect("a name"),
        };
        let clock: Arc<dyn Clock> = self.clock.clone();
        let tls = ClientTls::new(&material, Some(Authority::index_id()), clock).expect("a client");
        let server = self
            .authority
            .endpoint(self.address, identity, ReceiptPolicy::Keep)
            .server;
        within(connect(&server, &tls)).await.expect("a connection")
    }

    /// Every entry that an auditor sees, read page by page.
    ///
    /// # Panics
    /// When a page is refused.
    pub async fn entries(&self, auditor: &str) -> Vec<AccessEntry> {
        self.entries_in_pages(auditor, 7).await
    }

    /// The same in pages of another size.
    ///
    /// # Panics
    /// When a page is refused.
    pub async fn entries_in_pages(&self, auditor: &str, size: u16) -> Vec<AccessEntry> {
        let client = self.auditor(auditor);
        let mut entries = Vec::new();
        let mut page = PageRequest {
            size: Some(size),
            after: None,
        };
        loop {
            let listed = client
                .list_accesses(&reading(), &AccessFilter::default(), &page)
                .await
                .expect("a page");
            entries.extend(listed.page.items);
            match listed.page.next {
                Some(next) => page.after = Some(next),
                None => return entries,
            }
        }
    }

    /// Starts the index over its directory.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_index(&mut self) {
        self.try_start_index().await.expect("the index starts");
    }

    /// Starts the index over its directory, or tells why not.
    ///
    /// # Errors
    /// What the index says.
    ///
    /// # Panics
    /// When its configuration is not valid.
    pub async fn try_start_index(&mut self) -> Result<(), StartFailure> {
        let config =
            IndexConfig::load(&self.directory.path().join("index/index.toml")).expect("a configuration");
        let running = index::run::start(
            config,
            self.clock.clone(),
            Arc::new(SystemRandom),
            Shutdown::new(),
        )
        .await?;
        self.index = Some(running);
        Ok(())
    }

    /// Stops the index in good order.
    ///
    /// # Panics
    /// When it ends with an error.
    pub async fn stop_index(&mut self) {
        let Some(running) = self.index.take() else { return };
        running.stop();
        within(running.ended())
            .await
            .expect("the index ends in good order");
    }

    /// Stops nodes and index in good order.
    pub async fn stop(&mut self) {
        for node in self.nodes.values_mut() {
            node.stop().await;
        }
        self.stop_index().await;
    }
}
