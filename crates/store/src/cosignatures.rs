//! Cosignatures of witnesses (*cofirme dei testimoni*), kept beside the access log: which checkpoints somebody else than
//! the log vouches for.
//!
//! Witnesses come when they like, and a quorum counts only over one checkpoint. So a checkpoint is offered to all of them
//! for a **round**: until every witness has cosigned it, or until the quorum has and the round is old enough. Then the
//! newest head is offered. Each start of the process begins a new round, at a head that is no smaller than any before.
//!
//! Each checkpoint with its cosignatures is a file of its own, named by its size:
//!
//! ```text
//! ponte.cosigned/1
//! <the signed checkpoint with its cosignatures>
//! ```

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ledger::checkpoint::{Checkpoint, CheckpointError, NoteSignature, SignedCheckpoint};
use ledger::policy::{Policy, Standing};

use crate::access_log::committed::Head;
use crate::files::{self, Files};

#[cfg(test)]
mod tests;

const MARK: &str = "ponte.cosigned/1\n";

/// End of the files' names; before it stands the size, with 20 digits.
const ENDING: &str = ".cosigned";

/// Witnessed checkpoints that are kept, the newest ones.
const KEPT: usize = 8;

/// How long a checkpoint with its quorum waits for the other witnesses. They look every minute.
pub const ROUND: Duration = Duration::from_secs(150);

/// Most cosignatures of one checkpoint: a signed note is read with 64 signatures, one of which is the log's.
pub const MOST_WITNESSES: usize = 63;

/// The cosignatures of a log.
pub struct Cosignatures {
    files: Arc<dyn Files>,
    policy: Policy,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    round: Option<Round>,
    /// Witnessed checkpoints, oldest first.
    witnessed: Vec<SignedCheckpoint>,
}

#[derive(Debug)]
struct Round {
    checkpoint: SignedCheckpoint,
    began_ms: u64,
}

/// What became of a cosignature that was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// Witnesses that have cosigned the checkpoint.
    pub cosignatures: usize,
    /// Whether they are the quorum.
    pub witnessed: bool,
}

/// Why a cosignature was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// No checkpoint of this size is offered any more.
    #[error("no checkpoint of this size is offered")]
    NotOffered,
    /// It is not of a witness of this log.
    #[error("the cosignature is of no witness of this log")]
    Stranger,
    /// A witness made it, but of something else: perhaps of another history of this log.
    #[error("the cosignature is not of the checkpoint that was offered")]
    Conflict,
    /// It could not be stored.
    #[error("the cosignature cannot be stored")]
    Io(#[from] io::Error),
}

/// Why the stored cosignatures are refused.
#[derive(Debug, thiserror::Error)]
pub enum CosignaturesError {
    /// A file is not what was written.
    #[error("the file {file} of a cosigned checkpoint is damaged")]
    Damaged {
        /// Its name.
        file: String,
        /// What is wrong.
        #[source]
        error: CheckpointError,
    },
    /// The files cannot be read.
    #[error("the cosigned checkpoints cannot be read")]
    Io(#[from] io::Error),
}

impl Cosignatures {
    /// Reads what is stored. The policy has the log's key, its witnesses and the quorum; the log must contain every
    /// checkpoint that is returned beside.
    ///
    /// # Errors
    /// See [`CosignaturesError`].
    pub fn open(files: Arc<dyn Files>, policy: Policy) -> Result<(Self, Vec<Checkpoint>), CosignaturesError> {
        let mut witnessed = Vec::new();
        let mut known = Vec::new();
        for name in names(files.as_ref())? {
            let damaged = |error| CosignaturesError::Damaged {
                file: name.clone(),
                error,
            };
            let signed = match read(files.as_ref(), &name)? {
                Stored::Checkpoint(signed) => signed,
                Stored::Damaged(error) => return Err(damaged(error)),
                Stored::Misnamed => return Err(damaged(CheckpointError::Size)),
            };
            let judged = policy.judge(&signed).map_err(damaged)?;
            known.push(signed.checkpoint().clone());
            if judged.standing() == Standing::Witnessed {
                witnessed.push(signed);
            }
        }
        let held = Held {
            round: None,
            witnessed,
        };
        let opened = Self {
            files,
            policy,
            held: Mutex::new(held),
        };
        Ok((opened, known))
    }

    /// Whether the log has witnesses at all.
    #[must_use]
    pub fn has_witnesses(&self) -> bool {
        !self.policy.witnesses().is_empty()
    }

    /// The checkpoint that witnesses are to cosign, with the cosignatures that it has; a new one at `head` when the
    /// round is over.
    ///
    /// # Errors
    /// The head's text is not a checkpoint; that of a log always is.
    pub fn offered(&self, head: &Head, now_ms: u64) -> Result<SignedCheckpoint, CheckpointError> {
        let mut held = self.held();
        if let Some(round) = &held.round
            && !self.is_over(round, head, now_ms)
        {
            return Ok(round.checkpoint.clone());
        }
        let checkpoint = SignedCheckpoint::parse(&head.text)?;
        held.round = Some(Round {
            checkpoint: checkpoint.clone(),
            began_ms: now_ms,
        });
        Ok(checkpoint)
    }

    /// Takes a cosignature of the checkpoint of `size` entries, which is offered or was the last that was witnessed. It is
    /// durable when this returns. Blocks.
    ///
    /// # Errors
    /// See [`AddError`]; nothing was taken then.
    pub fn add(&self, size: u64, cosignature: NoteSignature) -> Result<Added, AddError> {
        let mut held = self.held();
        let is_of_size = |signed: &&SignedCheckpoint| signed.checkpoint().size == size;
        let offered = held
            .round
            .as_ref()
            .map(|round| &round.checkpoint)
            .filter(is_of_size);
        let found = offered.or_else(|| held.witnessed.last().filter(is_of_size));
        let mut signed = found.ok_or(AddError::NotOffered)?.clone();
        let is_known = self.policy.witnesses().iter().any(|witness| {
            *witness.key.name() == cosignature.name && witness.key.key_id() == cosignature.key_id
        });
        if !is_known {
            return Err(AddError::Stranger);
        }
        signed.add_signature(cosignature);
        let judged = self.policy.judge(&signed).map_err(|_| AddError::Conflict)?;
        let (cosignatures, witnessed) = (judged.cosigned().len(), judged.standing() == Standing::Witnessed);
        let text = format!("{MARK}{}", signed.to_text());
        files::replace(
            self.files.as_ref(),
            &file_name(signed.checkpoint()),
            text.as_bytes(),
        )?;
        if let Some(round) = &mut held.round
            && round.checkpoint.checkpoint().size == size
        {
            round.checkpoint = signed.clone();
        }
        if witnessed {
            held.witnessed.retain(|old| old.checkpoint().size != size);
            held.witnessed.push(signed);
            self.forget(&mut held);
        }
        Ok(Added {
            cosignatures,
            witnessed,
        })
    }

    /// The newest checkpoint that the quorum has cosigned.
    #[must_use]
    pub fn witnessed(&self) -> Option<SignedCheckpoint> {
        self.held().witnessed.last().cloned()
    }

    /// Entries that it covers; none when nothing is witnessed.
    #[must_use]
    pub fn witnessed_size(&self) -> u64 {
        self.held()
            .witnessed
            .last()
            .map_or(0, |signed| signed.checkpoint().size)
    }

    fn is_over(&self, round: &Round, head: &Head, now_ms: u64) -> bool {
        if head.checkpoint.size <= round.checkpoint.checkpoint().size {
            return false;
        }
        let Ok(judged) = self.policy.judge(&round.checkpoint) else {
            return true;
        };
        let aged = ROUND.as_millis() <= u128::from(now_ms.saturating_sub(round.began_ms));
        let all = judged.cosigned().len() == self.policy.witnesses().len();
        all || (judged.standing() == Standing::Witnessed && aged)
    }

    /// Removes the files of what is older than the witnessed checkpoints that are kept. What cannot be removed is tried
    /// again with the next cosignature.
    fn forget(&self, held: &mut Held) {
        let too_many = held.witnessed.len().saturating_sub(KEPT);
        held.witnessed.drain(..too_many);
        let Some(oldest) = held
            .witnessed
            .first()
            .map(|signed| file_name(signed.checkpoint()))
        else {
            return;
        };
        let removed = self.files.list().and_then(|names| {
            // Names of equal length sort as the sizes do.
            for name in names
                .iter()
                .filter(|name| name.ends_with(ENDING) && **name < oldest)
            {
                self.files.remove(name)?;
            }
            Ok(())
        });
        if let Err(error) = removed {
            tracing::warn!(%error, "files of old cosigned checkpoints could not be removed");
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cosignatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cosignatures")
            .field("witnesses", &self.policy.witnesses().len())
            .field("witnessed", &self.witnessed_size())
            .finish_non_exhaustive()
    }
}

/// What stands in a file.
pub(crate) enum Stored {
    Checkpoint(SignedCheckpoint),
    /// It does not read.
    Damaged(CheckpointError),
    /// Its name says another size.
    Misnamed,
}

/// The names of the files of cosigned checkpoints, smallest first.
pub(crate) fn names(files: &dyn Files) -> io::Result<Vec<String>> {
    let mut names = files.list()?;
    names.retain(|name| name.ends_with(ENDING));
    // Names of equal length sort as the sizes do.
    names.sort();
    Ok(names)
}

/// Reads one of them. No signature is checked.
pub(crate) fn read(files: &dyn Files, name: &str) -> io::Result<Stored> {
    let bytes = files::read_whole(files, name)?.unwrap_or_default();
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let text = text.strip_prefix(MARK).ok_or(CheckpointError::Shape);
    Ok(match text.and_then(SignedCheckpoint::parse) {
        Ok(signed) if name == file_name(signed.checkpoint()) => Stored::Checkpoint(signed),
        Ok(_) => Stored::Misnamed,
        Err(error) => Stored::Damaged(error),
    })
}

fn file_name(checkpoint: &Checkpoint) -> String {
    format!("{:020}{ENDING}", checkpoint.size)
}
