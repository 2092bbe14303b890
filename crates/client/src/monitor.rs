//! A monitor (*osservatore*) of an access log: from one signed head to the next, by hash tiles alone.
//!
//! It needs the log's verifier key and nothing else: no certificate, no entry, no trust in who serves the tiles.
//! What it saw last it keeps ([`state`]); every newer head must continue it. Two heads of which neither continues the
//! other, both signed by the log, prove to anybody that the log was changed.

pub mod state;

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use ledger::checkpoint::{CHECKPOINT_MAX_LEN, Checkpoint, CheckpointError, LogVerifier, SignedCheckpoint};
use ledger::tile::TileReader;
use ledger::tile::fetched::{NotFetched, TileLength, TileSet, tiles_of_consistency, tiles_of_root};
use ledger::tree::{Frontier, ProofError, TreeError, VerifyError, consistency_proof, verify_consistency};
use transport::fetch::{FetchError, Fetcher};

use self::state::MonitorState;

/// Where a log's head and tiles come from.
pub trait TileSource {
    /// The page at a path of the tlog-tiles layout, of at most `most` bytes; `None` when there is none.
    fn get(
        &self,
        path: &str,
        most: usize,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, FetchError>> + Send;
}

/// Follows one log.
#[derive(Debug)]
pub struct Monitor<S> {
    source: S,
    verifier: LogVerifier,
    stale_after: Duration,
}

/// What a check found.
#[derive(Debug)]
pub enum Found {
    /// The log is what it was, or continues it: what to remember from now on.
    Good(MonitorState),
    /// Nothing could be checked, for less time than is a reason for an alarm.
    Unreached(FetchError),
    /// Something is wrong with the log.
    Alarm(Box<Raised>),
}

/// An alarm with what proves it.
#[derive(Debug)]
pub struct Raised {
    /// What is wrong.
    pub alarm: Alarm,
    /// The head that was got, as it came; nothing when none was.
    pub head: Option<String>,
}

/// What can be wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum Alarm {
    /// What stands in the place of the head is not signed by the log.
    #[error("the head is not signed by the log")]
    Signature(#[source] CheckpointError),
    /// The head is that of another log.
    #[error("the head is that of another log")]
    Origin,
    /// The log is smaller than it was: entries are missing at its end.
    #[error("the log is smaller than it was: {new} entries, and there were {old}")]
    Smaller {
        /// Entries that were there.
        old: u64,
        /// Entries that are there.
        new: u64,
    },
    /// Two heads of one size differ: there are two logs of one name.
    #[error("two heads of {size} entries differ")]
    Forked {
        /// Entries of both.
        size: u64,
    },
    /// The log does not begin with what it was.
    #[error("the log of {new} entries does not continue the one of {old}")]
    Inconsistent {
        /// Entries of the head that is known.
        old: u64,
        /// Entries of the new head.
        new: u64,
    },
    /// The tiles are not those of the head that was signed.
    #[error("the tiles do not lead to the root that was signed")]
    Tiles(#[source] TileFault),
    /// The log has not grown for too long, or could not be reached.
    #[error("the log has not grown for {} hours, or is kept from being seen", .age.as_secs() / 3600)]
    Stale {
        /// Since it was last seen to grow.
        age: Duration,
        /// Why it could not be reached, when it could not.
        #[source]
        unreached: Option<FetchError>,
    },
}

/// What is wrong with tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileFault {
    /// The log signed a head and does not serve its hashes.
    #[error("a tile of the signed head is not served")]
    Missing,
    /// A tile has another length.
    #[error(transparent)]
    Length(#[from] TileLength),
    /// The hashes give another root.
    #[error("they give another root")]
    Root,
}

/// Which alarm, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmKind {
    /// `signature`
    Signature,
    /// `origin`
    Origin,
    /// `smaller`
    Smaller,
    /// `forked`
    Forked,
    /// `inconsistent`
    Inconsistent,
    /// `tiles`
    Tiles,
    /// `stale`
    Stale,
}

/// Why a check ends before its end.
enum Stop {
    Unreached(FetchError),
    Alarm(Alarm),
}

impl TileSource for Fetcher {
    async fn get(&self, path: &str, most: usize) -> Result<Option<Vec<u8>>, FetchError> {
        Self::get(self, path, most).await
    }
}

impl<S: TileSource + Sync> Monitor<S> {
    /// A monitor of the log of `verifier`, which is expected to grow at least once in `stale_after`.
    pub fn new(source: S, verifier: LogVerifier, stale_after: Duration) -> Self {
        Self {
            source,
            verifier,
            stale_after,
        }
    }

    /// The key of the log.
    pub fn verifier(&self) -> &LogVerifier {
        &self.verifier
    }

    /// Gets the newest head and proves that it continues `last`, and every head of `known`. Without any of them the
    /// head itself is proved by its tiles, and taken as it is. `now_ms` is Unix time in milliseconds.
    pub async fn check(&self, last: Option<&MonitorState>, known: &[Checkpoint], now_ms: u64) -> Found {
        let mut head = None;
        let stopped = match self.follow(last, known, &mut head).await {
            Ok(signed) => match last.filter(|last| last.checkpoint().size == signed.checkpoint().size) {
                None => return Found::Good(MonitorState::new(signed, now_ms)),
                Some(same) => match self.staleness(same, now_ms) {
                    None => return Found::Good(same.clone()),
                    Some(age) => Alarm::Stale { age, unreached: None },
                },
            },
            Err(Stop::Alarm(alarm)) => alarm,
            Err(Stop::Unreached(error)) => match last.and_then(|last| self.staleness(last, now_ms)) {
                None => return Found::Unreached(error),
                Some(age) => Alarm::Stale {
                    age,
                    unreached: Some(error),
                },
            },
        };
        Found::Alarm(Box::new(Raised { alarm: stopped, head }))
    }

    /// How long the log has not grown, when that is too long.
    fn staleness(&self, last: &MonitorState, now_ms: u64) -> Option<Duration> {
        let age = Duration::from_millis(now_ms.saturating_sub(last.grown_ms()));
        (self.stale_after < age).then_some(age)
    }

    async fn follow(
        &self,
        last: Option<&MonitorState>,
        known: &[Checkpoint],
        head: &mut Option<String>,
    ) -> Result<SignedCheckpoint, Stop> {
        let bytes = self.source.get("checkpoint", CHECKPOINT_MAX_LEN).await?;
        let bytes = bytes.ok_or(FetchError::Status(404))?;
        let text = head.insert(String::from_utf8_lossy(&bytes).into_owned());
        let signed = SignedCheckpoint::parse(text).map_err(Alarm::Signature)?;
        let new = match self.verifier.verify(&signed) {
            Ok(verified) => verified.into_checkpoint(),
            Err(CheckpointError::OtherLog) => return Err(Alarm::Origin.into()),
            Err(error) => return Err(Alarm::Signature(error).into()),
        };
        let earlier: Vec<&Checkpoint> = last
            .map(MonitorState::checkpoint)
            .into_iter()
            .chain(known)
            .collect();
        for old in &earlier {
            check_size(old, &new)?;
        }
        // A head that was proved before needs no proof again.
        if last.is_some_and(|last| *last.checkpoint() == new) && known.is_empty() {
            return Ok(signed);
        }
        let tiles = self.tiles(&earlier, &new).await?;
        check_root(&new, &tiles)?;
        for old in earlier {
            check_continuation(old, &new, &tiles)?;
        }
        Ok(signed)
    }

    /// The tiles for the root of `new` and for its consistency with every earlier head.
    async fn tiles(&self, earlier: &[&Checkpoint], new: &Checkpoint) -> Result<TileSet, Stop> {
        let mut wanted = tiles_of_root(new.size).map_err(unanswerable)?;
        for old in earlier {
            wanted.extend(tiles_of_consistency(old.size, new.size).map_err(unanswerable)?);
        }
        let mut tiles = TileSet::new(new.size);
        for tile in wanted {
            let bytes = self.source.get(&tile.path(), tile.bytes()).await?;
            let bytes = bytes.ok_or(Alarm::Tiles(TileFault::Missing))?;
            tiles
                .insert(tile, &bytes)
                .map_err(|error| Alarm::Tiles(error.into()))?;
        }
        Ok(tiles)
    }
}

fn check_size(old: &Checkpoint, new: &Checkpoint) -> Result<(), Alarm> {
    if new.size < old.size {
        return Err(Alarm::Smaller {
            old: old.size,
            new: new.size,
        });
    }
    if new.size == old.size && new.root != old.root {
        return Err(Alarm::Forked { size: new.size });
    }
    Ok(())
}

fn check_root(new: &Checkpoint, tiles: &TileSet) -> Result<(), Alarm> {
    let frontier = Frontier::load(new.size, TileReader(tiles)).map_err(|error| not_there(&error))?;
    if frontier.root() == new.root {
        Ok(())
    } else {
        Err(Alarm::Tiles(TileFault::Root))
    }
}

fn check_continuation(old: &Checkpoint, new: &Checkpoint, tiles: &TileSet) -> Result<(), Alarm> {
    let proof =
        consistency_proof(old.size, new.size, TileReader(tiles)).map_err(|error| not_there(&error))?;
    match verify_consistency(old.size, &old.root, new.size, &new.root, &proof) {
        Ok(()) => Ok(()),
        // The tiles led to the new root before; where they do not here, they contradict themselves. Of an old size that is
        // a power of two the proof begins with the old root itself, and it is that one which does not lead there.
        Err(VerifyError::Root) if !old.size.is_power_of_two() => Err(Alarm::Tiles(TileFault::Root)),
        Err(
            VerifyError::Root
            | VerifyError::OldRoot
            | VerifyError::Size
            | VerifyError::Index
            | VerifyError::Shrinks
            | VerifyError::Length,
        ) => Err(Alarm::Inconsistent {
            old: old.size,
            new: new.size,
        }),
    }
}

/// The tiles that a question needs were fetched before it.
fn not_there(error: &ProofError<NotFetched>) -> Alarm {
    match error {
        ProofError::Read(_) => Alarm::Tiles(TileFault::Missing),
        ProofError::Tree(error) => unanswerable(*error),
    }
}

/// Sizes were compared before, and a checkpoint's size is bounded where it is read.
fn unanswerable(error: TreeError) -> Alarm {
    match error {
        TreeError::Shrinks { old, new } => Alarm::Smaller { old, new },
        TreeError::TooLarge(_) | TreeError::Index { .. } | TreeError::Frontier { .. } => {
            Alarm::Signature(CheckpointError::Size)
        }
    }
}

impl Alarm {
    /// Which one it is.
    pub fn kind(&self) -> AlarmKind {
        match self {
            Self::Signature(_) => AlarmKind::Signature,
            Self::Origin => AlarmKind::Origin,
            Self::Smaller { .. } => AlarmKind::Smaller,
            Self::Forked { .. } => AlarmKind::Forked,
            Self::Inconsistent { .. } => AlarmKind::Inconsistent,
            Self::Tiles(_) => AlarmKind::Tiles,
            Self::Stale { .. } => AlarmKind::Stale,
        }
    }
}

impl AlarmKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Origin => "origin",
            Self::Smaller => "smaller",
            Self::Forked => "forked",
            Self::Inconsistent => "inconsistent",
            Self::Tiles => "tiles",
            Self::Stale => "stale",
        }
    }
}

impl fmt::Display for AlarmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<FetchError> for Stop {
    fn from(error: FetchError) -> Self {
        Self::Unreached(error)
    }
}

impl From<Alarm> for Stop {
    fn from(alarm: Alarm) -> Self {
        Self::Alarm(alarm)
    }
}
