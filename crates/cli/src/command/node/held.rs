//! Changes that wait for a registrar: listed for him, and what he signed about them handed over.

use std::path::PathBuf;

use agreement::reason::ExitCode;
use clap::Args;
use client::node::HeldChange;
use client::page::PageRequest;
use registry::statement::Act;

use super::{NodeArguments, client_of};
use crate::call;
use crate::command::registrar::read_signed;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::language::Language;
use crate::session::Session;

/// Arguments of `ponte node held`.
#[derive(Args, Debug)]
pub struct HeldArguments {
    /// Which node.
    #[command(flatten)]
    pub node: NodeArguments,
    /// File for the statement that a registrar signs when all of it is right
    #[arg(long, value_name = "FILE")]
    pub release: Option<PathBuf>,
    /// File for the statement that a registrar signs when all of it is wrong: the cards stay as they are served
    #[arg(long, value_name = "FILE")]
    pub reject: Option<PathBuf>,
}

/// Arguments of `ponte node confirm-held`.
#[derive(Args, Debug)]
pub struct ConfirmHeldArguments {
    /// The statement, as `ponte registrar sign` wrote it
    pub statement: PathBuf,
    /// Which node.
    #[command(flatten)]
    pub node: NodeArguments,
}

pub(super) fn held(arguments: &HeldArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let HeldArguments {
        node,
        release,
        reject,
    } = arguments;
    let config = node.load()?;
    session.block_on(async |session| {
        let client = client_of(&config, session)?;
        let mut request = PageRequest::default();
        let mut rows = Vec::new();
        loop {
            let held = client.list_held_changes(config.municipality, &request).await;
            let held = held.map_err(|error| call::unanswered(&error))?;
            rows.extend(held.page.items.iter().map(|change| row(change, session.language)));
            request.after = held.page.next.clone();
            if request.after.is_some() {
                continue;
            }
            for (act, file) in [(Act::Release, release), (Act::Reject, reject)] {
                let Some(file) = file else { continue };
                let text = held.statement(act, config.municipality).text();
                call::write_new(file, text.as_bytes())?;
            }
            break;
        }
        session.data(&rows)?;
        Ok(if rows.is_empty() {
            ExitCode::Ok
        } else {
            ExitCode::NegativeAnswer
        })
    })
}

pub(super) fn confirm(
    arguments: &ConfirmHeldArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let ConfirmHeldArguments { statement, node } = arguments;
    let config = node.load()?;
    let signed = read_signed(statement)?;
    session.block_on(async |session| {
        let client = client_of(&config, session)?;
        let confirmed = client.confirm_held_changes(config.municipality, &signed).await;
        let changes = confirmed.map_err(|error| call::unanswered(&error))?;
        let row = RecordBuilder::new().with("changes", u64::from(changes)).build();
        session.data(&[row])?;
        Ok(ExitCode::Ok)
    })
}

fn row(change: &HeldChange, language: Language) -> Datum {
    let HeldChange {
        commit_sequence: _,
        sequence,
        local_id,
        reason,
        held_ms,
        content: _,
    } = change;
    let at = chrono::DateTime::from_timestamp_millis(*held_ms);
    RecordBuilder::new()
        .with("card", local_id.to_string())
        .with("reason", reason.code())
        .with("text", language.pick(reason.italian(), reason.english()))
        .with("sequence", *sequence)
        .with("since", at.map_or_else(String::new, |at| at.to_rfc3339()))
        .build()
}
