//! The index's configuration file: parsed without side effects, unknown keys refused.

mod alerts;
mod monitor;
mod publication_keys;
mod stated;
mod witnesses;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use agreement::domain::DomainKind;
use agreement::peer::{Role, SpiffeId};
use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use registry::publication::{Allowance, DailyLimits, EnrolledKeys};
use registry::signing::VerifyingKey;
use registry::statement::RegistrarId;
use serde::Deserialize;
use store::segment::Settings;

pub use self::alerts::AlertSetting;
use self::alerts::RawAlert;
pub use self::monitor::MonitorSettings;
use self::monitor::RawMonitor;
use self::publication_keys::{RawPublicationKey, enrolled_keys};
use self::witnesses::{RawWitness, RawWitnessing};
use crate::freshness::StaleAfter;

pub use self::stated::StatedConfiguration;
pub use self::witnesses::{AskedWitness, Witnessing};

/// Everything the index is told from outside.
#[derive(Clone, Debug)]
pub struct IndexConfig {
    /// Address on which the gRPC services listen.
    pub listen: SocketAddr,
    /// Directory of journal, log, projection and key ring.
    pub data_directory: PathBuf,
    /// Trust domain that peers must belong to.
    pub trust_domain: String,
    /// Origin of the access log, a name without scheme such as `log.ponte.example/1`.
    pub origin: String,
    /// Second place for the newest checkpoint, preferably on another volume.
    pub checkpoint_copy: Option<PathBuf>,
    /// Certificates and keys.
    pub tls: TlsFiles,
    /// Key-encryption key, 32 bytes in hexadecimal, mode 0600.
    pub key_encryption_key: PathBuf,
    /// Seed of the log's Ed25519 key, 32 bytes in hexadecimal, mode 0600.
    pub log_key: PathBuf,
    /// Which node publishes for which municipalities, and with which key.
    pub nodes: BTreeMap<SpiffeId, NodeGrant>,
    /// Who confirms for a municipality what waits.
    pub registrars: BTreeMap<RegistrarId, RegistrarGrant>,
    /// From which age a node's data count as stale.
    pub stale_after: StaleAfter,
    /// Municipalities that have confirmed that others may see their name beside an anomaly and contact them.
    pub contacts: BTreeSet<MunicipalityId>,
    /// Which auditor reads what; an auditor that is not named reads nothing.
    pub readers: BTreeMap<SpiffeId, ReaderGrant>,
    /// Where monitors follow the access log; nowhere when absent.
    pub monitor: Option<MonitorSettings>,
    /// Tuning with usable defaults.
    pub limits: Limits,
    /// How much of a municipality may change in 24 hours before a registrar must confirm it.
    pub daily_limits: DailyLimits,
    /// Who cosigns the access log.
    pub witnessing: Witnessing,
    /// What calls for a look.
    pub alerts: Vec<AlertSetting>,
}

/// Paths of the index's certificate, its key, the trusted authority and revocation lists.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM, mode 0600.
    pub key: PathBuf,
    /// Trusted authorities, PEM.
    pub authorities: PathBuf,
    /// Certificate revocation lists, PEM.
    #[serde(default)]
    pub revocation_lists: Vec<PathBuf>,
}

/// What a node may publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeGrant {
    /// For these municipalities.
    pub municipalities: Vec<MunicipalityId>,
    /// Batches must be signed with one of them whose time it is: the municipality's publication keys, apart from TLS.
    pub publication_keys: EnrolledKeys,
}

/// For whom a registrar (*ufficiale d'anagrafe*) speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrarGrant {
    /// These municipalities.
    pub municipalities: Vec<MunicipalityId>,
    /// The registrar's personal key, which is on no node.
    pub key: VerifyingKey,
}

/// What an auditor may read of the access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReaderGrant {
    /// Everything (regional auditor).
    Region,
    /// Entries that name this municipality, its own part of them.
    Municipality(MunicipalityId),
    /// Entries of this agency's own calls (the agency's supervisor).
    Agency(SpiffeId),
}

/// Sizes and times that an operator may change.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Page cache of the record store, bytes.
    pub cache_bytes: u64,
    /// Places in the access log's queue.
    pub log_queue: usize,
    /// Longest time for one call.
    pub deadline: Duration,
    /// Time between two sync points of the projection.
    pub sync_interval: Duration,
    /// Largest number of connections.
    pub connections: usize,
    /// Largest number of connections from one address.
    pub connections_per_address: usize,
    /// Bytes of a segment of journal and access log.
    pub segment_bytes: u64,
}

impl Limits {
    /// Segments of the publication journal.
    pub fn journal_segments(&self) -> Settings {
        Settings {
            segment_bytes: self.segment_bytes,
            ..Settings::default()
        }
    }

    /// Segments of the access log.
    pub fn log_segments(&self) -> Settings {
        self.journal_segments()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cache_bytes: 1 << 30,
            log_queue: 1024,
            deadline: Duration::from_secs(10),
            sync_interval: Duration::from_secs(5),
            connections: 1024,
            connections_per_address: 64,
            segment_bytes: Settings::default().segment_bytes,
        }
    }
}

/// Why a configuration file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file cannot be read")]
    Read(#[source] std::io::Error),
    /// Not TOML, or a key is missing, unknown or of the wrong type.
    #[error("the configuration file is not valid")]
    Toml(#[source] Box<toml::de::Error>),
    /// A value breaks a rule.
    #[error("{key}: {rule}")]
    Value {
        /// Path of the key.
        key: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    listen: SocketAddr,
    data_directory: PathBuf,
    trust_domain: String,
    origin: String,
    checkpoint_copy: Option<PathBuf>,
    tls: TlsFiles,
    key_encryption_key: PathBuf,
    log_key: PathBuf,
    #[serde(default)]
    contacts: Vec<String>,
    #[serde(default)]
    node: Vec<RawNode>,
    #[serde(default)]
    registrar: Vec<RawRegistrar>,
    #[serde(default)]
    reader: Vec<RawReader>,
    #[serde(default)]
    freshness: RawFreshness,
    monitor: Option<RawMonitor>,
    #[serde(default)]
    limits: RawLimits,
    #[serde(default)]
    daily_limits: RawDailyLimits,
    #[serde(default)]
    witness: Vec<RawWitness>,
    #[serde(default)]
    witnessing: RawWitnessing,
    #[serde(default)]
    alert: Vec<RawAlert>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFreshness {
    alarm_after_hours: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNode {
    id: String,
    municipalities: Vec<String>,
    publication_key: Option<String>,
    publication_keys: Option<Vec<RawPublicationKey>>,
    alarm_after_hours: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRegistrar {
    id: String,
    municipalities: Vec<String>,
    key: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDailyLimits {
    departures: Option<RawAllowance>,
    identifiers: Option<RawAllowance>,
    arrivals: Option<RawAllowance>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAllowance {
    at_least: u32,
    per_mille: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReader {
    id: String,
    scope: RawScope,
    municipality: Option<String>,
    agency: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawScope {
    Region,
    Municipality,
    Agency,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLimits {
    cache_mib: Option<u64>,
    log_queue: Option<usize>,
    deadline_seconds: Option<u64>,
    sync_interval_seconds: Option<u64>,
    connections: Option<usize>,
    connections_per_address: Option<usize>,
    segment_mib: Option<u64>,
}

impl IndexConfig {
    /// Reads a file; relative paths in it are taken from its directory.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(ConfigError::Read)?;
        Self::parse(&text, path.parent().unwrap_or_else(|| Path::new(".")))
    }

    /// Parses a configuration; relative paths are taken from `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Self, ConfigError> {
        let raw: RawConfig = toml::from_str(text).map_err(|error| ConfigError::Toml(Box::new(error)))?;
        let RawConfig {
            listen,
            data_directory,
            trust_domain,
            origin,
            checkpoint_copy,
            tls:
                TlsFiles {
                    certificate,
                    key,
                    authorities,
                    revocation_lists,
                },
            key_encryption_key,
            log_key,
            contacts,
            node,
            registrar,
            reader,
            freshness: RawFreshness { alarm_after_hours },
            monitor,
            limits,
            daily_limits,
            witness,
            witnessing,
            alert,
        } = raw;
        if DomainKind::of(&origin) != DomainKind::of(&trust_domain) {
            let rule =
                "must have the label `test` exactly where the trust domain has it, and not as its last";
            return Err(value_error("origin", rule));
        }
        let mut nodes = BTreeMap::new();
        let mut stale_after = StaleAfter::default();
        if let Some(hours) = alarm_after_hours {
            stale_after.usual = alarm_age("freshness.alarm_after_hours", hours)?;
        }
        for (position, raw) in node.into_iter().enumerate() {
            let key = format!("node[{position}]");
            let alarm_after_hours = raw.alarm_after_hours;
            let (id, grant) = raw.check(&key, &trust_domain)?;
            if let Some(hours) = alarm_after_hours {
                let age = alarm_age(&format!("{key}.alarm_after_hours"), hours)?;
                stale_after.nodes.insert(id.clone(), age);
            }
            nodes.insert(id, grant);
        }
        let contacts = contacts
            .iter()
            .map(|code| municipality("contacts", code))
            .collect::<Result<_, _>>()?;
        let registrars = registrar
            .into_iter()
            .enumerate()
            .map(|(position, raw)| raw.check(&format!("registrar[{position}]")))
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        let readers = reader
            .into_iter()
            .enumerate()
            .map(|(position, raw)| raw.check(&format!("reader[{position}]"), &trust_domain))
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        let alerts = alerts::check(alert, base, &trust_domain)?;
        let tls = TlsFiles {
            certificate: base.join(certificate),
            key: base.join(key),
            authorities: base.join(authorities),
            revocation_lists: revocation_lists.into_iter().map(|path| base.join(path)).collect(),
        };
        Ok(Self {
            listen,
            data_directory: base.join(data_directory),
            trust_domain,
            origin,
            checkpoint_copy: checkpoint_copy.map(|path| base.join(path)),
            tls,
            key_encryption_key: base.join(key_encryption_key),
            log_key: base.join(log_key),
            nodes,
            registrars,
            stale_after,
            contacts,
            readers,
            monitor: monitor.map(|raw| raw.check(listen)).transpose()?,
            limits: limits.check(),
            daily_limits: daily_limits.check()?,
            witnessing: Witnessing::check(base, witness, witnessing)?,
            alerts,
        })
    }
}

fn value_error(key: &str, rule: &'static str) -> ConfigError {
    ConfigError::Value {
        key: key.to_owned(),
        rule,
    }
}

fn peer_id(key: &str, text: &str, trust_domain: &str, role: Role) -> Result<SpiffeId, ConfigError> {
    let id =
        SpiffeId::parse(text).map_err(|_| value_error(key, "must be spiffe://<trust-domain>/<role>/<id>"))?;
    if id.trust_domain() != trust_domain {
        return Err(value_error(key, "must belong to the trust domain of this index"));
    }
    if id.role() != role {
        return Err(value_error(key, "has another role than this list is for"));
    }
    Ok(id)
}

fn municipality(key: &str, text: &str) -> Result<MunicipalityId, ConfigError> {
    IstatCode::parse(text)
        .ok()
        .and_then(MunicipalityId::of_any)
        .ok_or_else(|| value_error(key, "must be the ISTAT code of a municipality, six digits"))
}

fn municipalities(key: &str, codes: &[String]) -> Result<Vec<MunicipalityId>, ConfigError> {
    let key = format!("{key}.municipalities");
    if codes.is_empty() {
        return Err(value_error(&key, "must name at least one municipality"));
    }
    codes.iter().map(|code| municipality(&key, code)).collect()
}

fn verifying_key(key: &str, text: &str) -> Result<VerifyingKey, ConfigError> {
    VerifyingKey::parse(text).map_err(|_| value_error(key, "must be the base64 of an Ed25519 key, 32 bytes"))
}

fn alarm_age(key: &str, hours: u32) -> Result<Duration, ConfigError> {
    const LONGEST: u32 = 24 * 366;
    if (1..=LONGEST).contains(&hours) {
        Ok(Duration::from_hours(hours.into()))
    } else {
        Err(value_error(key, "must be 1 to 8784 hours"))
    }
}

impl RawNode {
    fn check(self, key: &str, trust_domain: &str) -> Result<(SpiffeId, NodeGrant), ConfigError> {
        let Self {
            id,
            municipalities: codes,
            publication_key,
            publication_keys,
            alarm_after_hours: _,
        } = self;
        let id = peer_id(&format!("{key}.id"), &id, trust_domain, Role::Node)?;
        let grant = NodeGrant {
            municipalities: municipalities(key, &codes)?,
            publication_keys: enrolled_keys(key, publication_key, publication_keys)?,
        };
        Ok((id, grant))
    }
}

impl RawRegistrar {
    fn check(self, key: &str) -> Result<(RegistrarId, RegistrarGrant), ConfigError> {
        let Self {
            id,
            municipalities: codes,
            key: public,
        } = self;
        let rule = "must have 1 to 64 letters, digits and . _ - @";
        let id = RegistrarId::parse(&id).ok_or_else(|| value_error(&format!("{key}.id"), rule))?;
        let grant = RegistrarGrant {
            municipalities: municipalities(key, &codes)?,
            key: verifying_key(&format!("{key}.key"), &public)?,
        };
        Ok((id, grant))
    }
}

impl RawDailyLimits {
    fn check(self) -> Result<DailyLimits, ConfigError> {
        let Self {
            departures,
            identifiers,
            arrivals,
        } = self;
        let allowance = |key: &str, raw: Option<RawAllowance>, usual: Allowance| match raw {
            None => Ok(usual),
            Some(RawAllowance { at_least, per_mille }) if per_mille <= 1_000 => {
                Ok(Allowance { at_least, per_mille })
            }
            Some(_) => Err(value_error(
                &format!("daily_limits.{key}.per_mille"),
                "must lie between 0 and 1000",
            )),
        };
        let usual = DailyLimits::default();
        Ok(DailyLimits {
            departures: allowance("departures", departures, usual.departures)?,
            identifiers: allowance("identifiers", identifiers, usual.identifiers)?,
            arrivals: allowance("arrivals", arrivals, usual.arrivals)?,
        })
    }
}

impl RawReader {
    fn check(self, key: &str, trust_domain: &str) -> Result<(SpiffeId, ReaderGrant), ConfigError> {
        let Self {
            id,
            scope,
            municipality: code,
            agency,
        } = self;
        let id = peer_id(&format!("{key}.id"), &id, trust_domain, Role::Auditor)?;
        let grant = match (scope, code, agency) {
            (RawScope::Region, None, None) => ReaderGrant::Region,
            (RawScope::Municipality, Some(code), None) => {
                ReaderGrant::Municipality(municipality(&format!("{key}.municipality"), &code)?)
            }
            (RawScope::Agency, None, Some(agency)) => ReaderGrant::Agency(peer_id(
                &format!("{key}.agency"),
                &agency,
                trust_domain,
                Role::Agency,
            )?),
            _ => {
                let rule =
                    "scope region stands alone, municipality needs `municipality`, agency needs `agency`";
                return Err(value_error(key, rule));
            }
        };
        Ok((id, grant))
    }
}

impl RawLimits {
    fn check(self) -> Limits {
        let Self {
            cache_mib,
            log_queue,
            deadline_seconds,
            sync_interval_seconds,
            connections,
            connections_per_address,
            segment_mib,
        } = self;
        let usual = Limits::default();
        Limits {
            cache_bytes: cache_mib.map_or(usual.cache_bytes, |mib| mib << 20),
            log_queue: log_queue.unwrap_or(usual.log_queue),
            deadline: deadline_seconds.map_or(usual.deadline, Duration::from_secs),
            sync_interval: sync_interval_seconds.map_or(usual.sync_interval, Duration::from_secs),
            connections: connections.unwrap_or(usual.connections),
            connections_per_address: connections_per_address.unwrap_or(usual.connections_per_address),
            segment_bytes: segment_mib.map_or(usual.segment_bytes, |mib| mib << 20),
        }
    }
}

#[cfg(test)]
mod tests;
