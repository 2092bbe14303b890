//! Where the index's cards are not the node's: found card by card, and mended by publishing again.

use std::collections::{BTreeMap, BTreeSet};

use registry::canonical;
use registry::change::ChangeBody;
use registry::digest::{Bucket, CardDigest, SetDigest};
use registry::identifier::LocalId;

use crate::municipal::aside::KeptAside;
use crate::municipal::{ChangeDraft, MunicipalError, MunicipalStore, REPLAYED_AT_ONCE};

/// A card in which node and index differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The card.
    pub local_id: LocalId,
    /// How.
    pub kind: DifferenceKind,
}

/// How node and index differ in a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// The index does not have it.
    OnlyHere,
    /// The node does not have it.
    OnlyAtIndex,
    /// Both have it, and not the same.
    Other,
    /// The index keeps the card's last change aside, and what it serves instead is not the version before.
    KeptAside,
}

impl MunicipalStore {
    /// The changes that the index keeps aside, as it last said.
    pub fn kept_aside(&self) -> &[KeptAside] {
        self.aside.changes()
    }

    /// Takes over the index's list of the changes that it keeps aside. It is on the device when this returns.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_aside(&mut self, changes: Vec<KeptAside>) -> Result<(), MunicipalError> {
        self.aside.replace(changes)
    }

    /// Digest of the cards that the index serves when it holds the whole journal: the mirror's, but for what it keeps
    /// aside.
    ///
    /// # Errors
    /// When journal or mirror cannot be read.
    pub fn served_digest(&mut self) -> Result<SetDigest, MunicipalError> {
        self.read_aside()?;
        let mut digest = self.digest.clone();
        self.aside.adjust(&mut digest, &|local_id| {
            let card = self.mirror.card(local_id)?;
            Ok(card.map(|card| CardDigest::of(local_id, &canonical::encode(&card))))
        })?;
        Ok(digest)
    }

    /// The cards of some buckets in which the index's list differs, in order of local id. `listed` must be all that the
    /// index serves of these buckets when it holds the whole journal.
    ///
    /// # Errors
    /// When journal or mirror cannot be read.
    pub fn differences(
        &mut self,
        buckets: &BTreeSet<Bucket>,
        listed: &BTreeMap<LocalId, CardDigest>,
    ) -> Result<Vec<Difference>, MunicipalError> {
        self.read_aside()?;
        let mut expected = BTreeMap::new();
        self.mirror.every_card(&mut |card| {
            if buckets.contains(&Bucket::of(&card.local_id)) {
                let digest = CardDigest::of(&card.local_id, &canonical::encode(&card));
                expected.insert(card.local_id, digest);
            }
        })?;
        for (local_id, served) in self.aside.behind() {
            if buckets.contains(&Bucket::of(local_id)) {
                match served.held {
                    Some((_, held)) => expected.insert(local_id.clone(), held),
                    None => expected.remove(local_id),
                };
            }
        }
        let all: BTreeSet<&LocalId> = expected.keys().chain(listed.keys()).collect();
        let differing = all.into_iter().filter_map(|local_id| {
            let kind = match (expected.get(local_id), listed.get(local_id)) {
                (mine, theirs) if mine == theirs => return None,
                _ if self.aside.served(local_id).is_some() => DifferenceKind::KeptAside,
                (Some(_), None) => DifferenceKind::OnlyHere,
                (None, _) => DifferenceKind::OnlyAtIndex,
                (Some(_), Some(_)) => DifferenceKind::Other,
            };
            Some(Difference {
                local_id: local_id.clone(),
                kind,
            })
        });
        Ok(differing.collect())
    }

    /// Journals what makes the differences go away: the node's cards as they are, and removals of what the index alone
    /// has. Of a card whose last change is kept aside, first the version before and then that change again, which will
    /// be kept aside again. Returns how many changes that made.
    ///
    /// # Errors
    /// As for [`MunicipalStore::append`].
    pub fn publish_again(&mut self, differences: &[Difference]) -> Result<u64, MunicipalError> {
        let mut drafts = Vec::new();
        for Difference { local_id, kind } in differences {
            let mut draft = |body| {
                drafts.push(ChangeDraft {
                    local_id: local_id.clone(),
                    body,
                    events: Vec::new(),
                });
            };
            match kind {
                DifferenceKind::OnlyHere | DifferenceKind::Other => draft(self.mirrored_body(local_id)?),
                DifferenceKind::OnlyAtIndex => draft(ChangeBody::Remove),
                DifferenceKind::KeptAside => {
                    let held = self.aside.served(local_id).and_then(|served| served.held);
                    draft(match held {
                        Some((sequence, _)) => self.body_of(sequence)?,
                        None => ChangeBody::Remove,
                    });
                    draft(self.mirrored_body(local_id)?);
                }
            }
        }
        let count = drafts.len() as u64;
        self.append(drafts)?;
        Ok(count)
    }

    fn mirrored_body(&self, local_id: &LocalId) -> Result<ChangeBody, MunicipalError> {
        let card = self.mirror.card(local_id)?;
        Ok(card.map_or(ChangeBody::Remove, |card| ChangeBody::Upsert(Box::new(card))))
    }

    fn body_of(&self, sequence: u64) -> Result<ChangeBody, MunicipalError> {
        let change = self.changes_from(sequence, 1)?.into_iter().next();
        Ok(change.map_or(ChangeBody::Remove, |change| change.body))
    }

    /// Reads the journal as far as the list of changes kept aside demands it.
    fn read_aside(&mut self) -> Result<(), MunicipalError> {
        while let Some(from) = self.aside.wants_from(self.journal.last()) {
            let changes = self.changes_from(from, REPLAYED_AT_ONCE)?;
            if changes.is_empty() {
                break;
            }
            self.aside.read(&changes);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
