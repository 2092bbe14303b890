use std::path::{Path, PathBuf};
use std::time::Duration;

use ledger::checkpoint::CosignatureVerifier;
use ledger::policy::PolicyWitness;
use serde::Deserialize;
use store::cosignatures::MOST_WITNESSES;
use transport::fetch::check_url;

use super::{ConfigError, value_error};

/// Who cosigns the access log, and what happens without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessing {
    /// The witnesses; without any, nothing is witnessed and nothing is stopped.
    pub witnesses: Vec<PolicyWitness>,
    /// How many of them make a checkpoint a witnessed one.
    pub quorum: usize,
    /// Those of them that are asked, by C2SP tlog-witness; the others come by themselves.
    pub asked: Vec<AskedWitness>,
    /// Authorities from which the certificates of those that are asked must come, PEM.
    pub authorities: Option<PathBuf>,
    /// How long an entry may wait for a witnessed checkpoint before agencies are not answered any more.
    pub stop_after: Duration,
}

/// A witness that waits to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedWitness {
    /// Its key.
    pub key: CosignatureVerifier,
    /// Its submission prefix, `https://host[:port][/path]`.
    pub url: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWitness {
    key: String,
    url: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWitnessing {
    quorum: Option<usize>,
    stop_after_hours: Option<u32>,
    authorities: Option<PathBuf>,
}

impl Default for Witnessing {
    fn default() -> Self {
        Self {
            witnesses: Vec::new(),
            asked: Vec::new(),
            authorities: None,
            quorum: 1,
            stop_after: Duration::from_hours(4),
        }
    }
}

impl Witnessing {
    /// Relative paths are taken from `base`.
    pub(super) fn check(
        base: &Path,
        witness: Vec<RawWitness>,
        settings: RawWitnessing,
    ) -> Result<Self, ConfigError> {
        const LONGEST: u32 = 24 * 31;
        let RawWitnessing {
            quorum,
            stop_after_hours,
            authorities,
        } = settings;
        let usual = Self::default();
        let mut witnesses: Vec<PolicyWitness> = Vec::with_capacity(witness.len());
        let mut asked = Vec::new();
        for (position, RawWitness { key: text, url }) in witness.into_iter().enumerate() {
            let place = format!("witness[{position}].key");
            let key = CosignatureVerifier::parse(&text)
                .map_err(|_| value_error(&place, "must be a witness's verifier key, <name>+<id>+<base64>"))?;
            let name = key.name().as_str().to_owned();
            let repeated =
                |other: &PolicyWitness| other.name == name || other.key.public_key() == key.public_key();
            if witnesses.iter().any(repeated) {
                return Err(value_error(&place, "must differ in name and key from all others"));
            }
            if let Some(url) = url {
                let place = format!("witness[{position}].url");
                check_url(&url).map_err(|_| value_error(&place, "must be https://host[:port][/path]"))?;
                if authorities.is_none() {
                    let rule =
                        "must be set where a witness has a url: its certificate must come from somebody";
                    return Err(value_error("witnessing.authorities", rule));
                }
                asked.push(AskedWitness {
                    key: key.clone(),
                    url,
                });
            }
            witnesses.push(PolicyWitness { name, key });
        }
        if MOST_WITNESSES < witnesses.len() {
            return Err(value_error("witness", "must be at most 63"));
        }
        let quorum = quorum.unwrap_or(usual.quorum);
        if !(1..=witnesses.len().max(1)).contains(&quorum) {
            return Err(value_error(
                "witnessing.quorum",
                "must lie between 1 and the number of witnesses",
            ));
        }
        let stop_after = match stop_after_hours {
            None => usual.stop_after,
            Some(hours) if (1..=LONGEST).contains(&hours) => Duration::from_hours(hours.into()),
            Some(_) => {
                return Err(value_error(
                    "witnessing.stop_after_hours",
                    "must be 1 to 744 hours",
                ));
            }
        };
        Ok(Self {
            witnesses,
            asked,
            authorities: authorities.map(|path| base.join(path)),
            quorum,
            stop_after,
        })
    }
}
