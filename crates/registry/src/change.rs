//! Changes of cards, and the registry events that explain them.
//!
//! An export says what holds now; the mirror knows what held before. [`merge_export`] joins the two into the card's
//! next version, [`merge_event`] does so for a row that names its event, and [`derive_events`] says what happened
//! between two versions where no row does. [`undo_last`] finds the version before the last operation.

mod act;
mod derive;
mod event;
mod merge;
mod undo;

use crate::identifier::LocalId;
use crate::record::Record;

pub use self::act::{ActReference, ActText};
pub use self::derive::derive_events;
pub use self::event::{EventKind, RegistryEvent};
pub use self::merge::{merge_event, merge_export};
pub use self::undo::{operations, undo_last};

/// One change of one card, numbered by the node that publishes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Number in the municipality's journal, from 1, without gaps.
    pub sequence: u64,
    /// The card.
    pub local_id: LocalId,
    /// What becomes of it.
    pub body: ChangeBody,
    /// Why.
    pub events: Vec<RegistryEvent>,
}

/// What becomes of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeBody {
    /// The card is new or has a new version.
    Upsert(Box<Record>),
    /// The municipality no longer publishes the card: it was in the last export and is not in this one.
    Remove,
}

#[cfg(test)]
mod tests;
