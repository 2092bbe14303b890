//! Entries of accesses: as drafted before the decision, and of those that were denied, refused or failed.

use std::time::Duration;

use agreement::agreements::Agreements;
use agreement::batch::{Approval, BatchRow};
use agreement::context::{AccessContext, AgreementId, PurposeId};
use agreement::declarations::DeclarationUse;
use agreement::denial::Denial;
use agreement::moment::Moment;
use agreement::reason::Reason;
use agreement::release::Seclusion;
use agreement::repeats::RequestDigest;
use agreement::request::Request;
use agreement::usage::Usage;
use ledger::hash::Hash;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use registry::hex;
use store::access_log::Slot;
use store::access_log::draft::EntryDraft;
use store::access_log::part_content::{ContentError, CriteriaPart, DecisionPart, OperatorPart};
use store::access_log::retention::Retention;
use store::record_store::RecordStore;
use tonic::Status;
use wire::convert::Invalid;
use wire::status::{Details, refusal_of, status_for};

use crate::entry::{Call, told, usual_retention};
use crate::request_restore;
use crate::shared::Shared;

/// When to ask again where the first call with the same request id has not ended.
const REPEAT_AFTER: Duration = Duration::from_secs(1);

impl<S: RecordStore> Shared<S> {
    pub(super) async fn enter_denial(
        &self,
        slot: Slot,
        mut draft: EntryDraft,
        denial: &Denial,
        usage: &Usage,
        moment: Moment,
    ) -> Status {
        let reason = denial.reason();
        draft.header.outcome = told(reason);
        let decision = DecisionPart {
            outcome: "DENIED".to_owned(),
            clause: Some(denial.clause.name().to_owned()),
            facts: usage_facts(usage),
            ..DecisionPart::default()
        }
        .secluded(self.seclusion(&draft, moment));
        let draft = match draft.with(PartKind::Decision, &decision) {
            Ok(draft) => draft,
            Err(error) => return cannot_draft(&error),
        };
        match self.enter(slot, draft).await {
            Ok(committed) => {
                let details = Details::of_denial(denial, moment.utc());
                let receipt = committed.short_receipt();
                status_for(reason, details.with_receipt(self.log.origin().clone(), receipt))
            }
            Err(status) => status,
        }
    }

    /// Whether the access of a draft is reserved: as the agreement that it names says of the purpose that it names.
    fn seclusion(&self, draft: &EntryDraft, moment: Moment) -> Seclusion {
        let agreement = draft.header.agreement.as_deref().map(AgreementId::parse);
        let purpose = draft.header.purpose.as_deref().map(PurposeId::parse);
        let (Some(Ok(agreement)), Some(Ok(purpose))) = (agreement, purpose) else {
            return Seclusion::None;
        };
        let agreements = self.agreements.load();
        let terms = agreements.get(&agreement).map(|entry| entry.agreement().terms());
        let purpose = terms.and_then(|terms| terms.purpose(&purpose));
        purpose.map_or(Seclusion::None, |purpose| purpose.seclusion(moment))
    }

    /// Enters a call whose request breaks a rule: nothing was decided and nothing read.
    pub async fn refuse(&self, call: &Call, invalid: &Invalid) -> Status {
        let facts = vec![("field".to_owned(), invalid.field().to_owned())];
        let (reason, details) = refusal_of(invalid);
        self.refused(call, reason, details, facts).await
    }

    /// Enters a refusal before anything was read; the status is what the caller is told.
    pub(crate) async fn refused(
        &self,
        call: &Call,
        reason: Reason,
        details: Details,
        facts: Vec<(String, String)>,
    ) -> Status {
        let slot = match self.reserve() {
            Ok(slot) => slot,
            Err(status) => return status,
        };
        let draft = call.draft(EntryKind::Access, usual_retention());
        self.enter_refused(slot, draft, (reason, details), facts).await
    }

    /// Enters that a request id cannot be used: nothing was decided and nothing read.
    pub(super) async fn enter_refusal(&self, slot: Slot, draft: EntryDraft, reason: Reason) -> Status {
        let details = match reason {
            Reason::Busy => Details::none().with_retry_after(REPEAT_AFTER),
            _ => Details::none(),
        };
        self.enter_refused(slot, draft, (reason, details), Vec::new())
            .await
    }

    async fn enter_refused(
        &self,
        slot: Slot,
        mut draft: EntryDraft,
        (reason, details): (Reason, Details),
        facts: Vec<(String, String)>,
    ) -> Status {
        draft.header.outcome = told(reason);
        let decision = DecisionPart {
            outcome: "REFUSED".to_owned(),
            facts,
            ..DecisionPart::default()
        }
        .secluded(self.seclusion(&draft, self.moment()));
        match draft.with(PartKind::Decision, &decision) {
            Ok(draft) => match self.enter(slot, draft).await {
                Ok(committed) => {
                    let receipt = committed.short_receipt();
                    status_for(reason, details.with_receipt(self.log.origin().clone(), receipt))
                }
                Err(unavailable) => unavailable,
            },
            Err(error) => cannot_draft(&error),
        }
    }

    /// An access that failed is an access all the same: whatever was read, nothing of it was disclosed.
    pub(super) async fn enter_failure(&self, slot: Slot, mut draft: EntryDraft) -> Status {
        draft.header.outcome = told(Reason::Internal);
        let decision = DecisionPart {
            outcome: "FAILED".to_owned(),
            ..DecisionPart::default()
        }
        .secluded(self.seclusion(&draft, self.moment()));
        let draft = match draft.with(PartKind::Decision, &decision) {
            Ok(draft) => draft,
            Err(error) => return cannot_draft(&error),
        };
        match self.enter(slot, draft).await {
            Ok(committed) => {
                let details = Details::none();
                let receipt = committed.short_receipt();
                status_for(
                    Reason::Internal,
                    details.with_receipt(self.log.origin().clone(), receipt),
                )
            }
            Err(status) => status,
        }
    }
}

/// The entry of an access before it is decided.
pub(super) fn draft_access(
    call: &Call,
    request: &Request,
    mut criteria: Vec<(String, String)>,
    agreements: &Agreements,
) -> Result<EntryDraft, Status> {
    let entry = agreements.get(&request.context.agreement);
    let months = entry.map(|entry| entry.agreement().terms().retention_months);
    let retention = months.and_then(|months| Retention::months(months).ok());
    let mut draft = call.draft(EntryKind::Access, retention.unwrap_or_else(usual_retention));
    draft.header.agreement = Some(request.context.agreement.as_str().to_owned());
    draft.header.agreement_version = entry.map(|entry| Hash::new(entry.agreement().hash().0));
    draft.header.purpose = Some(request.context.purpose.as_str().to_owned());
    criteria.extend(request.batch.as_ref().into_iter().flat_map(batch_criteria));
    let digest = call
        .digest
        .map(|RequestDigest(digest)| hex::Hex(&digest).to_string());
    criteria.extend(digest.map(|digest| (request_restore::CRITERION.to_owned(), digest)));
    draft
        .with(PartKind::Operator, &operator_part(&request.context))
        .and_then(|draft| draft.with(PartKind::Criteria, &CriteriaPart { criteria }))
        .map_err(|error| cannot_draft(&error))
}

/// Name of the criterion under which the entry of a row keeps the id of its batch.
pub(crate) const BATCH: &str = "batch";

/// The list to which a row belongs, and who approved it.
fn batch_criteria(row: &BatchRow) -> [(String, String); 5] {
    let BatchRow {
        batch,
        row,
        rows,
        approval: Approval {
            reference,
            approver,
            approved_on,
        },
    } = row;
    [
        (BATCH.to_owned(), batch.to_string()),
        ("row".to_owned(), format!("{row} of {rows}")),
        ("approval".to_owned(), reference.as_str().to_owned()),
        ("approver".to_owned(), approver.as_str().to_owned()),
        ("approved_on".to_owned(), approved_on.to_string()),
    ]
}

fn operator_part(context: &AccessContext) -> OperatorPart {
    OperatorPart {
        operator: context
            .operator
            .as_ref()
            .map(|operator| operator.as_str().to_owned())
            .unwrap_or_default(),
        assurance: context
            .assurance
            .map(|assurance| assurance.name().to_owned())
            .unwrap_or_default(),
        workstation: context
            .workstation
            .as_ref()
            .map(|workstation| workstation.as_str().to_owned()),
        case_reference: context
            .case_reference
            .as_ref()
            .map(|reference| reference.as_str().to_owned()),
        consent_reference: context.consent_reference.as_ref().map(ToString::to_string),
    }
}

fn usage_facts(usage: &Usage) -> Vec<(String, String)> {
    let Usage {
        agreement,
        purpose,
        operator,
        declarations,
    } = usage;
    let declarations = match declarations {
        DeclarationUse::Open => "open".to_owned(),
        DeclarationUse::UsedUp { resets_at } => format!("used-up {}", resets_at.timestamp_millis()),
    };
    [
        ("agreement", agreement),
        ("purpose", purpose),
        ("operator", operator),
    ]
    .into_iter()
    .flat_map(|(scope, counters)| {
        [
            (
                format!("{scope}.calls_this_minute"),
                counters.calls_this_minute.to_string(),
            ),
            (format!("{scope}.calls_today"), counters.calls_today.to_string()),
            (format!("{scope}.misses_today"), counters.misses_today.to_string()),
            (format!("{scope}.rows_today"), counters.rows_today.to_string()),
        ]
    })
    .chain([("declarations".to_owned(), declarations)])
    .collect()
}

fn cannot_draft(error: &ContentError) -> Status {
    tracing::error!(
        error = error as &dyn std::error::Error,
        "an entry of the access log cannot be drafted"
    );
    status_for(Reason::Internal, Details::none())
}
