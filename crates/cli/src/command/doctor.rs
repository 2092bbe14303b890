//! `ponte doctor`: what is wrong with an installation, or soon will be, each finding with its remedy.

mod finding;
mod material;
mod volume;
mod reach;

use std::path::{Path, PathBuf};

use agreement::reason::ExitCode;
use clap::{Args, ValueEnum};
use node::withdrawal::Mark;

use crate::call;
use crate::failure::Failure;
use crate::profile::{ConnectionSettings, ContextSettings, ProfileChoice};
use crate::session::Session;

use self::finding::{Finding, Light};

/// Arguments of `ponte doctor`.
#[derive(Args, Debug)]
pub struct DoctorArguments {
    /// Configuration of an index or of a node, whose machine is examined
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// As whom the index is called; without it by the role in the certificate
    #[arg(long = "as", value_enum, value_name = "ROLE")]
    pub role: Option<CallerRole>,
    /// File for the findings as JSON, without values of any setting; never overwritten
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Which profile.
    #[command(flatten)]
    pub choice: ProfileChoice,
    /// Where the index is and who calls.
    #[command(flatten)]
    pub connection: ConnectionSettings,
    /// On what ground the next call would be made.
    #[command(flatten)]
    pub context: ContextSettings,
}

/// As whom the index is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CallerRole {
    /// Says which clause would refuse the next call
    Agency,
    /// Asks for the newest checkpoint
    Auditor,
    /// Asks who takes part
    Node,
    /// Asks for the agreements
    Admin,
}

/// Runs `ponte doctor`: exit 1 when a finding is red.
pub fn run(arguments: &DoctorArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let DoctorArguments {
        config,
        role,
        report,
        choice,
        connection,
        context,
    } = arguments;
    let environment = &session.surroundings.environment;
    let mut findings = Vec::new();
    if let Some(path) = config {
        examine_machine(path, session, &mut findings);
    }
    let profile = choice.load(environment)?;
    let connection = connection.resolve(&profile, environment)?;
    if config.is_none() || connection.endpoint.is_some() {
        examine_caller(
            &connection,
            &context.resolve(&profile, environment)?,
            *role,
            session,
            &mut findings,
        )?;
    }
    findings.push(Finding::new(
        "agreements",
        Light::Yellow,
        "le convenzioni non portano ancora firme: decide chi amministra l'indice",
        "agreements carry no signatures yet: whoever administers the index decides",
    ));

    let rows: Vec<_> = findings
        .iter()
        .map(|finding| finding.row(session.language))
        .collect();
    if let Some(path) = report {
        let json = serde_json::to_vec_pretty(&rows).map_err(|error| Failure::internal(&error))?;
        call::write_new(path, &json)?;
    }
    session.data(&rows)?;
    let red = findings.iter().any(|finding| finding.light == Light::Red);
    Ok(if red {
        ExitCode::NegativeAnswer
    } else {
        ExitCode::Ok
    })
}

/// The machine of an index or node: its keys, certificate and volume.
fn examine_machine(path: &Path, session: &Session<'_, '_>, findings: &mut Vec<Finding>) {
    let now = session.surroundings.clock.now();
    match index::config::IndexConfig::load(path) {
        Ok(config) => {
            findings.push(Finding::green(
                "configuration",
                "configurazione di un indice",
                "configuration of an index",
            ));
            material::certificate(&config.tls.certificate, now, findings);
            material::private_key(&config.tls.key, findings);
            material::secret("key-encryption-key", &config.key_encryption_key, findings);
            material::secret("log-key", &config.log_key, findings);
            material::separate(&config.key_encryption_key, &config.data_directory, findings);
            volume::examine(&config.data_directory, findings);
        }
        Err(as_index) => match node::config::NodeConfig::load(path) {
            Ok(config) => {
                findings.push(Finding::green(
                    "configuration",
                    "configurazione di un nodo",
                    "configuration of a node",
                ));
                if let Some(finding) = withdrawn(&config.data_directory) {
                    findings.push(finding);
                    return;
                }
                material::certificate(&config.index.identity.certificate, now, findings);
                material::private_key(&config.index.identity.key, findings);
                material::private_key(&config.publication_key, findings);
                material::secret("key-encryption-key", &config.key_encryption_key, findings);
                material::separate(&config.key_encryption_key, &config.data_directory, findings);
                volume::examine(&config.data_directory, findings);
            }
            Err(as_node) => {
                let (index, node) = (
                    transport::causes::chain(&as_index),
                    transport::causes::chain(&as_node),
                );
                findings.push(
                    Finding::new(
                        "configuration",
                        Light::Red,
                        format!("né di un indice ({index}) né di un nodo ({node})"),
                        format!("neither of an index ({index}) nor of a node ({node})"),
                    )
                    .remedy(
                        "confrontarla con gli esempi in config/",
                        "compare it with the samples in config/",
                    ),
                );
            }
        },
    }
}

/// That the municipality of a node has left: of its keys nothing is expected any more.
fn withdrawn(data_directory: &Path) -> Option<Finding> {
    match Mark::of(data_directory) {
        Ok(None) => None,
        Ok(Some(mark)) => {
            let on = mark.at().date_naive();
            Some(
                Finding::new(
                    "withdrawn",
                    Light::Red,
                    format!("il comune è stato ritirato il {on} e le chiavi del nodo sono distrutte"),
                    format!("the municipality was withdrawn on {on}, and the node's keys are destroyed"),
                )
                .remedy(
                    "dismettere il nodo: ponte node withdraw dice che cosa resta da eliminare",
                    "remove the node: ponte node withdraw says what is left to be removed",
                ),
            )
        }
        Err(error) => {
            let error = transport::causes::chain(&error);
            Some(Finding::new(
                "withdrawn",
                Light::Red,
                format!("il segno di un ritiro non è leggibile ({error})"),
                format!("the mark of a withdrawal cannot be read ({error})"),
            ))
        }
    }
}

fn examine_caller(
    connection: &ConnectionSettings,
    context: &ContextSettings,
    role: Option<CallerRole>,
    session: &mut Session<'_, '_>,
    findings: &mut Vec<Finding>,
) -> Result<(), Failure> {
    let now = session.surroundings.clock.now();
    let certified = match &connection.certificate {
        Some(path) => material::certificate(path, now, findings),
        None => None,
    };
    if let Some(path) = &connection.key {
        material::private_key(path, findings);
    }
    if connection.receipts.as_deref() == Some("keep") {
        findings.push(
            Finding::new(
                "log-key",
                Light::Yellow,
                "le ricevute non vengono verificate all'arrivo",
                "receipts are not verified when they arrive",
            )
            .remedy(
                "indicare log_key nel profilo e togliere receipts",
                "name log_key in the profile and take receipts out",
            ),
        );
    }
    let Some(role) = role.or(certified) else {
        return Ok(());
    };
    session.block_on(async |session| {
        match connection.connect(session) {
            Ok(connection) => reach::examine(connection, role, context, session, findings).await,
            Err(failure) => {
                let words = |language| failure.words(language).unwrap_or_default().trim().to_owned();
                findings.push(Finding::new(
                    "connection",
                    Light::Red,
                    words(crate::language::Language::Italian),
                    words(crate::language::Language::English),
                ));
            }
        }
        Ok(())
    })
}
