use super::*;
use crate::test_support::people::{DOZZA, IMOLA, municipality};

fn line(cause: Cause) -> LineEntry {
    LineEntry {
        municipality: municipality(IMOLA),
        epoch: Epoch([1; 16]),
        watermark: Watermark(7),
        began_ms: 8,
        cause,
    }
}

/// Bytes as format 1 has them: they must be read for ever.
#[test]
fn a_line_has_the_bytes_of_its_format() {
    let head = [
        &b"\x01E289"[..],
        &[1; 16],
        &7u64.to_be_bytes(),
        &8u64.to_be_bytes(),
    ]
    .concat();
    let loss = Cause::Loss {
        epoch: Epoch([2; 16]),
        watermark: Watermark(9),
    };
    let cases = [
        (loss, [&head[..], b"\x01", &[2; 16], &9u64.to_be_bytes()].concat()),
        (Cause::ShorterJournal, [&head[..], b"\x02"].concat()),
    ];
    for (cause, bytes) in cases {
        assert_eq!(line(cause).encode(), bytes);
        assert_eq!(LineEntry::decode(&bytes), Ok(line(cause)));
        for length in 0..bytes.len() {
            assert!(LineEntry::decode(&bytes[..length]).is_err(), "{length}");
        }
        let longer = [&bytes[..], b"\x00"].concat();
        assert_eq!(LineEntry::decode(&longer), Err(EntryError::Malformed));
        let later = [b"\x02", &bytes[1..]].concat();
        assert_eq!(LineEntry::decode(&later), Err(EntryError::Format));
    }
}

#[test]
fn a_reopening_has_the_bytes_of_its_format() {
    let bytes = [&b"\x01"[..], &5u64.to_be_bytes()].concat();
    assert_eq!(ReopeningEntry { at_ms: 5 }.encode(), bytes);
    assert_eq!(ReopeningEntry::decode(&bytes), Ok(ReopeningEntry { at_ms: 5 }));
    for length in 0..bytes.len() {
        assert!(ReopeningEntry::decode(&bytes[..length]).is_err(), "{length}");
    }
    assert!(ReopeningEntry::decode(&[&bytes[..], b"\x00"].concat()).is_err());
}

#[test]
fn a_backup_has_the_bytes_of_its_format() {
    let backup = BackupEntry {
        at_ms: 5,
        municipalities: vec![
            (municipality(IMOLA), Watermark(3)),
            (municipality(DOZZA), Watermark(0)),
        ],
    };
    let bytes = [
        &b"\x01"[..],
        &5u64.to_be_bytes(),
        &2u32.to_be_bytes(),
        b"E289",
        &3u64.to_be_bytes(),
        b"D360",
        &0u64.to_be_bytes(),
    ]
    .concat();
    assert_eq!(backup.encode(), bytes);
    assert_eq!(BackupEntry::decode(&bytes), Ok(backup));
    for length in 0..bytes.len() {
        assert!(BackupEntry::decode(&bytes[..length]).is_err(), "{length}");
    }
}
