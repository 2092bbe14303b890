//! Two municipalities that became one, over the real wire: Sorbolo and Mezzani, merged on 1 January 2019.

use agreement::peer::Role;
use agreement::reason::Reason;
use client::admin::Effect;
use client::agency::AgencyClient;
use client::auditor::AccessEntry;
use client::directory::DirectoryClient;
use client::error::ClientError;
use client::node::{NodeClient, Opening};
use client::page::PageRequest;
use ledger::header::EntryKind;
use registry::change::{Change, ChangeBody};
use registry::publication::{Batch, SignedBatch};
use support::agreements::{Document, POLICE};
use support::authority::Authority;
use support::calls::{ground, lookup};
use support::municipality::{PUBLICATION_SEED, node_id, signing_key};
use support::people::{Person, anna, istat, mario};
use support::region::{Region, act};
use support::wait::within;
use transport::clock::Clock;

const SORBOLO: &str = "034037";
const MEZZANI: &str = "034021";
const SORBOLO_MEZZANI: &str = "034051";

fn at(municipality: &'static str, person: Person) -> Person {
    Person {
        municipality,
        ..person
    }
}

/// An index to which all three publish, read by an auditor of the old municipality and one of the new.
async fn region() -> Region {
    let key = signing_key(PUBLICATION_SEED).verifying_key();
    let nodes = [SORBOLO, MEZZANI, SORBOLO_MEZZANI].map(|code| {
        let id = Authority::id(Role::Node, &node_id(code));
        format!("[[node]]\nid = \"{id}\"\nmunicipalities = [{code:?}]\npublication_key = \"{key}\"\n")
    });
    let readers = [
        ("sorbolo", SORBOLO),
        ("unito", SORBOLO_MEZZANI),
        ("mezzani", MEZZANI),
    ]
    .map(|(name, code)| {
        let id = Authority::id(Role::Auditor, name);
        format!("[[reader]]\nid = \"{id}\"\nscope = \"municipality\"\nmunicipality = {code:?}\n")
    });
    let more = format!(
        "{}{}[limits]\ncache_mib = 8\nsync_interval_seconds = 1\nsegment_mib = 4\nconnections_per_address = 512\n",
        nodes.concat(),
        readers.concat()
    );
    Region::configured(&more).await
}

/// Publishes cards as a node of the municipality does; one that has ceased has no daemon that would start today.
async fn publish(region: &Region, municipality: &'static str, people: &[Person]) {
    let node: NodeClient = region.node_client(municipality);
    let opening = Opening {
        municipality: istat(municipality),
        epoch: None,
        claim: None,
        journal_end: people.len() as u64,
        confirmed_seals: Vec::new(),
    };
    let (mut stream, opened) = node.open_publication(opening).await.expect("it opens");
    let changes = people.iter().zip(1..).map(|(person, sequence)| {
        let card = at(municipality, person.clone()).card();
        Change {
            sequence,
            local_id: card.local_id.clone(),
            body: ChangeBody::Upsert(Box::new(card)),
            events: Vec::new(),
        }
    });
    let now_ms = region.clock.now().timestamp_millis();
    let batch = Batch::new(istat(municipality), opened.epoch, 1, changes.collect(), now_ms);
    let signed = SignedBatch::sign(batch.expect("a batch"), &signing_key(PUBLICATION_SEED));
    stream.send(&signed).await.expect("it is sent");
    let acknowledged = within(stream.receive())
        .await
        .expect("an answer")
        .expect("an acknowledgement");
    assert_eq!(acknowledged.watermark.0, people.len() as u64);
    assert!(
        acknowledged.rejections.is_empty(),
        "{:?}",
        acknowledged.rejections
    );
    let visible = || async {
        let state = node.get_state(istat(municipality)).await.expect("a state");
        state.visible.0 == people.len() as u64
    };
    while !within(visible()).await {
        tokio::task::yield_now().await;
    }
}

/// Handles of the cards that are shown, and the index of the entry.
async fn shown(police: &AgencyClient, person: &Person, asked: Option<&str>) -> (Vec<String>, u64) {
    let context = ground(POLICE, "identification", police.new_request_id());
    let mut lookup = lookup(context, person.tax_code());
    lookup.municipality = asked.map(istat);
    match police.lookup_person(lookup).await {
        Ok(answer) => {
            let handles = answer.persons.iter().map(|card| card.handle.clone());
            (handles.collect(), answer.receipt.index())
        }
        Err(ClientError::Refused(refusal)) if refusal.reason == Some(Reason::NotFound) => (Vec::new(), 0),
        Err(error) => panic!("{error:?}"),
    }
}

fn accesses(entries: &[AccessEntry]) -> Vec<u64> {
    let accesses = entries
        .iter()
        .filter(|entry| entry.header.body.kind == EntryKind::Access);
    accesses.map(|entry| entry.index).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merger_loses_no_record_no_scope_and_no_access() {
    let mut region = region().await;
    region.activate(POLICE).await;
    let police = region.agency(POLICE);
    publish(&region, SORBOLO, &[mario()]).await;
    publish(&region, MEZZANI, &[anna()]).await;
    let (before, of_sorbolo) = shown(&police, &mario(), None).await;
    let (_, of_mezzani) = shown(&police, &anna(), None).await;
    assert_eq!(before.len(), 1);

    publish(&region, SORBOLO_MEZZANI, &[mario(), anna()]).await;
    let (after, since) = shown(&police, &mario(), None).await;
    assert_eq!(
        after,
        [&before[..], &before[..]].concat(),
        "one person, two cards"
    );
    for code in [SORBOLO, SORBOLO_MEZZANI] {
        assert_eq!(
            shown(&police, &mario(), Some(code)).await.0.len(),
            2,
            "asked in {code}"
        );
    }
    let (limited, by_old_name) = shown(&police, &mario(), Some(MEZZANI)).await;
    assert_eq!(
        (limited.len(), by_old_name == 0),
        (1, false),
        "only the successor has him"
    );
    for code in [SORBOLO, MEZZANI, SORBOLO_MEZZANI] {
        let node = region.node_client(code);
        let held = node
            .list_held_changes(istat(code), &PageRequest::default())
            .await
            .expect("a page");
        assert_eq!(held.total, 0);
        let anomalies = node
            .list_anomalies(istat(code), &PageRequest::default())
            .await
            .expect("a page");
        assert!(anomalies.items.is_empty());
    }

    // The auditor of the new municipality sees the accesses of before, he of the old one those since.
    let [unito, sorbolo, mezzani] = ["unito", "sorbolo", "mezzani"];
    let unito = accesses(&region.entries(unito).await);
    assert!(
        [of_sorbolo, of_mezzani, since]
            .iter()
            .all(|index| unito.contains(index))
    );
    let sorbolo = accesses(&region.entries(sorbolo).await);
    assert!(sorbolo.contains(&of_sorbolo) && sorbolo.contains(&since) && !sorbolo.contains(&of_mezzani));
    let mezzani = accesses(&region.entries(mezzani).await);
    assert!(mezzani.contains(&of_mezzani) && !mezzani.contains(&of_sorbolo));

    // An agreement that names the old municipality.
    let narrow: &'static str = POLICE
        .text
        .replace("region = \"08\"", "municipalities = [\"034021\"]")
        .leak();
    assert_ne!(narrow, POLICE.text);
    let current = region
        .administrator()
        .get(&POLICE.agreement())
        .await
        .expect("it is active")
        .hash;
    let document = Document {
        text: narrow,
        ..POLICE
    };
    let replaced = region
        .administrator()
        .activate(document.text.as_bytes(), Some(current), &act(), Effect::Activate)
        .await;
    replaced.expect("it is replaced");
    assert_eq!(shown(&police, &anna(), None).await.0.len(), 2);
    assert_eq!(
        shown(&police, &mario(), None).await.0.len(),
        1,
        "not what Sorbolo had"
    );

    // Nobody waits for those who ceased.
    let directory = DirectoryClient::new(region.connection(Role::Admin, "regione"));
    let listed = directory
        .list_municipalities(&PageRequest::default())
        .await
        .expect("a page");
    for code in [SORBOLO, MEZZANI, SORBOLO_MEZZANI] {
        let stands = listed
            .items
            .iter()
            .find(|item| item.istat == istat(code))
            .expect("it is listed");
        assert!(!stands.stale && !stands.name.is_empty(), "{code}");
    }
    region.stop().await;
}
