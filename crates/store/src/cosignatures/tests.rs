use ledger::checkpoint::{CosignatureVerifier, Cosigner, LogSigner, LogVerifier, WitnessedAt};
use ledger::hash::sha256;
use ledger::name::{KeyName, Origin};
use ledger::policy::PolicyWitness;

use super::*;
use crate::access_log::committed::Head;
use crate::files::faulty::{Fault, FaultyFiles, Syncs};

const NOW: u64 = 1_800_000_000_000;

fn signer() -> LogSigner {
    LogSigner::from_seed(Origin::new("log.example/1").expect("an origin"), &[7; 32]).expect("a key")
}

fn witness(number: u8) -> Cosigner {
    let name = KeyName::new(format!("w{number}.example.org")).expect("a name");
    Cosigner::from_seed(name, &[number; 32]).expect("a key")
}

/// Three witnesses, of which so many are the quorum.
fn policy(quorum: usize) -> Policy {
    let witnesses = (1..=3).map(|number| PolicyWitness {
        name: format!("w{number}"),
        key: witness(number).verifier(),
    });
    Policy::of_index(signer().verifier(), witnesses.collect(), quorum)
}

/// The head of the one history of the log here.
fn head(size: u64) -> Head {
    let signed = signer().sign(size, sha256(&size.to_be_bytes()));
    Head {
        checkpoint: signed.checkpoint().clone(),
        text: signed.to_text(),
    }
}

fn cosign(number: u8, size: u64) -> NoteSignature {
    witness(number).cosign(&head(size).checkpoint, WitnessedAt(NOW / 1000))
}

fn open(files: &FaultyFiles, quorum: usize) -> (Cosignatures, Vec<u64>) {
    let (opened, known) = Cosignatures::open(Arc::new(files.clone()), policy(quorum)).expect("it opens");
    (opened, known.iter().map(|checkpoint| checkpoint.size).collect())
}

fn offered(cosignatures: &Cosignatures, size: u64, now_ms: u64) -> u64 {
    let offered = cosignatures.offered(&head(size), now_ms).expect("a checkpoint");
    offered.checkpoint().size
}

#[test]
fn one_checkpoint_is_offered_until_the_quorum_has_cosigned_and_the_others_had_time() {
    let (held, _) = open(&FaultyFiles::new(Syncs::Honest), 2);
    let later = NOW + 10 * ROUND.as_millis() as u64;
    assert_eq!(offered(&held, 10, NOW), 10);
    assert_eq!(offered(&held, 20, later), 10, "nobody has cosigned");
    let one = Added {
        cosignatures: 1,
        witnessed: false,
    };
    assert_eq!(held.add(10, cosign(1, 10)).expect("taken"), one);
    assert_eq!(
        held.add(10, cosign(1, 10)).expect("taken again"),
        one,
        "nobody counts twice"
    );
    assert_eq!(offered(&held, 20, later), 10, "one is no quorum");
    assert_eq!(held.witnessed_size(), 0);
    let two = Added {
        cosignatures: 2,
        witnessed: true,
    };
    assert_eq!(held.add(10, cosign(3, 10)).expect("taken"), two);
    assert_eq!(held.witnessed_size(), 10);
    assert_eq!(offered(&held, 20, NOW), 10, "the third has time");
    assert_eq!(offered(&held, 20, NOW + ROUND.as_millis() as u64), 20);
    let late = Added {
        cosignatures: 3,
        witnessed: true,
    };
    assert_eq!(held.add(10, cosign(2, 10)).expect("taken late"), late);
    assert_eq!(held.witnessed().expect("witnessed").signatures().len(), 4);
}

#[test]
fn a_round_ends_at_once_when_all_have_cosigned_and_the_log_has_grown() {
    let (held, _) = open(&FaultyFiles::new(Syncs::Honest), 1);
    assert_eq!(offered(&held, 10, NOW), 10);
    for number in 1..=3 {
        held.add(10, cosign(number, 10)).expect("taken");
    }
    assert_eq!(offered(&held, 10, NOW), 10, "there is nothing new");
    assert_eq!(offered(&held, 11, NOW), 11);
}

#[test]
fn what_is_no_cosignature_of_what_was_offered_is_refused_and_nothing_stored() {
    let files = FaultyFiles::new(Syncs::Honest);
    let (held, _) = open(&files, 1);
    assert_eq!(offered(&held, 10, NOW), 10);
    assert!(matches!(held.add(11, cosign(1, 11)), Err(AddError::NotOffered)));
    assert!(matches!(held.add(10, cosign(1, 11)), Err(AddError::Conflict)));
    assert!(matches!(held.add(10, cosign(9, 10)), Err(AddError::Stranger)));
    let mut by_log = SignedCheckpoint::parse(&head(10).text)
        .expect("signed")
        .signatures()
        .to_vec();
    assert!(matches!(held.add(10, by_log.remove(0)), Err(AddError::Stranger)));
    assert_eq!(held.witnessed_size(), 0);
    assert_eq!(files.list().expect("a list"), Vec::<String>::new());
}

#[test]
fn a_cosignature_that_was_taken_is_there_after_any_power_cut() {
    for seed in 0..50 {
        let files = FaultyFiles::new(Syncs::Honest);
        let (held, _) = open(&files, 2);
        assert_eq!(offered(&held, 10, NOW), 10);
        for number in [1, 2] {
            held.add(10, cosign(number, 10)).expect("taken");
        }
        let (after, known) = open(&files.crash_image(seed), 2);
        assert_eq!((after.witnessed_size(), known), (10, vec![10]));
    }
    // The control: without syncs it is lost in some image.
    let files = FaultyFiles::new(Syncs::Ignored);
    let (held, _) = open(&files, 1);
    assert_eq!(offered(&held, 10, NOW), 10);
    held.add(10, cosign(1, 10)).expect("taken");
    let lost = (0..50).any(|seed| {
        let opened = Cosignatures::open(Arc::new(files.crash_image(seed)), policy(1));
        opened.map_or(true, |(opened, _)| opened.witnessed_size() == 0)
    });
    assert!(lost);
}

#[test]
fn a_cosignature_that_could_not_be_stored_does_not_count_and_is_taken_later() {
    let files = FaultyFiles::new(Syncs::Honest);
    let (held, _) = open(&files, 1);
    assert_eq!(offered(&held, 10, NOW), 10);
    files.inject(Fault::FullFrom(files.writes()));
    assert!(matches!(held.add(10, cosign(1, 10)), Err(AddError::Io(_))));
    assert_eq!(held.witnessed_size(), 0);
    files.make_room();
    assert!(held.add(10, cosign(1, 10)).expect("taken").witnessed);
}

#[test]
fn the_newest_witnessed_checkpoints_are_kept_and_older_ones_removed() {
    let files = FaultyFiles::new(Syncs::Honest);
    let (held, _) = open(&files, 1);
    for size in 1..=20 {
        assert_eq!(offered(&held, size, NOW), size);
        for number in 1..=3 {
            held.add(size, cosign(number, size)).expect("taken");
        }
    }
    let kept: Vec<u64> = (13..=20).collect();
    assert_eq!(open(&files, 1).1, kept);
    // A stricter quorum finds them all the same; a start offers the newest head.
    let (strict, known) = open(&files, 3);
    assert_eq!((strict.witnessed_size(), known), (20, kept));
    assert_eq!(offered(&strict, 25, NOW), 25);
}

#[test]
fn damage_is_refused_at_the_start() {
    let files = FaultyFiles::new(Syncs::Honest);
    let (held, _) = open(&files, 1);
    assert_eq!(offered(&held, 10, NOW), 10);
    held.add(10, cosign(1, 10)).expect("taken");
    let name = file_name(&head(10).checkpoint);
    let good = files.content(&name).expect("it is there");
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        files.set_content(&name, bytes);
        let opened = Cosignatures::open(Arc::new(files.clone()), policy(1));
        // A changed name or id of the witness makes it a stranger's, which counts for nothing.
        let harmless = opened.is_ok_and(|(opened, _)| opened.witnessed_size() == 0);
        let refused = Cosignatures::open(Arc::new(files.clone()), policy(1)).is_err();
        assert!(refused || harmless, "byte {at}");
    }
    files.set_content(&name, good.clone());
    assert_eq!(open(&files, 1).0.witnessed_size(), 10);
    files.set_content(&file_name(&head(11).checkpoint), good);
    assert!(
        Cosignatures::open(Arc::new(files), policy(1)).is_err(),
        "another name"
    );
}

#[test]
fn version_1_still_reads() {
    let vectors = include_str!("../../../ledger/vectors/checkpoint.txt");
    let value = |key: &str| {
        let line = vectors
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        line.expect("the vector is there").replace("\\n", "\n")
    };
    let key = CosignatureVerifier::parse(&value("witness")).expect("a key");
    let witnesses = vec![PolicyWitness {
        name: "imola".to_owned(),
        key,
    }];
    let log = LogVerifier::parse(&value("log")).expect("a key");
    let files = FaultyFiles::new(Syncs::Honest);
    let stored = format!("ponte.cosigned/1\n{}", value("checkpoint"));
    files.set_content("00000000000020852163.cosigned", stored.into_bytes());
    let (opened, _) =
        Cosignatures::open(Arc::new(files), Policy::of_index(log, witnesses, 1)).expect("it reads");
    assert_eq!(opened.witnessed_size(), 20_852_163);
}
