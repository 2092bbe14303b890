//! The truth beside synthetic days: what stood on every card, from when, and from when until when it was known.
//!
//! A file of truth has one JSON object a line: a [`TruthHeader`], then a [`TruthCard`] for each card of each
//! municipality. The simulator writes down what it decided, fact by fact; nothing in it is derived from rows, and
//! nothing of the product's history is used, so that the two can be compared. The rules by which a question is
//! answered are those of [`Truth::answer`] and nothing else.

mod dates;

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use registry::code::HouseholdKind;
use registry::record::{HouseholdLink, Place, Residence, ResidenceStanding};

/// Version of the file.
pub const FORMAT: u32 = 1;

/// First line of a file of truth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TruthHeader {
    /// Version of the file.
    pub format: u32,
    /// Seed of the people.
    pub seed: u64,
    /// Day of the total export: nothing is known before it.
    #[serde(with = "dates::day")]
    pub first_export: NaiveDate,
    /// Day of the last incremental export.
    #[serde(with = "dates::day")]
    pub last_export: NaiveDate,
    /// Municipalities, by ISTAT code.
    pub municipalities: Vec<String>,
}

/// Everything that ever stood on one card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TruthCard {
    /// The person: the same for all cards of one, in whatever municipality.
    pub person: String,
    /// Municipality that keeps the card, by ISTAT code.
    pub municipality: String,
    /// The municipality's number for the card.
    pub card: String,
    /// The facts, in the order in which they were learnt.
    pub facts: Vec<TruthFact>,
}

/// A statement, from when it holds, and how long the registry made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TruthFact {
    /// Day of the first export that makes the statement.
    #[serde(with = "dates::day")]
    pub known_from: NaiveDate,
    /// Day of the export that takes it back; absent while it stands.
    #[serde(with = "dates::optional", default, skip_serializing_if = "Option::is_none")]
    pub known_until: Option<NaiveDate>,
    /// Legal effective date; of a death its day; absent where nobody knows it, and for what has none.
    #[serde(with = "dates::optional", default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// What is stated.
    #[serde(flatten)]
    pub statement: Statement,
}

/// What a card states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "aspect", rename_all = "snake_case")]
pub enum Statement {
    /// Names.
    Names {
        /// Surname.
        surname: Option<String>,
        /// Given names.
        given_name: Option<String>,
    },
    /// Every codice fiscale, the current one last.
    TaxCodes {
        /// The codes.
        codes: Vec<String>,
    },
    /// Civil status.
    CivilStatus {
        /// Code of table 1.
        code: String,
    },
    /// Citizenships.
    Citizenships {
        /// Codes of states.
        codes: Vec<String>,
    },
    /// Residence.
    Residence(Dwelling),
    /// Family or convivenza.
    Household(Link),
    /// Entry into the register.
    Registration {
        /// Code of table 7.
        reason: String,
    },
    /// Exit from the register.
    Cancellation {
        /// Code of table 15.
        reason: String,
    },
    /// Death.
    Death,
}

/// A residence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dwelling {
    /// The address as one text ([`address_text`]).
    pub address: String,
    /// Whether the check of it is open.
    pub provisional: bool,
}

/// A place in a household.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The municipality's number of the household.
    pub household: String,
    /// Letter of the table (F or C) and code of it.
    pub role: String,
}

/// Kinds of statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// Names.
    Names,
    /// Codici fiscali.
    TaxCodes,
    /// Civil status.
    CivilStatus,
    /// Citizenships.
    Citizenships,
    /// Residence.
    Residence,
    /// Household.
    Household,
    /// Registration.
    Registration,
    /// Cancellation.
    Cancellation,
    /// Death.
    Death,
}

/// How the person of a card stands to the register on the reference date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Registered, or registered only later.
    Registered,
    /// Gone, alive.
    Cancelled,
    /// Dead.
    Dead,
}

/// A fact on the reference date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told<T> {
    /// It held.
    Held {
        /// Since when, where that is known.
        from: Option<NaiveDate>,
        /// What.
        value: T,
    },
    /// The reference date lies before everything that is known.
    NoHistoryBefore(NaiveDate),
    /// There is no such fact on that day.
    NotHeld,
}

/// What a registrar answers about one card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardAnswer {
    /// Standing.
    pub standing: Standing,
    /// Reason and effective date of the entry, once it had taken effect.
    pub registration: Option<(String, Option<NaiveDate>)>,
    /// Reason and effective date of the exit, once the person had left alive.
    pub cancellation: Option<(String, NaiveDate)>,
    /// Day of death, from the day after it.
    pub death: Option<NaiveDate>,
    /// Surname and given names.
    pub names: (Option<String>, Option<String>),
    /// Codici fiscali, the current one last.
    pub tax_codes: Vec<String>,
    /// Civil status.
    pub civil_status: Told<String>,
    /// Citizenships.
    pub citizenships: Told<Vec<String>>,
    /// Residence.
    pub residence: Told<Dwelling>,
    /// Household.
    pub household: Told<Link>,
    /// Cards and roles of all who belong to that household, by card.
    pub members: BTreeMap<String, String>,
}

/// A file of truth, read.
#[derive(Debug)]
pub struct Truth {
    header: TruthHeader,
    cards: Vec<TruthCard>,
    by_person: BTreeMap<String, Vec<usize>>,
    by_household: BTreeMap<(String, String), Vec<usize>>,
}

/// Why a file of truth cannot be read. The line is not repeated: it is somebody's.
#[derive(Debug, thiserror::Error)]
pub enum TruthError {
    /// The source failed.
    #[error("the file of truth cannot be read")]
    Io(#[from] io::Error),
    /// A line that is not what it should be.
    #[error("line {0} of the file of truth is not understood")]
    Line(usize),
    /// Another version.
    #[error("the file of truth has format {0}, not {FORMAT}")]
    Format(u32),
}

impl Dwelling {
    /// A residence, as the truth states it.
    pub fn of(residence: &Residence) -> Self {
        Self {
            address: address_text(&residence.place),
            provisional: residence.standing == ResidenceStanding::Provisional,
        }
    }
}

impl Link {
    /// A place in a household, as the truth states it.
    pub fn of(link: &HouseholdLink) -> Self {
        let letter = match link.role.kind() {
            HouseholdKind::Family => 'F',
            HouseholdKind::Convivenza => 'C',
        };
        Self {
            household: link.household.to_string(),
            role: format!("{letter}{}", link.role.code()),
        }
    }
}

impl Statement {
    /// Which kind it is.
    pub fn aspect(&self) -> Aspect {
        match self {
            Self::Names { .. } => Aspect::Names,
            Self::TaxCodes { .. } => Aspect::TaxCodes,
            Self::CivilStatus { .. } => Aspect::CivilStatus,
            Self::Citizenships { .. } => Aspect::Citizenships,
            Self::Residence(_) => Aspect::Residence,
            Self::Household(_) => Aspect::Household,
            Self::Registration { .. } => Aspect::Registration,
            Self::Cancellation { .. } => Aspect::Cancellation,
            Self::Death => Aspect::Death,
        }
    }
}

impl Truth {
    /// Reads a file.
    ///
    /// # Errors
    /// See [`TruthError`].
    pub fn read(input: impl BufRead) -> Result<Self, TruthError> {
        let mut lines = input.lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        let header: TruthHeader = serde_json::from_str(&first).map_err(|_| TruthError::Line(1))?;
        if header.format != FORMAT {
            return Err(TruthError::Format(header.format));
        }
        let mut truth = Self {
            header,
            cards: Vec::new(),
            by_person: BTreeMap::new(),
            by_household: BTreeMap::new(),
        };
        for (number, line) in (2..).zip(lines) {
            let card = serde_json::from_str(&line?).map_err(|_| TruthError::Line(number))?;
            truth.add(card);
        }
        Ok(truth)
    }

    fn add(&mut self, card: TruthCard) {
        let at = self.cards.len();
        self.by_person.entry(card.person.clone()).or_default().push(at);
        for fact in &card.facts {
            if let Statement::Household(link) = &fact.statement {
                let household = (card.municipality.clone(), link.household.clone());
                let cards = self.by_household.entry(household).or_default();
                if cards.last() != Some(&at) {
                    cards.push(at);
                }
            }
        }
        self.cards.push(card);
    }

    /// The first line.
    pub fn header(&self) -> &TruthHeader {
        &self.header
    }

    /// Every card.
    pub fn cards(&self) -> &[TruthCard] {
        &self.cards
    }

    /// The cards of the person of a card, itself included.
    pub fn cards_of(&self, person: &str) -> impl Iterator<Item = &TruthCard> {
        let at = self.by_person.get(person).map_or(&[][..], Vec::as_slice);
        at.iter().filter_map(|at| self.cards.get(*at))
    }

    /// What a registrar says of a card at `reference`, out of what the exports up to `known_on` had said; `None`
    /// where they had not named the card, or had withdrawn it.
    pub fn answer(&self, card: &TruthCard, reference: NaiveDate, known_on: NaiveDate) -> Option<CardAnswer> {
        let known = Known { card, known_on };
        let (entered, entry) = known.only(Aspect::Registration)?;
        let standing = known.standing(reference);
        let present = standing == Standing::Registered;
        let names = known.only(Aspect::Names).map(|(_, statement)| statement);
        let codes = known.only(Aspect::TaxCodes).map(|(_, statement)| statement);
        let household = known.told_while(
            present,
            Aspect::Household,
            reference,
            |statement| match statement {
                Statement::Household(link) => Some(link.clone()),
                _ => None,
            },
        );
        let members = match &household {
            Told::Held { value, .. } => {
                self.members(&card.municipality, &value.household, reference, known_on)
            }
            Told::NoHistoryBefore(_) | Told::NotHeld => BTreeMap::new(),
        };
        Some(CardAnswer {
            standing,
            registration: match entry {
                Statement::Registration { reason } if entered.is_none_or(|from| from <= reference) => {
                    Some((reason.clone(), entered))
                }
                _ => None,
            },
            cancellation: match known.only(Aspect::Cancellation) {
                Some((Some(from), Statement::Cancellation { reason })) if !present && from <= reference => {
                    Some((reason.clone(), from))
                }
                _ => None,
            },
            death: known
                .only(Aspect::Death)
                .and_then(|(day, _)| day)
                .filter(|_| standing == Standing::Dead),
            names: match names {
                Some(Statement::Names { surname, given_name }) => (surname.clone(), given_name.clone()),
                _ => (None, None),
            },
            tax_codes: match codes {
                Some(Statement::TaxCodes { codes }) => codes.clone(),
                _ => Vec::new(),
            },
            civil_status: known.told(Aspect::CivilStatus, reference, |statement| match statement {
                Statement::CivilStatus { code } => Some(code.clone()),
                _ => None,
            }),
            citizenships: known.told(Aspect::Citizenships, reference, |statement| match statement {
                Statement::Citizenships { codes } => Some(codes.clone()),
                _ => None,
            }),
            residence: known.told_while(
                present,
                Aspect::Residence,
                reference,
                |statement| match statement {
                    Statement::Residence(dwelling) => Some(dwelling.clone()),
                    _ => None,
                },
            ),
            household,
            members,
        })
    }

    fn members(
        &self,
        municipality: &str,
        household: &str,
        reference: NaiveDate,
        known_on: NaiveDate,
    ) -> BTreeMap<String, String> {
        let place = (municipality.to_owned(), household.to_owned());
        let candidates = self.by_household.get(&place).map_or(&[][..], Vec::as_slice);
        let cards = candidates.iter().filter_map(|at| self.cards.get(*at));
        let belonging = cards.filter_map(|card| {
            let known = Known { card, known_on };
            known.only(Aspect::Registration)?;
            let present = known.standing(reference) == Standing::Registered;
            let link = known.told_while(
                present,
                Aspect::Household,
                reference,
                |statement| match statement {
                    Statement::Household(link) => Some(link.clone()),
                    _ => None,
                },
            );
            match link {
                Told::Held { value, .. } if value.household == household => {
                    Some((card.card.clone(), value.role))
                }
                Told::Held { .. } | Told::NoHistoryBefore(_) | Told::NotHeld => None,
            }
        });
        belonging.collect()
    }
}

/// What was known of a card on a day.
#[derive(Clone, Copy)]
struct Known<'a> {
    card: &'a TruthCard,
    known_on: NaiveDate,
}

impl<'a> Known<'a> {
    fn facts(self, aspect: Aspect) -> impl Iterator<Item = &'a TruthFact> {
        self.card.facts.iter().filter(move |fact| {
            fact.statement.aspect() == aspect
                && fact.known_from <= self.known_on
                && fact.known_until.is_none_or(|until| self.known_on < until)
        })
    }

    /// The statement of an aspect of which a card makes one at a time.
    fn only(self, aspect: Aspect) -> Option<(Option<NaiveDate>, &'a Statement)> {
        self.facts(aspect).last().map(|fact| (fact.from, &fact.statement))
    }

    /// Dead from the day after death; else gone from the effective date of the exit on, where it is not for death.
    fn standing(self, reference: NaiveDate) -> Standing {
        let death = self.only(Aspect::Death).and_then(|(day, _)| day);
        if death.is_some_and(|day| day < reference) {
            return Standing::Dead;
        }
        match self.only(Aspect::Cancellation) {
            Some((Some(from), Statement::Cancellation { reason }))
                if from <= reference && !(death.is_some() && is_death(reason)) =>
            {
                Standing::Cancelled
            }
            _ => Standing::Registered,
        }
    }

    /// The statement that began last by the reference date.
    fn told<T>(
        self,
        aspect: Aspect,
        reference: NaiveDate,
        value: impl Fn(&Statement) -> Option<T>,
    ) -> Told<T> {
        let begun = self
            .facts(aspect)
            .filter(|fact| fact.from.is_none_or(|from| from <= reference))
            .max_by_key(|fact| fact.from);
        if let Some(fact) = begun {
            return value(&fact.statement).map_or(Told::NotHeld, |value| Told::Held {
                from: fact.from,
                value,
            });
        }
        let first = self.facts(aspect).filter_map(|fact| fact.from).min();
        first.map_or(Told::NotHeld, Told::NoHistoryBefore)
    }

    /// As [`Self::told`], of what holds while the person is registered: what has no start of its own holds since the
    /// registration.
    fn told_while<T>(
        self,
        present: bool,
        aspect: Aspect,
        reference: NaiveDate,
        value: impl Fn(&Statement) -> Option<T>,
    ) -> Told<T> {
        if !present {
            return Told::NotHeld;
        }
        let told = self.told(aspect, reference, value);
        let entered = self.only(Aspect::Registration).and_then(|(from, _)| from);
        match (&told, entered) {
            (Told::Held { from: None, .. }, Some(entered)) if reference < entered => {
                Told::NoHistoryBefore(entered)
            }
            _ => told,
        }
    }
}

/// Whether a reason of table 15 is death.
fn is_death(reason: &str) -> bool {
    matches!(reason, "1" | "2")
}

/// A place of residence as one text, equal exactly for equal places.
pub fn address_text(place: &Place) -> String {
    match place {
        Place::Notional { municipality } => format!("senza fissa dimora, {municipality}"),
        Place::Foreign(address) => {
            format!("{}|{}|{}", address.state, address.locality, address.line)
        }
        Place::Italian(address) => {
            let number = address
                .number
                .map(|number| number.to_string())
                .unwrap_or_default();
            [
                address.municipality.as_str(),
                &address.postcode,
                &address.hamlet,
                &address.species.code().to_string(),
                &address.street,
                &address.street_code,
                &number,
                &address.suffix,
                &address.staircase,
                &address.unit,
            ]
            .join("|")
        }
    }
}
