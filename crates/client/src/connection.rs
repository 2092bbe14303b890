//! The connection that all clients share: mutual TLS, deadlines, retries.

mod endpoint;

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use agreement::context::AccessContext;
use agreement::domain::DomainKind;
use agreement::usage::Unit;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use transport::channel::{ServerAddress, connect_lazy};
use transport::clock::Clock;
use transport::gate::{DATA_HEADER, SYNTHETIC};
use transport::random::{Random, uuid_v7};
use transport::tls::client::ClientTls;
use uuid::Uuid;

use crate::backoff::Backoff;
use crate::error::{ClientError, EvidenceFault, SetupError};
use crate::quota::QuotaStops;
use crate::receipt::{ReceiptChecker, ReceiptPolicy};
use crate::upgrade::Upgrades;
use crate::witness::WitnessClient;

pub use self::endpoint::{Endpoint, IdentityFiles};

/// How long calls may take, and how often they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Longest time for one call with all its attempts. For a stream: until its answer begins.
    pub deadline: Duration,
    /// Attempts of a call that changes nothing, from 1.
    pub attempts: u32,
    /// Waits between them.
    pub backoff: Backoff,
}

/// A connection to the index, opened with the first call and again whenever it is lost. Clones share it.
#[derive(Clone)]
pub struct Connection {
    inner: Arc<Inner>,
}

struct Inner {
    channel: Channel,
    domain: DomainKind,
    receipts: ReceiptChecker,
    stops: QuotaStops,
    timing: Timing,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// Ends with the connection.
    _upgrading: Option<Upgrading>,
}

/// The task that has receipts witnessed.
struct Upgrading(AbortHandle);

/// Whether a call may be made again when the index was not available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It changes nothing, or is told from a new one by its request id.
    Safe,
    /// It may have taken effect.
    Never,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(10),
            attempts: 4,
            backoff: Backoff {
                first: Duration::from_millis(100),
                longest: Duration::from_secs(2),
            },
        }
    }
}

impl Connection {
    /// Reads the endpoint's files. Nothing is sent before the first call.
    ///
    /// # Errors
    /// [`SetupError`]: a file is missing, or does not make a configuration.
    pub fn open(
        endpoint: &Endpoint,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, SetupError> {
        let Endpoint {
            server,
            identity,
            trust_domain,
            expected_server,
            receipts,
            timing,
        } = endpoint;
        let material = identity.read(trust_domain)?;
        let tls = ClientTls::new(&material, expected_server.clone(), Arc::clone(&clock))?;
        Self::new(server, &tls, receipts.clone(), *timing, clock, random)
    }

    /// A connection with a TLS configuration that was made already. Must run inside the runtime.
    ///
    /// # Errors
    /// The server's name or the keepalive.
    pub fn new(
        server: &ServerAddress,
        tls: &ClientTls,
        receipts: ReceiptPolicy,
        timing: Timing,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, SetupError> {
        let domain = tls.trust_domain().kind();
        if let Some(log) = receipts.log()
            && DomainKind::of(log.origin().as_str()) != domain
        {
            return Err(SetupError::OtherDomainsLog);
        }
        let channel = connect_lazy(server, tls)?;
        Ok(Self::of_domain(domain, channel, receipts, timing, clock, random))
    }

    /// A connection over any channel, for instance one inside the process, as to a trust domain of production. With
    /// [`ReceiptPolicy::Witness`] it must be made inside the runtime.
    pub fn over(
        channel: Channel,
        receipts: ReceiptPolicy,
        timing: Timing,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self::of_domain(DomainKind::Production, channel, receipts, timing, clock, random)
    }

    fn of_domain(
        domain: DomainKind,
        channel: Channel,
        receipts: ReceiptPolicy,
        timing: Timing,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let upgrades = match &receipts {
            ReceiptPolicy::Witness(witnessing) => {
                Some(Upgrades::new(witnessing.as_ref().clone(), Arc::clone(&clock)))
            }
            ReceiptPolicy::Verify(_) | ReceiptPolicy::Keep => None,
        };
        let inner = Arc::new_cyclic(|inner| Inner {
            channel,
            domain,
            _upgrading: upgrades
                .clone()
                .map(|upgrades| Upgrading(tokio::spawn(upgrade(upgrades, inner.clone())).abort_handle())),
            receipts: ReceiptChecker::new(receipts, upgrades),
            stops: QuotaStops::default(),
            timing,
            clock,
            random,
        });
        Self { inner }
    }

    /// How receipts stand that must become witnessed ones; nothing unless the policy of receipts is
    /// [`ReceiptPolicy::Witness`].
    pub fn upgrades(&self) -> Option<&Upgrades> {
        self.inner.receipts.upgrades()
    }

    /// A new request id: a version 7 UUID.
    pub fn new_request_id(&self) -> Uuid {
        uuid_v7(self.inner.clock.as_ref(), self.inner.random.as_ref())
    }

    /// The clock by which requests are stamped.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// The source of request ids and of the spread of retries.
    pub fn random(&self) -> &Arc<dyn Random> {
        &self.inner.random
    }

    /// Deadline, attempts and waits.
    pub fn timing(&self) -> Timing {
        self.inner.timing
    }

    /// Whether the other side is one of production, or of tests with synthetic data.
    pub fn domain(&self) -> DomainKind {
        self.inner.domain
    }

    /// Sends calls again whose quota the index said was used up, as after the agreement was given a larger one.
    pub fn forget_quota_stops(&self) {
        self.inner.stops.forget();
    }

    pub(crate) fn receipts(&self) -> &ReceiptChecker {
        &self.inner.receipts
    }

    /// Makes a consultation, unless it is known that its quota is used up. Consultations are safe to repeat: the request
    /// id tells a repeat from a new one.
    pub(crate) async fn consult<Q, A, F, Fut>(
        &self,
        context: &AccessContext,
        message: Q,
        method: F,
    ) -> Result<A, ClientError>
    where
        Q: Clone,
        F: Fn(Channel, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<A>, Status>>,
    {
        self.check_quota(context, Unit::Call)?;
        let outcome = self.call(Repeat::Safe, message, method).await;
        self.learn_quota(context, Unit::Call, outcome.as_ref().map(drop));
        outcome
    }

    /// Refuses what the index is known to refuse until a quota begins anew.
    pub(crate) fn check_quota(&self, context: &AccessContext, unit: Unit) -> Result<(), ClientError> {
        self.inner.stops.check(context, unit, self.inner.clock.now_ms())
    }

    pub(crate) fn learn_quota(&self, context: &AccessContext, unit: Unit, ended: Result<(), &ClientError>) {
        let now_ms = self.inner.clock.now_ms();
        self.inner.stops.learn(context, unit, ended, now_ms);
    }

    /// Makes a call, and makes it again where that is safe and the index was not available.
    pub(crate) async fn call<Q, A, F, Fut>(
        &self,
        repeat: Repeat,
        message: Q,
        method: F,
    ) -> Result<A, ClientError>
    where
        Q: Clone,
        F: Fn(Channel, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<A>, Status>>,
    {
        let Timing {
            deadline,
            attempts,
            backoff,
        } = self.inner.timing;
        let ends = Instant::now() + deadline;
        let mut made = 0;
        loop {
            made += 1;
            let left = ends.saturating_duration_since(Instant::now());
            let mut request = Request::new(message.clone());
            request.set_timeout(left);
            let error = match tokio::time::timeout(left, method(self.inner.channel.clone(), request)).await {
                Ok(Ok(answer)) => return self.of_own_domain(answer),
                Ok(Err(status)) => ClientError::of_status(&status, deadline),
                Err(_) => ClientError::Deadline(deadline),
            };
            if repeat == Repeat::Never || attempts <= made || !error.is_passing() {
                return Err(error);
            }
            let wait = backoff.wait_after(made, self.inner.random.as_ref());
            let wait = error.retry_after().map_or(wait, |stated| stated.max(wait));
            if ends <= Instant::now() + wait {
                return Err(error);
            }
            tracing::debug!(made, ?wait, "the index is not available, the call is made again");
            tokio::time::sleep(wait).await;
        }
    }

    /// Opens a stream: the deadline covers the time until its answer begins.
    pub(crate) async fn open_stream<Q, A, F, Fut>(&self, message: Q, method: F) -> Result<A, ClientError>
    where
        F: FnOnce(Channel, Request<Q>) -> Fut,
        Fut: Future<Output = Result<Response<A>, Status>>,
    {
        let deadline = self.inner.timing.deadline;
        let opening = method(self.inner.channel.clone(), Request::new(message));
        match tokio::time::timeout(deadline, opening).await {
            Ok(Ok(answer)) => self.of_own_domain(answer),
            Ok(Err(status)) => Err(ClientError::of_status(&status, deadline)),
            Err(_) => Err(ClientError::Deadline(deadline)),
        }
    }

    /// Synthetic data are no answer to a question of production, nor the other way round.
    fn of_own_domain<A>(&self, answer: Response<A>) -> Result<A, ClientError> {
        let marked = answer.metadata().get(DATA_HEADER);
        let found = match marked {
            Some(value) if value == SYNTHETIC => DomainKind::Test,
            Some(_) | None => DomainKind::Production,
        };
        if found == self.inner.domain {
            Ok(answer.into_inner())
        } else {
            Err(EvidenceFault::OtherDomain.into())
        }
    }

    /// The error with which a stream broke.
    pub(crate) fn stream_error(&self, status: &Status) -> ClientError {
        ClientError::of_status(status, self.inner.timing.deadline)
    }
}

/// Has receipts witnessed for as long as somebody holds the connection.
async fn upgrade(upgrades: Upgrades, connection: Weak<Inner>) {
    loop {
        upgrades.due().await;
        let Some(inner) = connection.upgrade() else { return };
        upgrades.look(&WitnessClient::new(Connection { inner })).await;
    }
}

impl Drop for Upgrading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("timing", &self.inner.timing)
            .finish_non_exhaustive()
    }
}
