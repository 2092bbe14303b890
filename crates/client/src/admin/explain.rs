//! How a call would be decided.

use std::net::IpAddr;

use agreement::ascertainment::Ascertainment;
use agreement::context::AccessContext;
use agreement::field::{Field, FieldSet};
use agreement::peer::{CertificateFingerprint, SpiffeId};
use agreement::reason::Reason;
use agreement::service::{Service, VerificationKind};
use chrono::{DateTime, Utc};
use registry::identifier::IstatCode;
use wire::convert::{Invalid, timestamp_from_ms};
use wire::proto::agreement::v1 as proto;

use crate::convert::{each, known_reason, unknown_value};

/// A call that is not made.
#[derive(Clone, Debug)]
pub struct SupposedCall {
    /// Who would call; the caller of this one when absent.
    pub peer: Option<SpiffeId>,
    /// From where; from where this call comes when absent.
    pub address: Option<IpAddr>,
    /// With which certificate; with that of this call when absent.
    pub certificate: Option<CertificateFingerprint>,
    /// On which ground.
    pub context: AccessContext,
    /// For which service.
    pub service: Service,
    /// For which kind of verification.
    pub verification: Option<VerificationKind>,
    /// For which kind of ascertainment, called by its name.
    pub ascertainment: Option<Ascertainment>,
    /// For which fields; all that are granted when empty.
    pub fields: FieldSet,
    /// Limited to which municipality.
    pub municipality: Option<IstatCode>,
    /// When; now when absent.
    pub at: Option<DateTime<Utc>>,
}

/// How it would be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whether it would be permitted.
    pub permitted: bool,
    /// Why not, when this version knows the reason.
    pub reason: Option<Reason>,
    /// The clauses in the order in which they are examined.
    pub clauses: Vec<ClauseOutcome>,
    /// The fields that it would be granted.
    pub fields: FieldSet,
}

/// How one clause came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClauseOutcome {
    /// Name of the clause.
    pub clause: String,
    /// How it came out.
    pub verdict: ClauseVerdict,
    /// Explanation in English; empty where the clause was passed.
    pub text: String,
}

/// How a clause came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClauseVerdict {
    /// Passed.
    Passed,
    /// Failed: the call would be refused.
    Failed,
    /// Not examined, because an earlier clause failed.
    NotReached,
}

impl From<&SupposedCall> for proto::ExplainDecisionRequest {
    fn from(call: &SupposedCall) -> Self {
        let SupposedCall {
            peer,
            address,
            certificate,
            context,
            service,
            verification,
            ascertainment,
            fields,
            municipality,
            at,
        } = call;
        Self {
            peer: peer.as_ref().map(ToString::to_string).unwrap_or_default(),
            address: address.map(|address| address.to_string()).unwrap_or_default(),
            certificate: certificate.map(|print| print.0.to_vec()).unwrap_or_default(),
            context: Some(context.into()),
            service: service.name().to_owned(),
            verification: verification
                .map(|kind| kind.name().to_owned())
                .unwrap_or_default(),
            fields: fields.names().map(str::to_owned).collect(),
            municipality: municipality.map(|istat| istat.to_string()).unwrap_or_default(),
            ascertainment: ascertainment
                .map(|kind| kind.name().to_owned())
                .unwrap_or_default(),
            time: at.map(|at| timestamp_from_ms(at.timestamp_millis())),
        }
    }
}

impl TryFrom<proto::ExplainDecisionResponse> for Explanation {
    type Error = Invalid;

    fn try_from(message: proto::ExplainDecisionResponse) -> Result<Self, Invalid> {
        let proto::ExplainDecisionResponse {
            permitted,
            reason,
            clauses,
            fields,
        } = message;
        // A later version may have reasons and fields that this one does not know.
        let reason = known_reason(reason);
        Ok(Self {
            permitted,
            reason,
            clauses: each("clauses", clauses, TryInto::try_into)?,
            fields: fields
                .iter()
                .filter_map(|name| Field::from_name(name).ok())
                .collect(),
        })
    }
}

impl TryFrom<proto::ClauseOutcome> for ClauseOutcome {
    type Error = Invalid;

    fn try_from(message: proto::ClauseOutcome) -> Result<Self, Invalid> {
        let proto::ClauseOutcome {
            clause,
            verdict,
            text,
        } = message;
        let verdict = match proto::ClauseVerdict::try_from(verdict) {
            Ok(proto::ClauseVerdict::Passed) => ClauseVerdict::Passed,
            Ok(proto::ClauseVerdict::Failed) => ClauseVerdict::Failed,
            Ok(proto::ClauseVerdict::NotReached) => ClauseVerdict::NotReached,
            Ok(proto::ClauseVerdict::Unspecified) | Err(_) => return Err(unknown_value("verdict")),
        };
        Ok(Self {
            clause,
            verdict,
            text,
        })
    }
}
