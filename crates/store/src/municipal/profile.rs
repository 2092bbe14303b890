//! What a node publishes of its cards: the groups that the index says are agreed, within those that the municipality
//! itself admits.
//!
//! The journal keeps what was once journalled. What left since is left out wherever the journal is read: each narrowing
//! is noted with the last change of the journal then, and reaches every change up to it. So nothing that waits is sent
//! with what left, and the mirror comes back from the journal without it.
//!
//! An agreed group that leaves is taken out of the mirror without a change being sent: the index does the same. A group
//! that the municipality alone keeps back leaves with ordinary changes, which the index judges like all others.
//! Until the index has said what is agreed nothing is sent, and nothing is left out.
//!
//! The file is JSON, numbers and names of groups, no personal data:
//! `{"version":1,"told":{"number":1,"groups":[…]}|null,"own":[…]|null,"awaited":[…],"narrowings":[{"through":1,
//! "groups":[…],"by":"agreed"|"own"}],"mirrored":true}`. `mirrored` is false while the last narrowing may not be in the
//! mirror yet.

use std::sync::Arc;

use registry::change::Change;
use registry::profile::{FieldGroup, GroupSet, Profile};
use serde::{Deserialize, Serialize};

use crate::files::{Files, read_whole, replace};
use crate::municipal::MunicipalError;

const FILE: &str = "profile.json";
const VERSION: u32 = 1;

/// How a node's profile stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileStatus {
    /// What the index says is agreed; `None` while it never said.
    pub agreed: Option<GroupSet>,
    /// Number of the profile that it said last.
    pub number: Option<u64>,
    /// What the municipality itself admits.
    pub own: GroupSet,
    /// Agreed groups of which the cards hold nothing yet: a total export brings them.
    pub awaited: GroupSet,
}

/// The profile and its file.
#[derive(Debug)]
pub(super) struct NodeProfile {
    files: Arc<dyn Files>,
    told: Option<Told>,
    own: GroupSet,
    awaited: GroupSet,
    narrowings: Vec<Narrowing>,
    mirrored: bool,
}

/// What the index said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    number: u64,
    groups: GroupSet,
}

/// Groups left, for every change up to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Narrowing {
    through: u64,
    /// What remains.
    groups: GroupSet,
    by: By,
}

/// Whose narrowing it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum By {
    /// The agreements': index and mirror follow by themselves.
    Agreed,
    /// The municipality's: changes follow.
    Own,
}

/// Who reads the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Whoever makes the mirror.
    Mirror,
    /// Whoever sends, as long as only so many narrowings were known.
    Sending(usize),
}

/// What a mirror must leave out now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Adopted {
    /// Nothing more than before.
    Nothing,
    /// Everything outside these groups.
    Outside(GroupSet),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notes {
    version: u32,
    told: Option<WrittenTold>,
    own: Option<Vec<String>>,
    awaited: Vec<String>,
    narrowings: Vec<WrittenNarrowing>,
    mirrored: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTold {
    number: u64,
    groups: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenNarrowing {
    through: u64,
    groups: Vec<String>,
    by: By,
}

impl ProfileStatus {
    /// What is published; `None` while the index never said what is agreed, so that nothing is.
    pub fn effective(&self) -> Option<GroupSet> {
        self.agreed.map(|agreed| agreed.intersection(self.own))
    }
}

impl NodeProfile {
    pub(super) fn open(files: Arc<dyn Files>) -> Result<Self, MunicipalError> {
        let mut profile = Self {
            files,
            told: None,
            own: GroupSet::ALL,
            awaited: GroupSet::NONE,
            narrowings: Vec::new(),
            mirrored: true,
        };
        if let Some(bytes) = read_whole(profile.files.as_ref(), FILE).map_err(MunicipalError::Profile)? {
            let notes = serde_json::from_slice(&bytes).map_err(|_| MunicipalError::ProfileDamaged)?;
            profile.read(notes).ok_or(MunicipalError::ProfileDamaged)?;
        }
        Ok(profile)
    }

    pub(super) fn status(&self) -> ProfileStatus {
        ProfileStatus {
            agreed: self.told.map(|told| told.groups),
            number: self.told.map(|told| told.number),
            own: self.own,
            awaited: self.awaited.intersection(self.own),
        }
    }

    /// What a card may hold that is journalled now.
    pub(super) fn groups(&self) -> GroupSet {
        self.agreed_or_all().intersection(self.own)
    }

    /// What the mirror may hold, whatever the municipality keeps back.
    pub(super) fn agreed_or_all(&self) -> GroupSet {
        self.told.map_or(GroupSet::ALL, |told| told.groups)
    }

    /// How many narrowings are known.
    pub(super) fn narrowings(&self) -> usize {
        self.narrowings.len()
    }

    pub(super) fn is_mirrored(&self) -> bool {
        self.mirrored
    }

    /// A change of the journal, without what left since.
    pub(super) fn read_change(&self, change: Change, reading: Reading) -> Change {
        let known = match reading {
            Reading::Mirror => self.narrowings.len(),
            Reading::Sending(known) => known,
        };
        let reach = |narrowing: &&Narrowing| {
            change.sequence <= narrowing.through && !(reading == Reading::Mirror && narrowing.by == By::Own)
        };
        let remaining = self.narrowings.iter().take(known).filter(reach);
        let groups = remaining.fold(GroupSet::ALL, |groups, narrowing| {
            groups.intersection(narrowing.groups)
        });
        groups.applied_to_change(change)
    }

    /// Takes over what the index says is agreed; `journal_end` is the last change of the journal, 0 when it is empty.
    /// When this returns it is on the device. What the mirror must leave out then must be followed by
    /// [`NodeProfile::note_mirrored`].
    pub(super) fn adopt(&mut self, profile: Profile, journal_end: u64) -> Result<Adopted, MunicipalError> {
        let told = Told {
            number: profile.number(),
            groups: profile.groups(),
        };
        if self.told == Some(told) {
            return Ok(Adopted::Nothing);
        }
        let before = self.agreed_or_all();
        // What left and came back meanwhile is gone at the index as well. One that counts from the beginning again was
        // emptied or restored, and says nothing of that.
        let held = match self.told {
            Some(known) if known.number <= told.number => profile.held_since(known.number),
            Some(_) | None => told.groups,
        };
        let remaining = before.intersection(held);
        self.told = Some(told);
        if journal_end != 0 {
            let came = told.groups.difference(remaining);
            self.awaited = self.awaited.intersection(remaining).union(came);
        }
        self.narrow(before, remaining, journal_end, By::Agreed)
    }

    /// Takes over what the municipality itself admits, as [`NodeProfile::adopt`] does what is agreed. The mirror keeps
    /// what it has: changes must follow.
    pub(super) fn admit(&mut self, own: GroupSet, journal_end: u64) -> Result<(), MunicipalError> {
        if self.own == own {
            return Ok(());
        }
        let before = self.own;
        self.own = own;
        if journal_end != 0 {
            // What was kept back is on no card.
            self.awaited = self
                .awaited
                .union(own.difference(before))
                .intersection(self.agreed_or_all());
        }
        self.narrow(before, before.intersection(own), journal_end, By::Own)
            .map(drop)
    }

    /// A total export has brought what it has of every group.
    pub(super) fn note_brought(&mut self) -> Result<(), MunicipalError> {
        let kept_back = self.awaited.difference(self.own);
        if self.awaited == kept_back {
            return Ok(());
        }
        self.awaited = kept_back;
        self.write()
    }

    /// The mirror has left out what it must, and is on the device.
    pub(super) fn note_mirrored(&mut self) -> Result<(), MunicipalError> {
        if self.mirrored {
            return Ok(());
        }
        self.mirrored = true;
        self.write()
    }

    fn narrow(
        &mut self,
        before: GroupSet,
        remaining: GroupSet,
        journal_end: u64,
        by: By,
    ) -> Result<Adopted, MunicipalError> {
        let narrows = journal_end != 0 && before != remaining;
        if narrows {
            self.narrowings.push(Narrowing {
                through: journal_end,
                groups: remaining,
                by,
            });
            self.mirrored &= by == By::Own;
        }
        self.write()?;
        Ok(if narrows {
            Adopted::Outside(remaining)
        } else {
            Adopted::Nothing
        })
    }

    fn read(&mut self, notes: Notes) -> Option<()> {
        let Notes {
            version,
            told,
            own,
            awaited,
            narrowings,
            mirrored,
        } = notes;
        if version != VERSION {
            return None;
        }
        self.told = match told {
            Some(WrittenTold { number, groups }) => Some(Told {
                number,
                groups: set_of(&groups)?,
            }),
            None => None,
        };
        self.own = own.map_or(Some(GroupSet::ALL), |own| set_of(&own))?;
        self.awaited = set_of(&awaited)?;
        for WrittenNarrowing { through, groups, by } in narrowings {
            let groups = set_of(&groups)?;
            self.narrowings.push(Narrowing { through, groups, by });
        }
        self.mirrored = mirrored;
        Some(())
    }

    fn write(&self) -> Result<(), MunicipalError> {
        let notes = Notes {
            version: VERSION,
            told: self.told.map(|Told { number, groups }| WrittenTold {
                number,
                groups: names_of(groups),
            }),
            own: (self.own != GroupSet::ALL).then(|| names_of(self.own)),
            awaited: names_of(self.awaited),
            narrowings: self
                .narrowings
                .iter()
                .map(|&Narrowing { through, groups, by }| WrittenNarrowing {
                    through,
                    groups: names_of(groups),
                    by,
                })
                .collect(),
            mirrored: self.mirrored,
        };
        let bytes = serde_json::to_vec(&notes).map_err(std::io::Error::other);
        bytes
            .and_then(|bytes| replace(self.files.as_ref(), FILE, &bytes))
            .map_err(MunicipalError::Profile)
    }
}

fn names_of(groups: GroupSet) -> Vec<String> {
    groups.iter().map(|group| group.name().to_owned()).collect()
}

fn set_of(names: &[String]) -> Option<GroupSet> {
    names
        .iter()
        .map(|name| FieldGroup::from_name(name).ok())
        .collect()
}

#[cfg(test)]
mod tests;
