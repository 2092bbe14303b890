use proptest::prelude::*;

use super::keys::VerifierKey;
use super::*;
use crate::hash::sha256;

const SEED: [u8; 32] = [7; 32];

fn origin() -> Origin {
    Origin::new("registro.example.it/accessi/1").unwrap()
}

fn signer() -> LogSigner {
    LogSigner::from_seed(origin(), &SEED).unwrap()
}

fn witness(number: u8) -> Cosigner {
    let name = KeyName::new(format!("witness.example.it/{number}")).unwrap();
    Cosigner::from_seed(name, &[number; 32]).unwrap()
}

#[test]
fn a_signed_checkpoint_is_read_as_written_and_verifies() {
    for size in [0, 1, 20_852_163, MAX_SIZE] {
        let signed = signer().sign(size, sha256(b"root"));
        let text = signed.to_text();
        let read = SignedCheckpoint::parse(&text).unwrap();
        assert_eq!(read, signed);
        let verified = signer().verifier().verify(&read).unwrap();
        assert_eq!(verified.checkpoint(), signed.checkpoint());
    }
}

#[test]
fn a_verifier_key_is_read_as_written_even_with_plus_signs_in_its_base64() {
    let mut with_plus = 0;
    for number in 0..64 {
        let verifier = LogSigner::from_seed(origin(), &[number; 32]).unwrap().verifier();
        let text = verifier.to_string();
        with_plus += usize::from(2 < text.matches('+').count());
        assert_eq!(LogVerifier::parse(&text), Ok(verifier.clone()));
        assert_eq!(LogVerifier::new(origin(), verifier.public_key()), Ok(verifier));
    }
    assert_ne!(with_plus, 0);
}

#[test]
fn a_note_of_the_go_implementation_verifies() {
    let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let text = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n";
    let line = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
    let key = VerifierKey::parse(key, 0x01).unwrap();
    let note = NoteSignature::from_line(line).unwrap();
    assert_eq!((&note.name, note.key_id), (&key.name, key.id));
    assert_eq!(key.verify(text.as_bytes(), &note.signature), Ok(()));
    assert_eq!(
        key.verify(&text.as_bytes()[1..], &note.signature),
        Err(CheckpointError::WrongSignature)
    );
    assert_eq!(note.to_line(), line);
}

#[test]
fn verifier_keys_that_do_not_fit_are_refused() {
    let good = signer().verifier().to_string();
    let cosigner = witness(1).verifier().to_string();
    let [name, id, key] = good.splitn(3, '+').collect::<Vec<_>>()[..] else {
        unreachable!()
    };
    for (text, expected) in [
        (String::new(), KeyError::Shape),
        (format!("{name}+{id}"), KeyError::Shape),
        (format!("{name}+{id}+***"), KeyError::Shape),
        (format!("{name}+00000000+{key}"), KeyError::Id),
        (format!("other+{id}+{key}"), KeyError::Id),
        (format!("+{id}+{key}"), KeyError::Name(NameError::Empty)),
        (format!("{name}+{id}+AQ=="), KeyError::Public),
        (cosigner, KeyError::Type),
    ] {
        assert_eq!(LogVerifier::parse(&text), Err(expected), "{text}");
    }
    assert_eq!(CosignatureVerifier::parse(&good), Err(KeyError::Type));
}

#[test]
fn keys_print_only_their_public_half() {
    assert!(!format!("{:?} {:?}", signer(), witness(7)).contains("7, 7"));
    assert_eq!(
        LogSigner::from_pkcs8(origin(), &SEED).err(),
        Some(KeyError::Private)
    );
}

#[test]
fn a_checkpoint_of_another_key_or_log_is_refused() {
    let signed = signer().sign(5, sha256(b"root"));
    let elsewhere = LogSigner::from_seed(Origin::new("other.example").unwrap(), &SEED).unwrap();
    assert_eq!(
        elsewhere.verifier().verify(&signed),
        Err(CheckpointError::OtherLog)
    );
    let other_key = LogSigner::from_seed(origin(), &[8; 32]).unwrap();
    assert_eq!(
        other_key.verifier().verify(&signed),
        Err(CheckpointError::NotSigned)
    );

    let lie = Checkpoint {
        size: 6,
        ..signed.checkpoint().clone()
    };
    let forged = SignedCheckpoint::new(lie, signed.signatures().to_vec());
    assert_eq!(
        signer().verifier().verify(&forged),
        Err(CheckpointError::WrongSignature)
    );

    // One good signature does not excuse a wrong one of the same key.
    let mut signatures = signed.signatures().to_vec();
    signatures.push(NoteSignature {
        signature: vec![0; 64],
        ..signatures[0].clone()
    });
    let doubtful = SignedCheckpoint::new(signed.checkpoint().clone(), signatures);
    assert_eq!(
        signer().verifier().verify(&doubtful),
        Err(CheckpointError::WrongSignature)
    );
}

#[test]
fn witnesses_cosign_beside_the_log() {
    let mut signed = signer().sign(5, sha256(b"root"));
    for number in 1..=20 {
        let at = WitnessedAt(1_790_000_000 + u64::from(number));
        let cosignature = witness(number).cosign(signed.checkpoint(), at);
        signed.add_signature(cosignature);
    }
    let mut read = SignedCheckpoint::parse(&signed.to_text()).unwrap();
    assert_eq!(read.signatures().len(), 21);
    assert!(signer().verifier().verify(&read).is_ok());
    assert_eq!(
        witness(3).verifier().verify(&read),
        Ok(WitnessedAt(1_790_000_003))
    );
    assert_eq!(
        witness(21).verifier().verify(&read),
        Err(CheckpointError::NotSigned)
    );

    let again = witness(3).cosign(read.checkpoint(), WitnessedAt(1_790_000_100));
    read.add_signature(again.clone());
    assert_eq!(read.signatures().len(), 21);
    assert_eq!(
        witness(3).verifier().verify(&read),
        Ok(WitnessedAt(1_790_000_100))
    );

    let mut postdated = again;
    postdated.signature[7] ^= 1;
    read.add_signature(postdated);
    assert_eq!(
        witness(3).verifier().verify(&read),
        Err(CheckpointError::WrongSignature)
    );
}

#[track_caller]
fn refused(text: &str, expected: CheckpointError) {
    assert_eq!(SignedCheckpoint::parse(text), Err(expected), "{text:?}");
}

#[test]
fn texts_that_are_no_checkpoints_are_refused() {
    let good = signer().sign(5, sha256(b"root")).to_text();
    let line = good.lines().last().unwrap();
    let root = good.lines().nth(2).unwrap();
    refused("", CheckpointError::Shape);
    refused(&good.replace("\n\n", "\n"), CheckpointError::Shape);
    refused(&good.replace("\n\n", "\nextension\n\n"), CheckpointError::Shape);
    refused(&good[..good.len() - 1], CheckpointError::Shape);
    refused(&good.replace("\n5\n", "\n05\n"), CheckpointError::Size);
    refused(&good.replace("\n5\n", "\n+5\n"), CheckpointError::Size);
    refused(
        &good.replace("\n5\n", "\n9223372036854775809\n"),
        CheckpointError::Size,
    );
    refused(&good.replace("\n5\n", "\n\u{665}\n"), CheckpointError::Size);
    refused(&good.replace(root, "AAAA"), CheckpointError::Root);
    refused(
        &good.replace(root, root.trim_end_matches('=')),
        CheckpointError::Root,
    );
    refused(&good.replace("\n\n", "\n\r\n"), CheckpointError::Control);
    refused(&good.replace("— ", "- "), CheckpointError::SignatureLine);
    refused(&format!("{good}\n"), CheckpointError::Shape);
    refused(&good.replace(line, "— x AAAA"), CheckpointError::SignatureLine);
    refused(
        &good.replace(line, "— x AAAAAA=="),
        CheckpointError::SignatureLine,
    );
    refused(
        &good.replace("registro.example.it/accessi/1\n5", "a b\n5"),
        CheckpointError::Origin(NameError::Character),
    );
    refused(
        &format!("{good}{}", format!("{line}\n").repeat(64)),
        CheckpointError::TooManySignatures,
    );
    refused(
        &format!("{good}{}", "x".repeat(CHECKPOINT_MAX_LEN)),
        CheckpointError::TooLong,
    );
}

proptest! {
    #[test]
    fn hostile_texts_do_not_panic(text in "\\PC{0,40}(\n\\PC{0,40}){0,6}") {
        if let Ok(signed) = SignedCheckpoint::parse(&text) {
            prop_assert_eq!(signed.to_text(), text);
        }
    }

    #[test]
    fn a_changed_checkpoint_never_verifies(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut bytes = signer().sign(20_852_163, sha256(b"root")).to_text().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        let Ok(signed) = SignedCheckpoint::parse(&text) else { return Ok(()) };
        prop_assert_eq!(signed.to_text(), text);
        prop_assert!(signer().verifier().verify(&signed).is_err());
    }
}
