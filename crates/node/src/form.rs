//! How the exports of this municipality are read: the file of the mapping.

use std::path::Path;
use std::sync::Arc;

use registry::export::mapping::{Mapping, MappingError};

/// Why a mapping cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingFileError {
    /// The file cannot be read.
    #[error("the mapping cannot be read")]
    Read(#[source] std::io::Error),
    /// It is no mapping.
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// Reads a mapping.
///
/// # Errors
/// See [`MappingFileError`].
pub fn load_mapping(path: &Path) -> Result<Arc<Mapping>, MappingFileError> {
    let text = std::fs::read_to_string(path).map_err(MappingFileError::Read)?;
    Ok(Arc::new(Mapping::parse(&text)?))
}
