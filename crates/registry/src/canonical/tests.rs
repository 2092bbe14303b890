use proptest::prelude::*;

use super::bytes::{Cursor, Writer};
use super::*;
use crate::testing::{any_record, full_record, measured_record, open_record};

/// Version 1 of a card with every field, as first written. These bytes are in journals and stores: they must decode
/// to the same card for ever, and the card must encode to them as long as version 1 is written.
const VERSION_1: &str = include_str!("../../tests/fixtures/canonical_v1.hex");

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// Version 2 of the same card with both measures, as first written.
const VERSION_2: &str = include_str!("../../tests/fixtures/canonical_v2.hex");

#[test]
fn version_2_reads_and_writes_as_it_always_did() {
    let fixture = from_hex(VERSION_2);
    assert!(decode(&fixture) == Ok(measured_record()));
    assert!(encode(&measured_record()) == fixture);
    let version_1 = from_hex(VERSION_1);
    assert_eq!(fixture[0], 2);
    assert!(fixture[1..].starts_with(&version_1[1..]), "version 2 only adds");
}

#[test]
fn a_card_has_the_version_of_its_measures_and_no_other() {
    let without = [&[2], &encode(&full_record())[1..]].concat();
    assert_eq!(decode(&without), Err(CanonicalError::Version(2)));
    let with = [&[1], &encode(&measured_record())[1..]].concat();
    assert_eq!(decode(&with), Err(CanonicalError::UnknownTag(0x61)));
    let mut measured = measured_record();
    measured.measures.protection = None;
    assert!(decode(&encode(&measured)) == Ok(measured));
}

#[test]
fn a_protection_that_ends_before_it_begins_is_refused() {
    let mut measured = measured_record();
    if let Some(protection) = &mut measured.measures.protection {
        protection.until = protection.from.pred_opt();
    }
    assert_eq!(decode(&encode(&measured)), Err(CanonicalError::Value(0x61)));
}

#[test]
fn version_1_reads_and_writes_as_it_always_did() {
    let fixture = from_hex(VERSION_1);
    assert!(decode(&fixture) == Ok(full_record()));
    assert!(encode(&full_record()) == fixture);
}

/// Where the fields of an encoding begin: (tag, start, end).
fn fields(bytes: &[u8]) -> Vec<(u8, usize, usize)> {
    let mut input = Cursor::new(&bytes[1..]);
    let mut found = Vec::new();
    let mut start = 1;
    while let Ok(tag) = input.byte() {
        let value = input.nested().unwrap();
        let mut prefix = Writer::default();
        prefix.varint(value.len() as u64);
        let end = start + 1 + prefix.into_bytes().len() + value.len();
        found.push((tag, start, end));
        start = end;
    }
    found
}

#[test]
fn a_missing_field_is_named() {
    let bytes = encode(&open_record());
    let needed = [0x01, 0x02, 0x03, 0x12, 0x13, 0x14, 0x50];
    for (tag, start, end) in fields(&bytes) {
        let without: Vec<u8> = [&bytes[..start], &bytes[end..]].concat();
        let outcome = decode(&without);
        if needed.contains(&tag) {
            assert_eq!(outcome, Err(CanonicalError::Missing(tag)));
        } else {
            assert!(outcome.is_ok_and(|record| record != open_record()), "{tag:#x}");
        }
    }
}

#[test]
fn a_field_twice_or_out_of_order_is_refused() {
    let bytes = encode(&full_record());
    let fields = fields(&bytes);
    for &(tag, start, end) in &fields {
        let twice: Vec<u8> = [&bytes[..end], &bytes[start..]].concat();
        match decode(&twice) {
            Err(CanonicalError::Order(refused) | CanonicalError::Value(refused)) => assert_eq!(refused, tag),
            Ok(record) => {
                assert!(matches!(tag, 0x20 | 0x32), "{tag:#x} twice is another card");
                assert!(record != full_record());
            }
            Err(other) => panic!("{tag:#x}: {other}"),
        }
    }
    for pair in fields.windows(2) {
        let [(first, start, middle), (second, _, end)] = pair else {
            unreachable!()
        };
        if first == second {
            continue;
        }
        let swapped: Vec<u8> = [
            &bytes[..*start],
            &bytes[*middle..*end],
            &bytes[*start..*middle],
            &bytes[*end..],
        ]
        .concat();
        assert_eq!(decode(&swapped), Err(CanonicalError::Order(*first)));
    }
}

#[test]
fn facts_of_one_kind_must_ascend() {
    let bytes = encode(&full_record());
    for tag in [0x30, 0x33, 0x34] {
        let facts: Vec<_> = fields(&bytes)
            .into_iter()
            .filter(|(found, ..)| *found == tag)
            .collect();
        let [(_, start, middle), (_, _, end)] = facts[..] else {
            panic!("two facts with {tag:#x}")
        };
        let swapped = [
            &bytes[..start],
            &bytes[middle..end],
            &bytes[start..middle],
            &bytes[end..],
        ]
        .concat();
        assert_eq!(decode(&swapped), Err(CanonicalError::Value(tag)));
    }
}

#[test]
fn every_end_before_the_end_is_refused() {
    let bytes = encode(&full_record());
    let ends: Vec<usize> = fields(&bytes).into_iter().map(|(_, _, end)| end).collect();
    for length in 0..bytes.len() {
        let outcome = decode(&bytes[..length]);
        if ends.contains(&length) && outcome.is_ok() {
            continue;
        }
        let refused = matches!(
            outcome,
            Err(CanonicalError::Empty | CanonicalError::Truncated(_) | CanonicalError::Missing(_))
        );
        assert!(refused, "{length}: {outcome:?}");
    }
}

#[test]
fn what_is_no_known_version_is_refused() {
    let bytes = encode(&full_record());
    for version in [0, 3, 255] {
        let other = [&[version], &bytes[1..]].concat();
        assert_eq!(decode(&other), Err(CanonicalError::Version(version)));
    }
    assert_eq!(
        decode(&[&bytes[..], &[0x63, 0]].concat()),
        Err(CanonicalError::UnknownTag(0x63))
    );
    assert_eq!(
        decode(&[&bytes[..], &[0x63]].concat()),
        Err(CanonicalError::Truncated(0x63))
    );
    assert_eq!(decode(b"\x01\x15\x00"), Err(CanonicalError::UnknownTag(0x15)));
    assert_eq!(decode(b""), Err(CanonicalError::Empty));
}

#[test]
fn a_varint_has_one_form() {
    let read = |bytes: &[u8]| {
        let mut input = Cursor::new(bytes);
        input.varint().and_then(|value| input.end().map(|()| value)).ok()
    };
    let cases: &[(&[u8], Option<u64>)] = &[
        (&[0], Some(0)),
        (&[0x7f], Some(127)),
        (&[0x80, 1], Some(128)),
        (
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            Some(u64::MAX),
        ),
        (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], None),
        (
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0],
            None,
        ),
        (&[0x80, 0], None),
        (&[0x81, 0x80, 0], None),
        (&[0x80], None),
        (&[], None),
    ];
    for (bytes, value) in cases {
        assert_eq!(read(bytes), *value, "{bytes:?}");
    }
}

#[test]
fn errors_name_tags_and_never_values() {
    let bytes = encode(&full_record());
    let at = bytes.windows(5).position(|window| window == b"40026").unwrap();
    let mut broken = bytes;
    broken[at] = 0xff;
    let error = decode(&broken).unwrap_err();
    assert_eq!(error, CanonicalError::Value(0x33));
    assert_eq!(
        error.to_string(),
        "the field with tag 0x33 holds no canonical value"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_record_comes_back_from_its_bytes(record in any_record()) {
        let bytes = encode(&record);
        prop_assert!(decode(&bytes) == Ok(record));
    }

    #[test]
    fn what_decodes_has_no_other_encoding(record in any_record(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = encode(&record);
        let position = at.index(bytes.len());
        bytes[position] = byte;
        if let Ok(other) = decode(&bytes) {
            prop_assert!(encode(&other) == bytes);
        }
    }

    #[test]
    fn no_bytes_make_the_decoder_fall(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(record) = decode(&bytes) {
            prop_assert!(encode(&record) == bytes);
        }
    }
}
