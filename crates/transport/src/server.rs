//! The serving loop: accept, admit, serve, and stop in an orderly way inside a bound.
//!
//! HTTP/2 is served here and not by the gRPC library's own server: that one reads `grpc-timeout` outside of
//! every layer and answers it with CANCELLED, which would take the entry of the refusal along.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::door::{Cause, ConnectionFault};
use crate::gate::Gate;
use crate::health::Health;
use crate::listener::{Listener, Seat};
use crate::shutdown::Shutdown;

/// Refused connections whose entries are under way at once; beyond, the accept loop waits for them.
const PENDING_REFUSALS: usize = 64;
/// How long to wait after the system could not give a connection, for instance for want of descriptors.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The limits of HTTP/2 and of connections. All are set, none is left to a library's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerSettings {
    /// Calls at once on one connection.
    pub max_concurrent_streams: u32,
    /// Streams that this side had to reset because of the peer's errors before the connection is closed
    /// (RUSTSEC-2024-0003, CVE-2025-8671).
    pub max_local_error_reset_streams: usize,
    /// Streams reset by the peer before they were served, before the connection is closed (CVE-2023-44487).
    pub max_pending_accept_reset_streams: usize,
    /// The largest header list of a call, in bytes.
    pub max_header_list_size: u32,
    /// The largest frame, in bytes.
    pub max_frame_size: u32,
    /// How much of a call's message may be under way, in bytes.
    pub stream_window: u32,
    /// How much of all messages of a connection may be under way, in bytes.
    pub connection_window: u32,
    /// How much of a stream's answers may wait in memory for a slow peer, in bytes.
    pub max_send_buffer: usize,
    /// How often a silent connection is asked whether it is still there.
    pub keepalive_interval: Duration,
    /// How long it has to answer.
    pub keepalive_timeout: Duration,
    /// After this time a connection is told to go away; calls under way are finished.
    pub max_connection_age: Duration,
    /// How long calls under way have to finish when the server stops.
    pub drain: Duration,
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Every call under way was finished.
    Drained,
    /// This many connections were cut when the time to drain was over.
    Cut(usize),
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            max_concurrent_streams: 64,
            max_local_error_reset_streams: 256,
            max_pending_accept_reset_streams: 20,
            max_header_list_size: 8 * 1024,
            max_frame_size: 16 * 1024,
            stream_window: 1024 * 1024,
            connection_window: 4 * 1024 * 1024,
            max_send_buffer: 256 * 1024,
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            max_connection_age: Duration::from_secs(15 * 60),
            drain: Duration::from_secs(10),
        }
    }
}

/// Serves until `shutdown` is triggered. Then health turns to not serving, the socket is closed, connections
/// are told to go away, and what is left after `settings.drain` is cut. Every refusal has been entered when
/// this returns.
pub async fn serve(
    listener: Listener,
    settings: ServerSettings,
    gate: Arc<Gate>,
    health: Health,
    shutdown: Shutdown,
) -> Ended {
    let server = Arc::new(Server {
        http: http2(&settings),
        gate,
        max_connection_age: settings.max_connection_age,
        drain: CancellationToken::new(),
        cut: CancellationToken::new(),
    });
    let connections = TaskTracker::new();

    accept_until(&shutdown, listener, &server, &connections).await;

    health.not_serving().await;
    server.drain.cancel();
    connections.close();
    let drained = tokio::time::timeout(settings.drain, connections.wait())
        .await
        .is_ok();
    let left = connections.len();
    if !drained {
        server.cut.cancel();
        connections.wait().await;
    }
    server.gate.entered().await;
    if drained { Ended::Drained } else { Ended::Cut(left) }
}

type Http2 = auto::Builder<TokioExecutor>;

struct Server {
    http: Http2,
    gate: Arc<Gate>,
    max_connection_age: Duration,
    drain: CancellationToken,
    cut: CancellationToken,
}

/// Accepts connections until the shutdown; the socket is closed when this returns.
async fn accept_until(
    shutdown: &Shutdown,
    listener: Listener,
    server: &Arc<Server>,
    connections: &TaskTracker,
) {
    let pending_refusals = Arc::new(Semaphore::new(PENDING_REFUSALS));
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.triggered() => return,
            accepted = listener.accept() => accepted,
        };
        let (tcp, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        match listener.admission().seat(address) {
            Ok(seat) => {
                let server = Arc::clone(server);
                let admission = Arc::clone(listener.admission());
                connections.spawn(async move {
                    let outcome = tokio::select! {
                        outcome = admission.handshake(tcp, address, server.gate.tls()) => outcome,
                        () = server.cut.cancelled() => return,
                    };
                    match outcome {
                        Ok((stream, connection)) => server.serve(stream, connection, seat).await,
                        Err(fault) => server.turn_away(address, fault).await,
                    }
                });
            }
            Err(fault) => {
                drop(tcp);
                refuse_seat(server, &pending_refusals, connections, address, fault).await;
            }
        }
    }
}

/// Enters a connection refused for want of a place, without holding up the others unless too many of these
/// entries are under way already.
async fn refuse_seat(
    server: &Arc<Server>,
    pending: &Arc<Semaphore>,
    connections: &TaskTracker,
    address: SocketAddr,
    fault: ConnectionFault,
) {
    let Ok(permit) = Arc::clone(pending).try_acquire_owned() else {
        server.turn_away(address, fault).await;
        return;
    };
    let server = Arc::clone(server);
    connections.spawn(async move {
        server.turn_away(address, fault).await;
        drop(permit);
    });
}

impl Server {
    async fn turn_away(&self, address: SocketAddr, fault: ConnectionFault) {
        tracing::debug!(fault = fault.name(), "a connection was refused");
        // Nothing was disclosed and nothing is answered: if the entry fails, the gate has said so.
        let _ = self
            .gate
            .enter(None, address, None, Cause::Connection(fault))
            .await;
    }

    async fn serve(
        &self,
        stream: tokio_rustls::server::TlsStream<TcpStream>,
        connection: crate::gate::Connection,
        seat: Seat,
    ) {
        let calls = TowerToHyperService::new(self.gate.calls(connection));
        let mut served = pin!(self.http.serve_connection(TokioIo::new(stream), calls));
        let mut aged = pin!(tokio::time::sleep(self.max_connection_age));
        let mut leaving = false;
        loop {
            tokio::select! {
                ended = served.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection broke");
                    }
                    break;
                }
                () = self.cut.cancelled() => break,
                () = self.drain.cancelled(), if !leaving => {
                    leaving = true;
                    served.as_mut().graceful_shutdown();
                }
                () = aged.as_mut(), if !leaving => {
                    leaving = true;
                    served.as_mut().graceful_shutdown();
                }
            }
        }
        drop(seat);
    }
}

fn http2(settings: &ServerSettings) -> Http2 {
    let ServerSettings {
        max_concurrent_streams,
        max_local_error_reset_streams,
        max_pending_accept_reset_streams,
        max_header_list_size,
        max_frame_size,
        stream_window,
        connection_window,
        max_send_buffer,
        keepalive_interval,
        keepalive_timeout,
        max_connection_age: _,
        drain: _,
    } = *settings;
    let mut builder = auto::Builder::new(TokioExecutor::new()).http2_only();
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(max_concurrent_streams)
        .max_local_error_reset_streams(max_local_error_reset_streams)
        .max_pending_accept_reset_streams(max_pending_accept_reset_streams)
        .max_header_list_size(max_header_list_size)
        .max_frame_size(max_frame_size)
        .adaptive_window(false)
        .initial_stream_window_size(stream_window)
        .initial_connection_window_size(connection_window)
        .max_send_buf_size(max_send_buffer)
        .keep_alive_interval(keepalive_interval)
        .keep_alive_timeout(keepalive_timeout);
    builder
}
