//! The node's configuration file: parsed without side effects, unknown keys refused.

mod import;

use std::path::{Path, PathBuf};

use client::connection::{Endpoint, IdentityFiles, Timing};
use client::receipt::ReceiptPolicy;
use ledger::checkpoint::LogVerifier;
use ledger::name::KeyName;
use registry::export::ExportKind;
use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use registry::profile::{FieldGroup, GroupSet};
use registry::publication::MAX_CHANGES;
use serde::Deserialize;
use transport::channel::ServerAddress;
use transport::pki::names::{IndexId, TrustDomainName};

use crate::incoming::IncomingRules;
use crate::intake::IntakeRules;
use crate::publisher::BatchLimits;
use crate::retention::Retention;

use self::import::{ImportRules, RawImport};

/// Everything the node is told from outside.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// ISTAT code of the municipality, in force today: cards are published under it.
    pub municipality: IstatCode,
    /// The municipality's identity.
    pub identity: MunicipalityId,
    /// Directory of journal, mirror and key ring.
    pub data_directory: PathBuf,
    /// Key-encryption key: 32 bytes, or 64 hexadecimal characters; mode 0600.
    pub key_encryption_key: PathBuf,
    /// Private key under which batches are signed, PKCS#8 PEM, mode 0600.
    pub publication_key: PathBuf,
    /// Page cache of the mirror, bytes.
    pub cache_bytes: u64,
    /// How to reach the index.
    pub index: Endpoint,
    /// How batches are cut.
    pub batches: BatchLimits,
    /// Groups of fields that the municipality publishes at most; all that is agreed, where the file names none.
    pub groups: GroupSet,
    /// How exports are imported.
    pub intake: IntakeRules,
    /// The drop folder.
    pub incoming: IncomingRules,
    /// Which cards an export holds, unless an import is told otherwise.
    pub export_kind: ExportKind,
    /// How the exports are read when they are not in our layout.
    pub mapping: Option<PathBuf>,
    /// How the node witnesses the access log; nothing where it does not.
    pub witness: Option<WitnessSettings>,
}

/// What a witness of the access log needs.
#[derive(Clone, Debug)]
pub struct WitnessSettings {
    /// Private key with which it cosigns, PKCS#8 PEM, mode 0600.
    pub key: PathBuf,
    /// The key's name in cosignatures.
    pub name: KeyName,
    /// The log.
    pub log: LogVerifier,
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
        key: &'static str,
        /// The rule that it breaks.
        rule: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    municipality: String,
    data_directory: PathBuf,
    trust_domain: String,
    key_encryption_key: PathBuf,
    publication_key: PathBuf,
    log_key: Option<String>,
    cache_mib: Option<u64>,
    index: RawIndex,
    tls: RawTls,
    #[serde(default)]
    publication: RawPublication,
    #[serde(default)]
    import: RawImport,
    witness: Option<RawWitness>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWitness {
    key: PathBuf,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawIndex {
    host: String,
    port: u16,
    server_name: Option<String>,
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTls {
    certificate: PathBuf,
    key: PathBuf,
    authorities: PathBuf,
    #[serde(default)]
    revocation_lists: Vec<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPublication {
    max_changes: Option<usize>,
    max_kilobytes: Option<usize>,
    retention_cancelled_years: Option<u16>,
    retention_deceased_years: Option<u16>,
    groups: Option<Vec<String>>,
}

impl NodeConfig {
    /// Reads a file; relative paths in it are taken from its directory.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(ConfigError::Read)?;
        Self::parse(&text, path.parent().unwrap_or_else(|| Path::new(".")))
    }

    /// Parses a configuration; relative paths are taken from `base`.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn parse(text: &str, base: &Path) -> Result<Self, ConfigError> {
        let raw: RawConfig = toml::from_str(text).map_err(|error| ConfigError::Toml(Box::new(error)))?;
        let RawConfig {
            municipality,
            data_directory,
            trust_domain,
            key_encryption_key,
            publication_key,
            log_key,
            cache_mib,
            index,
            tls:
                RawTls {
                    certificate,
                    key,
                    authorities,
                    revocation_lists,
                },
            publication,
            import,
            witness,
        } = raw;
        let unknown = value_error(
            "municipality",
            "must be the ISTAT code of a municipality of today, six digits",
        );
        let municipality = IstatCode::parse(&municipality).ok();
        let current = municipality.and_then(registry::municipality::current_by_istat);
        let Some((municipality, identity)) = municipality.zip(current.and_then(|current| current.id()))
        else {
            return Err(unknown);
        };
        let trust_domain = TrustDomainName::parse(&trust_domain).map_err(|_| {
            value_error(
                "trust_domain",
                "must have 1 to 100 lower-case letters, digits, dots and hyphens",
            )
        })?;
        let log_key = log_key.map(|text| LogVerifier::parse(&text)).transpose();
        let log_key = log_key.map_err(|_| {
            value_error(
                "log_key",
                "must be the log's verifier key, <origin>+<id>+<base64>",
            )
        })?;
        let witness = witness
            .map(|witness| witness.check(base, log_key.clone()))
            .transpose()?;
        let receipts = log_key.map_or(ReceiptPolicy::Keep, ReceiptPolicy::Verify);
        let identity_files = IdentityFiles {
            certificate: base.join(certificate),
            key: base.join(key),
            authorities: base.join(authorities),
            revocation_lists: revocation_lists.into_iter().map(|path| base.join(path)).collect(),
        };
        let (server, expected_server) = index.check(&trust_domain)?;
        let data_directory = base.join(data_directory);
        let (batches, retention, groups) = publication.check()?;
        let ImportRules {
            intake,
            incoming,
            export_kind,
            mapping,
        } = import.check(base, &data_directory, retention)?;
        Ok(Self {
            municipality,
            identity,
            data_directory,
            key_encryption_key: base.join(key_encryption_key),
            publication_key: base.join(publication_key),
            cache_bytes: cache_mib.unwrap_or(64) << 20,
            index: Endpoint {
                server,
                identity: identity_files,
                trust_domain,
                expected_server,
                receipts,
                timing: Timing::default(),
            },
            batches,
            groups,
            intake,
            incoming,
            export_kind,
            mapping,
            witness,
        })
    }
}

impl RawIndex {
    fn check(self, trust_domain: &TrustDomainName) -> Result<(ServerAddress, Option<IndexId>), ConfigError> {
        let Self {
            host,
            port,
            server_name,
            id,
        } = self;
        let mut server = ServerAddress::new(&host, port);
        server.server_name = server_name;
        let id = id
            .map(|id| IndexId::parse(&id))
            .transpose()
            .map_err(|_| value_error("index.id", "must be spiffe://<trust-domain>/index/<id>"))?;
        if id.as_ref().is_some_and(|id| id.trust_domain() != trust_domain) {
            return Err(value_error("index.id", "must belong to the trust domain"));
        }
        Ok((server, id))
    }
}

impl RawWitness {
    fn check(self, base: &Path, log: Option<LogVerifier>) -> Result<WitnessSettings, ConfigError> {
        let Self { key, name } = self;
        Ok(WitnessSettings {
            key: base.join(key),
            name: KeyName::new(name)
                .map_err(|_| value_error("witness.name", "must have no spaces and no plus signs"))?,
            log: log.ok_or_else(|| value_error("witness", "needs log_key: the log that is witnessed"))?,
        })
    }
}

impl RawPublication {
    fn check(self) -> Result<(BatchLimits, Retention, GroupSet), ConfigError> {
        let Self {
            max_changes,
            max_kilobytes,
            retention_cancelled_years,
            retention_deceased_years,
            groups,
        } = self;
        let usual = BatchLimits::default();
        let max_changes = max_changes.unwrap_or(usual.max_changes);
        if !(1..=MAX_CHANGES).contains(&max_changes) {
            return Err(value_error(
                "publication.max_changes",
                "must lie between 1 and 2000",
            ));
        }
        let max_bytes = max_kilobytes.map_or(usual.max_bytes, |kilobytes| kilobytes.saturating_mul(1000));
        if max_bytes < 100_000 {
            return Err(value_error("publication.max_kilobytes", "must be 100 or more"));
        }
        for (key, years) in [
            ("publication.retention_cancelled_years", retention_cancelled_years),
            ("publication.retention_deceased_years", retention_deceased_years),
        ] {
            if years.is_some_and(|years| !(1..=200).contains(&years)) {
                return Err(value_error(key, "must lie between 1 and 200"));
            }
        }
        let limits = BatchLimits {
            max_changes,
            max_bytes,
        };
        let retention = Retention {
            cancelled_years: retention_cancelled_years,
            deceased_years: retention_deceased_years,
        };
        let groups = match groups {
            None => GroupSet::ALL,
            Some(names) => {
                let groups = names.iter().map(|name| FieldGroup::from_name(name).ok());
                groups.collect::<Option<GroupSet>>().ok_or_else(|| {
                    value_error(
                        "publication.groups",
                        "must name civil_status, citizenships, parents, identity_document or aire",
                    )
                })?
            }
        };
        Ok((limits, retention, groups))
    }
}

pub(crate) fn value_error(key: &'static str, rule: &'static str) -> ConfigError {
    ConfigError::Value { key, rule }
}

#[cfg(test)]
mod tests;
