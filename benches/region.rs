//! A region in a directory: trust domain, configuration of the index, one agreement, one municipality.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use client::admin::{Act, AdminClient, Effect};
use client::node::{NodeClient, Opening};
use registry::change::Change;
use registry::identifier::IstatCode;
use registry::publication::{Batch, SignedBatch};
use registry::signing::SigningKey;
use tempfile::TempDir;
use tonic::transport::Channel;
use transport::clock::{Clock, SystemClock};
use transport::random::{Random, SystemRandom};
use uuid::Uuid;
use wire::proto::consultation::v1 as pb;
use wire::proto::consultation::v1::lookup_person_request::Key;
use wire::proto::ledger::v1::ReceiptForm;

use crate::authority::{self, Party, TRUST_DOMAIN};
use crate::people;

/// The agreement under which the agency asks: everything of a person that a police force sees.
pub const AGREEMENT: &str = r#"
format = 1
id = "questura-2026"
title = "Questura di Bologna"
agency = "spiffe://ponte.example/agency/questura-bo"
class = "police"
legal_basis = "DPR 223/1989 art. 37"
valid_from = 2020-01-01
valid_to = 2035-12-31
review_by = 2035-12-31
retention_months = 24
protected = "location-withheld"
protected_basis = "d.lgs. 51/2018 art. 5"
history = "all"

[territory]
region = "08"

[population]
residents = true
aire = true
cancelled = true
deceased = true
minors = true

[operator]
required = true
assurance = "substantial"
workstation = true

[case_reference]
pattern = "year-number"

[quota]
calls_per_minute = 1000000000
calls_per_day = 1000000000
misses_per_day = 1000000000

[[purpose]]
id = "investigation"
text = "Criminal police"
basis = "c.p.p. art. 55"
kind = "reserved"
release_after_months = 18
services = ["lookup-person", "lookup-household"]
fields = ["surname", "given_name", "sex", "birth_date", "birth_place", "tax_code", "civil_status", "citizenships", "residence", "household", "registration", "cancellation", "death"]
"#;

/// Where the files are made; the temporary directory of the system when unset.
const DIRECTORY: &str = "PONTE_BENCH_DIRECTORY";

/// A region; its directory goes with it.
#[derive(Debug)]
pub struct Region {
    directory: TempDir,
}

/// What the first load of a registry took.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Cards published.
    pub records: u64,
    /// Until the last of them was acknowledged, and so durable.
    pub acknowledged: Duration,
    /// Until the last of them was visible to consultations.
    pub visible: Duration,
}

/// The publication key of the municipality.
fn signing_key() -> SigningKey {
    SigningKey::from_seed(&[0x5a; 32]).expect("every seed makes a key")
}

/// A new directory on the disk that is measured.
///
/// # Panics
/// When it cannot be made.
pub fn scratch() -> TempDir {
    match std::env::var_os(DIRECTORY) {
        Some(parent) => tempfile::tempdir_in(parent),
        None => tempfile::tempdir(),
    }
    .expect("a temporary directory can be made")
}

impl Region {
    /// Makes certificates, keys and the configuration of an index.
    ///
    /// # Panics
    /// When a file cannot be written.
    pub fn create() -> Self {
        Self::create_for(&[people::MUNICIPALITY])
    }

    /// The same for a node that publishes for several municipalities.
    ///
    /// # Panics
    /// When a file cannot be written.
    pub fn create_for(municipalities: &[&str]) -> Self {
        let directory = scratch();
        authority::create(&directory.path().join("pki"));
        let region = Self { directory };
        for secret in ["index.kek", "log.key"] {
            index::init::make_secret(&region.path().join(secret), &SystemRandom).expect("a secret is made");
        }
        let server = authority::files(&region.pki(), Party::Server);
        let node = Party::Node.spiffe_id().expect("a node has an id");
        let text = format!(
            "listen = \"127.0.0.1:0\"\n\
             data_directory = \"data\"\n\
             trust_domain = {TRUST_DOMAIN:?}\n\
             origin = \"log.ponte.example/1\"\n\
             key_encryption_key = \"index.kek\"\n\
             log_key = \"log.key\"\n\
             [tls]\ncertificate = {:?}\nkey = {:?}\nauthorities = {:?}\n\
             [[node]]\nid = \"{node}\"\nmunicipalities = {municipalities:?}\npublication_key = \"{}\"\n",
            server.certificate,
            server.key,
            server.authorities,
            signing_key().verifying_key(),
        );
        std::fs::write(region.config(), text).expect("the configuration is written");
        region
    }

    /// The region's directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Directory of the certificates.
    pub fn pki(&self) -> PathBuf {
        self.path().join("pki")
    }

    /// The index's configuration.
    pub fn config(&self) -> PathBuf {
        self.path().join("index.toml")
    }

    /// Activates the agreement.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn activate(&self, index: SocketAddr) {
        self.activate_document(index, AGREEMENT).await;
    }

    /// Activates any agreement.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn activate_document(&self, index: SocketAddr, document: &str) {
        let act = Act {
            reference: "Determina 12/2026".to_owned(),
            operator: "p.sarti".to_owned(),
        };
        let admin = AdminClient::new(authority::connection(&self.pki(), Party::Administrator, index));
        admin
            .activate(document.as_bytes(), None, &act, Effect::Activate)
            .await
            .expect("the agreement is activated");
    }

    /// Publishes the first `records` people as their node would, in batches as large as the index takes.
    ///
    /// # Panics
    /// When the index refuses a batch or keeps a card aside.
    pub async fn publish(&self, index: SocketAddr, records: u64) -> Load {
        let changes = (0..records).map(people::change).collect();
        self.publish_changes(index, people::istat(), changes).await
    }

    /// Publishes changes of a municipality, numbered from 1, as its node would.
    ///
    /// # Panics
    /// When the index refuses a batch or keeps a card aside.
    pub async fn publish_changes(
        &self,
        index: SocketAddr,
        municipality: IstatCode,
        changes: Vec<Change>,
    ) -> Load {
        let records = u64::try_from(changes.len()).expect("a number of changes");
        let node = NodeClient::new(authority::connection(&self.pki(), Party::Node, index));
        let opening = Opening {
            municipality,
            epoch: None,
            claim: None,
            journal_end: records,
            confirmed_seals: Vec::new(),
        };
        let (mut stream, opened) = node.open_publication(opening).await.expect("the stream opens");
        let size = usize::try_from(opened.max_changes).expect("a batch's size");
        let sent_at_ms = SystemClock.now().timestamp_millis();

        let start = Instant::now();
        let mut batches = changes.chunks(size).map(|changes| {
            let first = changes.first().map_or(1, |change| change.sequence);
            Batch::new(municipality, opened.epoch, first, changes.to_vec(), sent_at_ms).expect("a batch")
        });
        let key = signing_key();
        let mut open = 0;
        let mut credits = opened.credits;
        loop {
            while open < credits {
                let Some(batch) = batches.next() else { break };
                let batch = SignedBatch::sign(batch, &key);
                stream.send(&batch).await.expect("the stream takes a batch");
                open += 1;
            }
            let answer = stream
                .receive()
                .await
                .expect("the batch is accepted")
                .expect("the stream stays open");
            assert!(
                answer.rejections.is_empty(),
                "the index keeps synthetic cards aside"
            );
            open -= 1;
            credits = answer.credits;
            if answer.watermark.0 == records {
                break;
            }
        }
        let acknowledged = start.elapsed();
        while node
            .get_state(municipality)
            .await
            .expect("the state is told")
            .visible
            .0
            < records
        {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Load {
            records,
            acknowledged,
            visible: start.elapsed(),
        }
    }

    /// A channel of the agency.
    pub async fn agency(&self, server: SocketAddr) -> Channel {
        authority::channel(&self.pki(), Party::Agency, server).await
    }
}

/// The agency's question for the person of a number, with the full receipt.
pub fn lookup(number: u64) -> pb::LookupPersonRequest {
    pb::LookupPersonRequest {
        context: Some(pb::AccessContext {
            agreement: "questura-2026".to_owned(),
            purpose: "investigation".to_owned(),
            operator: "m.esposito".to_owned(),
            assurance: pb::Assurance::Substantial.into(),
            workstation: "PC-12".to_owned(),
            case_reference: "2026/123".to_owned(),
            request_id: request_id().to_string(),
            ..pb::AccessContext::default()
        }),
        key: Some(Key::TaxCode(people::tax_code(number).as_str().to_owned())),
        receipt_form: ReceiptForm::Full.into(),
        ..pb::LookupPersonRequest::default()
    }
}

/// A random request id.
pub fn request_id() -> Uuid {
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
