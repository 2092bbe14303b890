//! The publication profile: which groups of fields a municipality publishes.
//!
//! A municipality publishes what somebody may see and nothing else. What finds a person, links cards and shelters who
//! shares a protected person's place is always published: generalities, codici fiscali and national id, residences,
//! households, registration, cancellation, death, markers and measures. Everything else belongs to a group that is
//! published only where an agreement in force grants it:
//!
//! | Group | Name | Covers |
//! |---|---|---|
//! | civil status | `civil_status` | [`Record::civil_status`], all of its history |
//! | citizenships | `citizenships` | [`Record::citizenships`], all of their history |
//! | parents | `parents` | [`Record::parents`] |
//! | identity document | `identity_document` | [`Record::identity_document`] |
//! | citizens abroad | `aire` | every card of the register of citizens abroad (AIRE), whole |
//!
//! Residence permits are no field of a card, so nothing publishes them.
//! Node and index apply the same function, [`GroupSet::applied`]: where a group leaves, the cards of both sides become
//! equal without a change being sent.

use std::fmt;

use crate::bit_set;
use crate::change::{Change, ChangeBody, EventKind, RegistryEvent};
use crate::measure::sheltering;
use crate::record::{Record, Register};
use crate::timeline::Timeline;

/// A group of fields that is published only where somebody may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldGroup {
    /// Civil status over time.
    CivilStatus,
    /// Citizenships over time.
    Citizenships,
    /// Father and mother.
    Parents,
    /// Identity card.
    IdentityDocument,
    /// Cards of citizens abroad, whole.
    Aire,
}

/// A set of groups: a profile.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct GroupSet(u8);

/// The profile that is in force for a municipality, as the index counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    number: u64,
    groups: GroupSet,
    /// For each group, by its place in [`FieldGroup::ALL`], the number of the profile with which it last came in.
    since: [u64; FieldGroup::ALL.len()],
}

/// A text is not the name of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a group of fields")]
pub struct GroupNameError;

impl FieldGroup {
    /// Every group, by number.
    pub const ALL: [Self; 5] = [
        Self::CivilStatus,
        Self::Citizenships,
        Self::Parents,
        Self::IdentityDocument,
        Self::Aire,
    ];

    /// The name in configuration files, on the wire's edge and in answers for machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CivilStatus => "civil_status",
            Self::Citizenships => "citizenships",
            Self::Parents => "parents",
            Self::IdentityDocument => "identity_document",
            Self::Aire => "aire",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Result<Self, GroupNameError> {
        let found = Self::ALL.into_iter().find(|group| group.name() == name);
        found.ok_or(GroupNameError)
    }

    /// Number in stored formats, from 1; never reused.
    pub const fn number(self) -> u8 {
        match self {
            Self::CivilStatus => 1,
            Self::Citizenships => 2,
            Self::Parents => 3,
            Self::IdentityDocument => 4,
            Self::Aire => 5,
        }
    }

    /// The group of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.number() == number)
    }

    /// The group of which an event tells, where it tells of one.
    pub const fn of_event(kind: EventKind) -> Option<Self> {
        match kind {
            EventKind::Marriage
            | EventKind::CivilUnion
            | EventKind::Widowhood
            | EventKind::Dissolution
            | EventKind::CivilStatusChange => Some(Self::CivilStatus),
            EventKind::Citizenship => Some(Self::Citizenships),
            EventKind::IdentityDocument => Some(Self::IdentityDocument),
            EventKind::Birth
            | EventKind::Immigration
            | EventKind::Registration
            | EventKind::ChangeOfDwelling
            | EventKind::HouseholdChange
            | EventKind::Death
            | EventKind::TaxCode
            | EventKind::Emigration
            | EventKind::Cancellation
            | EventKind::Marker
            | EventKind::Rectification
            | EventKind::Annulment => None,
        }
    }

    const fn bit(self) -> u8 {
        1 << (self.number() - 1)
    }
}

impl Profile {
    /// The first profile of a municipality.
    pub fn first(groups: GroupSet) -> Self {
        Self {
            number: 1,
            groups,
            since: [1; FieldGroup::ALL.len()],
        }
    }

    /// The profile that follows.
    #[must_use]
    pub fn followed_by(self, groups: GroupSet) -> Self {
        let number = self.number.saturating_add(1);
        let mut since = self.since;
        for (since, group) in since.iter_mut().zip(FieldGroup::ALL) {
            if !self.groups.contains(group) {
                *since = number;
            }
        }
        Self {
            number,
            groups,
            since,
        }
    }

    /// A profile as it was told: its number, and each group with the number of the profile with which it came in.
    /// `None` where a group would have come in with no profile or a later one.
    pub fn told(number: u64, groups: impl IntoIterator<Item = (FieldGroup, u64)>) -> Option<Self> {
        let mut profile = Self {
            number,
            groups: GroupSet::NONE,
            since: [number; FieldGroup::ALL.len()],
        };
        for (group, since) in groups {
            if !(1..=number).contains(&since) {
                return None;
            }
            profile.groups = profile.groups.union(GroupSet::of(&[group]));
            let places = profile.since.iter_mut().zip(FieldGroup::ALL);
            for (place, _) in places.filter(|(_, other)| *other == group) {
                *place = since;
            }
        }
        (number != 0).then_some(profile)
    }

    /// Its number among the municipality's, from 1.
    pub fn number(self) -> u64 {
        self.number
    }

    /// The groups that are published.
    pub fn groups(self) -> GroupSet {
        self.groups
    }

    /// Each group with the number of the profile with which it last came in.
    pub fn groups_since(self) -> impl Iterator<Item = (FieldGroup, u64)> {
        FieldGroup::ALL
            .into_iter()
            .zip(self.since)
            .filter(move |(group, _)| self.groups.contains(*group))
    }

    /// The groups that never left since the profile of that number: what was published under it is still held.
    pub fn held_since(self, number: u64) -> GroupSet {
        self.groups_since()
            .filter_map(|(group, since)| (since <= number).then_some(group))
            .collect()
    }
}

impl fmt::Display for FieldGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

bit_set!(GroupSet(u8) of FieldGroup);

impl GroupSet {
    /// No group: what is always published, and nothing more.
    pub const NONE: Self = Self(0);

    /// The groups of which a card holds anything.
    pub fn of_card(card: &Record) -> Self {
        let Record {
            municipality: _,
            local_id: _,
            register,
            generalities: _,
            tax_codes: _,
            national_id: _,
            civil_status,
            citizenships,
            parents,
            residences: _,
            households: _,
            identity_document,
            registration: _,
            cancellation: _,
            death: _,
            flags: _,
            measures: _,
        } = card;
        let held = [
            (FieldGroup::CivilStatus, !civil_status.is_empty()),
            (FieldGroup::Citizenships, !citizenships.is_empty()),
            (FieldGroup::Parents, !parents.is_empty()),
            (FieldGroup::IdentityDocument, identity_document.is_some()),
            (FieldGroup::Aire, *register == Register::Aire),
        ];
        held.into_iter()
            .filter_map(|(group, held)| held.then_some(group))
            .collect()
    }

    /// Whether a card is outside the profile as a whole.
    pub fn excludes(self, card: &Record) -> bool {
        Self::of_card(card).difference(self).contains(FieldGroup::Aire)
    }

    /// The card without what is outside the profile; `None` for a card of a citizen abroad where those are outside.
    pub fn applied(self, card: Record) -> Option<Record> {
        if self.excludes(&card) {
            return None;
        }
        Some(without(Self::of_card(&card).difference(self), card))
    }

    /// The change without what is outside the profile: a card that is outside as a whole is no longer published, and
    /// events that tell of a group outside are left out.
    pub fn applied_to_change(self, change: Change) -> Change {
        let Change {
            sequence,
            local_id,
            body,
            events,
        } = change;
        let body = match body {
            ChangeBody::Upsert(card) => match self.applied(*card) {
                Some(card) => ChangeBody::Upsert(Box::new(card)),
                None => ChangeBody::Remove,
            },
            ChangeBody::Remove => ChangeBody::Remove,
        };
        Change {
            sequence,
            local_id,
            body,
            events: events.into_iter().filter(|event| self.admits(event)).collect(),
        }
    }

    /// Whether a change has nothing outside the profile.
    pub fn covers_change(self, change: &Change) -> bool {
        let covered = match &change.body {
            ChangeBody::Upsert(card) => Self::of_card(card).is_subset(self),
            ChangeBody::Remove => true,
        };
        covered && change.events.iter().all(|event| self.admits(event))
    }

    /// Whether an event tells of no group outside the profile.
    pub fn admits(self, event: &RegistryEvent) -> bool {
        FieldGroup::of_event(event.kind).is_none_or(|group| self.contains(group))
    }
}

/// What remains of a protected person's card that leaves publication with its group: where somebody is protected, and
/// nothing of who it is, so that whoever shares the place stays sheltered.
pub fn shelter_of(card: Record) -> Record {
    without(GroupSet::ALL, sheltering(card))
}

/// The card without these groups; that of citizens abroad is the card itself.
fn without(outside: GroupSet, mut card: Record) -> Record {
    for group in outside.iter() {
        match group {
            FieldGroup::CivilStatus => card.civil_status = Timeline::default(),
            FieldGroup::Citizenships => card.citizenships = Timeline::default(),
            FieldGroup::Parents => card.parents = Vec::new(),
            FieldGroup::IdentityDocument => card.identity_document = None,
            FieldGroup::Aire => {}
        }
    }
    card
}

#[cfg(test)]
mod tests;
