//! Pages over HTTPS for anybody: no client certificate, no peer, nothing but GET and HEAD of what is public.
//!
//! HTTP/1.1 alone, because its one request at a time is a bound by itself. Connections, handshakes, request heads,
//! time and requests a minute are bounded; a request with a body is refused. Nothing here is entered in the door
//! log: whoever may be anybody would otherwise write into it.

mod rate;

use std::convert::Infallible;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::rate::Rate;
use crate::identity::canonical;
use crate::listener::{Listener, Seat};
use crate::server::ACCEPT_PAUSE;
use crate::shutdown::Shutdown;
use crate::tls::live::LiveTls;

/// Longest path that is looked at, in bytes.
const LONGEST_PATH: usize = 200;
/// Most header lines of a request.
const MOST_HEADERS: usize = 64;
/// Memory of a connection for what it has not read yet: the least that the library admits.
const REQUEST_BUFFER: usize = 8 * 1024;

/// What is served.
pub trait Pages: Debug + Send + Sync + 'static {
    /// The page of a path, which begins with a slash and has no query. May block for the time of a read.
    fn page(&self, path: &str) -> Found;
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A page.
    Page(Page),
    /// Nothing, so far.
    Nothing,
    /// It cannot be read now.
    Unreadable,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its bytes.
    pub content: Vec<u8>,
    /// Its media type.
    pub media_type: &'static str,
    /// How long others may keep it.
    pub keep: Keep,
}

/// How long caches may keep a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Not at all: it changes.
    Never,
    /// For an hour: soon nobody will ask for it any more.
    Hour,
    /// For ever: nothing will ever be different there.
    Forever,
}

/// Requests in a minute and times. Connections and handshakes are bounded by the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicLimits {
    /// Requests a minute, in all.
    pub requests: u32,
    /// Requests a minute from one IPv4 address or one IPv6 /64 network.
    pub requests_per_address: u32,
    /// How long a request's head may take, and how long a connection may be silent.
    pub head: Duration,
    /// After this time a connection is closed, whatever it is doing.
    pub connection_age: Duration,
    /// How long connections have to finish when the server stops.
    pub drain: Duration,
}

impl Default for PublicLimits {
    fn default() -> Self {
        Self {
            requests: 6_000,
            requests_per_address: 600,
            head: Duration::from_secs(5),
            connection_age: Duration::from_secs(60),
            drain: Duration::from_secs(1),
        }
    }
}

/// Serves `pages` until `shutdown` is triggered; every connection has ended when this returns.
pub async fn serve_pages(
    listener: Listener,
    limits: PublicLimits,
    tls: LiveTls,
    pages: Arc<dyn Pages>,
    shutdown: Shutdown,
) {
    let server = Arc::new(Server {
        http: http1(&limits),
        rate: Rate::new(limits.requests, limits.requests_per_address),
        limits,
        tls,
        pages,
        drain: CancellationToken::new(),
        cut: CancellationToken::new(),
    });
    let connections = TaskTracker::new();
    accept_until(&shutdown, listener, &server, &connections).await;
    server.drain.cancel();
    connections.close();
    if tokio::time::timeout(limits.drain, connections.wait())
        .await
        .is_err()
    {
        server.cut.cancel();
        connections.wait().await;
    }
}

#[derive(Debug)]
struct Server {
    http: http1::Builder,
    rate: Rate,
    limits: PublicLimits,
    tls: LiveTls,
    pages: Arc<dyn Pages>,
    drain: CancellationToken,
    cut: CancellationToken,
}

async fn accept_until(
    shutdown: &Shutdown,
    listener: Listener,
    server: &Arc<Server>,
    connections: &TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.triggered() => return,
            accepted = listener.accept() => accepted,
        };
        let (tcp, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections of monitors");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let seat = match listener.admission().seat(address) {
            Ok(seat) => seat,
            Err(fault) => {
                tracing::debug!(fault = fault.name(), "a monitor's connection was refused");
                continue;
            }
        };
        let server = Arc::clone(server);
        let admission = Arc::clone(listener.admission());
        connections.spawn(async move {
            let outcome = tokio::select! {
                outcome = admission.handshake_of_anybody(tcp, &server.tls) => outcome,
                () = server.drain.cancelled() => return,
            };
            match outcome {
                Ok(stream) => server.serve(stream, address, seat).await,
                Err(fault) => tracing::debug!(fault = fault.name(), "a monitor's connection was refused"),
            }
        });
    }
}

impl Server {
    async fn serve(self: Arc<Self>, stream: TlsStream<TcpStream>, address: SocketAddr, seat: Seat) {
        let service = service_fn(|request| {
            let server = Arc::clone(&self);
            async move { Ok::<_, Infallible>(server.answer(request, address).await) }
        });
        let mut served = pin!(self.http.serve_connection(TokioIo::new(stream), service));
        let mut aged = pin!(tokio::time::sleep(self.limits.connection_age));
        let mut leaving = false;
        loop {
            tokio::select! {
                ended = served.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a monitor's connection broke");
                    }
                    break;
                }
                () = aged.as_mut() => break,
                () = self.cut.cancelled() => break,
                () = self.drain.cancelled(), if !leaving => {
                    leaving = true;
                    served.as_mut().graceful_shutdown();
                }
            }
        }
        drop(seat);
    }

    async fn answer(&self, request: Request<Incoming>, address: SocketAddr) -> Response<Full<Bytes>> {
        if let Err(wait) = self.rate.admit(canonical(address.ip()), Instant::now()) {
            // Rounded up, so that whoever waits so long is admitted.
            let seconds = (wait + Duration::from_millis(999)).as_secs().max(1);
            return with(
                refusal(StatusCode::TOO_MANY_REQUESTS),
                RETRY_AFTER,
                seconds.into(),
            );
        }
        let method = request.method();
        if method != Method::GET && method != Method::HEAD {
            return with(
                closing(refusal(StatusCode::METHOD_NOT_ALLOWED)),
                ALLOW,
                HeaderValue::from_static("GET, HEAD"),
            );
        }
        if !request.body().is_end_stream() {
            return closing(refusal(StatusCode::PAYLOAD_TOO_LARGE));
        }
        let path = request.uri().path();
        if request.uri().query().is_some() || LONGEST_PATH < path.len() {
            return refusal(StatusCode::NOT_FOUND);
        }
        let (pages, path) = (Arc::clone(&self.pages), path.to_owned());
        match tokio::task::spawn_blocking(move || pages.page(&path)).await {
            Ok(Found::Page(page)) => shown(page, method),
            Ok(Found::Nothing) => refusal(StatusCode::NOT_FOUND),
            Ok(Found::Unreadable) => refusal(StatusCode::SERVICE_UNAVAILABLE),
            Err(_) => {
                tracing::error!("a page could not be made");
                closing(refusal(StatusCode::INTERNAL_SERVER_ERROR))
            }
        }
    }
}

fn shown(page: Page, method: &Method) -> Response<Full<Bytes>> {
    let Page {
        content,
        media_type,
        keep,
    } = page;
    let length = content.len();
    // The library sends no body of an answer to HEAD, and would take its length from the body.
    let content = if method == Method::HEAD {
        Vec::new()
    } else {
        content
    };
    let response = Response::new(Full::new(Bytes::from(content)));
    let response = with(response, CONTENT_LENGTH, length.into());
    let response = with(response, CONTENT_TYPE, HeaderValue::from_static(media_type));
    let response = with(
        response,
        X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    with(response, CACHE_CONTROL, keep.header())
}

fn refusal(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    // What is not there now may be there in a minute.
    with(response, CACHE_CONTROL, Keep::Never.header())
}

fn closing(response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    with(response, CONNECTION, HeaderValue::from_static("close"))
}

fn with(mut response: Response<Full<Bytes>>, name: HeaderName, value: HeaderValue) -> Response<Full<Bytes>> {
    response.headers_mut().insert(name, value);
    response
}

impl Keep {
    fn header(self) -> HeaderValue {
        match self {
            Self::Never => HeaderValue::from_static("no-store"),
            Self::Hour => HeaderValue::from_static("public, max-age=3600"),
            Self::Forever => HeaderValue::from_static("public, max-age=31536000, immutable"),
        }
    }
}

fn http1(limits: &PublicLimits) -> http1::Builder {
    let PublicLimits {
        requests: _,
        requests_per_address: _,
        head,
        connection_age: _,
        drain: _,
    } = *limits;
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .max_headers(MOST_HEADERS)
        .max_buf_size(REQUEST_BUFFER)
        .half_close(false)
        .keep_alive(true);
    builder
}
