//! What an agency may ask for by partial data: read, checked, and refused where it would be browsing.

mod birth;
mod error;
mod tax_code;

use std::fmt;

use super::name::{Name, divides};
use super::reading::is_wildcard;
use super::score::NameField;
use crate::municipality::MunicipalityId;
use crate::normal::composed;

pub use self::birth::BirthDateRange;
pub use self::error::{QueryError, QueryField, QueryRule};
pub use self::tax_code::{TaxCodeMatch, TaxCodeQuery};

/// Letters that a partial surname or name has at least (ANPR EHR62).
pub const MIN_NAME_LETTERS: usize = 2;

/// Characters of a name, as of a registered one.
const MAX_NAME_LENGTH: usize = 80;

/// Letters of each name that may be left open by `?`.
const MAX_OPEN_LETTERS: usize = 3;

/// What somebody knows of the person who is sought: a key that selects, and what narrows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonQuery {
    names: Option<NameQuery>,
    tax_code: Option<TaxCodeQuery>,
    birth_date: Option<BirthDateRange>,
    municipality: Option<MunicipalityId>,
}

/// Surname, given name or both.
#[derive(Clone, PartialEq, Eq)]
pub struct NameQuery {
    surname: Option<Name>,
    given_name: Option<Name>,
}

/// Whether a name is given whole or is the beginning of one (ANPR's indicator of search by part, EN149: 1 says so of
/// the surname, 2 of the name, 3 of both).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The whole name, or one word of it.
    Whole,
    /// Its last word is the beginning of a word, as if `*` followed.
    Beginning,
}

impl PersonQuery {
    /// Puts a question together.
    ///
    /// # Errors
    ///
    /// [`QueryRule::NoKey`] without names and without codice fiscale: a birth date or a municipality selects nobody.
    pub fn new(
        names: Option<NameQuery>,
        tax_code: Option<TaxCodeQuery>,
        birth_date: Option<BirthDateRange>,
        municipality: Option<MunicipalityId>,
    ) -> Result<Self, QueryError> {
        if names.is_none() && tax_code.is_none() {
            return Err(QueryError::new(QueryField::Surname, QueryRule::NoKey));
        }
        Ok(Self {
            names,
            tax_code,
            birth_date,
            municipality,
        })
    }

    /// Surname and given name.
    pub fn names(&self) -> Option<&NameQuery> {
        self.names.as_ref()
    }

    /// Beginning of a codice fiscale.
    pub fn tax_code(&self) -> Option<&TaxCodeQuery> {
        self.tax_code.as_ref()
    }

    /// Days of birth.
    pub fn birth_date(&self) -> Option<BirthDateRange> {
        self.birth_date
    }

    /// Municipality that keeps the card.
    pub fn municipality(&self) -> Option<MunicipalityId> {
        self.municipality
    }
}

impl NameQuery {
    /// Reads a surname, a given name or both; at least one.
    ///
    /// A name has 2 letters at least and 80 characters at most. It may have one `*` (any letters or none) and three `?`
    /// (one letter each); its first two letters are never left open, and every word begins with a letter.
    ///
    /// # Errors
    ///
    /// The first rule that is broken, with its field; never what was asked for.
    pub fn new(
        surname: Option<(&str, Extent)>,
        given_name: Option<(&str, Extent)>,
    ) -> Result<Self, QueryError> {
        if surname.is_none() && given_name.is_none() {
            return Err(QueryError::new(QueryField::Surname, QueryRule::NoKey));
        }
        let read = |asked: Option<(&str, Extent)>, field| {
            asked
                .map(|(text, extent)| parse(text, extent).map_err(|rule| QueryError::new(field, rule)))
                .transpose()
        };
        Ok(Self {
            surname: read(surname, QueryField::Surname)?,
            given_name: read(given_name, QueryField::GivenName)?,
        })
    }

    /// The fields asked for.
    pub fn fields(&self) -> impl Iterator<Item = NameField> {
        let surname = self.surname.is_some().then_some(NameField::Surname);
        let given_name = self.given_name.is_some().then_some(NameField::GivenName);
        surname.into_iter().chain(given_name)
    }

    pub(super) fn part(&self, field: NameField) -> Option<&Name> {
        match field {
            NameField::Surname => self.surname.as_ref(),
            NameField::GivenName => self.given_name.as_ref(),
        }
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for NameQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameQuery(..)")
    }
}

fn parse(text: &str, extent: Extent) -> Result<Name, QueryRule> {
    // Accents may come apart from their letters, as some systems type them.
    let mut text = composed(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if MAX_NAME_LENGTH < text.chars().count() {
        return Err(QueryRule::NameLength);
    }
    let admitted = |letter: char| letter.is_alphabetic() || is_wildcard(letter) || divides(letter);
    if !text.chars().all(admitted) {
        return Err(QueryRule::NameCharacter);
    }
    let last_word_is_open = text
        .trim_end_matches(divides)
        .rsplit(divides)
        .next()
        .is_some_and(|word| word.contains('*'));
    if extent == Extent::Beginning && !last_word_is_open {
        text.truncate(text.trim_end_matches(divides).len());
        text.push('*');
    }
    let name = Name::parse(&text);
    let Some(whole) = name.whole() else {
        return Err(QueryRule::TooFewLetters);
    };
    let shortest = |lengths: &mut dyn Iterator<Item = usize>| lengths.min().unwrap_or_default();
    if shortest(&mut whole.readings.iter().map(|reading| reading.chars().count())) < MIN_NAME_LETTERS {
        return Err(QueryRule::TooFewLetters);
    }
    if text.split(divides).any(|word| word.starts_with(is_wildcard)) {
        return Err(QueryRule::WildcardTooEarly);
    }
    let Some(pattern) = &whole.pattern else {
        return Ok(name);
    };
    let leading = shortest(&mut pattern.stems().map(|stem| stem.chars().count()));
    if leading < MIN_NAME_LETTERS {
        return Err(QueryRule::WildcardTooEarly);
    }
    if 1 < text.matches('*').count() || MAX_OPEN_LETTERS < text.matches('?').count() {
        return Err(QueryRule::TooManyWildcards);
    }
    Ok(name)
}
