//! Persons every datum of whom is another, so that whatever of it is found in an answer tells whose it is and from which
//! column: `tests/data/oracle/cards.toml`.

use std::collections::BTreeMap;

use agreement::ascertainment::Ascertainment;
use agreement::field::{Field, FieldSet};
use support::cards::{Cards, PLACES};
use support::region::Region;
use support::search::Canary;
use tonic_prost::prost::Message;
use wire::proto::registry::v1 as card;

use crate::ask::date;

const CARDS: &str = include_str!("../data/oracle/cards.toml");

/// Reference date before anybody moved, left or died.
pub(crate) const PAST: &str = "2015-01-01";

/// Data of a card that are looked for, by column, and what opens them; the others are the same on many cards, and are
/// looked at as fields of the answer.
const COLUMNS: [(&str, Opens); 32] = [
    ("scheda", Opens::Never),
    ("cognome", Opens::By(Field::Surname)),
    ("nome", Opens::By(Field::GivenName)),
    ("data_nascita", Opens::By(Field::BirthDate)),
    ("localita_nascita", Opens::By(Field::BirthPlace)),
    ("codice_fiscale", Opens::AsTaxCode),
    ("decorrenza_cf", Opens::AsTaxCode),
    ("id_anpr", Opens::By(Field::NationalId)),
    ("decorrenza_stato_civile", Opens::AsCivilStatus),
    ("decorrenza_cittadinanze", Opens::By(Field::Citizenships)),
    ("padre_cognome", Opens::AsFather),
    ("padre_nome", Opens::AsFather),
    ("padre_codice_fiscale", Opens::Never),
    ("madre_cognome", Opens::AsMother),
    ("madre_nome", Opens::AsMother),
    ("via", Opens::AsResidence),
    ("frazione", Opens::AsResidence),
    ("interno", Opens::AsResidence),
    ("localita_estera", Opens::AsResidence),
    ("indirizzo_estero", Opens::AsResidence),
    ("decorrenza_residenza", Opens::AsResidence),
    ("famiglia", Opens::Never),
    ("decorrenza_legame", Opens::By(Field::Household)),
    ("carta_numero", Opens::By(Field::IdentityDocument)),
    ("carta_comune", Opens::By(Field::IdentityDocument)),
    ("carta_rilascio", Opens::By(Field::IdentityDocument)),
    ("iscrizione_comune", Opens::By(Field::Registration)),
    ("iscrizione_decorrenza", Opens::By(Field::Registration)),
    ("cancellazione_comune", Opens::AfterwardsBy(Field::Cancellation)),
    (
        "cancellazione_decorrenza",
        Opens::AfterwardsBy(Field::Cancellation),
    ),
    ("decesso_data", Opens::AfterwardsBy(Field::Death)),
    ("decesso_comune", Opens::AsPlaceOfDeath),
];

/// What opens a datum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opens {
    /// Nothing: no agency is ever shown it.
    Never,
    By(Field),
    /// The field, but not of a day before it happened.
    AfterwardsBy(Field),
    AsTaxCode,
    AsCivilStatus,
    AsFather,
    AsMother,
    AsResidence,
    AsPlaceOfDeath,
}

/// Whether a datum was on the card all the time, or another before or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Era {
    Always,
    Former,
    Latter,
}

/// Of what day a call asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Day {
    Past,
    Today,
}

/// A datum of a card.
#[derive(Clone, Debug)]
pub(crate) struct Datum {
    /// Whose it is: the place among the cards.
    pub(crate) card: usize,
    /// Of which column.
    pub(crate) column: &'static str,
    opens: Opens,
    era: Era,
}

/// A card: what an agency may know in order to ask, and what decides whether it is shown.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    pub(crate) name: String,
    pub(crate) municipality: &'static str,
    pub(crate) household: String,
    pub(crate) code: String,
    pub(crate) national_id: String,
    pub(crate) surname: String,
    pub(crate) given_name: String,
    pub(crate) generalities: card::Generalities,
    /// Street of today.
    pub(crate) street: String,
    /// Street before the last move.
    pub(crate) former_street: String,
    pub(crate) abroad: bool,
    pub(crate) minor: bool,
    pub(crate) dead: bool,
    pub(crate) left: bool,
    /// The place must not be told: of whoever is protected, and of who shares the dwelling.
    pub(crate) sheltered: bool,
    pub(crate) protected: bool,
}

/// The cards, and what is looked for.
pub(crate) struct World {
    pub(crate) cards: Vec<Card>,
    pub(crate) data: Vec<Datum>,
    /// Labelled by the places of the data.
    pub(crate) canary: Canary,
}

impl Datum {
    /// Whether a call that is granted these fields, of a day and perhaps of one kind of ascertainment, may show it.
    pub(crate) fn may_be_shown(&self, granted: FieldSet, day: Day, kind: Option<Ascertainment>) -> bool {
        let any = |fields: &[Field]| fields.iter().any(|field| granted.contains(*field));
        match self.opens {
            Opens::Never => false,
            Opens::By(field) => any(&[field]),
            Opens::AfterwardsBy(field) => day == Day::Today && any(&[field]),
            // A codice fiscale is the one of today whatever the day.
            Opens::AsTaxCode => match self.era {
                Era::Former => any(&[Field::TaxCodeHistory]),
                Era::Always | Era::Latter => any(&[Field::TaxCode, Field::TaxCodeHistory]),
            },
            // Nobody here is married, widowed or in a civil union.
            Opens::AsCivilStatus => {
                let other = [
                    Ascertainment::Marriage,
                    Ascertainment::Widowhood,
                    Ascertainment::CivilUnion,
                ];
                any(&[Field::CivilStatus]) && kind.is_none_or(|kind| !other.contains(&kind))
            }
            Opens::AsFather => any(&[Field::Parents]) && kind != Some(Ascertainment::Maternity),
            Opens::AsMother => any(&[Field::Parents]) && kind != Some(Ascertainment::Paternity),
            Opens::AsResidence => match (self.era, day) {
                (Era::Always, _) | (Era::Former, Day::Past) | (Era::Latter, Day::Today) => {
                    any(&[Field::Residence, Field::ResidenceHistory])
                }
                (Era::Former, Day::Today) => any(&[Field::ResidenceHistory]),
                (Era::Latter, Day::Past) => false,
            },
            Opens::AsPlaceOfDeath => {
                let without = [Ascertainment::ExistenceInLife, Ascertainment::Residence];
                let left_out = kind.is_some_and(|kind| without.contains(&kind));
                day == Day::Today && any(&[Field::Death]) && !left_out
            }
        }
    }

    /// Whether any call could show it.
    pub(crate) fn is_ever_shown(&self) -> bool {
        self.opens != Opens::Never
    }
}

impl World {
    /// Reads the cards.
    ///
    /// # Panics
    /// When two data are the same.
    pub(crate) fn read() -> Self {
        let table: toml::Table = toml::from_str(CARDS).expect("the cards are well formed");
        let all = Cards::read(&[CARDS]);
        let mut cards = Vec::new();
        let mut words: Vec<(Datum, String)> = Vec::new();
        for name in all.names() {
            let (place, own) = name.split_once('.').expect("place and name");
            let text = |table: &toml::Table, path: &[&str], column: &str| {
                let mut inner = Some(table);
                for key in path {
                    inner = inner
                        .and_then(|table| table.get(*key))
                        .and_then(toml::Value::as_table);
                }
                let value = inner
                    .and_then(|table| table.get(column))
                    .and_then(toml::Value::as_str);
                value.filter(|value| !value.is_empty()).map(str::to_owned)
            };
            let first = |column: &str| match column {
                "scheda" => Some(own.to_owned()),
                "codice_fiscale" => Some(all.value(&name, column)),
                _ => text(&table, &[place, own], column),
            };
            let later = |column: &str| text(&table, &["later", place, own], column);
            let number = cards.len();
            for (column, opens) in COLUMNS {
                let (before, after) = (first(column), later(column));
                let eras = if after.is_some() {
                    [Era::Former, Era::Latter]
                } else {
                    [Era::Always, Era::Latter]
                };
                for (era, word) in eras.into_iter().zip([before, after]) {
                    let Some(word) = word else { continue };
                    let datum = Datum {
                        card: number,
                        column,
                        opens,
                        era,
                    };
                    words.push((datum, word));
                }
            }
            let now = |column: &str| later(column).or_else(|| first(column)).unwrap_or_default();
            let municipality = PLACES.iter().find(|(of, _)| *of == place).expect("a place").1;
            let sex = match now("sesso").as_str() {
                "M" => card::Sex::Male,
                _ => card::Sex::Female,
            };
            let born_abroad = card::birth_place::Place::Abroad(card::BirthAbroad {
                state: "215".to_owned(),
                locality: now("localita_nascita"),
            });
            cards.push(Card {
                name: name.clone(),
                municipality,
                household: now("famiglia"),
                code: now("codice_fiscale"),
                national_id: now("id_anpr"),
                surname: now("cognome"),
                given_name: now("nome"),
                generalities: card::Generalities {
                    surname: now("cognome"),
                    given_name: now("nome"),
                    sex: sex.into(),
                    birth_date: Some(date(&now("data_nascita"))),
                    birth_place: Some(card::BirthPlace {
                        place: Some(born_abroad),
                    }),
                },
                street: now("via"),
                former_street: first("via").unwrap_or_default(),
                abroad: now("registro") == "AIRE",
                minor: own == "figlia",
                dead: !now("decesso_data").is_empty(),
                left: !now("cancellazione_motivo").is_empty() && now("decesso_data").is_empty(),
                sheltered: ["protetta", "coinquilino"].contains(&own),
                protected: now("protetto") == "S",
            });
        }
        Self {
            canary: canary(&words),
            data: words.into_iter().map(|(datum, _)| datum).collect(),
            cards,
        }
    }

    /// Publishes the cards in two exports of each municipality, an hour apart.
    pub(crate) async fn publish(&self, region: &mut Region) {
        let cards = Cards::read(&[CARDS]);
        let mut exports = Vec::new();
        for (place, municipality) in PLACES {
            let [first, later] = cards.exports(place);
            publish(region, municipality, &first).await;
            exports.push((municipality, later));
        }
        region.clock.advance(std::time::Duration::from_secs(3_600));
        for (municipality, export) in exports {
            publish(region, municipality, &export).await;
        }
    }

    /// The place of a card among the cards.
    ///
    /// # Panics
    /// When there is none of that name.
    pub(crate) fn place(&self, name: &str) -> usize {
        let found = self.cards.iter().position(|card| card.name == name);
        found.unwrap_or_else(|| panic!("no card {name}"))
    }
}

async fn publish(region: &mut Region, municipality: &str, export: &[u8]) {
    let municipality = region.municipality(municipality);
    let report = municipality.import_export(export).await;
    assert_eq!(report.quarantined, 0, "{:?}", report.findings);
    municipality.published().await;
}

/// What is looked for: words in every form, days as the messages that they travel as. Data are shared by those who share a
/// dwelling or a household, and are labelled as of the first: so those of the sheltered are never those of another.
fn canary(words: &[(Datum, String)]) -> Canary {
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut texts, mut days) = (Vec::new(), Vec::new());
    for (number, (datum, word)) in words.iter().enumerate() {
        if let Some(other) = known.insert(word, number) {
            let other = &words[other].0;
            let shared = ["via", "frazione", "interno", "famiglia"].contains(&datum.column);
            assert!(
                shared && other.column == datum.column,
                "{} and {} are the same",
                other.column,
                datum.column
            );
            continue;
        }
        let label = number.to_string();
        let is_day = word.len() == 10 && word.split('-').count() == 3;
        if is_day {
            days.push((label, date(word).encode_to_vec()));
        } else {
            texts.push((label, word.as_str()));
        }
    }
    Canary::new(texts.iter().map(|(label, word)| (label.as_str(), *word))).and_bytes(days)
}
