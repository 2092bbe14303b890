//! What calls for a look is raised once, is shown to whom it concerns, and names nobody who was asked about.

use std::os::unix::fs::PermissionsExt;

use chrono::TimeZone;
use client::auditor::{AccessEntry, Alert};
use client::page::PageRequest;
use ledger::header::EntryKind;
use support::agreements::{self, POLICE};
use support::calls::{ground, lookup};
use support::people::{self, Person, carla, mario, paolo};
use support::region::{LIMITS, MUNICIPALITIES, Region, reading};

const REPEATED: &str = "[[alert]]\nkind = \"repeated-subject\"\nmore_than = 2\ndays = 10\n";

async fn region(rules: &str, at: &str) -> Region {
    let at = at.parse().expect("an instant");
    let mut region = Region::at(at, &format!("{LIMITS}{rules}")).await;
    for document in agreements::ALL {
        region.activate(document).await;
    }
    for istat in MUNICIPALITIES {
        region.publish(istat, &people::everybody()).await;
    }
    region
}

/// A Monday, 9:00 in Italy.
const MORNING: &str = "2026-11-02T08:00:00Z";

async fn look_up(region: &Region, purpose: &str, person: &Person) -> u64 {
    let police = region.agency(POLICE);
    let context = ground(POLICE, purpose, police.new_request_id());
    let answer = police.lookup_person(lookup(context, person.tax_code())).await;
    answer.expect("an answer").receipt.index()
}

async fn alerts(region: &Region, auditor: &str) -> Vec<Alert> {
    let auditor = region.auditor(auditor);
    let page = auditor.alerts(&reading(), &PageRequest::default()).await;
    page.expect("alerts").page.items
}

fn raised(entries: &[AccessEntry]) -> Vec<&AccessEntry> {
    let entries = entries.iter();
    entries
        .filter(|entry| entry.header.body.kind == EntryKind::AlertRaised)
        .collect()
}

/// Everything that an entry says to its reader.
fn said(entry: &AccessEntry) -> String {
    let items = entry.parts.iter().flat_map(|part| &part.items);
    format!("{:?}", items.collect::<Vec<_>>())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_is_raised_once_also_after_a_restart_and_shown_to_whom_it_concerns() {
    let mut region = region(REPEATED, MORNING).await;
    let mut made = Vec::new();
    for _ in 0..4 {
        made.push(look_up(&region, "identification", &mario()).await);
    }
    for _ in 0..3 {
        look_up(&region, "investigation", &mario()).await;
    }
    look_up(&region, "identification", &carla()).await;
    for restarted in [false, true] {
        let seen = alerts(&region, "garante").await;
        let [alert] = &seen[..] else {
            panic!("one alert about ordinary purposes, not {seen:?}")
        };
        assert_eq!((alert.kind.as_str(), alert.reserved), ("repeated-subject", false));
        assert_eq!(alert.operator.as_deref(), Some("m.esposito"));
        assert_eq!(alert.entries, made[..3]);
        assert_eq!(alert.counts, [("accesses".to_owned(), 3)]);
        let own = alerts(&region, "questura").await;
        let reserved: Vec<bool> = own.iter().map(|alert| alert.reserved).collect();
        assert_eq!(
            reserved,
            [false, true],
            "its supervisor alone sees the reserved ones"
        );
        let seen = alerts(&region, "imola").await;
        let [alert] = &seen[..] else {
            panic!("one alert about its resident")
        };
        assert_eq!((alert.operator.as_ref(), alert.entries.len()), (None, 0));
        assert!(alerts(&region, "asl").await.is_empty(), "another agency");
        let entries = region.entries("garante").await;
        let raised = raised(&entries);
        let [ordinary, reserved] = &raised[..] else {
            panic!("two alerts, not {}", raised.len())
        };
        let said = said(ordinary);
        assert!(
            said.contains("repeated-subject") && said.contains("m.esposito"),
            "{said}"
        );
        assert!(!said.contains(mario().tax_code().as_str()) && !said.to_lowercase().contains("rossi"));
        assert!(
            reserved.parts.is_empty() && reserved.reserved,
            "kept from the region"
        );
        for entry in raised {
            assert_eq!(entry.header.body.peer, None, "the header says nothing");
        }
        if !restarted {
            region.stop_index().await;
            region.start_index().await;
            look_up(&region, "identification", &mario()).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_in_force_from_the_entry_that_states_it_and_knows_what_was_before() {
    let mut region = region("", MORNING).await;
    for _ in 0..5 {
        look_up(&region, "identification", &mario()).await;
    }
    region.stop_index().await;
    let config = region.directory().join("index/index.toml");
    let text = std::fs::read_to_string(&config).expect("a configuration");
    std::fs::write(&config, format!("{text}{REPEATED}")).expect("it can be written");
    region.start_index().await;
    assert!(
        alerts(&region, "garante").await.is_empty(),
        "nothing of before is raised"
    );
    look_up(&region, "identification", &mario()).await;
    let seen = alerts(&region, "garante").await;
    assert_eq!(seen.len(), 1);
    assert_eq!(
        seen[0].counts,
        [("accesses".to_owned(), 6)],
        "and counts all the same"
    );
    region.stop_index().await;
    region.start_index().await;
    let entries = region.entries("garante").await;
    let stated = entries
        .iter()
        .filter(|entry| entry.header.body.kind == EntryKind::ConfigurationChanged);
    assert_eq!(stated.count(), 1, "the rules did not change again");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_night_each_access_counts_by_the_clock_of_italy() {
    let rules = "[[alert]]\nkind = \"night-and-holidays\"\nat_least = 2\n";
    let region = region(rules, "2026-11-03T20:59:00Z").await;
    look_up(&region, "identification", &mario()).await;
    look_up(&region, "identification", &paolo()).await;
    assert!(alerts(&region, "garante").await.is_empty(), "it is 21:59");
    let later = chrono::Utc
        .with_ymd_and_hms(2026, 11, 3, 21, 0, 0)
        .single()
        .expect("an instant");
    region.clock.advance(
        (later
            - "2026-11-03T20:59:00Z"
                .parse::<chrono::DateTime<chrono::Utc>>()
                .expect("an instant"))
        .to_std()
        .expect("later"),
    );
    look_up(&region, "identification", &mario()).await;
    look_up(&region, "identification", &paolo()).await;
    let kinds: Vec<String> = alerts(&region, "garante")
        .await
        .into_iter()
        .map(|alert| alert.kind)
        .collect();
    assert_eq!(kinds, ["night-and-holidays"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_about_a_colleague_or_the_own_person_is_told_from_who_does_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let roster = directory.path().join("roster.csv");
    let text = format!(
        "m.esposito;{}\ng.gallo;{}\n",
        mario().tax_code().as_str(),
        paolo().tax_code().as_str()
    );
    std::fs::write(&roster, text).expect("it can be written");
    std::fs::set_permissions(&roster, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    let rules = format!(
        "[[alert]]\nkind = \"colleague\"\nagency = \"spiffe://ponte.test/agency/questura-bo\"\nroster = {roster:?}\n"
    );
    let region = region(&rules, MORNING).await;
    look_up(&region, "identification", &carla()).await;
    assert!(alerts(&region, "questura").await.is_empty());
    let colleague = look_up(&region, "identification", &paolo()).await;
    let own = look_up(&region, "identification", &mario()).await;
    let seen: Vec<_> = alerts(&region, "questura")
        .await
        .into_iter()
        .map(|alert| (alert.counts[0].0.clone(), alert.entries))
        .collect();
    assert_eq!(
        seen,
        [
            ("colleague".to_owned(), vec![colleague]),
            ("self".to_owned(), vec![own])
        ]
    );
    let entries = region.entries("garante").await;
    let said: String = raised(&entries).into_iter().map(said).collect();
    assert!(
        !said.contains("g.gallo") && !said.contains(paolo().tax_code().as_str()),
        "{said}"
    );
}
