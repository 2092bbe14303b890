//! What the node does once the index has confirmed that the municipality leaves: it destroys its own keys.
//!
//! A mark comes first, so that whatever is asked of the node from then on is answered with it, and so that what a crash
//! interrupts is finished when the withdrawal is handed over again. The data stay where they are and open no more;
//! what else is to be removed is for a person.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use registry::identifier::IstatCode;
use serde::{Deserialize, Serialize};
use store::files::Files;
use store::files::system::SystemFiles;
use store::keys::encryption_key::KeyEncryptionKey;
use store::keys::ring::KeyRing;
use transport::random::Random;

use crate::config::NodeConfig;
use crate::storage::{JOURNAL, RingEntropy, StorageError};

/// Name of the mark, beside the journal.
const MARK: &str = "withdrawn";

const VERSION: u8 = 1;

/// That the municipality of a node has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    version: u8,
    municipality: String,
    withdrawn_ms: i64,
}

/// Why the node cannot destroy its keys.
#[derive(Debug, thiserror::Error)]
pub enum WithdrawalError {
    /// The data directory: another process uses it, or its key ring does not open.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The mark cannot be written.
    #[error("the mark of the withdrawal cannot be written")]
    Mark(#[source] Error),
    /// The file of the publication key cannot be removed.
    #[error("the publication key cannot be removed")]
    PublicationKey(#[source] Error),
}

/// The data directory of a node that is about to leave: no daemon runs over it.
#[derive(Debug)]
pub struct Leaving {
    files: Arc<dyn Files>,
    municipality: IstatCode,
    key_encryption_key: PathBuf,
    publication_key: PathBuf,
}

impl Mark {
    /// The mark of a data directory, where there is one.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn of(data_directory: &Path) -> Result<Option<Self>, Error> {
        let bytes = match std::fs::read(data_directory.join(JOURNAL).join(MARK)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mark: Self = serde_json::from_slice(&bytes)?;
        if mark.version == VERSION {
            Ok(Some(mark))
        } else {
            Err(Error::new(
                ErrorKind::InvalidData,
                "the mark is of a later version",
            ))
        }
    }

    /// When the index recorded it.
    pub fn at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.withdrawn_ms).unwrap_or_default()
    }
}

impl Leaving {
    /// Takes the data directory, so that no daemon runs meanwhile.
    ///
    /// # Errors
    /// [`StorageError::Locked`] where one does, [`StorageError::Directory`].
    pub fn take(config: &NodeConfig) -> Result<Self, StorageError> {
        let files = match SystemFiles::open(&config.data_directory.join(JOURNAL)) {
            Ok(files) => Arc::new(files),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(StorageError::Locked),
            Err(error) => return Err(StorageError::Directory(error)),
        };
        Ok(Self {
            files,
            municipality: config.municipality,
            key_encryption_key: config.key_encryption_key.clone(),
            publication_key: config.publication_key.clone(),
        })
    }

    /// Destroys every key of the node, and removes its publication key; `withdrawn_ms` is when the index recorded the
    /// withdrawal, Unix milliseconds. Done again, it does what is left.
    ///
    /// # Errors
    /// See [`WithdrawalError`].
    pub fn destroy(&self, withdrawn_ms: i64, random: Arc<dyn Random>) -> Result<(), WithdrawalError> {
        let mark = Mark {
            version: VERSION,
            municipality: self.municipality.to_string(),
            withdrawn_ms,
        };
        let mark = serde_json::to_vec(&mark).map_err(|error| WithdrawalError::Mark(error.into()))?;
        store::files::replace(self.files.as_ref(), MARK, &mark).map_err(WithdrawalError::Mark)?;
        let encryption_key =
            KeyEncryptionKey::from_file(&self.key_encryption_key).map_err(StorageError::from)?;
        let entropy = Arc::new(RingEntropy(random));
        let ring =
            KeyRing::open(Arc::clone(&self.files), encryption_key, entropy).map_err(StorageError::from)?;
        ring.destroy(&ring.names()).map_err(StorageError::from)?;
        match std::fs::remove_file(&self.publication_key) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(WithdrawalError::PublicationKey(error)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
