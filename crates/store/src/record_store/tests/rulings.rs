//! What a node may not do alone, and what persons order about it.

use agreement::view::person::Fact;
use registry::code::{AprCancellationReason, CancellationReason, Kinship};
use registry::digest::SetDigest;
use registry::municipality::MunicipalityId;
use registry::publication::{Allowance, DailyLimits, Epoch, HoldReason};
use registry::record::{Cancellation, Death, Record};
use registry::signing::SigningKey;
use registry::statement::{Act, RegistrarId, Statement, VerifiedStatement};

use crate::publisher::NewLine;
use crate::publisher::held::Holdings;
use crate::publisher::order::{Done, Order, OrderError};
use crate::record_store::answer::{PersonCard, VersionStanding};
use crate::record_store::{JournaledStore, RecordStore};
use crate::rows::CommitSequence;
use crate::test_support::people::{
    DOZZA, IMOLA, anna, arrived, code, day, giulia, istat, joined, local_id, luca, mario, municipality,
    national_id, with,
};
use crate::test_support::permits::Ask;
use crate::test_support::world::{
    Kind, NOW_MS, World, batch, on_every_engine, rows_of, verified, wait, who_has,
};

pub(super) const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// A world in which a day admits so many changes of each kind.
pub(super) fn strict(kind: Kind, at_least: u32) -> World {
    let allowance = Allowance {
        at_least,
        per_mille: 0,
    };
    let mut world = World::new(kind);
    world.daily_limits = DailyLimits {
        departures: allowance,
        identifiers: allowance,
        arrivals: allowance,
    };
    world
}

fn dead(card: Record) -> Record {
    with(card, |card| {
        card.death = Some(Death {
            date: day("2026-02-28"),
            place: None,
        });
        card.cancellation = Some(Cancellation {
            reason: CancellationReason::Apr(AprCancellationReason::Death),
            effective: day("2026-03-01"),
            destination: None,
        });
    })
}

/// Publishes at an instant under the next numbers.
pub(super) fn publish_at(store: &JournaledStore, now_ms: u64, cards: Vec<Record>) {
    let code = cards[0].municipality;
    let state = store.municipality(MunicipalityId::of_any(code).unwrap());
    let first = state.map_or(1, |state| state.watermark.0 + 1);
    let numbers: Vec<String> = cards
        .iter()
        .map(|card| card.local_id.as_str().to_owned())
        .collect();
    let changes = numbers
        .iter()
        .map(String::as_str)
        .zip(cards.into_iter().map(Some));
    let sent = batch(store, code.as_str(), first, changes.collect())
        .batch()
        .clone()
        .sent_again(i64::try_from(now_ms).unwrap());
    wait(store.publish(verified(sent), now_ms)).unwrap();
    // The writer takes work in turn: an order that concerns nothing is answered behind the rows.
    wait(store.order(lift(u64::MAX), now_ms)).unwrap_err();
}

pub(super) fn holdings(store: &JournaledStore) -> Holdings {
    store.municipality(municipality(IMOLA)).unwrap().holdings
}

fn reasons(store: &JournaledStore) -> Vec<(String, HoldReason)> {
    let holdings = holdings(store);
    let held = holdings.held().into_iter();
    held.map(|held| (held.local_id.to_string(), held.reason))
        .collect()
}

pub(super) fn lift(quarantine: u64) -> Order {
    Order::Lift {
        municipality: municipality(IMOLA),
        quarantine: CommitSequence(quarantine),
        reference: "PROT. 2".to_owned(),
    }
}

pub(super) fn quarantine(from_ms: u64, to_ms: u64) -> Order {
    Order::Quarantine {
        municipality: municipality(IMOLA),
        from_ms,
        to_ms,
        reference: "PROT. 1".to_owned(),
    }
}

fn stated(store: &JournaledStore, act: Act) -> VerifiedStatement {
    let holdings = holdings(store);
    let key = SigningKey::from_seed(&[6; 32]).unwrap();
    let statement = Statement {
        act,
        municipality: istat(IMOLA),
        epoch: store.epoch(municipality(IMOLA)),
        changes: u32::try_from(holdings.held().len()).unwrap(),
        digest: holdings.digest(),
    };
    let signed = statement.sign(RegistrarId::parse("g.neri").unwrap(), &key);
    signed.verify(&key.verifying_key()).unwrap()
}

fn confirm(store: &JournaledStore, act: Act) -> Result<Done, OrderError> {
    let statement = stated(store, act);
    wait(store.order(
        Order::Confirm {
            municipality: municipality(IMOLA),
            statement,
        },
        NOW_MS + DAY_MS,
    ))
}

/// What is told of each card of a person: whether somebody lives there today, and whether it is the last word.
fn told(world: &World, store: &JournaledStore, card: &Record) -> Vec<(bool, VersionStanding)> {
    let told = world.person(store, Ask::person(), &who_has(code(card)));
    let fact = |card: &PersonCard| {
        let residence = card.view.residence.as_ref().and_then(Fact::held);
        (residence.is_some(), card.version)
    };
    told.answer.cards.iter().map(fact).collect()
}

const ALIVE: (bool, VersionStanding) = (true, VersionStanding::Latest);
const DEAD: (bool, VersionStanding) = (false, VersionStanding::Latest);

/// A journal opened again, with its engine and with a fresh one, holds the same.
fn comes_back_the_same(world: &World, store: JournaledStore) {
    let (rows, kept) = (rows_of(&store), store.municipality(municipality(IMOLA)).unwrap());
    store.close();
    drop(store);
    for again in [
        world.on(world.journal.after_kill()),
        world.with_fresh_engine(Kind::Memory),
    ] {
        let store = again.open();
        assert_eq!(rows_of(&store), rows);
        let state = store.municipality(municipality(IMOLA)).unwrap();
        assert_eq!(state.holdings, kept.holdings);
        assert_eq!((state.digest, state.records), (kept.digest.clone(), kept.records));
    }
}

#[test]
fn deaths_beyond_the_limit_of_a_day_wait_and_the_cards_are_served_as_they_were() {
    for kind in [Kind::Memory, Kind::Sled] {
        let world = strict(kind, 1);
        let store = world.open();
        publish_at(&store, NOW_MS, vec![mario(), anna(), giulia()]);
        publish_at(&store, NOW_MS, vec![dead(mario()), dead(anna()), dead(giulia())]);
        assert_eq!(told(&world, &store, &mario()), [DEAD]);
        assert_eq!(told(&world, &store, &anna()), [ALIVE]);
        assert_eq!(told(&world, &store, &giulia()), [ALIVE]);
        let departures = |id: &str| (id.to_owned(), HoldReason::Departures);
        assert_eq!(reasons(&store), [departures("2"), departures("4")]);
        // Sent again on the next day, which has room, it does not slip through.
        publish_at(&store, NOW_MS + DAY_MS, vec![dead(anna())]);
        assert_eq!(told(&world, &store, &anna()), [ALIVE]);
        assert_eq!(reasons(&store), [departures("4"), departures("2")]);
        comes_back_the_same(&world, store);
    }
}

#[test]
fn the_digest_is_that_of_the_node_whatever_waits() {
    let world = strict(Kind::Memory, 0);
    let store = world.open();
    publish_at(&store, NOW_MS, vec![mario(), anna()]);
    publish_at(&store, NOW_MS, vec![dead(mario())]);
    let mut mirror = SetDigest::new();
    for card in [dead(mario()), anna()] {
        mirror.add(&card.local_id, &registry::canonical::encode(&card));
    }
    let state = store.municipality(municipality(IMOLA)).unwrap();
    assert_eq!((state.digest, state.records), (mirror.clone(), 2));
    confirm(&store, Act::Release).unwrap();
    let state = store.municipality(municipality(IMOLA)).unwrap();
    assert_eq!((state.digest, state.records), (mirror, 2));
    comes_back_the_same(&world, store);
}

#[test]
fn what_a_registrar_confirms_is_served_and_what_he_rejects_is_not() {
    for (act, expected) in [(Act::Release, DEAD), (Act::Reject, ALIVE)] {
        let world = strict(Kind::Memory, 0);
        let store = world.open();
        publish_at(&store, NOW_MS, vec![mario(), anna()]);
        publish_at(&store, NOW_MS, vec![dead(mario())]);
        assert_eq!(told(&world, &store, &mario()), [ALIVE]);
        confirm(&store, act).unwrap();
        assert_eq!(told(&world, &store, &mario()), [expected]);
        assert!(reasons(&store).is_empty());
        assert!(matches!(confirm(&store, act), Err(OrderError::Nothing)));
        comes_back_the_same(&world, store);
    }
}

#[test]
fn a_statement_about_what_was_shown_does_not_release_what_came_later() {
    let world = strict(Kind::Memory, 0);
    let store = world.open();
    publish_at(&store, NOW_MS, vec![mario(), anna()]);
    publish_at(&store, NOW_MS, vec![dead(mario())]);
    let statement = stated(&store, Act::Release);
    publish_at(&store, NOW_MS, vec![dead(anna())]);
    let order = Order::Confirm {
        municipality: municipality(IMOLA),
        statement: statement.clone(),
    };
    let refused = wait(store.order(order, NOW_MS));
    assert!(matches!(refused, Err(OrderError::OtherHoldings)));
    let elsewhere = Order::Confirm {
        municipality: municipality(DOZZA),
        statement,
    };
    let refused = wait(store.order(elsewhere, NOW_MS));
    assert!(matches!(refused, Err(OrderError::UnknownMunicipality)));
    assert_eq!(told(&world, &store, &mario()), [ALIVE]);
}

#[test]
fn what_a_node_takes_back_waits_no_longer() {
    let world = strict(Kind::Memory, 0);
    let store = world.open();
    publish_at(&store, NOW_MS, vec![mario()]);
    publish_at(&store, NOW_MS, vec![dead(mario())]);
    publish_at(&store, NOW_MS, vec![mario()]);
    assert!(reasons(&store).is_empty());
    assert_eq!(told(&world, &store, &mario()), [ALIVE]);
    comes_back_the_same(&world, store);
}

#[test]
fn somebody_who_is_registered_elsewhere_is_not_taken_over() {
    let taken = |card: &Record| {
        with(arrived(card, "2026-03-01"), |card| {
            card.municipality = istat(IMOLA);
            card.local_id = local_id("900");
        })
    };
    let in_dozza = arrived(&mario(), "2020-01-01");
    for validated in [true, false] {
        let world = strict(Kind::Memory, 0);
        let store = world.open();
        publish_at(&store, NOW_MS, vec![in_dozza.clone()]);
        publish_at(&store, NOW_MS, vec![giulia()]);
        let claimed = with(taken(&mario()), |card| card.tax_codes[0].validated = validated);
        publish_at(&store, NOW_MS, vec![claimed]);
        assert_eq!(reasons(&store), [("900".to_owned(), HoldReason::Arrivals)]);
        assert_eq!(told(&world, &store, &mario()), [ALIVE], "one card, that of Dozza");
        comes_back_the_same(&world, store);
    }
}

#[test]
fn nobody_who_is_registered_elsewhere_is_declared_dead_by_a_new_card() {
    for in_imola in [true, false] {
        let world = strict(Kind::Memory, 0);
        let store = world.open();
        let alive = if in_imola {
            mario()
        } else {
            arrived(&mario(), "2020-01-01")
        };
        publish_at(&store, NOW_MS, vec![alive]);
        let false_death = with(dead(mario()), |card| card.local_id = local_id("900"));
        publish_at(&store, NOW_MS, vec![giulia()]);
        publish_at(&store, NOW_MS, vec![false_death]);
        assert_eq!(reasons(&store), [("900".to_owned(), HoldReason::Departures)]);
        assert_eq!(told(&world, &store, &mario()), [ALIVE]);
        // Whom nobody has is not counted: the dead of the past come with the first load.
        publish_at(&store, NOW_MS, vec![dead(anna())]);
        assert_eq!(reasons(&store).len(), 1);
        comes_back_the_same(&world, store);
    }
}

#[test]
fn an_open_card_takes_nobody_over_by_gaining_what_is_anothers() {
    let gaining = |gain: fn(&mut Record)| {
        let open = with(giulia(), |card| {
            card.tax_codes.clear();
            card.national_id = None;
        });
        (open.clone(), with(open, gain))
    };
    let gains: [fn(&mut Record); 4] = [
        |card| card.tax_codes = mario().tax_codes,
        |card| {
            card.tax_codes = mario().tax_codes;
            card.tax_codes[0].validated = false;
        },
        |card| {
            card.tax_codes = mario().tax_codes.into_iter().chain(giulia().tax_codes).collect();
        },
        |card| card.national_id = Some(national_id("AA00000AA")),
    ];
    for (number, gain) in gains.into_iter().enumerate() {
        for in_one_batch in [true, false] {
            let world = strict(Kind::Memory, 0);
            let store = world.open();
            let elsewhere = with(arrived(&mario(), "2020-01-01"), |card| {
                card.national_id = Some(national_id("AA00000AA"));
            });
            publish_at(&store, NOW_MS, vec![elsewhere]);
            let (open, gained) = gaining(gain);
            if in_one_batch {
                publish_at(&store, NOW_MS, vec![open, gained.clone()]);
            } else {
                publish_at(&store, NOW_MS, vec![open]);
                publish_at(&store, NOW_MS, vec![gained.clone()]);
            }
            assert_eq!(
                reasons(&store),
                [(giulia().local_id.to_string(), HoldReason::Arrivals)],
                "gain {number}, {in_one_batch}"
            );
            assert_eq!(told(&world, &store, &mario()), [ALIVE], "gain {number}");
            comes_back_the_same(&world, store);
        }
    }
}

#[test]
fn versions_received_in_an_interval_are_replaced_by_those_before() {
    on_every_engine(|world| {
        let store = world.open();
        publish_at(&store, NOW_MS, vec![mario(), anna(), giulia()]);
        publish_at(
            &store,
            NOW_MS + 10 * MINUTE_MS,
            vec![dead(mario()), dead(anna()), luca()],
        );
        // What comes after the interval is trusted.
        publish_at(&store, NOW_MS + 20 * MINUTE_MS, vec![anna()]);
        let (from, to) = (NOW_MS + 5 * MINUTE_MS, NOW_MS + 15 * MINUTE_MS);
        for (from, to) in [(to, from), (from, NOW_MS + 2 * DAY_MS)] {
            let refused = wait(store.order(quarantine(from, to), NOW_MS + DAY_MS));
            assert!(matches!(refused, Err(OrderError::Interval)));
        }
        let done = wait(store.order(quarantine(from, to), NOW_MS + DAY_MS)).unwrap();
        assert_eq!(done.persons.len(), 2, "Mario and Luca");
        assert_eq!(told(world, &store, &mario()), [(true, VersionStanding::Restored)]);
        assert_eq!(told(world, &store, &luca()), []);
        assert_eq!(told(world, &store, &anna()), [ALIVE]);
        assert_eq!(told(world, &store, &giulia()), [ALIVE]);
        comes_back_the_same(world, store);

        let store = world.open();
        let id = holdings(&store).quarantines()[0].id;
        wait(store.order(lift(id.0), NOW_MS + 2 * DAY_MS)).unwrap();
        assert_eq!(told(world, &store, &mario()), [DEAD]);
        assert_eq!(told(world, &store, &luca()), [ALIVE]);
        assert!(holdings(&store).quarantines().is_empty());
        comes_back_the_same(world, store);
    });
}

#[test]
fn backups_and_new_lines_of_history_stand_in_the_way_of_no_quarantine() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    publish_at(&store, NOW_MS, vec![mario()]);
    wait(store.backed_up(NOW_MS)).unwrap();
    publish_at(&store, NOW_MS + 10 * MINUTE_MS, vec![dead(mario())]);
    let end = store.municipality(municipality(IMOLA)).unwrap().watermark;
    let reason = NewLine::ShorterJournal(end);
    wait(store.begin_line(municipality(IMOLA), Epoch([9; 16]), reason, NOW_MS)).unwrap();
    wait(store.backed_up(NOW_MS + 11 * MINUTE_MS)).unwrap();
    publish_at(&store, NOW_MS + 12 * MINUTE_MS, vec![dead(anna())]);
    let order = quarantine(NOW_MS + MINUTE_MS, NOW_MS + 15 * MINUTE_MS);
    wait(store.order(order, NOW_MS + DAY_MS)).unwrap();
    assert_eq!(
        told(&world, &store, &mario()),
        [(true, VersionStanding::Restored)]
    );
    assert_eq!(told(&world, &store, &anna()), []);
    comes_back_the_same(&world, store);
}

#[test]
fn a_quarantine_takes_no_protection_back() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    publish_at(&store, NOW_MS, vec![mario(), giulia()]);
    let protected = |card: Record| with(card, |card| card.flags.protected = true);
    let begun = vec![protected(giulia()), protected(anna()), dead(mario())];
    publish_at(&store, NOW_MS + 10 * MINUTE_MS, begun);
    assert_eq!(told(&world, &store, &giulia()), [], "hidden by the agreement");
    let order = quarantine(NOW_MS + MINUTE_MS, NOW_MS + 15 * MINUTE_MS);
    wait(store.order(order, NOW_MS + DAY_MS)).unwrap();
    assert_eq!(told(&world, &store, &giulia()), [], "still protected");
    assert_eq!(
        told(&world, &store, &anna()),
        [],
        "and so is who came in the interval"
    );
    let restored = (false, VersionStanding::Restored);
    assert_eq!(
        told(&world, &store, &mario()),
        [restored],
        "alive, where somebody is protected"
    );
    comes_back_the_same(&world, store);
}

#[test]
fn a_corrected_card_leaves_the_quarantine() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    publish_at(&store, NOW_MS, vec![mario()]);
    publish_at(&store, NOW_MS + 10 * MINUTE_MS, vec![dead(mario())]);
    let order = quarantine(NOW_MS + MINUTE_MS, NOW_MS + 15 * MINUTE_MS);
    let id = wait(store.order(order, NOW_MS + DAY_MS)).unwrap().first.unwrap();
    let moved = joined(mario(), "F-2", Kinship::Cohabitant, "2026-03-01");
    publish_at(&store, NOW_MS + DAY_MS, vec![moved]);
    assert_eq!(told(&world, &store, &mario()), [ALIVE]);
    wait(store.order(lift(id.0), NOW_MS + 2 * DAY_MS)).unwrap();
    assert_eq!(
        told(&world, &store, &mario()),
        [ALIVE],
        "the correction is the last word"
    );
    comes_back_the_same(&world, store);
}
