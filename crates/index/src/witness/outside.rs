//! Witnesses that wait to be asked: the index hands the checkpoint of the round to each of them by C2SP tlog-witness, and
//! keeps the cosignature that comes back.
//!
//! Each has a task of its own, so that one that does not answer keeps no other waiting. A witness that has seen another
//! log under this name says so; then a person must look: who runs the index, or put back one of its backups, or the
//! witness is wrong.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ledger::checkpoint::{CosignatureVerifier, NoteSignature, SignedCheckpoint};
use ledger::witness::submission::{
    ADD_CHECKPOINT, ANSWER_MAX_LEN, AnswerError, SIZE_MEDIA_TYPE, add_checkpoint, cosignatures, size,
};
use store::access_log::proofs::LogProofError;
use store::cosignatures::AddError;
use store::record_store::RecordStore;
use tokio::sync::watch;
use transport::causes::chain;
use transport::clock::Clock;
use transport::fetch::{Answer, FetchError, Fetcher, UrlError};
use transport::pki::files::{PkiFileError, read_certificate};
use transport::shutdown::Shutdown;
use transport::tls::anonymous::AnonymousTls;
use transport::tls::error::TlsError;

use crate::config::{AskedWitness, Witnessing};
use crate::shared::Shared;

/// Pause between two requests to one witness.
const PAUSE: Duration = Duration::from_secs(60);

/// Longest time for one request.
const REQUEST: Duration = Duration::from_secs(15);

/// A witness that is asked.
#[derive(Clone, Debug)]
pub(crate) struct OutsideWitness {
    key: CosignatureVerifier,
    fetcher: Fetcher,
}

/// Why witnesses cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// The file of the authorities.
    #[error("witnessing.authorities")]
    File(#[from] PkiFileError),
    /// It names no authority.
    #[error("witnessing.authorities")]
    Tls(#[from] TlsError),
    /// The address of a witness.
    #[error("witness.url")]
    Url(#[from] UrlError),
}

/// How the asking of one witness stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutsideStatus {
    /// Entries of the newest checkpoint that it cosigned when it was asked, since the start.
    pub cosigned: u64,
    /// How often it was looked whether it has to be asked, since the start.
    pub looks: u64,
    /// Why it did not cosign at the last look, when it did not.
    pub error: Option<String>,
    /// Whether it says that it has seen another log of this name.
    pub conflict: bool,
}

/// Talks to the tasks that ask. Clones talk to the same.
#[derive(Clone)]
pub struct OutsideHandle {
    wake: Arc<watch::Sender<u64>>,
    witnesses: Vec<(String, watch::Receiver<OutsideStatus>)>,
}

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
enum Refused {
    /// It could not be asked.
    #[error(transparent)]
    Unreached(#[from] FetchError),
    /// It answered with something else than the protocol has.
    #[error("the witness answered with status {0}")]
    Status(u16),
    /// Its answer does not read.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// It does not know the log.
    #[error("the witness does not know this log: its operator must add it")]
    UnknownLog,
    /// It knows the log by another key.
    #[error("the witness knows the log by another key")]
    OtherKey,
    /// It cosigned a larger log.
    #[error("the witness has cosigned {0} entries of this log, which has fewer now")]
    Larger(u64),
    /// It cosigned another log of the same size.
    #[error("the witness has cosigned another log of {0} entries")]
    Forked(u64),
    /// What it cosigned does not lead to this log.
    #[error("the log does not continue the one of {0} entries that the witness has cosigned")]
    NotContinued(u64),
    /// It says another size each time.
    #[error("the witness goes on saying that it has cosigned another checkpoint")]
    Restless,
    /// It cosigned a checkpoint after the one of this round: the next round will do.
    #[error("the witness has cosigned {0} entries already")]
    Ahead(u64),
    /// No line of its answer is a cosignature under its key.
    #[error("the witness's answer holds no cosignature under its key")]
    NoCosignature,
    /// Its cosignature was not taken.
    #[error(transparent)]
    NotTaken(#[from] AddError),
    /// The log cannot be proved.
    #[error("the access log cannot be read")]
    Log(#[from] LogProofError),
    /// A task broke.
    #[error("a task of the index broke")]
    Task(#[from] tokio::task::JoinError),
    /// The head is no checkpoint.
    #[error("the head of the access log is no checkpoint")]
    Head(#[from] ledger::checkpoint::CheckpointError),
}

impl OutsideWitness {
    /// Those that the configuration names.
    pub(crate) fn of_config(config: &Witnessing, clock: &Arc<dyn Clock>) -> Result<Vec<Self>, OutsideError> {
        let Some(authorities) = &config.authorities else {
            return Ok(Vec::new());
        };
        let tls = AnonymousTls::new(&read_certificate(authorities)?, Arc::clone(clock))?;
        let asked = config.asked.iter().map(|AskedWitness { key, url }| {
            let (key, fetcher) = (key.clone(), Fetcher::new(url, tls.clone(), REQUEST)?);
            Ok(Self { key, fetcher })
        });
        asked.collect()
    }
}

/// What a witness said.
enum Said {
    Cosigned(Vec<NoteSignature>),
    /// It remembers another size than it was told.
    Remembers(u64),
}

/// Asks one witness until `shutdown` is triggered.
struct Asking<S> {
    shared: Arc<Shared<S>>,
    witness: OutsideWitness,
    /// Entries that the witness has cosigned, as far as this process knows.
    old: u64,
    status: watch::Sender<OutsideStatus>,
}

/// Asks every one of these witnesses until `shutdown` is triggered.
pub(crate) fn ask<S: RecordStore>(
    shared: &Arc<Shared<S>>,
    witnesses: Vec<OutsideWitness>,
    shutdown: &Shutdown,
) -> OutsideHandle {
    let (wake, _) = watch::channel(0);
    let mut handles = Vec::with_capacity(witnesses.len());
    for witness in witnesses {
        let name = witness.key.name().as_str().to_owned();
        let (status, seen) = watch::channel(OutsideStatus::default());
        handles.push((name, seen));
        let asking = Asking {
            shared: Arc::clone(shared),
            witness,
            old: 0,
            status,
        };
        shared.tasks.spawn(asking.run(wake.subscribe(), shutdown.clone()));
    }
    OutsideHandle {
        wake: Arc::new(wake),
        witnesses: handles,
    }
}

impl<S: RecordStore> Asking<S> {
    async fn run(mut self, mut wake: watch::Receiver<u64>, shutdown: Shutdown) {
        while !shutdown.is_triggered() {
            let asked = tokio::select! {
                () = shutdown.triggered() => return,
                asked = self.look() => asked,
            };
            if asked.is_err() {
                // What the witness remembers is asked anew: somebody may have put it right.
                self.old = 0;
            }
            self.report(asked);
            tokio::select! {
                () = shutdown.triggered() => return,
                // Nobody can wake it when the handle is gone.
                Ok(()) = wake.changed() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    /// Asks once. Gives the size of the checkpoint that was cosigned, when one was.
    async fn look(&mut self) -> Result<Option<u64>, Refused> {
        let shared = Arc::clone(&self.shared);
        let offered = shared
            .cosignatures
            .offered(&shared.log.checkpoint(), shared.clock.now_ms())?;
        if self.witness.key.verify(&offered).is_ok() {
            return Ok(None);
        }
        let lines = match self.add_checkpoint(&offered).await? {
            Said::Cosigned(lines) => lines,
            Said::Remembers(size) => {
                self.old = size;
                match self.add_checkpoint(&offered).await? {
                    Said::Cosigned(lines) => lines,
                    Said::Remembers(_) => return Err(Refused::Restless),
                }
            }
        };
        let size = offered.checkpoint().size;
        self.old = size;
        let key = &self.witness.key;
        // Lines of other keys are ignored, as the specification demands.
        let mut own = lines
            .into_iter()
            .filter(|line| line.name == *key.name() && line.key_id == key.key_id());
        let line = own.next().ok_or(Refused::NoCosignature)?;
        tokio::task::spawn_blocking(move || shared.cosignatures.add(size, line)).await??;
        Ok(Some(size))
    }

    async fn add_checkpoint(&self, offered: &SignedCheckpoint) -> Result<Said, Refused> {
        let (old, new) = (self.old, offered.checkpoint().size);
        if new < old {
            let has = self.shared.log.checkpoint().checkpoint.size;
            return Err(if has < old {
                Refused::Larger(old)
            } else {
                Refused::Ahead(old)
            });
        }
        let proof = if old == 0 || old == new {
            Vec::new()
        } else {
            self.shared.log.consistency_proof(old, new)?
        };
        let body = add_checkpoint(old, &proof, offered).into_bytes();
        let Answer {
            status,
            media_type,
            body,
        } = self
            .witness
            .fetcher
            .post(ADD_CHECKPOINT, body, ANSWER_MAX_LEN)
            .await?;
        match status {
            200 => Ok(Said::Cosigned(cosignatures(&body)?)),
            409 if media_type.as_deref() == Some(SIZE_MEDIA_TYPE) => match size(&body)? {
                remembered if remembered == old && old == new => Err(Refused::Forked(new)),
                remembered => Ok(Said::Remembers(remembered)),
            },
            409 if old == new => Err(Refused::Forked(new)),
            422 => Err(Refused::NotContinued(old)),
            404 => Err(Refused::UnknownLog),
            403 => Err(Refused::OtherKey),
            status => Err(Refused::Status(status)),
        }
    }

    fn report(&self, asked: Result<Option<u64>, Refused>) {
        let witness = self.witness.key.name().as_str();
        let (cosigned, error, conflict) = match asked {
            Ok(cosigned) => (cosigned, None, false),
            Err(error) => {
                let text = chain(&error);
                let conflict = error.is_conflict();
                if conflict {
                    tracing::error!(
                        witness,
                        error = text,
                        "a witness has seen another log: a person must look"
                    );
                } else {
                    tracing::warn!(witness, error = text, "a witness did not cosign the access log");
                }
                (None, Some(text), conflict)
            }
        };
        self.status.send_modify(|status| {
            status.looks += 1;
            status.cosigned = cosigned.unwrap_or(status.cosigned);
            status.error = error;
            status.conflict |= conflict;
        });
    }
}

impl Refused {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Larger(_) | Self::Forked(_) | Self::NotContinued(_) => true,
            Self::Unreached(_)
            | Self::Status(_)
            | Self::Answer(_)
            | Self::UnknownLog
            | Self::OtherKey
            | Self::Restless
            | Self::Ahead(_)
            | Self::NoCosignature
            | Self::NotTaken(_)
            | Self::Log(_)
            | Self::Task(_)
            | Self::Head(_) => false,
        }
    }
}

impl OutsideHandle {
    /// Ask now.
    pub fn wake(&self) {
        self.wake.send_modify(|times| *times += 1);
    }

    /// How the asking of a witness stands, by the name of its key; nothing for one that is not asked.
    pub fn status(&self, witness: &str) -> Option<OutsideStatus> {
        let (_, status) = self.witnesses.iter().find(|(name, _)| name == witness)?;
        Some(status.borrow().clone())
    }

    /// Waits until a witness stands as is wanted; nothing when it is not asked any more.
    pub async fn wait_for(
        &self,
        witness: &str,
        wanted: impl FnMut(&OutsideStatus) -> bool,
    ) -> Option<OutsideStatus> {
        let (_, status) = self.witnesses.iter().find(|(name, _)| name == witness)?;
        let mut status = status.clone();
        status.wait_for(wanted).await.ok().map(|status| status.clone())
    }
}

impl fmt::Debug for OutsideHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.witnesses.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("OutsideHandle")
            .field("witnesses", &names)
            .finish_non_exhaustive()
    }
}
