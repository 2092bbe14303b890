//! A region that a command brings up in its own process: trust domain, nodes, callers.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agreement::peer::SpiffeId;
use client::connection::{Connection, Endpoint, IdentityFiles};
use ledger::checkpoint::LogVerifier;
use node::config::NodeConfig;
use node::daemon::{Handle, Node, NodeError};
use node::publisher::{DigestStatus, LinkStatus, PublisherStatus};
use tokio::task::JoinHandle;
use transport::channel::ServerAddress;
use transport::pki::authority::{Issued, TrustDomain};
use transport::pki::files;
use transport::pki::names::{IndexId, TrustDomainName, Validity};
use transport::shutdown::Shutdown;

use crate::failure::Failure;
use crate::session::Session;

/// DNS name in the certificate of every index that is brought up here.
pub(crate) const SERVER_NAME: &str = "localhost";

/// Far above what a whole region takes to publish.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// The certificates of a region.
#[derive(Debug)]
pub(crate) struct Certificates<'a> {
    /// Name of the trust domain.
    pub(crate) trust_domain: &'a TrustDomainName,
    /// How long they are valid.
    pub(crate) life: Duration,
    /// Names of the index besides [`SERVER_NAME`].
    pub(crate) server_names: &'a [String],
    /// File name, and role and id, of each node and caller.
    pub(crate) peers: Vec<(String, String)>,
}

/// A node that is up.
#[derive(Debug)]
pub(crate) struct RunningNode {
    /// ISTAT code of its municipality.
    pub(crate) istat: &'static str,
    /// How it is talked to.
    pub(crate) handle: Handle,
    running: JoinHandle<Result<(), NodeError>>,
}

impl Certificates<'_> {
    /// Makes a trust domain and everybody's keys and certificates in a directory: `authority.pem`, `index.pem`, and a
    /// file for each peer. The authority's own key is kept nowhere.
    pub(crate) fn issue(&self, pki: &Path, session: &Session<'_, '_>) -> Result<(), Failure> {
        let Self {
            trust_domain,
            life,
            server_names,
            peers,
        } = self;
        crate::command::index::make_private(pki)?;
        let random = &*session.surroundings.random;
        let wrong = |error: &(dyn std::error::Error + 'static)| Failure::internal(error);
        let validity =
            Validity::starting(session.surroundings.clock.now(), *life).map_err(|error| wrong(&error))?;
        let Issued { certificate, key } =
            TrustDomain::create(trust_domain, validity, random).map_err(|error| wrong(&error))?;
        files::write_certificate(&pki.join("authority.pem"), &certificate).map_err(|error| wrong(&error))?;
        let authority = TrustDomain::open(&certificate, &key).map_err(|error| wrong(&error))?;

        let write = |file: &str, issued: Issued| {
            let Issued { certificate, key } = issued;
            files::write_key(&pki.join(format!("{file}.key")), &key)?;
            files::write_certificate(&pki.join(format!("{file}.pem")), &certificate)
        };
        let id = IndexId::new((*trust_domain).clone(), "main").map_err(|error| wrong(&error))?;
        let mut names = vec![SERVER_NAME];
        names.extend(server_names.iter().map(String::as_str));
        let issued = authority
            .issue_server_with_key(&id, &names, validity, random)
            .map_err(|error| {
                Failure::usage("nome del server non valido", "not a name of a server").because(&error)
            })?;
        write("index", issued).map_err(|error| wrong(&error))?;
        for (file, path) in peers {
            let id =
                SpiffeId::parse(&format!("spiffe://{trust_domain}/{path}")).map_err(|error| wrong(&error))?;
            let issued = authority
                .issue_with_key(&id, validity, random)
                .map_err(|error| wrong(&error))?;
            write(file, issued).map_err(|error| wrong(&error))?;
        }
        Ok(())
    }
}

impl RunningNode {
    /// Writes a node's configuration and key into its directory, and starts it.
    pub(crate) fn start(
        home: &Path,
        istat: &'static str,
        configuration: &str,
        stop: Shutdown,
        session: &Session<'_, '_>,
    ) -> Result<Self, Failure> {
        let (clock, random) = (&session.surroundings.clock, &session.surroundings.random);
        crate::call::write_new(&home.join("node.toml"), configuration.as_bytes())?;
        let config = NodeConfig::parse(configuration, home).map_err(|error| Failure::internal(&error))?;
        index::init::make_secret(&config.key_encryption_key, &**random)
            .map_err(|error| Failure::internal(&error))?;
        let node = Node::open(&config, Arc::clone(clock), Arc::clone(random))
            .map_err(|error| Failure::internal(&error))?;
        let handle = node.handle();
        let running = tokio::spawn(node.run(stop));
        Ok(Self {
            istat,
            handle,
            running,
        })
    }

    /// Waits until the index holds everything up to `end`, visible, and both sides have compared it.
    pub(crate) async fn published(&self, end: u64) -> Result<(), String> {
        let settled = |status: &PublisherStatus| match (&status.link, status.digest) {
            (LinkStatus::Stopped { .. } | LinkStatus::Ended, _) => true,
            (_, DigestStatus::Equal { sequence } | DigestStatus::Different { sequence, .. }) => {
                end <= sequence
            }
            (
                LinkStatus::Starting | LinkStatus::Publishing | LinkStatus::Idle | LinkStatus::Waiting { .. },
                DigestStatus::Unknown,
            ) => false,
        };
        match tokio::time::timeout(LONGEST, self.handle.publisher().wait_for(settled)).await {
            Ok(Some(PublisherStatus {
                digest: DigestStatus::Equal { .. },
                rejected: 0,
                ..
            })) => Ok(()),
            Ok(Some(status)) => Err(format!("{status:?}")),
            Ok(None) => Err("the publisher has ended".to_owned()),
            Err(_) => Err("not published in time".to_owned()),
        }
    }

    /// Waits, at most `limit`, until a node that was told to stop has ended.
    pub(crate) async fn ended(self, limit: Duration) -> Result<(), Failure> {
        tokio::time::timeout(limit, self.running)
            .await
            .map_err(|error| Failure::internal(&error))?
            .map_err(|error| Failure::internal(&error))?
            .map_err(|error| Failure::internal(&error))
    }
}

/// A connection with the certificate of a caller; receipts are verified on arrival.
pub(crate) fn connect(
    pki: &Path,
    caller: &str,
    trust_domain: &TrustDomainName,
    address: SocketAddr,
    verifier: &LogVerifier,
    session: &Session<'_, '_>,
) -> Result<Connection, Failure> {
    let mut server = ServerAddress::new("127.0.0.1", address.port());
    server.server_name = Some(SERVER_NAME.to_owned());
    let identity = IdentityFiles {
        certificate: pki.join(format!("{caller}.pem")),
        key: pki.join(format!("{caller}.key")),
        authorities: pki.join("authority.pem"),
        revocation_lists: Vec::new(),
    };
    let endpoint = Endpoint::new(server, identity, trust_domain.clone(), verifier.clone());
    let (clock, random) = (&session.surroundings.clock, &session.surroundings.random);
    Connection::open(&endpoint, Arc::clone(clock), Arc::clone(random))
        .map_err(|error| Failure::internal(&error))
}
