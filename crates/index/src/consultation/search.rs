//! Searches by partial data, and the handles of those who are found.

use agreement::permit::Permit;
use agreement::reason::Reason;
use agreement::usage::Settlement;
use store::access_log::draft::{EntryDraft, Sealed};
use store::record_store::RecordStore;
use store::record_store::answer::{HitReason, Question, SearchAnswer, SearchHit};
use store::record_store::handle::SearchHandle;
use tonic::Status;
use wire::convert::{DataAge, FoundPerson, PersonSearch, search_hit};
use wire::proto::consultation::v1 as pb;
use wire::status::{Details, status_for};

use super::{settlement, trust};
use crate::access::Pending;
use crate::entry::{Call, told};
use crate::shared::Shared;

impl<S: RecordStore> Shared<S> {
    pub(super) async fn search_persons(
        &self,
        call: Call,
        search: PersonSearch,
    ) -> Result<pb::SearchPersonsResponse, Status> {
        let PersonSearch {
            request,
            query,
            criteria,
            receipt,
        } = search;
        self.complete(&call).await?;
        let granted = self.decide(&call, &request, criteria).await?;
        let (permit, draft, pending) = granted.into_reading();
        let read = self.store.search_persons(&permit, &query, draft).await;
        let settle = |answer: &SearchAnswer| match answer {
            SearchAnswer::Found(hits) => settlement(hits.is_empty()),
            // That there are many was told.
            SearchAnswer::TooMany { most: _ } => Settlement::Hit,
        };
        let (answer, committed) = self.commit(pending, read, settle).await?;
        let hits = match answer {
            SearchAnswer::Found(hits) => hits,
            SearchAnswer::TooMany { most } => {
                let details = Details::none()
                    .with_most_shown(most)
                    .with_receipt(self.log.origin().clone(), committed.short_receipt());
                return Err(status_for(Reason::TooManyFound, details));
            }
        };
        if hits.is_empty() {
            return Err(self.nobody(&call, &permit, &committed));
        }
        // No hit names its municipality, and so no age may.
        let freshness = DataAge::OldestInTerritory(self.oldest_age(&permit));
        Ok(pb::SearchPersonsResponse {
            hits: hits.into_iter().map(hit).collect(),
            freshness: Some(freshness.message(call.freshness)),
            reference_date: Some(permit.reference_date().into()),
            today: Some(permit.today().into()),
            receipt: Some(self.receipt(&committed, receipt)),
        })
    }

    /// The question for a person whom the caller found.
    pub(super) fn found(&self, permit: &Permit, handle: &[u8]) -> Option<Question> {
        let handle = SearchHandle(handle.try_into().ok()?);
        self.store.found(permit, &handle)
    }

    /// Enters a call with a handle that leads this operator nowhere, or no longer. Nothing was read.
    pub(super) async fn handle_invalid(&self, pending: Pending, mut draft: EntryDraft) -> Status {
        draft.header.outcome = told(Reason::HandleInvalid);
        let sealed = Sealed::new((), draft);
        match self.commit(pending, Ok(sealed), |()| Settlement::Denied).await {
            Ok(((), committed)) => {
                let receipt = committed.short_receipt();
                let details = Details::none().with_receipt(self.log.origin().clone(), receipt);
                status_for(Reason::HandleInvalid, details)
            }
            Err(status) => status,
        }
    }
}

/// What the entry of a lookup by handle says was asked by: who it is stands among the subjects.
pub(super) fn criteria_of_handle() -> Vec<(String, String)> {
    vec![("handle".to_owned(), "of a search".to_owned())]
}

fn hit(hit: SearchHit) -> pb::SearchHit {
    let SearchHit {
        handle,
        score,
        reasons,
        view,
        version,
    } = hit;
    let reasons = reasons
        .into_iter()
        .map(|HitReason { field, reason }| (field, reason));
    search_hit(FoundPerson {
        handle: handle.0.to_vec(),
        score,
        reasons: reasons.collect(),
        view,
        trust: trust(version),
    })
}
