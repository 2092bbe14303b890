//! `ponte agreement explain`: how the index would decide a call.

use std::net::IpAddr;

use agreement::peer::{CertificateFingerprint, SpiffeId};
use agreement::reason::ExitCode;
use agreement::service::{Service, VerificationKind};
use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;
use client::admin::{ClauseVerdict, Explanation, SupposedCall};

use super::CallerArguments;
use crate::call;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::profile::ContextSettings;
use crate::session::Session;

/// Arguments of `ponte agreement explain`.
#[derive(Args, Debug)]
pub struct ExplainArguments {
    /// Service: lookup-person, lookup-household, verify-declaration
    pub service: String,
    /// Kind of verification: generalities, residence, existence-in-life, family-status
    #[arg(long, value_name = "KIND")]
    pub verification: Option<String>,
    /// Kind of ascertainment that the lookup would name: death, residence, family-status, …
    #[arg(long, value_name = "KIND", conflicts_with = "verification")]
    pub ascertainment: Option<String>,
    /// Fields that the call would ask for, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "FIELDS")]
    pub fields: Vec<String>,
    /// Municipality to which the call would be limited, by ISTAT code
    #[arg(long, value_name = "ISTAT")]
    pub municipality: Option<String>,
    /// Who would call, a SPIFFE id; the caller without it
    #[arg(long, value_name = "URI")]
    pub peer: Option<String>,
    /// Network address from which it would call
    #[arg(long)]
    pub address: Option<IpAddr>,
    /// SHA-256 of the certificate with which it would call, hexadecimal
    #[arg(long, value_name = "HASH")]
    pub fingerprint: Option<String>,
    /// Moment of the call, RFC 3339; now without it
    #[arg(long, value_name = "TIME")]
    pub at: Option<DateTime<Utc>>,
    /// Reference date of the call
    #[arg(long, value_name = "DATE")]
    pub reference_date: Option<NaiveDate>,
    /// On what ground.
    #[command(flatten)]
    pub context: ContextSettings,
    /// Who calls.
    #[command(flatten)]
    pub caller: CallerArguments,
}

/// Runs `ponte agreement explain`.
pub(super) fn run(arguments: &ExplainArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let ExplainArguments {
        service,
        verification,
        ascertainment,
        fields,
        municipality,
        peer,
        address,
        fingerprint,
        at,
        reference_date,
        context,
        caller,
    } = arguments;
    let environment = &session.surroundings.environment;
    let profile = caller.choice.load(environment)?;
    let request_id = transport::random::uuid_v7(&*session.surroundings.clock, &*session.surroundings.random);
    let supposed = SupposedCall {
        peer: peer
            .as_deref()
            .map(SpiffeId::parse)
            .transpose()
            .map_err(|error| {
                Failure::usage("l'identità non è valida", "the identity is not valid").because(&error)
            })?,
        address: *address,
        certificate: match fingerprint {
            Some(text) => Some(CertificateFingerprint(*super::hash(text)?.as_bytes())),
            None => None,
        },
        context: context
            .resolve(&profile, environment)?
            .access_context(*reference_date, None, request_id)?,
        service: Service::from_name(service)
            .ok_or_else(|| Failure::usage("servizio sconosciuto", "the service is unknown"))?,
        verification: match verification {
            Some(name) => Some(VerificationKind::from_name(name).ok_or_else(|| {
                Failure::usage("verifica sconosciuta", "the kind of verification is unknown")
            })?),
            None => None,
        },
        ascertainment: ascertainment.as_deref().map(call::ascertainment).transpose()?,
        fields: call::field_set(fields)?,
        municipality: municipality.as_deref().map(call::istat).transpose()?,
        at: *at,
    };
    session.block_on(async |session| {
        let explanation = caller
            .admin(session)?
            .explain(&supposed)
            .await
            .map_err(|error| call::unanswered(&error))?;
        session.data(&clause_rows(&explanation))?;
        if explanation.permitted {
            session.say("la chiamata sarebbe ammessa", "the call would be permitted")?;
            return Ok(ExitCode::Ok);
        }
        if let Some(reason) = explanation.reason {
            session.say(
                format!("{}; {}", reason.italian(), reason.remedy_italian()),
                format!("{}; {}", reason.english(), reason.remedy_english()),
            )?;
        }
        Ok(ExitCode::NegativeAnswer)
    })
}

/// One row for each clause.
fn clause_rows(explanation: &Explanation) -> Vec<Datum> {
    let rows = explanation.clauses.iter().map(|outcome| {
        let verdict = match outcome.verdict {
            ClauseVerdict::Passed => "passed",
            ClauseVerdict::Failed => "failed",
            ClauseVerdict::NotReached => "not-reached",
        };
        RecordBuilder::new()
            .with("clause", outcome.clause.as_str())
            .with("verdict", verdict)
            .with("text", outcome.text.as_str())
            .build()
    });
    rows.collect()
}
