//! What an audited lookup is measured against: a unary call over the same mutual TLS, the same HTTP/2 settings and the
//! same runtime, that only answers bytes.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tonic::client::Grpc as Client;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::server::Grpc as Server;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use transport::server::ServerSettings;

use crate::authority::{self, Party};

const METHOD: &str = "/ponte.bench.v1.EchoService/Echo";

/// A message of so many bytes.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Load {
    /// The bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub bytes: Vec<u8>,
}

impl Load {
    /// A message that is `encoded` bytes long on the wire, within two bytes.
    pub fn of(encoded: usize) -> Self {
        Self {
            bytes: vec![0x5a; encoded.saturating_sub(3)],
        }
    }
}

/// A bound echo.
pub struct Echo {
    listener: TcpListener,
    address: SocketAddr,
    tls: TlsAcceptor,
    answer: Arc<Load>,
}

impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Echo({})", self.address)
    }
}

impl Echo {
    /// Binds a free port.
    ///
    /// # Panics
    /// When there is none, or the certificates cannot be read.
    pub async fn bind(pki: &Path, bytes: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a bound port");
        Self {
            listener,
            address,
            tls: TlsAcceptor::from(Arc::new(tls(pki))),
            answer: Arc::new(Load::of(bytes)),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until dropped.
    pub async fn serve(self) -> Infallible {
        let http = http2(&ServerSettings::default());
        loop {
            let Ok((tcp, _)) = self.listener.accept().await else {
                continue;
            };
            tokio::spawn(connection(
                http.clone(),
                tcp,
                self.tls.clone(),
                Arc::clone(&self.answer),
            ));
        }
    }
}

async fn connection(http: auto::Builder<TokioExecutor>, tcp: TcpStream, tls: TlsAcceptor, answer: Arc<Load>) {
    if tcp.set_nodelay(true).is_err() {
        return;
    }
    let Ok(stream) = tls.accept(tcp).await else { return };
    let service = tower::service_fn(move |request| {
        let answer = Arc::clone(&answer);
        async move {
            let echo = tower::service_fn(move |_: Request<Load>| {
                let answer = Load::clone(&answer);
                async move { Ok::<_, Status>(Response::new(answer)) }
            });
            let mut server = Server::new(ProstCodec::<Load, Load>::default());
            Ok::<_, Infallible>(server.unary(echo, request).await)
        }
    });
    // The caller hangs up when it has measured enough.
    let _ = http
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .await;
}

/// One call.
///
/// # Errors
/// The server's.
pub async fn call(channel: Channel, load: Load) -> Result<usize, Status> {
    let mut client = Client::new(channel);
    client
        .ready()
        .await
        .map_err(|_| Status::unavailable("the echo is gone"))?;
    let answer: Response<Load> = client
        .unary(
            Request::new(load),
            PathAndQuery::from_static(METHOD),
            ProstCodec::<Load, Load>::default(),
        )
        .await?;
    Ok(answer.into_inner().bytes.len())
}

/// As the product's: TLS 1.3, client certificates, no tickets.
fn tls(pki: &Path) -> ServerConfig {
    let files = authority::files(pki, Party::Server);
    let mut anchors = RootCertStore::empty();
    anchors
        .add(CertificateDer::from_pem_file(&files.authorities).expect("the authority is there"))
        .expect("it is an anchor");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(anchors), Arc::clone(&provider))
        .build()
        .expect("a verifier");
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .expect("the certificate is there");
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("the provider has TLS 1.3")
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            chain,
            PrivateKeyDer::from_pem_file(&files.key).expect("the key is there"),
        )
        .expect("the key is that of the certificate");
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config
}

fn http2(settings: &ServerSettings) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new()).http2_only();
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.max_concurrent_streams)
        .max_local_error_reset_streams(settings.max_local_error_reset_streams)
        .max_pending_accept_reset_streams(settings.max_pending_accept_reset_streams)
        .max_header_list_size(settings.max_header_list_size)
        .max_frame_size(settings.max_frame_size)
        .adaptive_window(false)
        .initial_stream_window_size(settings.stream_window)
        .initial_connection_window_size(settings.connection_window)
        .max_send_buf_size(settings.max_send_buffer)
        .keep_alive_interval(settings.keepalive_interval)
        .keep_alive_timeout(settings.keepalive_timeout);
    builder
}
