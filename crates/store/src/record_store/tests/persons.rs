//! Which cards come back for which identifier, and which belong to one person.

use registry::record::{Record, Sex};

use crate::record_store::JournaledStore;
use crate::record_store::answer::{CodeStanding, PersonCard, Question, Source};
use crate::test_support::people::{
    DOZZA, IMOLA, anna, arrived, code, giulia, left, mario, municipality, national_id, nobody, tax_code, with,
};
use crate::test_support::permits::Ask;
use crate::test_support::world::{World, on_every_engine, who_has};

/// Municipalities of the cards found, in their order.
fn found(world: &World, store: &JournaledStore, question: &Question) -> Vec<Source> {
    let told = world.person(store, Ask::person(), question);
    told.answer.cards.iter().map(|card| card.source).collect()
}

fn named(codes: &[&str]) -> Vec<Source> {
    codes
        .iter()
        .map(|code| Source::Named(municipality(code)))
        .collect()
}

/// Cards that a test gives other codes than the names say.
fn renamed(card: Record) -> Record {
    with(card, |card| {
        let former = card.tax_codes.pop().unwrap();
        card.tax_codes = vec![former, tax_code(("Rossi", "Mariano"), Sex::Male, "1985-12-10")];
    })
}

#[test]
fn a_person_is_found_by_every_code_and_by_national_id() {
    let card = with(renamed(mario()), |card| {
        card.national_id = Some(national_id("AA00000AA"))
    });
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [card.clone(), anna()]);
        let standing = |question: &Question| -> Vec<(CodeStanding, String)> {
            let told = world.person(&store, Ask::person(), question);
            let name = |card: &PersonCard| card.view.given_name.as_ref().unwrap().as_str().to_owned();
            told.answer
                .cards
                .iter()
                .map(|card| (card.standing, name(card)))
                .collect()
        };
        let mario_is = |standing| vec![(standing, "Mario".to_owned())];
        assert_eq!(standing(&who_has(code(&card))), mario_is(CodeStanding::Current));
        assert_eq!(
            standing(&who_has(card.tax_codes[0].code)),
            mario_is(CodeStanding::Superseded)
        );
        assert_eq!(
            standing(&Question::NationalId(national_id("AA00000AA"))),
            mario_is(CodeStanding::Current)
        );
        assert!(standing(&Question::NationalId(national_id("BB11111BB"))).is_empty());
        assert!(standing(&who_has(code(&nobody()))).is_empty());
    });
}

#[test]
fn a_code_that_the_card_has_no_longer_finds_nobody() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [renamed(mario())]);
        world.publish_cards(&store, IMOLA, [mario()]);
        assert!(found(world, &store, &who_has(code(&renamed(mario())))).is_empty());
        assert_eq!(found(world, &store, &who_has(code(&mario()))), named(&[IMOLA]));
        world.publish_cards(&store, IMOLA, [renamed(mario())]);
        assert_eq!(
            found(world, &store, &who_has(code(&renamed(mario())))),
            named(&[IMOLA])
        );
    });
}

#[test]
fn a_move_leaves_two_cards_of_one_person_whichever_side_publishes_first() {
    let (gone, come) = (left(&mario(), "2022-05-01"), arrived(&mario(), "2022-05-01"));
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario()]);
        world.publish_cards(&store, IMOLA, [gone.clone()]);
        world.publish_cards(&store, DOZZA, [come.clone()]);
        check_move(world, &store);
    });
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario()]);
        world.publish_cards(&store, DOZZA, [come.clone()]);
        world.publish_cards(&store, IMOLA, [gone.clone()]);
        check_move(world, &store);
    });
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, DOZZA, [come.clone()]);
        world.publish_cards(&store, IMOLA, [gone.clone()]);
        check_move(world, &store);
    });
}

#[track_caller]
fn check_move(world: &World, store: &JournaledStore) {
    let told = world.person(store, Ask::person(), &who_has(code(&mario())));
    let [one, other] = told.answer.cards.as_slice() else {
        panic!("two cards are expected")
    };
    assert_eq!(one.handle, other.handle);
    let residences = |card: &PersonCard| card.view.residence.as_ref().unwrap().held().is_some();
    assert_ne!(
        residences(one),
        residences(other),
        "one lives there, and left the other place"
    );
    let household = world.household(store, Ask::household(), &who_has(code(&mario())));
    let sources: Vec<_> = household
        .answer
        .households
        .iter()
        .map(|household| household.source)
        .collect();
    assert_eq!(sources, named(&[DOZZA]));
    let before = world.household(store, Ask::household().on("2020-01-01"), &who_has(code(&mario())));
    let sources: Vec<_> = before
        .answer
        .households
        .iter()
        .map(|household| household.source)
        .collect();
    assert!(sources.contains(&Source::Named(municipality(IMOLA))));
}

#[test]
fn cards_linked_by_national_id_are_found_by_the_code_of_any() {
    let here = with(mario(), |card| card.national_id = Some(national_id("AA00000AA")));
    let there = with(arrived(&renamed(mario()), "2022-05-01"), |card| {
        card.national_id = Some(national_id("AA00000AA"));
        card.tax_codes.remove(0);
    });
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [here.clone()]);
        world.publish_cards(&store, DOZZA, [there.clone()]);
        for question in [
            who_has(code(&here)),
            who_has(code(&there)),
            Question::NationalId(national_id("AA00000AA")),
        ] {
            assert_eq!(found(world, &store, &question).len(), 2);
        }
    });
}

#[test]
fn a_link_that_rested_on_a_mistake_ends_when_the_mistake_is_corrected() {
    let anna = with(anna(), |card| card.national_id = Some(national_id("AA00000AA")));
    let mistaken = with(arrived(&giulia(), "2022-05-01"), |card| {
        card.national_id = Some(national_id("AA00000AA"))
    });
    let corrected = with(mistaken.clone(), |card| {
        card.national_id = Some(national_id("BB11111BB"))
    });
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [anna.clone()]);
        world.publish_cards(&store, DOZZA, [mistaken.clone()]);
        assert_eq!(found(world, &store, &who_has(code(&anna))).len(), 2);
        world.publish_cards(&store, DOZZA, [corrected.clone()]);
        assert_eq!(found(world, &store, &who_has(code(&anna))), named(&[IMOLA]));
        assert_eq!(found(world, &store, &who_has(code(&giulia()))), named(&[DOZZA]));
    });
}

#[test]
fn a_card_keeps_its_person_when_what_linked_it_is_corrected_and_nobody_disagrees() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario()]);
        world.publish_cards(&store, DOZZA, [arrived(&mario(), "2022-05-01")]);
        world.publish(&store, IMOLA, vec![("1", None)]).unwrap();
        let before = world.person(&store, Ask::person(), &who_has(code(&mario())));
        let corrected = renamed(arrived(&mario(), "2022-05-01"));
        world.publish_cards(
            &store,
            DOZZA,
            [with(corrected.clone(), |card| {
                card.tax_codes.remove(0);
            })],
        );
        let after = world.person(&store, Ask::person(), &who_has(code(&corrected)));
        assert_eq!(after.answer.cards.len(), 1);
        assert_eq!(after.answer.cards[0].handle, before.answer.cards[0].handle);
    });
}

#[test]
fn a_card_removed_in_a_batch_links_nobody_later_in_it() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario()]);
        let again = with(mario(), |card| {
            card.local_id = crate::test_support::people::local_id("91")
        });
        world
            .publish(&store, IMOLA, vec![("1", None), ("91", Some(again))])
            .unwrap();
        let told = world.person(&store, Ask::person(), &who_has(code(&mario())));
        assert_eq!(told.answer.cards.len(), 1);
        world.publish_cards(&store, IMOLA, [with(mario(), |card| card.tax_codes.clear())]);
        assert_eq!(found(world, &store, &who_has(code(&mario()))).len(), 1);
    });
}
