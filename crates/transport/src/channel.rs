//! The client's side of a connection: mutual TLS under a gRPC channel.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls_pki_types::{DnsName, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

use crate::tls::client::ClientTls;

/// The largest header list of an answer, in bytes.
const MAX_HEADER_LIST: u32 = 16 * 1024;
/// Below this, servers take keepalives of an idle connection for an attack (gRPC A8).
const SHORTEST_KEEPALIVE: Duration = Duration::from_secs(5 * 60);

/// Where a server is and how to talk to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// Host name or address to dial.
    pub host: String,
    /// Port to dial.
    pub port: u16,
    /// The DNS name that the server's certificate must carry; the host when absent.
    pub server_name: Option<String>,
    /// How long a connection may take, handshake included.
    pub connect_timeout: Duration,
    /// How often to ask a silent connection whether it is there, also while it is idle: at least five
    /// minutes; never when absent.
    pub keepalive: Option<Duration>,
}

/// Why there is no channel.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server's name cannot stand in a certificate.
    #[error("the server's name must be a DNS name")]
    ServerName,
    /// The keepalive is shorter than servers tolerate.
    #[error("the keepalive of an idle connection must be five minutes or more")]
    Keepalive,
    /// The connection failed: refused, timed out, or one side did not accept the other's certificate.
    #[error("cannot connect to the server")]
    Connect(#[from] tonic::transport::Error),
}

impl ServerAddress {
    /// A server at `host` and `port` with a connect timeout of five seconds and no keepalive.
    pub fn new(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
            server_name: None,
            connect_timeout: Duration::from_secs(5),
            keepalive: None,
        }
    }
}

/// Connects now. A client certificate that the server refuses may show only with the first call: in TLS 1.3
/// the client has finished its handshake before the server reads the certificate.
pub async fn connect(address: &ServerAddress, tls: &ClientTls) -> Result<Channel, ConnectError> {
    let (endpoint, dialler) = prepare(address, tls)?;
    let connector = tower::service_fn(move |_| dial(dialler.clone()));
    Ok(endpoint.connect_with_connector(connector).await?)
}

/// Connects with the first call, and again whenever the connection is lost.
pub fn connect_lazy(address: &ServerAddress, tls: &ClientTls) -> Result<Channel, ConnectError> {
    let (endpoint, dialler) = prepare(address, tls)?;
    let connector = tower::service_fn(move |_| dial(dialler.clone()));
    Ok(endpoint.connect_with_connector_lazy(connector))
}

#[derive(Clone)]
struct Dialler {
    host: Arc<str>,
    port: u16,
    server_name: ServerName<'static>,
    tls: TlsConnector,
}

fn prepare(address: &ServerAddress, tls: &ClientTls) -> Result<(Endpoint, Dialler), ConnectError> {
    let ServerAddress {
        host,
        port,
        server_name,
        connect_timeout,
        keepalive,
    } = address;
    let name = server_name.as_ref().unwrap_or(host);
    let name = DnsName::try_from(name.clone()).map_err(|_| ConnectError::ServerName)?;

    let mut endpoint = Endpoint::from_shared(format!("https://{}:{port}", name.as_ref()))?
        .connect_timeout(*connect_timeout)
        .http2_max_header_list_size(MAX_HEADER_LIST);
    if let Some(keepalive) = keepalive {
        if *keepalive < SHORTEST_KEEPALIVE {
            return Err(ConnectError::Keepalive);
        }
        endpoint = endpoint
            .http2_keep_alive_interval(*keepalive)
            .keep_alive_while_idle(true);
    }

    let dialler = Dialler {
        host: host.as_str().into(),
        port: *port,
        server_name: ServerName::DnsName(name),
        tls: TlsConnector::from(Arc::clone(&tls.config)),
    };
    Ok((endpoint, dialler))
}

async fn dial(
    dialler: Dialler,
) -> Result<TokioIo<tokio_rustls::client::TlsStream<TcpStream>>, std::io::Error> {
    let Dialler {
        host,
        port,
        server_name,
        tls,
    } = dialler;
    let tcp = TcpStream::connect((&*host, port)).await?;
    tcp.set_nodelay(true)?;
    Ok(TokioIo::new(tls.connect(server_name, tcp).await?))
}
