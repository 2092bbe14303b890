//! Cards of invented persons as data: columns of the export layout by municipality and name, and the exports that they
//! make.
//!
//! Two keys are none of the layout: `catastale` is the code of the place of birth from which the codice fiscale is made
//! where the card states none (`A944`, Bologna, where it is absent); `copies` makes as many cards of one, born on days that
//! follow each other.

use std::collections::BTreeMap;

use chrono::Days;
use registry::codice_fiscale::CodiceFiscale;
use registry::export::COLUMNS;
use registry::identifier::CadastralCode;
use registry::record::Sex;
use serde::Deserialize;

use crate::people::{CASTEL_SAN_PIETRO, DOZZA, IMOLA, day};

/// Values of a row by column.
pub type Values = BTreeMap<String, String>;

/// Names of the municipalities in files of cards, with their ISTAT codes.
pub const PLACES: [(&str, &str); 3] = [
    ("imola", IMOLA),
    ("dozza", DOZZA),
    ("elsewhere", CASTEL_SAN_PIETRO),
];

/// Cards by municipality and name.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Cards {
    /// What most cards share.
    #[serde(default)]
    common: Values,
    /// What a second export says of a card: what it does not name stays.
    #[serde(default)]
    later: BTreeMap<String, BTreeMap<String, Values>>,
    #[serde(flatten)]
    places: BTreeMap<String, BTreeMap<String, Values>>,
}

impl Cards {
    /// Reads files of cards; what the first says to be common holds for all.
    ///
    /// # Panics
    /// When a file has not the form, or two of them name one card.
    pub fn read(files: &[&str]) -> Self {
        let mut cards = Self::default();
        for file in files {
            let Self {
                common,
                later,
                places,
            } = toml::from_str(file).expect("the cards are well formed");
            if cards.common.is_empty() {
                cards.common = common;
            }
            for (place, more) in later {
                cards.later.entry(place).or_default().extend(more);
            }
            for (place, more) in places {
                let known = cards.places.entry(place).or_default();
                for (name, values) in more {
                    let before = known.insert(name.clone(), values);
                    assert!(before.is_none(), "{name} is one card");
                }
            }
        }
        cards
    }

    /// Every card, by place and name.
    pub fn names(&self) -> Vec<String> {
        let of_place = |(place, cards): (&String, &BTreeMap<String, Values>)| -> Vec<String> {
            cards.keys().map(|name| format!("{place}.{name}")).collect()
        };
        self.places.iter().flat_map(of_place).collect()
    }

    /// One value of a card, named by place and name, on the first day; `codice_fiscale` also where it is made.
    ///
    /// # Panics
    /// When there is no such card or it has no such value.
    pub fn value(&self, card: &str, column: &str) -> String {
        let (place, name) = card.split_once('.').expect("place and name");
        let values = finished(self.values(place, name));
        values
            .get(column)
            .unwrap_or_else(|| panic!("{card} has no {column}"))
            .clone()
    }

    /// The exports of a municipality, the first and the one after it.
    ///
    /// # Panics
    /// When a card has a column that there is not.
    pub fn exports(&self, place: &str) -> [Vec<u8>; 2] {
        let none = BTreeMap::new();
        let names = self.places.get(place).unwrap_or(&none).keys();
        let rows: Vec<Values> = names.map(|name| self.values(place, name)).collect();
        let later: Vec<Values> = rows
            .iter()
            .map(|values| {
                let mut values = values.clone();
                let changes = self
                    .later
                    .get(place)
                    .and_then(|place| place.get(&values["scheda"]));
                values.extend(changes.cloned().unwrap_or_default());
                values
            })
            .collect();
        [export(&rows), export(&later)]
    }

    /// The values of a card on the first day.
    fn values(&self, place: &str, name: &str) -> Values {
        let own = self.places.get(place).and_then(|cards| cards.get(name));
        let mut values = self.common.clone();
        values.extend(own.unwrap_or_else(|| panic!("no card {place}.{name}")).clone());
        values.insert("scheda".to_owned(), name.to_owned());
        values
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
    for row in rows.iter().flat_map(copies) {
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

/// The card, or as many as its row says.
fn copies(row: &Values) -> Vec<Values> {
    let mut row = row.clone();
    let Some(count) = row.remove("copies") else {
        return vec![finished(row)];
    };
    let copy = |number: u64| {
        let mut card = row.clone();
        let born = day(&row["data_nascita"]) + Days::new(number);
        card.insert("data_nascita".to_owned(), born.to_string());
        for column in ["scheda", "famiglia"] {
            card.insert(column.to_owned(), format!("{}-{number}", row["scheda"]));
        }
        finished(card)
    };
    (0..count.parse().expect("a number")).map(copy).collect()
}

/// The row with its codice fiscale.
fn finished(mut row: Values) -> Values {
    let place = row.remove("catastale").unwrap_or_else(|| "A944".to_owned());
    if row.contains_key("codice_fiscale") {
        return row;
    }
    let text = |column: &str| row.get(column).map_or("", String::as_str);
    let sex = match text("sesso") {
        "M" => Sex::Male,
        _ => Sex::Female,
    };
    let place = CadastralCode::parse(&place).expect("a cadastral code");
    let born = day(text("data_nascita"));
    let code = CodiceFiscale::compute(text("cognome"), text("nome"), sex, born, place);
    let code = code.expect("the generalities make a codice fiscale");
    row.insert("codice_fiscale".to_owned(), code.as_str().to_owned());
    row
}
