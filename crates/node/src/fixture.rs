//! Exports and stores for the tests of this crate.

pub(crate) mod disk;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use registry::export::{COLUMNS, ExportForm};
use registry::identifier::{IstatCode, LocalId};
use registry::municipality::MunicipalityId;
use registry::signing::pem_of_seed;
use store::files::Files;
use store::files::faulty::{FaultyFiles, Syncs};
use store::keys::Entropy;
use store::keys::encryption_key::KeyEncryptionKey;
use store::keys::ring::KeyRing;
use store::municipal::{MirrorEngine, MunicipalStore};
use store::segment::Settings;
use store::segment::preparation::Preparation;
use transport::pki::files::write_key;
use transport::pki::request::KeyPem;
use transport::random::Random;
use transport::random::danger::SeededRandom;

use crate::config::NodeConfig;
use crate::import::{ImportContext, ImportReport, RemovalLimit, import};
use crate::retention::Retention;

/// A row that breaks no rule, as column and value; the card's number is set by [`export`].
const RESIDENT: [(&str, &str); 17] = [
    ("registro", "APR"),
    ("cognome", "Rossi"),
    ("nome", "Anna"),
    ("sesso", "F"),
    ("data_nascita", "1980"),
    ("comune_nascita", "BOLOGNA"),
    ("istat_nascita", "037006"),
    ("provincia_nascita", "BO"),
    ("stato_civile", "1"),
    ("cittadinanze", "100"),
    ("tipo_indirizzo", "1"),
    ("indirizzo_comune", "037032"),
    ("specie", "235"),
    ("via", "Emilia"),
    ("decorrenza_residenza", "2005-01-01"),
    ("iscrizione_motivo", "1"),
    ("iscrizione_decorrenza", "2005-01-01"),
];

/// A row of an export: the card's number, and what differs from a resident without particulars.
pub(crate) type Row<'a> = (&'a str, &'a [(&'a str, &'a str)]);

/// An export of Imola.
pub(crate) fn export(rows: &[Row<'_>]) -> String {
    let mut text = COLUMNS.iter().map(|spec| spec.name).collect::<Vec<_>>().join(";");
    text.push('\n');
    for (card, edits) in rows {
        let value = |name: &str| {
            let edited = edits.iter().chain(&RESIDENT).find(|(column, _)| *column == name);
            if name == "scheda" {
                *card
            } else {
                edited.map_or("", |(_, value)| value)
            }
        };
        text.push_str(
            &COLUMNS
                .iter()
                .map(|spec| value(spec.name))
                .collect::<Vec<_>>()
                .join(";"),
        );
        text.push('\n');
    }
    text
}

/// As many residents, numbered from 1.
pub(crate) fn residents(count: usize) -> String {
    let cards: Vec<String> = (1..=count).map(|number| format!("S{number:05}")).collect();
    let rows: Vec<Row<'_>> = cards.iter().map(|card| (card.as_str(), &[][..])).collect();
    export(&rows)
}

pub(crate) fn imola() -> IstatCode {
    IstatCode::parse("037032").unwrap()
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn card(text: &str) -> LocalId {
    LocalId::parse(text).unwrap()
}

pub(crate) fn no_files() -> Arc<FaultyFiles> {
    Arc::new(FaultyFiles::new(Syncs::Honest))
}

/// The store over a directory in memory, as after a start.
pub(crate) fn open_store(files: &Arc<FaultyFiles>) -> MunicipalStore {
    let files: Arc<dyn Files> = Arc::<FaultyFiles>::clone(files);
    let entropy = Arc::new(Seeded(SeededRandom::new(1)));
    let keys = KeyRing::open(
        Arc::clone(&files),
        KeyEncryptionKey::from_bytes(&[7; 32]),
        entropy,
    )
    .unwrap();
    let settings = Settings {
        segment_bytes: 4 << 20,
        preparation: Preparation::Inline,
    };
    let imola = MunicipalityId::of_any(imola()).unwrap();
    MunicipalStore::open(files, &keys, settings, MirrorEngine::Memory, imola).unwrap()
}

/// A configuration over a directory, with an index that nobody can reach and certificates that are not there.
pub(crate) fn config(directory: &Path) -> NodeConfig {
    let kek = directory.join("node.kek");
    if !kek.exists() {
        fs::write(&kek, [7; 32]).unwrap();
        fs::set_permissions(&kek, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let key = directory.join("publication.key");
    if !key.exists() {
        write_key(&key, &KeyPem::new(pem_of_seed(&[9; 32]))).unwrap();
    }
    let text = include_str!("../../../config/node.toml")
        .replace("pki/node-imola.kek", "node.kek")
        .replace("pki/publication-imola.key", "publication.key");
    NodeConfig::parse(&text, directory).unwrap()
}

pub(crate) fn import_context() -> ImportContext {
    ImportContext {
        municipality: imola(),
        day: day("2025-01-10"),
        removals: RemovalLimit::default(),
        retention: Retention::default(),
    }
}

pub(crate) fn import_text(store: &mut MunicipalStore, text: &str) -> ImportReport {
    import(store, text.as_bytes(), import_context(), &ExportForm::default()).unwrap()
}

/// Random bytes that are the same in every run.
#[derive(Debug)]
pub(crate) struct Seeded(pub(crate) SeededRandom);

impl Entropy for Seeded {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer);
    }
}
