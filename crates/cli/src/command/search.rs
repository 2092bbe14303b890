//! `ponte search` and `ponte found`: persons of whom a part is known, and one of those who were found.

use agreement::reason::ExitCode;
use chrono::NaiveDate;
use clap::Args;
use client::agency::{Born, LookupFound, SearchHandle, SearchPersons};
use registry::date::PartialDate;
use registry::hex;
use registry::matching::Extent;
use store::record_store::handle::SearchHandle as Handle;

use crate::call::{self, CallArguments};
use crate::command::person::{show_answer, show_households, show_persons};
use crate::failure::Failure;
use crate::session::Session;
use crate::show;

/// Arguments of a search.
#[derive(Args, Debug)]
pub struct SearchArguments {
    /// Surname, at least two letters; * stands for any letters or none, ? for one
    #[arg(long, value_name = "NAME", required_unless_present_any = ["given_name", "code"])]
    pub surname: Option<String>,
    /// Given names, at least two letters; * stands for any letters or none, ? for one
    #[arg(long, value_name = "NAME")]
    pub given_name: Option<String>,
    /// Beginning of a codice fiscale, at least three characters; ? stands for one from the fourth on
    #[arg(long, value_name = "BEGINNING")]
    pub code: Option<String>,
    /// Birth date, YYYY-MM-DD, YYYY-MM or YYYY
    #[arg(long, value_name = "DATE", conflicts_with_all = ["born_from", "born_to"])]
    pub born: Option<String>,
    /// First day of birth of a span of ten years at most
    #[arg(long, value_name = "DATE", requires = "born_to")]
    pub born_from: Option<NaiveDate>,
    /// Last day of birth of the span
    #[arg(long, value_name = "DATE", requires = "born_from")]
    pub born_to: Option<NaiveDate>,
    /// Limit the question to a municipality, by ISTAT code
    #[arg(long, value_name = "ISTAT")]
    pub municipality: Option<String>,
    /// The call.
    #[command(flatten)]
    pub call: CallArguments,
}

/// Arguments of a look at somebody who was found.
#[derive(Args, Debug)]
pub struct FoundArguments {
    /// Handle of a hit, as `ponte search` shows it: valid for ten minutes and for the operator who searched
    pub handle: String,
    /// Fields wanted, by name, separated by commas; all that is granted without it
    #[arg(long, value_delimiter = ',', value_name = "FIELDS")]
    pub fields: Vec<String>,
    /// Show the person's households, and not the cards; the fields are then those of the members
    #[arg(long)]
    pub household: bool,
    /// The call.
    #[command(flatten)]
    pub call: CallArguments,
}

/// Runs `ponte search`.
pub fn run_search(arguments: &SearchArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let SearchArguments {
        surname,
        given_name,
        code,
        born,
        born_from,
        born_to,
        municipality,
        call,
    } = arguments;
    // A beginning is written with its star.
    let name = |name: &Option<String>| name.clone().map(|text| (text, Extent::Whole));
    let born = match (born, born_from, born_to) {
        (Some(date), ..) => Some(Born::On(birth_date(date)?)),
        (None, Some(first), Some(last)) => Some(Born::Between(*first, *last)),
        (None, ..) => None,
    };
    let (surname, given_name, tax_code) = (name(surname), name(given_name), code.clone());
    let municipality = municipality.as_deref().map(call::istat).transpose()?;
    session.block_on(async |session| {
        let call = call.prepare(session)?;
        let request = SearchPersons {
            context: call.context.clone(),
            surname,
            given_name,
            tax_code,
            born,
            municipality,
            receipt: call::RECEIPT,
        };
        let answer = call
            .agency
            .search_persons(request)
            .await
            .map_err(|error| call::unanswered(&error))?;
        call.settle(&answer.receipt, session)?;
        show_answer(
            &show::search_rows(&answer),
            (&answer.freshness, answer.fresh_enough),
            None,
            session,
        )
    })
}

/// Runs `ponte found`.
pub fn run_found(arguments: &FoundArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let FoundArguments {
        handle,
        fields,
        household,
        call,
    } = arguments;
    let Some(bytes) = hex::decode::<{ Handle::LENGTH }>(handle) else {
        return Err(Failure::usage(
            "il riferimento non è quello di una ricerca",
            "the handle is not one of a search",
        ));
    };
    let fields = call::field_set(fields)?;
    session.block_on(async |session| {
        let call = call.prepare(session)?;
        let request = LookupFound {
            context: call.context.clone(),
            handle: SearchHandle(bytes.to_vec()),
            fields,
            receipt: call::RECEIPT,
        };
        if *household {
            let answer = call.agency.lookup_household_of_found(request).await;
            return show_households(&call, answer, session);
        }
        let answer = call.agency.lookup_found(request).await;
        show_persons(&call, answer, session)
    })
}

fn birth_date(text: &str) -> Result<PartialDate, Failure> {
    PartialDate::parse(text).map_err(|error| {
        Failure::usage("la data di nascita non è valida", "not a birth date").because(&error)
    })
}
