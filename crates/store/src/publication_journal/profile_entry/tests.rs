use registry::profile::FieldGroup;

use super::*;
use crate::test_support::people::{IMOLA, municipality};

/// Bytes as format 1 has them: they must be read for ever.
#[test]
fn a_profile_has_the_bytes_of_its_format() {
    let cases = [
        (GroupSet::NONE, 0),
        (GroupSet::of(&[FieldGroup::CivilStatus]), 0b1),
        (
            GroupSet::of(&[FieldGroup::Citizenships, FieldGroup::Aire]),
            0b1_0010,
        ),
        (
            GroupSet::of(&[FieldGroup::Parents, FieldGroup::IdentityDocument]),
            0b1100,
        ),
    ];
    for (groups, bits) in cases {
        let entry = ProfileEntry {
            sequence: CommitSequence(9),
            recorded_ms: 8,
            municipality: municipality(IMOLA),
            groups,
        };
        let bytes = [&b"\x01"[..], &8u64.to_be_bytes(), b"E289", &[bits]].concat();
        assert_eq!(entry.encode(), bytes);
        assert_eq!(ProfileEntry::decode(CommitSequence(9), &bytes), Ok(entry));
        for length in 0..bytes.len() {
            assert!(
                ProfileEntry::decode(CommitSequence(9), &bytes[..length]).is_err(),
                "{length}"
            );
        }
        let longer = [&bytes[..], b"\x00"].concat();
        assert_eq!(
            ProfileEntry::decode(CommitSequence(9), &longer),
            Err(EntryError::Malformed)
        );
        let later = [b"\x02", &bytes[1..]].concat();
        assert_eq!(
            ProfileEntry::decode(CommitSequence(9), &later),
            Err(EntryError::Format)
        );
    }
    let unknown = [&b"\x01"[..], &8u64.to_be_bytes(), b"E289", &[0b10_0000]].concat();
    assert_eq!(
        ProfileEntry::decode(CommitSequence(9), &unknown),
        Err(EntryError::Malformed)
    );
}
