//! Whose location is withheld: protected persons on all their cards, and whoever shares a dwelling with them.

use agreement::field::Field;
use registry::code::Kinship;
use registry::measure::{IdentitySeal, NewIdentity, Protection, ProtectionBasis, SealBasis};
use registry::record::{PersonName, Place, Record, Sex};
use registry::sealing::stripped;
use registry::statement::Act;
use registry::timeline::Dated;

use crate::record_store::answer::{PersonCard, VersionStanding};
use crate::record_store::tests::rulings::{MINUTE_MS, lift, publish_at, quarantine};
use crate::record_store::{JournaledStore, RecordStore};
use crate::test_support::people::{
    DOZZA, IMOLA, anna, arrived, code, day, giulia, istat, joined, left, lives_in, luca, mario, municipality,
    tax_code, with,
};
use crate::test_support::permits::Ask;
use crate::test_support::world::{Kind, NOW_MS, World, on_every_engine, rows_of, wait, who_has};

fn protected(card: Record, from: &str, until: Option<&str>) -> Record {
    with(card, |card| {
        card.measures.protection = Some(Protection {
            basis: ProtectionBasis::Shelter,
            from: day(from),
            until: until.map(day),
        });
    })
}

/// The card with an internal number at its address.
fn behind_door(card: Record, unit: &str) -> Record {
    with(card, |card| {
        let Dated { from, mut value } = card.residences.latest().unwrap().clone();
        if let Place::Italian(address) = &mut value.place {
            address.unit = unit.to_owned();
        }
        card.residences.record(Dated { from, value });
    })
}

/// Whether the agreement withholds locations, shows them, or hides whoever is protected.
fn withholding(ask: Ask) -> Ask {
    ask.instead_of(
        "protected = \"hidden\"",
        "protected = \"location-withheld\"\nprotected_basis = \"TULPS art. 4\"",
    )
}

fn cards(world: &World, store: &JournaledStore, ask: Ask, of: &Record) -> Vec<PersonCard> {
    world.person(store, ask, &who_has(code(of))).answer.cards
}

/// Whether every card of the person is shown without anything that leads to the place.
#[track_caller]
fn is_withheld(world: &World, store: &JournaledStore, of: &Record, on: &'static str) -> bool {
    let shown = cards(world, store, withholding(Ask::person()).on(on), of);
    assert!(!shown.is_empty(), "the person is shown");
    let withheld: Vec<bool> = shown
        .iter()
        .map(|card| {
            let location = card.view.residence.is_some()
                || card.household.is_some()
                || card.view.registration.is_some()
                || card.view.cancellation.is_some();
            assert_ne!(location, card.view.location_withheld);
            assert!(card.view.fields.contains(Field::Surname));
            card.view.location_withheld
        })
        .collect();
    assert!(
        withheld.iter().all(|one| *one == withheld[0]),
        "all cards of a person are withheld, or none"
    );
    withheld[0]
}

const TODAY: &str = "2026-03-02";

#[test]
fn a_measure_protects_on_its_days_and_while_it_is_in_force_on_every_day() {
    on_every_engine(|world| {
        let store = world.open();
        for (from, until, on, expect) in [
            ("2026-03-02", None, TODAY, true),
            ("2026-03-01", Some("2026-03-02"), TODAY, true),
            ("2026-02-01", Some("2026-03-01"), TODAY, false),
            ("2026-03-03", None, TODAY, false),
            ("2026-02-01", Some("2026-03-01"), "2026-02-15", true),
            ("2026-02-01", Some("2026-03-01"), "2026-01-31", false),
            ("2026-03-02", None, "2020-01-01", true),
        ] {
            world.publish_confirmed(&store, IMOLA, [protected(giulia(), from, until)]);
            assert_eq!(
                is_withheld(world, &store, &giulia(), on),
                expect,
                "from {from} until {until:?} on {on}"
            );
        }
        world.publish_confirmed(&store, IMOLA, [giulia()]);
        assert!(!is_withheld(world, &store, &giulia(), TODAY));
    });
}

#[test]
fn the_end_of_a_protection_and_a_withdrawal_wait_for_a_registrar() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), protected(anna(), "2026-01-01", None)]);
        for shorter in [anna(), protected(anna(), "2026-01-01", Some("2026-02-01"))] {
            world.publish_cards(&store, IMOLA, [shorter]);
            assert!(is_withheld(world, &store, &anna(), TODAY));
            assert!(is_withheld(world, &store, &mario(), TODAY));
        }
        world.publish(&store, IMOLA, vec![("2", None)]).unwrap();
        assert!(
            is_withheld(world, &store, &mario(), TODAY),
            "a withdrawal waits as well"
        );
        world.confirm(&store, IMOLA);
        assert!(!is_withheld(world, &store, &mario(), TODAY));
        // Withdrawn and published again, she is no less protected than before.
        world.publish_cards(&store, IMOLA, [anna()]);
        let gone = world.person(&store, Ask::person(), &who_has(code(&anna())));
        assert!(gone.answer.cards.is_empty());
    });
}

#[test]
fn an_agreement_that_hides_protected_persons_hides_them_by_measure_too() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_confirmed(&store, IMOLA, [protected(giulia(), TODAY, None)]);
        assert!(cards(world, &store, Ask::person(), &giulia()).is_empty());
    });
}

#[test]
fn one_protected_card_protects_all_cards_of_the_person_in_whatever_order_they_come() {
    let (gone, come) = (left(&giulia(), "2022-05-01"), arrived(&giulia(), "2022-05-01"));
    let measure = |card: &Record| protected(card.clone(), "2026-01-01", None);
    type Story = Vec<(&'static str, Record)>;
    let stories: [Story; 4] = [
        vec![(IMOLA, measure(&gone)), (DOZZA, come.clone())],
        vec![(DOZZA, come.clone()), (IMOLA, measure(&gone))],
        vec![(IMOLA, gone.clone()), (DOZZA, measure(&come))],
        vec![(DOZZA, measure(&come)), (IMOLA, giulia()), (IMOLA, gone.clone())],
    ];
    for story in stories {
        on_every_engine(|world| {
            let store = world.open();
            for (municipality, card) in &story {
                world.publish_confirmed(&store, municipality, [card.clone()]);
            }
            assert_eq!(
                cards(world, &store, withholding(Ask::person()), &giulia()).len(),
                2
            );
            assert!(is_withheld(world, &store, &giulia(), TODAY));
            assert!(cards(world, &store, Ask::person(), &giulia()).is_empty());
        });
    }
}

#[test]
fn whoever_is_in_the_household_of_a_protected_person_is_shown_without_the_place() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_confirmed(
            &store,
            IMOLA,
            [mario(), protected(anna(), "2026-01-01", None), luca(), giulia()],
        );
        assert!(is_withheld(world, &store, &mario(), TODAY));
        assert!(is_withheld(world, &store, &luca(), TODAY));
        assert!(!is_withheld(world, &store, &giulia(), TODAY));
        // An agreement to which the protected one is absent sees the others without the place as well.
        let hidden = cards(world, &store, Ask::person(), &mario());
        assert_eq!(hidden.len(), 1);
        assert!(hidden[0].view.location_withheld && hidden[0].view.residence.is_none());
        let family = world.household(&store, Ask::household(), &who_has(code(&mario())));
        assert!(family.answer.households.is_empty());
        // She goes to a shelter: where she was is not where she is.
        let moved = joined(
            protected(anna(), "2026-01-01", None),
            "F-9",
            Kinship::ReferencePerson,
            "2026-02-01",
        );
        world.publish_confirmed(&store, IMOLA, [moved]);
        assert!(!is_withheld(world, &store, &mario(), TODAY));
        assert!(
            is_withheld(world, &store, &mario(), "2026-01-15"),
            "she was there on that day"
        );
        let child = joined(luca(), "F-9", Kinship::Child, "2026-02-01");
        world.publish_confirmed(&store, IMOLA, [child.clone()]);
        assert!(is_withheld(world, &store, &child, TODAY));
        let back = joined(child, "F-1", Kinship::Child, "2026-02-20");
        world.publish_confirmed(&store, IMOLA, [back.clone()]);
        assert!(
            is_withheld(world, &store, &back, TODAY),
            "his former household is where she still is"
        );
        world.publish_confirmed(&store, IMOLA, [anna()]);
        assert!(!is_withheld(world, &store, &back, TODAY));
    });
}

#[test]
fn the_household_of_an_unprotected_card_shelters_its_person_all_the_same() {
    // Imola protects the card of somebody who has left; the municipality of arrival has not heard of it.
    let gone = protected(left(&giulia(), "2022-05-01"), "2026-01-01", None);
    let come = arrived(&giulia(), "2022-05-01");
    let host = with(arrived(&mario(), "2021-05-01"), |card| {
        card.local_id = crate::test_support::people::local_id("D-9");
    });
    let orders: [&[(&str, &Record)]; 3] = [
        &[(IMOLA, &gone), (DOZZA, &come), (DOZZA, &host)],
        &[(DOZZA, &host), (DOZZA, &come), (IMOLA, &gone)],
        &[(DOZZA, &come), (IMOLA, &gone), (DOZZA, &host)],
    ];
    for order in orders {
        on_every_engine(|world| {
            let store = world.open();
            for (municipality, card) in order {
                world.publish_confirmed(&store, municipality, [(*card).clone()]);
            }
            assert!(is_withheld(world, &store, &host, TODAY));
            let open = left(&giulia(), "2022-05-01");
            world.publish_confirmed(&store, IMOLA, [open]);
            assert!(!is_withheld(world, &store, &host, TODAY));
        });
    }
}

#[test]
fn who_is_sealed_goes_on_sheltering_the_household_while_nobody_is_shown() {
    let under_seal = |identity| {
        stripped(with(protected(anna(), "2026-01-01", None), |card| {
            card.measures.seal = Some(IdentitySeal {
                basis: SealBasis::ProtectionProgramme,
                from: day("2026-02-01"),
                identity,
            });
        }))
    };
    on_every_engine(|world| {
        let store = world.open();
        world.publish_confirmed(&store, IMOLA, [mario(), protected(anna(), "2026-01-01", None)]);
        assert!(is_withheld(world, &store, &mario(), TODAY));
        world.publish_confirmed(&store, IMOLA, [under_seal(NewIdentity::Awaited)]);
        assert!(cards(world, &store, withholding(Ask::person()), &anna()).is_empty());
        assert!(
            is_withheld(world, &store, &mario(), TODAY),
            "until the back office has renamed her, and nobody sees her"
        );
        let renamed = with(under_seal(NewIdentity::Present), |card| {
            card.generalities.surname = PersonName::parse("Verdi").ok();
            card.tax_codes = vec![tax_code(("Verdi", "Anna"), Sex::Female, "1987-03-22")];
        });
        world.publish_confirmed(&store, IMOLA, [renamed]);
        assert!(is_withheld(world, &store, &mario(), TODAY));
        let rows = rows_of(&store);
        store.close();
        drop(store);
        assert_eq!(rows_of(&world.with_fresh_engine(Kind::Memory).open()), rows);
    });
}

#[test]
fn who_is_sealed_and_shown_to_nobody_is_withdrawn_only_by_a_registrar() {
    let [seal, _] = waiting_for_other_reasons();
    on_every_engine(|world| {
        let store = world.open();
        world.publish_confirmed(&store, IMOLA, [mario(), protected(anna(), "2026-01-01", None)]);
        world.publish_confirmed(&store, IMOLA, [seal(protected(anna(), "2026-01-01", None))]);
        assert!(is_withheld(world, &store, &mario(), TODAY));
        world.publish(&store, IMOLA, vec![("2", None)]).unwrap();
        assert!(is_withheld(world, &store, &mario(), TODAY));
        world.confirm(&store, IMOLA);
        assert!(!is_withheld(world, &store, &mario(), TODAY));
    });
}

/// What waits for a registrar with whoever it names, beside the protection that must not wait.
fn waiting_for_other_reasons() -> [fn(Record) -> Record; 2] {
    let sealed = |card| {
        stripped(with(card, |card| {
            card.measures.seal = Some(IdentitySeal {
                basis: SealBasis::ProtectionProgramme,
                from: day("2026-02-01"),
                identity: NewIdentity::Awaited,
            });
        }))
    };
    // The end of another protection.
    let shortened = |card| with(card, |card| card.flags.protected = false);
    [sealed, shortened]
}

#[test]
fn a_protection_takes_effect_at_once_though_its_card_waits_for_a_registrar() {
    for wait in waiting_for_other_reasons() {
        for act in [Act::Release, Act::Reject] {
            on_every_engine(|world| {
                let store = world.open();
                let before = with(protected(anna(), "2025-01-01", Some("2025-02-01")), |card| {
                    card.flags.protected = false;
                });
                world.publish_cards(&store, IMOLA, [mario(), before]);
                assert!(!is_withheld(world, &store, &anna(), TODAY));
                // Shorter by a day at its beginning: it would wait by itself.
                world.publish_cards(&store, IMOLA, [wait(protected(anna(), "2025-01-02", None))]);
                assert!(is_withheld(world, &store, &anna(), TODAY));
                assert!(is_withheld(world, &store, &mario(), TODAY));
                assert!(is_withheld(world, &store, &anna(), "2025-01-01"), "as it was");
                let rows = rows_of(&store);
                assert!(rows_of(&world.with_fresh_engine(Kind::Memory).open()) == rows);
                world.state(&store, IMOLA, act);
                assert!(is_withheld(world, &store, &mario(), TODAY));
            });
        }
    }
}

#[test]
fn the_end_of_a_quarantine_takes_back_no_protection_that_came_with_what_waits() {
    let [sealed, _] = waiting_for_other_reasons();
    on_every_engine(|world| {
        let store = world.open();
        let changed = with(giulia(), |card| card.flags.procedure_open = true);
        publish_at(&store, NOW_MS, vec![giulia()]);
        publish_at(&store, NOW_MS + 10 * MINUTE_MS, vec![changed]);
        let order = quarantine(NOW_MS + 5 * MINUTE_MS, NOW_MS + 15 * MINUTE_MS);
        wait(store.order(order, NOW_MS + 20 * MINUTE_MS)).unwrap();
        let hers = sealed(protected(giulia(), "2026-01-01", None));
        publish_at(&store, NOW_MS + 25 * MINUTE_MS, vec![hers]);
        assert!(is_withheld(world, &store, &giulia(), TODAY));
        let state = store.municipality(municipality(IMOLA)).unwrap();
        let lifted = lift(state.holdings.quarantines()[0].id.0);
        wait(store.order(lifted, NOW_MS + 30 * MINUTE_MS)).unwrap();
        assert!(is_withheld(world, &store, &giulia(), TODAY));
    });
}

#[test]
fn a_protection_laid_over_a_false_version_does_not_make_it_trusted() {
    let [sealed, _] = waiting_for_other_reasons();
    on_every_engine(|world| {
        let store = world.open();
        let elsewhere = |street| lives_in(giulia(), street, "2025-06-01");
        publish_at(&store, NOW_MS, vec![giulia()]);
        publish_at(&store, NOW_MS + 10 * MINUTE_MS, vec![elsewhere("Falsa")]);
        let hers = sealed(protected(elsewhere("Falsa"), "2026-01-01", None));
        publish_at(&store, NOW_MS + 25 * MINUTE_MS, vec![hers]);
        let order = quarantine(NOW_MS + 5 * MINUTE_MS, NOW_MS + 15 * MINUTE_MS);
        wait(store.order(order, NOW_MS + 40 * MINUTE_MS)).unwrap();
        let shown = cards(world, &store, withholding(Ask::person()), &giulia());
        assert_eq!(shown[0].version, VersionStanding::Restored);
        assert!(shown[0].view.location_withheld);
    });
}

#[test]
fn another_household_behind_the_same_door_is_sheltered_and_one_next_door_is_not() {
    on_every_engine(|world| {
        let store = world.open();
        let hers = protected(behind_door(anna(), "4"), "2026-01-01", None);
        let hers = joined(hers, "F-7", Kinship::ReferencePerson, "2025-01-01");
        world.publish_confirmed(
            &store,
            IMOLA,
            [hers, behind_door(giulia(), "4"), behind_door(mario(), "5")],
        );
        assert!(is_withheld(world, &store, &giulia(), TODAY));
        assert!(!is_withheld(world, &store, &mario(), TODAY));
    });
}

#[test]
fn a_notional_address_is_no_dwelling() {
    let homeless = |card: Record| {
        with(card, |card| {
            let Dated { from, mut value } = card.residences.latest().unwrap().clone();
            value.place = Place::Notional {
                municipality: istat(IMOLA),
            };
            card.residences.record(Dated { from, value });
        })
    };
    on_every_engine(|world| {
        let store = world.open();
        let hers = protected(homeless(anna()), "2026-01-01", None);
        world.publish_confirmed(&store, IMOLA, [hers, homeless(giulia())]);
        assert!(!is_withheld(world, &store, &giulia(), TODAY));
        let shown = cards(world, &store, Ask::person(), &giulia());
        let residence = shown[0].view.residence.as_ref().unwrap().held().unwrap();
        assert!(matches!(residence.place, Place::Notional { .. }));
    });
}

#[test]
fn shelters_are_the_same_after_a_replay() {
    let world = World::new(Kind::Sled);
    let store = world.open();
    let gone = protected(left(&giulia(), "2022-05-01"), "2026-01-01", None);
    world.publish_confirmed(
        &store,
        IMOLA,
        [gone, protected(anna(), "2026-01-01", None), mario()],
    );
    world.publish_confirmed(&store, DOZZA, [arrived(&giulia(), "2022-05-01")]);
    world.publish_confirmed(&store, IMOLA, [anna(), left(&giulia(), "2022-05-01")]);
    let rows = rows_of(&store);
    drop(store);
    let fresh = world.with_fresh_engine(Kind::Memory);
    let store = fresh.open();
    assert!(rows_of(&store) == rows);
}
