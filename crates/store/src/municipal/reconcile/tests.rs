use std::sync::Arc;

use registry::record::Record;

use super::*;
use crate::files::faulty::FaultyFiles;
use crate::keys::encryption_key::KeyEncryptionKey;
use crate::keys::ring::KeyRing;
use crate::municipal::MirrorEngine;
use crate::segment::Settings;
use crate::segment::preparation::Preparation;
use crate::test_support::CountingEntropy;
use crate::test_support::people::{IMOLA, anna, lives_in, local_id, luca, mario, municipality};

fn open(files: &FaultyFiles) -> MunicipalStore {
    let files = Arc::new(files.clone());
    let key = KeyEncryptionKey::from_bytes(&[5; 32]);
    let ring = KeyRing::open(files.clone(), key, Arc::new(CountingEntropy::default())).unwrap();
    let settings = Settings {
        segment_bytes: 64 << 10,
        preparation: Preparation::Inline,
    };
    MunicipalStore::open(files, &ring, settings, MirrorEngine::Memory, municipality(IMOLA)).unwrap()
}

fn upsert(card: Record) -> ChangeDraft {
    ChangeDraft {
        local_id: card.local_id.clone(),
        body: ChangeBody::Upsert(Box::new(card)),
        events: Vec::new(),
    }
}

fn remove(number: &str) -> ChangeDraft {
    ChangeDraft {
        local_id: local_id(number),
        body: ChangeBody::Remove,
        events: Vec::new(),
    }
}

fn aside(sequence: u64, number: &str) -> KeptAside {
    KeptAside {
        sequence,
        local_id: local_id(number),
        code: "ES008".to_owned(),
        field: String::new(),
        at_ms: 0,
    }
}

fn moved(card: Record, street: &str) -> Record {
    lives_in(card, street, "2020-01-01")
}

fn listed(cards: &[Record]) -> BTreeMap<LocalId, CardDigest> {
    let digest = |card: &Record| CardDigest::of(&card.local_id, &canonical::encode(card));
    cards
        .iter()
        .map(|card| (card.local_id.clone(), digest(card)))
        .collect()
}

fn digest_of(cards: &[Record]) -> SetDigest {
    let mut digest = SetDigest::new();
    for card in cards {
        digest.add(&card.local_id, &canonical::encode(card));
    }
    digest
}

fn every_bucket() -> BTreeSet<Bucket> {
    (0..1024).filter_map(Bucket::new).collect()
}

#[test]
fn the_index_serves_the_version_before_one_that_it_keeps_aside() {
    let files = FaultyFiles::default();
    let mut store = open(&files);
    store
        .append(vec![
            upsert(mario()),
            upsert(anna()),
            upsert(moved(mario(), "Emilia")),
            upsert(luca()),
            remove("2"),
            upsert(anna()),
        ])
        .unwrap();
    assert_eq!(&store.served_digest().unwrap(), store.digest());
    // Mario's second version, Luca's only one and Anna after her removal.
    store
        .keep_aside(vec![aside(3, "1"), aside(4, "3"), aside(6, "2")])
        .unwrap();
    assert_eq!(store.served_digest().unwrap(), digest_of(&[mario()]));
    drop(store);
    let mut store = open(&files);
    assert_eq!(store.kept_aside().len(), 3);
    assert_eq!(store.served_digest().unwrap(), digest_of(&[mario()]));
    // A later version that is served stands for itself, and one more that is kept aside is behind it.
    let third = moved(mario(), "Appia");
    store.append(vec![upsert(third.clone())]).unwrap();
    assert_eq!(
        store.served_digest().unwrap(),
        digest_of(std::slice::from_ref(&third))
    );
    store.append(vec![upsert(moved(mario(), "Aurelia"))]).unwrap();
    store
        .keep_aside(vec![aside(3, "1"), aside(4, "3"), aside(6, "2"), aside(8, "1")])
        .unwrap();
    assert_eq!(store.served_digest().unwrap(), digest_of(&[third]));
    // What is no longer kept aside is served.
    store.keep_aside(Vec::new()).unwrap();
    assert_eq!(&store.served_digest().unwrap(), store.digest());
}

/// The journal of a restored node has changes that the index never saw under their numbers.
#[test]
fn a_version_that_is_kept_aside_was_never_held_before() {
    let mut store = open(&FaultyFiles::default());
    let spoiled = moved(mario(), "Emilia");
    store
        .append(vec![
            upsert(mario()),
            upsert(spoiled.clone()),
            upsert(spoiled.clone()),
            upsert(luca()),
        ])
        .unwrap();
    store.keep_aside(vec![aside(3, "1")]).unwrap();
    assert_eq!(store.served_digest().unwrap(), digest_of(&[mario(), luca()]));
    // Sent again later, when it is served, it stands for itself.
    store.append(vec![upsert(spoiled.clone())]).unwrap();
    assert_eq!(store.served_digest().unwrap(), digest_of(&[spoiled, luca()]));
}

#[test]
fn a_damaged_list_of_changes_kept_aside_is_refused() {
    let files = FaultyFiles::default();
    open(&files).keep_aside(vec![aside(1, "1")]).unwrap();
    let name = "kept-aside.sealed";
    let mut bytes = files.content(name).unwrap();
    assert!(!bytes.windows(5).any(|window| window == b"ES008"));
    bytes[20] ^= 1;
    files.set_content(name, bytes);
    let key = KeyEncryptionKey::from_bytes(&[5; 32]);
    let files = Arc::new(files);
    let ring = KeyRing::open(files.clone(), key, Arc::new(CountingEntropy::default())).unwrap();
    let settings = Settings {
        segment_bytes: 64 << 10,
        preparation: Preparation::Inline,
    };
    let opened = MunicipalStore::open(files, &ring, settings, MirrorEngine::Memory, municipality(IMOLA));
    assert!(matches!(opened, Err(MunicipalError::AsideDamaged)));
}

#[test]
fn each_difference_is_found_and_mended() {
    let files = FaultyFiles::default();
    let mut store = open(&files);
    store
        .append(vec![upsert(mario()), upsert(anna()), upsert(luca())])
        .unwrap();
    let same = listed(&[mario(), anna(), luca()]);
    assert_eq!(store.differences(&every_bucket(), &same).unwrap(), []);
    let stranger = {
        let mut card = luca();
        card.local_id = local_id("77");
        card
    };
    let theirs = listed(&[moved(mario(), "Emilia"), luca(), stranger]);
    let difference = |number: &str, kind| Difference {
        local_id: local_id(number),
        kind,
    };
    let found = store.differences(&every_bucket(), &theirs).unwrap();
    assert_eq!(
        found,
        [
            difference("1", DifferenceKind::Other),
            difference("2", DifferenceKind::OnlyHere),
            difference("77", DifferenceKind::OnlyAtIndex),
        ]
    );
    // Only the buckets asked for are compared.
    let bucket = BTreeSet::from([Bucket::of(&local_id("2"))]);
    assert_eq!(
        store.differences(&bucket, &BTreeMap::new()).unwrap(),
        [difference("2", DifferenceKind::OnlyHere)]
    );
    let before = store.digest().clone();
    assert_eq!(store.publish_again(&found).unwrap(), 3);
    assert_eq!((store.last_sequence(), store.digest()), (6, &before));
    let bodies: Vec<_> = store
        .changes_from(4, 9)
        .unwrap()
        .into_iter()
        .map(|change| match change.body {
            ChangeBody::Upsert(card) => (change.local_id, Some(*card)),
            ChangeBody::Remove => (change.local_id, None),
        })
        .collect();
    assert_eq!(
        bodies,
        [
            (local_id("1"), Some(mario())),
            (local_id("2"), Some(anna())),
            (local_id("77"), None)
        ]
    );
}

#[test]
fn a_card_kept_aside_is_compared_by_the_version_before_and_published_again_in_both() {
    let files = FaultyFiles::default();
    let mut store = open(&files);
    store
        .append(vec![
            upsert(mario()),
            upsert(moved(mario(), "Emilia")),
            upsert(luca()),
        ])
        .unwrap();
    store.keep_aside(vec![aside(2, "1"), aside(3, "3")]).unwrap();
    assert_eq!(
        store.differences(&every_bucket(), &listed(&[mario()])).unwrap(),
        []
    );
    let theirs = listed(&[moved(mario(), "Emilia"), luca()]);
    let found = store.differences(&every_bucket(), &theirs).unwrap();
    assert!(
        found
            .iter()
            .all(|difference| difference.kind == DifferenceKind::KeptAside)
    );
    let before = store.digest().clone();
    assert_eq!((found.len(), store.publish_again(&found).unwrap()), (2, 4));
    let again: Vec<_> = store
        .changes_from(4, 9)
        .unwrap()
        .into_iter()
        .map(|change| change.body)
        .collect();
    let card = |card: Record| ChangeBody::Upsert(Box::new(card));
    assert_eq!(
        again,
        [
            card(mario()),
            card(moved(mario(), "Emilia")),
            ChangeBody::Remove,
            card(luca())
        ]
    );
    assert_eq!(store.digest(), &before);
}
