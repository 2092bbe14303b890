use registry::signing::Signature;
use registry::statement::{RegistrarId, SignedStatement};

use super::*;
use crate::test_support::people::{IMOLA, municipality};

fn row(byte: u8, length: usize) -> Row {
    (vec![byte; 33], vec![0; length])
}

fn withdrawal(parts: u32) -> WithdrawalEntry {
    WithdrawalEntry {
        sequence: CommitSequence(1),
        at_ms: 2,
        municipality: municipality(IMOLA),
        parts,
        statement: SignedStatement {
            text: "text".to_owned(),
            registrar: RegistrarId::parse("m.rossi").unwrap(),
            signature: Signature([0; 64]),
        },
    }
}

#[test]
fn rows_are_cut_into_parts_of_some_size_and_none_is_lost() {
    let rows: Vec<Row> = [60, 30, 50, 60, 60, 10].map(|kib| row(1, kib << 10)).to_vec();
    let lengths: Vec<usize> = parts_of(&rows).map(<[Row]>::len).collect();
    assert_eq!(lengths, [2, 1, 1, 2]);
    assert_eq!(parts_of(&[]).count(), 0);
}

#[test]
fn only_the_parts_of_the_last_attempt_count() {
    let mut read = RemainsRead::default();
    for (part, byte) in [(1, 7), (2, 8), (1, 1), (2, 2)] {
        read.add(part, vec![row(byte, 1)]).unwrap();
    }
    let rows = read.withdraw(&withdrawal(2)).unwrap();
    assert_eq!(rows.into_keys().map(|key| key[0]).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_missing_part_and_what_comes_behind_a_withdrawal_are_refused() {
    let mut read = RemainsRead::default();
    assert!(matches!(read.add(2, Vec::new()), Err(ReadError::Remains)));
    assert!(matches!(read.withdraw(&withdrawal(1)), Err(ReadError::Remains)));
    read.open(municipality(IMOLA)).unwrap();
    read.withdraw(&withdrawal(0)).unwrap();
    assert!(matches!(
        read.open(municipality(IMOLA)),
        Err(ReadError::Withdrawn)
    ));
    assert!(matches!(read.withdraw(&withdrawal(0)), Err(ReadError::Withdrawn)));
}
