//! What every call passes before its handler, and every answer after it.
//!
//! In this order: the method's path has the one canonical form; the certificate is still good; the service
//! is open to the peer's role; the metadata imitate nothing and repeat nothing; the deadline can be read.
//! Then the handler runs under the deadline. Statuses that the gRPC library made by itself (oversize,
//! undecodable, unknown) become rows of the error table. Whatever is refused here is entered in the
//! [`DoorLog`] before the answer leaves, in a task that outlives the call.

pub mod metadata;
pub mod method;
pub mod services;
pub mod standing;
mod translation;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tonic::body::Body;
use tracing::Instrument;

use agreement::domain::DomainKind;
use agreement::reason::Reason;

use crate::allow::{AllowList, IncompleteAllowList, Verdict};
use crate::clock::Clock;
use crate::deadline::{self, Deadline};
use crate::door::{Cause, DoorLog, DoorLogFailed, DoorReceipt, Refusal};
use crate::identity::Admitted;
use crate::tls::live::LiveTls;

use self::metadata::TraceId;
use self::method::MethodPath;
use self::services::{Handler, Services};
use self::standing::Standing;
use self::translation::Translation;

/// Header of every answer of a test domain, refusals too, so that nobody takes its data for those of residents.
pub const DATA_HEADER: &str = "ponte-data";
/// Its value.
pub const SYNTHETIC: &str = "synthetic";

/// Makes the answer of a refused call: the reason with its details, and the receipt of its entry.
pub type AnswerOf = Arc<dyn Fn(Reason, Option<&DoorReceipt>) -> Status + Send + Sync>;

/// What a gate is made from.
pub struct GateParts {
    /// The handlers.
    pub services: Services,
    /// Who may call which; it must name exactly the services above.
    pub allow: AllowList,
    /// Where refusals are entered.
    pub door: Arc<dyn DoorLog>,
    /// The clock for certificates and for the instants of refusals.
    pub clock: Arc<dyn Clock>,
    /// The TLS configuration in force, for its revocation lists.
    pub tls: LiveTls,
    /// How refusals are worded on the wire.
    pub answer: AnswerOf,
    /// The longest time until an answer begins, whatever the caller asks for.
    pub longest_call: Duration,
}

/// The gate in front of the handlers.
pub struct Gate {
    parts: GateParts,
    entries: TaskTracker,
}

/// The calls of one connection.
#[derive(Clone)]
pub(crate) struct Calls {
    gate: Arc<Gate>,
    connection: Arc<Connection>,
}

/// What is known of a connection from its handshake on.
pub(crate) struct Connection {
    pub(crate) admitted: Admitted,
    pub(crate) address: SocketAddr,
}

impl Gate {
    /// A gate whose allow-list names exactly the services it stands before.
    pub fn new(parts: GateParts) -> Result<Self, IncompleteAllowList> {
        parts.allow.check_complete(&parts.services.names())?;
        Ok(Self {
            parts,
            entries: TaskTracker::new(),
        })
    }

    pub(crate) fn calls(self: &Arc<Self>, connection: Connection) -> Calls {
        Calls {
            gate: Arc::clone(self),
            connection: Arc::new(connection),
        }
    }

    /// The configuration that handshakes of this gate's connections use.
    pub(crate) fn tls(&self) -> &LiveTls {
        &self.parts.tls
    }

    /// Enters a refusal, in a task of its own, so that nobody who hangs up takes the entry along.
    pub(crate) async fn enter(
        &self,
        admitted: Option<&Admitted>,
        address: SocketAddr,
        method: Option<&str>,
        cause: Cause,
    ) -> Result<Option<DoorReceipt>, DoorLogFailed> {
        let refusal = Refusal {
            peer: admitted.map(|admitted| admitted.peer.peer().clone()),
            address,
            method: method.map(str::to_owned),
            cause,
            at: self.parts.clock.now(),
        };
        let door = Arc::clone(&self.parts.door);
        let entry = self.entries.spawn(async move { door.refused(refusal).await });
        let outcome = entry.await.unwrap_or(Err(DoorLogFailed));
        if outcome.is_err() {
            tracing::error!(
                cause = cause.name(),
                "a refusal could not be entered in the access log"
            );
        }
        outcome
    }

    /// Waits until every refusal has been entered. Call it when no connection is left.
    pub(crate) async fn entered(&self) {
        self.entries.close();
        self.entries.wait().await;
    }

    /// The answer, which in a test domain says that its data are synthetic.
    async fn answer_marked(&self, connection: &Connection, request: Request<Body>) -> Response<Body> {
        let mut response = self.answer(connection, request).await;
        match self.parts.tls.load().trust_domain.kind() {
            DomainKind::Production => {}
            DomainKind::Test => {
                let value = HeaderValue::from_static(SYNTHETIC);
                response.headers_mut().insert(DATA_HEADER, value);
            }
        }
        response
    }

    async fn answer(&self, connection: &Connection, mut request: Request<Body>) -> Response<Body> {
        // A clone of shared bytes: the request moves into the handler, the path stays.
        let path = request.uri().path_and_query().cloned();
        let method = path.as_ref().and_then(MethodPath::parse);
        let (handler, deadline) = match self.examine(connection, method, &request) {
            Ok(passed) => passed,
            Err(reason) => return self.refuse(connection, method, reason).await,
        };

        if let Some(trace_id) = TraceId::of(request.headers()) {
            request.extensions_mut().insert(trace_id);
        }
        request.extensions_mut().insert(deadline);
        request.extensions_mut().insert(connection.admitted.peer.clone());

        let Ok(response) = tokio::time::timeout_at(deadline.answer_by, handler.call(request)).await else {
            return self.refuse(connection, method, Reason::DeadlineExceeded).await;
        };
        match translation::of(&response) {
            Translation::Keep => response,
            Translation::Replace(reason) => self.refuse(connection, method, reason).await,
            Translation::KeepAndEnter(reason) => {
                let entered = self.enter_call(connection, method, reason).await;
                if entered.is_ok() {
                    response
                } else {
                    self.log_unavailable()
                }
            }
        }
    }

    /// Everything that is checked before the handler.
    /// Whether the certificate of a connection is still in date and not revoked.
    fn still_good(&self, connection: &Connection) -> Result<(), Reason> {
        let now_ms = self.parts.clock.now_ms();
        let standing = self.parts.tls.load().still_valid(&connection.admitted, now_ms);
        standing.map_err(|_| Reason::PeerRevoked)
    }

    fn examine(
        &self,
        connection: &Connection,
        method: Option<MethodPath<'_>>,
        request: &Request<Body>,
    ) -> Result<(&dyn Handler, Deadline), Reason> {
        self.still_good(connection)?;
        let method = method.ok_or(Reason::UnknownMethod)?;
        if request.method() != Method::POST {
            return Err(Reason::UnknownMethod);
        }
        let role = connection.admitted.peer.id.role();
        match self.parts.allow.check(method.service(), role) {
            Verdict::Allowed => {}
            Verdict::RoleNotAllowed => return Err(Reason::RoleNotAllowed),
            Verdict::NotListed => return Err(Reason::UnknownMethod),
        }
        let handler = self
            .parts
            .services
            .get(method.service())
            .ok_or(Reason::UnknownMethod)?;
        metadata::check(request.headers()).map_err(|_| Reason::MetadataInvalid)?;
        Ok((handler, self.deadline_of(request.headers())?))
    }

    fn deadline_of(&self, headers: &HeaderMap) -> Result<Deadline, Reason> {
        let requested = deadline::requested(headers).map_err(|_| Reason::MetadataInvalid)?;
        let now = Instant::now();
        let longest = self.parts.longest_call;
        let answer_by = now + requested.map_or(longest, |requested| requested.min(longest));
        let caller_waits_until = requested.and_then(|requested| now.checked_add(requested));
        Ok(Deadline {
            answer_by,
            caller_waits_until,
        })
    }

    async fn refuse(
        &self,
        connection: &Connection,
        method: Option<MethodPath<'_>>,
        reason: Reason,
    ) -> Response<Body> {
        match self.enter_call(connection, method, reason).await {
            Ok(receipt) => (self.parts.answer)(reason, receipt.as_ref()).into_http(),
            Err(DoorLogFailed) => self.log_unavailable(),
        }
    }

    async fn enter_call(
        &self,
        connection: &Connection,
        method: Option<MethodPath<'_>>,
        reason: Reason,
    ) -> Result<Option<DoorReceipt>, DoorLogFailed> {
        let method = method.map(MethodPath::full);
        self.enter(
            Some(&connection.admitted),
            connection.address,
            method,
            Cause::Call(reason),
        )
        .await
    }

    fn log_unavailable(&self) -> Response<Body> {
        (self.parts.answer)(Reason::LogUnavailable, None).into_http()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for GateParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            services,
            allow,
            door,
            clock,
            tls,
            answer: _,
            longest_call,
        } = self;
        f.debug_struct("GateParts")
            .field("services", services)
            .field("allow", allow)
            .field("door", door)
            .field("clock", clock)
            .field("tls", tls)
            .field("longest_call", longest_call)
            .finish_non_exhaustive()
    }
}

impl Calls {
    async fn answer(self, mut request: Request<Body>) -> Response<Body> {
        let Self { gate, connection } = self;
        let standing = Standing::new(Arc::clone(&gate), Arc::clone(&connection));
        request.extensions_mut().insert(standing);
        let path = request.uri().path_and_query().cloned();
        let Some(span) = span_of(path.as_ref(), &connection) else {
            return gate.answer_marked(&connection, request).await;
        };
        let answer = gate.answer_marked(&connection, request);
        let response = answer.instrument(span.clone()).await;
        // Only errors carry their code in the headers. To record a field makes the formatter write the whole span
        // anew, which the calls that succeed need not pay for.
        if let Some(code) = response.headers().get(translation::GRPC_STATUS) {
            span.record("code", code.to_str().unwrap_or("?"));
        }
        response
    }
}

impl<B> tower::Service<Request<B>> for Calls
where
    B: http_body::Body<Data = <Body as http_body::Body>::Data> + Send + 'static,
    B::Error: Into<tonic::codegen::StdError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let calls = self.clone();
        let request = request.map(Body::new);
        Box::pin(async move { Ok(calls.answer(request).await) })
    }
}

/// The span of a call; health checks have none. Handlers record `request_id` once they have read it.
fn span_of(path: Option<&PathAndQuery>, connection: &Connection) -> Option<tracing::Span> {
    let method = path.and_then(MethodPath::parse);
    if method.is_some_and(|method| method.service() == services::HEALTH) {
        return None;
    }
    Some(tracing::info_span!(
        "call",
        method = method.map_or("unknown", MethodPath::full),
        role = connection.admitted.peer.id.role().name(),
        request_id = tracing::field::Empty,
        code = tracing::field::Empty,
    ))
}
