use super::*;
use crate::files::faulty::FaultyFiles;
use crate::keys::data_key::DataKey;
use crate::keys::{KeyId, KeyName};
use crate::test_support::people::local_id;

fn kept(sequence: u64, id: &str) -> KeptAside {
    KeptAside {
        sequence,
        local_id: local_id(id),
        code: "ES008".to_owned(),
        field: "generalities.birth_date".to_owned(),
        at_ms: -5,
    }
}

fn key() -> NamedKey {
    NamedKey {
        id: KeyId::from_bytes([3; 16]),
        name: KeyName::new("municipality/E289").unwrap(),
        key: Arc::new(DataKey::from_bytes(&[7; 32])),
    }
}

#[test]
fn the_list_comes_back_from_its_bytes_and_from_no_others() {
    let list = vec![kept(3, "1"), kept(u64::MAX, "S-100/7")];
    let bytes = encode(&list);
    assert_eq!(decode(&bytes), Some(list));
    for length in 0..bytes.len() {
        assert_eq!(decode(&bytes[..length]), None, "{length}");
    }
    assert_eq!(decode(&[&bytes[..], &[0]].concat()), None);
    assert_eq!(decode(&[&[2], &bytes[1..]].concat()), None);
    assert_eq!(encode(&[]), [1, 0, 0, 0, 0]);
}

/// With `PONTE_WRITE_FIXTURES` set the file is written; without, it must be what this version writes.
#[test]
fn version_1_still_reads_and_is_what_is_written() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/kept-aside-v1/kept-aside.sealed"
    );
    let list = vec![kept(3, "1"), kept(4, "S-100/7")];
    let written = Arc::new(FaultyFiles::default());
    let mut aside = Aside::open(written.clone(), key()).unwrap();
    aside.replace(list.clone()).unwrap();
    let written = written.content(FILE).unwrap();
    if std::env::var_os("PONTE_WRITE_FIXTURES").is_some() {
        std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
        std::fs::write(path, &written).unwrap();
    }
    let stored = std::fs::read(path).unwrap();
    assert_eq!(written, stored, "this version writes the same");
    let files = FaultyFiles::default();
    files.set_content(FILE, stored);
    let aside = Aside::open(Arc::new(files), key()).unwrap();
    assert_eq!(aside.changes(), list);
}
