//! An index that lost what it knew of seals.

use std::collections::BTreeSet;

use registry::publication::{ConfirmedSeal, HoldReason, ProvedSeal};

use super::*;

#[test]
fn an_emptied_index_seals_again_what_is_proved_and_nothing_else() {
    let world = World::new(Kind::Memory);
    let store = sealed_world(&world);
    let proved = store.confirmed_seals(municipality(IMOLA));
    assert_eq!(proved.len(), 1);
    drop(store);
    let again = world.with_fresh_engine(Kind::Memory);
    assert_eq!(
        again.open().confirmed_seals(municipality(IMOLA)),
        proved,
        "also after a replay"
    );

    let cards = || [mario(), anna(), old(), giulia(), awaited(), new()];
    let send_again = |world: &World, store: &JournaledStore| {
        world.publish_cards(store, DOZZA, [elsewhere()]);
        for card in cards() {
            world.publish_cards(store, IMOLA, [card]);
        }
        let state = store.municipality(municipality(IMOLA)).unwrap();
        state.holdings.held().len()
    };
    for in_time in [true, false] {
        let world = world.emptied(Kind::Memory);
        let store = world.open();
        if in_time {
            assert_eq!(store.recall_seals(municipality(IMOLA), proved.clone()), 0);
        }
        assert_eq!(send_again(&world, &store), usize::from(!in_time));
        if in_time {
            check_gone(&world, &store, &[old(), elsewhere()]);
            check_new(&world, &store);
            assert_eq!(store.confirmed_seals(municipality(IMOLA)), proved);
        }
    }
    // Proofs of another municipality, and of another card.
    let other = ProvedSeal {
        seal: ConfirmedSeal {
            local_id: local_id("1"),
            ..proved[0].seal.clone()
        },
        proof: proved[0].proof,
    };
    for (shown_for, shown) in [(DOZZA, proved.clone()), (IMOLA, vec![other])] {
        let world = world.emptied(Kind::Memory);
        let store = world.open();
        assert_eq!(store.recall_seals(municipality(shown_for), shown), 1);
        assert_eq!(send_again(&world, &store), 1);
    }
    // What protected the old identity does not end with a proved seal.
    let world = world.emptied(Kind::Memory);
    let store = world.open();
    store.recall_seals(municipality(IMOLA), proved);
    let protected = with(old(), |card| card.flags.protected = true);
    world.publish_cards(&store, IMOLA, [mario(), anna(), protected]);
    world.publish_cards(&store, IMOLA, [awaited()]);
    let state = store.municipality(municipality(IMOLA)).unwrap();
    assert_eq!(state.holdings.held()[0].reason, HoldReason::ProtectionEnded);
}

#[test]
fn an_index_restored_from_before_the_confirmation_answers_nobody_until_it_is_confirmed_again() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    let (imola, all) = (municipality(IMOLA), BTreeSet::from([municipality(IMOLA)]));
    world.publish_cards(&store, IMOLA, [mario(), anna(), old(), giulia()]);
    world.publish_cards(&store, IMOLA, [new()]);
    let end = store.municipality(imola).unwrap().watermark;
    let backup = world.with_fresh_engine(Kind::Memory);
    world.confirm(&store, IMOLA);
    let proved = store.confirmed_seals(imola);
    assert_eq!(proved.len(), 1);
    let restored = backup.open();
    restored.hear(imola, end);
    assert!(
        !restored.is_restoring(),
        "nothing that was acknowledged is missing"
    );
    assert_eq!(restored.recall_seals(imola, proved), 0);
    // A second stream that shows nothing takes nothing back.
    restored.recall_seals(imola, Vec::new());
    assert!(restored.is_restoring());
    assert_eq!(restored.awaited(&all), all);
    backup.confirm(&restored, IMOLA);
    assert!(restored.awaited(&all).is_empty());
    check_gone(&backup, &restored, &[old()]);
}
