use registry::canonical;
use registry::change::ChangeBody;
use registry::record::Record;

use super::*;
use crate::files::faulty::FaultyFiles;
use crate::keys::encryption_key::KeyEncryptionKey;
use crate::keys::ring::KeyRing;
use crate::municipal::{ChangeDraft, MirrorEngine};
use crate::segment::Settings;
use crate::segment::preparation::Preparation;
use crate::test_support::CountingEntropy;
use crate::test_support::people::{IMOLA, istat, local_id, mario, municipality, with};

const LIMITS: BatchLimits = BatchLimits {
    max_changes: 10,
    max_bytes: 100_000,
};

fn entered(epoch: u8, watermark: u64) -> Entered {
    Entered {
        epoch: Epoch([epoch; 16]),
        watermark: Watermark(watermark),
        proof: Some(AcknowledgementProof::from_bytes([epoch; 40])),
        backed_up: Watermark(0),
    }
}

fn size(change: &Change) -> usize {
    match &change.body {
        ChangeBody::Upsert(card) => canonical::encode(card).len(),
        ChangeBody::Remove => 0,
    }
}

fn open_store(files: &Arc<FaultyFiles>) -> MunicipalStore {
    let key = KeyEncryptionKey::from_bytes(&[5; 32]);
    let ring = KeyRing::open(files.clone(), key, Arc::new(CountingEntropy::default())).unwrap();
    let settings = Settings {
        segment_bytes: 64 << 10,
        preparation: Preparation::Inline,
    };
    MunicipalStore::open(
        files.clone(),
        &ring,
        settings,
        MirrorEngine::Memory,
        municipality(IMOLA),
    )
    .unwrap()
}

fn card(number: u64) -> Record {
    with(mario(), |card| card.local_id = local_id(&format!("S{number:05}")))
}

/// Journals cards until there are so many changes.
fn grow(store: &mut MunicipalStore, until: u64) {
    let drafts = (store.last_sequence() + 1..=until).map(|number| {
        let card = card(number);
        ChangeDraft {
            local_id: card.local_id.clone(),
            body: ChangeBody::Upsert(Box::new(card)),
            events: Vec::new(),
        }
    });
    store.append(drafts.collect()).unwrap();
}

fn batch(outbox: &mut Outbox, store: &MunicipalStore, first: u64, limits: BatchLimits) -> Batch {
    let cutting = Cutting {
        municipality: istat(IMOLA),
        limits,
        size: &size,
        sent_at_ms: 0,
    };
    outbox.batch(store, first, &cutting).unwrap()
}

#[test]
fn a_batch_is_cut_once_even_when_the_journal_grows_and_the_node_starts_again() {
    let files = Arc::new(FaultyFiles::default());
    let mut store = open_store(&files);
    grow(&mut store, 13);
    let mut outbox = Outbox::open(files.clone()).unwrap();
    outbox.enter(entered(1, 0)).unwrap();
    let (whole, rest) = (
        batch(&mut outbox, &store, 1, LIMITS),
        batch(&mut outbox, &store, 11, LIMITS),
    );
    assert_eq!((whole.last_sequence(), rest.last_sequence()), (10, 13));

    grow(&mut store, 20);
    let mut outbox = Outbox::open(Arc::new(files.after_kill())).unwrap();
    let other = BatchLimits {
        max_changes: 4,
        ..LIMITS
    };
    assert_eq!(outbox.epoch(), Some(Epoch([1; 16])));
    assert_eq!(
        batch(&mut outbox, &store, 1, other).content_id(),
        whole.content_id()
    );
    assert_eq!(
        batch(&mut outbox, &store, 11, other).content_id(),
        rest.content_id()
    );
    assert_eq!(batch(&mut outbox, &store, 14, other).last_sequence(), 17);
}

#[test]
fn in_another_epoch_batches_are_cut_anew() {
    let files = Arc::new(FaultyFiles::default());
    let mut store = open_store(&files);
    grow(&mut store, 8);
    let mut outbox = Outbox::open(files).unwrap();
    outbox.enter(entered(1, 0)).unwrap();
    assert_eq!(batch(&mut outbox, &store, 1, LIMITS).last_sequence(), 8);
    grow(&mut store, 10);
    outbox.enter(entered(2, 0)).unwrap();
    assert_eq!(batch(&mut outbox, &store, 1, LIMITS).last_sequence(), 10);
}

#[test]
fn a_batch_keeps_within_its_bytes_and_holds_at_least_one_change() {
    let files = Arc::new(FaultyFiles::default());
    let mut store = open_store(&files);
    grow(&mut store, 60);
    let mut outbox = Outbox::open(files).unwrap();
    outbox.enter(entered(1, 0)).unwrap();
    let limits = BatchLimits {
        max_changes: 1_000,
        max_bytes: 3_000,
    };
    let cut = batch(&mut outbox, &store, 1, limits);
    assert!(1 < cut.changes().len() && cut.changes().len() < 60);
    assert!(cut.changes().iter().map(size).sum::<usize>() <= 3_000);
    outbox.enter(entered(2, 0)).unwrap();
    let tiny = BatchLimits {
        max_changes: 1_000,
        max_bytes: 1,
    };
    assert_eq!(batch(&mut outbox, &store, 1, tiny).changes().len(), 1);
}

#[test]
fn the_newest_acknowledgement_is_kept_with_its_proof_and_shown_again() {
    let files = Arc::new(FaultyFiles::default());
    let mut outbox = Outbox::open(files.clone()).unwrap();
    assert_eq!((outbox.claim(), outbox.epoch()), (None, None));
    outbox.enter(entered(1, 4)).unwrap();
    let proof = |byte| Some(AcknowledgementProof::from_bytes([byte; 40]));
    outbox.acknowledged(Watermark(9), proof(9), Watermark(5));
    // One that comes late changes nothing.
    outbox.acknowledged(Watermark(7), proof(7), Watermark(0));
    assert!(outbox.is_behind());
    outbox.save().unwrap();
    assert!(!outbox.is_behind());
    let outbox = Outbox::open(Arc::new(files.after_kill())).unwrap();
    let claim = outbox.claim().unwrap();
    assert_eq!(
        (claim.epoch, claim.watermark, Some(claim.proof)),
        (Epoch([1; 16]), Watermark(9), proof(9))
    );
    assert_eq!(outbox.backed_up, Watermark(5));
}

#[test]
fn another_epoch_is_on_the_device_before_anything_is_sent_under_it() {
    let files = Arc::new(FaultyFiles::default());
    let mut outbox = Outbox::open(files.clone()).unwrap();
    outbox.enter(entered(1, 4)).unwrap();
    outbox.enter(entered(2, 3)).unwrap();
    for seed in 0..20 {
        let claim = Outbox::open(Arc::new(files.crash_image(seed)))
            .unwrap()
            .claim()
            .unwrap();
        assert_eq!((claim.epoch, claim.watermark), (Epoch([2; 16]), Watermark(3)));
    }
}

#[test]
fn notes_of_version_1_still_read() {
    let files = FaultyFiles::default();
    let notes = br#"{"version":1,"epoch":"01010101010101010101010101010101","cuts":[10,13]}"#;
    files.set_content(FILE, notes.to_vec());
    let outbox = Outbox::open(Arc::new(files)).unwrap();
    assert_eq!((outbox.epoch(), outbox.claim()), (Some(Epoch([1; 16])), None));
    assert_eq!(outbox.cut_after(11), Some(13));
}

#[test]
fn damaged_notes_are_refused() {
    for content in [
        "",
        "{}",
        "{\"version\":3,\"epoch\":null,\"cuts\":[]}",
        "{\"version\":1,\"epoch\":\"zz\",\"cuts\":[]}",
        "{\"version\":2,\"epoch\":null,\"acknowledged\":1,\"proof\":\"00\",\"backed_up\":0,\"cuts\":[]}",
    ] {
        let files = FaultyFiles::default();
        files.set_content(FILE, content.as_bytes().to_vec());
        assert!(
            matches!(Outbox::open(Arc::new(files)), Err(OutboxError::Damaged)),
            "{content:?}"
        );
    }
}
