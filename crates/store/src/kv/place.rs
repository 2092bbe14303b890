//! Where an engine lives, and what to do when what lives there is damaged.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::kv::memory::Memory;
use crate::kv::sled_engine::SledEngine;
use crate::kv::{EngineError, KeyValue};

/// The place of one engine.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'a> {
    /// A directory of sled.
    Sled {
        /// Directory of the engine, and of nothing else.
        directory: &'a Path,
        /// Page cache, bytes.
        cache_bytes: u64,
    },
    /// This process's memory: empty at each opening.
    Memory,
}

impl Place<'_> {
    /// Opens the engine, or makes an empty one.
    pub(crate) fn open(self) -> Result<Arc<dyn KeyValue>, EngineError> {
        Ok(match self {
            Self::Sled {
                directory,
                cache_bytes,
            } => Arc::new(SledEngine::open(directory, cache_bytes)?),
            Self::Memory => Arc::new(Memory::default()),
        })
    }

    /// Sets what is there aside, replacing what was set aside before. It is kept because somebody will want to know
    /// how it came to be so; nothing in it is in clear.
    pub(crate) fn set_aside(self) -> std::io::Result<()> {
        let Self::Sled {
            directory,
            cache_bytes: _,
        } = self
        else {
            return Ok(());
        };
        if !directory.try_exists()? {
            return Ok(());
        }
        let aside = aside_of(directory);
        if aside.try_exists()? {
            std::fs::remove_dir_all(&aside)?;
        }
        std::fs::rename(directory, aside)
    }
}

fn aside_of(directory: &Path) -> PathBuf {
    let mut name = directory.file_name().unwrap_or_default().to_owned();
    name.push(".damaged");
    directory.with_file_name(name)
}

/// Does work on an engine that nobody has checked yet: a panic of the engine becomes `None`.
pub(crate) fn unless_it_panics<T>(work: impl FnOnce() -> T) -> Option<T> {
    // Whatever the work held is dropped and opened anew, so nothing half done is seen again.
    catch_unwind(AssertUnwindSafe(work)).ok()
}
