//! The product's binary as a process of its own, for what cannot be tried inside one: being killed, being traced.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use agreement::peer::Role;
use client::admin::{AdminClient, Effect};
use client::connection::Connection;
use client::node::NodeClient;
use client::receipt::ReceiptPolicy;
use tempfile::TempDir;
use transport::clock::SystemClock;
use transport::random::SystemRandom;

use crate::agreements::Document;
use crate::authority::Authority;
use crate::municipality;
use crate::people::{IMOLA, Person, export, istat};
use crate::region::{self, free_address};
use crate::wait;

/// A running process. It is killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    output: PathBuf,
}

impl Process {
    /// Starts a command; what it writes goes to a file.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(command: &mut Command, output: &Path) -> Self {
        let file = File::options()
            .create(true)
            .append(true)
            .open(output)
            .expect("the output can be written");
        let errors = file.try_clone().expect("the output can be written");
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .spawn()
            .expect("the process starts");
        Self {
            child,
            output: output.to_owned(),
        }
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    pub fn output(&self) -> String {
        std::fs::read(&self.output)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Kills it with SIGKILL: nothing in it runs any more.
    ///
    /// # Panics
    /// When it cannot be waited for.
    pub fn kill(mut self) {
        self.end();
        self.child.wait().expect("it can be waited for");
    }

    /// Kills what it started and itself: a tracer that is killed lets the program that it traces run on.
    fn end(&mut self) {
        let id = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        // Either may have ended by itself.
        for child in children.split_whitespace() {
            let _ = Command::new("kill")
                .args(["-KILL", child])
                .stderr(Stdio::null())
                .status();
        }
        let _ = self.child.kill();
    }

    /// Its end, when it has ended.
    ///
    /// # Panics
    /// When it cannot be waited for.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it can be waited for")
    }

    /// Checks that it has not ended.
    ///
    /// # Panics
    /// When it has.
    pub fn still_runs(&mut self) {
        if let Some(status) = self.ended() {
            panic!("the process ended with {status}:\n{}", self.output());
        }
    }

    /// Waits until somebody listens.
    ///
    /// # Panics
    /// When it ends before.
    pub fn listens(&mut self, address: SocketAddr) {
        wait::until("somebody listens", || {
            self.still_runs();
            TcpStream::connect_timeout(&address, Duration::from_millis(200))
                .ok()
                .map(drop)
        });
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        let _ = self.child.wait();
    }
}

/// The index as a process.
pub fn index(binary: &Path, config: &Path) -> Command {
    let mut command = Command::new(binary);
    command.args(["index", "run", "--config"]).arg(config);
    command
}

/// A node as a process.
pub fn node(binary: &Path, config: &Path) -> Command {
    let mut command = Command::new(binary);
    command.args(["node", "run", "--config"]).arg(config);
    command
}

/// A region of processes: index and one node with the system's clock.
#[derive(Debug)]
pub struct Processes {
    directory: TempDir,
    binary: PathBuf,
    /// The trust domain.
    pub authority: Authority,
    address: SocketAddr,
}

impl Processes {
    /// Writes the configuration of an index and of Imola's node; nothing runs yet.
    ///
    /// # Panics
    /// When a file cannot be written.
    pub fn new(binary: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let pki = directory.path().join("pki");
        std::fs::create_dir(&pki).expect("the directory can be made");
        let authority = Authority::create(&pki, Arc::new(SystemClock));
        let address = free_address();
        let limits = "[limits]\ncache_mib = 16\nsync_interval_seconds = 1\nsegment_mib = 4\n\
                      connections_per_address = 512\n";
        region::write_config(&directory.path().join("index"), &authority, address, limits);
        municipality::write_config(&directory.path().join("node"), IMOLA, &authority, address);
        Self {
            directory,
            binary: PathBuf::from(binary),
            authority,
            address,
        }
    }

    /// Directory of everything: `pki`, `index`, `node`.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Configuration of the index.
    pub fn index_config(&self) -> PathBuf {
        self.directory.path().join("index/index.toml")
    }

    /// Where the index listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts the index and waits until it listens.
    pub fn start_index(&self) -> Process {
        self.start_index_by(&mut index(&self.binary, &self.index_config()))
    }

    /// Starts the index by a command of its own, such as one under a tracer, and waits until it listens.
    pub fn start_index_by(&self, command: &mut Command) -> Process {
        let mut process = Process::start(command, &self.directory.path().join("index.out"));
        process.listens(self.address);
        process
    }

    /// The command that runs the index.
    pub fn index_command(&self) -> Command {
        index(&self.binary, &self.index_config())
    }

    /// Starts the node and waits until it takes commands.
    pub fn start_node(&self) -> Process {
        let config = self.directory.path().join("node/node.toml");
        let mut process = Process::start(
            &mut node(&self.binary, &config),
            &self.directory.path().join("node.out"),
        );
        let socket = node::control::socket_path(&self.directory.path().join("node/data"));
        wait::until("the node takes commands", || {
            process.still_runs();
            UnixStream::connect(&socket).ok().map(drop)
        });
        process
    }

    /// Imports an export into the node, running or not.
    ///
    /// # Panics
    /// When it is refused.
    pub fn import(&self, people: &[Person]) {
        let file = self.directory.path().join("export.csv");
        std::fs::write(&file, export(IMOLA, people)).expect("the export can be written");
        let config = self.directory.path().join("node/node.toml");
        let mut command = Command::new(&self.binary);
        command
            .args(["node", "import", "--complete", "--config"])
            .arg(config)
            .arg(&file);
        let done = command.output().expect("the import runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// A connection of any peer, whose receipts are verified. Calls are made once.
    pub fn connection(&self, role: Role, id: &str) -> Connection {
        let identity = self.authority.peer(role, id);
        let mut endpoint = self.authority.endpoint(
            self.address,
            identity,
            ReceiptPolicy::Verify(region::log_verifier()),
        );
        endpoint.timing.attempts = 1;
        Connection::open(&endpoint, Arc::new(SystemClock), Arc::new(SystemRandom)).expect("a connection")
    }

    /// Activates an agreement.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn activate(&self, document: Document) {
        let administrator = AdminClient::new(self.connection(Role::Admin, "regione"));
        let activated = administrator
            .activate(document.text.as_bytes(), None, &region::act(), Effect::Activate)
            .await;
        activated.expect("the agreement is activated");
    }

    /// Waits until the index holds so many of Imola's cards and consultations see them.
    pub async fn holds(&self, cards: u64) {
        let client = NodeClient::new(self.connection(Role::Node, &municipality::node_id(IMOLA)));
        wait::until_async("the index holds every card", || async {
            let state = client.get_state(istat(IMOLA)).await.ok()?;
            (state.records == cards && state.watermark == state.visible).then_some(())
        })
        .await;
    }
}
