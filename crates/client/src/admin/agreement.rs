//! Agreements as the index knows them.

use chrono::NaiveDate;
use ledger::hash::Hash;
use wire::convert::{Invalid, civil_date, timestamp_to_ms};
use wire::proto::agreement::v1 as proto;

use crate::convert::{array, unknown_value};

/// An agreement that the index knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreementRecord {
    /// Id.
    pub id: String,
    /// SHA-256 of the document.
    pub hash: Hash,
    /// Title.
    pub title: String,
    /// The agency, a SPIFFE id.
    pub agency: String,
    /// First day of validity.
    pub valid_from: NaiveDate,
    /// Last day of validity.
    pub valid_to: NaiveDate,
    /// State of its life.
    pub state: AgreementState,
    /// When this document was activated, Unix milliseconds; nothing when it was only checked.
    pub activated_ms: Option<i64>,
    /// When it was revoked, Unix milliseconds.
    pub revoked_ms: Option<i64>,
    /// Why it was revoked.
    pub revocation_reason: Option<String>,
    /// The document as submitted; empty in lists.
    pub document: Vec<u8>,
}

/// State of an agreement's life; dates of validity are a matter of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgreementState {
    /// Activated.
    Active,
    /// Revoked.
    Revoked,
}

impl From<AgreementState> for proto::AgreementState {
    fn from(state: AgreementState) -> Self {
        match state {
            AgreementState::Active => Self::Active,
            AgreementState::Revoked => Self::Revoked,
        }
    }
}

impl TryFrom<proto::Agreement> for AgreementRecord {
    type Error = Invalid;

    fn try_from(message: proto::Agreement) -> Result<Self, Invalid> {
        let proto::Agreement {
            id,
            hash,
            title,
            agency,
            valid_from,
            valid_to,
            state,
            activate_time,
            revoke_time,
            revocation_reason,
            document,
        } = message;
        let instant =
            |field, time: Option<_>| time.map(|time| timestamp_to_ms(field, Some(time))).transpose();
        Ok(Self {
            id,
            hash: array("hash", &hash).map(Hash::new)?,
            title,
            agency,
            valid_from: civil_date("valid_from", valid_from)?,
            valid_to: civil_date("valid_to", valid_to)?,
            state: match proto::AgreementState::try_from(state) {
                Ok(proto::AgreementState::Active) => AgreementState::Active,
                Ok(proto::AgreementState::Revoked) => AgreementState::Revoked,
                Ok(proto::AgreementState::Unspecified) | Err(_) => return Err(unknown_value("state")),
            },
            activated_ms: instant("activate_time", activate_time)?,
            revoked_ms: instant("revoke_time", revoke_time)?,
            revocation_reason: (!revocation_reason.is_empty()).then_some(revocation_reason),
            document,
        })
    }
}
