use std::fs;

use transport::random::danger::SeededRandom;

use super::*;
use crate::fixture::{config, export, import_text};
use crate::storage::DataDirectory;

const AT_MS: i64 = 1_772_445_600_000;

fn random() -> Arc<dyn Random> {
    Arc::new(SeededRandom::new(5))
}

fn open(config: &NodeConfig) -> Result<DataDirectory, StorageError> {
    DataDirectory::open(config, random())
}

#[test]
fn a_node_that_left_has_no_key_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    assert_eq!(
        Mark::of(&config.data_directory).unwrap(),
        None,
        "there is not even a directory"
    );
    let opened = open(&config).unwrap();
    import_text(&mut opened.storage.store(), &export(&[("S1", &[])]));
    assert!(
        matches!(Leaving::take(&config), Err(StorageError::Locked)),
        "a daemon runs"
    );
    drop(opened);
    assert_eq!(Mark::of(&config.data_directory).unwrap(), None);
    let leaving = Leaving::take(&config).unwrap();
    for _ in 0..2 {
        leaving.destroy(AT_MS, random()).unwrap();
        assert!(!config.publication_key.exists());
    }
    drop(leaving);
    let mark = Mark::of(&config.data_directory).unwrap().unwrap();
    assert_eq!(mark.at().timestamp_millis(), AT_MS);
    let refused = open(&config).map(drop);
    assert!(matches!(refused, Err(StorageError::Withdrawn { at }) if at == mark.at()));
    // Without the mark, as in a copy of the other files, nothing opens either.
    fs::remove_file(config.data_directory.join(JOURNAL).join(MARK)).unwrap();
    assert!(matches!(open(&config).map(drop), Err(StorageError::Store(_))));
    Leaving::take(&config).unwrap().destroy(AT_MS, random()).unwrap();
}

#[test]
fn what_stands_in_the_way_leaves_the_mark_and_is_finished_later() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    let opened = open(&config).unwrap();
    import_text(&mut opened.storage.store(), &export(&[("S1", &[])]));
    assert_eq!(opened.storage.store().last_sequence(), 1);
    drop(opened);
    let aside = directory.path().join("aside");
    fs::rename(&config.key_encryption_key, &aside).unwrap();
    let leaving = Leaving::take(&config).unwrap();
    let stopped = leaving.destroy(AT_MS, random());
    assert!(matches!(
        stopped,
        Err(WithdrawalError::Storage(StorageError::KeyFile(_)))
    ));
    assert!(matches!(
        open(&config).map(drop),
        Err(StorageError::Withdrawn { .. })
    ));
    fs::rename(&aside, &config.key_encryption_key).unwrap();
    leaving.destroy(AT_MS, random()).unwrap();
    assert!(!config.publication_key.exists());
}

#[test]
fn a_mark_that_cannot_be_read_is_not_taken_for_none() {
    let directory = tempfile::tempdir().unwrap();
    let config = config(directory.path());
    drop(open(&config).unwrap());
    let mark = config.data_directory.join(JOURNAL).join(MARK);
    for bytes in [
        "",
        "{}",
        r#"{"version":2,"municipality":"037032","withdrawn_ms":1}"#,
    ] {
        fs::write(&mark, bytes).unwrap();
        assert!(Mark::of(&config.data_directory).is_err(), "{bytes}");
        assert!(matches!(open(&config).map(drop), Err(StorageError::Directory(_))));
    }
    fs::write(&mark, r#"{"version":1,"municipality":"037032","withdrawn_ms":1}"#).unwrap();
    assert!(
        Mark::of(&config.data_directory).unwrap().is_some(),
        "version 1 still reads"
    );
}
