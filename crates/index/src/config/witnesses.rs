use std::time::Duration;

use ledger::checkpoint::CosignatureVerifier;
use ledger::policy::PolicyWitness;
use serde::Deserialize;
use store::cosignatures::MOST_WITNESSES;

use super::{ConfigError, value_error};

/// Who cosigns the access log, and what happens without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnessing {
    /// The witnesses; without any, nothing is witnessed and nothing is stopped.
    pub witnesses: Vec<PolicyWitness>,
    /// How many of them make a checkpoint a witnessed one.
    pub quorum: usize,
    /// How long an entry may wait for a witnessed checkpoint before agencies are not answered any more.
    pub stop_after: Duration,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWitness {
    key: String,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWitnessing {
    quorum: Option<usize>,
    stop_after_hours: Option<u32>,
}

impl Default for Witnessing {
    fn default() -> Self {
        Self {
            witnesses: Vec::new(),
            quorum: 1,
            stop_after: Duration::from_hours(4),
        }
    }
}

impl Witnessing {
    pub(super) fn check(witness: &[RawWitness], settings: RawWitnessing) -> Result<Self, ConfigError> {
        const LONGEST: u32 = 24 * 31;
        let RawWitnessing {
            quorum,
            stop_after_hours,
        } = settings;
        let usual = Self::default();
        let mut witnesses: Vec<PolicyWitness> = Vec::with_capacity(witness.len());
        for (position, RawWitness { key: text }) in witness.iter().enumerate() {
            let place = format!("witness[{position}].key");
            let key = CosignatureVerifier::parse(text)
                .map_err(|_| value_error(&place, "must be a witness's verifier key, <name>+<id>+<base64>"))?;
            let name = key.name().as_str().to_owned();
            let repeated =
                |other: &PolicyWitness| other.name == name || other.key.public_key() == key.public_key();
            if witnesses.iter().any(repeated) {
                return Err(value_error(&place, "must differ in name and key from all others"));
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
            quorum,
            stop_after,
        })
    }
}
