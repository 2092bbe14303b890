//! Sealed identities: what a seal buries, when the new card is shown, and which other cards are of the old identity.

use registry::identifier::RecordId;
use registry::linking::LinkKey;
use registry::measure::NewIdentity;
use registry::record::Record;
use registry::sealing;

use crate::linker::pending::Known;
use crate::linker::{Deciding, SEAL_TOO_WIDE, quarantined};
use crate::projection::ProjectionError;
use crate::publication_journal::entry::{Decision, MOST_BURIED, Showing};

impl Deciding<'_, '_, '_> {
    /// A sealed identity begins: everything that led to the old one is buried, in whatever municipality.
    pub(super) fn seal(
        &mut self,
        before: RecordId,
        known: Known,
        sealed: RecordId,
        card: &Record,
    ) -> Result<Decision, ProjectionError> {
        let mut buried = Vec::new();
        let mut keys = Vec::new();
        if let Known::Published(person) = known {
            buried = self.every_card_of_person(person)?;
            buried.retain(|other| *other != before);
            if MOST_BURIED < buried.len() {
                return Ok(quarantined(SEAL_TOO_WIDE));
            }
        }
        for old in buried.iter().chain([&before]) {
            if let Some(card) = self.projection.last_published(*old, self.visible)? {
                keys.extend(sealing::identity_keys(&card));
            }
            keys.extend(self.pending.keys_of(*old));
        }
        let showing = shown_if(
            card.measures
                .seal
                .is_some_and(|seal| seal.identity == NewIdentity::Present),
        );
        if showing == Showing::Shown {
            let own = sealing::identity_keys(card);
            keys.retain(|key| !own.contains(key));
        }
        self.pending.bury(before, Some(sealed));
        for other in &buried {
            self.pending.bury(*other, None);
        }
        self.pending.buried_keys.extend(keys);
        self.pending.settle(sealed, showing);
        Ok(Decision::Sealed {
            showing,
            record: sealed,
            before,
            buried,
        })
    }

    /// A later version of a sealed card is shown once it bears the new identity and nothing of the old one.
    pub(super) fn renew(
        &mut self,
        record: RecordId,
        card: &Record,
        identity: NewIdentity,
    ) -> Result<Decision, ProjectionError> {
        let borne = self.buried_among(sealing::identity_keys(card))?;
        let old = borne.iter().any(|key| match key {
            LinkKey::NationalId(_) => false,
            LinkKey::TaxCode(_) | LinkKey::Generalities(_) => true,
        });
        let showing = shown_if(identity == NewIdentity::Present && !old);
        self.pending.settle(record, showing);
        if showing == Showing::Shown {
            self.pending
                .released
                .extend(card.national_id.map(LinkKey::NationalId));
        }
        Ok(Decision::Renewed { showing, record })
    }

    /// Whether an open card bears what is known of a buried identity, and did not bear it when that was buried.
    pub(super) fn bears_buried(&self, record: RecordId, card: &Record) -> Result<bool, ProjectionError> {
        let borne = self.buried_among(sealing::identity_keys(card))?;
        if borne.is_empty() {
            return Ok(false);
        }
        let mut before = self.pending.keys_of(record);
        if let Some(known) = self
            .projection
            .card_at(record, self.visible)?
            .and_then(|card| card.record)
        {
            before.extend(sealing::identity_keys(&known));
        }
        let gained: Vec<LinkKey> = borne.into_iter().filter(|key| !before.contains(key)).collect();
        Ok(sealing::belongs_to_buried(card, &gained))
    }

    fn buried_among(&self, keys: Vec<LinkKey>) -> Result<Vec<LinkKey>, ProjectionError> {
        let (mut now, earlier): (Vec<LinkKey>, Vec<LinkKey>) = keys
            .into_iter()
            .filter(|key| !self.pending.released.contains(key))
            .partition(|key| self.pending.buried_keys.contains(key));
        now.extend(self.projection.buried_keys(earlier, self.visible)?);
        Ok(now)
    }
}

fn shown_if(shown: bool) -> Showing {
    if shown { Showing::Shown } else { Showing::Awaited }
}
