//! What an administrator does about publication: takes a node's shorter journal, declares a backup. Each is an entry of
//! the access log before it takes effect, and another when it fails.

use agreement::reason::Reason;
use ledger::header::EntryKind;
use registry::municipality::MunicipalityId;
use registry::publication::Watermark;
use store::publisher::{NewLine, Standing};
use store::record_store::RecordStore;
use tonic::Status;
use wire::convert::{Invalid, Rule, municipality_from_wire, timestamp_to_ms};
use wire::proto::directory::v1 as pb;
use wire::status::{Details, invalid_argument, status_for};

use crate::administration::{Act, administrator};
use crate::entry::Call;
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
        let act = Act::new(EntryKind::Publication, facts, &reference, &operator)?;
        let work = async {
            let reason = NewLine::ShorterJournal(Watermark(journal_end));
            let begun = self
                .store
                .begin_line(id, self.new_epoch(), reason, self.clock.now_ms());
            begun.await.map_err(|error| refusal_of(&error))
        };
        let (standing, _) = self.carry_out(&administrator, &act, work).await?;
        let Standing { epoch, watermark, .. } = standing;
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
        let act = Act::new(EntryKind::Publication, facts, &reference, &operator)?;
        let work = async {
            let noted = self.store.backed_up(at_ms).await;
            noted.map_err(|error| refusal_of(&error))
        };
        self.carry_out(&administrator, &act, work).await?;
        Ok(pb::DeclareBackupResponse {})
    }
}

#[cfg(test)]
mod tests;
