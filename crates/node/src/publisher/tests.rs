//! The publisher against an index side that is built on the protocol's own intake.

mod fake_index;

use registry::publication::{Epoch, StopReason};
use registry::signing::SigningKey;
use transport::clock::ManualClock;
use transport::random::danger::SeededRandom;

use crate::reconcile::{Mending, ReconcileError, reconcile};

use crate::fixture::{day, export, imola, import_text, no_files, open_store, residents};

use self::fake_index::{FakeIndex, Fault, confirmed_seal};
use super::*;

struct Setting {
    index: FakeIndex,
    storage: Storage,
    handle: PublisherHandle,
    shutdown: Shutdown,
    running: tokio::task::JoinHandle<()>,
}

/// A publisher over a store with this export, and an index that holds nothing.
async fn start(text: &str, fault: Fault) -> Setting {
    let files = no_files();
    let mut store = open_store(&files);
    import_text(&mut store, text);
    let index = FakeIndex::start(imola(), fault).await;
    start_with(Storage::over(files, store), index)
}

fn start_with(storage: Storage, index: FakeIndex) -> Setting {
    let publisher = publisher(storage.clone(), &index);
    let (handle, shutdown) = (publisher.handle(), Shutdown::new());
    let running = tokio::spawn(publisher.run(shutdown.clone()));
    Setting {
        index,
        storage,
        handle,
        shutdown,
        running,
    }
}

fn publisher(storage: Storage, index: &FakeIndex) -> Publisher {
    let noon = day("2025-01-10").and_hms_opt(12, 0, 0).unwrap().and_utc();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(noon));
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(3));
    let connect = index.connect(Arc::clone(&clock), Arc::clone(&random));
    let limits = BatchLimits {
        max_changes: 10,
        max_bytes: 100_000,
    };
    let backoff = Backoff {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(2),
    };
    let key = Arc::new(SigningKey::from_seed(&[9; 32]).unwrap());
    Publisher::new(connect, imola(), key, storage, limits, clock, random).with_backoff(backoff)
}

impl Setting {
    async fn until_equal_at(&self, sequence: u64) -> PublisherStatus {
        self.handle
            .wait_for(|status| status.digest == DigestStatus::Equal { sequence })
            .await
            .unwrap()
    }

    async fn until_stopped(&self) -> String {
        let status = self
            .handle
            .wait_for(|status| matches!(status.link, LinkStatus::Stopped { .. }))
            .await
            .unwrap();
        match status.link {
            LinkStatus::Stopped { error } => error,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn everything_that_was_journalled_arrives_once_and_the_digests_agree() {
    let setting = start(&residents(35), Fault::None).await;
    let status = setting.until_equal_at(35).await;
    assert_eq!(
        (status.acknowledged, status.visible, status.rejected),
        (35, 35, 0)
    );
    assert_eq!(setting.index.accepted(), [(1, 10), (11, 20), (21, 30), (31, 35)]);
    assert_eq!(setting.index.cards(), 35);
    setting.shutdown.trigger();
    setting.running.await.unwrap();
    assert_eq!(setting.handle.status().link, LinkStatus::Ended);
}

#[tokio::test]
async fn a_new_import_is_published_when_the_publisher_is_woken() {
    let setting = start(&residents(5), Fault::None).await;
    setting.until_equal_at(5).await;
    import_text(&mut setting.storage.store(), &residents(8));
    setting.handle.wake();
    setting.until_equal_at(8).await;
    assert_eq!(setting.index.accepted(), [(1, 5), (6, 8)]);
}

#[tokio::test]
async fn a_stream_that_breaks_before_the_acknowledgement_is_resumed_without_gap_or_repetition() {
    let setting = start(&residents(35), Fault::DropAcknowledgementOf(2)).await;
    let status = setting.until_equal_at(35).await;
    assert!(1 < status.sessions);
    assert_eq!(setting.index.accepted(), [(1, 10), (11, 20), (21, 30), (31, 35)]);
}

#[tokio::test]
async fn an_index_that_is_not_available_is_asked_again() {
    let setting = start(&residents(3), Fault::Unavailable(3)).await;
    setting.until_equal_at(3).await;
}

#[tokio::test]
async fn an_index_that_was_restored_gets_what_it_lost() {
    let setting = start(&residents(30), Fault::None).await;
    setting.until_equal_at(30).await;
    setting.index.restore(Epoch([9; 16]), 10);
    let status = setting
        .handle
        .wait_for(|status| 1 < status.sessions && status.acknowledged == 30);
    status.await.unwrap();
    setting.handle.wake();
    assert_eq!(setting.index.watermark_when(30).await, 30);
}

#[tokio::test]
async fn the_newest_acknowledgement_is_shown_at_the_next_opening() {
    let setting = start(&residents(12), Fault::None).await;
    let status = setting.until_equal_at(12).await;
    assert_eq!(status.backed_up, 3);
    setting.index.restore(Epoch([9; 16]), 10);
    setting
        .handle
        .wait_for(|status| 1 < status.sessions)
        .await
        .unwrap();
    assert_eq!(setting.index.claims(), [(0, vec![]), (12, vec![7; 40])]);
}

#[tokio::test]
async fn every_confirmed_seal_of_which_the_index_told_is_shown_at_the_next_opening() {
    let setting = start(&residents(12), Fault::None).await;
    setting.until_equal_at(12).await;
    setting.index.restore(Epoch([9; 16]), 10);
    setting
        .handle
        .wait_for(|status| 1 < status.sessions)
        .await
        .unwrap();
    let told = [10, 12].map(|card| confirmed_seal(card).into());
    assert_eq!(setting.index.shown_seals(), [Vec::new(), told.to_vec()]);
}

#[tokio::test]
async fn a_journal_that_was_restored_and_grew_stops_publishing() {
    let setting = start(&residents(12), Fault::None).await;
    setting.until_equal_at(12).await;
    setting.index.alter_last();
    assert!(
        setting
            .until_stopped()
            .await
            .contains("other content than the journal from change 11 on")
    );
}

#[tokio::test]
async fn a_journal_behind_the_index_stops_publishing_until_a_person_has_looked() {
    let files = no_files();
    let store = open_store(&files);
    let index = FakeIndex::start(imola(), Fault::None).await;
    index.restore(Epoch([1; 16]), 7);
    let setting = start_with(Storage::over(files, store), index);
    assert!(setting.until_stopped().await.contains("the journal only up to 0"));
    import_text(&mut setting.storage.store(), &residents(7));
    setting.handle.wake();
    setting
        .handle
        .wait_for(|status| status.acknowledged == 7)
        .await
        .unwrap();
}

#[tokio::test]
async fn other_content_under_the_same_number_stops_publishing() {
    let setting = start(&residents(3), Fault::Conflict).await;
    assert_eq!(
        setting.until_stopped().await,
        Stop::Protocol(StopReason::Conflict).to_string()
    );
}

#[tokio::test]
async fn what_woke_it_before_it_stopped_does_not_make_it_try_again() {
    let files = no_files();
    let store = open_store(&files);
    let index = FakeIndex::start(imola(), Fault::None).await;
    let publisher = publisher(Storage::over(files, store), &index);
    let (handle, shutdown) = (publisher.handle(), Shutdown::new());
    let stopped = Broken::Stopped(Stop::Protocol(StopReason::Conflict));
    handle.wake();
    let mut pause = std::pin::pin!(publisher.pause(&stopped, 1, &shutdown));
    tokio::select! {
        biased;
        () = &mut pause => panic!("nobody has looked"),
        () = std::future::ready(()) => {}
    }
    handle.wake();
    pause.await;
}

#[tokio::test]
async fn a_card_that_the_index_keeps_aside_is_no_difference() {
    let setting = start(&export(&[("1", &[]), ("2", &[])]), Fault::KeepAside("2")).await;
    setting.until_equal_at(2).await;
    assert_eq!(setting.index.cards(), 1);
    let storage = setting.storage.store();
    let kept: Vec<_> = storage
        .kept_aside()
        .iter()
        .map(|kept| (kept.sequence, kept.local_id.as_str()))
        .collect();
    assert_eq!(kept, [(2, "2")]);
}

#[tokio::test]
async fn cards_that_differ_are_shown_and_published_again_where_that_is_wanted() {
    let setting = start(&export(&[("1", &[]), ("2", &[]), ("3", &[])]), Fault::None).await;
    setting.until_equal_at(3).await;
    setting.index.spoil("1", "99");
    let client = setting.index.client();
    let compare = async |mending| {
        reconcile(&client, imola(), &setting.storage, mending)
            .await
            .unwrap()
    };
    let shown = compare(Mending::ShowOnly).await;
    let differing: Vec<_> = shown
        .differences
        .iter()
        .map(|card| (card.local_id.as_str(), card.difference))
        .collect();
    assert_eq!(differing, [("1", "only-here"), ("99", "only-at-index")]);
    assert_eq!((shown.sequence, shown.published_again), (3, 0));
    assert_eq!(compare(Mending::PublishAgain).await.published_again, 2);
    setting.handle.wake();
    setting.until_equal_at(5).await;
    let healed = compare(Mending::PublishAgain).await;
    assert_eq!((healed.buckets, healed.published_again), (0, 0));
}

#[tokio::test]
async fn changes_under_way_are_not_compared() {
    let setting = start(&residents(2), Fault::None).await;
    setting.until_equal_at(2).await;
    import_text(&mut setting.storage.store(), &residents(3));
    let client = setting.index.client();
    let compared = reconcile(&client, imola(), &setting.storage, Mending::ShowOnly).await;
    assert!(matches!(
        compared,
        Err(ReconcileError::UnderWay { journal_end: 3, .. })
    ));
}

#[tokio::test]
async fn cards_that_differ_are_reported() {
    let setting = start(&export(&[("1", &[]), ("2", &[])]), Fault::ForgetCard).await;
    let status = setting
        .handle
        .wait_for(|status| status.digest != DigestStatus::Unknown)
        .await
        .unwrap();
    assert_eq!(
        status.digest,
        DigestStatus::Different {
            sequence: 2,
            buckets: 1
        }
    );
}
