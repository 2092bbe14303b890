//! Which purposes are reserved, by the version of the agreement that decided.
//!
//! The `decision` part of an entry says it too, but it goes at the end of its retention; an agreement's document is kept
//! as long as terms can last. So what was reserved stays so, and a count that is made again is the same.

use std::collections::{HashMap, HashSet};

use agreement::document::AgreementDocument;
use agreement::terms::{Agreement, PurposeKind};
use ledger::header::EntryKind;
use ledger::part::PartKind;
use store::access_log::AccessLog;
use store::access_log::reading::ReadError;

use crate::oversight::access::Version;

/// The reserved purposes of every version of every agreement.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReservedPurposes(HashMap<Version, HashSet<String>>);

impl ReservedPurposes {
    /// Those of every agreement that the log ever activated.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(crate) fn of(log: &AccessLog) -> Result<Self, ReadError> {
        let mut known = Self::default();
        for index in log.governing_acts() {
            let wanted = |kind, part: &str| kind == EntryKind::AgreementActivated && part == "agreement";
            log.survey(index..index + 1, wanted, |entry| {
                for part in &entry.parts {
                    if part.kind == PartKind::AgreementBytes
                        && let Ok(agreement) = AgreementDocument::parse(&part.content)
                    {
                        known.learn(&agreement);
                    }
                }
            })?;
        }
        Ok(known)
    }

    /// Adds a version.
    pub(crate) fn learn(&mut self, agreement: &Agreement) {
        let reserved = agreement
            .terms()
            .purposes
            .iter()
            .filter(|purpose| purpose.kind == PurposeKind::Reserved)
            .map(|purpose| purpose.id.as_str().to_owned());
        self.0
            .insert(Version::new(agreement.hash().0), reserved.collect());
    }

    /// Whether a purpose of a version is reserved. Of a version that nobody activated every purpose is.
    pub(crate) fn contains(&self, version: &Version, purpose: &str) -> bool {
        self.0
            .get(version)
            .is_none_or(|reserved| reserved.contains(purpose))
    }
}
