//! `ponte can-i`: what the caller's agreements allow, and whether they allow one thing.

use agreement::ascertainment::Ascertainment;
use agreement::field::FieldSet;
use agreement::reason::ExitCode;
use clap::Args;
use client::agency::{AccessDescription, AgencyClient, AgreementStanding, DeclarationAllowance, Purpose};

use crate::call::{self, SubjectArguments};
use crate::datum::Datum;
use crate::failure::Failure;
use crate::profile::{ConnectionSettings, ContextSettings, ProfileChoice};
use crate::session::Session;
use crate::show;

/// Arguments of `ponte can-i`.
#[derive(Args, Debug)]
pub struct CanIArguments {
    /// Service: lookup-person, lookup-household, verify-declaration; without it everything is listed
    #[arg(group = "question")]
    pub service: Option<String>,
    /// Fields that the service would have to show, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "FIELDS", requires = "question")]
    pub fields: Vec<String>,
    /// Kind of verification
    #[arg(long, value_name = "KIND", requires = "service")]
    pub verification: Option<String>,
    /// Kind of ascertainment, called by its name: death, residence, family-status, …
    #[arg(long, value_name = "KIND", group = "question")]
    pub ascertainment: Option<String>,
    /// Codice fiscale that a declaration would be about: how many more are compared is told, and nothing looked up
    #[arg(long, value_name = "CODE", conflicts_with = "national_id")]
    pub codice_fiscale: Option<String>,
    /// National id (idANPR) that a declaration would be about, the same way
    #[arg(long, value_name = "ID")]
    pub national_id: Option<String>,
    /// It would have to answer what was known at an earlier instant too
    #[arg(long, requires = "question")]
    pub known_on: bool,
    /// Which profile.
    #[command(flatten)]
    pub choice: ProfileChoice,
    /// Where the index is and who calls.
    #[command(flatten)]
    pub connection: ConnectionSettings,
    /// On what ground: it names an agreement in force; only its purpose is asked about.
    #[command(flatten)]
    pub context: ContextSettings,
}

/// Runs `ponte can-i`. Without a service the answer is the list; with one, exit 1 says no.
pub fn run(arguments: &CanIArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let CanIArguments {
        service,
        fields,
        verification,
        ascertainment,
        codice_fiscale,
        national_id,
        known_on,
        choice,
        connection,
        context,
    } = arguments;
    let wanted = call::field_set(fields)?;
    let ascertainment = ascertainment.as_deref().map(call::ascertainment).transpose()?;
    let about = if codice_fiscale.is_some() || national_id.is_some() {
        let subject = SubjectArguments {
            codice_fiscale: codice_fiscale.clone(),
            national_id: national_id.clone(),
            municipality: None,
        };
        Some(subject.read()?.key)
    } else {
        None
    };
    session.block_on(async |session| {
        let environment = &session.surroundings.environment;
        let profile = choice.load(environment)?;
        let context = context.resolve(&profile, environment)?;
        let agency = AgencyClient::new(connection.resolve(&profile, environment)?.connect(session)?);
        let ground = context.access_context(None, None, agency.new_request_id())?;
        let answer = agency
            .describe_access(&ground, about, call::RECEIPT)
            .await
            .map_err(|error| call::unanswered(&error))?;
        call::say_synthetic(&agency, session)?;

        if service.is_none() && ascertainment.is_none() {
            let rows: Vec<Datum> = answer
                .agreements
                .iter()
                .flat_map(show::access_description)
                .collect();
            session.data(&rows)?;
            return Ok(ExitCode::Ok);
        }
        let grants = |description: &&AccessDescription| {
            description.agreement == ground.agreement.as_str()
                && description.standing == AgreementStanding::Active
                && (!known_on || description.known_on_granted)
                && description.purposes.iter().any(|purpose: &Purpose| {
                    purpose.id == ground.purpose.as_str()
                        && service
                            .as_ref()
                            .is_none_or(|service| purpose.services.contains(service))
                        && ascertainment
                            .as_ref()
                            .is_none_or(|kind| purpose.ascertainments.iter().any(|name| name == kind.name()))
                        && verification
                            .as_ref()
                            .is_none_or(|kind| purpose.verifications.contains(kind))
                        && wanted.is_subset(opened(purpose, ascertainment))
                })
        };
        let granting: Vec<&str> = answer
            .agreements
            .iter()
            .filter(grants)
            .map(|description| description.agreement.as_str())
            .collect();
        let spent = answer.agreements.iter().filter(grants).find_map(|description| {
            let allowances = description.declarations.iter();
            let mut of_kind = allowances.filter(|allowance| Some(&allowance.verification) == verification.as_ref());
            of_kind.find(|allowance| allowance.remaining == Some(0))
        });
        if let Some(DeclarationAllowance {
            limit,
            days,
            resets_ms,
            ..
        }) = spent
        {
            let until = resets_ms.map(show::instant).unwrap_or_default();
            session.say(
                format!(
                    "no: {limit} dichiarazioni diverse sono già state confrontate in {days} giorni, un'altra dal {until}; \
                     quelle stesse si possono ripetere"
                ),
                format!(
                    "no: {limit} different declarations were compared in {days} days, another one from {until}; the same \
                     ones may be repeated"
                ),
            )?;
            return Ok(ExitCode::NegativeAnswer);
        }
        if granting.is_empty() {
            session.say(
                "no: nessuna finalità in vigore lo concede",
                "no: no purpose in force grants it",
            )?;
            return Ok(ExitCode::NegativeAnswer);
        }
        let under = granting.join(", ");
        session.say(format!("sì: {under}"), format!("yes: {under}"))?;
        Ok(ExitCode::Ok)
    })
}

/// The fields that a call may ask for: those that the kind opens, where it names one.
fn opened(purpose: &Purpose, ascertainment: Option<Ascertainment>) -> FieldSet {
    ascertainment.map_or(purpose.fields, |kind| kind.opens(purpose.fields))
}
