//! How a municipality joins: the region invites, the municipality answers, the region admits.

use std::path::{Path, PathBuf};

use agreement::reason::ExitCode;
use chrono::TimeDelta;
use clap::Args;
use index::config::IndexConfig;
use node::enrolment::{
    EnrolmentRequest, Invitation, InvitationKey, InvitedError, index_section, node_identity,
};
use registry::municipality::MunicipalityId;
use transport::pki::names::{IndexId, TrustDomainName};
use transport::pki::{files, summary};

use crate::failure::Failure;
use crate::session::Session;

/// Arguments of `ponte index invite`.
#[derive(Args, Debug)]
pub struct InviteArguments {
    /// Configuration file of the index
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// ISTAT code of the municipality
    #[arg(long, value_name = "ISTAT")]
    pub municipality: String,
    /// Id of its node, such as imola: lower-case letters, digits and hyphens
    #[arg(long, value_name = "ID")]
    pub id: String,
    /// Host under which the node reaches the index
    #[arg(long, value_name = "HOST")]
    pub host: String,
    /// Port under which the node reaches the index; without it the one on which the index listens
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// DNS name in the index's certificate, where it is not the host
    #[arg(long, value_name = "NAME")]
    pub server_name: Option<String>,
    /// Days for which the invitation can be used
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=365))]
    pub days: u16,
}

/// Arguments of `ponte index admit`.
#[derive(Args, Debug)]
pub struct AdmitArguments {
    /// File that the municipality sent
    pub request: PathBuf,
    /// Configuration file of the index
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

pub(super) fn invite(
    arguments: &InviteArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let InviteArguments {
        config: path,
        municipality,
        id,
        host,
        port,
        server_name,
        days,
    } = arguments;
    let config = load(path)?;
    let seed = log_seed(&config)?;
    let log_key =
        index::init::verifier_key(&config.origin, &seed).map_err(|error| Failure::internal(&error))?;
    let authorities = files::read_certificate(&config.tls.authorities)
        .map_err(|error| Failure::file(&config.tls.authorities, &error))?;
    let invitation = Invitation {
        host: host.clone(),
        port: port.unwrap_or(config.listen.port()),
        server_name: server_name.clone(),
        index: Some(own_identity(&config.tls.certificate)?),
        trust_domain: TrustDomainName::parse(&config.trust_domain)
            .map_err(|error| Failure::file(path, &error))?,
        authorities,
        log_key: Some(log_key),
        municipality: crate::call::istat(municipality)?,
        node: node_identity(&config.trust_domain, id)
            .map_err(|error| Failure::usage("--id non valido", "--id is not valid").because(&error))?,
        expires: session.surroundings.clock.now() + TimeDelta::days(i64::from(*days)),
    };
    let refused = |error: &dyn std::error::Error| {
        Failure::usage("invito non valido", "the invitation is not valid")
            .remedy(error.to_string(), error.to_string())
    };
    let invitation = invitation
        .seal(&InvitationKey::of_log(&seed))
        .map_err(|error| refused(&error))?;
    let text = invitation.to_text().map_err(|error| refused(&error))?;
    let number = invitation.number();
    session.raw(&format!("{text}\n"))?;
    session.say_all([
        (
            format!("Dare l'invito al comune, e leggergli al telefono il numero dell'invito: {number}"),
            format!(
                "Give the invitation to the municipality, and read out its number by telephone: {number}"
            ),
        ),
        (
            format!("Il comune lo usa con: ponte node enrol INVITO --directory {id}"),
            format!("There it is used with: ponte node enrol INVITATION --directory {id}"),
        ),
    ])?;
    Ok(ExitCode::Ok)
}

pub(super) fn admit(arguments: &AdmitArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let AdmitArguments {
        request: path,
        config,
    } = arguments;
    let config = load(config)?;
    let text = files::read_certificate(path).map_err(|error| Failure::file(path, &error))?;
    let request = EnrolmentRequest::parse(&text).map_err(|error| Failure::file(path, &error))?;
    if request.node.trust_domain() != config.trust_domain {
        return Err(Failure::usage(
            "la richiesta è di un altro dominio",
            "the request is of another trust domain",
        ));
    }
    let key = InvitationKey::of_log(&log_seed(&config)?);
    request
        .check_invitation(&key, session.surroundings.clock.now())
        .map_err(|error| not_invited(&error))?;
    if config.nodes.contains_key(&request.node) {
        let node = &request.node;
        return Err(Failure::new(
            ExitCode::Conflict,
            format!("{node} è già nella configurazione dell'indice"),
            format!("{node} stands in the index's configuration already"),
        )
        .remedy(
            "per cambiare le chiavi togliere prima la sua sezione [[node]]",
            "to change its keys take out its [[node]] section first",
        ));
    }
    let identity = MunicipalityId::of_any(request.municipality);
    let holder = config
        .nodes
        .iter()
        .find(|(_, grant)| identity.is_some_and(|identity| grant.municipalities.contains(&identity)));
    if let Some((holder, _)) = holder {
        return Err(Failure::new(
            ExitCode::Conflict,
            format!("per il comune pubblica già {holder}"),
            format!("{holder} publishes for the municipality already"),
        )
        .remedy(
            "togliere prima il comune dalla sua sezione [[node]]",
            "take the municipality out of its [[node]] section first",
        ));
    }
    let name =
        registry::municipality::current_by_istat(request.municipality).map_or("", |found| found.name());
    let (number, node) = (request.fingerprint(), &request.node);
    let (file, id) = (path.display(), request.node.id());
    let municipality = request.municipality;
    session.say_all([
        (
            format!("{node} per il comune {municipality} {name}"),
            format!("{node} for the municipality {municipality} {name}"),
        ),
        (
            format!("Chiamare il comune a un numero già noto e confrontare: {number}"),
            format!("Call the municipality at a number that is known already, and compare: {number}"),
        ),
        (
            "Solo se coincide: aggiungere la sezione alla configurazione, riavviare l'indice, ed emettere il certificato:"
                .to_owned(),
            "Only if it is the same: add the section to the configuration, restart the index, and issue the certificate:"
                .to_owned(),
        ),
        (
            format!("ponte pki issue --authority AUTORITA --id {node} --csr {file} --out {id}"),
            format!("ponte pki issue --authority AUTHORITY --id {node} --csr {file} --out {id}"),
        ),
    ])?;
    session.raw(&index_section(&request))?;
    Ok(ExitCode::Ok)
}

fn load(path: &Path) -> Result<IndexConfig, Failure> {
    IndexConfig::load(path).map_err(|error| Failure::file(path, &error))
}

fn log_seed(config: &IndexConfig) -> Result<[u8; 32], Failure> {
    index::init::read_secret(&config.log_key).map_err(|error| Failure::file(&config.log_key, &error))
}

fn not_invited(error: &InvitedError) -> Failure {
    let (italian, english) = match error {
        InvitedError::Unknown => (
            "chiamare il comune: qualcuno può aver cambiato l'invito per strada; poi fare un nuovo invito",
            "call the municipality: somebody may have changed the invitation on its way; then invite it anew",
        ),
        InvitedError::Expired(_) => ("fare un nuovo invito", "invite the municipality anew"),
    };
    Failure::usage("il nodo non viene ammesso", "the node is not admitted")
        .because(error)
        .remedy(italian, english)
}

/// The identity in the index's certificate.
fn own_identity(certificate: &Path) -> Result<IndexId, Failure> {
    let pem = files::read_certificate(certificate).map_err(|error| Failure::file(certificate, &error))?;
    let summary = summary::inspect(&pem).map_err(|error| Failure::file(certificate, &error))?;
    let uris: Vec<&str> = summary.uris.iter().map(String::as_str).collect();
    match uris.as_slice() {
        [uri] => IndexId::parse(uri).map_err(|error| Failure::file(certificate, &error)),
        _ => Err(Failure::usage(
            "il certificato non è di un indice",
            "the certificate is not one of an index",
        )),
    }
}
