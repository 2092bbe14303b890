//! Opened parts as names and values, for readers without a decoder.

use ledger::part::PartOpening;
use store::access_log::part_items;
use wire::convert::PartItem;

/// The items of a part; none when its content does not decode, whose bytes the reader gets all the same.
pub(super) fn items(opening: &PartOpening) -> Vec<PartItem> {
    match part_items::items(&opening.kind, &opening.content) {
        Ok(items) => items
            .into_iter()
            .map(|(name, value)| PartItem { name, value })
            .collect(),
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a part of an entry does not decode"
            );
            Vec::new()
        }
    }
}
