//! A trust domain for tests, with good certificates and with those that its own tools would never issue.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agreement::peer::{Role, SpiffeId};
use client::connection::{Connection, Endpoint, IdentityFiles, Timing};
use client::receipt::ReceiptPolicy;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, SanType};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::{ClientConfig, RootCertStore};
use transport::channel::ServerAddress;
use transport::clock::Clock;
use transport::pki::authority::{Issued, TrustDomain};
use transport::pki::files::{write_certificate, write_key};
use transport::pki::names::{IndexId, TrustDomainName, Validity};
use transport::pki::request::KeyPem;
use transport::random::{Random, SystemRandom};

/// The trust domain's name.
pub const TRUST_DOMAIN: &str = "ponte.test";

/// DNS name in the index's certificate.
pub const SERVER_NAME: &str = "index.ponte.test";

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A trust domain whose files lie in one directory.
#[derive(Debug)]
pub struct Authority {
    directory: PathBuf,
    issued: Issued,
    domain: TrustDomain,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Authority {
    /// Makes a trust domain in an existing directory.
    pub fn create(directory: &Path, clock: Arc<dyn Clock>) -> Self {
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let name = TrustDomainName::parse(TRUST_DOMAIN).expect("a name");
        let validity = Validity::starting(clock.now() - DAY * 400, DAY * 4000).expect("a span");
        let issued = TrustDomain::create(&name, validity, random.as_ref()).expect("an authority");
        let domain = TrustDomain::open(&issued.certificate, &issued.key).expect("an authority");
        let authority = Self {
            directory: directory.to_owned(),
            issued,
            domain,
            clock,
            random,
        };
        write_certificate(&authority.authorities(), authority.domain.certificate()).expect("written");
        authority
    }

    /// File of the trusted authorities.
    pub fn authorities(&self) -> PathBuf {
        self.directory.join("authorities.pem")
    }

    /// A peer's id.
    pub fn id(role: Role, id: &str) -> SpiffeId {
        SpiffeId::new(TRUST_DOMAIN, role, id).expect("an id")
    }

    /// The index's id.
    pub fn index_id() -> IndexId {
        IndexId::new(TrustDomainName::parse(TRUST_DOMAIN).expect("a name"), "regione").expect("an id")
    }

    /// Files of the index's certificate; made with the first call.
    pub fn server(&self) -> IdentityFiles {
        self.files("index", || {
            let names = [SERVER_NAME, "localhost"];
            self.domain
                .issue_server_with_key(&Self::index_id(), &names, self.validity(), self.random.as_ref())
                .expect("issued")
        })
    }

    /// Files of a peer's certificate; made with the first call.
    pub fn peer(&self, role: Role, id: &str) -> IdentityFiles {
        let name = format!("{}-{id}", role.name());
        self.files(&name, || {
            self.domain
                .issue_with_key(&Self::id(role, id), self.validity(), self.random.as_ref())
                .expect("issued")
        })
    }

    /// Forgets every certificate that was issued, so that the next calls make them anew: after months.
    ///
    /// # Panics
    /// When the directory cannot be read or changed.
    pub fn renew(&self) {
        for file in std::fs::read_dir(&self.directory).expect("the directory") {
            let key = file.expect("a file").path();
            if key.extension().is_some_and(|extension| extension == "key") {
                std::fs::remove_file(key.with_extension("pem")).expect("removed");
                std::fs::remove_file(key).expect("removed");
            }
        }
    }

    /// A certificate that ended a day ago.
    pub fn expired(&self, role: Role, id: &str) -> Issued {
        let validity = Validity::starting(self.clock.now() - DAY * 30, DAY * 29).expect("a span");
        self.domain
            .issue_with_key(&Self::id(role, id), validity, self.random.as_ref())
            .expect("issued")
    }

    /// A certificate of this authority with any number of URIs.
    pub fn forged(&self, uris: &[&str]) -> Issued {
        let mut params = CertificateParams::default();
        params.subject_alt_names = uris
            .iter()
            .map(|uri| SanType::URI((*uri).try_into().expect("a URI")))
            .collect();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        let own = KeyPair::from_pem(self.issued.key.expose()).expect("the authority's key");
        let issuer = Issuer::from_ca_cert_pem(&self.issued.certificate, own).expect("the authority");
        let certificate = params.signed_by(&key, &issuer).expect("signed").pem();
        Issued {
            certificate,
            key: KeyPem::new(key.serialize_pem()),
        }
    }

    /// A TLS client of the library alone, without any of the product's checks of its own certificate.
    pub fn bare_client(&self, own: &Issued) -> ClientConfig {
        let mut anchors = RootCertStore::empty();
        anchors
            .add(certificate(self.domain.certificate()))
            .expect("an anchor");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::from_pem_slice(own.key.expose().as_bytes()).expect("a key");
        let mut config =
            ClientConfig::builder_with_details(provider, Arc::new(TlsTime(Arc::clone(&self.clock))))
                .with_protocol_versions(&[&rustls::version::TLS13])
                .expect("TLS 1.3")
                .with_root_certificates(anchors)
                .with_client_auth_cert(vec![certificate(&own.certificate)], key)
                .expect("a client");
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }

    /// A connection of a peer to the index.
    pub fn connection(
        &self,
        index: SocketAddr,
        identity: IdentityFiles,
        receipts: ReceiptPolicy,
    ) -> Connection {
        let endpoint = self.endpoint(index, identity, receipts);
        Connection::open(&endpoint, Arc::clone(&self.clock), Arc::clone(&self.random)).expect("a connection")
    }

    /// What a connection is made from.
    pub fn endpoint(&self, index: SocketAddr, identity: IdentityFiles, receipts: ReceiptPolicy) -> Endpoint {
        let mut server = ServerAddress::new(&index.ip().to_string(), index.port());
        server.server_name = Some(SERVER_NAME.to_owned());
        Endpoint {
            server,
            identity,
            trust_domain: TrustDomainName::parse(TRUST_DOMAIN).expect("a name"),
            expected_server: Some(Self::index_id()),
            receipts,
            timing: Timing {
                deadline: Duration::from_secs(30),
                ..Timing::default()
            },
        }
    }

    fn validity(&self) -> Validity {
        Validity::starting(self.clock.now() - DAY, DAY * 90).expect("a span")
    }

    fn files(&self, name: &str, issue: impl FnOnce() -> Issued) -> IdentityFiles {
        let files = IdentityFiles {
            certificate: self.directory.join(format!("{name}.pem")),
            key: self.directory.join(format!("{name}.key")),
            authorities: self.authorities(),
            revocation_lists: Vec::new(),
        };
        if !files.certificate.exists() {
            let Issued { certificate, key } = issue();
            write_certificate(&files.certificate, &certificate).expect("written");
            write_key(&files.key, &key).expect("written");
        }
        files
    }
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")
}

#[derive(Debug)]
struct TlsTime(Arc<dyn Clock>);

impl rustls::time_provider::TimeProvider for TlsTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(self.0.now_ms())))
    }
}
