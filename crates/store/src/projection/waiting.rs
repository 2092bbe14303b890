//! What was received of a card and is not served: it waits for a registrar, or is not trusted.
//!
//! What waits has rows of its own, one for each change of its state, so that a replay and a reader at a sequence find
//! what was there; agencies never read them. What was *received* of a card is what waits, or else what is served.

use std::collections::BTreeSet;

use registry::canonical;
use registry::identifier::RecordId;
use registry::measure;
use registry::municipality::MunicipalityId;
use registry::record::Record;

use super::{AppliedChange, Projection, ProjectionError, Replaced, decoded};
use crate::publication_journal::municipality_key;
use crate::publication_journal::ruling::{RestatedCard, Restored, Served, Waiting};
use crate::rows::{self, CommitSequence, Version, VersionBody};

impl Projection {
    /// Keeps a change beside what is served: the card stays as it is, but that a protection takes effect at once.
    pub(crate) fn hold(&self, change: &AppliedChange<'_>) -> Result<Replaced, ProjectionError> {
        let AppliedChange {
            sequence,
            recorded_ms,
            municipality,
            record,
            person,
            card,
        } = *change;
        let before = self.received_before(record, sequence)?;
        let after = card.map(canonical::encode);
        let version = Version {
            sequence,
            recorded_ms,
            person,
            restored: Restored::No,
            body: after.clone().map_or(VersionBody::Removed, VersionBody::Card),
        };
        self.write_waiting(municipality, record, &version)?;
        if let Some(waiting) = card {
            self.protect_meanwhile(change, waiting)?;
        }
        Ok(Replaced { before, after })
    }

    /// Serves the card as it was with the protection of the change that waits.
    fn protect_meanwhile(&self, change: &AppliedChange<'_>, waiting: &Record) -> Result<(), ProjectionError> {
        let Some(served) = self.version_at(change.record, change.sequence.before())? else {
            return Ok(());
        };
        let VersionBody::Card(bytes) = &served.body else {
            return Ok(());
        };
        let card = decoded(bytes)?;
        let Some(card) = measure::with_protection_of(&card, waiting) else {
            return Ok(());
        };
        let version = Version {
            sequence: change.sequence,
            recorded_ms: change.recorded_ms,
            body: VersionBody::Card(canonical::encode(&card)),
            ..served
        };
        self.serve(change.municipality, change.record, &version)?;
        Ok(())
    }

    /// Serves a card otherwise from `sequence` on.
    pub(crate) fn restate(
        &self,
        sequence: CommitSequence,
        recorded_ms: u64,
        municipality: MunicipalityId,
        card: &RestatedCard,
    ) -> Result<Replaced, ProjectionError> {
        let RestatedCard {
            record,
            person,
            served,
            waiting,
        } = card;
        let (record, person) = (*record, *person);
        let before = self.received_before(record, sequence)?;
        let version = |body, restored| Version {
            sequence,
            recorded_ms,
            person,
            restored,
            body,
        };
        match served {
            Served::Unchanged => {}
            Served::Card { bytes, standing } => {
                let version = version(VersionBody::Card(bytes.clone()), *standing);
                self.serve(municipality, record, &version)?;
            }
            Served::Removed { standing } => {
                // What had left publication when it was said goes on sheltering.
                let word = self.last_word(record, sequence.before())?;
                let body = word.filter(Version::is_sheltering).map(|word| word.body);
                let version = version(body.unwrap_or(VersionBody::Removed), *standing);
                self.serve(municipality, record, &version)?;
            }
        }
        let waits = match waiting {
            Waiting::Nothing => VersionBody::Settled,
            Waiting::Card(bytes) => VersionBody::Card(bytes.clone()),
            Waiting::Removed => VersionBody::Removed,
        };
        self.write_waiting(municipality, record, &version(waits, Restored::No))?;
        let after = match self.waiting_at(record, sequence)? {
            Some(waiting) => waiting,
            None => self.served_at(record, sequence)?,
        };
        Ok(Replaced { before, after })
    }

    pub(super) fn write_waiting(
        &self,
        municipality: MunicipalityId,
        record: RecordId,
        version: &Version,
    ) -> Result<(), ProjectionError> {
        let key = self.keys.get_or_create(&municipality_key(municipality))?;
        let place = rows::waiting_key(record, version.sequence);
        self.write_version(&key, &place, version)
    }

    /// What waits of a card after a change: `None` when nothing does, else its canonical bytes, or that it was
    /// withdrawn.
    pub(crate) fn waiting_at(
        &self,
        record: RecordId,
        sequence: CommitSequence,
    ) -> Result<Option<Option<Vec<u8>>>, ProjectionError> {
        let upper = rows::waiting_key(record, sequence);
        let Some((key, value)) = self
            .engine
            .last_not_after(&rows::waiting_prefix(record), &upper)?
        else {
            return Ok(None);
        };
        Ok(
            match self.open_version(&key, &value)?.map(|version| version.body) {
                // Neither a buried card nor what is left of one is a card that waits.
                None | Some(VersionBody::Settled | VersionBody::Buried(_) | VersionBody::Sheltering(_)) => {
                    None
                }
                Some(VersionBody::Removed) => Some(None),
                Some(VersionBody::Card(bytes)) => Some(Some(bytes)),
            },
        )
    }

    /// Every version that waits of a card at a moment, the oldest first: one in the place of another.
    pub(super) fn waiting_up_to(
        &self,
        record: RecordId,
        at: CommitSequence,
    ) -> Result<Vec<Version>, ProjectionError> {
        let mut waiting = Vec::new();
        self.visit(&rows::waiting_prefix(record), &mut |key, value| {
            match self.open_version(key, value)? {
                Some(version) if at < version.sequence => {}
                Some(Version {
                    body: VersionBody::Settled,
                    ..
                }) => waiting.clear(),
                version => waiting.extend(version),
            }
            Ok(())
        })?;
        Ok(waiting)
    }

    /// Whether a change made a card wait: what is served of it since has only the protection of that change.
    pub(super) fn came_beside(
        &self,
        record: RecordId,
        sequence: CommitSequence,
    ) -> Result<bool, ProjectionError> {
        let waiting = self.waiting_up_to(record, sequence)?;
        Ok(waiting.last().is_some_and(|last| last.sequence == sequence))
    }

    pub(super) fn waiting_before(
        &self,
        record: RecordId,
        sequence: CommitSequence,
    ) -> Result<Option<Option<Vec<u8>>>, ProjectionError> {
        self.waiting_at(record, CommitSequence(sequence.0.saturating_sub(1)))
    }

    /// What was received last of a card, up to a change, served or not: canonical bytes, or none.
    pub(crate) fn received_at(
        &self,
        record: RecordId,
        sequence: CommitSequence,
    ) -> Result<Option<Vec<u8>>, ProjectionError> {
        match self.waiting_at(record, sequence)? {
            Some(waiting) => Ok(waiting),
            None => self.served_at(record, sequence),
        }
    }

    fn received_before(
        &self,
        record: RecordId,
        sequence: CommitSequence,
    ) -> Result<Option<Vec<u8>>, ProjectionError> {
        self.received_at(record, CommitSequence(sequence.0.saturating_sub(1)))
    }

    fn served_at(
        &self,
        record: RecordId,
        sequence: CommitSequence,
    ) -> Result<Option<Vec<u8>>, ProjectionError> {
        Ok(self.version_at(record, sequence)?.and_then(Version::into_card))
    }

    /// Every card of which anything ever waited.
    pub(crate) fn ever_waiting(&self) -> Result<BTreeSet<RecordId>, ProjectionError> {
        let mut records = BTreeSet::new();
        self.visit(rows::WAITING_PREFIX, &mut |key, _| {
            records.insert(rows::record_of_waiting(key)?);
            Ok(())
        })?;
        Ok(records)
    }
}
