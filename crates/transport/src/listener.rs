//! From a TCP connection to a verified peer: places are counted, handshakes are bounded in number and time,
//! and every connection that is turned away is entered in the door log.

mod fault;
mod seats;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::door::ConnectionFault;
use crate::gate::Connection;
use crate::identity;
use crate::tls::ALPN_HTTP2;
use crate::tls::live::LiveTls;

use self::seats::Seats;
pub(crate) use self::seats::{Seat, counted_as};

/// How many connections there may be, and how long they may take to say who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenerLimits {
    /// Connections at once, in all.
    pub connections: usize,
    /// Connections at once from one IPv4 address or one IPv6 /64 network.
    pub connections_per_address: usize,
    /// Handshakes at once; others wait for their turn inside their own time.
    pub handshakes: usize,
    /// From the accepted connection to the end of its handshake.
    pub handshake_timeout: Duration,
}

/// A bound socket with its places.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    admission: Arc<Admission>,
}

/// The part of a listener that its connections share.
#[derive(Debug)]
pub(crate) struct Admission {
    seats: Seats,
    handshakes: Semaphore,
    handshake_timeout: Duration,
}

impl Default for ListenerLimits {
    fn default() -> Self {
        Self {
            connections: 1024,
            connections_per_address: 64,
            handshakes: 64,
            handshake_timeout: Duration::from_secs(5),
        }
    }
}

impl Listener {
    /// Binds `address`; port 0 lets the system choose.
    pub async fn bind(address: impl ToSocketAddrs, limits: ListenerLimits) -> io::Result<Self> {
        Ok(Self::new(TcpListener::bind(address).await?, limits))
    }

    /// Takes a bound socket over.
    pub fn new(tcp: TcpListener, limits: ListenerLimits) -> Self {
        let ListenerLimits {
            connections,
            connections_per_address,
            handshakes,
            handshake_timeout,
        } = limits;
        let admission = Admission {
            seats: Seats::new(connections, connections_per_address),
            handshakes: Semaphore::new(handshakes),
            handshake_timeout,
        };
        Self {
            tcp,
            admission: Arc::new(admission),
        }
    }

    /// Where the socket is bound.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    pub(crate) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.tcp.accept().await
    }

    pub(crate) fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }
}

impl Admission {
    /// A place for a connection from `address`, given back when the seat is dropped.
    pub(crate) fn seat(&self, address: SocketAddr) -> Result<Seat, ConnectionFault> {
        self.seats.take(identity::canonical(address.ip()))
    }

    /// Makes the handshake with the configuration in force and names the peer.
    pub(crate) async fn handshake(
        &self,
        tcp: TcpStream,
        address: SocketAddr,
        tls: &LiveTls,
    ) -> Result<(TlsStream<TcpStream>, Connection), ConnectionFault> {
        match tokio::time::timeout(self.handshake_timeout, self.shake(tcp, address, tls)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ConnectionFault::HandshakeTimeout),
        }
    }

    /// Makes the handshake with the configuration in force, with anybody.
    pub(crate) async fn handshake_of_anybody(
        &self,
        tcp: TcpStream,
        tls: &LiveTls,
    ) -> Result<TlsStream<TcpStream>, ConnectionFault> {
        let config = Arc::clone(&tls.load().open_config);
        match tokio::time::timeout(self.handshake_timeout, self.accept(tcp, config)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ConnectionFault::HandshakeTimeout),
        }
    }

    async fn shake(
        &self,
        tcp: TcpStream,
        address: SocketAddr,
        tls: &LiveTls,
    ) -> Result<(TlsStream<TcpStream>, Connection), ConnectionFault> {
        let tls = tls.load_full();
        let stream = self.accept(tcp, Arc::clone(&tls.config)).await?;

        let (_, session) = stream.get_ref();
        if session.alpn_protocol() != Some(ALPN_HTTP2) {
            return Err(ConnectionFault::Protocol);
        }
        let certificate = session.peer_certificates().and_then(<[_]>::first);
        let certificate = certificate.ok_or(ConnectionFault::NoCertificate)?;
        let admitted =
            identity::admit(certificate, &tls.trust_domain, address).map_err(ConnectionFault::Identity)?;
        Ok((stream, Connection { admitted, address }))
    }

    async fn accept(
        &self,
        tcp: TcpStream,
        config: Arc<ServerConfig>,
    ) -> Result<TlsStream<TcpStream>, ConnectionFault> {
        let Ok(_turn) = self.handshakes.acquire().await else {
            return Err(ConnectionFault::Internal);
        };
        // Small answers must not wait for the peer's acknowledgement of earlier ones.
        tcp.set_nodelay(true).map_err(|_| ConnectionFault::Abandoned)?;
        let acceptor = TlsAcceptor::from(config);
        acceptor.accept(tcp).await.map_err(|error| fault::of(&error))
    }
}
