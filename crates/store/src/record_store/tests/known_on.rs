//! What was known at an instant, and what of it may still be shown.

use agreement::view::person::Fact;
use registry::record::{Place, Record};

use crate::record_store::answer::{PersonCard, Question, VersionStanding};
use crate::record_store::tests::rulings::{MINUTE_MS, publish_at, quarantine};
use crate::record_store::{JournaledStore, RecordStore};
use crate::test_support::people::{
    IMOLA, anna, code, giulia, lives_in, mario, municipality, national_id, with,
};
use crate::test_support::permits::Ask;
use crate::test_support::world::{Kind, NOW_MS, World, batch, on_every_engine, wait, who_has};

/// The streets in which somebody lived on a day, as it was known at an instant.
fn streets(world: &World, store: &JournaledStore, card: &Record, ask: Ask) -> Vec<String> {
    let told = world.person(store, ask, &who_has(code(card)));
    let street = |card: &PersonCard| {
        let residence = card.view.residence.as_ref().and_then(Fact::held)?;
        match &residence.place {
            Place::Italian(address) => Some(address.street.clone()),
            Place::Foreign(_) | Place::Notional { .. } => None,
        }
    };
    told.answer.cards.iter().filter_map(street).collect()
}

#[test]
fn a_late_registration_was_not_known_before() {
    on_every_engine(|world| {
        let store = world.open();
        publish_at(&store, NOW_MS, vec![mario(), anna()]);
        let moved = lives_in(mario(), "Emilia", "2026-02-01");
        publish_at(&store, NOW_MS + 10 * MINUTE_MS, vec![moved]);
        let asked = |minutes: u64| {
            Ask::person()
                .on("2026-02-20")
                .known_on(NOW_MS + minutes * MINUTE_MS)
        };
        assert_eq!(streets(world, &store, &mario(), asked(0)), ["Appia"]);
        assert_eq!(streets(world, &store, &mario(), asked(9)), ["Appia"]);
        assert_eq!(streets(world, &store, &mario(), asked(10)), ["Emilia"]);
        assert_eq!(streets(world, &store, &mario(), asked(500)), ["Emilia"]);
        let january = Ask::person().on("2026-01-20").known_on(NOW_MS + 500 * MINUTE_MS);
        assert_eq!(streets(world, &store, &mario(), january), ["Appia"]);
        let before = Ask::person().known_on(NOW_MS - 1);
        assert!(
            streets(world, &store, &mario(), before).is_empty(),
            "nothing was known"
        );

        let again = world.with_fresh_engine(Kind::Memory);
        store.close();
        let replayed = again.open();
        assert_eq!(streets(&again, &replayed, &mario(), asked(9)), ["Appia"]);
    });
}

#[test]
fn what_is_protected_or_withdrawn_today_is_not_shown_as_it_was_known() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    publish_at(&store, NOW_MS, vec![mario(), anna(), giulia()]);
    let protected = with(giulia(), |card| card.flags.protected = true);
    publish_at(&store, NOW_MS + 10 * MINUTE_MS, vec![protected]);
    let asked = || Ask::person().known_on(NOW_MS);
    let found = |card: &Record, ask: Ask| world.person(&store, ask, &who_has(code(card))).answer.cards.len();
    assert_eq!(found(&giulia(), asked()), 0, "hidden by the protection of today");
    assert_eq!(found(&mario(), asked()), 1);
    let first = store.municipality(municipality(IMOLA)).unwrap().watermark.0 + 1;
    let removal = batch(&store, IMOLA, first, vec![("2", None)]);
    wait(store.publish(removal, NOW_MS)).unwrap();
    publish_at(&store, NOW_MS + 20 * MINUTE_MS, vec![mario()]);
    assert_eq!(
        found(&anna(), asked()),
        0,
        "the municipality publishes her no longer"
    );
}

#[test]
fn a_version_in_quarantine_was_never_known_either() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    let other_code = with(giulia(), |card| card.local_id = mario().local_id);
    publish_at(&store, NOW_MS, vec![mario()]);
    let stolen = with(lives_in(mario(), "Ladri", "2026-02-01"), |card| {
        card.national_id = Some(national_id("AA00000AA"));
    });
    publish_at(&store, NOW_MS + 10 * MINUTE_MS, vec![stolen]);
    publish_at(&store, NOW_MS + 20 * MINUTE_MS, vec![other_code]);
    let asked = || Ask::person().on("2026-02-20").known_on(NOW_MS + 12 * MINUTE_MS);
    assert_eq!(streets(&world, &store, &mario(), asked()), ["Ladri"]);
    let order = quarantine(NOW_MS + 5 * MINUTE_MS, NOW_MS + 15 * MINUTE_MS);
    wait(store.order(order, NOW_MS + 100 * MINUTE_MS)).unwrap();
    assert_eq!(streets(&world, &store, &mario(), asked()), ["Appia"]);
    let by_id = Question::NationalId(national_id("AA00000AA"));
    let told = world.person(&store, asked(), &by_id);
    assert!(
        told.answer.cards.is_empty(),
        "the false identifier leads to nobody"
    );
    let told = world.person(&store, asked(), &who_has(code(&mario())));
    assert_eq!(told.answer.cards[0].version, VersionStanding::Restored);
}
