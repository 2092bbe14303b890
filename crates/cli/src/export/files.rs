//! Files of an export: the owner's alone, whole lines, synced before anything counts on them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ledger::hash::{Hash, Sha256};

/// A file that could not be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", .path.display())]
pub struct FileFault {
    /// Which.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub cause: io::Error,
}

/// A file that grows at its end.
#[derive(Debug)]
pub struct Appending {
    path: PathBuf,
    file: File,
    length: u64,
}

impl FileFault {
    /// The fault of a file.
    pub fn of(path: &Path) -> impl Fn(io::Error) -> Self {
        move |cause| Self {
            path: path.to_owned(),
            cause,
        }
    }

    /// Whether there is no room: what was exported before stands, and the same command goes on.
    pub fn is_full(&self) -> bool {
        matches!(
            self.cause.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
        )
    }
}

impl Appending {
    /// Opens a file at the length that counts; what stands behind it was never counted and is cut off.
    ///
    /// # Errors
    /// It cannot be opened, or is shorter.
    pub fn open(path: PathBuf, length: u64) -> Result<Self, FileFault> {
        let open = || {
            let mut file = private().create(true).truncate(false).open(&path)?;
            let actual = file.metadata()?.len();
            if actual < length {
                let text = format!("it has {actual} bytes, and {length} were written");
                return Err(io::Error::new(ErrorKind::UnexpectedEof, text));
            }
            if length < actual {
                file.set_len(length)?;
                file.sync_all()?;
            }
            file.seek(SeekFrom::Start(length))?;
            Ok(file)
        };
        let file = open().map_err(FileFault::of(&path))?;
        Ok(Self { path, file, length })
    }

    /// Appends bytes and syncs them.
    ///
    /// # Errors
    /// They are not all there; the file is to be opened again.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), FileFault> {
        self.file
            .write_all(bytes)
            .and_then(|()| self.file.sync_data())
            .map_err(FileFault::of(&self.path))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Its length.
    pub fn length(&self) -> u64 {
        self.length
    }
}

/// Makes a directory for the owner alone, with those above it.
///
/// # Errors
/// It cannot be made.
pub fn make_directory(path: &Path) -> Result<(), FileFault> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(FileFault::of(path))
}

/// Options of a file that its owner alone reads and writes.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

/// Writes a file whole: after a crash the old one or the new one is there, durably.
///
/// # Errors
/// It cannot be written; the old one is there.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileFault> {
    replace_by(path, |file| file.write_all(bytes))?;
    sync_directory(path.parent().unwrap_or(path))
}

/// Writes a file whole, without syncing its name: many of them are followed by one [`sync_directory`].
///
/// # Errors
/// It cannot be written; the old one is there.
pub fn replace_by(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), FileFault> {
    let new = beside(path);
    let written = || {
        let mut file = private().create(true).truncate(true).open(&new)?;
        write(&mut file)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    written().map_err(|cause| {
        // A half of a file takes room where perhaps there is none; it would be written over anyhow.
        let _ = fs::remove_file(&new);
        FileFault::of(path)(cause)
    })
}

/// Where a file is written before it gets its name.
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// Makes the names of a directory durable.
///
/// # Errors
/// They are not.
pub fn sync_directory(path: &Path) -> Result<(), FileFault> {
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(FileFault::of(path))
}

/// Size and SHA-256 of a file.
///
/// # Errors
/// It cannot be read.
pub fn digest(path: &Path) -> Result<(u64, Hash), FileFault> {
    let read = || {
        let mut file = File::open(path)?;
        let (mut size, mut sha) = (0, Sha256::new());
        let mut piece = vec![0; 64 << 10];
        loop {
            match file.read(&mut piece)? {
                0 => return Ok((size, sha.finish())),
                read => {
                    size += read as u64;
                    sha.update(&piece[..read]);
                }
            }
        }
    };
    read().map_err(FileFault::of(path))
}

/// Every file below a directory, as paths from it with slashes, sorted.
///
/// # Errors
/// A directory cannot be read.
pub fn list(directory: &Path) -> Result<Vec<String>, FileFault> {
    let mut found = Vec::new();
    let mut open = vec![(directory.to_owned(), String::new())];
    while let Some((path, prefix)) = open.pop() {
        let entries = fs::read_dir(&path).map_err(FileFault::of(&path))?;
        for entry in entries {
            let entry = entry.map_err(FileFault::of(&path))?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type().map_err(FileFault::of(&path))?.is_dir() {
                open.push((entry.path(), format!("{name}/")));
            } else {
                found.push(name);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}
