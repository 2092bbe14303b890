//! Merged and split persons, and contradictions between cards while they last.

use std::collections::BTreeSet;

use registry::identifier::{PersonId, RecordId};
use registry::linking::{AnomalyKind, RegionKey, record_id};
use registry::record::{Record, Sex};

use crate::access_log::draft::EntryDraft;
use crate::record_store::JournaledStore;
use crate::record_store::RecordStore;
use crate::record_store::anomalies::{AnomalyPage, AnomalyQuestion, ShownAnomaly};
use crate::record_store::answer::{PersonCard, VersionStanding};
use crate::rows::CommitSequence;
use crate::test_support::people::{
    DOZZA, IMOLA, arrived, code, day, giulia, left, local_id, mario, municipality, national_id, tax_code,
    with,
};
use crate::test_support::permits::Ask;
use crate::test_support::world::{Kind, World, draft, on_every_engine, rows_of, wait, who_has};

fn cards(world: &World, store: &JournaledStore, of: &Record) -> Vec<PersonCard> {
    world
        .person(store, Ask::person(), &who_has(code(of)))
        .answer
        .cards
}

fn id_of(world: &World, card: &Record) -> RecordId {
    let key = RegionKey::new(&world.region_secret());
    record_id(&key, municipality(card.municipality.as_str()), &card.local_id)
}

/// The person that a card belongs to now: how an id that was once given resolves.
fn person_of(store: &JournaledStore, id: RecordId) -> PersonId {
    let projection = store.projection();
    projection
        .card_at(id, projection.visible())
        .unwrap()
        .unwrap()
        .person
}

fn numbered(card: Record, number: &str) -> Record {
    with(card, |card| card.local_id = local_id(number))
}

/// What Dozza knows as another person, with a code of its own, until a national id says otherwise.
fn in_dozza() -> Record {
    with(arrived(&mario(), "2022-05-01"), |card| {
        card.tax_codes = vec![tax_code(("Rossi", "Mariano"), Sex::Male, "1985-12-10")];
    })
}

fn identified(card: Record) -> Record {
    with(card, |card| card.national_id = Some(national_id("AA00000AA")))
}

#[test]
fn two_persons_who_turn_out_to_be_one_bear_the_id_of_the_first() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [identified(mario())]);
        world.publish_cards(&store, DOZZA, [in_dozza(), numbered(in_dozza(), "D-8")]);
        assert_eq!(cards(world, &store, &mario()).len(), 1);
        let (first, second) = (id_of(world, &mario()), id_of(world, &in_dozza()));
        assert_eq!(person_of(&store, second), PersonId(second.0));
        world.publish_cards(&store, DOZZA, [identified(numbered(in_dozza(), "D-8"))]);
        let shown = cards(world, &store, &mario());
        assert_eq!(
            shown.len(),
            3,
            "the card that linked them, and what was linked to it"
        );
        assert!(shown.iter().all(|card| card.handle == shown[0].handle));
        assert_eq!(
            person_of(&store, second),
            PersonId(first.0),
            "the later id resolves to the earlier"
        );
        assert_eq!(cards(world, &store, &in_dozza()).len(), 3);
    });
}

#[test]
fn the_earlier_id_wins_also_where_the_later_card_changed_last_before() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, DOZZA, [identified(in_dozza())]);
        world.publish_cards(&store, IMOLA, [mario()]);
        let again = with(identified(in_dozza()), |card| card.flags.procedure_open = true);
        world.publish_cards(&store, DOZZA, [again]);
        world.publish_cards(&store, IMOLA, [identified(mario())]);
        let first = id_of(world, &in_dozza());
        assert_eq!(person_of(&store, id_of(world, &mario())), PersonId(first.0));
    });
}

#[test]
fn a_card_that_leaves_its_person_takes_its_own_id_along_and_the_others_stay_one() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [identified(mario())]);
        let others = [identified(in_dozza()), numbered(identified(in_dozza()), "D-8")];
        world.publish_cards(&store, DOZZA, others);
        assert_eq!(cards(world, &store, &mario()).len(), 3);
        let corrected = with(mario(), |card| card.national_id = Some(national_id("BB11111BB")));
        world.publish_cards(&store, IMOLA, [corrected]);
        let own = cards(world, &store, &mario());
        assert_eq!(own.len(), 1);
        let rest = cards(world, &store, &in_dozza());
        assert_eq!(rest.len(), 2);
        assert_eq!(rest[0].handle, rest[1].handle);
        assert_ne!(rest[0].handle, own[0].handle);
        assert_eq!(
            person_of(&store, id_of(world, &mario())).0,
            id_of(world, &mario()).0
        );
    });
}

#[test]
fn cards_of_a_person_come_in_the_order_of_registration_in_whatever_order_they_arrived() {
    let (gone, come) = (left(&mario(), "2022-05-01"), arrived(&mario(), "2022-05-01"));
    let orders: [&[(&str, &Record)]; 2] = [
        &[(IMOLA, &gone), (DOZZA, &come)],
        &[(DOZZA, &come), (IMOLA, &gone)],
    ];
    for order in orders {
        on_every_engine(|world| {
            let store = world.open();
            for (municipality, card) in order {
                world.publish_cards(&store, municipality, [(*card).clone()]);
            }
            let shown = cards(world, &store, &mario());
            let registered: Vec<_> = shown
                .iter()
                .map(|card| card.view.registration.as_ref().unwrap().registration.effective)
                .collect();
            assert_eq!(registered, [Some(day("2015-06-01")), Some(day("2022-05-01"))]);
        });
    }
}

fn page(
    store: &JournaledStore,
    of: &str,
    contacts: &[&str],
    today: &str,
    from: u64,
    limit: usize,
) -> AnomalyPage {
    let contacts: BTreeSet<_> = contacts.iter().map(|code| municipality(code)).collect();
    let question = AnomalyQuestion {
        municipality: municipality(of),
        today: day(today),
        from,
        limit,
        as_of: None,
        contacts: &contacts,
    };
    let begin = || -> EntryDraft { draft() };
    wait(store.anomalies(&question, &begin)).unwrap()
}

/// What a municipality sees, with how many subjects the entries name.
fn seen(world: &World, store: &JournaledStore, of: &str, contacts: &[&str]) -> Vec<ShownAnomaly> {
    let AnomalyPage { anomalies, .. } = page(store, of, contacts, "2026-03-02", 0, 100);
    anomalies
        .into_iter()
        .map(|sealed| {
            let told = world.tell(sealed);
            assert_eq!(told.subjects(), 2, "both persons are subjects of the entry");
            told.answer
        })
        .collect()
}

fn double(own: &Record, other: Option<&str>) -> ShownAnomaly {
    ShownAnomaly {
        kind: AnomalyKind::DoubleResidence,
        local_id: own.local_id.clone(),
        other: other.map(municipality),
    }
}

#[test]
fn both_municipalities_see_a_double_residence_until_one_of_them_resolves_it() {
    let come = arrived(&mario(), "2022-05-01");
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), giulia()]);
        assert!(seen(world, &store, IMOLA, &[]).is_empty());
        world.publish_cards(&store, DOZZA, [come.clone()]);
        assert_eq!(seen(world, &store, IMOLA, &[]), [double(&mario(), None)]);
        assert_eq!(seen(world, &store, DOZZA, &[]), [double(&come, None)]);
        assert_eq!(
            seen(world, &store, IMOLA, &[DOZZA]),
            [double(&mario(), Some(DOZZA))]
        );
        assert_eq!(
            seen(world, &store, DOZZA, &[DOZZA]),
            [double(&come, None)],
            "Imola has confirmed nothing"
        );
        world.publish_cards(&store, IMOLA, [left(&mario(), "2022-05-01")]);
        assert!(seen(world, &store, IMOLA, &[]).is_empty());
        assert!(seen(world, &store, DOZZA, &[]).is_empty());
        world.publish_cards(&store, IMOLA, [mario()]);
        assert_eq!(seen(world, &store, DOZZA, &[]), [double(&come, None)]);
        world.publish(&store, DOZZA, vec![("D-7", None)]).unwrap();
        assert!(seen(world, &store, IMOLA, &[]).is_empty());
    });
}

#[test]
fn whose_the_other_card_is_is_never_said_of_a_protected_person_and_nothing_of_a_sealed_one() {
    use registry::measure::{IdentitySeal, NewIdentity, Protection, ProtectionBasis, SealBasis};
    let come = arrived(&mario(), "2022-05-01");
    let protected = |card: Record| {
        with(card, |card| {
            card.measures.protection = Some(Protection {
                basis: ProtectionBasis::CourtOrder,
                from: day("2026-01-01"),
                until: None,
            });
        })
    };
    on_every_engine(|world| {
        let store = world.open();
        for (here, there) in [
            (protected(mario()), come.clone()),
            (mario(), protected(come.clone())),
        ] {
            world.publish_confirmed(&store, IMOLA, [here]);
            world.publish_confirmed(&store, DOZZA, [there]);
            assert_eq!(
                seen(world, &store, IMOLA, &[DOZZA, IMOLA]),
                [double(&mario(), None)]
            );
            assert_eq!(seen(world, &store, DOZZA, &[DOZZA, IMOLA]), [double(&come, None)]);
        }
        let sealed = registry::sealing::stripped(with(mario(), |card| {
            card.measures.seal = Some(IdentitySeal {
                basis: SealBasis::ProtectionProgramme,
                from: day("2026-01-01"),
                identity: NewIdentity::Awaited,
            });
        }));
        world.publish_confirmed(&store, IMOLA, [sealed]);
        assert!(seen(world, &store, IMOLA, &[DOZZA, IMOLA]).is_empty());
        assert!(seen(world, &store, DOZZA, &[DOZZA, IMOLA]).is_empty());
        world.publish_confirmed(&store, DOZZA, [come.clone()]);
        assert!(seen(world, &store, DOZZA, &[DOZZA, IMOLA]).is_empty());
    });
}

#[test]
fn a_double_residence_ends_by_itself_on_the_day_of_the_exit() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    world.publish_cards(&store, IMOLA, [left(&mario(), "2026-03-03")]);
    world.publish_cards(&store, DOZZA, [arrived(&mario(), "2022-05-01")]);
    let on = |today: &str| page(&store, IMOLA, &[], today, 0, 10).anomalies.len();
    assert_eq!((on("2026-03-02"), on("2026-03-03")), (1, 0));
}

#[test]
fn anomalies_come_in_pages_of_one_state_and_again_after_a_replay() {
    let world = World::new(Kind::Sled);
    let store = world.open();
    let twins: Vec<Record> = (0..5)
        .map(|number| {
            with(numbered(mario(), &format!("n{number}")), |card| {
                card.tax_codes.clear()
            })
        })
        .collect();
    world.publish_cards(&store, IMOLA, twins.iter().map(|card| identified(card.clone())));
    let first = page(&store, IMOLA, &[], "2026-03-02", 0, 3);
    assert_eq!(first.anomalies.len(), 3);
    let second = page(&store, IMOLA, &[], "2026-03-02", first.next.unwrap(), 1_000);
    assert!(second.next.is_none());
    let all = first.anomalies.len() + second.anomalies.len();
    assert!(
        10 < all,
        "five cards contradict each other, told on both sides: {all}"
    );
    let nothing = CommitSequence(0);
    assert!(
        store
            .projection()
            .contradictions_of(municipality(IMOLA), nothing)
            .unwrap()
            .is_empty()
    );
    let rows = rows_of(&store);
    drop(store);
    let fresh = world.with_fresh_engine(Kind::Memory);
    assert!(rows_of(&fresh.open()) == rows);
}

#[test]
fn a_quarantine_reaches_a_card_that_got_another_person_since() {
    use crate::record_store::tests::rulings::{MINUTE_MS, publish_at, quarantine};
    use crate::test_support::world::NOW_MS;
    on_every_engine(|world| {
        let store = world.open();
        publish_at(&store, NOW_MS, vec![in_dozza()]);
        publish_at(&store, NOW_MS, vec![mario()]);
        let mistaken = with(identified(mario()), |card| card.flags.procedure_open = true);
        publish_at(&store, NOW_MS + 10 * MINUTE_MS, vec![mistaken]);
        // A third card shows that both are one, and the first of them names the person.
        publish_at(
            &store,
            NOW_MS + 20 * MINUTE_MS,
            vec![numbered(identified(in_dozza()), "D-8")],
        );
        assert_eq!(
            person_of(&store, id_of(world, &mario())).0,
            id_of(world, &in_dozza()).0
        );
        let interval = (NOW_MS + 5 * MINUTE_MS, NOW_MS + 15 * MINUTE_MS);
        wait(store.order(quarantine(interval.0, interval.1), NOW_MS + 40 * MINUTE_MS)).unwrap();
        let own = cards(world, &store, &mario());
        let restored = own.iter().any(|card| card.version == VersionStanding::Restored);
        assert!(restored, "the version of before the interval is served");
        let known = world.person(
            &store,
            Ask::person().known_on(NOW_MS + 30 * MINUTE_MS),
            &who_has(code(&mario())),
        );
        let restored = |card: &PersonCard| card.version == VersionStanding::Restored;
        assert!(
            known.answer.cards.iter().any(restored),
            "and was never known otherwise"
        );
    });
}
