//! How one of our columns comes of the foreign ones.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::ForeignColumn;
use super::dates::Dates;
use super::street::StreetSplit;
use crate::code::ToponymSpecies;
use crate::export::column::Column;
use crate::finding::{FindingRule, rules};

/// One of our columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) column: Column,
    pub(super) when: Option<When>,
    pub(super) source: Source,
}

/// Where its values come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The same in every row.
    Fixed(String),
    /// Foreign columns.
    Read(Reading),
}

/// How foreign values are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// At least one.
    pub(super) from: Vec<ForeignColumn>,
    /// Stands between the values that are not empty.
    pub(super) join: String,
    pub(super) steps: Vec<Step>,
    pub(super) values: Option<Values>,
    pub(super) dates: Option<Dates>,
}

/// A translation of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) table: BTreeMap<String, String>,
    pub(super) otherwise: Otherwise,
}

/// What becomes of a value that a translation does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Otherwise {
    Refuse,
    Keep,
}

/// The rows in which a rule holds; in the others the column is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct When {
    pub(super) column: ForeignColumn,
    pub(super) values: Vec<String>,
    pub(super) holds: Holds,
}

/// Whether a condition names the values that fulfil it, or those that do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    OnThese,
    OnOthers,
}

/// A foreign column that gives several of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Split {
    pub(super) from: ForeignColumn,
    pub(super) when: Option<When>,
    pub(super) kind: SplitKind,
}

/// How a value falls apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SplitKind {
    /// At each of these characters, into exactly as many parts.
    At { separator: String, into: Vec<Column> },
    /// Species, name, number and suffix of a street.
    Street(StreetSplit),
    /// Number and suffix.
    Number,
}

/// Declares the steps: name in the file, meaning.
macro_rules! steps {
    ($($step:ident $name:literal $meaning:literal;)+) => {
        /// A change that back offices need.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Step {
            $(#[doc = $meaning] $step,)+
            /// Zeros before a code until it has so many characters.
            Pad(usize),
        }

        /// Name and meaning of each step.
        pub(super) const STEPS: &[(&str, &str)] = &[
            $(($name, $meaning),)+
            ("pad-N", "puts zeros before it until it has N characters, 2 to 9: `37032` becomes `037032` with `pad-6`"),
        ];

        impl Step {
            pub(super) fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$step),)+
                    _ => {
                        let length = name.strip_prefix("pad-")?.parse().ok()?;
                        (2..=9).contains(&length).then_some(Self::Pad(length))
                    }
                }
            }
        }
    };
}

steps! {
    Upper "upper" "makes capital letters";
    NoBlanks "no-blanks" "drops blanks, also inside: for codici fiscali and codes";
    ZeroIsEmpty "zero-is-empty" "makes a value of zeros alone empty: a house number `0` is none";
    SpeciesCode "species-code" "makes of the label of a species of street (table 4) its code: `VIALE` becomes `230`";
}

impl Step {
    fn apply(self, value: Cow<'_, str>) -> Result<Cow<'_, str>, &'static FindingRule> {
        if value.is_empty() {
            return Ok(value);
        }
        Ok(match self {
            Self::Upper if value.chars().any(char::is_lowercase) => Cow::Owned(value.to_uppercase()),
            Self::NoBlanks if value.contains(char::is_whitespace) => {
                Cow::Owned(value.chars().filter(|letter| !letter.is_whitespace()).collect())
            }
            Self::ZeroIsEmpty if value.bytes().all(|byte| byte == b'0') => Cow::Borrowed(""),
            Self::Upper | Self::NoBlanks | Self::ZeroIsEmpty => value,
            Self::SpeciesCode => {
                let species = ToponymSpecies::from_label(&value.to_uppercase()).ok_or(&rules::PN005)?;
                Cow::Owned(species.code().to_string())
            }
            Self::Pad(length) if value.chars().count() < length => Cow::Owned(format!("{value:0>length$}")),
            Self::Pad(_) => value,
        })
    }
}

impl When {
    pub(super) fn holds_for(&self, value: &str) -> bool {
        self.values.iter().any(|named| named == value) == (self.holds == Holds::OnThese)
    }
}

impl Reading {
    /// Our value, from the trimmed values of the foreign columns.
    pub(super) fn convert<'v>(
        &'v self,
        value_of: impl Fn(ForeignColumn) -> &'v str,
    ) -> Result<Cow<'v, str>, &'static FindingRule> {
        let value = match self.from.as_slice() {
            [only] => self.piece(value_of(*only))?,
            several => {
                let mut joined = String::new();
                for column in several {
                    let piece = self.piece(value_of(*column))?;
                    if !joined.is_empty() && !piece.is_empty() {
                        joined.push_str(&self.join);
                    }
                    joined.push_str(&piece);
                }
                Cow::Owned(joined)
            }
        };
        match &self.dates {
            Some(dates) => dates.convert(&value, value_of),
            None => Ok(value),
        }
    }

    fn piece<'v>(&'v self, value: &'v str) -> Result<Cow<'v, str>, &'static FindingRule> {
        let mut value = Cow::Borrowed(value);
        for step in &self.steps {
            value = step.apply(value)?;
        }
        let Some(Values { table, otherwise }) = &self.values else {
            return Ok(value);
        };
        match (table.get(value.as_ref()), otherwise) {
            (Some(ours), _) => Ok(Cow::Borrowed(ours)),
            (None, Otherwise::Keep) => Ok(value),
            (None, Otherwise::Refuse) if value.is_empty() => Ok(value),
            (None, Otherwise::Refuse) => Err(&rules::PN005),
        }
    }
}
