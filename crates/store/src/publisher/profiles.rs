//! Publication profiles, as the writer keeps them: in the journal first, then in the rows.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use registry::municipality::MunicipalityId;
use registry::profile::{GroupSet, Profile};

use crate::projection::profile::Narrowing;
use crate::projection::{Projection, ProjectionError, Replaced};
use crate::publication_journal::JournalError;
use crate::publication_journal::profile_entry::ProfileEntry;
use crate::publisher::writer::Writer;
use crate::publisher::{MunicipalityState, PublishError, States, WriterFailure};
use crate::rows::CommitSequence;
use crate::segment::AppendError;

impl Writer {
    /// Publishes these groups of each municipality's cards, and no others, from now on: what is outside is gone from the
    /// rows when this answers. Where they are the ones in force nothing happens, nor where the municipality was
    /// withdrawn, which has no profile then.
    pub(super) fn set_profiles(
        &mut self,
        wanted: &[(MunicipalityId, GroupSet)],
        now_ms: u64,
    ) -> Result<Result<BTreeMap<MunicipalityId, Profile>, PublishError>, WriterFailure> {
        let mut profiles = BTreeMap::new();
        let mut changes = Vec::new();
        let mut stopped = None;
        for &(municipality, groups) in wanted {
            if self.is_withdrawn(municipality) {
                continue;
            }
            let current = profile_of(&self.states, municipality);
            if let Some(current) = current.filter(|current| current.groups() == groups) {
                profiles.insert(municipality, current);
                continue;
            }
            let entry = ProfileEntry {
                sequence: CommitSequence(self.journal.last().0 + 1),
                recorded_ms: self.recorded_at(now_ms),
                municipality,
                groups,
            };
            match self.journal.append_profile(&entry) {
                Ok(()) => {}
                Err(JournalError::Append(AppendError::NoSpace)) => {
                    stopped = Some(PublishError::Stopped);
                    break;
                }
                Err(error) => return Err(error.into()),
            }
            let (profile, before) = note_profile(&self.states, &entry);
            profiles.insert(municipality, profile);
            changes.push((entry, before));
        }
        if let Some((last, _)) = changes.last() {
            apply_profiles(&self.projection, &self.states, &changes)?;
            self.projection.publish(last.sequence)?;
            tracing::info!(
                municipalities = changes.len(),
                "the publication profiles of municipalities have changed"
            );
            // The digests noted before are those of cards that are no more: new ones at once.
            self.sync_point()?;
        }
        Ok(stopped.map_or(Ok(profiles), Err))
    }
}

/// What is published of a municipality.
pub(crate) fn profile_of(states: &States, municipality: MunicipalityId) -> Option<Profile> {
    let states = states.read().unwrap_or_else(PoisonError::into_inner);
    states.get(&municipality).and_then(|state| state.profile)
}

/// The groups of which something is kept of a municipality.
pub(crate) fn groups_of(states: &States, municipality: MunicipalityId) -> GroupSet {
    let states = states.read().unwrap_or_else(PoisonError::into_inner);
    states
        .get(&municipality)
        .map_or(GroupSet::ALL, MunicipalityState::groups)
}

/// Takes a profile in: what it is now, and which groups there were before.
pub(crate) fn note_profile(states: &States, entry: &ProfileEntry) -> (Profile, GroupSet) {
    let mut states = states.write().unwrap_or_else(PoisonError::into_inner);
    let state = states
        .entry(entry.municipality)
        .or_insert_with(MunicipalityState::empty);
    let before = state.groups();
    let profile = match state.profile {
        Some(profile) => profile.followed_by(entry.groups),
        None => Profile::first(entry.groups),
    };
    state.profile = Some(profile);
    state.holdings.note_profile(entry.groups);
    (profile, before)
}

/// Takes what is outside profiles out of the rows, and keeps the digests in step. Where every group of before stays, the
/// rows hold nothing that is outside.
pub(crate) fn apply_profiles(
    projection: &Projection,
    states: &States,
    changes: &[(ProfileEntry, GroupSet)],
) -> Result<(), ProjectionError> {
    let narrowings: Vec<Narrowing> = changes
        .iter()
        .filter(|(entry, before)| !before.is_subset(entry.groups))
        .map(|(entry, _)| Narrowing {
            until: entry.sequence,
            municipality: entry.municipality,
            profile: entry.groups,
        })
        .collect();
    let mut replace = |municipality: MunicipalityId, replaced: &Replaced| {
        let Some(local_id) = replaced.local_id()? else {
            return Ok(());
        };
        let mut states = states.write().unwrap_or_else(PoisonError::into_inner);
        let state = states
            .entry(municipality)
            .or_insert_with(MunicipalityState::empty);
        state.replace(&local_id, replaced);
        Ok(())
    };
    projection.narrow(&narrowings, &mut replace)?;
    for (entry, _) in changes {
        projection.note_recorded(entry.recorded_ms, entry.sequence)?;
    }
    Ok(())
}
