//! `ponte batch`: an approved list, one outcome for each row in the order of the rows.
//!
//! The list is a CSV file with a header. Rows that cannot be read are told with their column and never leave the machine;
//! the others are sent under one id. A list that is broken off goes on with that id: rows that were answered come again
//! as repeats, which cost nothing.

mod list;

use std::path::PathBuf;

use agreement::batch::Approval;
use agreement::context::{CaseReference, OperatorId};
use agreement::field::FieldSet;
use agreement::reason::ExitCode;
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use client::agency::{AgencyClient, Batch, Outcomes, RowMessage, RowOutcome};
use client::error::ClientError;

use crate::call::{self, CallArguments};
use crate::datum::Datum;
use crate::failure::Failure;
use crate::session::Session;
use crate::show;

use self::list::{List, Row};

/// Kinds of lists.
#[derive(Debug, Subcommand)]
pub enum BatchCommand {
    /// Look up the persons of a list: a CSV file with the column codice_fiscale or national_id
    Persons(PersonsArguments),
    /// Verify the declarations of a list: a CSV file with the column kind, as the subcommands of `ponte verify`, and
    /// columns named as their flags
    Verify(BatchArguments),
}

/// Arguments of every list.
#[derive(Args, Debug)]
pub struct BatchArguments {
    /// The list, CSV in UTF-8 with a header
    #[arg(value_name = "FILE")]
    pub list: PathBuf,
    /// The act by which the list was approved
    #[arg(long, value_name = "REFERENCE")]
    pub approval: String,
    /// Who approved it
    #[arg(long, value_name = "NAME")]
    pub approver: String,
    /// On which day
    #[arg(long, value_name = "DATE")]
    pub approved_on: NaiveDate,
    /// First row to send, to go on with a list that was broken off; give its --request-id as well
    #[arg(long, value_name = "ROW", default_value_t = 1, requires = "request_id")]
    pub from_row: u32,
    /// The call.
    #[command(flatten)]
    pub call: CallArguments,
}

/// Arguments of `ponte batch persons`.
#[derive(Args, Debug)]
pub struct PersonsArguments {
    /// The list.
    #[command(flatten)]
    pub batch: BatchArguments,
    /// Fields wanted, by name, separated by commas; all that is granted to lists without it
    #[arg(long, value_delimiter = ',', value_name = "FIELDS")]
    pub fields: Vec<String>,
}

/// Runs `ponte batch`.
pub fn run(command: &BatchCommand, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    match command {
        BatchCommand::Persons(PersonsArguments { batch, fields }) => {
            let fields = call::field_set(fields)?;
            let list = list::persons(&batch.list)?;
            send(
                batch,
                fields,
                &list,
                session,
                async |agency, batch, rows| agency.batch_lookup_persons(batch, rows).await,
                show::found_row,
            )
        }
        BatchCommand::Verify(batch) => {
            let list = list::declarations(&batch.list)?;
            send(
                batch,
                FieldSet::EMPTY,
                &list,
                session,
                async |agency, batch, rows| agency.batch_verify(batch, rows).await,
                show::declared_row,
            )
        }
    }
}

fn send<T, M>(
    arguments: &BatchArguments,
    fields: FieldSet,
    list: &List<T>,
    session: &mut Session<'_, '_>,
    open: impl AsyncFnOnce(&AgencyClient, &Batch, Sent<T>) -> Result<Outcomes<M>, ClientError>,
    show: impl Fn(&RowOutcome<M::Answer>) -> Datum,
) -> Result<ExitCode, Failure>
where
    T: Clone + Send + 'static,
    M: RowMessage,
{
    let BatchArguments {
        list: _,
        approval: _,
        approver: _,
        approved_on: _,
        from_row,
        call,
    } = arguments;
    let approval = approval(arguments)?;
    let (from_row, rows) = (*from_row, list.len()?);
    session.block_on(async |session| {
        let call = call.prepare(session)?;
        let batch = Batch {
            context: call.context.clone(),
            rows,
            approval,
            fields,
        };
        let id = batch.context.request_id;
        session.say(
            format!("elenco {id}: {rows} righe"),
            format!("list {id}: {rows} rows"),
        )?;
        let (mut shown, mut next) = (Vec::new(), from_row);
        let unsent = |shown: &mut Vec<Datum>, from: u32, until: u32| {
            let between = list.unreadable(from..until);
            shown.extend(between.map(|(row, column)| show::unsent_row(row, column)));
        };
        let sent: Sent<T> = list.readable(from_row).into_iter();
        let ended = match open(&call.agency, &batch, sent).await {
            Err(error) => Err(error),
            Ok(mut outcomes) => loop {
                match outcomes.next().await {
                    Ok(Some(outcome)) => {
                        unsent(&mut shown, next, outcome.row);
                        next = outcome.row.saturating_add(1);
                        shown.push(show(&outcome));
                    }
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            },
        };
        if ended.is_ok() {
            unsent(&mut shown, next, rows.saturating_add(1));
        }
        session.data(&shown)?;
        match ended {
            Ok(()) => Ok(ExitCode::Ok),
            Err(error) => Err(call::unanswered(&error).remedy(
                format!("riprendere con --request-id {id} --from-row {next}"),
                format!("go on with --request-id {id} --from-row {next}"),
            )),
        }
    })
}

/// Rows on their way.
type Sent<T> = std::vec::IntoIter<Row<T>>;

fn approval(arguments: &BatchArguments) -> Result<Approval, Failure> {
    let wrong = |italian: &str, english: &str, error: &(dyn std::error::Error + 'static)| {
        Failure::usage(italian, english).because(error)
    };
    Ok(Approval {
        reference: CaseReference::parse(&arguments.approval).map_err(|error| {
            wrong(
                "l'atto di approvazione non è valido",
                "the approval is not valid",
                &error,
            )
        })?,
        approver: OperatorId::parse(&arguments.approver).map_err(|error| {
            wrong(
                "chi approva non è indicato bene",
                "the approver is not valid",
                &error,
            )
        })?,
        approved_on: arguments.approved_on,
    })
}
