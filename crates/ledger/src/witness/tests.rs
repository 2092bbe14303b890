use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::checkpoint::LogSigner;
use crate::hash::{leaf_hash, node_hash};
use crate::name::{KeyName, Origin};
use crate::tree::{HashReader, consistency_proof, root_of};

fn signer() -> LogSigner {
    LogSigner::from_seed(Origin::new("log.ponte.example/1").unwrap(), &[7; 32]).unwrap()
}

fn cosigner() -> Cosigner {
    Cosigner::from_seed(KeyName::new("witness.example.org").unwrap(), &[9; 32]).unwrap()
}

/// One history that a log may show.
#[derive(Clone, Debug)]
struct Branch(Vec<Hash>);

struct Levels(Vec<Vec<Hash>>);

impl HashReader for Levels {
    type Error = ();

    fn hash(&self, level: u8, index: u64) -> Result<Hash, ()> {
        let level = self.0.get(usize::from(level)).ok_or(())?;
        level
            .get(usize::try_from(index).map_err(|_| ())?)
            .copied()
            .ok_or(())
    }
}

impl Branch {
    fn signed(&self, size: usize) -> SignedCheckpoint {
        signer().sign(size as u64, root_of(&self.0[..size]).unwrap())
    }

    /// Proof that the tree of `new` leaves continues that of `old`; none where it is shorter.
    fn proof(&self, old: u64, new: usize) -> Vec<Hash> {
        let mut levels = vec![self.0.clone()];
        while let Some(below) = levels.last().filter(|below| 1 < below.len()) {
            levels.push(
                below
                    .chunks_exact(2)
                    .map(|pair| node_hash(&pair[0], &pair[1]))
                    .collect(),
            );
        }
        consistency_proof(old, new as u64, Levels(levels)).unwrap_or_default()
    }
}

fn leaves(branch: u8, count: usize) -> impl Iterator<Item = Hash> {
    (0..count).map(move |number| leaf_hash(&[branch, number as u8]))
}

/// Two histories that part after some entries.
fn branches(common: usize) -> [Branch; 2] {
    [1, 2].map(|branch| Branch(leaves(0, common).chain(leaves(branch, 24 - common)).collect()))
}

/// The witness as a process: what it remembers, what lies on its disk, what it has given out.
#[derive(Default)]
struct Process {
    memory: WitnessMemory,
    disk: Option<Vec<u8>>,
    given: Vec<NoteSignature>,
}

/// Where the process is stopped, if it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    No,
    BeforeStoring,
    BetweenStoringAndSigning,
    AfterSigning,
}

#[derive(Clone, Debug)]
struct Offer {
    branch: usize,
    size: usize,
    /// Whether the proof is as it should be, or has a bit changed.
    spoilt: bool,
    stop: Stop,
}

impl Process {
    fn restart(&mut self) {
        let read = self
            .disk
            .as_ref()
            .map(|disk| WitnessMemory::decode(disk, &signer().verifier()));
        self.memory = read
            .transpose()
            .expect("what was stored is read")
            .unwrap_or_default();
    }

    /// Whether it was cosigned.
    fn offer(&mut self, signed: SignedCheckpoint, proof: &[Hash], stop: Stop) -> bool {
        let Ok(accepted) = self.memory.accept(signed, proof, &signer().verifier()) else {
            return false;
        };
        if stop == Stop::BeforeStoring {
            self.restart();
            return false;
        }
        let disk = &mut self.disk;
        let stored = accepted.keep(|record| {
            *disk = Some(record.to_vec());
            Ok::<(), ()>(())
        });
        let (memory, kept) = stored.unwrap();
        if stop == Stop::BetweenStoringAndSigning {
            self.restart();
            return false;
        }
        let at = WitnessedAt(self.given.len() as u64);
        self.given.push(kept.cosign(&cosigner(), at));
        self.memory = memory;
        if stop == Stop::AfterSigning {
            self.restart();
        }
        true
    }
}

fn offers() -> impl Strategy<Value = Vec<Offer>> {
    let stop = prop_oneof![
        4 => Just(Stop::No),
        1 => Just(Stop::BeforeStoring),
        2 => Just(Stop::BetweenStoringAndSigning),
        1 => Just(Stop::AfterSigning),
    ];
    let offer = (0..2_usize, 0..=24_usize, prop::bool::weighted(0.1), stop);
    vec(
        offer.prop_map(|(branch, size, spoilt, stop)| Offer {
            branch,
            size,
            spoilt,
            stop,
        }),
        0..40,
    )
}

proptest! {
    #[test]
    fn two_checkpoints_that_were_cosigned_are_always_of_one_history(common in 0..24_usize, offers in offers()) {
        let branches = branches(common);
        let mut process = Process::default();
        // Size and branch of everything that was cosigned.
        let mut cosigned: Vec<(usize, usize)> = Vec::new();
        for Offer { branch, size, spoilt, stop } in offers {
            let mut proof = branches[branch].proof(process.memory.size(), size);
            let honest = !spoilt || proof.is_empty();
            if let (true, Some(hash)) = (spoilt, proof.first_mut()) {
                let mut bytes = *hash.as_bytes();
                bytes[0] ^= 1;
                *hash = Hash::new(bytes);
            }
            let before = process.memory.clone();
            let done = process.offer(branches[branch].signed(size), &proof, stop);
            if done {
                prop_assert_eq!(process.given.len(), cosigned.len() + 1);
                for &(other, smaller) in &cosigned {
                    prop_assert!(smaller <= size, "the newest is the largest");
                    let one_history = branches[other].0[..smaller] == branches[branch].0[..smaller];
                    prop_assert!(one_history, "{} of {} and {} of {}", smaller, other, size, branch);
                }
                cosigned.push((branch, size));
            }
            let continues = before.newest().is_none_or(|newest| {
                let kept = newest.size as usize;
                kept <= size && root_of(&branches[branch].0[..kept]) == Ok(newest.root)
            });
            let undisturbed = matches!(stop, Stop::No | Stop::AfterSigning);
            prop_assert_eq!(done, continues && honest && undisturbed);
        }
        prop_assert_eq!(process.given.len(), cosigned.len());
    }

    #[test]
    fn hostile_records_do_not_panic(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(WitnessMemory::decode(&bytes, &signer().verifier()).is_err());
    }
}

#[test]
fn what_was_stored_and_not_cosigned_is_remembered() {
    let [honest, forked] = branches(4);
    let mut process = Process::default();
    assert!(process.offer(honest.signed(3), &[], Stop::No));
    let offered = (honest.signed(9), honest.proof(3, 9));
    assert!(!process.offer(offered.0, &offered.1, Stop::BetweenStoringAndSigning));
    assert_eq!(process.memory.size(), 9);
    let refused = process
        .memory
        .accept(forked.signed(9), &forked.proof(9, 9), &signer().verifier());
    assert_eq!(refused.err(), Some(WitnessRefusal::OtherRoot(9)));
    assert!(
        process.offer(honest.signed(9), &[], Stop::No),
        "the same one is cosigned later"
    );
}

#[test]
fn what_does_not_continue_the_log_is_refused_for_its_reason() {
    let [honest, forked] = branches(4);
    let mut process = Process::default();
    assert!(process.offer(honest.signed(9), &[], Stop::No));
    let refused = |signed: SignedCheckpoint, proof: &[Hash]| {
        process.memory.accept(signed, proof, &signer().verifier()).err()
    };
    let shrinks = WitnessRefusal::Shrinks { kept: 9, offered: 8 };
    assert_eq!(refused(honest.signed(8), &[]), Some(shrinks));
    assert_eq!(refused(forked.signed(9), &[]), Some(WitnessRefusal::OtherRoot(9)));
    assert!(matches!(
        refused(forked.signed(12), &forked.proof(9, 12)),
        Some(WitnessRefusal::Inconsistent { kept: 9, .. })
    ));
    let stranger = LogSigner::from_seed(Origin::new("log.ponte.example/1").unwrap(), &[8; 32]).unwrap();
    let by_stranger = stranger.sign(12, root_of(&honest.0[..12]).unwrap());
    let not_signed = WitnessRefusal::Checkpoint(CheckpointError::NotSigned);
    assert_eq!(refused(by_stranger, &honest.proof(9, 12)), Some(not_signed));
    assert_eq!(refused(honest.signed(12), &honest.proof(9, 12)), None);
}

#[test]
fn a_checkpoint_that_could_not_be_stored_is_not_remembered() {
    let [honest, _] = branches(4);
    let memory = WitnessMemory::default();
    let accepted = memory
        .accept(honest.signed(3), &[], &signer().verifier())
        .unwrap();
    assert_eq!(accepted.keep(|_| Err("full")).err(), Some("full"));
}

#[test]
fn a_record_of_another_version_or_log_is_refused() {
    let [honest, _] = branches(4);
    let text = honest.signed(3).to_text();
    let decode = |record: String| WitnessMemory::decode(record.as_bytes(), &signer().verifier());
    assert_eq!(decode(format!("ponte.witness/1\n{text}")).unwrap().size(), 3);
    assert_eq!(decode(format!("ponte.witness/2\n{text}")), Err(MemoryError::Mark));
    assert_eq!(decode(String::new()), Err(MemoryError::Mark));
    let elsewhere = LogSigner::from_seed(Origin::new("other.example").unwrap(), &[7; 32]).unwrap();
    let foreign = elsewhere.sign(3, Hash::EMPTY_TREE).to_text();
    assert_eq!(
        decode(format!("ponte.witness/1\n{foreign}")),
        Err(MemoryError::Checkpoint(CheckpointError::OtherLog))
    );
}
