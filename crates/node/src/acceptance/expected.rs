//! The back office's own counts: a file that a person writes.

use std::collections::BTreeMap;

use registry::code::CancellationReason;
use registry::record::Register;
use serde::Deserialize;

/// Counts as the back office states them; what it does not state is not compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectedCounts {
    /// All cards.
    pub cards: Option<u64>,
    /// Families with a registered member.
    pub families: Option<u64>,
    /// Convivenze with a registered member.
    pub convivenze: Option<u64>,
    /// Residents.
    pub apr: ExpectedRegister,
    /// Citizens abroad.
    pub aire: ExpectedRegister,
}

/// Counts of one register.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectedRegister {
    /// Registered today.
    pub registered: Option<u64>,
    /// Of these, male.
    pub male: Option<u64>,
    /// Of these, female.
    pub female: Option<u64>,
    /// Of these, of unknown sex.
    pub unknown_sex: Option<u64>,
    /// Cancelled, other than by death.
    pub cancelled: Option<u64>,
    /// Of these, by the code of the reason.
    pub cancelled_by_reason: BTreeMap<String, u64>,
    /// Dead.
    pub dead: Option<u64>,
}

/// Why a file is none of counts.
#[derive(Debug, thiserror::Error)]
pub enum ExpectedError {
    /// Not TOML, or a key is unknown or of the wrong type.
    #[error("the counts are not valid")]
    Toml(#[source] Box<toml::de::Error>),
    /// A code of a reason.
    #[error("{key}: {rule}")]
    Value {
        /// Path of the key.
        key: &'static str,
        /// The rule.
        rule: &'static str,
    },
}

impl ExpectedCounts {
    /// Reads counts.
    ///
    /// # Errors
    /// See [`ExpectedError`].
    pub fn parse(text: &str) -> Result<Self, ExpectedError> {
        let counts: Self = toml::from_str(text).map_err(|error| ExpectedError::Toml(Box::new(error)))?;
        for (key, register, stated) in [
            ("apr.cancelled_by_reason", Register::Apr, &counts.apr),
            ("aire.cancelled_by_reason", Register::Aire, &counts.aire),
        ] {
            let codes = &mut stated.cancelled_by_reason.keys();
            if codes.any(|code| CancellationReason::from_code(register, code).is_err()) {
                return Err(ExpectedError::Value {
                    key,
                    rule: "must be codes of the register's table of reasons (15, or 28 for AIRE)",
                });
            }
        }
        Ok(counts)
    }
}
