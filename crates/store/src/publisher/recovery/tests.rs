//! An engine whose rows were changed behind the journal's back is never served.

use std::sync::Mutex;

use registry::linking::RegionKey;

use super::*;
use crate::kv::KeyValue;
use crate::kv::memory::Memory;
use crate::rows::{CURRENT_PREFIX, current_key};
use crate::test_support::people::{IMOLA, anna, lives_in, local_id, mario, municipality};
use crate::test_support::world::{Kind, SEGMENTS, World};

/// A synced journal, and an engine that holds what it says.
struct Bench {
    world: World,
    keys: Arc<KeyRing>,
    engine: Arc<Memory>,
}

fn linker() -> Linker {
    Linker::new(RegionKey::new(&[1; 32]))
}

impl Bench {
    fn new() -> Self {
        let world = World::new(Kind::Memory);
        let store = world.open();
        world.publish_cards(&store, IMOLA, &[mario(), anna()]);
        world.publish_cards(&store, IMOLA, &[lives_in(mario(), "Emilia", "2020-01-01")]);
        drop(store);
        let bench = Self {
            keys: world.ring(),
            world,
            engine: Arc::default(),
        };
        let recovered = bench.recover().unwrap();
        recovered.projection.sync(recovered.journal.last()).unwrap();
        bench
    }

    fn recover(&self) -> Result<Recovered, RecoveryError> {
        let projection = Projection::new(Arc::<Memory>::clone(&self.engine), Arc::clone(&self.keys)).unwrap();
        let files = Arc::new(self.world.journal.clone());
        recover(files, &self.keys, SEGMENTS, Epoch([0; 16]), projection, linker())
    }

    fn key_of(&self, number: &str) -> Vec<u8> {
        current_key(linker().record_id(municipality(IMOLA), &local_id(number)))
    }
}

/// Changes the engine and opens it again.
#[track_caller]
fn check(change: impl FnOnce(&Bench, &dyn KeyValue), expect: impl FnOnce(&Stale) -> bool) {
    let bench = Bench::new();
    assert_eq!(bench.recover().unwrap().replayed, 0);
    change(&bench, bench.engine.as_ref());
    match bench.recover().map(|_| ()) {
        Err(RecoveryError::Stale(stale)) => assert!(expect(&stale), "{stale:?}"),
        other => panic!("the engine is served: {other:?}"),
    }
}

#[test]
fn a_card_that_is_gone_is_missed() {
    check(
        |bench, engine| engine.remove(&bench.key_of("2")).unwrap(),
        |stale| matches!(stale, Stale::Digest),
    );
}

#[test]
fn a_card_gone_back_to_its_former_version_is_missed() {
    let roll_back = |bench: &Bench, engine: &dyn KeyValue| {
        let fresh = Bench::new();
        let before = Mutex::new(None);
        let recovered = fresh.recover().unwrap();
        recovered
            .projection
            .every_newest(&mut |card| {
                let older = recovered.projection.card_at(card.id, CommitSequence(2))?;
                if older.is_some_and(|older| older.sequence < card.sequence) {
                    *before.lock().unwrap() = Some(card.id);
                }
                Ok(())
            })
            .unwrap();
        assert!(before.lock().unwrap().is_some(), "a card has a former version");
        // The first sync is simulated by an engine that holds the first batch only, under the mark of the last.
        let projection = Projection::new(Arc::new(Memory::default()), Arc::clone(&bench.keys)).unwrap();
        projection
            .apply(&crate::projection::AppliedChange {
                sequence: CommitSequence(1),
                recorded_ms: crate::test_support::world::NOW_MS,
                municipality: municipality(IMOLA),
                record: linker().record_id(municipality(IMOLA), &local_id("1")),
                person: registry::identifier::PersonId(
                    linker().record_id(municipality(IMOLA), &local_id("1")).0,
                ),
                card: Some(&mario()),
            })
            .unwrap();
        let mut row = None;
        projection
            .every_row(&mut |key, value| {
                if key.starts_with(CURRENT_PREFIX) {
                    row = Some((key.to_vec(), value.to_vec()));
                }
            })
            .unwrap();
        let (key, value) = row.unwrap();
        engine.insert(&key, &value).unwrap();
    };
    check(roll_back, |stale| matches!(stale, Stale::Digest));
}

#[test]
fn an_altered_row_does_not_open() {
    let alter = |bench: &Bench, engine: &dyn KeyValue| {
        let key = bench.key_of("2");
        let mut value = engine.get(&key).unwrap().unwrap();
        let middle = value.len() / 2;
        value[middle] ^= 1;
        engine.insert(&key, &value).unwrap();
    };
    check(alter, |stale| matches!(stale, Stale::Row(RowError::Seal)));
}

#[test]
fn a_row_under_another_key_does_not_open() {
    let swap = |bench: &Bench, engine: &dyn KeyValue| {
        let value = engine.get(&bench.key_of("1")).unwrap().unwrap();
        engine.insert(&bench.key_of("2"), &value).unwrap();
    };
    check(swap, |stale| matches!(stale, Stale::Row(RowError::Seal)));
}

#[test]
fn a_row_or_mark_of_a_later_format_is_not_guessed_at() {
    let later = |bench: &Bench, engine: &dyn KeyValue| {
        let mut value = engine.get(&bench.key_of("2")).unwrap().unwrap();
        value[0] = 2;
        engine.insert(&bench.key_of("2"), &value).unwrap();
    };
    check(later, |stale| matches!(stale, Stale::Row(RowError::Format)));
    let mark = |_: &Bench, engine: &dyn KeyValue| engine.insert(crate::rows::APPLIED_KEY, &[2; 9]).unwrap();
    check(mark, |stale| matches!(stale, Stale::Row(RowError::Format)));
}

#[test]
fn rows_or_a_mark_ahead_of_the_journal_are_noticed() {
    let mark = |_: &Bench, engine: &dyn KeyValue| {
        engine
            .insert(crate::rows::APPLIED_KEY, &crate::rows::encode_number(4))
            .unwrap();
    };
    check(mark, |stale| matches!(stale, Stale::Ahead));
    let row = |bench: &Bench, _: &dyn KeyValue| {
        let projection =
            Projection::new(Arc::<Memory>::clone(&bench.engine), Arc::clone(&bench.keys)).unwrap();
        let record = linker().record_id(municipality(IMOLA), &local_id("9"));
        projection
            .apply(&crate::projection::AppliedChange {
                sequence: CommitSequence(4),
                recorded_ms: 0,
                municipality: municipality(IMOLA),
                record,
                person: registry::identifier::PersonId(record.0),
                card: None,
            })
            .unwrap();
    };
    check(row, |stale| matches!(stale, Stale::Ahead));
}
