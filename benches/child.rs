//! Servers as processes of their own: the bench starts itself again, told by arguments what to serve.
//!
//! A child writes its address as one line and serves until its standard input ends, so that none outlives its parent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use index::config::IndexConfig;
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;
use transport::clock::SystemClock;
use transport::random::SystemRandom;
use transport::shutdown::Shutdown;

use crate::echo;

const SERVE_INDEX: &str = "serve-index";
const SERVE_ECHO: &str = "serve-echo";

/// A serving child process; it ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
    /// Held open: the child serves as long as it is.
    input: Option<ChildStdin>,
}

impl Server {
    /// An index over a configuration.
    pub fn index(config: &Path) -> Self {
        Self::start(SERVE_INDEX, config, 0)
    }

    /// An echo over the certificates of a directory, which answers `bytes` to every call.
    pub fn echo(pki: &Path, bytes: usize) -> Self {
        Self::start(SERVE_ECHO, pki, bytes)
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn start(what: &str, path: &Path, bytes: usize) -> Self {
        let own = std::env::current_exe().expect("a program knows its own file");
        let mut child = Command::new(own)
            .arg(what)
            .arg(path)
            .arg(bytes.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program can be started again");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output was asked for");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("the child says where it listens");
        let address = line.trim().parse().expect("the child says where it listens");
        let input = child.stdin.take();
        Self {
            address,
            child,
            input,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.input.take());
        // A child that ended by itself has nothing more to say here.
        let _ = self.child.wait();
    }
}

/// The runtime of every process here, that of the product.
///
/// # Panics
/// When the system gives no threads.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Serves and returns `true` when the arguments say that this process is a child.
pub fn serve_if_asked() -> bool {
    let mut arguments = std::env::args().skip(1);
    let (Some(what), Some(path), Some(bytes)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return false;
    };
    let path = PathBuf::from(path);
    match what.as_str() {
        SERVE_INDEX => serve_index(&path),
        SERVE_ECHO => serve_echo(&path, bytes.parse().expect("a number of bytes")),
        _ => return false,
    }
    true
}

fn serve_index(config: &Path) {
    // As the product's daemons do: spans are recorded, and lines written from `info` on.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::sink)
        .json()
        .finish();
    tracing::subscriber::set_global_default(subscriber).expect("the first subscriber of this process");
    let config = IndexConfig::load(config).expect("the configuration is valid");
    runtime().block_on(async {
        let running = index::run::start(
            config,
            Arc::new(SystemClock),
            Arc::new(SystemRandom),
            Shutdown::new(),
        )
        .await
        .expect("the index starts");
        announce(running.address);
        end_of_input().await;
        running.stop();
        running.ended().await.expect("the index ends in good order");
    });
}

fn serve_echo(pki: &Path, bytes: usize) {
    runtime().block_on(async {
        let echo = echo::Echo::bind(pki, bytes).await;
        announce(echo.address());
        tokio::select! {
            never = echo.serve() => match never {},
            () = end_of_input() => {}
        }
    });
}

fn announce(address: SocketAddr) {
    let mut output = std::io::stdout();
    writeln!(output, "{address}")
        .and_then(|()| output.flush())
        .expect("the parent listens");
}

async fn end_of_input() {
    let read = || std::io::stdin().read_to_end(&mut Vec::new());
    let _ = tokio::task::spawn_blocking(read).await;
}
