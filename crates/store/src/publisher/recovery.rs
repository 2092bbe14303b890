//! From files to a running store: replay, then proof that the engine holds what it should.
//!
//! The engine may be behind the journal (replayed from its last sync), ahead of it or damaged (made anew from the
//! first frame), or hold other data than it should (sled can lose writes to a damaged file and open without a word):
//! at each sync point the journal notes a digest for every municipality, and here it is computed again and compared.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use registry::digest::SetDigest;
use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use registry::publication::{Batch, ContentId, Epoch};
use registry::publication::Accepted;

use crate::files::Files;
use crate::keys::ring::KeyRing;
use crate::linker::Linker;
use crate::projection::{Projection, ProjectionError};
use crate::publication_journal::entry::{AcceptedBatch, SyncPoint};
use crate::publication_journal::{JournalError, PublicationJournal, ReadError, Replayed};
use crate::publisher::intake_book::IntakeBook;
use crate::publisher::{MunicipalityState, States, apply, rejections_of};
use crate::rows::CommitSequence;
use crate::segment::Settings;

/// Batches whose content is remembered to tell a repetition from a conflict.
const REMEMBERED: usize = 256;

/// What came out of the files.
pub(crate) struct Recovered {
    pub(crate) journal: PublicationJournal,
    pub(crate) projection: Arc<Projection>,
    pub(crate) linker: Linker,
    pub(crate) book: IntakeBook,
    pub(crate) states: States,
    /// Changes that were applied again.
    pub(crate) replayed: u64,
}

/// Why the projection cannot serve as it is. The journal is whole: a fresh engine can be filled from it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stale {
    /// The engine says that it holds more than the journal.
    #[error("the engine is ahead of the journal")]
    Ahead,
    /// Cards differ from what was there at the last sync point.
    #[error("the engine does not hold what it held at its last sync point")]
    Digest,
    /// Rows cannot be read.
    #[error(transparent)]
    Rows(#[from] ProjectionError),
}

/// Why recovery did not end in a store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecoveryError {
    #[error(transparent)]
    Journal(JournalError),
    #[error(transparent)]
    Stale(Stale),
}

#[derive(Default)]
struct Municipal {
    code: Option<IstatCode>,
    accepted: Vec<Accepted>,
}

/// Opens the journal over a projection, applies what is missing and checks the result.
pub(crate) fn recover(
    files: Arc<dyn Files>,
    keys: Arc<KeyRing>,
    settings: Settings,
    epoch: Epoch,
    projection: Projection,
    linker: Linker,
) -> Result<Recovered, RecoveryError> {
    let applied = projection.applied().map_err(|error| RecoveryError::Stale(error.into()))?;
    let states = States::default();
    let mut municipal: BTreeMap<MunicipalityId, Municipal> = BTreeMap::new();
    let mut sync_point = None;
    let mut stale = None;
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
            note(&mut municipal, &states, &accepted, &batch);
            if accepted.last() <= applied || stale.is_some() {
                return Ok(());
            }
            replayed += batch.changes().len() as u64;
            if let Err(error) = apply(&projection, &states, &accepted, &batch, &linker) {
                stale = Some(error);
            }
            Ok(())
        }
    };
    let (journal, _) = PublicationJournal::open(files, keys, settings, &mut visit).map_err(RecoveryError::Journal)?;
    if let Some(error) = stale {
        return Err(RecoveryError::Stale(error.into()));
    }
    if journal.last() < applied {
        return Err(RecoveryError::Stale(Stale::Ahead));
    }
    check(&projection, &states, sync_point.as_ref(), journal.last()).map_err(RecoveryError::Stale)?;
    projection.publish(journal.last());
    let mut book = IntakeBook::default();
    for (id, Municipal { code, accepted }) in municipal {
        if let Some(code) = code {
            book.restore(id, code, epoch, accepted);
        }
    }
    Ok(Recovered { journal, projection: Arc::new(projection), linker, book, states, replayed })
}

fn note(
    municipal: &mut BTreeMap<MunicipalityId, Municipal>,
    states: &States,
    accepted: &AcceptedBatch,
    batch: &Batch,
) {
    let known = municipal.entry(accepted.municipality).or_default();
    known.code = Some(batch.municipality());
    if known.accepted.len() == REMEMBERED {
        known.accepted.remove(0);
    }
    known.accepted.push(Accepted {
        first_sequence: batch.first_sequence(),
        last_sequence: batch.last_sequence(),
        content: ContentId::of(&accepted.content),
    });
    let mut states = states.write().unwrap_or_else(PoisonError::into_inner);
    let state = states.entry(accepted.municipality).or_insert_with(MunicipalityState::empty);
    state.watermark = registry::publication::Watermark(batch.last_sequence());
    state.visible = state.watermark;
    state.received_ms = accepted.recorded_ms;
    for rejection in rejections_of(batch, accepted) {
        state.reject(rejection);
    }
}

/// Computes every digest, as of the last sync point and as of now.
fn check(
    projection: &Projection,
    states: &States,
    sync_point: Option<&SyncPoint>,
    last: CommitSequence,
) -> Result<(), Stale> {
    if let Some(point) = sync_point {
        let held = digests(projection, point.applied)?;
        for noted in &point.municipalities {
            let root = held.get(&noted.municipality).map_or_else(|| SetDigest::new().root(), |(held, _)| held.root());
            if root != noted.root {
                return Err(Stale::Digest);
            }
        }
    }
    let held = digests(projection, last)?;
    let mut states = states.write().unwrap_or_else(PoisonError::into_inner);
    for (municipality, state) in states.iter_mut() {
        (state.digest, state.records) = held.get(municipality).cloned().unwrap_or_else(|| (SetDigest::new(), 0));
    }
    Ok(())
}

fn digests(
    projection: &Projection,
    at: CommitSequence,
) -> Result<BTreeMap<MunicipalityId, (SetDigest, u64)>, ProjectionError> {
    let mut digests: BTreeMap<MunicipalityId, (SetDigest, u64)> = BTreeMap::new();
    projection.every_card(at, &mut |card| {
        if let Some(record) = &card.record
            && let Some(municipality) = MunicipalityId::of_any(record.municipality)
        {
            let (digest, records) = digests.entry(municipality).or_insert_with(|| (SetDigest::new(), 0));
            digest.add(&record.local_id, &registry::canonical::encode(record));
            *records += 1;
        }
        Ok(())
    })?;
    Ok(digests)
}
