//! The section `[monitor]`: the endpoint from which anybody follows the access log.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

use super::{ConfigError, value_error};

/// Where and how the heads and hashes of the access log are served to anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MonitorSettings {
    /// Address on which the endpoint listens.
    pub listen: SocketAddr,
    /// A new head is shown at most once in this time, so that the moments of single accesses are not.
    pub renew: Duration,
    /// Largest number of connections.
    pub connections: usize,
    /// Largest number of connections from one address.
    pub connections_per_address: usize,
    /// Requests a minute.
    pub requests: u32,
    /// Requests a minute from one address.
    pub requests_per_address: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMonitor {
    listen: SocketAddr,
    renew_seconds: Option<u64>,
    connections: Option<usize>,
    connections_per_address: Option<usize>,
    requests_per_minute: Option<u32>,
    requests_per_minute_per_address: Option<u32>,
}

impl RawMonitor {
    /// Checks the section; the endpoint cannot share the address of the services.
    pub(super) fn check(self, services: SocketAddr) -> Result<MonitorSettings, ConfigError> {
        const LONGEST: u64 = 3_600;
        let Self {
            listen,
            renew_seconds,
            connections,
            connections_per_address,
            requests_per_minute,
            requests_per_minute_per_address,
        } = self;
        if listen == services && listen.port() != 0 {
            let rule = "must be another address than that of the services";
            return Err(value_error("monitor.listen", rule));
        }
        let renew_seconds = renew_seconds.unwrap_or(10);
        if !(1..=LONGEST).contains(&renew_seconds) {
            return Err(value_error("monitor.renew_seconds", "must be 1 to 3600 seconds"));
        }
        Ok(MonitorSettings {
            listen,
            renew: Duration::from_secs(renew_seconds),
            connections: some("monitor.connections", connections, 128)?,
            connections_per_address: some("monitor.connections_per_address", connections_per_address, 8)?,
            requests: some("monitor.requests_per_minute", requests_per_minute, 6_000)?,
            requests_per_address: some(
                "monitor.requests_per_minute_per_address",
                requests_per_minute_per_address,
                600,
            )?,
        })
    }
}

/// At least one: an endpoint that admits nobody is left out of the configuration.
fn some<N: Default + PartialEq>(key: &str, given: Option<N>, usual: N) -> Result<N, ConfigError> {
    match given {
        Some(number) if number == N::default() => Err(value_error(key, "must be at least 1")),
        Some(number) => Ok(number),
        None => Ok(usual),
    }
}
