//! The configuration in force, line by line, as the access log states it: what every setting is once defaults are filled
//! in, and what the files hold that decide who is let in.
//!
//! Secrets are named by their paths alone.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::io;
use std::path::Path;

use ledger::hash::{Hash, sha256};
use ledger::policy::PolicyWitness;
use registry::municipality::MunicipalityId;
use registry::publication::{Allowance, DailyLimits, EnrolledKey};

use super::{
    AskedWitness, IndexConfig, Limits, MonitorSettings, NodeGrant, ReaderGrant, RegistrarGrant, TlsFiles,
    Witnessing,
};
use crate::freshness::StaleAfter;

/// A configuration as lines of a key and a value, each key once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatedConfiguration(BTreeMap<String, String>);

impl StatedConfiguration {
    /// States a configuration, with the SHA-256 of the certificates and revocation lists that it names.
    ///
    /// # Errors
    /// One of these files cannot be read.
    pub fn of(config: &IndexConfig) -> io::Result<Self> {
        let IndexConfig {
            listen,
            data_directory,
            trust_domain,
            origin,
            checkpoint_copy,
            tls,
            key_encryption_key,
            log_key,
            nodes,
            registrars,
            stale_after,
            contacts,
            readers,
            monitor,
            limits,
            daily_limits,
            witnessing,
            alerts,
        } = config;
        let mut stated = Self::default();
        stated.put("listen", listen);
        stated.put("data_directory", data_directory.display());
        stated.put("trust_domain", trust_domain);
        stated.put("origin", origin);
        stated.put_path("checkpoint_copy", checkpoint_copy.as_deref());
        stated.put_tls(tls)?;
        stated.put("key_encryption_key", key_encryption_key.display());
        stated.put("log_key", log_key.display());
        for (id, grant) in nodes {
            stated.put_node(&id.to_string(), grant);
        }
        for (id, RegistrarGrant { municipalities, key }) in registrars {
            stated.put(format!("registrar {id} municipalities"), codes(municipalities));
            stated.put(format!("registrar {id} key"), key);
        }
        let StaleAfter {
            usual,
            nodes: ages_of_nodes,
        } = stale_after;
        stated.put("freshness alarm_after_seconds", usual.as_secs());
        for (id, age) in ages_of_nodes {
            stated.put(format!("node {id} alarm_after_seconds"), age.as_secs());
        }
        stated.put("contacts", codes(contacts));
        for (id, grant) in readers {
            stated.put(format!("reader {id}"), scope(grant));
        }
        if let Some(monitor) = monitor {
            stated.put_monitor(monitor);
        }
        stated.put_limits(limits);
        stated.put_daily_limits(daily_limits);
        stated.put_witnessing(witnessing)?;
        for (position, alert) in alerts.iter().enumerate() {
            stated.put(format!("alert {position}"), alert.text());
        }
        Ok(stated)
    }

    /// Key and value of each line, by key.
    pub fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Sets a line, or takes one out.
    pub fn set(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.0.insert(key.to_owned(), value.to_owned()),
            None => self.0.remove(key),
        };
    }

    /// SHA-256 of all lines: each key and each value with its length in bytes before it, 8 bytes big endian.
    pub fn hash(&self) -> Hash {
        let mut bytes = Vec::new();
        for text in self.0.iter().flat_map(|(key, value)| [key, value]) {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        sha256(&bytes)
    }

    fn put(&mut self, key: impl Into<String>, value: impl Display) {
        self.0.insert(key.into(), value.to_string());
    }

    fn put_path(&mut self, key: &str, path: Option<&Path>) {
        if let Some(path) = path {
            self.put(key, path.display());
        }
    }

    fn put_file(&mut self, key: &str, path: &Path) -> io::Result<()> {
        self.put(key, path.display());
        self.put(format!("{key} sha256"), sha256(&fs::read(path)?));
        Ok(())
    }

    fn put_tls(&mut self, tls: &TlsFiles) -> io::Result<()> {
        let TlsFiles {
            certificate,
            key,
            authorities,
            revocation_lists,
        } = tls;
        self.put_file("tls certificate", certificate)?;
        self.put("tls key", key.display());
        self.put_file("tls authorities", authorities)?;
        for (position, list) in revocation_lists.iter().enumerate() {
            self.put_file(&format!("tls revocation_lists {position}"), list)?;
        }
        Ok(())
    }

    fn put_node(&mut self, id: &str, grant: &NodeGrant) {
        let NodeGrant {
            municipalities,
            publication_keys,
        } = grant;
        self.put(format!("node {id} municipalities"), codes(municipalities));
        for (
            position,
            EnrolledKey {
                key,
                from_ms,
                until_ms,
            },
        ) in publication_keys.iter().enumerate()
        {
            let bound = |at: &Option<u64>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
            let value = format!("{key} from_ms {} until_ms {}", bound(from_ms), bound(until_ms));
            self.put(format!("node {id} publication_key {position}"), value);
        }
    }

    fn put_monitor(&mut self, monitor: &MonitorSettings) {
        let MonitorSettings {
            listen,
            renew,
            connections,
            connections_per_address,
            requests,
            requests_per_address,
        } = monitor;
        self.put("monitor listen", listen);
        self.put("monitor renew_seconds", renew.as_secs());
        self.put("monitor connections", connections);
        self.put("monitor connections_per_address", connections_per_address);
        self.put("monitor requests_per_minute", requests);
        self.put("monitor requests_per_minute_per_address", requests_per_address);
    }

    fn put_limits(&mut self, limits: &Limits) {
        let Limits {
            cache_bytes,
            log_queue,
            deadline,
            sync_interval,
            connections,
            connections_per_address,
            segment_bytes,
        } = limits;
        self.put("limits cache_bytes", cache_bytes);
        self.put("limits log_queue", log_queue);
        self.put("limits deadline_seconds", deadline.as_secs());
        self.put("limits sync_interval_seconds", sync_interval.as_secs());
        self.put("limits connections", connections);
        self.put("limits connections_per_address", connections_per_address);
        self.put("limits segment_bytes", segment_bytes);
    }

    fn put_daily_limits(&mut self, limits: &DailyLimits) {
        let DailyLimits {
            departures,
            identifiers,
            arrivals,
        } = limits;
        let kinds = [
            ("departures", departures),
            ("identifiers", identifiers),
            ("arrivals", arrivals),
        ];
        for (kind, Allowance { at_least, per_mille }) in kinds {
            let value = format!("at_least {at_least} per_mille {per_mille}");
            self.put(format!("daily_limits {kind}"), value);
        }
    }

    fn put_witnessing(&mut self, witnessing: &Witnessing) -> io::Result<()> {
        let Witnessing {
            witnesses,
            asked,
            authorities,
            quorum,
            stop_after,
        } = witnessing;
        for PolicyWitness { name, key } in witnesses {
            self.put(format!("witness {name}"), key);
        }
        for AskedWitness { key, url } in asked {
            self.put(format!("witness {} url", key.name()), url);
        }
        if let Some(authorities) = authorities {
            self.put_file("witnessing authorities", authorities)?;
        }
        self.put("witnessing quorum", quorum);
        self.put("witnessing stop_after_seconds", stop_after.as_secs());
        Ok(())
    }
}

fn scope(grant: &ReaderGrant) -> String {
    match grant {
        ReaderGrant::Region => "region".to_owned(),
        ReaderGrant::Municipality(municipality) => format!("municipality {}", municipality.as_str()),
        ReaderGrant::Agency(agency) => format!("agency {agency}"),
    }
}

fn codes<'a>(municipalities: impl IntoIterator<Item = &'a MunicipalityId>) -> String {
    let codes: Vec<&str> = municipalities.into_iter().map(MunicipalityId::as_str).collect();
    codes.join(" ")
}

#[cfg(test)]
mod tests;
