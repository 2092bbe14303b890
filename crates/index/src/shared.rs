//! What all services of the index share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use agreement::agreements::Agreements;
use agreement::declarations::DeclarationCounters;
use agreement::moment::Moment;
use agreement::openings::OpeningBook;
use agreement::peer::SpiffeId;
use agreement::reason::Reason;
use agreement::repeats::RequestBook;
use agreement::usage::UsageCounters;
use arc_swap::ArcSwap;
use registry::municipality::MunicipalityId;
use registry::statement::RegistrarId;
use store::access_log::committed::Committed;
use store::access_log::draft::EntryDraft;
use store::access_log::{AccessLog, LogFailure, ReserveError, Slot};
use store::cosignatures::Cosignatures;
use store::keys::token::Tokenizer;
use tokio_util::task::TaskTracker;
use tonic::Status;
use transport::clock::Clock;
use transport::random::Random;
use transport::shutdown::Shutdown;
use wire::status::{Details, status_for};

use crate::config::{NodeGrant, ReaderGrant, RegistrarGrant};
use crate::freshness::StaleAfter;
use crate::oversight::Oversight;
use crate::pace::Pacer;
use crate::witness::Lag;

/// State of the index, shared by all its services.
#[derive(Debug)]
pub struct Shared<S> {
    /// The record store.
    pub store: S,
    /// The access log: the only way out for an answer.
    pub log: AccessLog,
    /// What witnesses cosigned of it.
    pub cosignatures: Cosignatures,
    /// How long its entries have waited for them.
    pub(crate) lag: Lag,
    /// What was counted of its entries.
    pub oversight: Oversight,
    /// Agreements in force, a snapshot swapped at each activation and revocation.
    pub agreements: ArcSwap<Agreements>,
    /// Guards changes of the agreements, so that entry and snapshot keep one order.
    pub agreements_change: tokio::sync::Mutex<()>,
    /// Guards changes of publication profiles, so that the last one is that of the agreements as they are.
    pub profiles_change: tokio::sync::Mutex<()>,
    /// Which reserved accesses are open to whom.
    pub openings: Mutex<OpeningBook>,
    /// Guards changes of the openings, so that what is judged is still so when it is entered.
    pub openings_change: tokio::sync::Mutex<()>,
    /// What each agreement has used up.
    pub usage: Mutex<UsageCounters>,
    /// Which declarations were compared in the days that count.
    pub declarations: Mutex<DeclarationCounters>,
    /// Hashes declarations and the identifiers they are about.
    pub declaration_tokens: Tokenizer,
    /// Which request ids are in use.
    pub requests: Mutex<RequestBook>,
    /// Hashes requests.
    pub request_tokens: Tokenizer,
    /// Which node publishes for whom, and with which key.
    pub nodes: BTreeMap<SpiffeId, NodeGrant>,
    /// Who confirms what waits.
    pub registrars: BTreeMap<RegistrarId, RegistrarGrant>,
    /// From which age a node's data count as stale.
    pub stale_after: StaleAfter,
    /// Municipalities that have confirmed that others may contact them about an anomaly.
    pub contacts: BTreeSet<MunicipalityId>,
    /// Who reads what of the log.
    pub readers: BTreeMap<SpiffeId, ReaderGrant>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for new epochs.
    pub random: Arc<dyn Random>,
    /// Key of page tokens: random at each start, since a token may end with the process.
    pub page_key: [u8; 32],
    /// When answers leave that could tell by their time of whom they do not show.
    pub pace: Pacer,
    /// Guards the listing of a municipality's cards, which reads every row: one at a time.
    pub listing: tokio::sync::Mutex<()>,
    /// Tells open streams that the index stops.
    pub shutdown: Shutdown,
    /// Work that outlives the call it was begun for; the index stops only after it.
    pub tasks: TaskTracker,
}

impl<S> Shared<S> {
    /// Now, in UTC and in Rome.
    pub fn moment(&self) -> Moment {
        Moment::new(self.clock.now())
    }

    /// An epoch that was never used before.
    pub fn new_epoch(&self) -> registry::publication::Epoch {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        registry::publication::Epoch(bytes)
    }

    /// A place in the access log's queue, before anything is read.
    ///
    /// # Errors
    /// The status for a caller who must come back.
    pub fn reserve(&self) -> Result<Slot, Status> {
        self.log.reserve().map_err(|error| match error {
            ReserveError::Full { retry_after } => {
                status_for(Reason::Busy, Details::none().with_retry_after(retry_after))
            }
            ReserveError::Unavailable => log_unavailable(),
        })
    }

    /// Enters an act that discloses nothing.
    ///
    /// # Errors
    /// The status for a caller whose act could not be entered, and so did not happen.
    pub async fn enter(&self, slot: Slot, draft: EntryDraft) -> Result<Committed, Status> {
        self.log
            .append(slot, draft)
            .await
            .map_err(|error| log_failure(&error))
    }

    /// The usage counters, for a moment.
    pub fn with_usage<T>(&self, act: impl FnOnce(&mut UsageCounters) -> T) -> T {
        act(&mut self.usage.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S> Shared<S> {
    /// The request ids in use, for a moment.
    pub fn with_requests<T>(&self, act: impl FnOnce(&mut RequestBook) -> T) -> T {
        act(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The declarations that count, for a moment.
    pub fn with_declarations<T>(&self, act: impl FnOnce(&mut DeclarationCounters) -> T) -> T {
        act(&mut self.declarations.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The status when an entry could not be made durable.
pub fn log_failure(error: &LogFailure) -> Status {
    match error {
        LogFailure::Draft(error) => {
            tracing::error!(
                error = error as &dyn std::error::Error,
                "an entry of the access log cannot be drafted"
            );
            status_for(Reason::Internal, Details::none())
        }
        LogFailure::Unavailable => log_unavailable(),
    }
}

fn log_unavailable() -> Status {
    status_for(
        Reason::LogUnavailable,
        Details::none().with_retry_after(Duration::from_secs(1)),
    )
}

/// Runs work that a cancelled call must not take along: from the decision on, an access ends in its entry.
///
/// # Errors
/// `INTERNAL` when the work panicked.
pub async fn detached<T: Send + 'static>(
    tasks: &TaskTracker,
    work: impl Future<Output = Result<T, Status>> + Send + 'static,
) -> Result<T, Status> {
    match tasks.spawn(work).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!(panicked = error.is_panic(), "the work of a call did not end");
            Err(status_for(Reason::Internal, Details::none()))
        }
    }
}
