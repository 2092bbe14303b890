//! Drafting entries of the access log: what every entry of a call has in common.

use std::time::Instant;

use agreement::peer::Peer;
use agreement::reason::Reason;
use agreement::repeats::RequestDigest;
use ledger::hash::Hash;
use ledger::header::{EntryKind, Outcome, RequestId, TraceId};
use store::access_log::draft::EntryDraft;
use store::access_log::retention::Retention;
use transport::gate::metadata;
use uuid::Uuid;
use wire::convert::FreshnessOutcome;

/// Months for which the private parts of entries that belong to no agreement are kept (R25: at least six; 24 is the
/// usual term of access logs).
const USUAL_MONTHS: u16 = 24;

/// Who calls what, as every entry states it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The caller.
    pub peer: Peer,
    /// Full gRPC method, `package.Service/Method`.
    pub method: &'static str,
    /// Id of the call, when it has one.
    pub request_id: Option<Uuid>,
    /// Hash of the request, when the call has an id.
    pub digest: Option<RequestDigest>,
    /// W3C trace id, when the call carries one.
    pub trace_id: Option<metadata::TraceId>,
    /// What became of its demand for fresh data.
    pub freshness: FreshnessOutcome,
    /// When it was taken up, from which the steps are counted on which its answer leaves.
    pub arrived: Instant,
}

impl Call {
    /// A draft that names caller and method, with the outcome OK.
    pub fn draft(&self, kind: EntryKind, retention: Retention) -> EntryDraft {
        let Self {
            peer,
            method,
            request_id,
            digest: _,
            trace_id,
            freshness: _,
            arrived: _,
        } = self;
        let mut draft = EntryDraft::new(kind, retention);
        draft.header.peer = Some(peer.id.to_string());
        draft.header.certificate = Some(Hash::new(peer.certificate.0));
        draft.header.address = Some(peer.address.to_string());
        draft.header.service = Some((*method).to_owned());
        draft.header.request_id = request_id.map(|id| RequestId(*id.as_bytes()));
        draft.header.trace_id = trace_id.map(|metadata::TraceId(id)| TraceId(id));
        draft.header.outcome = told_ok();
        draft
    }
}

/// The outcome of a call that was answered.
pub fn told_ok() -> Outcome {
    Outcome {
        code: 0,
        reason: String::new(),
    }
}

/// The outcome of a call that was refused, as the caller is told.
pub fn told(reason: Reason) -> Outcome {
    Outcome {
        code: u16::try_from(reason.grpc().number()).unwrap_or(u16::MAX),
        reason: reason.name().to_owned(),
    }
}

/// Retention of entries that belong to no agreement.
pub fn usual_retention() -> Retention {
    Retention::months(USUAL_MONTHS).expect("24 months lie within the range of retention terms")
}
