//! A trust domain, a server with a handler that does what the path says, and clients good and bad.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use chrono::{TimeZone, Utc};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, SanType};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio_rustls::TlsConnector;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tower::ServiceExt;

use agreement::peer::{Role, SpiffeId};
use agreement::reason::Reason;
use transport::allow::AllowList;
use transport::channel::{self, ServerAddress};
use transport::clock::{Clock, ManualClock};
use transport::door::{Cause, DoorFuture, DoorLog, DoorLogFailed, DoorReceipt, Refusal};
use transport::gate::services::{HEALTH, Services};
use transport::gate::{Gate, GateParts};
use transport::health::Health;
use transport::identity::VerifiedPeer;
use transport::listener::{Listener, ListenerLimits};
use transport::pki::authority::{Issued, Revocation, TrustDomain};
use transport::pki::names::{IndexId, TrustDomainName, Validity};
use transport::pki::request::KeyPem;
use transport::pki::summary;
use transport::random::danger::SeededRandom;
use transport::server::{self, Ended, ServerSettings};
use transport::shutdown::Shutdown;
use transport::tls::client::ClientTls;
use transport::tls::live::LiveTls;
use transport::tls::material::TlsMaterial;
use transport::tls::server::ServerTls;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);
pub(crate) const SERVER_NAME: &str = "index.ponte.example";
pub(crate) const TEST: &str = "ponte.test.v1.TestService";
pub(crate) const ADMIN_ONLY: &str = "ponte.test.v1.AdminService";
/// Far longer than anything here takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for `future`, and fails the test rather than hang.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("nothing happened for half a minute")
}

// ---- the trust domain

pub(crate) struct Pki {
    pub(crate) authority: Issued,
    pub(crate) domain: TrustDomain,
    pub(crate) clock: Arc<ManualClock>,
    random: SeededRandom,
}

impl Pki {
    pub(crate) fn new() -> Self {
        Self::named("ponte.example")
    }

    pub(crate) fn named(name: &str) -> Self {
        let now = Utc.with_ymd_and_hms(2026, 11, 2, 8, 0, 0).unwrap();
        let clock = Arc::new(ManualClock::at(now));
        let random = SeededRandom::new(1);
        let name = TrustDomainName::parse(name).unwrap();
        let validity = Validity::starting(now - DAY * 30, DAY * 3650).unwrap();
        let authority = TrustDomain::create(&name, validity, &random).unwrap();
        let domain = TrustDomain::open(&authority.certificate, &authority.key).unwrap();
        Self {
            authority,
            domain,
            clock,
            random,
        }
    }

    pub(crate) fn validity(&self, days: u32) -> Validity {
        Validity::starting(self.clock.now() - DAY, DAY * days).unwrap()
    }

    pub(crate) fn peer(&self, role: Role, id: &str) -> Issued {
        let id = SpiffeId::new(self.domain.name().as_str(), role, id).unwrap();
        self.domain
            .issue_with_key(&id, self.validity(90), &self.random)
            .unwrap()
    }

    pub(crate) fn server(&self) -> Issued {
        self.server_named(&[SERVER_NAME])
    }

    pub(crate) fn server_named(&self, names: &[&str]) -> Issued {
        let id = IndexId::new(self.domain.name().clone(), "regione").unwrap();
        self.domain
            .issue_server_with_key(&id, names, self.validity(365), &self.random)
            .unwrap()
    }

    /// A certificate of this authority that its own tools would never issue.
    pub(crate) fn forge(&self, uris: &[&str], usages: &[ExtendedKeyUsagePurpose]) -> Issued {
        let mut params = CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2036, 1, 1);
        params.subject_alt_names = uris
            .iter()
            .map(|uri| SanType::URI((*uri).try_into().unwrap()))
            .collect();
        params.extended_key_usages = usages.to_vec();
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let ca_key = KeyPair::from_pem(self.authority.key.expose()).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&self.authority.certificate, ca_key).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap().pem();
        Issued {
            certificate,
            key: KeyPem::new(key.serialize_pem()),
        }
    }

    pub(crate) fn revocation_list(&self, revoked: &[&Issued], number: u64) -> String {
        let revocations: Vec<_> = revoked
            .iter()
            .map(|issued| Revocation {
                serial: summary::inspect(&issued.certificate).unwrap().serial,
                at: self.clock.now(),
            })
            .collect();
        self.domain
            .revocation_list(&revocations, number, self.validity(8))
            .unwrap()
    }

    pub(crate) fn material(&self, own: &Issued, revocation_lists: Vec<String>) -> TlsMaterial {
        TlsMaterial {
            chain: own.certificate.clone(),
            key: own.key.clone(),
            anchors: self.authority.certificate.clone(),
            revocation_lists,
            trust_domain: self.domain.name().clone(),
        }
    }

    pub(crate) fn server_tls(&self, revocation_lists: Vec<String>) -> ServerTls {
        let clock: Arc<dyn Clock> = self.clock.clone();
        ServerTls::new(&self.material(&self.server(), revocation_lists), clock).unwrap()
    }

    pub(crate) fn client_tls(&self, own: &Issued) -> ClientTls {
        ClientTls::new(&self.material(own, vec![]), None, self.clock.clone()).unwrap()
    }

    /// A client of the library alone, without any of our checks of its own certificate.
    pub(crate) fn bare_client(&self, own: Option<&Issued>, alpn: &[&[u8]]) -> ClientConfig {
        let mut anchors = RootCertStore::empty();
        anchors.add(certificate(&self.authority.certificate)).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let time = Arc::new(TestTime(self.clock.clone()));
        let builder = ClientConfig::builder_with_details(provider, time)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(anchors);
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some(own) => {
                let key = PrivateKeyDer::from_pem_slice(own.key.expose().as_bytes()).unwrap();
                builder
                    .with_client_auth_cert(vec![certificate(&own.certificate)], key)
                    .unwrap()
            }
        };
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        config
    }
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

#[derive(Debug)]
struct TestTime(Arc<ManualClock>);

impl rustls::time_provider::TimeProvider for TestTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(self.0.now_ms())))
    }
}

// ---- the server

pub(crate) struct Options {
    pub(crate) limits: ListenerLimits,
    pub(crate) settings: ServerSettings,
    pub(crate) longest_call: Duration,
    pub(crate) door: Arc<Door>,
    pub(crate) revocation_lists: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: ListenerLimits::default(),
            settings: ServerSettings::default(),
            longest_call: PATIENCE,
            door: Arc::new(Door::new(DoorMode::Entering)),
            revocation_lists: vec![],
        }
    }
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) tls: LiveTls,
    pub(crate) door: Arc<Door>,
    pub(crate) handlers: Arc<Handlers>,
    pub(crate) shutdown: Shutdown,
    pub(crate) ended: tokio::task::JoinHandle<Ended>,
}

pub(crate) async fn start(pki: &Pki, options: Options) -> Running {
    let Options {
        limits,
        settings,
        longest_call,
        door,
        revocation_lists,
    } = options;
    let tls = LiveTls::new(pki.server_tls(revocation_lists));
    let handlers = Arc::new(Handlers::default());
    let (health, health_server) = Health::new(&[TEST]).await;
    let services = Services::new()
        .serve(TestService(Arc::clone(&handlers)))
        .serve(AdminService)
        .serve(health_server.max_decoding_message_size(1024));
    let gate = Gate::new(GateParts {
        services,
        allow: allow_list(),
        door: door.clone(),
        clock: pki.clock.clone(),
        tls: tls.clone(),
        answer: Arc::new(answer),
        longest_call,
    })
    .unwrap();
    health.serving().await;
    let listener = Listener::bind("127.0.0.1:0", limits).await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let ended = tokio::spawn(server::serve(
        listener,
        settings,
        Arc::new(gate),
        health,
        shutdown.clone(),
    ));
    Running {
        address,
        tls,
        door,
        handlers,
        shutdown,
        ended,
    }
}

pub(crate) fn allow_list() -> AllowList {
    AllowList::new()
        .allow(TEST, &[Role::Agency])
        .allow(ADMIN_ONLY, &[Role::Admin])
        .allow(HEALTH, &Role::ALL)
}

fn answer(reason: Reason, receipt: Option<&DoorReceipt>) -> Status {
    let code = Code::from_i32(reason.grpc().number());
    let mut status = Status::with_details(code, reason.english(), reason.name().as_bytes().to_vec().into());
    if let Some(DoorReceipt(bytes)) = receipt {
        let value = tonic::metadata::MetadataValue::from_bytes(bytes);
        status.metadata_mut().insert_bin("ponte-receipt-bin", value);
    }
    status
}

impl Running {
    pub(crate) fn place(&self) -> ServerAddress {
        let mut place = ServerAddress::new("127.0.0.1", self.address.port());
        place.server_name = Some(SERVER_NAME.to_owned());
        place
    }

    pub(crate) async fn connect(&self, pki: &Pki, own: &Issued) -> Channel {
        within(channel::connect(&self.place(), &pki.client_tls(own)))
            .await
            .unwrap()
    }

    /// Calls without the gRPC library's client, which ends a call with a `grpc-timeout` by itself.
    pub(crate) async fn bare_call(
        &self,
        config: ClientConfig,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Status {
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from(SERVER_NAME).unwrap();
        let stream = within(TlsConnector::from(Arc::new(config)).connect(name, tcp))
            .await
            .unwrap();
        let builder = hyper::client::conn::http2::Builder::new(TokioExecutor::new());
        let (mut sender, connection) = within(builder.handshake(TokioIo::new(stream))).await.unwrap();
        let connection = tokio::spawn(connection);
        let path = format!("https://{SERVER_NAME}{path}");
        let response = within(sender.send_request(request(&path, headers, framed(b""))))
            .await
            .unwrap();
        connection.abort();
        Status::from_header_map(response.headers()).unwrap()
    }

    /// Makes a handshake with a bare configuration and reads until the server speaks or hangs up.
    /// In TLS 1.3 the client learns only then that its certificate was refused.
    pub(crate) async fn shake(&self, config: ClientConfig) -> std::io::Result<Shaken> {
        use tokio::io::AsyncReadExt;
        let tcp = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from(SERVER_NAME).unwrap();
        let mut stream = within(TlsConnector::from(Arc::new(config)).connect(name, tcp)).await?;
        let mut first = [0];
        within(stream.read_exact(&mut first)).await?;
        let (_, session) = stream.get_ref();
        Ok(Shaken {
            group: session.negotiated_key_exchange_group().map(|group| group.name()),
            kind: session.handshake_kind(),
        })
    }
}

pub(crate) struct Shaken {
    pub(crate) group: Option<rustls::NamedGroup>,
    pub(crate) kind: Option<rustls::HandshakeKind>,
}

// ---- the door log

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DoorMode {
    Entering,
    Failing,
    Held,
}

#[derive(Debug)]
pub(crate) struct Door {
    mode: DoorMode,
    entered: watch::Sender<Vec<Refusal>>,
    pub(crate) asked: Notify,
    pub(crate) release: Notify,
}

impl Door {
    pub(crate) fn new(mode: DoorMode) -> Self {
        Self {
            mode,
            entered: watch::Sender::new(vec![]),
            asked: Notify::new(),
            release: Notify::new(),
        }
    }

    pub(crate) fn entered(&self) -> Vec<Refusal> {
        self.entered.borrow().clone()
    }

    /// Waits for the first entry and shows the causes of all.
    pub(crate) async fn causes(&self) -> BTreeSet<&'static str> {
        let mut entered = self.entered.subscribe();
        let entries = within(entered.wait_for(|entries| !entries.is_empty()))
            .await
            .unwrap();
        entries.iter().map(|refusal| refusal.cause.name()).collect()
    }

    pub(crate) async fn wait_for(&self, cause: Cause) -> Refusal {
        let mut entered = self.entered.subscribe();
        let has = |entries: &Vec<Refusal>| entries.iter().any(|refusal| refusal.cause == cause);
        let entries = within(entered.wait_for(has)).await.unwrap();
        entries
            .iter()
            .find(|refusal| refusal.cause == cause)
            .unwrap()
            .clone()
    }
}

impl DoorLog for Door {
    fn refused(&self, refusal: Refusal) -> DoorFuture<'_> {
        Box::pin(async move {
            self.asked.notify_one();
            match self.mode {
                DoorMode::Failing => return Err(DoorLogFailed),
                DoorMode::Held => self.release.notified().await,
                DoorMode::Entering => {}
            }
            self.entered.send_modify(|entries| entries.push(refusal));
            Ok(Some(DoorReceipt(vec![7; 72])))
        })
    }
}

// ---- the handlers

#[derive(Default)]
pub(crate) struct Handlers {
    pub(crate) peers: Mutex<Vec<VerifiedPeer>>,
    pub(crate) started: Notify,
    pub(crate) release: Notify,
}

#[derive(Clone)]
struct TestService(Arc<Handlers>);

#[derive(Clone)]
struct AdminService;

impl NamedService for TestService {
    const NAME: &'static str = TEST;
}

impl NamedService for AdminService {
    const NAME: &'static str = ADMIN_ONLY;
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl tower::Service<Request<Body>> for TestService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        let handlers = Arc::clone(&self.0);
        Box::pin(async move {
            let status = match request.uri().path().rsplit('/').next().unwrap() {
                "Ok" => {
                    handlers
                        .peers
                        .lock()
                        .unwrap()
                        .push(VerifiedPeer::of(request.extensions()).unwrap());
                    Status::ok("")
                }
                "Never" => {
                    handlers.started.notify_one();
                    std::future::pending().await
                }
                "Hold" => {
                    handlers.started.notify_one();
                    handlers.release.notified().await;
                    Status::ok("")
                }
                "Own" => Status::with_details(Code::OutOfRange, "own text", vec![8, 11].into()),
                "Leak" => Status::internal("Rossi Mario was here"),
                _ => Status::unimplemented(""),
            };
            Ok(status.into_http())
        })
    }
}

impl tower::Service<Request<Body>> for AdminService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Answering {
        Box::pin(async { Ok(Status::ok("").into_http()) })
    }
}

// ---- calls

/// A message in its frame: uncompressed, with its length.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = vec![0];
    frame.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

/// Calls `path` with raw bytes and more headers; gives the status.
pub(crate) async fn call(
    channel: &Channel,
    path: &str,
    headers: &[(&'static str, &str)],
    body: Vec<u8>,
) -> Status {
    let response = within(channel.clone().oneshot(request(path, headers, body))).await;
    let response = match response {
        Ok(response) => response,
        Err(error) => return Status::unavailable(format!("no answer: {error:?}")),
    };
    let (parts, body) = response.into_parts();
    if let Some(status) = Status::from_header_map(&parts.headers) {
        return status;
    }
    let trailers: HeaderMap = within(body.collect())
        .await
        .unwrap()
        .trailers()
        .cloned()
        .unwrap_or_default();
    Status::from_header_map(&trailers).unwrap_or_else(|| Status::unknown("no grpc-status"))
}

fn request(uri: &str, headers: &[(&'static str, &str)], body: Vec<u8>) -> Request<Body> {
    let mut request = Request::post(uri)
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
        .body(Body::new(Full::<<Body as http_body::Body>::Data>::from(body)))
        .unwrap()
}

pub(crate) fn test_method(method: &str) -> String {
    format!("/{TEST}/{method}")
}
