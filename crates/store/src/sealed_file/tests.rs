use crate::files::Files;
use crate::files::faulty::{Fault, FaultyFiles, Syncs};
use crate::keys::KeyName;

use super::*;

const NAME: &str = "export.data";

/// Random bytes that are the same in every run.
#[derive(Debug)]
struct Same(u8);

impl Entropy for Same {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0);
    }
}

fn key() -> NamedKey {
    NamedKey {
        id: KeyId::from_bytes([3; 16]),
        name: KeyName::new("export/2025-01-10").unwrap(),
        key: Arc::new(DataKey::from_bytes(&[7; 32])),
    }
}

fn sealed(content: &[u8]) -> FaultyFiles {
    let files = FaultyFiles::new(Syncs::Honest);
    let file = files.create(NAME, 0).unwrap();
    let mut seen = Vec::new();
    let count = seal(&*file, &key(), &Same(9), content, &mut |bytes| seen.extend(bytes)).unwrap();
    assert_eq!((count, seen.as_slice()), (content.len() as u64, content));
    files
}

fn opened(files: &FaultyFiles) -> io::Result<Vec<u8>> {
    let mut reader = SealedReader::open(files.open(NAME).unwrap(), |id| (id == key().id).then(key))?;
    let mut content = Vec::new();
    reader.read_to_end(&mut content)?;
    Ok(content)
}

#[test]
fn what_was_sealed_is_read_again_whatever_its_length() {
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 17] {
        let content: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
        assert!(opened(&sealed(&content)).unwrap() == content, "{length}");
    }
}

#[test]
fn nothing_of_the_content_stands_in_the_file() {
    let files = sealed("ROSSI;MARIO".repeat(20_000).as_bytes());
    let stored = files.content(NAME).unwrap();
    assert!(!stored.windows(5).any(|window| window == b"ROSSI"));
}

#[test]
fn a_file_that_was_cut_changed_or_put_together_otherwise_is_noticed() {
    let content = vec![5; 2 * CHUNK + 100];
    let files = sealed(&content);
    let whole = files.content(NAME).unwrap();
    let chunk = 4 + CHUNK + DataKey::OVERHEAD;
    let refused = |bytes: Vec<u8>, what: &str| {
        files.set_content(NAME, bytes);
        let error = opened(&files).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{what}");
    };
    refused(whole[..HEAD + chunk].to_vec(), "cut off behind a chunk");
    refused(whole[..HEAD].to_vec(), "cut off behind the head");
    refused(whole[..whole.len() - 1].to_vec(), "cut off within a chunk");
    refused(Vec::new(), "empty");
    let mut flipped = whole.clone();
    flipped[HEAD + chunk + 50] ^= 1;
    refused(flipped, "one bit changed");
    let (head, chunks) = whole.split_at(HEAD);
    let (first, others) = chunks.split_at(chunk);
    let (second, last) = others.split_at(chunk);
    refused([head, second, first, last].concat(), "chunks exchanged");
    let mut version = whole.clone();
    version[3] = b'2';
    refused(version, "a version that is not known");
    files.set_content(NAME, whole);
    assert!(opened(&files).unwrap() == content, "control");
}

#[test]
fn without_its_key_nothing_is_read() {
    let files = sealed(b"content");
    let error = SealedReader::open(files.open(NAME).unwrap(), |_| None).unwrap_err();
    assert_eq!(error.to_string(), "the key of the sealed file was destroyed");
}

#[test]
fn a_full_disk_is_told_from_a_source_that_cannot_be_read() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::PermissionDenied))
        }
    }
    let files = FaultyFiles::new(Syncs::Honest);
    let file = files.create(NAME, 0).unwrap();
    let broken = seal(&*file, &key(), &Same(9), Broken, &mut |_| {});
    assert!(matches!(broken, Err(SealError::Source(_))));
    files.inject(Fault::FullFrom(0));
    let full = seal(&*file, &key(), &Same(9), &b"content"[..], &mut |_| {});
    assert!(matches!(full, Err(SealError::Target(error)) if crate::files::is_no_space(&error)));
}

const CONTENT: &[u8] = b"scheda;cognome\n1;Rossi\n";

/// With `PONTE_WRITE_FIXTURES` set the file is written; without, it must be what this version writes.
#[test]
fn the_first_version_is_still_read() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/sealed-file-v1/export.data"
    );
    if std::env::var_os("PONTE_WRITE_FIXTURES").is_some() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, sealed(CONTENT).content(NAME).unwrap()).unwrap();
    }
    let stored = std::fs::read(path).unwrap();
    let files = FaultyFiles::new(Syncs::Honest);
    files.set_content(NAME, stored.clone());
    assert_eq!(opened(&files).unwrap(), CONTENT);
    assert_eq!(
        sealed(CONTENT).content(NAME).unwrap(),
        stored,
        "this version writes the same"
    );
}
