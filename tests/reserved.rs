//! What is seen of reserved accesses, by whom, and from when on.

mod release;
mod opening;

use std::time::Duration;

use client::auditor::AccessEntry;
use ledger::part::PartKind;
use support::agreements::Document;
use support::calls::{ground, lookup};
use support::people::Person;
use support::region::Region;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The police look somebody up for a reserved purpose: the index of the entry.
async fn reserved_access(region: &Region, document: Document, person: Person) -> u64 {
    access(region, document, "investigation", person).await
}

async fn access(region: &Region, document: Document, purpose: &str, person: Person) -> u64 {
    let police = region.agency(document);
    let context = ground(document, purpose, police.new_request_id());
    let answer = police.lookup_person(lookup(context, person.tax_code())).await;
    answer.expect("an answer").receipt.index()
}

/// Names of the parts that are seen of an entry; nothing when the entry is not.
fn parts(entries: &[AccessEntry], index: u64) -> Option<Vec<String>> {
    let entry = entries.iter().find(|entry| entry.index == index)?;
    let name = |kind: &PartKind| match kind {
        PartKind::Operator => "operator".to_owned(),
        PartKind::Criteria => "criteria".to_owned(),
        PartKind::Decision => "decision".to_owned(),
        PartKind::Subjects(municipality) => format!("subjects {}", municipality.as_str()),
        other => format!("{other:?}"),
    };
    let mut names: Vec<String> = entry.parts.iter().map(|part| name(&part.kind)).collect();
    names.sort();
    Some(names)
}

/// What a reader sees of an entry.
async fn seen(region: &Region, auditor: &str, index: u64) -> Option<Vec<String>> {
    parts(&region.entries(auditor).await, index)
}

/// The parts of these names.
fn shown(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

/// All parts of an entry about somebody of Imola.
const ALL: [&str; 4] = ["criteria", "decision", "operator", "subjects E289"];

/// Lets time pass while the index stands still; certificates are made anew.
async fn months_later(region: &mut Region, time: Duration) {
    region.stop_index().await;
    region.clock.advance(time);
    region.authority.renew();
    region.authority.server();
    region.start_index().await;
}
