//! Households on a date, and who in them hides them.

use registry::code::Kinship;
use registry::record::Record;

use crate::record_store::JournaledStore;
use crate::test_support::people::{IMOLA, anna, code, giulia, joined, luca, mario, nobody, with};
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

#[test]
fn a_minor_who_is_not_included_is_left_out_and_the_others_stay() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), anna(), luca()]);
        let adults = Ask::household().instead_of("minors = true", "minors = false");
        assert_eq!(family(world, &store, adults, &mario()), ["Mario", "Anna"]);
    });
}
