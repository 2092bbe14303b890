//! Reading a log from its first byte and checking all that can be checked without its keys.
//!
//! Opening and `fsck` are this same walk.

use std::collections::VecDeque;

use ledger::{
    checkpoint::{Checkpoint, CheckpointError, LogVerifier, SignedCheckpoint},
    frame::{FrameView, Parsed},
    hash::{Hash, leaf_hash},
    header::{Header, HeaderError},
    tree::{Frontier, TreeError},
};

use crate::keys::data_key::DataKey;

/// Which stored signatures are checked. Roots always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signatures {
    /// All of them.
    Every,
    /// Only that of the newest checkpoint.
    Newest,
}

/// What is wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A frame of this format does not read, although its hash is right.
    #[error("a frame does not read")]
    Frame,
    /// A frame does not begin where the one before ended.
    #[error("a frame begins with entry {found}, expected {expected}")]
    Index {
        /// The index that follows.
        expected: u64,
        /// The index found.
        found: u64,
    },
    /// An entry's header does not read.
    #[error("entry {index}: {reason}")]
    Header {
        /// The entry.
        index: u64,
        /// Why.
        reason: HeaderError,
    },
    /// An entry names another log.
    #[error("entry {index} names another log")]
    OtherLog {
        /// The entry.
        index: u64,
    },
    /// An entry is older than the one before.
    #[error("entry {index} is older than the one before")]
    Time {
        /// The entry.
        index: u64,
    },
    /// A sealed part does not have the form of one.
    #[error("entry {index} has a malformed sealed part")]
    SealedPart {
        /// The entry.
        index: u64,
    },
    /// A stored checkpoint does not read, or is not signed by the log.
    #[error("the checkpoint stored at size {size}: {reason}")]
    Checkpoint {
        /// The size at which it was found.
        size: u64,
        /// Why.
        reason: CheckpointError,
    },
    /// A stored checkpoint states another size than the log has there.
    #[error("a checkpoint of size {stored} is stored at size {size}")]
    CheckpointSize {
        /// Entries before the frame.
        size: u64,
        /// What the checkpoint says.
        stored: u64,
    },
    /// A checkpoint's root is not that of the entries.
    #[error("the entries do not lead to the checkpoint of size {size}")]
    Different {
        /// The checkpoint's size.
        size: u64,
    },
    /// The root of a checkpoint that witnesses cosigned is not that of the entries.
    #[error("the entries do not lead to the checkpoint of size {size} that witnesses cosigned")]
    NotCosigned {
        /// The checkpoint's size.
        size: u64,
    },
    /// There are fewer entries than a checkpoint says.
    #[error("the log has {found} entries, but a checkpoint says {known}")]
    Smaller {
        /// Entries found.
        found: u64,
        /// Entries that there were once.
        known: u64,
    },
    /// More entries than any log has.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// A checkpoint that the log must contain.
#[derive(Debug)]
pub(crate) enum Known {
    /// The log signed it.
    Head(Checkpoint),
    /// Witnesses cosigned it.
    Cosigned(Checkpoint),
}

/// A walk over the frames of one log.
#[derive(Debug)]
pub(crate) struct Verification<'a> {
    verifier: &'a LogVerifier,
    signatures: Signatures,
    frontier: Frontier,
    last_time: u64,
    known: VecDeque<Known>,
    newest: Option<SignedCheckpoint>,
    checkpoints: u64,
}

/// What a walk without findings ends with.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) frontier: Frontier,
    pub(crate) last_time: u64,
    /// Size of the newest checkpoint stored in a frame.
    pub(crate) stored: Option<u64>,
    pub(crate) checkpoints: u64,
}

/// An entry on the walk.
#[derive(Debug)]
pub(crate) struct Visited<'a> {
    pub(crate) index: u64,
    pub(crate) header: &'a Header,
    pub(crate) leaf: Hash,
    pub(crate) key_ids: &'a [[u8; 16]],
}

impl<'a> Verification<'a> {
    /// `known` are checkpoints of the log, already verified, that it must contain.
    pub(crate) fn new(verifier: &'a LogVerifier, signatures: Signatures, mut known: Vec<Known>) -> Self {
        known.sort_by_key(|known| known.checkpoint().size);
        Self {
            verifier,
            signatures,
            frontier: Frontier::default(),
            last_time: 0,
            known: known.into(),
            newest: None,
            checkpoints: 0,
        }
    }

    /// Checks the next frame and shows its entries.
    pub(crate) fn frame(
        &mut self,
        bytes: &[u8],
        visit: &mut dyn FnMut(&Visited<'_>),
    ) -> Result<u64, Finding> {
        let Ok(Parsed::Frame(frame)) = FrameView::parse(bytes, 0) else {
            return Err(Finding::Frame);
        };
        let expected = self.frontier.size();
        if frame.first_index() != expected {
            return Err(Finding::Index {
                expected,
                found: frame.first_index(),
            });
        }
        self.stored_checkpoint(frame.previous_checkpoint())?;
        self.compare_known()?;
        let mut key_ids = Vec::new();
        for entry in frame.entries() {
            let index = entry.index;
            let header = Header::decode(entry.header).map_err(|reason| Finding::Header { index, reason })?;
            if header.origin != *self.verifier.origin() {
                return Err(Finding::OtherLog { index });
            }
            if header.time_ms < self.last_time {
                return Err(Finding::Time { index });
            }
            if !entry
                .parts
                .iter()
                .all(|part| DataKey::is_sealed_form(part.ciphertext))
            {
                return Err(Finding::SealedPart { index });
            }
            let leaf = leaf_hash(entry.header);
            self.last_time = header.time_ms;
            self.frontier.push(leaf)?;
            self.compare_known()?;
            key_ids.clear();
            key_ids.extend(entry.parts.iter().map(|part| part.key_id));
            visit(&Visited {
                index,
                header: &header,
                leaf,
                key_ids: &key_ids,
            });
        }
        Ok(frame.next_index() - frame.first_index())
    }

    /// Checks what needs the whole log.
    pub(crate) fn finish(mut self) -> Result<Verified, Finding> {
        self.compare_known()?;
        let found = self.frontier.size();
        if let Some(known) = self.known.back() {
            return Err(Finding::Smaller {
                found,
                known: known.checkpoint().size,
            });
        }
        if let Some(newest) = &self.newest {
            self.verify(newest, newest.checkpoint().size)?;
        }
        Ok(Verified {
            stored: self.newest.map(|newest| newest.checkpoint().size),
            frontier: self.frontier,
            last_time: self.last_time,
            checkpoints: self.checkpoints,
        })
    }

    fn stored_checkpoint(&mut self, text: &[u8]) -> Result<(), Finding> {
        if text.is_empty() {
            return Ok(());
        }
        let size = self.frontier.size();
        let text = std::str::from_utf8(text).unwrap_or_default();
        let stored = SignedCheckpoint::parse(text).map_err(|reason| Finding::Checkpoint { size, reason })?;
        let Checkpoint {
            origin: _,
            size: stated,
            root,
        } = stored.checkpoint();
        if *stated != size {
            return Err(Finding::CheckpointSize {
                size,
                stored: *stated,
            });
        }
        if *root != self.frontier.root() {
            return Err(Finding::Different { size });
        }
        if self.signatures == Signatures::Every {
            self.verify(&stored, size)?;
        }
        self.newest = Some(stored);
        self.checkpoints += 1;
        Ok(())
    }

    fn verify(&self, stored: &SignedCheckpoint, size: u64) -> Result<(), Finding> {
        self.verifier
            .verify(stored)
            .map(|_| ())
            .map_err(|reason| Finding::Checkpoint { size, reason })
    }

    fn compare_known(&mut self) -> Result<(), Finding> {
        let size = self.frontier.size();
        while let Some(known) = self.known.pop_front_if(|known| known.checkpoint().size <= size) {
            let Checkpoint {
                size: stated, root, ..
            } = known.checkpoint();
            if *stated == size && *root != self.frontier.root() {
                return Err(match known {
                    Known::Head(_) => Finding::Different { size },
                    Known::Cosigned(_) => Finding::NotCosigned { size },
                });
            }
        }
        Ok(())
    }
}

impl Known {
    fn checkpoint(&self) -> &Checkpoint {
        match self {
            Self::Head(checkpoint) | Self::Cosigned(checkpoint) => checkpoint,
        }
    }
}
