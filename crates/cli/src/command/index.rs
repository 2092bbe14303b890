//! `ponte index`: the central service.

mod enrolment;
mod publication_keys;
mod quarantine;
mod serve;
mod upkeep;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use agreement::reason::ExitCode;
use clap::{Args, Subcommand};
use index::config::IndexConfig;
use ledger::name::Origin;
use transport::pki::names::TrustDomainName;
use transport::random::Random;
use transport::shutdown::Shutdown;

use crate::datum::RecordBuilder;
use crate::failure::Failure;
use crate::session::Session;

/// What to do with the index.
#[derive(Debug, Subcommand)]
pub enum IndexCommand {
    /// Make directory, keys and configuration of a new index, and print the log's verifier key
    Init(InitArguments),
    /// Print an invitation for a municipality: one line, without any secret in it
    Invite(enrolment::InviteArguments),
    /// Check what a municipality answered, and print its section of the configuration
    Admit(enrolment::AdmitArguments),
    /// List the publication keys of the nodes: exit 1 when a node has none that is good now
    PublicationKeys(publication_keys::PublicationKeysArguments),
    /// Run the index until SIGTERM or SIGINT
    Run {
        /// Configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Serve a small region of invented people, with certificates, agreements and a list of expected answers
    Serve(serve::ServeArguments),
    /// List the municipalities and how they stand: exit 1 when the data of any are stale
    Status(upkeep::StatusArguments),
    /// Take a node's journal that ends before what the index holds, because the node was lost or restored
    AcceptJournal(upkeep::AcceptJournalArguments),
    /// Note that a backup of the index holds everything recorded before an instant
    BackedUp(upkeep::BackedUpArguments),
    /// Answer agencies again after a loss, without the municipalities that are still awaited
    Reopen(upkeep::ReopenArguments),
    /// Stop serving what a node sent in an interval, and take that back
    #[command(subcommand)]
    Quarantine(Box<quarantine::QuarantineCommand>),
}

/// Arguments of `ponte index init`.
#[derive(Args, Debug)]
pub struct InitArguments {
    /// Directory to make
    pub directory: PathBuf,
    /// Trust domain of all peers
    #[arg(long, value_name = "NAME")]
    pub trust_domain: TrustDomainName,
    /// Origin of the access log, a name that is never used again, such as log.ponte.example/1
    #[arg(long, value_name = "NAME")]
    pub origin: String,
    /// Address on which the services listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    pub listen: std::net::SocketAddr,
}

/// Runs `ponte index`.
pub fn run(command: IndexCommand, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    match command {
        IndexCommand::Init(arguments) => init(&arguments, session),
        IndexCommand::Invite(arguments) => enrolment::invite(&arguments, session),
        IndexCommand::Admit(arguments) => enrolment::admit(&arguments, session),
        IndexCommand::PublicationKeys(arguments) => publication_keys::run(&arguments, session),
        IndexCommand::Run { config } => serve(&config, session),
        IndexCommand::Serve(arguments) => serve::run(arguments, session),
        IndexCommand::Status(arguments) => upkeep::status(&arguments, session),
        IndexCommand::AcceptJournal(arguments) => upkeep::accept_journal(&arguments, session),
        IndexCommand::BackedUp(arguments) => upkeep::backed_up(&arguments, session),
        IndexCommand::Reopen(arguments) => upkeep::reopen(&arguments, session),
        IndexCommand::Quarantine(command) => quarantine::run(*command, session),
    }
}

fn init(arguments: &InitArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let InitArguments {
        directory,
        trust_domain,
        origin,
        listen,
    } = arguments;
    let origin = Origin::new(origin.as_str())
        .map_err(|error| Failure::usage("--origin non valida", "--origin is not valid").because(&error))?;
    let text = configuration(trust_domain, &origin, *listen);
    IndexConfig::parse(&text, directory).map_err(|error| Failure::internal(&error))?;

    for place in [
        directory.clone(),
        directory.join("data"),
        directory.join("checkpoint"),
        directory.join("pki"),
    ] {
        make_private(&place)?;
    }
    let random = &*session.surroundings.random;
    secret(&directory.join("key-encryption.key"), random)?;
    let seed = secret(&directory.join("log.key"), random)?;
    crate::call::write_new(&directory.join("index.toml"), text.as_bytes())?;
    let log_key =
        index::init::verifier_key(origin.as_str(), &seed).map_err(|error| Failure::internal(&error))?;
    let path = directory.display();
    session.say(
        format!("creato {path}; mancano certificato e chiave dell'indice in {path}/pki (ponte pki csr, ponte pki issue)"),
        format!("made {path}; certificate and key of the index still go to {path}/pki (ponte pki csr, ponte pki issue)"),
    )?;
    session.say(
        "La chiave di verifica del registro va data a tutti; le altre a nessuno, con copia in luogo separato dai dati.",
        "The log's verifier key is for everybody; the others for nobody, with a copy kept apart from the data.",
    )?;
    session.data(&[RecordBuilder::new().with("log_key", log_key).build()])?;
    Ok(ExitCode::Ok)
}

fn serve(config: &Path, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let config = IndexConfig::load(config).map_err(|error| Failure::file(config, &error))?;
    crate::diagnostics::install();
    session.block_on(async |session| {
        let shutdown = Shutdown::new();
        shutdown.on_signals().map_err(|error| Failure::internal(&error))?;
        let (clock, random) = (&session.surroundings.clock, &session.surroundings.random);
        let running = index::run::start(config, Arc::clone(clock), Arc::clone(random), shutdown)
            .await
            .map_err(|error| {
                Failure::new(
                    ExitCode::Unavailable,
                    "l'indice non parte",
                    "the index does not start",
                )
                .because(&error)
            })?;
        let address = running.address;
        session.say(
            format!("indice in ascolto su {address}"),
            format!("the index listens on {address}"),
        )?;
        if let Some(address) = running.monitor {
            session.say(
                format!("il registro degli accessi si segue su https://{address}"),
                format!("the access log is followed at https://{address}"),
            )?;
        }
        running.ended().await.map_err(|error| {
            Failure::new(
                ExitCode::Unavailable,
                "l'indice si è fermato",
                "the index stopped",
            )
            .because(&error)
        })
    })?;
    Ok(ExitCode::Ok)
}

fn secret(path: &Path, random: &dyn Random) -> Result<[u8; 32], Failure> {
    if path.exists() {
        let path = path.display();
        return Err(Failure::new(
            ExitCode::Conflict,
            format!("{path} esiste già e non viene sovrascritto"),
            format!("{path} exists already and is not overwritten"),
        ));
    }
    index::init::make_secret(path, random).map_err(|error| Failure::file(path, &error))
}

/// Makes a directory that its owner alone can enter.
pub(crate) fn make_private(directory: &Path) -> Result<(), Failure> {
    store::files::system::make_private(directory).map_err(|error| Failure::file(directory, &error))
}

fn configuration(trust_domain: &TrustDomainName, origin: &Origin, listen: std::net::SocketAddr) -> String {
    format!(
        r#"# Configuration of a Ponte index. Relative paths are taken from this file's directory.
listen = "{listen}"
data_directory = "data"
trust_domain = "{trust_domain}"

# Name of the access log. A log that lost acknowledged entries goes on under a new one.
origin = "{}"

# Second place of the newest checkpoint, preferably on another volume.
checkpoint_copy = "checkpoint"

# 32 bytes in hexadecimal, mode 0600. Without the first the data cannot be read: keep a copy apart from them.
key_encryption_key = "key-encryption.key"
log_key = "log.key"

[tls]
certificate = "pki/index.pem"
key = "pki/index.key"
authorities = "pki/authority.pem"

# Where anybody follows the access log, which shows how many entries there are, and hashes (ponte audit monitor).
# [monitor]
# listen = "0.0.0.0:8444"

# Which node publishes for which municipalities.
# [[node]]
# id = "spiffe://{trust_domain}/node/imola"
# municipalities = ["037032"]
# publication_key = "base64 of the public key with which its batches are signed"

# Who confirms for a municipality the changes that are not served at once.
# [[registrar]]
# id = "g.neri"
# municipalities = ["037032"]
# key = "base64 of the registrar's own public key"

# Which auditor reads what of the access log: region, municipality or agency. Nobody else reads anything.
# [[reader]]
# id = "spiffe://{trust_domain}/auditor/regione"
# scope = "region"
"#,
        origin.as_str()
    )
}
