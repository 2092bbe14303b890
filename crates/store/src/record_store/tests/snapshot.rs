//! A reading sees one moment, however much is written meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use registry::record::{Place, Record};

use crate::record_store::RecordStore;
use crate::record_store::answer::HouseholdCard;
use crate::test_support::people::{IMOLA, anna, code, lives_in, mario, municipality};
use crate::test_support::permits::Ask;
use crate::test_support::world::{on_every_engine, who_has};

const STREETS: [&str; 3] = ["Appia", "Emilia", "Cavour"];
const REMOVALS: usize = 60;

/// Streets in which the members live.
fn streets(household: &HouseholdCard) -> Vec<&str> {
    let members = household.view.members.iter();
    members
        .map(
            |member| match &member.person.residence.as_ref().unwrap().held().unwrap().place {
                Place::Italian(address) => address.street.as_str(),
                Place::Foreign(_) | Place::Notional { .. } => panic!("everybody here lives in a street"),
            },
        )
        .collect()
}

#[test]
fn a_batch_is_seen_as_a_whole_or_not_at_all() {
    let living_in = |card: Record, street: &str| lives_in(card, street, "2015-06-01");
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), anna()]);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for turn in 1..=REMOVALS {
                    let street = STREETS[turn % STREETS.len()];
                    let both = [living_in(mario(), street), living_in(anna(), street)];
                    world.publish_cards(&store, IMOLA, both);
                }
                done.store(true, Ordering::Release);
            });
            let mut readings = 0;
            while !done.load(Ordering::Acquire) || readings == 0 {
                let told = world.household(&store, Ask::household(), &who_has(code(&mario())));
                let [household] = told.answer.households.as_slice() else {
                    panic!("there is one household")
                };
                let [one, other] = streets(household)[..] else {
                    panic!("there are two members")
                };
                assert_eq!(one, other);
                readings += 1;
            }
        });
    });
}

#[test]
fn what_a_node_is_told_to_be_visible_is_seen_by_every_later_reading() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario()]);
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for turn in 1..=REMOVALS {
                    let street = STREETS[turn % STREETS.len()];
                    world.publish_cards(&store, IMOLA, [lives_in(mario(), street, "2015-06-01")]);
                }
                done.store(true, Ordering::Release);
            });
            while !done.load(Ordering::Acquire) {
                let told = store.municipality(municipality(IMOLA)).unwrap().visible.0;
                // One municipality alone publishes, so its numbers are those of the journal.
                assert!(told <= store.visible().0, "{told} is told before it is seen");
            }
        });
    });
}
