//! A node's journal and mirror as its import and its sending meet them.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::files::faulty::{Fault, FaultyFiles};
use crate::keys::encryption_key::KeyEncryptionKey;
use crate::segment::AppendError;
use crate::segment::preparation::Preparation;
use crate::test_support::CountingEntropy;
use crate::test_support::people::{
    IMOLA, anna, giulia, istat, lives_in, local_id, luca, mario, municipality, with,
};

const SETTINGS: Settings = Settings {
    segment_bytes: 4 << 10,
    preparation: Preparation::Inline,
};

/// A node's files; its mirror is in memory or in a directory.
#[derive(Default)]
struct Bench {
    journal: FaultyFiles,
    keys: FaultyFiles,
}

impl Bench {
    fn ring(&self) -> KeyRing {
        let key = KeyEncryptionKey::from_bytes(&[5; 32]);
        KeyRing::open(
            Arc::new(self.keys.clone()),
            key,
            Arc::new(CountingEntropy::default()),
        )
        .unwrap()
    }

    fn try_open(&self, engine: MirrorEngine<'_>) -> Result<MunicipalStore, MunicipalError> {
        let files = Arc::new(self.journal.clone());
        MunicipalStore::open(files, &self.ring(), SETTINGS, engine, municipality(IMOLA))
    }

    fn open(&self) -> MunicipalStore {
        self.try_open(MirrorEngine::Memory).unwrap()
    }

    fn open_at(&self, directory: &Path) -> MunicipalStore {
        self.try_open(MirrorEngine::Sled {
            directory,
            cache_bytes: 4 << 20,
        })
        .unwrap()
    }
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

/// Number and card of each change; `None` for a removal.
fn told(changes: &[Change]) -> Vec<(u64, &str, bool)> {
    changes
        .iter()
        .map(|change| {
            (
                change.sequence,
                change.local_id.as_str(),
                matches!(change.body, ChangeBody::Upsert(_)),
            )
        })
        .collect()
}

/// The store holds exactly these cards.
#[track_caller]
fn check_cards(store: &MunicipalStore, cards: &[Record]) {
    let mut digest = SetDigest::new();
    for card in cards {
        digest.add(&card.local_id, &canonical::encode(card));
        assert_eq!(store.card(&card.local_id).unwrap().as_ref(), Some(card));
    }
    assert_eq!((store.cards(), store.digest()), (cards.len() as u64, &digest));
    let mut visited = 0;
    store
        .every_card(&mut |card| visited += usize::from(cards.contains(&card)))
        .unwrap();
    assert_eq!(visited, cards.len());
}

#[test]
fn what_is_appended_is_numbered_mirrored_and_there_again() {
    let bench = Bench::default();
    let mut store = bench.open();
    assert_eq!((store.last_sequence(), store.cards()), (0, 0));
    store.append(Vec::new()).unwrap();
    store
        .append(vec![upsert(mario()), upsert(anna()), upsert(luca())])
        .unwrap();
    let moved = lives_in(anna(), "Emilia", "2020-01-01");
    store
        .append(vec![upsert(moved.clone()), remove("3"), remove("99")])
        .unwrap();
    check_cards(&store, &[mario(), moved.clone()]);
    assert_eq!(store.card(&local_id("3")).unwrap(), None);
    drop(store);
    let store = bench.open();
    assert_eq!(store.last_sequence(), 6);
    check_cards(&store, &[mario(), moved]);
}

#[test]
fn changes_are_read_over_the_borders_of_frames() {
    let bench = Bench::default();
    let mut store = bench.open();
    store.append(vec![upsert(mario()), upsert(anna())]).unwrap();
    store.append(vec![remove("1"), remove("2")]).unwrap();
    store.append(vec![upsert(luca())]).unwrap();
    let all = [
        (1, "1", true),
        (2, "2", true),
        (3, "1", false),
        (4, "2", false),
        (5, "3", true),
    ];
    for reopened in [false, true] {
        if reopened {
            store = bench.open();
        }
        for from in 1..=6 {
            for limit in 0..=6 {
                let changes = store.changes_from(from, limit).unwrap();
                let expect: Vec<_> = all.iter().skip(from as usize - 1).take(limit).copied().collect();
                assert_eq!(told(&changes), expect, "from {from}, at most {limit}");
            }
        }
    }
}

#[test]
fn the_history_of_a_card_is_all_its_changes_and_grows_with_the_journal() {
    let bench = Bench::default();
    let mut store = bench.open();
    let moved = lives_in(anna(), "Emilia", "2020-01-01");
    store.append(vec![upsert(mario()), upsert(anna())]).unwrap();
    store.append(vec![upsert(moved)]).unwrap();
    let mut history = History::default();
    let mut numbers = |store: &MunicipalStore, card: &str| -> Vec<u64> {
        let changes = history.of_card(store, &local_id(card)).unwrap();
        assert!(changes.iter().all(|change| change.local_id == local_id(card)));
        changes.iter().map(|change| change.sequence).collect()
    };
    assert_eq!(numbers(&store, "2"), [2, 3]);
    store.append(vec![remove("1"), remove("2")]).unwrap();
    assert_eq!(
        (numbers(&store, "1"), numbers(&store, "2")),
        (vec![1, 4], vec![2, 3, 5])
    );
    assert!(numbers(&store, "99").is_empty());
}

#[test]
fn cards_under_two_istat_codes_and_more_than_a_frame_holds_are_appended_at_once() {
    let renamed = |number: &str| {
        with(giulia(), |card| {
            card.municipality = istat("037006");
            card.local_id = local_id(number);
        })
    };
    let bench = Bench::default();
    let mut store = bench.open();
    store
        .append(vec![
            remove("8"),
            upsert(mario()),
            remove("9"),
            upsert(renamed("4")),
            remove("8"),
            upsert(anna()),
        ])
        .unwrap();
    let removals: Vec<ChangeDraft> = (0..2_500).map(|number| remove(&format!("r{number}"))).collect();
    let large = Settings {
        segment_bytes: 256 << 10,
        ..SETTINGS
    };
    drop(store);
    let files = Arc::new(bench.journal.clone());
    let mut store = MunicipalStore::open(
        files,
        &bench.ring(),
        large,
        MirrorEngine::Memory,
        municipality(IMOLA),
    )
    .unwrap();
    store.append(removals).unwrap();
    assert_eq!(store.last_sequence(), 2_506);
    assert_eq!(
        told(&store.changes_from(2_504, 9).unwrap()),
        [
            (2_504, "r2497", false),
            (2_505, "r2498", false),
            (2_506, "r2499", false)
        ]
    );
    drop(store);
    let store = bench.open();
    check_cards(&store, &[mario(), renamed("4"), anna()]);
}

#[test]
fn a_card_too_long_for_the_index_is_refused_before_anything_is_journalled() {
    let bench = Bench::default();
    let mut store = bench.open();
    let long = with(mario(), |card| {
        let link = card.households.facts()[0].value.clone();
        for number in 0..9_000 {
            let from = chrono::NaiveDate::from_num_days_from_ce_opt(700_000 + number).unwrap();
            card.households.record(registry::timeline::Dated {
                from: Some(from),
                value: link.clone(),
            });
        }
    });
    assert!(matches!(
        store.append(vec![upsert(anna()), upsert(long)]),
        Err(MunicipalError::TooLong)
    ));
    assert_eq!((store.last_sequence(), store.cards()), (0, 0));
}

#[test]
fn a_full_volume_leaves_journal_and_mirror_in_step_and_the_store_in_use() {
    let bench = Bench::default();
    let mut store = bench.open();
    bench.journal.inject(Fault::FullFrom(bench.journal.writes()));
    let cards: Vec<Record> = (0..9)
        .map(|number| with(giulia(), |card| card.local_id = local_id(&format!("n{number}"))))
        .collect();
    let mut kept = Vec::new();
    let refused = loop {
        let many = cards.iter().cloned().map(upsert).collect();
        match store.append(many) {
            Ok(()) => kept = cards.clone(),
            Err(error) => break error,
        }
        assert!(store.last_sequence() < 1_000, "the volume is full");
    };
    assert!(matches!(
        refused,
        MunicipalError::Journal(ChangeJournalError::Append(AppendError::NoSpace))
    ));
    check_cards(&store, &kept);
    bench.journal.make_room();
    store.append(vec![upsert(anna())]).unwrap();
    kept.push(anna());
    check_cards(&store, &kept);
    let last = store.last_sequence();
    drop(store);
    let store = bench.open();
    assert_eq!(store.last_sequence(), last);
    check_cards(&store, &kept);
}

#[test]
fn a_failed_write_ends_the_store_and_another_opening_starts_from_what_is_there() {
    let bench = Bench::default();
    let mut store = bench.open();
    store.append(vec![upsert(mario())]).unwrap();
    bench
        .journal
        .inject(Fault::WriteShort(bench.journal.writes(), 100));
    assert!(store.append(vec![upsert(anna())]).is_err());
    assert!(store.append(vec![upsert(luca())]).is_err());
    drop(store);
    let after = Bench {
        journal: bench.journal.after_kill(),
        keys: bench.keys.after_kill(),
    };
    let mut store = after.open();
    check_cards(&store, &[mario()]);
    store.append(vec![upsert(luca())]).unwrap();
    check_cards(&store, &[mario(), luca()]);
}

#[test]
fn a_mirror_on_disk_is_caught_up_or_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let (mirror, aside) = (
        directory.path().join("mirror"),
        directory.path().join("mirror.damaged"),
    );
    let bench = Bench::default();
    let mut store = bench.open_at(&mirror);
    store.append(vec![upsert(mario())]).unwrap();
    store.sync().unwrap();
    let older = bench.journal.after_kill();
    store.append(vec![upsert(anna())]).unwrap();
    drop(store);
    let store = bench.open_at(&mirror);
    check_cards(&store, &[mario(), anna()]);
    assert!(!aside.exists());
    store.sync().unwrap();
    drop(store);

    fs::remove_dir_all(&mirror).unwrap();
    let store = bench.open_at(&mirror);
    check_cards(&store, &[mario(), anna()]);
    store.sync().unwrap();
    drop(store);

    // Ahead of a journal that was restored.
    let restored = Bench {
        journal: older,
        keys: bench.keys.after_kill(),
    };
    let store = restored.open_at(&mirror);
    check_cards(&store, &[mario()]);
    assert!(aside.exists());
    drop(store);

    for file in files_below(&mirror.join("sled")) {
        fs::write(&file, [0xa5; 4_096]).unwrap();
    }
    let store = bench.open_at(&mirror);
    check_cards(&store, &[mario(), anna()]);
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let (directories, files): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    directories
        .iter()
        .flat_map(|path| files_below(path))
        .chain(files)
        .collect()
}

#[test]
fn a_mirror_that_lost_or_changed_a_row_is_made_again() {
    let bench = Bench::default();
    let mut store = bench.open();
    store.append(vec![upsert(mario()), upsert(anna())]).unwrap();
    let key = bench
        .ring()
        .get_or_create(&municipality_key(municipality(IMOLA)))
        .unwrap();
    let rows = |change: &dyn Fn(&Mirror)| {
        let mirror = Mirror::new(Place::Memory.open().unwrap(), key.clone());
        for change in store.changes_from(1, 9).unwrap() {
            mirror.apply(&change).unwrap();
        }
        mirror
            .sync(Synced {
                sequence: 2,
                root: store.digest().root(),
            })
            .unwrap();
        change(&mirror);
        caught_up(mirror, &store.journal, &store.profile)
    };
    assert!(rows(&|_| ()).is_ok());
    let lost = Change {
        sequence: 2,
        local_id: local_id("2"),
        body: ChangeBody::Remove,
        events: Vec::new(),
    };
    assert!(matches!(
        rows(&|mirror| mirror.apply(&lost).unwrap()),
        Err(MunicipalError::Mirror)
    ));
    let ahead = Synced {
        sequence: 3,
        root: store.digest().root(),
    };
    assert!(matches!(
        rows(&|mirror| mirror.sync(ahead).unwrap()),
        Err(MunicipalError::Mirror)
    ));
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/node-journal-v1")
}

#[test]
fn version_1_still_reads() {
    let bench = Bench::default();
    for (part, files) in [("journal", &bench.journal), ("keys", &bench.keys)] {
        for file in fs::read_dir(fixtures().join(part)).unwrap() {
            let file = file.unwrap();
            files.set_content(file.file_name().to_str().unwrap(), fs::read(file.path()).unwrap());
        }
    }
    let store = bench.open();
    assert_eq!(store.last_sequence(), 3);
    check_cards(&store, &[anna()]);
}

/// With `PONTE_WRITE_FIXTURES` set the files are written; without, they must be what this version writes.
#[test]
fn this_version_writes_version_1() {
    let bench = Bench::default();
    let mut store = bench.open();
    store.append(vec![upsert(mario()), upsert(anna())]).unwrap();
    store.append(vec![remove("1")]).unwrap();
    for (part, files) in [("journal", &bench.journal), ("keys", &bench.keys)] {
        let directory = fixtures().join(part);
        for name in files.list().unwrap() {
            let content = files.content(&name).unwrap();
            let used = content
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |last| last + 1);
            if used == 0 {
                continue;
            }
            // Segments are kept without most of their zeros.
            let kept = content.len().min(used.next_multiple_of(512));
            if std::env::var_os("PONTE_WRITE_FIXTURES").is_some() {
                fs::create_dir_all(&directory).unwrap();
                fs::write(directory.join(&name), &content[..kept]).unwrap();
            }
            assert_eq!(
                fs::read(directory.join(&name)).unwrap(),
                content[..kept],
                "{part}/{name}"
            );
        }
    }
}
