//! Erasing that stops anywhere and is done again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::kv::memory::Memory;
use crate::kv::{EngineError, KeyValue};
use crate::test_support::people::{DOZZA, IMOLA, anna, arrived, day, mario, municipality};
use crate::test_support::world::{Kind, World, rows_of};

/// A map in memory that takes so many changes and no more.
#[derive(Debug, Default)]
struct Stopping {
    rows: Memory,
    left: AtomicU64,
}

impl Stopping {
    fn change(&self) -> Result<(), EngineError> {
        let left = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| EngineError::Failed("stopped".into()))
    }
}

impl KeyValue for Stopping {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.rows.get(key)
    }

    fn last_not_after(&self, prefix: &[u8], upper: &[u8]) -> Result<Option<Row>, EngineError> {
        self.rows.last_not_after(prefix, upper)
    }

    fn scan(&self, prefix: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), EngineError> {
        self.rows.scan(prefix, visit)
    }

    fn insert(&self, key: &[u8], value: &[u8]) -> Result<(), EngineError> {
        self.change()?;
        self.rows.insert(key, value)
    }

    fn remove(&self, key: &[u8]) -> Result<(), EngineError> {
        self.change()?;
        self.rows.remove(key)
    }

    fn sync(&self) -> Result<(), EngineError> {
        self.rows.sync()
    }
}

#[test]
fn erasing_that_stopped_anywhere_ends_in_the_same_rows() {
    let world = World::new(Kind::Memory);
    let ring = world.ring();
    let store = world.open_with(&ring);
    world.publish_cards(&store, IMOLA, [mario(), anna()]);
    world.publish_cards(&store, DOZZA, [arrived(&mario(), "2022-05-01")]);
    let before = rows_of(&store);
    let remains = store
        .projection()
        .remains_of(municipality(IMOLA), day("2026-03-02"))
        .unwrap();
    let remains: BTreeMap<Vec<u8>, Vec<u8>> = remains.into_values().flatten().collect();
    // A row that a replay has made otherwise is put right too.
    let altered = remains.keys().find(|key| key.first() == Some(&b'P')).unwrap();
    let mut ends = Vec::new();
    for stop in 0.. {
        let engine = Arc::new(Stopping::default());
        for (key, value) in &before {
            let value = if key == altered { b"\x01" } else { value.as_slice() };
            engine.rows.insert(key, value).unwrap();
        }
        let projection = Projection::new(Arc::<Stopping>::clone(&engine), Arc::clone(&ring)).unwrap();
        engine.left.store(stop, Ordering::SeqCst);
        let stopped = projection.erase(municipality(IMOLA), &remains).is_err();
        engine.left.store(u64::MAX, Ordering::SeqCst);
        projection.erase(municipality(IMOLA), &remains).unwrap();
        let mut rows = Vec::new();
        projection
            .every_row(&mut |key, value| rows.push((key.to_vec(), value.to_vec())))
            .unwrap();
        ends.push(rows);
        if !stopped {
            break;
        }
    }
    assert!(3 < ends.len() && ends[0].len() < before.len());
    assert!(ends.iter().all(|rows| *rows == ends[0]));
}
