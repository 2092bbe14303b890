use store::files::faulty::{Fault, FaultyFiles};
use store::keys::encryption_key::KeyEncryptionKey;
use transport::random::danger::SeededRandom;

use crate::fixture::{Seeded, day, no_files};

use super::*;

const CONTENT: &[u8] = b"scheda;cognome\n1;Rossi\n";

/// Exports over a directory, and the key ring over another, as after a start.
fn open(files: &Arc<FaultyFiles>, ring: &Arc<FaultyFiles>, seed: u64) -> (SealedExports, Arc<KeyRing>) {
    let entropy: Arc<dyn Entropy> = Arc::new(Seeded(SeededRandom::new(seed)));
    let ring: Arc<dyn Files> = Arc::<FaultyFiles>::clone(ring);
    let key = KeyEncryptionKey::from_bytes(&[7; 32]);
    let keys = Arc::new(KeyRing::open(ring, key, Arc::clone(&entropy)).unwrap());
    let files: Arc<dyn Files> = Arc::<FaultyFiles>::clone(files);
    let exports = SealedExports::open(files, Arc::clone(&keys), entropy).unwrap();
    (exports, keys)
}

fn noon(date: &str) -> Moment {
    Moment::new(day(date).and_hms_opt(11, 0, 0).unwrap().and_utc())
}

fn take(exports: &SealedExports, date: &str) -> Result<HeldExport, ExportsError> {
    exports.take(
        noon(date),
        day(date),
        Some("export.csv".to_owned()),
        &ExportForm::default(),
        CONTENT,
    )
}

fn waiting() -> ExportState {
    ExportState::Waiting(Cancellations {
        cards: 100,
        cancelled: 3,
        missing: 8,
        admitted: 10,
        journal_end: 100,
    })
}

fn content(exports: &SealedExports, id: &ExportId) -> Vec<u8> {
    let mut content = Vec::new();
    exports.read(id).unwrap().read_to_end(&mut content).unwrap();
    content
}

#[test]
fn an_id_says_when_the_export_was_received_and_nothing_else_is_one() {
    let id = ExportId::new(noon("2025-01-10"), &Seeded(SeededRandom::new(1)));
    assert!(id.as_str().starts_with("20250110-120000000-"), "{id}");
    assert_eq!(ExportId::parse(id.as_str()), Ok(id));
    for wrong in [
        "",
        "20250110-120000",
        "20250110-120000000-abcdef-1",
        "20250110-120000000-ABCDEF",
        "../../../etc/pas-swd-abcdef",
        "2025o110-120000-abcdef",
    ] {
        assert_eq!(ExportId::parse(wrong), Err(ExportIdError), "{wrong}");
    }
}

#[test]
fn an_export_that_waits_is_there_after_a_restart_and_one_that_was_being_taken_is_not() {
    let (files, ring) = (no_files(), no_files());
    let (exports, _) = open(&files, &ring, 1);
    let mut held = take(&exports, "2025-01-10").unwrap();
    let interrupted = take(&exports, "2025-01-10").unwrap();
    exports.hold(&mut held, waiting()).unwrap();
    files.set_content("20250110-120000000-ffffff.data", vec![1, 2, 3]);

    let (exports, _) = open(&files, &ring, 2);
    assert_eq!(exports.all().unwrap(), [held.clone()]);
    assert_eq!(content(&exports, &held.id), CONTENT);
    assert_eq!((held.note.bytes, held.note.day.as_str()), (23, "2025-01-10"));
    assert!(exports.read(&interrupted.id).is_err());
    assert_eq!(files.list().unwrap().len(), 2, "{:?}", files.list());
}

#[test]
fn nothing_of_content_or_note_stands_in_clear() {
    let (files, ring) = (no_files(), no_files());
    let (exports, _) = open(&files, &ring, 1);
    take(&exports, "2025-01-10").unwrap();
    for name in files.list().unwrap() {
        let bytes = files.content(&name).unwrap();
        for word in [&b"Rossi"[..], b"scheda", b"export.csv"] {
            assert!(!bytes.windows(word.len()).any(|window| window == word), "{name}");
        }
    }
}

#[test]
fn a_day_s_key_is_destroyed_once_the_day_is_over_and_nothing_of_it_is_held() {
    let (files, ring) = (no_files(), no_files());
    let (exports, keys) = open(&files, &ring, 1);
    let first = take(&exports, "2025-01-10").unwrap();
    let second = take(&exports, "2025-01-11").unwrap();
    let stolen = files.after_kill();
    exports.remove(&first.id).unwrap();
    assert_eq!(
        exports.forget_keys(day("2025-01-10")).unwrap(),
        0,
        "the day is not over"
    );
    assert_eq!(
        exports.forget_keys(day("2025-01-12")).unwrap(),
        1,
        "one is still held"
    );
    assert_eq!(content(&exports, &second.id), CONTENT);

    let stolen = SealedExports {
        files: Arc::new(stolen),
        keys,
        entropy: Arc::new(Seeded(SeededRandom::new(3))),
        custody: Arc::default(),
    };
    assert!(
        stolen.read(&first.id).is_err(),
        "a copy of the removed file opens no more"
    );
    assert_eq!(content(&stolen, &second.id), CONTENT, "control");
    assert!(
        take(&exports, "2025-01-10").is_ok(),
        "a clock that went back finds another key"
    );
}

/// A source that, when it is first read, has the keys of the day before destroyed on another thread.
struct DestroysMeanwhile {
    exports: SealedExports,
    content: io::Cursor<&'static [u8]>,
    destroying: Option<std::thread::JoinHandle<usize>>,
}

impl Read for DestroysMeanwhile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.destroying.is_none() {
            let exports = self.exports.clone();
            let tomorrow = move || exports.forget_keys(day("2025-01-11")).unwrap();
            self.destroying = Some(std::thread::spawn(tomorrow));
        }
        self.content.read(buffer)
    }
}

#[test]
fn no_key_is_destroyed_of_a_file_that_is_being_written() {
    for seed in 0..50 {
        let (files, ring) = (no_files(), no_files());
        let (exports, _) = open(&files, &ring, seed);
        let mut source = DestroysMeanwhile {
            exports: exports.clone(),
            content: io::Cursor::new(CONTENT),
            destroying: None,
        };
        let form = ExportForm::default();
        let taken = exports.take(noon("2025-01-10"), day("2025-01-10"), None, &form, &mut source);
        let destroyed = source.destroying.unwrap().join().unwrap();
        assert_eq!(destroyed, 0, "the key was in use when its turn came");
        assert_eq!(content(&exports, &taken.unwrap().id), CONTENT);
    }
}

#[test]
fn the_key_of_a_copy_whose_note_is_damaged_is_kept_and_with_a_damaged_head_every_key_is() {
    let (files, ring) = (no_files(), no_files());
    let (exports, keys) = open(&files, &ring, 1);
    let damaged = take(&exports, "2025-01-10").unwrap();
    let gone = take(&exports, "2025-01-11").unwrap();
    exports.remove(&gone.id).unwrap();
    let later = day("2025-02-01");
    // Its note does not open, and then is not there at all: the data still stand under the key.
    let name = meta_name(&damaged.id);
    let mut bytes = files.content(&name).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    files.set_content(&name, bytes);
    assert_eq!(exports.forget_keys(later).unwrap(), 1, "that of the other day");
    files.remove(&name).unwrap();
    files.set_content(&format!("{name}.new"), Vec::new());
    assert_eq!(exports.forget_keys(later).unwrap(), 0);
    assert_eq!(content(&exports, &damaged.id), CONTENT);

    files.set_content(&data_name(&gone.id), vec![0; 40]);
    files.remove(&data_name(&damaged.id)).unwrap();
    assert!(matches!(exports.forget_keys(later), Err(ExportsError::Head)));
    assert_eq!(keys.names().len(), 1, "it is not known which keys are in use");
    files.remove(&data_name(&gone.id)).unwrap();
    assert_eq!(exports.forget_keys(later).unwrap(), 1);
}

#[test]
fn a_damaged_note_is_left_where_it_is_and_hides_no_other() {
    let (files, ring) = (no_files(), no_files());
    let (exports, _) = open(&files, &ring, 1);
    let mut damaged = take(&exports, "2025-01-10").unwrap();
    let mut sound = take(&exports, "2025-01-10").unwrap();
    exports.hold(&mut damaged, waiting()).unwrap();
    exports.hold(&mut sound, waiting()).unwrap();
    let name = meta_name(&damaged.id);
    let mut bytes = files.content(&name).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    files.set_content(&name, bytes);
    let (exports, _) = open(&files, &ring, 2);
    assert_eq!(exports.all().unwrap(), [sound]);
    assert_eq!(files.list().unwrap().len(), 4);
}

/// A crash at any write leaves an export that waits whole, and of one that was being taken nothing.
#[test]
fn whatever_write_is_the_last_one_an_export_is_there_whole_or_not_at_all() {
    let mut cut_short = 0;
    for last in 0..12 {
        for seed in 0..20 {
            let (files, ring) = (no_files(), no_files());
            let (exports, _) = open(&files, &ring, 1);
            files.inject(Fault::WriteLost(last));
            let taken = take(&exports, "2025-01-10");
            let held = taken.and_then(|mut held| {
                exports.hold(&mut held, waiting())?;
                Ok(held)
            });
            cut_short += usize::from(held.is_err());
            let disk = Arc::new(files.crash_image(seed));
            let (exports, _) = open(&disk, &ring, 2);
            let all = exports.all().unwrap();
            match held {
                Ok(held) => {
                    assert_eq!(all, std::slice::from_ref(&held), "write {last}, crash {seed}");
                    assert_eq!(content(&exports, &held.id), CONTENT);
                }
                Err(_) => assert!(all.is_empty(), "write {last}, crash {seed}"),
            }
        }
    }
    assert!(20 < cut_short, "faults were met: {cut_short}");
}

/// An export in each state that lasts, and how it is read.
fn held_in_every_state(exports: &SealedExports) -> Vec<HeldExport> {
    let mapping = Mapping::parse(include_str!("../../tests/fixtures/kept-exports-v1/mapping.toml")).unwrap();
    let mapped = ExportForm {
        kind: ExportKind::Incremental,
        mapping: Some(Arc::new(mapping)),
    };
    let counted = Cancellations {
        cards: 100,
        cancelled: 3,
        missing: 8,
        admitted: 10,
        journal_end: 100,
    };
    let states = [
        ExportState::Waiting(counted),
        ExportState::Overtaken(counted),
        ExportState::Kept {
            until_ms: 1_736_600_000_000,
        },
    ];
    let forms = [&mapped, &ExportForm::default(), &ExportForm::default()];
    let names = [Some("export.csv".to_owned()), None, None];
    let taken = states.into_iter().zip(forms).zip(names);
    taken
        .map(|((state, form), name)| {
            let (at, on) = (noon("2025-01-10"), day("2025-01-09"));
            let mut held = exports.take(at, on, name, form, CONTENT).unwrap();
            exports.hold(&mut held, state).unwrap();
            held
        })
        .collect()
}

/// With `PONTE_WRITE_FIXTURES` set the files are written; without, they must be what this version writes.
#[test]
fn version_1_still_reads_and_is_what_is_written() {
    let directory = std::path::Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/kept-exports-v1"
    ));
    let (files, ring) = (no_files(), no_files());
    let (exports, _) = open(&files, &ring, 1);
    let mut written = held_in_every_state(&exports);
    written.sort_by(|one, other| one.id.cmp(&other.id));
    let all = |files: &Arc<FaultyFiles>| {
        let names = files.list().unwrap().into_iter();
        names
            .map(|name| (files.content(&name).unwrap(), name))
            .collect::<Vec<_>>()
    };
    let produced = [all(&files), all(&ring)].concat();
    if std::env::var_os("PONTE_WRITE_FIXTURES").is_some() {
        std::fs::create_dir_all(directory).unwrap();
        for (content, name) in &produced {
            std::fs::write(directory.join(name), content).unwrap();
        }
    }
    let (stored, stored_ring) = (no_files(), no_files());
    let mut found = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if name == "mapping.toml" {
            continue;
        }
        let content = std::fs::read(entry.path()).unwrap();
        assert!(
            produced.contains(&(content.clone(), name.clone())),
            "this version writes the same: {name}"
        );
        let into = if name == store::keys::ring::RING_FILE {
            &stored_ring
        } else {
            &stored
        };
        into.set_content(&name, content);
        found += 1;
    }
    assert_eq!(found, produced.len());
    let (exports, _) = open(&stored, &stored_ring, 2);
    assert_eq!(exports.all().unwrap(), written);
    for held in written {
        assert_eq!(content(&exports, &held.id), CONTENT);
        assert!(held.note.form().is_ok());
    }
}
