//! From files to a running store: replay, then proof that the engine holds what it should.
//!
//! The engine may be behind the journal (replayed from its last sync), ahead of it or damaged (made anew from the
//! first frame), or hold other data than it should (sled can lose writes to a damaged file and open without a word):
//! at each sync point the journal notes a digest for every municipality, and here it is computed again and compared.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use registry::canonical;
use registry::digest::{Bucket, CardDigest, SetDigest};
use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use registry::publication::{Accepted, Batch, ContentId, Epoch, Watermark};

use crate::files::Files;
use crate::keys::ring::{KeyRing, RingError};
use crate::kv::EngineError;
use crate::linker::Linker;
use crate::projection::{Card, Projection, ProjectionError};
use crate::publication_journal::entry::{AcceptedBatch, SyncPoint};
use crate::publication_journal::{JournalError, PublicationJournal, ReadError, Replayed, municipality_key};
use crate::publisher::intake_book::{IntakeBook, Recent};
use crate::publisher::writer::{apply, rejections_of};
use crate::publisher::{MunicipalityState, States};
use crate::rows::{CommitSequence, RowError};
use crate::segment::Settings;

/// What came out of the files.
pub(crate) struct Recovered {
    pub(crate) journal: PublicationJournal,
    pub(crate) projection: Arc<Projection>,
    pub(crate) linker: Linker,
    pub(crate) book: IntakeBook,
    pub(crate) states: States,
    /// How far the engine was synced.
    pub(crate) applied: CommitSequence,
    /// Changes that were applied again.
    pub(crate) replayed: u64,
}

/// Why the projection cannot serve as it is. The journal is whole: a fresh engine can be filled from it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stale {
    /// The engine holds more than the journal.
    #[error("the engine is ahead of the journal")]
    Ahead,
    /// Cards differ from what was there at the last sync point.
    #[error("the engine does not hold what it held at its last sync point")]
    Digest,
    /// Rows cannot be read.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The engine's files are damaged.
    #[error(transparent)]
    Engine(EngineError),
    /// The engine panicked over its files.
    #[error("the engine panicked")]
    Panic,
}

/// Why recovery did not end in a store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecoveryError {
    #[error(transparent)]
    Journal(JournalError),
    #[error(transparent)]
    Keys(#[from] RingError),
    /// The volume under the engine failed; another engine would fare no better.
    #[error(transparent)]
    Engine(EngineError),
    #[error(transparent)]
    Stale(#[from] Stale),
}

impl From<EngineError> for RecoveryError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Corrupt(_) => Self::Stale(Stale::Engine(error)),
            EngineError::NoSpace(_) | EngineError::Failed(_) => Self::Engine(error),
        }
    }
}

impl From<ProjectionError> for RecoveryError {
    fn from(error: ProjectionError) -> Self {
        match error {
            ProjectionError::Engine(error) => error.into(),
            ProjectionError::Row(error) => Self::Stale(error.into()),
            ProjectionError::Keys(error) => error.into(),
        }
    }
}

#[derive(Debug)]
struct Published {
    code: IstatCode,
    recent: Recent,
}

/// Opens the journal over a projection, applies what is missing and checks the result.
pub(crate) fn recover(
    files: Arc<dyn Files>,
    keys: &Arc<KeyRing>,
    settings: Settings,
    epoch: Epoch,
    projection: Projection,
    linker: Linker,
) -> Result<Recovered, RecoveryError> {
    let applied = projection.applied()?;
    let states = States::default();
    let mut published: BTreeMap<MunicipalityId, Published> = BTreeMap::new();
    let mut sync_point = None;
    let mut failed = None;
    let mut replayed = 0;
    let mut visit = |frame: Replayed| match frame {
        Replayed::Erased { .. } => Ok(()),
        Replayed::SyncPoint(point) => {
            sync_point = Some(point);
            Ok(())
        }
        Replayed::Batch(accepted) => {
            let batch = Batch::from_canonical_bytes(&accepted.content, accepted.sent_at_ms)
                .map_err(|error| ReadError::Refused(Box::new(error)))?;
            note(&mut published, &states, &accepted, &batch);
            if accepted.last() <= applied || failed.is_some() {
                return Ok(());
            }
            replayed += batch.changes().len() as u64;
            failed = apply(&projection, &states, &accepted, &batch, &linker).err();
            Ok(())
        }
    };
    let opened = PublicationJournal::open(files, Arc::clone(keys), settings, &mut visit);
    let (journal, _) = opened.map_err(RecoveryError::Journal)?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    if journal.last() < applied {
        return Err(Stale::Ahead.into());
    }
    check(&projection, keys, &states, sync_point.as_ref(), journal.last())?;
    projection.publish(journal.last());
    let mut book = IntakeBook::new(epoch);
    for (municipality, Published { code, recent }) in published {
        book.restore(municipality, code, recent);
    }
    let projection = Arc::new(projection);
    Ok(Recovered {
        journal,
        projection,
        linker,
        book,
        states,
        applied,
        replayed,
    })
}

fn note(
    published: &mut BTreeMap<MunicipalityId, Published>,
    states: &States,
    accepted: &AcceptedBatch,
    batch: &Batch,
) {
    let code = batch.municipality();
    let known = published
        .entry(accepted.municipality)
        .or_insert_with(|| Published {
            code,
            recent: Recent::default(),
        });
    known.code = code;
    known.recent.push(Accepted {
        first_sequence: batch.first_sequence(),
        last_sequence: batch.last_sequence(),
        content: ContentId::of(&accepted.content),
    });
    let mut states = states.write().unwrap_or_else(PoisonError::into_inner);
    let state = states
        .entry(accepted.municipality)
        .or_insert_with(MunicipalityState::empty);
    state.watermark = Watermark(batch.last_sequence());
    state.visible = state.watermark;
    state.received_ms = accepted.recorded_ms;
    for rejection in rejections_of(batch, accepted) {
        state.reject(rejection);
    }
}

/// Digest and number of the served cards of each municipality.
#[derive(Debug, Default)]
struct Held(BTreeMap<MunicipalityId, (SetDigest, u64)>);

impl Held {
    fn add(&mut self, municipality: MunicipalityId, bucket: Bucket, card: CardDigest) {
        let (digest, cards) = self
            .0
            .entry(municipality)
            .or_insert_with(|| (SetDigest::new(), 0));
        digest.add_card(bucket, card);
        *cards += 1;
    }

    fn take(&mut self, municipality: MunicipalityId) -> (SetDigest, u64) {
        self.0
            .remove(&municipality)
            .unwrap_or_else(|| (SetDigest::new(), 0))
    }
}

/// Computes every digest in one pass, as of the last sync point and as of now.
fn check(
    projection: &Projection,
    keys: &KeyRing,
    states: &States,
    sync_point: Option<&SyncPoint>,
    last: CommitSequence,
) -> Result<(), RecoveryError> {
    let point = sync_point.map_or(CommitSequence(0), |point| point.applied);
    let (mut then, mut now) = (Held::default(), Held::default());
    let mut changed_since = Vec::new();
    let mut ahead = false;
    projection.every_newest(&mut |card| {
        let summed = summed(&card);
        ahead |= last < card.sequence;
        if point < card.sequence {
            changed_since.push(card.id);
        } else if let Some((municipality, bucket, digest)) = summed {
            then.add(municipality, bucket, digest);
        }
        if let Some((municipality, bucket, digest)) = summed {
            now.add(municipality, bucket, digest);
        }
        Ok(())
    })?;
    if ahead {
        return Err(Stale::Ahead.into());
    }
    for record in changed_since {
        if let Some(card) = projection.card_at(record, point)?
            && let Some((municipality, bucket, digest)) = summed(&card)
        {
            then.add(municipality, bucket, digest);
        }
    }
    for noted in sync_point.map_or(&[][..], |point| &point.municipalities) {
        // What was withdrawn since then is gone, and should be.
        let withdrawn = keys.is_destroyed(&municipality_key(noted.municipality));
        if !withdrawn && then.take(noted.municipality).0.root() != noted.root {
            return Err(Stale::Digest.into());
        }
    }
    let mut states = states.write().unwrap_or_else(PoisonError::into_inner);
    for (municipality, state) in states.iter_mut() {
        (state.digest, state.records) = now.take(*municipality);
    }
    Ok(())
}

fn summed(card: &Card) -> Option<(MunicipalityId, Bucket, CardDigest)> {
    let record = card.record.as_ref()?;
    let municipality = MunicipalityId::of_any(record.municipality)?;
    let digest = CardDigest::of(&record.local_id, &canonical::encode(record));
    Some((municipality, Bucket::of(&record.local_id), digest))
}

#[cfg(test)]
mod tests;
