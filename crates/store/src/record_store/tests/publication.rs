//! Batches: accepted once, repeated harmlessly, refused when they do not follow.

use registry::digest::SetDigest;
use registry::publication::{Epoch, Refusal, Watermark};
use registry::record::Record;

use crate::publisher::{Acknowledged, MunicipalityState, PublishError};
use crate::record_store::{JournaledStore, RecordStore};
use crate::rows::CommitSequence;
use crate::test_support::people::{
    IMOLA, anna, code, giulia, istat, lives_in, local_id, luca, mario, municipality, with,
};
use crate::test_support::permits::Ask;
use crate::test_support::world::{NOW_MS, batch, on_every_engine, rows_of, verified, wait, who_has};

fn state(store: &JournaledStore) -> MunicipalityState {
    store.municipality(municipality(IMOLA)).unwrap()
}

fn digest_of(cards: &[Record]) -> SetDigest {
    let mut digest = SetDigest::new();
    for card in cards {
        digest.add(&card.local_id, &registry::canonical::encode(card));
    }
    digest
}

fn send(
    store: &JournaledStore,
    first: u64,
    changes: Vec<(&str, Option<Record>)>,
) -> Result<Acknowledged, PublishError> {
    wait(store.publish(batch(store, IMOLA, first, changes), NOW_MS))
}

#[test]
fn an_accepted_batch_is_acknowledged_and_then_visible() {
    on_every_engine(|world| {
        let store = world.open();
        assert!(store.municipality(municipality(IMOLA)).is_none());
        let acknowledged = world
            .publish(&store, IMOLA, vec![("1", Some(mario())), ("2", Some(anna()))])
            .unwrap();
        assert_eq!(acknowledged.watermark, Watermark(2));
        assert!(acknowledged.rejections.is_empty());
        let state = state(&store);
        assert_eq!(
            (state.watermark, state.visible, state.records),
            (Watermark(2), Watermark(2), 2)
        );
        assert_eq!(state.digest, digest_of(&[mario(), anna()]));
        assert_eq!(store.visible(), CommitSequence(2));
        assert_eq!(store.received_ms(municipality(IMOLA)), Some(NOW_MS));
        assert_eq!(store.oldest_received_ms(&|_| true), Some(NOW_MS));
        assert_eq!(store.oldest_received_ms(&|_| false), None);
    });
}

#[test]
fn the_same_batch_again_changes_nothing_and_is_acknowledged_again() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario()]);
        world.publish_cards(&store, IMOLA, [anna()]);
        let before = rows_of(&store);
        let again = send(&store, 1, vec![("1", Some(mario()))]).unwrap();
        assert_eq!(again.watermark, Watermark(2));
        assert_eq!(rows_of(&store), before);
        assert_eq!(store.visible(), CommitSequence(2));
    });
}

#[test]
fn a_batch_that_does_not_follow_is_refused_and_leaves_nothing() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), anna()]);
        let before = rows_of(&store);
        let gap = send(&store, 5, vec![("3", Some(luca()))]);
        assert!(matches!(
            gap,
            Err(PublishError::Refused(Refusal::Gap { expected: 3 }))
        ));
        let conflict = send(&store, 1, vec![("1", Some(anna_as_first())), ("2", Some(anna()))]);
        assert!(matches!(
            conflict,
            Err(PublishError::Refused(Refusal::Conflict { sequence: 1 }))
        ));
        let cut_anew = send(&store, 2, vec![("2", Some(anna()))]);
        assert!(matches!(
            cut_anew,
            Err(PublishError::Refused(Refusal::Conflict { sequence: 2 }))
        ));
        let late = batch(&store, IMOLA, 3, vec![("3", Some(luca()))]);
        let late = wait(store.publish(verified(late.batch().clone().sent_again(0)), NOW_MS));
        assert!(matches!(late, Err(PublishError::Refused(Refusal::ClockSkew(_)))));
        assert_eq!(rows_of(&store), before);
        assert_eq!(state(&store).watermark, Watermark(2));
        world.publish_cards(&store, IMOLA, [luca()]);
        assert_eq!(state(&store).watermark, Watermark(3));
    });
}

fn anna_as_first() -> Record {
    with(anna(), |card| card.local_id = local_id("1"))
}

#[test]
fn a_batch_of_another_epoch_is_refused() {
    on_every_engine(|world| {
        let store = world.open();
        let changes = batch(&store, IMOLA, 1, vec![("1", Some(mario()))])
            .batch()
            .clone()
            .into_changes();
        let sent = i64::try_from(NOW_MS).unwrap();
        let foreign =
            registry::publication::Batch::new(mario().municipality, Epoch([0; 16]), 1, changes, sent)
                .unwrap();
        let refused = wait(store.publish(verified(foreign), NOW_MS));
        assert!(matches!(refused, Err(PublishError::Refused(Refusal::WrongEpoch))));
    });
}

#[test]
fn an_update_and_a_removal_keep_the_digest_in_step() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), anna()]);
        let moved = lives_in(mario(), "Emilia", "2020-01-01");
        world.publish_cards(&store, IMOLA, [moved.clone()]);
        assert_eq!(state(&store).digest, digest_of(&[moved.clone(), anna()]));
        world
            .publish(&store, IMOLA, vec![("2", None), ("77", None)])
            .unwrap();
        let state = state(&store);
        assert_eq!((state.records, &state.digest), (1, &digest_of(&[moved])));
        let gone = world.person(&store, Ask::person(), &who_has(code(&anna())));
        assert!(gone.answer.cards.is_empty());
        world.publish_cards(&store, IMOLA, [anna()]);
        let back = world.person(&store, Ask::person(), &who_has(code(&anna())));
        assert_eq!(back.answer.cards.len(), 1);
    });
}

#[test]
fn a_card_too_long_to_serve_is_kept_aside_and_told() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), anna()]);
        let mut long = mario();
        for number in 0..3_000 {
            let from = chrono::NaiveDate::from_num_days_from_ce_opt(700_000 + number).unwrap();
            let residence = long.residences.facts()[0].value.clone();
            long.residences.record(registry::timeline::Dated {
                from: Some(from),
                value: residence,
            });
        }
        let acknowledged = world
            .publish(&store, IMOLA, vec![("1", Some(long)), ("3", Some(luca()))])
            .unwrap();
        assert_eq!(acknowledged.watermark, Watermark(4));
        let told: Vec<_> = acknowledged
            .rejections
            .iter()
            .map(|kept| (kept.sequence, kept.local_id.as_str()))
            .collect();
        assert_eq!(told, [(3, "1")]);
        assert!(registry::finding::rule(&acknowledged.rejections[0].rule).is_some());
        assert_eq!(state(&store).rejections, acknowledged.rejections);
        assert_eq!(state(&store).digest, digest_of(&[mario(), anna(), luca()]));
        drop(store);
        let store = world.open();
        assert_eq!(state(&store).rejections, acknowledged.rejections);
        assert_eq!(state(&store).digest, digest_of(&[mario(), anna(), luca()]));
    });
}

#[test]
fn one_code_on_very_many_cards_stops_nobody() {
    on_every_engine(|world| {
        let store = world.open();
        let crowd: Vec<Record> = (0..2_300)
            .map(|number| with(giulia(), |card| card.local_id = local_id(&format!("c{number}"))))
            .collect();
        for part in crowd.chunks(20) {
            world.publish_cards(&store, IMOLA, part.to_vec());
        }
        assert_eq!(state(&store).records, 2_300);
        drop(store);
        assert_eq!(state(&world.open()).records, 2_300);
    });
}

#[test]
fn a_municipality_goes_on_under_its_new_istat_code() {
    // Two municipalities passed from the province of Pesaro e Urbino to that of Rimini in 2021; this is one of them.
    let (old, new) = ("041033", "099030");
    let under = |code: &str, number: &str| {
        with(giulia(), |card| {
            card.municipality = istat(code);
            card.local_id = local_id(number);
        })
    };
    on_every_engine(|world| {
        let store = world.open();
        let one = wait(store.publish(batch(&store, old, 1, vec![("1", Some(under(old, "1")))]), NOW_MS));
        assert_eq!(one.unwrap().watermark, Watermark(1));
        let both = vec![("1", Some(under(new, "1"))), ("2", Some(under(new, "2")))];
        let two = wait(store.publish(batch(&store, new, 2, both), NOW_MS));
        assert_eq!(two.unwrap().watermark, Watermark(3));
        drop(store);
        let store = world.open();
        assert_eq!(store.municipality(municipality(new)).unwrap().records, 2);
        let three = wait(store.publish(batch(&store, new, 4, vec![("1", None)]), NOW_MS));
        assert_eq!(three.unwrap().watermark, Watermark(4));
    });
}
