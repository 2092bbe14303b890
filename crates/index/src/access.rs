//! The one way of every call of an agency: a place in the log, the decision, the reading, the entry, the answer.

use std::time::Duration;

use agreement::agreements::Agreements;
use agreement::context::AccessContext;
use agreement::decision::decide;
use agreement::declarations::{Attempt, DeclarationUse};
use agreement::denial::Denial;
use agreement::moment::Moment;
use agreement::permit::Permit;
use agreement::reason::Reason;
use agreement::request::Request;
use agreement::terms::PurposeKind;
use agreement::usage::{Reservation, Settlement, Usage, UsageKey};
use ledger::hash::Hash;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use store::access_log::Slot;
use store::access_log::committed::Committed;
use store::access_log::draft::{EntryDraft, Sealed};
use store::access_log::part_content::{ContentError, CriteriaPart, DecisionPart, OperatorPart};
use store::access_log::retention::Retention;
use store::record_store::{ReadError, RecordStore};
use tonic::Status;
use wire::convert::{FreshnessOutcome, Invalid, ReceiptChoice, full_receipt, short_receipt};
use wire::status::{Details, invalid_argument, status_for};

use crate::declaration_restore;
use crate::entry::{Call, told, usual_retention};
use crate::shared::{Shared, log_failure};

/// A call that has been decided in the caller's favour and is not yet entered.
#[derive(Debug)]
pub struct Granted {
    /// What the caller may see.
    pub permit: Permit,
    slot: Slot,
    draft: EntryDraft,
    reservation: Option<Reservation>,
}

/// A granted call after its reading; only [`Shared::commit`] leads on.
#[derive(Debug)]
pub struct Pending {
    slot: Slot,
    reservation: Option<Reservation>,
    /// The entry as drafted before the reading: it is made when the reading fails.
    unread: EntryDraft,
}

impl Granted {
    /// Takes the call apart for its reading.
    pub fn into_reading(self) -> (Permit, EntryDraft, Pending) {
        let Self {
            permit,
            slot,
            draft,
            reservation,
        } = self;
        let unread = draft.clone();
        let pending = Pending {
            slot,
            reservation,
            unread,
        };
        (permit, draft, pending)
    }
}

impl<S: RecordStore> Shared<S> {
    /// Decides over a call. A denial is entered before it is told.
    ///
    /// # Errors
    /// The denial, or that the log cannot take the entry.
    pub async fn decide(
        &self,
        call: &Call,
        request: &Request,
        criteria: Vec<(String, String)>,
    ) -> Result<Granted, Status> {
        self.decide_at(call, request, criteria, &[], self.moment()).await
    }

    /// Decides over a call with a declaration, which counts from here on, whoever it is about and whatever is found;
    /// where the call is denied, nothing was compared and it does not count.
    ///
    /// # Errors
    /// See [`Self::decide`].
    pub async fn decide_declaration(
        &self,
        call: &Call,
        request: &Request,
        mut criteria: Vec<(String, String)>,
        attempts: impl FnOnce(Moment) -> Vec<Attempt>,
    ) -> Result<Granted, Status> {
        let moment = self.moment();
        let attempts = attempts(moment);
        let hashes = attempts.iter().map(ToString::to_string);
        criteria.extend(hashes.map(|hashes| (declaration_restore::CRITERION.to_owned(), hashes)));
        self.decide_at(call, request, criteria, &attempts, moment).await
    }

    async fn decide_at(
        &self,
        call: &Call,
        request: &Request,
        criteria: Vec<(String, String)>,
        attempts: &[Attempt],
        moment: Moment,
    ) -> Result<Granted, Status> {
        let slot = self.reserve()?;
        let agreements = self.agreements.load_full();
        let (reservation, mut usage) = self.reserve_usage(call, request, &agreements, moment);
        let decision = if attempts.is_empty() {
            decide(&agreements, &call.peer, request, &usage, moment)
        } else {
            // Nobody else's declaration comes between what is left and what then counts.
            self.with_declarations(|counters| {
                usage.declarations = counters.standing(attempts, moment);
                let decision = decide(&agreements, &call.peer, request, &usage, moment);
                if decision.is_ok() {
                    counters.count(attempts, moment);
                }
                decision
            })
        };
        let retention = agreements
            .get(&request.context.agreement)
            .map_or_else(usual_retention, |entry| {
                Retention::months(entry.agreement().terms().retention_months)
                    .unwrap_or_else(|_| usual_retention())
            });
        let mut draft = call.draft(EntryKind::Access, retention);
        draft.header.agreement = Some(request.context.agreement.as_str().to_owned());
        draft.header.agreement_version = agreements
            .get(&request.context.agreement)
            .map(|entry| Hash::new(entry.agreement().hash().0));
        draft.header.purpose = Some(request.context.purpose.as_str().to_owned());
        let draft = draft
            .with(PartKind::Operator, &operator_part(&request.context))
            .and_then(|draft| draft.with(PartKind::Criteria, &CriteriaPart { criteria }))
            .map_err(|error| cannot_draft(&error))?;
        match decision {
            Ok(permit) => {
                let mut draft = draft;
                let mut fields: Vec<String> = permit.fields().names().map(str::to_owned).collect();
                fields.sort_unstable();
                draft.header.granted_fields = fields;
                Ok(Granted {
                    permit,
                    slot,
                    draft,
                    reservation,
                })
            }
            Err(denial) => {
                self.settle(reservation, Settlement::Denied);
                Err(self.enter_denial(slot, draft, &denial, &usage, moment).await)
            }
        }
    }

    /// Counts the call on the account of an agreement and purpose that are the caller's; what an agency invents is
    /// counted nowhere, so that it fills no memory, and is denied.
    fn reserve_usage(
        &self,
        call: &Call,
        request: &Request,
        agreements: &Agreements,
        moment: Moment,
    ) -> (Option<Reservation>, Usage) {
        let own = agreements.get(&request.context.agreement).is_some_and(|entry| {
            let terms = entry.agreement().terms();
            terms.agency == call.peer.id && terms.purpose(&request.context.purpose).is_some()
        });
        if !own {
            return (None, Usage::default());
        }
        let (reservation, usage) =
            self.with_usage(|counters| counters.reserve(usage_key(call, request), moment));
        (Some(reservation), usage)
    }

    fn settle(&self, reservation: Option<Reservation>, settlement: Settlement) {
        if let Some(reservation) = reservation {
            self.with_usage(|counters| counters.settle(reservation, settlement));
        }
    }

    async fn enter_denial(
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
            reserved: self.is_reserved(denial),
            facts: usage_facts(usage),
        };
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

    fn is_reserved(&self, denial: &Denial) -> bool {
        let agreements = self.agreements.load();
        let entry = agreements.get(&denial.agreement);
        entry
            .and_then(|entry| entry.agreement().terms().purpose(&denial.purpose))
            .is_some_and(|purpose| purpose.kind == PurposeKind::Reserved)
    }

    /// Enters a call whose request breaks a rule: nothing was decided and nothing read.
    pub async fn refuse(&self, call: &Call, invalid: &Invalid) -> Status {
        let facts = vec![("field".to_owned(), invalid.field().to_owned())];
        self.refused(call, invalid_argument(invalid), facts).await
    }

    /// Enters a refusal before anything was read; the status is what the caller is told.
    pub(crate) async fn refused(&self, call: &Call, status: Status, facts: Vec<(String, String)>) -> Status {
        let slot = match self.reserve() {
            Ok(slot) => slot,
            Err(status) => return status,
        };
        let mut draft = call.draft(EntryKind::Access, usual_retention());
        draft.header.outcome = told(
            wire::status::failure_of(&status)
                .reason
                .known()
                .unwrap_or(Reason::InvalidArgument),
        );
        let decision = DecisionPart {
            outcome: "REFUSED".to_owned(),
            facts,
            ..DecisionPart::default()
        };
        match draft.with(PartKind::Decision, &decision) {
            Ok(draft) => match self.enter(slot, draft).await {
                Ok(_) => status,
                Err(unavailable) => unavailable,
            },
            Err(error) => cannot_draft(&error),
        }
    }

    /// Makes the entry of a reading durable and opens its answer.
    ///
    /// # Errors
    /// That the store could not read, or the log not write: nothing is disclosed.
    pub async fn commit<T>(
        &self,
        pending: Pending,
        read: Result<Sealed<T>, ReadError>,
        settle: impl FnOnce(&T) -> Settlement,
    ) -> Result<(T, Committed), Status> {
        let Pending {
            slot,
            reservation,
            unread,
        } = pending;
        let sealed = match read {
            Ok(sealed) => sealed,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a reading failed");
                self.settle(reservation, Settlement::Denied);
                return Err(self.enter_failure(slot, unread).await);
            }
        };
        match self.log.commit(slot, sealed).await {
            Ok((answer, committed)) => {
                let settlement = settle(&answer);
                self.settle(reservation, settlement);
                Ok((answer, committed))
            }
            Err(error) => {
                self.settle(reservation, Settlement::Denied);
                Err(log_failure(&error))
            }
        }
    }

    /// An access that failed is an access all the same: whatever was read, nothing of it was disclosed.
    async fn enter_failure(&self, slot: Slot, mut draft: EntryDraft) -> Status {
        draft.header.outcome = told(Reason::Internal);
        let decision = DecisionPart {
            outcome: "FAILED".to_owned(),
            ..DecisionPart::default()
        };
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

    /// The answer for whoever is shown nobody: the same bytes whether there is none or none to be shown.
    pub fn nobody(&self, call: &Call, permit: &Permit, committed: &Committed) -> Status {
        let minutes = wire::convert::age_in_minutes(self.oldest_age(permit));
        let details = Details::none()
            .with_oldest_age(u32::try_from(minutes).unwrap_or(u32::MAX))
            .with_receipt(self.log.origin().clone(), committed.short_receipt());
        let details = match call.freshness {
            FreshnessOutcome::NotAsked => details,
            FreshnessOutcome::Met => details.with_freshness(true),
            FreshnessOutcome::NotMet => details.with_freshness(false),
        };
        status_for(Reason::NotFound, details)
    }

    /// Age of the oldest data in the agreement's territory.
    pub fn oldest_age(&self, permit: &Permit) -> Duration {
        let territory = &permit.agreement().terms().territory;
        let oldest = self
            .store
            .oldest_received_ms(&|municipality| territory.contains(municipality));
        self.age_of(oldest)
    }

    /// Age of data recorded at an instant; data that never came are as old as time.
    pub fn age_of(&self, received_ms: Option<u64>) -> Duration {
        let now = self.clock.now_ms();
        Duration::from_millis(received_ms.map_or(now, |received| now.saturating_sub(received)))
    }

    /// The receipt in the form that was asked for.
    pub fn receipt(
        &self,
        committed: &Committed,
        choice: ReceiptChoice,
    ) -> wire::proto::ledger::v1::AccessReceipt {
        let origin = self.log.origin();
        match choice {
            ReceiptChoice::Full => full_receipt(origin, committed.receipt()).into(),
            ReceiptChoice::Short => short_receipt(origin, &committed.short_receipt()).into(),
        }
    }
}

pub(crate) fn usage_key(call: &Call, request: &Request) -> UsageKey {
    let AccessContext {
        agreement,
        purpose,
        operator,
        ..
    } = &request.context;
    UsageKey {
        agency: call.peer.id.clone(),
        agreement: agreement.clone(),
        purpose: purpose.clone(),
        operator: operator.clone(),
    }
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

#[cfg(test)]
pub(crate) mod tests;
