//! Repeated calls: the same request id of the same caller under the same agreement, within [`WINDOW_HOURS`].
//!
//! Whoever did not hear an answer asks again. The same request is then decided anew, read as the registry stood at the
//! first call, entered as its repeat, and costs nothing; another request under the same id is refused. Of a request only
//! a keyed hash is kept, and no answer.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use crate::context::AgreementId;
use crate::moment::Moment;
use crate::peer::SpiffeId;

/// Hours for which a request id belongs to its first call.
pub const WINDOW_HOURS: u32 = 24;
/// Minutes after which a call that was never ended no longer holds its request id.
pub const RUNNING_MINUTES: u32 = 10;

/// Whose request id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey {
    /// The caller.
    pub agency: SpiffeId,
    /// The agreement it names.
    pub agreement: AgreementId,
    /// The id.
    pub id: Uuid,
}

/// A keyed hash of everything that a request says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestDigest(pub [u8; 16]);

/// A call that was entered and answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstCall {
    /// Index of its entry in the log.
    pub entry: u64,
    /// The state of the registry that it read, as commit sequence; `None` where it read none.
    pub read_at: Option<u64>,
    /// Day at which its answer was true.
    pub reference_date: NaiveDate,
}

/// What a call with a request id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The first with that id.
    First,
    /// The same as an earlier one.
    Repeat(FirstCall),
}

/// Why a request id cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RepeatError {
    /// It belongs to another request.
    #[error("the request id belongs to another request")]
    Reused,
    /// The first call with it has not ended.
    #[error("the first call with the request id has not ended")]
    Running,
}

/// A call that was entered in the log before a restart.
#[derive(Clone, Debug)]
pub struct RepeatEvent {
    /// Whose request id.
    pub key: RequestKey,
    /// What it asked for.
    pub digest: RequestDigest,
    /// The call.
    pub call: FirstCall,
    /// When.
    pub moment: Moment,
}

/// The request ids in use. Pure accounting: whoever owns it also owns clock and key.
#[derive(Debug, Default)]
pub struct RequestBook {
    callers: HashMap<(SpiffeId, AgreementId), HashMap<Uuid, Noted>>,
}

#[derive(Clone, Copy, Debug)]
struct Noted {
    digest: RequestDigest,
    /// `None` while it runs.
    call: Option<FirstCall>,
    since: DateTime<Utc>,
}

/// A hash leads to nobody without its key, and is kept out all the same.
impl std::fmt::Debug for RequestDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RequestDigest(..)")
    }
}

impl RequestBook {
    /// Says what a call is. A first one holds its id until [`Self::end`].
    ///
    /// # Errors
    /// See [`RepeatError`].
    pub fn begin(
        &mut self,
        key: &RequestKey,
        digest: RequestDigest,
        moment: Moment,
    ) -> Result<Standing, RepeatError> {
        let now = moment.utc();
        let ids = self.callers.entry(key.caller()).or_default();
        match ids.get(&key.id).filter(|noted| noted.holds_at(now)) {
            Some(noted) if noted.digest != digest => Err(RepeatError::Reused),
            Some(Noted { call: Some(call), .. }) => Ok(Standing::Repeat(*call)),
            Some(Noted { call: None, .. }) => Err(RepeatError::Running),
            None => {
                let noted = Noted {
                    digest,
                    call: None,
                    since: now,
                };
                ids.insert(key.id, noted);
                Ok(Standing::First)
            }
        }
    }

    /// Ends a first call: with its entry, or with `None` where it was denied or failed, so that its id is free again.
    pub fn end(&mut self, key: &RequestKey, call: Option<FirstCall>) {
        let caller = key.caller();
        let Some(ids) = self.callers.get_mut(&caller) else {
            return;
        };
        match (call, ids.get_mut(&key.id)) {
            (Some(call), Some(noted)) => noted.call = Some(call),
            (None, _) => {
                ids.remove(&key.id);
            }
            (Some(_), None) => {}
        }
        if ids.is_empty() {
            self.callers.remove(&caller);
        }
    }

    /// Drops the ids that are free again.
    pub fn expire(&mut self, moment: Moment) {
        let now = moment.utc();
        self.callers.retain(|_, ids| {
            ids.retain(|_, noted| noted.holds_at(now));
            !ids.is_empty()
        });
    }

    /// Notes again what the log says of the calls of the last day, oldest first.
    pub fn restore(&mut self, events: impl IntoIterator<Item = RepeatEvent>) {
        for RepeatEvent {
            key,
            digest,
            call,
            moment,
        } in events
        {
            let noted = Noted {
                digest,
                call: Some(call),
                since: moment.utc(),
            };
            self.callers
                .entry(key.caller())
                .or_default()
                .insert(key.id, noted);
        }
    }

    /// How many ids are kept: a measure of memory.
    pub fn len(&self) -> usize {
        self.callers.values().map(HashMap::len).sum()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.callers.is_empty()
    }
}

impl RequestKey {
    fn caller(&self) -> (SpiffeId, AgreementId) {
        (self.agency.clone(), self.agreement.clone())
    }
}

impl Noted {
    fn holds_at(&self, now: DateTime<Utc>) -> bool {
        let lasts = match self.call {
            Some(_) => TimeDelta::hours(i64::from(WINDOW_HOURS)),
            None => TimeDelta::minutes(i64::from(RUNNING_MINUTES)),
        };
        now < self.since + lasts
    }
}

#[cfg(test)]
mod tests;
