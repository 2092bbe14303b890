//! Node and index stay equal, whatever is agreed and in whatever order it happens.

use std::sync::Arc;

use proptest::prelude::*;
use registry::change::ChangeBody;
use registry::publication::Batch;

use super::*;
use crate::files::faulty::FaultyFiles;
use crate::keys::encryption_key::KeyEncryptionKey;
use crate::keys::ring::KeyRing;
use crate::municipal::{ChangeDraft, MirrorEngine, MunicipalStore};
use crate::test_support::CountingEntropy;

/// What a municipality's node and the index do.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The node journals this card.
    Journal(u8),
    /// The node withdraws it.
    Withdraw(u8),
    /// Agreements open these groups.
    Agree(GroupSet),
    /// The node hears of it, and sends what it has.
    Publish,
    /// A registrar confirms what waits.
    Confirm,
    /// The index starts again, over nothing or over what it has.
    Restart(Kind),
}

fn any_step() -> impl Strategy<Value = Step> {
    let groups = (0..=GroupSet::ALL.bits()).prop_filter_map("a profile", GroupSet::from_bits);
    prop_oneof![
        6 => (0u8..8).prop_map(Step::Journal),
        1 => (0u8..8).prop_map(Step::Withdraw),
        3 => groups.prop_map(Step::Agree),
        5 => Just(Step::Publish),
        1 => Just(Step::Confirm),
        1 => Just(Step::Restart(Kind::Memory)),
    ]
}

fn any_card(like: u8) -> Record {
    match like {
        0 => full(mario()),
        1 => abroad(full(mario())),
        2 => protected(abroad(full(mario()))),
        3 => mario(),
        4 => full(anna()),
        5 => protected(full(anna())),
        6 => abroad(anna()),
        _ => full(giulia()),
    }
}

fn node() -> MunicipalStore {
    let key = KeyEncryptionKey::from_bytes(&[5; 32]);
    let entropy = Arc::new(CountingEntropy::default());
    let ring = KeyRing::open(Arc::new(FaultyFiles::default()), key, entropy).unwrap();
    let files = Arc::new(FaultyFiles::default());
    MunicipalStore::open(files, &ring, SEGMENTS, MirrorEngine::Memory, municipality(IMOLA)).unwrap()
}

fn draft(card: Record) -> ChangeDraft {
    ChangeDraft {
        local_id: card.local_id.clone(),
        body: ChangeBody::Upsert(Box::new(card)),
        events: Vec::new(),
    }
}

/// The node opens a stream, hears what is agreed, and sends what the index does not have.
fn send(store: &JournaledStore, node: &mut MunicipalStore) {
    let id = municipality(IMOLA);
    node.adopt_profile(store.profile(id).unwrap()).unwrap();
    let first = store.municipality(id).unwrap().watermark.0 + 1;
    let changes = node.changes_from(first, 1_000).unwrap();
    if changes.is_empty() {
        return;
    }
    let now_ms = i64::try_from(NOW_MS).unwrap();
    let batch = Batch::new(istat(IMOLA), store.epoch(id), first, changes, now_ms).unwrap();
    wait(store.publish(verified(batch), NOW_MS)).unwrap();
    settled(store, IMOLA);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn node_and_index_stay_equal_and_a_replay_gives_the_same_rows_whatever_is_agreed(
        first in (0..=GroupSet::ALL.bits()).prop_filter_map("a profile", GroupSet::from_bits),
        steps in proptest::collection::vec(any_step(), 1..24),
    ) {
        let mut world = World::new(Kind::Memory);
        let mut store = world.open();
        let mut node = node();
        publish(&store, first);
        for step in steps.into_iter().chain([Step::Publish]) {
            match step {
                Step::Journal(like) => node.append(vec![draft(any_card(like))]).unwrap(),
                Step::Withdraw(like) => {
                    let local_id = any_card(like).local_id;
                    if node.card(&local_id).unwrap().is_some() {
                        let body = ChangeBody::Remove;
                        node.append(vec![ChangeDraft { local_id, body, events: Vec::new() }]).unwrap();
                    }
                }
                Step::Agree(groups) => {
                    publish(&store, groups);
                    prop_assert!(held(&store).is_subset(groups), "in no version");
                }
                Step::Publish => {
                    send(&store, &mut node);
                    let state = store.municipality(municipality(IMOLA)).unwrap();
                    prop_assert_eq!(state.digest.root(), node.digest().root());
                    prop_assert_eq!(state.records, node.cards());
                    let groups = store.profile(municipality(IMOLA)).unwrap().groups();
                    prop_assert!(held(&store).is_subset(groups), "in no version");
                }
                Step::Confirm => world.confirm(&store, IMOLA),
                Step::Restart(kind) => {
                    let rows = rows_of(&store);
                    drop(store);
                    world = world.with_fresh_engine(kind);
                    store = world.open();
                    prop_assert!(rows_of(&store) == rows);
                }
            }
        }
        let rows = rows_of(&store);
        drop(store);
        prop_assert!(rows_of(&world.with_fresh_engine(Kind::Memory).open()) == rows);
    }
}
