//! From instants to sequences, and the version of the scheme of rows.

use super::{Projection, ProjectionError};
use crate::rows::{self, CommitSequence};

impl Projection {
    /// Notes up to which sequence everything was recorded at an instant, Unix milliseconds, or before.
    pub(crate) fn note_recorded(
        &self,
        recorded_ms: u64,
        last: CommitSequence,
    ) -> Result<(), ProjectionError> {
        let key = rows::recorded_key(recorded_ms);
        Ok(self.engine.insert(&key, &rows::encode_number(last.0))?)
    }

    /// The last sequence that was recorded at an instant or before, and that readers may see; 0 when there is none.
    pub(crate) fn visible_at(&self, instant_ms: u64) -> Result<CommitSequence, ProjectionError> {
        let visible = self.visible();
        let upper = rows::recorded_key(instant_ms);
        let recorded = match self.engine.last_not_after(rows::RECORDED_PREFIX, &upper)? {
            Some((_, value)) => CommitSequence(rows::decode_number(&value)?),
            None => CommitSequence(0),
        };
        Ok(recorded.min(visible))
    }

    /// Which scheme of rows the engine was filled under; `None` for an empty one and for the first.
    pub(crate) fn scheme(&self) -> Result<Option<u64>, ProjectionError> {
        let value = self.engine.get(rows::SCHEME_KEY)?;
        Ok(value.map(|value| rows::decode_number(&value)).transpose()?)
    }

    /// Notes that the engine is filled under the scheme of this program.
    pub(crate) fn note_scheme(&self) -> Result<(), ProjectionError> {
        let scheme = rows::encode_number(rows::ROW_SCHEME);
        Ok(self.engine.insert(rows::SCHEME_KEY, &scheme)?)
    }
}
