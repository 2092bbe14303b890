//! `ponte node anomalies`: what contradicts the municipality's cards, asked of the index.

use agreement::reason::ExitCode;
use client::node::Anomaly;
use registry::finding::Severity;
use registry::municipality;

use super::{NodeArguments, client_of};
use crate::call;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::language::Language;
use crate::session::Session;

pub(super) fn list(arguments: &NodeArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let config = arguments.load()?;
    let found = session.block_on(async |session| {
        let client = client_of(&config, session)?;
        call::all_pages(async |request| client.list_anomalies(config.municipality, request).await).await
    })?;
    if found.is_empty() {
        session.say("nessuna anomalia", "no anomaly")?;
    }
    let language = session.language;
    let rows: Vec<Datum> = found.iter().map(|anomaly| row(anomaly, language)).collect();
    session.data(&rows)?;
    Ok(if found.is_empty() {
        ExitCode::Ok
    } else {
        ExitCode::NegativeAnswer
    })
}

fn row(anomaly: &Anomaly, language: Language) -> Datum {
    let Anomaly {
        kind,
        local_id,
        other,
    } = anomaly;
    let other = other.map_or_else(String::new, |code| {
        let name = municipality::current_by_istat(code).map_or("", |municipality| municipality.name());
        format!("{code} {name}")
    });
    RecordBuilder::new()
        .with("code", kind.code())
        .with(
            "severity",
            match kind.severity() {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
        )
        .with("card", local_id.as_str())
        .with("text", language.pick(kind.italian(), kind.english()))
        .with("other_municipality", other)
        .build()
}
