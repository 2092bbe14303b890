//! What monitors get: the head of the access log and the hashes of its tree, in the layout of C2SP tlog-tiles.
//!
//! | Path | Content |
//! |---|---|
//! | `/checkpoint` | the signed head, renewed at most once in the configured time |
//! | `/tile/<L>/<N>` | the 256 hashes of a full tile |
//! | `/tile/<L>/<N>.p/<W>` | its first W hashes |
//!
//! There are no entry bundles (`/tile/entries/`): entries are not public, and a monitor needs none of them.
//!
//! What anybody learns here: the name and key of the log, how many entries it has, how many came between two heads,
//! and hashes. A leaf is the hash of a header that holds 32 bytes nobody can guess (the parts root, over salted
//! commitments), so no entry can be found by trying. That a head is renewed only once in a while, and tiles are
//! served only as far as the head that was shown, keeps the moments of single accesses from whoever polls.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ledger::tile::{TILE_WIDTH, Tile};
use store::access_log::AccessLog;
use store::access_log::committed::Head;
use transport::listener::{Listener, ListenerLimits};
use transport::public::{Found, Keep, Page, Pages, PublicLimits, serve_pages};
use transport::shutdown::Shutdown;
use transport::tls::live::LiveTls;

use crate::config::MonitorSettings;

/// The head and the hashes of a log.
#[derive(Debug)]
pub struct LogPages {
    log: AccessLog,
    renew: Duration,
    shown: Mutex<Shown>,
}

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Checkpoint,
    Tile(Tile),
}

#[derive(Debug)]
struct Shown {
    head: Arc<Head>,
    since: Instant,
}

impl LogPages {
    /// Pages of `log`, whose head is renewed at most once in `renew`.
    pub fn new(log: AccessLog, renew: Duration) -> Self {
        let shown = Mutex::new(Shown {
            head: log.checkpoint(),
            since: Instant::now(),
        });
        Self { log, renew, shown }
    }

    /// The head as it is shown at `now`.
    fn renewed(&self, now: Instant) -> Arc<Head> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if self.renew <= now.saturating_duration_since(shown.since) {
            *shown = Shown {
                head: self.log.checkpoint(),
                since: now,
            };
        }
        Arc::clone(&shown.head)
    }

    fn shown_size(&self) -> u64 {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.head.checkpoint.size
    }

    fn tile(&self, tile: Tile) -> Found {
        match self.log.tile(tile, self.shown_size()) {
            Ok(Some(content)) => Found::Page(Page {
                content,
                media_type: "application/octet-stream",
                keep: if tile.width() == TILE_WIDTH {
                    Keep::Forever
                } else {
                    Keep::Hour
                },
            }),
            Ok(None) => Found::Nothing,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a tile of the access log cannot be read"
                );
                Found::Unreadable
            }
        }
    }
}

impl Pages for LogPages {
    fn page(&self, path: &str) -> Found {
        match Asked::parse(path) {
            Some(Asked::Checkpoint) => Found::Page(Page {
                content: self.renewed(Instant::now()).text.clone().into_bytes(),
                media_type: "text/plain; charset=utf-8",
                keep: Keep::Never,
            }),
            Some(Asked::Tile(tile)) => self.tile(tile),
            None => Found::Nothing,
        }
    }
}

impl Asked {
    /// Each page has one path, written in one way.
    fn parse(path: &str) -> Option<Self> {
        match path.strip_prefix('/')? {
            "checkpoint" => Some(Self::Checkpoint),
            tile => tile.parse().ok().map(Self::Tile),
        }
    }
}

/// Serves a log to monitors until `shutdown` is triggered.
pub async fn serve(
    listener: Listener,
    settings: MonitorSettings,
    log: AccessLog,
    tls: LiveTls,
    shutdown: Shutdown,
) {
    let limits = PublicLimits {
        requests: settings.requests,
        requests_per_address: settings.requests_per_address,
        ..PublicLimits::default()
    };
    let pages = Arc::new(LogPages::new(log, settings.renew));
    serve_pages(listener, limits, tls, pages, shutdown).await;
}

/// How many monitors there may be at once.
pub fn listener_limits(settings: &MonitorSettings) -> ListenerLimits {
    ListenerLimits {
        connections: settings.connections,
        connections_per_address: settings.connections_per_address,
        ..ListenerLimits::default()
    }
}

#[cfg(test)]
mod tests;
