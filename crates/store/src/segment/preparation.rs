//! Making segments: named only when whole and durable, and ahead of need.

use std::{
    io::Result,
    sync::Arc,
    thread::{self, JoinHandle},
};

use crate::{
    files::{File, Files},
    segment::Settings,
};

/// Who makes the next segment, once the writer has moved into the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preparation {
    /// A thread of its own, so that no append waits.
    Background,
    /// The writer, at once: the order of writes is then the same in every run.
    Inline,
}

/// The name of a segment's file.
#[must_use]
pub fn segment_name(prefix: &str, number: u32) -> String {
    format!("{prefix}-{number:08}.segment")
}

/// The segment behind the current one.
#[derive(Debug)]
pub(super) enum Next {
    Ready(Arc<dyn File>),
    Coming(Making),
    /// It could not be made yet; the next need tries again.
    Missing,
}

impl Next {
    pub(super) fn start(files: &Arc<dyn Files>, prefix: &str, number: u32, settings: Settings) -> Self {
        match settings.preparation {
            Preparation::Inline => make(files.as_ref(), prefix, number, settings.segment_bytes)
                .map_or(Self::Missing, Self::Ready),
            Preparation::Background => {
                let files = Arc::clone(files);
                let prefix = prefix.to_owned();
                thread::Builder::new()
                    .name("segment-preparation".to_owned())
                    .spawn(move || make(files.as_ref(), &prefix, number, settings.segment_bytes))
                    .map_or(Self::Missing, |thread| Self::Coming(Making(Some(thread))))
            }
        }
    }

    pub(super) fn take(
        &mut self,
        files: &Arc<dyn Files>,
        prefix: &str,
        number: u32,
        settings: Settings,
    ) -> Result<Arc<dyn File>> {
        if let Self::Ready(file) = std::mem::replace(self, Self::Missing).settled() {
            return Ok(file);
        }
        // Trying again tells a full disk, which may have room by now, from a broken one.
        make(files.as_ref(), prefix, number, settings.segment_bytes)
    }

    fn settled(self) -> Self {
        match self {
            Self::Coming(mut making) => making.finish().map_or(Self::Missing, Self::Ready),
            Self::Ready(_) | Self::Missing => self,
        }
    }
}

/// A thread that makes a segment. Dropping waits for it: it must not write into a directory that somebody else may
/// have opened since.
#[derive(Debug)]
pub(super) struct Making(Option<JoinHandle<Result<Arc<dyn File>>>>);

impl Making {
    fn finish(&mut self) -> Option<Arc<dyn File>> {
        self.0.take()?.join().ok()?.ok()
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Makes a segment: zeros, sync, name, sync of the directory.
pub(super) fn make(files: &dyn Files, prefix: &str, number: u32, len: u64) -> Result<Arc<dyn File>> {
    remove_unfinished(files, prefix)?;
    let name = segment_name(prefix, number);
    if files.list()?.binary_search(&name).is_ok() {
        // Made before a restart and not used since: a scan has seen that it is empty.
        return files.open(&name);
    }
    let unfinished = unfinished_name(prefix);
    let file = files.create(&unfinished, len)?;
    file.sync_data()?;
    files.rename(&unfinished, &name)?;
    files.sync_dir()?;
    Ok(file)
}

/// Removes what an interrupted [`make`] left.
pub(super) fn remove_unfinished(files: &dyn Files, prefix: &str) -> Result<()> {
    match files.remove(&unfinished_name(prefix)) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn unfinished_name(prefix: &str) -> String {
    format!("{prefix}.unfinished")
}
