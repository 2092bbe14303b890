//! The batch frame: what the log's writer appends with one write and one sync.
//!
//! Integers are big-endian.
//!
//! | Bytes | What |
//! |---|---|
//! | 4 | mark, `89 50 4C 46` (0x89, `PLF`) |
//! | 2 | version, 1 |
//! | 8 | index of the first entry |
//! | 4 | number of entries; zero in a frame that only stores a checkpoint |
//! | 4 | length of the whole frame, from the mark to the last hash byte |
//! | 4 | first 4 bytes of SHA-256 of the 22 bytes before |
//! | 2 + n | previous batch's signed checkpoint, may be empty |
//! | for each entry: 2 + n | header |
//! | 2 | number of sealed parts |
//! | for each part: 16 + 2 + 4 + n | key id, leaf position, ciphertext |
//! | 32 | SHA-256 of everything before |
//!
//! Segments are preallocated and full of zeros, so zeros where a frame should begin are the end. A write
//! that the power cut short leaves whole sectors of zeros, or ends before its length says; damage to
//! stored bytes does not; headers are text and the rest is sealed or hashed, so that no sector of a frame is
//! all zeros by itself. That is how [`FrameError::Incomplete`] and [`FrameError::Broken`] are told
//! apart: the former may be cut off, when nothing follows it; the latter never.

use thiserror::Error;

mod build;
mod view;

#[cfg(test)]
mod tests;

pub use build::FrameBuilder;
pub use view::{EntryView, FrameView, Parsed, whole_frame_follows};

/// Version of the frame's format.
pub const FRAME_VERSION: u16 = 1;

/// Longest frame, in bytes.
pub const FRAME_MAX_LEN: usize = 16 * 1024 * 1024;

const MAGIC: [u8; 4] = [0x89, b'P', b'L', b'F'];
const CHECKED_PREFIX: usize = 4 + 2 + 8 + 4 + 4;
const PREFIX: usize = CHECKED_PREFIX + 4;
const TRAILER: usize = 32;
const MIN_LEN: usize = PREFIX + 2 + TRAILER;
/// The unit that a disk writes whole or not at all.
const SECTOR: u64 = 512;

/// A sealed part as it is stored. The frame does not look inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedPart<'a> {
    /// Data key under which the part is sealed.
    pub key_id: [u8; 16],
    /// Position of its commitment in the entry's parts tree.
    pub position: u16,
    pub ciphertext: &'a [u8],
}

/// Why a frame cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The frame was not written to its end. If no whole frame follows it was never acknowledged.
    #[error("frame is incomplete")]
    Incomplete,
    /// Stored bytes were changed, or never were a frame.
    #[error("frame is broken: {0}")]
    Broken(Damage),
}

/// What is wrong with a broken frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    #[error("its first bytes are no frame's")]
    Prefix,
    #[error("version {0} is unknown")]
    Version(u16),
    #[error("its length is outside the limits")]
    Length,
    #[error("its hash does not match")]
    Hash,
    #[error("its content does not have the stated shape")]
    Content,
}

/// Why a frame cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BuildError {
    #[error("checkpoint is longer than 65,535 bytes")]
    Checkpoint,
    #[error("header is empty or longer than 1,024 bytes")]
    Header,
    #[error("entry has more than 1,024 parts")]
    Parts,
    #[error("frame would be longer than {FRAME_MAX_LEN} bytes")]
    Full,
    #[error("log would have more than 2^64 - 1 entries")]
    Index,
}

/// Bytes of a frame without entries, with a previous checkpoint of this length.
pub const fn empty_frame_len(previous_checkpoint: usize) -> usize {
    MIN_LEN + previous_checkpoint
}

/// Bytes that an entry adds to a frame, from the length of its header and of its ciphertexts.
pub fn entry_len(header: usize, ciphertexts: impl Iterator<Item = usize>) -> usize {
    2 + header + 2 + ciphertexts.map(|length| 16 + 2 + 4 + length).sum::<usize>()
}
