//! Projections over nothing.

use std::sync::Arc;

use crate::files::faulty::FaultyFiles;
use crate::keys::encryption_key::KeyEncryptionKey;
use crate::keys::ring::KeyRing;
use crate::kv::memory::Memory;
use crate::projection::Projection;
use crate::test_support::CountingEntropy;

/// An empty projection with keys of its own; the keys are the same in each.
pub(crate) fn empty() -> Projection {
    let files = Arc::new(FaultyFiles::default());
    let entropy = Arc::new(CountingEntropy::default());
    let keys = KeyRing::open(files, KeyEncryptionKey::from_bytes(&[5; 32]), entropy);
    Projection::new(Arc::new(Memory::default()), Arc::new(keys.unwrap())).unwrap()
}
