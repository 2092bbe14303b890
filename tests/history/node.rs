//! A municipality's node: exports become changes of its journal.

use std::sync::Arc;

use chrono::NaiveDate;
use node::import::{ImportContext, RemovalLimit, import};
use node::retention::Retention;
use registry::change::Change;
use registry::export::{ExportForm, ExportKind};
use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use store::files::faulty::FaultyFiles;
use store::keys::Entropy;
use store::keys::encryption_key::KeyEncryptionKey;
use store::keys::ring::KeyRing;
use store::municipal::{MirrorEngine, MunicipalStore};
use store::segment::Settings;
use transport::random::{Random, SystemRandom};

#[derive(Debug)]
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        SystemRandom.fill(buffer);
    }
}

/// A node with its store in memory.
pub(crate) struct Node {
    municipality: IstatCode,
    store: MunicipalStore,
}

impl Node {
    pub(crate) fn new(municipality: IstatCode) -> Self {
        let id = MunicipalityId::of_any(municipality).expect("an existing municipality");
        let journal = Arc::new(FaultyFiles::default());
        let engine = MirrorEngine::Memory;
        let store = MunicipalStore::open(journal, &key_ring(), Settings::default(), engine, id);
        Self {
            municipality,
            store: store.expect("a store"),
        }
    }

    /// Imports the export of a day and gives what it changed.
    #[track_caller]
    pub(crate) fn import(&mut self, file: &[u8], day: NaiveDate, kind: ExportKind) -> Vec<Change> {
        let before = self.store.last_sequence();
        let context = ImportContext {
            municipality: self.municipality,
            day,
            removals: RemovalLimit::Unlimited,
            retention: Retention::default(),
        };
        let form = ExportForm { kind, mapping: None };
        let report = import(&mut self.store, file, context, &form).expect("the export is imported");
        assert_eq!(report.quarantined, 0, "{day}: {:?}", report.findings);
        let changes = self.store.changes_from(before + 1, usize::MAX);
        changes.expect("the journal is read")
    }
}

/// A key ring in memory.
pub(crate) fn key_ring() -> Arc<KeyRing> {
    let key = KeyEncryptionKey::from_bytes(&[5; 32]);
    let ring = KeyRing::open(Arc::new(FaultyFiles::default()), key, Arc::new(SystemEntropy));
    Arc::new(ring.expect("a key ring"))
}
