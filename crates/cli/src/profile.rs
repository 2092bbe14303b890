//! Profiles: where the index is, who calls, on what ground.
//!
//! Every setting has one definition, from which come its flag, its environment variable and its key in the profile
//! file. A flag wins over the environment, the environment over the file.

mod settings;
mod file;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agreement::context::{
    AccessContext, AgreementId, Assurance, CaseReference, ConsentReference, ContextError, OperatorId,
    PurposeId, StatementVersion, Urgency, Workstation,
};
use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use client::connection::{Connection, Endpoint, IdentityFiles, Timing};
use client::receipt::ReceiptPolicy;
use client::upgrade::Witnessing;
use ledger::checkpoint::LogVerifier;
use ledger::policy::Policy;
use transport::channel::ServerAddress;
use transport::pki::names::TrustDomainName;

use crate::failure::Failure;
use crate::io::Environment;
use crate::session::Session;

pub use self::file::{Profile, ProfileFile};
pub use self::settings::{ActSettings, ConnectionSettings, ContextSettings, ReadingSettings};

/// Which profile is taken.
#[derive(Args, Clone, Debug, Default)]
pub struct ProfileChoice {
    /// Name of the profile; without it the file's default [env: PONTE_PROFILE]
    #[arg(long, value_name = "NAME", help_heading = "Connection")]
    pub profile: Option<String>,
    /// File of profiles; without it ponte/profile.toml in the configuration directory [env: PONTE_PROFILES]
    #[arg(long, value_name = "FILE", help_heading = "Connection")]
    pub profiles: Option<PathBuf>,
}

impl ProfileChoice {
    /// The profile of the file, or an empty one where there is no file and none was asked for.
    pub fn load(&self, environment: &Environment) -> Result<Profile, Failure> {
        let named = self
            .profile
            .as_deref()
            .or_else(|| environment.get("PONTE_PROFILE"));
        let stated = self
            .profiles
            .clone()
            .or_else(|| environment.get("PONTE_PROFILES").map(PathBuf::from));
        let file = match stated {
            Some(path) => Some(ProfileFile::load(&path)?),
            None => match usual_place(environment).filter(|path| path.exists()) {
                Some(path) => Some(ProfileFile::load(&path)?),
                None => None,
            },
        };
        match (file, named) {
            (Some(file), named) => file.choose(named),
            (None, None) => Ok(Profile::default()),
            (None, Some(_)) => Err(Failure::usage(
                "è indicato un profilo, ma non c'è un file di profili",
                "a profile is named, but there is no file of profiles",
            )
            .remedy("indicarlo con --profiles", "name it with --profiles")),
        }
    }
}

fn usual_place(environment: &Environment) -> Option<PathBuf> {
    let directory = match environment.get("XDG_CONFIG_HOME") {
        Some(directory) => PathBuf::from(directory),
        None => PathBuf::from(environment.get("HOME")?).join(".config"),
    };
    Some(directory.join("ponte/profile.toml"))
}

impl ConnectionSettings {
    /// Flags over environment over file.
    pub fn resolve(&self, profile: &Profile, environment: &Environment) -> Result<Self, Failure> {
        Ok(self
            .clone()
            .or(Self::of_environment(environment)?)
            .or(profile.connection.clone()))
    }

    /// What the SDK connects to.
    pub fn endpoint(&self) -> Result<Endpoint, Failure> {
        let Self {
            endpoint,
            server_name,
            trust_domain,
            certificate,
            key,
            authorities,
            revocation_list,
            log_key,
            policy,
            receipts,
            deadline_seconds,
        } = self;
        let endpoint = required(endpoint.as_deref(), "endpoint")?;
        let (host, port) = endpoint
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)))
            .ok_or_else(|| {
                Failure::usage("endpoint: si scrive host:porta", "endpoint: is written host:port")
            })?;
        let mut server = ServerAddress::new(host, port);
        server.server_name.clone_from(server_name);
        let trust_domain = TrustDomainName::parse(required(trust_domain.as_deref(), "trust-domain")?)
            .map_err(|error| Failure::usage("trust-domain", "trust-domain").because(&error))?;
        let mut timing = Timing::default();
        if let Some(seconds) = deadline_seconds {
            timing.deadline = Duration::from_secs(*seconds);
        }
        Ok(Endpoint {
            server,
            identity: IdentityFiles {
                certificate: required(certificate.clone(), "certificate")?,
                key: required(key.clone(), "key")?,
                authorities: required(authorities.clone(), "authorities")?,
                revocation_lists: revocation_list.iter().cloned().collect(),
            },
            trust_domain,
            expected_server: None,
            receipts: receipt_policy(receipts.as_deref(), log_key.as_deref(), policy.as_deref())?,
            timing,
        })
    }

    /// Opens the connection. Must run inside the runtime.
    pub fn connect(&self, session: &Session<'_, '_>) -> Result<Connection, Failure> {
        connect(&self.endpoint()?, session)
    }
}

impl ContextSettings {
    /// Flags over environment over file.
    pub fn resolve(&self, profile: &Profile, environment: &Environment) -> Result<Self, Failure> {
        Ok(self
            .clone()
            .or(Self::of_environment(environment)?)
            .or(profile.context.clone()))
    }

    /// The ground of one call.
    pub fn access_context(
        &self,
        reference_date: Option<NaiveDate>,
        known_on: Option<DateTime<Utc>>,
        request_id: uuid::Uuid,
    ) -> Result<AccessContext, Failure> {
        let Self {
            agreement,
            purpose,
            operator,
            assurance,
            workstation,
            case_reference,
            consent_reference,
            statement_version,
        } = self;
        let assurance = match assurance.as_deref() {
            Some(name) => Some(Assurance::from_name(name).ok_or_else(|| {
                Failure::usage(
                    "assurance: low, substantial o high",
                    "assurance: low, substantial or high",
                )
            })?),
            None => None,
        };
        Ok(AccessContext {
            agreement: AgreementId::parse(required(agreement.as_deref(), "agreement")?).map_err(wrong)?,
            purpose: PurposeId::parse(required(purpose.as_deref(), "purpose")?).map_err(wrong)?,
            operator: parsed(operator.as_deref(), OperatorId::parse)?,
            assurance,
            workstation: parsed(workstation.as_deref(), Workstation::parse)?,
            case_reference: parsed(case_reference.as_deref(), CaseReference::parse)?,
            consent_reference: parsed(consent_reference.as_deref(), ConsentReference::parse)?,
            reference_date,
            known_on,
            request_id,
            statement_version: parsed(statement_version.as_deref(), StatementVersion::parse)?,
            urgency: Urgency::Ordinary,
            min_fresh_since: None,
        })
    }
}

impl ReadingSettings {
    /// Flags over environment over file.
    pub fn resolve(&self, profile: &Profile, environment: &Environment) -> Result<Self, Failure> {
        Ok(self
            .clone()
            .or(Self::of_environment(environment)?)
            .or(profile.reading.clone()))
    }
}

impl ActSettings {
    /// Flags over environment over file.
    pub fn resolve(&self, profile: &Profile, environment: &Environment) -> Result<Self, Failure> {
        Ok(self
            .clone()
            .or(Self::of_environment(environment)?)
            .or(profile.act.clone()))
    }
}

/// Receipts are verified unless somebody says that they are not, and become witnessed ones where a policy is named.
fn receipt_policy(
    stated: Option<&str>,
    log_key: Option<&str>,
    policy: Option<&Path>,
) -> Result<ReceiptPolicy, Failure> {
    match (stated, log_key, policy) {
        (None | Some("verify"), log_key, Some(policy)) => {
            let log = log_key.map(parse_log_key).transpose()?;
            let witnessing = witnessing(policy, log)?;
            Ok(ReceiptPolicy::Witness(Box::new(witnessing)))
        }
        (None | Some("verify"), Some(key), None) => Ok(ReceiptPolicy::Verify(parse_log_key(key)?)),
        (None | Some("verify"), None, None) => Err(Failure::usage(
            "manca --log-key: le ricevute non si possono verificare",
            "--log-key is missing: receipts cannot be verified",
        )
        .remedy(
            "indicare la chiave stampata da ponte index init, o rinunciare con --receipts keep",
            "give the key that ponte index init printed, or do without by --receipts keep",
        )),
        (Some("keep"), _, _) => Ok(ReceiptPolicy::Keep),
        (Some(_), _, _) => Err(Failure::usage(
            "receipts: verify o keep",
            "receipts: verify or keep",
        )),
    }
}

/// Whom a policy file lets witness a log: the one that is named, else the only one of the policy.
pub fn witnessing(file: &Path, log: Option<LogVerifier>) -> Result<Witnessing, Failure> {
    let policy = read_policy(file)?;
    let log = match (log, policy.logs()) {
        (Some(log), _) => log,
        (None, [only]) => only.clone(),
        (None, _) => {
            return Err(Failure::usage(
                "la policy ha più registri: indicare il proprio con --log-key",
                "the policy has several logs: name yours with --log-key",
            ));
        }
    };
    Witnessing::new(log, policy).map_err(|error| Failure::file(file, &error))
}

/// Reads a policy file.
pub fn read_policy(path: &Path) -> Result<Policy, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    Policy::parse(&text).map_err(|error| Failure::file(path, &error))
}

/// Opens a connection to an index. Must run inside the runtime.
pub fn connect(endpoint: &Endpoint, session: &Session<'_, '_>) -> Result<Connection, Failure> {
    let (clock, random) = (&session.surroundings.clock, &session.surroundings.random);
    Connection::open(endpoint, Arc::clone(clock), Arc::clone(random)).map_err(|error| {
        Failure::usage(
            "il collegamento non è configurato correttamente",
            "the connection is not configured correctly",
        )
        .because(&error)
    })
}

/// Reads a log's verifier key.
pub fn parse_log_key(text: &str) -> Result<LogVerifier, Failure> {
    LogVerifier::parse(text.trim()).map_err(|error| {
        Failure::usage(
            "la chiave del registro non è valida",
            "the log's key is not valid",
        )
        .because(&error)
    })
}

/// A setting that must come from somewhere.
pub fn required<T>(value: Option<T>, name: &str) -> Result<T, Failure> {
    value.ok_or_else(|| {
        Failure::usage(format!("manca --{name}"), format!("--{name} is missing")).remedy(
            "indicarlo come argomento, nell'ambiente o nel profilo",
            "give it as a flag, in the environment or in the profile",
        )
    })
}

fn parsed<T>(
    value: Option<&str>,
    parse: impl Fn(&str) -> Result<T, ContextError>,
) -> Result<Option<T>, Failure> {
    value.map(parse).transpose().map_err(wrong)
}

fn wrong(error: ContextError) -> Failure {
    Failure::usage("contesto della chiamata", "ground of the call").because(&error)
}

#[cfg(test)]
mod tests;
