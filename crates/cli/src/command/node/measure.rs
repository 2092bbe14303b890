//! Measures on a card: by the daemon where one runs, else here.

use agreement::reason::ExitCode;
use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use node::control::Command;
use node::measure::{Bearing, CardNumber, Day, Order};
use registry::measure::{ProtectionBasis, SealBasis};
use serde_json::Value;

use super::NodeArguments;
use super::daemon::{as_json, failed, open, told};
use crate::datum::Datum;
use crate::failure::Failure;
use crate::session::Session;

/// Which card of which node.
#[derive(Args, Debug)]
pub struct CardArguments {
    /// The municipality's number of the card
    #[arg(value_name = "LOCAL-ID")]
    pub card: String,
    /// Which node.
    #[command(flatten)]
    pub node: NodeArguments,
}

/// Arguments of `ponte node protect`.
#[derive(Args, Debug)]
pub struct ProtectArguments {
    /// Which card.
    #[command(flatten)]
    pub card: CardArguments,
    /// What the protection rests on
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(ProtectionBasis::ALL.iter().map(|basis| basis.code())))]
    pub basis: String,
    /// First day; today in Europe/Rome without it
    #[arg(long, value_name = "DATE")]
    pub from: Option<NaiveDate>,
    /// Last day, inclusive; until it is ended without it
    #[arg(long, value_name = "DATE")]
    pub until: Option<NaiveDate>,
}

/// Arguments of `ponte node seal`.
#[derive(Args, Debug)]
pub struct SealArguments {
    /// Which card.
    #[command(flatten)]
    pub card: CardArguments,
    /// What the sealing rests on
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(SealBasis::ALL.iter().map(|basis| basis.code())))]
    pub basis: String,
    /// First day of the new identity
    #[arg(long, value_name = "DATE")]
    pub from: NaiveDate,
    /// Which identity the card bears now; with the old one it is shown to nobody until an export brings the new
    /// codice fiscale
    #[arg(long, value_enum, default_value_t = Borne::Old)]
    pub bears: Borne,
}

/// Which identity a card bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Borne {
    /// The old one
    Old,
    /// The new one
    New,
}

pub(super) fn protect(
    arguments: &ProtectArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let ProtectArguments {
        card,
        basis,
        from,
        until,
    } = arguments;
    let order = Order::Protect {
        basis: basis.clone(),
        from: from.map(Day),
        until: until.map(Day),
    };
    carry_out(card, order, session)
}

pub(super) fn unprotect(
    arguments: &CardArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    carry_out(arguments, Order::Unprotect, session)
}

pub(super) fn seal(arguments: &SealArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let SealArguments {
        card,
        basis,
        from,
        bears,
    } = arguments;
    let order = Order::Seal {
        basis: basis.clone(),
        from: Day(*from),
        identity: match bears {
            Borne::Old => Bearing::Old,
            Borne::New => Bearing::New,
        },
    };
    carry_out(card, order, session)
}

fn carry_out(
    arguments: &CardArguments,
    order: Order,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let CardArguments { card, node } = arguments;
    let config = node.load()?;
    let card = CardNumber(card.clone());
    let command = Command::Measure {
        card: card.clone(),
        order: order.clone(),
    };
    let report = match told(&config, &command)? {
        Some(report) => report,
        None => {
            session.say(
                "il demone non è in esecuzione: la variazione sarà pubblicata al suo avvio",
                "no daemon runs: the change is published when it starts",
            )?;
            session.block_on(async |session| {
                let handle = open(&config, session)?.handle();
                as_json(&handle.order(card, order).await.map_err(|error| failed(&error))?)
            })?
        }
    };
    if report.get("effect").and_then(Value::as_str) == Some("after-confirmation") {
        session.say(
            "ha effetto quando un ufficiale d'anagrafe lo conferma all'indice",
            "takes effect when a registrar has confirmed it at the index",
        )?;
    }
    session.data(&[Datum::from(&report)])?;
    Ok(ExitCode::Ok)
}
