//! What leads from houses to the cards that name them as a residence, present or past.

use registry::house::HouseKey;
use registry::identifier::RecordId;

use crate::keys::token::TokenDomain;
use crate::projection::{Projection, ProjectionError};
use crate::rows::{Lead, Spans};

impl Projection {
    /// A house.
    pub(crate) fn house(&self, house: &HouseKey) -> Lead {
        Lead::House(self.tokens.token(TokenDomain::House, house.as_bytes()))
    }

    /// Writes from the versions of a card what leads to it from houses, where nothing does: it rests on nothing else.
    pub(super) fn lead_to_houses_again(&self, record: RecordId) -> Result<(), ProjectionError> {
        let mut houses: Vec<Lead> = Vec::new();
        let mut named = Vec::new();
        for version in self.served_versions(record)? {
            let mut leads = self.led_to(record, &version)?;
            leads.retain(|lead| matches!(lead, Lead::House(_)));
            houses.extend(&leads);
            named.push((version.sequence, leads));
        }
        for house in houses {
            let held = named
                .iter()
                .map(|(sequence, leads)| (*sequence, leads.contains(&house)));
            self.engine
                .insert(&house.key(record), &Spans::of(held).encode())?;
        }
        Ok(())
    }
}

/// Whether a row leads from a house.
pub(super) fn leads_from_house(key: &[u8]) -> bool {
    key.starts_with(b"R")
}

#[cfg(test)]
impl Projection {
    /// Keys of the rows by which houses lead to cards now. Buried cards are left out: what leads to one that was buried
    /// after a loss stays, and no reader follows it.
    pub(crate) fn houses_of_rows(&self) -> Result<std::collections::BTreeSet<Vec<u8>>, ProjectionError> {
        let mut keys = std::collections::BTreeSet::new();
        self.visit(b"R", &mut |key, value| {
            let last = Spans::decode(value)?.0.pop();
            let record = crate::rows::record_behind(&key[..17], key)?;
            let newest = self.read_version(&crate::rows::current_key(record))?;
            let buried = newest.is_some_and(|newest| newest.is_buried());
            if !buried && last.is_some_and(|span| span.until == crate::rows::Span::OPEN) {
                keys.insert(key.to_vec());
            }
            Ok(())
        })?;
        Ok(keys)
    }

    /// The same, from the cards as they are served.
    pub(crate) fn houses_of_cards(&self) -> Result<std::collections::BTreeSet<Vec<u8>>, ProjectionError> {
        let mut keys = std::collections::BTreeSet::new();
        self.every_newest(&mut |card| {
            let houses = card.record.as_ref().map(HouseKey::of_card).unwrap_or_default();
            keys.extend(houses.iter().map(|house| self.house(house).key(card.id)));
            Ok(())
        })?;
        Ok(keys)
    }
}
