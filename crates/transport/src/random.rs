//! Randomness as a parameter: the system's generator, and identifiers made from it.

use std::fmt;

use aws_lc_rs::rand::SecureRandom;
use uuid::Uuid;

use crate::clock::Clock;

/// A source of unpredictable bytes.
pub trait Random: fmt::Debug + Send + Sync {
    /// Fills `bytes` completely.
    fn fill(&self, bytes: &mut [u8]);
}

/// The cryptographic generator of the provider, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::SystemRandom::new()
            .fill(bytes)
            .expect("the provider ends the process itself when the operating system gives no entropy");
    }
}

/// A version 7 UUID (RFC 9562 §5.7) of this millisecond: used for request ids.
pub fn uuid_v7(clock: &dyn Clock, random: &dyn Random) -> Uuid {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    uuid::Builder::from_unix_timestamp_millis(clock.now_ms(), &bytes).into_uuid()
}

/// Sources that are not secure.
pub mod danger {
    use std::sync::atomic::{AtomicU64, Ordering};

    use aws_lc_rs::digest;

    use super::Random;

    /// A generator whose output follows from its seed, for tests and for demonstrations that must come
    /// out the same twice. Whoever knows the seed knows every byte: it must never make a key, a salt or
    /// a request id of a real service.
    #[derive(Debug)]
    pub struct SeededRandom {
        seed: u64,
        block: AtomicU64,
    }

    impl SeededRandom {
        /// A generator that starts over from `seed`.
        pub fn new(seed: u64) -> Self {
            Self {
                seed,
                block: AtomicU64::new(0),
            }
        }
    }

    impl Random for SeededRandom {
        fn fill(&self, bytes: &mut [u8]) {
            for chunk in bytes.chunks_mut(digest::SHA256_OUTPUT_LEN) {
                let block = self.block.fetch_add(1, Ordering::SeqCst);
                let mut input = [0; 16];
                input[..8].copy_from_slice(&self.seed.to_be_bytes());
                input[8..].copy_from_slice(&block.to_be_bytes());
                let output = digest::digest(&digest::SHA256, &input);
                chunk.copy_from_slice(&output.as_ref()[..chunk.len()]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::danger::SeededRandom;
    use super::*;
    use crate::clock::ManualClock;

    fn bytes_of(random: &dyn Random) -> [u8; 70] {
        let mut bytes = [0; 70];
        random.fill(&mut bytes);
        bytes
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
        let first = bytes_of(&SeededRandom::new(7));
        assert_eq!(first, bytes_of(&SeededRandom::new(7)));
        assert_ne!(first, bytes_of(&SeededRandom::new(8)));
    }

    #[test]
    fn one_generator_never_repeats_a_block() {
        let random = SeededRandom::new(7);
        assert_ne!(bytes_of(&random), bytes_of(&random));
    }

    #[test]
    fn the_system_generator_differs_from_itself() {
        assert_ne!(bytes_of(&SystemRandom), bytes_of(&SystemRandom));
    }

    #[test]
    fn a_request_id_is_a_version_7_uuid_that_carries_its_millisecond() {
        let clock = ManualClock::at_ms(1_790_000_000_123);
        let id = uuid_v7(&clock, &SeededRandom::new(1));
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
        let millis = id.as_bytes()[..6]
            .iter()
            .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        assert_eq!(millis, 1_790_000_000_123);
    }
}
