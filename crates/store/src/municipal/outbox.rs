//! Where batches are cut: once; and what of them was acknowledged.
//!
//! The index tells a batch that comes again by its bounds and content, so a batch that may have been sent must be cut
//! the same way ever after. Cuts are therefore written down and synced before the batch that ends at them is sent;
//! those that the index acknowledged are forgotten. Beside them stand the index's epoch as last known and the newest
//! acknowledgement with its proof, which the node shows when it opens a stream: an index that was restored learns from
//! it what it lost. The proof is written with the next cuts or when everything is acknowledged; one that a crash loses
//! makes a loss harder to prove, but what is lost is sent again all the same, since sending goes on from what the
//! index says it holds.
//!
//! The file is JSON, numbers and no personal data:
//! `{"version":2,"epoch":"<32 hexadecimal digits>"|null,"acknowledged":0,"proof":"<80 digits>"|null,"backed_up":0,"cuts":[…]}`.
//! Version 1 had `epoch` and `cuts` alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use registry::change::Change;
use registry::hex;
use registry::identifier::IstatCode;
use registry::publication::{AcknowledgementProof, Batch, BatchError, Claim, Epoch, MAX_CHANGES, Watermark};
use serde::{Deserialize, Serialize};

use crate::files::{Files, read_whole, replace};
use crate::municipal::{MunicipalError, MunicipalStore};

const FILE: &str = "publisher.json";
const VERSION: u32 = 2;

/// Batches whose cuts are written down with one sync.
const AHEAD: usize = 16;

/// How batches are cut. The index may demand less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// Changes in one batch, 1 to 2,000.
    pub max_changes: usize,
    /// Encoded bytes of one batch, unless a single change is larger.
    pub max_bytes: usize,
}

/// How a batch is to be made.
#[derive(Clone, Copy)]
pub struct Cutting<'a> {
    /// ISTAT code under which the municipality publishes.
    pub municipality: IstatCode,
    /// How much a batch holds.
    pub limits: BatchLimits,
    /// Encoded bytes of a change, with what surrounds it in a batch.
    pub size: &'a (dyn Fn(&Change) -> usize + Sync),
    /// The node's clock, Unix milliseconds.
    pub sent_at_ms: i64,
}

/// Why no batch can be cut.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The file of cuts cannot be read or written.
    #[error("the publisher's notes cannot be read or written")]
    Io(#[from] std::io::Error),
    /// The file of cuts is not one.
    #[error("the publisher's notes are damaged")]
    Damaged,
    /// The journal.
    #[error("the journal cannot be read")]
    Journal(#[from] MunicipalError),
    /// The journal holds changes that make no batch, for instance cards under another ISTAT code.
    #[error("the journal's changes make no batch")]
    Batch(#[from] BatchError),
    /// No stream was opened yet: there is no epoch under which to send.
    #[error("the index's line of history is not known yet")]
    NoEpoch,
}

/// The cuts, the index's epoch as last known, and the newest acknowledgement.
#[derive(Debug)]
pub struct Outbox {
    files: Arc<dyn Files>,
    epoch: Option<Epoch>,
    acknowledged: Watermark,
    proof: Option<AcknowledgementProof>,
    backed_up: Watermark,
    /// Numbers of the changes at which batches end.
    cuts: BTreeSet<u64>,
    /// Whether the file is behind.
    behind: bool,
}

/// What the index said when a stream was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Its epoch.
    pub epoch: Epoch,
    /// What it holds durably.
    pub watermark: Watermark,
    /// Proof of it, from an index that gives one.
    pub proof: Option<AcknowledgementProof>,
    /// What a backup of it is known to hold.
    pub backed_up: Watermark,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notes {
    version: u32,
    epoch: Option<String>,
    #[serde(default)]
    acknowledged: u64,
    #[serde(default)]
    proof: Option<String>,
    #[serde(default)]
    backed_up: u64,
    cuts: Vec<u64>,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            max_changes: 1_000,
            max_bytes: 900_000,
        }
    }
}

impl BatchLimits {
    /// The stricter of both.
    #[must_use]
    pub fn within(self, max_changes: u32, max_bytes: u32) -> Self {
        let max_changes = self
            .max_changes
            .min(usize::try_from(max_changes).unwrap_or(usize::MAX));
        Self {
            max_changes: max_changes.clamp(1, MAX_CHANGES),
            max_bytes: self
                .max_bytes
                .min(usize::try_from(max_bytes).unwrap_or(usize::MAX)),
        }
    }
}

impl std::fmt::Debug for Cutting<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cutting")
            .field("municipality", &self.municipality)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Outbox {
    /// Opens the notes of a node; they are empty before it first published.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged.
    pub fn open(files: Arc<dyn Files>) -> Result<Self, OutboxError> {
        let notes = match read_whole(files.as_ref(), FILE)? {
            Some(bytes) => serde_json::from_slice(&bytes).map_err(|_| OutboxError::Damaged)?,
            None => Notes {
                version: VERSION,
                epoch: None,
                acknowledged: 0,
                proof: None,
                backed_up: 0,
                cuts: Vec::new(),
            },
        };
        let Notes {
            version,
            epoch,
            acknowledged,
            proof,
            backed_up,
            cuts,
        } = notes;
        if !(1..=VERSION).contains(&version) {
            return Err(OutboxError::Damaged);
        }
        let epoch = epoch
            .map(|text| hex::decode(&text).map(Epoch).ok_or(OutboxError::Damaged))
            .transpose()?;
        let proof = proof.map(|text| hex::decode(&text).ok_or(OutboxError::Damaged));
        Ok(Self {
            files,
            epoch,
            acknowledged: Watermark(acknowledged),
            proof: proof.transpose()?.map(AcknowledgementProof::from_bytes),
            backed_up: Watermark(backed_up),
            cuts: cuts.into_iter().collect(),
            behind: false,
        })
    }

    /// The index's epoch as last known.
    pub fn epoch(&self) -> Option<Epoch> {
        self.epoch
    }

    /// The newest acknowledgement, to be shown to the index.
    pub fn claim(&self) -> Option<Claim> {
        Some(Claim {
            epoch: self.epoch?,
            watermark: self.acknowledged,
            proof: self.proof?,
        })
    }

    /// Takes note of what the index said at opening. In another epoch nothing that was sent before counts, so it may
    /// be cut anew.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn enter(&mut self, entered: Entered) -> Result<(), OutboxError> {
        let Entered {
            epoch,
            watermark,
            proof,
            backed_up,
        } = entered;
        let other = self.epoch != Some(epoch);
        if other {
            self.cuts.clear();
        }
        self.epoch = Some(epoch);
        self.note(watermark, proof, backed_up);
        if other { self.write() } else { Ok(()) }
    }

    /// Takes note of an acknowledgement and forgets the cuts behind it. The file follows with its next writing.
    pub fn acknowledged(
        &mut self,
        watermark: Watermark,
        proof: Option<AcknowledgementProof>,
        backed_up: Watermark,
    ) {
        if self.acknowledged <= watermark {
            self.note(watermark, proof, backed_up);
        }
    }

    fn note(&mut self, watermark: Watermark, proof: Option<AcknowledgementProof>, backed_up: Watermark) {
        self.behind |= self.acknowledged != watermark || self.proof != proof || self.backed_up != backed_up;
        self.acknowledged = watermark;
        self.proof = proof;
        self.backed_up = backed_up;
        self.cuts.retain(|cut| watermark.0 < *cut);
    }

    /// Whether the file does not have the newest acknowledgement yet.
    pub fn is_behind(&self) -> bool {
        self.behind
    }

    /// Writes the notes down where they are behind.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&mut self) -> Result<(), OutboxError> {
        if self.behind { self.write() } else { Ok(()) }
    }

    /// The outbox for another thread, to be given back. What stays behind must not be used.
    #[must_use]
    pub fn lend(&mut self) -> Self {
        Self {
            files: Arc::clone(&self.files),
            cuts: std::mem::take(&mut self.cuts),
            ..*self
        }
    }

    /// The batch that begins with change `first`. When this returns, its cut is on the device.
    ///
    /// # Errors
    /// See [`OutboxError`].
    pub fn batch(
        &mut self,
        store: &MunicipalStore,
        first: u64,
        cutting: &Cutting<'_>,
    ) -> Result<Batch, OutboxError> {
        let epoch = self.epoch.ok_or(OutboxError::NoEpoch)?;
        let cut = match self.cut_after(first) {
            Some(cut) => cut,
            None => {
                self.cut_ahead(store, first, cutting)?;
                self.cut_after(first)
                    .ok_or(OutboxError::Batch(BatchError::Empty))?
            }
        };
        let count = usize::try_from(cut - first + 1).unwrap_or(usize::MAX);
        let changes = store.changes_from(first, count)?;
        let Cutting {
            municipality,
            sent_at_ms,
            ..
        } = *cutting;
        Ok(Batch::new(municipality, epoch, first, changes, sent_at_ms)?)
    }

    fn cut_after(&self, first: u64) -> Option<u64> {
        self.cuts.range(first..).next().copied()
    }

    /// Cuts the next batches from change `first` on, and writes the cuts down.
    fn cut_ahead(
        &mut self,
        store: &MunicipalStore,
        first: u64,
        cutting: &Cutting<'_>,
    ) -> Result<(), OutboxError> {
        let BatchLimits {
            max_changes,
            max_bytes,
        } = cutting.limits;
        let mut next = first;
        for _ in 0..AHEAD {
            let changes = store.changes_from(next, max_changes)?;
            let fitting = fitting(&changes, max_bytes, cutting.size);
            let Some(last) = fitting.last() else { break };
            self.cuts.insert(last.sequence);
            next = last.sequence + 1;
        }
        self.write()
    }

    fn write(&mut self) -> Result<(), OutboxError> {
        let notes = Notes {
            version: VERSION,
            epoch: self.epoch.map(|epoch| hex::encode(&epoch.0)),
            acknowledged: self.acknowledged.0,
            proof: self.proof.map(|proof| hex::encode(proof.as_bytes())),
            backed_up: self.backed_up.0,
            cuts: self.cuts.iter().copied().collect(),
        };
        let bytes = serde_json::to_vec(&notes).map_err(std::io::Error::other)?;
        replace(self.files.as_ref(), FILE, &bytes)?;
        self.behind = false;
        Ok(())
    }
}

/// The first changes, as many as fit, at least one.
fn fitting<'a>(changes: &'a [Change], max_bytes: usize, size: &dyn Fn(&Change) -> usize) -> &'a [Change] {
    // The batch's other fields.
    const OTHERS: usize = 128;
    let mut used = OTHERS;
    let count = changes.iter().take_while(|change| {
        used += size(change);
        used <= max_bytes
    });
    let count = count.count().max(1).min(changes.len());
    changes.get(..count).unwrap_or_default()
}

#[cfg(test)]
mod tests;
