use crate::frame::{
    BuildError, CHECKED_PREFIX, FRAME_MAX_LEN, FRAME_VERSION, MAGIC, PREFIX, SealedPart, TRAILER, entry_len,
};
use crate::hash::sha256;
use crate::header::HEADER_MAX_LEN;
use crate::part::PARTS_MAX_WIDTH;

/// Builds a frame entry by entry. A refused entry leaves the frame as it was.
#[derive(Debug)]
pub struct FrameBuilder {
    bytes: Vec<u8>,
    first_index: u64,
    count: u32,
}

impl FrameBuilder {
    /// # Errors
    /// The checkpoint is too long.
    pub fn new(first_index: u64, previous_checkpoint: &[u8]) -> Result<Self, BuildError> {
        Self::with_buffer(Vec::new(), first_index, previous_checkpoint)
    }

    /// Reuses the allocation of `buffer`; what is in it is discarded.
    ///
    /// # Errors
    /// The checkpoint is too long.
    pub fn with_buffer(
        mut buffer: Vec<u8>,
        first_index: u64,
        previous_checkpoint: &[u8],
    ) -> Result<Self, BuildError> {
        let length = u16::try_from(previous_checkpoint.len()).map_err(|_| BuildError::Checkpoint)?;
        buffer.clear();
        buffer.resize(PREFIX, 0);
        buffer.extend_from_slice(&length.to_be_bytes());
        buffer.extend_from_slice(previous_checkpoint);
        Ok(Self {
            bytes: buffer,
            first_index,
            count: 0,
        })
    }

    /// Appends an entry with its sealed parts and returns its index.
    ///
    /// # Errors
    /// The header or the number of parts is outside the limits, or the frame is full.
    pub fn push<'a>(
        &mut self,
        header: &[u8],
        parts: impl ExactSizeIterator<Item = SealedPart<'a>> + Clone,
    ) -> Result<u64, BuildError> {
        let header_len = u16::try_from(header.len()).map_err(|_| BuildError::Header)?;
        if header.is_empty() || HEADER_MAX_LEN < header.len() {
            return Err(BuildError::Header);
        }
        if PARTS_MAX_WIDTH < parts.len() {
            return Err(BuildError::Parts);
        }
        let part_count = u16::try_from(parts.len()).map_err(|_| BuildError::Parts)?;
        let added = entry_len(header.len(), parts.clone().map(|part| part.ciphertext.len()));
        if FRAME_MAX_LEN < self.len() + added {
            return Err(BuildError::Full);
        }
        let next = self
            .first_index
            .checked_add(u64::from(self.count) + 1)
            .ok_or(BuildError::Index)?;

        self.bytes.reserve(added);
        self.bytes.extend_from_slice(&header_len.to_be_bytes());
        self.bytes.extend_from_slice(header);
        self.bytes.extend_from_slice(&part_count.to_be_bytes());
        for SealedPart {
            key_id,
            position,
            ciphertext,
        } in parts
        {
            let length = u32::try_from(ciphertext.len()).expect("less than a frame, just checked");
            self.bytes.extend_from_slice(&key_id);
            self.bytes.extend_from_slice(&position.to_be_bytes());
            self.bytes.extend_from_slice(&length.to_be_bytes());
            self.bytes.extend_from_slice(ciphertext);
        }
        self.count += 1;
        Ok(next - 1)
    }

    /// Number of entries so far.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Length of the frame if it were finished now, in bytes.
    #[expect(clippy::len_without_is_empty, reason = "a frame is never without bytes")]
    pub fn len(&self) -> usize {
        self.bytes.len() + TRAILER
    }

    /// The finished frame.
    pub fn finish(self) -> Vec<u8> {
        let length = u32::try_from(self.len()).expect("at most 16 MiB, checked at each entry");
        let Self {
            mut bytes,
            first_index,
            count,
        } = self;
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&FRAME_VERSION.to_be_bytes());
        bytes[6..14].copy_from_slice(&first_index.to_be_bytes());
        bytes[14..18].copy_from_slice(&count.to_be_bytes());
        bytes[18..22].copy_from_slice(&length.to_be_bytes());
        let check = sha256(&bytes[..CHECKED_PREFIX]);
        bytes[CHECKED_PREFIX..PREFIX].copy_from_slice(&check.as_bytes()[..4]);
        let hash = sha256(&bytes);
        bytes.extend_from_slice(hash.as_ref());
        bytes
    }
}
