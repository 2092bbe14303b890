//! A municipality leaves: first what remains of others is noted, then the withdrawal, then its key is destroyed, then
//! its rows go. From the withdrawal on there is no way back, and every start finishes what a crash has left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use registry::municipality::MunicipalityId;
use registry::statement::VerifiedWithdrawal;

use crate::keys::ring::KeyRing;
use crate::kv::Row;
use crate::projection::withdrawal::guards::Guards;
use crate::projection::{Projection, ProjectionError};
use crate::publication_journal::entry::EntryError;
use crate::publication_journal::withdrawal_entry::{RemainsEntry, WithdrawalEntry};
use crate::publication_journal::{JournalError, ReadError, municipality_key, municipality_of};
use crate::publisher::order::{Done, OrderError};
use crate::publisher::rulings::{Outcome, not_now};
use crate::publisher::writer::{Writer, day_of};
use crate::publisher::{MunicipalityState, States, Withdrawn};
use crate::rows::CommitSequence;

/// Bytes of rows in one part of what remains; a row more may come on top.
const PART_BYTES: usize = 96 << 10;

/// What remains, by key, as it is read from the journal: complete once the withdrawal is read.
#[derive(Debug, Default)]
pub(crate) struct RemainsRead {
    parts: u32,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Those who were withdrawn before the frame at hand.
    withdrawn: BTreeSet<MunicipalityId>,
}

impl RemainsRead {
    /// Takes in a part; the first discards what an attempt that was not finished has left.
    pub(crate) fn add(&mut self, part: u32, rows: Vec<Row>) -> Result<(), ReadError> {
        if part == 1 {
            self.parts = 0;
            self.rows.clear();
        }
        if part != self.parts + 1 {
            return Err(ReadError::Remains);
        }
        self.parts = part;
        self.rows.extend(rows);
        Ok(())
    }

    /// Nothing of a municipality comes behind its withdrawal.
    pub(crate) fn open(&self, municipality: MunicipalityId) -> Result<(), ReadError> {
        if self.withdrawn.contains(&municipality) {
            Err(ReadError::Withdrawn)
        } else {
            Ok(())
        }
    }

    /// The rows that remain after a withdrawal.
    pub(crate) fn withdraw(
        &mut self,
        withdrawal: &WithdrawalEntry,
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, ReadError> {
        self.open(withdrawal.municipality)?;
        if withdrawal.parts != self.parts {
            return Err(ReadError::Remains);
        }
        self.withdrawn.insert(withdrawal.municipality);
        self.parts = 0;
        Ok(std::mem::take(&mut self.rows))
    }
}

impl Writer {
    pub(super) fn withdraw(
        &mut self,
        municipality: MunicipalityId,
        statement: &VerifiedWithdrawal,
        recorded_ms: u64,
    ) -> Outcome {
        match self.standing_for_withdrawal(municipality, statement) {
            Ok(Standing::Published) => {}
            // Whoever did not hear the answer hands the statement over again.
            Ok(Standing::Withdrawn) => return Ok(Ok(Done::nothing())),
            Err(error) => return Ok(Err(error)),
        }
        let today = day_of(i64::try_from(recorded_ms).unwrap_or(i64::MAX));
        let remains = self.projection.remains_of(municipality, today)?;
        let mut parts = 0;
        for (owner, rows) in &remains {
            for rows in parts_of(rows) {
                parts += 1;
                let part = RemainsEntry {
                    part: parts,
                    municipality,
                    rows: rows.to_vec(),
                };
                if let Err(error) = self.journal.append_remains(*owner, &part) {
                    return not_now(error);
                }
            }
        }
        let withdrawal = WithdrawalEntry {
            sequence: CommitSequence(self.journal.last().0 + 1),
            at_ms: recorded_ms,
            municipality,
            parts,
            statement: statement.signed().clone(),
        };
        if let Err(error) = self.journal.append_withdrawal(&withdrawal) {
            return not_now(error);
        }
        note_withdrawal(&self.states, municipality, withdrawal.known());
        self.book.forget(municipality);
        self.gatekeeper.forget(municipality);
        let remains = remains.into_values().flatten().collect();
        let guards = self.projection.guards_among(&remains, withdrawal.sequence)?;
        destroy_key(&self.keys, municipality, &guards)?;
        apply_withdrawal(&self.projection, &withdrawal, &remains)?;
        self.projection.publish(withdrawal.sequence)?;
        self.sync_point()?;
        tracing::warn!(
            municipality = municipality.as_str(),
            "a municipality was withdrawn: its cards and its key are destroyed"
        );
        Ok(Ok(Done {
            first: Some(withdrawal.sequence),
            ..Done::nothing()
        }))
    }

    fn standing_for_withdrawal(
        &self,
        municipality: MunicipalityId,
        statement: &VerifiedWithdrawal,
    ) -> Result<Standing, OrderError> {
        let stated = statement.stated();
        if MunicipalityId::of_any(stated.municipality) != Some(municipality) {
            return Err(OrderError::UnknownMunicipality);
        }
        if self.is_withdrawn(municipality) {
            return Ok(Standing::Withdrawn);
        }
        if self.holdings(municipality).is_none() {
            return Err(OrderError::UnknownMunicipality);
        }
        if stated.epoch == self.book.epoch(municipality) {
            Ok(Standing::Published)
        } else {
            Err(OrderError::OtherEpoch)
        }
    }

    /// Whether a municipality has left.
    pub(super) fn is_withdrawn(&self, municipality: MunicipalityId) -> bool {
        let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
        states
            .get(&municipality)
            .is_some_and(|state| state.withdrawn.is_some())
    }
}

enum Standing {
    Published,
    Withdrawn,
}

/// Nothing is known of the municipality any more but that it left.
pub(crate) fn note_withdrawal(states: &States, municipality: MunicipalityId, by: Withdrawn) {
    let mut states = states.write().unwrap_or_else(PoisonError::into_inner);
    let state = MunicipalityState {
        withdrawn: Some(by),
        ..MunicipalityState::empty()
    };
    states.insert(municipality, state);
}

/// Destroys what opens the municipality's frames and rows; what goes on guarding others is noted with that.
pub(crate) fn destroy_key(
    keys: &KeyRing,
    municipality: MunicipalityId,
    guards: &Guards,
) -> Result<(), JournalError> {
    keys.destroy_with(&municipality_key(municipality), &guards.encode())?;
    Ok(())
}

/// Whose keys are destroyed although the journal knows of no withdrawal, with what goes on guarding others. Only a
/// withdrawal destroys a municipality's key, and it is written down before: the journal is one of before, or was lost.
pub(crate) fn destroyed_behind(
    keys: &KeyRing,
    states: &States,
) -> Result<Vec<(MunicipalityId, Guards)>, EntryError> {
    let states = states.read().unwrap_or_else(PoisonError::into_inner);
    let is_known = |municipality: &MunicipalityId| {
        let state = states.get(municipality);
        state.is_some_and(|state| state.withdrawn.is_some())
    };
    let mut behind = Vec::new();
    for (name, note) in keys.destroyed() {
        let Some(municipality) = municipality_of(&name).filter(|municipality| !is_known(municipality)) else {
            continue;
        };
        // A program of before noted nothing.
        let guards = if note.is_empty() {
            Guards::default()
        } else {
            Guards::decode(&note)?
        };
        behind.push((municipality, guards));
    }
    Ok(behind)
}

/// Clears what rows of an older engine still hold of a municipality whose key is gone, and guards whom it guarded. How
/// cards of others were joined through its own was noted in the journal that is lost, and is not known any more.
pub(crate) fn apply_destruction(
    projection: &Projection,
    municipality: MunicipalityId,
    guards: &Guards,
) -> Result<(), ProjectionError> {
    projection.erase(municipality, &BTreeMap::new())?;
    projection.guard_again(guards)
}

/// Makes the rows what they are without the municipality.
pub(crate) fn apply_withdrawal(
    projection: &Projection,
    withdrawal: &WithdrawalEntry,
    remains: &BTreeMap<Vec<u8>, Vec<u8>>,
) -> Result<(), ProjectionError> {
    projection.erase(withdrawal.municipality, remains)?;
    projection.note_recorded(withdrawal.at_ms, withdrawal.sequence)
}

/// Cuts rows into parts of about [`PART_BYTES`].
fn parts_of(rows: &[Row]) -> impl Iterator<Item = &[Row]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let full = rest.iter().position(|row| {
            bytes += RemainsEntry::length_of(row);
            PART_BYTES < bytes
        });
        let (part, behind) = rest.split_at(full.unwrap_or(rest.len()).max(1).min(rest.len()));
        rest = behind;
        (!part.is_empty()).then_some(part)
    })
}

#[cfg(test)]
mod tests;
