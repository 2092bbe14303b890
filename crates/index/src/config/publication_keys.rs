//! The publication keys of a node: one for good, or several each for its time.

use chrono::DateTime;
use registry::publication::{EnrolledKey, EnrolledKeys};
use serde::Deserialize;

use super::{ConfigError, value_error, verifying_key};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPublicationKey {
    key: String,
    from: Option<String>,
    until: Option<String>,
}

impl RawPublicationKey {
    fn check(self, place: &str) -> Result<EnrolledKey, ConfigError> {
        let Self { key, from, until } = self;
        let instant = |name: &str, text: Option<String>| {
            let read = |text: String| {
                let read = DateTime::parse_from_rfc3339(&text).ok();
                read.and_then(|at| u64::try_from(at.timestamp_millis()).ok())
                    .ok_or_else(|| value_error(&format!("{place}.{name}"), "must be an instant, RFC 3339"))
            };
            text.map(read).transpose()
        };
        Ok(EnrolledKey {
            key: verifying_key(&format!("{place}.key"), &key)?,
            from_ms: instant("from", from)?,
            until_ms: instant("until", until)?,
        })
    }
}

/// One key for good, or several each for its time.
pub(super) fn enrolled_keys(
    place: &str,
    one: Option<String>,
    several: Option<Vec<RawPublicationKey>>,
) -> Result<EnrolledKeys, ConfigError> {
    match (one, several) {
        (Some(key), None) => verifying_key(&format!("{place}.publication_key"), &key).map(EnrolledKeys::of),
        (None, Some(keys)) => {
            let place = format!("{place}.publication_keys");
            let keys = keys.into_iter().enumerate();
            let keys = keys.map(|(at, key)| key.check(&format!("{place}[{at}]")));
            EnrolledKeys::new(keys.collect::<Result<_, _>>()?)
                .map_err(|error| value_error(&place, error.rule()))
        }
        (Some(_), Some(_)) | (None, None) => Err(value_error(
            place,
            "must have either publication_key or publication_keys",
        )),
    }
}
