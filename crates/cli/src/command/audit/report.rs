//! `ponte audit report`: the report of one month to the region, a municipality or an agency, in the reader's scope
//! (*relazione periodica*, DOMAIN R27).
//!
//! It states the head of the log, signed by the log's key, that its figures stand on, and a digest of itself.

mod figures;
mod text;

use std::path::PathBuf;

use agreement::reason::{ExitCode, Reason};
use aws_lc_rs::digest;
use chrono::{Months, NaiveDate};
use clap::Args;
use client::auditor::{AuditorClient, Dimension, ReadingContext, Statistics};
use client::error::ClientError;
use registry::hex::Hex;

use crate::call;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::output::Format;
use crate::session::Session;

use self::figures::Figures;
use super::ReaderArguments;
use super::alerts;
use super::sample;
use super::statistics::block_row;

/// Arguments of `ponte audit report`.
#[derive(Args, Debug)]
pub struct ReportArguments {
    /// The month, YYYY-MM
    #[arg(long, value_name = "MONTH", value_parser = month)]
    pub month: NaiveDate,
    /// Write the report into this new file instead of showing it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Who reads.
    #[command(flatten)]
    pub reader: ReaderArguments,
}

/// The first day of a month.
fn month(text: &str) -> Result<NaiveDate, String> {
    let parsed = if text.len() == 7 {
        format!("{text}-01").parse().ok()
    } else {
        None
    };
    parsed.ok_or_else(|| "must be a month, YYYY-MM".to_owned())
}

/// By what the accesses of a report are counted.
const BY: [Dimension; 5] = [
    Dimension::Agency,
    Dimension::Purpose,
    Dimension::Service,
    Dimension::Outcome,
    Dimension::Hour,
];

pub(super) fn run(arguments: ReportArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let ReportArguments { month, out, reader } = arguments;
    session.block_on(async |session| {
        let (auditor, context) = reader.prepare(session)?;
        let body = body(&auditor, &context, month).await?;
        let json = serde_json::to_string_pretty(&body).map_err(|error| Failure::internal(&error))?;
        let digest = Hex(digest::digest(&digest::SHA256, json.as_bytes()).as_ref()).to_string();
        let report = match session.format {
            Format::Table => text::report(&body, &digest, session.language),
            Format::Json | Format::Jsonl | Format::Csv => {
                let whole = RecordBuilder::new()
                    .with("report", body)
                    .with("sha256", digest.as_str())
                    .build();
                let mut text =
                    serde_json::to_string_pretty(&whole).map_err(|error| Failure::internal(&error))?;
                text.push('\n');
                text
            }
        };
        match out {
            Some(path) => {
                call::write_new_private(&path, report.as_bytes())?;
                let path = path.display();
                session.say(
                    format!("relazione scritta in {path}"),
                    format!("the report is in {path}"),
                )?;
            }
            None => session.raw(&report)?,
        }
        Ok(ExitCode::Ok)
    })
}

/// What the report says; its digest is of this as indented JSON.
async fn body(auditor: &AuditorClient, context: &ReadingContext, month: NaiveDate) -> Result<Datum, Failure> {
    let days = month..month + Months::new(1);
    let unanswered = |error: ClientError| call::unanswered(&error);
    let operators = match auditor
        .statistics(context, days.clone(), &[Dimension::Operator])
        .await
    {
        Ok(counted) => Some(Figures::of(&counted.rows, 0)),
        Err(ClientError::Refused(refusal)) if refusal.reason == Some(Reason::OutsideScope) => None,
        Err(error) => return Err(unanswered(error)),
    };
    let counted = auditor
        .statistics(context, days.clone(), &BY)
        .await
        .map_err(unanswered)?;
    // Blocks do not end with months: those count that ended in this one.
    let before = month - Months::new(1);
    let blocks = auditor
        .statistics(context, before..days.end, &[])
        .await
        .map_err(unanswered)?
        .blocks;
    let ended = blocks.iter().filter(|block| days.contains(&block.last));
    let samples = sample::report(auditor, context, &days).await?;
    let raised = alerts::all(auditor, context).await?;
    let raised = raised.iter().filter(|alert| days.contains(&alert.last));
    let Statistics {
        rows,
        total,
        size,
        head,
        ..
    } = &counted;
    let outcomes = Figures::of(rows, 3);
    let ReadingContext {
        purpose,
        reference,
        reader,
    } = context;
    let record = RecordBuilder::new()
        .with("month", month.format("%Y-%m").to_string())
        .with("reader", reader.as_str())
        .with("purpose", purpose.as_str())
        .with("reference", reference.as_str())
        .with("accesses", total.entries)
        .with("refused", outcomes.other_than(&["OK", "NOT_FOUND"]))
        .with("by_outcome", outcomes.datum())
        .with("by_agency", Figures::of(rows, 0).datum())
        .with("by_purpose", Figures::of(rows, 1).datum())
        .with("by_service", Figures::of(rows, 2).datum())
        .with("by_hour", Figures::of(rows, 4).datum())
        .with_some("by_operator", operators.map(|figures| figures.datum()))
        .with("with_reserved_purposes", ended.map(block_row).collect::<Datum>());
    let record = record.with_some("samples", samples);
    let record = record.with("alerts", Datum::List(raised.map(alerts::row).collect()));
    Ok(record
        .with("origin", head.checkpoint.origin.as_str())
        .with("entries_of_the_log", *size)
        .with("checkpoint", head.text.as_str())
        .build())
}
