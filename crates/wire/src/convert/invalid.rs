//! What is wrong with a message: which field, and which rule it breaks.

use std::fmt;

use agreement::claim::ClaimError;
use registry::code::CodeError;
use registry::codice_fiscale::CodiceFiscaleError;
use registry::date::DateError;
use registry::identifier::IdentifierError;
use registry::matching::QueryRule;
use registry::publication::BatchError;
use registry::record::NameError;

/// A field of a message that breaks a rule. It never holds the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    field: String,
    rule: Rule,
}

/// The rule that a field breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// Not set.
    #[error("must be set")]
    Missing,
    /// Set where it has no meaning.
    #[error("must not be set here")]
    Unexpected,
    /// An enum's zero or a number that this version does not know.
    #[error("must be one of the named values other than unspecified")]
    Value,
    /// Shorter or longer than admitted.
    #[error("must have {least} to {most} characters")]
    Length {
        /// Least number of characters.
        least: usize,
        /// Greatest number of characters.
        most: usize,
    },
    /// Control characters, or characters outside the field's alphabet.
    #[error("holds characters that are not admitted")]
    Character,
    /// Bytes of another length than the field always has.
    #[error("must have {0} bytes")]
    Bytes(usize),
    /// A number outside its range.
    #[error("lies outside the admitted range")]
    Range,
    /// More or fewer elements than admitted.
    #[error("must have {least} to {most} elements")]
    Count {
        /// Least number of elements.
        least: usize,
        /// Greatest number of elements.
        most: usize,
    },
    /// Facts out of order, or two with the same start.
    #[error("must begin after the fact before it")]
    Order,
    /// Month or day unknown where they must be known.
    #[error("must be known to the day")]
    NotToTheDay,
    /// Two fields that must agree.
    #[error("contradicts {0}")]
    Contradicts(&'static str),
    /// Not a UUID of 36 characters, or the nil one.
    #[error("must be a UUID of 36 characters that is not nil")]
    Uuid,
    /// A code that no municipality ever had.
    #[error("is not the code of a municipality")]
    UnknownMunicipality,
    /// Not an identity of this installation's form.
    #[error("must have the form spiffe://<trust-domain>/<role>/<id>")]
    SpiffeId,
    /// A rule of the domain, in its own words.
    #[error("{0}")]
    Stated(&'static str),
    /// Not a field that can be asked for.
    #[error("names a field that does not exist")]
    FieldName,
    /// Not a date.
    #[error(transparent)]
    Date(#[from] DateError),
    /// Not the identifier it should be.
    #[error(transparent)]
    Identifier(#[from] IdentifierError),
    /// Not a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Not a code of its table.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// Not a codice fiscale.
    #[error(transparent)]
    TaxCode(#[from] CodiceFiscaleError),
    /// A search that is not admitted.
    #[error(transparent)]
    Query(#[from] QueryRule),
    /// A declaration that cannot be compared.
    #[error(transparent)]
    Claim(ClaimError),
    /// Changes that are no batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl Invalid {
    /// A field, by its name in the message, and its rule.
    pub fn new(field: &str, rule: impl Into<Rule>) -> Self {
        Self {
            field: field.to_owned(),
            rule: rule.into(),
        }
    }

    /// Path of the field from the request: names of fields joined by full stops, positions in brackets.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The rule.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// The same, seen from the message that holds the present one in `field`.
    #[must_use]
    pub fn within(self, field: &str) -> Self {
        let path = if self.field.is_empty() {
            field.to_owned()
        } else {
            format!("{field}.{}", self.field)
        };
        Self {
            field: path,
            rule: self.rule,
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, rule } = self;
        write!(f, "{field}: {rule}")
    }
}

impl std::error::Error for Invalid {}

/// Results of parts, seen from the whole.
pub(crate) trait Within<T> {
    /// Prefixes the path of the field.
    fn within(self, field: &str) -> Result<T, Invalid>;
}

impl<T> Within<T> for Result<T, Invalid> {
    fn within(self, field: &str) -> Self {
        self.map_err(|invalid| invalid.within(field))
    }
}

/// Results of the domain's own parsers, with the field they were given.
pub(crate) trait Named<T> {
    /// Names the field.
    fn named(self, field: &str) -> Result<T, Invalid>;
}

impl<T, E: Into<Rule>> Named<T> for Result<T, E> {
    fn named(self, field: &str) -> Result<T, Invalid> {
        self.map_err(|error| Invalid::new(field, error))
    }
}

/// A message field that must be set.
pub(crate) fn required<T>(field: &str, value: Option<T>) -> Result<T, Invalid> {
    value.ok_or_else(|| Invalid::new(field, Rule::Missing))
}

/// A text that is absent when empty.
pub(crate) fn when_present<T, E: Into<Rule>>(
    field: &str,
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, Invalid> {
    if text.is_empty() {
        Ok(None)
    } else {
        parse(text).map(Some).named(field)
    }
}

/// A text of `least` to `most` characters, none of them a control character.
pub(crate) fn text(field: &str, value: String, least: usize, most: usize) -> Result<String, Invalid> {
    let length = value.chars().count();
    if length < least || most < length {
        return Err(Invalid::new(field, Rule::Length { least, most }));
    }
    if value.chars().any(char::is_control) {
        return Err(Invalid::new(field, Rule::Character));
    }
    Ok(value)
}

/// Bytes of a fixed length.
pub(crate) fn array<const N: usize>(field: &str, bytes: &[u8]) -> Result<[u8; N], Invalid> {
    bytes.try_into().map_err(|_| Invalid::new(field, Rule::Bytes(N)))
}

/// Converts each element and names the position of one that fails.
pub(crate) fn each<A, B>(
    field: &str,
    values: Vec<A>,
    convert: impl Fn(A) -> Result<B, Invalid>,
) -> Result<Vec<B>, Invalid> {
    values
        .into_iter()
        .enumerate()
        .map(|(position, value)| {
            convert(value).map_err(|invalid| invalid.within(&format!("{field}[{position}]")))
        })
        .collect()
}
