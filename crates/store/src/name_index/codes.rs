//! Codici fiscali by their beginning.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::ops::Bound;

use registry::matching::TaxCodeQuery;

use super::CodesAsked;
use super::cards::Slot;

/// A code as it is held: what all its forms have in common ([`TaxCodeQuery::longest_key`]).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CodeKey {
    pub(super) key: Box<str>,
    /// Whether it is the one in force.
    pub(super) current: bool,
}

/// Bytes of a code: its characters, zeros, and in the last place whether it is the one in force.
pub(super) type CodeBytes = [u8; 16];

/// Codes of all cards.
#[derive(Default)]
pub(super) struct CodeTable(BTreeSet<(CodeBytes, Slot)>);

impl CodeKey {
    pub(super) fn to_bytes(&self) -> CodeBytes {
        let mut bytes = [0; 16];
        for (place, byte) in bytes.iter_mut().zip(self.key.bytes().take(15)) {
            *place = byte;
        }
        bytes[15] = u8::from(self.current);
        bytes
    }

    pub(super) fn from_bytes(bytes: &CodeBytes) -> Self {
        let characters = bytes.iter().take(15).take_while(|byte| **byte != 0);
        Self {
            key: characters.map(|byte| char::from(*byte)).collect(),
            current: bytes[15] == 1,
        }
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeKey(..)")
    }
}

impl CodeTable {
    pub(super) fn insert(&mut self, code: &CodeKey, slot: Slot) {
        self.0.insert((code.to_bytes(), slot));
    }

    pub(super) fn remove(&mut self, code: &CodeKey, slot: Slot) {
        self.0.remove(&(code.to_bytes(), slot));
    }

    #[cfg(test)]
    pub(super) fn every(&self) -> impl Iterator<Item = (CodeKey, Slot)> {
        self.0
            .iter()
            .map(|(bytes, slot)| (CodeKey::from_bytes(bytes), *slot))
    }

    /// The cards with a code that begins as asked.
    pub(super) fn find(&self, asked: &TaxCodeQuery, codes: CodesAsked) -> HashSet<Slot> {
        let mut found = HashSet::new();
        for beginning in asked.keys() {
            let mut first = [0; 16];
            for (place, byte) in first.iter_mut().zip(beginning.bytes()) {
                *place = byte;
            }
            let from = (Bound::Included((first, Slot::FIRST)), Bound::Unbounded);
            for (bytes, slot) in self.0.range(from) {
                if !bytes.starts_with(beginning.as_bytes()) {
                    break;
                }
                let code = CodeKey::from_bytes(bytes);
                let looked_at = codes == CodesAsked::All || code.current;
                if looked_at && asked.admits_key(&code.key) {
                    found.insert(*slot);
                }
            }
        }
        found
    }
}
