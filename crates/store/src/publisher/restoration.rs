//! From a proved loss until the index knows again what it knew.
//!
//! An index that was restored from an older copy, or emptied, holds cards as they were: without the protection or the seal
//! that came later, be it on another municipality's card of the same person. It learns of the loss from the first node
//! that proves it, and must not answer agencies from then on until every municipality has been heard again and has sent
//! what it had sent before, or an administrator decides otherwise. The loss and the end of the restoration are frames of
//! the publication journal; who has been heard is not: after a restart every node opens its stream anew.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use registry::municipality::MunicipalityId;
use registry::publication::Watermark;

/// Whether a restoration lasts, and where the journals end of those who have been heard since it began.
#[derive(Debug, Default)]
pub(crate) struct Restoration {
    lasts: AtomicBool,
    heard: Mutex<BTreeMap<MunicipalityId, Watermark>>,
}

impl Restoration {
    pub(crate) fn lasts(&self) -> bool {
        self.lasts.load(Ordering::Acquire)
    }

    /// A loss was proved. Whoever has been heard since the process began stays heard: the loss is older.
    pub(crate) fn begin(&self) {
        self.lasts.store(true, Ordering::Release);
    }

    pub(crate) fn end(&self) {
        self.lasts.store(false, Ordering::Release);
    }

    /// A node has said where its municipality's journal ends.
    pub(crate) fn hear(&self, municipality: MunicipalityId, journal_end: Watermark) {
        self.heard
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(municipality, journal_end);
    }

    /// Where a municipality's journal ends, once it has been heard.
    pub(crate) fn heard(&self, municipality: MunicipalityId) -> Option<Watermark> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.get(&municipality).copied()
    }
}
