//! Counts of accesses, in the auditor's scope.

use std::ops::Range;

use chrono::NaiveDate;
use ledger::receipt::ShortReceipt;
use wire::convert::{Invalid, Rule, civil_date};
use wire::proto::audit::v1 as proto;
use wire::proto::audit::v1::audit_service_client::AuditServiceClient as Service;

use crate::auditor::{AuditorClient, ReadingContext, SignedHead};
use crate::connection::Repeat;
use crate::convert::{each, required};
use crate::error::ClientError;
use crate::receipt::{ShortClaim, claim_of};

/// By what accesses are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// The caller, a SPIFFE id.
    Agency,
    /// The agreement's id.
    Agreement,
    /// The purpose's id.
    Purpose,
    /// The operator: for the regional auditor and the agency's own supervisor.
    Operator,
    /// The hour, `00` to `23`, Europe/Rome.
    Hour,
    /// The method called.
    Service,
    /// `OK`, or the reason as told.
    Outcome,
    /// The municipality by its cadastral code, or `region`: not for an agency's supervisor.
    Municipality,
    /// The day, `YYYY-MM-DD`, Europe/Rome.
    Day,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: [Self; 9] = [
        Self::Agency,
        Self::Agreement,
        Self::Purpose,
        Self::Operator,
        Self::Hour,
        Self::Service,
        Self::Outcome,
        Self::Municipality,
        Self::Day,
    ];

    /// The name in commands and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agency => "agency",
            Self::Agreement => "agreement",
            Self::Purpose => "purpose",
            Self::Operator => "operator",
            Self::Hour => "hour",
            Self::Service => "service",
            Self::Outcome => "outcome",
            Self::Municipality => "municipality",
            Self::Day => "day",
        }
    }

    /// The dimension of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dimension| dimension.name() == name)
    }

    const fn wire(self) -> proto::StatisticsDimension {
        match self {
            Self::Agency => proto::StatisticsDimension::Agency,
            Self::Agreement => proto::StatisticsDimension::Agreement,
            Self::Purpose => proto::StatisticsDimension::Purpose,
            Self::Operator => proto::StatisticsDimension::Operator,
            Self::Hour => proto::StatisticsDimension::Hour,
            Self::Service => proto::StatisticsDimension::Service,
            Self::Outcome => proto::StatisticsDimension::Outcome,
            Self::Municipality => proto::StatisticsDimension::Municipality,
            Self::Day => proto::StatisticsDimension::Day,
        }
    }
}

/// How many accesses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccessCount {
    /// Entries.
    pub entries: u64,
    /// The same in millionths of an entry, of which one about persons of several municipalities gives each an equal part.
    pub share_millionths: u64,
}

/// Accesses with equal values.
#[derive(Clone, PartialEq, Eq)]
pub struct StatisticsRow {
    /// The values, in the order of the dimensions that were asked for.
    pub values: Vec<String>,
    /// How many.
    pub count: AccessCount,
}

/// An operator may be among the values: debugging output shows none.
impl std::fmt::Debug for StatisticsRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "StatisticsRow({} values, {:?})", self.values.len(), self.count)
    }
}

/// A total over 30 days with reserved purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatisticsBlock {
    /// First day.
    pub first: NaiveDate,
    /// Last day.
    pub last: NaiveDate,
    /// How many.
    pub count: AccessCount,
}

/// Counts of a range of days.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// One row for each combination of values, in their order; without reserved purposes but for the agency's own.
    pub rows: Vec<StatisticsRow>,
    /// All rows together.
    pub total: AccessCount,
    /// Totals with reserved purposes.
    pub blocks: Vec<StatisticsBlock>,
    /// Entries of the log that were looked at.
    pub size: u64,
    /// The newest checkpoint, of at least that size.
    pub head: SignedHead,
    /// The entry that this reading made.
    pub receipt: ShortClaim,
}

impl AuditorClient {
    /// Counts the accesses of a range of days, Europe/Rome, at most 366.
    ///
    /// # Errors
    /// See [`ClientError`]; `OUTSIDE_SCOPE` for a dimension that the auditor's scope does not show.
    pub async fn statistics(
        &self,
        context: &ReadingContext,
        days: Range<NaiveDate>,
        by: &[Dimension],
    ) -> Result<Statistics, ClientError> {
        let message = proto::GetStatisticsRequest {
            context: Some(context.into()),
            start_date: Some(days.start.into()),
            end_date: Some(days.end.into()),
            dimensions: by.iter().map(|dimension| dimension.wire().into()).collect(),
        };
        let answer = self
            .connection
            .call(Repeat::Safe, message, |channel, request| async move {
                Service::new(channel).get_statistics(request).await
            })
            .await?;
        let proto::GetStatisticsResponse {
            rows,
            total,
            blocks,
            origin,
            size,
            checkpoint,
            receipt,
        } = answer;
        let rows = each("rows", rows, |proto::StatisticsRow { values, count }| {
            if values.len() != by.len() {
                return Err(Invalid::new("values", Rule::Contradicts("dimensions")));
            }
            let count = count_of("count", count)?;
            Ok(StatisticsRow { values, count })
        })?;
        let head = self.head(checkpoint, &origin)?;
        if head.checkpoint.size < size {
            return Err(Invalid::new("size", Rule::Contradicts("checkpoint")).into());
        }
        let short = required("receipt", receipt)?;
        let entered = short.origin.clone();
        let receipt = ShortReceipt::try_from(short).map_err(|invalid| invalid.within("receipt"))?;
        Ok(Statistics {
            rows,
            total: count_of("total", total)?,
            blocks: each("blocks", blocks, block)?,
            size,
            head,
            receipt: claim_of(entered, receipt)?,
        })
    }
}

fn count_of(field: &str, count: Option<proto::AccessCount>) -> Result<AccessCount, Invalid> {
    let proto::AccessCount {
        entries,
        share_millionths,
    } = required(field, count)?;
    Ok(AccessCount {
        entries,
        share_millionths,
    })
}

fn block(block: proto::StatisticsBlock) -> Result<StatisticsBlock, Invalid> {
    let proto::StatisticsBlock {
        first_date,
        last_date,
        count,
    } = block;
    Ok(StatisticsBlock {
        first: civil_date("first_date", first_date)?,
        last: civil_date("last_date", last_date)?,
        count: count_of("count", count)?,
    })
}
