//! The server configuration in force, replaced while connections are open.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::tls::server::ServerTls;

/// The configuration that new handshakes use, and whose revocation lists every call is checked against.
/// Clones share it.
#[derive(Debug, Clone)]
pub struct LiveTls {
    current: Arc<ArcSwap<ServerTls>>,
}

impl LiveTls {
    /// Starts with `tls`.
    pub fn new(tls: ServerTls) -> Self {
        Self {
            current: Arc::new(ArcSwap::from_pointee(tls)),
        }
    }

    /// Puts `tls` in force: the next handshake uses it, and the next call on any open connection is checked
    /// against its revocation lists.
    pub fn replace(&self, tls: ServerTls) {
        self.current.store(Arc::new(tls));
    }

    pub(crate) fn load(&self) -> arc_swap::Guard<Arc<ServerTls>> {
        self.current.load()
    }

    pub(crate) fn load_full(&self) -> Arc<ServerTls> {
        self.current.load_full()
    }
}
