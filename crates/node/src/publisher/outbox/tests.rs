use crate::fixture::{imola, import_text, no_files, open_store, residents};

use super::*;

const EPOCH: Epoch = Epoch([1; 16]);

const LIMITS: BatchLimits = BatchLimits {
    max_changes: 10,
    max_bytes: 100_000,
};

fn batch(outbox: &mut Outbox, store: &MunicipalStore, first: u64, limits: BatchLimits) -> Batch {
    outbox.batch(store, imola(), EPOCH, first, limits, 0).unwrap()
}

#[test]
fn a_batch_is_cut_once_even_when_the_journal_grows_and_the_node_starts_again() {
    let files = no_files();
    let mut store = open_store(&files);
    import_text(&mut store, &residents(13));
    let mut outbox = Outbox::open(files.clone()).unwrap();
    outbox.enter(EPOCH).unwrap();
    let (whole, rest) = (
        batch(&mut outbox, &store, 1, LIMITS),
        batch(&mut outbox, &store, 11, LIMITS),
    );
    assert_eq!((whole.last_sequence(), rest.last_sequence()), (10, 13));

    import_text(&mut store, &residents(20));
    let mut outbox = Outbox::open(Arc::new(files.after_kill())).unwrap();
    let other = BatchLimits {
        max_changes: 4,
        ..LIMITS
    };
    assert_eq!(outbox.epoch(), Some(EPOCH));
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
    let files = no_files();
    let mut store = open_store(&files);
    import_text(&mut store, &residents(8));
    let mut outbox = Outbox::open(files).unwrap();
    outbox.enter(EPOCH).unwrap();
    assert_eq!(batch(&mut outbox, &store, 1, LIMITS).last_sequence(), 8);
    import_text(&mut store, &residents(10));
    outbox.enter(Epoch([2; 16])).unwrap();
    assert_eq!(batch(&mut outbox, &store, 1, LIMITS).last_sequence(), 10);
}

#[test]
fn a_batch_keeps_within_its_bytes_and_holds_at_least_one_change() {
    let files = no_files();
    let mut store = open_store(&files);
    import_text(&mut store, &residents(60));
    let mut outbox = Outbox::open(files).unwrap();
    let limits = BatchLimits {
        max_changes: 1_000,
        max_bytes: 3_000,
    };
    let cut = batch(&mut outbox, &store, 1, limits);
    assert!(1 < cut.changes().len() && cut.changes().len() < 60);
    assert!(proto::Batch::from(&cut).encoded_len() <= 3_000);
    let tiny = BatchLimits {
        max_changes: 1_000,
        max_bytes: 1,
    };
    outbox.enter(EPOCH).unwrap();
    assert_eq!(batch(&mut outbox, &store, 1, tiny).changes().len(), 1);
}

#[test]
fn damaged_notes_are_refused() {
    for content in [
        "",
        "{}",
        "{\"version\":2,\"epoch\":null,\"cuts\":[]}",
        "{\"version\":1,\"epoch\":\"zz\",\"cuts\":[]}",
    ] {
        let files = no_files();
        files.set_content(FILE, content.as_bytes().to_vec());
        assert!(
            matches!(Outbox::open(files), Err(OutboxError::Damaged)),
            "{content:?}"
        );
    }
}
