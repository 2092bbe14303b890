//! No file of a data directory holds anybody's name, code or date in clear, in whatever case or packing it is looked for.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::files::Files;
use crate::files::system::SystemFiles;
use crate::keys::encryption_key::KeyEncryptionKey;
use crate::keys::ring::KeyRing;
use crate::municipal::{MirrorEngine, MunicipalStore};
use crate::record_store::{Engine, JournaledStore, RecordStore, StoreSettings};
use crate::test_support::CountingEntropy;
use crate::test_support::people::{IMOLA, anna, mario, municipality, national_id, with};
use crate::test_support::world::{NEVER, NOW_MS, SEGMENTS, batch, wait};

/// What must not be found: words of the cards, and the days in the packing of canonical bytes.
fn secrets() -> Vec<Vec<u8>> {
    let mut secrets: Vec<Vec<u8>> = [
        "Rossi",
        "Mario",
        "Bianchi",
        "RSSMRA85",
        "1985-12-10",
        "AA00000AA",
        "Appia",
        "F-1",
    ]
    .iter()
    .map(|word| word.as_bytes().to_vec())
    .collect();
    let bytes = registry::canonical::encode(&mario());
    secrets.push(bytes[..24].to_vec());
    secrets
}

/// Files below a directory in which a secret stands.
fn leaks(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(leaks(&path));
            continue;
        }
        let bytes = fs::read(&path).unwrap().to_ascii_lowercase();
        if bytes.iter().all(|byte| Some(byte) == bytes.first()) {
            continue;
        }
        let holds = |secret: &Vec<u8>| {
            let secret = secret.to_ascii_lowercase();
            bytes.windows(secret.len()).any(|window| window == secret)
        };
        if secrets().iter().any(holds) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[test]
fn nothing_stands_in_clear_in_the_directories_of_index_and_node() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| {
        let path = directory.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    };
    let files = |name: &str| -> Arc<dyn Files> { Arc::new(SystemFiles::open(&place(name)).unwrap()) };
    let key = KeyEncryptionKey::from_bytes(&[5; 32]);
    let entropy = Arc::new(CountingEntropy::default());
    let ring = Arc::new(KeyRing::open(files("keys"), key, entropy.clone()).unwrap());
    let settings = StoreSettings {
        segments: SEGMENTS,
        sync_interval: NEVER,
        daily_limits: registry::publication::DailyLimits::default(),
        engine: Engine::Sled {
            directory: place("rows"),
            cache_bytes: 4 << 20,
        },
    };
    let card = with(mario(), |card| card.national_id = Some(national_id("AA00000AA")));
    let (store, _) =
        JournaledStore::open(files("journal"), Arc::clone(&ring), entropy.as_ref(), &settings).unwrap();
    let changes = vec![
        ("1", Some(card.clone())),
        ("2", Some(anna())),
        ("1", None),
        ("1", Some(card.clone())),
    ];
    wait(store.publish(batch(&store, IMOLA, 1, changes), NOW_MS)).unwrap();
    let changes = batch(&store, IMOLA, 1, vec![("1", Some(card)), ("2", Some(anna()))])
        .batch()
        .clone()
        .into_changes();
    drop(store);

    let mirror = place("mirror");
    let engine = MirrorEngine::Sled {
        directory: &mirror,
        cache_bytes: 4 << 20,
    };
    let mut node =
        MunicipalStore::open(files("changes"), &ring, SEGMENTS, engine, municipality(IMOLA)).unwrap();
    let draft = |change: registry::change::Change| crate::municipal::ChangeDraft {
        local_id: change.local_id,
        body: change.body,
        events: change.events,
    };
    node.append(changes.into_iter().map(draft).collect()).unwrap();
    node.sync().unwrap();
    drop(node);

    assert_eq!(leaks(directory.path()), Vec::<String>::new());
    for planted in secrets() {
        let path = place("planted").join("file");
        fs::write(
            &path,
            [b"xx".as_slice(), &planted.to_ascii_uppercase(), b"yy"].concat(),
        )
        .unwrap();
        assert_eq!(leaks(directory.path()), [path.display().to_string()]);
    }
}
