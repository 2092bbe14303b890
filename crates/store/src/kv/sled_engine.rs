//! sled 0.34.7, used only in the ways that were measured to be sound.
//!
//! Its own flusher is off; [`KeyValue::sync`] flushes and then syncs the database file, because sled's `flush` on
//! Linux orders write-back without flushing the device. A damaged file makes sled fail in many ways, or panic: what is
//! no fault of the volume counts as damage, and whoever opens an engine catches panics ([`crate::kv::place`]). A ballast file beside the database is given up only to open it again on a full disk.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::kv::{EngineError, KeyValue, Row, check_length};

/// How long, and in which steps, a lock that looks taken is waited for.
const LOCK_LOOK: std::time::Duration = std::time::Duration::from_millis(10);
const LOCK_LOOKS: u32 = 50;

/// Room kept for reopening on a full disk.
const BALLAST_BYTES: usize = 16 * 1024 * 1024;

/// A sled database in a directory of its own.
#[derive(Debug)]
pub(crate) struct SledEngine {
    database: sled::Db,
    file: File,
}

impl SledEngine {
    /// Opens or creates the database below `directory`, with `cache_bytes` of page cache.
    pub(crate) fn open(directory: &Path, cache_bytes: u64) -> Result<Self, EngineError> {
        std::fs::create_dir_all(directory).map_err(failed)?;
        let ballast = directory.join("ballast");
        let database = match open_database(directory, cache_bytes) {
            Err(EngineError::NoSpace(_)) if ballast.exists() => {
                std::fs::remove_file(&ballast).map_err(failed)?;
                open_database(directory, cache_bytes)?
            }
            other => other?,
        };
        let file = File::open(database_path(directory).join("db")).map_err(failed)?;
        for path in [database_path(directory), directory.to_path_buf()] {
            File::open(path)
                .and_then(|directory| directory.sync_all())
                .map_err(failed)?;
        }
        lay_ballast(&ballast).map_err(failed)?;
        Ok(Self { database, file })
    }
}

fn database_path(directory: &Path) -> PathBuf {
    directory.join("sled")
}

fn open_database(directory: &Path, cache_bytes: u64) -> Result<sled::Db, EngineError> {
    let config = sled::Config::new()
        .path(database_path(directory))
        .cache_capacity(cache_bytes)
        .flush_every_ms(None);
    for _ in 0..LOCK_LOOKS {
        match config.open() {
            Err(sled::Error::Io(error)) if is_locked(&error) => std::thread::sleep(LOCK_LOOK),
            other => return other.map_err(from_sled),
        }
    }
    config.open().map_err(from_sled)
}

/// sled gives its lock up by closing the file, of which a process that another thread is just starting holds a copy
/// until it runs: right after a close the lock may look taken for a moment.
fn is_locked(error: &std::io::Error) -> bool {
    error.kind() == ErrorKind::Other && error.to_string().contains("could not acquire lock")
}

/// Writes the ballast unless it is there; on a nearly full volume it is left for a later start.
fn lay_ballast(path: &Path) -> std::io::Result<()> {
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error),
    };
    let written = file
        .write_all(&vec![0x50; BALLAST_BYTES])
        .and_then(|()| file.sync_all());
    match written {
        Err(error) if error.kind() == ErrorKind::StorageFull => {
            tracing::warn!("the volume is nearly full: no ballast was laid");
            std::fs::remove_file(path)
        }
        other => other,
    }
}

fn failed(error: std::io::Error) -> EngineError {
    if error.kind() == ErrorKind::StorageFull {
        EngineError::NoSpace(error)
    } else {
        EngineError::Failed(Box::new(error))
    }
}

fn from_sled(error: sled::Error) -> EngineError {
    match error {
        sled::Error::Io(error) => match error.kind() {
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
                EngineError::Corrupt(Box::new(error))
            }
            _ => failed(error),
        },
        // Of a database that only this program writes, "unsupported" and "a bug" mean that its files were altered.
        sled::Error::Corruption { .. }
        | sled::Error::Unsupported(_)
        | sled::Error::ReportableBug(_)
        | sled::Error::CollectionNotFound(_) => EngineError::Corrupt(Box::new(error)),
    }
}

impl KeyValue for SledEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        let value = self.database.get(key).map_err(from_sled)?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn last_not_after(&self, prefix: &[u8], upper: &[u8]) -> Result<Option<Row>, EngineError> {
        if upper < prefix {
            return Ok(None);
        }
        let last = self.database.range(prefix.to_vec()..=upper.to_vec()).next_back();
        let row = last.transpose().map_err(from_sled)?;
        Ok(row.map(|(key, value)| (key.to_vec(), value.to_vec())))
    }

    fn scan(&self, prefix: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), EngineError> {
        for row in self.database.scan_prefix(prefix) {
            let (key, value) = row.map_err(from_sled)?;
            if !visit(&key, &value) {
                break;
            }
        }
        Ok(())
    }

    fn insert(&self, key: &[u8], value: &[u8]) -> Result<(), EngineError> {
        check_length(value)?;
        self.database.insert(key, value).map_err(from_sled)?;
        Ok(())
    }

    fn remove(&self, key: &[u8]) -> Result<(), EngineError> {
        self.database.remove(key).map_err(from_sled)?;
        Ok(())
    }

    fn sync(&self) -> Result<(), EngineError> {
        self.database.flush().map_err(from_sled)?;
        self.file.sync_all().map_err(failed)
    }
}
