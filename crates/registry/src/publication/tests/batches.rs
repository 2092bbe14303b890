//! What a batch is, and its bytes.

use super::*;

#[test]
fn a_batch_holds_consecutive_changes_of_its_municipality() {
    let check = |first: u64, changes: Vec<Change>, expected: Option<BatchError>| {
        assert_eq!(
            Batch::new(istat(IMOLA), EPOCH, first, changes, NOW).err(),
            expected
        );
    };
    let upsert = |sequence, id: &str, municipality: &str| {
        let mut record = open_record();
        record.municipality = istat(municipality);
        Change {
            body: ChangeBody::Upsert(Box::new(record)),
            ..removal(sequence, id)
        }
    };
    check(1, vec![removal(1, "a"), removal(2, "b")], None);
    check(5, vec![upsert(5, "S-100/7", IMOLA)], None);
    check(1, vec![], Some(BatchError::Empty));
    check(0, vec![removal(0, "a")], Some(BatchError::Sequence));
    check(1, vec![removal(2, "a")], Some(BatchError::Sequence));
    check(
        1,
        vec![removal(1, "a"), removal(3, "b")],
        Some(BatchError::Sequence),
    );
    check(
        1,
        vec![removal(1, "a"), removal(1, "b")],
        Some(BatchError::Sequence),
    );
    check(u64::MAX, vec![removal(u64::MAX, "a")], None);
    check(
        u64::MAX,
        vec![removal(u64::MAX, "a"), removal(0, "b")],
        Some(BatchError::Sequence),
    );
    check(
        3,
        vec![upsert(3, "S-100/7", BOLOGNA)],
        Some(BatchError::ForeignRecord(3)),
    );
    check(3, vec![upsert(3, "other", IMOLA)], Some(BatchError::LocalId(3)));
    let most = MAX_CHANGES as u64;
    check(
        1,
        (1..=most).map(|sequence| removal(sequence, "a")).collect(),
        None,
    );
    check(
        1,
        (1..=most + 1).map(|sequence| removal(sequence, "a")).collect(),
        Some(BatchError::TooLong),
    );
}

#[test]
fn the_time_of_sending_is_not_content_and_everything_else_is() {
    let batch = batch_of(1, &["a", "b"]);
    let id = batch.content_id();
    assert_eq!(batch.clone().sent_again(NOW + 1).content_id(), id);
    let others = [
        batch_of(2, &["a", "b"]),
        batch_of(1, &["a"]),
        batch_of(1, &["a", "c"]),
        Batch::new(istat(BOLOGNA), EPOCH, 1, batch.changes().to_vec(), NOW).unwrap(),
        Batch::new(istat(IMOLA), Epoch([8; 16]), 1, batch.changes().to_vec(), NOW).unwrap(),
    ];
    for other in others {
        assert_ne!(other.content_id(), id);
    }
    let mut changes = batch.into_changes();
    changes[0].events.push(RegistryEvent {
        kind: EventKind::Death,
        event_date: None,
        effective_date: None,
        registration_date: day("2025-01-01"),
        act: None,
    });
    assert_ne!(
        Batch::new(istat(IMOLA), EPOCH, 1, changes, NOW)
            .unwrap()
            .content_id(),
        id
    );
}

/// Version 2: `02 istat epoch first count (id 00 events)*`, each event with `act?` behind its dates.
#[test]
fn the_bytes_of_a_batch_with_a_reference_of_an_act_are_as_documented() {
    let word = |text: &str| ActText::parse(text);
    let mut change = removal(300, "ab");
    let death = RegistryEvent {
        kind: EventKind::Death,
        event_date: None,
        effective_date: None,
        registration_date: day("2025-01-02"),
        act: Some(ActReference {
            municipality: istat(BOLOGNA),
            office: None,
            year: 2025,
            part: word("1"),
            series: None,
            number: word("12").unwrap(),
        }),
    };
    change
        .events
        .extend([death, RegistryEvent { act: None, ..death }]);
    let batch = Batch::new(istat(IMOLA), EPOCH, 300, vec![change.clone()], NOW).unwrap();
    let expected = [
        &b"\x02037032"[..],
        &[7; 16],
        b"\xac\x02\x01",
        b"\x02ab\x00\x02",
        b"\x10\x00\x00\x00\x0b\x47\xb5",
        b"\x01037006\x00\x07\xe9\x01\x011\x00\x0212",
        b"\x10\x00\x00\x00\x0b\x47\xb5\x00",
    ]
    .concat();
    assert_eq!(batch.canonical_bytes(), expected);
    assert!(Batch::from_canonical_bytes(&expected, NOW) == Ok(batch.clone()));
    for length in 0..expected.len() {
        let cut = Batch::from_canonical_bytes(&expected[..length], NOW);
        assert_eq!(cut, Err(BatchError::Bytes), "{length}");
    }
    // One content has one encoding: without any reference it is that of version 1.
    change.events.remove(0);
    let without = Batch::new(istat(IMOLA), EPOCH, 300, vec![change], NOW).unwrap();
    let mut bytes = without.canonical_bytes();
    assert_eq!(bytes[0], 1);
    bytes[0] = 2;
    bytes.push(0);
    assert_eq!(Batch::from_canonical_bytes(&bytes, NOW), Err(BatchError::Bytes));
    assert_ne!(without.content_id(), batch.content_id());
}

/// The layout of batches is in journals: `01 istat epoch first count (id 00 events)*`.
#[test]
fn the_bytes_of_a_batch_are_as_documented() {
    let mut change = removal(300, "ab");
    change.events.push(RegistryEvent {
        kind: EventKind::Emigration,
        event_date: None,
        effective_date: Some(day("2025-01-01")),
        registration_date: day("2025-01-02"),
        act: None,
    });
    let batch = Batch::new(istat(IMOLA), EPOCH, 300, vec![change], NOW).unwrap();
    let expected = [
        &b"\x01037032"[..],
        &[7; 16],
        b"\xac\x02\x01",
        b"\x02ab\x00\x01",
        b"\x04\x00\x01\x00\x0b\x47\xb4\x00\x0b\x47\xb5",
    ]
    .concat();
    assert_eq!(batch.canonical_bytes(), expected);
    assert!(Batch::from_canonical_bytes(&expected, NOW) == Ok(batch));
    for length in 0..expected.len() {
        assert_eq!(
            Batch::from_canonical_bytes(&expected[..length], NOW),
            Err(BatchError::Bytes),
            "{length}"
        );
    }
    assert_eq!(
        Batch::from_canonical_bytes(&[&expected[..], &[0]].concat(), NOW),
        Err(BatchError::Bytes)
    );
}
