//! Counts of accesses, in the reader's scope.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use agreement::reason::Reason;
use chrono::NaiveDate;
use ledger::header::EntryKind;
use store::access_log::Slot;
use store::access_log::reading::ReaderScope;
use store::record_store::RecordStore;
use tonic::{Request, Response, Status};
use wire::convert::{Invalid, Rule, civil_date, short_receipt};
use wire::proto::audit::v1 as pb;
use wire::proto::r#type::v1 as wire_type;
use wire::status::{Details, invalid_argument, status_for};

use crate::audit::{Audit, Reader, unreadable};
use crate::call::call_of;
use crate::oversight::counters::Count;
use crate::oversight::statistics::{Dimension, MOST_DAYS, NotShown, Question, Scope, Statistics, block_end};
use crate::oversight::{OversightError, Reached};
use crate::shared::{Shared, detached};

pub(super) const METHOD: &str = "ponte.audit.v1.AuditService/GetStatistics";

/// When to come again while entries are still being counted.
const RETRY: Duration = Duration::from_secs(2);

impl<S: RecordStore> Audit<S> {
    pub(super) async fn statistics(
        &self,
        request: Request<pb::GetStatisticsRequest>,
    ) -> Result<Response<pb::GetStatisticsResponse>, Status> {
        let call = call_of(&request, METHOD)?;
        let pb::GetStatisticsRequest {
            context,
            start_date,
            end_date,
            dimensions: by,
        } = request.into_inner();
        let reader = self.reader(call, context)?;
        let checked = days(start_date, end_date).and_then(|range| Ok((range, dimensions(by)?)));
        let (range, by) = checked.map_err(|invalid| invalid_argument(&invalid))?;
        let scope = oversight_scope(&reader.scope);
        let question = Question::new(scope, range, by).map_err(|NotShown(dimension)| {
            let named = wire_dimension(dimension).as_str_name();
            status_for(
                Reason::OutsideScope,
                Details::none().with_metadata("dimension", named),
            )
        })?;
        let slot = self.shared.reserve()?;
        let shared = Arc::clone(&self.shared);
        detached(&self.shared.tasks, async move {
            shared.count(slot, reader, question).await.map(Response::new)
        })
        .await
    }
}

impl<S: RecordStore> Shared<S> {
    async fn count(
        self: &Arc<Self>,
        slot: Slot,
        reader: Reader,
        question: Question,
    ) -> Result<pb::GetStatisticsResponse, Status> {
        let range = question.range();
        let details = vec![
            ("what".to_owned(), "statistics".to_owned()),
            ("from".to_owned(), range.start.to_string()),
            ("until".to_owned(), range.end.to_string()),
        ];
        let (size, statistics) = self.counted(question).await?;
        let draft = self.reading_draft(&reader, EntryKind::LogRead, details)?;
        let committed = self.enter(slot, draft).await?;
        let Statistics { rows, total, blocks } = statistics;
        let rows = rows.into_iter().map(|(values, count)| pb::StatisticsRow {
            values,
            count: Some(count_message(count)),
        });
        Ok(pb::GetStatisticsResponse {
            rows: rows.collect(),
            total: Some(count_message(total)),
            blocks: blocks.into_iter().map(block_message).collect(),
            origin: self.log.origin().as_str().to_owned(),
            size,
            checkpoint: committed.head().text.clone(),
            receipt: Some(short_receipt(self.log.origin(), &committed.short_receipt())),
        })
    }

    /// The answer to a question, and how many entries it stands on: all that there were when it was asked.
    async fn counted(self: &Arc<Self>, question: Question) -> Result<(u64, Statistics), Status> {
        let size = self.caught_up().await?;
        let shared = Arc::clone(self);
        let today = self.moment().date();
        let answered = tokio::task::spawn_blocking(move || {
            let days = shared.oversight.days(question.range())?;
            let days = days.iter().map(|(date, counts)| (*date, counts.as_ref()));
            Ok::<_, OversightError>(question.answer(days, today))
        });
        Ok((size, blocking(answered.await)?))
    }

    /// Counts every entry that there is, unless that is more than a caller waits for; tells how many there are.
    pub(super) async fn caught_up(self: &Arc<Self>) -> Result<u64, Status> {
        let size = self.log.checkpoint().checkpoint.size;
        let shared = Arc::clone(self);
        let reached = tokio::task::spawn_blocking(move || shared.catch_up(size));
        match blocking(reached.await)? {
            Reached::All => Ok(size),
            Reached::Behind => {
                let details = Details::none().with_retry_after(RETRY);
                Err(status_for(Reason::OversightBehind, details))
            }
        }
    }
}

/// What became of work on a thread that may block.
pub(super) fn blocking<T, E: std::error::Error + 'static>(
    joined: Result<Result<T, E>, tokio::task::JoinError>,
) -> Result<T, Status> {
    match joined {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(unreadable(&error)),
        Err(error) => Err(unreadable(&error)),
    }
}

/// The scope of a reader, as counts know it.
pub(super) fn oversight_scope(scope: &ReaderScope) -> Scope {
    match scope {
        ReaderScope::Index | ReaderScope::Region => Scope::Region,
        ReaderScope::Agency(agency) => Scope::Agency(agency.clone()),
        ReaderScope::Municipality(places) => Scope::Municipality(places.clone()),
    }
}

/// A range of whole days, not empty.
fn days(
    start: Option<wire_type::PartialDate>,
    end: Option<wire_type::PartialDate>,
) -> Result<Range<NaiveDate>, Invalid> {
    let start = civil_date("start_date", start)?;
    let end = civil_date("end_date", end)?;
    if !(1..=MOST_DAYS).contains(&(end - start).num_days()) {
        return Err(Invalid::new("end_date", Rule::Range));
    }
    Ok(start..end)
}

fn dimensions(numbers: Vec<i32>) -> Result<Vec<Dimension>, Invalid> {
    let mut dimensions = Vec::with_capacity(numbers.len());
    for number in numbers {
        let dimension = dimension_of(number).ok_or_else(|| Invalid::new("dimensions", Rule::Value))?;
        if dimensions.contains(&dimension) {
            return Err(Invalid::new(
                "dimensions",
                Rule::Stated("must name each dimension at most once"),
            ));
        }
        dimensions.push(dimension);
    }
    Ok(dimensions)
}

fn dimension_of(number: i32) -> Option<Dimension> {
    Some(match pb::StatisticsDimension::try_from(number).ok()? {
        pb::StatisticsDimension::Unspecified => return None,
        pb::StatisticsDimension::Agency => Dimension::Agency,
        pb::StatisticsDimension::Agreement => Dimension::Agreement,
        pb::StatisticsDimension::Purpose => Dimension::Purpose,
        pb::StatisticsDimension::Operator => Dimension::Operator,
        pb::StatisticsDimension::Hour => Dimension::Hour,
        pb::StatisticsDimension::Service => Dimension::Service,
        pb::StatisticsDimension::Outcome => Dimension::Outcome,
        pb::StatisticsDimension::Municipality => Dimension::Municipality,
        pb::StatisticsDimension::Day => Dimension::Day,
    })
}

fn wire_dimension(dimension: Dimension) -> pb::StatisticsDimension {
    match dimension {
        Dimension::Agency => pb::StatisticsDimension::Agency,
        Dimension::Agreement => pb::StatisticsDimension::Agreement,
        Dimension::Purpose => pb::StatisticsDimension::Purpose,
        Dimension::Operator => pb::StatisticsDimension::Operator,
        Dimension::Hour => pb::StatisticsDimension::Hour,
        Dimension::Service => pb::StatisticsDimension::Service,
        Dimension::Outcome => pb::StatisticsDimension::Outcome,
        Dimension::Municipality => pb::StatisticsDimension::Municipality,
        Dimension::Day => pb::StatisticsDimension::Day,
    }
}

fn count_message(count: Count) -> pb::AccessCount {
    let Count { entries, share } = count;
    pb::AccessCount {
        entries,
        share_millionths: share,
    }
}

fn block_message((first, count): (NaiveDate, Count)) -> pb::StatisticsBlock {
    let last = block_end(first).pred_opt().unwrap_or(first);
    pb::StatisticsBlock {
        first_date: Some(first.into()),
        last_date: Some(last.into()),
        count: Some(count_message(count)),
    }
}
