//! `QuarantineService`: an administrator stops serving what a node sent in an interval, and takes that back.

use std::sync::Arc;

use agreement::moment::Moment;
use agreement::reason::Reason;
use chrono::{DateTime, Datelike};
use ledger::header::EntryKind;
use ledger::part::PartKind;
use registry::municipality::MunicipalityId;
use store::access_log::part_content::{DecisionPart, DetailPart, PartContent, SubjectsPart};
use store::access_log::reading::{OpenedEntry, OpenedPart, ReaderScope};
use store::publisher::held::Quarantine;
use store::publisher::order::{Done, Order};
use store::record_store::RecordStore;
use store::record_store::suspects::Suspects;
use store::rows::CommitSequence;
use tonic::{Request, Response, Status};
use wire::convert::{
    Invalid, ReceiptChoice, Rule, Timestamp, municipality_from_wire, timestamp_from_unix_ms, timestamp_to_ms,
};
use wire::proto::publication::v1 as pb;
use wire::proto::publication::v1::quarantine_service_server::QuarantineService;
use wire::status::{Details, invalid_argument, status_for};

use crate::administration::{Act, administrator};
use crate::call::call_of;
use crate::entry::{Call, usual_retention};
use crate::page::{PageToken, page_size};
use crate::publication::statement::reason_of;
use crate::shared::{Shared, detached};

const BEGIN: &str = "ponte.publication.v1.QuarantineService/BeginQuarantine";
const LIFT: &str = "ponte.publication.v1.QuarantineService/LiftQuarantine";
const LIST: &str = "ponte.publication.v1.QuarantineService/ListQuarantines";
const SUSPECT: &str = "ponte.publication.v1.QuarantineService/ListSuspectAccesses";

/// Entries that are looked at for one page.
const LOOKED_AT: usize = 20_000;

/// The service.
#[derive(Debug)]
pub struct Quarantines<S> {
    shared: Arc<Shared<S>>,
}

impl<S> Quarantines<S> {
    /// The service over the index's state.
    pub fn new(shared: Arc<Shared<S>>) -> Self {
        Self { shared }
    }
}

fn municipality(code: &str) -> Result<MunicipalityId, Status> {
    municipality_from_wire("municipality", code)
        .ok()
        .and_then(MunicipalityId::of_any)
        .ok_or_else(|| invalid_argument(&Invalid::new("municipality", Rule::UnknownMunicipality)))
}

fn instant(field: &'static str, value: Option<Timestamp>) -> Result<u64, Status> {
    let ms = timestamp_to_ms(field, value).map_err(|invalid| invalid_argument(&invalid))?;
    u64::try_from(ms).map_err(|_| invalid_argument(&Invalid::new(field, Rule::Range)))
}

fn to_wire(quarantine: &Quarantine) -> pb::Quarantine {
    let Quarantine {
        id,
        from_ms,
        to_ms,
        at_ms,
        reference,
        cards,
        concerned: _,
    } = quarantine;
    pb::Quarantine {
        id: id.0,
        from_time: Some(timestamp_from_unix_ms(*from_ms)),
        to_time: Some(timestamp_from_unix_ms(*to_ms)),
        begin_time: Some(timestamp_from_unix_ms(*at_ms)),
        reference: reference.clone(),
        cards: u32::try_from(cards.len()).unwrap_or(u32::MAX),
    }
}

impl<S: RecordStore> Quarantines<S> {
    /// Enters the act and carries it out; an act that fails is entered again with its reason.
    async fn act(
        &self,
        call: Call,
        act: Act,
        order: Order,
    ) -> Result<(Done, wire::proto::ledger::v1::AccessReceipt), Status> {
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            let administrator = administrator(&call)?;
            let work = async {
                let done = shared.store.order(order, shared.clock.now_ms()).await;
                done.map_err(|error| (reason_of(&error), Details::none()))
            };
            let (done, entered) = shared.carry_out(&administrator, &act, work).await?;
            Ok((done, shared.receipt(&entered, ReceiptChoice::Full)))
        })
        .await
    }

    fn kept(&self, municipality: MunicipalityId) -> Vec<Quarantine> {
        let state = self.shared.store.municipality(municipality);
        state.map_or_else(Vec::new, |state| state.holdings.quarantines().to_vec())
    }
}

#[tonic::async_trait]
impl<S: RecordStore> QuarantineService for Quarantines<S> {
    async fn begin_quarantine(
        &self,
        request: Request<pb::BeginQuarantineRequest>,
    ) -> Result<Response<pb::BeginQuarantineResponse>, Status> {
        let call = call_of(&request, BEGIN)?;
        administrator(&call)?;
        let pb::BeginQuarantineRequest {
            municipality: code,
            from_time,
            to_time,
            reference,
            operator,
        } = request.into_inner();
        let municipality = municipality(&code)?;
        let (from_ms, to_ms) = (instant("from_time", from_time)?, instant("to_time", to_time)?);
        let facts = vec![
            ("municipality".to_owned(), code),
            ("from_ms".to_owned(), from_ms.to_string()),
            ("to_ms".to_owned(), to_ms.to_string()),
        ];
        let act = Act::new(EntryKind::QuarantineBegun, facts, &reference, &operator)?;
        let order = Order::Quarantine {
            municipality,
            from_ms,
            to_ms,
            reference,
        };
        let (done, receipt) = self.act(call, act, order).await?;
        let kept = self.kept(municipality);
        let begun = kept.iter().find(|kept| Some(kept.id) == done.first);
        Ok(Response::new(pb::BeginQuarantineResponse {
            quarantine: begun.map(to_wire),
            receipt: Some(receipt),
        }))
    }

    async fn lift_quarantine(
        &self,
        request: Request<pb::LiftQuarantineRequest>,
    ) -> Result<Response<pb::LiftQuarantineResponse>, Status> {
        let call = call_of(&request, LIFT)?;
        administrator(&call)?;
        let pb::LiftQuarantineRequest {
            municipality: code,
            id,
            reference,
            operator,
        } = request.into_inner();
        let municipality = municipality(&code)?;
        let facts = vec![
            ("municipality".to_owned(), code),
            ("quarantine".to_owned(), id.to_string()),
        ];
        let act = Act::new(EntryKind::QuarantineLifted, facts, &reference, &operator)?;
        let order = Order::Lift {
            municipality,
            quarantine: CommitSequence(id),
            reference,
        };
        let (done, receipt) = self.act(call, act, order).await?;
        Ok(Response::new(pb::LiftQuarantineResponse {
            cards: u32::try_from(done.persons.len()).unwrap_or(u32::MAX),
            receipt: Some(receipt),
        }))
    }

    async fn list_quarantines(
        &self,
        request: Request<pb::ListQuarantinesRequest>,
    ) -> Result<Response<pb::ListQuarantinesResponse>, Status> {
        let call = call_of(&request, LIST)?;
        administrator(&call)?;
        let pb::ListQuarantinesRequest {
            municipality: code,
            page_size: size,
            page_token,
        } = request.into_inner();
        let kept = self.kept(municipality(&code)?);
        let limit = page_size(size)?;
        let scope = format!("{LIST}|{code}");
        let key = &self.shared.page_key;
        let from = PageToken::open(key, &scope, &page_token)?.map_or(0, |token| token.position);
        let rest = kept.iter().filter(|kept| from <= kept.id.0);
        let next = rest.clone().nth(limit).map(|kept| {
            PageToken {
                position: kept.id.0,
                end: 0,
            }
            .seal(key, &scope)
        });
        Ok(Response::new(pb::ListQuarantinesResponse {
            quarantines: rest.take(limit).map(to_wire).collect(),
            next_page_token: next.unwrap_or_default(),
        }))
    }

    async fn list_suspect_accesses(
        &self,
        request: Request<pb::ListSuspectAccessesRequest>,
    ) -> Result<Response<pb::ListSuspectAccessesResponse>, Status> {
        let call = call_of(&request, SUSPECT)?;
        administrator(&call)?;
        let pb::ListSuspectAccessesRequest {
            municipality: code,
            id,
            page_size: size,
            page_token,
        } = request.into_inner();
        let municipality = municipality(&code)?;
        let limit = page_size(size)?;
        let scope = format!("{SUSPECT}|{code}|{id}");
        let key = self.shared.page_key;
        let from = PageToken::open(&key, &scope, &page_token)?.map_or(0, |token| token.position);
        let internal = |_| status_for(Reason::Internal, Details::none());
        let suspects = self
            .shared
            .store
            .suspects(municipality, CommitSequence(id))
            .map_err(internal)?
            .ok_or_else(|| status_for(Reason::ResourceNotFound, Details::none()))?;
        // Who reads the log leaves an entry, whatever is found.
        let mut draft = call.draft(EntryKind::LogRead, usual_retention());
        draft.header.outcome = crate::entry::told_ok();
        let details = DetailPart {
            details: vec![
                ("municipality".to_owned(), code),
                ("quarantine".to_owned(), id.to_string()),
                ("from".to_owned(), from.to_string()),
            ],
        };
        let draft = draft
            .with(PartKind::AdministrativeDetail, &details)
            .map_err(|_| status_for(Reason::Internal, Details::none()))?;
        self.shared.enter(self.shared.reserve()?, draft).await?;
        let shared = Arc::clone(&self.shared);
        let looking =
            tokio::task::spawn_blocking(move || look(&shared, municipality, &suspects, from, limit));
        let (accesses, next) = looking
            .await
            .map_err(|_| status_for(Reason::Internal, Details::none()))?
            .map_err(|_| status_for(Reason::Internal, Details::none()))?;
        let next = next.map(|position| PageToken { position, end: 0 }.seal(&key, &scope));
        Ok(Response::new(pb::ListSuspectAccessesResponse {
            accesses,
            next_page_token: next.unwrap_or_default(),
            origin: self.shared.log.origin().to_string(),
        }))
    }
}

/// Looks through the entries about a municipality, and tells where to go on.
fn look<S>(
    shared: &Shared<S>,
    municipality: MunicipalityId,
    suspects: &Suspects,
    from: u64,
    limit: usize,
) -> Result<(Vec<pb::SuspectAccess>, Option<u64>), store::access_log::reading::ReadError> {
    let mut found = Vec::new();
    for (looked, index) in shared
        .log
        .entries_about(municipality.as_str(), from)
        .into_iter()
        .enumerate()
    {
        if found.len() == limit || looked == LOOKED_AT {
            return Ok((found, Some(index)));
        }
        for entry in shared.log.entries(&ReaderScope::Index, index..index + 1, 1)? {
            found.extend(suspect(&entry, municipality, suspects));
        }
    }
    Ok((found, None))
}

fn suspect(
    entry: &OpenedEntry,
    municipality: MunicipalityId,
    suspects: &Suspects,
) -> Option<pb::SuspectAccess> {
    let body = &entry.header.body;
    if body.kind != EntryKind::Access {
        return None;
    }
    let content = |wanted: &dyn Fn(&PartKind) -> bool| {
        entry.parts.iter().find_map(|part| match part {
            OpenedPart::Shown(part) if wanted(&part.kind) => Some(part.content.as_slice()),
            OpenedPart::Shown(_) | OpenedPart::Erased { .. } => None,
        })
    };
    let decision = content(&|kind| *kind == PartKind::Decision).and_then(|it| DecisionPart::decode(it).ok());
    let subjects =
        content(&|kind| matches!(kind, PartKind::Subjects(id) if id.as_str() == municipality.as_str()))
            .and_then(|it| SubjectsPart::decode(it).ok())?;
    let time_ms = entry.header.time_ms;
    let at = DateTime::from_timestamp_millis(i64::try_from(time_ms).ok()?)?;
    let year = u16::try_from(Moment::new(at).date().year()).ok()?;
    let subjects = suspects.among(&decision.unwrap_or_default(), &subjects, year);
    (0 < subjects).then(|| pb::SuspectAccess {
        index: entry.index,
        access_time: Some(timestamp_from_unix_ms(time_ms)),
        peer: body.peer.clone().unwrap_or_default(),
        agreement: body.agreement.clone().unwrap_or_default(),
        purpose: body.purpose.clone().unwrap_or_default(),
        service: body.service.clone().unwrap_or_default(),
        subjects,
    })
}
