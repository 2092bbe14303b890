//! The end of retention (*scarto*, GDPR article 5(1)(e)): at the term of their agreement the sealed parts of entries go, by
//! the destruction of their keys. Headers, hashes and every proof stay.

use std::sync::Arc;

use ledger::header::EntryKind;
use ledger::part::PartKind;
use store::access_log::draft::EntryDraft;
use store::access_log::part_content::DetailPart;
use store::access_log::retention::ExpiredKeys;
use tonic::Status;

use agreement::reason::Reason;
use wire::status::{Details, status_for};

use crate::entry::{told, told_ok, usual_retention};
use crate::shared::Shared;

impl<S: Send + Sync + 'static> Shared<S> {
    /// Destroys the keys whose time is over. That is entered before, by kind of part, term and month, and again when it
    /// fails; what cannot be entered is not done, and what was not done is tried again when this is called next.
    pub(crate) async fn end_retention(self: &Arc<Self>) {
        let expired = self.log.expired();
        if expired.is_empty() {
            return;
        }
        match self.destroy(expired).await {
            Ok(keys) => tracing::info!(keys, "keys of the access log reached the end of their retention"),
            Err(status) => tracing::error!(
                code = ?status.code(),
                "keys of the access log whose retention is over could not be destroyed"
            ),
        }
    }

    async fn destroy(self: &Arc<Self>, expired: ExpiredKeys) -> Result<usize, Status> {
        let classes = expired.classes();
        let entry = |outcome| {
            let mut draft = EntryDraft::new(EntryKind::KeysDestroyed, usual_retention());
            draft.header.outcome = outcome;
            let details = classes
                .iter()
                .map(|(class, keys)| (class.clone(), keys.to_string()));
            let details = DetailPart {
                details: details.collect(),
            };
            draft
                .with(PartKind::AdministrativeDetail, &details)
                .map_err(|_| status_for(Reason::Internal, Details::none()))
        };
        self.enter(self.reserve()?, entry(told_ok())?).await?;
        let log = self.log.clone();
        let destroyed = tokio::task::spawn_blocking(move || log.erase(&expired)).await;
        match destroyed {
            Ok(Ok(keys)) => Ok(keys),
            Ok(Err(_)) | Err(_) => {
                self.enter(self.reserve()?, entry(told(Reason::Internal))?)
                    .await?;
                Err(status_for(Reason::Internal, Details::none()))
            }
        }
    }
}
