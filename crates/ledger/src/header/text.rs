use std::fmt;

use thiserror::Error;

use crate::header::HeaderError;

/// A text in a header: at most 200 bytes of UTF-8 without control characters, and only the outcome's
/// reason may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextField {
    Origin,
    Peer,
    Address,
    Agreement,
    Purpose,
    Service,
    OutcomeReason,
    GrantedField,
}

/// The rule that a text breaks. It never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    #[error("text is empty")]
    Empty,
    #[error("text is longer than {} bytes", TextField::MAX_LEN)]
    TooLong,
    #[error("text contains a control character")]
    Control,
    #[error("text is not UTF-8")]
    Utf8,
}

impl TextField {
    /// In bytes.
    pub const MAX_LEN: usize = 200;

    pub(super) fn check(self, text: &str) -> Result<(), HeaderError> {
        let rule = if text.is_empty() && self != Self::OutcomeReason {
            TextError::Empty
        } else if Self::MAX_LEN < text.len() {
            TextError::TooLong
        } else if text.chars().any(char::is_control) {
            TextError::Control
        } else {
            return Ok(());
        };
        Err(HeaderError::Text { field: self, rule })
    }

    pub(super) fn decode(self, bytes: &[u8]) -> Result<String, HeaderError> {
        let text = std::str::from_utf8(bytes).map_err(|_| HeaderError::Text {
            field: self,
            rule: TextError::Utf8,
        })?;
        self.check(text)?;
        Ok(text.to_owned())
    }
}

impl fmt::Display for TextField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Origin => "origin",
            Self::Peer => "peer",
            Self::Address => "address",
            Self::Agreement => "agreement",
            Self::Purpose => "purpose",
            Self::Service => "service",
            Self::OutcomeReason => "outcome reason",
            Self::GrantedField => "granted field",
        })
    }
}
