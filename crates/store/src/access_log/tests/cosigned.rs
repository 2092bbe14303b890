//! What `fsck` finds in the cosigned checkpoints beside a log.

use std::sync::Arc;

use ledger::checkpoint::{
    Checkpoint, CheckpointError, Cosigner, NoteSignature, SignedCheckpoint, WitnessedAt,
};
use ledger::hash::sha256;
use ledger::name::KeyName;
use ledger::policy::{Policy, PolicyWitness};

use super::{Bench, START_MS, enter, signer};
use crate::{
    cosignatures::Cosignatures,
    files::{
        self, Files,
        faulty::{FaultyFiles, Syncs},
    },
    fsck::{CosignedFault, CosignedReport, Finding, Fsck, FsckError, holds_cosigned},
};

const AT: WitnessedAt = WitnessedAt(START_MS / 1000);

fn witness(number: u8) -> Cosigner {
    let name = KeyName::new(format!("w{number}.example.org")).unwrap();
    Cosigner::from_seed(name, &[number; 32]).unwrap()
}

/// These witnesses, of whom so many are the quorum.
fn policy(numbers: &[u8], quorum: usize) -> Policy {
    let witnesses = numbers.iter().map(|number| PolicyWitness {
        name: format!("w{number}"),
        key: witness(*number).verifier(),
    });
    Policy::of_index(signer().verifier(), witnesses.collect(), quorum)
}

/// A log of nine entries, of which three, two and one of the witnesses have cosigned the heads of three, six and nine.
fn sound() -> (Bench, FaultyFiles) {
    let bench = Bench::new();
    let files = FaultyFiles::new(Syncs::Honest);
    let log = bench.log();
    for witnesses in [&[1, 2, 3][..], &[1, 2], &[1]] {
        for _ in 0..3 {
            enter(&log).expect("an entry");
        }
        let (held, _) = Cosignatures::open(Arc::new(files.clone()), policy(&[1, 2, 3], 2)).unwrap();
        let offered = held.offered(&log.checkpoint(), START_MS).unwrap();
        for number in witnesses {
            let line = witness(*number).cosign(offered.checkpoint(), AT);
            held.add(offered.checkpoint().size, line).unwrap();
        }
    }
    log.close();
    (bench, files)
}

fn check(
    bench: &Bench,
    files: &FaultyFiles,
    policy: Option<&Policy>,
) -> Result<Option<CosignedReport>, FsckError> {
    let verifier = signer().verifier();
    let check = Fsck {
        log: &bench.log,
        verifier: &verifier,
        copy: Some(&bench.copy),
        known: Vec::new(),
        cosignatures: Some(files),
        policy,
    };
    check.run().map(|report| report.cosigned)
}

/// Puts a checkpoint with its signatures where an index would have stored it.
fn store(files: &FaultyFiles, signed: &SignedCheckpoint) {
    let name = format!("{:020}.cosigned", signed.checkpoint().size);
    let text = format!("ponte.cosigned/1\n{}", signed.to_text());
    files::replace(files, &name, text.as_bytes()).unwrap();
}

fn stored(files: &FaultyFiles, size: u64) -> SignedCheckpoint {
    let bytes = files.content(&format!("{size:020}.cosigned")).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    SignedCheckpoint::parse(text.strip_prefix("ponte.cosigned/1\n").unwrap()).unwrap()
}

#[test]
fn every_cosignature_is_checked_whose_key_is_given_and_the_others_are_told() {
    let (bench, files) = sound();
    assert!(holds_cosigned(&files).unwrap());
    let strangers = |numbers: &[u8]| {
        let names = numbers.iter().map(|number| format!("w{number}.example.org"));
        names.collect()
    };
    let all = CosignedReport {
        checkpoints: 3,
        verified: 6,
        unchecked: 0,
        strangers: strangers(&[]),
        witnessed: Some(6),
    };
    let cases = [
        (Some(policy(&[1, 2, 3], 2)), all.clone()),
        (
            Some(policy(&[1, 2, 3], 3)),
            CosignedReport {
                witnessed: Some(3),
                ..all.clone()
            },
        ),
        (
            Some(policy(&[1], 1)),
            CosignedReport {
                verified: 3,
                unchecked: 3,
                strangers: strangers(&[2, 3]),
                witnessed: Some(9),
                ..all.clone()
            },
        ),
        (
            None,
            CosignedReport {
                verified: 0,
                unchecked: 6,
                strangers: strangers(&[1, 2, 3]),
                witnessed: None,
                ..all
            },
        ),
    ];
    for (policy, expected) in cases {
        assert_eq!(check(&bench, &files, policy.as_ref()).unwrap(), Some(expected));
    }
}

#[test]
fn a_flipped_bit_in_a_cosigned_checkpoint_is_found_or_told() {
    let (bench, files) = sound();
    let keys = policy(&[1, 2, 3], 2);
    let with = check(&bench, &files, Some(&keys)).unwrap();
    let without = check(&bench, &files, None).unwrap();
    let (mut flips, mut found, mut found_without) = (0, 0, 0);
    for name in files.list().unwrap() {
        for bit in (0..files.content(&name).unwrap().len() * 8).step_by(5) {
            let image = files.after_kill();
            image.flip_bit(&name, bit);
            flips += 1;
            match check(&bench, &image, Some(&keys)) {
                Ok(report) => assert_ne!(report, with, "{name}, bit {bit}"),
                Err(FsckError::Cosigned { file, .. }) => {
                    assert_eq!(file, name);
                    found += 1;
                }
                Err(error) => panic!("{name}, bit {bit}: {error}"),
            }
            // Without the keys of witnesses nothing is known of their signatures, and no more is said.
            match check(&bench, &image, None) {
                Ok(report) => {
                    let (report, without) = (report.unwrap(), without.as_ref().unwrap());
                    assert_eq!((report.verified, report.witnessed), (0, None));
                    assert_eq!(report.checkpoints, without.checkpoints);
                }
                Err(_) => found_without += 1,
            }
        }
    }
    assert!(flips * 2 / 3 < found && found < flips, "{found} of {flips}");
    assert!(found_without < found, "{found_without} of {flips}");
}

#[test]
fn a_cosignature_over_another_root_is_found_where_the_entries_lead_elsewhere() {
    let keys = policy(&[1, 2, 3], 2);
    let other = |size: u64| signer().sign(size, sha256(b"another history"));
    let cosigned = |mut signed: SignedCheckpoint| {
        let line = witness(1).cosign(signed.checkpoint(), AT);
        signed.add_signature(line);
        signed
    };
    for keys in [Some(&keys), None] {
        let (bench, files) = sound();
        store(&files, &cosigned(other(5)));
        let error = check(&bench, &files, keys).unwrap_err();
        let FsckError::At { position, finding } = &error else {
            panic!("{error}")
        };
        assert_eq!(*finding, Finding::NotCosigned { size: 5 });
        assert_eq!((position.segment, 0 < position.offset), (0, true));
        assert!(error.to_string().contains("that witnesses cosigned"), "{error}");

        let (bench, files) = sound();
        store(&files, &cosigned(other(10)));
        let error = check(&bench, &files, keys).unwrap_err();
        let smaller = Finding::Smaller { found: 9, known: 10 };
        assert!(
            matches!(&error, FsckError::Log(finding) if *finding == smaller),
            "{error}"
        );
    }

    // A line that a witness wrote below another checkpoint.
    let (bench, files) = sound();
    let moved: NoteSignature = witness(2).cosign(stored(&files, 6).checkpoint(), AT);
    let mut signed = stored(&files, 9);
    signed.add_signature(moved);
    store(&files, &signed);
    let error = check(&bench, &files, Some(&keys)).unwrap_err();
    assert!(
        matches!(
            &error,
            FsckError::Cosigned { file, fault: CosignedFault::Witness { witness, error: CheckpointError::WrongSignature } }
                if file.starts_with("00000000000000000009") && witness == "w2"
        ),
        "{error:?}"
    );
    assert!(
        check(&bench, &files, None).is_ok(),
        "nobody can tell without her key"
    );
}

#[test]
fn a_checkpoint_that_the_log_did_not_sign_and_one_under_another_name_are_found() {
    let (bench, files) = sound();
    let Checkpoint { size, root, .. } = stored(&files, 6).checkpoint().clone();
    let stranger = ledger::checkpoint::LogSigner::from_seed(signer().origin().clone(), &[9; 32]).unwrap();
    store(&files, &stranger.sign(size, root));
    let error = check(&bench, &files, None).unwrap_err();
    assert!(
        matches!(
            &error,
            FsckError::Cosigned {
                fault: CosignedFault::Log(CheckpointError::NotSigned),
                ..
            }
        ),
        "{error:?}"
    );

    let (bench, files) = sound();
    let bytes = files.content("00000000000000000006.cosigned").unwrap();
    files::replace(&files, "00000000000000000007.cosigned", &bytes).unwrap();
    let error = check(&bench, &files, None).unwrap_err();
    assert!(
        matches!(&error, FsckError::Cosigned { file, fault: CosignedFault::Name } if file.starts_with("00000000000000000007")),
        "{error:?}"
    );
}
