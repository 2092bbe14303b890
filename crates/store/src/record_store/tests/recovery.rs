//! A store opened again, after whatever happened to it, holds what was acknowledged and nothing else.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use registry::publication::Watermark;
use registry::record::Record;

use crate::files::Files;
use crate::files::faulty::FaultyFiles;
use crate::publisher::{MunicipalityState, PublishError};
use crate::record_store::{JournaledStore, OpenError, OpenReport, RecordStore};
use crate::rows::CommitSequence;
use crate::test_support::people::{
    DOZZA, IMOLA, anna, arrived, giulia, left, lives_in, luca, mario, municipality,
};
use crate::test_support::world::{Kind, NEVER, NOW_MS, World, batch, on_every_engine, rows_of, wait};

/// Publications with every kind of change; a store may be opened anew between any two of them.
type Publication = fn(&World, &JournaledStore) -> Result<(), PublishError>;

const STORY: [Publication; 6] = [
    |world, store| {
        publish(
            world,
            store,
            IMOLA,
            vec![("1", Some(mario())), ("2", Some(anna()))],
        )
    },
    |world, store| {
        publish(
            world,
            store,
            IMOLA,
            vec![("3", Some(luca())), ("4", Some(giulia()))],
        )
    },
    |world, store| {
        publish(
            world,
            store,
            IMOLA,
            vec![("1", Some(left(&mario(), "2022-05-01"))), ("4", None)],
        )
    },
    |world, store| {
        publish(
            world,
            store,
            DOZZA,
            vec![("D-7", Some(arrived(&mario(), "2022-05-01")))],
        )
    },
    |world, store| {
        publish(
            world,
            store,
            IMOLA,
            vec![("2", Some(lives_in(anna(), "Emilia", "2023-01-01")))],
        )
    },
    |world, store| {
        publish(
            world,
            store,
            IMOLA,
            vec![("4", Some(giulia())), ("3", None), ("3", Some(luca()))],
        )
    },
];

/// Changes of the story.
const CHANGES: u64 = 11;

fn publish(
    world: &World,
    store: &JournaledStore,
    municipality: &str,
    changes: Vec<(&str, Option<Record>)>,
) -> Result<(), PublishError> {
    world.publish(store, municipality, changes).map(|_| ())
}

fn tell(world: &World, store: &JournaledStore) {
    for publication in STORY {
        publication(world, store).unwrap();
    }
}

fn report(replayed: u64, rebuilt: bool) -> OpenReport {
    OpenReport {
        changes: CHANGES,
        replayed,
        rebuilt,
    }
}

/// The rows are those of a clean replay, and the states those of the journal.
#[track_caller]
fn check_whole(world: &World, store: &JournaledStore) {
    let clean = world.with_fresh_engine(Kind::Memory);
    let fresh = clean.open();
    assert!(
        rows_of(store) == rows_of(&fresh),
        "the rows are not those of a clean replay"
    );
    for place in [IMOLA, DOZZA].map(municipality) {
        let (held, replayed) = (store.municipality(place), fresh.municipality(place));
        let told = |state: MunicipalityState| (state.watermark, state.visible, state.records, state.digest);
        assert_eq!(held.map(told), replayed.map(told));
    }
    assert_eq!(store.visible(), fresh.visible());
}

#[test]
fn a_store_closed_in_order_opens_with_nothing_to_do() {
    let world = World::new(Kind::Sled);
    let store = world.open();
    tell(&world, &store);
    let rows = rows_of(&store);
    drop(store);
    for _ in 0..2 {
        let (store, found) = world.try_open(NEVER).unwrap();
        assert_eq!(found, report(0, false));
        assert_eq!(rows_of(&store), rows);
        check_whole(&world, &store);
    }
    let before = world.journal.content("journal-00000000.segment");
    drop(world.open());
    assert_eq!(
        world.journal.content("journal-00000000.segment"),
        before,
        "an idle store writes nothing"
    );
}

#[test]
fn publication_goes_on_after_each_opening() {
    on_every_engine(|world| {
        for publication in STORY {
            let store = world.open();
            publication(world, &store).unwrap();
        }
        let store = world.open();
        check_whole(world, &store);
        assert_eq!(
            store.municipality(municipality(IMOLA)).unwrap().watermark,
            Watermark(10)
        );
        let again = batch(&store, IMOLA, 1, vec![("1", Some(mario())), ("2", Some(anna()))]);
        assert_eq!(
            wait(store.publish(again, NOW_MS)).unwrap().watermark,
            Watermark(10)
        );
    });
}

#[test]
fn an_engine_that_was_never_synced_is_caught_up() {
    // Dropping the world's store would sync it; a copy of the engine's directory is what a kill leaves.
    let world = World::new(Kind::Sled);
    let store = world.open();
    tell(&world, &store);
    let killed = killed(&world);
    let (store, found) = killed.try_open(NEVER).unwrap();
    assert_eq!(found, report(CHANGES, false));
    check_whole(&killed, &store);
}

#[test]
fn an_engine_synced_half_way_is_caught_up_from_there() {
    let world = World::new(Kind::Sled);
    let store = world.open();
    for publication in &STORY[..3] {
        publication(&world, &store).unwrap();
    }
    drop(store);
    let store = world.open();
    for publication in &STORY[3..] {
        publication(&world, &store).unwrap();
    }
    let killed = killed(&world);
    let (store, found) = killed.try_open(NEVER).unwrap();
    assert_eq!(found, report(CHANGES - 6, false));
    check_whole(&killed, &store);
}

/// The world as a kill of its process leaves it.
fn killed(world: &World) -> World {
    let killed = world.with_fresh_engine(Kind::Sled);
    copy(&world.engine_directory(), &killed.engine_directory());
    killed
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_name() != "ballast" {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_power_cut_after_any_acknowledgement_loses_nothing() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    let mut acknowledged = 0;
    for publication in STORY {
        publication(&world, &store).unwrap();
        acknowledged = store.visible().0.max(acknowledged);
        for seed in 0..8 {
            let cut = world.on(world.journal.crash_image(seed));
            let opened = cut.open();
            assert_eq!(opened.visible(), CommitSequence(acknowledged));
            check_whole(&cut, &opened);
        }
    }
}

#[test]
fn a_frame_torn_at_any_sector_is_cut_off_and_may_be_sent_again() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    STORY[0](&world, &store).unwrap();
    let before = world.journal.content("journal-00000000.segment").unwrap();
    STORY[1](&world, &store).unwrap();
    let after = world.journal.content("journal-00000000.segment").unwrap();
    let first = before
        .iter()
        .zip(&after)
        .position(|(old, new)| old != new)
        .unwrap();
    let last = before
        .iter()
        .zip(&after)
        .rposition(|(old, new)| old != new)
        .unwrap();
    for keep in (first + 1..last).step_by(97) {
        let mut torn = before.clone();
        torn[first..keep].copy_from_slice(&after[first..keep]);
        let image = world.journal.after_kill();
        image.set_content("journal-00000000.segment", torn);
        let cut = world.on(image);
        let store = cut.open();
        assert_eq!(store.visible(), CommitSequence(2));
        let again = batch(&store, IMOLA, 3, vec![("3", Some(luca())), ("4", Some(giulia()))]);
        assert_eq!(
            wait(store.publish(again, NOW_MS)).unwrap().watermark,
            Watermark(4)
        );
    }
}

#[test]
fn an_engine_ahead_of_its_journal_is_made_again() {
    let world = World::new(Kind::Sled);
    let store = world.open();
    STORY[0](&world, &store).unwrap();
    let older = world.journal.after_kill();
    STORY[1](&world, &store).unwrap();
    drop(store);
    let restored = world.on(older);
    let (store, found) = restored.try_open(NEVER).unwrap();
    assert_eq!(
        found,
        OpenReport {
            changes: 2,
            replayed: 2,
            rebuilt: true
        }
    );
    assert!(restored.directory_aside().exists());
    check_whole(&restored, &store);
}

#[test]
fn a_damaged_engine_is_never_served() {
    let world = World::new(Kind::Sled);
    let store = world.open();
    tell(&world, &store);
    let rows = rows_of(&store);
    drop(store);
    let intact = fs::read(database(&world)).unwrap();
    let mut noticed = 0;
    for (_, value) in rows.iter().filter(|(_, value)| 64 < value.len()) {
        let damaged = killed(&world);
        fs::write(database(&damaged), with_flipped_byte(&intact, value)).unwrap();
        let (store, found) = damaged.try_open(NEVER).unwrap();
        // sled may open with all of its rows lost, the mark of the last sync among them: then they are replayed.
        noticed += u32::from(found.rebuilt || 0 < found.replayed);
        check_whole(&damaged, &store);
    }
    assert!(0 < noticed, "damage that is never noticed proves nothing");
}

#[test]
fn whichever_file_of_the_engine_is_overwritten_the_rows_come_back() {
    let world = World::new(Kind::Sled);
    let store = world.open();
    tell(&world, &store);
    drop(store);
    let names: Vec<_> = files_of(&world).collect();
    let mut rebuilt = 0;
    for name in names {
        let damaged = killed(&world);
        let path = database(&damaged).with_file_name(&name);
        fs::write(path, [0xa5; 4_096]).unwrap();
        let (store, found) = damaged.try_open(NEVER).unwrap();
        assert_eq!(found.rebuilt, damaged.directory_aside().exists());
        rebuilt += u32::from(found.rebuilt);
        check_whole(&damaged, &store);
    }
    assert!(0 < rebuilt, "sled opens whatever it is given");
}

fn files_of(world: &World) -> impl Iterator<Item = OsString> {
    let entries = fs::read_dir(world.engine_directory().join("sled")).unwrap();
    let files = entries
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().unwrap().is_file());
    files.map(|entry| entry.file_name())
}

/// The file with one bit changed in the middle of each place where a value stands.
fn with_flipped_byte(file: &[u8], value: &[u8]) -> Vec<u8> {
    let mut flipped = file.to_vec();
    let places = file
        .windows(value.len())
        .enumerate()
        .filter(|(_, window)| *window == value);
    let middles: Vec<usize> = places.map(|(place, _)| place + value.len() / 2).collect();
    assert!(!middles.is_empty(), "the value stands in the file");
    for middle in middles {
        flipped[middle] ^= 1;
    }
    flipped
}

fn database(world: &World) -> PathBuf {
    world.engine_directory().join("sled").join("db")
}

#[test]
fn an_engine_directory_that_is_gone_comes_back() {
    let world = World::new(Kind::Sled);
    let store = world.open();
    tell(&world, &store);
    drop(store);
    fs::remove_dir_all(world.engine_directory()).unwrap();
    let (store, found) = world.try_open(NEVER).unwrap();
    assert_eq!(found, report(CHANGES, false));
    check_whole(&world, &store);
}

#[test]
fn sync_points_are_written_while_publication_goes_on() {
    let world = World::new(Kind::Sled);
    let (store, _) = world.try_open(Duration::ZERO).unwrap();
    tell(&world, &store);
    let killed = killed(&world);
    let (store, found) = killed.try_open(NEVER).unwrap();
    assert!(!found.rebuilt);
    assert!(found.replayed < CHANGES);
    check_whole(&killed, &store);
}

#[test]
fn a_journal_that_was_altered_is_refused() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    tell(&world, &store);
    drop(store);
    let image = world.journal.after_kill();
    let mut bytes = image.content("journal-00000000.segment").unwrap();
    bytes[100] ^= 1;
    image.set_content("journal-00000000.segment", bytes);
    let refused = world.on(image).try_open(NEVER);
    assert!(matches!(refused, Err(OpenError::Journal(_))));
}

#[test]
fn a_journal_without_its_keys_is_refused_and_never_taken_for_withdrawn() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    tell(&world, &store);
    drop(store);
    let mut other = world.on(world.journal.after_kill());
    other.keys = FaultyFiles::default();
    assert!(matches!(other.try_open(NEVER), Err(OpenError::Journal(_))));
}

#[test]
fn a_store_without_its_epoch_file_takes_no_batch_of_before() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    let next = batch(&store, IMOLA, 1, vec![("1", Some(mario()))]);
    drop(store);
    world.journal.remove("epoch").unwrap();
    let store = world.open();
    assert!(matches!(
        wait(store.publish(next, NOW_MS)),
        Err(PublishError::Refused(_))
    ));
}
