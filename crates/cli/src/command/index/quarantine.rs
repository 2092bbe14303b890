//! `ponte index quarantine`: what a node sent in an interval is no longer served, and who was answered with it.

use agreement::reason::ExitCode;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use client::admin::{Begun, Lifted, Quarantine, SuspectAccess};

use crate::call;
use crate::command::agreement::CallerArguments;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::profile::ActSettings;
use crate::session::Session;

/// What to do with what a node sent in an interval.
#[derive(Debug, Subcommand)]
pub enum QuarantineCommand {
    /// Stop serving what was received of a municipality in an interval, and serve what was there before
    Begin {
        /// ISTAT code of the municipality
        municipality: String,
        /// First instant, such as 2026-11-25T08:00:00Z
        #[arg(long, value_name = "INSTANT")]
        from: DateTime<Utc>,
        /// Last instant
        #[arg(long, value_name = "INSTANT")]
        to: DateTime<Utc>,
        /// By which act.
        #[command(flatten)]
        act: ActSettings,
        /// Who calls.
        #[command(flatten)]
        caller: CallerArguments,
    },
    /// Take a quarantine back
    Lift {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// By which act.
        #[command(flatten)]
        act: ActSettings,
        /// Who calls.
        #[command(flatten)]
        caller: CallerArguments,
    },
    /// List the quarantines of a municipality
    List {
        /// ISTAT code of the municipality
        municipality: String,
        /// Who calls.
        #[command(flatten)]
        caller: CallerArguments,
    },
    /// List the accesses that were answered with versions in a quarantine
    Accesses {
        /// Which.
        #[command(flatten)]
        which: Which,
        /// Who calls.
        #[command(flatten)]
        caller: CallerArguments,
    },
}

/// Which quarantine.
#[derive(Args, Clone, Debug)]
pub struct Which {
    /// ISTAT code of the municipality
    pub municipality: String,
    /// Id of the quarantine
    pub id: u64,
}

/// Runs `ponte index quarantine`.
pub(super) fn run(command: QuarantineCommand, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    match command {
        QuarantineCommand::Begin {
            municipality,
            from,
            to,
            act,
            caller,
        } => {
            let municipality = call::istat(&municipality)?;
            let interval = (from.timestamp_millis(), to.timestamp_millis());
            session.block_on(async |session| {
                let (admin, act) = caller.with_act(&act, session)?;
                let begun = admin.begin_quarantine(municipality, interval, &act).await;
                let Begun { quarantine, receipt } = begun.map_err(|error| call::unanswered(&error))?;
                said_entered(receipt.index(), session)?;
                let rows: Vec<Datum> = quarantine.iter().map(row).collect();
                session.data(&rows)?;
                Ok(if rows.is_empty() {
                    ExitCode::NegativeAnswer
                } else {
                    ExitCode::Ok
                })
            })
        }
        QuarantineCommand::Lift { which, act, caller } => {
            let municipality = call::istat(&which.municipality)?;
            session.block_on(async |session| {
                let (admin, act) = caller.with_act(&act, session)?;
                let lifted = admin.lift_quarantine(municipality, which.id, &act).await;
                let Lifted { cards, receipt } = lifted.map_err(|error| call::unanswered(&error))?;
                said_entered(receipt.index(), session)?;
                session.data(&[RecordBuilder::new().with("cards", u64::from(cards)).build()])?;
                Ok(ExitCode::Ok)
            })
        }
        QuarantineCommand::List { municipality, caller } => {
            let municipality = call::istat(&municipality)?;
            session.block_on(async |session| {
                let admin = caller.admin(session)?;
                let found =
                    call::all_pages(async |request| admin.quarantines(municipality, request).await).await?;
                session.data(&found.iter().map(row).collect::<Vec<_>>())?;
                Ok(ExitCode::Ok)
            })
        }
        QuarantineCommand::Accesses { which, caller } => {
            let municipality = call::istat(&which.municipality)?;
            session.block_on(async |session| {
                let admin = caller.admin(session)?;
                let ask = async |request: &_| admin.suspect_accesses(municipality, which.id, request).await;
                let found = call::all_pages(ask).await?;
                session.data(&found.iter().map(access).collect::<Vec<_>>())?;
                Ok(ExitCode::Ok)
            })
        }
    }
}

fn said_entered(entry: u64, session: &mut Session<'_, '_>) -> Result<(), Failure> {
    session.say(
        format!("registrato alla voce {entry}"),
        format!("logged as entry {entry}"),
    )
}

fn instant(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).map_or_else(String::new, |at| at.to_rfc3339())
}

fn row(quarantine: &Quarantine) -> Datum {
    let Quarantine {
        id,
        from_ms,
        to_ms,
        begun_ms,
        reference,
        cards,
    } = quarantine;
    RecordBuilder::new()
        .with("id", *id)
        .with("from", instant(*from_ms))
        .with("to", instant(*to_ms))
        .with("begun", instant(*begun_ms))
        .with("reference", reference.as_str())
        .with("cards", u64::from(*cards))
        .build()
}

fn access(access: &SuspectAccess) -> Datum {
    let SuspectAccess {
        index,
        at_ms,
        peer,
        agreement,
        purpose,
        service,
        subjects,
    } = access;
    RecordBuilder::new()
        .with("index", *index)
        .with("time", instant(*at_ms))
        .with("peer", peer.as_str())
        .with("agreement", agreement.as_str())
        .with("purpose", purpose.as_str())
        .with("service", service.as_str())
        .with("subjects", u64::from(*subjects))
        .build()
}
