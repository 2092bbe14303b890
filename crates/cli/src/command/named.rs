//! `ponte named`: the cards, or the households, of whoever has complete generalities.

use agreement::reason::ExitCode;
use agreement::service::Service;
use clap::Args;
use client::agency::{Ascertain, AscertainFamilyStatus, AscertainedPerson, LookupNamed};
use registry::identifier::StateCode;
use registry::record::{BirthPlace, Generalities};

use crate::call::{self, CallArguments};
use crate::command::person::{kind_of, show_households, show_persons};
use crate::command::verify::claim::{born_in, stated_date, stated_name, stated_sex};
use crate::failure::Failure;
use crate::session::Session;

/// Arguments of a lookup by generalities.
#[derive(Args, Debug)]
pub struct NamedArguments {
    /// Surname
    #[arg(long)]
    pub surname: String,
    /// Given names, all of them
    #[arg(long)]
    pub given_name: String,
    /// Sex, M or F
    #[arg(long)]
    pub sex: String,
    /// Birth date, YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    pub birth_date: String,
    /// ISTAT code of the municipality of birth
    #[arg(long, value_name = "ISTAT", required_unless_present = "birth_state")]
    pub birth_municipality: Option<String>,
    /// ISTAT code of the state of birth, three digits, of whoever was born abroad
    #[arg(long, value_name = "STATE", conflicts_with = "birth_municipality")]
    pub birth_state: Option<String>,
    /// Limit the question to a municipality, by ISTAT code
    #[arg(long, value_name = "ISTAT")]
    pub municipality: Option<String>,
    /// Fields wanted, by name, separated by commas; all that is granted without it
    #[arg(long, value_delimiter = ',', value_name = "FIELDS")]
    pub fields: Vec<String>,
    /// Kind of ascertainment, called by its name and granted by itself (accertamento), such as national-id
    #[arg(long, value_name = "KIND")]
    pub ascertain: Option<String>,
    /// Show the person's households, and not the cards; the fields are then those of the members
    #[arg(long)]
    pub household: bool,
    /// The call.
    #[command(flatten)]
    pub call: CallArguments,
}

/// Runs `ponte named`.
pub fn run(arguments: &NamedArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let generalities = arguments.generalities()?;
    let fields = call::field_set(&arguments.fields)?;
    let municipality = arguments.municipality.as_deref().map(call::istat).transpose()?;
    let service = if arguments.household {
        Service::LookupHousehold
    } else {
        Service::LookupPerson
    };
    let kind = kind_of(arguments.ascertain.as_deref(), service)?;
    session.block_on(async |session| {
        let call = arguments.call.prepare(session)?;
        let (context, receipt) = (call.context.clone(), call::RECEIPT);
        let lookup = LookupNamed {
            context: context.clone(),
            generalities: generalities.clone(),
            municipality,
            fields,
            receipt,
        };
        let person = AscertainedPerson::Named(generalities);
        match (kind, arguments.household) {
            (None, false) => {
                let answer = call.agency.lookup_named(lookup).await;
                show_persons(&call, answer, session)
            }
            (None, true) => {
                let answer = call.agency.lookup_household_of_named(lookup).await;
                show_households(&call, answer, session)
            }
            (Some(kind), false) => {
                let request = Ascertain {
                    context,
                    kind,
                    person,
                    municipality,
                    fields,
                    receipt,
                };
                let answer = call.agency.ascertain(request).await;
                show_persons(&call, answer, session)
            }
            (Some(_), true) => {
                let request = AscertainFamilyStatus {
                    context,
                    person,
                    municipality,
                    fields,
                    receipt,
                };
                let answer = call.agency.ascertain_family_status(request).await;
                show_households(&call, answer, session)
            }
        }
    })
}

impl NamedArguments {
    fn generalities(&self) -> Result<Generalities, Failure> {
        let incomplete = || Failure::usage("manca la data di nascita", "the birth date is missing");
        let birth_date = stated_date(Some(&self.birth_date))?.ok_or_else(incomplete)?;
        let birth_place = match (&self.birth_municipality, &self.birth_state) {
            (Some(code), _) => born_in(code, Some(birth_date))?,
            (None, state) => BirthPlace::Abroad {
                state: StateCode::parse(state.as_deref().unwrap_or_default()).map_err(|error| {
                    Failure::usage(
                        "lo stato di nascita non è valido",
                        "the state of birth is not valid",
                    )
                    .because(&error)
                })?,
                locality: String::new(),
            },
        };
        Ok(Generalities {
            surname: stated_name(Some(&self.surname))?,
            given_name: stated_name(Some(&self.given_name))?,
            sex: stated_sex(&self.sex)?,
            birth_date,
            birth_place,
        })
    }
}
