//! Lists: every row is a call of its own, decided, entered and answered as if it came alone, some of them at a time and
//! their outcomes in the order of the rows.
//!
//! Where the fault is the row's own, its outcome says so and the list goes on. Where no further row could be answered, as
//! when the agreement was revoked, the stream ends with the status of the row at which that was found; whoever sends the
//! list again under the same id gets the rows before it as repeats.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agreement::reason::Reason;
use store::record_store::RecordStore;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt;
use tonic::{Status, Streaming};
use wire::convert::{BatchOpening, Invalid, RowCall, short_receipt, timestamp_from_unix_ms};
use wire::proto::consultation::v1 as pb;
use wire::proto::ledger::v1 as receipts;
use wire::status::{Details, failure_of, status_for};

use crate::administration::error_reason;
use crate::entry::Call;
use crate::shared::Shared;
use crate::stream::StreamGuard;

/// Rows of one list that are answered at a time.
const AT_A_TIME: usize = 32;
/// Outcomes that wait for the caller to take them.
pub(super) const OUTCOMES: usize = 32;
/// Pause before a row is asked again for which there was no place.
const USUAL_PAUSE: Duration = Duration::from_millis(200);

/// The method that compares the declarations of a list.
pub(crate) const BATCH_VERIFY: &str = "ponte.consultation.v1.ConsultationService/BatchVerify";

/// A kind of list.
pub(super) trait List: Send + 'static {
    /// Full gRPC method.
    const METHOD: &'static str;
    type Request: Send + 'static;
    type Row: Send + 'static;
    type Answer: Send + 'static;
    type Response: Send + 'static;

    fn part(request: Self::Request) -> Option<Part<Self::Row>>;

    fn number(row: &Self::Row) -> u32;

    /// What an opening of this kind must not say.
    fn check(opening: &BatchOpening) -> Result<(), Invalid>;

    /// The answer to a row, as of a call by itself.
    fn ask<S: RecordStore>(
        shared: &Arc<Shared<S>>,
        call: Call,
        opening: &BatchOpening,
        row: Self::Row,
    ) -> impl Future<Output = Result<Answered<Self::Answer>, Status>> + Send;

    fn response(
        row: u32,
        outcome: Result<Self::Answer, pb::RowFailure>,
        receipt: Option<receipts::ShortReceipt>,
    ) -> Self::Response;
}

/// What came from the caller.
pub(super) enum Part<R> {
    Opening(Box<pb::BatchOpening>),
    Row(R),
}

/// An answer with the receipt of its entry.
pub(super) struct Answered<T> {
    answer: T,
    receipt: Option<receipts::ShortReceipt>,
}

/// Lists of persons.
pub(super) struct Persons;

/// Lists of declarations.
pub(super) struct Declarations;

type Outcome<L> = Result<Answered<<L as List>::Answer>, Status>;
type Outgoing<L> = mpsc::Sender<Result<<L as List>::Response, Status>>;

/// Answers a list until it ends.
pub(super) async fn serve<L: List, S: RecordStore>(
    shared: Arc<Shared<S>>,
    call: Call,
    incoming: Streaming<L::Request>,
    mut guard: StreamGuard,
    outgoing: Outgoing<L>,
) {
    if let Err(status) = answer::<L, S>(&shared, call, incoming, &mut guard, &outgoing).await {
        // The caller may have gone by itself.
        let _ = outgoing.send(Err(status)).await;
    }
}

async fn answer<L: List, S: RecordStore>(
    shared: &Arc<Shared<S>>,
    call: Call,
    mut incoming: Streaming<L::Request>,
    guard: &mut StreamGuard,
    outgoing: &Outgoing<L>,
) -> Result<(), Status> {
    let opening = match next::<L>(&mut incoming, guard).await? {
        Some(Some(Part::Opening(opening))) => BatchOpening::try_from(*opening).and_then(|opening| {
            L::check(&opening)?;
            Ok(Arc::new(opening))
        }),
        Some(Some(Part::Row(_)) | None) => Err(Invalid::new("opening", wire::convert::Rule::Missing)),
        None => return Ok(()),
    };
    let opening = match opening {
        Ok(opening) => opening,
        Err(invalid) => return Err(shared.refuse(&call, &invalid).await),
    };
    let mut running: VecDeque<(u32, JoinHandle<Outcome<L>>)> = VecDeque::new();
    let mut last = 0;
    let mut more = true;
    while more || !running.is_empty() {
        let room = running.len() < AT_A_TIME;
        let ended = async {
            match running.front_mut() {
                Some((_, task)) => task.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            reason = guard.ended() => return Err(status_for(reason, Details::none())),
            outcome = ended => {
                let Some((row, _)) = running.pop_front() else { continue };
                let outcome = outcome.map_err(|_| status_for(Reason::Internal, Details::none()))?;
                if outgoing.send(Ok(response::<L>(row, outcome, shared.clock.now_ms())?)).await.is_err() {
                    return Ok(());
                }
            }
            message = incoming.next(), if more && room => {
                let part = message.map(|message| message.map(L::part));
                let row = match part.transpose()? {
                    None => {
                        more = false;
                        continue;
                    }
                    Some(Some(Part::Row(row))) => row,
                    Some(Some(Part::Opening(_)) | None) => {
                        let invalid = Invalid::new("row", wire::convert::Rule::Missing);
                        return Err(shared.refuse(&call, &invalid).await);
                    }
                };
                let number = L::number(&row);
                if number <= last || opening.rows < number {
                    let invalid = Invalid::new("row.row", wire::convert::Rule::Range);
                    return Err(shared.refuse(&call, &invalid).await);
                }
                last = number;
                let (shared, call) = (Arc::clone(shared), call.clone());
                let opening = Arc::clone(&opening);
                // From its decision on, an access ends in its entry, also where the stream ends before.
                let task = {
                    let working = Arc::clone(&shared);
                    shared.tasks.spawn(async move { L::ask(&working, call, &opening, row).await })
                };
                running.push_back((number, task));
            }
        }
    }
    Ok(())
}

/// What comes first; `None` where nothing does, and `Some(None)` where it says nothing.
async fn next<L: List>(
    incoming: &mut Streaming<L::Request>,
    guard: &mut StreamGuard,
) -> Result<Option<Option<Part<L::Row>>>, Status> {
    tokio::select! {
        biased;
        reason = guard.ended() => Err(status_for(reason, Details::none())),
        message = incoming.next() => Ok(message.transpose()?.map(L::part)),
    }
}

fn response<L: List>(row: u32, outcome: Outcome<L>, now_ms: u64) -> Result<L::Response, Status> {
    let status = match outcome {
        Ok(Answered { answer, receipt }) => return Ok(L::response(row, Ok(answer), receipt)),
        Err(status) => status,
    };
    let failure = failure_of(&status);
    let Some(reason) = failure.reason.known().filter(|reason| is_of_the_row(*reason)) else {
        return Err(status);
    };
    let details = failure.details;
    let field = details
        .violations()
        .first()
        .map(|violation| violation.field.clone());
    let reset = details.retry_after().map(|wait| {
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        timestamp_from_unix_ms(now_ms.saturating_add(wait))
    });
    let receipt = details
        .receipt()
        .map(|entry| short_receipt(&entry.origin, &entry.receipt));
    let failure = pb::RowFailure {
        code: status.code() as i32,
        reason: error_reason(reason).into(),
        field: field.unwrap_or_default(),
        reset_time: reset,
    };
    Ok(L::response(row, Err(failure), receipt))
}

/// Whether a refusal is about the row, so that others may be answered.
fn is_of_the_row(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::InvalidArgument
            | Reason::TaxCodeInvalid
            | Reason::NotFound
            | Reason::RequestIdReused
            | Reason::VerificationNotGranted
            | Reason::OutsideTerritory
            | Reason::ConsentMissing
            | Reason::ConsentNotYetGiven
            | Reason::ConsentReferenceIllFormed
            | Reason::DeclaredPersonNotGranted
            | Reason::QuotaDeclarations
    )
}

/// Asks until there is a place for the call.
async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> Result<T, Status>
where
    F: Future<Output = Result<T, Status>>,
{
    loop {
        match ask().await {
            Err(status) if failure_of(&status).reason.known() == Some(Reason::Busy) => {
                let pause = failure_of(&status).details.retry_after();
                tokio::time::sleep(pause.unwrap_or(USUAL_PAUSE)).await;
            }
            outcome => return outcome,
        }
    }
}

fn row_receipt(receipt: Option<receipts::AccessReceipt>) -> Option<receipts::ShortReceipt> {
    match receipt?.form? {
        receipts::access_receipt::Form::Short(short) => Some(short),
        receipts::access_receipt::Form::Full(_) => None,
    }
}

impl List for Persons {
    const METHOD: &'static str = "ponte.consultation.v1.ConsultationService/BatchLookupPersons";
    type Request = pb::BatchLookupPersonsRequest;
    type Row = pb::LookupRow;
    type Answer = pb::FoundPersons;
    type Response = pb::BatchLookupPersonsResponse;

    fn part(request: Self::Request) -> Option<Part<Self::Row>> {
        use pb::batch_lookup_persons_request::Part as Message;
        request.part.map(|part| match part {
            Message::Opening(opening) => Part::Opening(Box::new(opening)),
            Message::Row(row) => Part::Row(row),
        })
    }

    fn number(row: &Self::Row) -> u32 {
        row.row
    }

    fn check(_: &BatchOpening) -> Result<(), Invalid> {
        Ok(())
    }

    async fn ask<S: RecordStore>(
        shared: &Arc<Shared<S>>,
        mut call: Call,
        opening: &BatchOpening,
        row: Self::Row,
    ) -> Result<Answered<Self::Answer>, Status> {
        let RowCall {
            message,
            call: lookup,
        } = match opening.lookup(row) {
            Ok(row) => row,
            Err(invalid) => return Err(shared.refuse(&call, &invalid).await),
        };
        call.arrived = Instant::now();
        call.request_id = Some(lookup.request.context.request_id);
        call.digest = Some(shared.request_digest(Self::METHOD, &message));
        let answer = patiently(|| shared.lookup_person(call.clone(), lookup.clone())).await?;
        let pb::LookupPersonResponse {
            persons,
            no_history_before,
            freshness: _,
            reference_date: _,
            today: _,
            receipt,
        } = answer;
        Ok(Answered {
            answer: pb::FoundPersons {
                persons,
                no_history_before,
            },
            receipt: row_receipt(receipt),
        })
    }

    fn response(
        row: u32,
        outcome: Result<Self::Answer, pb::RowFailure>,
        receipt: Option<receipts::ShortReceipt>,
    ) -> Self::Response {
        use pb::batch_lookup_persons_response::Outcome as Message;
        let outcome = match outcome {
            Ok(found) => Message::Found(found),
            Err(failure) => Message::Failure(failure),
        };
        pb::BatchLookupPersonsResponse {
            row,
            receipt,
            outcome: Some(outcome),
        }
    }
}

impl List for Declarations {
    const METHOD: &'static str = BATCH_VERIFY;
    type Request = pb::BatchVerifyRequest;
    type Row = pb::VerifyRow;
    type Answer = pb::RowAnswer;
    type Response = pb::BatchVerifyResponse;

    fn part(request: Self::Request) -> Option<Part<Self::Row>> {
        use pb::batch_verify_request::Part as Message;
        request.part.map(|part| match part {
            Message::Opening(opening) => Part::Opening(Box::new(opening)),
            Message::Row(row) => Part::Row(row),
        })
    }

    fn number(row: &Self::Row) -> u32 {
        row.row
    }

    fn check(opening: &BatchOpening) -> Result<(), Invalid> {
        opening.without_fields()
    }

    async fn ask<S: RecordStore>(
        shared: &Arc<Shared<S>>,
        mut call: Call,
        opening: &BatchOpening,
        row: Self::Row,
    ) -> Result<Answered<Self::Answer>, Status> {
        let RowCall { message, call: asked } = match opening.verification(row) {
            Ok(row) => row,
            Err(invalid) => return Err(shared.refuse(&call, &invalid).await),
        };
        call.arrived = Instant::now();
        call.request_id = Some(asked.request.context.request_id);
        call.digest = Some(shared.request_digest(Self::METHOD, &message));
        let answer = patiently(|| shared.verify_declaration(call.clone(), asked.clone())).await?;
        let pb::VerifyDeclarationResponse {
            answer,
            reason,
            freshness: _,
            reference_date: _,
            today: _,
            receipt,
            restored,
        } = answer;
        Ok(Answered {
            answer: pb::RowAnswer {
                answer,
                reason,
                restored,
            },
            receipt: row_receipt(receipt),
        })
    }

    fn response(
        row: u32,
        outcome: Result<Self::Answer, pb::RowFailure>,
        receipt: Option<receipts::ShortReceipt>,
    ) -> Self::Response {
        use pb::batch_verify_response::Outcome as Message;
        let outcome = match outcome {
            Ok(answer) => Message::Answer(answer),
            Err(failure) => Message::Failure(failure),
        };
        pb::BatchVerifyResponse {
            row,
            receipt,
            outcome: Some(outcome),
        }
    }
}
