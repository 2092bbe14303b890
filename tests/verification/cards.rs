//! The persons of the cases: `tests/data/verification/cards.toml`, published by nodes.

use support::agreements::Document;
use support::cards::{Cards, PLACES};
use support::region::Region;

/// The cards of the file.
pub(crate) fn read() -> Cards {
    Cards::read(&[include_str!("../data/verification/cards.toml")])
}

/// A region with the cards, and with an agreement that opens them.
pub(crate) async fn region(cards: &Cards, open: Document) -> Region {
    let mut region = Region::empty().await;
    region.activate(open).await;
    for (place, code) in PLACES {
        let municipality = region.municipality(code);
        for export in cards.exports(place) {
            municipality.import_export(&export).await;
            municipality.published().await;
        }
    }
    region
}
