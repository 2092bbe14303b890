//! A municipality's own cards by digest: what it compares with its journal where the two differ.

use std::collections::{BTreeMap, BTreeSet};

use registry::canonical;
use registry::digest::{Bucket, CardDigest};
use registry::identifier::{LocalId, RecordId};
use registry::municipality::MunicipalityId;

use super::scans::key_id;
use super::{Projection, ProjectionError};
use crate::publication_journal::municipality_key;
use crate::rows::{self, CommitSequence, RowError};

/// Which cards are wanted: those of some buckets, behind a local id, so many of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) buckets: &'a BTreeSet<Bucket>,
    pub(crate) after: Option<&'a LocalId>,
    pub(crate) limit: usize,
}

impl Projection {
    /// Local id and digest of what was last received of a municipality's cards, in order of local id. Rows of other
    /// municipalities are passed over unopened.
    pub(crate) fn own_cards(
        &self,
        municipality: MunicipalityId,
        wanted: Wanted<'_>,
    ) -> Result<Vec<(LocalId, CardDigest)>, ProjectionError> {
        let Some(own) = self.keys.get(&municipality_key(municipality)) else {
            return Ok(Vec::new());
        };
        let apart = self.ever_waiting()?;
        let mut found = Found::new(wanted);
        self.visit(rows::CURRENT_PREFIX, &mut |key, value| {
            if key_id(value)? != own.id {
                return Ok(());
            }
            let card = self.newest_of(key, value)?;
            let published = card.published().filter(|_| !apart.contains(&card.id));
            if let Some(record) = published {
                found.add(record.local_id.clone(), &canonical::encode(record));
            }
            Ok(())
        })?;
        // Of the few of which something waits, or once did, what was received is read one by one.
        for record in apart {
            if let Some((local_id, bytes)) = self.received_of(municipality, record)? {
                found.add(local_id, &bytes);
            }
        }
        Ok(found.cards.into_iter().collect())
    }

    fn received_of(
        &self,
        municipality: MunicipalityId,
        record: RecordId,
    ) -> Result<Option<(LocalId, Vec<u8>)>, ProjectionError> {
        let Some(bytes) = self.received_at(record, CommitSequence(u64::MAX))? else {
            return Ok(None);
        };
        let card = canonical::decode(&bytes).map_err(|_| RowError::Card)?;
        let own = MunicipalityId::of_any(card.municipality) == Some(municipality);
        Ok(own.then_some((card.local_id, bytes)))
    }
}

struct Found<'a> {
    wanted: Wanted<'a>,
    cards: BTreeMap<LocalId, CardDigest>,
}

impl<'a> Found<'a> {
    fn new(wanted: Wanted<'a>) -> Self {
        Self {
            wanted,
            cards: BTreeMap::new(),
        }
    }

    fn add(&mut self, local_id: LocalId, canonical: &[u8]) {
        let Wanted {
            buckets,
            after,
            limit,
        } = self.wanted;
        if !buckets.contains(&Bucket::of(&local_id)) || after.is_some_and(|after| local_id <= *after) {
            return;
        }
        let digest = CardDigest::of(&local_id, canonical);
        self.cards.insert(local_id, digest);
        if limit < self.cards.len() {
            self.cards.pop_last();
        }
    }
}
