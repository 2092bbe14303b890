//! Append-only segment files: numbered, preallocated, zero-filled; one write and one sync for each frame.
//!
//! A frame never spans two segments. The next segment is made ahead, so that an append touches no metadata.
//! What a frame looks like is the business of a [`FrameFormat`]; this layer only needs to know where it ends and
//! whether it is whole.

pub mod envelope;
pub mod preparation;
pub mod reader;
pub mod scan;
mod syncer;

use std::{
    fmt::Debug,
    io,
    sync::{Arc, RwLock},
};

use crate::{
    files::{File, Files, is_no_space},
    segment::{
        preparation::{Next, Preparation},
        reader::{SegmentReader, Segments},
        scan::{ScanError, Torn, scan},
        syncer::Syncer,
    },
};

/// The first byte of a frame: segment number and offset in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Segment number, from 0.
    pub segment: u32,
    /// Byte offset in the segment.
    pub offset: u64,
}

/// Where frames end and whether they are whole.
pub trait FrameFormat: Send + Sync + Debug {
    /// How many bytes a frame's fixed head has.
    fn head_len(&self) -> usize;

    /// Judges the bytes from a frame boundary to the end of the segment.
    fn probe(&self, bytes: &[u8]) -> Probe;
}

/// What stands at a frame boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// A whole frame of so many bytes, its hash checked.
    Complete(usize),
    /// A head that claims so many bytes, which are not all there or do not hash to what they should.
    Incomplete {
        /// Bytes of the frame, head and hash included, as its head says.
        claimed: usize,
    },
    /// Zero bytes: no further frame.
    End,
    /// Something that is no head of this format.
    Broken,
}

/// Takes a whole frame and where it begins, or refuses it.
pub type Visit<'a, E> = dyn FnMut(Position, &[u8]) -> Result<(), E> + 'a;

/// How segments are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of a new segment, and so the longest possible frame. Existing segments keep their length.
    pub segment_bytes: u64,
    /// Who makes the next segment.
    pub preparation: Preparation,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            preparation: Preparation::Background,
        }
    }
}

/// What opening found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovery {
    /// Segment files.
    pub segments: u32,
    /// Whole frames.
    pub frames: u64,
    /// Bytes in whole frames.
    pub bytes: u64,
    /// The incomplete last frame that was cut off, if there was one.
    pub cut: Option<Torn>,
}

/// Why an append did not happen.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The frame does not fit into any segment. The set is as it was.
    #[error("a frame of {len} bytes is longer than a segment of {max} bytes")]
    TooLong {
        /// Bytes of the frame.
        len: usize,
        /// Bytes of a segment.
        max: u64,
    },
    /// There is no room for the next segment. Nothing was written; a later append may succeed.
    #[error("no space for the next segment")]
    NoSpace,
    /// A write or sync failed: nothing is known of the frame, and this set refuses every further append.
    #[error("the segment cannot be written")]
    Failed(#[source] io::Error),
    /// An earlier append failed.
    #[error("an earlier write to the segments failed")]
    Poisoned,
}

/// The writer of one set of segments.
#[derive(Debug)]
pub struct SegmentSet {
    files: Arc<dyn Files>,
    prefix: String,
    settings: Settings,
    segments: Arc<RwLock<Segments>>,
    current: Current,
    next: Next,
    syncer: Option<Syncer>,
    poisoned: bool,
}

#[derive(Debug)]
struct Current {
    number: u32,
    file: Arc<dyn File>,
    len: u64,
    offset: u64,
}

impl SegmentSet {
    /// Opens the set `prefix`, showing every whole frame to `visit` in order; makes it when there is none.
    ///
    /// An incomplete last frame, which was never synced and so never answered, is overwritten with zeros.
    ///
    /// # Errors
    /// [`ScanError::Broken`] for any other frame that is not whole, [`ScanError::Refused`] when `visit` refuses,
    /// and input or output errors.
    pub fn open<E>(
        files: Arc<dyn Files>,
        prefix: &str,
        settings: Settings,
        format: &dyn FrameFormat,
        visit: &mut Visit<'_, E>,
    ) -> Result<(Self, Recovery), ScanError<E>> {
        preparation::remove_unfinished(files.as_ref(), prefix)?;
        let found = scan(files.as_ref(), prefix, format, visit)?;
        if let Some(torn) = found.torn {
            cut(files.as_ref(), prefix, torn)?;
        }
        if found.segments.is_empty() {
            preparation::make(files.as_ref(), prefix, 0, settings.segment_bytes)?;
        }
        let mut segments = Segments::default();
        for number in 0..u32::try_from(found.segments.len().max(1)).unwrap_or(u32::MAX) {
            segments.push(files.open(&preparation::segment_name(prefix, number))?);
        }
        let number = found.end.segment;
        let file = segments.get(number)?;
        let current = Current {
            number,
            len: file.len()?,
            file,
            offset: found.end.offset,
        };
        let next = match segments.get(number + 1) {
            Ok(file) => Next::Ready(file),
            Err(_) => Next::start(&files, prefix, number + 1, settings),
        };
        let recovery = Recovery {
            segments: segments.len(),
            frames: found.frames,
            bytes: found.bytes,
            cut: found.torn,
        };
        let set = Self {
            files,
            prefix: prefix.to_owned(),
            settings,
            segments: Arc::new(RwLock::new(segments)),
            current,
            next,
            syncer: None,
            poisoned: false,
        };
        Ok((set, recovery))
    }

    /// Writes one frame and makes it durable.
    ///
    /// # Errors
    /// See [`AppendError`]; after `Failed` every later append is refused.
    pub fn append(&mut self, frame: &[u8]) -> Result<Position, AppendError> {
        let position = self.write(frame)?;
        let synced = self.current.file.sync_data();
        self.keep(synced)?;
        self.current.offset += frame.len() as u64;
        Ok(position)
    }

    /// As [`Self::append`], doing `work` on this thread while another one waits for the disk.
    ///
    /// # Errors
    /// Those of [`Self::append`]; what `work` made is then dropped.
    pub fn append_during<T>(
        &mut self,
        frame: &[u8],
        work: impl FnOnce() -> T,
    ) -> Result<(Position, T), AppendError> {
        let position = self.write(frame)?;
        let started = match &self.syncer {
            Some(_) => Ok(()),
            None => Syncer::start().map(|syncer| self.syncer = Some(syncer)),
        };
        self.keep(started)?;
        let begun = self.syncer.as_ref().map_or_else(
            || Err(io::ErrorKind::BrokenPipe.into()),
            |syncer| syncer.begin(Arc::clone(&self.current.file)),
        );
        self.keep(begun)?;
        let made = work();
        let synced = self
            .syncer
            .as_ref()
            .map_or_else(|| Err(io::ErrorKind::BrokenPipe.into()), Syncer::finish);
        self.keep(synced)?;
        self.current.offset += frame.len() as u64;
        Ok((position, made))
    }

    /// Makes sure that a frame of `len` bytes has a place, making the next segment if it must.
    ///
    /// # Errors
    /// As [`Self::append`]; nothing is written into a segment.
    pub fn make_room(&mut self, len: usize) -> Result<(), AppendError> {
        if self.poisoned {
            return Err(AppendError::Poisoned);
        }
        if self.settings.segment_bytes < len as u64 {
            return Err(AppendError::TooLong {
                len,
                max: self.settings.segment_bytes,
            });
        }
        while self.current.len - self.current.offset < len as u64 {
            self.advance()?;
        }
        Ok(())
    }

    /// A reader of synced frames, usable from other threads.
    #[must_use]
    pub fn reader(&self) -> SegmentReader {
        SegmentReader::new(Arc::clone(&self.segments))
    }

    /// Where the next frame would begin if it fits into the current segment.
    #[must_use]
    pub fn end(&self) -> Position {
        Position {
            segment: self.current.number,
            offset: self.current.offset,
        }
    }

    fn write(&mut self, frame: &[u8]) -> Result<Position, AppendError> {
        self.make_room(frame.len())?;
        let written = self.current.file.write_at(self.current.offset, frame);
        self.keep(written)?;
        Ok(self.end())
    }

    fn advance(&mut self) -> Result<(), AppendError> {
        let number = self.current.number + 1;
        let file = match self.next.take(&self.files, &self.prefix, number, self.settings) {
            Ok(file) => file,
            Err(error) if is_no_space(&error) => return Err(AppendError::NoSpace),
            Err(error) => return self.keep(Err(error)),
        };
        let len = file.len();
        let Ok(len) = len else {
            return self.keep(len.map(|_| ()));
        };
        {
            let mut segments = self
                .segments
                .write()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if segments.len() == number {
                segments.push(Arc::clone(&file));
            }
        }
        self.current = Current {
            number,
            file,
            len,
            offset: 0,
        };
        self.next = Next::start(&self.files, &self.prefix, number + 1, self.settings);
        Ok(())
    }

    fn keep(&mut self, outcome: io::Result<()>) -> Result<(), AppendError> {
        outcome.map_err(|error| {
            self.poisoned = true;
            AppendError::Failed(error)
        })
    }
}

fn cut(files: &dyn Files, prefix: &str, torn: Torn) -> io::Result<()> {
    let file = files.open(&preparation::segment_name(prefix, torn.position.segment))?;
    let len = usize::try_from(torn.len).map_err(io::Error::other)?;
    file.write_at(torn.position.offset, &vec![0; len])?;
    file.sync_data()
}

#[cfg(test)]
mod tests;
