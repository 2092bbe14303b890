//! What the card and its person were said to be before the seal, corrected or still waiting.

use registry::statement::Act;

use super::*;
use crate::record_store::tests::rulings::strict;

#[test]
fn what_was_corrected_before_the_seal_leads_to_the_old_identity_no_less() {
    let unidentified = |card: Record| with(card, |card| card.national_id = None);
    for corrections_in_one_batch in [false, true] {
        on_every_engine(|world| {
            let store = world.open();
            world.publish_confirmed(&store, DOZZA, [unidentified(elsewhere())]);
            let renamed = with(unidentified(new()), |card| card.measures = Measures::default());
            let (old, new) = (unidentified(old()), unidentified(new()));
            world.publish_confirmed(&store, IMOLA, [mario(), anna(), giulia()]);
            // The back office names her anew, as a correction, before anybody seals: nothing joins the cards any more.
            if corrections_in_one_batch {
                let changes = [&old, &renamed].map(|card| ("3", Some(card.clone())));
                world.publish(&store, IMOLA, changes.to_vec()).unwrap();
            } else {
                world.publish_confirmed(&store, IMOLA, [old.clone()]);
                world.publish_confirmed(&store, IMOLA, [renamed]);
            }
            world.publish_confirmed(&store, IMOLA, [new]);
            check_gone(world, &store, &[old.clone(), elsewhere()]);
            check_new(world, &store);
            // And a card that comes later under the old code is of the old identity as well.
            let late = with(unidentified(elsewhere()), |card| card.local_id = local_id("D-8"));
            world.publish_confirmed(&store, DOZZA, [late]);
            check_gone(world, &store, &[old, elsewhere()]);
        });
    }
}

#[test]
fn whose_code_a_card_once_bore_by_mistake_is_not_sealed_with_it() {
    let twin = || {
        with(arrived(&luca(), "2019-01-01"), |card| {
            card.local_id = local_id("D-1");
            card.generalities.given_name = PersonName::parse("Marco").ok();
            card.tax_codes = vec![tax_code(("Rossi", "Marco"), Sex::Male, "2015-06-01")];
        })
    };
    on_every_engine(|world| {
        let store = world.open();
        world.publish_confirmed(&store, DOZZA, [twin()]);
        let mistaken = with(luca(), |card| card.tax_codes = twin().tax_codes);
        world.publish_confirmed(&store, IMOLA, [mario(), anna(), mistaken, giulia()]);
        world.publish_confirmed(&store, IMOLA, [luca()]);
        world.publish_confirmed(&store, IMOLA, [awaited()]);
        let told = world.person(&store, Ask::person(), &who_has(code(&twin())));
        assert_eq!(told.answer.cards.len(), 1);
        check_gone(world, &store, &[luca()]);
        let moved = with(twin(), |card| card.flags.procedure_open = true);
        world.publish_confirmed(&store, DOZZA, [moved]);
        let told = world.person(&store, Ask::person(), &who_has(code(&twin())));
        assert_eq!(told.answer.cards.len(), 1);
    });
}

#[test]
fn what_waits_when_the_seal_begins_leads_to_the_old_identity_as_well() {
    // The municipality of before still has him registered, so that the new card waits.
    let there = arrived(&old(), "2019-01-01");
    let rejected = with(luca(), |card| card.tax_codes = there.tax_codes.clone());
    for (waiting, act, is_gone) in [(old(), None, true), (rejected, Some(Act::Reject), false)] {
        for in_one_batch in [true, false] {
            let world = strict(Kind::Memory, 0);
            let store = world.open();
            world.publish_cards(&store, DOZZA, [there.clone()]);
            world.publish_cards(&store, IMOLA, [mario(), anna(), giulia()]);
            let seal = new();
            match act {
                Some(act) => {
                    world.publish_cards(&store, IMOLA, [waiting.clone()]);
                    world.state(&store, IMOLA, act);
                    world.publish_cards(&store, IMOLA, [seal]);
                }
                None if in_one_batch => {
                    let changes = vec![("3", Some(waiting.clone())), ("3", Some(seal))];
                    world.publish(&store, IMOLA, changes).unwrap();
                }
                None => {
                    world.publish_cards(&store, IMOLA, [waiting.clone()]);
                    world.publish_cards(&store, IMOLA, [seal]);
                }
            }
            assert_eq!(
                world
                    .person(&store, Ask::person(), &who_has(code(&there)))
                    .answer
                    .cards
                    .len(),
                1
            );
            world.confirm(&store, IMOLA);
            let shown = world
                .person(&store, Ask::person(), &who_has(code(&there)))
                .answer
                .cards
                .len();
            assert_eq!(shown, usize::from(!is_gone));
            if is_gone {
                check_gone(&world, &store, &[old(), there.clone()]);
            }
            let rows = rows_of(&store);
            assert!(rows_of(&world.with_fresh_engine(Kind::Memory).open()) == rows);
        }
    }
}
