//! How the name index is filled from the rows and kept in step with them.

use std::collections::BTreeMap;

use registry::identifier::RecordId;
use registry::record::Record;

use crate::name_index::{Change, IndexedCard, NameIndex};
use crate::projection::{Card, Projection, ProjectionError, served_card};
use crate::rows::{self, CommitSequence, Version, current_key, record_of_version};

impl Projection {
    /// The index over names and codes of every card that is served.
    pub(crate) fn names(&self) -> &NameIndex {
        &self.names
    }

    /// Takes a newest version into the index that is being filled.
    pub(crate) fn index_names(&self, card: &Card) {
        let served = card.record.as_ref();
        if let Some(indexed) = served.and_then(|record| IndexedCard::of(card.person, record)) {
            self.names.add(card.id, &indexed);
        }
    }

    /// Brings the index to what the rows say now, which is everything up to `through`.
    pub(super) fn step_names(&self, through: CommitSequence) -> Result<(), ProjectionError> {
        if !self.names.is_filled() {
            self.names.begin_filling();
            self.every_newest(&mut |card| {
                self.index_names(&card);
                Ok(())
            })?;
        }
        let mut changes = BTreeMap::new();
        for (record, change) in self.names.take_noted() {
            let served = match change {
                Change::Served(card) => Some(*card),
                Change::Gone => None,
                Change::Unread => self.served_names(record)?,
            };
            changes.insert(record, served);
        }
        self.names.step(through, changes);
        Ok(())
    }

    /// Notes that a version of a card became the newest one.
    pub(super) fn note_served(&self, record: RecordId, version: &Version, card: Option<&Record>) {
        self.names.note(record, || {
            let indexed = card.and_then(|card| IndexedCard::of(version.person, card));
            indexed.map_or(Change::Gone, |indexed| Change::Served(Box::new(indexed)))
        });
    }

    /// Notes that a row was written, or went, where it holds the newest version of a card.
    pub(super) fn note_rewritten(&self, key: &[u8]) -> Result<(), ProjectionError> {
        if key.starts_with(rows::CURRENT_PREFIX) {
            self.names.note(record_of_version(key)?, || Change::Unread);
        }
        Ok(())
    }

    fn served_names(&self, record: RecordId) -> Result<Option<IndexedCard>, ProjectionError> {
        let Some(newest) = self.read_version(&current_key(record))? else {
            return Ok(None);
        };
        let card = served_card(&newest)?;
        Ok(card.and_then(|card| IndexedCard::of(newest.person, &card)))
    }
}

#[cfg(test)]
impl Projection {
    /// What the index would hold if it were filled from the rows as they are.
    pub(crate) fn names_of_rows(&self) -> Result<crate::name_index::tests::Contents, ProjectionError> {
        let fresh = NameIndex::default();
        self.every_newest(&mut |card| {
            let served = card.record.as_ref();
            if let Some(indexed) = served.and_then(|record| IndexedCard::of(card.person, record)) {
                fresh.add(card.id, &indexed);
            }
            Ok(())
        })?;
        Ok(fresh.contents())
    }
}
