//! What the index stands on and its configuration does not say.

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

use store::files::Files;
use store::files::system::SystemFiles;

use crate::pace::Pace;
use crate::starting::Program;

/// Opens the directories in which the index keeps its journal, log, hashes and keys.
pub trait Opens: Send + Sync + Debug {
    /// Opens one of them.
    ///
    /// # Errors
    /// Those of the operating system, or that another process has it.
    fn open(&self, directory: &Path) -> io::Result<Arc<dyn Files>>;
}

/// What an index stands on. By default the files of the operating system, and answers that leave on steps: no
/// configuration says anything else.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Its files.
    pub files: Arc<dyn Opens>,
    /// When its answers leave.
    pub pace: Pace,
    /// The program that runs, as its starts and stops are entered; the one of this process when absent.
    pub program: Option<Program>,
}

/// The files of the operating system.
#[derive(Debug)]
struct System;

impl Opens for System {
    fn open(&self, directory: &Path) -> io::Result<Arc<dyn Files>> {
        Ok(Arc::new(SystemFiles::open(directory)?))
    }
}

impl Default for Ground {
    fn default() -> Self {
        Self {
            files: Arc::new(System),
            pace: Pace::Steps,
            program: None,
        }
    }
}
