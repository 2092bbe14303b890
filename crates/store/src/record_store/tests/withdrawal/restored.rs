//! An index that came back from before a withdrawal, with the key ring of today.

use registry::publication::Watermark;

use super::*;
use crate::publisher::Withdrawn;

/// What an index came back with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum With {
    /// The journal of before with the rows of then.
    Rows,
    /// The journal of before alone.
    Journal,
    /// Nothing at all.
    Nothing,
}

fn restored_from_before(with: With) -> World {
    let world = World::new(Kind::Sled);
    let store = world.open();
    tell(&world, &store);
    drop(store);
    let journal = world.journal.after_kill();
    let copy = World::new(Kind::Sled);
    copy_all(&world.engine_directory(), &copy.engine_directory());
    world.withdraw(&world.open(), IMOLA).unwrap();
    match with {
        With::Rows => world.on(journal).with_engine_of(&copy),
        With::Journal => world.on(journal).with_fresh_engine(Kind::Sled),
        With::Nothing => world.emptied(Kind::Memory),
    }
}

fn found(world: &World, store: &JournaledStore, card: &Record) -> usize {
    let told = world.person(store, Ask::person(), &who_has(code(card)));
    told.answer.cards.len()
}

fn each(test: impl Fn(With, &World)) {
    for with in [With::Rows, With::Journal, With::Nothing] {
        test(with, &restored_from_before(with));
    }
}

#[test]
fn it_knows_by_the_destroyed_key_who_left() {
    each(|with, world| {
        for _ in 0..2 {
            let (store, report) = world.try_open(NEVER).unwrap();
            assert!(!report.rebuilt, "{with:?}");
            let state = store.municipality(municipality(IMOLA)).unwrap();
            assert_eq!(
                (state.withdrawn, state.records, state.watermark),
                (Some(Withdrawn::KeyDestroyed), 0, Watermark(0)),
                "{with:?}"
            );
            let id = key_of(world, IMOLA);
            let rows = rows_of(&store);
            assert!(!rows.iter().any(|(_, value)| sealed_by(id, value)), "{with:?}");
            assert_eq!(found(world, &store, &nobody()), 0);
            assert_eq!(found(world, &store, &mario()), usize::from(with != With::Nothing));
            assert!(!store.municipalities().contains(&municipality(IMOLA)));
            let both = BTreeSet::from([IMOLA, DOZZA].map(municipality));
            assert!(!store.awaited(&both).contains(&municipality(IMOLA)));
            let next = batch(&store, IMOLA, 1, vec![("2", Some(anna()))]);
            assert!(matches!(
                wait(store.publish(next, NOW_MS)),
                Err(PublishError::Withdrawn)
            ));
            let again = wait(store.order(withdrawal(&store, IMOLA), NOW_MS)).unwrap();
            assert_eq!(again.first, None, "it is done");
        }
    });
}

/// The cards of others come again: what it sealed stays buried, and whom it protected stays protected.
#[test]
fn it_guards_whom_the_municipality_guarded() {
    each(|with, world| {
        let guarded = |store: &JournaledStore| {
            assert_eq!(found(world, store, &old()), 0, "{with:?}");
            assert_eq!(withheld(world, store, &anna()), [true], "{with:?}");
        };
        let store = world.open();
        if with != With::Nothing {
            guarded(&store);
        }
        for _ in 0..2 {
            world.publish_cards(
                &store,
                DOZZA,
                [
                    moved_to(DOZZA, "D-3", left(&old(), "2020-01-01")),
                    door(arrived(&mario(), "2022-05-01")),
                    door(moved_to(DOZZA, "D-2", arrived(&anna(), "2022-05-01"))),
                ],
            );
            guarded(&store);
            assert_eq!(
                withheld(world, &store, &mario()),
                [true],
                "{with:?}: who shares the dwelling"
            );
            world.publish_cards(&store, BOLOGNA, [moved_to(BOLOGNA, "B-3", old())]);
            guarded(&store);
        }
        drop(store);
        guarded(&world.open());
        guarded(&world.with_fresh_engine(Kind::Memory).open());
        guarded(&world.with_fresh_engine(Kind::Sled).open());
    });
}
