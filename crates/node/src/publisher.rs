//! The publisher: brings the journal to the index, and goes on where it stopped, whatever was interrupted.
//!
//! It opens the stream, learns what the index holds, and sends from there as many batches as the index gives credits
//! for. When everything is acknowledged and visible it compares the digest of the node's cards with the index's.
//! When the stream breaks it waits, with growing and random pauses, and begins again from what the index then says
//! it holds. It stops, and a person must look, only when going on could publish something wrong.

mod session;
mod status;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use client::backoff::Backoff;
use client::connection::Connection;
use client::error::SetupError;
use client::node::NodeClient;
use registry::identifier::IstatCode;
use registry::signing::SigningKey;
use tokio::sync::{Notify, watch};
use transport::causes::chain;
use transport::clock::Clock;
use transport::random::Random;
use transport::shutdown::Shutdown;

use crate::storage::Storage;

pub use store::municipal::outbox::{BatchLimits, OutboxError};

pub use self::session::{Broken, Stop};
pub use self::status::{DigestStatus, LinkStatus, PublisherStatus};

/// Pauses between attempts to reach the index.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(500),
    longest: Duration::from_secs(60),
};

/// Makes a connection: again after each failure, so that renewed certificates are taken up.
pub type Connect = Arc<dyn Fn() -> Result<Connection, SetupError> + Send + Sync>;

/// Publishes one municipality's journal until it is told to stop.
pub struct Publisher {
    connect: Connect,
    municipality: IstatCode,
    signing_key: Arc<SigningKey>,
    storage: Storage,
    limits: BatchLimits,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    backoff: Backoff,
    wake: Arc<Notify>,
    status: watch::Sender<PublisherStatus>,
}

/// Talks to a publisher that runs. Clones talk to the same.
#[derive(Clone, Debug)]
pub struct PublisherHandle {
    wake: Arc<Notify>,
    status: watch::Receiver<PublisherStatus>,
}

impl Publisher {
    /// A publisher that has not begun. Batches are signed with the municipality's publication key.
    pub fn new(
        connect: Connect,
        municipality: IstatCode,
        signing_key: Arc<SigningKey>,
        storage: Storage,
        limits: BatchLimits,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let (status, _) = watch::channel(PublisherStatus::default());
        let wake = Arc::new(Notify::new());
        Self {
            connect,
            municipality,
            signing_key,
            storage,
            limits,
            clock,
            random,
            backoff: BACKOFF,
            wake,
            status,
        }
    }

    /// The same with other pauses between attempts.
    #[must_use]
    pub fn with_backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// How others talk to it.
    pub fn handle(&self) -> PublisherHandle {
        PublisherHandle {
            wake: Arc::clone(&self.wake),
            status: self.status.subscribe(),
        }
    }

    /// Publishes until `shutdown` is triggered. Nothing is lost by stopping at any moment.
    pub async fn run(self, shutdown: Shutdown) {
        let mut failed = 0;
        while !shutdown.is_triggered() {
            let opened_before = self.status.borrow().sessions;
            let ended = match (self.connect)() {
                Ok(connection) => self.session(NodeClient::new(connection), &shutdown).await,
                Err(error) => Err(Broken::Setup(error)),
            };
            let broken = match ended {
                Ok(()) => break,
                Err(broken) => broken,
            };
            if self.status.borrow().sessions != opened_before {
                failed = 0;
            }
            failed += 1;
            self.pause(&broken, failed, &shutdown).await;
        }
        self.status.send_modify(|status| status.link = LinkStatus::Ended);
    }

    /// Waits before the next attempt, or for a person.
    async fn pause(&self, broken: &Broken, failed: u32, shutdown: &Shutdown) {
        let error = chain(broken);
        if let Broken::Stopped(stop) = broken {
            tracing::error!(%stop, "publishing has stopped: a person must look");
            // Whatever woke it before is no person who has looked: it would send what was just refused.
            pin!(self.wake.notified()).enable();
            self.status
                .send_modify(|status| status.link = LinkStatus::Stopped { error });
            tokio::select! {
                () = shutdown.triggered() => {}
                () = self.wake.notified() => {}
            }
            return;
        }
        let wait = broken
            .retry_after()
            .unwrap_or_default()
            .max(self.backoff.wait_after(failed, self.random.as_ref()));
        tracing::warn!(error, ?wait, "publishing was interrupted");
        self.status
            .send_modify(|status| status.link = LinkStatus::Waiting { error });
        tokio::select! {
            () = shutdown.triggered() => {}
            () = self.wake.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

impl PublisherHandle {
    /// The journal has grown, or a person has looked and wants it to go on.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// How publishing stands.
    pub fn status(&self) -> PublisherStatus {
        self.status.borrow().clone()
    }

    /// Waits until the status is as wanted; nothing when the publisher has ended before.
    pub async fn wait_for(&self, wanted: impl FnMut(&PublisherStatus) -> bool) -> Option<PublisherStatus> {
        let mut status = self.status.clone();
        status.wait_for(wanted).await.ok().map(|status| status.clone())
    }
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher")
            .field("municipality", &self.municipality)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
