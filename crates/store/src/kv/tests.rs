//! One contract for every engine.

use std::sync::Arc;

use crate::kv::memory::Memory;
use crate::kv::place::{Place, unless_it_panics};
use crate::kv::sled_engine::SledEngine;
use crate::kv::{EngineError, KeyValue, VALUE_LIMIT};

fn on_every_engine(story: impl Fn(&dyn KeyValue)) {
    story(&Memory::default());
    let directory = tempfile::tempdir().unwrap();
    story(&SledEngine::open(directory.path(), 4 << 20).unwrap());
}

fn keys(engine: &dyn KeyValue, prefix: &[u8], at_most: usize) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    let mut visit = |key: &[u8], _: &[u8]| {
        keys.push(key.to_vec());
        keys.len() < at_most
    };
    engine.scan(prefix, &mut visit).unwrap();
    keys
}

#[test]
fn rows_are_kept_replaced_and_removed() {
    on_every_engine(|engine| {
        assert_eq!(engine.get(b"a").unwrap(), None);
        engine.insert(b"a", b"1").unwrap();
        engine.insert(b"a", b"2").unwrap();
        engine.sync().unwrap();
        assert_eq!(engine.get(b"a").unwrap(), Some(b"2".to_vec()));
        engine.remove(b"a").unwrap();
        engine.remove(b"a").unwrap();
        assert_eq!(engine.get(b"a").unwrap(), None);
    });
}

#[test]
fn a_scan_goes_up_through_a_prefix_until_it_is_told_to_stop() {
    on_every_engine(|engine| {
        for key in ["a", "b\u{0}", "b", "ba", "bb", "c"] {
            engine.insert(key.as_bytes(), b"").unwrap();
        }
        assert_eq!(
            keys(engine, b"b", 9),
            [b"b".to_vec(), b"b\0".to_vec(), b"ba".to_vec(), b"bb".to_vec()]
        );
        assert_eq!(keys(engine, b"b", 2), [b"b".to_vec(), b"b\0".to_vec()]);
        assert_eq!(keys(engine, b"", 9).len(), 6);
        assert!(keys(engine, b"d", 9).is_empty());
    });
}

#[test]
fn the_last_row_not_after_a_key_stays_within_the_prefix() {
    on_every_engine(|engine| {
        for key in ["a9", "b1", "b3", "c0"] {
            engine.insert(key.as_bytes(), key.as_bytes()).unwrap();
        }
        let last = |upper: &str| {
            engine
                .last_not_after(b"b", upper.as_bytes())
                .unwrap()
                .map(|(key, _)| key)
        };
        assert_eq!(last("b0"), None);
        assert_eq!(last("b1"), Some(b"b1".to_vec()));
        assert_eq!(last("b2"), Some(b"b1".to_vec()));
        assert_eq!(last("b9"), Some(b"b3".to_vec()));
        assert_eq!(last("a"), None);
    });
}

#[test]
fn a_value_too_long_for_the_log_of_an_engine_is_refused() {
    on_every_engine(|engine| {
        engine.insert(b"a", &vec![1; VALUE_LIMIT - 1]).unwrap();
        assert!(matches!(
            engine.insert(b"a", &vec![1; VALUE_LIMIT]),
            Err(EngineError::Failed(_))
        ));
        assert_eq!(
            engine.get(b"a").unwrap().map(|value| value.len()),
            Some(VALUE_LIMIT - 1)
        );
    });
}

#[test]
fn a_directory_in_use_is_neither_opened_nor_taken_for_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let place = Place::Sled {
        directory: directory.path(),
        cache_bytes: 4 << 20,
    };
    let first: Arc<dyn KeyValue> = place.open().unwrap();
    assert!(matches!(place.open(), Err(EngineError::Failed(_))));
    drop(first);
    place.open().unwrap();
}

#[test]
fn what_is_set_aside_replaces_what_was() {
    let directory = tempfile::tempdir().unwrap();
    let rows = directory.path().join("rows");
    let place = Place::Sled {
        directory: &rows,
        cache_bytes: 4 << 20,
    };
    place.set_aside().unwrap();
    for turn in ["one", "two"] {
        std::fs::create_dir_all(&rows).unwrap();
        std::fs::write(rows.join(turn), turn).unwrap();
        place.set_aside().unwrap();
        assert!(!rows.exists());
    }
    let aside = directory.path().join("rows.damaged");
    assert!(aside.join("two").exists() && !aside.join("one").exists());
}

#[test]
fn a_panic_of_an_engine_becomes_nothing() {
    assert_eq!(unless_it_panics(|| 1), Some(1));
    assert_eq!(unless_it_panics(|| Vec::<u8>::new()[1]), None);
}
