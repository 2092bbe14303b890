//! The double: a map in memory, with the engine's contract and none of its durability.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::kv::{EngineError, KeyValue, Row, check_length};

/// A map in memory.
#[derive(Default)]
pub(crate) struct Memory(RwLock<BTreeMap<Vec<u8>, Vec<u8>>>);

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory(..)")
    }
}

impl Memory {
    fn rows(&self) -> RwLockReadGuard<'_, BTreeMap<Vec<u8>, Vec<u8>>> {
        // A map is whole after any panic of a reader or writer: each change is one call.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyValue for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(self.rows().get(key).cloned())
    }

    fn last_not_after(&self, prefix: &[u8], upper: &[u8]) -> Result<Option<Row>, EngineError> {
        if upper < prefix {
            return Ok(None);
        }
        let rows = self.rows();
        let mut range = rows.range::<[u8], _>((Bound::Included(prefix), Bound::Included(upper)));
        Ok(range.next_back().map(|(key, value)| (key.clone(), value.clone())))
    }

    fn scan(&self, prefix: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), EngineError> {
        let rows = self.rows();
        for (key, value) in rows.range::<[u8], _>((Bound::Included(prefix), Bound::Unbounded)) {
            if !key.starts_with(prefix) || !visit(key, value) {
                break;
            }
        }
        Ok(())
    }

    fn insert(&self, key: &[u8], value: &[u8]) -> Result<(), EngineError> {
        check_length(value)?;
        let mut rows = self.0.write().unwrap_or_else(PoisonError::into_inner);
        rows.insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    fn remove(&self, key: &[u8]) -> Result<(), EngineError> {
        let mut rows = self.0.write().unwrap_or_else(PoisonError::into_inner);
        rows.remove(key);
        Ok(())
    }

    fn sync(&self) -> Result<(), EngineError> {
        Ok(())
    }
}
