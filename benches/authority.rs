//! A trust domain in a directory, with a certificate for each party.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agreement::peer::{Role, SpiffeId};
use client::connection::{Connection, Endpoint, IdentityFiles, Timing};
use client::receipt::ReceiptPolicy;
use tonic::transport::Channel;
use transport::channel::{ServerAddress, connect};
use transport::clock::{Clock, SystemClock};
use transport::pki::authority::{Issued, TrustDomain};
use transport::pki::files::{read_certificate, read_key, write_certificate, write_key};
use transport::pki::names::{IndexId, TrustDomainName, Validity};
use transport::random::SystemRandom;
use transport::tls::client::ClientTls;
use transport::tls::material::TlsMaterial;

/// The trust domain's name.
pub const TRUST_DOMAIN: &str = "ponte.example";

/// DNS name in the servers' certificate.
pub const SERVER_NAME: &str = "index.ponte.example";

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A party with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The index, and the echo beside it.
    Server,
    /// The node of the one municipality.
    Node,
    /// The agency that consults.
    Agency,
    /// Who activates the agreement.
    Administrator,
}

impl Party {
    const ALL: [Self; 4] = [Self::Server, Self::Node, Self::Agency, Self::Administrator];

    /// The party's id; the server has none of this kind.
    ///
    /// # Panics
    /// Never: the ids are well formed.
    pub fn spiffe_id(self) -> Option<SpiffeId> {
        let (role, id) = match self {
            Self::Server => return None,
            Self::Node => (Role::Node, "comune-037032"),
            Self::Agency => (Role::Agency, "questura-bo"),
            Self::Administrator => (Role::Admin, "regione"),
        };
        Some(SpiffeId::new(TRUST_DOMAIN, role, id).expect("the parts are those of an id"))
    }

    fn file_name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Node => "node",
            Self::Agency => "agency",
            Self::Administrator => "administrator",
        }
    }
}

/// Makes a trust domain, its authority and everybody's certificates in a new directory.
///
/// # Panics
/// When a file cannot be written.
pub fn create(directory: &Path) {
    std::fs::create_dir_all(directory).expect("the directory can be made");
    let now = SystemClock.now();
    let random = SystemRandom;
    let validity = Validity::starting(now - DAY, DAY * 90).expect("a span");
    let issued = TrustDomain::create(&domain(), validity, &random).expect("an authority is made");
    let authority = TrustDomain::open(&issued.certificate, &issued.key).expect("it opens again");
    write_certificate(&directory.join("authorities.pem"), authority.certificate()).expect("it is written");
    for party in Party::ALL {
        let Issued { certificate, key } = match party.spiffe_id() {
            None => {
                authority.issue_server_with_key(&server_id(), &[SERVER_NAME, "localhost"], validity, &random)
            }
            Some(id) => authority.issue_with_key(&id, validity, &random),
        }
        .expect("a certificate is issued");
        let files = files(directory, party);
        write_certificate(&files.certificate, &certificate).expect("it is written");
        write_key(&files.key, &key).expect("it is written");
    }
}

/// Where a party's certificate and key are.
pub fn files(directory: &Path, party: Party) -> IdentityFiles {
    let path = |extension: &str| -> PathBuf { directory.join(format!("{}.{extension}", party.file_name())) };
    IdentityFiles {
        certificate: path("pem"),
        key: path("key"),
        authorities: directory.join("authorities.pem"),
        revocation_lists: Vec::new(),
    }
}

/// A party's TLS material.
///
/// # Panics
/// When a file cannot be read.
pub fn material(directory: &Path, party: Party) -> TlsMaterial {
    let IdentityFiles {
        certificate,
        key,
        authorities,
        revocation_lists: _,
    } = files(directory, party);
    TlsMaterial {
        chain: read_certificate(&certificate).expect("the certificate is there"),
        key: read_key(&key).expect("the key is there"),
        anchors: read_certificate(&authorities).expect("the authority is there"),
        revocation_lists: Vec::new(),
        trust_domain: domain(),
    }
}

/// A connection of the SDK; receipts are kept unread.
///
/// # Panics
/// When the party's files cannot be read.
pub fn connection(directory: &Path, party: Party, server: SocketAddr) -> Connection {
    let endpoint = Endpoint {
        server: address(server),
        identity: files(directory, party),
        trust_domain: domain(),
        expected_server: Some(server_id()),
        receipts: ReceiptPolicy::Keep,
        timing: Timing {
            deadline: Duration::from_secs(60),
            ..Timing::default()
        },
    };
    Connection::open(&endpoint, Arc::new(SystemClock), Arc::new(SystemRandom))
        .expect("the files make a connection")
}

/// A bare channel of a party, connected.
///
/// # Panics
/// When the server refuses.
pub async fn channel(directory: &Path, party: Party, server: SocketAddr) -> Channel {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let tls = ClientTls::new(&material(directory, party), Some(server_id()), clock).expect("a configuration");
    connect(&address(server), &tls).await.expect("the server accepts")
}

fn address(server: SocketAddr) -> ServerAddress {
    let mut address = ServerAddress::new(&server.ip().to_string(), server.port());
    address.server_name = Some(SERVER_NAME.to_owned());
    address
}

fn domain() -> TrustDomainName {
    TrustDomainName::parse(TRUST_DOMAIN).expect("a name")
}

fn server_id() -> IndexId {
    IndexId::new(domain(), "regione").expect("an id")
}
