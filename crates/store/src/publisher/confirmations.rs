//! When what answers show of a municipality was last confirmed, and a way to wait for it.

use std::sync::{Arc, PoisonError};

use registry::municipality::MunicipalityId;
use tokio::sync::watch;

use crate::publisher::States;

/// Tells whoever waits that something was confirmed. Clones tell the same.
#[derive(Clone, Debug)]
pub(crate) struct Confirmations(Arc<watch::Sender<u64>>);

impl Confirmations {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    /// Notes that what answers now show of a municipality holds at `now_ms`. It does not go back.
    pub(crate) fn note(&self, states: &States, municipality: MunicipalityId, now_ms: u64) {
        {
            let mut states = states.write().unwrap_or_else(PoisonError::into_inner);
            let Some(state) = states.get_mut(&municipality) else {
                return;
            };
            if state.withdrawn.is_some() {
                return;
            }
            state.confirmed_ms = state.confirmed_ms.max(Some(now_ms));
        }
        self.stir();
    }

    /// Something else has changed that whoever waits must look at.
    pub(crate) fn stir(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Changes with each confirmation.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}
