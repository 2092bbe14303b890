use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::hash::leaf_hash;
use crate::tree::root_of;

fn municipality(id: &str) -> PartKind {
    PartKind::Subjects(MunicipalityId::new(id).unwrap())
}

fn kinds() -> Vec<PartKind> {
    vec![
        PartKind::Operator,
        PartKind::Criteria,
        PartKind::Decision,
        municipality("037032"),
        municipality("0123456789abcdef"),
        PartKind::AgreementBytes,
        PartKind::AdministrativeDetail,
        PartKind::PreviousCheckpoint,
    ]
}

/// Bytes that look random enough, different for each seed.
fn bytes(seed: u64, length: usize) -> Vec<u8> {
    (0..)
        .flat_map(|block: u64| *leaf_hash(&[seed.to_be_bytes(), block.to_be_bytes()].concat()).as_bytes())
        .take(length)
        .collect()
}

fn tree(commitments: &[Hash], seed: u64) -> PartsTree {
    let random = bytes(seed, PartsTree::random_len(commitments.len()).unwrap());
    PartsTree::build(commitments, &random).unwrap()
}

#[test]
fn a_commitment_is_the_leaf_hash_of_salt_kind_and_content() {
    let salt = Salt::new([9; 32]);
    let mut data = vec![9; 32];
    data.extend_from_slice(&[0, 4, 6]);
    data.extend_from_slice(b"037032content");
    assert_eq!(
        commitment(&municipality("037032"), &salt, b"content"),
        leaf_hash(&data)
    );
}

#[test]
fn kinds_have_one_encoding() {
    for kind in kinds() {
        let mut encoded = kind.encode();
        encoded.push(0xaa);
        assert_eq!(PartKind::decode(&encoded), Ok((kind, [0xaa].as_slice())));
    }
    for (encoded, expected) in [
        (vec![], PartKindError::Truncated),
        (vec![0, 1], PartKindError::Truncated),
        (vec![0, 4, 2, b'x'], PartKindError::Truncated),
        (vec![0, 4, 0], PartKindError::Municipality),
        (vec![0, 4, 1, b' '], PartKindError::Municipality),
        (vec![0, 4, 1, 0xff], PartKindError::Municipality),
        (vec![0, 1, 1, b'x'], PartKindError::Label(1)),
        (vec![0, 0, 0], PartKindError::Unknown(0)),
        (vec![0, 8, 0], PartKindError::Unknown(8)),
    ] {
        assert_eq!(PartKind::decode(&encoded), Err(expected), "{encoded:?}");
    }
    assert_eq!(
        MunicipalityId::new("x".repeat(17)),
        Err(PartKindError::Municipality)
    );
}

#[test]
fn every_part_can_be_shown_alone() {
    for parts in [0_usize, 1, 3, 8, 9, 16, 17, 330, 1024] {
        let salts: Vec<Salt> = (0..parts as u64)
            .map(|n| Salt::new(*leaf_hash(&n.to_be_bytes()).as_bytes()))
            .collect();
        let kind = PartKind::Decision;
        let commitments: Vec<Hash> = salts.iter().map(|salt| commitment(&kind, salt, b"no")).collect();
        let tree = tree(&commitments, 1);
        assert_eq!(tree.leaves().len(), parts.max(8).next_power_of_two());
        assert_eq!(root_of(tree.leaves()), Ok(tree.root()));
        assert_eq!(tree.proof(parts), None);
        for (part, salt) in salts.iter().enumerate() {
            let proof = tree.proof(part).unwrap();
            assert_eq!(proof.index, tree.positions()[part]);
            assert_eq!(verify_part(&kind, salt, b"no", &proof, &tree.root()), Ok(()));
            let wrong = Err(PartProofError::Inclusion(VerifyError::Root));
            assert_eq!(verify_part(&kind, salt, b"yes", &proof, &tree.root()), wrong);
            assert_eq!(
                verify_part(&PartKind::Criteria, salt, b"no", &proof, &tree.root()),
                wrong
            );
            assert_eq!(
                verify_part(&kind, &Salt::new([0; 32]), b"no", &proof, &tree.root()),
                wrong
            );
        }
    }
}

#[test]
fn positions_come_from_the_random_bytes_alone() {
    let commitments = [Hash::new([1; 32]), Hash::new([2; 32]), Hash::new([3; 32])];
    let mut seen = [[0_u32; 8]; 3];
    for seed in 0..800 {
        let tree = tree(&commitments, seed);
        for (part, position) in tree.positions().iter().enumerate() {
            seen[part][usize::from(*position)] += 1;
            assert_eq!(tree.leaves()[usize::from(*position)], commitments[part]);
        }
    }
    for (part, counts) in seen.iter().enumerate() {
        assert!(
            counts.iter().all(|count| (50..150).contains(count)),
            "part {part}: {counts:?}"
        );
    }
}

#[test]
fn an_entry_without_parts_commits_to_random_leaves() {
    assert_eq!(PartsTree::random_len(0), Ok(8 * 32));
    assert_ne!(tree(&[], 1).root(), tree(&[], 2).root());
}

#[test]
fn trees_outside_the_limits_are_refused() {
    let commitments = vec![Hash::EMPTY_TREE; 1025];
    assert_eq!(
        PartsTree::build(&commitments, &[]).err(),
        Some(PartsError::TooMany(1025))
    );
    assert_eq!(
        PartsTree::build(&commitments[..1], &[0; 227]).err(),
        Some(PartsError::Random {
            actual: 227,
            expected: 228
        })
    );
    let proof = |hashes| PartProof {
        index: 0,
        path: vec![Hash::EMPTY_TREE; hashes],
    };
    for hashes in [0, 2, 11, 64, 100] {
        assert_eq!(
            verify_part(
                &PartKind::Decision,
                &Salt::new([0; 32]),
                b"",
                &proof(hashes),
                &Hash::EMPTY_TREE
            ),
            Err(PartProofError::Width(hashes))
        );
    }
    let outside = PartProof {
        index: 8,
        path: vec![Hash::EMPTY_TREE; 3],
    };
    assert_eq!(
        verify_part(
            &PartKind::Decision,
            &Salt::new([0; 32]),
            b"",
            &outside,
            &Hash::EMPTY_TREE
        ),
        Err(PartProofError::Inclusion(VerifyError::Index))
    );
}

#[test]
fn openings_print_neither_salt_nor_content() {
    let commitments = [Hash::new([1; 32])];
    let opening = PartOpening {
        kind: PartKind::Criteria,
        salt: Salt::new([0xcd; 32]),
        proof: tree(&commitments, 1).proof(0).unwrap(),
        content: b"RSSMRA85T10A562S".to_vec(),
    };
    let printed = format!("{opening:?}");
    assert!(
        !printed.contains("RSSMRA") && !printed.contains("82, 83") && !printed.contains("205"),
        "{printed}"
    );
    assert_eq!(
        PartOpening {
            proof: PartProof {
                index: 0,
                path: Vec::new()
            },
            ..opening
        }
        .encode(),
        Err(OpeningError::Width(0))
    );
}

proptest! {
    #[test]
    fn an_opening_is_read_as_written_and_proves_itself(
        kind in (0..kinds().len()).prop_map(|at| kinds()[at].clone()),
        salt in any::<[u8; 32]>(),
        content in vec(any::<u8>(), 0..200),
        others in 0..20_usize,
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let salt = Salt::new(salt);
        let mut commitments = vec![Hash::EMPTY_TREE; others];
        commitments.push(commitment(&kind, &salt, &content));
        let tree = tree(&commitments, 5);
        let opening = PartOpening { kind, salt, proof: tree.proof(others).unwrap(), content };
        let mut encoded = opening.encode().unwrap();
        let decoded = PartOpening::decode(&encoded);
        prop_assert_eq!(&decoded, &Ok(opening));
        prop_assert_eq!(decoded.unwrap().verify(&tree.root()), Ok(()));

        let at = at.index(encoded.len());
        encoded[at] ^= 1 << bit;
        if let Ok(changed) = PartOpening::decode(&encoded) {
            prop_assert!(changed.verify(&tree.root()).is_err());
            prop_assert_eq!(changed.encode().unwrap(), encoded);
        }
    }

    #[test]
    fn hostile_openings_do_not_panic(bytes in vec(any::<u8>(), 0..300)) {
        if let Ok(opening) = PartOpening::decode(&bytes) {
            prop_assert_eq!(opening.encode().unwrap(), bytes);
        }
    }
}
