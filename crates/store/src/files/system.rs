//! The files of a directory of the operating system.

use std::{
    fs,
    io::{Error, ErrorKind, Result},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{File, Files, check_name};

/// The name of the lock file; it cannot be reached through [`Files`].
const LOCK: &str = ".lock";

/// How many zero bytes are written at once.
const ZEROS: usize = 1 << 20;

/// A directory that one process owns, for its own eyes only (mode 0700, files 0600).
#[derive(Debug)]
pub struct SystemFiles {
    root: PathBuf,
    access: Access,
}

#[derive(Debug)]
enum Access {
    /// Holds the advisory lock for as long as the value lives.
    Owner {
        _lock: Lock,
    },
    Reader,
}

/// The lock, given up by name: a process that is just being started by another thread holds a copy of the file until
/// it runs, and to close our own would not free it.
#[derive(Debug)]
struct Lock(fs::File);

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "a directory could not be unlocked");
        }
    }
}

/// Makes a directory, and those above it, that its owner alone can enter; one that is there stays as it is.
///
/// # Errors
/// Those of the operating system.
pub fn make_private(directory: &Path) -> Result<()> {
    if directory.try_exists()? {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

impl SystemFiles {
    /// Opens the directory as its one owner; creates it when it does not exist.
    ///
    /// # Errors
    /// `WouldBlock` when another process has it open, and those of the operating system.
    pub fn open(root: &Path) -> Result<Self> {
        if !root.try_exists()? {
            make_private(root)?;
            if let Some(parent) = root.parent()
                && parent != Path::new("")
            {
                fs::File::open(parent)?.sync_all()?;
            }
        }
        let lock = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(root.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => {
                Error::new(ErrorKind::WouldBlock, "another process has this directory open")
            }
            fs::TryLockError::Error(error) => error,
        })?;
        let files = Self {
            root: root.to_path_buf(),
            access: Access::Owner { _lock: Lock(lock) },
        };
        files.sync_dir()?;
        Ok(files)
    }

    /// Opens an existing directory for reading only, also while another process owns it.
    ///
    /// # Errors
    /// `NotFound` when there is no such directory.
    pub fn open_for_reading(root: &Path) -> Result<Self> {
        if !fs::metadata(root)?.is_dir() {
            return Err(Error::new(ErrorKind::NotADirectory, "not a directory"));
        }
        Ok(Self {
            root: root.to_path_buf(),
            access: Access::Reader,
        })
    }

    /// Where the directory is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn path(&self, name: &str) -> Result<PathBuf> {
        check_name(name)?;
        Ok(self.root.join(name))
    }

    fn owned(&self) -> Result<()> {
        match &self.access {
            Access::Owner { .. } => Ok(()),
            Access::Reader => Err(Error::new(
                ErrorKind::PermissionDenied,
                "the directory is open for reading only",
            )),
        }
    }
}

impl Files for SystemFiles {
    fn create(&self, name: &str, len: u64) -> Result<Arc<dyn File>> {
        self.owned()?;
        let path = self.path(name)?;
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        if let Err(error) = fill_with_zeros(&file, len) {
            fs::remove_file(&path)?;
            return Err(error);
        }
        Ok(Arc::new(SystemFile(file)))
    }

    fn open(&self, name: &str) -> Result<Arc<dyn File>> {
        let writable = matches!(self.access, Access::Owner { .. });
        let file = fs::OpenOptions::new()
            .read(true)
            .write(writable)
            .open(self.path(name)?)?;
        Ok(Arc::new(SystemFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.owned()?;
        fs::rename(self.path(from)?, self.path(to)?)
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.owned()?;
        fs::remove_file(self.path(name)?)
    }

    fn sync_dir(&self) -> Result<()> {
        fs::File::open(&self.root)?.sync_all()
    }

    fn list(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            if !entry.file_type()?.is_file() {
                continue;
            }
            if let Ok(name) = entry.file_name().into_string()
                && check_name(&name).is_ok()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

#[derive(Debug)]
struct SystemFile(fs::File);

impl File for SystemFile {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn sync_data(&self) -> Result<()> {
        self.0.sync_data()
    }

    fn len(&self) -> Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

fn fill_with_zeros(file: &fs::File, len: u64) -> Result<()> {
    let zeros = vec![0; ZEROS.min(usize::try_from(len).unwrap_or(ZEROS))];
    let mut written = 0;
    while written < len {
        let piece = usize::try_from(len - written)
            .unwrap_or(zeros.len())
            .min(zeros.len());
        file.write_all_at(&zeros[..piece], written)?;
        written += piece as u64;
    }
    Ok(())
}
