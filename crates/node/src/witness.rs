//! The node as a witness (*testimone*) of the access log: it looks at the newest checkpoint every minute, checks that the
//! log only grew since it last looked, stores what it saw, and then cosigns it.
//!
//! Whoever runs the index can then not show one log to some and another to others without a node noticing. A log that
//! does not continue what this node has seen is never cosigned: the offered checkpoint is kept as evidence, and the
//! status says so until a person has looked.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use client::error::{ClientError, SetupError};
use client::witness::WitnessClient;
use ledger::checkpoint::{Cosigner, LogVerifier, SignedCheckpoint, WitnessedAt};
use ledger::witness::{MemoryError, WitnessMemory, WitnessRefusal};
use serde::Serialize;
use store::files::{self, Files};
use tokio::sync::{Notify, watch};
use transport::causes::chain;
use transport::clock::Clock;
use transport::shutdown::Shutdown;

use crate::publisher::Connect;

#[cfg(test)]
mod tests;

/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(60);

/// What was stored last, and may have been cosigned.
const MEMORY: &str = "witnessed";

/// The first checkpoint that did not continue it.
const CONFLICT: &str = "conflict";

/// How the node stands as a witness.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WitnessStatus {
    /// The public key that others put into their policies.
    pub key: String,
    /// Entries of the newest checkpoint that was cosigned and handed in since the start.
    pub cosigned: u64,
    /// How often it has looked since the start.
    pub looks: u64,
    /// Why it does not cosign, when it does not.
    pub error: Option<String>,
    /// Whether the index has shown a log that does not continue what this node has seen.
    pub conflict: bool,
}

/// Witnesses the access log until it is told to stop.
pub struct Witness {
    connect: Connect,
    key: Arc<Cosigner>,
    log: LogVerifier,
    files: Arc<dyn Files>,
    /// What was stored; nothing until it was read.
    memory: Option<WitnessMemory>,
    clock: Arc<dyn Clock>,
    wake: Arc<Notify>,
    status: watch::Sender<WitnessStatus>,
}

/// Talks to a witness that runs. Clones talk to the same.
#[derive(Clone, Debug)]
pub struct WitnessHandle {
    wake: Arc<Notify>,
    status: watch::Receiver<WitnessStatus>,
}

/// Why a checkpoint was not cosigned.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// What was stored cannot be read. Nothing is cosigned, because nobody knows what was seen before.
    #[error("what this witness has seen cannot be read")]
    Memory(#[from] MemoryError),
    /// The files cannot be read or written.
    #[error("the witness's files cannot be used")]
    Io(#[from] io::Error),
    /// No connection can be made.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The index does not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The offered checkpoint does not continue what was seen before.
    #[error("the access log is not the one that was seen before")]
    Refused(#[from] WitnessRefusal),
    /// A task broke.
    #[error("a task of the daemon broke")]
    Task(#[from] tokio::task::JoinError),
}

impl Witness {
    /// A witness that has not begun. `files` are its own.
    pub fn new(
        connect: Connect,
        key: Cosigner,
        log: LogVerifier,
        files: Arc<dyn Files>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let conflict = files::read_whole(files.as_ref(), CONFLICT).is_ok_and(|stored| stored.is_some());
        let (status, _) = watch::channel(WitnessStatus {
            key: key.verifier().to_string(),
            cosigned: 0,
            looks: 0,
            error: None,
            conflict,
        });
        Self {
            connect,
            key: Arc::new(key),
            log,
            files,
            memory: None,
            clock,
            wake: Arc::new(Notify::new()),
            status,
        }
    }

    /// How others talk to it.
    pub fn handle(&self) -> WitnessHandle {
        WitnessHandle {
            wake: Arc::clone(&self.wake),
            status: self.status.subscribe(),
        }
    }

    /// Looks and cosigns until `shutdown` is triggered. Nothing is lost by stopping at any moment.
    pub async fn run(mut self, shutdown: Shutdown) {
        while !shutdown.is_triggered() {
            let looked = tokio::select! {
                () = shutdown.triggered() => return,
                looked = self.look() => looked,
            };
            self.report(looked);
            tokio::select! {
                () = shutdown.triggered() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Looks once. Gives the size of the checkpoint that was cosigned, when one was.
    async fn look(&mut self) -> Result<Option<u64>, WitnessError> {
        let memory = match &self.memory {
            Some(memory) => memory.clone(),
            // It is read again each time: a person may have put it right.
            None => read_memory(self.files.as_ref(), &self.log)?,
        };
        let client = WitnessClient::new((self.connect)()?);
        let offered = client.offered().await?;
        let size = offered.checkpoint().size;
        if memory.newest() == Some(offered.checkpoint()) && self.key.verifier().verify(&offered).is_ok() {
            return Ok(None);
        }
        let proof = if 0 < memory.size() && memory.size() < size {
            client.consistency_proof(memory.size(), size).await?
        } else {
            Vec::new()
        };
        let accepted = match memory.accept(offered.clone(), &proof, &self.log) {
            Ok(accepted) => accepted,
            Err(refusal) => {
                self.keep_evidence(&offered)?;
                return Err(refusal.into());
            }
        };
        let files = Arc::clone(&self.files);
        // Whether it is stored after an error shows only when it is read again.
        self.memory = None;
        let keeping = tokio::task::spawn_blocking(move || {
            accepted.keep(|record| files::replace(files.as_ref(), MEMORY, record))
        });
        let (memory, kept) = keeping.await??;
        self.memory = Some(memory);
        let at = WitnessedAt(self.clock.now_ms() / 1_000);
        client.submit(size, &kept.cosign(&self.key, at)).await?;
        Ok(Some(size))
    }

    /// Keeps the first checkpoint of another history that the log has signed. One that it did not sign proves nothing.
    fn keep_evidence(&self, offered: &SignedCheckpoint) -> io::Result<()> {
        if self.log.verify(offered).is_err() {
            return Ok(());
        }
        if files::read_whole(self.files.as_ref(), CONFLICT)?.is_none() {
            files::replace(self.files.as_ref(), CONFLICT, offered.to_text().as_bytes())?;
        }
        self.status.send_modify(|status| status.conflict = true);
        Ok(())
    }

    fn report(&self, looked: Result<Option<u64>, WitnessError>) {
        let (cosigned, error) = match looked {
            Ok(cosigned) => (cosigned, None),
            Err(error) => {
                let text = chain(&error);
                if let WitnessError::Refused(_) = error {
                    tracing::error!(error = text, "the access log is not cosigned: a person must look");
                } else {
                    tracing::warn!(error = text, "the access log could not be witnessed");
                }
                (None, Some(text))
            }
        };
        self.status.send_modify(|status| {
            status.looks += 1;
            status.cosigned = cosigned.unwrap_or(status.cosigned);
            status.error = error;
        });
    }
}

fn read_memory(files: &dyn Files, log: &LogVerifier) -> Result<WitnessMemory, WitnessError> {
    match files::read_whole(files, MEMORY)? {
        None => Ok(WitnessMemory::default()),
        Some(record) => Ok(WitnessMemory::decode(&record, log)?),
    }
}

impl WitnessHandle {
    /// Look now.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// How the witness stands.
    pub fn status(&self) -> WitnessStatus {
        self.status.borrow().clone()
    }

    /// Waits until the status is as wanted; nothing when the witness has ended before.
    pub async fn wait_for(&self, wanted: impl FnMut(&WitnessStatus) -> bool) -> Option<WitnessStatus> {
        let mut status = self.status.clone();
        status.wait_for(wanted).await.ok().map(|status| status.clone())
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
