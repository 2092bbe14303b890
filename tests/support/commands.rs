//! Commands of the product inside the process, under the clock of a region.

use std::net::SocketAddr;
use std::sync::Arc;

use agreement::peer::Role;
use cli::io::{Environment, Io, Surface, Surroundings};
use transport::random::SystemRandom;

use crate::agreements::Document;
use crate::authority::{SERVER_NAME, TRUST_DOMAIN};
use crate::region::Region;

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code.
    pub exit: u8,
    /// Data.
    pub out: String,
    /// Words.
    pub err: String,
}

/// Runs a command under the clock of the region, in English and with data as JSON.
///
/// # Panics
/// When what it writes is not UTF-8.
pub async fn ponte(region: &Region, arguments: &[&str]) -> Ended {
    let surroundings = Surroundings {
        environment: Environment::default(),
        clock: region.clock.clone(),
        random: Arc::new(SystemRandom),
    };
    let arguments: Vec<String> = ["ponte", "--lang", "en", "--output", "json"]
        .iter()
        .chain(arguments)
        .map(ToString::to_string)
        .collect();
    let run = move || {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut io = Io {
            stdin: Box::new(std::io::empty()),
            stdout: Box::new(&mut out),
            stderr: Box::new(&mut err),
            surface: Surface::Plain,
        };
        let exit = cli::run(arguments, &mut io, &surroundings).number();
        drop(io);
        Ended {
            exit,
            out: String::from_utf8(out).expect("UTF-8"),
            err: String::from_utf8(err).expect("UTF-8"),
        }
    };
    tokio::task::spawn_blocking(run).await.expect("the command ends")
}

/// Runs a command that calls an index as an agency does.
pub async fn calling(region: &Region, index: SocketAddr, agency: Document, command: &[&str]) -> Ended {
    let identity = region.authority.peer(Role::Agency, agency.agency);
    let [certificate, key, authorities] =
        [&identity.certificate, &identity.key, &identity.authorities].map(|path| path.display().to_string());
    let index = index.to_string();
    let mut arguments = command.to_vec();
    arguments.extend([
        "--endpoint",
        &index,
        "--server-name",
        SERVER_NAME,
        "--trust-domain",
        TRUST_DOMAIN,
        "--certificate",
        &certificate,
        "--key",
        &key,
        "--authorities",
        &authorities,
    ]);
    ponte(region, &arguments).await
}
