use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn id(number: u16) -> LocalId {
    LocalId::parse(&format!("C-{number}")).unwrap()
}

#[test]
fn the_empty_digest_and_one_card_are_the_published_vectors() {
    let mut digest = SetDigest::new();
    assert_eq!(digest.root().to_string(), EMPTY_ROOT);
    digest.add(&id(1), b"\x01card");
    assert_eq!(digest.root().to_string(), ONE_CARD_ROOT);
    assert_eq!(Bucket::of(&id(1)).number(), 0x1f);
}

const EMPTY_ROOT: &str = "c886dc02ffad9970c6acb22ce593b3261acd84be206bc0c337a06a3c33b54052";
const ONE_CARD_ROOT: &str = "51f39dec8f31173221d76d79657d6884ba405348c4ee47ab001870bbcb70dd6f";

#[test]
fn sums_carry_and_borrow_through_all_limbs() {
    let ones = Sum([u64::MAX; 4]);
    let one = Sum([1, 0, 0, 0]);
    assert!(ones.plus(one) == Sum::ZERO);
    assert!(Sum::ZERO.minus(one) == ones);
    assert!(Sum([u64::MAX, 0, 0, 0]).plus(one) == Sum([0, 1, 0, 0]));
    assert!(Sum([0, 0, 0, 1]).minus(one) == Sum([u64::MAX, u64::MAX, u64::MAX, 0]));
}

#[test]
fn a_digest_of_another_length_is_refused() {
    for length in [0, DIGEST_BYTES - 1, DIGEST_BYTES + 1, 2 * DIGEST_BYTES] {
        assert_eq!(SetDigest::from_bytes(&vec![0; length]), Err(DigestLength));
    }
}

#[test]
fn two_sets_differ_exactly_in_the_bucket_of_the_changed_card() {
    let mut mine = SetDigest::new();
    (0..200).for_each(|number| mine.add(&id(number), b"same"));
    let mut theirs = mine.clone();
    theirs.replace(&id(7), b"same", b"other");
    assert_eq!(mine.differing(&theirs), [Bucket::of(&id(7))]);
    assert_ne!(mine.root(), theirs.root());
}

#[test]
fn equal_content_under_two_ids_is_not_the_same_set() {
    let (mut one, mut other) = (SetDigest::new(), SetDigest::new());
    one.add(&id(1), b"card");
    other.add(&id(2), b"card");
    assert_ne!(one.root(), other.root());
}

proptest! {
    #[test]
    fn the_digest_depends_on_the_set_and_not_on_its_story(
        story in proptest::collection::vec((0u16..40, proptest::option::of(0u8..4)), 0..200)
    ) {
        let mut live = SetDigest::new();
        let mut model = BTreeMap::<u16, u8>::new();
        for (card, version) in story {
            match (model.get(&card).copied(), version) {
                (None, Some(new)) => live.add(&id(card), &[new]),
                (Some(old), Some(new)) => live.replace(&id(card), &[old], &[new]),
                (Some(old), None) => live.remove(&id(card), &[old]),
                (None, None) => {}
            }
            match version {
                Some(new) => model.insert(card, new),
                None => model.remove(&card),
            };
        }
        let mut fresh = SetDigest::new();
        model.iter().rev().for_each(|(card, version)| fresh.add(&id(*card), &[*version]));
        prop_assert!(live == fresh);
        prop_assert_eq!(live.root(), fresh.root());
        prop_assert!(SetDigest::from_bytes(&live.to_bytes()) == Ok(fresh));
    }
}
