//! The log tells of the index's own starts and stops: which program ran, and what of its configuration had changed.

use std::fs;
use std::time::Duration;

use client::auditor::AccessEntry;
use ledger::hash::sha256;
use ledger::header::EntryKind;
use support::region::{LIMITS, Region};
use support::wait::until_async;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What the entries of one kind say, oldest first.
fn told(entries: &[AccessEntry], kind: EntryKind) -> Vec<Vec<(String, String)>> {
    let of_kind = entries
        .iter()
        .filter(|entry| entry.header.body.kind == kind && !entry.parts.is_empty());
    of_kind
        .map(|entry| entry.parts.iter().flat_map(|part| part.items.clone()).collect())
        .collect()
}

fn value<'a>(told: &'a [(String, String)], name: &str) -> &'a str {
    told.iter()
        .find_map(|(given, value)| (given == name).then_some(value.as_str()))
        .unwrap_or_else(|| panic!("nothing is told of {name}"))
}

/// Names of what is told beside program and configuration as a whole.
fn changes(told: &[(String, String)]) -> Vec<&str> {
    let names = told.iter().map(|(name, _)| name.as_str());
    names
        .filter(|name| name.starts_with("set ") || name.starts_with("was ") || name.starts_with("unset "))
        .collect()
}

async fn starts(region: &Region) -> Vec<Vec<(String, String)>> {
    told(&region.entries("garante").await, EntryKind::ServiceStarted)
}

fn rewrite(region: &Region, from: &str, to: &str) {
    let file = region.directory().join("index/index.toml");
    let text = fs::read_to_string(&file).expect("a configuration");
    assert!(text.contains(from), "the configuration has {from}");
    fs::write(&file, text.replacen(from, to, 1)).expect("it can be written");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_start_tells_program_and_configuration_and_what_changed_since_the_last_one() {
    let mut region = Region::empty().await;
    let [first] = &starts(&region).await[..] else {
        panic!("one start")
    };
    let program = fs::read(std::env::current_exe().expect("a program")).expect("its file");
    assert_eq!(value(first, "program_sha256"), sha256(&program).to_string());
    assert_eq!(value(first, "configuration"), "first");
    assert_eq!(value(first, "set limits segment_bytes"), (4 << 20).to_string());
    assert_eq!(value(first, "set trust_domain"), "ponte.test");
    assert!(changes(first).iter().all(|name| name.starts_with("set ")));

    region.stop_index().await;
    region.start_index().await;
    let again = &starts(&region).await[1];
    assert_eq!(value(again, "configuration"), "unchanged");
    assert!(changes(again).is_empty(), "{again:?}");
    let entries = region.entries("garante").await;
    let [stop] = &told(&entries, EntryKind::ServiceStopped)[..] else {
        panic!("one stop")
    };
    for name in ["program_sha256", "configuration_sha256"] {
        for other in [again, stop] {
            assert_eq!(value(first, name), value(other, name));
        }
    }
    assert_eq!(value(stop, "reason"), "asked to stop");

    region.stop_index().await;
    rewrite(
        &region,
        "connections_per_address = 512",
        "connections_per_address = 256\nlog_queue = 99",
    );
    rewrite(&region, "checkpoint_copy = \"copy\"\n", "");
    region.start_index().await;
    let changed = &starts(&region).await[2];
    assert_eq!(value(changed, "configuration"), "changed");
    assert_ne!(
        value(changed, "configuration_sha256"),
        value(first, "configuration_sha256")
    );
    assert_eq!(
        changes(changed),
        [
            "unset checkpoint_copy",
            "was limits connections_per_address",
            "set limits connections_per_address",
            "was limits log_queue",
            "set limits log_queue",
        ]
    );
    assert_eq!(value(changed, "was limits connections_per_address"), "512");
    assert_eq!(value(changed, "set limits connections_per_address"), "256");

    // The difference is to the last start, not to the first one.
    region.stop_index().await;
    region.start_index().await;
    assert!(changes(&starts(&region).await[3]).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_certificate_authority_in_the_same_file_is_told() {
    let mut region = Region::empty().await;
    region.stop_index().await;
    let authorities = region.authority.server().authorities;
    let pem = fs::read_to_string(&authorities).expect("an authority");
    fs::write(&authorities, format!("{pem}\n")).expect("it can be written");
    region.start_index().await;
    let told = &starts(&region).await[1];
    assert_eq!(
        changes(told),
        ["was tls authorities sha256", "set tls authorities sha256"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_regions_configuration_takes_several_entries_once_and_one_at_the_next_start() {
    let mut more = LIMITS.to_owned();
    for number in 0..700 {
        more.push_str(&format!(
            "[[reader]]\nid = \"spiffe://ponte.test/auditor/comune-{number}\"\nscope = \"municipality\"\nmunicipality = \"037032\"\n"
        ));
    }
    let mut region = Region::configured(&more).await;
    let pieces = told(
        &region.entries_in_pages("garante", 100).await,
        EntryKind::ConfigurationChanged,
    );
    assert!(!pieces.is_empty(), "it does not fit one entry");
    region.stop_index().await;
    rewrite(&region, "auditor/comune-699", "auditor/comune-700");
    region.start_index().await;
    let entries = region.entries_in_pages("garante", 100).await;
    assert_eq!(
        told(&entries, EntryKind::ConfigurationChanged).len(),
        pieces.len()
    );
    assert_eq!(
        changes(&told(&entries, EntryKind::ServiceStarted)[1]),
        [
            "unset reader spiffe://ponte.test/auditor/comune-699",
            "set reader spiffe://ponte.test/auditor/comune-700",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn once_the_earlier_entries_can_be_opened_no_more_the_configuration_is_told_again() {
    let mut region = Region::empty().await;
    let first = starts(&region).await.remove(0);
    region.stop_index().await;
    region.clock.advance(DAY * 31 * 26);
    region.authority.renew();
    region.authority.server();
    // At this start the old entry opens still; soon after it its keys are destroyed.
    region.start_index().await;
    until_async("the keys are destroyed", async || {
        let entries = region.entries("garante").await;
        let destroyed = told(&entries, EntryKind::KeysDestroyed);
        (!destroyed.is_empty()).then_some(())
    })
    .await;
    region.stop_index().await;
    region.start_index().await;
    let told = starts(&region).await;
    let last = told.last().expect("a start");
    assert_eq!(value(last, "configuration"), "told again");
    assert_eq!(changes(last), changes(&first));
}
