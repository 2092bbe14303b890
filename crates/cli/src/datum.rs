//! Data on their way to standard output, before it is decided in which form.

use serde::ser::{Serialize, SerializeMap, Serializer};

/// A value.
#[derive(Clone, PartialEq, Eq)]
pub enum Datum {
    /// Nothing is stated.
    Absent,
    /// A text.
    Text(String),
    /// A number.
    Number(u64),
    /// Yes or no.
    Truth(bool),
    /// Several values.
    List(Vec<Self>),
    /// Named values, in the order in which they are shown.
    Record(Vec<(String, Self)>),
}

/// Collects the named values of a record.
#[derive(Debug, Default)]
pub struct RecordBuilder(Vec<(String, Datum)>);

impl Datum {
    /// A text; an empty one is nothing.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() {
            Self::Absent
        } else {
            Self::Text(text)
        }
    }

    /// A value that may be missing.
    pub fn of<T>(value: Option<T>) -> Self
    where
        Self: From<T>,
    {
        value.map_or(Self::Absent, Self::from)
    }

    /// Paths and plain values, depth first; lists of plain values stand as one text.
    pub fn leaves(&self) -> Vec<(String, String)> {
        let mut leaves = Vec::new();
        self.collect("", &mut leaves);
        leaves
    }

    fn collect(&self, path: &str, leaves: &mut Vec<(String, String)>) {
        let below = |name: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        };
        match self {
            Self::Absent => leaves.push((path.to_owned(), String::new())),
            Self::Text(text) => leaves.push((path.to_owned(), text.clone())),
            Self::Number(number) => leaves.push((path.to_owned(), number.to_string())),
            Self::Truth(truth) => leaves.push((path.to_owned(), truth.to_string())),
            Self::Record(fields) => {
                for (name, value) in fields {
                    value.collect(&below(name), leaves);
                }
            }
            Self::List(items) => match items.iter().map(Self::plain).collect::<Option<Vec<_>>>() {
                Some(plain) => leaves.push((path.to_owned(), plain.join(" "))),
                None => {
                    for (number, item) in (1..).zip(items) {
                        item.collect(&below(&number.to_string()), leaves);
                    }
                }
            },
        }
    }

    fn plain(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            Self::Truth(truth) => Some(truth.to_string()),
            Self::Absent | Self::List(_) | Self::Record(_) => None,
        }
    }
}

/// Data may be anybody's: debugging output shows only their shape.
impl std::fmt::Debug for Datum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Absent => f.write_str("Absent"),
            Self::Text(_) => f.write_str("Text(..)"),
            Self::Number(_) => f.write_str("Number(..)"),
            Self::Truth(_) => f.write_str("Truth(..)"),
            Self::List(items) => f.debug_list().entries(items).finish(),
            Self::Record(fields) => f
                .debug_map()
                .entries(fields.iter().map(|(name, value)| (name, value)))
                .finish(),
        }
    }
}

impl From<&str> for Datum {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Datum {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<u64> for Datum {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Datum {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Datum {
    fn from(number: usize) -> Self {
        Self::Number(u64::try_from(number).unwrap_or(u64::MAX))
    }
}

impl From<bool> for Datum {
    fn from(truth: bool) -> Self {
        Self::Truth(truth)
    }
}

/// Numbers that are not whole and positive stand as text.
impl From<&serde_json::Value> for Datum {
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::Null => Self::Absent,
            Value::Bool(truth) => Self::Truth(*truth),
            Value::Number(number) => match number.as_u64() {
                Some(number) => Self::Number(number),
                None => Self::Text(number.to_string()),
            },
            Value::String(text) => Self::text(text.as_str()),
            Value::Array(items) => items.iter().collect(),
            Value::Object(fields) => Self::Record(
                fields
                    .iter()
                    .map(|(name, value)| (name.clone(), value.into()))
                    .collect(),
            ),
        }
    }
}

impl<T> FromIterator<T> for Datum
where
    Self: From<T>,
{
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::List(items.into_iter().map(Self::from).collect())
    }
}

impl RecordBuilder {
    /// An empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Datum>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a value where there is one.
    #[must_use]
    pub fn with_some<T>(self, name: &str, value: Option<T>) -> Self
    where
        Datum: From<T>,
    {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The record.
    pub fn build(self) -> Datum {
        Datum::Record(self.0)
    }
}

impl Serialize for Datum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_unit(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Truth(truth) => serializer.serialize_bool(*truth),
            Self::List(items) => serializer.collect_seq(items),
            Self::Record(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}
