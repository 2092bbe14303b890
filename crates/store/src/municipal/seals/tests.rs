use registry::publication::AcknowledgementKey;

use super::*;
use crate::files::faulty::FaultyFiles;
use crate::keys::data_key::DataKey;
use crate::keys::{KeyId, KeyName};
use crate::test_support::people::{IMOLA, day, local_id, municipality};

fn key() -> NamedKey {
    NamedKey {
        id: KeyId::from_bytes([3; 16]),
        name: KeyName::new("municipality/E289").unwrap(),
        key: Arc::new(DataKey::from_bytes(&[7; 32])),
    }
}

fn proved(number: &str, from: &str) -> ProvedSeal {
    let seal = ConfirmedSeal {
        local_id: local_id(number),
        basis: SealBasis::Adoption,
        from: day(from),
    };
    AcknowledgementKey::new(&[3; 32]).prove_seal(municipality(IMOLA), seal)
}

#[test]
fn what_was_told_is_there_again_and_an_index_that_tells_less_takes_nothing_back() {
    let files = Arc::new(FaultyFiles::default());
    let mut seals = ConfirmedSeals::open(files.clone(), key()).unwrap();
    let (one, two) = (proved("1", "2026-01-10"), proved("S-100/7", "2026-02-01"));
    seals.keep(vec![two.clone()]).unwrap();
    seals.keep(vec![one.clone()]).unwrap();
    seals.keep(Vec::new()).unwrap();
    let again = ConfirmedSeals::open(files.clone(), key()).unwrap();
    assert_eq!(again.all(), [one.clone(), two.clone()]);
    // Another index proves the same seal otherwise.
    let other = AcknowledgementKey::new(&[4; 32]).prove_seal(municipality(IMOLA), one.seal);
    seals.keep(vec![other.clone()]).unwrap();
    let again = ConfirmedSeals::open(files, key()).unwrap();
    assert_eq!(again.all(), [other, two]);
}

#[test]
fn whatever_byte_is_altered_the_file_is_refused() {
    let files = Arc::new(FaultyFiles::default());
    let mut seals = ConfirmedSeals::open(files.clone(), key()).unwrap();
    seals.keep(vec![proved("1", "2026-01-10")]).unwrap();
    let written = files.content(FILE).unwrap();
    for place in 0..written.len() {
        let mut altered = written.clone();
        altered[place] ^= 1;
        files.set_content(FILE, altered);
        let opened = ConfirmedSeals::open(files.clone(), key());
        assert!(
            matches!(opened, Err(MunicipalError::SealsDamaged)),
            "byte {place}"
        );
    }
}

/// With `PONTE_WRITE_FIXTURES` set the file is written; without, it must be what this version writes.
#[test]
fn version_1_still_reads_and_is_what_is_written() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/confirmed-seals-v1/confirmed-seals.sealed"
    );
    let list = vec![proved("1", "2026-01-10"), proved("S-100/7", "2026-02-01")];
    let written = Arc::new(FaultyFiles::default());
    let mut seals = ConfirmedSeals::open(written.clone(), key()).unwrap();
    seals.keep(list.clone()).unwrap();
    let written = written.content(FILE).unwrap();
    if std::env::var_os("PONTE_WRITE_FIXTURES").is_some() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, &written).unwrap();
    }
    let stored = std::fs::read(path).unwrap();
    assert_eq!(written, stored, "this version writes the same");
    let files = FaultyFiles::default();
    files.set_content(FILE, stored);
    let seals = ConfirmedSeals::open(Arc::new(files), key()).unwrap();
    assert_eq!(seals.all(), list);
}
