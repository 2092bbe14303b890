//! The persons of the cases: `tests/data/verification/cards.toml`, published by nodes.

use std::collections::BTreeMap;

use registry::export::COLUMNS;
use serde::Deserialize;
use support::agreements::Document;
use support::people::{CASTEL_SAN_PIETRO, DOZZA, IMOLA};
use support::region::Region;

const CARDS: &str = include_str!("../data/verification/cards.toml");
const PLACES: [(&str, &str); 3] = [
    ("imola", IMOLA),
    ("dozza", DOZZA),
    ("elsewhere", CASTEL_SAN_PIETRO),
];

/// Values of a row by column.
type Values = BTreeMap<String, String>;

#[derive(Deserialize)]
pub(crate) struct Cards {
    common: Values,
    later: BTreeMap<String, BTreeMap<String, Values>>,
    #[serde(flatten)]
    places: BTreeMap<String, BTreeMap<String, Values>>,
}

impl Cards {
    pub(crate) fn read() -> Self {
        toml::from_str(CARDS).expect("the cards are well formed")
    }

    /// Every card, by place and name.
    pub(crate) fn names(&self) -> Vec<String> {
        let of_place = |(place, cards): (&String, &BTreeMap<String, Values>)| -> Vec<String> {
            cards.keys().map(|name| format!("{place}.{name}")).collect()
        };
        self.places.iter().flat_map(of_place).collect()
    }

    /// The values of a card on the first day.
    pub(crate) fn values(&self, place: &str, name: &str) -> Values {
        let mut values = self.common.clone();
        values.extend(self.places[place][name].clone());
        values.insert("scheda".to_owned(), name.to_owned());
        values
    }

    /// One value of a card, named by place and name.
    pub(crate) fn value(&self, card: &str, column: &str) -> String {
        let (place, name) = card.split_once('.').expect("place and name");
        self.values(place, name)[column].clone()
    }

    /// The exports of a municipality, the first and the one after it.
    fn exports(&self, place: &str) -> [Vec<u8>; 2] {
        let rows: Vec<Values> = self.places[place]
            .keys()
            .map(|name| self.values(place, name))
            .collect();
        let later = rows.iter().map(|values| {
            let mut values = values.clone();
            let changes = self
                .later
                .get(place)
                .and_then(|place| place.get(&values["scheda"]));
            values.extend(changes.cloned().unwrap_or_default());
            values
        });
        [export(&rows), export(&later.collect::<Vec<_>>())]
    }
}

fn export(rows: &[Values]) -> Vec<u8> {
    let columns: Vec<&str> = COLUMNS
        .iter()
        .map(|spec| spec.name)
        .filter(|name| *name != "operazione")
        .collect();
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(&columns).expect("memory takes every row");
    for row in rows {
        let stray: Vec<_> = row
            .keys()
            .filter(|name| !columns.contains(&name.as_str()))
            .collect();
        assert!(stray.is_empty(), "columns that there are not: {stray:?}");
        let values = columns
            .iter()
            .map(|column| row.get(*column).map_or("", String::as_str));
        writer.write_record(values).expect("memory takes every row");
    }
    writer.into_inner().expect("memory takes every row")
}

/// A region with the cards, and with an agreement that opens them.
pub(crate) async fn region(cards: &Cards, open: Document) -> Region {
    let mut region = Region::empty().await;
    region.activate(open).await;
    for (place, code) in PLACES {
        let [first, later] = cards.exports(place);
        let municipality = region.municipality(code);
        for export in [first, later] {
            municipality.import_export(&export).await;
            municipality.published().await;
        }
    }
    region
}
