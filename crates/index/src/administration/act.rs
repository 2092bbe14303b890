//! What an administrator does, as the access log tells it: entered before it is done, and again when it fails.

use agreement::reason::Reason;
use ledger::header::{EntryKind, Outcome};
use ledger::part::PartKind;
use store::access_log::committed::Committed;
use store::access_log::draft::EntryDraft;
use store::access_log::part_content::DetailPart;
use store::access_log::retention::Retention;
use tonic::Status;
use wire::status::{Details, status_for};

use super::{Administrator, administrative, text};
use crate::entry::{told, told_ok, usual_retention};
use crate::shared::Shared;

/// What the entry of an administrator's act says: what was done, by whom, and on what ground.
pub(crate) struct Act {
    kind: EntryKind,
    retention: Retention,
    details: Vec<(String, String)>,
    operator: String,
    reference: String,
}

impl Act {
    /// An act, kept for the usual term.
    ///
    /// # Errors
    /// The status that names the field: no reference or none that fits, or likewise no operator.
    pub(crate) fn new(
        kind: EntryKind,
        details: Vec<(String, String)>,
        reference: &str,
        operator: &str,
    ) -> Result<Self, Status> {
        Ok(Self {
            kind,
            retention: usual_retention(),
            details,
            reference: text("reference", reference, 240)?,
            operator: text("operator", operator, 64)?,
        })
    }

    /// The same, kept for another term.
    pub(crate) fn kept_for(self, retention: Retention) -> Self {
        Self { retention, ..self }
    }

    /// The entry of the act by an administrator, as it went out.
    ///
    /// # Errors
    /// `INTERNAL` when the entry cannot be drafted.
    pub(crate) fn draft(&self, by: &Administrator<'_>, outcome: Outcome) -> Result<EntryDraft, Status> {
        let Self {
            kind,
            retention,
            details,
            operator,
            reference,
        } = self;
        let Administrator(call) = by;
        let mut draft = call.draft(*kind, *retention);
        draft.header.outcome = outcome;
        let details = DetailPart {
            details: details.clone(),
        };
        let operator = administrative(operator.clone(), reference.clone());
        draft
            .with(PartKind::AdministrativeDetail, &details)
            .and_then(|draft| draft.with(PartKind::Operator, &operator))
            .map_err(|_| status_for(Reason::Internal, Details::none()))
    }
}

impl<S> Shared<S> {
    /// Enters the act, and only then begins `work`; work that fails is entered again with its reason, so that the log
    /// tells of no act that did not take place.
    ///
    /// # Errors
    /// The status of the entry that could not be made, and then nothing was done, or of the work that failed.
    pub(crate) async fn carry_out<T>(
        &self,
        by: &Administrator<'_>,
        act: &Act,
        work: impl Future<Output = Result<T, (Reason, Details)>> + Send,
    ) -> Result<(T, Committed), Status> {
        let entered = self.enter(self.reserve()?, act.draft(by, told_ok())?).await?;
        match work.await {
            Ok(done) => Ok((done, entered)),
            Err((reason, details)) => {
                self.enter(self.reserve()?, act.draft(by, told(reason))?).await?;
                Err(status_for(reason, details))
            }
        }
    }
}
