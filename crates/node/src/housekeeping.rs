//! What is done once a day: chores, each by its name, at the first look of a day in Italy.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use agreement::moment::Moment;
use chrono::NaiveDate;
use serde::Serialize;
use tokio::sync::{Notify, watch};
use transport::causes::chain;
use transport::clock::Clock;
use transport::shutdown::Shutdown;

/// Pause between two looks at the calendar; a chore that failed is tried again after it.
const PAUSE: Duration = Duration::from_secs(300);

/// Something that is done once a day. It may be done several times on one day.
pub trait Chore: Send + Sync + Debug {
    /// Its name in status and traces.
    fn name(&self) -> &'static str;

    /// Does it. Says how many things it changed.
    ///
    /// # Errors
    /// Whatever kept it from its work; it is tried again.
    fn run(&self, today: NaiveDate) -> Result<u64, Box<dyn std::error::Error + Send + Sync>>;
}

/// How a chore stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChoreStatus {
    /// Its name.
    pub name: &'static str,
    /// The last day on which it was done.
    pub done_on: Option<String>,
    /// How many things it changed then.
    pub changed: u64,
    /// Why it failed, when it did since.
    pub error: Option<String>,
}

/// Does the chores.
#[derive(Debug)]
pub struct Housekeeping {
    chores: Vec<Arc<dyn Chore>>,
    clock: Arc<dyn Clock>,
    wake: Arc<Notify>,
    status: watch::Sender<Vec<ChoreStatus>>,
}

/// Talks to the housekeeping of a daemon that runs. Clones talk to the same.
#[derive(Clone, Debug)]
pub struct HousekeepingHandle {
    wake: Arc<Notify>,
    status: watch::Receiver<Vec<ChoreStatus>>,
}

impl Housekeeping {
    /// Chores, in the order in which they are done.
    pub fn new(chores: Vec<Arc<dyn Chore>>, clock: Arc<dyn Clock>) -> Self {
        let initial = chores.iter().map(|chore| ChoreStatus {
            name: chore.name(),
            done_on: None,
            changed: 0,
            error: None,
        });
        let (status, _) = watch::channel(initial.collect());
        Self {
            chores,
            clock,
            wake: Arc::new(Notify::new()),
            status,
        }
    }

    /// How others talk to it.
    pub fn handle(&self) -> HousekeepingHandle {
        HousekeepingHandle {
            wake: Arc::clone(&self.wake),
            status: self.status.subscribe(),
        }
    }

    /// Does every chore once a day until `shutdown` is triggered.
    pub async fn run(self, shutdown: Shutdown) {
        while !shutdown.is_triggered() {
            let today = Moment::new(self.clock.now()).date();
            for (place, chore) in self.chores.iter().enumerate() {
                self.attend(place, chore, today).await;
            }
            tokio::select! {
                () = shutdown.triggered() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    async fn attend(&self, place: usize, chore: &Arc<dyn Chore>, today: NaiveDate) {
        let day = today.to_string();
        let done = |status: &Vec<ChoreStatus>| {
            status
                .get(place)
                .is_some_and(|chore| chore.error.is_none() && chore.done_on.as_ref() == Some(&day))
        };
        if done(&self.status.borrow()) {
            return;
        }
        let name = chore.name();
        let running = Arc::clone(chore);
        let ended = tokio::task::spawn_blocking(move || running.run(today)).await;
        let error = match ended {
            Ok(Ok(changed)) => {
                tracing::info!(chore = name, changed, "a daily chore is done");
                self.status.send_modify(|status| {
                    if let Some(status) = status.get_mut(place) {
                        (status.done_on, status.changed, status.error) = (Some(day), changed, None);
                    }
                });
                return;
            }
            Ok(Err(error)) => chain(error.as_ref()),
            Err(error) => error.to_string(),
        };
        tracing::warn!(chore = name, error, "a daily chore failed: it is tried again");
        self.status.send_modify(|status| {
            if let Some(status) = status.get_mut(place) {
                status.error = Some(error);
            }
        });
    }
}

impl HousekeepingHandle {
    /// Look at the calendar now.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// How the chores stand.
    pub fn status(&self) -> Vec<ChoreStatus> {
        self.status.borrow().clone()
    }

    /// Waits until the chores stand as wanted; nothing when the daemon has ended before.
    pub async fn wait_for(&self, mut wanted: impl FnMut(&[ChoreStatus]) -> bool) -> Option<Vec<ChoreStatus>> {
        let mut status = self.status.clone();
        status
            .wait_for(|status| wanted(status))
            .await
            .ok()
            .map(|status| status.clone())
    }
}

#[cfg(test)]
mod tests;
