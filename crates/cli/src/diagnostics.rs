//! Diagnostics of daemons on standard error: lines for machines, without personal data by the rule of every crate.

use tracing_subscriber::EnvFilter;

/// Installs the subscriber; the level is taken from `RUST_LOG`, else it is `info`. A second installation does nothing.
pub(crate) fn install() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .json()
        .finish();
    // Only one subscriber can be there, and whoever was first has what it wanted.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
