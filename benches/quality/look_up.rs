//! Seeking a person as somebody does who may search: with everything that is known, and with less where that finds
//! nobody.
//!
//! The name index finds candidates, the matcher scores and ranks them, and more persons than an agreement shows at most
//! are told as none: what the search of an index does for a caller who may see everybody.

use std::collections::HashMap;
use std::fmt;
use std::ops::ControlFlow;

use chrono::{Datelike, NaiveDate};
use registry::date::PartialDate;
use registry::identifier::{PersonId, RecordId};
use registry::matching::{BirthDateRange, Candidate, Extent, Match, NameQuery, PersonQuery, rank};
use registry::record::{Generalities, PersonName, Record};
use store::name_index::{CodesAsked, IndexedCard, NameIndex};

/// Hits that an agreement shows at most (ANPR EN175).
pub const MOST_HITS: usize = 50;

/// What somebody knows, or believes to know, of a person.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Surname.
    pub surname: Option<String>,
    /// Given names.
    pub given_name: Option<String>,
    /// Day of birth.
    pub birth: Option<NaiveDate>,
}

/// The people who are searched.
#[derive(Debug, Default)]
pub struct People {
    index: NameIndex,
    held: HashMap<RecordId, Generalities>,
}

/// What is asked, in the order in which it is: the first that finds somebody ends a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Everything that is known.
    Everything,
    /// Both names, with day and month of birth in each other's place.
    NamesAndSwappedDay,
    /// Surname and day of birth.
    SurnameAndDay,
    /// Given name and day of birth.
    GivenNameAndDay,
    /// Both names, and the year of birth.
    NamesAndYear,
    /// Both names.
    Names,
    /// The surname as if it were a given name, and the day of birth.
    SurnameAsGivenNameAndDay,
    /// The given name as if it were a surname, and the day of birth.
    GivenNameAsSurnameAndDay,
    /// The surname.
    Surname,
}

/// How a look-up ended.
#[derive(Debug)]
pub struct Ending {
    /// The question that found somebody; `None` where none did.
    pub question: Option<Question>,
    /// Whether that one stated the day of birth.
    pub states_day: bool,
    /// Who was found, best first.
    pub hits: Vec<(RecordId, u16)>,
    /// Questions asked.
    pub asked: usize,
}

/// The order of equal scores, as a search has it: names, birth date, and the card's id.
type Order = (Option<PersonName>, Option<PersonName>, [NaiveDate; 2], RecordId);

impl Question {
    /// All, in their order.
    pub const ORDER: [Self; 9] = [
        Self::Everything,
        Self::NamesAndSwappedDay,
        Self::SurnameAndDay,
        Self::NamesAndYear,
        Self::GivenNameAndDay,
        Self::Names,
        Self::SurnameAsGivenNameAndDay,
        Self::GivenNameAsSurnameAndDay,
        Self::Surname,
    ];

    /// The question about somebody: nothing where what it needs is not known, or what is known is no question.
    pub fn about(self, known: &Known) -> Option<PersonQuery> {
        let surname = known.surname.as_deref();
        let given_name = known.given_name.as_deref();
        let day = known.birth.and_then(|day| BirthDateRange::new(day, day).ok());
        let (surname, given_name, birth) = match self {
            // A day may be unknown here, and a name that is no question is not asked.
            Self::Everything => {
                let asked = |name: &&str| NameQuery::new(Some((name, Extent::Whole)), None).is_ok();
                (surname.filter(asked), given_name.filter(asked), day)
            }
            Self::NamesAndSwappedDay => {
                let day = known.birth?;
                let swapped = NaiveDate::from_ymd_opt(day.year(), day.day(), day.month())?;
                let swapped = BirthDateRange::new(swapped, swapped).ok()?;
                (Some(surname?), Some(given_name?), Some(swapped))
            }
            Self::SurnameAndDay => (Some(surname?), None, Some(day?)),
            Self::GivenNameAndDay => (None, Some(given_name?), Some(day?)),
            Self::NamesAndYear => (Some(surname?), Some(given_name?), Some(year_of(known.birth?)?)),
            Self::Names => (Some(surname?), Some(given_name?), None),
            Self::SurnameAsGivenNameAndDay => (None, Some(surname?), Some(day?)),
            Self::GivenNameAsSurnameAndDay => (Some(given_name?), None, Some(day?)),
            Self::Surname => (Some(surname?), None, None),
        };
        let whole = |name| (name, Extent::Whole);
        let names = NameQuery::new(surname.map(whole), given_name.map(whole)).ok()?;
        PersonQuery::new(Some(names), None, birth, None).ok()
    }
}

impl People {
    /// Takes a person in.
    ///
    /// # Panics
    /// When the card's municipality is none.
    pub fn hold(&mut self, record: RecordId, card: &Record) {
        let indexed = IndexedCard::of(PersonId(record.0), card).expect("a municipality of the table");
        self.index.add(record, &indexed);
        self.held.insert(record, card.generalities.clone());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Who answers a question, best first, as if one of them were not there; nobody where they are more than may be
    /// shown.
    pub fn ask(&self, query: &PersonQuery, without: Option<RecordId>) -> Vec<(RecordId, u16)> {
        let mut hits: Vec<(Match, Order)> = Vec::new();
        let mut too_many = false;
        self.index
            .read()
            .candidates(query, CodesAsked::Current, &mut |candidate| {
                let record = candidate.record;
                if Some(record) != without
                    && let Some(hit) = self.score(query, record)
                {
                    hits.push(hit);
                }
                too_many = MOST_HITS < hits.len();
                if too_many {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
        if too_many {
            return Vec::new();
        }
        rank(&mut hits);
        let hits = hits.into_iter();
        hits.map(|(found, (.., record))| (record, found.score)).collect()
    }

    /// Asks one question after the other until one finds somebody.
    pub fn look_up(&self, known: &Known, without: Option<RecordId>) -> Ending {
        let mut before: Option<PersonQuery> = None;
        let mut asked = 0;
        for question in Question::ORDER {
            // Where less is known, two may be the same question.
            let query = question
                .about(known)
                .filter(|query| before.as_ref() != Some(query));
            let Some(query) = query else { continue };
            asked += 1;
            let hits = self.ask(&query, without);
            if !hits.is_empty() {
                let states_day = query.birth_date().is_some_and(|days| days.first() == days.last());
                return Ending {
                    question: Some(question),
                    states_day,
                    hits,
                    asked,
                };
            }
            before = Some(query);
        }
        Ending {
            question: None,
            states_day: false,
            hits: Vec::new(),
            asked,
        }
    }

    fn score(&self, query: &PersonQuery, record: RecordId) -> Option<(Match, Order)> {
        let generalities = self.held.get(&record)?;
        let found = query.score(&Candidate {
            generalities,
            tax_codes: &[],
            municipality: None,
        })?;
        let birth = generalities.birth_date;
        let order = (
            generalities.surname.clone(),
            generalities.given_name.clone(),
            [birth.earliest(), birth.latest()],
            record,
        );
        Some((found, order))
    }
}

fn year_of(day: NaiveDate) -> Option<BirthDateRange> {
    let year = PartialDate::new(day.year(), None, None).ok()?;
    Some(BirthDateRange::of(year))
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Known(..)")
    }
}
