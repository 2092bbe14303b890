//! From a tonic request to the call that every entry states.

use std::time::Instant;

use agreement::reason::Reason;
use tonic::{Request, Status};
use transport::gate::metadata::TraceId;
use transport::identity::VerifiedPeer;
use wire::convert::FreshnessOutcome;
use wire::status::{Details, status_for};

use crate::entry::Call;

/// The caller and method of a request.
///
/// # Errors
/// `UNAUTHENTICATED` when the request did not come through the acceptor: a defect of the wiring.
pub(crate) fn call_of<T>(request: &Request<T>, method: &'static str) -> Result<Call, Status> {
    let peer = VerifiedPeer::of(request.extensions())
        .map_err(|_| status_for(Reason::PeerNotIdentified, Details::none()))?;
    let trace_id = request.extensions().get::<TraceId>().copied();
    Ok(Call {
        peer: peer.peer().clone(),
        method,
        request_id: None,
        digest: None,
        trace_id,
        freshness: FreshnessOutcome::NotAsked,
        arrived: Instant::now(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_came_by_no_certificate_is_not_identified() {
        let status = call_of(
            &Request::new(()),
            "ponte.consultation.v1.ConsultationService/LookupPerson",
        )
        .expect_err("nobody is known");
        let reason = wire::status::failure_of(&status).reason.known();
        assert_eq!(reason, Some(Reason::PeerNotIdentified));
    }
}
