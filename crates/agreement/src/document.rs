//! The agreement file: TOML, at most 32 KiB, unknown keys refused, every default explicit here.
//!
//! Its keys are described by the sample files in `config/agreements`. What the law forbids outright is refused;
//! what it merely makes doubtful is left to [`crate::lint`].

mod checks;
mod layout;

use crate::terms::Agreement;

/// Largest document, in bytes.
pub const MAX_DOCUMENT: usize = 32 * 1024;

/// Reader of agreement files.
#[derive(Debug)]
pub struct AgreementDocument;

/// Why a document is no agreement. Everything here is the fault of its author.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Larger than [`MAX_DOCUMENT`].
    #[error("the document exceeds 32 KiB")]
    TooLarge,
    /// Not UTF-8.
    #[error("the document is not UTF-8")]
    Encoding,
    /// Not TOML, or not with these keys.
    #[error("line {line}: {message}")]
    Layout {
        /// Line, from 1; 0 where the reader names none.
        line: usize,
        /// What the reader says.
        message: String,
    },
    /// A value breaks a rule.
    #[error("{key}: {rule}")]
    Value {
        /// Path of the key.
        key: String,
        /// The rule.
        rule: String,
    },
}

impl AgreementDocument {
    /// Reads a document.
    pub fn parse(bytes: &[u8]) -> Result<Agreement, DocumentError> {
        if MAX_DOCUMENT < bytes.len() {
            return Err(DocumentError::TooLarge);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| DocumentError::Encoding)?;
        let document: layout::Document = toml::from_str(text).map_err(|error| DocumentError::Layout {
            line: error.span().map_or(0, |span| {
                text.bytes()
                    .take(span.start)
                    .filter(|byte| *byte == b'\n')
                    .count()
                    + 1
            }),
            message: error.message().to_owned(),
        })?;
        let terms = checks::terms(document)?;
        Ok(Agreement::new(terms, bytes))
    }
}

#[cfg(test)]
mod tests;
