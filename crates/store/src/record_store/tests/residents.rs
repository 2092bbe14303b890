//! Who is resident at an address on a date, who of them is shown, and who is not found by where they live.

use agreement::claim::{AddressClaim, ResidenceClaim};
use registry::code::{Kinship, ToponymSpecies};
use registry::measure::{IdentitySeal, NewIdentity, Protection, ProtectionBasis, SealBasis};
use registry::record::{Death, Place, Record, Register, Sex};
use registry::timeline::Dated;

use crate::record_store::answer::ResidentsAnswer;
use crate::record_store::tests::rulings::{MINUTE_MS, lift, publish_at, quarantine};
use crate::record_store::{JournaledStore, RecordStore};
use crate::test_support::people::{
    DOZZA, IMOLA, anna, arrived, card, code, day, giulia, istat, left, link, lives_in, luca, mario,
    municipality, with,
};
use crate::test_support::permits::Ask;
use crate::test_support::world::{Kind, NOW_MS, Told, World, on_every_engine, rows_of, wait, who_has};

/// Via Appia 7 of Imola, where everybody of the stories lives.
fn appia() -> ResidenceClaim {
    ResidenceClaim {
        municipality: municipality(IMOLA),
        address: AddressClaim {
            species: None,
            street: "Appia".to_owned(),
            number: Some(7),
            suffix: String::new(),
            staircase: String::new(),
            unit: String::new(),
        },
    }
}

fn at(change: impl FnOnce(&mut AddressClaim)) -> ResidenceClaim {
    let mut claim = appia();
    change(&mut claim.address);
    claim
}

/// The card with another present address.
fn moved_within(card: Record, change: impl FnOnce(&mut registry::record::Address)) -> Record {
    with(card, |card| {
        let Dated { from, mut value } = card.residences.latest().unwrap().clone();
        if let Place::Italian(address) = &mut value.place {
            change(address);
        }
        card.residences.record(Dated { from, value });
    })
}

fn behind_door(card: Record, unit: &str) -> Record {
    moved_within(card, |address| address.unit = unit.to_owned())
}

fn protected(card: Record) -> Record {
    with(card, |card| {
        card.measures.protection = Some(Protection {
            basis: ProtectionBasis::Shelter,
            from: day("2026-01-01"),
            until: None,
        });
    })
}

/// Given names of who is found, group by group.
fn groups(told: &Told<ResidentsAnswer>) -> Vec<Vec<String>> {
    let ResidentsAnswer::Found(groups) = &told.answer else {
        panic!("too many")
    };
    let names = groups.iter().map(|group| {
        let name = |card: &crate::record_store::answer::PersonCard| {
            assert_eq!(card.household, group.household);
            card.view.given_name.as_ref().unwrap().as_str().to_owned()
        };
        group.cards.iter().map(name).collect()
    });
    names.collect()
}

fn found(world: &World, store: &JournaledStore, ask: Ask, address: &ResidenceClaim) -> Vec<String> {
    let mut names = groups(&world.residents(store, ask, address)).concat();
    names.sort();
    names
}

fn imola() -> Ask {
    Ask::residents(IMOLA)
}

fn withholding(ask: Ask) -> Ask {
    ask.instead_of(
        "protected = \"hidden\"",
        "protected = \"location-withheld\"\nprotected_basis = \"TULPS art. 4\"",
    )
}

#[test]
fn the_residents_of_an_address_are_those_of_the_reference_date_by_household() {
    // Anna lived elsewhere from 2018 to 2020, Luca left for Dozza in 2024.
    let anna = lives_in(lives_in(anna(), "Emilia", "2018-01-01"), "Appia", "2020-01-01");
    let luca = left(&luca(), "2024-05-01");
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), anna.clone(), luca.clone(), giulia()]);
        let told = world.residents(&store, imola(), &appia());
        assert_eq!(groups(&told), [vec!["Anna", "Mario"], vec!["Giulia"]]);
        assert_eq!((told.outcome(), told.subjects()), ((0, ""), 3));
        let on = |date| found(world, &store, imola().on(date), &appia());
        assert_eq!(on("2019-12-31"), ["Giulia", "Luca", "Mario"]);
        assert_eq!(on("2024-04-30"), ["Anna", "Giulia", "Luca", "Mario"]);
        assert_eq!(on("2024-05-01"), ["Anna", "Giulia", "Mario"]);
        assert!(on("2015-05-31").is_empty(), "before everybody's registration");
        let emilia = at(|address| address.street = "EMILIA".to_owned());
        assert_eq!(found(world, &store, imola().on("2019-12-31"), &emilia), ["Anna"]);
        assert!(found(world, &store, imola(), &emilia).is_empty());
    });
}

#[test]
fn whoever_is_found_is_whom_a_declaration_of_the_address_is_true_of() {
    on_every_engine(|world| {
        let store = world.open();
        let upstairs = moved_within(giulia(), |address| {
            address.suffix = "B".to_owned();
            address.staircase = "2".to_owned();
            address.unit = "12".to_owned();
        });
        let snc = moved_within(anna(), |address| address.number = None);
        world.publish_cards(&store, IMOLA, [mario(), snc.clone(), upstairs.clone()]);
        type Change = fn(&mut AddressClaim);
        let cases: [(Change, &[&str]); 10] = [
            (|_| {}, &["Giulia", "Mario"]),
            (
                |address| address.street = "aPPia".to_owned(),
                &["Giulia", "Mario"],
            ),
            (
                |address| address.species = Some(ToponymSpecies::VIA),
                &["Giulia", "Mario"],
            ),
            (|address| address.species = ToponymSpecies::from_number(125), &[]),
            (|address| address.suffix = "b".to_owned(), &["Giulia"]),
            (|address| address.staircase = "2".to_owned(), &["Giulia"]),
            (|address| address.unit = "13".to_owned(), &[]),
            (|address| address.number = Some(8), &[]),
            (|address| address.number = None, &["Anna"]),
            (|address| address.street = "Appia Nuova".to_owned(), &[]),
        ];
        for (change, expect) in cases {
            let address = at(change);
            assert_eq!(found(world, &store, imola(), &address), expect, "{address:?}");
            for one in [mario(), snc.clone(), upstairs.clone()] {
                let claim = agreement::claim::Claim::Residence(address.clone());
                let ask = Ask::verification(agreement::service::VerificationKind::Residence);
                let told = world.verify(&store, ask, &who_has(code(&one)), &claim);
                let name = one.generalities.given_name.as_ref().unwrap().as_str();
                let yes = told.answer.answer.unwrap() == agreement::verification::VerificationAnswer::YES;
                assert_eq!(yes, expect.contains(&name), "{name}: {address:?}");
            }
        }
        // Of another municipality the same street is another one.
        let dozza = ResidenceClaim {
            municipality: municipality(DOZZA),
            ..appia()
        };
        assert!(found(world, &store, Ask::residents(DOZZA), &dozza).is_empty());
    });
}

#[test]
fn who_has_no_fixed_abode_or_lives_abroad_is_resident_at_no_address() {
    on_every_engine(|world| {
        let store = world.open();
        let homeless = with(anna(), |card| {
            let Dated { from, mut value } = card.residences.latest().unwrap().clone();
            value.place = Place::Notional {
                municipality: istat(IMOLA),
            };
            card.residences.record(Dated { from, value });
        });
        let abroad = with(giulia(), |card| card.register = Register::Aire);
        world.publish_cards(&store, IMOLA, [mario(), homeless, abroad]);
        assert_eq!(found(world, &store, imola(), &appia()), ["Mario"]);
    });
}

#[test]
fn the_dead_live_nowhere_from_the_day_after() {
    let gone = with(anna(), |card| {
        card.death = Some(Death {
            date: day("2026-02-03"),
            place: None,
        });
    });
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), gone.clone()]);
        assert_eq!(
            found(world, &store, imola().on("2026-02-03"), &appia()),
            ["Anna", "Mario"]
        );
        assert_eq!(
            found(world, &store, imola().on("2026-02-04"), &appia()),
            ["Mario"]
        );
    });
}

#[test]
fn nobody_is_found_by_an_address_whose_place_is_withheld() {
    // Giulia lives in the house, in another household and behind another door.
    let (mario, luca, giulia) = (
        behind_door(mario(), "1"),
        behind_door(luca(), "1"),
        behind_door(giulia(), "2"),
    );
    let elena = protected(behind_door(anna(), "1"));
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(
            &store,
            IMOLA,
            [mario.clone(), luca.clone(), giulia.clone(), elena.clone()],
        );
        let shown = imola().instead_of(
            "protected = \"hidden\"",
            "protected = \"shown\"\nprotected_basis = \"TULPS art. 4\"",
        );
        assert_eq!(
            found(world, &store, shown, &appia()),
            ["Anna", "Giulia", "Luca", "Mario"]
        );
        for ask in [imola(), withholding(imola())] {
            assert_eq!(found(world, &store, ask, &appia()), ["Giulia"]);
            assert_eq!(
                found(world, &store, ask.on("2020-01-01"), &appia()),
                ["Giulia"],
                "today's protection holds for the past"
            );
            let door = at(|address| address.unit = "1".to_owned());
            let hidden = world.residents(&store, ask, &door);
            let absent = world.residents(&store, ask, &at(|address| address.unit = "9".to_owned()));
            assert_eq!(hidden.outcome(), absent.outcome());
            assert!(groups(&hidden).is_empty() && groups(&absent).is_empty());
            assert_eq!((hidden.subjects(), absent.subjects()), (3, 0));
            assert_eq!(hidden.decision().clause.as_deref(), Some("protected"));
        }
    });
}

#[test]
fn who_is_protected_on_a_card_elsewhere_is_not_found_here() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), giulia()]);
        let elsewhere = with(protected(arrived(&giulia(), "2024-01-01")), |card| {
            card.cancellation = left(&giulia(), "2025-01-01").cancellation;
        });
        world.publish_confirmed(&store, DOZZA, [elsewhere]);
        for ask in [imola(), withholding(imola())] {
            assert_eq!(found(world, &store, ask, &appia()), ["Mario"]);
        }
    });
}

#[test]
fn more_than_may_be_shown_are_refused_and_who_is_hidden_does_not_count() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), anna(), luca(), giulia()]);
        let most = |most| imola().instead_of("known_on = true", most);
        let told = world.residents(&store, most("max_residents = 3"), &appia());
        assert!(matches!(told.answer, ResidentsAnswer::TooMany { most: 3 }));
        assert_eq!((told.outcome(), told.subjects()), ((9, "TOO_MANY_RESIDENTS"), 4));
        assert_eq!(found(world, &store, most("max_residents = 4"), &appia()).len(), 4);
        let adults = most("max_residents = 3").instead_of("minors = true", "minors = false");
        assert_eq!(
            found(world, &store, adults, &appia()),
            ["Anna", "Giulia", "Mario"]
        );
    });
}

#[test]
fn a_crowd_at_one_address_is_never_shown_whole() {
    on_every_engine(|world| {
        let store = world.open();
        let crowd = (0..51).map(|number| {
            let given = format!("Caso{}", ["A", "B", "C"][number % 3].repeat(1 + number / 3));
            let birth = format!("{}-01-0{}", 1950 + number, 1 + number % 9);
            let household = link(&format!("F-{}", 100 + number), Kinship::ReferencePerson);
            card(
                IMOLA,
                &format!("C-{number}"),
                ("Folla", &given),
                Sex::Male,
                &birth,
                household,
            )
        });
        world.publish_cards(&store, IMOLA, crowd.clone().take(50));
        assert_eq!(found(world, &store, imola(), &appia()).len(), 50);
        world.publish_cards(&store, IMOLA, crowd.skip(50));
        let told = world.residents(&store, imola(), &appia());
        assert!(matches!(told.answer, ResidentsAnswer::TooMany { most: 50 }));
    });
}

#[test]
fn without_the_household_residents_are_one_group_and_tell_no_household() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), anna(), giulia()]);
        let ask = imola()
            .instead_of("\"lookup-household\", ", "")
            .instead_of("\"residence\", \"household\"", "\"residence\"");
        let told = world.residents(&store, ask, &appia());
        let ResidentsAnswer::Found(groups) = &told.answer else {
            panic!("too many")
        };
        let [group] = &groups[..] else {
            panic!("one group: {groups:?}")
        };
        assert_eq!((group.household, group.cards.len()), (None, 3));
    });
}

#[test]
fn what_was_known_and_what_a_quarantine_restored_lead_to_the_house_of_then() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), giulia()]);
        let later = NOW_MS + MINUTE_MS;
        let moved = lives_in(giulia(), "Emilia", "2026-02-01");
        publish_at(&store, later, vec![moved]);
        let emilia = at(|address| address.street = "Emilia".to_owned());
        assert_eq!(found(world, &store, imola(), &appia()), ["Mario"]);
        assert_eq!(found(world, &store, imola(), &emilia), ["Giulia"]);
        let known = imola().known_on(NOW_MS);
        assert_eq!(found(world, &store, known, &appia()), ["Giulia", "Mario"]);
        assert!(found(world, &store, known, &emilia).is_empty());
        let order = quarantine(later, later);
        let done = wait(store.order(order, later + MINUTE_MS)).unwrap();
        assert_eq!(found(world, &store, imola(), &appia()), ["Giulia", "Mario"]);
        assert!(found(world, &store, imola(), &emilia).is_empty());
        wait(store.order(lift(done.first.unwrap().0), later + 2 * MINUTE_MS)).unwrap();
        assert_eq!(found(world, &store, imola(), &emilia), ["Giulia"]);
    });
}

#[test]
fn a_sealed_identity_a_removed_card_and_a_municipality_that_left_lead_nowhere() {
    on_every_engine(|world| {
        let store = world.open();
        let sealed = with(giulia(), |card| {
            card.measures.seal = Some(IdentitySeal {
                basis: SealBasis::ProtectionProgramme,
                from: day("2026-03-01"),
                identity: NewIdentity::Awaited,
            });
        });
        world.publish_cards(&store, IMOLA, [mario(), anna(), giulia()]);
        world.publish_cards(&store, DOZZA, [arrived(&mario(), "2024-01-01")]);
        world.confirm(&store, DOZZA);
        world.publish_cards(&store, IMOLA, [sealed]);
        world.confirm(&store, IMOLA);
        for ask in [imola(), imola().on("2020-01-01"), imola().known_on(NOW_MS)] {
            assert_eq!(found(world, &store, ask, &appia()), ["Anna", "Mario"]);
        }
        world.publish(&store, IMOLA, vec![("2", None)]).unwrap();
        world.confirm(&store, IMOLA);
        assert_eq!(found(world, &store, imola(), &appia()), ["Mario"]);
        world.withdraw(&store, IMOLA).unwrap();
        assert!(found(world, &store, imola(), &appia()).is_empty());
        let gramsci = ResidenceClaim {
            municipality: municipality(DOZZA),
            ..at(|address| address.street = "Gramsci".to_owned())
        };
        assert_eq!(found(world, &store, Ask::residents(DOZZA), &gramsci), ["Mario"]);
        let rows = rows_of(&store);
        drop(store);
        assert!(rows_of(&world.with_fresh_engine(Kind::Memory).open()) == rows);
    });
}
