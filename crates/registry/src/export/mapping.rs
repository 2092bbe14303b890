//! Reading a layout that is not ours.
//!
//! A back office exports what it always exported, under its own names, codes and date forms, in its own encoding. A
//! *mapping* is a TOML file that says how each of our columns comes of it (`config/mapping.md`, samples in
//! `config/mappings/`). It is checked as a whole before the first row is read, and it maps row by row, so that the
//! size of an export does not matter.
//!
//! What a mapping does not foresee is a finding that names our column and the line, never a guess: a code without
//! translation, a date in another form, an address that does not fall apart in exactly one way.

mod bind;
mod check;
mod dates;
mod document;
mod layout;
mod rule;
mod street;
mod values;

pub(super) use self::bind::{BoundMapping, Unmapped};
use self::check::Checker;
pub use self::document::mapping_document;
use self::rule::{Rule, Split};
use crate::export::encoding::Encoding;
use crate::export::line::Quotes;
use crate::finding::{FindingRule, rules};

/// What only a file with another layout or encoding can break.
static MAPPING_FINDINGS: &[&FindingRule] = &[
    &rules::PN001,
    &rules::PN005,
    &rules::PN006,
    &rules::PN007,
    &rules::PN008,
    &rules::PN009,
    &rules::PN016,
];

/// How a foreign layout is read. What [`Mapping::parse`] checks holds for every mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    back_office: String,
    encoding: Encoding,
    separator: char,
    quotes: Quotes,
    /// Names of the columns of a file that has no header row, in their order.
    names: Option<Vec<String>>,
    /// Names of the foreign columns that are read; a [`ForeignColumn`] is a position in it.
    foreign: Vec<String>,
    ignored: Vec<String>,
    rules: Vec<Rule>,
    splits: Vec<Split>,
    text: String,
}

/// A foreign column that the mapping reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ForeignColumn(usize);

/// Why a text is not a mapping.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// Not TOML, or a key is missing, unknown or of the wrong type.
    #[error("the mapping is not valid")]
    Toml(#[source] Box<toml::de::Error>),
    /// A value breaks a rule.
    #[error("{key}: {rule}")]
    Value {
        /// Path of the key.
        key: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
}

impl Mapping {
    /// Reads a mapping and checks it.
    ///
    /// # Errors
    /// See [`MappingError`]; it names the key and the rule.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let raw = toml::from_str(text).map_err(|error| MappingError::Toml(Box::new(error)))?;
        let checked = Checker::default().mapping(raw)?;
        Ok(Self {
            text: text.to_owned(),
            ..checked
        })
    }

    /// Which back office it is for, in the words of the file.
    pub fn back_office(&self) -> &str {
        &self.back_office
    }

    /// The file that it was read from, from which it can be read again.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The declared encoding.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    pub(super) fn has_header(&self) -> bool {
        self.names.is_none()
    }
}

#[cfg(test)]
mod tests;
