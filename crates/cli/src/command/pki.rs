//! `ponte pki`: the trust domain, its certificates, and when they must be renewed.

mod arguments;

use std::path::{Path, PathBuf};
use std::time::Duration;

use agreement::peer::SpiffeId;
use agreement::reason::ExitCode;
use ledger::checkpoint::CosignatureVerifier;
use ledger::name::KeyName;
use registry::signing::{SigningKey, VerifyingKey, pem_of_seed};
use transport::pki::authority::{Issued, TrustDomain};
use transport::pki::error::PkiError;
use transport::pki::files::{self, PkiFileError};
use transport::pki::names::{IndexId, Validity};
use transport::pki::request::{self, KeyPem, SigningRequest};
use transport::pki::summary::{self, CertificateSummary};

use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::session::Session;

pub use self::arguments::PkiCommand;
use self::arguments::{CsrArguments, InitArguments, IssueArguments, RenewArguments};

/// Names of the authority's files in its directory.
const AUTHORITY_CERTIFICATE: &str = "authority.pem";
const AUTHORITY_KEY: &str = "authority.key";

/// Whose certificate it is: the two kinds never pass for each other.
enum Holder {
    Peer(SpiffeId),
    Index(IndexId),
}

/// Runs `ponte pki`.
pub fn run(command: PkiCommand, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    match command {
        PkiCommand::Init(arguments) => init(&arguments, session),
        PkiCommand::Csr(arguments) => csr(&arguments, session),
        PkiCommand::SigningKey { out } => signing_key(&out, session),
        PkiCommand::WitnessKey { name, out } => witness_key(&name, &out, session),
        PkiCommand::Issue(arguments) => issue(&arguments, session),
        PkiCommand::Renew(arguments) => renew(&arguments, session),
        PkiCommand::Inspect { file } => {
            let summary = read_summary(&file)?;
            let now = session.surroundings.clock.now();
            session.data(&[describe(&summary, summary.needs_renewal(now))])?;
            Ok(ExitCode::Ok)
        }
        PkiCommand::NeedsRenewal { file } => needs_renewal(&file, session),
    }
}

fn init(arguments: &InitArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let InitArguments {
        directory,
        trust_domain,
        days,
    } = arguments;
    std::fs::create_dir_all(directory).map_err(|error| Failure::file(directory, &error))?;
    let validity = starting_now(session, *days)?;
    let Issued { certificate, key } =
        TrustDomain::create(trust_domain, validity, &*session.surroundings.random)
            .map_err(|error| refused(&error))?;
    write_pair(
        &directory.join("authority"),
        &Issued { certificate, key },
        session,
    )?;
    session.say(
        "La chiave dell'autorità firma per tutti: va tenuta fuori rete.",
        "The authority's key signs for everybody: keep it off the network.",
    )?;
    Ok(ExitCode::Ok)
}

fn csr(arguments: &CsrArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let CsrArguments { id, dns, out } = arguments;
    let dns_names: Vec<&str> = dns.iter().map(String::as_str).collect();
    let SigningRequest { csr, key } = match holder(id, &dns_names)? {
        Holder::Peer(id) => request::csr(&id),
        Holder::Index(id) => request::server_csr(&id, &dns_names),
    }
    .map_err(|error| refused(&error))?;
    let (request_path, key_path) = (out.with_extension("csr"), out.with_extension("key"));
    files::write_key(&key_path, &key).map_err(|error| unusable(&error))?;
    files::write_certificate(&request_path, &csr).map_err(|error| unusable(&error))?;
    said_written(session, &[&request_path, &key_path])?;
    Ok(ExitCode::Ok)
}

fn signing_key(out: &Path, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let (key_path, public_path) = (out.with_extension("key"), out.with_extension("pub"));
    let public = make_signing_key(&key_path, session)?;
    files::write_certificate(&public_path, &format!("{public}\n")).map_err(|error| unusable(&error))?;
    said_written(session, &[&key_path, &public_path])?;
    let row = RecordBuilder::new()
        .with("public_key", public.to_string())
        .build();
    session.data(&[row])?;
    Ok(ExitCode::Ok)
}

fn witness_key(name: &str, out: &Path, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let name = KeyName::new(name).map_err(|error| {
        Failure::usage(
            "il nome della chiave non è valido",
            "the name of the key is not valid",
        )
        .because(&error)
    })?;
    let (key_path, public_path) = (out.with_extension("key"), out.with_extension("vkey"));
    let public = make_signing_key(&key_path, session)?;
    let verifier =
        CosignatureVerifier::new(name, public.as_bytes()).map_err(|error| Failure::internal(&error))?;
    files::write_certificate(&public_path, &format!("{verifier}\n")).map_err(|error| unusable(&error))?;
    said_written(session, &[&key_path, &public_path])?;
    let row = RecordBuilder::new()
        .with("verifier_key", verifier.to_string())
        .build();
    session.data(&[row])?;
    Ok(ExitCode::Ok)
}

/// Makes an Ed25519 key in a new file, and tells its public half.
pub fn make_signing_key(path: &Path, session: &Session<'_, '_>) -> Result<VerifyingKey, Failure> {
    let mut seed = [0; 32];
    session.surroundings.random.fill(&mut seed);
    let key = SigningKey::from_seed(&seed).map_err(|error| Failure::internal(&error))?;
    files::write_key(path, &KeyPem::new(pem_of_seed(&seed))).map_err(|error| unusable(&error))?;
    Ok(key.verifying_key())
}

fn issue(arguments: &IssueArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let IssueArguments {
        authority,
        id,
        dns,
        days,
        csr,
        with_key,
        out,
    } = arguments;
    let authority = open_authority(authority)?;
    let validity = starting_now(session, *days)?;
    let random = &*session.surroundings.random;
    let dns_names: Vec<&str> = dns.iter().map(String::as_str).collect();
    let holder = holder(id, &dns_names)?;
    let Some(csr) = csr.as_ref().filter(|_| !with_key) else {
        let issued = match holder {
            Holder::Peer(id) => authority.issue_with_key(&id, validity, random),
            Holder::Index(id) => authority.issue_server_with_key(&id, &dns_names, validity, random),
        }
        .map_err(|error| refused(&error))?;
        write_pair(out, &issued, session)?;
        session.say(
            "Attenzione: la chiave è stata generata dall'autorità, che quindi la conosce. Solo per dimostrazioni e prove.",
            "Warning: the authority made the key, and so knows it. For demonstrations and tests only.",
        )?;
        return Ok(ExitCode::Ok);
    };
    let csr = files::read_certificate(csr).map_err(|error| unusable(&error))?;
    let certificate = match holder {
        Holder::Peer(id) => authority.issue(&csr, &id, validity, random),
        Holder::Index(id) => authority.issue_server(&csr, &id, &dns_names, validity, random),
    }
    .map_err(|error| refused(&error))?;
    write_certificate(out, &certificate, session)
}

fn renew(arguments: &RenewArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let RenewArguments {
        authority,
        certificate,
        csr,
        days,
        out,
    } = arguments;
    let authority = open_authority(authority)?;
    let validity = starting_now(session, *days)?;
    let certificate = files::read_certificate(certificate).map_err(|error| unusable(&error))?;
    let csr = files::read_certificate(csr).map_err(|error| unusable(&error))?;
    let renewed = authority
        .renew(&certificate, &csr, validity, &*session.surroundings.random)
        .map_err(|error| refused(&error))?;
    write_certificate(out, &renewed, session)
}

fn needs_renewal(file: &Path, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    if !file.exists() {
        session.say("Il certificato non esiste.", "There is no such certificate.")?;
        return Ok(ExitCode::Usage);
    }
    let summary = read_summary(file)?;
    let due = summary.validity.renewal_due().to_rfc3339();
    if summary.needs_renewal(session.surroundings.clock.now()) {
        session.say(
            format!("Da rinnovare dal {due}."),
            format!("To be renewed since {due}."),
        )?;
        return Ok(ExitCode::Ok);
    }
    session.say(
        format!("Da rinnovare il {due}."),
        format!("To be renewed on {due}."),
    )?;
    Ok(ExitCode::NegativeAnswer)
}

fn describe(summary: &CertificateSummary, due: bool) -> Datum {
    let CertificateSummary {
        uris,
        dns_names,
        validity,
        fingerprint,
        issuer,
        serial,
        client_auth,
        server_auth,
        authority,
        public_key: _,
    } = summary;
    RecordBuilder::new()
        .with("identities", uris.iter().map(String::as_str).collect::<Datum>())
        .with(
            "dns_names",
            dns_names.iter().map(String::as_str).collect::<Datum>(),
        )
        .with("not_before", validity.not_before().to_rfc3339())
        .with("not_after", validity.not_after().to_rfc3339())
        .with("renewal_due", validity.renewal_due().to_rfc3339())
        .with("needs_renewal", due)
        .with("fingerprint", fingerprint.to_string())
        .with("issuer", issuer.as_str())
        .with("serial", serial.as_str())
        .with("client", *client_auth)
        .with("server", *server_auth)
        .with("authority", *authority)
        .build()
}

fn holder(id: &str, dns_names: &[&str]) -> Result<Holder, Failure> {
    if let Ok(id) = IndexId::parse(id) {
        return Ok(Holder::Index(id));
    }
    let peer = SpiffeId::parse(id).map_err(|error| {
        Failure::usage(
            "l'identità non è spiffe://<dominio>/<ruolo>/<id>, con ruolo node, agency, auditor, admin o index",
            "the identity is not spiffe://<trust-domain>/<role>/<id> with role node, agency, auditor, admin or index",
        )
        .because(&error)
    })?;
    if dns_names.is_empty() {
        return Ok(Holder::Peer(peer));
    }
    Err(Failure::usage(
        "solo un indice ha nomi DNS",
        "only an index has DNS names",
    ))
}

fn open_authority(directory: &Path) -> Result<TrustDomain, Failure> {
    let certificate =
        files::read_certificate(&directory.join(AUTHORITY_CERTIFICATE)).map_err(|error| unusable(&error))?;
    let key = files::read_key(&directory.join(AUTHORITY_KEY)).map_err(|error| unusable(&error))?;
    TrustDomain::open(&certificate, &key).map_err(|error| refused(&error))
}

fn read_summary(file: &Path) -> Result<CertificateSummary, Failure> {
    let pem = files::read_certificate(file).map_err(|error| unusable(&error))?;
    summary::inspect(&pem).map_err(|error| refused(&error))
}

fn starting_now(session: &Session<'_, '_>, days: u32) -> Result<Validity, Failure> {
    let length = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    Validity::starting(session.surroundings.clock.now(), length)
        .map_err(|error| Failure::usage("durata non ammessa", "the validity is not admitted").because(&error))
}

fn write_pair(prefix: &Path, issued: &Issued, session: &mut Session<'_, '_>) -> Result<(), Failure> {
    let Issued { certificate, key } = issued;
    let (certificate_path, key_path) = (prefix.with_extension("pem"), prefix.with_extension("key"));
    if certificate_path.exists() {
        return Err(unusable(&PkiFileError::Exists(certificate_path)));
    }
    files::write_key(&key_path, key).map_err(|error| unusable(&error))?;
    files::write_certificate(&certificate_path, certificate).map_err(|error| unusable(&error))?;
    said_written(session, &[&certificate_path, &key_path])
}

fn write_certificate(path: &Path, pem: &str, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let path: PathBuf = path.with_extension("pem");
    files::write_certificate(&path, pem).map_err(|error| unusable(&error))?;
    said_written(session, &[&path])?;
    Ok(ExitCode::Ok)
}

fn said_written(session: &mut Session<'_, '_>, paths: &[&Path]) -> Result<(), Failure> {
    for path in paths {
        session.say(
            format!("scritto {}", path.display()),
            format!("wrote {}", path.display()),
        )?;
    }
    Ok(())
}

fn refused(error: &PkiError) -> Failure {
    let failure = match error {
        PkiError::Library(_) => return Failure::internal(error),
        _ => Failure::usage("rifiutato", "refused"),
    };
    failure.because(error)
}

fn unusable(error: &PkiFileError) -> Failure {
    let failure = match error {
        PkiFileError::Exists(_) => {
            Failure::new(ExitCode::Conflict, "nulla è stato scritto", "nothing was written")
        }
        PkiFileError::KeyExposed(_) | PkiFileError::TooLarge(_) | PkiFileError::System { .. } => {
            Failure::usage("file non utilizzabile", "the file cannot be used")
        }
    };
    failure.because(error)
}
