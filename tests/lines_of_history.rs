//! What becomes of publication when a side loses what it had: restored and emptied indexes, lost and restored nodes;
//! and what a node is told of a batch that does not fit, over the real wire.

use std::path::Path;
use std::time::Duration;

use agreement::peer::Role;
use agreement::reason::Reason;
use client::directory::DirectoryClient;
use client::error::ClientError;
use client::node::{NodeClient, Opened, Opening, Publication};
use client::page::PageRequest;
use ledger::header::EntryKind;
use node::publisher::LinkStatus;
use node::reconcile::Mending;
use registry::change::{Change, ChangeBody};
use registry::date::PartialDate;
use registry::publication::{AcknowledgementProof, Batch, Claim, Epoch, SignedBatch, Watermark};
use support::agreements::POLICE;
use support::calls::{ground, lookup};
use support::municipality::{PUBLICATION_SEED, signing_key};
use support::people::{CASTEL_SAN_PIETRO, DOZZA, IMOLA, Person, crowd, istat, mario};
use support::region::{Region, act};
use support::wait::{until_async, within};
use transport::clock::Clock;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

fn put_back(backup: &Path, place: &Path) {
    std::fs::remove_dir_all(place).expect("the directory is there");
    copy(backup, place);
}

async fn state(region: &Region, municipality: &str) -> client::node::MunicipalityState {
    let node = region.node_client(municipality);
    node.get_state(istat(municipality)).await.expect("a state")
}

fn directory(region: &Region) -> DirectoryClient {
    DirectoryClient::new(region.connection(Role::Admin, "regione"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_index_begins_a_new_line_and_gets_back_what_it_lost() {
    let mut region = Region::empty().await;
    region.publish(IMOLA, &crowd(IMOLA, 150)).await;
    region.publish(DOZZA, &crowd(DOZZA, 20)).await;
    let before = state(&region, IMOLA).await;
    region.stop_index().await;
    let backup = region.directory().join("backup");
    copy(&region.index_data().join("journal"), &backup);
    region.start_index().await;
    region.publish(IMOLA, &crowd(IMOLA, 260)).await;

    region.stop_index().await;
    put_back(&backup, &region.index_data().join("journal"));
    region.start_index().await;
    region.municipality(IMOLA).node().publisher().wake();
    region.municipality(DOZZA).node().publisher().wake();
    let again = until_async("what was lost is there again", || async {
        let state = state(&region, IMOLA).await;
        (state.records == 260 && state.epoch != before.epoch).then_some(state)
    })
    .await;
    assert_eq!((again.watermark.0, again.visible.0), (260, 260));
    assert!(again.began_ms.is_some());
    region.municipality(IMOLA).published().await;
    // Nothing of the other municipality was lost: its line goes on.
    let dozza = state(&region, DOZZA).await;
    assert_eq!((dozza.records, dozza.began_ms), (20, None));
    let auditor = region.entries("garante").await;
    assert!(
        auditor
            .iter()
            .any(|entry| entry.header.body.kind == EntryKind::Publication)
    );
    region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_index_gets_everything_again() {
    let mut region = Region::empty().await;
    region.publish(IMOLA, &crowd(IMOLA, 120)).await;
    let before = state(&region, IMOLA).await;
    region.stop_index().await;
    std::fs::remove_dir_all(region.index_data().join("journal")).expect("a journal");
    std::fs::remove_dir_all(region.index_data().join("projection")).expect("an engine");
    region.start_index().await;
    region.municipality(IMOLA).node().publisher().wake();
    let again = until_async("everything is there again", || async {
        let state = state(&region, IMOLA).await;
        (state.records == 120).then_some(state)
    })
    .await;
    assert_ne!(again.epoch, before.epoch);
    region.municipality(IMOLA).published().await;
    region.stop().await;
}

/// What an agency is told of somebody who is registered in Imola.
async fn asked(region: &Region) -> Option<Reason> {
    let agency = region.agency(POLICE);
    let context = ground(POLICE, "investigation", agency.new_request_id());
    let answer = agency.lookup_person(lookup(context, mario().tax_code())).await;
    answer
        .err()
        .map(|error| error.reason().expect("a refusal with a reason"))
}

/// Two municipalities; the index loses everything, and only the first is there to notice.
async fn emptied_without_dozza() -> Region {
    let mut region = Region::empty().await;
    region.activate(POLICE).await;
    region.publish(IMOLA, &[mario()]).await;
    region.publish(DOZZA, &crowd(DOZZA, 20)).await;
    // It has nothing to publish yet; it is heard all the same.
    region.municipality(CASTEL_SAN_PIETRO);
    assert_eq!(asked(&region).await, None);
    region.stop_index().await;
    region.municipality(DOZZA).stop().await;
    for place in ["journal", "projection"] {
        std::fs::remove_dir_all(region.index_data().join(place)).expect("it is there");
    }
    region.start_index().await;
    region.municipality(IMOLA).node().publisher().wake();
    until_async("Imola is there again", || async {
        (state(&region, IMOLA).await.records == 1).then_some(())
    })
    .await;
    region
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_loss_no_agency_is_answered_until_every_municipality_has_sent_what_was_lost() {
    let mut region = emptied_without_dozza().await;
    assert_eq!(asked(&region).await, Some(Reason::IndexRestoring));
    region.stop_index().await;
    region.start_index().await;
    region.municipality(IMOLA).node().publisher().wake();
    assert_eq!(
        asked(&region).await,
        Some(Reason::IndexRestoring),
        "also after a restart"
    );
    region.municipality(DOZZA).resume();
    until_async("agencies are answered", || async {
        asked(&region).await.is_none().then_some(())
    })
    .await;
    assert_eq!(state(&region, DOZZA).await.records, 20);
    region.stop_index().await;
    region.start_index().await;
    assert_eq!(asked(&region).await, None, "the restoration is over");
    let entries = region.entries("garante").await;
    let refused = entries
        .iter()
        .filter(|entry| entry.header.body.outcome.reason == Reason::IndexRestoring.name())
        .count();
    assert!(2 <= refused, "each refusal is an entry");
    region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_may_go_on_without_a_municipality_that_does_not_come() {
    let mut region = emptied_without_dozza().await;
    assert_eq!(asked(&region).await, Some(Reason::IndexRestoring));
    let refused = DirectoryClient::new(region.connection(Role::Auditor, "garante"));
    let refused = refused.reopen(&act()).await.expect_err("only administrators");
    assert_eq!(refused.reason(), Some(Reason::RoleNotAllowed));
    let without = directory(&region).reopen(&act()).await.expect("it is ordered");
    assert!(without.contains(&istat(DOZZA)) && !without.contains(&istat(IMOLA)));
    assert_eq!(asked(&region).await, None);
    let nothing = directory(&region).reopen(&act()).await.expect("it is over");
    assert!(nothing.is_empty());
    region.stop_index().await;
    region.start_index().await;
    assert_eq!(asked(&region).await, None);
    region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_node_goes_on_after_the_administrator_accepts_its_journal_and_its_cards_are_reconciled() {
    let mut region = Region::empty().await;
    region.publish(IMOLA, &crowd(IMOLA, 30)).await;
    region.municipality(IMOLA).stop().await;
    let data = region.municipality(IMOLA).directory().join("data");
    let backup = region.directory().join("node-backup");
    copy(&data, &backup);
    region.municipality(IMOLA).resume();
    region.publish(IMOLA, &crowd(IMOLA, 50)).await;
    region.municipality(IMOLA).stop().await;
    put_back(&backup, &data);
    region.municipality(IMOLA).resume();
    let publisher = region.municipality(IMOLA).node().publisher().clone();
    let stopped =
        |status: &node::publisher::PublisherStatus| matches!(status.link, LinkStatus::Stopped { .. });
    within(publisher.wait_for(stopped)).await.expect("it stops");

    let refused = DirectoryClient::new(region.connection(Role::Auditor, "garante"));
    let refused = refused.accept_journal(istat(IMOLA), 30, &act()).await;
    assert_eq!(
        refused.expect_err("only administrators").reason(),
        Some(Reason::RoleNotAllowed)
    );
    let nothing = directory(&region).accept_journal(istat(IMOLA), 51, &act()).await;
    assert!(!nothing.expect("an answer").begun);
    let accepted = directory(&region).accept_journal(istat(IMOLA), 30, &act()).await;
    let accepted = accepted.expect("it is accepted");
    assert_eq!((accepted.watermark, accepted.begun), (Watermark(30), true));

    // What the office exports today: one card that the lost journal had is gone for good.
    publisher.wake();
    let today: Vec<Person> = crowd(IMOLA, 49);
    region.municipality(IMOLA).import(&today).await;
    let node = region.municipality(IMOLA).node().clone();
    let end = Watermark(node.status().await.expect("a status").journal_end);
    until_async("the import is visible", || async {
        (state(&region, IMOLA).await.visible == end).then_some(())
    })
    .await;
    let shown = node.reconcile(Mending::ShowOnly).await.expect("a report");
    let stranger = crowd(IMOLA, 50).pop().expect("a person").local_id;
    let differing: Vec<(&str, &str)> = shown
        .differences
        .iter()
        .map(|card| (card.local_id.as_str(), card.difference))
        .collect();
    assert_eq!(differing, [(stranger.as_str(), "only-at-index")]);
    let mended = node.reconcile(Mending::PublishAgain).await.expect("a report");
    assert_eq!(mended.published_again, 1);
    region.municipality(IMOLA).published().await;
    assert_eq!(state(&region, IMOLA).await.records, 49);
    region.stop().await;
}

/// A node by hand: what it sends is what the test says.
struct ByHand {
    client: NodeClient,
    stream: Publication,
    opened: Opened,
    now_ms: i64,
}

impl ByHand {
    async fn open(region: &Region, claim: Option<Claim>) -> Self {
        let client = region.node_client(IMOLA);
        let opening = Opening {
            municipality: istat(IMOLA),
            epoch: claim.map(|claim| claim.epoch),
            claim,
            journal_end: 0,
            confirmed_seals: Vec::new(),
        };
        let (stream, opened) = client.open_publication(opening).await.expect("it opens");
        Self {
            client,
            stream,
            opened,
            now_ms: region.clock.now().timestamp_millis(),
        }
    }

    fn batch(&self, municipality: &str, first: u64, people: &[Person]) -> Batch {
        let changes = (first..)
            .zip(people)
            .map(|(sequence, person)| {
                let mut card = person.card();
                card.municipality = istat(municipality);
                Change {
                    sequence,
                    local_id: card.local_id.clone(),
                    body: ChangeBody::Upsert(Box::new(card)),
                    events: Vec::new(),
                }
            })
            .collect();
        Batch::new(
            istat(municipality),
            self.opened.epoch,
            first,
            changes,
            self.now_ms,
        )
        .expect("a batch")
    }

    async fn send(&mut self, batch: Batch) -> Result<client::node::Acknowledged, ClientError> {
        let signed = SignedBatch::sign(batch, &signing_key(PUBLICATION_SEED));
        self.stream.send(&signed).await?;
        Ok(self.stream.receive().await?.expect("an answer"))
    }
}

/// A refused batch ends its stream and is an entry of the access log.
async fn check_refused(region: &Region, batch: impl Fn(&ByHand) -> Batch, reason: Reason, code: i32) {
    let mut node = ByHand::open(region, None).await;
    let batch = batch(&node);
    let watermark = node
        .client
        .get_state(istat(IMOLA))
        .await
        .expect("a state")
        .watermark;
    let refused = node.send(batch).await.expect_err("a refusal");
    assert_eq!(refused.reason(), Some(reason));
    assert_eq!(reason.grpc().number(), code);
    let after = node
        .client
        .get_state(istat(IMOLA))
        .await
        .expect("a state")
        .watermark;
    assert_eq!(after, watermark, "nothing of it was taken");
    let entries = region.entries("garante").await;
    let entered = entries.iter().any(|entry| {
        let body = &entry.header.body;
        body.kind == EntryKind::Publication && body.outcome.reason == reason.name()
    });
    assert!(entered, "{reason:?} is in the access log");
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_do_not_fit_get_the_promised_statuses_and_change_nothing() {
    let region = Region::empty().await;
    let people = crowd(IMOLA, 6);
    let mut node = ByHand::open(&region, None).await;
    let first = node
        .send(node.batch(IMOLA, 1, &people[..2]))
        .await
        .expect("it is taken");
    assert_eq!((first.watermark, first.rejections.len()), (Watermark(2), 0));
    // The same again: the original acknowledgement, applied once.
    let again = node
        .send(node.batch(IMOLA, 1, &people[..2]))
        .await
        .expect("it is taken");
    assert_eq!(again.watermark, Watermark(2));
    assert!(first.proof.is_some() && first.backed_up == Watermark(0));

    let conflict = |node: &ByHand| node.batch(IMOLA, 1, &people[2..4]);
    check_refused(&region, conflict, Reason::PublicationConflict, 10).await;
    let gap = |node: &ByHand| node.batch(IMOLA, 4, &people[..1]);
    check_refused(&region, gap, Reason::PublicationGap, 9).await;
    let foreign = |node: &ByHand| node.batch(DOZZA, 3, &people[..1]);
    check_refused(&region, foreign, Reason::ForeignMunicipality, 7).await;
    let other_epoch = |node: &ByHand| {
        let changes = node.batch(IMOLA, 3, &people[2..3]).into_changes();
        Batch::new(istat(IMOLA), Epoch([9; 16]), 3, changes, node.now_ms).expect("a batch")
    };
    check_refused(&region, other_epoch, Reason::IndexRestored, 9).await;
    for skew in [600_001, -600_001] {
        let late = |node: &ByHand| node.batch(IMOLA, 3, &people[2..3]).sent_again(node.now_ms + skew);
        check_refused(
            &region,
            late,
            Reason::ClockSkew,
            Reason::ClockSkew.grpc().number(),
        )
        .await;
    }
    let state = state(&region, IMOLA).await;
    assert_eq!((state.watermark, state.records), (Watermark(2), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_card_is_kept_aside_and_the_others_are_taken() {
    let region = Region::empty().await;
    let people = crowd(IMOLA, 3);
    let mut node = ByHand::open(&region, None).await;
    let good = node.batch(IMOLA, 1, &people);
    let mut changes = good.into_changes();
    if let ChangeBody::Upsert(card) = &mut changes[1].body {
        card.generalities.birth_date = PartialDate::parse("2199-01-01").expect("a date");
    }
    let batch = Batch::new(istat(IMOLA), node.opened.epoch, 1, changes, node.now_ms).expect("a batch");
    let acknowledged = node.send(batch).await.expect("it is taken");
    assert_eq!(acknowledged.watermark, Watermark(3));
    let kept: Vec<u64> = acknowledged.rejections.iter().map(|kept| kept.sequence).collect();
    assert_eq!(kept, [2]);
    let first = PageRequest::default();
    let listed = node.client.list_rejections(istat(IMOLA), &first);
    assert_eq!(listed.await.expect("a list").items, acknowledged.rejections);
    let state = until_async("the others are visible", || async {
        let state = state(&region, IMOLA).await;
        (state.visible == Watermark(3)).then_some(state)
    })
    .await;
    assert_eq!((state.records, state.rejections), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liar_ends_no_line() {
    let region = Region::empty().await;
    let mut node = ByHand::open(&region, None).await;
    let taken = node
        .send(node.batch(IMOLA, 1, &crowd(IMOLA, 2)))
        .await
        .expect("it is taken");
    let real = Claim {
        epoch: node.opened.epoch,
        watermark: taken.watermark,
        proof: taken.proof.expect("a proof"),
    };
    let more = Claim {
        watermark: Watermark(900),
        ..real
    };
    let invented = Claim {
        epoch: Epoch([3; 16]),
        proof: AcknowledgementProof::from_bytes([5; 40]),
        ..real
    };
    for claim in [real, more, invented] {
        let opened = ByHand::open(&region, Some(claim)).await.opened;
        assert_eq!((opened.epoch, opened.watermark), (real.epoch, Watermark(2)));
        assert_eq!(opened.last_batch.map(|last| last.last_sequence), Some(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_backup_reaches_the_nodes() {
    let mut region = Region::empty().await;
    region.publish(IMOLA, &crowd(IMOLA, 4)).await;
    let future = region.clock.now_ms() as i64 + 1;
    let refused = directory(&region).declare_backup(future, &act()).await;
    assert_eq!(
        refused.expect_err("a refusal").reason(),
        Some(Reason::InvalidArgument)
    );
    region.clock.advance(Duration::from_secs(120));
    let now = region.clock.now_ms() as i64;
    directory(&region)
        .declare_backup(now, &act())
        .await
        .expect("it is noted");
    assert_eq!(state(&region, IMOLA).await.backed_up, Watermark(4));
    region.publish(IMOLA, &crowd(IMOLA, 5)).await;
    let status = region.municipality(IMOLA).node().publisher().status();
    assert_eq!(status.backed_up, 4);
    // Nothing of a node's journal is ever deleted: what lies above the backup is there, and what lies below too.
    assert_eq!(
        region
            .municipality(IMOLA)
            .node()
            .status()
            .await
            .expect("a status")
            .journal_end,
        5
    );
    region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_waits_for_fresh_data_and_says_when_they_are_not() {
    let limits =
        "[limits]\ncache_mib = 8\nsync_interval_seconds = 1\nsegment_mib = 4\ndeadline_seconds = 2\n";
    let mut region = Region::configured(limits).await;
    region.activate(POLICE).await;
    region.publish(IMOLA, &support::people::everybody()).await;
    let police = region.agency(POLICE);
    let asked = |since| {
        let mut context = ground(POLICE, "investigation", police.new_request_id());
        context.min_fresh_since = Some(since);
        let mut asked = lookup(context, mario().tax_code());
        asked.municipality = Some(istat(IMOLA));
        asked
    };
    let old = region.clock.now() - chrono::TimeDelta::seconds(60);
    let answer = police.lookup_person(asked(old)).await.expect("an answer");
    assert_eq!(answer.fresh_enough, Some(true));
    region.clock.advance(Duration::from_secs(3_600));
    let now = region.clock.now();

    // It waits until the node has confirmed its cards, which an export without changes does as well.
    let waiting = {
        let (police, asked) = (police.clone(), asked(now));
        tokio::spawn(async move { police.lookup_person(asked).await })
    };
    region.publish(IMOLA, &support::people::everybody()).await;
    let answer = within(waiting).await.expect("it ends").expect("an answer");
    assert_eq!(answer.fresh_enough, Some(true));

    // And it answers with what there is when nothing comes in time.
    region.clock.advance(Duration::from_secs(3_600));
    let late = region.clock.now();
    let answer = within(police.lookup_person(asked(late)))
        .await
        .expect("an answer");
    assert_eq!(answer.fresh_enough, Some(false));
    let mut nobody = asked(late);
    nobody.key = client::agency::PersonKey::TaxCode(support::people::nobody());
    match within(police.lookup_person(nobody)).await {
        Err(ClientError::Refused(refusal)) => assert_eq!(
            (refusal.reason, refusal.fresh_enough),
            (Some(Reason::NotFound), Some(false))
        ),
        other => panic!("{other:?}"),
    }
    region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_municipalities_are_shown_to_whoever_may_see_them() {
    let mut region = Region::empty().await;
    region.publish(IMOLA, &crowd(IMOLA, 2)).await;
    let stale = async |region: &Region| {
        let page = directory(region)
            .list_municipalities(&PageRequest::default())
            .await;
        let rows = page.expect("a list").items;
        let row = rows
            .into_iter()
            .find(|row| row.istat == istat(IMOLA))
            .expect("Imola");
        (row.stale, row.alarm_after)
    };
    let limit = Some(Duration::from_hours(48));
    assert_eq!(stale(&region).await, (false, limit));
    region.clock.advance(Duration::from_hours(49));
    assert_eq!(stale(&region).await, (true, limit));
    region.publish(IMOLA, &crowd(IMOLA, 2)).await;
    until_async("an export without changes confirms the data", || async {
        (stale(&region).await == (false, limit)).then_some(())
    })
    .await;
    region.stop().await;
}
