//! `ponte node anomalies`: what contradicts the municipality's cards, asked of the index.

use std::sync::Arc;

use agreement::reason::ExitCode;
use client::connection::Connection;
use client::node::{Anomaly, NodeClient};
use client::page::PageRequest;
use registry::finding::Severity;
use registry::municipality;

use super::NodeArguments;
use crate::call::unanswered;
use crate::datum::{Datum, RecordBuilder};
use crate::failure::Failure;
use crate::language::Language;
use crate::session::Session;

pub(super) fn list(arguments: &NodeArguments, session: &mut Session<'_, '_>) -> Result<ExitCode, Failure> {
    let config = arguments.load()?;
    let found = session.block_on(async |session| {
        let (clock, random) = (&session.surroundings.clock, &session.surroundings.random);
        let connection =
            Connection::open(&config.index, Arc::clone(clock), Arc::clone(random)).map_err(|error| {
                Failure::usage(
                    "il collegamento non è configurato correttamente",
                    "the connection is not configured correctly",
                )
                .because(&error)
            })?;
        let client = NodeClient::new(connection);
        let mut found = Vec::new();
        let mut request = PageRequest::default();
        loop {
            let page = client
                .list_anomalies(config.municipality, &request)
                .await
                .map_err(|error| unanswered(&error))?;
            found.extend(page.items);
            match page.next {
                Some(next) => request.after = Some(next),
                None => return Ok(found),
            }
        }
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
