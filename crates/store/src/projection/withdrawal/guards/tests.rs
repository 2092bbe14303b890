use super::*;
use crate::test_support::people::{DOZZA, municipality};

/// Bytes as format 1 has them: they must be read for ever.
#[test]
fn guards_have_the_bytes_of_their_format() {
    let guards = Guards {
        marks: BTreeSet::from([b"Bmark".to_vec(), b"Q".to_vec()]),
        buried: BTreeSet::from([(municipality(DOZZA), RecordId(Uuid::from_bytes([7; 16])))]),
    };
    let bytes = [
        &b"\x01\x00\x00\x00\x02\x00\x00\x00\x05Bmark\x00\x00\x00\x01Q"[..],
        municipality(DOZZA).as_str().as_bytes(),
        &[7; 16],
    ]
    .concat();
    assert_eq!(guards.encode(), bytes);
    assert_eq!(Guards::decode(&bytes), Ok(guards.clone()));
    assert_eq!(format!("{guards:?}"), "Guards(2 marks, 1 buried)");
    for length in (0..19).chain(20..bytes.len()) {
        assert_eq!(
            Guards::decode(&bytes[..length]),
            Err(EntryError::Malformed),
            "{length}"
        );
    }
    let later = [b"\x02", &bytes[1..]].concat();
    assert_eq!(Guards::decode(&later), Err(EntryError::Format));
}
