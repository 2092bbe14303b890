//! `ponte audit alerts`: what operators did that calls for a look, in the reader's scope.

use agreement::reason::ExitCode;
use chrono::SecondsFormat;
use clap::Args;
use client::auditor::{Alert, AuditorClient, ReadingContext};
use client::page::PageRequest;

use crate::call;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::output::Format;
use crate::session::Session;

use super::ReaderArguments;

/// Alerts that are asked for at a time.
const PAGE: u16 = 500;

/// Arguments of `ponte audit alerts`.
#[derive(Args, Debug)]
pub struct AlertsArguments {
    /// Of these kinds only, such as volume or many-misses
    #[arg(long, value_delimiter = ',', value_name = "KINDS")]
    pub kind: Vec<String>,
    /// Who reads.
    #[command(flatten)]
    pub reader: ReaderArguments,
}

pub(super) fn run(arguments: &AlertsArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let AlertsArguments { kind, reader } = arguments;
    session.block_on(async |session| {
        let (auditor, context) = reader.prepare(session)?;
        let alerts = all(&auditor, &context).await?;
        let wanted = alerts
            .iter()
            .filter(|alert| kind.is_empty() || kind.contains(&alert.kind));
        let row: fn(&Alert) -> Datum = match session.format {
            Format::Table => line,
            Format::Json | Format::Jsonl | Format::Csv => row,
        };
        let rows: Vec<Datum> = wanted.map(row).collect();
        session.data(&rows)?;
        Ok(ExitCode::Ok)
    })
}

/// Every alert in the reader's scope.
pub(super) async fn all(auditor: &AuditorClient, context: &ReadingContext) -> Result<Vec<Alert>, Failure> {
    let mut alerts = Vec::new();
    let mut request = PageRequest {
        size: Some(PAGE),
        after: None,
    };
    loop {
        let page = auditor.alerts(context, &request).await;
        let page = page.map_err(|error| call::unanswered(&error))?.page;
        alerts.extend(page.items);
        match page.next {
            Some(next) => request.after = Some(next),
            None => return Ok(alerts),
        }
    }
}

fn counts(alert: &Alert) -> String {
    let counts = alert.counts.iter().map(|(name, count)| format!("{name} {count}"));
    counts.collect::<Vec<_>>().join(", ")
}

/// An alert on one line, for people.
fn line(alert: &Alert) -> Datum {
    RecordBuilder::new()
        .with("index", alert.index)
        .with("kind", alert.kind.as_str())
        .with("agency", alert.agency.rsplit('/').next().unwrap_or_default())
        .with("operator", alert.operator.clone().unwrap_or_default())
        .with("first_day", alert.first.to_string())
        .with("last_day", alert.last.to_string())
        .with("counts", counts(alert))
        .with("reserved", alert.reserved)
        .build()
}

/// Everything about an alert, for programs.
pub(super) fn row(alert: &Alert) -> Datum {
    let Alert {
        index,
        raised,
        kind,
        rule,
        agency,
        operator,
        reserved,
        first,
        last,
        counts: _,
        entries,
    } = alert;
    RecordBuilder::new()
        .with("index", *index)
        .with("raised", raised.to_rfc3339_opts(SecondsFormat::Millis, true))
        .with("kind", kind.as_str())
        .with("rule", rule.as_str())
        .with("agency", agency.as_str())
        .with_some("operator", operator.clone())
        .with("reserved", *reserved)
        .with("first_day", first.to_string())
        .with("last_day", last.to_string())
        .with("counts", counts(alert))
        .with("entries", entries.iter().copied().collect::<Datum>())
        .build()
}
