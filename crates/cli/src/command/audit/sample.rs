//! `ponte audit sample`: accesses that are drawn so that nobody chooses them, justified by their agency, and judged.

use std::ops::Range;

use agreement::reason::{ExitCode, Reason};
use chrono::{NaiveDate, SecondsFormat};
use clap::{Args, Subcommand, ValueEnum};
use client::auditor::{
    AuditorClient, Drawing, ReadingContext, Sample, SampleItem, SampleOutcome, SampleState,
};
use client::error::ClientError;
use client::page::PageRequest;

use crate::call;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::output::Format;
use crate::session::Session;

use super::ReaderArguments;

/// What to do with samples.
#[derive(Debug, Subcommand)]
pub enum SampleCommand {
    /// Draw accesses that their agency must justify; which, is decided by the log's root with this act in it
    Draw(DrawArguments),
    /// List samples in the reader's own scope, one line for each access
    List(ListArguments),
    /// Justify an access of a sample, for its agency
    Justify(JustifyArguments),
    /// Record whether an access of a sample was justified
    Record(RecordArguments),
}

/// Arguments of `ponte audit sample draw`.
#[derive(Args, Debug)]
pub struct DrawArguments {
    /// The agency, a SPIFFE id
    #[arg(long, value_name = "URI")]
    pub agency: String,
    /// How many accesses, 1 to 200
    #[arg(long, value_name = "COUNT")]
    pub size: u32,
    /// First day whose accesses count, Europe/Rome
    #[arg(long, value_name = "DAY")]
    pub from: NaiveDate,
    /// First day that does not count any more; at most 92 days later
    #[arg(long, value_name = "DAY")]
    pub until: NaiveDate,
    /// Last day on which a justification is in time
    #[arg(long, value_name = "DAY")]
    pub deadline: NaiveDate,
    /// Who draws.
    #[command(flatten)]
    pub reader: ReaderArguments,
}

/// Arguments of `ponte audit sample list`.
#[derive(Args, Debug)]
pub struct ListArguments {
    /// Only accesses that wait for a justification
    #[arg(long)]
    pub waiting: bool,
    /// Who reads.
    #[command(flatten)]
    pub reader: ReaderArguments,
}

/// Arguments of `ponte audit sample justify`.
#[derive(Args, Debug)]
pub struct JustifyArguments {
    /// The sample, by the index of its entry
    #[arg(value_name = "SAMPLE")]
    pub sample: u64,
    /// The access, by the index of its entry
    #[arg(value_name = "ENTRY")]
    pub entry: u64,
    /// Why it was made
    #[arg(long)]
    pub text: String,
    /// Number of the case for which it was made
    #[arg(long, value_name = "CASE")]
    pub case_reference: String,
    /// Who justifies.
    #[command(flatten)]
    pub reader: ReaderArguments,
}

/// Arguments of `ponte audit sample record`.
#[derive(Args, Debug)]
pub struct RecordArguments {
    /// The sample, by the index of its entry
    #[arg(value_name = "SAMPLE")]
    pub sample: u64,
    /// The access, by the index of its entry
    #[arg(value_name = "ENTRY")]
    pub entry: u64,
    /// Whether it was justified
    #[arg(long, value_enum)]
    pub outcome: Outcome,
    /// In words
    #[arg(long, default_value = "")]
    pub note: String,
    /// Who records it.
    #[command(flatten)]
    pub reader: ReaderArguments,
}

/// How a justification is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Outcome {
    /// It was justified
    Accepted,
    /// It was not
    Rejected,
}

pub(super) fn run(command: SampleCommand, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    match command {
        SampleCommand::Draw(arguments) => draw(arguments, session),
        SampleCommand::List(arguments) => list(&arguments, session),
        SampleCommand::Justify(arguments) => justify(&arguments, session),
        SampleCommand::Record(arguments) => record(&arguments, session),
    }
}

fn draw(arguments: DrawArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let DrawArguments {
        agency,
        size,
        from,
        until,
        deadline,
        reader,
    } = arguments;
    let drawing = Drawing {
        agency,
        size,
        days: from..until,
        deadline,
    };
    session.block_on(async |session| {
        let (auditor, context) = reader.prepare(session)?;
        let drawn = auditor.draw_sample(&context, &drawing).await;
        show(session, &drawn.map_err(|error| call::unanswered(&error))?, |_| {
            true
        })
    })
}

fn list(arguments: &ListArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let ListArguments { waiting, reader } = arguments;
    session.block_on(async |session| {
        let (auditor, context) = reader.prepare(session)?;
        let samples = all(&auditor, &context)
            .await
            .map_err(|error| call::unanswered(&error))?;
        let wanted = |item: &SampleItem| !*waiting || is_waiting(item.state);
        let rows = samples
            .iter()
            .flat_map(|sample| rows(sample, session.format, &wanted));
        let rows: Vec<Datum> = rows.collect();
        session.data(&rows)?;
        Ok(ExitCode::Ok)
    })
}

fn justify(arguments: &JustifyArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let JustifyArguments {
        sample,
        entry,
        text,
        case_reference,
        reader,
    } = arguments;
    session.block_on(async |session| {
        let (auditor, context) = reader.prepare(session)?;
        let justified = auditor
            .justify_sample(&context, *sample, *entry, text, case_reference)
            .await
            .map_err(|error| call::unanswered(&error))?;
        show(session, &justified, |item| item.entry == *entry)
    })
}

fn record(arguments: &RecordArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let RecordArguments {
        sample,
        entry,
        outcome,
        note,
        reader,
    } = arguments;
    let outcome = match outcome {
        Outcome::Accepted => SampleOutcome::Accepted,
        Outcome::Rejected => SampleOutcome::Rejected,
    };
    session.block_on(async |session| {
        let (auditor, context) = reader.prepare(session)?;
        let recorded = auditor
            .record_sample_outcome(&context, *sample, *entry, outcome, note)
            .await
            .map_err(|error| call::unanswered(&error))?;
        show(session, &recorded, |item| item.entry == *entry)
    })
}

const fn is_waiting(state: SampleState) -> bool {
    matches!(state, SampleState::Pending | SampleState::Overdue)
}

/// Every sample in the reader's scope.
async fn all(auditor: &AuditorClient, context: &ReadingContext) -> Result<Vec<Sample>, ClientError> {
    let mut samples = Vec::new();
    let mut request = PageRequest::default();
    loop {
        let page = auditor.samples(context, &request).await?.page;
        samples.extend(page.items);
        match page.next {
            Some(next) => request.after = Some(next),
            None => return Ok(samples),
        }
    }
}

/// How many accesses stand where, of the samples whose deadline or drawing lies in the days; nothing for a reader who is
/// shown no samples.
pub(super) async fn report(
    auditor: &AuditorClient,
    context: &ReadingContext,
    days: &Range<NaiveDate>,
) -> Result<Option<Datum>, Failure> {
    let samples = match all(auditor, context).await {
        Ok(samples) => samples,
        Err(ClientError::Refused(refusal)) if refusal.reason == Some(Reason::OutsideScope) => {
            return Ok(None);
        }
        Err(error) => return Err(call::unanswered(&error)),
    };
    let of_month = |sample: &&Sample| {
        days.contains(&sample.drawing.deadline) || days.contains(&sample.drawn.date_naive())
    };
    let rows = samples.iter().filter(of_month).map(|sample| {
        let standing = |wanted: SampleState| {
            let items = sample.items.iter();
            items.filter(|item| item.state == wanted).count()
        };
        let record = RecordBuilder::new()
            .with("sample", sample.index)
            .with("agency", sample.drawing.agency.as_str())
            .with("deadline", sample.drawing.deadline.to_string())
            .with("accesses", sample.items.len());
        let states = [
            SampleState::Pending,
            SampleState::Overdue,
            SampleState::Justified,
            SampleState::JustifiedLate,
            SampleState::Accepted,
            SampleState::Rejected,
        ];
        let record = states.into_iter().fold(record, |record, state| {
            record.with(&state.name().replace('-', "_"), standing(state))
        });
        record.build()
    });
    Ok(Some(Datum::List(rows.collect())))
}

fn show(
    session: &mut Session<'_, '_>,
    sample: &Sample,
    wanted: impl Fn(&SampleItem) -> bool,
) -> Result<ExitCode, Failure> {
    let rows = rows(sample, session.format, &wanted);
    session.data(&rows)?;
    Ok(ExitCode::Ok)
}

/// A row for each access; words of persons only for programs, and for people the case.
fn rows(sample: &Sample, format: Format, wanted: &dyn Fn(&SampleItem) -> bool) -> Vec<Datum> {
    let items = sample.items.iter().filter(|item| wanted(item));
    items.map(|item| row(sample, item, format)).collect()
}

fn row(sample: &Sample, item: &SampleItem, format: Format) -> Datum {
    let Sample {
        index,
        drawn,
        drawing,
        reserved,
        ..
    } = sample;
    let SampleItem {
        entry,
        accessed,
        state,
        justification,
        note,
    } = item;
    let time = |at: &chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let case = justification.as_ref().map(|given| given.case_reference.clone());
    let record = RecordBuilder::new()
        .with("sample", *index)
        .with("entry", *entry)
        .with("time", time(accessed))
        .with("agency", drawing.agency.rsplit('/').next().unwrap_or_default())
        .with("deadline", drawing.deadline.to_string())
        .with("state", state.name())
        .with("case", case.unwrap_or_default());
    match format {
        Format::Table => record.build(),
        Format::Json | Format::Jsonl | Format::Csv => record
            .with("drawn", time(drawn))
            .with("reserved", *reserved)
            .with_some(
                "justified_on",
                justification.as_ref().map(|given| given.date.to_string()),
            )
            .with_some(
                "justified_by",
                justification.as_ref().map(|given| given.reader.clone()),
            )
            .with_some("text", justification.as_ref().map(|given| given.text.clone()))
            .with("note", note.as_str())
            .build(),
    }
}
