//! `ponte agreement`: what agreements say, how calls would be decided, and the acts of the administrator.

mod explain;

use std::path::{Path, PathBuf};

use ::agreement::context::AgreementId;
use ::agreement::document::AgreementDocument;
use ::agreement::lint;
use ::agreement::peer::SpiffeId;
use ::agreement::reason::ExitCode;
use ::agreement::terms::Agreement;
use clap::{Args, Subcommand};
use client::admin::{Act, Activated, AdminClient, AgreementRecord, AgreementState, Effect};
use client::connection::Connection;
use ledger::hash::Hash;

use crate::call;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::language::Language;
use crate::profile::{ActSettings, ConnectionSettings, ProfileChoice, required};
use crate::session::Session;

pub use self::explain::ExplainArguments;

/// What to do with agreements.
#[derive(Debug, Subcommand)]
pub enum AgreementCommand {
    /// Check a document offline: exit 2 when it is refused, 1 when something in it deserves attention
    Lint {
        /// Document, TOML
        file: PathBuf,
    },
    /// Say how a call would be decided, clause by clause, without making it: exit 1 when it would be refused
    Explain(Box<ExplainArguments>),
    /// Activate an agreement, or replace the active one of the same id
    Activate(ActivateArguments),
    /// Revoke an agreement: calls under it are refused from the next one on
    Revoke(RevokeArguments),
    /// List the agreements that the caller may see
    List(ListArguments),
    /// Print an agreement's document
    Show {
        /// Id of the agreement
        id: String,
        /// Who calls.
        #[command(flatten)]
        caller: CallerArguments,
    },
}

/// Who calls.
#[derive(Args, Clone, Debug)]
pub struct CallerArguments {
    /// Which profile.
    #[command(flatten)]
    pub choice: ProfileChoice,
    /// Where the index is and who calls.
    #[command(flatten)]
    pub connection: ConnectionSettings,
}

/// Arguments of `ponte agreement activate`.
#[derive(Args, Debug)]
pub struct ActivateArguments {
    /// Document, TOML
    pub file: PathBuf,
    /// SHA-256 of the document that it replaces, hexadecimal; refused when another one is active
    #[arg(long, value_name = "HASH")]
    pub replaces: Option<String>,
    /// Check everything at the index, change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// By which act.
    #[command(flatten)]
    pub act: ActSettings,
    /// Who calls.
    #[command(flatten)]
    pub caller: CallerArguments,
}

/// Arguments of `ponte agreement revoke`.
#[derive(Args, Debug)]
pub struct RevokeArguments {
    /// Id of the agreement
    pub id: String,
    /// Why; no personal data
    #[arg(long)]
    pub reason: String,
    /// By which act.
    #[command(flatten)]
    pub act: ActSettings,
    /// Who calls.
    #[command(flatten)]
    pub caller: CallerArguments,
}

/// Arguments of `ponte agreement list`.
#[derive(Args, Debug)]
pub struct ListArguments {
    /// Only those of this agency, a SPIFFE id
    #[arg(long, value_name = "URI")]
    pub agency: Option<String>,
    /// Only active ones
    #[arg(long, conflicts_with = "revoked")]
    pub active: bool,
    /// Only revoked ones
    #[arg(long)]
    pub revoked: bool,
    /// Who calls.
    #[command(flatten)]
    pub caller: CallerArguments,
}

/// Runs `ponte agreement`.
pub fn run(command: AgreementCommand, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    match command {
        AgreementCommand::Lint { file } => check(&file, session),
        AgreementCommand::Explain(arguments) => explain::run(&arguments, session),
        AgreementCommand::Activate(arguments) => activate(&arguments, session),
        AgreementCommand::Revoke(arguments) => revoke(&arguments, session),
        AgreementCommand::List(arguments) => list(&arguments, session),
        AgreementCommand::Show { id, caller } => show(&id, &caller, session),
    }
}

fn check(file: &Path, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let agreement = parse(file, &read(file)?)?;
    let language = session.language;
    let rows: Vec<Datum> = lint::lint(&agreement)
        .iter()
        .map(|finding| {
            let lint::LintFinding { rule, key } = finding;
            let text = match language {
                Language::Italian => rule.italian(),
                Language::English => rule.english(),
            };
            RecordBuilder::new()
                .with("rule", rule.name())
                .with("key", key.as_str())
                .with("text", text)
                .with("source", rule.source())
                .build()
        })
        .collect();
    session.say(
        format!("valida; SHA-256 {}", agreement.hash()),
        format!("valid; SHA-256 {}", agreement.hash()),
    )?;
    session.data(&rows)?;
    Ok(if rows.is_empty() {
        ExitCode::Ok
    } else {
        ExitCode::NegativeAnswer
    })
}

fn activate(arguments: &ActivateArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let ActivateArguments {
        file,
        replaces,
        dry_run,
        act,
        caller,
    } = arguments;
    let document = read(file)?;
    parse(file, &document)?;
    let replaces = replaces.as_deref().map(hash).transpose()?;
    let effect = if *dry_run {
        Effect::CheckOnly
    } else {
        Effect::Activate
    };
    session.block_on(async |session| {
        let (admin, act) = caller.with_act(act, session)?;
        let Activated {
            agreement,
            findings,
            receipt,
        } = admin
            .activate(&document, replaces, &act, effect)
            .await
            .map_err(|error| call::unanswered(&error))?;
        for finding in &findings {
            let words = format!("{}: {}", finding.rule, finding.text);
            session.say(&words, &words)?;
        }
        match receipt {
            Some(receipt) => {
                let index = receipt.index();
                session.say(
                    format!("attivata, voce {index}"),
                    format!("activated, entry {index}"),
                )?;
            }
            None => session.say("valida, nulla è cambiato", "valid, nothing was changed")?,
        }
        session.data(&[row(&agreement)])?;
        Ok(ExitCode::Ok)
    })
}

fn revoke(arguments: &RevokeArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let RevokeArguments {
        id,
        reason,
        act,
        caller,
    } = arguments;
    let id = agreement_id(id)?;
    session.block_on(async |session| {
        let (admin, act) = caller.with_act(act, session)?;
        let revoked = admin
            .revoke(&id, reason, &act)
            .await
            .map_err(|error| call::unanswered(&error))?;
        let index = revoked.receipt.index();
        session.say(
            format!("revocata, voce {index}"),
            format!("revoked, entry {index}"),
        )?;
        session.data(&[row(&revoked.agreement)])?;
        Ok(ExitCode::Ok)
    })
}

fn list(arguments: &ListArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let ListArguments {
        agency,
        active,
        revoked,
        caller,
    } = arguments;
    let agency = agency
        .as_deref()
        .map(SpiffeId::parse)
        .transpose()
        .map_err(|error| {
            Failure::usage(
                "l'identità dell'ente non è valida",
                "the agency's identity is not valid",
            )
            .because(&error)
        })?;
    let state = match (active, revoked) {
        (true, _) => Some(AgreementState::Active),
        (false, true) => Some(AgreementState::Revoked),
        (false, false) => None,
    };
    session.block_on(async |session| {
        let admin = caller.admin(session)?;
        let ask = async |request: &_| admin.list(agency.as_ref(), state, request).await;
        let found = call::all_pages(ask).await?;
        session.data(&found.iter().map(row).collect::<Vec<_>>())?;
        Ok(ExitCode::Ok)
    })
}

fn show(id: &str, caller: &CallerArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let id = agreement_id(id)?;
    session.block_on(async |session| {
        let record = caller
            .admin(session)?
            .get(&id)
            .await
            .map_err(|error| call::unanswered(&error))?;
        let state = state_name(record.state);
        session.say(
            format!("stato: {state}; SHA-256 {}", record.hash),
            format!("state: {state}; SHA-256 {}", record.hash),
        )?;
        session.raw(&String::from_utf8_lossy(&record.document))?;
        Ok(ExitCode::Ok)
    })
}

impl CallerArguments {
    pub(super) fn admin(&self, session: &Session<'_, '_>) -> Result<AdminClient, Failure> {
        Ok(AdminClient::new(self.connection(session)?))
    }

    /// The connection itself.
    pub(super) fn connection(&self, session: &Session<'_, '_>) -> Result<Connection, Failure> {
        let Self { choice, connection } = self;
        let environment = &session.surroundings.environment;
        let connection = connection.resolve(&choice.load(environment)?, environment)?;
        connection.connect(session)
    }

    pub(super) fn with_act(
        &self,
        act: &ActSettings,
        session: &Session<'_, '_>,
    ) -> Result<(AdminClient, Act), Failure> {
        let environment = &session.surroundings.environment;
        let ActSettings { reference, operator } =
            act.resolve(&self.choice.load(environment)?, environment)?;
        let act = Act {
            reference: required(reference, "reference")?,
            operator: required(operator, "operator")?,
        };
        Ok((self.admin(session)?, act))
    }
}

fn row(record: &AgreementRecord) -> Datum {
    let AgreementRecord {
        id,
        hash,
        title,
        agency,
        valid_from,
        valid_to,
        state,
        activated_ms: _,
        revoked_ms: _,
        revocation_reason,
        document: _,
    } = record;
    RecordBuilder::new()
        .with("id", id.as_str())
        .with("title", title.as_str())
        .with("agency", agency.as_str())
        .with("state", state_name(*state))
        .with("valid_from", valid_from.to_string())
        .with("valid_to", valid_to.to_string())
        .with("hash", hash.to_string())
        .with_some("revocation_reason", revocation_reason.clone())
        .build()
}

fn state_name(state: AgreementState) -> &'static str {
    match state {
        AgreementState::Active => "active",
        AgreementState::Revoked => "revoked",
    }
}

fn agreement_id(text: &str) -> Result<AgreementId, Failure> {
    AgreementId::parse(text)
        .map_err(|error| Failure::usage("identificativo non valido", "the id is not valid").because(&error))
}

fn hash(text: &str) -> Result<Hash, Failure> {
    registry::hex::decode(text).map(Hash::new).ok_or_else(|| {
        Failure::usage(
            "--replaces: 64 cifre esadecimali",
            "--replaces: 64 hexadecimal digits",
        )
    })
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure::file(file, &error))
}

fn parse(file: &Path, document: &[u8]) -> Result<Agreement, Failure> {
    AgreementDocument::parse(document).map_err(|error| Failure::file(file, &error))
}
