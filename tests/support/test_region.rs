//! The test region of `ponte index serve --test`, as a process of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use client::connection::{Connection, Endpoint, IdentityFiles, Timing};
use client::receipt::ReceiptPolicy;
use ledger::checkpoint::LogVerifier;
use serde_json::Value;
use tempfile::TempDir;
use transport::channel::ServerAddress;
use transport::clock::SystemClock;
use transport::pki::names::TrustDomainName;
use transport::random::SystemRandom;

use crate::process::Process;
use crate::region::free_address;
use crate::wait;

/// Trust domain of the region.
pub const TEST_DOMAIN: &str = "test.ponte.example";

/// A running test region.
#[derive(Debug)]
pub struct TestRegion {
    directory: TempDir,
    address: SocketAddr,
    _process: Process,
}

impl TestRegion {
    /// Starts the command and waits until everybody is published.
    ///
    /// # Panics
    /// When it ends before.
    pub fn start(binary: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let address = free_address();
        let mut command = Command::new(binary);
        command
            .args(["--lang", "en", "--output", "json", "index", "serve", "--test"])
            .args(["--listen", &address.to_string(), "--data-directory"])
            .arg(directory.path().join("region"));
        let mut process = Process::start(&mut command, &directory.path().join("region.out"));
        let answers = directory.path().join("region/test-subjects.json");
        wait::until("the test region is up", || {
            process.still_runs();
            // It is written in one piece, but not in one step.
            let text = std::fs::read(&answers).ok()?;
            serde_json::from_slice::<Value>(&text).ok().map(drop)
        });
        Self {
            directory,
            address,
            _process: process,
        }
    }

    /// Where the index listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A file of the region.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join("region").join(name)
    }

    /// The list of expected answers, as the region wrote it.
    ///
    /// # Panics
    /// When it is not there.
    pub fn answers(&self) -> Value {
        let text = std::fs::read(self.file("test-subjects.json")).expect("the list is readable");
        serde_json::from_slice(&text).expect("the list is JSON")
    }

    /// Files of a caller's identity.
    pub fn identity(&self, caller: &str) -> IdentityFiles {
        let file = |name: &str| self.file("pki").join(name);
        IdentityFiles {
            certificate: file(&format!("{caller}.pem")),
            key: file(&format!("{caller}.key")),
            authorities: file("authority.pem"),
            revocation_lists: Vec::new(),
        }
    }

    /// The verifier of its log.
    ///
    /// # Panics
    /// When the key is not there.
    pub fn log_verifier(&self) -> LogVerifier {
        let text = std::fs::read_to_string(self.file("log.pub")).expect("the key is readable");
        LogVerifier::parse(text.trim()).expect("a key")
    }

    /// What a connection of a caller is made from.
    ///
    /// # Panics
    /// Never.
    pub fn endpoint(&self, caller: &str) -> Endpoint {
        endpoint(
            self.address,
            self.identity(caller),
            TEST_DOMAIN,
            ReceiptPolicy::Verify(self.log_verifier()),
        )
    }
}

/// What a connection to an index is made from.
///
/// # Panics
/// When the trust domain has no name.
pub fn endpoint(
    index: SocketAddr,
    identity: IdentityFiles,
    trust_domain: &str,
    receipts: ReceiptPolicy,
) -> Endpoint {
    let mut server = ServerAddress::new(&index.ip().to_string(), index.port());
    server.server_name = Some("localhost".to_owned());
    Endpoint {
        server,
        identity,
        trust_domain: TrustDomainName::parse(trust_domain).expect("a name"),
        expected_server: None,
        receipts,
        timing: Timing::default(),
    }
}

/// Opens a connection under the system's clock.
///
/// # Errors
/// What the client says of the endpoint.
pub fn open(endpoint: &Endpoint) -> Result<Connection, client::error::SetupError> {
    Connection::open(endpoint, Arc::new(SystemClock), Arc::new(SystemRandom))
}

/// A file that holds what others hold, one after the other.
///
/// # Panics
/// When one of them cannot be read.
pub fn joined(files: &[&Path], to: &Path) {
    let text: String = files
        .iter()
        .map(|file| std::fs::read_to_string(file).expect("readable"))
        .collect();
    std::fs::write(to, text).expect("writable");
}
