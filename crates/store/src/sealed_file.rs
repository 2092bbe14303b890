//! A whole file sealed at rest, in chunks: exports that wait or are kept.
//!
//! | bytes | content |
//! |---|---|
//! | 4 | magic and format version, `PSF1` |
//! | 16 | id of the data key |
//! | 16 | id of the file, random |
//! | n | chunks |
//!
//! A chunk is its length (4 bytes, big endian) and its sealed bytes, as [`DataKey::seal_random`] makes them, of at most
//! [`CHUNK`] bytes of the file. Its associated data are `ponte sealed file v1` ‖ file id ‖ number of the chunk from 0
//! (8 bytes, big endian) ‖ 1 for the last chunk, else 0. So no chunk can be cut off, moved, or taken to another file
//! without notice. An empty file has one empty chunk.

use std::io::{self, Read};
use std::sync::Arc;

use crate::files::File;
use crate::keys::data_key::DataKey;
use crate::keys::ring::NamedKey;
use crate::keys::{Entropy, KeyId};

/// Bytes of the file in one chunk.
pub const CHUNK: usize = 64 * 1024;

const MAGIC: [u8; 4] = *b"PSF1";
const HEAD: usize = 36;
const PURPOSE: &[u8] = b"ponte sealed file v1";

/// Why a file could not be sealed. What was written of it is of no use.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The source cannot be read to its end.
    #[error("the file cannot be read")]
    Source(#[source] io::Error),
    /// The sealed file cannot be written.
    #[error("the sealed file cannot be written")]
    Target(#[source] io::Error),
}

/// Reads a sealed file from its beginning. A chunk that does not open is an error of kind `InvalidData`.
#[derive(Debug)]
pub struct SealedReader {
    file: Arc<dyn File>,
    key: NamedKey,
    file_id: [u8; 16],
    /// Where the next chunk begins.
    offset: u64,
    length: u64,
    number: u64,
    chunk: zeroize::Zeroizing<Vec<u8>>,
    given: usize,
}

/// Whether a chunk is the last of its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Within,
    Last,
}

/// Seals everything that `source` gives into an empty file, and makes it durable. `observe` sees the bytes as they
/// come. Returns how many there were.
///
/// # Errors
/// See [`SealError`].
pub fn seal(
    file: &dyn File,
    key: &NamedKey,
    entropy: &dyn Entropy,
    mut source: impl Read,
    observe: &mut dyn FnMut(&[u8]),
) -> Result<u64, SealError> {
    let mut file_id = [0; 16];
    entropy.fill(&mut file_id);
    let head = [&MAGIC[..], key.id.as_bytes(), &file_id].concat();
    file.write_at(0, &head).map_err(SealError::Target)?;
    let (mut offset, mut number, mut total) = (HEAD as u64, 0, 0);
    let mut current = next_chunk(&mut source).map_err(SealError::Source)?;
    loop {
        observe(&current);
        total += current.len() as u64;
        let following = next_chunk(&mut source).map_err(SealError::Source)?;
        let place = if following.is_empty() {
            Place::Last
        } else {
            Place::Within
        };
        let mut nonce = [0; 12];
        entropy.fill(&mut nonce);
        let sealed = key
            .key
            .seal_random(nonce, &associated(file_id, number, place), &current);
        let length =
            u32::try_from(sealed.len()).map_err(|error| SealError::Target(io::Error::other(error)))?;
        let frame = [&length.to_be_bytes()[..], &sealed].concat();
        file.write_at(offset, &frame).map_err(SealError::Target)?;
        offset += frame.len() as u64;
        number += 1;
        if place == Place::Last {
            break;
        }
        current = following;
    }
    file.sync_data().map_err(SealError::Target)?;
    Ok(total)
}

/// The id of the data key under which a file is sealed, from its head: it can be told without the key, and of a file
/// whose chunks are damaged.
///
/// # Errors
/// `InvalidData` for what has no whole head of a known version.
pub fn key_of(file: &dyn File) -> io::Result<KeyId> {
    read_head(file).map(|head| head.key)
}

impl SealedReader {
    /// Opens a sealed file; `find` finds the data key, none when it was destroyed.
    ///
    /// # Errors
    /// `InvalidData` for what is no sealed file of a known version, or whose key is not there.
    pub fn open(file: Arc<dyn File>, find: impl FnOnce(KeyId) -> Option<NamedKey>) -> io::Result<Self> {
        let length = file.len()?;
        let Head { key, file_id } = read_head(&*file)?;
        let key = find(key).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "the key of the sealed file was destroyed",
            )
        })?;
        Ok(Self {
            file,
            key,
            file_id,
            offset: HEAD as u64,
            length,
            number: 0,
            chunk: zeroize::Zeroizing::default(),
            given: 0,
        })
    }

    /// Opens the next chunk; nothing behind the last.
    fn advance(&mut self) -> io::Result<bool> {
        if self.number != 0 && self.offset == self.length {
            return Ok(false);
        }
        let rest = self.length.saturating_sub(self.offset);
        let mut prefix = [0; 4];
        if rest < 4 {
            return Err(damaged());
        }
        self.file.read_at(self.offset, &mut prefix)?;
        let length = u64::from(u32::from_be_bytes(prefix));
        if rest - 4 < length || ((CHUNK + DataKey::OVERHEAD) as u64) < length {
            return Err(damaged());
        }
        let mut sealed = vec![0; usize::try_from(length).map_err(|_| damaged())?];
        self.file.read_at(self.offset + 4, &mut sealed)?;
        self.offset += 4 + length;
        let place = if self.offset == self.length {
            Place::Last
        } else {
            Place::Within
        };
        self.chunk = self
            .key
            .key
            .open(&associated(self.file_id, self.number, place), &sealed)
            .map_err(|_| damaged())?;
        self.number += 1;
        self.given = 0;
        Ok(true)
    }
}

impl Read for SealedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.chunk.len() {
            if !self.advance()? {
                return Ok(0);
            }
        }
        let rest = &self.chunk[self.given..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        Ok(count)
    }
}

/// What stands before the chunks.
#[derive(Clone, Copy, Debug)]
struct Head {
    key: KeyId,
    file_id: [u8; 16],
}

fn read_head(file: &dyn File) -> io::Result<Head> {
    let mut head = [0; HEAD];
    file.read_at(0, &mut head).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged(),
        _ => error,
    })?;
    let (magic, ids) = head.split_at(MAGIC.len());
    let (key, file_id) = ids.split_at(16);
    match (<[u8; 16]>::try_from(key), <[u8; 16]>::try_from(file_id)) {
        (Ok(key), Ok(file_id)) if magic == MAGIC => Ok(Head {
            key: KeyId::from_bytes(key),
            file_id,
        }),
        _ => Err(damaged()),
    }
}

fn associated(file_id: [u8; 16], number: u64, place: Place) -> Vec<u8> {
    let last = match place {
        Place::Within => 0,
        Place::Last => 1,
    };
    [PURPOSE, &file_id, &number.to_be_bytes(), &[last]].concat()
}

fn next_chunk(source: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(CHUNK);
    source.take(CHUNK as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the sealed file is damaged")
}

#[cfg(test)]
mod tests;
