//! Whether the caller of an open stream may still be there.

use std::fmt;
use std::sync::Arc;

use agreement::reason::Reason;

use super::{Connection, Gate};

/// The certificate behind a call, to be asked about again while a stream stays open. In the extensions of each
/// request.
#[derive(Clone)]
pub struct Standing {
    gate: Arc<Gate>,
    connection: Arc<Connection>,
}

impl Standing {
    pub(super) fn new(gate: Arc<Gate>, connection: Arc<Connection>) -> Self {
        Self { gate, connection }
    }

    /// The standing of a call, from the extensions of its request; `None` where it came by another way than the gate.
    pub fn of(extensions: &http::Extensions) -> Option<Self> {
        extensions.get::<Self>().cloned()
    }

    /// Asks again.
    ///
    /// # Errors
    /// `PEER_REVOKED` once the certificate has expired or was revoked.
    pub fn still_good(&self) -> Result<(), Reason> {
        self.gate.still_good(&self.connection)
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Standing({})", self.connection.admitted.peer.id)
    }
}
