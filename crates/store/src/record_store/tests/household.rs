//! Households on a date, and who in them hides them.

use registry::code::Kinship;
use registry::record::{Death, Record};

use crate::record_store::JournaledStore;
use crate::test_support::people::{
    DOZZA, IMOLA, anna, arrived, code, day, giulia, joined, luca, mario, nobody, with,
};
use crate::test_support::permits::Ask;
use crate::test_support::world::{World, on_every_engine, who_has};

/// Given names of the household's members, in the order of the answer; empty where there is none.
fn family(world: &World, store: &JournaledStore, ask: Ask, of: &Record) -> Vec<String> {
    let told = world.household(store, ask, &who_has(code(of)));
    let members = told.answer.households.iter().flat_map(|household| {
        assert_eq!(household.handles.len(), household.view.members.len());
        &household.view.members
    });
    members
        .map(|member| member.person.given_name.as_ref().unwrap().as_str().to_owned())
        .collect()
}

#[test]
fn a_household_is_who_belongs_to_it_on_the_reference_date() {
    // Luca was born into it, Giulia joined in 2018, Anna left it for a family of her own in 2021.
    let giulia = joined(giulia(), "F-1", Kinship::Cohabitant, "2018-01-01");
    let anna = joined(anna(), "F-3", Kinship::ReferencePerson, "2021-01-01");
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), anna.clone(), luca(), giulia.clone()]);
        let on = |date| family(world, &store, Ask::household().on(date), &mario());
        assert_eq!(on("2016-01-01"), ["Mario", "Anna", "Luca"]);
        assert_eq!(on("2017-12-31"), ["Mario", "Anna", "Luca"]);
        assert_eq!(on("2018-01-01"), ["Mario", "Anna", "Giulia", "Luca"]);
        assert_eq!(on("2021-01-01"), ["Mario", "Giulia", "Luca"]);
        assert_eq!(family(world, &store, Ask::household(), &anna), ["Anna"]);
        assert_eq!(
            family(world, &store, Ask::household().on("2016-01-01"), &anna),
            ["Mario", "Anna", "Luca"]
        );
    });
}

#[test]
fn who_left_the_register_or_is_withdrawn_is_no_member() {
    let left = crate::test_support::people::left(&anna(), "2022-01-01");
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), left.clone(), luca()]);
        assert_eq!(
            family(world, &store, Ask::household(), &mario()),
            ["Mario", "Luca"]
        );
        assert_eq!(
            family(world, &store, Ask::household().on("2021-12-31"), &mario()),
            ["Mario", "Anna", "Luca"]
        );
        world.publish(&store, IMOLA, vec![("3", None)]).unwrap();
        assert_eq!(family(world, &store, Ask::household(), &mario()), ["Mario"]);
    });
}

#[test]
fn a_protected_member_hides_the_household_as_if_there_were_none() {
    let protected = with(anna(), |card| card.flags.protected = true);
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), protected.clone(), luca()]);
        for ask in [
            Ask::household(),
            Ask::household().instead_of(
                "protected = \"hidden\"",
                "protected = \"location-withheld\"\nprotected_basis = \"d.lgs. 51/2018 art. 5\"",
            ),
        ] {
            let hidden = world.household(&store, ask, &who_has(code(&mario())));
            let absent = world.household(&store, ask, &who_has(code(&nobody())));
            assert!(hidden.answer.households.is_empty());
            assert_eq!(hidden.outcome(), absent.outcome());
            assert_eq!(hidden.decision().clause.as_deref(), Some("protected"));
        }
        let shown = Ask::household().instead_of(
            "protected = \"hidden\"",
            "protected = \"shown\"\nprotected_basis = \"d.lgs. 51/2018 art. 5\"",
        );
        assert_eq!(family(world, &store, shown, &mario()), ["Mario", "Anna", "Luca"]);
    });
}

#[test]
fn who_was_protected_in_a_household_long_left_hides_it_no_longer() {
    let gone = with(
        joined(anna(), "F-3", Kinship::ReferencePerson, "2021-01-01"),
        |card| card.flags.protected = true,
    );
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), gone.clone(), luca()]);
        assert_eq!(
            family(world, &store, Ask::household(), &mario()),
            ["Mario", "Luca"]
        );
        assert!(family(world, &store, Ask::household().on("2020-01-01"), &mario()).is_empty());
    });
}

/// The agreement of the tests, which shows deaths as well.
fn with_deaths(ask: Ask) -> Ask {
    ask.instead_of("\"household\", \"registration\"]", "\"household\", \"death\"]")
}

fn dead(card: Record, on: &str) -> Record {
    with(card, |card| {
        card.death = Some(Death {
            date: day(on),
            place: None,
        });
    })
}

#[test]
fn of_the_family_of_a_dead_person_the_deceased_alone_is_shown_and_the_day_before_is_asked() {
    let gone = dead(mario(), "2026-02-03");
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [gone.clone(), anna(), luca()]);
        let today = world.household(&store, with_deaths(Ask::household()), &who_has(code(&mario())));
        assert!(today.answer.households.is_empty());
        let [deceased] = &today.answer.deceased[..] else {
            panic!("the deceased alone: {:?}", today.answer.deceased)
        };
        let person = &deceased.view.person;
        assert_eq!(
            person.fields.to_string(),
            "surname, given_name, birth_date, death"
        );
        assert_eq!(person.death.as_ref().unwrap().date, day("2026-02-03"));
        assert_eq!(deceased.view.family_until, Some(day("2026-02-02")));
        assert_eq!((today.outcome(), today.subjects()), ((0, ""), 1));
        let on = |date| family(world, &store, with_deaths(Ask::household()).on(date), &mario());
        for date in ["2026-02-02", "2026-02-03"] {
            assert_eq!(on(date), ["Mario", "Anna", "Luca"], "on {date}");
        }
        assert!(on("2026-02-04").is_empty());
        assert_eq!(
            family(world, &store, with_deaths(Ask::household()), &anna()),
            ["Anna", "Luca"]
        );
    });
}

#[test]
fn without_the_field_a_dead_person_has_no_household_as_nobody_has_one() {
    let gone = dead(mario(), "2026-02-03");
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [gone.clone(), anna()]);
        let hidden = with_deaths(Ask::household()).instead_of("deceased = true", "deceased = false");
        for ask in [Ask::household(), hidden] {
            let told = world.household(&store, ask, &who_has(code(&mario())));
            let absent = world.household(&store, ask, &who_has(code(&nobody())));
            assert!(told.answer.is_empty());
            assert_eq!(told.outcome(), absent.outcome());
        }
    });
}

#[test]
fn two_cards_that_say_the_same_of_a_death_are_one_deceased() {
    let gone = dead(mario(), "2026-02-03");
    let twin = dead(arrived(&mario(), "2024-01-01"), "2026-02-03");
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [gone.clone()]);
        world.publish_confirmed(&store, DOZZA, [twin.clone()]);
        let told = world.household(&store, with_deaths(Ask::household()), &who_has(code(&mario())));
        assert_eq!(told.answer.deceased.len(), 1);
    });
}

#[test]
fn a_minor_who_is_not_included_is_left_out_and_the_others_stay() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), anna(), luca()]);
        let adults = Ask::household().instead_of("minors = true", "minors = false");
        assert_eq!(family(world, &store, adults, &mario()), ["Mario", "Anna"]);
    });
}
