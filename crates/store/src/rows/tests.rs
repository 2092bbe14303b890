//! Rows as version 1 writes them.

use super::*;

fn record(byte: u8) -> RecordId {
    RecordId(Uuid::from_bytes([byte; 16]))
}

fn card() -> Version {
    Version {
        sequence: CommitSequence(0x0102),
        recorded_ms: 0x0304,
        person: PersonId(Uuid::from_bytes([0xaa; 16])),
        restored: Restored::No,
        body: VersionBody::Card(b"card".to_vec()),
    }
}

fn spans() -> Spans {
    Spans(vec![
        Span {
            from: CommitSequence(3),
            until: CommitSequence(5),
        },
        Span {
            from: CommitSequence(7),
            until: Span::OPEN,
        },
    ])
}

#[track_caller]
fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixture_path(name)).unwrap()
}

fn fixture_path(name: &str) -> std::path::PathBuf {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/rows-v1/");
    std::path::Path::new(path).join(name)
}

#[test]
fn version_1_still_reads_and_is_what_is_written() {
    let removed = Version {
        body: VersionBody::Removed,
        ..card()
    };
    let sheltering = Version {
        body: VersionBody::Sheltering(b"card".to_vec()),
        ..card()
    };
    let buried = |successor, kept| Version {
        body: VersionBody::Buried(Burial { successor, kept }),
        ..card()
    };
    let (kept, shelter) = (Kept::Card(b"card".to_vec()), Kept::Shelter(b"card".to_vec()));
    for (name, version) in [
        ("version-card", card()),
        ("version-removed", removed),
        ("version-sheltering", sheltering),
        ("version-buried", buried(None, kept)),
        ("version-buried-sheltering", buried(None, shelter)),
        (
            "version-succeeded",
            buried(Some(RecordId(Uuid::from_bytes([8; 16]))), Kept::Nothing),
        ),
    ] {
        if std::env::var_os("PONTE_WRITE_FIXTURES").is_some() && !fixture_path(name).exists() {
            std::fs::write(fixture_path(name), version.encode()).unwrap();
        }
        assert_eq!(Version::decode(&fixture(name)), Ok(version.clone()));
        assert_eq!(version.encode(), fixture(name), "{name}");
    }
    for (name, row) in [("spans", spans()), ("spans-none", Spans::default())] {
        assert_eq!(Spans::decode(&fixture(name)), Ok(row.clone()));
        assert_eq!(row.encode(), fixture(name), "{name}");
    }
    assert_eq!(decode_number(&fixture("number")), Ok(0x0102_0304));
    assert_eq!(encode_number(0x0102_0304), fixture("number"));
}

#[test]
fn what_is_cut_short_overlong_or_of_a_later_version_is_refused() {
    let later = |mut bytes: Vec<u8>| {
        bytes[0] = 2;
        bytes
    };
    assert_eq!(Version::decode(&later(card().encode())), Err(RowError::Format));
    assert_eq!(Spans::decode(&later(spans().encode())), Err(RowError::Format));
    assert_eq!(decode_number(&later(encode_number(1))), Err(RowError::Format));
    for length in 0..34 {
        assert_eq!(
            Version::decode(&card().encode()[..length]),
            Err(RowError::Malformed)
        );
    }
    for length in [0, 2, 16, 18, 32] {
        assert_eq!(
            Spans::decode(&spans().encode()[..length]),
            Err(RowError::Malformed)
        );
    }
    let mut unknown_kind = card().encode();
    unknown_kind[1] = 9;
    assert_eq!(Version::decode(&unknown_kind), Err(RowError::Malformed));
    let mut removed_with_card = card().encode();
    removed_with_card[1] = 2;
    assert_eq!(Version::decode(&removed_with_card), Err(RowError::Malformed));
    assert_eq!(decode_number(&[1, 2, 3]), Err(RowError::Malformed));
}

#[test]
fn keys_keep_kinds_apart_and_order_versions_by_sequence() {
    let token = Token::from_bytes([7; 16]);
    let person = PersonId(Uuid::from_bytes([7; 16]));
    let leads = [
        Lead::Identifier(token),
        Lead::Household(token),
        Lead::House(token),
        Lead::Person(person),
    ];
    let keys = leads.map(|lead| lead.key(record(1)));
    assert_eq!(keys.iter().map(|key| key[0]).collect::<Vec<_>>(), b"TFRP");
    for (lead, key) in leads.iter().zip(&keys) {
        assert_eq!(record_behind(&lead.prefix(), key), Ok(record(1)));
        assert_eq!(
            record_behind(&lead.prefix(), &key[..20]),
            Err(RowError::Malformed)
        );
    }
    assert!(superseded_key(record(1), CommitSequence(255)) < superseded_key(record(1), CommitSequence(256)));
    assert!(superseded_key(record(1), CommitSequence(9)).starts_with(&superseded_prefix(record(1))));
}

#[test]
fn spans_begin_and_end_once_however_often_it_is_said() {
    let mut spans = Spans::default();
    for _ in 0..2 {
        spans.enter(CommitSequence(3));
        spans.leave(CommitSequence(5));
        spans.enter(CommitSequence(7));
    }
    assert_eq!(spans, self::spans());
    let held: Vec<u64> = (0..9).filter(|&at| spans.hold_at(CommitSequence(at))).collect();
    assert_eq!(held, [3, 4, 7, 8]);
    assert!(!spans.leave(CommitSequence(6)));
}
