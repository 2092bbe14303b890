//! Whatever is interrupted, on either side, publishing goes on from what the index acknowledged.

use std::time::Duration;

use node::publisher::LinkStatus;
use support::people::{DOZZA, IMOLA, Person, crowd, everybody, istat};
use support::region::Region;
use support::wait::within;

/// So many that they take thirty batches.
const CROWD: u32 = 3_000;

/// The index holds each card once, and both sides' digests agree.
async fn held(region: &Region, municipality: &str, cards: u64) {
    let state = region
        .node_client(municipality)
        .get_state(istat(municipality))
        .await
        .expect("a state");
    assert_eq!((state.records, state.rejections), (cards, 0));
    assert_eq!(state.watermark, state.visible);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_goes_on_from_the_watermark_when_the_index_was_away() {
    let mut region = Region::empty().await;
    let people = crowd(IMOLA, CROWD);
    region.municipality(IMOLA).import(&people).await;
    let publisher = region.municipality(IMOLA).node().publisher().clone();
    within(publisher.wait_for(|status| 0 < status.acknowledged))
        .await
        .expect("it publishes");
    region.stop_index().await;
    within(publisher.wait_for(|status| matches!(status.link, LinkStatus::Waiting { .. })))
        .await
        .expect("it waits");
    let before = publisher.status().acknowledged;

    region.start_index().await;
    let watermark = region
        .node_client(IMOLA)
        .get_state(istat(IMOLA))
        .await
        .expect("a state")
        .watermark;
    assert!(
        before <= watermark.0,
        "an acknowledged change is there after the restart"
    );
    publisher.wake();
    let status = region.municipality(IMOLA).published().await;
    assert_eq!(status.acknowledged, u64::from(CROWD));
    held(&region, IMOLA, u64::from(CROWD)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_stopped_in_the_middle_sends_the_rest() {
    let mut region = Region::empty().await;
    let people = crowd(IMOLA, CROWD);
    region.municipality(IMOLA).import(&people).await;
    let publisher = region.municipality(IMOLA).node().publisher().clone();
    within(publisher.wait_for(|status| 0 < status.acknowledged))
        .await
        .expect("it publishes");
    region.municipality(IMOLA).stop().await;
    region.municipality(IMOLA).resume();
    let status = region.municipality(IMOLA).published().await;
    assert_eq!(status.acknowledged, u64::from(CROWD));
    held(&region, IMOLA, u64::from(CROWD)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_export_again_sends_nothing() {
    let mut region = Region::empty().await;
    let people = everybody();
    let first = region.publish(IMOLA, &people).await;
    let cards = people
        .iter()
        .filter(|person| person.municipality == IMOLA)
        .count() as u64;
    assert_eq!(
        (first.created, first.quarantined, first.journal_end),
        (cards, 0, cards)
    );
    let second = region.publish(IMOLA, &people).await;
    assert_eq!(
        (second.unchanged, second.created, second.updated, second.removed),
        (cards, 0, 0, 0)
    );
    assert_eq!(second.journal_end, first.journal_end);
    held(&region, IMOLA, cards).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_the_next_export_no_more_is_withdrawn() {
    let mut region = Region::empty().await;
    region.publish(DOZZA, &crowd(DOZZA, 5)).await;
    let fewer: Vec<Person> = crowd(DOZZA, 4);
    let report = region.publish(DOZZA, &fewer).await;
    assert_eq!((report.removed, report.unchanged), (1, 4));
    held(&region, DOZZA, 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_speaks_for_no_other_municipality() {
    let region = Region::empty().await;
    let refused = region
        .node_client(IMOLA)
        .get_state(istat(DOZZA))
        .await
        .expect_err("a refusal");
    assert_eq!(
        refused.reason(),
        Some(agreement::reason::Reason::ForeignMunicipality)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_clock_is_wrong_is_told_so() {
    let mut region = Region::empty().await;
    let wrong = std::sync::Arc::new(transport::clock::ManualClock::at(transport::clock::Clock::now(
        &*region.clock,
    )));
    wrong.advance(Duration::from_secs(3600));
    let directory = region.directory().join("node-wrong");
    let mut node = support::municipality::Municipality::start(
        &directory,
        IMOLA,
        &region.authority,
        region.address(),
        wrong,
    );
    node.import(&everybody()).await;
    let stopped =
        |status: &node::publisher::PublisherStatus| matches!(status.link, LinkStatus::Stopped { .. });
    let status = within(node.node().publisher().wait_for(stopped))
        .await
        .expect("the node stops publishing");
    let LinkStatus::Stopped { error } = status.link else {
        panic!("it was stopped a moment ago")
    };
    assert!(error.contains("clock"), "the node says why: {error}");
    node.stop().await;
    region.stop().await;
}
