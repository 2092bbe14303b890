//! Findings: what is wrong or doubtful in a row of an export, in the words of those who can mend it.
//!
//! Codes are ANPR's wherever ANPR has one for the case, so that a back office finds them in its own manuals; the
//! others begin with `PN`. A finding names the rule, the column and the line, never the value.

mod card;
mod checks;
pub mod rules;

use std::fmt;

pub use self::card::card_rules;
pub use self::checks::ExportChecks;
pub use self::rules::{RULES, rule};

/// A rule that a row can break.
#[derive(Debug, PartialEq, Eq)]
pub struct FindingRule {
    /// Code: ANPR's, or `PN` and three digits.
    pub code: &'static str,
    /// What becomes of the row.
    pub severity: Severity,
    /// What is wrong, in Italian.
    pub italian: &'static str,
    /// What the municipality does about it, in Italian.
    pub remedy: &'static str,
    /// What is wrong, in English.
    pub english: &'static str,
}

/// What becomes of a row that breaks a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The row is published, and the finding with it.
    Warning,
    /// The row is kept aside until it is mended; the card's last good version stays published.
    Error,
}

/// A rule broken by a row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static FindingRule,
    /// Column in which it shows, when it is one.
    pub column: Option<&'static str>,
    /// Line of the file, the header being line 1.
    pub line: u64,
}

impl Severity {
    /// Letter that ANPR uses.
    pub fn letter(self) -> char {
        match self {
            Self::Warning => 'W',
            Self::Error => 'E',
        }
    }
}

impl Finding {
    /// The rule's severity.
    pub fn severity(&self) -> Severity {
        self.rule.severity
    }
}

/// Code, severity, line and column: enough to find the place, nothing of what stands there.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, column, line } = self;
        write!(f, "{}/{} line {line}", rule.code, rule.severity.letter())?;
        match column {
            Some(column) => write!(f, " {column}: {}", rule.english),
            None => write!(f, ": {}", rule.english),
        }
    }
}

impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Finding({self})")
    }
}

#[cfg(test)]
mod tests;
