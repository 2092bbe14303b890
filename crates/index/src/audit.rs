//! `AuditService`: auditors read the access log in their own scope, and prove that nothing in it was changed.
//!
//! Reading is an access too. A page is one entry. A follower makes one at opening, one for each minute in which it
//! was sent something, and one at closing; such entries are never sent to followers, so that following does not feed
//! itself.

mod filter;
mod follow;
mod opening;
mod parts;
mod scope;
mod tile;
mod statistics;
mod alerts;
mod samples;
mod subject;

use std::pin::Pin;
use std::sync::Arc;

use agreement::context::OperatorId;
use agreement::reason::Reason;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use prost::Message as _;
use store::access_log::Slot;
use store::access_log::draft::EntryDraft;
use store::access_log::part_content::{DetailPart, OperatorPart};
use store::access_log::proofs::LogProofError;
use store::access_log::reading::{OpenedEntry, OpenedPart, ReadError, ReaderScope};
use store::record_store::RecordStore;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};
use wire::convert::{
    Invalid, Rule, VisiblePart, access_entry, origin_from_wire, short_receipt, subject_inquiry,
};
use wire::proto::audit::v1 as pb;
use wire::proto::audit::v1::audit_service_server::AuditService;
use wire::status::{Details, invalid_argument, status_for};

use crate::audit::filter::Filter;
use crate::audit::opening::{Asked, by_openings, opener};
use crate::audit::subject::Reporter;
use crate::call::call_of;
use crate::config::ReaderGrant;
use crate::entry::{Call, usual_retention};
use crate::openings::opening_detail;
use crate::page::{PageToken, page_size};
use crate::shared::{Shared, detached};
use crate::stream::StreamGuard;

const LIST: &str = "ponte.audit.v1.AuditService/ListAccesses";
const FOLLOW: &str = "ponte.audit.v1.AuditService/FollowAccesses";
const REPORT: &str = "ponte.audit.v1.AuditService/ReportSubject";

/// Entries that one step of a listing looks at before it tests them against the filter.
const STEP: usize = 256;

/// Bytes of entries after which a page ends, however few they are: with the largest entry behind it, a page stays below
/// the largest answer.
const PAGE_BYTES: usize = 2 << 20;

/// The service.
#[derive(Debug)]
pub struct Audit<S> {
    shared: Arc<Shared<S>>,
}

/// A reader with its scope: made only by [`Audit::reader`].
#[derive(Clone, Debug)]
struct Reader {
    call: Call,
    scope: ReaderScope,
    operator: OperatorPart,
    /// The natural person who reads.
    person: OperatorId,
}

impl<S> Audit<S> {
    /// The service over the index's state.
    pub fn new(shared: Arc<Shared<S>>) -> Self {
        Self { shared }
    }

    /// The caller's scope; an auditor without one reads nothing.
    fn scope(&self, call: &Call) -> Result<ReaderScope, Status> {
        match self.shared.readers.get(&call.peer.id) {
            Some(ReaderGrant::Region) => Ok(ReaderScope::Region),
            Some(ReaderGrant::Municipality(id)) => {
                let lineage = id.lineage().into_iter();
                let names = lineage.map(|id| id.as_str().to_owned());
                Ok(ReaderScope::Municipality(names.collect()))
            }
            Some(ReaderGrant::Agency(agency)) => Ok(ReaderScope::Agency(agency.to_string())),
            None => Err(status_for(Reason::OutsideScope, Details::none())),
        }
    }

    fn reader(&self, call: Call, context: Option<pb::ReadingContext>) -> Result<Reader, Status> {
        let scope = self.scope(&call)?;
        let (operator, person) = reading_context(context).map_err(|invalid| invalid_argument(&invalid))?;
        Ok(Reader {
            call,
            scope,
            operator,
            person,
        })
    }

    fn check_origin(&self, origin: String) -> Result<(), Status> {
        if origin.is_empty() {
            return Ok(());
        }
        let origin = origin_from_wire("origin", origin).map_err(|invalid| invalid_argument(&invalid))?;
        if origin == *self.shared.log.origin() {
            Ok(())
        } else {
            Err(status_for(Reason::ResourceNotFound, Details::none()))
        }
    }
}

fn reading_context(context: Option<pb::ReadingContext>) -> Result<(OperatorPart, OperatorId), Invalid> {
    let pb::ReadingContext {
        purpose,
        reference,
        reader,
    } = context.ok_or_else(|| Invalid::new("context", Rule::Missing))?;
    let purpose = agreement::context::PurposeId::parse(&purpose)
        .map_err(|_| Invalid::new("context.purpose", Rule::Character))?;
    let length = reference.chars().count();
    if length == 0 || 240 < length {
        return Err(Invalid::new(
            "context.reference",
            Rule::Length { least: 1, most: 240 },
        ));
    }
    if reference.chars().any(char::is_control) {
        return Err(Invalid::new("context.reference", Rule::Character));
    }
    let reader = OperatorId::parse(&reader).map_err(|_| Invalid::new("context.reader", Rule::Character))?;
    let operator = OperatorPart {
        operator: reader.as_str().to_owned(),
        case_reference: Some(reference),
        workstation: Some(purpose.as_str().to_owned()),
        ..OperatorPart::default()
    };
    Ok((operator, reader))
}

impl<S: RecordStore> Shared<S> {
    /// The entry of a reading.
    fn reading_draft(
        &self,
        reader: &Reader,
        kind: EntryKind,
        details: Vec<(String, String)>,
    ) -> Result<EntryDraft, Status> {
        let mut draft = reader.call.draft(kind, usual_retention());
        draft.header.purpose = reader.operator.workstation.clone();
        let operator = OperatorPart {
            workstation: None,
            ..reader.operator.clone()
        };
        draft
            .with(PartKind::Operator, &operator)
            .and_then(|draft| draft.with(PartKind::AdministrativeDetail, &DetailPart { details }))
            .map_err(|_| status_for(Reason::Internal, Details::none()))
    }

    fn entry_message(&self, entry: OpenedEntry) -> Result<pb::AccessEntry, Status> {
        let OpenedEntry {
            index,
            header: _,
            header_bytes,
            parts,
            reserved,
        } = entry;
        let parts = parts
            .into_iter()
            .filter_map(|part| match part {
                OpenedPart::Shown(opening) => Some(VisiblePart {
                    items: parts::items(&opening),
                    opening,
                }),
                OpenedPart::Erased { position: _ } => None,
            })
            .collect();
        let message = access_entry(self.log.origin(), index, header_bytes, parts).map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a stored header does not decode"
            );
            status_for(Reason::Internal, Details::none())
        })?;
        Ok(pb::AccessEntry { reserved, ..message })
    }

    async fn list(&self, slot: Slot, reader: Reader, page: Page) -> Result<pb::ListAccessesResponse, Status> {
        let Page {
            filter,
            limit,
            from,
            end,
            scope,
        } = page;
        let opened = self.opened_to(&reader);
        let mut found = Vec::new();
        let mut bytes = 0;
        let mut next = from;
        let room = |found: &Vec<pb::AccessEntry>, bytes: usize| found.len() < limit && bytes < PAGE_BYTES;
        while room(&found, bytes) && next < end {
            let step = self
                .log
                .entries_opened(&reader.scope, &opened, next..end, STEP)
                .map_err(|error| read_error(&error))?;
            let Some(last) = step.last().map(|entry| entry.index) else {
                next = end;
                break;
            };
            for entry in step {
                if !room(&found, bytes) {
                    break;
                }
                next = entry.index + 1;
                if filter.admits(&entry.header) {
                    let message = self.entry_message(entry)?;
                    bytes += message.encoded_len();
                    found.push(message);
                }
            }
            if room(&found, bytes) {
                next = next.max(last + 1);
            }
        }
        let mut details = vec![
            ("from".to_owned(), from.to_string()),
            ("to".to_owned(), next.to_string()),
            ("entries".to_owned(), found.len().to_string()),
        ];
        let openings = by_openings(&opened, found.iter().map(|entry| entry.index));
        details.extend(openings.into_iter().map(opening_detail));
        let draft = self.reading_draft(&reader, EntryKind::LogRead, details)?;
        let committed = self.enter(slot, draft).await?;
        let token = PageToken { position: next, end };
        Ok(pb::ListAccessesResponse {
            entries: found,
            next_page_token: if next < end {
                token.seal(&self.page_key, &scope)
            } else {
                String::new()
            },
            receipt: Some(short_receipt(self.log.origin(), &committed.short_receipt())),
            scope: self.readers.get(&reader.call.peer.id).map(scope::message),
        })
    }
}

/// One page of a listing.
struct Page {
    filter: Filter,
    limit: usize,
    from: u64,
    end: u64,
    scope: String,
}

fn read_error(error: &ReadError) -> Status {
    unreadable(error)
}

fn unreadable(error: &(dyn std::error::Error + 'static)) -> Status {
    tracing::error!(error, "the access log cannot be read");
    status_for(Reason::Internal, Details::none())
}

fn proof_error(error: &LogProofError) -> Status {
    match error {
        LogProofError::Tree(_) => status_for(Reason::LogRange, Details::none()),
        LogProofError::Read(error) => read_error(error),
        LogProofError::Damaged(error) => unreadable(error),
    }
}

#[tonic::async_trait]
impl<S: RecordStore> AuditService for Audit<S> {
    type FollowAccessesStream =
        Pin<Box<dyn Stream<Item = Result<pb::FollowAccessesResponse, Status>> + Send>>;

    async fn list_accesses(
        &self,
        request: Request<pb::ListAccessesRequest>,
    ) -> Result<Response<pb::ListAccessesResponse>, Status> {
        let call = call_of(&request, LIST)?;
        let pb::ListAccessesRequest {
            context,
            filter,
            page_size: size,
            page_token,
            start_index,
            end_index,
        } = request.into_inner();
        let reader = self.reader(call, context)?;
        let filter = Filter::read(filter).map_err(|invalid| invalid_argument(&invalid))?;
        let limit = page_size(size)?;
        if end_index.is_some_and(|end| end < start_index) {
            return Err(invalid_argument(&Invalid::new("end_index", Rule::Range)));
        }
        let range = (start_index, end_index);
        let scope = format!("{LIST}|{}|{filter:?}|{range:?}", reader.call.peer.id);
        let token = PageToken::open(&self.shared.page_key, &scope, &page_token)?;
        let size = self.shared.log.checkpoint().checkpoint.size;
        let (from, end) = match token {
            Some(token) => (token.position, token.end.min(size)),
            None => (start_index, end_index.map_or(size, |end| end.min(size))),
        };
        let slot = self.shared.reserve()?;
        let shared = Arc::clone(&self.shared);
        let page = Page {
            filter,
            limit,
            from,
            end,
            scope,
        };
        detached(&self.shared.tasks, async move {
            shared.list(slot, reader, page).await.map(Response::new)
        })
        .await
    }

    async fn follow_accesses(
        &self,
        request: Request<pb::FollowAccessesRequest>,
    ) -> Result<Response<Self::FollowAccessesStream>, Status> {
        let call = call_of(&request, FOLLOW)?;
        let guard = StreamGuard::of(&request, &self.shared.shutdown)?;
        let pb::FollowAccessesRequest {
            context,
            filter,
            origin,
            start_index,
        } = request.into_inner();
        let reader = self.reader(call, context)?;
        self.check_origin(origin)?;
        let filter = Filter::read(filter).map_err(|invalid| invalid_argument(&invalid))?;
        let size = self.shared.log.checkpoint().checkpoint.size;
        let from = start_index.unwrap_or(size);
        if size < from {
            return Err(status_for(Reason::LogRange, Details::none()));
        }
        let stream = follow::open(Arc::clone(&self.shared), reader, filter, from, guard).await?;
        Ok(Response::new(Box::pin(stream)))
    }

    async fn get_checkpoint(
        &self,
        request: Request<pb::GetCheckpointRequest>,
    ) -> Result<Response<pb::GetCheckpointResponse>, Status> {
        call_of(&request, "ponte.audit.v1.AuditService/GetCheckpoint")?;
        self.check_origin(request.into_inner().origin)?;
        let head = self.shared.log.checkpoint();
        Ok(Response::new(pb::GetCheckpointResponse {
            origin: self.shared.log.origin().as_str().to_owned(),
            size: head.checkpoint.size,
            checkpoint: head.text.clone(),
        }))
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<pb::GetInclusionProofRequest>,
    ) -> Result<Response<pb::GetInclusionProofResponse>, Status> {
        let call = call_of(&request, "ponte.audit.v1.AuditService/GetInclusionProof")?;
        let pb::GetInclusionProofRequest {
            origin,
            index,
            tree_size,
        } = request.into_inner();
        let scope = self.scope(&call)?;
        self.check_origin(origin)?;
        let log = &self.shared.log;
        let head = log.checkpoint();
        let tree_size = if tree_size == 0 {
            head.checkpoint.size
        } else {
            tree_size
        };
        if head.checkpoint.size < tree_size || tree_size <= index {
            return Err(status_for(Reason::LogRange, Details::none()));
        }
        let entry = log.entry(&scope, index).map_err(|error| read_error(&error))?;
        let entry = entry.ok_or_else(|| status_for(Reason::ResourceNotFound, Details::none()))?;
        let path = log
            .inclusion_proof(index, tree_size)
            .map_err(|error| proof_error(&error))?;
        Ok(Response::new(pb::GetInclusionProofResponse {
            origin: log.origin().as_str().to_owned(),
            index,
            tree_size,
            leaf_hash: ledger::hash::leaf_hash(&entry.header_bytes).as_bytes().to_vec(),
            path: path.iter().map(|hash| hash.as_bytes().to_vec()).collect(),
            checkpoint: head.text.clone(),
        }))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<pb::GetConsistencyProofRequest>,
    ) -> Result<Response<pb::GetConsistencyProofResponse>, Status> {
        call_of(&request, "ponte.audit.v1.AuditService/GetConsistencyProof")?;
        let pb::GetConsistencyProofRequest {
            origin,
            first_size,
            second_size,
        } = request.into_inner();
        self.check_origin(origin)?;
        let log = &self.shared.log;
        let head = log.checkpoint();
        let second_size = if second_size == 0 {
            head.checkpoint.size
        } else {
            second_size
        };
        let path = log
            .consistency_proof(first_size, second_size)
            .map_err(|error| proof_error(&error))?;
        Ok(Response::new(pb::GetConsistencyProofResponse {
            origin: log.origin().as_str().to_owned(),
            first_size,
            second_size,
            path: path.iter().map(|hash| hash.as_bytes().to_vec()).collect(),
            checkpoint: head.text.clone(),
        }))
    }

    async fn get_hash_tile(
        &self,
        request: Request<pb::GetHashTileRequest>,
    ) -> Result<Response<pb::GetHashTileResponse>, Status> {
        call_of(&request, "ponte.audit.v1.AuditService/GetHashTile")?;
        let request = request.into_inner();
        self.check_origin(request.origin.clone())?;
        tile::get(&self.shared.log, &request).map(Response::new)
    }

    async fn get_statistics(
        &self,
        request: Request<pb::GetStatisticsRequest>,
    ) -> Result<Response<pb::GetStatisticsResponse>, Status> {
        self.statistics(request).await
    }

    async fn list_alerts(
        &self,
        request: Request<pb::ListAlertsRequest>,
    ) -> Result<Response<pb::ListAlertsResponse>, Status> {
        self.alerts(request).await
    }

    async fn draw_sample(
        &self,
        request: Request<pb::DrawSampleRequest>,
    ) -> Result<Response<pb::DrawSampleResponse>, Status> {
        self.draw(request).await
    }

    async fn list_samples(
        &self,
        request: Request<pb::ListSamplesRequest>,
    ) -> Result<Response<pb::ListSamplesResponse>, Status> {
        self.samples(request).await
    }

    async fn justify_sample(
        &self,
        request: Request<pb::JustifySampleRequest>,
    ) -> Result<Response<pb::JustifySampleResponse>, Status> {
        self.justify(request).await
    }

    async fn record_sample_outcome(
        &self,
        request: Request<pb::RecordSampleOutcomeRequest>,
    ) -> Result<Response<pb::RecordSampleOutcomeResponse>, Status> {
        self.record_outcome(request).await
    }

    async fn request_opening(
        &self,
        request: Request<pb::RequestOpeningRequest>,
    ) -> Result<Response<pb::RequestOpeningResponse>, Status> {
        let call = call_of(&request, "ponte.audit.v1.AuditService/RequestOpening")?;
        let pb::RequestOpeningRequest {
            context,
            entries,
            reason,
        } = request.into_inner();
        let reader = self.reader(call, context)?;
        opener(&reader)?;
        let asked = Asked::read(entries, reason).map_err(|invalid| invalid_argument(&invalid))?;
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            shared.request_opening(reader, asked).await.map(Response::new)
        })
        .await
    }

    async fn confirm_opening(
        &self,
        request: Request<pb::ConfirmOpeningRequest>,
    ) -> Result<Response<pb::ConfirmOpeningResponse>, Status> {
        let call = call_of(&request, "ponte.audit.v1.AuditService/ConfirmOpening")?;
        let pb::ConfirmOpeningRequest { context, id } = request.into_inner();
        let reader = self.reader(call, context)?;
        let by = opener(&reader)?;
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            shared.confirm_opening(reader, by, id).await.map(Response::new)
        })
        .await
    }

    async fn list_openings(
        &self,
        request: Request<pb::ListOpeningsRequest>,
    ) -> Result<Response<pb::ListOpeningsResponse>, Status> {
        let call = call_of(&request, "ponte.audit.v1.AuditService/ListOpenings")?;
        let pb::ListOpeningsRequest {
            context,
            page_size: size,
            page_token,
        } = request.into_inner();
        let reader = self.reader(call, context)?;
        let limit = page_size(size)?;
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            let listed = shared.list_openings(reader, limit, &page_token).await;
            listed.map(Response::new)
        })
        .await
    }

    async fn report_subject(
        &self,
        request: Request<pb::ReportSubjectRequest>,
    ) -> Result<Response<pb::ReportSubjectResponse>, Status> {
        let call = call_of(&request, REPORT)?;
        let pb::ReportSubjectRequest {
            context,
            request_number,
            subject,
            start_time,
            end_time,
            tree_size,
        } = request.into_inner();
        let own = match self.shared.readers.get(&call.peer.id) {
            Some(ReaderGrant::Municipality(own)) => Some(*own),
            Some(ReaderGrant::Region | ReaderGrant::Agency(_)) | None => None,
        };
        let reporter = Reporter::of(self.reader(call, context)?, own)?;
        let inquiry = subject_inquiry(request_number, subject, (start_time, end_time), tree_size);
        let question = reporter.question(inquiry.map_err(|invalid| invalid_argument(&invalid))?)?;
        let slot = self.shared.reserve()?;
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            shared.report(slot, reporter, question).await.map(Response::new)
        })
        .await
    }
}
