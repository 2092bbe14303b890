use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};

use proptest::prelude::*;

use super::{
    KeyName,
    data_key::DataKey,
    encryption_key::{KeyEncryptionKey, KeyFileError},
    ring::{KeyRing, RING_FILE, RingError},
    token::{TokenDomain, Tokenizer},
};
use crate::{
    files::faulty::{Fault, FaultyFiles},
    test_support::CountingEntropy,
};

fn open(files: &FaultyFiles) -> Result<KeyRing, RingError> {
    open_under(files, [1; 32])
}

fn open_under(files: &FaultyFiles, key: [u8; 32]) -> Result<KeyRing, RingError> {
    KeyRing::open(
        Arc::new(files.clone()),
        KeyEncryptionKey::from_bytes(&key),
        Arc::new(CountingEntropy::default()),
    )
}

fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

#[test]
fn a_key_comes_back_with_its_id_after_a_restart() {
    let files = FaultyFiles::default();
    let ring = open(&files).unwrap();
    let first = ring.get_or_create(&name("municipality/E289")).unwrap();
    let second = ring.get_or_create(&name("municipality/A944")).unwrap();
    assert_ne!(first.id, second.id);
    let sealed = first.key.seal_derived(b"row", b"secret");
    let again = open(&files).unwrap();
    let found = again.by_id(first.id).unwrap();
    assert_eq!(found.name, name("municipality/E289"));
    assert_eq!(*found.key.open(b"row", &sealed).unwrap(), b"secret");
    assert!(second.key.open(b"row", &sealed).is_err());
    assert_eq!(
        again.get_or_create(&name("municipality/E289")).unwrap().id,
        first.id
    );
}

#[test]
fn a_destroyed_key_is_gone_from_memory_and_file_but_remembered() {
    let files = FaultyFiles::default();
    let ring = open(&files).unwrap();
    let doomed = ring.get_or_create(&name("a")).unwrap();
    let kept = ring.get_or_create(&name("b")).unwrap();
    let wrapped = files.content(RING_FILE).unwrap();
    assert_eq!(ring.destroy(&[name("a"), name("unknown")]).unwrap(), 1);
    let rewritten = files.content(RING_FILE).unwrap();
    let first_frame = &wrapped[24..24 + 40];
    assert!(
        !rewritten
            .windows(first_frame.len())
            .any(|window| window == first_frame)
    );
    ring.get_or_create(&name("c")).unwrap();
    for ring in [ring, open(&files.crash_image(3)).unwrap()] {
        assert!(ring.by_id(doomed.id).is_none() && ring.get(&name("a")).is_none());
        assert_eq!(ring.name_of(doomed.id), Some(name("a")));
        assert!(matches!(
            ring.get_or_create(&name("a")),
            Err(RingError::Destroyed)
        ));
        assert_eq!(ring.by_id(kept.id).unwrap().name, name("b"));
        assert_eq!(ring.names(), [name("b"), name("c")]);
    }
}

#[test]
fn what_is_noted_with_a_destroyed_key_is_remembered_and_not_replaced() {
    let files = FaultyFiles::default();
    let ring = open(&files).unwrap();
    let noted = |ring: &KeyRing| ring.destroyed();
    ring.destroy_with(&name("unknown"), b"nothing").unwrap();
    assert_eq!(noted(&ring), []);
    for doomed in ["a", "b", "c"] {
        ring.get_or_create(&name(doomed)).unwrap();
    }
    ring.destroy(&[name("a"), name("b")]).unwrap();
    ring.destroy_with(&name("c"), b"first").unwrap();
    // A key that an earlier program destroyed without a note gets one.
    ring.destroy_with(&name("b"), b"later").unwrap();
    ring.destroy_with(&name("c"), b"second").unwrap();
    let expected = [
        (name("a"), Vec::new()),
        (name("b"), b"later".to_vec()),
        (name("c"), b"first".to_vec()),
    ];
    let again = open(&files.crash_image(3)).unwrap();
    for ring in [&ring, &again] {
        assert_eq!(noted(ring), expected);
        assert!(ring.is_destroyed(&name("c")) && ring.names().is_empty());
    }
}

#[test]
fn another_encryption_key_opens_nothing() {
    let files = FaultyFiles::default();
    open(&files).unwrap().get_or_create(&name("a")).unwrap();
    assert!(matches!(
        open_under(&files, [2; 32]),
        Err(RingError::WrongEncryptionKey)
    ));
}

#[test]
fn a_key_that_was_handed_out_survives_every_single_fault() {
    let probe = FaultyFiles::default();
    let names: Vec<KeyName> = ["a", "b", "c"].map(name).into();
    let run = |files: &FaultyFiles| {
        let Ok(ring) = open(files) else {
            return (Vec::new(), false);
        };
        let mut ids = Vec::new();
        for name in &names {
            let Ok(key) = ring.get_or_create(name) else {
                return (ids, false);
            };
            ids.push(key.id);
        }
        (ids, ring.destroy(&names[..1]).is_ok())
    };
    run(&probe);
    let faults = (0..probe.writes())
        .flat_map(|at| {
            [
                Fault::WriteLost(at),
                Fault::WritePersisted(at),
                Fault::WriteShort(at, 50),
            ]
        })
        .chain((0..probe.syncs()).flat_map(|at| [Fault::SyncLost(at), Fault::SyncPersisted(at)]));
    for fault in faults {
        let files = FaultyFiles::default();
        files.inject(fault);
        let (ids, destroyed) = run(&files);
        for image in [files.after_kill()]
            .into_iter()
            .chain((0..8).map(|seed| files.crash_image(seed)))
        {
            let ring = open(&image).unwrap();
            for (id, name) in ids.iter().zip(&names) {
                assert_eq!(ring.name_of(*id).as_ref(), Some(name), "{fault:?}");
            }
            if destroyed {
                assert!(ring.is_destroyed(&names[0]));
            }
            ring.get_or_create(&KeyName::new("later").unwrap()).unwrap();
        }
    }
}

#[test]
fn a_full_disk_stops_new_keys_only_while_it_lasts() {
    let files = FaultyFiles::default();
    let ring = open(&files).unwrap();
    let first = ring.get_or_create(&name("a")).unwrap();
    files.inject(Fault::FullFrom(0));
    assert!(matches!(ring.get_or_create(&name("b")), Err(RingError::Io(_))));
    assert_eq!(ring.get_or_create(&name("a")).unwrap().id, first.id);
    files.make_room();
    ring.get_or_create(&name("b")).unwrap();
    assert_eq!(open(&files).unwrap().names(), [name("a"), name("b")]);
}

#[test]
fn a_flipped_bit_in_the_ring_is_found() {
    let files = FaultyFiles::default();
    let ring = open(&files).unwrap();
    for text in ["a", "b"] {
        ring.get_or_create(&name(text)).unwrap();
    }
    let whole = files.content(RING_FILE).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        let image = FaultyFiles::default();
        image.set_content(RING_FILE, bytes);
        assert!(matches!(open(&image), Err(RingError::Broken { .. })), "byte {at}");
    }
}

#[test]
fn a_key_file_must_be_private_and_well_formed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kek");
    let check = |content: &[u8], mode: u32| {
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        KeyEncryptionKey::from_file(&path)
    };
    let hex = [b'a'; 64];
    assert!(check(&[7; 32], 0o600).is_ok());
    assert!(check(&hex, 0o400).is_ok());
    assert!(check(&[hex.as_slice(), b"\n"].concat(), 0o600).is_ok());
    for mode in [0o640, 0o604, 0o620, 0o602] {
        assert!(
            matches!(check(&hex, mode), Err(KeyFileError::Exposed)),
            "{mode:o}"
        );
    }
    for content in [&b""[..], &[7; 31], &[7; 33], &[b'g'; 64], &[b'a'; 66]] {
        assert!(matches!(check(content, 0o600), Err(KeyFileError::Malformed)));
    }
}

#[test]
fn tokens_of_two_domains_or_keys_are_unrelated() {
    let one = Tokenizer::new(&DataKey::from_bytes(&[1; 32]));
    let other = Tokenizer::new(&DataKey::from_bytes(&[2; 32]));
    let pseudonym = |municipality, year| TokenDomain::Pseudonym { municipality, year };
    let domains = [
        TokenDomain::TaxCode,
        TokenDomain::NationalId,
        TokenDomain::Household,
        pseudonym("E289", 2026),
        pseudonym("E289", 2027),
        pseudonym("A944", 2026),
    ];
    let mut tokens: Vec<_> = domains
        .iter()
        .map(|domain| one.token(*domain, b"RSSMRA"))
        .collect();
    tokens.push(other.token(TokenDomain::TaxCode, b"RSSMRA"));
    tokens.push(one.token(TokenDomain::TaxCode, b"RSSMRB"));
    let distinct: std::collections::BTreeSet<_> = tokens.iter().collect();
    assert_eq!(distinct.len(), tokens.len());
    assert_eq!(one.token(TokenDomain::TaxCode, b"RSSMRA"), tokens[0]);
}

proptest! {
    #[test]
    fn what_is_sealed_opens_only_as_it_was_sealed(
        associated in prop::collection::vec(any::<u8>(), 0..40),
        plaintext in prop::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
    ) {
        let key = DataKey::from_bytes(&[9; 32]);
        let sealed = key.seal_derived(&associated, &plaintext);
        prop_assert_eq!(&sealed, &key.seal_derived(&associated, &plaintext));
        prop_assert_eq!(sealed.len(), plaintext.len() + DataKey::OVERHEAD);
        prop_assert_eq!(&*key.open(&associated, &sealed).unwrap(), &plaintext);
        prop_assert_eq!(&*key.open(&associated, &key.seal_random([3; 12], &associated, &plaintext)).unwrap(), &plaintext);
        let mut damaged = sealed.clone();
        damaged[at.index(sealed.len())] ^= 1;
        prop_assert!(key.open(&associated, &damaged).is_err());
        let mut other = associated;
        other.push(0);
        prop_assert!(key.open(&other, &sealed).is_err());
    }
}
