//! Readings over many rows.

use std::collections::BTreeMap;

use registry::identifier::{PersonId, RecordId};
use registry::record::Record;

use crate::keys::KeyId;
use crate::projection::{Card, Projection, ProjectionError, published_card};
use crate::rows::{
    self, CommitSequence, Lead, RowError, Spans, Version, current_key, record_behind, superseded_prefix,
};

/// Looks at a row, by key and value.
type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<(), ProjectionError> + 'a;

/// Where rows that hold versions of cards begin: newest, superseded, waiting.
pub(super) const VERSION_PREFIXES: [&[u8]; 3] = [
    rows::CURRENT_PREFIX,
    rows::SUPERSEDED_PREFIX,
    rows::WAITING_PREFIX,
];

impl Projection {
    /// Hands rows to a visitor that may fail and does not come back to the engine.
    pub(super) fn visit(&self, prefix: &[u8], visit: &mut Visit<'_>) -> Result<(), ProjectionError> {
        let mut fault = None;
        self.engine.scan(prefix, &mut |key, value| {
            fault = visit(key, value).err();
            fault.is_none()
        })?;
        fault.map_or(Ok(()), Err)
    }

    /// The cards to which something leads, as a reader at `visible` sees it.
    pub(crate) fn cards_of(
        &self,
        lead: Lead,
        visible: CommitSequence,
    ) -> Result<Vec<RecordId>, ProjectionError> {
        let prefix = lead.prefix();
        let mut cards = Vec::new();
        self.visit(&prefix, &mut |key, value| {
            let record = record_behind(&prefix, key)?;
            if Spans::decode(value)?.hold_at(visible) {
                cards.push(record);
            }
            Ok(())
        })?;
        Ok(cards)
    }

    /// The cards to which something ever led, whether it still does or not.
    pub(crate) fn ever_led(&self, lead: Lead) -> Result<Vec<RecordId>, ProjectionError> {
        let prefix = lead.prefix();
        let mut cards = Vec::new();
        self.visit(&prefix, &mut |key, _| {
            cards.push(record_behind(&prefix, key)?);
            Ok(())
        })?;
        Ok(cards)
    }

    /// To which person each version of a card belonged, the oldest first.
    pub(crate) fn persons_of(
        &self,
        record: RecordId,
    ) -> Result<Vec<(CommitSequence, PersonId)>, ProjectionError> {
        let versions = self.served_versions(record)?.into_iter();
        Ok(versions
            .map(|version| (version.sequence, version.person))
            .collect())
    }

    /// Every version of a card that was ever served, the oldest first.
    pub(super) fn served_versions(&self, record: RecordId) -> Result<Vec<Version>, ProjectionError> {
        // A crash may leave the newest among the superseded as well.
        let mut versions = BTreeMap::new();
        for prefix in [superseded_prefix(record), current_key(record)] {
            self.visit(&prefix, &mut |key, value| {
                let version = self.open_version(key, value)?;
                versions.extend(version.map(|version| (version.sequence, version)));
                Ok(())
            })?;
        }
        Ok(versions.into_values().collect())
    }

    /// Hands the newest version of every card to `visit`, in order of record id, whether visible or not.
    pub(crate) fn every_newest(
        &self,
        visit: &mut dyn FnMut(Card) -> Result<(), ProjectionError>,
    ) -> Result<(), ProjectionError> {
        self.visit(rows::CURRENT_PREFIX, &mut |key, value| {
            visit(self.newest_of(key, value)?)
        })
    }

    /// Hands every card that any row of any kind holds to `visit`, or what remains of it.
    pub(crate) fn every_card_ever(&self, visit: &mut dyn FnMut(Record)) -> Result<(), ProjectionError> {
        for prefix in VERSION_PREFIXES {
            self.visit(prefix, &mut |key, value| {
                if let Some(version) = self.open_version(key, value)?
                    && let Some(card) = published_card(&version)?
                {
                    visit(card);
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Hands every row to `visit`, in key order: how two projections are compared.
    pub(crate) fn every_row(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), ProjectionError> {
        self.engine.scan(&[], &mut |key, value| {
            if key != rows::APPLIED_KEY {
                visit(key, value);
            }
            true
        })?;
        Ok(())
    }
}

/// The id of the key under which a version is sealed.
pub(super) fn key_id(value: &[u8]) -> Result<KeyId, RowError> {
    let id = value.get(1..17).ok_or(RowError::Malformed)?;
    id.try_into()
        .map(KeyId::from_bytes)
        .map_err(|_| RowError::Malformed)
}
