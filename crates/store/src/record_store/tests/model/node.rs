//! A node: the product's journal, mirror and notes over files that fail on command, and what its office knows.

use std::sync::Arc;

use registry::canonical;
use registry::change::{Change, ChangeBody};
use registry::publication::{AttachError, Attached, Batch, Claim, Detached, IndexState, Watermark};

use super::index::{Failing, Index};
use super::people::{Edit, PERSONS, Plain, code};
use crate::files::faulty::FaultyFiles;
use crate::keys::encryption_key::KeyEncryptionKey;
use crate::keys::ring::KeyRing;
use crate::municipal::aside::KeptAside;
use crate::municipal::outbox::{BatchLimits, Cutting, Entered, Outbox};
use crate::municipal::{ChangeDraft, MirrorEngine, MunicipalStore};
use crate::publisher::{Acknowledged, Standing};
use crate::record_store::RecordStore;
use crate::segment::Settings;
use crate::segment::preparation::Preparation;
use crate::test_support::CountingEntropy;
use crate::test_support::people::{istat, local_id};

const LIMITS: BatchLimits = BatchLimits {
    max_changes: 3,
    max_bytes: 1_600,
};

/// What the office knows, and what the node journalled of it.
#[derive(Clone, Default)]
struct Known {
    cards: [Option<Plain>; PERSONS],
    journal: Vec<(ChangeBody, Option<Plain>)>,
}

pub(super) struct Node {
    at: usize,
    files: FaultyFiles,
    entropy: Arc<CountingEntropy>,
    store: Option<MunicipalStore>,
    outbox: Option<Outbox>,
    attached: Option<Attached>,
    /// Counts streams; what comes on an earlier one is lost.
    pub(super) stream: u32,
    known: Known,
    backup: Option<(FaultyFiles, Known)>,
    /// Whether its journal is no longer the one from which the index was filled.
    pub(super) restored: bool,
    seed: u64,
}

/// Why a node cannot go on by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopped;

fn size(change: &Change) -> usize {
    match &change.body {
        ChangeBody::Upsert(card) => canonical::encode(card).len(),
        ChangeBody::Remove => 8,
    }
}

impl Node {
    pub(super) fn new(at: usize) -> Self {
        let mut node = Self {
            at,
            files: FaultyFiles::default(),
            entropy: Arc::default(),
            store: None,
            outbox: None,
            attached: None,
            stream: 0,
            known: Known::default(),
            backup: None,
            restored: false,
            seed: 0,
        };
        node.open();
        node
    }

    fn open(&mut self) {
        let files = Arc::new(self.files.clone());
        let key = KeyEncryptionKey::from_bytes(&[6; 32]);
        let entropy = Arc::<CountingEntropy>::clone(&self.entropy);
        let ring = KeyRing::open(files.clone(), key, entropy).unwrap();
        let settings = Settings {
            segment_bytes: 32 << 10,
            preparation: Preparation::Inline,
        };
        let municipality = Index::municipality(self.at);
        let store =
            MunicipalStore::open(files.clone(), &ring, settings, MirrorEngine::Memory, municipality).unwrap();
        self.outbox = Some(Outbox::open(files).unwrap());
        self.store = Some(store);
        self.attached = None;
        self.stream += 1;
    }

    fn store(&mut self) -> &mut MunicipalStore {
        self.store.as_mut().expect("the node runs")
    }

    fn outbox(&mut self) -> &mut Outbox {
        self.outbox.as_mut().expect("the node runs")
    }

    /// Everything that was journalled is there, and nothing else.
    fn check(&mut self) {
        let journalled = self.known.journal.len() as u64;
        assert_eq!(self.store().last_sequence(), journalled);
        let bodies: Vec<ChangeBody> = self
            .store()
            .changes_from(1, usize::MAX)
            .unwrap()
            .into_iter()
            .map(|change| change.body)
            .collect();
        assert!(bodies.iter().eq(self.known.journal.iter().map(|(body, _)| body)));
    }

    pub(super) fn journal_end(&mut self) -> u64 {
        self.store().last_sequence()
    }

    pub(super) fn kill(&mut self) {
        self.files = self.files.after_kill();
        self.open();
        self.check();
    }

    pub(super) fn cut(&mut self, seed: u64) {
        self.files = self.files.crash_image(seed);
        self.open();
        self.check();
    }

    pub(super) fn fail(&mut self, failing: Failing, seed: u64) {
        self.seed = seed;
        failing.inject(&self.files);
    }

    pub(super) fn back_up(&mut self) {
        self.backup = Some((self.files.after_kill(), self.known.clone()));
    }

    /// The node's directory as it was backed up; the office goes on with what it knew then.
    pub(super) fn restore(&mut self) {
        let Some((files, known)) = &self.backup else {
            return;
        };
        (self.files, self.known) = (files.after_kill(), known.clone());
        self.restored = true;
        self.open();
        self.check();
    }

    /// The process ends where a writing failed. What it was about to journal is there up to some change.
    fn crashed(&mut self, about: Vec<(ChangeBody, Option<Plain>)>) {
        self.files = self.files.crash_image(self.seed);
        self.open();
        let before = self.known.journal.len();
        let durable = usize::try_from(self.store().last_sequence()).unwrap();
        assert!((before..=before + about.len()).contains(&durable));
        self.known
            .journal
            .extend(about.into_iter().take(durable - before));
        self.check();
    }

    pub(super) fn edit(&mut self, edits: &[Edit]) {
        let mut drafts = Vec::new();
        let mut about = Vec::new();
        for edit in edits {
            let person = edit.person();
            let plain = edit.after(self.known.cards[person].as_ref());
            self.known.cards[person].clone_from(&plain);
            let body = match &plain {
                Some(plain) => ChangeBody::Upsert(Box::new(plain.record(self.at, person))),
                None => ChangeBody::Remove,
            };
            about.push((body.clone(), plain));
            drafts.push(ChangeDraft {
                local_id: local_id(&format!("{}-{person}", self.at)),
                body,
                events: Vec::new(),
            });
        }
        if self.store().append(drafts).is_err() {
            self.crashed(about);
        } else {
            self.known.journal.extend(about);
        }
        let end = self.journal_end();
        if let Some(attached) = &mut self.attached {
            attached.journalled(end);
        }
    }

    pub(super) fn claim(&mut self) -> Option<Claim> {
        self.stream += 1;
        self.attached = None;
        self.outbox().claim()
    }

    /// The index's answer to an opening arrived.
    pub(super) fn attach(&mut self, standing: &Standing) -> Result<(), Stopped> {
        let Standing {
            epoch,
            began_ms: _,
            watermark,
            proof,
            last,
            backed_up,
            profile: _,
        } = *standing;
        let municipality = istat(code(self.at));
        let state = IndexState {
            municipality,
            epoch,
            watermark,
        };
        let attached = match Detached::new(municipality, self.journal_end()).attach(state) {
            Ok(attached) => attached,
            Err(AttachError::AheadOfJournal { .. }) => return Err(Stopped),
            Err(other) => panic!("{other}"),
        };
        if let Some(last) = last {
            let count = usize::try_from(last.last_sequence - last.first_sequence + 1).unwrap();
            let changes = self.store().changes_from(last.first_sequence, count).unwrap();
            if !last.is_of(municipality, epoch, changes) {
                return Err(Stopped);
            }
        }
        let entered = Entered {
            epoch,
            watermark,
            proof: Some(proof),
            backed_up,
        };
        if self.outbox().enter(entered).is_err() {
            self.crashed(Vec::new());
        } else {
            self.attached = Some(attached);
        }
        Ok(())
    }

    /// The next batch, when there is one to send.
    pub(super) fn next(&mut self, now_ms: u64) -> Option<Batch> {
        let first = self.attached.as_ref()?.next_sequence()?;
        let cutting = Cutting {
            municipality: istat(code(self.at)),
            limits: LIMITS,
            size: &size,
            sent_at_ms: i64::try_from(now_ms).unwrap(),
        };
        let (store, outbox) = (self.store.as_ref().unwrap(), self.outbox.as_mut().unwrap());
        let Ok(batch) = outbox.batch(store, first, &cutting) else {
            self.crashed(Vec::new());
            return None;
        };
        if let Some(attached) = &mut self.attached {
            attached.sent(&batch);
        }
        Some(batch)
    }

    /// An acknowledgement arrived on the stream that is open.
    pub(super) fn acknowledge(&mut self, acknowledged: &Acknowledged) -> Result<(), Stopped> {
        let Some(attached) = &mut self.attached else {
            return Ok(());
        };
        let Ok(watermark) = attached.acknowledge(acknowledged.watermark) else {
            return Err(Stopped);
        };
        let quiet = attached.in_flight() == 0 && attached.next_sequence().is_none();
        self.outbox()
            .acknowledged(watermark, Some(acknowledged.proof), acknowledged.backed_up);
        if quiet && self.outbox().save().is_err() {
            self.crashed(Vec::new());
        }
        Ok(())
    }

    pub(super) fn attached(&mut self) -> &mut Option<Attached> {
        &mut self.attached
    }

    pub(super) fn is_done(&mut self) -> bool {
        let end = self.journal_end();
        self.attached
            .as_ref()
            .is_some_and(|attached| attached.acknowledged() == Watermark(end))
    }

    /// Whether what the index holds is the beginning of what was journalled.
    pub(super) fn begins_with(&self, held: &[Change]) -> bool {
        let journalled = self.known.journal.iter().map(|(body, _)| body);
        held.len() <= self.known.journal.len()
            && held
                .iter()
                .map(|change| &change.body)
                .eq(journalled.take(held.len()))
    }

    /// What the office meant by a change, where it is still known.
    pub(super) fn plain_of(&self, change: &Change) -> Option<Plain> {
        let found = self.known.journal.iter().find(|(body, _)| *body == change.body);
        found.and_then(|(_, plain)| plain.clone())
    }

    /// Compares with the index as `ponte node reconcile` does, and journals what mends the differences: how many
    /// changes that took.
    pub(super) fn reconcile(&mut self, index: &Index) -> u64 {
        let state = index.settled().municipality(Index::municipality(self.at));
        let kept = state.map(|state| state.rejections).unwrap_or_default();
        let kept = kept.into_iter().map(|kept| KeptAside {
            sequence: kept.sequence,
            local_id: kept.local_id,
            code: kept.rule,
            field: String::new(),
            at_ms: i64::try_from(kept.at_ms).unwrap(),
        });
        self.store().keep_aside(kept.collect()).unwrap();
        let listed = index.own_cards(self.at);
        let every = (0..1024).filter_map(registry::digest::Bucket::new).collect();
        let found = self.store().differences(&every, &listed).unwrap();
        let state = index.settled().municipality(Index::municipality(self.at));
        let theirs = state.map(|state| state.digest).unwrap_or_default();
        let mine = self.store().served_digest().unwrap();
        assert_eq!(
            mine == theirs,
            found.is_empty(),
            "digests and cards tell the same"
        );
        let before = self.journal_end();
        let count = self.store().publish_again(&found).unwrap();
        let again = self.store().changes_from(before + 1, usize::MAX).unwrap();
        let known: Vec<_> = again
            .into_iter()
            .map(|change| (self.plain_of(&change), change.body))
            .collect();
        self.known
            .journal
            .extend(known.into_iter().map(|(plain, body)| (body, plain)));
        let end = self.journal_end();
        if let Some(attached) = &mut self.attached {
            attached.journalled(end);
        }
        count
    }
}
