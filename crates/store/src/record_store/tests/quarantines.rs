//! Quarantines that overlap each other, seals and protections.

use agreement::view::person::Fact;
use registry::measure::NewIdentity;
use registry::record::{Place, Record};
use registry::sealing::stripped;

use crate::publisher::order::{Order, OrderError};
use crate::record_store::answer::{PersonCard, VersionStanding};
use crate::record_store::tests::rulings::{MINUTE_MS, holdings, lift, publish_at, quarantine};
use crate::record_store::tests::sealing::{check_new, new, old, sealed, sealed_world};
use crate::record_store::{JournaledStore, RecordStore};
use crate::rows::CommitSequence;
use crate::test_support::people::{
    DOZZA, IMOLA, anna, arrived, code, giulia, lives_in, local_id, luca, mario, with,
};
use crate::test_support::permits::Ask;
use crate::test_support::world::{Kind, NOW_MS, World, on_every_engine, rows_of, wait, who_has};

const LATER_MS: u64 = NOW_MS + 1_000 * MINUTE_MS;

fn minute(minutes: u64) -> u64 {
    NOW_MS + minutes * MINUTE_MS
}

/// The street of the last residence that is shown, and how far the version is trusted.
fn shown(world: &World, store: &JournaledStore, card: &Record) -> Vec<(String, VersionStanding)> {
    let told = world.person(store, Ask::person(), &who_has(code(card)));
    let street = |card: &PersonCard| match &card.view.residence.as_ref().and_then(Fact::held)?.place {
        Place::Italian(address) => Some((address.street.clone(), card.version)),
        Place::Foreign(_) | Place::Notional { .. } => None,
    };
    told.answer.cards.iter().filter_map(street).collect()
}

fn begin(store: &JournaledStore, from: u64, to: u64) -> CommitSequence {
    let done = wait(store.order(quarantine(minute(from), minute(to)), LATER_MS)).unwrap();
    done.first.expect("a card was concerned")
}

fn end(store: &JournaledStore, quarantine: CommitSequence) {
    wait(store.order(lift(quarantine.0), LATER_MS)).unwrap();
}

#[test]
fn what_another_quarantine_still_covers_is_not_served_when_one_is_lifted() {
    let moved = |street: &str| lives_in(mario(), street, "2026-02-01");
    let appia = || vec![("Appia".to_owned(), VersionStanding::Restored)];
    let emilia = || vec![("Emilia".to_owned(), VersionStanding::Restored)];
    let ladri = || vec![("Ladri".to_owned(), VersionStanding::Latest)];
    // Each: two intervals, what is served under both, what once the first and what once the second alone is lifted.
    let cases = [
        ((15, 25), (15, 30), emilia(), emilia(), emilia()),
        ((15, 25), (5, 25), appia(), appia(), emilia()),
        ((5, 25), (15, 25), appia(), emilia(), appia()),
        ((5, 15), (15, 25), appia(), emilia(), ladri()),
    ];
    for (number, (one, other, both, without_first, without_second)) in cases.into_iter().enumerate() {
        on_every_engine(|world| {
            for first_goes in [true, false] {
                let world = &World::new(if world.is_memory() {
                    Kind::Memory
                } else {
                    Kind::Sled
                });
                let store = world.open();
                publish_at(&store, minute(0), vec![mario()]);
                publish_at(&store, minute(10), vec![moved("Emilia")]);
                publish_at(&store, minute(20), vec![moved("Ladri")]);
                let (first, second) = (begin(&store, one.0, one.1), begin(&store, other.0, other.1));
                let last = || shown(world, &store, &mario());
                assert_eq!(last(), both, "case {number}");
                let (goes, stays, left) = if first_goes {
                    (first, second, &without_first)
                } else {
                    (second, first, &without_second)
                };
                end(&store, goes);
                assert_eq!(&last(), left, "case {number}, {first_goes}");
                end(&store, stays);
                assert_eq!(last(), ladri(), "case {number}, {first_goes}");
                assert!(holdings(&store).quarantines().is_empty());
                let rows = rows_of(&store);
                store.close();
                drop(store);
                let again = world.with_fresh_engine(Kind::Memory);
                assert_eq!(rows_of(&again.open()), rows);
            }
        });
    }
}

#[test]
fn a_quarantine_ends_also_when_every_card_was_sent_again() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    publish_at(&store, minute(0), vec![mario()]);
    publish_at(&store, minute(10), vec![lives_in(mario(), "Ladri", "2026-02-01")]);
    let id = begin(&store, 5, 15);
    publish_at(
        &store,
        minute(20),
        vec![lives_in(mario(), "Emilia", "2026-02-01")],
    );
    end(&store, id);
    assert!(holdings(&store).quarantines().is_empty());
    let nothing = wait(store.order(lift(id.0), LATER_MS));
    assert!(matches!(nothing, Err(OrderError::Nothing)));
    assert_eq!(
        shown(&world, &store, &mario()),
        [("Emilia".to_owned(), VersionStanding::Latest)]
    );
}

#[test]
fn what_was_said_falsely_of_a_sealed_identity_is_taken_back() {
    on_every_engine(|world| {
        let store = sealed_world(world);
        let street = |store: &JournaledStore| shown(world, store, &new());
        let before = street(&store);
        assert_eq!(before.len(), 1);
        publish_at(
            &store,
            minute(10),
            vec![stripped(lives_in(new(), "Ladri", "2026-02-01"))],
        );
        assert_eq!(street(&store)[0].0, "Ladri");
        let id = begin(&store, 5, 15);
        assert_eq!(street(&store), [(before[0].0.clone(), VersionStanding::Restored)]);
        assert!(
            holdings(&store).quarantines()[0].concerned.len() == 1,
            "accesses to it are listed"
        );
        end(&store, id);
        assert_eq!(street(&store)[0].0, "Ladri");
        check_new(world, &store);
    });
}

#[test]
fn a_false_card_that_claims_protection_shelters_and_leads_to_nobody() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, DOZZA, [arrived(&mario(), "2020-01-01")]);
        publish_at(&store, minute(0), vec![giulia()]);
        let false_card = with(mario(), |card| {
            card.local_id = local_id("900");
            card.flags.protected = true;
        });
        publish_at(&store, minute(10), vec![false_card]);
        assert!(
            shown(world, &store, &mario()).is_empty(),
            "hidden by the false protection"
        );
        let id = begin(&store, 5, 15);
        assert_eq!(shown(world, &store, &mario()).len(), 1, "the card of Dozza");
        let told = world.person(&store, Ask::person(), &who_has(code(&mario())));
        assert_eq!(told.answer.cards.len(), 1);
        end(&store, id);
        assert!(shown(world, &store, &mario()).is_empty());
    });
}

/// A card of Imola that was the old identity's by mistake, a day before the seal.
#[test]
fn neither_a_quarantine_nor_its_end_shows_an_identity_that_was_sealed_since() {
    let mistaken = |number: &str| with(old(), |card| card.local_id = local_id(number));
    let another = || {
        with(anna(), |card| {
            card.local_id = local_id("50");
        })
    };
    let gone = |world: &World, store: &JournaledStore| {
        for on in ["2019-06-01", "2026-03-02"] {
            let told = world.person(store, Ask::person().on(on), &who_has(code(&old())));
            assert!(told.answer.cards.is_empty(), "{on}");
        }
        let known = Ask::person().known_on(minute(1));
        let told = world.person(store, known, &who_has(code(&old())));
        assert!(told.answer.cards.is_empty(), "as it was known");
    };
    on_every_engine(|world| {
        // It left the identity by a suspect version, before the seal.
        let store = world.open();
        publish_at(&store, minute(0), vec![mario(), luca(), old(), mistaken("50")]);
        publish_at(&store, minute(10), vec![another()]);
        seal(world, &store);
        gone(world, &store);
        let id = begin(&store, 5, 15);
        gone(world, &store);
        end(&store, id);
        gone(world, &store);
    });
    on_every_engine(|world| {
        // It came to the identity by a suspect version that was taken back before the seal.
        let store = world.open();
        publish_at(&store, minute(0), vec![mario(), luca(), old(), another()]);
        publish_at(&store, minute(10), vec![mistaken("50")]);
        let id = begin(&store, 5, 15);
        seal(world, &store);
        gone(world, &store);
        end(&store, id);
        gone(world, &store);
        let told = world.person(&store, Ask::person(), &who_has(code(&another())));
        assert_eq!(told.answer.cards.len(), 1);
        assert_eq!(told.answer.cards[0].version, VersionStanding::Restored);
    });
}

fn seal(world: &World, store: &JournaledStore) {
    publish_at(store, LATER_MS, vec![sealed(old(), NewIdentity::Awaited)]);
    world.confirm(store, IMOLA);
}

#[test]
fn an_order_that_concerns_no_card_is_no_quarantine() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    publish_at(&store, minute(0), vec![mario()]);
    let order = quarantine(minute(5), minute(6));
    let done = wait(store.order(order, LATER_MS)).unwrap();
    assert_eq!(done.first, None);
    let unknown = Order::Lift {
        municipality: crate::test_support::people::municipality(IMOLA),
        quarantine: CommitSequence(1),
        reference: "PROT. 2".to_owned(),
    };
    assert!(matches!(
        wait(store.order(unknown, LATER_MS)),
        Err(OrderError::Nothing)
    ));
}
