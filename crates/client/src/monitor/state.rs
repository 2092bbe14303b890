//! What a monitor remembers between two checks.
//!
//! ```text
//! ponte-monitor/1                      format and its version
//! 1790000000000                        when the log was last seen to grow, Unix milliseconds
//! log.ponte.example/1                  the head that was proved last, as it was signed
//! 20852163
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB…=
//!
//! — log.ponte.example/1 Az3grlgtz…=
//! ```

use ledger::checkpoint::{Checkpoint, CheckpointError, LogVerifier, SignedCheckpoint};

const FORMAT: &str = "ponte-monitor/1";

/// The head that was proved last, and when the log was last seen to grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitorState {
    head: SignedCheckpoint,
    grown_ms: u64,
}

/// Why a text is no state. A monitor that forgot what it saw would take any log for the right one, so a state that
/// does not read is never replaced by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Not written by a monitor, or by one of a later version.
    #[error("not the state of a monitor, or one of another version: its first line must be {FORMAT}")]
    Format,
    /// The second line is no instant.
    #[error("the second line must be Unix time in milliseconds")]
    Instant,
    /// The head is not one, or not signed by this log.
    #[error(transparent)]
    Head(#[from] CheckpointError),
}

impl MonitorState {
    pub(super) fn new(head: SignedCheckpoint, grown_ms: u64) -> Self {
        Self { head, grown_ms }
    }

    /// The head that was proved last.
    pub fn checkpoint(&self) -> &Checkpoint {
        self.head.checkpoint()
    }

    /// When the log was last seen to grow, Unix time in milliseconds.
    pub fn grown_ms(&self) -> u64 {
        self.grown_ms
    }

    /// The text of a file.
    pub fn to_text(&self) -> String {
        let Self { head, grown_ms } = self;
        format!("{FORMAT}\n{grown_ms}\n{head}")
    }

    /// Reads the text of a file, and checks that the head in it is signed by the log of `verifier`.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn parse(text: &str, verifier: &LogVerifier) -> Result<Self, StateError> {
        let (format, rest) = text.split_once('\n').ok_or(StateError::Format)?;
        if format != FORMAT {
            return Err(StateError::Format);
        }
        let (grown, head) = rest.split_once('\n').ok_or(StateError::Instant)?;
        let grown_ms = grown.parse().map_err(|_| StateError::Instant)?;
        let head = SignedCheckpoint::parse(head)?;
        verifier.verify(&head)?;
        Ok(Self { head, grown_ms })
    }
}
