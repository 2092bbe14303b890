//! From files to a running store: replay, then proof that the engine holds what it should.
//!
//! The engine may be behind the journal (replayed from its last sync), ahead of it or damaged (made anew from the
//! first frame), or hold other data than it should (sled can lose writes to a damaged file and open without a word):
//! at each sync point the journal notes a digest for every municipality, and here it is computed again and compared.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use registry::canonical;
use registry::digest::{Bucket, CardDigest, SetDigest};
use registry::municipality::MunicipalityId;
use registry::publication::{Accepted, Batch, Cause, ContentId, DailyLimits, Epoch, Line, Watermark};
use registry::record::Record;

use crate::files::Files;
use crate::keys::ring::{KeyRing, RingError};
use crate::kv::EngineError;
use crate::linker::Linker;
use crate::projection::{Card, Projection, ProjectionError};
use crate::publication_journal::entry::{AcceptedBatch, EntryError, SyncPoint};
use crate::publication_journal::line_entry::LineEntry;
use crate::publication_journal::profile_entry::ProfileEntry;
use crate::publication_journal::ruling::Release;
use crate::publication_journal::withdrawal_entry::{RemainsEntry, WithdrawalEntry};
use crate::publication_journal::{JournalError, PublicationJournal, ReadError, Replayed};
use crate::publisher::gate::Gatekeeper;
use crate::publisher::intake_book::{IntakeBook, Recent};
use crate::publisher::lines::note_backup;
use crate::publisher::profiles::{apply_profiles, groups_of, note_profile};
use crate::publisher::withdrawal::{
    RemainsRead, apply_destruction, apply_withdrawal, destroy_key, destroyed_behind, note_withdrawal,
};
use crate::publisher::writer::{apply, apply_restatement, rejections_of};
use crate::publisher::{MunicipalityState, States, Withdrawn};
use crate::rows::{CommitSequence, ROW_SCHEME, RowError};
use crate::segment::Settings;

/// What came out of the files.
pub(crate) struct Recovered {
    pub(crate) journal: PublicationJournal,
    pub(crate) projection: Arc<Projection>,
    pub(crate) linker: Linker,
    pub(crate) gatekeeper: Gatekeeper,
    pub(crate) book: IntakeBook,
    pub(crate) states: States,
    /// When the last entry was recorded, Unix milliseconds.
    pub(crate) recorded_ms: u64,
    /// How far the engine was synced.
    pub(crate) applied: CommitSequence,
    /// Changes that were applied again.
    pub(crate) replayed: u64,
    /// Whether a loss was proved, and the index has not answered agencies since.
    pub(crate) restoring: bool,
}

/// Why the projection cannot serve as it is. The journal is whole: a fresh engine can be filled from it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stale {
    /// The engine holds more than the journal.
    #[error("the engine is ahead of the journal")]
    Ahead,
    /// The engine was filled by a program with other rows.
    #[error("the engine has another scheme of rows")]
    Scheme,
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
    /// What is noted with a destroyed key is not what was written there.
    #[error("the note of a destroyed key cannot be read")]
    Note(#[from] EntryError),
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

/// What a replay needs and gathers.
struct Replay<'a> {
    projection: &'a Projection,
    linker: &'a Linker,
    gatekeeper: &'a mut Gatekeeper,
    keys: &'a Arc<KeyRing>,
    states: States,
    /// Of withdrawals.
    remains: RemainsRead,
    /// The epoch of a municipality whose line never began anew.
    first: Epoch,
    published: BTreeMap<MunicipalityId, Recent>,
    sync_point: Option<SyncPoint>,
    /// How far the engine was synced: what lies behind is noted and not applied again.
    applied: CommitSequence,
    recorded_ms: u64,
    replayed: u64,
    restoring: bool,
    failed: Option<RecoveryError>,
}

/// Opens the journal over a projection, applies what is missing and checks the result.
pub(crate) fn recover(
    files: Arc<dyn Files>,
    keys: &Arc<KeyRing>,
    settings: Settings,
    epoch: Epoch,
    projection: Projection,
    linker: Linker,
    limits: DailyLimits,
) -> Result<Recovered, RecoveryError> {
    let applied = projection.applied()?;
    match projection.scheme()? {
        Some(ROW_SCHEME) => {}
        None if applied == CommitSequence(0) => projection.note_scheme()?,
        Some(_) | None => return Err(Stale::Scheme.into()),
    }
    let mut gatekeeper = Gatekeeper::new(limits);
    let mut replay = Replay {
        projection: &projection,
        linker: &linker,
        gatekeeper: &mut gatekeeper,
        keys,
        states: States::default(),
        remains: RemainsRead::default(),
        first: epoch,
        published: BTreeMap::new(),
        sync_point: None,
        applied,
        recorded_ms: 0,
        replayed: 0,
        restoring: false,
        failed: None,
    };
    let mut visit = |frame: Replayed| replay.frame(frame);
    let opened = PublicationJournal::open(files, Arc::clone(keys), settings, &mut visit);
    let (journal, _) = opened.map_err(RecoveryError::Journal)?;
    let Replay {
        states,
        mut published,
        sync_point,
        recorded_ms,
        replayed,
        restoring,
        failed,
        ..
    } = replay;
    if let Some(error) = failed {
        return Err(error);
    }
    for (municipality, guards) in destroyed_behind(keys, &states)? {
        apply_destruction(&projection, municipality, &guards)?;
        note_withdrawal(&states, municipality, Withdrawn::KeyDestroyed);
        gatekeeper.forget(municipality);
        published.remove(&municipality);
    }
    if journal.last() < applied {
        return Err(Stale::Ahead.into());
    }
    check(&projection, &states, sync_point.as_ref(), journal.last())?;
    projection.publish(journal.last())?;
    let mut book = IntakeBook::new(epoch);
    for (municipality, recent) in published {
        book.restore(municipality, recent);
    }
    Ok(Recovered {
        journal,
        projection: Arc::new(projection),
        linker,
        gatekeeper,
        book,
        states,
        recorded_ms,
        applied,
        replayed,
        restoring,
    })
}

impl Replay<'_> {
    fn frame(&mut self, frame: Replayed) -> Result<(), ReadError> {
        match frame {
            Replayed::Erased {
                municipality,
                last: _,
            } => self.remains.open(municipality)?,
            Replayed::ErasedRemains { municipality, part } => {
                self.remains.open(municipality)?;
                self.remains.add(part, Vec::new())?;
            }
            Replayed::Remains(RemainsEntry {
                part,
                municipality: _,
                rows,
            }) => self.remains.add(part, rows)?,
            Replayed::Withdrawal(withdrawal) => self.withdraw(&withdrawal)?,
            Replayed::SyncPoint(point) => self.sync_point = Some(point),
            Replayed::Line(line) => {
                self.remains.open(line.municipality)?;
                self.begin_line(&line);
            }
            Replayed::Backup(backup) => note_backup(&self.states, &backup),
            Replayed::Reopening => self.restoring = false,
            Replayed::Profile(profile) => self.profile(&profile),
            Replayed::Batch(accepted) => {
                self.remains.open(accepted.municipality)?;
                let batch = opened(&accepted)?;
                self.note_published(&accepted, &batch);
                self.batch(&accepted, &batch);
            }
            Replayed::Release(Release { statement: _, batch }) => self.batch(&batch, &opened(&batch)?),
            Replayed::Restatement(restatement) => {
                self.note(restatement.municipality, |state, _| {
                    state.holdings.note_restatement(&restatement);
                });
                self.recorded_ms = restatement.recorded_ms;
                if self.is_missing(restatement.last()) {
                    let applied = apply_restatement(self.projection, &self.states, &restatement);
                    self.failed = applied.err().map(Into::into);
                    self.replayed += restatement.cards.len() as u64;
                }
            }
        }
        Ok(())
    }

    fn profile(&mut self, entry: &ProfileEntry) {
        let (_, before) = note_profile(&self.states, entry);
        self.recorded_ms = entry.recorded_ms;
        // A digest noted before is that of cards that are no more.
        if let Some(point) = &mut self.sync_point {
            point
                .municipalities
                .retain(|noted| noted.municipality != entry.municipality);
        }
        if self.is_missing(entry.sequence) {
            self.failed = apply_profiles(self.projection, &self.states, &[(*entry, before)])
                .err()
                .map(RecoveryError::from);
            self.replayed += 1;
        }
    }

    fn batch(&mut self, accepted: &AcceptedBatch, batch: &Batch) {
        let batch = &*batch.within(groups_of(&self.states, accepted.municipality));
        self.note(accepted.municipality, |state, linker| {
            state.holdings.note_batch(linker, accepted, batch);
        });
        self.gatekeeper
            .note(accepted.municipality, &accepted.counts, accepted.recorded_ms);
        self.recorded_ms = accepted.recorded_ms;
        if self.is_missing(accepted.last()) {
            let applied = apply(self.projection, &self.states, accepted, batch, self.linker);
            self.failed = applied.err().map(Into::into);
            self.replayed += batch.changes().len() as u64;
        }
    }

    /// Finishes what a crash may have left: the key is destroyed where it is not, and the rows go where they are there.
    fn withdraw(&mut self, withdrawal: &WithdrawalEntry) -> Result<(), ReadError> {
        let remains = self.remains.withdraw(withdrawal)?;
        let municipality = withdrawal.municipality;
        self.recorded_ms = withdrawal.at_ms;
        self.published.remove(&municipality);
        self.gatekeeper.forget(municipality);
        note_withdrawal(&self.states, municipality, withdrawal.known());
        if self.failed.is_none() {
            self.failed = self.destroy_key(withdrawal, &remains).err();
        }
        if self.is_missing(withdrawal.sequence) {
            let applied = apply_withdrawal(self.projection, withdrawal, &remains);
            self.failed = applied.err().map(Into::into);
            self.replayed += 1;
        }
        Ok(())
    }

    fn destroy_key(
        &self,
        withdrawal: &WithdrawalEntry,
        remains: &BTreeMap<Vec<u8>, Vec<u8>>,
    ) -> Result<(), RecoveryError> {
        let guards = self.projection.guards_among(remains, withdrawal.sequence)?;
        destroy_key(self.keys, withdrawal.municipality, &guards).map_err(RecoveryError::Journal)
    }

    fn is_missing(&self, last: CommitSequence) -> bool {
        self.applied < last && self.failed.is_none()
    }

    fn note(&self, municipality: MunicipalityId, note: impl FnOnce(&mut MunicipalityState, &Linker)) {
        let mut states = self.states.write().unwrap_or_else(PoisonError::into_inner);
        let state = states
            .entry(municipality)
            .or_insert_with(MunicipalityState::empty);
        note(state, self.linker);
    }

    fn begin_line(&mut self, entry: &LineEntry) {
        let LineEntry {
            municipality,
            epoch,
            watermark,
            began_ms,
            cause,
        } = *entry;
        match cause {
            Cause::Loss { .. } => self.restoring = true,
            Cause::ShorterJournal => {}
        }
        self.published.insert(municipality, Recent::new(epoch, watermark));
        self.note(municipality, |state, _| {
            state.begin(Line::begun(epoch, began_ms), watermark);
        });
    }

    fn note_published(&mut self, accepted: &AcceptedBatch, batch: &Batch) {
        let last = Accepted {
            first_sequence: batch.first_sequence(),
            last_sequence: batch.last_sequence(),
            content: ContentId::of(&accepted.content),
        };
        let first = self.first;
        self.published
            .entry(accepted.municipality)
            .or_insert_with(|| Recent::new(first, Watermark::default()))
            .push(last);
        self.note(accepted.municipality, |state, _| {
            state.watermark = Watermark(batch.last_sequence());
            state.visible = state.watermark;
            state.last = Some(last);
            state.received_ms = Some(accepted.recorded_ms);
            state.confirmed_ms = state.received_ms;
            state.marks.push(accepted.recorded_ms, state.watermark);
            for rejection in rejections_of(batch, accepted) {
                state.reject(rejection);
            }
        });
    }
}

fn opened(accepted: &AcceptedBatch) -> Result<Batch, ReadError> {
    Batch::from_canonical_bytes(&accepted.content, accepted.sent_at_ms)
        .map_err(|error| ReadError::Refused(Box::new(error)))
}

/// Digest and number of the received cards of each municipality.
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

/// Computes every digest in one pass, as of the last sync point and as of now, and fills the name index in the same one.
fn check(
    projection: &Projection,
    states: &States,
    sync_point: Option<&SyncPoint>,
    last: CommitSequence,
) -> Result<(), RecoveryError> {
    let point = sync_point.map_or(CommitSequence(0), |point| point.applied);
    let (mut then, mut now) = (Held::default(), Held::default());
    // Cards of which something waits, or once did, are few; what was received of them is read one by one.
    let apart = projection.ever_waiting()?;
    let mut changed_since = Vec::new();
    let mut ahead = false;
    projection.names().begin_filling();
    projection.every_newest(&mut |card| {
        ahead |= last < card.sequence;
        projection.index_names(&card);
        if apart.contains(&card.id) {
            return Ok(());
        }
        let summed = card.published().and_then(summed);
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
        let card = projection.held_at(record, point)?;
        let card = card.as_ref().and_then(Card::published);
        if let Some((municipality, bucket, digest)) = card.and_then(summed) {
            then.add(municipality, bucket, digest);
        }
    }
    for record in apart {
        for (sum, sequence) in [(&mut then, point), (&mut now, last)] {
            let received = projection.received_at(record, sequence)?;
            let card = received
                .map(|bytes| canonical::decode(&bytes).map_err(|_| RowError::Card))
                .transpose()
                .map_err(ProjectionError::from)?;
            if let Some((municipality, bucket, digest)) = card.as_ref().and_then(summed) {
                sum.add(municipality, bucket, digest);
            }
        }
    }
    let mut states = states.write().unwrap_or_else(PoisonError::into_inner);
    for noted in sync_point.map_or(&[][..], |point| &point.municipalities) {
        // What was withdrawn since then is gone, and should be.
        let state = states.get(&noted.municipality);
        let withdrawn = state.is_some_and(|state| state.withdrawn.is_some());
        if !withdrawn && then.take(noted.municipality).0.root() != noted.root {
            return Err(Stale::Digest.into());
        }
    }
    for (municipality, state) in states.iter_mut() {
        (state.digest, state.records) = now.take(*municipality);
    }
    Ok(())
}

fn summed(record: &Record) -> Option<(MunicipalityId, Bucket, CardDigest)> {
    let municipality = MunicipalityId::of_any(record.municipality)?;
    let digest = CardDigest::of(&record.local_id, &canonical::encode(record));
    Some((municipality, Bucket::of(&record.local_id), digest))
}

#[cfg(test)]
mod tests;
