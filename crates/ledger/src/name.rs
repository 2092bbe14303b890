//! Names that appear in signed notes: the origin of a log, the key of a signer.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The identity of one access log, the first line of its checkpoints: a URL without scheme, such as
/// `registro.example.it/accessi/1` (C2SP tlog-checkpoint). Every index replica has its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

/// The name of a key in the signature lines of a note (C2SP signed-note); a log's is its origin.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// Why a text is not an [`Origin`] or a [`KeyName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    #[error("name is empty")]
    Empty,
    #[error("name has {actual} bytes, at most {max} are allowed")]
    TooLong { actual: usize, max: usize },
    #[error("name contains a space, a plus sign or a control character")]
    Character,
}

impl Origin {
    /// In bytes. Short, because every entry's header repeats it.
    pub const MAX_LEN: usize = 80;

    /// # Errors
    /// Empty, too long, or with a character that a note forbids.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        checked(text.into(), Self::MAX_LEN).map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl KeyName {
    /// In bytes.
    pub const MAX_LEN: usize = 255;

    /// # Errors
    /// Empty, too long, or with a character that a note forbids.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        checked(text.into(), Self::MAX_LEN).map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn checked(text: String, max: usize) -> Result<String, NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if max < text.len() {
        return Err(NameError::TooLong {
            actual: text.len(),
            max,
        });
    }
    if text
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || c == '+')
    {
        return Err(NameError::Character);
    }
    Ok(text)
}

impl From<&Origin> for KeyName {
    fn from(Origin(name): &Origin) -> Self {
        Self(name.clone())
    }
}

impl PartialEq<Origin> for KeyName {
    fn eq(&self, origin: &Origin) -> bool {
        self.0 == origin.0
    }
}

impl FromStr for Origin {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl FromStr for KeyName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({})", self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyName({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_notes() {
        assert_eq!(Origin::new("log.example/1").unwrap().as_str(), "log.example/1");
        assert_eq!(Origin::new(""), Err(NameError::Empty));
        assert_eq!(
            Origin::new("x".repeat(81)),
            Err(NameError::TooLong { actual: 81, max: 80 })
        );
        assert_eq!(
            KeyName::new("x".repeat(256)),
            Err(NameError::TooLong {
                actual: 256,
                max: 255
            })
        );
        for text in ["a b", "a+b", "a\u{a0}b", "a\nb", "a\u{7}b", "a\u{85}b"] {
            assert_eq!(Origin::new(text), Err(NameError::Character), "{text:?}");
            assert_eq!(KeyName::new(text), Err(NameError::Character), "{text:?}");
        }
    }
}
