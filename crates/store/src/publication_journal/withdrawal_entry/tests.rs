use registry::signing::Signature;
use registry::statement::RegistrarId;

use super::*;
use crate::test_support::people::{IMOLA, municipality};

fn withdrawal() -> WithdrawalEntry {
    WithdrawalEntry {
        sequence: CommitSequence(9),
        at_ms: 8,
        municipality: municipality(IMOLA),
        parts: 2,
        statement: SignedStatement {
            text: "text".to_owned(),
            registrar: RegistrarId::parse("m.rossi").unwrap(),
            signature: Signature([0x33; 64]),
        },
    }
}

fn remains() -> RemainsEntry {
    RemainsEntry {
        part: 2,
        municipality: municipality(IMOLA),
        rows: vec![(b"Ckey".to_vec(), b"value".to_vec()), (b"K".to_vec(), Vec::new())],
    }
}

/// Bytes as format 1 has them: they must be read for ever.
#[test]
fn a_withdrawal_has_the_bytes_of_its_format() {
    let bytes = [
        &b"\x01"[..],
        &8u64.to_be_bytes(),
        b"E289\x00\x00\x00\x02\x00\x00\x00\x04text\x00\x00\x00\x07m.rossi",
        &[0x33; 64],
    ]
    .concat();
    assert_eq!(withdrawal().encode(), bytes);
    assert_eq!(
        WithdrawalEntry::decode(CommitSequence(9), &bytes),
        Ok(withdrawal())
    );
    for length in 0..bytes.len() {
        let cut = WithdrawalEntry::decode(CommitSequence(9), &bytes[..length]);
        assert_eq!(cut, Err(EntryError::Malformed), "{length}");
    }
    let longer = [&bytes[..], b"\x00"].concat();
    let later = [b"\x02", &bytes[1..]].concat();
    let decode = |bytes: &[u8]| WithdrawalEntry::decode(CommitSequence(9), bytes);
    assert_eq!(decode(&longer), Err(EntryError::Malformed));
    assert_eq!(decode(&later), Err(EntryError::Format));
}

/// The same of what remains.
#[test]
fn remains_have_the_bytes_of_their_format() {
    let bytes = b"\x01E289\x00\x00\x00\x04Ckey\x00\x00\x00\x05value\x00\x00\x00\x01K\x00\x00\x00\x00";
    assert_eq!(remains().encode(), bytes);
    assert_eq!(RemainsEntry::decode(2, bytes), Ok(remains()));
    let lengths: usize = remains().rows.iter().map(RemainsEntry::length_of).sum();
    assert_eq!(lengths, bytes.len() - 5);
    for length in (0..5).chain(6..22).chain(23..bytes.len()) {
        let cut = RemainsEntry::decode(2, &bytes[..length]);
        assert_eq!(cut, Err(EntryError::Malformed), "{length}");
    }
    let later = [b"\x02", &bytes[1..]].concat();
    assert_eq!(RemainsEntry::decode(2, &later), Err(EntryError::Format));
    assert_eq!(format!("{:?}", remains()), "RemainsEntry(2, 2 rows)");
}
