//! What ends an open stream besides its two sides: the certificate behind it, and the index's own shutdown.

use std::time::Duration;

use agreement::reason::Reason;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tonic::{Request, Status};
use transport::gate::standing::Standing;
use transport::shutdown::Shutdown;
use wire::status::{Details, status_for};

/// How often the certificate is asked about.
const RECHECK: Duration = Duration::from_secs(1);

/// Watches over one stream.
#[derive(Debug)]
pub(crate) struct StreamGuard {
    standing: Standing,
    shutdown: Shutdown,
    recheck: Interval,
}

impl StreamGuard {
    /// The guard of a request's stream.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when the request did not come through the gate: a defect of the wiring.
    pub(crate) fn of<T>(request: &Request<T>, shutdown: &Shutdown) -> Result<Self, Status> {
        let standing = Standing::of(request.extensions())
            .ok_or_else(|| status_for(Reason::PeerNotIdentified, Details::none()))?;
        let mut recheck = interval(RECHECK);
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            standing,
            shutdown: shutdown.clone(),
            recheck,
        })
    }

    /// Ends when the stream must, with the reason. May be dropped and asked again.
    pub(crate) async fn ended(&mut self) -> Reason {
        loop {
            tokio::select! {
                () = self.shutdown.triggered() => return Reason::Unavailable,
                _ = self.recheck.tick() => if let Err(reason) = self.standing.still_good() {
                    return reason;
                },
            }
        }
    }
}
