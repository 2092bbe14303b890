//! Reading frames back while the writer goes on.

use std::{
    io::{Error, ErrorKind, Result},
    sync::{Arc, PoisonError, RwLock},
};

use crate::{files::File, segment::Position};

/// Reads bytes at positions that an append or a scan gave.
#[derive(Debug, Clone)]
pub struct SegmentReader {
    segments: Arc<RwLock<Segments>>,
}

impl SegmentReader {
    pub(super) fn new(segments: Arc<RwLock<Segments>>) -> Self {
        Self { segments }
    }

    /// Fills the buffer from a position.
    ///
    /// # Errors
    /// `NotFound` for a segment that is not there, and those of reading.
    pub fn read(&self, position: Position, buffer: &mut [u8]) -> Result<()> {
        let file = self
            .segments
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(position.segment)?;
        file.read_at(position.offset, buffer)
    }
}

/// Open segments; the number is the place.
#[derive(Debug, Default)]
pub(super) struct Segments(Vec<Arc<dyn File>>);

impl Segments {
    pub(super) fn push(&mut self, file: Arc<dyn File>) {
        self.0.push(file);
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn get(&self, number: u32) -> Result<Arc<dyn File>> {
        self.0
            .get(number as usize)
            .map(Arc::clone)
            .ok_or_else(|| Error::from(ErrorKind::NotFound))
    }
}
