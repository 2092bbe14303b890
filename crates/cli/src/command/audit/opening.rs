//! `ponte audit opening`: reserved accesses are opened, by two regional auditors together or by an agency's supervisor.

use agreement::openings::{EntrySet, EntrySetError};
use agreement::reason::ExitCode;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use client::auditor::{Opening, OpeningAct, OpeningKind, OpeningState};
use client::receipt::ShortClaim;

use super::ReaderArguments;
use crate::call;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::session::Session;

/// What to do with openings.
#[derive(Debug, Subcommand)]
pub enum OpeningCommand {
    /// Ask for an opening: a supervisor's takes effect at once, a regional auditor's once another one confirms it
    Request(Box<RequestArguments>),
    /// Confirm the opening that another regional auditor asked for, within 72 hours; both then read it for 24
    Confirm(Box<ConfirmArguments>),
    /// List openings: all to a regional auditor, those of its own accesses to an agency's supervisor
    List {
        /// Who reads.
        #[command(flatten)]
        reader: Box<ReaderArguments>,
    },
}

/// Arguments of `ponte audit opening request`.
#[derive(Args, Debug)]
pub struct RequestArguments {
    /// Entries to be opened, at most 1,000: 3-5,9
    #[arg(long, value_name = "INDICES")]
    pub entries: String,
    /// Why, at most 500 characters
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Who reads.
    #[command(flatten)]
    pub reader: ReaderArguments,
}

/// Arguments of `ponte audit opening confirm`.
#[derive(Args, Debug)]
pub struct ConfirmArguments {
    /// Id of the opening, as shown by list
    pub id: u64,
    /// Who reads.
    #[command(flatten)]
    pub reader: ReaderArguments,
}

/// Runs `ponte audit opening`.
pub(super) fn run(command: OpeningCommand, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    match command {
        OpeningCommand::Request(arguments) => {
            let RequestArguments {
                entries,
                reason,
                reader,
            } = *arguments;
            let entries: EntrySet = entries.parse().map_err(|error| not_entries(&error))?;
            session.block_on(async |session| {
                let (auditor, context) = reader.prepare(session)?;
                let asked = auditor.request_opening(&context, &entries, &reason).await;
                made(asked.map_err(|error| call::unanswered(&error))?, session)
            })
        }
        OpeningCommand::Confirm(arguments) => {
            let ConfirmArguments { id, reader } = *arguments;
            session.block_on(async |session| {
                let (auditor, context) = reader.prepare(session)?;
                let confirmed = auditor.confirm_opening(&context, id).await;
                made(confirmed.map_err(|error| call::unanswered(&error))?, session)
            })
        }
        OpeningCommand::List { reader } => session.block_on(async |session| {
            let (auditor, context) = reader.prepare(session)?;
            let ask = async |request: &_| Ok(auditor.openings(&context, request).await?.page);
            let found = call::all_pages(ask).await?;
            session.data(&found.iter().map(row).collect::<Vec<_>>())?;
            Ok(ExitCode::Ok)
        }),
    }
}

fn made(
    (opening, receipt): (Opening, ShortClaim),
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let entry = receipt.receipt.index();
    session.say(
        format!("registrato alla voce {entry}"),
        format!("logged as entry {entry}"),
    )?;
    match opening.state {
        OpeningState::Waiting(until) => session.say(
            format!(
                "un altro auditor regionale deve confermarla entro {}: ponte audit opening confirm {}",
                instant(until),
                opening.id
            ),
            format!(
                "another regional auditor must confirm it until {}: ponte audit opening confirm {}",
                instant(until),
                opening.id
            ),
        )?,
        OpeningState::Open(until) => session.say(
            format!("le voci si leggono fino a {}", instant(until)),
            format!("the entries can be read until {}", instant(until)),
        )?,
        OpeningState::Lapsed | OpeningState::Ended => {}
    }
    session.data(&[row(&opening)])?;
    Ok(ExitCode::Ok)
}

fn not_entries(error: &EntrySetError) -> Failure {
    Failure::usage(
        "--entries: indicare da 1 a 1000 voci, ad esempio 3-5,9",
        "--entries: name 1 to 1,000 entries, such as 3-5,9",
    )
    .because(error)
}

fn row(opening: &Opening) -> Datum {
    let Opening {
        origin,
        id,
        kind,
        state,
        entries,
        reason,
        request,
        confirmation,
    } = opening;
    let (state, until) = match state {
        OpeningState::Waiting(until) => ("waiting", Some(*until)),
        OpeningState::Lapsed => ("lapsed", None),
        OpeningState::Open(until) => ("open", Some(*until)),
        OpeningState::Ended => ("ended", None),
    };
    let kind = match kind {
        OpeningKind::Regional => "regional",
        OpeningKind::Agency => "agency",
    };
    let agencies = entries
        .iter()
        .map(|(agency, set)| format!("{agency} {set}"))
        .collect::<Vec<_>>();
    RecordBuilder::new()
        .with("id", *id)
        .with("kind", kind)
        .with("state", state)
        .with_some("until", until.map(instant))
        .with("entries", agencies.iter().map(String::as_str).collect::<Datum>())
        .with("reason", reason.as_str())
        .with("request", act(request))
        .with_some("confirmation", confirmation.as_ref().map(act))
        .with("origin", origin.as_str())
        .build()
}

fn act(act: &OpeningAct) -> Datum {
    let OpeningAct {
        index,
        at,
        auditor,
        person,
        purpose,
        reference,
    } = act;
    RecordBuilder::new()
        .with("entry", *index)
        .with("time", instant(*at))
        .with("auditor", auditor.to_string())
        .with_some("person", person.clone())
        .with("purpose", purpose.as_str())
        .with("reference", reference.as_str())
        .build()
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
