//! A frame for any payload: what the publication journals of index and node use.
//!
//! | bytes | content |
//! |---|---|
//! | 4 | magic, chosen by the user, not zero |
//! | 1 | format version of the payload |
//! | 3 | zero |
//! | 4 | payload length, big endian |
//! | 8 | sequence, big endian |
//! | 4 | the first bytes of SHA-256 of the 20 bytes above |
//! | n | payload |
//! | 32 | SHA-256 of everything above |

use aws_lc_rs::digest::{SHA256, digest};

use crate::segment::{FrameFormat, Probe};

const HEAD: usize = 24;
const HASH: usize = 32;

/// Magic and version of one kind of journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope {
    magic: [u8; 4],
    version: u8,
}

/// What was inside a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Framed<'a> {
    /// The number of the frame in its journal; what it counts is the journal's business.
    pub sequence: u64,
    /// The bytes as they were given.
    pub payload: &'a [u8],
}

impl std::fmt::Debug for Framed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Framed({}, {} bytes)", self.sequence, self.payload.len())
    }
}

impl Envelope {
    /// The frames of one kind of journal; `None` when the magic begins with a zero byte.
    #[must_use]
    pub const fn new(magic: [u8; 4], version: u8) -> Option<Self> {
        if magic[0] == 0 {
            return None;
        }
        Some(Self { magic, version })
    }

    /// Bytes that a frame adds to its payload.
    pub const OVERHEAD: usize = HEAD + HASH;

    /// Appends the frame of a payload to a buffer.
    ///
    /// # Errors
    /// `None` when the payload is longer than 4 GiB.
    pub fn encode(&self, sequence: u64, payload: &[u8], buffer: &mut Vec<u8>) -> Option<()> {
        let length = u32::try_from(payload.len()).ok()?;
        let start = buffer.len();
        buffer.extend_from_slice(&self.magic);
        buffer.extend_from_slice(&[self.version, 0, 0, 0]);
        buffer.extend_from_slice(&length.to_be_bytes());
        buffer.extend_from_slice(&sequence.to_be_bytes());
        let check = digest(&SHA256, &buffer[start..]);
        buffer.extend_from_slice(&check.as_ref()[..4]);
        buffer.extend_from_slice(payload);
        let hash = digest(&SHA256, &buffer[start..]);
        buffer.extend_from_slice(hash.as_ref());
        Some(())
    }

    /// Opens a whole frame, as a scan shows it; `None` when it is not one.
    #[must_use]
    pub fn decode<'a>(&self, frame: &'a [u8]) -> Option<Framed<'a>> {
        let claimed = self.claimed(frame)?;
        if claimed != frame.len() {
            return None;
        }
        let sequence = frame.get(12..20)?.try_into().ok()?;
        Some(Framed {
            sequence: u64::from_be_bytes(sequence),
            payload: frame.get(HEAD..claimed - HASH)?,
        })
    }

    fn claimed(&self, bytes: &[u8]) -> Option<usize> {
        let head = bytes.get(..HEAD)?;
        if head[..4] != self.magic || head[4] != self.version {
            return None;
        }
        if digest(&SHA256, &head[..20]).as_ref()[..4] != head[20..] {
            return None;
        }
        let length = u32::from_be_bytes(head[8..12].try_into().ok()?);
        usize::try_from(length).ok()?.checked_add(Self::OVERHEAD)
    }
}

impl FrameFormat for Envelope {
    fn head_len(&self) -> usize {
        HEAD
    }

    fn probe(&self, bytes: &[u8]) -> Probe {
        let Some(claimed) = self.claimed(bytes) else {
            return Probe::Broken;
        };
        let Some(frame) = bytes.get(..claimed) else {
            return Probe::Incomplete { claimed };
        };
        let (content, hash) = frame.split_at(claimed - HASH);
        if digest(&SHA256, content).as_ref() != hash {
            return Probe::Incomplete { claimed };
        }
        Probe::Complete(claimed)
    }
}
