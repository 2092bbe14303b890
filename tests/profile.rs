//! The publication profile, over the real wire and in the bytes of the store: what no agreement opens does not travel,
//! and what no agreement opens any more is gone at once, in every version and on both sides.

use std::sync::LazyLock;

use agreement::reason::Reason;
use client::error::ClientError;
use index::config::IndexConfig;
use ledger::header::EntryKind;
use node::profile::ProfileReport;
use node::reconcile::Mending;
use registry::code::{AireRegistrationReason, RegistrationReason};
use registry::export::ExportWriter;
use registry::profile::{FieldGroup, GroupSet};
use registry::record::{IdentityDocument, Parent, ParentRole, PersonName, Record, Register};
use registry::timeline::Dated;
use support::agreements::{Document, POLICE};
use support::calls::{at, ground, lookup};
use support::people::{IMOLA, Person, anna, day, giulia, istat, mario};
use support::region::{Region, act};
use support::rows;

/// The police without anything that a profile can leave out.
static NARROW: LazyLock<Document> = LazyLock::new(|| Document {
    text: changed(&[
        ("\"civil_status\", \"citizenships\", ", ""),
        ("aire = true", "aire = false"),
    ]),
    ..POLICE
});

/// The same with all of it.
static WIDE: LazyLock<Document> = LazyLock::new(|| Document {
    id: "questura-2026-b",
    text: changed(&[
        ("id = \"questura-2026\"", "id = \"questura-2026-b\""),
        (
            "\"civil_status\", ",
            "\"civil_status\", \"parents\", \"identity_document\", ",
        ),
    ]),
    ..POLICE
});

fn changed(changes: &[(&str, &str)]) -> &'static str {
    let text = changes.iter().fold(POLICE.text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the fixture holds {from}");
        text.replacen(from, to, 1)
    });
    text.leak()
}

/// A card with everything that a profile can leave out.
fn full(person: &Person) -> Record {
    let mut card = person.card();
    card.parents.push(Parent {
        role: ParentRole::Mother,
        surname: PersonName::parse("Ghini").ok(),
        given_name: PersonName::parse("Ines").ok(),
        tax_code: None,
    });
    card.identity_document = Some(IdentityDocument {
        number: "CA12345AA".to_owned(),
        issuer: istat(IMOLA),
        issued: day("2020-01-01"),
        expires: day("2030-01-01"),
    });
    card
}

/// A citizen abroad.
fn abroad(person: &Person) -> Record {
    let mut card = full(person);
    card.register = Register::Aire;
    card.registration.reason = RegistrationReason::Aire(AireRegistrationReason::Birth);
    card
}

fn export(cards: &[Record]) -> Vec<u8> {
    let mut writer = ExportWriter::new(Vec::new()).expect("a header");
    for card in cards {
        writer.write(card).expect("a row");
    }
    writer.finish().expect("an export")
}

fn cards() -> [Record; 3] {
    [full(&mario()), full(&anna()), abroad(&giulia())]
}

/// What the police is told: for each card, whether it names parents, an identity card and a civil status.
async fn told(region: &Region, document: Document, person: &Person, on: &str) -> Option<(bool, bool, bool)> {
    let agency = region.agency(document);
    let context = at(
        day(on),
        ground(document, "investigation", agency.new_request_id()),
    );
    match agency.lookup_person(lookup(context, person.tax_code())).await {
        Ok(answer) => answer.persons.first().map(|card| {
            (
                !card.parents.is_empty(),
                card.identity_document.is_some(),
                card.civil_status.is_some(),
            )
        }),
        Err(ClientError::Refused(refusal)) if refusal.reason == Some(Reason::NotFound) => None,
        Err(error) => panic!("{error:?}"),
    }
}

/// Imports and publishes; both sides then hold the same cards.
async fn publish(region: &mut Region, cards: &[Record]) {
    let imola = region.municipality(IMOLA);
    let report = imola.import_export(&export(cards)).await;
    assert_eq!(report.quarantined, 0, "{:?}", report.findings);
    imola.published().await;
    equal(region).await;
}

async fn equal(region: &mut Region) {
    let compared = region
        .municipality(IMOLA)
        .node()
        .reconcile(Mending::ShowOnly)
        .await;
    assert_eq!(compared.expect("both sides are compared").buckets, 0);
}

async fn profile(region: &mut Region) -> ProfileReport {
    let profile = region.municipality(IMOLA).node().profile().await;
    profile.expect("the index says what is agreed")
}

fn names(groups: GroupSet) -> Vec<&'static str> {
    groups.iter().map(FieldGroup::name).collect()
}

/// The groups of which the rows of the stopped index hold anything, and of which its journal does.
fn held(region: &Region) -> (GroupSet, GroupSet) {
    let config = region.directory().join("index/index.toml");
    let mut cards = GroupSet::NONE;
    rows::every_card(&config, &mut |card| cards = cards.union(GroupSet::of_card(&card)));
    let config = IndexConfig::load(&config).expect("a configuration");
    let mut received = GroupSet::NONE;
    rows::every_batch(&config, &mut |batch| {
        for change in batch.changes() {
            if let registry::change::ChangeBody::Upsert(card) = &change.body {
                received = received.union(GroupSet::of_card(card));
            }
        }
    });
    (cards, received)
}

/// The rows of the stopped index are those of a clean replay.
fn check_replay(region: &Region) {
    let config = region.directory().join("index/index.toml");
    let (rows, report) = rows::of_index(&config);
    assert!(!report.rebuilt);
    assert!(
        rows::of_clean_replay(&config).0 == rows,
        "a replay gives the same rows"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_agreement_opens_never_travels_and_what_none_opens_any_more_is_gone() {
    let mut region = Region::empty().await;
    region.activate(*NARROW).await;
    publish(&mut region, &cards()).await;
    assert_eq!(
        told(&region, *NARROW, &mario(), "2026-11-02").await,
        Some((false, false, false))
    );
    assert_eq!(told(&region, *NARROW, &giulia(), "2026-11-02").await, None);
    let status = region
        .municipality(IMOLA)
        .node()
        .status()
        .await
        .expect("a status");
    assert_eq!((status.cards, status.profile.effective), (2, Some(Vec::new())));
    region.stop().await;
    assert_eq!(
        held(&region),
        (GroupSet::NONE, GroupSet::NONE),
        "neither in the rows nor on the wire"
    );

    // An agreement opens everything: a total export brings it.
    region.start_index().await;
    region.municipality(IMOLA).resume();
    region.activate(*WIDE).await;
    let widened = profile(&mut region).await;
    let all = names(GroupSet::ALL);
    assert_eq!(widened.agreed, Some(all.clone()));
    assert_eq!(widened.awaited, all);
    publish(&mut region, &cards()).await;
    assert_eq!(profile(&mut region).await.awaited, Vec::<&str>::new());
    assert_eq!(
        told(&region, *WIDE, &mario(), "2026-11-02").await,
        Some((true, true, true))
    );
    assert_eq!(
        told(&region, *WIDE, &giulia(), "2026-11-02").await,
        Some((true, true, true))
    );
    let moved = {
        let street = "Emilia".to_owned();
        let there = Person { street, ..mario() }.card();
        let mut moved = cards();
        let value = there.residences.latest().expect("a residence").value.clone();
        let from = Some(day("2026-10-20"));
        moved[0].residences.record(Dated { from, value });
        moved
    };
    publish(&mut region, &moved).await;

    // It is revoked: gone from the rows when that is answered, and from the mirror when the node hears of it.
    let revoked = region
        .administrator()
        .revoke(&WIDE.agreement(), "misuse", &act())
        .await;
    revoked.expect("the agreement is revoked");
    let state = region
        .node_client(IMOLA)
        .get_state(istat(IMOLA))
        .await
        .expect("a state");
    assert_eq!(state.records, 2);
    for on in ["2016-01-01", "2026-10-25", "2026-11-02"] {
        assert_eq!(told(&region, *NARROW, &giulia(), on).await, None, "{on}");
    }
    let narrowed = profile(&mut region).await;
    assert_eq!(
        (narrowed.agreed, narrowed.awaited),
        (Some(Vec::new()), Vec::new())
    );
    let status = region
        .municipality(IMOLA)
        .node()
        .status()
        .await
        .expect("a status");
    assert_eq!(status.cards, 2);
    equal(&mut region).await;
    region.stop().await;
    let (rows, received) = held(&region);
    assert_eq!(rows, GroupSet::NONE, "in no version");
    assert_eq!(
        received,
        GroupSet::ALL,
        "the journal keeps, sealed, what was received"
    );
    check_replay(&region);

    region.start_index().await;
    region.municipality(IMOLA).resume();
    equal(&mut region).await;
    publish(&mut region, &moved).await;
    assert_eq!(
        told(&region, *NARROW, &mario(), "2026-11-02").await,
        Some((false, false, false))
    );
    let entries = region.entries("garante").await;
    let profiles = entries.iter().filter(|entry| {
        let body = &entry.header.body;
        body.kind == EntryKind::Publication && body.peer.is_none()
    });
    assert_eq!(profiles.count(), 3, "each profile is an entry of the access log");
    region.stop().await;
    assert_eq!(held(&region).0, GroupSet::NONE);
    check_replay(&region);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreement_that_ends_by_its_last_day_takes_its_groups_along() {
    let mut region = Region::empty().await;
    let ends = Document {
        text: WIDE
            .text
            .replace("valid_to = 2035-12-31", "valid_to = 2026-11-02")
            .replace("review_by = 2035-12-31", "review_by = 2026-11-02")
            .leak(),
        ..*WIDE
    };
    region.activate(*NARROW).await;
    region.activate(ends).await;
    publish(&mut region, &cards()).await;
    assert_eq!(profile(&mut region).await.agreed, Some(names(GroupSet::ALL)));
    region.clock.advance(std::time::Duration::from_secs(24 * 3600));
    assert_eq!(profile(&mut region).await.agreed, Some(Vec::new()));
    equal(&mut region).await;
    region.stop().await;
    assert_eq!(held(&region).0, GroupSet::NONE);
    check_replay(&region);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_starts_after_the_last_day_leaves_out_what_ended_before_anybody_asks() {
    let mut region = Region::empty().await;
    let ends = Document {
        text: WIDE
            .text
            .replace("valid_to = 2035-12-31", "valid_to = 2026-11-02")
            .replace("review_by = 2035-12-31", "review_by = 2026-11-02")
            .leak(),
        ..*WIDE
    };
    region.activate(ends).await;
    publish(&mut region, &cards()).await;
    region.stop().await;
    assert_eq!(held(&region).0, GroupSet::ALL);
    region.clock.advance(std::time::Duration::from_secs(24 * 3600));
    region.start_index().await;
    region.stop_index().await;
    assert_eq!(held(&region).0, GroupSet::NONE);
    check_replay(&region);
    // The node learns of it when it comes back.
    region.start_index().await;
    region.municipality(IMOLA).resume();
    equal(&mut region).await;
    let status = region
        .municipality(IMOLA)
        .node()
        .status()
        .await
        .expect("a status");
    assert_eq!((status.cards, status.profile.effective), (2, Some(Vec::new())));
    region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_municipality_may_publish_less_than_is_agreed_and_never_more() {
    let mut region = Region::empty().await;
    region.activate(*WIDE).await;
    publish(&mut region, &cards()).await;
    let keep = |groups: &str, imola: &support::municipality::Municipality| {
        let file = imola.directory().join("node.toml");
        let text = std::fs::read_to_string(&file).expect("a configuration");
        let text = text.lines().filter(|line| !line.starts_with("groups = "));
        let mut text = text.collect::<Vec<_>>().join("\n");
        text.push_str(&format!("\ngroups = {groups}\n"));
        std::fs::write(&file, text).expect("the configuration is written");
    };
    let imola = region.municipality(IMOLA);
    imola.stop().await;
    keep("[\"parents\"]", imola);
    imola.resume();
    imola.published().await;
    equal(&mut region).await;
    let narrower = profile(&mut region).await;
    assert_eq!(narrower.agreed, Some(names(GroupSet::ALL)));
    assert_eq!(narrower.effective, Some(vec!["parents"]));
    assert_eq!(
        told(&region, *WIDE, &mario(), "2026-11-02").await,
        Some((true, false, false))
    );
    assert_eq!(told(&region, *WIDE, &giulia(), "2026-11-02").await, None);
    // What is not agreed is not published, whatever the municipality admits.
    let revoked = region
        .administrator()
        .revoke(&WIDE.agreement(), "over", &act())
        .await;
    revoked.expect("the agreement is revoked");
    publish(&mut region, &cards()).await;
    assert_eq!(profile(&mut region).await.effective, Some(Vec::new()));
    region.stop().await;
    assert_eq!(held(&region).0, GroupSet::NONE);
    check_replay(&region);
}
