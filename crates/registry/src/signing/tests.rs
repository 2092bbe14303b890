use proptest::prelude::*;

use super::{KeyError, Purpose, Signature, SigningKey, VerifyingKey, pem_of_seed};

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

/// RFC 8032 §7.1, test 1: the public key of a known seed.
#[test]
fn the_public_key_of_the_rfc_comes_out() {
    let seed = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44,
        0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];
    let public = SigningKey::from_seed(&seed).unwrap().verifying_key();
    assert_eq!(public.as_bytes()[..4], [0xd7, 0x5a, 0x98, 0x01]);
    assert_eq!(VerifyingKey::parse(&public.to_string()), Ok(public));
}

#[test]
fn a_private_key_is_written_as_other_programs_do() {
    let pem = pem_of_seed(&[7; 32]);
    let read = SigningKey::from_pem(&pem).unwrap();
    assert_eq!(read.verifying_key(), key(7).verifying_key());
    let crlf = pem.replace('\n', "\r\n");
    assert!(SigningKey::from_pem(&crlf).is_ok());
    for broken in [
        "",
        "-----BEGIN PRIVATE KEY-----",
        &pem.replace("BEGIN", "START"),
        &pem.replace("MC4", "MC5"),
    ] {
        assert_eq!(SigningKey::from_pem(broken).err(), Some(KeyError), "{broken}");
    }
}

#[test]
fn what_is_no_key_is_refused() {
    for text in ["", "AA==", "not base64 at all", &"A".repeat(44)] {
        assert_eq!(VerifyingKey::parse(text), Err(KeyError), "{text}");
    }
    assert!(SigningKey::from_pkcs8(b"not a document").is_err());
    assert!(Signature::parse("AA==").is_err());
}

proptest! {
    #[test]
    fn a_signature_holds_for_its_key_purpose_and_message_alone(
        message in proptest::collection::vec(any::<u8>(), 0..200),
        flip in 0_usize..64,
    ) {
        let signature = key(1).sign(Purpose::Batch, &message);
        let public = key(1).verifying_key();
        prop_assert!(public.verify(Purpose::Batch, &message, &signature).is_ok());
        prop_assert!(public.verify(Purpose::Statement, &message, &signature).is_err());
        prop_assert!(key(2).verifying_key().verify(Purpose::Batch, &message, &signature).is_err());
        let mut longer = message.clone();
        longer.push(0);
        prop_assert!(public.verify(Purpose::Batch, &longer, &signature).is_err());
        let mut bent = signature;
        bent.0[flip] ^= 1;
        prop_assert!(public.verify(Purpose::Batch, &message, &bent).is_err());
        prop_assert_eq!(Signature::parse(&signature.to_string()), Ok(signature));
    }
}
