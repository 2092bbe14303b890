//! The handlers, by the name of their gRPC service.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use http::{Request, Response};
use tonic::body::Body;
use tonic::server::NamedService;
use tower::{Service, ServiceExt};

/// The standard health service, which is neither traced nor counted.
pub const HEALTH: &str = "grpc.health.v1.Health";

/// The registered services. A name is looked up whole: there are no prefixes and no patterns.
#[derive(Default)]
pub struct Services {
    handlers: HashMap<&'static str, Box<dyn Handler>>,
}

/// A service that answers a request whose path was checked.
pub(crate) trait Handler: Send + Sync {
    fn call(&self, request: Request<Body>) -> HandlerFuture;
}

type HandlerFuture = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

impl Services {
    /// No service at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a generated server. Its decode and encode limits are its own: set them before.
    /// A second service of the same name takes the place of the first.
    #[must_use]
    pub fn serve<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.handlers.insert(S::NAME, Box::new(Generated(service)));
        self
    }

    /// The names, in order.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.handlers.keys().copied().collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn get(&self, service: &str) -> Option<&dyn Handler> {
        self.handlers.get(service).map(AsRef::as_ref)
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

struct Generated<S>(S);

impl<S> Handler for Generated<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    fn call(&self, request: Request<Body>) -> HandlerFuture {
        let service = self.0.clone();
        Box::pin(async move {
            match service.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        })
    }
}
