//! `ponte index publication-keys`: with which keys the nodes may sign, and the numbers by which both sides compare them.

use std::path::PathBuf;

use agreement::reason::ExitCode;
use chrono::{DateTime, SecondsFormat};
use clap::Args;
use index::config::IndexConfig;
use registry::publication::{EnrolledKey, KeyStanding};

use crate::command::node::publication_key::number_of;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::session::Session;

/// Arguments of `ponte index publication-keys`.
#[derive(Args, Debug)]
pub struct PublicationKeysArguments {
    /// Configuration file of the index
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Exit 1 when a node has no key whose time it is.
pub(super) fn run(
    arguments: &PublicationKeysArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let PublicationKeysArguments { config: path } = arguments;
    let config = IndexConfig::load(path).map_err(|error| Failure::file(path, &error))?;
    let now_ms = session.surroundings.clock.now_ms();
    let mut rows = Vec::new();
    let mut all_can_publish = true;
    for (node, grant) in &config.nodes {
        let mut keys = grant.publication_keys.iter();
        all_can_publish &= keys.any(|key| key.standing(now_ms) == KeyStanding::Good);
        for enrolled in grant.publication_keys.iter() {
            let EnrolledKey {
                key,
                from_ms,
                until_ms,
            } = enrolled;
            let standing = match enrolled.standing(now_ms) {
                KeyStanding::Awaited => "awaited",
                KeyStanding::Good => "good",
                KeyStanding::Over => "over",
            };
            rows.push(
                RecordBuilder::new()
                    .with("node", node.to_string())
                    .with("number", number_of(key).to_string())
                    .with("standing", standing)
                    .with("from", Datum::of(from_ms.and_then(instant)))
                    .with("until", Datum::of(until_ms.and_then(instant)))
                    .with("public_key", key.to_string())
                    .build(),
            );
        }
    }
    session.data(&rows)?;
    Ok(if all_can_publish {
        ExitCode::Ok
    } else {
        ExitCode::NegativeAnswer
    })
}

fn instant(unix_ms: u64) -> Option<String> {
    let instant = DateTime::from_timestamp_millis(i64::try_from(unix_ms).ok()?)?;
    Some(instant.to_rfc3339_opts(SecondsFormat::Secs, true))
}
