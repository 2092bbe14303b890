//! A node that was stolen: what it can do with its TLS key alone, and what with its publication key too.
//!
//! It declares a thousand people dead and claims five hundred residents of another municipality. What lies beyond the
//! limits of a day is never served; the thief learns of nobody where he lives; one command brings the answers of
//! before back and names every answer that was given in between.

use std::collections::BTreeSet;
use std::time::Duration;

use agreement::reason::Reason;
use chrono::{Days, NaiveDate};
use client::agency::AgencyClient;
use client::error::ClientError;
use client::node::HeldPage;
use client::page::PageRequest;
use ledger::header::EntryKind;
use node::publisher::LinkStatus;
use registry::publication::HoldReason;
use registry::statement::{Act, RegistrarId};
use support::agreements::POLICE;
use support::calls::{ground, lookup};
use support::municipality::{signing_key, write_signing_key};
use support::people::{DOZZA, IMOLA, Person, crowd, istat};
use support::region::{Region, act};
use support::wait::within;
use transport::clock::Clock;

/// Residents of Imola whom the thief declares dead.
const DEAD: u32 = 1_000;

/// Residents of Dozza whom the thief claims for Imola.
const CLAIMED: u32 = 500;

/// What 24 hours admit of each kind in municipalities as small as these.
const ADMITTED: usize = 25;

const REGISTRAR_SEED: [u8; 32] = [0x77; 32];

/// People with a birthday each, so that every one has a codice fiscale of his own.
fn residents(municipality: &'static str, count: u32, first_birthday: &str) -> Vec<Person> {
    let first: NaiveDate = first_birthday.parse().expect("a day");
    let people = crowd(municipality, count).into_iter().zip(0..);
    people
        .map(|(mut person, number)| {
            let birthday = first.checked_add_days(Days::new(number)).expect("a day");
            person.birth = birthday.to_string().leak();
            person
        })
        .collect()
}

async fn region() -> Region {
    let registrar = signing_key(REGISTRAR_SEED).verifying_key();
    let more = format!(
        "[limits]\ncache_mib = 8\nsync_interval_seconds = 1\nsegment_mib = 4\nconnections_per_address = 512\n\
         [[registrar]]\nid = \"g.neri\"\nmunicipalities = [{IMOLA:?}]\nkey = \"{registrar}\"\n"
    );
    let region = Region::configured(&more).await;
    region.activate(POLICE).await;
    region
}

/// What the police is told of somebody: for each card whether a residence is held, and whether it was restored.
async fn told(police: &AgencyClient, person: &Person) -> Vec<(bool, bool)> {
    let context = ground(POLICE, "investigation", police.new_request_id());
    match police.lookup_person(lookup(context, person.tax_code())).await {
        Ok(answer) => answer
            .persons
            .iter()
            .map(|card| (card.residence.is_some(), card.restored))
            .collect(),
        Err(ClientError::Refused(refusal)) if refusal.reason == Some(Reason::NotFound) => Vec::new(),
        Err(error) => panic!("{error:?}"),
    }
}

fn stolen(people: &[Person]) -> (Vec<Person>, Vec<Person>) {
    let dead = people.iter().take(DEAD as usize).cloned().map(|mut person| {
        person.death = Some("2026-11-01");
        person
    });
    let rest = people.iter().skip(DEAD as usize).cloned();
    (people.to_vec(), dead.chain(rest).collect())
}

fn claimed(people: &[Person]) -> Vec<Person> {
    people
        .iter()
        .take(CLAIMED as usize)
        .cloned()
        .map(|person| Person {
            municipality: IMOLA,
            local_id: format!("X{}", person.local_id),
            ..person
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tls_key_alone_publishes_nothing() {
    let mut region = region().await;
    let people = residents(IMOLA, 40, "1950-01-01");
    region.publish(IMOLA, &people).await;
    let imola = region.municipality(IMOLA);
    imola.stop().await;
    write_signing_key(&imola.directory().join("publication.key"), [0x66; 32]);
    imola.resume();
    let dead: Vec<Person> = people
        .iter()
        .cloned()
        .map(|person| Person {
            death: Some("2026-11-01"),
            ..person
        })
        .collect();
    imola.import(&dead).await;
    let publisher = imola.node().publisher().clone();
    within(publisher.wait_for(|status| matches!(status.link, LinkStatus::Stopped { .. })))
        .await
        .expect("it stops");
    let state = region.node_client(IMOLA).get_state(istat(IMOLA)).await;
    assert_eq!(state.expect("a state").watermark.0, 40, "nothing was taken");
    let entries = region.entries("garante").await;
    let refused = entries.iter().filter(|entry| {
        let body = &entry.header.body;
        body.kind == EntryKind::Publication && body.outcome.reason == Reason::BatchNotSigned.name()
    });
    assert_eq!(refused.count(), 1, "the refusal is in the access log");
    region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_node_harms_no_more_than_a_day_admits_and_one_command_undoes_it() {
    let mut region = region().await;
    let imola = residents(IMOLA, DEAD + 50, "1950-01-01");
    let dozza = residents(DOZZA, CLAIMED, "1960-01-01");
    region.publish(IMOLA, &imola).await;
    region.publish(DOZZA, &dozza).await;
    let police = region.agency(POLICE);
    const ALIVE: (bool, bool) = (true, false);
    for person in imola.iter().chain(&dozza).step_by(40) {
        assert_eq!(told(&police, person).await, [ALIVE]);
    }

    // The thief publishes, with all the keys that are on the node.
    region.clock.advance(Duration::from_secs(600));
    let begin = region.clock.now();
    let (_, dead) = stolen(&imola);
    let false_cards = claimed(&dozza);
    region.publish(IMOLA, &[dead, false_cards.clone()].concat()).await;
    let end = region.clock.now();
    region.clock.advance(Duration::from_secs(600));

    let mut answered_wrongly = BTreeSet::new();
    let (mut served_dead, mut served_twice) = (0, 0);
    for person in imola.iter().take(DEAD as usize) {
        let context = ground(POLICE, "investigation", police.new_request_id());
        let answer = police.lookup_person(lookup(context, person.tax_code())).await;
        let answer = answer.expect("an answer");
        if answer.persons.iter().any(|card| card.residence.is_none()) {
            served_dead += 1;
            answered_wrongly.insert(answer.receipt.index());
        }
    }
    for person in &dozza {
        let context = ground(POLICE, "investigation", police.new_request_id());
        let answer = police.lookup_person(lookup(context, person.tax_code())).await;
        let answer = answer.expect("an answer");
        if answer.persons.len() != 1 {
            served_twice += 1;
            answered_wrongly.insert(answer.receipt.index());
        }
    }
    assert_eq!(
        served_dead, ADMITTED,
        "false deaths beyond the limit are not served"
    );
    assert_eq!(
        served_twice, ADMITTED,
        "false registrations beyond the limit are not served"
    );

    // All the thief is told is about the cards that he sent himself.
    let own: BTreeSet<String> = imola
        .iter()
        .chain(&false_cards)
        .map(|person| person.local_id.clone())
        .collect();
    let held = held(&region).await;
    assert_eq!(held.len(), (DEAD + CLAIMED) as usize - 2 * ADMITTED);
    assert!(held.iter().all(|(local_id, _)| own.contains(local_id)));
    let reasons: BTreeSet<HoldReason> = held.iter().map(|(_, reason)| *reason).collect();
    assert_eq!(
        reasons,
        BTreeSet::from([HoldReason::Departures, HoldReason::Arrivals])
    );

    // What waits does not slip through on the next day, and only a registrar's own key would let it.
    let page = list_held(&region).await;
    let statement = page.statement(Act::Release, istat(IMOLA));
    let forged = statement.sign(
        RegistrarId::parse("g.neri").expect("an id"),
        &signing_key([0x5a; 32]),
    );
    let refused = region
        .node_client(IMOLA)
        .confirm_held_changes(istat(IMOLA), &forged)
        .await;
    assert!(
        matches!(&refused, Err(ClientError::Refused(refusal)) if refusal.reason == Some(Reason::StatementNotSigned)),
        "{refused:?}"
    );

    // One command.
    let interval = (begin.timestamp_millis(), end.timestamp_millis());
    let admin = region.administrator();
    let begun = admin.begin_quarantine(istat(IMOLA), interval, &act()).await;
    let quarantine = begun
        .expect("the quarantine begins")
        .quarantine
        .expect("there were cards");
    assert_eq!(quarantine.cards as usize, 2 * ADMITTED);
    for person in imola.iter().take(DEAD as usize).step_by(7) {
        let cards = told(&police, person).await;
        assert!(matches!(cards.as_slice(), [(true, _)]), "{cards:?}");
    }
    for person in dozza.iter().step_by(7) {
        assert_eq!(told(&police, person).await, [ALIVE]);
    }

    let mut named = BTreeSet::new();
    let mut request = PageRequest::default();
    loop {
        let page = admin
            .suspect_accesses(istat(IMOLA), quarantine.id, &request)
            .await;
        let page = page.expect("a page");
        named.extend(page.items.iter().map(|access| access.index));
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    assert_eq!(
        named, answered_wrongly,
        "every answer given in between, and no other"
    );

    // And it can be taken back.
    let lifted = admin.lift_quarantine(istat(IMOLA), quarantine.id, &act()).await;
    assert_eq!(lifted.expect("it is lifted").cards as usize, 2 * ADMITTED);
    region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registrar_confirms_what_really_happened() {
    let mut region = region().await;
    let people = residents(IMOLA, 60, "1950-01-01");
    region.publish(IMOLA, &people).await;
    let dead: Vec<Person> = people
        .iter()
        .cloned()
        .map(|person| Person {
            death: Some("2026-11-01"),
            ..person
        })
        .collect();
    region.publish(IMOLA, &dead).await;
    assert_eq!(held(&region).await.len(), 60 - ADMITTED);
    let before = publication_entries(&region).await;
    let page = list_held(&region).await;
    assert_eq!(
        publication_entries(&region).await,
        before + 1,
        "the list of what waits leaves with an entry"
    );
    let statement = page.statement(Act::Release, istat(IMOLA));
    let signed = statement.sign(
        RegistrarId::parse("g.neri").expect("an id"),
        &signing_key(REGISTRAR_SEED),
    );
    let node = region.node_client(IMOLA);
    let served = node.confirm_held_changes(istat(IMOLA), &signed).await;
    assert_eq!(served.expect("it is taken") as usize, 60 - ADMITTED);
    assert!(held(&region).await.is_empty());
    let police = region.agency(POLICE);
    for person in people.iter().step_by(5) {
        assert_eq!(told(&police, person).await, [(false, false)]);
    }
    let again = node.confirm_held_changes(istat(IMOLA), &signed).await;
    assert!(
        matches!(&again, Err(ClientError::Refused(refusal)) if refusal.reason == Some(Reason::ResourceNotFound)),
        "{again:?}"
    );
    let confirmed = region.entries("garante").await;
    let confirmed = confirmed
        .iter()
        .filter(|entry| entry.header.body.kind == EntryKind::HeldConfirmed);
    assert_eq!(
        confirmed.count(),
        3,
        "the act, and the one that failed with its reason"
    );
    region.stop().await;
}

async fn publication_entries(region: &Region) -> usize {
    let entries = region.entries("garante").await;
    let of_publication = entries
        .iter()
        .filter(|entry| entry.header.body.kind == EntryKind::Publication);
    of_publication.count()
}

async fn list_held(region: &Region) -> HeldPage {
    let node = region.node_client(IMOLA);
    let page = node
        .list_held_changes(istat(IMOLA), &PageRequest::default())
        .await;
    page.expect("a page")
}

async fn held(region: &Region) -> Vec<(String, HoldReason)> {
    let node = region.node_client(IMOLA);
    let mut request = PageRequest::default();
    let mut found = Vec::new();
    loop {
        let held = node
            .list_held_changes(istat(IMOLA), &request)
            .await
            .expect("a page");
        found.extend(
            held.page
                .items
                .iter()
                .map(|change| (change.local_id.to_string(), change.reason)),
        );
        request.after = held.page.next;
        if request.after.is_none() {
            return found;
        }
    }
}
