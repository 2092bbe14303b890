//! A municipality that leaves: nothing of it opens any more, and all others stay as they were, also after a replay that
//! knows nothing of what it had published.

mod restored;
mod stories;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use registry::measure::{NewIdentity, Protection, ProtectionBasis};
use registry::publication::{Epoch, Watermark};
use registry::record::{Place, Record};
use registry::timeline::Dated;

use crate::files::faulty::{Fault, FaultyFiles};
use crate::keys::KeyId;
use crate::publication_journal::municipality_key;
use crate::publisher::order::{Order, OrderError};
use crate::publisher::{NewLine, PublishError, Withdrawn};
use crate::record_store::tests::lines::restored;
use crate::record_store::tests::rulings::quarantine;
use crate::record_store::tests::sealing::{new, old, sealed};
use crate::record_store::{JournaledStore, RecordStore};
use crate::test_support::people::{
    DOZZA, IMOLA, anna, arrived, code, day, giulia, istat, left, lives_in, local_id, luca, mario,
    municipality, national_id, nobody, with,
};
use crate::test_support::permits::Ask;
use crate::test_support::world::{
    Kind, NEVER, NOW_MS, World, batch, on_every_engine, rows_of, wait, who_has, withdrawal,
};

const BOLOGNA: &str = "037006";

fn moved_to(code: &str, number: &str, card: Record) -> Record {
    with(card, |card| {
        card.municipality = istat(code);
        card.local_id = local_id(number);
    })
}

fn protected(card: Record, until: Option<&str>) -> Record {
    with(card, |card| {
        card.measures.protection = Some(Protection {
            basis: ProtectionBasis::Shelter,
            from: day("2025-01-01"),
            until: until.map(day),
        });
    })
}

/// Imola's family, of whom all have cards in Dozza too, in either order of arrival; Anna is protected, Luca gets a new
/// identity, and Giulia's two persons turn out to be one.
fn tell(world: &World, store: &JournaledStore) {
    let giulia_known = with(giulia(), |card| card.national_id = Some(national_id("CC22222CC")));
    let stranger = with(moved_to(DOZZA, "D-4", giulia()), |card| {
        card.tax_codes.clear();
        card.national_id = Some(national_id("CC22222CC"));
    });
    world.publish_cards(
        store,
        DOZZA,
        [stranger, moved_to(DOZZA, "D-3", left(&old(), "2020-01-01"))],
    );
    world.publish_cards(store, IMOLA, [mario(), protected(anna(), None), old(), giulia()]);
    world.publish_cards(store, IMOLA, [giulia_known, left(&mario(), "2022-05-01")]);
    world.publish_cards(
        store,
        DOZZA,
        [
            arrived(&mario(), "2022-05-01"),
            moved_to(DOZZA, "D-2", arrived(&anna(), "2022-05-01")),
        ],
    );
    world.publish_confirmed(store, IMOLA, [sealed(new(), NewIdentity::Present)]);
    world
        .publish(
            store,
            IMOLA,
            vec![("9", Some(with(nobody(), |card| card.local_id = local_id("9"))))],
        )
        .unwrap();
}

/// The rows are those of a replay of what is left, on every engine.
#[track_caller]
fn check_replay(world: &World, store: &JournaledStore) {
    for kind in [Kind::Memory, Kind::Sled] {
        let clean = world.with_fresh_engine(kind);
        let fresh = clean.open();
        check_same(&rows_of(store), &rows_of(&fresh));
        assert_eq!(store.visible(), fresh.visible());
        for place in [IMOLA, DOZZA, BOLOGNA].map(municipality) {
            let told = |store: &JournaledStore| {
                let state = store.municipality(place)?;
                let holdings = state.holdings;
                let digest = state.digest.root();
                Some((state.watermark, state.records, digest, state.withdrawn, holdings))
            };
            assert_eq!(told(store), told(&fresh));
        }
    }
}

#[track_caller]
fn check_same(one: &[(Vec<u8>, Vec<u8>)], other: &[(Vec<u8>, Vec<u8>)]) {
    let letter = |row: &&(Vec<u8>, Vec<u8>)| char::from(row.0[0]);
    let only: Vec<char> = one
        .iter()
        .filter(|row| !other.contains(row))
        .map(|row| letter(&row))
        .collect();
    let missing: Vec<char> = other
        .iter()
        .filter(|row| !one.contains(row))
        .map(|row| letter(&row))
        .collect();
    assert!(
        only.is_empty() && missing.is_empty(),
        "only here {only:?}, only there {missing:?}"
    );
}

fn key_of(world: &World, code: &str) -> KeyId {
    world.ring().id_of(&municipality_key(municipality(code))).unwrap()
}

fn sealed_by(key: KeyId, value: &[u8]) -> bool {
    value.windows(16).any(|window| window == key.as_bytes())
}

#[track_caller]
fn check_absent(world: &World, store: &JournaledStore, card: &Record) {
    let asked = world.person(store, Ask::person(), &who_has(code(card)));
    let absent = world.person(store, Ask::person(), &who_has(code(&luca())));
    assert!(asked.answer.cards.is_empty());
    assert_eq!(asked.outcome(), absent.outcome());
    assert_eq!(asked.decision(), absent.decision());
    assert_eq!(asked.subjects(), 0);
}

#[test]
fn nothing_of_it_opens_and_no_row_of_it_is_left() {
    on_every_engine(|world| {
        let store = world.open();
        tell(world, &store);
        let id = key_of(world, IMOLA);
        assert!(rows_of(&store).iter().any(|(_, value)| sealed_by(id, value)));
        let before = rows_of(&store).len();
        world.withdraw(&store, IMOLA).unwrap();
        let rows = rows_of(&store);
        assert!(rows.len() < before);
        assert!(!rows.iter().any(|(_, value)| sealed_by(id, value)));
        let place = municipality(IMOLA);
        assert!(
            !rows.iter().any(
                |(key, _)| key[0] == b'N' && key.windows(4).any(|code| code == place.as_str().as_bytes())
            ),
            "nothing contradicts its cards"
        );
        assert!(
            store
                .projection()
                .contradictions_of(municipality(DOZZA), store.visible())
                .unwrap()
                .is_empty()
        );
        check_absent(world, &store, &nobody());
        drop(store);
        let ring = world.ring();
        assert!(ring.is_destroyed(&municipality_key(place)));
        assert!(ring.by_id(id).is_none());
        assert!(!ring.is_destroyed(&municipality_key(municipality(DOZZA))));
        for _ in 0..2 {
            let (store, found) = world.try_open(NEVER).unwrap();
            assert!(!found.rebuilt);
            check_same(&rows, &rows_of(&store));
            check_absent(world, &store, &nobody());
            check_replay(world, &store);
        }
    });
}

#[test]
fn whatever_it_or_others_ask_of_it_is_refused_with_the_reason() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    let place = municipality(IMOLA);
    let never = world.withdraw(&store, IMOLA);
    assert!(
        matches!(never, Err(OrderError::UnknownMunicipality)),
        "it never published"
    );
    tell(&world, &store);
    let order = withdrawal(&store, IMOLA);
    let mut other = withdrawal(&store, DOZZA);
    if let Order::Withdraw { municipality, .. } = &mut other {
        *municipality = place;
    }
    assert!(matches!(
        wait(store.order(other, NOW_MS)),
        Err(OrderError::UnknownMunicipality)
    ));
    assert!(store.municipality(place).unwrap().withdrawn.is_none());
    let done = wait(store.order(order.clone(), NOW_MS)).unwrap();
    assert_eq!(done.first, Some(store.visible()));
    for _ in 0..2 {
        let again = wait(store.order(order.clone(), NOW_MS)).unwrap();
        assert_eq!(again.first, None, "it is done");
        let next = batch(&store, IMOLA, 1, vec![("2", Some(anna()))]);
        assert!(matches!(
            wait(store.publish(next, NOW_MS)),
            Err(PublishError::Withdrawn)
        ));
        assert!(matches!(
            wait(store.order(quarantine(0, 1), NOW_MS)),
            Err(OrderError::Withdrawn)
        ));
        let line = NewLine::ShorterJournal(Watermark(0));
        let begun = wait(store.begin_line(place, Epoch([9; 16]), line, NOW_MS));
        assert!(matches!(begun, Err(PublishError::Withdrawn)));
        wait(store.backed_up(NOW_MS)).unwrap();
        store.confirm(place, NOW_MS);
        let state = store.municipality(place).unwrap();
        assert_eq!(
            (state.records, state.watermark, state.withdrawn),
            (0, Watermark(0), Some(Withdrawn::Recorded { at_ms: NOW_MS }))
        );
        assert_eq!(store.received_ms(place), None);
    }
    let visible = store.visible();
    drop(store);
    let store = world.open();
    assert_eq!(store.visible(), visible);
    let again = wait(store.order(order, NOW_MS)).unwrap();
    assert_eq!(again.first, None);
    check_replay(&world, &store);
}

#[test]
fn a_restoration_waits_for_nobody_who_left() {
    let (world, claim) = restored(&World::new(Kind::Memory));
    let store = world.open();
    wait(store.begin_line(
        municipality(IMOLA),
        Epoch([9; 16]),
        NewLine::Claimed(claim),
        NOW_MS,
    ))
    .unwrap();
    let both = BTreeSet::from([IMOLA, DOZZA].map(municipality));
    assert_eq!(store.awaited(&both), both);
    world.withdraw(&store, IMOLA).unwrap();
    assert_eq!(store.awaited(&both), BTreeSet::from([municipality(DOZZA)]));
    store.hear(municipality(DOZZA), Watermark(0));
    assert!(store.is_restoring() && store.awaited(&both).is_empty());
}

#[test]
fn a_statement_of_another_line_of_history_withdraws_nothing() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    tell(&world, &store);
    let order = withdrawal(&store, IMOLA);
    let line = NewLine::ShorterJournal(Watermark(0));
    wait(store.begin_line(municipality(IMOLA), Epoch([9; 16]), line, NOW_MS)).unwrap();
    assert!(matches!(
        wait(store.order(order, NOW_MS)),
        Err(OrderError::OtherEpoch)
    ));
    assert!(
        store
            .municipality(municipality(IMOLA))
            .unwrap()
            .withdrawn
            .is_none()
    );
    world.withdraw(&store, IMOLA).unwrap();
    check_replay(&world, &store);
}

#[test]
fn the_cards_of_others_keep_persons_handles_and_history() {
    on_every_engine(|world| {
        let store = world.open();
        tell(world, &store);
        let own = |store: &JournaledStore, of: &Record| {
            let told = world.person(store, Ask::person(), &who_has(code(of)));
            let cards = told.answer.cards.into_iter();
            cards.map(|card| (card.handle, card.view)).collect::<Vec<_>>()
        };
        let before = own(&store, &mario());
        assert_eq!(before.len(), 2);
        world.withdraw(&store, IMOLA).unwrap();
        for _ in 0..2 {
            let after = own(&store, &mario());
            assert_eq!(after.len(), 1);
            assert!(before.contains(&after[0]), "the handle stays");
        }
        // Who comes next is linked with the person whose first card is gone.
        let bologna = moved_to(BOLOGNA, "B-1", arrived(&mario(), "2024-01-01"));
        world.publish_cards(&store, BOLOGNA, [bologna]);
        let after = own(&store, &mario());
        assert_eq!(after.len(), 2);
        assert!(after.iter().all(|(handle, _)| *handle == before[0].0));
        world.publish_cards(
            &store,
            DOZZA,
            [lives_in(arrived(&mario(), "2022-05-01"), "Emilia", "2023-01-01")],
        );
        check_replay(world, &store);
        drop(store);
        let store = world.open();
        check_replay(world, &store);
    });
}

/// Whether the person's cards are shown without a place.
fn withheld(world: &World, store: &JournaledStore, of: &Record) -> Vec<bool> {
    let ask = Ask::person().instead_of(
        "protected = \"hidden\"",
        "protected = \"location-withheld\"\nprotected_basis = \"TULPS art. 4\"",
    );
    let told = world.person(store, ask, &who_has(code(of)));
    told.answer
        .cards
        .iter()
        .map(|card| card.view.location_withheld)
        .collect()
}

/// Behind the same door.
fn door(card: Record) -> Record {
    with(card, |card| {
        let Dated { from, mut value } = card.residences.latest().unwrap().clone();
        if let Place::Italian(address) = &mut value.place {
            address.unit = "3".to_owned();
        }
        card.residences.record(Dated { from, value });
    })
}

#[test]
fn whom_it_protected_stays_protected_elsewhere_while_the_protection_lasts() {
    on_every_engine(|world| {
        for (number, until, stays) in [
            (1, None, true),
            (2, Some("2026-03-02"), true),
            (3, Some("2026-03-01"), false),
        ] {
            let world = if number == 1 {
                world
            } else {
                &World::new(Kind::Memory)
            };
            let store = world.open();
            let in_dozza = moved_to(DOZZA, "D-2", arrived(&anna(), "2022-05-01"));
            let mate = with(moved_to(DOZZA, "D-5", arrived(&giulia(), "2022-05-01")), |card| {
                card.national_id = Some(national_id("DD33333DD"));
            });
            world.publish_cards(&store, IMOLA, [protected(anna(), until)]);
            world.publish_cards(&store, DOZZA, [door(in_dozza.clone()), door(mate.clone())]);
            world.withdraw(&store, IMOLA).unwrap();
            check_replay(world, &store);
            assert_eq!(withheld(world, &store, &anna()), [stays], "until {until:?}");
            assert_eq!(
                withheld(world, &store, &giulia()),
                [stays],
                "who shares the dwelling"
            );
            // It goes along where her card turns out to be that of somebody known by another id.
            let known = with(moved_to(BOLOGNA, "B-2", anna()), |card| {
                card.tax_codes.clear();
                card.generalities.given_name = giulia().generalities.given_name;
                card.national_id = Some(national_id("EE44444EE"));
            });
            world.publish_cards(&store, BOLOGNA, [known]);
            let joined = with(door(in_dozza), |card| {
                card.national_id = Some(national_id("EE44444EE"))
            });
            world.publish_cards(&store, DOZZA, [joined]);
            assert_eq!(withheld(world, &store, &anna()), [stays; 2]);
            check_replay(world, &store);
            world.withdraw(&store, BOLOGNA).unwrap();
            assert_eq!(withheld(world, &store, &anna()), [stays]);
            check_replay(world, &store);
        }
    });
}

#[test]
fn an_identity_that_it_sealed_stays_buried_everywhere() {
    on_every_engine(|world| {
        let store = world.open();
        tell(world, &store);
        let hidden = |store: &JournaledStore| {
            let told = world.person(store, Ask::person(), &who_has(code(&old())));
            told.answer.cards.is_empty()
        };
        assert!(hidden(&store));
        world.withdraw(&store, IMOLA).unwrap();
        assert!(hidden(&store));
        let again = moved_to(BOLOGNA, "B-3", old());
        world.publish_cards(&store, BOLOGNA, [again]);
        assert!(
            hidden(&store),
            "by what it is known of the old identity is known still"
        );
        check_replay(world, &store);
        drop(store);
        let store = world.open();
        assert!(hidden(&store));
        assert!(hidden(&world.with_fresh_engine(Kind::Memory).open()));
    });
}

/// What a start finds is either all of before or nothing of the municipality, whatever write or sync failed.
#[test]
fn after_any_fault_it_is_all_there_or_wholly_withdrawn() {
    let mut withdrawn = 0;
    let mut stayed = 0;
    for disk in ["journal", "keys"] {
        for fault in [
            Fault::WriteLost,
            Fault::WritePersisted,
            Fault::SyncLost,
            Fault::SyncPersisted,
        ] {
            for step in 0.. {
                let world = World::new(Kind::Memory);
                let store = world.open();
                tell(&world, &store);
                let files = if disk == "journal" {
                    &world.journal
                } else {
                    &world.keys
                };
                let synced = matches!(fault(0), Fault::SyncLost(_) | Fault::SyncPersisted(_));
                let done = if synced { files.syncs() } else { files.writes() };
                let end = done + step;
                files.inject(fault(end));
                let outcome = world.withdraw(&store, IMOLA);
                drop(store);
                let reached = if synced { files.syncs() } else { files.writes() };
                for cut in [false, true] {
                    let image = |files: &FaultyFiles| {
                        if cut {
                            files.crash_image(step)
                        } else {
                            files.after_kill()
                        }
                    };
                    let mut after = world.on(image(&world.journal));
                    after.keys = image(&world.keys);
                    let store = after.open();
                    let state = store.municipality(municipality(IMOLA)).unwrap();
                    if state.withdrawn.is_some() {
                        withdrawn += 1;
                        assert!(after.ring().is_destroyed(&municipality_key(municipality(IMOLA))));
                        check_absent(&after, &store, &nobody());
                    } else {
                        stayed += 1;
                        assert!(outcome.is_err(), "what was answered is done: {fault:?} {step}");
                        assert_eq!(state.records, 5);
                        let shown = after.person(&store, Ask::person(), &who_has(code(&mario())));
                        assert_eq!(shown.answer.cards.len(), 2);
                    }
                    after.withdraw(&store, IMOLA).unwrap();
                    check_absent(&after, &store, &nobody());
                    check_replay(&after, &store);
                }
                if reached <= end {
                    break;
                }
            }
        }
    }
    assert!(0 < withdrawn && 0 < stayed, "{withdrawn} {stayed}");
}

#[test]
fn a_full_disk_leaves_it_as_it_was_until_there_is_room() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    tell(&world, &store);
    world.journal.inject(Fault::FullFrom(world.journal.writes()));
    let mut filled = 0;
    while world
        .publish(
            &store,
            BOLOGNA,
            vec![("B-1", Some(moved_to(BOLOGNA, "B-1", mario())))],
        )
        .is_ok()
    {
        filled += 1;
        assert!(filled < 2_000, "two segments hold no more");
    }
    let refused = world.withdraw(&store, IMOLA);
    assert!(
        matches!(refused, Err(OrderError::Publish(PublishError::Stopped))),
        "{refused:?}"
    );
    assert!(
        store
            .municipality(municipality(IMOLA))
            .unwrap()
            .withdrawn
            .is_none()
    );
    world.journal.make_room();
    world.withdraw(&store, IMOLA).unwrap();
    check_absent(&world, &store, &nobody());
    check_replay(&world, &store);
}

/// An engine that was last synced before the withdrawal, or came back from a copy of then.
#[test]
fn rows_of_before_the_withdrawal_are_cleared_at_the_next_start() {
    let world = World::new(Kind::Sled);
    let store = world.open();
    tell(&world, &store);
    drop(store);
    let copy = tempfile::tempdir().unwrap();
    copy_all(&world.engine_directory(), copy.path());
    let store = world.open();
    world.withdraw(&store, IMOLA).unwrap();
    world.publish_cards(
        &store,
        DOZZA,
        [lives_in(arrived(&mario(), "2022-05-01"), "Emilia", "2023-01-01")],
    );
    let rows = rows_of(&store);
    drop(store);
    fs::remove_dir_all(world.engine_directory()).unwrap();
    copy_all(copy.path(), &world.engine_directory());
    let (store, found) = world.try_open(NEVER).unwrap();
    assert!(!found.rebuilt);
    assert_eq!(found.replayed, 2);
    check_same(&rows, &rows_of(&store));
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
