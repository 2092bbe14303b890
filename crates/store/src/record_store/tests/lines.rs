//! Lines of history: what an index that was restored learns from the nodes, once for each loss.

use registry::publication::{Claim, Epoch, Refusal, Verdict, Watermark};
use registry::record::Record;

use crate::publisher::{Acknowledged, NewLine, PublishError, Standing};
use crate::record_store::{JournaledStore, RecordStore};
use crate::test_support::people::{DOZZA, IMOLA, anna, giulia, local_id, luca, mario, municipality, with};
use crate::test_support::world::{Kind, NOW_MS, World, batch, on_every_engine, rows_of, settled, wait};

const MINUTE_MS: u64 = 60_000;

fn standing(store: &JournaledStore) -> Standing {
    store.standing(municipality(IMOLA), NOW_MS + 5)
}

/// What a node keeps of an acknowledgement.
fn claim(store: &JournaledStore, acknowledged: &Acknowledged) -> Claim {
    Claim {
        epoch: standing(store).epoch,
        watermark: acknowledged.watermark,
        proof: acknowledged.proof,
    }
}

fn send(
    store: &JournaledStore,
    first: u64,
    changes: Vec<(&str, Option<Record>)>,
) -> Result<Acknowledged, PublishError> {
    let sent = wait(store.publish(batch(store, IMOLA, first, changes), NOW_MS));
    settled(store, IMOLA);
    sent
}

/// A card that the index keeps aside.
fn too_long(number: &str) -> Record {
    let mut card = with(mario(), |card| card.local_id = local_id(number));
    let residence = card.residences.facts()[0].value.clone();
    for day in 0..4_000 {
        card.residences.record(registry::timeline::Dated {
            from: chrono::NaiveDate::from_num_days_from_ce_opt(700_000 + day),
            value: residence.clone(),
        });
    }
    card
}

fn show(store: &JournaledStore, claim: Claim, epoch: u8) -> Standing {
    let reason = NewLine::Claimed(claim);
    wait(store.begin_line(municipality(IMOLA), Epoch([epoch; 16]), reason, NOW_MS + 5)).unwrap()
}

/// An index that acknowledged two batches and was restored to what it was after the first; the claim to both.
pub(super) fn restored(world: &World) -> (World, Claim) {
    let store = world.open();
    send(&store, 1, vec![("1", Some(mario()))]).unwrap();
    let backup = world.journal.after_kill();
    let second = send(&store, 2, vec![("2", Some(anna())), ("3", Some(luca()))]).unwrap();
    let claim = claim(&store, &second);
    drop(store);
    (world.on(backup).with_fresh_engine(Kind::Memory), claim)
}

#[test]
fn a_proved_loss_begins_one_line_that_lasts_and_takes_what_was_lost() {
    on_every_engine(|world| {
        let (world, claim) = restored(world);
        let store = world.open();
        let before = standing(&store);
        assert_eq!(
            (before.watermark, before.began_ms, before.epoch),
            (Watermark(1), None, claim.epoch)
        );
        assert_eq!(store.judge(municipality(IMOLA), &claim), Verdict::Lost);
        let old = batch(&store, IMOLA, 2, vec![("2", Some(anna()))]);
        let begun = show(&store, claim, 9);
        assert_eq!(
            (begun.epoch, begun.watermark, begun.began_ms, begun.last),
            (Epoch([9; 16]), Watermark(1), Some(NOW_MS + 5), None)
        );
        // A second node that noticed at the same time, and the same one again, find it begun.
        assert_eq!(show(&store, claim, 8), begun);
        assert_eq!(store.judge(municipality(IMOLA), &claim), Verdict::Held);
        assert_eq!(store.epoch(municipality(DOZZA)), before.epoch);
        // What was under way under the old epoch is refused, not applied.
        let refused = wait(store.publish(old, NOW_MS));
        assert!(matches!(refused, Err(PublishError::Refused(Refusal::WrongEpoch))));
        let again = send(&store, 2, vec![("2", Some(anna())), ("3", Some(luca()))]).unwrap();
        assert_eq!(again.watermark, Watermark(3));
        let rows = rows_of(&store);
        drop(store);

        let store = world.open();
        let after = standing(&store);
        assert_eq!(
            (after.epoch, after.watermark, after.began_ms),
            (Epoch([9; 16]), Watermark(3), Some(NOW_MS + 5))
        );
        assert_eq!(after.last.map(|last| last.last_sequence), Some(3));
        assert_eq!(store.judge(municipality(IMOLA), &claim), Verdict::Held);
        assert_eq!(rows_of(&store), rows);
    });
}

#[test]
fn a_line_is_on_the_device_when_it_is_answered() {
    let (world, claim) = restored(&World::new(Kind::Memory));
    let store = world.open();
    show(&store, claim, 9);
    for seed in 0..20 {
        let crashed = world.on(world.journal.crash_image(seed));
        assert_eq!(standing(&crashed.open()).epoch, Epoch([9; 16]), "{seed}");
    }
}

#[test]
fn what_proves_nothing_begins_nothing() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    let acknowledged = send(&store, 1, vec![("1", Some(mario()))]).unwrap();
    let real = claim(&store, &acknowledged);
    let more = Claim {
        watermark: Watermark(2),
        ..real
    };
    let never = Claim {
        epoch: Epoch([7; 16]),
        ..real
    };
    for (claim, verdict) in [
        (real, Verdict::Held),
        (more, Verdict::Unproved),
        (never, Verdict::Unproved),
    ] {
        assert_eq!(store.judge(municipality(IMOLA), &claim), verdict);
        assert_eq!(show(&store, claim, 9), standing(&store));
    }
    assert_eq!(standing(&store).epoch, real.epoch);
}

#[test]
fn an_index_whose_journal_was_emptied_begins_a_line_and_takes_everything_again() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    let acknowledged = send(&store, 1, vec![("1", Some(mario()))]).unwrap();
    let claim = claim(&store, &acknowledged);
    drop(store);
    let world = world
        .on(crate::files::faulty::FaultyFiles::default())
        .with_fresh_engine(Kind::Memory);
    let store = world.open();
    assert_ne!(standing(&store).epoch, claim.epoch);
    assert_eq!(store.received_ms(municipality(IMOLA)), None);
    let begun = show(&store, claim, 9);
    assert_eq!((begun.epoch, begun.watermark), (Epoch([9; 16]), Watermark(0)));
    assert_eq!(show(&store, claim, 8), begun);
    // The line began, and yet nothing was ever received.
    assert_eq!(store.received_ms(municipality(IMOLA)), None);
    assert_eq!(store.oldest_received_ms(&|_| true), None);
    let again = send(&store, 1, vec![("1", Some(mario()))]).unwrap();
    assert_eq!(again.watermark, Watermark(1));
}

#[test]
fn an_accepted_shorter_journal_goes_on_behind_its_end_and_keeps_what_is_served() {
    on_every_engine(|world| {
        let store = world.open();
        send(
            &store,
            1,
            vec![
                ("1", Some(mario())),
                ("2", Some(anna())),
                ("9", Some(too_long("9"))),
                ("3", Some(luca())),
            ],
        )
        .unwrap();
        let accept = |end, epoch| {
            let reason = NewLine::ShorterJournal(Watermark(end));
            wait(store.begin_line(municipality(IMOLA), Epoch([epoch; 16]), reason, NOW_MS + 5)).unwrap()
        };
        assert_eq!(accept(5, 9), standing(&store));
        let begun = accept(2, 9);
        assert_eq!((begun.epoch, begun.watermark), (Epoch([9; 16]), Watermark(2)));
        let state = store.municipality(municipality(IMOLA)).unwrap();
        assert_eq!((state.visible, state.records), (Watermark(2), 3));
        assert!(
            state.rejections.is_empty(),
            "change 3 bears a number of the old line"
        );
        let next = send(&store, 3, vec![("4", Some(giulia()))]).unwrap();
        assert_eq!(next.watermark, Watermark(3));
        let (rows, digest) = (
            rows_of(&store),
            store.municipality(municipality(IMOLA)).unwrap().digest,
        );
        drop(store);
        let fresh = world.with_fresh_engine(Kind::Memory);
        let store = fresh.open();
        assert_eq!(rows_of(&store), rows);
        let state = store.municipality(municipality(IMOLA)).unwrap();
        assert_eq!(
            (state.watermark, state.records, state.digest),
            (Watermark(3), 4, digest)
        );
    });
}

#[test]
fn a_declared_backup_is_told_with_every_acknowledgement_and_survives_a_restart() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    let first = send(&store, 1, vec![("1", Some(mario()))]).unwrap();
    assert_eq!(first.backed_up, Watermark(0));
    let later = batch(&store, IMOLA, 2, vec![("2", Some(anna()))]);
    wait(store.publish(later, NOW_MS + 2 * MINUTE_MS)).unwrap();
    wait(store.backed_up(NOW_MS + MINUTE_MS)).unwrap();
    let third = send(&store, 3, vec![("3", Some(luca()))]).unwrap();
    assert_eq!(third.backed_up, Watermark(1));
    // An older backup does not make the newer one go away.
    wait(store.backed_up(NOW_MS - MINUTE_MS)).unwrap();
    drop(store);
    let store = world.open();
    assert_eq!(standing(&store).backed_up, Watermark(1));
    // Of a shorter journal's numbers nothing is backed up beyond its end.
    let reason = NewLine::ShorterJournal(Watermark(0));
    let begun = wait(store.begin_line(municipality(IMOLA), Epoch([9; 16]), reason, NOW_MS)).unwrap();
    assert_eq!(begun.backed_up, Watermark(0));
}
