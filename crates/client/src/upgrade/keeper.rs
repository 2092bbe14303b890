//! What is held: the newest receipt under each signed head that is not witnessed yet. It knows no time and asks nobody.

use std::collections::BTreeMap;
use std::ops::Bound;

use ledger::checkpoint::Checkpoint;
use ledger::receipt::Receipt;

/// A receipt that is held.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) receipt: Receipt,
    /// The head that its receipt proves.
    pub(super) checkpoint: Checkpoint,
    /// When this head, or one that it continues and stands for, was shown first.
    pub(super) since_ms: u64,
    /// Whether an alarm was raised because it is late.
    late: bool,
}

/// Holds at most one receipt for each size of the log.
#[derive(Debug)]
pub(super) struct Keeper {
    held: BTreeMap<u64, Held>,
    most: usize,
}

/// Why a receipt is not held.
#[derive(Debug)]
pub(super) enum NotKept {
    /// Another head of the same size is held. `own` is the receipt under it.
    Forked { own: Receipt, other: Box<Held> },
    /// As many are held as may be.
    Full { held: usize, refused: Box<Held> },
}

impl Held {
    pub(super) fn new(receipt: Receipt, checkpoint: Checkpoint, now_ms: u64) -> Self {
        Self {
            receipt,
            checkpoint,
            since_ms: now_ms,
            late: false,
        }
    }
}

impl Keeper {
    pub(super) fn new(most: usize) -> Self {
        Self {
            held: BTreeMap::new(),
            most,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Holds a receipt. Says whether so many are held that some should be let go soon.
    pub(super) fn keep(&mut self, new: Held) -> Result<bool, NotKept> {
        let held = self.held.len();
        if let Some(own) = self.held.get_mut(&new.checkpoint.size) {
            if own.checkpoint.root != new.checkpoint.root {
                let own = own.receipt.clone();
                let other = Box::new(new);
                return Err(NotKept::Forked { own, other });
            }
            if own.receipt.index <= new.receipt.index {
                own.receipt = new.receipt;
            }
            return Ok(false);
        }
        if self.most <= held {
            let refused = Box::new(new);
            return Err(NotKept::Full { held, refused });
        }
        self.held.insert(new.checkpoint.size, new);
        Ok(self.plenty() < self.held.len())
    }

    /// The receipt under the smallest head above `after`.
    pub(super) fn next_after(&self, after: Option<u64>) -> Option<Held> {
        self.above(after).next().cloned()
    }

    /// The two smallest heads above `after`, while there are so many that some should be let go.
    pub(super) fn next_pair_after(&self, after: Option<u64>) -> Option<(Held, Held)> {
        if self.held.len() <= self.plenty() {
            return None;
        }
        let mut above = self.above(after);
        Some((above.next()?.clone(), above.next()?.clone()))
    }

    fn above(&self, after: Option<u64>) -> impl Iterator<Item = &Held> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.held.range((from, Bound::Unbounded)).map(|(_, held)| held)
    }

    /// How many heads are held before some are let go.
    fn plenty(&self) -> usize {
        self.most / 2
    }

    /// A head is no longer waited for.
    pub(super) fn settle(&mut self, head: &Checkpoint) {
        self.held.remove(&head.size);
    }

    /// Lets a head go that another one was proved to continue, which inherits its age.
    pub(super) fn inherit(&mut self, from: &Checkpoint, to: &Checkpoint) {
        if !self.held.contains_key(&to.size) {
            return;
        }
        let Some(gone) = self.held.remove(&from.size) else {
            return;
        };
        if let Some(heir) = self.held.get_mut(&to.size) {
            heir.late |= gone.late;
            heir.since_ms = heir.since_ms.min(gone.since_ms);
        }
    }

    /// The oldest receipt that is held for `within` or longer, when any became late since this was last asked and none
    /// was before: an alarm that goes on is raised once.
    pub(super) fn oldest_late(&mut self, now_ms: u64, within_ms: u64) -> Option<Held> {
        let goes_on = self.held.values().any(|held| held.late);
        let mut oldest: Option<&Held> = None;
        for held in self.held.values_mut() {
            if held.late || now_ms.saturating_sub(held.since_ms) < within_ms {
                continue;
            }
            held.late = true;
            let held = &*held;
            if oldest.is_none_or(|oldest| held.since_ms < oldest.since_ms) {
                oldest = Some(held);
            }
        }
        oldest.filter(|_| !goes_on).cloned()
    }
}
