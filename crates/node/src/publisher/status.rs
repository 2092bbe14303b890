//! How publishing stands, for people and for commands.

use serde::Serialize;

/// How publishing stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PublisherStatus {
    /// The link to the index.
    pub link: LinkStatus,
    /// Highest change that the index is known to hold durably.
    pub acknowledged: u64,
    /// Highest change that consultations are known to see.
    pub visible: u64,
    /// Changes that the index kept aside since the daemon started.
    pub rejected: u64,
    /// Highest change that a backup of the index is known to hold: the journal is kept at least from the next on.
    pub backed_up: u64,
    /// The last comparison of digests.
    pub digest: DigestStatus,
    /// Streams opened since the daemon started.
    pub sessions: u64,
}

/// The link to the index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum LinkStatus {
    /// The first attempt is under way.
    #[default]
    Starting,
    /// The stream is open and changes are under way.
    Publishing,
    /// The stream is open and everything is acknowledged.
    Idle,
    /// The stream broke; the next attempt comes by itself.
    Waiting {
        /// What broke it.
        error: String,
    },
    /// A person must look; `publish-now` goes on.
    Stopped {
        /// Why.
        error: String,
    },
    /// The daemon is stopping.
    Ended,
}

/// The last comparison of digests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "comparison", rename_all = "kebab-case")]
pub enum DigestStatus {
    /// None yet.
    #[default]
    Unknown,
    /// Node and index held the same cards.
    Equal {
        /// At this change.
        sequence: u64,
    },
    /// They did not, with what the index keeps aside taken into account.
    Different {
        /// At this change.
        sequence: u64,
        /// In so many of 1,024 buckets.
        buckets: usize,
    },
}
