//! Which cards an export takes out of the population or out of publication.

use std::collections::{HashMap, HashSet};

use registry::identifier::LocalId;
use store::municipal::{MunicipalError, MunicipalStore};

use super::decision::Judge;

/// How a card departs that would else have stayed: one whose term of publication is over leaves whatever an export says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// It was open and is cancelled or dead.
    Ended,
    /// It leaves publication.
    Withdrawn,
}

/// The cards that depart because a row says so, each once.
#[derive(Debug, Default)]
pub(crate) struct Departures(HashMap<LocalId, Departure>);

/// The cards that a total export does not name, in order of number.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    /// Those that depart if they are withdrawn.
    pub(crate) departing: Vec<LocalId>,
    /// Those whose term of publication is over.
    pub(crate) beyond_term: Vec<LocalId>,
}

impl Departures {
    /// Notes what a row did. A card that a later row brings back stays counted: a person looks at a file that takes out
    /// too many cards, whatever else it says.
    pub(crate) fn note(&mut self, card: &LocalId, departure: Option<Departure>) {
        if let Some(departure) = departure {
            self.0.insert(card.clone(), departure);
        }
    }

    /// How many cards depart in a way.
    pub(crate) fn count(&self, of: Departure) -> u64 {
        self.0.values().filter(|departure| **departure == of).count() as u64
    }

    /// How many cards depart.
    pub(crate) fn total(&self) -> u64 {
        self.0.len() as u64
    }
}

impl Missing {
    /// The published cards that are not among the named.
    pub(crate) fn find(
        store: &MunicipalStore,
        judge: &Judge,
        named: &HashSet<LocalId>,
    ) -> Result<Self, MunicipalError> {
        let mut missing = Self::default();
        store.every_card(&mut |card| {
            if named.contains(&card.local_id) {
                return;
            }
            let list = if judge.is_over(&card) {
                &mut missing.beyond_term
            } else {
                &mut missing.departing
            };
            list.push(card.local_id);
        })?;
        // The mirror's order is that of its sealed keys; the journal's must not depend on them.
        missing.departing.sort_unstable();
        missing.beyond_term.sort_unstable();
        Ok(missing)
    }
}
