//! The node's data directory: lock, key ring, journal and mirror, sealed exports, reports.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use store::files::Files;
use store::files::system::{SystemFiles, make_private};
use store::keys::Entropy;
use store::keys::encryption_key::{KeyEncryptionKey, KeyFileError};
use store::keys::ring::{KeyRing, RingError};
use store::municipal::{MirrorEngine, MunicipalError, MunicipalStore};
use store::segment::Settings;
use transport::random::Random;

use crate::config::NodeConfig;
use crate::exports::{ExportsError, SealedExports};
use crate::reports::Reports;
use crate::withdrawal::Mark;

/// Bytes of a new segment of the journal: one takes the changes of some weeks of a middling municipality.
const SEGMENT_BYTES: u64 = 16 << 20;

/// Directory of the journal, with key ring and lock.
pub(crate) const JOURNAL: &str = "journal";

/// Directory of the reports.
const REPORTS: &str = "reports";

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Another process has it.
    #[error("another process uses the data directory")]
    Locked,
    /// The municipality has left.
    #[error("the municipality was withdrawn on {at}, and the keys of this node were destroyed")]
    Withdrawn {
        /// When the index recorded it.
        at: DateTime<Utc>,
    },
    /// The directory cannot be used.
    #[error("the data directory cannot be used")]
    Directory(#[source] std::io::Error),
    /// The key-encryption key.
    #[error("the key-encryption key cannot be used")]
    KeyFile(#[from] KeyFileError),
    /// The key ring.
    #[error("the key ring cannot be used")]
    Ring(#[from] RingError),
    /// Journal or mirror.
    #[error("journal or mirror cannot be used")]
    Store(#[from] MunicipalError),
    /// The sealed exports.
    #[error("the sealed exports cannot be used")]
    Exports(#[from] ExportsError),
}

/// Everything in a node's data directory.
#[derive(Clone, Debug)]
pub struct DataDirectory {
    /// Journal and mirror.
    pub storage: Storage,
    /// Exports that wait or are kept.
    pub exports: SealedExports,
    /// What became of exports.
    pub reports: Reports,
}

/// The open data directory of a node. As long as it lives, no other process can open it.
#[derive(Clone, Debug)]
pub struct Storage {
    files: Arc<dyn Files>,
    store: Arc<Mutex<MunicipalStore>>,
    hearing: Arc<tokio::sync::Mutex<()>>,
}

/// The daemon's randomness as the key ring takes it.
#[derive(Debug)]
pub(crate) struct RingEntropy(pub(crate) Arc<dyn Random>);

impl Entropy for RingEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer);
    }
}

impl DataDirectory {
    /// Opens the directory that the configuration names, and makes it when there is none.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub fn open(config: &NodeConfig, random: Arc<dyn Random>) -> Result<Self, StorageError> {
        let directory = &config.data_directory;
        if let Some(mark) = Mark::of(directory).map_err(StorageError::Directory)? {
            return Err(StorageError::Withdrawn { at: mark.at() });
        }
        let encryption_key = KeyEncryptionKey::from_file(&config.key_encryption_key)?;
        make_private(directory).map_err(StorageError::Directory)?;
        let files: Arc<dyn Files> = match SystemFiles::open(&directory.join(JOURNAL)) {
            Ok(files) => Arc::new(files),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Err(StorageError::Locked),
            Err(error) => return Err(StorageError::Directory(error)),
        };
        let entropy: Arc<dyn Entropy> = Arc::new(RingEntropy(random));
        let keys = Arc::new(KeyRing::open(
            Arc::clone(&files),
            encryption_key,
            Arc::clone(&entropy),
        )?);
        let settings = Settings {
            segment_bytes: SEGMENT_BYTES,
            ..Settings::default()
        };
        let mirror = directory.join("mirror");
        let engine = MirrorEngine::Sled {
            directory: &mirror,
            cache_bytes: config.cache_bytes,
        };
        let mut store = MunicipalStore::open(Arc::clone(&files), &keys, settings, engine, config.identity)?;
        let kept_back = store.admit_groups(config.groups)?;
        if kept_back != 0 {
            tracing::info!(
                kept_back,
                "the municipality publishes less than before: these cards change"
            );
        }
        let part = |name| SystemFiles::open(&directory.join(name)).map_err(StorageError::Directory);
        Ok(Self {
            storage: Storage::over(files, store),
            exports: SealedExports::open(Arc::new(part("exports")?), keys, entropy)?,
            reports: Reports::new(Arc::new(part(REPORTS)?)),
        })
    }

    /// The reports alone, to read them while another process has the directory open.
    ///
    /// # Errors
    /// [`StorageError::Directory`], also when no report was ever written.
    pub fn reports(data_directory: &Path) -> Result<Reports, StorageError> {
        let files = SystemFiles::open_for_reading(&data_directory.join(REPORTS));
        Ok(Reports::new(Arc::new(files.map_err(StorageError::Directory)?)))
    }
}

impl Storage {
    /// A store that was opened already; `files` takes the publisher's own notes.
    pub fn over(files: Arc<dyn Files>, store: MunicipalStore) -> Self {
        Self {
            files,
            store: Arc::new(Mutex::new(store)),
            hearing: Arc::default(),
        }
    }

    /// Journal and mirror, for one user at a time.
    pub fn store(&self) -> MutexGuard<'_, MunicipalStore> {
        // An import that panicked left the journal whole: it is the truth, and the mirror follows it.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held from a question to the index until its answer is taken over, by whoever asks what is agreed: an answer that
    /// was overtaken is never taken for the last word.
    pub(crate) async fn hearing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.hearing.lock().await
    }

    pub(crate) fn files(&self) -> &Arc<dyn Files> {
        &self.files
    }
}
