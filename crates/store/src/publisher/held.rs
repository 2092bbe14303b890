//! What the index has received of a municipality and does not serve.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};
use registry::canonical;
use registry::change::ChangeBody;
use registry::identifier::{LocalId, RecordId};
use registry::profile::{FieldGroup, GroupSet};
use registry::publication::{Batch, ConfirmedSeal, HoldReason};
use registry::statement::{HeldLine, held_digest};

use crate::linker::Linker;
use crate::publication_journal::entry::{AcceptedBatch, Decision};
use crate::publication_journal::ruling::{Cause, Restatement};
use crate::rows::CommitSequence;

/// A change that waits for a registrar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldChange {
    /// Its place in the order of all accepted changes.
    pub commit_sequence: CommitSequence,
    /// Its number in the node's journal.
    pub sequence: u64,
    /// The municipality's own number of the card.
    pub local_id: LocalId,
    /// Why it waits.
    pub reason: HoldReason,
    /// When the index recorded it, Unix milliseconds.
    pub at_ms: u64,
    /// SHA-256 of the card's canonical bytes as it came in, within the profile of then; zeros for a withdrawal.
    pub content: [u8; 32],
    /// What of the card must be known when its group leaves publication; `None` for a withdrawal.
    pub(crate) card: Option<HeldCard>,
}

/// What must be known of a card that waits without opening it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeldCard {
    /// The groups of fields in it.
    groups: GroupSet,
    /// Whether it protects somebody's whereabouts.
    protects: bool,
}

/// Versions received in an interval that are not trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// Its first card's place in the order of all accepted changes: what it is lifted by.
    pub id: CommitSequence,
    /// First instant of the interval, Unix milliseconds.
    pub from_ms: u64,
    /// Last instant.
    pub to_ms: u64,
    /// When it was ordered.
    pub at_ms: u64,
    /// The administrator's act.
    pub reference: String,
    /// The cards that are served as they were before.
    pub cards: BTreeSet<RecordId>,
    /// The cards of which a version came into the quarantine, also those that the node has sent anew since.
    pub concerned: BTreeSet<RecordId>,
}

/// What waits of a municipality.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    held: BTreeMap<RecordId, HeldChange>,
    quarantines: Vec<Quarantine>,
    /// Seals that took effect, in the order in which they did.
    seals: Vec<ConfirmedSeal>,
}

impl HeldCard {
    fn of(body: &ChangeBody) -> Option<Self> {
        match body {
            ChangeBody::Upsert(card) => Some(Self {
                groups: GroupSet::of_card(card),
                protects: card.ever_protected(),
            }),
            ChangeBody::Remove => None,
        }
    }
}

impl Holdings {
    /// What waits for a registrar, in the order in which it was accepted.
    pub fn held(&self) -> Vec<&HeldChange> {
        let mut held: Vec<&HeldChange> = self.held.values().collect();
        held.sort_by_key(|change| change.commit_sequence);
        held
    }

    /// The cards of which something waits for a registrar.
    pub(crate) fn held_records(&self) -> BTreeSet<RecordId> {
        self.held.keys().copied().collect()
    }

    /// Those of them, with what waits.
    pub(crate) fn held_by_record(&self) -> impl Iterator<Item = (RecordId, &HeldChange)> {
        self.held.iter().map(|(record, change)| (*record, change))
    }

    /// What a registrar's statement must name.
    pub fn digest(&self) -> [u8; 32] {
        held_digest(self.held().into_iter().map(|change| HeldLine {
            commit_sequence: change.commit_sequence.0,
            local_id: &change.local_id,
            reason: change.reason,
            content: change.content,
        }))
    }

    /// Seals that took effect: a registrar had confirmed them.
    pub(crate) fn seals(&self) -> &[ConfirmedSeal] {
        &self.seals
    }

    /// Quarantines that last, oldest first.
    pub fn quarantines(&self) -> &[Quarantine] {
        &self.quarantines
    }

    /// Takes in what was decided about a batch, or about a release.
    pub(crate) fn note_batch(&mut self, linker: &Linker, accepted: &AcceptedBatch, batch: &Batch) {
        let decided = batch.changes().iter().zip(&accepted.decisions);
        for ((change, decision), commit_sequence) in decided.zip(accepted.first.0..) {
            let own = linker.record_id(accepted.municipality, &change.local_id);
            match decision {
                Decision::Linked { .. } | Decision::Related { .. } => self.settle(own),
                Decision::Quarantined { .. } => {}
                Decision::Sealed { record, before, .. } => {
                    self.settle(*before);
                    self.settle(*record);
                    let seal = match &change.body {
                        ChangeBody::Upsert(card) => ConfirmedSeal::of(card),
                        ChangeBody::Remove => None,
                    };
                    self.seals.extend(seal.filter(|seal| !self.seals.contains(seal)));
                }
                Decision::Buried { record } | Decision::Renewed { record, .. } => self.settle(*record),
                Decision::Held { reason, moved } => {
                    let record = moved.unwrap_or(own);
                    let held = HeldChange {
                        commit_sequence: CommitSequence(commit_sequence),
                        sequence: change.sequence,
                        local_id: change.local_id.clone(),
                        reason: *reason,
                        at_ms: accepted.recorded_ms,
                        content: content_of(&change.body),
                        card: HeldCard::of(&change.body),
                    };
                    self.held.insert(record, held);
                }
            }
        }
    }

    /// Takes in what is served otherwise.
    pub(crate) fn note_restatement(&mut self, restatement: &Restatement) {
        let records = restatement.cards.iter().map(|card| card.record);
        match &restatement.cause {
            Cause::Rejected(_) => records.for_each(|record| self.settle(record)),
            Cause::Lifted { quarantine, .. } => {
                self.quarantines.retain(|kept| kept.id != *quarantine);
            }
            Cause::Quarantined {
                from_ms,
                to_ms,
                reference,
            } => {
                let restored = restatement.served_otherwise().map(|card| card.record);
                let last = self.quarantines.last_mut();
                let goes_on = last.filter(|last| {
                    (last.from_ms, last.to_ms, last.at_ms) == (*from_ms, *to_ms, restatement.recorded_ms)
                });
                match goes_on {
                    // A long one is journalled in several parts.
                    Some(last) => {
                        last.concerned.extend(records);
                        last.cards.extend(restored);
                    }
                    None => self.quarantines.push(Quarantine {
                        id: restatement.first,
                        from_ms: *from_ms,
                        to_ms: *to_ms,
                        at_ms: restatement.recorded_ms,
                        reference: reference.clone(),
                        concerned: records.collect(),
                        cards: restored.collect(),
                    }),
                }
            }
        }
    }

    /// Takes in that only these groups are published from now on: a card of a citizen abroad that waits becomes a
    /// withdrawal, and a registrar is told what ends with it.
    pub(crate) fn note_profile(&mut self, groups: GroupSet) {
        if groups.contains(FieldGroup::Aire) {
            return;
        }
        for held in self.held.values_mut() {
            let left = held.card.take_if(|card| card.groups.contains(FieldGroup::Aire));
            if let Some(HeldCard { groups: _, protects }) = left {
                held.content = [0; 32];
                if protects {
                    held.reason = HoldReason::ProtectionEnded;
                }
            }
        }
    }

    fn settle(&mut self, record: RecordId) {
        self.held.remove(&record);
        for quarantine in &mut self.quarantines {
            quarantine.cards.remove(&record);
        }
    }
}

fn content_of(body: &ChangeBody) -> [u8; 32] {
    let mut hash = [0; 32];
    if let ChangeBody::Upsert(card) = body {
        hash.copy_from_slice(digest(&SHA256, &canonical::encode(card)).as_ref());
    }
    hash
}
