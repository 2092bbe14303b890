//! `ponte person` and `ponte household`: consultations.

use agreement::reason::ExitCode;
use clap::Args;
use client::agency::{Freshness, LookupHousehold, LookupPerson, PersonAnswer};
use client::error::ClientError;

use crate::call::{self, Call, CallArguments, Subject, SubjectArguments};
use crate::datum::Datum;
use crate::failure::Failure;
use crate::session::Session;
use crate::show;

/// Arguments of a consultation.
#[derive(Args, Debug)]
pub struct LookupArguments {
    /// Whom.
    #[command(flatten)]
    pub subject: SubjectArguments,
    /// Fields wanted, by name, separated by commas; all that is granted without it
    #[arg(long, value_delimiter = ',', value_name = "FIELDS")]
    pub fields: Vec<String>,
    /// The call.
    #[command(flatten)]
    pub call: CallArguments,
}

/// Runs `ponte person`.
pub fn run_person(arguments: &LookupArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let LookupArguments {
        subject,
        fields,
        call,
    } = arguments;
    let Subject { key, municipality } = subject.read()?;
    let fields = call::field_set(fields)?;
    session.block_on(async |session| {
        let call = call.prepare(session)?;
        let request = LookupPerson {
            context: call.context.clone(),
            key,
            municipality,
            fields,
            receipt: call::RECEIPT,
        };
        let answer = call.agency.lookup_person(request).await;
        show_persons(&call, answer, session)
    })
}

/// Shows the cards of whoever was looked up.
pub(super) fn show_persons(
    call: &Call,
    answer: Result<PersonAnswer, ClientError>,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let answer = answer.map_err(|error| call::unanswered(&error))?;
    call.settle(&answer.receipt, session)?;
    show_answer(
        &show::person_rows(&answer),
        (&answer.freshness, answer.fresh_enough),
        answer.no_history_before,
        session,
    )
}

/// Runs `ponte household`.
pub fn run_household(
    arguments: &LookupArguments,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let LookupArguments {
        subject,
        fields,
        call,
    } = arguments;
    let Subject { key, municipality } = subject.read()?;
    let fields = call::field_set(fields)?;
    session.block_on(async |session| {
        let call = call.prepare(session)?;
        let request = LookupHousehold {
            context: call.context.clone(),
            key,
            municipality,
            fields,
            receipt: call::RECEIPT,
        };
        let answer = call
            .agency
            .lookup_household(request)
            .await
            .map_err(|error| call::unanswered(&error))?;
        call.settle(&answer.receipt, session)?;
        show_answer(
            &show::household_rows(&answer),
            (&answer.freshness, answer.fresh_enough),
            answer.no_history_before,
            session,
        )
    })
}

/// Puts rows on standard output, and what is to be known of them beside.
pub(super) fn show_answer(
    rows: &[Datum],
    (freshness, fresh_enough): (&Freshness, Option<bool>),
    no_history_before: Option<chrono::NaiveDate>,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let age = show::freshness(freshness, fresh_enough, session.language);
    session.say(&age, &age)?;
    if let Some(day) = no_history_before {
        session.say(
            format!("prima del {day} l'anagrafe non ha storia"),
            format!("before {day} the registry has no history"),
        )?;
    }
    session.data(rows)?;
    Ok(ExitCode::Ok)
}
