//! When the volume of the journal refuses: nothing is acknowledged, and what was written is told from what was not.

use registry::publication::Watermark;

use crate::files::faulty::Fault;
use crate::publisher::{PublishError, WriterFailure};
use crate::record_store::{JournaledStore, RecordStore};
use crate::test_support::people::{
    DOZZA, IMOLA, anna, arrived, code, giulia, local_id, luca, mario, municipality, with,
};
use crate::test_support::permits::Ask;
use crate::test_support::world::{Kind, NEVER, World, wait, who_has};

/// Publishes cards until one is refused; tells the last that was acknowledged.
fn publish_until_refused(world: &World, store: &JournaledStore) -> Watermark {
    let mut last = store.municipality(municipality(IMOLA)).unwrap().watermark;
    for turn in 0..200 {
        let ids: Vec<String> = (0..20).map(|number| format!("n{turn}-{number}")).collect();
        let card = |id: &String| with(giulia(), |card| card.local_id = local_id(id));
        let cards: Vec<_> = ids.iter().map(card).collect();
        let changes = ids
            .iter()
            .map(String::as_str)
            .zip(cards.into_iter().map(Some))
            .collect();
        match world.publish(store, IMOLA, changes) {
            Ok(acknowledged) => last = acknowledged.watermark,
            Err(error) => {
                assert!(matches!(error, PublishError::Stopped));
                return last;
            }
        }
    }
    panic!("four thousand cards fit into a full volume");
}

#[test]
fn a_full_volume_refuses_batches_serves_readers_and_resumes_by_itself() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    world.publish_cards(&store, IMOLA, [mario()]);
    world.journal.inject(Fault::FullFrom(world.journal.writes()));
    let last = publish_until_refused(&world, &store);
    assert!(store.failure().borrow().is_none());
    assert_eq!(store.municipality(municipality(IMOLA)).unwrap().watermark, last);
    let served = world.person(&store, Ask::person(), &who_has(code(&mario())));
    assert_eq!(served.answer.cards.len(), 1);
    world.journal.make_room();
    world.publish_cards(&store, IMOLA, [anna()]);
    assert_eq!(
        store.municipality(municipality(IMOLA)).unwrap().watermark,
        Watermark(last.0 + 1)
    );
    drop(store);
    let store = world.open();
    assert_eq!(
        store.municipality(municipality(IMOLA)).unwrap().watermark,
        Watermark(last.0 + 1)
    );
}

#[test]
fn a_failing_write_or_sync_stops_the_writer_and_loses_nothing_acknowledged() {
    type Script = fn(u64, u64) -> Fault;
    let scripts: [(Script, bool); 5] = [
        (|writes, _| Fault::WriteLost(writes), false),
        (|writes, _| Fault::WriteShort(writes, 100), false),
        (|writes, _| Fault::WritePersisted(writes), true),
        (|_, syncs| Fault::SyncLost(syncs), true),
        (|_, syncs| Fault::SyncPersisted(syncs), true),
    ];
    for (script, may_be_there) in scripts {
        let world = World::new(Kind::Memory);
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario()]);
        world
            .journal
            .inject(script(world.journal.writes(), world.journal.syncs()));
        let failed = world.publish(&store, IMOLA, vec![("2", Some(anna()))]);
        assert!(matches!(failed, Err(PublishError::Stopped)));
        let mut failure = store.failure();
        wait(failure.wait_for(Option::is_some)).unwrap();
        let cause = failure.borrow().clone().unwrap();
        assert!(matches!(*cause, WriterFailure::Journal(_)));
        let refused = world.publish(&store, IMOLA, vec![("3", Some(luca()))]);
        assert!(matches!(refused, Err(PublishError::Stopped)));
        let served = world.person(&store, Ask::person(), &who_has(code(&mario())));
        assert_eq!(served.answer.cards.len(), 1);
        drop(store);
        let after = world.on(world.journal.after_kill());
        let (store, _) = after.try_open(NEVER).unwrap();
        let watermark = store.municipality(municipality(IMOLA)).unwrap().watermark;
        assert!(watermark == Watermark(1) || may_be_there && watermark == Watermark(2));
    }
}

#[test]
fn a_full_volume_under_the_keys_refuses_only_who_needs_a_new_key() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    world.publish_cards(&store, IMOLA, [mario()]);
    world.keys.inject(Fault::FullFrom(world.keys.writes()));
    let dozza = arrived(&anna(), "2022-05-01");
    let refused = world.publish(&store, DOZZA, vec![("D-7", Some(dozza.clone()))]);
    assert!(matches!(refused, Err(PublishError::Stopped)));
    world.publish_cards(&store, IMOLA, [anna()]);
    world.keys.make_room();
    world.publish_cards(&store, DOZZA, [dozza]);
}

#[test]
fn after_closing_nothing_is_taken() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    world.publish_cards(&store, IMOLA, [mario()]);
    store.close();
    let refused = world.publish(&store, IMOLA, vec![("2", Some(anna()))]);
    assert!(matches!(refused, Err(PublishError::Stopped)));
    assert!(store.failure().borrow().is_none());
}
