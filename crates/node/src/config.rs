//! The node's configuration file: parsed without side effects, unknown keys refused.

use std::path::{Path, PathBuf};

use client::connection::{Endpoint, IdentityFiles, Timing};
use client::receipt::ReceiptPolicy;
use ledger::checkpoint::LogVerifier;
use registry::export::ExportKind;
use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use registry::publication::MAX_CHANGES;
use serde::Deserialize;
use transport::channel::ServerAddress;
use transport::pki::names::{IndexId, TrustDomainName};

use crate::import::RemovalLimit;
use crate::publisher::BatchLimits;

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
    /// How many cards one export may withdraw.
    pub removals: RemovalLimit,
    /// Which cards an export holds, unless an import is told otherwise.
    pub export_kind: ExportKind,
    /// How the exports are read when they are not in our layout.
    pub mapping: Option<PathBuf>,
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
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawImport {
    largest_removal_percent: Option<u8>,
    kind: Option<String>,
    mapping: Option<PathBuf>,
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
            import:
                RawImport {
                    largest_removal_percent,
                    kind,
                    mapping,
                },
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
        let receipts = match log_key {
            None => ReceiptPolicy::Keep,
            Some(text) => LogVerifier::parse(&text)
                .map(ReceiptPolicy::Verify)
                .map_err(|_| {
                    value_error(
                        "log_key",
                        "must be the log's verifier key, <origin>+<id>+<base64>",
                    )
                })?,
        };
        let identity_files = IdentityFiles {
            certificate: base.join(certificate),
            key: base.join(key),
            authorities: base.join(authorities),
            revocation_lists: revocation_lists.into_iter().map(|path| base.join(path)).collect(),
        };
        let (server, expected_server) = index.check(&trust_domain)?;
        Ok(Self {
            municipality,
            identity,
            data_directory: base.join(data_directory),
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
            batches: publication.check()?,
            removals: match largest_removal_percent {
                None => RemovalLimit::default(),
                Some(percent @ 0..=100) => RemovalLimit::Percent(percent),
                Some(_) => {
                    return Err(value_error(
                        "import.largest_removal_percent",
                        "must lie between 0 and 100",
                    ));
                }
            },
            export_kind: match kind {
                None => ExportKind::default(),
                Some(kind) => ExportKind::named(&kind)
                    .ok_or_else(|| value_error("import.kind", "must be total or incremental"))?,
            },
            mapping: mapping.map(|path| base.join(path)),
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

impl RawPublication {
    fn check(self) -> Result<BatchLimits, ConfigError> {
        let Self {
            max_changes,
            max_kilobytes,
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
        Ok(BatchLimits {
            max_changes,
            max_bytes,
        })
    }
}

fn value_error(key: &'static str, rule: &'static str) -> ConfigError {
    ConfigError::Value { key, rule }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../../config/node.toml");

    #[track_caller]
    fn refused(text: &str, expect: &str) {
        let error = NodeConfig::parse(text, Path::new("/etc/ponte")).unwrap_err();
        assert_eq!(error.to_string(), expect);
    }

    #[test]
    fn the_sample_is_read_and_its_paths_are_taken_from_its_directory() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/node.toml");
        let config = NodeConfig::load(&path).unwrap();
        assert_eq!(config.municipality.as_str(), "037032");
        assert_eq!(config.identity.as_str(), "E289");
        let base = path.parent().unwrap();
        assert_eq!(config.data_directory, base.join("data/node-imola"));
        assert_eq!(config.index.identity.key, base.join("pki/node-imola.key"));
        assert_eq!(config.index.trust_domain.as_str(), "ponte.example");
        assert_eq!(
            config.batches,
            BatchLimits {
                max_changes: 1000,
                max_bytes: 900_000
            }
        );
        assert_eq!(config.removals, RemovalLimit::Percent(10));
        assert_eq!((config.export_kind, config.mapping), (ExportKind::Total, None));
    }

    #[test]
    fn a_value_that_breaks_a_rule_is_named() {
        let with = |from: &str, to: &str| {
            assert!(SAMPLE.contains(from), "the sample no longer holds {from:?}");
            SAMPLE.replace(from, to)
        };
        refused(
            &with("\"037032\"", "\"999999\""),
            "municipality: must be the ISTAT code of a municipality of today, six digits",
        );
        refused(
            &with("max_changes = 1000", "max_changes = 2001"),
            "publication.max_changes: must lie between 1 and 2000",
        );
        refused(
            &with("spiffe://ponte.example/index", "spiffe://other.example/index"),
            "index.id: must belong to the trust domain",
        );
        refused(
            &with("largest_removal_percent = 10", "largest_removal_percent = 101"),
            "import.largest_removal_percent: must lie between 0 and 100",
        );
    }

    #[test]
    fn how_exports_are_read_is_taken_from_the_file() {
        let text = SAMPLE.replace(
            "kind = \"total\"",
            "kind = \"incremental\"\nmapping = \"mappings/alfa.toml\"",
        );
        let config = NodeConfig::parse(&text, Path::new("/etc/ponte")).unwrap();
        assert_eq!(config.export_kind, ExportKind::Incremental);
        assert_eq!(
            config.mapping,
            Some(PathBuf::from("/etc/ponte/mappings/alfa.toml"))
        );
        refused(
            &SAMPLE.replace("kind = \"total\"", "kind = \"partial\""),
            "import.kind: must be total or incremental",
        );
    }

    #[test]
    fn an_unknown_key_is_refused() {
        refused(
            &format!("colour = 1\n{SAMPLE}"),
            "the configuration file is not valid",
        );
    }
}
