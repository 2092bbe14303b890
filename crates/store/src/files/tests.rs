use std::{fs, io::ErrorKind, os::unix::fs::PermissionsExt};

use super::{
    Files,
    faulty::{Fault, FaultyFiles, Syncs},
    read_whole, replace,
    system::SystemFiles,
};

#[track_caller]
fn check_contract(files: &dyn Files) {
    let file = files.create("a", 3).unwrap();
    assert_eq!(file.len().unwrap(), 3);
    file.write_at(1, b"xyz").unwrap();
    file.sync_data().unwrap();
    assert_eq!(read_whole(files, "a").unwrap().unwrap(), b"\0xyz");
    let mut beyond = [0; 2];
    assert_eq!(
        file.read_at(3, &mut beyond).unwrap_err().kind(),
        ErrorKind::UnexpectedEof
    );
    assert_eq!(files.create("a", 0).unwrap_err().kind(), ErrorKind::AlreadyExists);
    files.rename("a", "b").unwrap();
    files.sync_dir().unwrap();
    assert_eq!(files.list().unwrap(), ["b"]);
    replace(files, "b", b"new").unwrap();
    assert_eq!(read_whole(files, "b").unwrap().unwrap(), b"new");
    files.remove("b").unwrap();
    assert_eq!(read_whole(files, "b").unwrap(), None);
    for name in ["", "..", "../b", "a/b", ".lock", "A", "a\0"] {
        assert_eq!(
            files.create(name, 0).unwrap_err().kind(),
            ErrorKind::InvalidInput,
            "{name:?}"
        );
    }
}

#[test]
fn both_directories_keep_the_same_contract() {
    let directory = tempfile::tempdir().unwrap();
    check_contract(&SystemFiles::open(&directory.path().join("data")).unwrap());
    check_contract(&FaultyFiles::default());
}

#[test]
fn a_directory_has_one_owner_and_is_closed_to_others() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("data");
    let owner = SystemFiles::open(&root).unwrap();
    owner.create("a", 1).unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(root.clone()), mode(root.join("a"))), (0o700, 0o600));
    assert_eq!(
        SystemFiles::open(&root).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    let reader = SystemFiles::open_for_reading(&root).unwrap();
    assert_eq!(reader.list().unwrap(), ["a"]);
    assert_eq!(
        reader.create("b", 0).unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    assert_eq!(
        reader.remove("a").unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    assert!(reader.open("a").unwrap().write_at(0, b"x").is_err());
    drop(owner);
    SystemFiles::open(&root).unwrap();
}

#[test]
fn after_a_power_cut_synced_bytes_are_there_and_others_may_be() {
    let files = FaultyFiles::default();
    let file = files.create("a", 4096).unwrap();
    file.write_at(0, b"kept").unwrap();
    file.sync_data().unwrap();
    files.sync_dir().unwrap();
    file.write_at(1000, &[7; 2000]).unwrap();
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..64 {
        let bytes = files.crash_image(seed).content("a").unwrap();
        assert_eq!(&bytes[..4], b"kept");
        outcomes.insert(bytes.iter().filter(|byte| **byte == 7).count());
    }
    assert!(outcomes.contains(&0) && outcomes.contains(&2000) && 4 < outcomes.len());
}

#[test]
fn without_sync_a_power_cut_loses_names_and_bytes() {
    let files = FaultyFiles::new(Syncs::Ignored);
    replace(&files, "a", b"content").unwrap();
    assert!((0..64).any(|seed| {
        files
            .crash_image(seed)
            .content("a")
            .is_none_or(|bytes| bytes != b"content")
    }));
}

#[test]
fn faults_strike_once_where_they_were_put() {
    let files = FaultyFiles::default();
    let file = files.create("a", 8).unwrap();
    for fault in [
        Fault::WriteLost(1),
        Fault::WriteShort(2, 3),
        Fault::WritePersisted(3),
        Fault::SyncLost(0),
    ] {
        files.inject(fault);
    }
    assert!(file.write_at(0, b"AAAA").is_err());
    assert_eq!(files.content("a").unwrap(), [0; 8]);
    assert!(file.write_at(0, b"BBBB").is_err());
    assert_eq!(files.content("a").unwrap(), b"BBB\0\0\0\0\0");
    assert!(file.write_at(0, b"CCCC").is_err());
    assert_eq!(files.content("a").unwrap(), b"CCCC\0\0\0\0");
    assert!(file.sync_data().is_err());
    file.write_at(4, b"DDDD").unwrap();
    file.sync_data().unwrap();
    files.sync_dir().unwrap();
    // What the failed sync should have kept is gone for good, whatever is synced later.
    assert_eq!(files.crash_image(1).content("a").unwrap(), b"\0\0\0\0DDDD");
    files.inject(Fault::FullFrom(0));
    assert_eq!(files.create("b", 1).unwrap_err().kind(), ErrorKind::StorageFull);
    assert_eq!(
        file.write_at(7, b"EE").unwrap_err().kind(),
        ErrorKind::StorageFull
    );
    file.write_at(7, b"E").unwrap();
    files.make_room();
    files.create("b", 1).unwrap();
}
