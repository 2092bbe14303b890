use std::ops::Range;

use crate::frame::{
    CHECKED_PREFIX, Damage, FRAME_MAX_LEN, FRAME_VERSION, FrameError, MAGIC, MIN_LEN, PREFIX, SECTOR,
    SealedPart, TRAILER,
};
use crate::hash::sha256;
use crate::header::HEADER_MAX_LEN;
use crate::part::PARTS_MAX_WIDTH;

/// What stands at a place where a frame may begin.
#[derive(Clone, Debug)]
pub enum Parsed<'a> {
    Frame(FrameView<'a>),
    /// No frame: only zeros, or nothing, up to the end.
    End,
}

/// A whole frame, read in place.
#[derive(Clone, Debug)]
pub struct FrameView<'a> {
    first_index: u64,
    length: usize,
    previous_checkpoint: &'a [u8],
    headers: Vec<(&'a [u8], Range<usize>)>,
    parts: Vec<SealedPart<'a>>,
}

/// An entry of a frame.
#[derive(Clone, Copy, Debug)]
pub struct EntryView<'a> {
    pub index: u64,
    /// The leaf: [`crate::header::Header::decode`] reads it, [`crate::hash::leaf_hash`] hashes it.
    pub header: &'a [u8],
    pub parts: &'a [SealedPart<'a>],
}

impl<'a> FrameView<'a> {
    /// Reads the frame at the front of `tail`, the rest of a segment. `position` is where `tail` begins in
    /// its file, to tell sectors that were never written.
    ///
    /// # Errors
    /// [`FrameError::Incomplete`] or [`FrameError::Broken`]; see the module for the difference.
    pub fn parse(tail: &'a [u8], position: u64) -> Result<Parsed<'a>, FrameError> {
        let Some(prefix) = tail.first_chunk::<PREFIX>() else {
            let blank = is_zero(tail);
            return if blank {
                Ok(Parsed::End)
            } else {
                Err(FrameError::Incomplete)
            };
        };
        let check = sha256(&prefix[..CHECKED_PREFIX]);
        if prefix[..4] != MAGIC || prefix[CHECKED_PREFIX..] != check.as_bytes()[..4] {
            if is_zero(prefix) && is_zero(tail) {
                return Ok(Parsed::End);
            }
            let unwritten = has_unwritten_sector(prefix, position);
            return Err(if unwritten {
                FrameError::Incomplete
            } else {
                FrameError::Broken(Damage::Prefix)
            });
        }
        let mut fixed = Cursor(&prefix[4..CHECKED_PREFIX]);
        let (Some(version), Some(first_index), Some(count), Some(length)) =
            (fixed.u16(), fixed.u64(), fixed.u32(), fixed.u32())
        else {
            return Err(FrameError::Broken(Damage::Prefix));
        };
        if version != FRAME_VERSION {
            return Err(FrameError::Broken(Damage::Version(version)));
        }
        let length = length as usize;
        if !(MIN_LEN..=FRAME_MAX_LEN).contains(&length) {
            return Err(FrameError::Broken(Damage::Length));
        }
        let frame = tail.get(..length).ok_or(FrameError::Incomplete)?;
        let (content, hash) = frame.split_at(length - TRAILER);
        if sha256(content).as_ref() != hash {
            let unwritten = has_unwritten_sector(frame, position);
            return Err(if unwritten {
                FrameError::Incomplete
            } else {
                FrameError::Broken(Damage::Hash)
            });
        }
        let view = Self::content(&content[PREFIX..], first_index, count, length);
        view.map(Parsed::Frame).ok_or(FrameError::Broken(Damage::Content))
    }

    fn content(content: &'a [u8], first_index: u64, count: u32, length: usize) -> Option<Self> {
        first_index.checked_add(u64::from(count))?;
        let mut rest = Cursor(content);
        let previous_checkpoint = rest.short_bytes()?;
        // An entry has at least five bytes, so that a count cannot ask for more memory than the frame has.
        let count = usize::try_from(count)
            .ok()
            .filter(|count| *count <= content.len() / 5)?;
        let mut headers = Vec::with_capacity(count);
        let mut parts = Vec::new();
        for _ in 0..count {
            let header = rest.short_bytes()?;
            if header.is_empty() || HEADER_MAX_LEN < header.len() {
                return None;
            }
            let part_count = usize::from(rest.u16()?);
            if PARTS_MAX_WIDTH < part_count {
                return None;
            }
            let first_part = parts.len();
            for _ in 0..part_count {
                let key_id = *rest.take(16)?.first_chunk()?;
                let position = rest.u16()?;
                let ciphertext_len = usize::try_from(rest.u32()?).ok()?;
                let ciphertext = rest.take(ciphertext_len)?;
                parts.push(SealedPart {
                    key_id,
                    position,
                    ciphertext,
                });
            }
            headers.push((header, first_part..parts.len()));
        }
        rest.0.is_empty().then_some(Self {
            first_index,
            length,
            previous_checkpoint,
            headers,
            parts,
        })
    }

    /// Index of the first entry, or of the next one when there is none.
    pub fn first_index(&self) -> u64 {
        self.first_index
    }

    /// Index of the entry after the last: the size of the log with this frame.
    pub fn next_index(&self) -> u64 {
        self.first_index + self.headers.len() as u64
    }

    /// Bytes from this frame to the next.
    #[expect(clippy::len_without_is_empty, reason = "a frame is never without bytes")]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Text of the signed checkpoint stored with this frame; empty if none.
    pub fn previous_checkpoint(&self) -> &'a [u8] {
        self.previous_checkpoint
    }

    pub fn entries(&self) -> impl ExactSizeIterator<Item = EntryView<'_>> {
        self.headers
            .iter()
            .enumerate()
            .map(|(offset, (header, parts))| EntryView {
                index: self.first_index + offset as u64,
                header,
                parts: &self.parts[parts.clone()],
            })
    }
}

/// Whether a whole frame begins anywhere after the first byte of `tail`: then an incomplete frame at its
/// front is not the last, was acknowledged, and must not be cut off.
pub fn whole_frame_follows(tail: &[u8], position: u64) -> bool {
    let starts = tail
        .windows(MAGIC.len())
        .enumerate()
        .skip(1)
        .filter(|(_, window)| **window == MAGIC);
    starts
        .map(|(start, _)| FrameView::parse(&tail[start..], position.wrapping_add(start as u64)))
        .any(|parsed| matches!(parsed, Ok(Parsed::Frame(_))))
}

/// Whether the bytes, which begin at `position` of their file, contain nothing but zeros in some sector.
fn has_unwritten_sector(bytes: &[u8], position: u64) -> bool {
    let to_boundary = (SECTOR - position % SECTOR) as usize;
    let (head, rest) = bytes.split_at(to_boundary.min(bytes.len()));
    is_zero(head) || rest.chunks(SECTOR as usize).any(is_zero)
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn short_bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }
}
