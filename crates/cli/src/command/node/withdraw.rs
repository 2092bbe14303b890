//! The municipality leaves: the statement that a registrar signs, and the handing over of what was signed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use agreement::reason::ExitCode;
use chrono::DateTime;
use clap::Args;
use node::config::NodeConfig;
use node::storage::StorageError;
use node::withdrawal::Leaving;
use registry::statement::{SignedStatement, Withdrawal};

use super::{NodeArguments, client_of};
use crate::call;
use crate::command::registrar::read_signed;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::session::Session;

/// Arguments of `ponte node withdraw`.
#[derive(Args, Debug)]
pub struct WithdrawArguments {
    /// The statement, as `ponte registrar sign` wrote it
    #[arg(required_unless_present = "statement", requires = "confirm")]
    pub signed: Option<PathBuf>,
    /// Which node.
    #[command(flatten)]
    pub node: NodeArguments,
    /// Only write the statement that a registrar signs
    #[arg(long, value_name = "FILE", conflicts_with_all = ["signed", "confirm"])]
    pub statement: Option<PathBuf>,
    /// ISTAT code of the municipality, once more: what is destroyed does not come back
    #[arg(long, value_name = "ISTAT")]
    pub confirm: Option<String>,
}

pub(super) fn run(arguments: &WithdrawArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let WithdrawArguments {
        signed,
        node,
        statement,
        confirm,
    } = arguments;
    match (signed, statement) {
        (_, Some(file)) => prepare(&node.load()?, file, session),
        (Some(file), None) => {
            let config = node.load_withdrawn_or_not()?;
            let signed = confirmed(&config, confirm.as_deref(), file)?;
            hand_over(&config, &node.config, &signed, session)
        }
        (None, None) => Err(Failure::usage(
            "indicare la dichiarazione firmata, oppure --statement",
            "name the signed statement, or --statement",
        )),
    }
}

/// Writes what a registrar reads and signs.
fn prepare(config: &NodeConfig, file: &Path, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    session.block_on(async |session| {
        let client = client_of(config, session)?;
        let state = client.get_state(config.municipality).await;
        let state = state.map_err(|error| call::unanswered(&error))?;
        let withdrawal = Withdrawal {
            municipality: config.municipality,
            epoch: state.epoch,
        };
        call::write_new(file, withdrawal.text().as_bytes())?;
        session.say(
            "da firmare con ponte registrar sign, su una macchina che non sia il nodo",
            "to be signed with ponte registrar sign, on a machine that is not the node",
        )?;
        let row = RecordBuilder::new()
            .with("municipality", config.municipality.to_string())
            .with("records", state.records);
        session.data(&[row.build()])?;
        Ok(ExitCode::Ok)
    })
}

/// The signed statement, where it and the person at the keyboard name the municipality of this node.
fn confirmed(config: &NodeConfig, confirm: Option<&str>, file: &Path) -> Result<SignedStatement, Failure> {
    let code = config.municipality;
    if confirm.map(call::istat).transpose()? != Some(code) {
        return Err(Failure::usage(
            format!("--confirm: il comune di questo nodo è {code}; nulla è stato distrutto"),
            format!("--confirm: the municipality of this node is {code}; nothing was destroyed"),
        ));
    }
    let signed = read_signed(file)?;
    let withdrawal = Withdrawal::parse(&signed.text).map_err(|error| Failure::file(file, &error))?;
    if withdrawal.municipality == code {
        Ok(signed)
    } else {
        Err(Failure::usage(
            format!("la dichiarazione è di un altro comune: quello di questo nodo è {code}"),
            format!("the statement is of another municipality: that of this node is {code}"),
        ))
    }
}

fn hand_over(
    config: &NodeConfig,
    config_file: &Path,
    signed: &SignedStatement,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    // First the directory: a daemon that ran on would hold keys in memory that are to be gone.
    let leaving = Leaving::take(config).map_err(|error| storage(&error))?;
    let random = Arc::clone(&session.surroundings.random);
    session.block_on(async |session| {
        let client = client_of(config, session)?;
        let withdrawn = client.withdraw_municipality(config.municipality, signed).await;
        let withdrawn_ms = withdrawn.map_err(|error| call::unanswered(&error))?;
        session.say(
            "l'indice ha distrutto le schede e la chiave del comune; il registro degli accessi resta",
            "the index has destroyed the municipality's cards and key; the access log stays",
        )?;
        leaving.destroy(withdrawn_ms, random).map_err(|error| {
            Failure::new(
                ExitCode::Unavailable,
                "l'indice ha ritirato il comune, ma le chiavi del nodo non sono ancora distrutte",
                "the index has withdrawn the municipality, but the keys of the node are not destroyed yet",
            )
            .because(&error)
            .remedy(
                "rimuovere la causa e ripetere lo stesso comando",
                "remove the cause and repeat the same command",
            )
        })?;
        let at = DateTime::from_timestamp_millis(withdrawn_ms).unwrap_or_default();
        session.say_all([
            (
                format!(
                    "le chiavi del nodo sono distrutte; comune ritirato il {}",
                    at.to_rfc3339()
                ),
                format!(
                    "the keys of the node are destroyed; withdrawn at {}",
                    at.to_rfc3339()
                ),
            ),
            (
                "restano da eliminare, a mano e anche in ogni copia:".to_owned(),
                "left to be removed, by hand and in every copy too:".to_owned(),
            ),
        ])?;
        let left: Vec<Datum> = left(config, config_file)
            .into_iter()
            .map(|(what, path)| {
                let row = RecordBuilder::new().with("what", what);
                row.with("path", path.display().to_string()).build()
            })
            .collect();
        session.data(&left)?;
        Ok(ExitCode::Ok)
    })
}

/// What a person removes, as far as it is there.
fn left<'a>(config: &'a NodeConfig, config_file: &'a Path) -> Vec<(&'static str, &'a Path)> {
    let mut left: Vec<(&str, &Path)> = vec![
        ("data-directory", &config.data_directory),
        ("incoming", &config.incoming.directory),
        ("rejected", &config.incoming.rejected),
        ("key-encryption-key", &config.key_encryption_key),
        ("tls-key", &config.index.identity.key),
        ("tls-certificate", &config.index.identity.certificate),
        ("configuration", config_file),
    ];
    left.retain(|(_, path)| path.exists());
    left
}

fn storage(error: &StorageError) -> Failure {
    let failure = Failure::new(
        ExitCode::Unavailable,
        "il nodo non può ritirare il comune; nulla è stato distrutto",
        "the node cannot withdraw the municipality; nothing was destroyed",
    )
    .because(error);
    match error {
        StorageError::Locked => failure.remedy(
            "fermare prima il demone ponte node run",
            "stop the daemon ponte node run first",
        ),
        _ => failure,
    }
}
