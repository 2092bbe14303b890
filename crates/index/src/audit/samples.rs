//! The justified sample: drawing, listing, justifying, recording the outcome. Each is entered before it is told.

mod messages;

use std::collections::BTreeMap;
use std::sync::Arc;

use agreement::peer::{Role, SpiffeId};
use agreement::reason::Reason;
use chrono::NaiveDate;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use store::access_log::committed::Committed;
use store::access_log::part_content::{DetailPart, OperatorPart};
use store::access_log::reading::ReaderScope;
use store::record_store::RecordStore;
use tonic::{Request, Response, Status};
use wire::convert::{Invalid, Rule, civil_date, short_receipt};
use wire::proto::audit::v1 as pb;
use wire::status::{Details, invalid_argument, status_for};

use crate::administration::text;
use crate::audit::samples::messages::{outcome_of, sample_message};
use crate::audit::statistics::blocking;
use crate::audit::{Audit, Reader};
use crate::call::call_of;
use crate::entry::{Call, usual_retention};
use crate::oversight::kept_from_others;
use crate::oversight::sample::{Drawing, MOST_DAYS, MOST_DRAWN, Sample, SampleError, judged, justified};
use crate::page::{PageToken, page_size};
use crate::shared::{Shared, detached};

const DRAW: &str = "ponte.audit.v1.AuditService/DrawSample";
const LIST: &str = "ponte.audit.v1.AuditService/ListSamples";
const JUSTIFY: &str = "ponte.audit.v1.AuditService/JustifySample";
const RECORD: &str = "ponte.audit.v1.AuditService/RecordSampleOutcome";

/// Characters of a justification or a note at most.
const MOST_WORDS: usize = 2_000;

type Samples = BTreeMap<u64, Sample>;

impl<S: RecordStore> Audit<S> {
    pub(super) async fn draw(
        &self,
        request: Request<pb::DrawSampleRequest>,
    ) -> Result<Response<pb::DrawSampleResponse>, Status> {
        let call = call_of(&request, DRAW)?;
        let pb::DrawSampleRequest {
            context,
            agency,
            size,
            start_date,
            end_date,
            deadline,
        } = request.into_inner();
        let reader = self.reader(call, context)?;
        let today = self.shared.moment().date();
        let checked = || -> Result<Drawing, Invalid> {
            let agency = SpiffeId::parse(&agency)
                .ok()
                .filter(|id| id.role() == Role::Agency)
                .ok_or_else(|| Invalid::new("agency", Rule::SpiffeId))?;
            let (from, until) = (
                civil_date("start_date", start_date)?,
                civil_date("end_date", end_date)?,
            );
            let deadline = civil_date("deadline", deadline)?;
            if !(1..=MOST_DAYS).contains(&(until - from).num_days()) {
                return Err(Invalid::new("end_date", Rule::Range));
            }
            if !(1..=MOST_DRAWN).contains(&size) {
                return Err(Invalid::new("size", Rule::Range));
            }
            if deadline < today {
                return Err(Invalid::new("deadline", Rule::Range));
            }
            Ok(Drawing {
                agency: agency.to_string(),
                reserved: false,
                size,
                from,
                until,
                deadline,
            })
        };
        let drawing = checked().map_err(|invalid| invalid_argument(&invalid))?;
        let drawing = drawn_by(&reader.scope, drawing)?;
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            shared.draw(&reader, drawing).await.map(Response::new)
        })
        .await
    }

    pub(super) async fn samples(
        &self,
        request: Request<pb::ListSamplesRequest>,
    ) -> Result<Response<pb::ListSamplesResponse>, Status> {
        let call = call_of(&request, LIST)?;
        let pb::ListSamplesRequest {
            context,
            page_size: size,
            page_token,
        } = request.into_inner();
        let reader = self.reader(call, context)?;
        refuse_municipality(&reader.scope)?;
        let limit = page_size(size)?.min(MOST_SAMPLES);
        let token = format!("{LIST}|{}", reader.call.peer.id);
        let from = PageToken::open(&self.shared.page_key, &token, &page_token)?;
        let from = from.map_or(0, |token| token.position);
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            let page = shared.list_samples(&reader, from, limit, &token).await?;
            Ok(Response::new(page))
        })
        .await
    }

    pub(super) async fn justify(
        &self,
        request: Request<pb::JustifySampleRequest>,
    ) -> Result<Response<pb::JustifySampleResponse>, Status> {
        let call = call_of(&request, JUSTIFY)?;
        let pb::JustifySampleRequest {
            context,
            sample,
            entry,
            text: words,
            case_reference,
        } = request.into_inner();
        let reader = self.reader(call, context)?;
        let words = words_of("text", &words)?;
        let case_reference = text("case_reference", &case_reference, 240)?;
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            let _order = shared.oversight.sampling.lock().await;
            let found = shared.sample(&reader.scope, sample).await?;
            // The regional auditor does not answer its own question.
            if !matches!(reader.scope, ReaderScope::Agency(_)) {
                return Err(status_for(Reason::OutsideScope, Details::none()));
            }
            found.may_justify(entry).map_err(|error| state(&error))?;
            let detail = justified(sample, entry, &words, &case_reference);
            let committed = shared
                .enter_act(&reader, &found.drawing, EntryKind::SampleJustified, detail)
                .await?;
            let found = shared.sample(&reader.scope, sample).await?;
            Ok(Response::new(pb::JustifySampleResponse {
                sample: Some(sample_message(&found, shared.moment().date())),
                receipt: Some(shared.short(&committed)),
            }))
        })
        .await
    }

    pub(super) async fn record_outcome(
        &self,
        request: Request<pb::RecordSampleOutcomeRequest>,
    ) -> Result<Response<pb::RecordSampleOutcomeResponse>, Status> {
        let call = call_of(&request, RECORD)?;
        let pb::RecordSampleOutcomeRequest {
            context,
            sample,
            entry,
            outcome,
            note,
        } = request.into_inner();
        let reader = self.reader(call, context)?;
        let outcome = outcome_of(outcome).map_err(|invalid| invalid_argument(&invalid))?;
        let note = if note.is_empty() {
            note
        } else {
            words_of("note", &note)?
        };
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            let _order = shared.oversight.sampling.lock().await;
            let found = shared.sample(&reader.scope, sample).await?;
            // An agency judges what it alone is shown, and nothing else.
            let own = matches!(reader.scope, ReaderScope::Agency(_));
            if own != found.drawing.reserved {
                return Err(status_for(Reason::OutsideScope, Details::none()));
            }
            let today = shared.moment().date();
            let person = &reader.operator.operator;
            found
                .may_judge(entry, outcome, person, today)
                .map_err(|error| state(&error))?;
            let detail = judged(sample, entry, outcome, &note);
            let committed = shared
                .enter_act(&reader, &found.drawing, EntryKind::SampleJudged, detail)
                .await?;
            let found = shared.sample(&reader.scope, sample).await?;
            Ok(Response::new(pb::RecordSampleOutcomeResponse {
                sample: Some(sample_message(&found, today)),
                receipt: Some(shared.short(&committed)),
            }))
        })
        .await
    }
}

/// Samples of a page at most: one may have 200 accesses with 4,000 characters each, which is what an answer can hold.
const MOST_SAMPLES: usize = 1;

/// What a reader may draw from: the regional auditor from accesses for ordinary purposes, an agency's supervisor from its
/// own for reserved ones.
fn drawn_by(scope: &ReaderScope, drawing: Drawing) -> Result<Drawing, Status> {
    match scope {
        ReaderScope::Region => Ok(drawing),
        ReaderScope::Agency(own) if *own == drawing.agency => Ok(Drawing {
            reserved: true,
            ..drawing
        }),
        ReaderScope::Agency(_) | ReaderScope::Municipality(_) | ReaderScope::Index => {
            Err(status_for(Reason::OutsideScope, Details::none()))
        }
    }
}

fn refuse_municipality(scope: &ReaderScope) -> Result<(), Status> {
    match scope {
        ReaderScope::Region | ReaderScope::Agency(_) => Ok(()),
        ReaderScope::Municipality(_) | ReaderScope::Index => {
            Err(status_for(Reason::OutsideScope, Details::none()))
        }
    }
}

/// Whether a reader is shown a sample.
fn is_shown(scope: &ReaderScope, sample: &Sample) -> bool {
    match scope {
        ReaderScope::Region => !sample.drawing.reserved,
        ReaderScope::Agency(own) => *own == sample.drawing.agency,
        ReaderScope::Municipality(_) | ReaderScope::Index => false,
    }
}

fn state(error: &SampleError) -> Status {
    match error {
        SampleError::Unknown => status_for(Reason::ResourceNotFound, Details::none()),
        error => status_for(
            Reason::SampleState,
            Details::none().with_metadata("state", error.to_string()),
        ),
    }
}

/// Words of a person, which may have several lines.
fn words_of(field: &'static str, words: &str) -> Result<String, Status> {
    let length = words.chars().count();
    let invalid = if !(1..=MOST_WORDS).contains(&length) {
        Rule::Length {
            least: 1,
            most: MOST_WORDS,
        }
    } else if words.chars().any(|letter| letter.is_control() && letter != '\n') {
        Rule::Character
    } else {
        return Ok(words.to_owned());
    };
    Err(invalid_argument(&Invalid::new(field, invalid)))
}

impl<S: RecordStore> Shared<S> {
    async fn draw(
        self: &Arc<Self>,
        reader: &Reader,
        drawing: Drawing,
    ) -> Result<pb::DrawSampleResponse, Status> {
        let _order = self.oversight.sampling.lock().await;
        let shared = Arc::clone(self);
        let wanted = drawing.clone();
        let size = self.log.checkpoint().checkpoint.size;
        let candidates = tokio::task::spawn_blocking(move || {
            shared.oversight.sample_candidates(&shared.log, &wanted, size)
        });
        if blocking(candidates.await)? == 0 {
            let details = Details::none().with_metadata("state", "there is no access to draw");
            return Err(status_for(Reason::SampleState, details));
        }
        let committed = self
            .enter_act(reader, &drawing, EntryKind::SampleDrawn, drawing.detail())
            .await?;
        let sample = self.sample(&reader.scope, committed.index()).await?;
        Ok(pb::DrawSampleResponse {
            sample: Some(sample_message(&sample, self.moment().date())),
            receipt: Some(self.short(&committed)),
        })
    }

    async fn list_samples(
        self: &Arc<Self>,
        reader: &Reader,
        from: u64,
        limit: usize,
        token: &str,
    ) -> Result<pb::ListSamplesResponse, Status> {
        let today: NaiveDate = self.moment().date();
        let slot = self.reserve()?;
        let samples = self.all_samples().await?;
        let shown = samples.range(from..).map(|(_, sample)| sample);
        let shown: Vec<&Sample> = shown.filter(|sample| is_shown(&reader.scope, sample)).collect();
        let next = shown.get(limit).map(|sample| {
            let token_of = PageToken {
                position: sample.index,
                end: 0,
            };
            token_of.seal(&self.page_key, token)
        });
        let page: Vec<pb::Sample> = shown
            .iter()
            .take(limit)
            .map(|sample| sample_message(sample, today))
            .collect();
        let details = vec![
            ("what".to_owned(), "samples".to_owned()),
            ("from".to_owned(), from.to_string()),
            ("samples".to_owned(), page.len().to_string()),
        ];
        let draft = self.reading_draft(reader, EntryKind::LogRead, details)?;
        let committed = self.enter(slot, draft).await?;
        Ok(pb::ListSamplesResponse {
            samples: page,
            next_page_token: next.unwrap_or_default(),
            origin: self.log.origin().as_str().to_owned(),
            receipt: Some(self.short(&committed)),
        })
    }

    async fn all_samples(self: &Arc<Self>) -> Result<Samples, Status> {
        let shared = Arc::clone(self);
        blocking(tokio::task::spawn_blocking(move || shared.oversight.samples(&shared.log)).await)
    }

    /// A sample that a reader is shown; others are as if they were not.
    async fn sample(self: &Arc<Self>, scope: &ReaderScope, index: u64) -> Result<Sample, Status> {
        refuse_municipality(scope)?;
        let found = self.all_samples().await?.remove(&index);
        found
            .filter(|sample| is_shown(scope, sample))
            .ok_or_else(|| status_for(Reason::ResourceNotFound, Details::none()))
    }

    /// Enters an act on a sample, with its ground. Of reserved accesses nobody outside of the agency is shown it.
    async fn enter_act(
        &self,
        reader: &Reader,
        drawing: &Drawing,
        kind: EntryKind,
        detail: DetailPart,
    ) -> Result<Committed, Status> {
        let call: &Call = &reader.call;
        let mut draft = call.draft(kind, usual_retention());
        draft.header.purpose = reader.operator.workstation.clone();
        let operator = OperatorPart {
            workstation: None,
            ..reader.operator.clone()
        };
        let draft = draft
            .with(PartKind::Operator, &operator)
            .and_then(|draft| draft.with(PartKind::AdministrativeDetail, &detail))
            .and_then(|draft| {
                if drawing.reserved {
                    draft.with(PartKind::Decision, &kept_from_others())
                } else {
                    Ok(draft)
                }
            })
            .map_err(|_| status_for(Reason::Internal, Details::none()))?;
        self.enter(self.reserve()?, draft).await
    }

    fn short(&self, committed: &Committed) -> wire::proto::ledger::v1::ShortReceipt {
        short_receipt(self.log.origin(), &committed.short_receipt())
    }
}
