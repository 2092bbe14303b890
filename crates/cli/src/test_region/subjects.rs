//! The published list of test subjects: who they are, why they are in it, and what is answered about them on a day.
//!
//! The list is `data/test/subjects.toml`. Its cards are rows of the export layout, and reach the index as every card does.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use registry::codice_fiscale::CodiceFiscale;
use registry::date::PartialDate;
use registry::export::COLUMNS;
use registry::identifier::IstatCode;
use registry::record::Sex;
use registry::{municipality, state};
use serde::Deserialize;

use super::words::{WordError, Words};

const LIST: &str = include_str!("../../data/test/subjects.toml");

/// Word for the codice fiscale that the generalities make.
const BASE: &str = "base";
/// Word for its first form of omocodia.
const OMOCODIA: &str = "omocodia";

/// A row of an export, by column.
pub type Row = BTreeMap<String, String>;

/// A municipality of the test region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Town {
    /// In the territory of every agreement.
    Imola,
    /// The same.
    Dozza,
    /// In that of the police and of the public body.
    Medicina,
    /// In that of the police alone.
    CastelSanPietro,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Caller {
    /// Police.
    Police,
    /// A public body.
    Body,
    /// A private association.
    Association,
}

/// A test subject on a day.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Name of the subject in the list; it stays.
    pub id: String,
    /// What it stands for, with others.
    pub group: String,
    /// Why it is in the list, Italian.
    pub italian: String,
    /// The same, English.
    pub english: String,
    /// Codice fiscale by which it is asked for; nothing where there is none.
    pub code: Option<String>,
    /// Its cards.
    pub cards: Vec<Card>,
    /// What is asked about it.
    pub questions: Vec<Question>,
}

/// A card of a subject.
#[derive(Clone, Debug)]
pub struct Card {
    /// Who keeps it.
    pub town: Town,
    /// As it is exported today.
    pub now: Row,
    /// As an earlier export had it, when that had it.
    pub before: Option<Row>,
}

/// A question and its answer.
#[derive(Clone, Debug)]
pub struct Question {
    /// Who asks.
    pub by: Caller,
    /// Arguments of `ponte`.
    pub command: Vec<String>,
    /// Day at which the answer must be true; today where absent.
    pub reference_date: Option<String>,
    /// `FOUND`, answer and reason of a declaration, or the reason of the error.
    pub expect: String,
    /// What each card, member or hit shows, as far as it is stated. There are as many as are stated here.
    pub shown: Vec<Row>,
}

/// Why the list is not one.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Not TOML, or a key is unknown.
    #[error("the list of test subjects is not valid")]
    Toml(#[from] Box<toml::de::Error>),
    /// A word.
    #[error("{subject}: {error}")]
    Word {
        /// Of which subject.
        subject: String,
        /// Why.
        #[source]
        error: WordError,
    },
    /// Something else about a subject.
    #[error("{subject}: {rule}")]
    Subject {
        /// Which.
        subject: String,
        /// What it breaks.
        rule: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawList {
    /// Columns that most cards share.
    common: Row,
    subject: Vec<RawSubject>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSubject {
    id: String,
    group: String,
    it: String,
    en: String,
    /// Columns of every card of the subject.
    #[serde(default)]
    person: Row,
    /// Columns of each card; none where the subject is in no registry.
    #[serde(default)]
    cards: BTreeMap<Town, Row>,
    /// What an earlier export said otherwise, of cards that it had.
    #[serde(default)]
    before: BTreeMap<Town, Row>,
    #[serde(default)]
    question: Vec<RawQuestion>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQuestion {
    by: Caller,
    ask: Ask,
    kind: Option<String>,
    on: Option<String>,
    /// By which identifier; usually the codice fiscale.
    #[serde(default)]
    key: Key,
    /// Flags of the command.
    #[serde(default)]
    with: BTreeMap<String, Value>,
    expect: String,
    #[serde(default)]
    shown: Vec<Row>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Ask {
    Person,
    Household,
    Verify,
    Search,
    Named,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Key {
    /// The codice fiscale of the subject's first card.
    #[default]
    Code,
    /// The one of the earlier export.
    EarlierCode,
    /// The national id.
    NationalId,
}

/// Value of a flag; a list is a flag that is given several times, and `true` one without a value.
#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Truth(bool),
    One(String),
    Several(Vec<String>),
}

impl Town {
    /// Every town.
    pub const ALL: [Self; 4] = [Self::Imola, Self::Dozza, Self::Medicina, Self::CastelSanPietro];

    /// Name in identities and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Imola => "imola",
            Self::Dozza => "dozza",
            Self::Medicina => "medicina",
            Self::CastelSanPietro => "castel-san-pietro",
        }
    }

    /// ISTAT code.
    pub const fn istat(self) -> &'static str {
        match self {
            Self::Imola => "037032",
            Self::Dozza => "037025",
            Self::Medicina => "037037",
            Self::CastelSanPietro => "037020",
        }
    }

    const fn postcode(self) -> &'static str {
        match self {
            Self::Imola => "40026",
            Self::Dozza => "40060",
            Self::Medicina => "40059",
            Self::CastelSanPietro => "40024",
        }
    }
}

impl Caller {
    /// Every caller.
    pub const ALL: [Self; 3] = [Self::Police, Self::Body, Self::Association];

    /// Name of the caller's profile, and of its certificate's files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Police => "police",
            Self::Body => "public-body",
            Self::Association => "association",
        }
    }
}

/// The list as it is on a day.
pub fn list(today: NaiveDate) -> Result<Vec<Subject>, ListError> {
    let RawList { common, subject: raw } = toml::from_str(LIST).map_err(Box::new)?;
    let mut words = Words::of(today);
    let mut cards = Vec::new();
    for (number, subject) in (1..).zip(&raw) {
        let found = subject.cards_on(number, &common, &words)?;
        for (word, code) in found.codes() {
            words.add(format!("{word}:{}", subject.id), code);
        }
        cards.push(found);
    }
    // Questions may name subjects that come later.
    raw.into_iter()
        .zip(cards)
        .map(|(subject, found)| subject.on(found, &words))
        .collect()
}

/// A subject's rows, before its questions are read.
struct Found {
    cards: Vec<Card>,
    /// The code of somebody who is in no registry.
    alone: Option<String>,
}

impl Found {
    fn value(&self, column: &str) -> Option<String> {
        let card = self.cards.first()?;
        card.now.get(column).filter(|value| !value.is_empty()).cloned()
    }

    fn code(&self) -> Option<String> {
        self.value("codice_fiscale").or_else(|| self.alone.clone())
    }

    fn earlier_code(&self) -> Option<String> {
        let earlier = self.cards.iter().find_map(|card| card.before.as_ref())?;
        earlier.get("codice_fiscale").cloned()
    }

    fn codes(&self) -> impl Iterator<Item = (&'static str, String)> {
        let named = [
            ("code", self.code()),
            ("earlier-code", self.earlier_code()),
            ("national-id", self.value("id_anpr")),
        ];
        named
            .into_iter()
            .filter_map(|(word, value)| value.map(|value| (word, value)))
    }
}

impl RawSubject {
    fn broken(&self, rule: &'static str) -> ListError {
        ListError::Subject {
            subject: self.id.clone(),
            rule,
        }
    }

    fn expand(&self, words: &Words, text: &str) -> Result<String, ListError> {
        words.expand(text).map_err(|error| ListError::Word {
            subject: self.id.clone(),
            error,
        })
    }

    fn cards_on(&self, number: u32, common: &Row, words: &Words) -> Result<Found, ListError> {
        let row = |town: Option<Town>, more: &[&Row]| {
            let mut row = common.clone();
            let own = format!("PROVA-{number:03}");
            row.insert("scheda".to_owned(), own.clone());
            row.insert("famiglia".to_owned(), own);
            row.insert("id_anpr".to_owned(), format!("ZT{number:05}PR"));
            if let Some(town) = town {
                row.insert("indirizzo_comune".to_owned(), town.istat().to_owned());
                row.insert("cap".to_owned(), town.postcode().to_owned());
            }
            row.extend(
                more.iter()
                    .flat_map(|more| more.iter().map(|(name, value)| (name.clone(), value.clone()))),
            );
            for (name, value) in &mut row {
                if !COLUMNS.iter().any(|spec| spec.name == name) {
                    return Err(self.broken("a column is none of the export layout"));
                }
                *value = self.expand(words, value)?;
            }
            let base = self.computed(&row)?;
            let code = row
                .entry("codice_fiscale".to_owned())
                .or_insert_with(|| BASE.to_owned());
            if code == BASE {
                *code = base.as_str().to_owned();
            } else if code == OMOCODIA {
                let form = base.omocodes().next();
                *code = form
                    .ok_or_else(|| self.broken("the codice fiscale has no form of omocodia"))?
                    .as_str()
                    .to_owned();
            }
            Ok(row)
        };
        let cards = self.cards.iter().map(|(town, now)| {
            let before = match self.before.get(town) {
                Some(before) => Some(row(Some(*town), &[&self.person, now, before])?),
                None => None,
            };
            Ok(Card {
                town: *town,
                now: row(Some(*town), &[&self.person, now])?,
                before,
            })
        });
        let cards: Vec<Card> = cards.collect::<Result<_, ListError>>()?;
        if !self.before.keys().all(|town| self.cards.contains_key(town)) {
            return Err(self.broken("an earlier card is none of today's"));
        }
        let alone = match cards.first() {
            Some(_) => None,
            None => row(None, &[&self.person])?.remove("codice_fiscale"),
        };
        Ok(Found { cards, alone })
    }

    /// The codice fiscale that the generalities make.
    fn computed(&self, row: &Row) -> Result<CodiceFiscale, ListError> {
        let value = |name: &str| row.get(name).map(String::as_str).unwrap_or_default();
        let sex = match value("sesso") {
            "M" => Sex::Male,
            "F" => Sex::Female,
            _ => return Err(self.broken("the sex is M or F")),
        };
        let birth = PartialDate::parse(value("data_nascita"))
            .map_err(|_| self.broken("the birth date is not valid"))?
            .earliest();
        let born_in = IstatCode::parse(value("istat_nascita"))
            .ok()
            .and_then(|code| municipality::by_istat_at(code, birth))
            .and_then(municipality::Municipality::cadastral);
        let born_abroad = registry::identifier::StateCode::parse(value("stato_nascita"))
            .ok()
            .and_then(state::by_code)
            .and_then(state::State::cadastral);
        let place = born_in
            .or(born_abroad)
            .ok_or_else(|| self.broken("the place of birth has no cadastral code"))?;
        CodiceFiscale::compute(value("cognome"), value("nome"), sex, birth, place)
            .map_err(|_| self.broken("the generalities make no codice fiscale"))
    }

    fn on(self, found: Found, words: &Words) -> Result<Subject, ListError> {
        let questions = self.question.iter().map(|question| {
            let RawQuestion {
                by,
                ask,
                kind,
                on,
                key,
                with,
                expect,
                shown,
            } = question;
            let reference_date = match on {
                Some(day) => Some(self.expand(words, day)?),
                None => None,
            };
            let mut command: Vec<String> = match ask {
                Ask::Person => vec!["person".to_owned()],
                Ask::Household => vec!["household".to_owned()],
                Ask::Search => vec!["search".to_owned()],
                Ask::Named => vec!["named".to_owned()],
                Ask::Verify => vec!["verify".to_owned()],
            };
            command.extend(kind.clone());
            let missing = || self.broken("the subject has no such identifier");
            match (ask, key) {
                (Ask::Search | Ask::Named, _) => {}
                (_, Key::Code) => command.push(found.code().ok_or_else(missing)?),
                (_, Key::EarlierCode) => command.push(found.earlier_code().ok_or_else(missing)?),
                (_, Key::NationalId) => {
                    let id = found.value("id_anpr").ok_or_else(missing)?;
                    command.extend(["--national-id".to_owned(), id]);
                }
            }
            for (flag, value) in with {
                let values = match value {
                    Value::Truth(true) => {
                        command.push(format!("--{flag}"));
                        continue;
                    }
                    Value::Truth(false) => continue,
                    Value::One(value) => std::slice::from_ref(value),
                    Value::Several(values) => values.as_slice(),
                };
                for value in values {
                    command.extend([format!("--{flag}"), self.expand(words, value)?]);
                }
            }
            command.extend(["--profile".to_owned(), by.name().to_owned()]);
            if let Some(day) = &reference_date {
                command.extend(["--reference-date".to_owned(), day.clone()]);
            }
            let shown = shown.iter().map(|row| {
                let values = row
                    .iter()
                    .map(|(path, value)| Ok((path.clone(), self.expand(words, value)?)));
                values.collect::<Result<Row, ListError>>()
            });
            Ok(Question {
                by: *by,
                command,
                reference_date,
                expect: expect.clone(),
                shown: shown.collect::<Result<_, _>>()?,
            })
        });
        let questions = questions.collect::<Result<Vec<_>, ListError>>()?;
        Ok(Subject {
            code: found.code(),
            cards: found.cards,
            questions,
            id: self.id,
            group: self.group,
            italian: self.it,
            english: self.en,
        })
    }
}

#[cfg(test)]
mod tests;
