//! The publication profile: what left with a group is in no row and no answer, on both sides' digests, at no moment.

use std::sync::Arc;

use proptest::prelude::*;
use registry::canonical;
use registry::change::ChangeBody;
use registry::code::{AireRegistrationReason, RegistrationReason};
use registry::digest::SetDigest;
use registry::measure::{IdentitySeal, NewIdentity, Protection, ProtectionBasis, SealBasis};
use registry::profile::{FieldGroup, GroupSet, Profile};
use registry::publication::{Batch, HoldReason};
use registry::record::{IdentityDocument, Parent, ParentRole, PersonName, Record, Register, Sex};
use registry::sealing::stripped;

use crate::files::faulty::FaultyFiles;
use crate::keys::encryption_key::KeyEncryptionKey;
use crate::keys::ring::KeyRing;
use crate::municipal::{ChangeDraft, MirrorEngine, MunicipalStore};
use crate::record_store::tests::rulings::{MINUTE_MS, lift, publish_at, quarantine};
use crate::record_store::{JournaledStore, RecordStore};
use crate::rows::CommitSequence;
use crate::test_support::CountingEntropy;
use crate::test_support::people::{
    DOZZA, IMOLA, anna, arrived, code, day, giulia, istat, lives_in, local_id, luca, mario, municipality,
    national_id, tax_code, with,
};
use crate::test_support::permits::Ask;
use crate::test_support::world::{
    Kind, NOW_MS, SEGMENTS, World, on_every_engine, rows_of, settled, verified, wait, who_has,
};

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

/// Whether Mario is shown without anything that leads to the place.
fn is_withheld(world: &World, store: &JournaledStore) -> bool {
    let ask = Ask::person().instead_of(
        "protected = \"hidden\"",
        "protected = \"location-withheld\"\nprotected_basis = \"TULPS art. 4\"",
    );
    let told = world.person(store, ask, &who_has(code(&mario())));
    told.answer.cards.iter().all(|card| card.view.location_withheld)
}

#[test]
fn who_lives_with_a_protected_citizen_abroad_stays_sheltered_and_only_a_registrar_ends_it() {
    on_every_engine(|world| {
        let store = world.open();
        let wife = protected(abroad(anna()));
        world.publish_cards(&store, IMOLA, [mario(), wife.clone()]);
        assert!(is_withheld(world, &store));
        publish(&store, GroupSet::NONE);
        assert!(
            is_withheld(world, &store),
            "the end of an agreement ends no protection"
        );
        let found = world
            .person(&store, Ask::person(), &who_has(code(&wife)))
            .answer
            .cards
            .len();
        assert_eq!(found, 0);
        let remains = every_card(&store).into_iter();
        let remains: Vec<Record> = remains.filter(|card| card.local_id == local_id("2")).collect();
        assert!(
            remains
                .iter()
                .all(|card| card.generalities.surname.is_none() && card.tax_codes.is_empty()),
            "nothing of who she is remains"
        );

        // Neither her withdrawal nor a card without the measure takes it away.
        world.publish(&store, IMOLA, vec![("2", None)]).unwrap();
        let reasons = |store: &JournaledStore| {
            let holdings = store.municipality(municipality(IMOLA)).unwrap().holdings;
            holdings
                .held()
                .into_iter()
                .map(|held| held.reason)
                .collect::<Vec<_>>()
        };
        assert_eq!(reasons(&store), [HoldReason::ProtectionEnded]);
        publish(&store, GroupSet::ALL);
        world.publish_cards(&store, IMOLA, [abroad(anna())]);
        assert_eq!(reasons(&store), [HoldReason::ProtectionEnded]);
        assert!(is_withheld(world, &store));
        world.confirm(&store, IMOLA);
        settled(&store, IMOLA);
        assert!(!is_withheld(world, &store));
        check_replay(world, store);
    });
}

/// The card under a seal whose new identity is awaited: nobody is shown it.
fn awaiting(card: Record) -> Record {
    stripped(with(card, |card| {
        card.measures.seal = Some(IdentitySeal {
            basis: SealBasis::ProtectionProgramme,
            from: day("2026-02-01"),
            identity: NewIdentity::Awaited,
        });
    }))
}

#[test]
fn who_lives_with_a_sealed_citizen_abroad_stays_sheltered_when_the_card_leaves() {
    for buried_after in [false, true] {
        on_every_engine(|world| {
            let store = world.open();
            let wife = protected(abroad(anna()));
            world.publish_cards(&store, IMOLA, [mario(), wife.clone()]);
            let seal = || world.publish_confirmed(&store, IMOLA, [awaiting(wife.clone())]);
            if buried_after {
                publish(&store, GroupSet::NONE);
                assert!(is_withheld(world, &store), "she left");
            } else {
                seal();
                assert!(is_withheld(world, &store), "she is sealed");
                publish(&store, GroupSet::NONE);
            }
            assert!(is_withheld(world, &store), "both");
            let rows = rows_of(&store);
            assert!(rows_of(&world.with_fresh_engine(Kind::Memory).open()) == rows);
        });
    }
}

#[test]
fn who_shares_a_person_with_a_card_that_left_is_protected_under_any_name() {
    on_every_engine(|world| {
        let store = world.open();
        let identified = |card: Record| with(card, |card| card.national_id = Some(national_id("AA00000AA")));
        // Two persons to the region: one under another code, and he who is protected abroad and lives in Dozza.
        let first = with(arrived(&mario(), "2022-05-01"), |card| {
            card.tax_codes = vec![tax_code(("Rossi", "Mariano"), Sex::Male, "1985-12-10")];
        });
        let second = with(arrived(&mario(), "2022-05-01"), |card| {
            card.local_id = local_id("D-8")
        });
        world.publish_cards(&store, DOZZA, [identified(first)]);
        world.publish_cards(&store, IMOLA, [protected(abroad(mario()))]);
        world.publish_cards(&store, DOZZA, [second.clone()]);
        publish(&store, GroupSet::NONE);
        assert!(is_withheld(world, &store), "by the card that left");
        // A national id shows both to be one, and the first names the person.
        world.publish_cards(&store, DOZZA, [identified(second)]);
        assert!(is_withheld(world, &store));
    });
}

#[test]
fn a_registrar_is_told_that_a_protection_ends_with_a_waiting_card_that_left() {
    on_every_engine(|world| {
        let store = world.open();
        let hers = protected(anna());
        world.publish_cards(&store, IMOLA, [mario(), hers.clone()]);
        // Her seal waits, on a card that says she went abroad.
        world.publish_cards(&store, IMOLA, [awaiting(abroad(hers))]);
        let held = |store: &JournaledStore| store.municipality(municipality(IMOLA)).unwrap().holdings;
        assert_eq!(held(&store).held()[0].reason, HoldReason::IdentitySealed);
        let shown = held(&store).digest();
        publish(&store, GroupSet::NONE);
        assert_ne!(
            held(&store).digest(),
            shown,
            "what was signed before releases nothing"
        );
        let again = world.with_fresh_engine(Kind::Memory).open();
        for store in [&store, &again] {
            let holdings = held(store);
            let change = holdings.held()[0];
            assert_eq!(
                (change.reason, change.content),
                (HoldReason::ProtectionEnded, [0; 32])
            );
        }
        assert!(is_withheld(world, &store));
    });
}

#[test]
fn what_left_while_it_was_not_trusted_is_not_served_again_and_goes_on_sheltering() {
    on_every_engine(|world| {
        let store = world.open();
        publish_at(&store, NOW_MS, vec![mario(), anna()]);
        let abroad = protected(abroad(anna()));
        publish_at(&store, NOW_MS + 10 * MINUTE_MS, vec![abroad]);
        let order = quarantine(NOW_MS + 5 * MINUTE_MS, NOW_MS + 15 * MINUTE_MS);
        wait(store.order(order, NOW_MS + 20 * MINUTE_MS)).unwrap();
        publish(&store, GroupSet::NONE);
        let quarantine = store
            .municipality(municipality(IMOLA))
            .unwrap()
            .holdings
            .quarantines()[0]
            .id;
        wait(store.order(lift(quarantine.0), NOW_MS + 30 * MINUTE_MS)).unwrap();
        let hers = world.person(&store, Ask::person(), &who_has(code(&anna())));
        assert!(hers.answer.cards.is_empty(), "her last card is abroad, and left");
        assert!(is_withheld(world, &store), "whoever lives with her is sheltered");
        let rows = rows_of(&store);
        assert!(rows_of(&world.with_fresh_engine(Kind::Memory).open()) == rows);
    });
}

#[test]
fn a_card_abroad_that_left_goes_on_protecting_the_persons_other_cards() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, DOZZA, [arrived(&mario(), "2022-05-01")]);
        world.publish_cards(&store, IMOLA, [protected(abroad(mario()))]);
        assert!(is_withheld(world, &store));
        publish(&store, GroupSet::NONE);
        assert!(
            is_withheld(world, &store),
            "though the card that protects has left"
        );
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

/// What a municipality's node and the index do.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// The node journals this card.
    Journal(u8),
    /// The node withdraws it.
    Withdraw(u8),
    /// Agreements open these groups.
    Agree(GroupSet),
    /// The node hears of it, and sends what it has.
    Publish,
    /// A registrar confirms what waits.
    Confirm,
    /// The index starts again, over nothing or over what it has.
    Restart(Kind),
}

fn any_step() -> impl Strategy<Value = Step> {
    let groups = (0..=GroupSet::ALL.bits()).prop_filter_map("a profile", GroupSet::from_bits);
    prop_oneof![
        6 => (0u8..8).prop_map(Step::Journal),
        1 => (0u8..8).prop_map(Step::Withdraw),
        3 => groups.prop_map(Step::Agree),
        5 => Just(Step::Publish),
        1 => Just(Step::Confirm),
        1 => Just(Step::Restart(Kind::Memory)),
    ]
}

fn any_card(like: u8) -> Record {
    match like {
        0 => full(mario()),
        1 => abroad(full(mario())),
        2 => protected(abroad(full(mario()))),
        3 => mario(),
        4 => full(anna()),
        5 => protected(full(anna())),
        6 => abroad(anna()),
        _ => full(giulia()),
    }
}

fn node() -> MunicipalStore {
    let key = KeyEncryptionKey::from_bytes(&[5; 32]);
    let entropy = Arc::new(CountingEntropy::default());
    let ring = KeyRing::open(Arc::new(FaultyFiles::default()), key, entropy).unwrap();
    let files = Arc::new(FaultyFiles::default());
    MunicipalStore::open(files, &ring, SEGMENTS, MirrorEngine::Memory, municipality(IMOLA)).unwrap()
}

fn draft(card: Record) -> ChangeDraft {
    ChangeDraft {
        local_id: card.local_id.clone(),
        body: ChangeBody::Upsert(Box::new(card)),
        events: Vec::new(),
    }
}

/// The node opens a stream, hears what is agreed, and sends what the index does not have.
fn send(store: &JournaledStore, node: &mut MunicipalStore) {
    let id = municipality(IMOLA);
    node.adopt_profile(store.profile(id).unwrap()).unwrap();
    let first = store.municipality(id).unwrap().watermark.0 + 1;
    let changes = node.changes_from(first, 1_000).unwrap();
    if changes.is_empty() {
        return;
    }
    let now_ms = i64::try_from(NOW_MS).unwrap();
    let batch = Batch::new(istat(IMOLA), store.epoch(id), first, changes, now_ms).unwrap();
    wait(store.publish(verified(batch), NOW_MS)).unwrap();
    settled(store, IMOLA);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn node_and_index_stay_equal_and_a_replay_gives_the_same_rows_whatever_is_agreed(
        first in (0..=GroupSet::ALL.bits()).prop_filter_map("a profile", GroupSet::from_bits),
        steps in proptest::collection::vec(any_step(), 1..24),
    ) {
        let mut world = World::new(Kind::Memory);
        let mut store = world.open();
        let mut node = node();
        publish(&store, first);
        for step in steps.into_iter().chain([Step::Publish]) {
            match step {
                Step::Journal(like) => node.append(vec![draft(any_card(like))]).unwrap(),
                Step::Withdraw(like) => {
                    let local_id = any_card(like).local_id;
                    if node.card(&local_id).unwrap().is_some() {
                        let body = ChangeBody::Remove;
                        node.append(vec![ChangeDraft { local_id, body, events: Vec::new() }]).unwrap();
                    }
                }
                Step::Agree(groups) => {
                    publish(&store, groups);
                    prop_assert!(held(&store).is_subset(groups), "in no version");
                }
                Step::Publish => {
                    send(&store, &mut node);
                    let state = store.municipality(municipality(IMOLA)).unwrap();
                    prop_assert_eq!(state.digest.root(), node.digest().root());
                    prop_assert_eq!(state.records, node.cards());
                    let groups = store.profile(municipality(IMOLA)).unwrap().groups();
                    prop_assert!(held(&store).is_subset(groups), "in no version");
                }
                Step::Confirm => world.confirm(&store, IMOLA),
                Step::Restart(kind) => {
                    let rows = rows_of(&store);
                    drop(store);
                    world = world.with_fresh_engine(kind);
                    store = world.open();
                    prop_assert!(rows_of(&store) == rows);
                }
            }
        }
        let rows = rows_of(&store);
        drop(store);
        prop_assert!(rows_of(&world.with_fresh_engine(Kind::Memory).open()) == rows);
    }
}
