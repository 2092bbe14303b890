//! Municipalities that were merged, and those that got another code: real ones of Emilia-Romagna.

use chrono::Days;
use registry::code::Kinship;
use registry::publication::Allowance;
use registry::record::{Record, Sex};

use crate::record_store::answer::{PersonCard, Source};
use crate::record_store::{JournaledStore, RecordStore};
use crate::test_support::people::{anna, card, code, day, istat, link, mario, municipality, with};
use crate::test_support::permits::Ask;
use crate::test_support::world::{
    Kind, NOW_MS, World, batch, on_every_engine, rows_of, settled, wait, who_has,
};

const SORBOLO: &str = "034037";
const MEZZANI: &str = "034021";
const SORBOLO_MEZZANI: &str = "034051";

/// More than a node may register of people who are registered elsewhere, in a day.
const MANY: u64 = 60;

/// One of many people, each with a birthday and a codice fiscale of their own.
fn person(at: &str, number: u64) -> Record {
    let birth = day("1950-01-01").checked_add_days(Days::new(number)).unwrap();
    let household = link(&format!("F-{number}"), Kinship::ReferencePerson);
    let names = ("Rossi", "Mario");
    card(
        at,
        &format!("{at}-{number}"),
        names,
        Sex::Male,
        &birth.to_string(),
        household,
    )
}

fn cards(world: &World, store: &JournaledStore, ask: Ask, of: &Record) -> Vec<PersonCard> {
    world.person(store, ask, &who_has(code(of))).answer.cards
}

fn sources(cards: &[PersonCard]) -> Vec<String> {
    let name = |card: &PersonCard| match card.source {
        Source::Named(id) => id.latest_istat().unwrap().to_string(),
        Source::Withheld => "withheld".to_owned(),
    };
    let mut names: Vec<String> = cards.iter().map(name).collect();
    names.sort_unstable();
    names
}

fn within(codes: &'static str) -> Ask {
    Ask::person().instead_of("region = \"08\"", codes)
}

fn contradictions(store: &JournaledStore, at: &str) -> usize {
    store
        .projection()
        .contradictions_of(municipality(at), store.visible())
        .unwrap()
        .len()
}

#[test]
fn a_successor_takes_over_people_and_history_and_contradicts_nobody() {
    on_every_engine(|world| {
        let store = world.open();
        let (sorbolo, mezzani) = (0..MANY, MANY..MANY + 5);
        world.publish_cards(&store, SORBOLO, sorbolo.map(|number| person(SORBOLO, number)));
        world.publish_cards(&store, MEZZANI, mezzani.map(|number| person(MEZZANI, number)));
        let of_sorbolo = person(SORBOLO, 0);
        let before = cards(world, &store, Ask::person(), &of_sorbolo);
        assert_eq!(sources(&before), [SORBOLO]);

        let taken_over = (0..MANY + 5).map(|number| person(SORBOLO_MEZZANI, number));
        world.publish_cards(&store, SORBOLO_MEZZANI, taken_over);
        let state = store.municipality(municipality(SORBOLO_MEZZANI)).unwrap();
        assert_eq!(state.records, MANY + 5);
        assert!(
            state.holdings.held().is_empty(),
            "nobody of them was registered elsewhere"
        );
        for place in [SORBOLO, MEZZANI, SORBOLO_MEZZANI] {
            assert_eq!(contradictions(&store, place), 0, "{place}");
        }
        for number in [0, MANY] {
            let known = cards(world, &store, Ask::person(), &person(SORBOLO, number));
            assert_eq!(known.len(), 2);
            assert_eq!(known[0].handle, known[1].handle, "one person");
        }
        let after = cards(world, &store, Ask::person(), &of_sorbolo);
        assert_eq!(sources(&after), [SORBOLO, SORBOLO_MEZZANI]);
        assert_eq!(after[0].handle, before[0].handle, "whom agencies know by it");
        assert!(
            after.iter().any(|card| card.view == before[0].view),
            "with its history"
        );
        // In two that were merged at once nobody is registered twice without notice.
        world.publish_cards(&store, MEZZANI, [person(MEZZANI, 1)]);
        assert_eq!(contradictions(&store, SORBOLO), 1);
        assert_eq!(contradictions(&store, SORBOLO_MEZZANI), 0);
        let fresh = world.with_fresh_engine(Kind::Memory);
        assert!(rows_of(&store) == rows_of(&fresh.open()));
    });
}

#[test]
fn one_that_was_merged_takes_nobody_back_from_its_heir() {
    let mut world = World::new(Kind::Memory);
    let none = Allowance {
        at_least: 0,
        per_mille: 0,
    };
    world.daily_limits.arrivals = none;
    let store = world.open();
    world.publish_cards(&store, SORBOLO_MEZZANI, [person(SORBOLO_MEZZANI, 1)]);
    world.publish_cards(&store, SORBOLO, [person(SORBOLO, 2)]);
    // Its node was retired, and somebody found its keys.
    world.publish_cards(&store, SORBOLO, [person(SORBOLO, 1)]);
    let held = |at| {
        store
            .municipality(municipality(at))
            .unwrap()
            .holdings
            .held()
            .len()
    };
    assert_eq!((held(SORBOLO), held(SORBOLO_MEZZANI)), (1, 0));
    world.publish_cards(&store, SORBOLO_MEZZANI, [person(SORBOLO_MEZZANI, 2)]);
    assert_eq!(held(SORBOLO_MEZZANI), 0, "the heir takes over");
}

#[test]
fn an_agreement_reaches_the_successor_by_the_old_name_and_the_old_cards_by_the_new() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    world.publish_cards(&store, SORBOLO, [person(SORBOLO, 1)]);
    world.publish_cards(&store, MEZZANI, [person(MEZZANI, 2)]);
    world.publish_cards(
        &store,
        SORBOLO_MEZZANI,
        [1, 2].map(|number| person(SORBOLO_MEZZANI, number)),
    );
    let seen = |codes, number| sources(&cards(&world, &store, within(codes), &person(SORBOLO, number)));
    let old = "municipalities = [\"034037\"]";
    assert_eq!(seen(old, 1), [SORBOLO, SORBOLO_MEZZANI]);
    assert_eq!(seen(old, 2), [SORBOLO_MEZZANI], "Mezzani was another one");
    let new = "municipalities = [\"034051\"]";
    assert_eq!(seen(new, 1), [SORBOLO, SORBOLO_MEZZANI]);
    assert_eq!(seen(new, 2), [MEZZANI, SORBOLO_MEZZANI]);
    let other = "municipalities = [\"037032\"]";
    assert!(seen(other, 1).is_empty());
}

/// Montecopiolo, which went from the province of Pesaro and Urbino to that of Rimini on 17 June 2021.
#[test]
fn a_change_of_province_goes_on_under_the_new_code_where_the_old_one_ended() {
    const BEFORE: &str = "041033";
    const SINCE: &str = "099030";
    on_every_engine(|world| {
        let store = world.open();
        let at = |code: &str, card: Record| with(card, |card| card.municipality = istat(code));
        let send = |code: &str, first, changes| {
            let sent = wait(store.publish(batch(&store, code, first, changes), NOW_MS));
            settled(&store, code);
            sent.unwrap()
        };
        send(
            BEFORE,
            1,
            vec![("1", Some(at(BEFORE, mario()))), ("2", Some(at(BEFORE, anna())))],
        );
        let handle = cards(world, &store, Ask::person(), &mario())[0].handle;
        // What waited under the old code is released under the new one.
        let marked = with(at(BEFORE, anna()), |card| card.flags.protected = true);
        send(BEFORE, 3, vec![("2", Some(marked))]);
        send(BEFORE, 4, vec![("2", Some(at(BEFORE, anna())))]);
        let held = store.municipality(municipality(BEFORE)).unwrap().holdings;
        assert_eq!(held.held().len(), 1);
        send(SINCE, 5, vec![("1", Some(at(SINCE, mario())))]);
        world.confirm(&store, SINCE);
        let state = store.municipality(municipality(SINCE)).unwrap();
        assert!(state.holdings.held().is_empty());
        assert_eq!((state.records, state.watermark.0), (2, 5));
        let shown = cards(world, &store, Ask::person(), &mario());
        assert_eq!((shown.len(), &shown[0].handle), (1, &handle));
        assert_eq!(sources(&shown), [SINCE]);
        assert_eq!(contradictions(&store, SINCE), 0);
        let fresh = world.with_fresh_engine(Kind::Memory);
        assert!(rows_of(&store) == rows_of(&fresh.open()));
    });
}
