//! `ponte person` and `ponte household`: consultations.

use agreement::ascertainment::Ascertainment;
use agreement::reason::ExitCode;
use agreement::service::Service;
use clap::Args;
use client::agency::{
    Ascertain, AscertainFamilyStatus, AscertainedPerson, Freshness, HouseholdAnswer, LookupHousehold,
    LookupPerson, PersonAnswer,
};
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
    /// Kind of ascertainment, called by its name and granted by itself (accertamento): generalities, death, marriage,
    /// citizenship, existence-in-life, residence, unmarried-status, widowhood, paternity, maternity, civil-union,
    /// registry-data, national-id; of a household, family-status
    #[arg(long, value_name = "KIND")]
    pub ascertain: Option<String>,
    /// The call.
    #[command(flatten)]
    pub call: CallArguments,
}

/// Runs `ponte person`.
pub fn run_person(arguments: &LookupArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let LookupArguments {
        subject,
        fields,
        ascertain,
        call,
    } = arguments;
    let Subject { key, municipality } = subject.read()?;
    let fields = call::field_set(fields)?;
    let kind = kind_of(ascertain.as_deref(), Service::LookupPerson)?;
    session.block_on(async |session| {
        let call = call.prepare(session)?;
        let context = call.context.clone();
        let answer = match kind {
            Some(kind) => {
                let request = Ascertain {
                    context,
                    kind,
                    person: AscertainedPerson::Known(key),
                    municipality,
                    fields,
                    receipt: call::RECEIPT,
                };
                call.agency.ascertain(request).await
            }
            None => {
                let request = LookupPerson {
                    context,
                    key,
                    municipality,
                    fields,
                    receipt: call::RECEIPT,
                };
                call.agency.lookup_person(request).await
            }
        };
        show_persons(&call, answer, session)
    })
}

/// The kind of ascertainment that is named, which must be asked of that service.
pub(super) fn kind_of(name: Option<&str>, service: Service) -> Result<Option<Ascertainment>, Failure> {
    let Some(kind) = name.map(call::ascertainment).transpose()? else {
        return Ok(None);
    };
    if kind.service() == service {
        return Ok(Some(kind));
    }
    Err(match kind.service() {
        Service::LookupHousehold => Failure::usage(
            format!("{}: si chiede con \"ponte household\"", kind.italian()),
            format!("{kind}: is asked with \"ponte household\""),
        ),
        _ => Failure::usage(
            format!("{}: si chiede con \"ponte person\"", kind.italian()),
            format!("{kind}: is asked with \"ponte person\""),
        ),
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
        ascertain,
        call,
    } = arguments;
    let Subject { key, municipality } = subject.read()?;
    let fields = call::field_set(fields)?;
    let kind = kind_of(ascertain.as_deref(), Service::LookupHousehold)?;
    session.block_on(async |session| {
        let call = call.prepare(session)?;
        let context = call.context.clone();
        let answer = match kind {
            Some(_) => {
                let request = AscertainFamilyStatus {
                    context,
                    person: AscertainedPerson::Known(key),
                    municipality,
                    fields,
                    receipt: call::RECEIPT,
                };
                call.agency.ascertain_family_status(request).await
            }
            None => {
                let request = LookupHousehold {
                    context,
                    key,
                    municipality,
                    fields,
                    receipt: call::RECEIPT,
                };
                call.agency.lookup_household(request).await
            }
        };
        show_households(&call, answer, session)
    })
}

/// Shows the households of whoever was looked up, and says what holds of the dead.
pub(super) fn show_households(
    call: &Call,
    answer: Result<HouseholdAnswer, ClientError>,
    session: &mut Session<'_, '_>,
) -> Result<ExitCode, Failure> {
    let answer = answer.map_err(|error| call::unanswered(&error))?;
    call.settle(&answer.receipt, session)?;
    for deceased in &answer.deceased {
        session.say(
            "chi è deceduto non appartiene più a una famiglia: si mostrano le sole generalità e la data di morte",
            "who is dead belongs to no family any more: only generalities and day of death are shown",
        )?;
        if let Some(day) = deceased.family_until {
            session.say(
                format!("chi ne faceva parte si chiede al giorno prima: --reference-date {day}"),
                format!("who belonged to it is asked for the day before: --reference-date {day}"),
            )?;
        }
    }
    show_answer(
        &show::household_rows(&answer),
        (&answer.freshness, answer.fresh_enough),
        answer.no_history_before,
        session,
    )
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
