//! Doubles and people for this crate's own tests.

pub(crate) mod people;
pub(crate) mod permits;
pub(crate) mod projections;
pub(crate) mod world;

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};

use crate::keys::Entropy;

/// Bytes that are the same in every run and never repeat in one: SHA-256 of a counter.
#[derive(Debug, Default)]
pub(crate) struct CountingEntropy(Mutex<u64>);

impl Entropy for CountingEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        let mut counter = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in buffer.chunks_mut(32) {
            *counter += 1;
            let block = digest(&SHA256, &counter.to_be_bytes());
            piece.copy_from_slice(&block.as_ref()[..piece.len()]);
        }
    }
}
