//! The task that looks into the drop folder.

use std::io;
use std::sync::Arc;

use tokio::sync::{Notify, watch};
use transport::clock::Clock;
use transport::shutdown::Shutdown;

use crate::incoming::{Incoming, IncomingRules, IncomingState, IncomingStatus, Look, Problem};
use crate::intake::{Intake, Outcome};
use crate::profile::Asking;
use crate::publisher::PublisherHandle;

/// Looks again and again, and takes one file after the other.
#[derive(Debug)]
pub(super) struct DropFolder {
    incoming: Incoming,
    intake: Intake,
    rules: IncomingRules,
    publisher: PublisherHandle,
    asking: Asking,
    clock: Arc<dyn Clock>,
    wake: Arc<Notify>,
    status: watch::Sender<IncomingStatus>,
}

/// Talks to the drop folder of a daemon that runs. Clones talk to the same.
#[derive(Clone, Debug)]
pub struct DropFolderHandle {
    wake: Arc<Notify>,
    status: watch::Receiver<IncomingStatus>,
}

impl DropFolder {
    pub(super) fn new(
        incoming: Incoming,
        intake: Intake,
        rules: IncomingRules,
        publisher: PublisherHandle,
        asking: Asking,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (status, _) = watch::channel(IncomingStatus::default());
        Self {
            incoming,
            intake,
            rules,
            publisher,
            asking,
            clock,
            wake: Arc::new(Notify::new()),
            status,
        }
    }

    pub(super) fn handle(&self) -> DropFolderHandle {
        DropFolderHandle {
            wake: Arc::clone(&self.wake),
            status: self.status.subscribe(),
        }
    }

    pub(super) fn prepare(&self) -> io::Result<()> {
        Incoming::prepare(&self.rules)
    }

    pub(super) async fn run(mut self, shutdown: Shutdown) {
        while !shutdown.is_triggered() {
            // Before a file is taken; a look that finds none asks nobody.
            if Incoming::may_have_files(&self.rules) {
                self.asking.before_import().await;
            }
            let Ok((back, look)) = tokio::task::spawn_blocking(move || {
                let look = self.look();
                (self, look)
            })
            .await
            else {
                // A panic was printed by the runtime; whoever runs the daemon sees the status stand still.
                return;
            };
            self = back;
            if self.note(look) == Next::LookAgain {
                continue;
            }
            tokio::select! {
                () = shutdown.triggered() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(self.rules.interval) => {}
            }
        }
    }

    fn look(&mut self) -> Look {
        if let Err(error) = self.intake.expire() {
            tracing::warn!(%error, "an export that was kept long enough cannot be removed now");
        }
        self.incoming.look(self.clock.now_ms())
    }

    fn note(&self, look: Look) -> Next {
        let (next, files, state, report) = match look {
            Look::Nothing { files } | Look::StillWritten { files } => {
                (Next::Wait, files, IncomingState::Idle, None)
            }
            Look::Taken { outcome, files } => {
                self.publisher.wake();
                let report = match outcome {
                    Outcome::Imported(imported) => imported.report,
                    Outcome::Waiting(waiting) => waiting.id,
                    Outcome::Rejected(rejected) => rejected.report,
                };
                tracing::info!(report = report.as_str(), "a file of the drop folder was taken");
                (Next::LookAgain, files, IncomingState::Taking, Some(report))
            }
            Look::Failed {
                problem,
                error,
                files,
            } => {
                let state = IncomingState::Problem { problem, error };
                if self.status.borrow().state != state {
                    if problem == Problem::NotRemovable {
                        // What it brought is there all the same.
                        self.publisher.wake();
                    }
                    tracing::warn!(
                        ?problem,
                        "a file of the drop folder cannot be taken: it is tried again"
                    );
                }
                (Next::Wait, files, state, None)
            }
        };
        self.status.send_modify(|status| {
            status.state = state;
            status.files = files;
            status.looks += 1;
            if report.is_some() {
                status.last_report = report;
            }
        });
        next
    }
}

#[derive(PartialEq, Eq)]
enum Next {
    LookAgain,
    Wait,
}

impl DropFolderHandle {
    /// Look now.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// How the drop folder stands.
    pub fn status(&self) -> IncomingStatus {
        self.status.borrow().clone()
    }

    /// Waits until it stands as wanted; nothing when the daemon has ended before.
    pub async fn wait_for(&self, wanted: impl FnMut(&IncomingStatus) -> bool) -> Option<IncomingStatus> {
        let mut status = self.status.clone();
        status.wait_for(wanted).await.ok().map(|status| status.clone())
    }
}
