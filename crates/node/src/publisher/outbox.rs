//! Where batches are cut: once.
//!
//! The index tells a batch that comes again by its bounds and content, so a batch that may have been sent must be cut
//! the same way ever after. Cuts are therefore written down and synced before the batch that ends at them is sent;
//! those that the index acknowledged are forgotten. Beside them stands the index's epoch as last known.
//!
//! The file is JSON, `{"version":1,"epoch":"<32 hexadecimal digits>"|null,"cuts":[…]}`: numbers and no personal data.

use std::collections::BTreeSet;
use std::sync::Arc;

use prost::Message;
use registry::change::Change;
use registry::identifier::IstatCode;
use registry::publication::{Batch, BatchError, Epoch, MAX_CHANGES};
use serde::{Deserialize, Serialize};
use store::files::{Files, read_whole, replace};
use store::municipal::{MunicipalError, MunicipalStore};
use wire::proto::publication::v1 as proto;

const FILE: &str = "publisher.json";
const VERSION: u32 = 1;

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
}

/// The cuts, and the index's epoch as last known.
#[derive(Debug)]
pub(super) struct Outbox {
    files: Arc<dyn Files>,
    epoch: Option<Epoch>,
    /// Numbers of the changes at which batches end.
    cuts: BTreeSet<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notes {
    version: u32,
    epoch: Option<String>,
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
    pub(super) fn within(self, max_changes: u32, max_bytes: u32) -> Self {
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

impl Outbox {
    pub(super) fn open(files: Arc<dyn Files>) -> Result<Self, OutboxError> {
        let Some(bytes) = read_whole(files.as_ref(), FILE)? else {
            return Ok(Self {
                files,
                epoch: None,
                cuts: BTreeSet::new(),
            });
        };
        let Notes { version, epoch, cuts } =
            serde_json::from_slice(&bytes).map_err(|_| OutboxError::Damaged)?;
        if version != VERSION {
            return Err(OutboxError::Damaged);
        }
        let epoch = epoch
            .map(|text| parse_hex(&text).map(Epoch).ok_or(OutboxError::Damaged))
            .transpose()?;
        Ok(Self {
            files,
            epoch,
            cuts: cuts.into_iter().collect(),
        })
    }

    pub(super) fn epoch(&self) -> Option<Epoch> {
        self.epoch
    }

    /// Takes note of the epoch. In another one nothing that was sent before counts, so it may be cut anew.
    pub(super) fn enter(&mut self, epoch: Epoch) -> Result<(), OutboxError> {
        if self.epoch == Some(epoch) {
            return Ok(());
        }
        self.epoch = Some(epoch);
        self.cuts.clear();
        self.write()
    }

    /// Forgets the cuts that the index acknowledged; they are gone from the file with its next writing.
    pub(super) fn acknowledged(&mut self, watermark: u64) {
        self.cuts.retain(|cut| watermark < *cut);
    }

    /// The outbox for another thread, to be given back. What stays behind must not be used.
    pub(super) fn lend(&mut self) -> Self {
        let Self { files, epoch, cuts } = self;
        Self {
            files: Arc::clone(files),
            epoch: *epoch,
            cuts: std::mem::take(cuts),
        }
    }

    /// The batch that begins with change `first`. When this returns, its cut is on the device.
    pub(super) fn batch(
        &mut self,
        store: &MunicipalStore,
        municipality: IstatCode,
        epoch: Epoch,
        first: u64,
        limits: BatchLimits,
        sent_at_ms: i64,
    ) -> Result<Batch, OutboxError> {
        let cut = match self.cut_after(first) {
            Some(cut) => cut,
            None => {
                self.cut_ahead(store, first, limits)?;
                self.cut_after(first)
                    .ok_or(OutboxError::Batch(BatchError::Empty))?
            }
        };
        let count = usize::try_from(cut - first + 1).unwrap_or(usize::MAX);
        let changes = store.changes_from(first, count)?;
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
        limits: BatchLimits,
    ) -> Result<(), OutboxError> {
        let mut next = first;
        for _ in 0..AHEAD {
            let changes = store.changes_from(next, limits.max_changes)?;
            let fitting = fitting(&changes, limits.max_bytes);
            let Some(last) = fitting.last() else { break };
            self.cuts.insert(last.sequence);
            next = last.sequence + 1;
        }
        self.write()
    }

    fn write(&self) -> Result<(), OutboxError> {
        let notes = Notes {
            version: VERSION,
            epoch: self
                .epoch
                .map(|epoch| epoch.0.iter().map(|byte| format!("{byte:02x}")).collect()),
            cuts: self.cuts.iter().copied().collect(),
        };
        let bytes = serde_json::to_vec(&notes).map_err(std::io::Error::other)?;
        Ok(replace(self.files.as_ref(), FILE, &bytes)?)
    }
}

/// The first changes, as many as fit, at least one.
fn fitting(changes: &[Change], max_bytes: usize) -> &[Change] {
    // Tag and length before each change, and the batch's other fields.
    const EACH: usize = 6;
    const OTHERS: usize = 128;
    let mut used = OTHERS;
    let count = changes.iter().take_while(|change| {
        used += EACH + proto::Change::from(*change).encoded_len();
        used <= max_bytes
    });
    let count = count.count().max(1).min(changes.len());
    changes.get(..count).unwrap_or_default()
}

fn parse_hex(text: &str) -> Option<[u8; 16]> {
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}

#[cfg(test)]
mod tests;
