//! After a proved loss: agencies are not answered until every municipality has been heard again and has sent everything,
//! or an administrator says to go on without the rest.

use std::collections::BTreeSet;
use std::time::Duration;

use agreement::reason::Reason;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use registry::municipality::MunicipalityId;
use store::access_log::draft::EntryDraft;
use store::access_log::part_content::DetailPart;
use store::record_store::RecordStore;
use tonic::Status;
use wire::proto::directory::v1 as pb;
use wire::status::Details;

use crate::administration::{Act, administrator};
use crate::entry::{Call, told_ok, usual_retention};
use crate::publication::refusal_of;
use crate::shared::Shared;

/// After which time a caller may try again.
const RETRY: Duration = Duration::from_secs(30);

const ACT: &str = "reopen";

impl<S: RecordStore> Shared<S> {
    /// Refuses to read cards while what was lost is awaited, or while nobody witnesses the access log, with an entry.
    ///
    /// # Errors
    /// `INDEX_RESTORING`, `WITNESSES_MISSING`, or that the refusal could not be entered.
    pub(crate) async fn complete(&self, call: &Call) -> Result<(), Status> {
        if !self.store.is_restoring() {
            return self.witnessed_lately(call).await;
        }
        let details = Details::none().with_retry_after(RETRY);
        Err(self
            .refused(call, Reason::IndexRestoring, details, Vec::new())
            .await)
    }

    /// Ends a restoration for which nothing is awaited any more. What fails is tried again at the next look.
    pub(crate) async fn reopen_when_complete(&self) {
        if !self.store.is_restoring() || !self.store.awaited(&self.municipalities()).is_empty() {
            return;
        }
        let details = vec![("act".to_owned(), ACT.to_owned())];
        let mut draft = EntryDraft::new(EntryKind::Publication, usual_retention());
        draft.header.outcome = told_ok();
        let entered = match (
            self.reserve(),
            draft.with(PartKind::AdministrativeDetail, &DetailPart { details }),
        ) {
            (Ok(slot), Ok(draft)) => self.enter(slot, draft).await.is_ok(),
            (Err(_), _) | (_, Err(_)) => false,
        };
        if entered && let Err(error) = self.store.reopen(self.clock.now_ms()).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the end of the restoration could not be noted"
            );
        }
    }

    /// Ends a restoration on an administrator's word.
    pub(crate) async fn reopen(
        &self,
        call: Call,
        request: pb::ReopenRequest,
    ) -> Result<pb::ReopenResponse, Status> {
        let pb::ReopenRequest { reference, operator } = request;
        let administrator = administrator(&call)?;
        let awaited: Vec<String> = self
            .store
            .awaited(&self.municipalities())
            .into_iter()
            .filter_map(MunicipalityId::latest_istat)
            .map(|istat| istat.to_string())
            .collect();
        let mut facts = vec![("act".to_owned(), ACT.to_owned())];
        facts.extend(awaited.iter().map(|istat| ("without".to_owned(), istat.clone())));
        let act = Act::new(EntryKind::Publication, facts, &reference, &operator)?;
        let work = async {
            let reopened = self.store.reopen(self.clock.now_ms()).await;
            reopened.map_err(|error| refusal_of(&error))
        };
        self.carry_out(&administrator, &act, work).await?;
        let mut awaited = awaited;
        awaited.sort_unstable();
        Ok(pb::ReopenResponse { awaited })
    }

    /// Every municipality that some node publishes.
    fn municipalities(&self) -> BTreeSet<MunicipalityId> {
        let granted = self.nodes.values().flat_map(|grant| &grant.municipalities);
        // Nobody sends anything of one that was merged.
        granted.copied().filter(|id| id.successor().is_none()).collect()
    }
}
