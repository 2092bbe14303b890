//! The agreements in force: the fold of the access log's entries that activated and revoked them.
//!
//! There is no other copy. An act is entered first and changes the snapshot afterwards, under one lock, so that the
//! order of the entries is the order of the acts; at start the same entries are folded again.

use agreement::agreements::{Agreements, AgreementsError};
use agreement::context::{AgreementId, ContextError};
use agreement::document::{AgreementDocument, DocumentError};
use chrono::{DateTime, Utc};
use ledger::header::{EntryKind, Header};
use ledger::part::PartKind;
use store::access_log::AccessLog;
use store::access_log::part_content::{ContentError, DetailPart, PartContent};
use store::access_log::reading::{OpenedPart, ReadError, ReaderScope};

/// Name under which a revocation's reason stands in the detail of its entry.
pub const REASON: &str = "reason";

/// Why the fold does not come to an end. The index then does not serve: a broken policy denies.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// An entry cannot be read.
    #[error("an entry of the agreements cannot be read")]
    Read(#[from] ReadError),
    /// The part with the document or the reason is missing or was erased.
    #[error("entry {0} lacks the part that it is about")]
    Part(u64),
    /// The part does not decode.
    #[error("the detail of an agreement's entry does not decode")]
    Detail(#[from] ContentError),
    /// The document in the entry is not an agreement.
    #[error("the document in an entry is not an agreement")]
    Document(#[from] Box<DocumentError>),
    /// The header names no agreement.
    #[error("entry {0} names no agreement")]
    Unnamed(u64),
    /// The id in the header has not the form of one.
    #[error("the id of an agreement in an entry is ill-formed")]
    Id(#[from] ContextError),
    /// The act does not follow from those before.
    #[error("entry {index} does not follow from those before")]
    Order {
        /// The entry.
        index: u64,
        /// What speaks against it.
        #[source]
        error: AgreementsError,
    },
    /// The time of an entry lies outside of what a date can be.
    #[error("entry {0} has a time that is no date")]
    Time(u64),
}

/// Folds every act of the log.
///
/// # Errors
/// See [`FoldError`].
pub fn fold(log: &AccessLog) -> Result<Agreements, FoldError> {
    let mut agreements = Agreements::default();
    for index in log.governing_acts() {
        let Some(entry) = log.entry(&ReaderScope::Index, index)? else {
            continue;
        };
        let at = instant(&entry.header).ok_or(FoldError::Time(index))?;
        let part = |kind: PartKind| {
            entry.parts.iter().find_map(|part| match part {
                OpenedPart::Shown(opening) if opening.kind == kind => Some(opening.content.as_slice()),
                OpenedPart::Shown(_) | OpenedPart::Erased { .. } => None,
            })
        };
        let applied = match entry.header.body.kind {
            EntryKind::AgreementActivated => {
                let document = part(PartKind::AgreementBytes).ok_or(FoldError::Part(index))?;
                agreements.activate(AgreementDocument::parse(document).map_err(Box::new)?, at)
            }
            EntryKind::AgreementRevoked => {
                let detail = part(PartKind::AdministrativeDetail).ok_or(FoldError::Part(index))?;
                let DetailPart { details } = DetailPart::decode(detail)?;
                let reason = details
                    .into_iter()
                    .find(|(name, _)| name == REASON)
                    .map(|(_, reason)| reason);
                let id = entry
                    .header
                    .body
                    .agreement
                    .as_deref()
                    .ok_or(FoldError::Unnamed(index))?;
                agreements.revoke(&AgreementId::parse(id)?, at, &reason.unwrap_or_default())
            }
            _ => continue,
        };
        applied.map_err(|error| FoldError::Order { index, error })?;
    }
    Ok(agreements)
}

/// When an entry was made.
pub fn instant(header: &Header) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(i64::try_from(header.time_ms).ok()?)
}
