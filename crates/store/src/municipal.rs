//! What a node keeps of its own municipality: a journal of changes, and a mirror of the last published state.
//!
//! The journal is the truth: numbered changes, each appended with one sync before anything is sent. The mirror is
//! its projection and says what the last export looked like, so that the next one can be compared with it; like every
//! projection it can be deleted and comes back from the journal. Both are sealed under the municipality's key, and
//! the mirror's keys are tokens of local ids.

mod change_journal;
mod history;
mod mirror;
pub mod aside;
mod seals;
pub mod reconcile;
pub mod outbox;
pub mod profile;

use std::path::Path;
use std::sync::Arc;

use registry::canonical;
use registry::change::{Change, ChangeBody, RegistryEvent};
use registry::digest::SetDigest;
use registry::identifier::{IstatCode, LocalId};
use registry::municipality::MunicipalityId;
use registry::profile::{GroupSet, Profile};
use registry::publication::{Accepted, Batch, Epoch, ProvedSeal};
use registry::record::Record;

use crate::files::Files;
use crate::keys::ring::{KeyRing, NamedKey, RingError};
use crate::kv::EngineError;
use crate::kv::place::{Place, unless_it_panics};
use crate::linker::LARGEST_CARD;
use crate::municipal::aside::Aside;
use crate::municipal::change_journal::ChangeJournal;
pub use crate::municipal::change_journal::ChangeJournalError;
pub use crate::municipal::history::History;
use crate::municipal::mirror::{Mirror, MirrorError, Synced};
use crate::municipal::profile::{Adopted, NodeProfile, ProfileStatus, Reading};
use crate::municipal::seals::ConfirmedSeals;
use crate::publication_journal::municipality_key;
use crate::segment::Settings;

/// Changes that are read at once when the mirror is brought up to the journal.
const REPLAYED_AT_ONCE: usize = 1_000;

/// Where the mirror's rows live.
#[derive(Clone, Copy, Debug)]
pub enum MirrorEngine<'a> {
    /// sled, below this directory, with so many bytes of page cache.
    Sled {
        /// Directory of the engine.
        directory: &'a Path,
        /// Page cache, bytes.
        cache_bytes: u64,
    },
    /// The double of tests: filled from the journal at each start.
    Memory,
}

/// Why the node's store refuses.
#[derive(Debug, thiserror::Error)]
pub enum MunicipalError {
    /// A card is longer than the index serves. Nothing was journalled.
    #[error("a card is longer than {LARGEST_CARD} bytes")]
    TooLong,
    /// The journal of changes.
    #[error(transparent)]
    Journal(#[from] ChangeJournalError),
    /// The engine of the mirror.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The key ring.
    #[error(transparent)]
    Keys(#[from] RingError),
    /// A damaged mirror could not be set aside.
    #[error("the damaged mirror cannot be set aside")]
    SetAside(#[source] std::io::Error),
    /// The list of changes that the index keeps aside.
    #[error("the list of changes kept aside cannot be read or written")]
    Aside(#[source] std::io::Error),
    /// That list does not open: it may be removed, and is fetched again.
    #[error("the list of changes kept aside is damaged")]
    AsideDamaged,
    /// The confirmations of seals.
    #[error("the confirmations of seals cannot be read or written")]
    Seals(#[source] std::io::Error),
    /// They do not open: the file may be removed, and the index tells of them again.
    #[error("the confirmations of seals are damaged")]
    SealsDamaged,
    /// The notes of the publication profile.
    #[error("the notes of the publication profile cannot be read or written")]
    Profile(#[source] std::io::Error),
    /// Those notes are damaged: what left may not be sent, so nothing is.
    #[error("the notes of the publication profile are damaged")]
    ProfileDamaged,
    /// A row of the mirror does not open or decode: open the store again, and the mirror is made again.
    #[error("a row of the mirror is damaged")]
    Mirror,
}

impl From<MirrorError> for MunicipalError {
    fn from(error: MirrorError) -> Self {
        match error {
            MirrorError::Engine(error) => Self::Engine(error),
            MirrorError::Row => Self::Mirror,
        }
    }
}

/// A municipality's journal and mirror.
#[derive(Debug)]
pub struct MunicipalStore {
    municipality: MunicipalityId,
    journal: ChangeJournal,
    mirror: Mirror,
    digest: SetDigest,
    cards: u64,
    aside: Aside,
    seals: ConfirmedSeals,
    profile: NodeProfile,
}

/// A change that has no number yet.
#[derive(Debug)]
pub struct ChangeDraft {
    /// The card.
    pub local_id: LocalId,
    /// Its new state.
    pub body: ChangeBody,
    /// What explains it.
    pub events: Vec<RegistryEvent>,
}

impl MunicipalStore {
    /// Opens journal and mirror, and brings the mirror up to the journal. A mirror that is damaged, or ahead of the
    /// journal, or does not hold what it held when it was last synced, is set aside and made again.
    ///
    /// # Errors
    /// See [`MunicipalError`].
    pub fn open(
        files: Arc<dyn Files>,
        keys: &KeyRing,
        settings: Settings,
        engine: MirrorEngine<'_>,
        municipality: MunicipalityId,
    ) -> Result<Self, MunicipalError> {
        let key = keys.get_or_create(&municipality_key(municipality))?;
        let aside = Aside::open(Arc::clone(&files), key.clone())?;
        let seals = ConfirmedSeals::open(Arc::clone(&files), key.clone())?;
        let mut profile = NodeProfile::open(Arc::clone(&files))?;
        let journal = ChangeJournal::open(files, key.clone(), settings)?;
        let place = match engine {
            MirrorEngine::Sled {
                directory,
                cache_bytes,
            } => Place::Sled {
                directory,
                cache_bytes,
            },
            MirrorEngine::Memory => Place::Memory,
        };
        let opened = match unless_it_panics(|| open_mirror(place, &key, &journal, &profile)) {
            // It may hold what has left: from the journal it comes back without it.
            Some(Ok(_)) if !profile.is_mirrored() => None,
            Some(Ok(mirror)) => Some(mirror),
            None | Some(Err(MunicipalError::Mirror | MunicipalError::Engine(EngineError::Corrupt(_)))) => {
                None
            }
            Some(Err(error)) => return Err(error),
        };
        let (mirror, digest, cards) = match opened {
            Some(opened) => opened,
            None => {
                tracing::warn!("the mirror is made again from the journal");
                place.set_aside().map_err(MunicipalError::SetAside)?;
                open_mirror(place, &key, &journal, &profile)?
            }
        };
        if !profile.is_mirrored() {
            let (sequence, root) = (journal.last(), digest.root());
            mirror.sync(Synced { sequence, root })?;
            profile.note_mirrored()?;
        }
        Ok(Self {
            municipality,
            journal,
            mirror,
            digest,
            cards,
            aside,
            seals,
            profile,
        })
    }

    /// Whose store it is.
    pub fn municipality(&self) -> MunicipalityId {
        self.municipality
    }

    /// Number of the last change; 0 when there is none.
    pub fn last_sequence(&self) -> u64 {
        self.journal.last()
    }

    /// The seals that a registrar has confirmed, with what the index said of them.
    pub fn confirmed_seals(&self) -> &[ProvedSeal] {
        self.seals.all()
    }

    /// Keeps what the index tells of confirmed seals, durably.
    ///
    /// # Errors
    /// [`MunicipalError::Seals`], with nothing changed.
    pub fn keep_seals(&mut self, told: Vec<ProvedSeal>) -> Result<(), MunicipalError> {
        self.seals.keep(told)
    }

    /// Number of cards in the mirror.
    pub fn cards(&self) -> u64 {
        self.cards
    }

    /// Digest of the mirror.
    pub fn digest(&self) -> &SetDigest {
        &self.digest
    }

    /// The card as last journalled.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub fn card(&self, local_id: &LocalId) -> Result<Option<Record>, MunicipalError> {
        Ok(self.mirror.card(local_id)?)
    }

    /// Hands every card to `visit`.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub fn every_card(&self, visit: &mut dyn FnMut(Record)) -> Result<(), MunicipalError> {
        Ok(self.mirror.every_card(visit)?)
    }

    /// Journals changes, numbered on from the last, and then brings the mirror up to them. When this returns they
    /// are on the device.
    ///
    /// # Errors
    /// [`MunicipalError::TooLong`], with nothing journalled. After a full volume the first of the changes may be
    /// journalled, as [`MunicipalStore::last_sequence`] tells, and the store may be used on. After any other error
    /// open it again.
    pub fn append(&mut self, drafts: Vec<ChangeDraft>) -> Result<(), MunicipalError> {
        let first = self.journal.last() + 1;
        // Nothing is journalled that may not be published.
        let groups = self.profile.groups();
        let changes: Vec<Change> = drafts
            .into_iter()
            .zip(first..)
            .map(
                |(
                    ChangeDraft {
                        local_id,
                        body,
                        events,
                    },
                    sequence,
                )| {
                    groups.applied_to_change(Change {
                        sequence,
                        local_id,
                        body,
                        events,
                    })
                },
            )
            .collect();
        let too_long = |change: &Change| match &change.body {
            ChangeBody::Upsert(card) => LARGEST_CARD < canonical::encode(card).len(),
            ChangeBody::Remove => false,
        };
        if changes.iter().any(too_long) {
            return Err(MunicipalError::TooLong);
        }
        let mut rest = changes.as_slice();
        while !rest.is_empty() {
            let (frame, behind) = rest.split_at(ChangeJournal::frame_len(rest));
            self.journal.append(frame)?;
            for change in frame {
                self.mirrored(change)?;
            }
            rest = behind;
        }
        Ok(())
    }

    /// Changes from `sequence` on, at most `limit`, as they were journalled, without what left publication since.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn changes_from(&self, sequence: u64, limit: usize) -> Result<Vec<Change>, MunicipalError> {
        self.read_from(sequence, limit, Reading::Sending(self.profile.narrowings()))
    }

    /// Whether a batch that the index holds is what was sent of the journal there, at whatever time: what left since
    /// was on it then.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn sent(
        &self,
        accepted: &Accepted,
        municipality: IstatCode,
        epoch: Epoch,
    ) -> Result<bool, MunicipalError> {
        let count = accepted.last_sequence.saturating_sub(accepted.first_sequence);
        let count = usize::try_from(count).unwrap_or(usize::MAX).saturating_add(1);
        let journalled = self.journal.changes_from(accepted.first_sequence, count)?;
        // The code under which the cards were sent, also where all of them are withdrawals by now.
        let code = journalled.iter().find_map(|change| match &change.body {
            ChangeBody::Upsert(card) => Some(card.municipality),
            ChangeBody::Remove => None,
        });
        for known in (0..=self.profile.narrowings()).rev() {
            let changes = journalled.iter().cloned();
            let changes: Vec<Change> = changes
                .map(|change| self.profile.read_change(change, Reading::Sending(known)))
                .collect();
            let without_card = changes.iter().all(|change| change.body == ChangeBody::Remove);
            let same = match code.filter(|_| without_card) {
                Some(code) => Batch::new(code, epoch, accepted.first_sequence, changes, 0)
                    .is_ok_and(|batch| batch.content_id() == accepted.content),
                None => accepted.is_of(municipality, epoch, changes),
            };
            if same {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn read_from(
        &self,
        sequence: u64,
        limit: usize,
        reading: Reading,
    ) -> Result<Vec<Change>, MunicipalError> {
        let changes = self.journal.changes_from(sequence, limit)?.into_iter();
        Ok(changes
            .map(|change| self.profile.read_change(change, reading))
            .collect())
    }

    /// How the publication profile stands.
    pub fn profile(&self) -> ProfileStatus {
        self.profile.status()
    }

    /// What a card may hold that is published now; everything while the index never said what is agreed, because
    /// then nothing is sent.
    pub fn groups(&self) -> GroupSet {
        self.profile.groups()
    }

    /// Takes over what the index says is agreed. What left is gone from the mirror, and is sent no more, when this
    /// returns. Says whether anything left.
    ///
    /// # Errors
    /// After an error open the store again.
    pub fn adopt_profile(&mut self, profile: Profile) -> Result<bool, MunicipalError> {
        match self.profile.adopt(profile, self.journal.last())? {
            Adopted::Nothing => Ok(false),
            Adopted::Outside(groups) => {
                self.leave_out(groups)?;
                self.sync()?;
                self.profile.note_mirrored()?;
                // What the index holds of cards that it keeps aside is other bytes now.
                self.aside.forget();
                Ok(true)
            }
        }
    }

    /// Takes over what the municipality itself admits, and journals the changes by which the rest leaves the index.
    /// Returns how many.
    ///
    /// # Errors
    /// As for [`MunicipalStore::append`]; what is admitted is on the device all the same.
    pub fn admit_groups(&mut self, own: GroupSet) -> Result<u64, MunicipalError> {
        self.profile.admit(own, self.journal.last())?;
        self.aside.forget();
        let groups = self.profile.groups();
        let mut outside = Vec::new();
        self.mirror.every_card(&mut |card| {
            if !GroupSet::of_card(&card).is_subset(groups) {
                outside.push(card.local_id);
            }
        })?;
        // The mirror's order is that of its sealed keys; the journal's must not depend on them.
        outside.sort_unstable();
        for local_ids in outside.chunks(REPLAYED_AT_ONCE) {
            let mut drafts = Vec::with_capacity(local_ids.len());
            for local_id in local_ids {
                let card = self.mirror.card(local_id)?.and_then(|card| groups.applied(card));
                drafts.push(ChangeDraft {
                    local_id: local_id.clone(),
                    body: card.map_or(ChangeBody::Remove, |card| ChangeBody::Upsert(Box::new(card))),
                    events: Vec::new(),
                });
            }
            self.append(drafts)?;
        }
        Ok(outside.len() as u64)
    }

    /// A total export has brought what it has of every group that is published.
    ///
    /// # Errors
    /// When the notes cannot be written.
    pub fn note_groups_brought(&mut self) -> Result<(), MunicipalError> {
        self.profile.note_brought()
    }

    /// Takes everything outside these groups out of the mirror.
    fn leave_out(&mut self, groups: GroupSet) -> Result<(), MunicipalError> {
        let mut outside = Vec::new();
        self.mirror.every_card(&mut |card| {
            if !GroupSet::of_card(&card).is_subset(groups) {
                outside.push(card.local_id);
            }
        })?;
        for local_id in outside {
            let card = self.mirror.card(&local_id)?.and_then(|card| groups.applied(card));
            self.mirrored(&Change {
                sequence: self.journal.last(),
                local_id,
                body: card.map_or(ChangeBody::Remove, |card| ChangeBody::Upsert(Box::new(card))),
                events: Vec::new(),
            })?;
        }
        Ok(())
    }

    /// Puts the mirror on the device, so that the next start replays less.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn sync(&self) -> Result<(), MunicipalError> {
        Ok(self.mirror.sync(Synced {
            sequence: self.journal.last(),
            root: self.digest.root(),
        })?)
    }

    fn mirrored(&mut self, change: &Change) -> Result<(), MunicipalError> {
        if let Some(before) = self.mirror.card(&change.local_id)? {
            self.digest.remove(&change.local_id, &canonical::encode(&before));
            self.cards = self.cards.saturating_sub(1);
        }
        if let ChangeBody::Upsert(card) = &change.body {
            self.digest.add(&change.local_id, &canonical::encode(card));
            self.cards += 1;
        }
        Ok(self.mirror.apply(change)?)
    }
}

/// Opens the mirror, checks it and brings it up to the journal. [`MunicipalError::Mirror`]: a fresh one is needed.
fn open_mirror(
    place: Place<'_>,
    key: &NamedKey,
    journal: &ChangeJournal,
    profile: &NodeProfile,
) -> Result<(Mirror, SetDigest, u64), MunicipalError> {
    caught_up(Mirror::new(place.open()?, key.clone()), journal, profile)
}

fn caught_up(
    mirror: Mirror,
    journal: &ChangeJournal,
    profile: &NodeProfile,
) -> Result<(Mirror, SetDigest, u64), MunicipalError> {
    let synced = mirror.synced()?;
    let applied = synced.map_or(0, |synced| synced.sequence);
    if journal.last() < applied {
        return Err(MunicipalError::Mirror);
    }
    let mut next = applied + 1;
    while next <= journal.last() {
        for change in journal.changes_from(next, REPLAYED_AT_ONCE)? {
            next = change.sequence + 1;
            mirror.apply(&profile.read_change(change, Reading::Mirror))?;
        }
    }
    let (digest, cards) = mirror.sum()?;
    // What came after the last sync was just written again; without it, the mirror must be what it was then.
    let unchanged =
        synced.is_none_or(|synced| synced.sequence < journal.last() || synced.root == digest.root());
    if unchanged {
        Ok((mirror, digest, cards))
    } else {
        Err(MunicipalError::Mirror)
    }
}

#[cfg(test)]
mod tests;
