//! An engine whose rows were changed behind the journal's back is never served.

use registry::identifier::PersonId;
use registry::linking::RegionKey;
use registry::record::Record;

use super::*;
use crate::kv::KeyValue;
use crate::kv::memory::Memory;
use crate::projection::AppliedChange;
use crate::rows::{APPLIED_KEY, current_key, encode_number};
use crate::test_support::people::{IMOLA, anna, lives_in, local_id, mario, municipality};
use crate::test_support::world::{Kind, NOW_MS, SEGMENTS, World};

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
        world.publish_cards(&store, IMOLA, [mario(), anna()]);
        world.publish_cards(&store, IMOLA, [lives_in(mario(), "Emilia", "2020-01-01")]);
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
        let limits = DailyLimits::default();
        recover(
            files,
            &self.keys,
            SEGMENTS,
            Epoch([0; 16]),
            projection,
            linker(),
            limits,
        )
    }

    /// Writes a change of card 1 behind the journal's back.
    fn apply(&self, engine: &Arc<Memory>, sequence: u64, card: Option<&Record>) {
        let record = linker().record_id(municipality(IMOLA), &local_id("1"));
        let projection = Projection::new(Arc::<Memory>::clone(engine), Arc::clone(&self.keys)).unwrap();
        let change = AppliedChange {
            sequence: CommitSequence(sequence),
            recorded_ms: NOW_MS,
            municipality: municipality(IMOLA),
            record,
            person: PersonId(record.0),
            card,
        };
        projection.apply(&change).unwrap();
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
        let former = Arc::new(Memory::default());
        bench.apply(&former, 1, Some(&mario()));
        let row = former.get(&bench.key_of("1")).unwrap().unwrap();
        assert_ne!(engine.get(&bench.key_of("1")).unwrap(), Some(row.clone()));
        engine.insert(&bench.key_of("1"), &row).unwrap();
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
    let mark = |_: &Bench, engine: &dyn KeyValue| engine.insert(APPLIED_KEY, &[2; 9]).unwrap();
    check(mark, |stale| matches!(stale, Stale::Row(RowError::Format)));
}

#[test]
fn rows_or_a_mark_ahead_of_the_journal_are_noticed() {
    let mark = |_: &Bench, engine: &dyn KeyValue| {
        engine.insert(APPLIED_KEY, &encode_number(4)).unwrap();
    };
    check(mark, |stale| matches!(stale, Stale::Ahead));
    let row = |bench: &Bench, _: &dyn KeyValue| bench.apply(&bench.engine, 4, None);
    check(row, |stale| matches!(stale, Stale::Ahead));
}
