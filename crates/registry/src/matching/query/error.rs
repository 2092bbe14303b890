//! Why a question is refused.

use std::fmt;

/// A question that is not admitted: which field, and by what rule. It never holds what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {rule}")]
pub struct QueryError {
    /// The field.
    pub field: QueryField,
    /// The rule that it breaks.
    pub rule: QueryRule,
}

/// A field of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QueryField {
    /// Surname.
    Surname,
    /// Given names.
    GivenName,
    /// Codice fiscale.
    TaxCode,
    /// Birth date.
    BirthDate,
}

/// What holds for a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryRule {
    /// Nothing in the question selects (checklist of the provision of 2 July 2015, R16).
    #[error("a search needs a surname, a given name or a codice fiscale, whole or partial")]
    NoKey,
    /// Partial surname or name (ANPR EHR62).
    #[error("a name needs at least 2 letters")]
    TooFewLetters,
    /// Longer than a registered name can be.
    #[error("a name has at most 80 characters")]
    NameLength,
    /// Other characters.
    #[error("a name holds only letters, blanks, - ' . , and the wildcards * and ?")]
    NameCharacter,
    /// A wildcard among the first two letters, or at the start of a word.
    #[error("a wildcard follows at least 2 letters of the name and begins no word")]
    WildcardTooEarly,
    /// More than one `*` or more than three `?`.
    #[error("a name has at most one * and three ?")]
    TooManyWildcards,
    /// Partial codice fiscale (ANPR EHR61).
    #[error("a codice fiscale needs at least its first 3 characters")]
    TooFewCharacters,
    /// Longer than a code.
    #[error("a codice fiscale has at most 16 characters")]
    CodeLength,
    /// Other characters, or a wildcard in a wrong place.
    #[error(
        "a codice fiscale holds only letters and digits, ? from its fourth character on, and * at its end"
    )]
    CodeCharacter,
    /// From after to.
    #[error("the first day of birth must not follow the last")]
    RangeReversed,
    /// A range that selects nothing.
    #[error("days of birth span at most 10 years")]
    RangeTooLong,
}

impl QueryError {
    pub(super) fn new(field: QueryField, rule: QueryRule) -> Self {
        Self { field, rule }
    }
}

impl fmt::Display for QueryField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Surname => "surname",
            Self::GivenName => "given_name",
            Self::TaxCode => "tax_code",
            Self::BirthDate => "birth_date",
        })
    }
}
