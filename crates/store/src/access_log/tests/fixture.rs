//! A log as version 1 wrote it must open, read and verify for ever.

use std::{fs, path::PathBuf};

use super::{BANK, Bench, POLICE, access, wait};
use crate::{
    access_log::reading::ReaderScope,
    files::{Files, faulty::FaultyFiles},
};

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/access-log-v1")
}

fn written_now() -> Bench {
    let bench = Bench::new();
    let log = bench.log();
    for draft in [access(POLICE, &["E289", "A944"], false), access(BANK, &[], true)] {
        wait(log.append(log.reserve().unwrap(), draft)).unwrap();
    }
    log.close();
    bench
}

fn parts(bench: &Bench) -> [(&'static str, &FaultyFiles); 3] {
    [("log", &bench.log), ("copy", &bench.copy), ("keys", &bench.keys)]
}

#[test]
fn version_1_still_reads() {
    let bench = Bench::new();
    for (part, files) in parts(&bench) {
        for file in fs::read_dir(directory().join(part)).unwrap() {
            let file = file.unwrap();
            files.set_content(file.file_name().to_str().unwrap(), fs::read(file.path()).unwrap());
        }
    }
    let (log, report) = bench.open().unwrap();
    assert_eq!((report.entries, report.recovery.frames), (2, 3));
    let entries = log.entries(&ReaderScope::Index, 0..2, 2).unwrap();
    let sizes: Vec<usize> = entries.iter().map(|entry| entry.parts.len()).collect();
    assert_eq!(sizes, [5, 3]);
    assert_eq!(entries[1].header.body.peer.as_deref(), Some(BANK));
}

/// With `PONTE_WRITE_FIXTURES` set the files are written; without, they must be what this version writes.
#[test]
fn this_version_writes_version_1() {
    let bench = written_now();
    for (part, files) in parts(&bench) {
        let directory = directory().join(part);
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
            let path = directory.join(&name);
            if std::env::var_os("PONTE_WRITE_FIXTURES").is_some() {
                fs::create_dir_all(&directory).unwrap();
                fs::write(&path, &content[..kept]).unwrap();
            }
            assert_eq!(fs::read(&path).unwrap(), content[..kept], "{part}/{name}");
        }
    }
}
