//! Openings of reserved accesses: asked for, confirmed and listed.
//!
//! Every refusal for a reason of the matter is entered, as every opening and every reading by it is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::PoisonError;

use agreement::openings::{
    EntrySet, EntrySetError, Opener, Opening, OpeningAct, OpeningKind, OpeningStanding,
};
use agreement::peer::SpiffeId;
use agreement::reason::Reason;
use chrono::{DateTime, Utc};
use ledger::header::EntryKind;
use ledger::part::PartKind;
use store::access_log::AccessLog;
use store::access_log::committed::Committed;
use store::access_log::part_content::DecisionPart;
use store::access_log::reading::{OpenedEntries, ReadError, ReaderScope};
use store::access_log::reserve::Reserve;
use store::record_store::RecordStore;
use tonic::Status;
use wire::convert::{Invalid, Rule, short_receipt, timestamp_from_ms};
use wire::proto::audit::v1 as pb;
use wire::status::{Details, invalid_argument, status_for};

use crate::audit::{Reader, read_error};
use crate::entry::told;
use crate::openings::{apply, opening_detail, refused_details, request_details};
use crate::page::PageToken;
use crate::shared::Shared;
use crate::usage_restore::part_of;

/// Most characters of the reason for an opening.
const MOST_REASON: usize = 500;

/// A request that was checked as far as it can be by itself.
pub(super) struct Asked {
    entries: EntrySet,
    reason: String,
}

impl Asked {
    /// Reads which entries are to be opened, and why.
    ///
    /// # Errors
    /// The field and the rule that it breaks.
    pub(super) fn read(ranges: Vec<pb::EntryRange>, reason: String) -> Result<Self, Invalid> {
        let range = |range: pb::EntryRange| -> RangeInclusive<u64> { range.first_index..=range.last_index };
        let entries = EntrySet::new(ranges.into_iter().map(range)).map_err(|error| {
            let rule = match error {
                EntrySetError::Empty => Rule::Missing,
                EntrySetError::TooMany => Rule::Stated("can name at most 1000 entries in all"),
                EntrySetError::Backwards | EntrySetError::Form => {
                    Rule::Stated("must not have a range that ends before it begins")
                }
            };
            Invalid::new("entries", rule)
        })?;
        let length = reason.chars().count();
        if length == 0 || MOST_REASON < length {
            let most = MOST_REASON;
            return Err(Invalid::new("reason", Rule::Length { least: 1, most }));
        }
        if reason.chars().any(char::is_control) {
            return Err(Invalid::new("reason", Rule::Character));
        }
        Ok(Self { entries, reason })
    }
}

/// Who opens: a natural person, and no account that several people share.
pub(super) fn opener(reader: &Reader) -> Result<Opener, Status> {
    if reader.person.is_collective() {
        let rule = Rule::Stated("must be a natural person and no shared account");
        return Err(invalid_argument(&Invalid::new("context.reader", rule)));
    }
    Ok(Opener {
        auditor: reader.call.peer.id.clone(),
        certificate: reader.call.peer.certificate,
        person: reader.person.clone(),
    })
}

impl<S: RecordStore> Shared<S> {
    /// The reserved accesses that are open to a reader now.
    pub(super) fn opened_to(&self, reader: &Reader) -> OpenedEntries {
        let mut opened = OpenedEntries::default();
        let kind = match reader.scope {
            ReaderScope::Region => OpeningKind::Regional,
            ReaderScope::Agency(_) => OpeningKind::Agency,
            ReaderScope::Index | ReaderScope::Municipality(_) => return opened,
        };
        let book = self.openings.lock().unwrap_or_else(PoisonError::into_inner);
        let open = book.open_to(&reader.call.peer.id, &reader.person, self.clock.now());
        for opening in open.filter(|opening| opening.kind == kind) {
            opened.insert(opening.id(), opening.entries.values().flat_map(EntrySet::iter));
        }
        opened
    }

    /// Enters an opening that is asked for; one of an agency's supervisor takes effect.
    pub(super) async fn request_opening(
        &self,
        reader: Reader,
        asked: Asked,
    ) -> Result<pb::RequestOpeningResponse, Status> {
        let Asked { entries, reason } = asked;
        let refuse = async |why: Reason| {
            let details = refused_details(&entries, &reason);
            Err(self
                .refuse_opening(&reader, EntryKind::OpeningRequested, details, why)
                .await)
        };
        let kind = match reader.scope {
            ReaderScope::Region => OpeningKind::Regional,
            ReaderScope::Agency(_) => OpeningKind::Agency,
            ReaderScope::Index | ReaderScope::Municipality(_) => return refuse(Reason::OutsideScope).await,
        };
        let (log, scope, wanted) = (self.log.clone(), reader.scope.clone(), entries.clone());
        let now_ms = self.clock.now_ms();
        let looking = tokio::task::spawn_blocking(move || by_agency(&log, &scope, &wanted, now_ms));
        let looked = looking
            .await
            .map_err(|_| status_for(Reason::Internal, Details::none()))?;
        let by_agency = match looked.map_err(|error| read_error(&error))? {
            Ok(by_agency) => by_agency,
            Err(why) => return refuse(why).await,
        };
        let details = request_details(kind, &by_agency, &reason);
        let order = self.openings_change.lock().await;
        let draft = self.reading_draft(&reader, EntryKind::OpeningRequested, details)?;
        let committed = self.enter(self.reserve()?, draft).await?;
        self.note(&committed)?;
        drop(order);
        Ok(pb::RequestOpeningResponse {
            opening: self.opening_message(&reader.scope, committed.index()),
            receipt: Some(short_receipt(self.log.origin(), &committed.short_receipt())),
        })
    }

    /// Enters the second word about an opening.
    pub(super) async fn confirm_opening(
        &self,
        reader: Reader,
        by: Opener,
        id: u64,
    ) -> Result<pb::ConfirmOpeningResponse, Status> {
        // One at a time, so that what was judged is still so when it is entered.
        let order = self.openings_change.lock().await;
        let refused = if reader.scope == ReaderScope::Region {
            let book = self.openings.lock().unwrap_or_else(PoisonError::into_inner);
            let judged = book.judge(id, &by, self.clock.now());
            judged.err().map(|refusal| refusal.reason())
        } else {
            Some(Reason::OutsideScope)
        };
        let details = vec![opening_detail(id)];
        if let Some(why) = refused {
            let kind = EntryKind::OpeningConfirmed;
            return Err(self.refuse_opening(&reader, kind, details, why).await);
        }
        let draft = self.reading_draft(&reader, EntryKind::OpeningConfirmed, details)?;
        let committed = self.enter(self.reserve()?, draft).await?;
        self.note(&committed)?;
        drop(order);
        Ok(pb::ConfirmOpeningResponse {
            opening: self.opening_message(&reader.scope, id),
            receipt: Some(short_receipt(self.log.origin(), &committed.short_receipt())),
        })
    }

    /// A page of the openings that the reader may know of.
    pub(super) async fn list_openings(
        &self,
        reader: Reader,
        limit: usize,
        token: &str,
    ) -> Result<pb::ListOpeningsResponse, Status> {
        if !matches!(reader.scope, ReaderScope::Region | ReaderScope::Agency(_)) {
            return Err(status_for(Reason::OutsideScope, Details::none()));
        }
        let scope = format!("{}|{}", reader.call.method, reader.call.peer.id);
        let token = PageToken::open(&self.page_key, &scope, token)?;
        let from = token.map_or(0, |token| token.position);
        let mut openings = Vec::new();
        let mut next = None;
        {
            let book = self.openings.lock().unwrap_or_else(PoisonError::into_inner);
            let now = self.clock.now();
            for opening in book.since(from) {
                let Some(message) = message(self.log.origin().as_str(), &reader.scope, opening, now) else {
                    continue;
                };
                if openings.len() == limit {
                    next = Some(opening.id());
                    break;
                }
                openings.push(message);
            }
        }
        let details = vec![
            ("from".to_owned(), from.to_string()),
            ("openings".to_owned(), openings.len().to_string()),
        ];
        let draft = self.reading_draft(&reader, EntryKind::LogRead, details)?;
        let committed = self.enter(self.reserve()?, draft).await?;
        let token = next.map(|position| PageToken { position, end: 0 }.seal(&self.page_key, &scope));
        Ok(pb::ListOpeningsResponse {
            openings,
            next_page_token: token.unwrap_or_default(),
            receipt: Some(short_receipt(self.log.origin(), &committed.short_receipt())),
        })
    }

    /// Enters that an opening was refused, and says why.
    async fn refuse_opening(
        &self,
        reader: &Reader,
        kind: EntryKind,
        details: Vec<(String, String)>,
        why: Reason,
    ) -> Status {
        let entered = async {
            let mut draft = self.reading_draft(reader, kind, details)?;
            draft.header.outcome = told(why);
            self.enter(self.reserve()?, draft).await
        };
        match entered.await {
            Ok(committed) => {
                let (origin, receipt) = (self.log.origin().clone(), committed.short_receipt());
                status_for(why, Details::none().with_receipt(origin, receipt))
            }
            Err(status) => status,
        }
    }

    /// Notes an act as its entry tells it.
    fn note(&self, committed: &Committed) -> Result<(), Status> {
        let entry = self.log.entry(&ReaderScope::Index, committed.index());
        if let Some(entry) = entry.map_err(|error| read_error(&error))? {
            apply(
                &mut self.openings.lock().unwrap_or_else(PoisonError::into_inner),
                &entry,
            );
        }
        Ok(())
    }

    fn opening_message(&self, scope: &ReaderScope, id: u64) -> Option<pb::Opening> {
        let book = self.openings.lock().unwrap_or_else(PoisonError::into_inner);
        message(self.log.origin().as_str(), scope, book.get(id)?, self.clock.now())
    }
}

/// The entries by the agency whose they are, or why they are not opened: one that is not in the scope is as none at all,
/// and what is not reserved, or kept no longer, needs no opening.
fn by_agency(
    log: &AccessLog,
    scope: &ReaderScope,
    entries: &EntrySet,
    now_ms: u64,
) -> Result<Result<BTreeMap<SpiffeId, EntrySet>, Reason>, ReadError> {
    let mut found: BTreeMap<SpiffeId, Vec<RangeInclusive<u64>>> = BTreeMap::new();
    for index in entries.iter() {
        let visible = match log.entry(scope, index) {
            Ok(visible) => visible.is_some(),
            Err(ReadError::NoEntry(_)) => false,
            Err(error) => return Err(error),
        };
        if !visible {
            return Ok(Err(Reason::ResourceNotFound));
        }
        let Some(entry) = log.entry(&ReaderScope::Index, index)? else {
            return Ok(Err(Reason::ResourceNotFound));
        };
        let decision: Option<DecisionPart> = part_of(&entry, &PartKind::Decision);
        let reserved = decision.as_ref().map_or(Reserve::Ordinary, DecisionPart::reserve);
        let agency = entry.header.body.peer.as_deref().map(SpiffeId::parse);
        match agency {
            Some(Ok(agency)) if reserved.holds_at(now_ms) => {
                found.entry(agency).or_default().push(index..=index)
            }
            Some(_) | None => return Ok(Err(Reason::OpeningNotReserved)),
        }
    }
    // Each has at least one entry, and all together no more than were asked for.
    let sets = found
        .into_iter()
        .map(|(agency, ranges)| Ok((agency, EntrySet::new(ranges)?)));
    Ok(sets
        .collect::<Result<_, EntrySetError>>()
        .map_err(|_| Reason::Internal))
}

/// An opening as a scope may know it; nothing where it may not.
fn message(origin: &str, scope: &ReaderScope, opening: &Opening, now: DateTime<Utc>) -> Option<pb::Opening> {
    let Opening {
        kind,
        entries,
        reason,
        requested,
        confirmed,
    } = opening;
    let told = |agency: &SpiffeId| match scope {
        ReaderScope::Region => true,
        ReaderScope::Agency(own) => agency.to_string() == *own,
        ReaderScope::Index | ReaderScope::Municipality(_) => false,
    };
    let entries: Vec<pb::OpenedEntries> = entries
        .iter()
        .filter(|(agency, _)| told(agency))
        .map(|(agency, set)| pb::OpenedEntries {
            agency: agency.to_string(),
            ranges: set.ranges().map(range_message).collect(),
        })
        .collect();
    if entries.is_empty() {
        return None;
    }
    let named = *scope == ReaderScope::Region || *kind == OpeningKind::Agency;
    let (state, until) = match opening.standing(now) {
        OpeningStanding::Waiting(until) => (pb::OpeningState::Waiting, Some(until)),
        OpeningStanding::Lapsed => (pb::OpeningState::Lapsed, None),
        OpeningStanding::Open(until) => (pb::OpeningState::Open, Some(until)),
        OpeningStanding::Ended => (pb::OpeningState::Ended, None),
    };
    let kind = match kind {
        OpeningKind::Regional => pb::OpeningKind::Regional,
        OpeningKind::Agency => pb::OpeningKind::Agency,
    };
    Some(pb::Opening {
        origin: origin.to_owned(),
        id: opening.id(),
        kind: kind.into(),
        state: state.into(),
        entries,
        reason: reason.clone(),
        request: Some(act_message(requested, named)),
        confirmation: confirmed.as_ref().map(|act| act_message(act, named)),
        until_time: until.map(|until| timestamp_from_ms(until.timestamp_millis())),
    })
}

fn range_message(range: RangeInclusive<u64>) -> pb::EntryRange {
    let (first_index, last_index) = range.into_inner();
    pb::EntryRange {
        first_index,
        last_index,
    }
}

fn act_message(act: &OpeningAct, named: bool) -> pb::OpeningAct {
    let OpeningAct {
        entry,
        at,
        by: Opener {
            auditor,
            certificate: _,
            person,
        },
        purpose,
        reference,
    } = act;
    pb::OpeningAct {
        index: *entry,
        act_time: Some(timestamp_from_ms(at.timestamp_millis())),
        auditor: auditor.to_string(),
        person: if named {
            person.as_str().to_owned()
        } else {
            String::new()
        },
        purpose: purpose.clone(),
        reference: reference.clone(),
    }
}

/// The openings by which entries are read, as the entry of the reading names them.
pub(super) fn by_openings(opened: &OpenedEntries, indices: impl IntoIterator<Item = u64>) -> BTreeSet<u64> {
    let indices = indices.into_iter();
    indices.filter_map(|index| opened.opening_of(index)).collect()
}
