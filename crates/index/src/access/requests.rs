//! Request ids: whether a call is the first with its id, or repeats one that was answered.

use agreement::agreements::Agreements;
use agreement::moment::Moment;
use agreement::reason::Reason;
use agreement::repeats::{FirstCall, RepeatError, RequestDigest, RequestKey, Standing};
use agreement::request::Request;
use store::keys::token::TokenDomain;
use store::record_store::RecordStore;

use crate::entry::Call;
use crate::shared::Shared;

impl<S: RecordStore> Shared<S> {
    /// What a call with a request id is. Ids that are used under an agreement which is not the caller's are noted
    /// nowhere, so that nobody fills the memory with them.
    pub(super) fn begin(
        &self,
        call: &Call,
        request: &Request,
        agreements: &Agreements,
        moment: Moment,
    ) -> Result<Option<(RequestKey, Standing)>, Reason> {
        let (Some(id), Some(digest)) = (call.request_id, call.digest) else {
            return Ok(None);
        };
        if !is_own(call, request, agreements) {
            return Ok(None);
        }
        let key = RequestKey {
            agency: call.peer.id.clone(),
            agreement: request.context.agreement.clone(),
            id,
        };
        match self.with_requests(|book| book.begin(&key, digest, moment)) {
            Ok(standing) => Ok(Some((key, standing))),
            Err(RepeatError::Reused) => Err(Reason::RequestIdReused),
            Err(RepeatError::Running) => Err(Reason::Busy),
        }
    }

    pub(super) fn end(&self, first: Option<&RequestKey>, call: Option<FirstCall>) {
        if let Some(key) = first {
            self.with_requests(|book| book.end(key, call));
        }
    }

    /// The hash by which a request is told from another one.
    pub(crate) fn request_digest(&self, method: &str, message: &impl prost::Message) -> RequestDigest {
        let bytes = [method.as_bytes(), &[0], &message.encode_to_vec()].concat();
        RequestDigest(*self.request_tokens.token(TokenDomain::Request, &bytes).as_bytes())
    }
}

/// Whether agreement and purpose of a call are the caller's.
pub(super) fn is_own(call: &Call, request: &Request, agreements: &Agreements) -> bool {
    agreements.get(&request.context.agreement).is_some_and(|entry| {
        let terms = entry.agreement().terms();
        terms.agency == call.peer.id && terms.purpose(&request.context.purpose).is_some()
    })
}
