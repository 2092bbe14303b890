//! An index that starts again knows everything, and every projection comes back the same.

use agreement::peer::Role;
use client::agency::AgencyClient;
use ledger::header::EntryKind;
use support::agreements::POLICE;
use support::calls::{ground, lookup};
use support::people::{IMOLA, crowd, mario};
use support::region::Region;
use support::rows;

async fn handle(region: &Region) -> String {
    let police = AgencyClient::new(region.connection(Role::Agency, POLICE.agency));
    let asked = lookup(
        ground(POLICE, "investigation", police.new_request_id()),
        mario().tax_code(),
    );
    police.lookup_person(asked).await.expect("an answer").persons[0]
        .handle
        .clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_records_agreements_handles_and_the_log() {
    let mut region = Region::populated().await;
    let before = handle(&region).await;
    let head = region
        .auditor("garante")
        .checkpoint()
        .await
        .expect("a checkpoint")
        .checkpoint;
    let entries = region.entries("garante").await;

    region.stop_index().await;
    region.start_index().await;
    assert_eq!(handle(&region).await, before, "handles last");
    region
        .auditor("garante")
        .verify_continuation(&head)
        .await
        .expect("the log goes on");
    let again = region.entries("garante").await;
    for (old, new) in entries.iter().zip(&again) {
        assert_eq!(old.header_bytes, new.header_bytes, "entry {}", old.index);
    }
    let kinds: Vec<EntryKind> = again.iter().map(|entry| entry.header.body.kind).collect();
    assert_eq!(
        kinds
            .iter()
            .filter(|kind| **kind == EntryKind::ServiceStarted)
            .count(),
        2
    );
    assert_eq!(
        kinds
            .iter()
            .filter(|kind| **kind == EntryKind::ServiceStopped)
            .count(),
        1
    );
    assert_eq!(
        kinds
            .iter()
            .filter(|kind| **kind == EntryKind::ScopeChanged)
            .count(),
        1,
        "the scopes did not change"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_projection_of_the_index_can_be_deleted_and_comes_back_the_same() {
    let mut region = Region::populated().await;
    region.publish(IMOLA, &crowd(IMOLA, 300)).await;
    region.stop().await;
    let config = region.directory().join("index/index.toml");
    let (kept, _) = rows::of_index(&config);
    let (replayed, report) = rows::of_clean_replay(&config);
    assert!(300 < kept.len() && 0 < report.replayed);
    assert_eq!(kept.len(), replayed.len());
    assert!(kept == replayed, "a clean replay gives other rows");

    // The projection and the hashes of the log are deleted: the index makes them again and serves the same.
    for projection in ["projection", "hashes"] {
        std::fs::remove_dir_all(region.index_data().join(projection)).expect("it can be deleted");
    }
    region.start_index().await;
    region
        .auditor("garante")
        .inclusion_proof(0, None)
        .await
        .expect("the hashes are there again");
    region.stop_index().await;
    assert!(
        rows::of_index(&config).0 == replayed,
        "the rebuilt projection has other rows"
    );
}
