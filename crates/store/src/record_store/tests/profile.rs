//! The publication profile: what left with a group is in no row and no answer, on both sides' digests, at no moment.

use registry::canonical;
use registry::code::{AireRegistrationReason, RegistrationReason};
use registry::digest::SetDigest;
use registry::measure::{Protection, ProtectionBasis};
use registry::profile::{FieldGroup, GroupSet, Profile};
use registry::record::{IdentityDocument, Parent, ParentRole, PersonName, Record, Register};

use crate::record_store::{JournaledStore, RecordStore};
use crate::rows::CommitSequence;
use crate::test_support::people::{
    DOZZA, IMOLA, anna, code, day, giulia, istat, lives_in, local_id, luca, mario, municipality, tax_code,
    with,
};
use crate::test_support::permits::Ask;
use crate::test_support::world::{
    Kind, NOW_MS, SEGMENTS, World, on_every_engine, rows_of, settled, verified, wait, who_has,
};

mod sheltering;
mod both_sides;

const PARENTS: GroupSet = GroupSet::of(&[FieldGroup::Parents]);
const NO_AIRE: GroupSet = GroupSet::ALL.difference(GroupSet::of(&[FieldGroup::Aire]));

/// A card with everything that a profile can leave out.
fn full(card: Record) -> Record {
    with(card, |card| {
        card.parents.push(Parent {
            role: ParentRole::Father,
            surname: PersonName::parse("Ghini").ok(),
            given_name: PersonName::parse("Ugo").ok(),
            tax_code: None,
        });
        card.identity_document = Some(IdentityDocument {
            number: "CA12345AA".to_owned(),
            issuer: istat(IMOLA),
            issued: day("2020-01-01"),
            expires: day("2030-01-01"),
        });
    })
}

fn abroad(card: Record) -> Record {
    with(card, |card| {
        card.register = Register::Aire;
        card.registration.reason = RegistrationReason::Aire(AireRegistrationReason::Birth);
    })
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

fn publish(store: &JournaledStore, groups: GroupSet) -> Option<Profile> {
    let set = wait(store.set_profiles(vec![(municipality(IMOLA), groups)], NOW_MS));
    set.unwrap().remove(&municipality(IMOLA))
}

fn every_card(store: &JournaledStore) -> Vec<Record> {
    let mut cards = Vec::new();
    store.every_card(&mut |card| cards.push(card)).unwrap();
    cards
}

/// The groups of which any version of any card of Imola holds anything, waiting ones included.
fn held(store: &JournaledStore) -> GroupSet {
    let cards = every_card(store);
    // What remains of somebody protected says nothing of who it is.
    let own = cards
        .iter()
        .filter(|card| card.municipality == istat(IMOLA) && card.generalities.surname.is_some());
    own.fold(GroupSet::NONE, |held, card| held.union(GroupSet::of_card(card)))
}

#[track_caller]
fn check_digest(store: &JournaledStore, cards: &[Record], groups: GroupSet) {
    let applied: Vec<Record> = cards
        .iter()
        .cloned()
        .filter_map(|card| groups.applied(card))
        .collect();
    let mut digest = SetDigest::new();
    for card in &applied {
        digest.add(&card.local_id, &canonical::encode(card));
    }
    let state = store.municipality(municipality(IMOLA)).unwrap();
    assert_eq!(
        state.digest.root(),
        digest.root(),
        "the digest is that of the cards within the profile"
    );
    assert_eq!(state.records, applied.len() as u64);
}

/// The same rows, made again from the journal, and from the rows as they are.
#[track_caller]
fn check_replay(world: &World, store: JournaledStore) {
    let rows = rows_of(&store);
    let state = store.municipality(municipality(IMOLA)).unwrap();
    drop(store);
    for again in [
        world.with_fresh_engine(Kind::Memory),
        world.on(world.journal.after_kill()),
    ] {
        let (replayed, _) = again.try_open(crate::test_support::world::NEVER).unwrap();
        assert!(rows_of(&replayed) == rows);
        let replayed = replayed.municipality(municipality(IMOLA)).unwrap();
        assert_eq!(replayed.digest.root(), state.digest.root());
        assert_eq!(
            (replayed.records, replayed.profile),
            (state.records, state.profile)
        );
    }
}

#[test]
fn what_leaves_with_a_group_is_in_no_version_and_both_sides_stay_equal() {
    on_every_engine(|world| {
        let store = world.open();
        let cards = [full(mario()), full(anna()), luca()];
        world.publish_cards(&store, IMOLA, cards);
        let moved = lives_in(full(mario()), "Emilia", "2026-02-01");
        world.publish_cards(&store, IMOLA, [moved.clone()]);
        world.publish_cards(
            &store,
            DOZZA,
            [with(full(giulia()), |card| card.municipality = istat(DOZZA))],
        );
        // One of them waits.
        world.publish_cards(&store, IMOLA, [protected(full(anna()))]);
        world.publish_cards(&store, IMOLA, [full(anna())]);
        let received = [moved, full(anna()), luca()];
        check_digest(&store, &received, GroupSet::ALL);
        let all = held(&store);
        assert!(PARENTS.is_subset(all));

        publish(&store, PARENTS);
        assert_eq!(held(&store), PARENTS);
        check_digest(&store, &received, PARENTS);
        publish(&store, GroupSet::NONE);
        assert_eq!(held(&store), GroupSet::NONE);
        check_digest(&store, &received, GroupSet::NONE);
        let dozza = every_card(&store).into_iter();
        let dozza: Vec<Record> = dozza.filter(|card| card.municipality == istat(DOZZA)).collect();
        assert!(
            !dozza.is_empty() && dozza.iter().all(|card| !card.parents.is_empty()),
            "another's is its own affair"
        );

        // What comes later is narrowed before it is written, also when a registrar lets it through.
        world.publish_cards(&store, IMOLA, [full(luca())]);
        world.confirm(&store, IMOLA);
        assert_eq!(held(&store), GroupSet::NONE);
        let received = [received[0].clone(), full(anna()), full(luca())];
        check_digest(&store, &received, GroupSet::NONE);

        publish(&store, PARENTS);
        assert_eq!(
            held(&store),
            GroupSet::NONE,
            "it comes back when it is published again"
        );
        world.publish_cards(&store, IMOLA, received.clone());
        assert_eq!(held(&store), PARENTS);
        check_digest(&store, &received, PARENTS);
        check_replay(world, store);
    });
}

#[test]
fn a_store_that_is_killed_behind_a_profile_opens_again_with_the_same_rows() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [full(mario()), protected(abroad(full(anna())))]);
        publish(&store, GroupSet::NONE);
        world.publish_cards(&store, IMOLA, [full(luca())]);
        let rows = rows_of(&store);
        let disk = world.journal.after_kill();
        drop(store);
        let (again, report) = world
            .on(disk)
            .try_open(crate::test_support::world::NEVER)
            .unwrap();
        assert!(!report.rebuilt || world.is_memory());
        assert!(rows_of(&again) == rows);
        assert_eq!(held(&again), GroupSet::NONE);
    });
}

#[test]
fn a_journal_without_a_profile_leaves_nothing_out() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    world.publish_cards(&store, IMOLA, [abroad(full(mario()))]);
    assert_eq!(store.profile(municipality(IMOLA)), None);
    check_digest(&store, &[abroad(full(mario()))], GroupSet::ALL);
    check_replay(&world, store);
}

#[test]
fn a_profile_that_changes_nothing_is_none() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    let first = publish(&store, PARENTS).unwrap();
    assert_eq!((first.number(), first.groups()), (1, PARENTS));
    assert_eq!(publish(&store, PARENTS), Some(first));
    assert_eq!(store.visible(), CommitSequence(1), "one entry of the journal");
    let second = publish(&store, GroupSet::ALL).unwrap();
    assert_eq!((second.number(), second.held_since(1)), (2, PARENTS));
    check_replay(&world, store);
}

#[test]
fn citizens_abroad_leave_as_if_they_had_never_been_published() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), abroad(giulia())]);
        let moved = abroad(lives_in(giulia(), "Emilia", "2026-02-01"));
        world.publish_cards(&store, IMOLA, [moved.clone()]);
        let ask = |ask: Ask| {
            world
                .person(&store, ask, &who_has(code(&giulia())))
                .answer
                .cards
                .len()
        };
        assert_eq!(ask(Ask::person()), 1);
        publish(&store, NO_AIRE);
        for on in ["2016-01-01", "2026-02-15", "2026-03-02"] {
            assert_eq!(ask(Ask::person().on(on)), 0, "{on}");
            assert_eq!(
                ask(Ask::person().on(on).known_on(NOW_MS)),
                0,
                "as it was known, {on}"
            );
        }
        let lead = store.projection().tax_code(code(&giulia()).as_str());
        for visible in 0..=store.visible().0 {
            let led = store
                .projection()
                .cards_of(lead, CommitSequence(visible))
                .unwrap();
            assert!(led.is_empty(), "nothing leads to her");
        }
        check_digest(&store, &[mario(), moved.clone()], NO_AIRE);
        let holdings = store.municipality(municipality(IMOLA)).unwrap().holdings;
        assert!(holdings.held().is_empty(), "it counts towards no limit");

        // A node that has not heard of it sends her again: nothing comes of it.
        world.publish_cards(&store, IMOLA, [moved.clone()]);
        assert_eq!(ask(Ask::person()), 0);
        publish(&store, GroupSet::ALL);
        assert_eq!(
            ask(Ask::person()),
            0,
            "she comes back when she is published again"
        );
        world.publish_cards(&store, IMOLA, [moved.clone()]);
        assert_eq!(ask(Ask::person()), 1);
        check_digest(&store, &[mario(), moved], GroupSet::ALL);
        check_replay(world, store);
    });
}

#[test]
fn a_withdrawn_municipality_has_no_profile_to_change() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    world.publish_cards(&store, IMOLA, [full(mario())]);
    assert_eq!(store.municipalities(), [municipality(IMOLA)]);
    world.withdraw(&store, IMOLA).unwrap();
    assert!(store.municipalities().is_empty());
    assert_eq!(publish(&store, PARENTS), None);
    store.close();
    let again = world.on(world.journal.after_kill()).open();
    assert_eq!(again.profile(municipality(IMOLA)), None);
}

#[test]
fn an_engine_from_before_a_profile_is_brought_up_to_it_and_not_made_again() {
    let world = World::new(Kind::Sled);
    let store = world.open();
    world.publish_cards(&store, IMOLA, [full(mario()), protected(abroad(full(anna())))]);
    store.close();
    drop(store);
    let (engine, aside) = (
        world.engine_directory(),
        world.engine_directory().with_extension("before"),
    );
    copy(&engine, &aside);
    let later = world.on(world.journal.after_kill());
    let store = later.open();
    publish(&store, GroupSet::NONE);
    let rows = rows_of(&store);
    drop(store);
    std::fs::remove_dir_all(&engine).unwrap();
    copy(&aside, &engine);
    let again = later.on(later.journal.after_kill());
    let (again, report) = again.try_open(crate::test_support::world::NEVER).unwrap();
    assert!(!report.rebuilt && report.replayed == 1);
    assert!(rows_of(&again) == rows);
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}
