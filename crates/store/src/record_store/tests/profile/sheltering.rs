//! A card that leaves publication goes on sheltering whom it sheltered.

use registry::measure::{IdentitySeal, NewIdentity, SealBasis};
use registry::publication::HoldReason;
use registry::record::Sex;
use registry::sealing::stripped;

use super::*;
use crate::record_store::tests::rulings::{MINUTE_MS, lift, publish_at, quarantine};
use crate::test_support::people::{arrived, national_id};

/// Whether Mario is shown without anything that leads to the place.
fn is_withheld(world: &World, store: &JournaledStore) -> bool {
    let ask = Ask::person().instead_of(
        "protected = \"hidden\"",
        "protected = \"location-withheld\"\nprotected_basis = \"TULPS art. 4\"",
    );
    let told = world.person(store, ask, &who_has(code(&mario())));
    told.answer.cards.iter().all(|card| card.view.location_withheld)
}

#[test]
fn who_lives_with_a_protected_citizen_abroad_stays_sheltered_and_only_a_registrar_ends_it() {
    on_every_engine(|world| {
        let store = world.open();
        let wife = protected(abroad(anna()));
        world.publish_cards(&store, IMOLA, [mario(), wife.clone()]);
        assert!(is_withheld(world, &store));
        publish(&store, GroupSet::NONE);
        assert!(
            is_withheld(world, &store),
            "the end of an agreement ends no protection"
        );
        let found = world
            .person(&store, Ask::person(), &who_has(code(&wife)))
            .answer
            .cards
            .len();
        assert_eq!(found, 0);
        let remains = every_card(&store).into_iter();
        let remains: Vec<Record> = remains.filter(|card| card.local_id == local_id("2")).collect();
        assert!(
            remains
                .iter()
                .all(|card| card.generalities.surname.is_none() && card.tax_codes.is_empty()),
            "nothing of who she is remains"
        );

        // Neither her withdrawal nor a card without the measure takes it away.
        world.publish(&store, IMOLA, vec![("2", None)]).unwrap();
        let reasons = |store: &JournaledStore| {
            let holdings = store.municipality(municipality(IMOLA)).unwrap().holdings;
            holdings
                .held()
                .into_iter()
                .map(|held| held.reason)
                .collect::<Vec<_>>()
        };
        assert_eq!(reasons(&store), [HoldReason::ProtectionEnded]);
        publish(&store, GroupSet::ALL);
        world.publish_cards(&store, IMOLA, [abroad(anna())]);
        assert_eq!(reasons(&store), [HoldReason::ProtectionEnded]);
        assert!(is_withheld(world, &store));
        world.confirm(&store, IMOLA);
        settled(&store, IMOLA);
        assert!(!is_withheld(world, &store));
        check_replay(world, store);
    });
}

/// The card under a seal whose new identity is awaited: nobody is shown it.
fn awaiting(card: Record) -> Record {
    stripped(with(card, |card| {
        card.measures.seal = Some(IdentitySeal {
            basis: SealBasis::ProtectionProgramme,
            from: day("2026-02-01"),
            identity: NewIdentity::Awaited,
        });
    }))
}

#[test]
fn who_lives_with_a_sealed_citizen_abroad_stays_sheltered_when_the_card_leaves() {
    for buried_after in [false, true] {
        on_every_engine(|world| {
            let store = world.open();
            let wife = protected(abroad(anna()));
            world.publish_cards(&store, IMOLA, [mario(), wife.clone()]);
            let seal = || world.publish_confirmed(&store, IMOLA, [awaiting(wife.clone())]);
            if buried_after {
                publish(&store, GroupSet::NONE);
                assert!(is_withheld(world, &store), "she left");
            } else {
                seal();
                assert!(is_withheld(world, &store), "she is sealed");
                publish(&store, GroupSet::NONE);
            }
            assert!(is_withheld(world, &store), "both");
            let rows = rows_of(&store);
            assert!(rows_of(&world.with_fresh_engine(Kind::Memory).open()) == rows);
        });
    }
}

#[test]
fn who_shares_a_person_with_a_card_that_left_is_protected_under_any_name() {
    on_every_engine(|world| {
        let store = world.open();
        let identified = |card: Record| with(card, |card| card.national_id = Some(national_id("AA00000AA")));
        // Two persons to the region: one under another code, and he who is protected abroad and lives in Dozza.
        let first = with(arrived(&mario(), "2022-05-01"), |card| {
            card.tax_codes = vec![tax_code(("Rossi", "Mariano"), Sex::Male, "1985-12-10")];
        });
        let second = with(arrived(&mario(), "2022-05-01"), |card| {
            card.local_id = local_id("D-8")
        });
        world.publish_cards(&store, DOZZA, [identified(first)]);
        world.publish_cards(&store, IMOLA, [protected(abroad(mario()))]);
        world.publish_cards(&store, DOZZA, [second.clone()]);
        publish(&store, GroupSet::NONE);
        assert!(is_withheld(world, &store), "by the card that left");
        // A national id shows both to be one, and the first names the person.
        world.publish_cards(&store, DOZZA, [identified(second)]);
        assert!(is_withheld(world, &store));
    });
}

#[test]
fn a_registrar_is_told_that_a_protection_ends_with_a_waiting_card_that_left() {
    on_every_engine(|world| {
        let store = world.open();
        let hers = protected(anna());
        world.publish_cards(&store, IMOLA, [mario(), hers.clone()]);
        // Her seal waits, on a card that says she went abroad.
        world.publish_cards(&store, IMOLA, [awaiting(abroad(hers))]);
        let held = |store: &JournaledStore| store.municipality(municipality(IMOLA)).unwrap().holdings;
        assert_eq!(held(&store).held()[0].reason, HoldReason::IdentitySealed);
        let shown = held(&store).digest();
        publish(&store, GroupSet::NONE);
        assert_ne!(
            held(&store).digest(),
            shown,
            "what was signed before releases nothing"
        );
        let again = world.with_fresh_engine(Kind::Memory).open();
        for store in [&store, &again] {
            let holdings = held(store);
            let change = holdings.held()[0];
            assert_eq!(
                (change.reason, change.content),
                (HoldReason::ProtectionEnded, [0; 32])
            );
        }
        assert!(is_withheld(world, &store));
    });
}

#[test]
fn what_left_while_it_was_not_trusted_is_not_served_again_and_goes_on_sheltering() {
    on_every_engine(|world| {
        let store = world.open();
        publish_at(&store, NOW_MS, vec![mario(), anna()]);
        let abroad = protected(abroad(anna()));
        publish_at(&store, NOW_MS + 10 * MINUTE_MS, vec![abroad]);
        let order = quarantine(NOW_MS + 5 * MINUTE_MS, NOW_MS + 15 * MINUTE_MS);
        wait(store.order(order, NOW_MS + 20 * MINUTE_MS)).unwrap();
        publish(&store, GroupSet::NONE);
        let quarantine = store
            .municipality(municipality(IMOLA))
            .unwrap()
            .holdings
            .quarantines()[0]
            .id;
        wait(store.order(lift(quarantine.0), NOW_MS + 30 * MINUTE_MS)).unwrap();
        let hers = world.person(&store, Ask::person(), &who_has(code(&anna())));
        assert!(hers.answer.cards.is_empty(), "her last card is abroad, and left");
        assert!(is_withheld(world, &store), "whoever lives with her is sheltered");
        let rows = rows_of(&store);
        assert!(rows_of(&world.with_fresh_engine(Kind::Memory).open()) == rows);
    });
}

#[test]
fn a_card_abroad_that_left_goes_on_protecting_the_persons_other_cards() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, DOZZA, [arrived(&mario(), "2022-05-01")]);
        world.publish_cards(&store, IMOLA, [protected(abroad(mario()))]);
        assert!(is_withheld(world, &store));
        publish(&store, GroupSet::NONE);
        assert!(
            is_withheld(world, &store),
            "though the card that protects has left"
        );
    });
}
