//! `ponte audit statistics`: how many accesses, by what is asked, in the reader's scope.

use agreement::moment::Moment;
use agreement::reason::ExitCode;
use chrono::{Datelike, Months, NaiveDate};
use clap::Args;
use client::auditor::{AccessCount, Dimension, StatisticsBlock, StatisticsRow};

use crate::call;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::session::Session;

use super::ReaderArguments;

/// Arguments of `ponte audit statistics`.
#[derive(Args, Debug)]
pub struct StatisticsArguments {
    /// First day, Europe/Rome; without it the first of this month
    #[arg(long, value_name = "DAY")]
    pub from: Option<NaiveDate>,
    /// First day that does not count any more; without it the first of the month after the first day
    #[arg(long, value_name = "DAY")]
    pub until: Option<NaiveDate>,
    /// By what: agency, agreement, purpose, operator, hour, service, outcome, municipality, day
    #[arg(long, value_delimiter = ',', value_name = "DIMENSIONS", value_parser = dimension)]
    pub by: Vec<Dimension>,
    /// Show the totals of whole blocks of 30 days, which have the reserved purposes in them, instead of the rows
    #[arg(long)]
    pub blocks: bool,
    /// Who reads.
    #[command(flatten)]
    pub reader: ReaderArguments,
}

fn dimension(name: &str) -> Result<Dimension, String> {
    Dimension::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Dimension::ALL.into_iter().map(Dimension::name).collect();
        format!("must be one of {}", names.join(", "))
    })
}

pub(super) fn run(
    arguments: StatisticsArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let StatisticsArguments {
        from,
        until,
        by,
        blocks: wants_blocks,
        reader,
    } = arguments;
    let from = from.unwrap_or_else(|| first_of_month(Moment::new(session.surroundings.clock.now()).date()));
    let until = until.unwrap_or_else(|| first_of_month(from) + Months::new(1));
    session.block_on(async |session| {
        let (auditor, context) = reader.prepare(session)?;
        let counted = auditor.statistics(&context, from..until, &by).await;
        let counted = counted.map_err(|error| call::unanswered(&error))?;
        let rows: Vec<Datum> = if wants_blocks {
            counted.blocks.iter().map(block_row).collect()
        } else if by.is_empty() {
            vec![with_count(RecordBuilder::new(), counted.total).build()]
        } else {
            counted.rows.iter().map(|row| statistics_row(&by, row)).collect()
        };
        session.data(&rows)?;
        if !wants_blocks {
            let AccessCount { entries, .. } = counted.total;
            session.say(
                format!("totale dal {from} fino al {until} escluso: {entries} accessi"),
                format!("total from {from} until {until}, which is not counted: {entries} accesses"),
            )?;
        }
        Ok(ExitCode::Ok)
    })
}

/// The first day of a day's month.
pub(super) fn first_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

fn statistics_row(by: &[Dimension], row: &StatisticsRow) -> Datum {
    let StatisticsRow { values, count } = row;
    let record = by
        .iter()
        .zip(values)
        .fold(RecordBuilder::new(), |record, (dimension, value)| {
            record.with(dimension.name(), value.as_str())
        });
    with_count(record, *count).build()
}

/// A block as a row.
pub(super) fn block_row(block: &StatisticsBlock) -> Datum {
    let StatisticsBlock { first, last, count } = *block;
    let record = RecordBuilder::new()
        .with("first_day", first.to_string())
        .with("last_day", last.to_string());
    with_count(record, count).build()
}

/// A count, its share as a decimal number.
fn with_count(record: RecordBuilder, count: AccessCount) -> RecordBuilder {
    let AccessCount {
        entries,
        share_millionths,
    } = count;
    let (whole, rest) = (share_millionths / 1_000_000, share_millionths % 1_000_000);
    record
        .with("accesses", entries)
        .with("share", format!("{whole}.{rest:06}"))
}
