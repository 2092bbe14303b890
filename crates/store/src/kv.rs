//! The narrow key-value engine under the record store: what a projection needs and nothing more.
//!
//! Private to this crate. One thread writes; any number read. Every write is a plain, idempotent insert: sled's
//! batches and transactions take one process-wide lock, under which reads starve.

pub(crate) mod memory;
pub(crate) mod place;
pub(crate) mod sled_engine;

use std::fmt::Debug;

/// Values are shorter than this: sled puts longer ones into files that it never syncs.
pub(crate) const VALUE_LIMIT: usize = 64 * 1024;

/// Why the engine could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine's own files are damaged: the projection is rebuilt from the journal.
    #[error("the engine reports corrupt files")]
    Corrupt(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no room left on the volume.
    #[error("the volume of the engine is full")]
    NoSpace(#[source] std::io::Error),
    /// Reading or writing failed; what was written before is uncertain.
    #[error("the engine failed to read or write")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Refuses a value that an engine must not take.
fn check_length(value: &[u8]) -> Result<(), EngineError> {
    if value.len() < VALUE_LIMIT {
        Ok(())
    } else {
        Err(EngineError::Failed(
            "a value of 64 KiB or more is not stored".into(),
        ))
    }
}

/// One row: key and value.
pub(crate) type Row = (Vec<u8>, Vec<u8>);

/// An ordered map of byte strings.
pub(crate) trait KeyValue: Debug + Send + Sync {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError>;

    /// The greatest row whose key starts with `prefix` and is not greater than `upper`.
    fn last_not_after(&self, prefix: &[u8], upper: &[u8]) -> Result<Option<Row>, EngineError>;

    /// Rows whose keys start with `prefix`, ascending, each handed to `visit` until it answers `false`. `visit` must
    /// not come back to the engine.
    fn scan(&self, prefix: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), EngineError>;

    /// Sets a value of less than [`VALUE_LIMIT`] bytes.
    fn insert(&self, key: &[u8], value: &[u8]) -> Result<(), EngineError>;

    /// Removes a value.
    fn remove(&self, key: &[u8]) -> Result<(), EngineError>;

    /// Everything written before is on the device when this returns.
    fn sync(&self) -> Result<(), EngineError>;
}

#[cfg(test)]
mod tests;
