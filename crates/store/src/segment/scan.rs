//! Reading all segments in order, and telling a torn last frame from damage.

use std::io;

use crate::{
    files::{Files, SECTOR},
    segment::{FrameFormat, Position, Probe, Visit, preparation::segment_name},
};

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Bytes of each segment file.
    pub segments: Vec<u64>,
    /// Behind the last whole frame.
    pub end: Position,
    /// Whole frames.
    pub frames: u64,
    /// Bytes in whole frames.
    pub bytes: u64,
    /// An incomplete last frame.
    pub torn: Option<Torn>,
}

/// What is left of a frame that a crash interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Torn {
    /// Where the frame would begin.
    pub position: Position,
    /// Bytes to its last byte that is not zero.
    pub len: u64,
}

/// Why segments cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScanError<E> {
    /// The bytes at a frame boundary are neither a whole frame nor what a crash leaves.
    #[error("segment {segment} is damaged at offset {offset}")]
    Broken {
        /// Segment number.
        segment: u32,
        /// Byte offset.
        offset: u64,
    },
    /// A segment is missing although a later one exists.
    #[error("segment {segment} is missing")]
    Missing {
        /// Segment number.
        segment: u32,
    },
    /// The visitor refused a whole frame.
    #[error("the frame at segment {} offset {} is refused", .position.segment, .position.offset)]
    Refused {
        /// Where the frame begins.
        position: Position,
        /// What the visitor said.
        reason: E,
    },
    /// The files could not be read or written.
    #[error("the segments cannot be read")]
    Io(#[from] io::Error),
}

/// Shows every whole frame of the set `prefix` to `visit`, in order. Changes nothing.
///
/// # Errors
/// See [`ScanError`].
pub fn scan<E>(
    files: &dyn Files,
    prefix: &str,
    format: &dyn FrameFormat,
    visit: &mut Visit<'_, E>,
) -> Result<Scan, ScanError<E>> {
    let count = count_segments(files, prefix)?;
    let mut found = Scan {
        segments: Vec::new(),
        end: Position {
            segment: 0,
            offset: 0,
        },
        frames: 0,
        bytes: 0,
        torn: None,
    };
    let mut bytes = Vec::new();
    for segment in 0..count {
        let file = files.open(&segment_name(prefix, segment))?;
        let len = file.len()?;
        found.segments.push(len);
        bytes.resize(usize::try_from(len).map_err(io::Error::other)?, 0);
        file.read_at(0, &mut bytes)?;
        if let Some(torn) = found.torn {
            // Behind a torn frame nothing was ever appended: data there means that the frame was whole once.
            if extent(&bytes, 0) != 0 {
                return Err(broken(torn.position));
            }
            continue;
        }
        scan_segment(&bytes, segment, format, visit, &mut found)?;
    }
    Ok(found)
}

fn scan_segment<E>(
    bytes: &[u8],
    segment: u32,
    format: &dyn FrameFormat,
    visit: &mut Visit<'_, E>,
    found: &mut Scan,
) -> Result<(), ScanError<E>> {
    let mut offset = 0;
    loop {
        let position = Position {
            segment,
            offset: offset as u64,
        };
        let rest = &bytes[offset..];
        let head = &rest[..format.head_len().min(rest.len())];
        let probe = if head.iter().all(|byte| *byte == 0) {
            Probe::End
        } else {
            format.probe(rest)
        };
        if let Probe::Complete(len) = probe
            && 0 < len
            && len <= rest.len()
        {
            visit(position, &rest[..len]).map_err(|reason| ScanError::Refused { position, reason })?;
            offset += len;
            found.frames += 1;
            found.bytes += len as u64;
            found.end = Position {
                segment,
                offset: offset as u64,
            };
            continue;
        }
        let extent = extent(bytes, offset);
        if extent == offset {
            return Ok(());
        }
        if !looks_torn(bytes, offset, extent, format.head_len(), probe) {
            return Err(broken(position));
        }
        found.torn = Some(Torn {
            position,
            len: (extent - offset) as u64,
        });
        found.end = position;
        return Ok(());
    }
}

/// Whether `[offset, extent)` may be a frame of which only some sectors, or a first part, reached the disk.
///
/// The file was zero before, so what did not reach the disk reads as zeros. A frame that is there in full and still
/// does not verify was damaged later.
fn looks_torn(bytes: &[u8], offset: usize, extent: usize, head_len: usize, probe: Probe) -> bool {
    let ends_early = match probe {
        Probe::Incomplete { claimed } => {
            offset.saturating_add(claimed) <= bytes.len() && extent < offset + claimed
        }
        Probe::Complete(_) | Probe::End | Probe::Broken => extent < offset + head_len,
    };
    ends_early || has_zero_sector(bytes, offset, extent)
}

fn has_zero_sector(bytes: &[u8], offset: usize, extent: usize) -> bool {
    let sector = usize::try_from(SECTOR).unwrap_or(usize::MAX);
    let mut from = offset;
    while from < extent {
        let to = ((from / sector + 1) * sector).min(extent);
        if bytes[from..to].iter().all(|byte| *byte == 0) {
            return true;
        }
        from = to;
    }
    false
}

/// Behind the last byte that is not zero, at least `from`.
fn extent(bytes: &[u8], from: usize) -> usize {
    bytes[from..]
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(from, |last| from + last + 1)
}

fn count_segments<E>(files: &dyn Files, prefix: &str) -> Result<u32, ScanError<E>> {
    let names = files.list()?;
    let start = format!("{prefix}-");
    let count = names
        .iter()
        .filter(|name| {
            name.strip_prefix(&start)
                .and_then(|rest| rest.strip_suffix(".segment"))
                .is_some_and(|number| number.len() == 8 && number.bytes().all(|byte| byte.is_ascii_digit()))
        })
        .count();
    let count = u32::try_from(count).map_err(io::Error::other)?;
    for segment in 0..count {
        if names.binary_search(&segment_name(prefix, segment)).is_err() {
            return Err(ScanError::Missing { segment });
        }
    }
    Ok(count)
}

fn broken<E>(position: Position) -> ScanError<E> {
    ScanError::Broken {
        segment: position.segment,
        offset: position.offset,
    }
}
