//! Sealed identities: the old one is answered as if it had never been, whoever asks whatever, and comes back by no way.

mod corrected;
mod lost;

use agreement::claim::Claim;
use agreement::service::VerificationKind;
use registry::code::Kinship;
use registry::measure::{IdentitySeal, Measures, NewIdentity, SealBasis};
use registry::record::{PersonName, Record, Sex};
use registry::sealing::stripped;

use crate::record_store::answer::Question;
use crate::record_store::{JournaledStore, RecordStore};
use crate::rows::CommitSequence;
use crate::test_support::people::{
    DOZZA, IMOLA, anna, arrived, code, day, giulia, joined, left, local_id, luca, mario, municipality,
    national_id, nobody, tax_code, with,
};
use crate::test_support::permits::Ask;
use crate::test_support::world::{Kind, NOW_MS, World, on_every_engine, rows_of, wait, who_has};

const FROM: &str = "2026-01-10";

/// Luca as the municipality of birth knew him, with a national id.
pub(super) fn old() -> Record {
    with(luca(), |card| card.national_id = Some(national_id("AA00000AA")))
}

/// The card of the other municipality in which he lived before.
fn elsewhere() -> Record {
    left_from_dozza(&arrived(&old(), "2019-01-01"), "2020-01-01")
}

fn left_from_dozza(card: &Record, on: &str) -> Record {
    with(left(card, on), |card| {
        if let Some(exit) = &mut card.cancellation {
            exit.destination = Some(registry::record::Locality::Municipality(
                crate::test_support::people::istat(IMOLA),
            ));
        }
    })
}

pub(super) fn sealed(card: Record, identity: NewIdentity) -> Record {
    stripped(with(card, |card| {
        card.measures = Measures {
            protection: None,
            seal: Some(IdentitySeal {
                basis: SealBasis::Adoption,
                from: day(FROM),
                identity,
            }),
        };
    }))
}

/// The same card when the seal has been set and the back office has not yet renamed it.
fn awaited() -> Record {
    sealed(old(), NewIdentity::Awaited)
}

/// The same card under the new identity, in the family of Giulia.
pub(super) fn new() -> Record {
    let renamed = with(joined(old(), "F-2", Kinship::Child, FROM), |card| {
        card.generalities.surname = PersonName::parse("Verdi").ok();
        card.generalities.given_name = PersonName::parse("Andrea").ok();
        card.tax_codes = vec![tax_code(("Verdi", "Andrea"), Sex::Male, "2015-06-01")];
        card.national_id = Some(national_id("BB11111BB"));
    });
    sealed(renamed, NewIdentity::Present)
}

/// Asks by every identifier of the old identity, in every way, at several dates.
#[track_caller]
fn check_gone(world: &World, store: &JournaledStore, cards: &[Record]) {
    let questions = cards
        .iter()
        .flat_map(|card| {
            let id = card.national_id.map(Question::NationalId);
            id.into_iter()
                .chain(card.tax_codes.iter().map(|entry| who_has(entry.code)))
        })
        .collect::<Vec<_>>();
    assert!(!questions.is_empty());
    for question in questions {
        for on in ["2016-01-01", "2019-06-01", "2025-12-31", "2026-03-02"] {
            let (asked, absent) = (
                world.person(store, Ask::person().on(on), &question),
                world.person(store, Ask::person().on(on), &who_has(code(&nobody()))),
            );
            assert!(asked.answer.cards.is_empty(), "shown at {on}");
            assert_eq!(asked.outcome(), absent.outcome());
            assert_eq!(asked.decision(), absent.decision());
            let asked = world.household(store, Ask::household().on(on), &question);
            assert!(asked.answer.households.is_empty(), "household at {on}");
            assert_eq!(asked.outcome(), absent.outcome());
            assert_eq!(asked.decision(), absent.decision());
            let life = Ask::verification(VerificationKind::ExistenceInLife).on(on);
            let asked = world.verify(store, life, &question, &Claim::ExistenceInLife);
            assert!(asked.answer.answer.is_none(), "verified at {on}");
            assert_eq!(asked.outcome(), absent.outcome());
            assert_eq!(asked.decision(), absent.decision());
        }
    }
    for (parent, on) in [
        (mario(), "2016-01-01"),
        (anna(), "2025-12-31"),
        (mario(), "2026-03-02"),
    ] {
        let family = world.household(store, Ask::household().on(on), &who_has(code(&parent)));
        let members: Vec<usize> = family
            .answer
            .households
            .iter()
            .map(|household| household.view.members.len())
            .collect();
        assert_eq!(members, [2], "the parents' household at {on}");
    }
}

/// The new identity is somebody like anybody else.
#[track_caller]
pub(super) fn check_new(world: &World, store: &JournaledStore) {
    let told = world.person(store, Ask::person(), &who_has(code(&new())));
    assert_eq!(told.answer.cards.len(), 1);
    assert_eq!(told.outcome().0, 0);
    let family = world.household(store, Ask::household(), &who_has(code(&giulia())));
    assert_eq!(family.answer.households[0].view.members.len(), 2);
}

/// Birth family, adoptive mother, and the old card in both municipalities; then the seal.
pub(super) fn sealed_world(world: &World) -> JournaledStore {
    let store = world.open();
    world.publish_confirmed(&store, IMOLA, [mario(), anna(), old(), giulia()]);
    world.publish_confirmed(&store, DOZZA, [elsewhere()]);
    let before = world.person(&store, Ask::person(), &who_has(code(&old())));
    assert_eq!(before.answer.cards.len(), 2, "both cards are one person's");
    world.publish_confirmed(&store, IMOLA, [awaited()]);
    check_gone(world, &store, &[old()]);
    world.publish_confirmed(&store, IMOLA, [new()]);
    store
}

#[test]
fn from_the_seal_on_the_old_identity_was_never_there() {
    on_every_engine(|world| {
        let store = sealed_world(world);
        check_gone(world, &store, &[old(), elsewhere()]);
        check_new(world, &store);
    });
}

#[test]
fn until_a_registrar_confirms_the_seal_nothing_is_sealed_and_nothing_of_the_new_identity_is_shown() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), anna(), old(), giulia()]);
        world.publish_cards(&store, IMOLA, [awaited()]);
        world.publish_cards(&store, IMOLA, [new()]);
        let shown = |card: &Record| {
            let told = world.person(&store, Ask::person(), &who_has(code(card)));
            told.answer.cards.len()
        };
        assert_eq!((shown(&old()), shown(&new())), (1, 0));
        world.confirm(&store, IMOLA);
        check_gone(world, &store, &[old()]);
        check_new(world, &store);
        world.confirm(&store, IMOLA);
        let state = store.municipality(municipality(IMOLA)).unwrap();
        assert!(state.holdings.held().is_empty());
    });
}

#[test]
fn what_waits_of_a_sealed_card_is_served_under_the_new_identity() {
    use registry::measure::{Protection, ProtectionBasis};
    let protected = with(new(), |card| {
        card.measures.protection = Some(Protection {
            basis: ProtectionBasis::WitnessProgramme,
            from: day(FROM),
            until: None,
        });
    });
    on_every_engine(|world| {
        let store = sealed_world(world);
        world.publish_cards(&store, IMOLA, [protected.clone()]);
        let shown = || {
            world
                .person(&store, Ask::person(), &who_has(code(&new())))
                .answer
                .cards
                .len()
        };
        assert_eq!(shown(), 0, "protected, and hidden from this agreement");
        world.publish_cards(&store, IMOLA, [new()]);
        assert_eq!(shown(), 0, "the end of the protection waits");
        let digest = |store: &JournaledStore| store.municipality(municipality(IMOLA)).unwrap().digest.root();
        let before = digest(&store);
        let again = world.on(world.journal.after_kill());
        if world.is_memory() {
            assert_eq!(
                digest(&again.open()),
                before,
                "what waits is counted after a replay"
            );
        }
        world.confirm(&store, IMOLA);
        assert_eq!(shown(), 1);
        assert_eq!(digest(&store), before, "the index had received it already");
        check_gone(world, &store, &[old(), elsewhere()]);
    });
}

#[test]
fn a_quarantine_of_what_was_received_brings_no_sealed_identity_back() {
    use crate::publisher::order::Order;
    on_every_engine(|world| {
        let store = sealed_world(world);
        let municipality = municipality(IMOLA);
        let order = Order::Quarantine {
            municipality,
            from_ms: NOW_MS,
            to_ms: NOW_MS,
            reference: "PROT. 1".to_owned(),
        };
        wait(store.order(order, NOW_MS)).unwrap();
        let told = world.person(&store, Ask::person(), &who_has(code(&old())));
        assert!(told.answer.cards.is_empty());
        let quarantine = store.municipality(municipality).unwrap().holdings.quarantines()[0].id;
        let order = Order::Lift {
            municipality,
            quarantine,
            reference: "PROT. 2".to_owned(),
        };
        wait(store.order(order, NOW_MS)).unwrap();
        check_gone(world, &store, &[old(), elsewhere()]);
    });
}

#[test]
fn a_card_that_already_bears_the_new_identity_is_shown_at_once() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_confirmed(&store, IMOLA, [mario(), anna(), old(), giulia()]);
        let renamed = with(new(), |card| {
            card.measures = Measures::default();
            card.tax_codes.insert(0, old().tax_codes[0].clone());
            card.national_id = old().national_id;
        });
        world.publish_confirmed(&store, IMOLA, [renamed]);
        let same_id = with(new(), |card| card.national_id = old().national_id);
        world.publish_confirmed(&store, IMOLA, [same_id.clone()]);
        let by_old = world.person(&store, Ask::person(), &who_has(code(&old())));
        assert!(by_old.answer.cards.is_empty());
        check_new(world, &store);
        let by_id = Question::NationalId(same_id.national_id.unwrap());
        assert_eq!(world.person(&store, Ask::person(), &by_id).answer.cards.len(), 1);
    });
}

#[test]
fn no_later_version_of_any_old_card_brings_it_back() {
    on_every_engine(|world| {
        let store = sealed_world(world);
        // The other municipality goes on as it did: the same card changed, withdrawn and published again, renumbered, and
        // without its identifiers.
        let moved = with(elsewhere(), |card| card.flags.procedure_open = true);
        world.publish_confirmed(&store, DOZZA, [moved]);
        world.publish(&store, DOZZA, vec![("D-7", None)]).unwrap();
        world.publish_confirmed(&store, DOZZA, [elsewhere()]);
        let renumbered = with(elsewhere(), |card| card.local_id = local_id("D-8"));
        world.publish_confirmed(&store, DOZZA, [renumbered]);
        let nameless = with(elsewhere(), |card| {
            card.local_id = local_id("D-9");
            card.national_id = None;
            card.tax_codes.clear();
        });
        world.publish_confirmed(&store, DOZZA, [nameless]);
        check_gone(world, &store, &[old(), elsewhere()]);
        // So does the municipality of the seal, by mistake.
        let acknowledged = world.publish(&store, IMOLA, vec![("3", Some(old()))]).unwrap();
        assert_eq!(acknowledged.rejections[0].rule, "PN205");
        let unstripped = with(new(), |card| card.tax_codes.insert(0, old().tax_codes[0].clone()));
        let acknowledged = world
            .publish(&store, IMOLA, vec![("3", Some(unstripped))])
            .unwrap();
        assert_eq!(acknowledged.rejections[0].rule, "PN206");
        check_gone(world, &store, &[old(), elsewhere()]);
        check_new(world, &store);
    });
}

#[test]
fn the_new_identity_is_not_shown_while_it_bears_the_old_code_again() {
    on_every_engine(|world| {
        let store = sealed_world(world);
        let back = with(new(), |card| card.tax_codes = old().tax_codes);
        world.publish_confirmed(&store, IMOLA, [back]);
        check_gone(world, &store, &[old(), elsewhere()]);
        let by_new = world.person(&store, Ask::person(), &who_has(code(&new())));
        assert!(by_new.answer.cards.is_empty());
        world.publish_confirmed(&store, IMOLA, [new()]);
        check_new(world, &store);
    });
}

#[test]
fn a_homonym_with_a_code_of_its_own_is_somebody_else() {
    on_every_engine(|world| {
        let store = sealed_world(world);
        let other = with(arrived(&luca(), "2026-02-01"), |card| {
            card.local_id = local_id("D-1");
            card.tax_codes = vec![tax_code(("Rossi", "Marco"), Sex::Male, "2015-06-01")];
        });
        world.publish_confirmed(&store, DOZZA, [other.clone()]);
        let told = world.person(&store, Ask::person(), &who_has(code(&other)));
        assert_eq!(told.answer.cards.len(), 1);
    });
}

#[test]
fn everything_in_one_batch_is_sealed_as_well() {
    let numbered = |card: Record| (card.local_id.as_str().to_owned(), card);
    on_every_engine(|world| {
        let store = world.open();
        world.publish_confirmed(&store, DOZZA, [elsewhere()]);
        let cards = [mario(), anna(), old(), giulia(), awaited(), new()].map(numbered);
        let changes = cards
            .iter()
            .map(|(number, card)| (number.as_str(), Some(card.clone())));
        world.publish(&store, IMOLA, changes.collect()).unwrap();
        world.confirm(&store, IMOLA);
        world.publish_confirmed(&store, DOZZA, [elsewhere()]);
        check_gone(world, &store, &[old(), elsewhere()]);
        check_new(world, &store);
    });
}

#[test]
fn no_card_of_a_sealed_person_is_there_for_a_reader_of_before() {
    let world = World::new(Kind::Memory);
    let store = sealed_world(&world);
    let projection = store.projection();
    let lead = projection.tax_code(code(&old()).as_str());
    let mut met = 0;
    for sequence in 1..=projection.visible().0 {
        for record in projection.cards_of(lead, CommitSequence(sequence)).unwrap() {
            met += 1;
            assert!(
                projection
                    .card_at(record, CommitSequence(sequence))
                    .unwrap()
                    .is_none()
            );
        }
    }
    assert!(0 < met, "the code led to cards before");
}

#[test]
fn a_restart_and_a_replay_into_a_fresh_engine_seal_again() {
    let world = World::new(Kind::Sled);
    let store = sealed_world(&world);
    let digest = |store: &JournaledStore, of: &str| {
        let state = store.municipality(municipality(of)).unwrap();
        (state.digest.root(), state.records)
    };
    let before = [digest(&store, IMOLA), digest(&store, DOZZA)];
    assert_eq!((before[0].1, before[1].1), (4, 1));
    let rows = rows_of(&store);
    drop(store);
    let store = world.open();
    assert_eq!([digest(&store, IMOLA), digest(&store, DOZZA)], before);
    assert!(rows_of(&store) == rows);
    drop(store);
    for kind in [Kind::Memory, Kind::Sled] {
        let fresh = world.with_fresh_engine(kind);
        let store = fresh.open();
        assert!(rows_of(&store) == rows, "the same journal gives the same rows");
        assert_eq!([digest(&store, IMOLA), digest(&store, DOZZA)], before);
        check_gone(&fresh, &store, &[old(), elsewhere()]);
        check_new(&fresh, &store);
        fresh.publish_confirmed(&store, DOZZA, [elsewhere()]);
        check_gone(&fresh, &store, &[old(), elsewhere()]);
    }
}

#[test]
fn the_digest_counts_what_the_municipality_publishes_shown_or_not() {
    use registry::canonical::encode;
    use registry::digest::SetDigest;
    let world = World::new(Kind::Memory);
    let store = sealed_world(&world);
    let expect = |cards: &[Record]| {
        let mut digest = SetDigest::new();
        cards
            .iter()
            .for_each(|card| digest.add(&card.local_id, &encode(card)));
        digest.root()
    };
    let held = |of: &str| store.municipality(municipality(of)).unwrap().digest.root();
    assert_eq!(held(IMOLA), expect(&[mario(), anna(), giulia(), new()]));
    assert_eq!(held(DOZZA), expect(&[elsewhere()]));
    let changed = with(elsewhere(), |card| card.flags.procedure_open = true);
    world.publish_confirmed(&store, DOZZA, [changed.clone()]);
    assert_eq!(held(DOZZA), expect(&[changed]));
    world.publish(&store, DOZZA, vec![("D-7", None)]).unwrap();
    assert_eq!(held(DOZZA), expect(&[]));
}
