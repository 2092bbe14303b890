//! A municipality with its node: the product's own daemon over a directory of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agreement::peer::Role;
use node::config::NodeConfig;
use node::daemon::{Handle, Node, NodeError};
use node::import::{ImportReport, RemovalLimit};
use node::publisher::{DigestStatus, PublisherStatus};
use registry::signing::{SigningKey, pem_of_seed};
use tokio::task::JoinHandle;
use transport::clock::Clock;
use transport::pki::files::write_key;
use transport::pki::request::KeyPem;
use transport::random::SystemRandom;
use transport::shutdown::Shutdown;

use crate::authority::{Authority, SERVER_NAME, TRUST_DOMAIN};
use crate::people::{Person, export};
use crate::wait::within;

/// A municipality and its node.
#[derive(Debug)]
pub struct Municipality {
    istat: String,
    directory: PathBuf,
    clock: Arc<dyn Clock>,
    running: Option<Running>,
    exports: u32,
}

#[derive(Debug)]
struct Running {
    handle: Handle,
    shutdown: Shutdown,
    task: JoinHandle<Result<(), NodeError>>,
}

/// Id of a municipality's node, without trust domain and role.
pub fn node_id(istat: &str) -> String {
    format!("comune-{istat}")
}

/// Writes the configuration of a municipality's node into a new directory, with its key-encryption key.
///
/// # Panics
/// When a file cannot be written.
pub fn write_config(directory: &Path, istat: &str, authority: &Authority, index: SocketAddr) -> PathBuf {
    std::fs::create_dir_all(directory).expect("the directory can be made");
    let identity = authority.peer(Role::Node, &node_id(istat));
    let key = directory.join("node.kek");
    write_secret(&key, [0x4b; 32]);
    write_signing_key(&directory.join("publication.key"), PUBLICATION_SEED);
    let file = directory.join("node.toml");
    let text = format!(
        "municipality = {istat:?}\n\
         data_directory = \"data\"\n\
         trust_domain = {TRUST_DOMAIN:?}\n\
         key_encryption_key = \"node.kek\"\n\
         publication_key = \"publication.key\"\n\
         cache_mib = 8\n\
         [index]\nhost = \"{}\"\nport = {}\nserver_name = {SERVER_NAME:?}\n\
         [tls]\ncertificate = {:?}\nkey = {:?}\nauthorities = {:?}\n\
         [publication]\nmax_changes = 100\n",
        index.ip(),
        index.port(),
        identity.certificate,
        identity.key,
        identity.authorities,
    );
    std::fs::write(&file, text).expect("the configuration can be written");
    file
}

/// Seed of the publication key of every municipality here.
pub const PUBLICATION_SEED: [u8; 32] = [0x5a; 32];

/// The signing key of a seed.
///
/// # Panics
/// When the seed makes no key.
pub fn signing_key(seed: [u8; 32]) -> SigningKey {
    SigningKey::from_seed(&seed).expect("every seed makes a key")
}

/// Writes the signing key of a seed into a file that only its owner can read.
///
/// # Panics
/// When it cannot be written.
pub fn write_signing_key(file: &Path, seed: [u8; 32]) {
    let _ = std::fs::remove_file(file);
    write_key(file, &KeyPem::new(pem_of_seed(&seed))).expect("the key file can be written");
}

/// Writes 32 bytes in hexadecimal into a file that only its owner can read.
///
/// # Panics
/// When it cannot be written.
pub fn write_secret(file: &Path, bytes: [u8; 32]) {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let text = registry::hex::encode(&bytes);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .expect("the key file can be made");
    writeln!(file, "{text}").expect("the key file can be written");
}

impl Municipality {
    /// Starts the node of a municipality over a new directory.
    pub fn start(
        directory: &Path,
        istat: &str,
        authority: &Authority,
        index: SocketAddr,
        clock: Arc<dyn Clock>,
    ) -> Self {
        write_config(directory, istat, authority, index);
        let mut municipality = Self {
            istat: istat.to_owned(),
            directory: directory.to_owned(),
            clock,
            running: None,
            exports: 0,
        };
        municipality.resume();
        municipality
    }

    /// Starts the node again over the same directory.
    ///
    /// # Panics
    /// When it does not start.
    pub fn resume(&mut self) {
        let config = NodeConfig::load(&self.directory.join("node.toml")).expect("the configuration is valid");
        let node =
            Node::open(&config, Arc::clone(&self.clock), Arc::new(SystemRandom)).expect("the node starts");
        let (handle, shutdown) = (node.handle(), Shutdown::new());
        let task = tokio::spawn(node.run(shutdown.clone()));
        self.running = Some(Running {
            handle,
            shutdown,
            task,
        });
    }

    /// Stops the node in good order.
    ///
    /// # Panics
    /// When it ends with an error.
    pub async fn stop(&mut self) {
        let Some(Running {
            handle,
            shutdown,
            task,
        }) = self.running.take()
        else {
            return;
        };
        drop(handle);
        shutdown.trigger();
        within(task)
            .await
            .expect("the node does not panic")
            .expect("the node ends in good order");
    }

    /// Directory of the node, with its configuration, key and data.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The running node.
    ///
    /// # Panics
    /// When it was stopped.
    pub fn node(&self) -> &Handle {
        &self.running.as_ref().expect("the node runs").handle
    }

    /// Imports an export of these people. The file is removed afterwards, as an operator would.
    ///
    /// # Panics
    /// When the import fails.
    pub async fn import(&mut self, people: &[Person]) -> ImportReport {
        let export = export(&self.istat, people);
        self.import_export(&export).await
    }

    /// Imports an export as it is.
    ///
    /// # Panics
    /// When the import fails.
    pub async fn import_export(&mut self, export: &[u8]) -> ImportReport {
        self.exports += 1;
        let file = self.directory.join(format!("export-{}.csv", self.exports));
        std::fs::write(&file, export).expect("the export can be written");
        let report = self
            .node()
            .import(&file, None, Some(RemovalLimit::Unlimited), None)
            .await
            .expect("the import succeeds");
        std::fs::remove_file(&file).expect("the export can be removed");
        report
    }

    /// Waits until everything is acknowledged and visible, and both sides have compared it.
    pub async fn published(&self) -> PublisherStatus {
        let end = self
            .node()
            .status()
            .await
            .expect("the status is read")
            .journal_end;
        let done = |status: &PublisherStatus| {
            status.acknowledged == end
                && status.visible == end
                && matches!(status.digest, DigestStatus::Equal { sequence } if sequence == end)
        };
        within(self.node().publisher().wait_for(done))
            .await
            .expect("the publisher runs")
    }

    /// Imports and publishes.
    pub async fn publish(&mut self, people: &[Person]) -> ImportReport {
        let report = self.import(people).await;
        self.published().await;
        report
    }
}
