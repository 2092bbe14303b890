//! What an administrator does about publication: takes a node's shorter journal, declares a backup. Each is an entry of
//! the access log before it takes effect.

use agreement::reason::Reason;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use registry::municipality::MunicipalityId;
use registry::publication::Watermark;
use store::access_log::part_content::DetailPart;
use store::publisher::{NewLine, PublishError, Standing};
use store::record_store::RecordStore;
use tonic::Status;
use wire::convert::{Invalid, Rule, municipality_from_wire, timestamp_to_ms};
use wire::proto::directory::v1 as pb;
use wire::status::{Details, invalid_argument, status_for};

use crate::administration::{Administrator, administrative, administrator, text};
use crate::entry::{Call, usual_retention};
use crate::publication::refusal_of;
use crate::shared::Shared;

impl<S: RecordStore> Shared<S> {
    /// Begins a new line of history at the end of a journal that was lost or restored.
    pub(crate) async fn accept_journal(
        &self,
        call: Call,
        request: pb::AcceptJournalRequest,
    ) -> Result<pb::AcceptJournalResponse, Status> {
        let pb::AcceptJournalRequest {
            municipality,
            journal_end,
            reference,
            operator,
        } = request;
        let administrator = administrator(&call)?;
        let code = municipality_from_wire("municipality", &municipality)
            .map_err(|invalid| invalid_argument(&invalid))?;
        let served = |id: &MunicipalityId| self.nodes.values().any(|grant| grant.municipalities.contains(id));
        let id = MunicipalityId::of_any(code)
            .filter(served)
            .ok_or_else(|| status_for(Reason::ResourceNotFound, Details::none()))?;
        let held = self.store.standing(id, self.clock.now_ms());
        let facts = vec![
            ("act".to_owned(), "accept-journal".to_owned()),
            ("municipality".to_owned(), code.to_string()),
            ("journal_end".to_owned(), journal_end.to_string()),
            ("held".to_owned(), held.watermark.0.to_string()),
        ];
        self.enter_act(&administrator, facts, reference, operator).await?;
        let reason = NewLine::ShorterJournal(Watermark(journal_end));
        let begun = self
            .store
            .begin_line(id, self.new_epoch(), reason, self.clock.now_ms());
        let Standing { epoch, watermark, .. } = begun.await.map_err(|error| not_written(&error))?;
        Ok(pb::AcceptJournalResponse {
            epoch: epoch.0.to_vec(),
            watermark: watermark.0,
            begun: epoch != held.epoch,
        })
    }

    /// Notes how far a backup of the index holds.
    pub(crate) async fn declare_backup(
        &self,
        call: Call,
        request: pb::DeclareBackupRequest,
    ) -> Result<pb::DeclareBackupResponse, Status> {
        let pb::DeclareBackupRequest {
            time,
            reference,
            operator,
        } = request;
        let administrator = administrator(&call)?;
        let at_ms = timestamp_to_ms("time", time).map_err(|invalid| invalid_argument(&invalid))?;
        let past = u64::try_from(at_ms)
            .ok()
            .filter(|at_ms| *at_ms <= self.clock.now_ms());
        let at_ms = past.ok_or_else(|| invalid_argument(&Invalid::new("time", Rule::Range)))?;
        let facts = vec![
            ("act".to_owned(), "declare-backup".to_owned()),
            ("time_ms".to_owned(), at_ms.to_string()),
        ];
        self.enter_act(&administrator, facts, reference, operator).await?;
        self.store
            .backed_up(at_ms)
            .await
            .map_err(|error| not_written(&error))?;
        Ok(pb::DeclareBackupResponse {})
    }

    async fn enter_act(
        &self,
        administrator: &Administrator<'_>,
        details: Vec<(String, String)>,
        reference: String,
        operator: String,
    ) -> Result<(), Status> {
        let Administrator(call) = administrator;
        let reference = text("reference", &reference, 240)?;
        let operator = text("operator", &operator, 64)?;
        let slot = self.reserve()?;
        let draft = call
            .draft(EntryKind::Publication, usual_retention())
            .with(PartKind::AdministrativeDetail, &DetailPart { details })
            .and_then(|draft| draft.with(PartKind::Operator, &administrative(operator, reference)))
            .map_err(|_| status_for(Reason::Internal, Details::none()))?;
        self.enter(slot, draft).await.map(drop)
    }
}

fn not_written(error: &PublishError) -> Status {
    let (reason, details) = refusal_of(error);
    status_for(reason, details)
}
