//! `ponte residents`: who is resident at an address.

use agreement::claim::AddressClaim;
use agreement::reason::ExitCode;
use clap::Args;
use client::agency::LookupAddressResidents;

use crate::call::{self, CallArguments};
use crate::command::person::show_answer;
use crate::command::verify::claim::species_of;
use crate::failure::Failure;
use crate::session::Session;
use crate::show;

/// Arguments of a question about an address.
#[derive(Args, Debug)]
pub struct ResidentsArguments {
    /// ISTAT code of the municipality
    #[arg(long, value_name = "ISTAT")]
    pub municipality: String,
    /// Species of the street, as in ANPR table 4; not compared without it
    #[arg(long, value_name = "SPECIES")]
    pub species: Option<String>,
    /// Name of the street, without species
    #[arg(long)]
    pub street: String,
    /// Civic number
    #[arg(
        long,
        required_unless_present = "without_number",
        conflicts_with = "without_number"
    )]
    pub number: Option<u32>,
    /// The house has no number (SNC)
    #[arg(long)]
    pub without_number: bool,
    /// Suffix of the number; not compared without it
    #[arg(long, default_value = "")]
    pub suffix: String,
    /// Staircase; not compared without it
    #[arg(long, default_value = "")]
    pub staircase: String,
    /// Internal number; not compared without it
    #[arg(long, default_value = "")]
    pub unit: String,
    /// Fields wanted, by name, separated by commas; all that is granted without it
    #[arg(long, value_delimiter = ',', value_name = "FIELDS")]
    pub fields: Vec<String>,
    /// The call.
    #[command(flatten)]
    pub call: CallArguments,
}

/// Runs `ponte residents`.
pub fn run(arguments: &ResidentsArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let ResidentsArguments {
        municipality,
        species,
        street,
        number,
        without_number: _,
        suffix,
        staircase,
        unit,
        fields,
        call,
    } = arguments;
    let municipality = call::istat(municipality)?;
    let address = AddressClaim {
        species: species_of(species.as_deref())?,
        street: street.clone(),
        number: *number,
        suffix: suffix.clone(),
        staircase: staircase.clone(),
        unit: unit.clone(),
    };
    let fields = call::field_set(fields)?;
    session.block_on(async |session| {
        let call = call.prepare(session)?;
        let request = LookupAddressResidents {
            context: call.context.clone(),
            municipality,
            address,
            fields,
            receipt: call::RECEIPT,
        };
        let answer = call
            .agency
            .lookup_address_residents(request)
            .await
            .map_err(|error| call::unanswered(&error))?;
        call.settle(&answer.receipt, session)?;
        show_answer(
            &show::resident_rows(&answer),
            (&answer.freshness, answer.fresh_enough),
            answer.no_history_before,
            session,
        )
    })
}
