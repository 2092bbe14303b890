//! How the store is opened: from its journal, with an engine whose rows are proved against it or made again.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use registry::linking::RegionKey;
use registry::publication::{AcknowledgementKey, DailyLimits, Epoch};
use tokio::sync::Semaphore;

use crate::files::{self, Files};
use crate::keys::ring::{KeyRing, RingError};
use crate::keys::{Entropy, KeyName};
use crate::kv::EngineError;
use crate::kv::place::{Place, unless_it_panics};
use crate::linker::Linker;
use crate::projection::Projection;
use crate::publication_journal::JournalError;
use crate::publication_journal::entry::EntryError;
use crate::publisher::Publisher;
use crate::publisher::confirmations::Confirmations;
use crate::publisher::lines::Lines;
use crate::publisher::recovery::{Recovered, RecoveryError, Stale, recover};
use crate::publisher::writer::Writer;
use crate::record_store::JournaledStore;
use crate::record_store::handle::HandleKeys;
use crate::record_store::read::Reader;
use crate::segment::Settings;

/// File in which the index's epoch stands.
const EPOCH_FILE: &str = "epoch";

/// Which engine holds the rows.
#[derive(Clone, Debug)]
pub enum Engine {
    /// sled.
    Sled {
        /// Directory of the engine.
        directory: PathBuf,
        /// Page cache, bytes; as large as the data, or loading slows down.
        cache_bytes: u64,
    },
    /// The double: filled from the journal at each start.
    Memory,
}

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// Segments of the journal.
    pub segments: Settings,
    /// Time between two sync points.
    pub sync_interval: Duration,
    /// How much of a municipality may change in a day before a registrar must confirm it.
    pub daily_limits: DailyLimits,
    /// The engine.
    pub engine: Engine,
}

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The journal, which is the truth, cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Even a fresh engine, filled from the journal, does not hold what it should.
    #[error("the record store cannot be made from its journal")]
    Rebuild(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The key ring.
    #[error(transparent)]
    Keys(#[from] RingError),
    /// What is noted with the key of a municipality that left.
    #[error("the note of a destroyed key cannot be read")]
    Note(#[source] EntryError),
    /// Files beside the journal.
    #[error("the files of the record store cannot be read or written")]
    Files(#[from] std::io::Error),
    /// The file of the epoch does not have 16 bytes.
    #[error("the file of the epoch is damaged")]
    Epoch,
}

/// What opening found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenReport {
    /// Changes in the journal.
    pub changes: u64,
    /// Changes that were applied again.
    pub replayed: u64,
    /// Whether the engine's rows were thrown away and made again.
    pub rebuilt: bool,
}

impl JournaledStore {
    /// Opens the store of a directory and proves that its rows are what the journal says.
    ///
    /// # Errors
    /// See [`OpenError`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the store keeps shares of both for as long as it lives"
    )]
    pub fn open(
        files: Arc<dyn Files>,
        keys: Arc<KeyRing>,
        entropy: &dyn Entropy,
        settings: &StoreSettings,
    ) -> Result<(Self, OpenReport), OpenError> {
        let epoch = read_or_make_epoch(files.as_ref(), entropy)?;
        let handles = HandleKeys::new(&named_secret(&keys, "store/handles")?);
        let region = named_secret(&keys, "store/region")?;
        let lines = Lines {
            first: epoch,
            key: Arc::new(AcknowledgementKey::new(&named_secret(
                &keys,
                "publication/acknowledgements",
            )?)),
            restoration: Arc::default(),
        };
        let place = settings.engine.place();
        let fill = || {
            let projection = Projection::new(place.open()?, Arc::clone(&keys))?;
            let linker = Linker::new(RegionKey::new(&region));
            recover(
                Arc::clone(&files),
                &keys,
                settings.segments,
                epoch,
                projection,
                linker,
                settings.daily_limits,
            )
        };
        let (recovered, rebuilt) = match unless_it_panics(fill).unwrap_or_else(|| Err(Stale::Panic.into())) {
            Err(RecoveryError::Stale(stale)) => {
                tracing::warn!(
                    reason = &stale as &dyn std::error::Error,
                    "the rows are made again from the journal"
                );
                place.set_aside()?;
                (fill()?, true)
            }
            first => (first?, false),
        };
        let Recovered {
            journal,
            projection,
            linker,
            gatekeeper,
            book,
            states,
            recorded_ms,
            applied,
            replayed,
            restoring,
        } = recovered;
        if restoring {
            lines.restoration.begin();
        }
        let report = OpenReport {
            changes: journal.last().0,
            replayed,
            rebuilt,
        };
        let confirmations = Confirmations::new();
        let publisher = Publisher::start(Writer {
            journal,
            projection: Arc::clone(&projection),
            keys: Arc::clone(&keys),
            linker,
            gatekeeper,
            book,
            states: Arc::clone(&states),
            recorded_ms,
            lines: lines.clone(),
            confirmations: confirmations.clone(),
            synced: applied,
            sync_interval: settings.sync_interval,
        })?;
        let reader = Reader::new(Arc::clone(&projection), Arc::clone(&states), &keys, handles)?;
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Ok((
            Self {
                projection,
                publisher,
                states,
                lines,
                confirmations,
                reader: Arc::new(reader),
                searches: Semaphore::new((cores / 2).max(1)),
            },
            report,
        ))
    }
}

impl Engine {
    fn place(&self) -> Place<'_> {
        match self {
            Self::Sled {
                directory,
                cache_bytes,
            } => Place::Sled {
                directory,
                cache_bytes: *cache_bytes,
            },
            Self::Memory => Place::Memory,
        }
    }
}

impl From<RecoveryError> for OpenError {
    fn from(error: RecoveryError) -> Self {
        match error {
            RecoveryError::Journal(error) => error.into(),
            RecoveryError::Keys(error) => error.into(),
            RecoveryError::Note(error) => Self::Note(error),
            RecoveryError::Engine(error) => error.into(),
            RecoveryError::Stale(stale) => Self::Rebuild(Box::new(stale)),
        }
    }
}

fn read_or_make_epoch(files: &dyn Files, entropy: &dyn Entropy) -> Result<Epoch, OpenError> {
    if let Some(bytes) = files::read_whole(files, EPOCH_FILE)? {
        return bytes.try_into().map(Epoch).map_err(|_| OpenError::Epoch);
    }
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    files::replace(files, EPOCH_FILE, &bytes)?;
    Ok(Epoch(bytes))
}

/// 32 secret bytes derived from a key of the ring.
pub(crate) fn named_secret(keys: &KeyRing, name: &str) -> Result<[u8; 32], RingError> {
    let name = KeyName::new(name).expect("the name lies within the alphabet of key names");
    Ok(keys.get_or_create(&name)?.key.derived_secret())
}
