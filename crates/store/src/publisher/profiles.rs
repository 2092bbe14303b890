//! Publication profiles, as the writer keeps them: in the journal first, then in the rows.

use std::sync::PoisonError;

use registry::municipality::MunicipalityId;
use registry::profile::{GroupSet, Profile};

use crate::projection::burial::Moment;
use crate::projection::{Projection, ProjectionError, Replaced};
use crate::publication_journal::JournalError;
use crate::publication_journal::profile_entry::ProfileEntry;
use crate::publisher::writer::Writer;
use crate::publisher::{MunicipalityState, PublishError, States, WriterFailure};
use crate::rows::CommitSequence;
use crate::segment::AppendError;

impl Writer {
    /// Publishes these groups of a municipality's cards, and no others, from now on: what is outside is gone from the
    /// rows when this answers. Where they are the ones in force, nothing happens.
    pub(super) fn set_profile(
        &mut self,
        municipality: MunicipalityId,
        groups: GroupSet,
        now_ms: u64,
    ) -> Result<Result<Profile, PublishError>, WriterFailure> {
        if self.is_withdrawn(municipality) {
            return Ok(Err(PublishError::Withdrawn));
        }
        let current = profile_of(&self.states, municipality);
        if let Some(current) = current.filter(|current| current.groups() == groups) {
            return Ok(Ok(current));
        }
        let entry = ProfileEntry {
            sequence: CommitSequence(self.journal.last().0 + 1),
            recorded_ms: self.recorded_at(now_ms),
            municipality,
            groups,
        };
        match self.journal.append_profile(&entry) {
            Ok(()) => {}
            Err(JournalError::Append(AppendError::NoSpace)) => return Ok(Err(PublishError::Stopped)),
            Err(error) => return Err(error.into()),
        }
        let (profile, before) = note_profile(&self.states, &entry);
        apply_profile(&self.projection, &self.states, &entry, before)?;
        self.projection.publish(entry.sequence);
        tracing::info!(
            municipality = municipality.as_str(),
            groups = %groups,
            "the publication profile of a municipality has changed"
        );
        // The digests noted before are those of cards that are no more: new ones at once.
        self.sync_point()?;
        Ok(Ok(profile))
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

/// Takes what is outside a profile out of the rows, and keeps the digest in step. Where every group of `before` stays,
/// the rows hold nothing that is outside.
pub(crate) fn apply_profile(
    projection: &Projection,
    states: &States,
    entry: &ProfileEntry,
    before: GroupSet,
) -> Result<(), ProjectionError> {
    let ProfileEntry {
        sequence,
        recorded_ms,
        municipality,
        groups,
    } = *entry;
    if !before.is_subset(groups) {
        let moment = Moment {
            sequence,
            recorded_ms,
        };
        let mut replace = |replaced: &Replaced| {
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
        projection.narrow(moment, municipality, groups, &mut replace)?;
    }
    projection.note_recorded(recorded_ms, sequence)
}
