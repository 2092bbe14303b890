use super::*;
use crate::change::{Change, ChangeBody};
use crate::publication::{Batch, Epoch};
use crate::signing::SigningKey;
use crate::testing::{IMOLA, istat, local_id};

fn secret(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32]).unwrap()
}

fn key(number: u8, from_ms: Option<u64>, until_ms: Option<u64>) -> EnrolledKey {
    EnrolledKey {
        key: secret(number).verifying_key(),
        from_ms,
        until_ms,
    }
}

fn signed(number: u8) -> SignedBatch {
    let change = Change {
        sequence: 1,
        local_id: local_id("S-1"),
        body: ChangeBody::Remove,
        events: Vec::new(),
    };
    let batch = Batch::new(istat(IMOLA), Epoch([7; 16]), 1, vec![change], 0).unwrap();
    SignedBatch::sign(batch, &secret(number))
}

#[test]
fn old_and_new_key_are_taken_together_for_a_while_and_each_alone_before_and_after() {
    let keys = EnrolledKeys::new(vec![key(1, None, Some(2_000)), key(2, Some(1_000), None)]).unwrap();
    let taken = |now_ms| {
        [1, 2].map(|number| {
            let verified = keys.verify(signed(number), now_ms);
            verified.is_ok_and(|verified| verified.key() == secret(number).verifying_key())
        })
    };
    assert_eq!(taken(0), [true, false]);
    assert_eq!(taken(999), [true, false]);
    assert_eq!(taken(1_000), [true, true]);
    assert_eq!(taken(1_999), [true, true]);
    assert_eq!(taken(2_000), [false, true]);
    assert_eq!(taken(u64::MAX), [false, true]);
    assert!(keys.verify(signed(3), 1_500).is_err(), "a key of nobody");
    let standings = |now_ms| keys.iter().map(|key| key.standing(now_ms)).collect::<Vec<_>>();
    assert_eq!(standings(0), [KeyStanding::Good, KeyStanding::Awaited]);
    assert_eq!(standings(2_000), [KeyStanding::Over, KeyStanding::Good]);
}

#[test]
fn one_key_for_good_is_taken_always() {
    let keys = EnrolledKeys::of(secret(1).verifying_key());
    for now_ms in [0, u64::MAX] {
        assert!(keys.verify(signed(1), now_ms).is_ok());
        assert!(keys.verify(signed(2), now_ms).is_err());
    }
}

#[test]
fn keys_of_a_node_are_at_least_one_at_most_four_and_none_twice() {
    use EnrolledKeysError as Error;
    let check = |keys: Vec<EnrolledKey>, expected| {
        assert_eq!(EnrolledKeys::new(keys).err(), expected);
    };
    check(vec![], Some(Error::Empty));
    check((1..5).map(|number| key(number, None, None)).collect(), None);
    check(
        (1..6).map(|number| key(number, None, None)).collect(),
        Some(Error::TooMany),
    );
    check(
        vec![key(1, None, Some(5)), key(1, Some(5), None)],
        Some(Error::Repeated),
    );
    check(vec![key(1, Some(5), Some(5))], Some(Error::Time));
    check(vec![key(1, Some(5), Some(6))], None);
}
