//! `ponte index status`, `accept-journal`, `backed-up` and `reopen`: how the municipalities stand, and what an
//! administrator does about a node whose journal was lost, about backups of the index and after a loss.

use agreement::reason::ExitCode;
use chrono::{DateTime, Utc};
use clap::Args;
use client::directory::{AcceptedJournal, DirectoryClient, MunicipalityStatus};

use crate::call;
use crate::command::agreement::CallerArguments;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::profile::ActSettings;
use crate::session::Session;

/// Arguments of `ponte index status`.
#[derive(Args, Debug)]
pub struct StatusArguments {
    /// Who calls.
    #[command(flatten)]
    pub caller: CallerArguments,
}

/// Arguments of `ponte index accept-journal`.
#[derive(Args, Debug)]
pub struct AcceptJournalArguments {
    /// ISTAT code of the municipality
    pub municipality: String,
    /// Last change that the node's journal has in common with the index, as the registrar states it
    #[arg(long, value_name = "NUMBER")]
    pub end: u64,
    /// By which act.
    #[command(flatten)]
    pub act: ActSettings,
    /// Who calls.
    #[command(flatten)]
    pub caller: CallerArguments,
}

/// Arguments of `ponte index backed-up`.
#[derive(Args, Debug)]
pub struct BackedUpArguments {
    /// Instant at which the backup was begun: it holds everything recorded before, such as 2026-11-25T02:00:00Z
    #[arg(long, value_name = "INSTANT")]
    pub at: DateTime<Utc>,
    /// By which act.
    #[command(flatten)]
    pub act: ActSettings,
    /// Who calls.
    #[command(flatten)]
    pub caller: CallerArguments,
}

/// Arguments of `ponte index reopen`.
#[derive(Args, Debug)]
pub struct ReopenArguments {
    /// By which act.
    #[command(flatten)]
    pub act: ActSettings,
    /// Who calls.
    #[command(flatten)]
    pub caller: CallerArguments,
}

/// Runs `ponte index status`: exit 1 when the data of any municipality are stale.
pub(super) fn status(
    arguments: &StatusArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let StatusArguments { caller } = arguments;
    session.block_on(async |session| {
        let directory = DirectoryClient::new(caller.connection(session)?);
        let found = call::all_pages(async |request| directory.list_municipalities(request).await).await?;
        let stale = found.iter().filter(|municipality| municipality.stale).count();
        if stale != 0 {
            session.say(
                format!("{stale} comuni con dati più vecchi del limite"),
                format!("{stale} municipalities with data older than the limit"),
            )?;
        }
        session.data(&found.iter().map(row).collect::<Vec<_>>())?;
        Ok(if stale == 0 {
            ExitCode::Ok
        } else {
            ExitCode::NegativeAnswer
        })
    })
}

/// Runs `ponte index accept-journal`: exit 1 when there was nothing to accept.
pub(super) fn accept_journal(
    arguments: &AcceptJournalArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let AcceptJournalArguments {
        municipality,
        end,
        act,
        caller,
    } = arguments;
    let municipality = call::istat(municipality)?;
    session.block_on(async |session| {
        let (_, act) = caller.with_act(act, session)?;
        let directory = DirectoryClient::new(caller.connection(session)?);
        let accepted = directory.accept_journal(municipality, *end, &act).await;
        let AcceptedJournal {
            epoch: _,
            watermark,
            begun,
        } = accepted.map_err(|error| call::unanswered(&error))?;
        if begun {
            session.say(
                "il nodo riprende da qui; poi: importare un'estrazione totale e ponte node reconcile --mend",
                "the node goes on from here; then import a total export and run ponte node reconcile --mend",
            )?;
        } else {
            session.say(
                "l'indice non ha tante variazioni: nulla è cambiato",
                "the index does not hold as many changes: nothing has changed",
            )?;
        }
        let row = RecordBuilder::new()
            .with("watermark", watermark.0)
            .with("begun", begun);
        session.data(&[row.build()])?;
        Ok(if begun {
            ExitCode::Ok
        } else {
            ExitCode::NegativeAnswer
        })
    })
}

/// Runs `ponte index reopen`: the data are the municipalities that the index goes on without.
pub(super) fn reopen(
    arguments: &ReopenArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let ReopenArguments { act, caller } = arguments;
    session.block_on(async |session| {
        let (_, act) = caller.with_act(act, session)?;
        let directory = DirectoryClient::new(caller.connection(session)?);
        let awaited = directory.reopen(&act).await;
        let awaited = awaited.map_err(|error| call::unanswered(&error))?;
        session.say(
            format!(
                "l'indice risponde agli enti; comuni ancora attesi: {}",
                awaited.len()
            ),
            format!(
                "the index answers agencies; municipalities still awaited: {}",
                awaited.len()
            ),
        )?;
        let rows: Vec<Datum> = awaited
            .iter()
            .map(|istat| RecordBuilder::new().with("awaited", istat.to_string()).build())
            .collect();
        session.data(&rows)?;
        Ok(ExitCode::Ok)
    })
}

/// Runs `ponte index backed-up`.
pub(super) fn backed_up(
    arguments: &BackedUpArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let BackedUpArguments { at, act, caller } = arguments;
    session.block_on(async |session| {
        let (_, act) = caller.with_act(act, session)?;
        let directory = DirectoryClient::new(caller.connection(session)?);
        let declared = directory.declare_backup(at.timestamp_millis(), &act).await;
        declared.map_err(|error| call::unanswered(&error))?;
        session.say("la copia è annotata", "the backup is noted")?;
        Ok(ExitCode::Ok)
    })
}

fn row(municipality: &MunicipalityStatus) -> Datum {
    let MunicipalityStatus {
        istat,
        name,
        node,
        watermark,
        visible,
        confirmed_ms: _,
        age,
        records,
        identity: _,
        began_ms,
        backed_up,
        alarm_after,
        stale,
        withdrawn_ms,
    } = municipality;
    let minutes = |span: &std::time::Duration| span.as_secs().div_ceil(60);
    let instant = |ms: &Option<i64>| {
        let at = ms.and_then(DateTime::from_timestamp_millis);
        at.map_or_else(String::new, |at| at.to_rfc3339())
    };
    RecordBuilder::new()
        .with("istat", istat.to_string())
        .with("name", name.as_str())
        .with("node", node.as_str())
        .with("records", *records)
        .with("watermark", watermark.0)
        .with("visible", visible.0)
        .with("backed_up", backed_up.0)
        .with("epoch_began", instant(began_ms))
        .with(
            "age_minutes",
            age.as_ref()
                .map_or_else(String::new, |age| minutes(age).to_string()),
        )
        .with("alarm_after_minutes", alarm_after.as_ref().map_or(0, minutes))
        .with("stale", *stale)
        .with("withdrawn", instant(withdrawn_ms))
        .build()
}
