//! Changes that the index keeps aside, and what it therefore serves of their cards: the version before.
//!
//! A quarantined change is acknowledged and not served, so the index's cards are the mirror's except where a card's
//! last change is kept aside: there it holds the last one that is not, or none. Only with that taken into account are
//! both sides' digests equal.
//!
//! The list is the index's, taken over whole, and is kept sealed in a file: format version 1; number of changes (u32);
//! for each its number (u64), the instant (i64, Unix ms) and, with a length byte in front of each, local id, code of
//! the rule and path of the field. Associated data: `kept-aside/1`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use registry::canonical;
use registry::change::{Change, ChangeBody};
use registry::digest::{Bucket, CardDigest, SetDigest};
use registry::identifier::LocalId;

use crate::files::{Files, read_whole, replace};
use crate::keys::ring::NamedKey;
use crate::municipal::MunicipalError;

const FILE: &str = "kept-aside.sealed";
const FORMAT: u8 = 1;
const ASSOCIATED: &[u8] = b"kept-aside/1";

/// A change that the index keeps aside, as it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAside {
    /// Its number in the journal.
    pub sequence: u64,
    /// The card.
    pub local_id: LocalId,
    /// Code of the rule that it breaks.
    pub code: String,
    /// Path of the field that breaks it; empty where it is the card as a whole.
    pub field: String,
    /// When the index decided it, Unix milliseconds.
    pub at_ms: i64,
}

/// What the index serves of a card of which some change is kept aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Served {
    /// Whether that is another version than the mirror's.
    pub(super) behind: bool,
    /// The last version that is not kept aside: its change and its digest.
    pub(super) held: Option<(u64, CardDigest)>,
}

/// The list, and what was made out of it and the journal.
#[derive(Debug)]
pub(super) struct Aside {
    files: Arc<dyn Files>,
    key: NamedKey,
    changes: Vec<KeptAside>,
    served: BTreeMap<LocalId, Served>,
    /// Last number under which a version was kept aside, for each card and version.
    refused: BTreeMap<(LocalId, [u8; 32]), u64>,
    /// How far the journal has been read for that; 0 after the list changed.
    read_to: u64,
}

impl Aside {
    pub(super) fn open(files: Arc<dyn Files>, key: NamedKey) -> Result<Self, MunicipalError> {
        let changes = match read_whole(files.as_ref(), FILE).map_err(MunicipalError::Aside)? {
            Some(sealed) => {
                let plain = key.key.open(ASSOCIATED, &sealed);
                let plain = plain.map_err(|_| MunicipalError::AsideDamaged)?;
                decode(&plain).ok_or(MunicipalError::AsideDamaged)?
            }
            None => Vec::new(),
        };
        Ok(Self {
            files,
            key,
            changes,
            served: BTreeMap::new(),
            refused: BTreeMap::new(),
            read_to: 0,
        })
    }

    pub(super) fn changes(&self) -> &[KeptAside] {
        &self.changes
    }

    /// Takes the index's list over.
    pub(super) fn replace(&mut self, changes: Vec<KeptAside>) -> Result<(), MunicipalError> {
        if self.changes == changes {
            return Ok(());
        }
        let sealed = self.key.key.seal_derived(ASSOCIATED, &encode(&changes));
        replace(self.files.as_ref(), FILE, &sealed).map_err(MunicipalError::Aside)?;
        self.changes = changes;
        self.refused.clear();
        self.begin_again();
        Ok(())
    }

    /// What the index serves of the cards is other bytes now, and is found in the journal again.
    pub(super) fn forget(&mut self) {
        self.refused.clear();
        self.begin_again();
    }

    fn begin_again(&mut self) {
        self.served.clear();
        self.read_to = 0;
    }

    /// First change of the journal that must still be read, when any.
    pub(super) fn wants_from(&self, last: u64) -> Option<u64> {
        (!self.changes.is_empty() && self.read_to < last).then(|| self.read_to + 1)
    }

    /// Takes the next changes of the journal into account.
    ///
    /// A version that was kept aside was kept aside before as well, if it was ever sent: the rules ask no more of an
    /// older day. That counts where the journal has changes that the index never saw under their numbers, because it
    /// was accepted after the node had been restored.
    pub(super) fn read(&mut self, changes: &[Change]) {
        let aside: BTreeSet<(u64, &LocalId)> = self
            .changes
            .iter()
            .map(|kept| (kept.sequence, &kept.local_id))
            .collect();
        let cards: BTreeSet<&LocalId> = self.changes.iter().map(|kept| &kept.local_id).collect();
        let mut mistaken = false;
        for change in changes {
            self.read_to = change.sequence;
            if !cards.contains(&change.local_id) {
                continue;
            }
            let digest = match &change.body {
                ChangeBody::Upsert(card) => Some(CardDigest::of(&change.local_id, &canonical::encode(card))),
                ChangeBody::Remove => None,
            };
            let version = digest.map(|digest| (change.local_id.clone(), *digest.as_bytes()));
            let served = self.served.entry(change.local_id.clone()).or_default();
            if aside.contains(&(change.sequence, &change.local_id))
                && let Some(version) = &version
            {
                self.refused.insert(version.clone(), change.sequence);
                mistaken |= served.held.map(|(_, held)| held) == digest;
            }
            let last_refused = version.and_then(|version| self.refused.get(&version));
            if last_refused.is_some_and(|last| change.sequence <= *last) {
                served.behind = true;
            } else {
                *served = Served {
                    behind: false,
                    held: digest.map(|digest| (change.sequence, digest)),
                };
            }
        }
        // What was taken for held is not: what was held before it must be found.
        if mistaken {
            self.begin_again();
        }
    }

    /// What the index serves of a card, where it is not the mirror's version.
    pub(super) fn served(&self, local_id: &LocalId) -> Option<Served> {
        self.served.get(local_id).copied().filter(|served| served.behind)
    }

    /// Every card of which the index serves another version than the mirror's.
    pub(super) fn behind(&self) -> impl Iterator<Item = (&LocalId, Served)> {
        let behind = |(local_id, served): (_, &Served)| served.behind.then_some((local_id, *served));
        self.served.iter().filter_map(behind)
    }

    /// The mirror's digest turned into the index's; `mirrored` is what the mirror holds of a card.
    pub(super) fn adjust(
        &self,
        digest: &mut SetDigest,
        mirrored: &dyn Fn(&LocalId) -> Result<Option<CardDigest>, MunicipalError>,
    ) -> Result<(), MunicipalError> {
        for (local_id, served) in self.behind() {
            let bucket = Bucket::of(local_id);
            if let Some(mine) = mirrored(local_id)? {
                digest.remove_card(bucket, mine);
            }
            if let Some((_, held)) = served.held {
                digest.add_card(bucket, held);
            }
        }
        Ok(())
    }
}

fn encode(changes: &[KeptAside]) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(&(changes.len() as u32).to_be_bytes());
    for KeptAside {
        sequence,
        local_id,
        code,
        field,
        at_ms,
    } in changes
    {
        bytes.extend_from_slice(&sequence.to_be_bytes());
        bytes.extend_from_slice(&at_ms.to_be_bytes());
        for text in [local_id.as_str(), code, field] {
            // Codes and paths are the contract's own words, far shorter; local ids have at most 20 characters.
            let text = text.get(..text.floor_char_boundary(255)).unwrap_or_default();
            bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<Vec<KeptAside>> {
    fn text<'a>(input: &mut &'a [u8]) -> Option<&'a str> {
        let (&length, rest) = input.split_first()?;
        let (text, rest) = rest.split_at_checked(length.into())?;
        *input = rest;
        std::str::from_utf8(text).ok()
    }
    fn array<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
        let (array, rest) = input.split_first_chunk()?;
        *input = rest;
        Some(*array)
    }
    let (&FORMAT, mut input) = bytes.split_first()? else {
        return None;
    };
    let count = u32::from_be_bytes(array(&mut input)?);
    let mut changes = Vec::new();
    for _ in 0..count {
        let sequence = u64::from_be_bytes(array(&mut input)?);
        let at_ms = i64::from_be_bytes(array(&mut input)?);
        changes.push(KeptAside {
            sequence,
            local_id: LocalId::parse(text(&mut input)?).ok()?,
            code: text(&mut input)?.to_owned(),
            field: text(&mut input)?.to_owned(),
            at_ms,
        });
    }
    input.is_empty().then_some(changes)
}

#[cfg(test)]
mod tests;
