//! Following the log is entered in it, at most once a minute for each follower, and does not feed itself.

use std::time::Duration;

use agreement::peer::Role;
use client::auditor::{AccessEntry, AccessFilter, Followed, Follower};
use ledger::header::EntryKind;
use support::agreements::POLICE;
use support::calls::{ground, lookup};
use support::people::mario;
use support::region::{Region, reading};
use support::wait::{until_async, within};

const FOLLOWERS: usize = 10;
const MINUTES: u64 = 60;

/// An access, and its index.
async fn access(region: &Region, purpose: &str) -> u64 {
    let police = region.agency(POLICE);
    let context = ground(POLICE, purpose, police.new_request_id());
    let answer = police.lookup_person(lookup(context, mario().tax_code())).await;
    answer.expect("an answer").receipt.index()
}

/// Waits until a follower has read the log up to an entry, and counts what it was given.
async fn read_past(follower: &mut Follower, index: u64) -> usize {
    let mut given = 0;
    while follower.next_index().is_none_or(|next| next <= index) {
        if let Followed::Entry(_) = within(follower.next()).await.expect("the stream goes on") {
            given += 1;
        }
    }
    given
}

/// Ten followers for an hour in which somebody is looked up every minute; how many entries each was given, and all
/// entries made since.
async fn an_hour(region: &Region, filter: &AccessFilter) -> (Vec<usize>, Vec<AccessEntry>) {
    let start = region.auditor("garante").checkpoint().await.expect("a head");
    let start = start.checkpoint.size;
    let auditor = region.auditor("garante");
    let mut followers: Vec<Follower> = (0..FOLLOWERS)
        .map(|_| auditor.follow_accesses(reading(), filter.clone(), Some(start)))
        .collect();
    let mut given = vec![0; FOLLOWERS];
    for _ in 0..MINUTES {
        region.clock.advance(Duration::from_secs(60));
        let index = access(region, "identification").await;
        for (follower, given) in followers.iter_mut().zip(&mut given) {
            *given += read_past(follower, index).await;
        }
    }
    drop(followers);
    let made = until_async("every follower's end is entered", async || {
        let mut entries = region.entries_in_pages("garante", 1_000).await;
        entries.retain(|entry| start <= entry.index);
        (count(&entries, EntryKind::FollowerClosed) == FOLLOWERS).then_some(entries)
    })
    .await;
    (given, made)
}

fn count(entries: &[AccessEntry], kind: EntryKind) -> usize {
    let of_kind = entries.iter().filter(|entry| entry.header.body.kind == kind);
    of_kind.count()
}

/// How many entries were given to followers, as the log tells.
fn told(entries: &[AccessEntry]) -> usize {
    let items = entries.iter().filter_map(|entry| {
        let kinds = [EntryKind::FollowerTick, EntryKind::FollowerClosed];
        let items = entry.parts.iter().flat_map(|part| &part.items);
        kinds.contains(&entry.header.body.kind).then_some(items)
    });
    items
        .flatten()
        .filter(|(name, _)| name == "entries")
        .map(|(_, number)| number.parse::<usize>().expect("a number"))
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_followers_to_whom_nothing_comes_add_their_opening_and_their_end_in_an_hour() {
    let region = Region::populated().await;
    let nothing = AccessFilter {
        outcome: Some("QUOTA_PER_DAY".to_owned()),
        ..AccessFilter::default()
    };
    let (given, made) = an_hour(&region, &nothing).await;
    assert_eq!(given, [0; FOLLOWERS]);
    assert_eq!(count(&made, EntryKind::FollowerOpened), FOLLOWERS);
    assert_eq!(count(&made, EntryKind::FollowerTick), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_followers_to_whom_something_comes_every_minute_add_no_more_than_one_entry_a_minute_each() {
    let region = Region::populated().await;
    let (given, made) = an_hour(&region, &AccessFilter::default()).await;
    assert_eq!(
        given, [MINUTES as usize; FOLLOWERS],
        "they are given the accesses and nothing of each other"
    );
    let ticks = count(&made, EntryKind::FollowerTick);
    assert!(ticks <= 600, "{ticks} entries");
    assert!(
        300 <= ticks,
        "what they are given is entered as they go: {ticks} entries"
    );
    assert_eq!(
        told(&made),
        FOLLOWERS * MINUTES as usize,
        "all of it is entered, and once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_follower_learns_how_far_the_log_was_read() {
    let region = Region::populated().await;
    let auditor = region.connection(Role::Auditor, "garante");
    let auditor = client::auditor::AuditorClient::new(auditor);
    let size = auditor.checkpoint().await.expect("a head").checkpoint.size;
    let mut follower = auditor.follow_accesses(reading(), AccessFilter::default(), None);
    // The first progress is about the entry of the opening itself.
    let first = within(follower.next()).await.expect("the stream goes on");
    assert!(
        matches!(first, Followed::Progress(next) if size < next),
        "{first:?}"
    );
    region.clock.advance(Duration::from_secs(61));
    let again = within(follower.next()).await.expect("the stream goes on");
    assert_eq!(again, first, "nothing has happened");
}
