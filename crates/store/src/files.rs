//! Files of one flat directory, behind a trait narrow enough to be replaced by a double that fails on command.
//!
//! Everything durable that Ponte writes itself (segments, key ring, copies of checkpoints) goes through [`Files`].
//! The contract is that of POSIX: what was written is visible at once and durable only after [`File::sync_data`];
//! a new or renamed name is durable only after [`Files::sync_dir`].

pub mod faulty;
pub mod system;

use std::{
    fmt::Debug,
    io::{Error, ErrorKind, Result},
    sync::Arc,
};

/// The smallest piece of a file that a disk writes whole.
pub const SECTOR: u64 = 512;

/// One flat directory of files.
///
/// Names are `[a-z0-9._-]`, 1 to 100 characters, and do not start with a dot.
pub trait Files: Send + Sync + Debug {
    /// Creates a file of `len` zero bytes, written out so that later writes inside it need no new space.
    ///
    /// The file and its name are not yet durable.
    ///
    /// # Errors
    /// `AlreadyExists` when the name is taken, `StorageFull` when there is no room (nothing is left behind).
    fn create(&self, name: &str, len: u64) -> Result<Arc<dyn File>>;

    /// Opens an existing file.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    fn open(&self, name: &str) -> Result<Arc<dyn File>>;

    /// Gives `from` the name `to`, replacing what had it, atomically.
    fn rename(&self, from: &str, to: &str) -> Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> Result<()>;

    /// Makes created, renamed and removed names durable.
    fn sync_dir(&self) -> Result<()>;

    /// The names of all files, sorted.
    fn list(&self) -> Result<Vec<String>>;
}

/// One open file, read and written at offsets.
pub trait File: Send + Sync + Debug {
    /// Fills the buffer from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file ends before.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()>;

    /// Writes all bytes at `offset`, growing the file when they end behind its end.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()>;

    /// Makes everything written so far durable. After an error nothing is known about what was written: never retry.
    fn sync_data(&self) -> Result<()>;

    /// The length in bytes.
    fn len(&self) -> Result<u64>;

    /// Whether the file has no bytes.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// Reads a whole file; `None` when there is none.
///
/// # Errors
/// Those of opening and reading.
pub fn read_whole(files: &dyn Files, name: &str) -> Result<Option<Vec<u8>>> {
    let file = match files.open(name) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let len = usize::try_from(file.len()?).map_err(Error::other)?;
    let mut bytes = vec![0; len];
    file.read_at(0, &mut bytes)?;
    Ok(Some(bytes))
}

/// Replaces a file's whole content: after a crash the old or the new content is there, never a mixture.
///
/// # Errors
/// Those of creating, writing, syncing and renaming.
pub fn replace(files: &dyn Files, name: &str, content: &[u8]) -> Result<()> {
    let temporary = format!("{name}.new");
    match files.remove(&temporary) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = files.create(&temporary, 0)?;
    file.write_at(0, content)?;
    file.sync_data()?;
    files.rename(&temporary, name)?;
    files.sync_dir()
}

/// Whether an error says that the disk, or the owner's share of it, is full.
#[must_use]
pub fn is_no_space(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// Refuses names that could leave the directory.
fn check_name(name: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    if name.is_empty() || 100 < name.len() || name.starts_with('.') || !name.bytes().all(allowed) {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            "a file name outside [a-z0-9._-]{1,100}",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
