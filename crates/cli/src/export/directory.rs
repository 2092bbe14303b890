//! The directory of an export while it is written.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use client::auditor::SignedHead;
use ledger::checkpoint::SignedCheckpoint;

use super::evidence::Evidence;
use super::files::{Appending, FileFault, make_directory, private, replace, sync_directory};
use super::row::cells;
use super::state::{Settings, State, StateError};
use super::text_rows::TextForm;
use super::{CHECKPOINTS, EVIDENCE, LOCK, MANIFEST, STATE};

/// A directory that one program writes an export into.
#[derive(Debug)]
pub struct ExportDirectory {
    path: PathBuf,
    _lock: File,
}

/// An export under way: what it is of, and its growing files.
#[derive(Debug)]
pub struct Growing {
    directory: ExportDirectory,
    state: State,
    evidence: Appending,
    rows: Vec<(TextForm, String, Appending)>,
}

/// Why a directory is not taken.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A file of it.
    #[error(transparent)]
    File(#[from] FileFault),
    /// Others may look into it.
    #[error("{} is not its owner's alone: its mode is {mode:03o}", .path.display())]
    Open {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It holds something else.
    #[error("{} is not empty and holds no export", .0.display())]
    Foreign(PathBuf),
    /// Another program writes into it.
    #[error("another export writes into {}", .0.display())]
    Locked(PathBuf),
    /// Its state does not read.
    #[error("{}", .path.display())]
    State {
        /// The state's file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: StateError,
    },
    /// It holds an export of something else.
    #[error("it holds an export with another {0}")]
    Other(&'static str),
}

/// Why a checkpoint is not kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It cannot be written.
    #[error(transparent)]
    File(#[from] FileFault),
    /// The log has signed two roots for one size.
    #[error("two checkpoints of one size differ: {} and {}", .path.display(), .other.display())]
    Forked {
        /// The one that was seen before.
        path: PathBuf,
        /// The one that was shown now.
        other: PathBuf,
    },
}

impl ExportDirectory {
    /// Takes a directory, which is made when it is not there.
    ///
    /// # Errors
    /// See [`DirectoryError`].
    pub fn take(path: &Path) -> Result<Self, DirectoryError> {
        make_directory(path)?;
        let mode = fs::metadata(path).map_err(FileFault::of(path))?.mode() & 0o777;
        if mode & 0o077 != 0 {
            let path = path.to_owned();
            return Err(DirectoryError::Open { path, mode });
        }
        let names = names(path).map_err(FileFault::of(path))?;
        if !names.is_empty() && !names.iter().any(|name| name == LOCK || name == STATE) {
            return Err(DirectoryError::Foreign(path.to_owned()));
        }
        let lock_path = path.join(LOCK);
        let lock = private()
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(FileFault::of(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(DirectoryError::Locked(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(FileFault::of(&lock_path)(error).into()),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the export in it is complete.
    pub fn is_complete(&self) -> bool {
        self.path.join(MANIFEST).exists()
    }

    /// The state of the export in it, which must have these settings; nothing where none has begun.
    ///
    /// # Errors
    /// See [`DirectoryError`].
    pub fn state(&self, settings: &Settings) -> Result<Option<State>, DirectoryError> {
        let path = self.path.join(STATE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(FileFault::of(&path)(error).into()),
        };
        let state = State::parse(&text).map_err(|cause| DirectoryError::State { path, cause })?;
        match settings.difference(&state.settings) {
            Some(name) => Err(DirectoryError::Other(name)),
            None => Ok(Some(state)),
        }
    }

    /// Goes on with an export, or begins one: its growing files are as long as its state says.
    ///
    /// # Errors
    /// See [`DirectoryError`].
    pub fn grow(self, state: State) -> Result<Growing, DirectoryError> {
        let open = |name: &str| {
            let length = state.lengths.get(name).copied().unwrap_or_default();
            Appending::open(self.path.join(name), length)
        };
        let evidence = open(EVIDENCE)?;
        let mut rows = Vec::new();
        for form in state.settings.forms().unwrap_or_default() {
            if let Some(text) = form.text() {
                let mut file = open(&form.file())?;
                if file.length() == 0 {
                    let head = text.head().map_err(FileFault::of(&self.path.join(form.file())))?;
                    file.append(&head)?;
                }
                rows.push((text, form.file(), file));
            }
        }
        make_directory(&self.path.join(CHECKPOINTS))?;
        let mut growing = Growing {
            directory: self,
            state,
            evidence,
            rows,
        };
        growing.save()?;
        Ok(growing)
    }
}

impl Growing {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.directory.path
    }

    /// How far it has come.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Keeps a checkpoint.
    ///
    /// # Errors
    /// It cannot be written; or one of its size with another root was seen before, and both stay, as evidence that there are
    /// two logs of one name.
    pub fn keep_checkpoint(&self, head: &SignedHead) -> Result<(), KeepError> {
        let SignedHead { checkpoint, text } = head;
        let path = self.path().join(CHECKPOINTS).join(checkpoint.size.to_string());
        let known = match fs::read_to_string(&path) {
            Ok(known) => known,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(replace(&path, text.as_bytes())?);
            }
            Err(error) => return Err(FileFault::of(&path)(error).into()),
        };
        // Who has cosigned may differ from one time to the next; the root may not.
        if SignedCheckpoint::parse(&known).is_ok_and(|known| known.checkpoint() == checkpoint) {
            return Ok(());
        }
        let other = path.with_extension("conflict");
        replace(&other, text.as_bytes())?;
        Err(KeepError::Forked { path, other })
    }

    /// Adds entries, in order of index, after which everything before `next` has been exported.
    ///
    /// # Errors
    /// Something cannot be written: nothing of it counts, and the export is to be opened again.
    pub fn add(&mut self, entries: &[Evidence], next: u64) -> Result<(), FileFault> {
        if !entries.is_empty() {
            let mut lines = Vec::new();
            let mut texts = vec![Vec::new(); self.rows.len()];
            let unwritable = FileFault::of(&self.directory.path);
            for entry in entries {
                let line = entry.line().map_err(io::Error::from).map_err(&unwritable)?;
                lines.extend_from_slice(line.as_bytes());
                let cells = cells(entry);
                for ((form, ..), text) in self.rows.iter().zip(&mut texts) {
                    text.extend(form.row(&cells).map_err(&unwritable)?);
                }
            }
            self.evidence.append(&lines)?;
            for ((_, _, file), text) in self.rows.iter_mut().zip(&texts) {
                file.append(text)?;
            }
        }
        self.state.entries += entries.len() as u64;
        self.state.next = next;
        self.save()
    }

    /// Takes away what says that the export is complete: it goes on.
    ///
    /// # Errors
    /// It cannot be taken away.
    pub fn reopen(&self) -> Result<(), FileFault> {
        let path = self.path().join(MANIFEST);
        match fs::remove_file(&path) {
            Ok(()) => sync_directory(self.path()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(FileFault::of(&path)(error)),
        }
    }

    fn save(&mut self) -> Result<(), FileFault> {
        let lengths = &mut self.state.lengths;
        lengths.insert(EVIDENCE.to_owned(), self.evidence.length());
        for (_, name, file) in &self.rows {
            lengths.insert(name.clone(), file.length());
        }
        let path = self.directory.path.join(STATE);
        let text = self.state.text().map_err(io::Error::from);
        replace(&path, text.map_err(FileFault::of(&path))?.as_bytes())
    }
}

fn names(path: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect()
}

#[cfg(test)]
mod tests;
