//! The one way of every call of an agency: a place in the log, the decision, the reading, the entry, the answer.

pub(crate) mod entering;
mod requests;

use std::time::Duration;

use agreement::agreements::Agreements;
use agreement::context::AccessContext;
use agreement::decision::decide;
use agreement::declarations::Attempt;
use agreement::moment::Moment;
use agreement::permit::Permit;
use agreement::reason::Reason;
use agreement::repeats::{FirstCall, RequestKey, Standing};
use agreement::request::Request;
use agreement::usage::{Reservation, Settlement, Unit, Usage, UsageKey};
use chrono::NaiveDate;
use store::access_log::Slot;
use store::access_log::committed::Committed;
use store::access_log::draft::{EntryDraft, Sealed};
use store::record_store::{ReadError, RecordStore};
use tonic::Status;
use wire::convert::{FreshnessOutcome, ReceiptChoice, full_receipt, short_receipt};
use wire::status::{Details, status_for};

use crate::access::entering::draft_access;
use crate::access::requests::is_own;
use crate::declaration_restore;
use crate::entry::Call;
use crate::shared::{Shared, log_failure};

/// A call that has been decided in the caller's favour and is not yet entered.
#[derive(Debug)]
pub struct Granted {
    /// What the caller may see.
    pub permit: Permit,
    slot: Slot,
    draft: EntryDraft,
    reservation: Option<Reservation>,
    first: Option<RequestKey>,
}

/// A granted call after its reading; only [`Shared::commit`] leads on.
#[derive(Debug)]
pub struct Pending {
    slot: Slot,
    reservation: Option<Reservation>,
    /// The request id that the call holds, where it is the first with it, and its reference date.
    first: Option<(RequestKey, NaiveDate)>,
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
            first,
        } = self;
        let unread = draft.clone();
        let pending = Pending {
            slot,
            reservation,
            first: first.map(|key| (key, permit.reference_date())),
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
        let mut draft = draft_access(call, request, criteria, &agreements)?;
        let (first, repeated) = match self.begin(call, request, &agreements, moment) {
            Ok(Some((_, Standing::Repeat(repeated)))) => (None, Some(repeated)),
            Ok(Some((key, Standing::First))) => (Some(key), None),
            Ok(None) => (None, None),
            Err(reason) => return Err(self.enter_refusal(slot, draft, reason).await),
        };
        let (reservation, mut usage) = match repeated {
            Some(repeated) => {
                draft.header.repeat_of = Some(repeated.entry);
                (None, Usage::default())
            }
            None => self.reserve_usage(call, request, &agreements, moment),
        };
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
        match decision {
            Ok(permit) => {
                let mut fields: Vec<String> = permit.fields().names().map(str::to_owned).collect();
                fields.sort_unstable();
                draft.header.granted_fields = fields;
                let permit = match &repeated {
                    Some(repeated) => permit.repeating(repeated),
                    None => permit,
                };
                Ok(Granted {
                    permit,
                    slot,
                    draft,
                    reservation,
                    first,
                })
            }
            Err(denial) => {
                self.settle(reservation, Settlement::Denied);
                self.end(first.as_ref(), None);
                Err(self.enter_denial(slot, draft, &denial, &usage, moment).await)
            }
        }
    }

    /// Counts the call on the account of an agreement and purpose that are the caller's; what an agency invents is
    /// counted nowhere, so that it fills no memory, and is denied. To ask what is left costs nothing of it.
    fn reserve_usage(
        &self,
        call: &Call,
        request: &Request,
        agreements: &Agreements,
        moment: Moment,
    ) -> (Option<Reservation>, Usage) {
        if !request.service().needs_grant() || !is_own(call, request, agreements) {
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
            first,
            unread,
        } = pending;
        let key = first.as_ref().map(|(key, _)| key);
        let sealed = match read {
            Ok(sealed) => sealed,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a reading failed");
                self.settle(reservation, Settlement::Denied);
                self.end(key, None);
                return Err(self.enter_failure(slot, unread).await);
            }
        };
        let read_at = sealed.read_at();
        match self.log.commit(slot, sealed).await {
            Ok((answer, committed)) => {
                let settlement = settle(&answer);
                self.settle(reservation, settlement);
                if let Some((key, reference_date)) = &first {
                    let call = FirstCall {
                        entry: committed.index(),
                        read_at,
                        reference_date: *reference_date,
                    };
                    self.end(Some(key), Some(call));
                }
                Ok((answer, committed))
            }
            Err(error) => {
                self.settle(reservation, Settlement::Denied);
                self.end(key, None);
                Err(log_failure(&error))
            }
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
        unit: Unit::of(request),
    }
}

#[cfg(test)]
pub(crate) mod tests;
