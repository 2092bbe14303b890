//! The rows of a stopped index's projection, and those of a clean replay of its journal.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use index::config::IndexConfig;
use registry::publication::{Batch, DailyLimits};
use registry::record::Record;
use store::files::Files;
use store::files::system::SystemFiles;
use store::keys::Entropy;
use store::keys::encryption_key::KeyEncryptionKey;
use store::keys::ring::KeyRing;
use store::record_store::{Engine, JournaledStore, OpenReport, StoreSettings};
use transport::random::{Random, SystemRandom};

/// Rows by key.
pub type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Debug)]
struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        SystemRandom.fill(buffer);
    }
}

/// The rows as the index left them, after it has followed its journal.
pub fn of_index(config: &Path) -> (Rows, OpenReport) {
    let config = IndexConfig::load(config).expect("a configuration");
    let directory = config.data_directory.join("projection");
    read(
        &config,
        Engine::Sled {
            directory,
            cache_bytes: config.limits.cache_bytes,
        },
    )
}

/// The rows of a replay of the whole journal into nothing.
pub fn of_clean_replay(config: &Path) -> (Rows, OpenReport) {
    let config = IndexConfig::load(config).expect("a configuration");
    read(&config, Engine::Memory)
}

fn read(config: &IndexConfig, engine: Engine) -> (Rows, OpenReport) {
    let (store, report) = open(config, engine);
    let mut rows = Rows::new();
    let mut add = |key: &[u8], value: &[u8]| {
        rows.insert(key.to_vec(), value.to_vec());
    };
    store.every_row(&mut add).expect("the rows are read");
    store.close();
    (rows, report)
}

fn files(config: &IndexConfig, name: &str) -> Arc<dyn Files> {
    Arc::new(SystemFiles::open(&config.data_directory.join(name)).expect("the index is stopped"))
}

fn keys(config: &IndexConfig) -> Arc<KeyRing> {
    let encryption_key = KeyEncryptionKey::from_file(&config.key_encryption_key).expect("a key");
    let keys = KeyRing::open(files(config, "keys"), encryption_key, Arc::new(SystemEntropy));
    Arc::new(keys.expect("a key ring"))
}

fn open(config: &IndexConfig, engine: Engine) -> (JournaledStore, OpenReport) {
    let settings = StoreSettings {
        segments: config.limits.journal_segments(),
        daily_limits: DailyLimits::default(),
        sync_interval: config.limits.sync_interval,
        engine,
    };
    JournaledStore::open(files(config, "journal"), keys(config), &SystemEntropy, &settings)
        .expect("the store opens")
}

/// Hands every card that the rows of a stopped index hold to `visit`, served, superseded, waiting or buried.
pub fn every_card(config: &Path, visit: &mut dyn FnMut(Record)) {
    let config = IndexConfig::load(config).expect("a configuration");
    let engine = Engine::Sled {
        directory: config.data_directory.join("projection"),
        cache_bytes: config.limits.cache_bytes,
    };
    let (store, _) = open(&config, engine);
    store.every_card(visit).expect("the rows are read");
    store.close();
}

/// Hands every batch that a stopped index received to `visit`.
pub fn every_batch(config: &IndexConfig, visit: &mut dyn FnMut(&Batch)) {
    let journal = files(config, "journal");
    JournaledStore::every_batch(journal, keys(config), config.limits.journal_segments(), visit)
        .expect("the journal is read");
}
