//! What leaves the rows with the publication profile: in every version of a municipality's cards, served, superseded or
//! waiting, so that no reference date and no earlier instant brings it back.
//!
//! A card that leaves as a whole, that of a citizen abroad, becomes a withdrawal from its first version on, and nothing
//! leads to it. Whom it sheltered it goes on sheltering: a protection ends by a registrar, and never because an
//! agreement did.

use std::collections::{BTreeMap, HashMap};

use registry::canonical;
use registry::identifier::RecordId;
use registry::municipality::MunicipalityId;
use registry::profile::{FieldGroup, GroupSet, shelter_of};
use registry::record::Record;

use crate::keys::KeyId;
use crate::keys::ring::NamedKey;
use crate::projection::contradictions::Place;
use crate::projection::scans::{VERSION_PREFIXES, key_id};
use crate::projection::{Projection, ProjectionError, Replaced, decoded};
use crate::publication_journal::municipality_key;
use crate::publication_journal::ruling::Restored;
use crate::rows::{
    self, Burial, CommitSequence, Kept, Lead, RowError, Spans, Version, VersionBody, record_of_version,
};

/// Keys of the rows of each card that hold something outside a profile.
type Outside = BTreeMap<RecordId, Vec<Vec<u8>>>;

/// A profile that takes something out of the rows of a municipality.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Narrowing {
    /// The entry of the journal: what came later is within it already.
    pub(crate) until: CommitSequence,
    /// Whose.
    pub(crate) municipality: MunicipalityId,
    /// What is still published.
    pub(crate) profile: GroupSet,
}

impl Projection {
    /// Takes what is outside profiles out of everything that was received of their municipalities, in their order, and
    /// tells of each card what that did to it. All rows are read once, however many profiles there are. Done again, or
    /// over rows that hold a part of it, it ends in the same rows.
    pub(crate) fn narrow(
        &self,
        narrowings: &[Narrowing],
        replaced: &mut dyn FnMut(MunicipalityId, &Replaced) -> Result<(), ProjectionError>,
    ) -> Result<(), ProjectionError> {
        let mut by_key = HashMap::new();
        for narrowing in narrowings {
            // Without a key there is nothing: nothing was received, or the municipality was withdrawn.
            if let Some(own) = self.keys.get(&municipality_key(narrowing.municipality)) {
                by_key.insert(own.id, (*narrowing, own, Outside::new()));
            }
        }
        if by_key.is_empty() {
            return Ok(());
        }
        self.find_outside(&mut by_key)?;
        let mut found: Vec<(Narrowing, NamedKey, Outside)> = by_key.into_values().collect();
        found.sort_by_key(|(narrowing, _, _)| narrowing.until);
        for (narrowing, own, outside) in found {
            self.narrow_rows(narrowing, &own, outside, replaced)?;
        }
        Ok(())
    }

    fn narrow_rows(
        &self,
        narrowing: Narrowing,
        own: &NamedKey,
        outside: Outside,
        replaced: &mut dyn FnMut(MunicipalityId, &Replaced) -> Result<(), ProjectionError>,
    ) -> Result<(), ProjectionError> {
        let Narrowing {
            until,
            municipality,
            profile,
        } = narrowing;
        for (record, keys) in outside {
            let before = self.received_at(record, until)?;
            // What leads to the card first: while a row is still to be rewritten, the card is found again.
            self.narrow_leads(until, municipality, record, profile)?;
            for key in keys {
                let value = self.engine.get(&key)?.ok_or(RowError::Malformed)?;
                let version = self.open_version(&key, &value)?.ok_or(RowError::Seal)?;
                let narrowed = if key.starts_with(rows::WAITING_PREFIX) {
                    narrowed(&version, profile, Leaving::Wholly)?
                } else {
                    self.narrowed_served(&version, profile, until)?
                };
                self.write_version(own, &key, &narrowed)?;
            }
            let after = self.received_at(record, until)?;
            replaced(municipality, &Replaced { before, after })?;
        }
        Ok(())
    }

    /// Finds every row that holds something outside the profile of its municipality, by the id of the data key. Rows of
    /// others are passed over unopened.
    fn find_outside(
        &self,
        of: &mut HashMap<KeyId, (Narrowing, NamedKey, Outside)>,
    ) -> Result<(), ProjectionError> {
        for prefix in VERSION_PREFIXES {
            self.visit(prefix, &mut |key, value| {
                let Some((narrowing, _, found)) = of.get_mut(&key_id(value)?) else {
                    return Ok(());
                };
                let version = self.open_version(key, value)?;
                let version = version.filter(|version| version.sequence <= narrowing.until);
                if version.is_some_and(|version| is_outside(&version, narrowing.profile)) {
                    found
                        .entry(record_of_version(key)?)
                        .or_default()
                        .push(key.to_vec());
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// A served or superseded version: of a card that leaves as a whole, what shelters remains where it is needed.
    fn narrowed_served(
        &self,
        version: &Version,
        profile: GroupSet,
        until: CommitSequence,
    ) -> Result<Version, ProjectionError> {
        let leaving = match card_of(version)?.filter(|_| leaves_wholly(version, profile)) {
            Some(card) if card.ever_protected() || self.is_protected(version.person, until)? => {
                Leaving::Sheltering(Box::new(card))
            }
            Some(_) | None => Leaving::Wholly,
        };
        Ok(narrowed(version, profile, leaving)?)
    }

    /// Nothing leads to versions that leave as a whole, and they contradict nothing.
    fn narrow_leads(
        &self,
        until: CommitSequence,
        municipality: MunicipalityId,
        record: RecordId,
        profile: GroupSet,
    ) -> Result<(), ProjectionError> {
        let versions = self.served_versions(record)?;
        let leaves = |version: &Version| {
            let leaves = version.sequence <= until && leaves_wholly(version, profile);
            matches!(version.body, VersionBody::Card(_)) && leaves
        };
        if !versions.iter().any(leaves) {
            return Ok(());
        }
        let mut concerned: Vec<Lead> = Vec::new();
        let mut remaining = Vec::with_capacity(versions.len());
        for version in &versions {
            let leads = self.led_to(record, version)?;
            if leaves(version) {
                concerned.extend(leads);
                remaining.push((version.sequence, Vec::new()));
            } else {
                remaining.push((version.sequence, leads));
            }
        }
        for lead in concerned {
            let spans = remaining
                .iter()
                .map(|(sequence, leads)| (*sequence, leads.contains(&lead)));
            let spans = Spans::of(spans);
            let key = lead.key(record);
            match lead {
                // Whom the card sheltered it goes on sheltering.
                Lead::Protected(_) | Lead::Sheltered(_) | Lead::Buried(_) => {}
                // That the card was ever linked to the person is asked when an identity is sealed.
                Lead::Person(_) => self.engine.insert(&key, &spans.encode())?,
                Lead::Identifier(_) | Lead::Household(_) | Lead::House(_) if spans.0.is_empty() => {
                    self.engine.remove(&key)?;
                }
                Lead::Identifier(_) | Lead::Household(_) | Lead::House(_) => {
                    self.engine.insert(&key, &spans.encode())?;
                }
            }
        }
        self.contradict(until, Place { municipality, record }, &[])
    }
}

/// What becomes of a card that leaves as a whole.
enum Leaving {
    /// Nothing of it remains.
    Wholly,
    /// This card goes on sheltering.
    Sheltering(Box<Record>),
}

/// The card that a version holds, served or buried.
fn card_of(version: &Version) -> Result<Option<Record>, RowError> {
    match &version.body {
        VersionBody::Card(bytes) => decoded(bytes).map(Some),
        VersionBody::Buried(Burial {
            successor: _,
            kept: Kept::Card(bytes),
        }) => decoded(bytes).map(Some),
        VersionBody::Buried(_) => Ok(None),
        VersionBody::Removed | VersionBody::Settled | VersionBody::Sheltering(_) => Ok(None),
    }
}

/// Whether a version holds something outside a profile. One that does not decode is left to whoever reads it.
fn is_outside(version: &Version, profile: GroupSet) -> bool {
    let card = card_of(version).ok().flatten();
    card.is_some_and(|card| !GroupSet::of_card(&card).is_subset(profile))
}

fn leaves_wholly(version: &Version, profile: GroupSet) -> bool {
    let card = card_of(version).ok().flatten();
    let outside = card.map(|card| GroupSet::of_card(&card).difference(profile));
    outside.is_some_and(|outside| outside.contains(FieldGroup::Aire))
}

/// A version without what is outside a profile.
fn narrowed(version: &Version, profile: GroupSet, leaving: Leaving) -> Result<Version, RowError> {
    let applied = |bytes: &[u8]| -> Result<Option<Vec<u8>>, RowError> {
        Ok(profile.applied(decoded(bytes)?).as_ref().map(canonical::encode))
    };
    let (body, restored) = match &version.body {
        VersionBody::Card(bytes) => match (applied(bytes)?, leaving) {
            (Some(bytes), _) => (VersionBody::Card(bytes), version.restored),
            (None, Leaving::Wholly) => (VersionBody::Removed, version.restored),
            (None, Leaving::Sheltering(card)) => {
                let bytes = canonical::encode(&shelter_of(*card));
                (VersionBody::Sheltering(bytes), Restored::No)
            }
        },
        VersionBody::Buried(Burial { successor, kept }) => {
            let kept = match kept {
                Kept::Card(bytes) => match (applied(bytes)?, leaving) {
                    (Some(bytes), _) => Kept::Card(bytes),
                    (None, Leaving::Wholly) => Kept::Nothing,
                    (None, Leaving::Sheltering(card)) => Kept::Shelter(canonical::encode(&shelter_of(*card))),
                },
                Kept::Nothing | Kept::Shelter(_) => kept.clone(),
            };
            let successor = *successor;
            (VersionBody::Buried(Burial { successor, kept }), version.restored)
        }
        VersionBody::Removed | VersionBody::Settled | VersionBody::Sheltering(_) => {
            (version.body.clone(), version.restored)
        }
    };
    Ok(Version {
        body,
        restored,
        ..version.clone()
    })
}

#[cfg(test)]
mod tests;
