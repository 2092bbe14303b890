use std::cell::RefCell;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::collection::vec;
use proptest::prelude::*;
use sha2::Sha256;

use super::*;
use crate::hash::leaf_hash;
use crate::tile::{TileHashes, TileReader, completed, stored_hashes};

/// All complete nodes of a tree, level by level.
struct History(Vec<Vec<Hash>>);

#[derive(Debug, PartialEq, Eq)]
struct Absent;

impl History {
    fn new(leaves: &[Hash]) -> Self {
        let mut levels = vec![leaves.to_vec()];
        while let Some(below) = levels.last().filter(|level| 1 < level.len()) {
            let above = below
                .chunks_exact(2)
                .map(|pair| node_hash(&pair[0], &pair[1]))
                .collect();
            levels.push(above);
        }
        Self(levels)
    }
}

impl HashReader for History {
    type Error = Absent;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Absent> {
        let level = self.0.get(usize::from(level)).ok_or(Absent)?;
        level.get(index as usize).copied().ok_or(Absent)
    }
}

/// One growing list of hashes for each tile level, as a store keeps them.
#[derive(Default)]
struct TileFiles(RefCell<Vec<Vec<Hash>>>);

impl TileHashes for TileFiles {
    type Error = Absent;

    fn read(&self, tile_level: u8, first: u64, hashes: &mut [Hash]) -> Result<(), Absent> {
        let files = self.0.borrow();
        let file = files.get(usize::from(tile_level)).ok_or(Absent)?;
        let first = usize::try_from(first).map_err(|_| Absent)?;
        let end = first.checked_add(hashes.len()).ok_or(Absent)?;
        hashes.copy_from_slice(file.get(first..end).ok_or(Absent)?);
        Ok(())
    }
}

fn data(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| format!("entry {n}").into_bytes()).collect()
}

fn leaves(count: usize) -> Vec<Hash> {
    data(count).iter().map(|data| leaf_hash(data)).collect()
}

fn roots(leaves: &[Hash]) -> Vec<Hash> {
    let mut frontier = Frontier::default();
    let mut roots = vec![frontier.root()];
    for leaf in leaves {
        frontier.push(*leaf).unwrap();
        roots.push(frontier.root());
    }
    roots
}

fn concatenated(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

#[test]
fn roots_are_those_of_the_reference_implementation() {
    let leaves: Vec<Hash> = [
        &[][..],
        &[0x00],
        &[0x10],
        &[0x20, 0x21],
        &[0x30, 0x31],
        &[0x40, 0x41, 0x42, 0x43],
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        &[
            0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f,
        ],
    ]
    .map(leaf_hash)
    .to_vec();
    let expected = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    for (size, root) in roots(&leaves).iter().enumerate() {
        assert_eq!(root.to_string(), expected[size], "size {size}");
        assert_eq!(root_of(&leaves[..size]), Ok(*root));
    }
}

#[test]
fn roots_and_proofs_equal_those_of_another_implementation() {
    const SIZES: usize = 700;
    let history = History::new(&leaves(SIZES));
    let roots = roots(&leaves(SIZES));
    let mut other = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    for (data, size) in data(SIZES).into_iter().zip(1_u64..) {
        other.push(data);
        assert_eq!(
            other.root().as_bytes().as_slice(),
            roots[size as usize].as_ref(),
            "size {size}"
        );
        let step = if size < 70 { 1 } else { 61 };
        for index in (0..size).step_by(step).chain([size - 1]) {
            let path = inclusion_proof(index, size, &history).unwrap();
            let expected = other.prove_inclusion(index as usize);
            assert_eq!(concatenated(&path), expected.as_bytes(), "leaf {index} of {size}");
        }
        for old in (1..size).step_by(step) {
            let proof = consistency_proof(old, size, &history).unwrap();
            let expected = other.prove_consistency((size - old) as usize);
            assert_eq!(concatenated(&proof), expected.as_bytes(), "from {old} to {size}");
        }
    }
}

#[test]
fn every_proof_of_every_size_verifies() {
    const SIZES: u64 = 300;
    let leaves = leaves(SIZES as usize);
    let history = History::new(&leaves);
    let roots = roots(&leaves);
    for size in 0..=SIZES {
        let root = &roots[size as usize];
        assert_eq!(Frontier::load(size, &history).unwrap().root(), *root);
        for index in 0..size {
            let path = inclusion_proof(index, size, &history).unwrap();
            assert_eq!(
                verify_inclusion(&leaves[index as usize], index, size, &path, root),
                Ok(())
            );
        }
        for old in 0..=size {
            let proof = consistency_proof(old, size, &history).unwrap();
            assert_eq!(
                verify_consistency(old, &roots[old as usize], size, root, &proof),
                Ok(())
            );
        }
    }
}

#[test]
fn questions_without_an_answer_are_refused() {
    let history = History::new(&leaves(8));
    let beyond = MAX_SIZE + 1;
    let index = |index, size| Err(ProofError::Tree(TreeError::Index { index, size }));
    assert_eq!(inclusion_proof(0, 0, &history), index(0, 0));
    assert_eq!(inclusion_proof(8, 8, &history), index(8, 8));
    assert_eq!(
        inclusion_proof(0, beyond, &history),
        Err(ProofError::Tree(TreeError::TooLarge(beyond)))
    );
    assert_eq!(inclusion_proof(0, 9, &history), Err(ProofError::Read(Absent)));
    let shrinks = TreeError::Shrinks { old: 5, new: 4 };
    assert_eq!(consistency_proof(5, 4, &history), Err(ProofError::Tree(shrinks)));
    assert_eq!(consistency_proof(3, 20, &history), Err(ProofError::Read(Absent)));
    assert_eq!(Frontier::load(9, &history), Err(ProofError::Read(Absent)));
    assert_eq!(
        Frontier::new(5, leaves(3)),
        Err(TreeError::Frontier {
            size: 5,
            expected: 2,
            actual: 3
        })
    );
    let mut full = Frontier::new(MAX_SIZE, leaves(1)).unwrap();
    assert_eq!(full.push(Hash::EMPTY_TREE), Err(TreeError::TooLarge(beyond)));
    assert!(BatchTree::new(&full, &leaves(1)).is_err());
    assert_eq!(BatchTree::new(&full, &[]).unwrap().root(), leaves(1)[0]);
}

#[test]
fn proofs_that_are_malformed_or_of_other_trees_are_refused() {
    let root = Hash::EMPTY_TREE;
    let huge = vec![root; 64];
    assert_eq!(verify_inclusion(&root, 0, 0, &[], &root), Err(VerifyError::Index));
    assert_eq!(
        verify_inclusion(&root, 0, u64::MAX, &huge, &root),
        Err(VerifyError::Size)
    );
    assert_eq!(
        verify_inclusion(&root, 0, MAX_SIZE, &huge, &root),
        Err(VerifyError::Length)
    );
    assert_eq!(
        verify_inclusion(&root, 0, MAX_SIZE, &huge[..63], &root),
        Err(VerifyError::Root)
    );
    assert_eq!(
        verify_consistency(2, &root, 1, &root, &[]),
        Err(VerifyError::Shrinks)
    );
    assert_eq!(
        verify_consistency(1, &root, u64::MAX, &root, &huge),
        Err(VerifyError::Size)
    );
    assert_eq!(verify_consistency(0, &root, 5, &leaves(1)[0], &[]), Ok(()));
    assert_eq!(
        verify_consistency(0, &leaves(1)[0], 5, &root, &[]),
        Err(VerifyError::OldRoot)
    );
    assert_eq!(
        verify_consistency(0, &root, 5, &root, &huge[..1]),
        Err(VerifyError::Length)
    );
    assert_eq!(
        verify_consistency(5, &root, 5, &leaves(1)[0], &[]),
        Err(VerifyError::Root)
    );
    assert_eq!(
        verify_consistency(5, &root, 5, &root, &huge[..1]),
        Err(VerifyError::Length)
    );
    assert_eq!(verify_consistency(0, &root, 0, &root, &[]), Ok(()));
    assert_eq!(
        verify_consistency(0, &root, 0, &leaves(1)[0], &[]),
        Err(VerifyError::Root)
    );
}

#[test]
fn a_batch_gives_what_the_whole_history_gives() {
    const SIZES: usize = 70;
    let leaves = leaves(2 * SIZES);
    let history = History::new(&leaves);
    let roots = roots(&leaves);
    for old in 0..=SIZES {
        let before = Frontier::load(old as u64, &history).unwrap();
        for new in old..=old + SIZES {
            check_batch(&before, &leaves[old..new], &history, &roots[new]);
        }
    }
}

#[track_caller]
fn check_batch(before: &Frontier, leaves: &[Hash], history: &History, root: &Hash) {
    let old = before.size();
    let batch = BatchTree::new(before, leaves).unwrap();
    let new = old + leaves.len() as u64;
    assert_eq!(
        (batch.first_index(), batch.size(), batch.root()),
        (old, new, *root),
        "{old} to {new}"
    );
    assert_eq!(
        batch.frontier(),
        Frontier::load(new, history).unwrap(),
        "{old} to {new}"
    );
    assert!(batch.path(new).is_none());
    assert!(old == 0 || batch.path(old - 1).is_none());
    for index in old..new {
        let path: Vec<Hash> = batch.path(index).unwrap().collect();
        assert_eq!(
            path,
            inclusion_proof(index, new, history).unwrap(),
            "leaf {index} of {new}"
        );
    }
    for level in 0..10_u8 {
        for index in 0..(new >> level) + 2 {
            let is_new = old >> level <= index && index < new >> level;
            let expected = if is_new {
                history.hash(level, index).ok()
            } else {
                None
            };
            assert_eq!(
                batch.completed_hash(level, index),
                expected,
                "{old} to {new}: {level}/{index}"
            );
        }
    }
}

#[test]
fn tiles_filled_batch_by_batch_answer_for_every_node() {
    const SIZE: usize = 66_000;
    let leaves = leaves(SIZE);
    let history = History::new(&leaves);
    let files = TileFiles(RefCell::new(vec![Vec::new(); 8]));
    let mut frontier = Frontier::default();
    for batch_leaves in leaves.chunks(619) {
        let batch = BatchTree::new(&frontier, batch_leaves).unwrap();
        for (level, index) in completed(frontier.size(), batch.size()) {
            let file = &mut files.0.borrow_mut()[usize::from(level)];
            assert_eq!(file.len() as u64, index);
            file.push(batch.completed_hash(8 * level, index).unwrap());
        }
        frontier = batch.frontier();
    }
    for level in 0..8 {
        assert_eq!(
            files.0.borrow()[usize::from(level)].len() as u64,
            stored_hashes(level, SIZE as u64)
        );
    }
    let reader = TileReader(&files);
    for (level, hashes) in (0..).zip(&history.0) {
        for (index, hash) in (0..).zip(hashes).step_by(97) {
            assert_eq!(reader.hash(level, index), Ok(*hash), "{level}/{index}");
        }
    }
    assert_eq!(reader.hash(0, SIZE as u64), Err(Absent));
    assert_eq!(reader.hash(7, u64::MAX), Err(Absent));
    let size = SIZE as u64;
    for index in [0, 1, 255, 256, 65_535, 65_536, size - 1] {
        let path = inclusion_proof(index, size, reader).unwrap();
        let leaf = &leaves[index as usize];
        assert_eq!(
            verify_inclusion(leaf, index, size, &path, &frontier.root()),
            Ok(())
        );
    }
}

proptest! {
    #[test]
    fn a_proof_of_anything_else_fails(
        size in 2_u64..300,
        at in any::<prop::sample::Index>(),
        old in any::<prop::sample::Index>(),
        hash in any::<prop::sample::Index>(),
        bit in 0_usize..256,
    ) {
        let leaves = leaves(300);
        let history = History::new(&leaves);
        let roots = roots(&leaves);
        let root = roots[size as usize];
        let flip = |hash: &Hash| {
            let mut bytes = *hash.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            Hash::new(bytes)
        };

        let index = at.index(size as usize) as u64;
        let leaf = leaves[index as usize];
        let path = inclusion_proof(index, size, &history).unwrap();
        let mut changed = path.clone();
        let place = hash.index(path.len());
        changed[place] = flip(&changed[place]);
        prop_assert!(verify_inclusion(&leaf, index, size, &changed, &root).is_err());
        prop_assert!(verify_inclusion(&flip(&leaf), index, size, &path, &root).is_err());
        prop_assert!(verify_inclusion(&leaf, index, size, &path, &flip(&root)).is_err());
        prop_assert!(verify_inclusion(&leaf, index ^ 1, size, &path, &root).is_err());
        prop_assert!(verify_inclusion(&leaf, index, size, &path[1..], &root).is_err());
        changed = path;
        changed.push(Hash::EMPTY_TREE);
        prop_assert!(verify_inclusion(&leaf, index, size, &changed, &root).is_err());

        let old = 1 + old.index(size as usize - 1) as u64;
        let old_root = roots[old as usize];
        let proof = consistency_proof(old, size, &history).unwrap();
        let mut changed = proof.clone();
        let place = hash.index(proof.len());
        changed[place] = flip(&changed[place]);
        prop_assert!(verify_consistency(old, &old_root, size, &root, &changed).is_err());
        prop_assert!(verify_consistency(old, &flip(&old_root), size, &root, &proof).is_err());
        prop_assert!(verify_consistency(old, &old_root, size, &flip(&root), &proof).is_err());
        prop_assert!(verify_consistency(old, &old_root, size, &root, &proof[1..]).is_err());
        changed = proof;
        changed.push(Hash::EMPTY_TREE);
        prop_assert!(verify_consistency(old, &old_root, size, &root, &changed).is_err());
    }

    #[test]
    fn hostile_proofs_do_not_panic(
        a in any::<u64>(), b in any::<u64>(), proof in vec(any::<[u8; 32]>().prop_map(Hash::new), 0..70),
    ) {
        let root = Hash::EMPTY_TREE;
        prop_assert!(verify_inclusion(&root, a, b, &proof, &root).is_err());
        prop_assert!(verify_consistency(a, &root, b, &root, &proof).is_err() || a == 0 || a == b);
    }
}
