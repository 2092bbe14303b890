//! Random stories of three municipalities, of whom any may leave at any time.

use proptest::prelude::*;
use registry::code::{AireRegistrationReason, RegistrationReason};
use registry::measure::NewIdentity;
use registry::profile::{FieldGroup, GroupSet};
use registry::record::{Record, Register};

use super::{BOLOGNA, check_same, moved_to, protected};
use crate::publisher::PublishError;
use crate::publisher::order::{Order, OrderError};
use crate::record_store::tests::sealing::{old, sealed};
use crate::record_store::{JournaledStore, RecordStore};
use crate::test_support::people::{DOZZA, IMOLA, anna, giulia, mario, municipality, national_id, with};
use crate::test_support::world::{Kind, NOW_MS, World, batch, rows_of, settled, wait, withdrawal};

/// One step of a random story among three municipalities with four persons.
#[derive(Clone, Copy, Debug)]
enum Step {
    Publish {
        place: usize,
        person: usize,
        number: usize,
        identity: usize,
        guard: usize,
    },
    Remove {
        place: usize,
        number: usize,
    },
    Confirm {
        place: usize,
    },
    Quarantine {
        place: usize,
    },
    Withdraw {
        place: usize,
    },
    /// Publishes all groups of cards, or all but those of residents abroad.
    Profile {
        place: usize,
        abroad: bool,
    },
}

const PLACES: [&str; 3] = [IMOLA, DOZZA, BOLOGNA];

fn any_step() -> impl Strategy<Value = Step> {
    let place = || 0..PLACES.len();
    prop_oneof![
        12 => (place(), 0..4_usize, 0..3_usize, 0..4_usize, 0..9_usize).prop_map(
            |(place, person, number, identity, guard)| Step::Publish { place, person, number, identity, guard }
        ),
        2 => (place(), 0..3_usize).prop_map(|(place, number)| Step::Remove { place, number }),
        3 => place().prop_map(|place| Step::Confirm { place }),
        1 => place().prop_map(|place| Step::Quarantine { place }),
        1 => place().prop_map(|place| Step::Withdraw { place }),
        1 => (place(), any::<bool>()).prop_map(|(place, abroad)| Step::Profile { place, abroad }),
    ]
}

fn abroad(card: Record) -> Record {
    with(card, |card| {
        card.register = Register::Aire;
        card.registration.reason = RegistrationReason::Aire(AireRegistrationReason::Birth);
    })
}

fn card_of(place: usize, person: usize, number: usize, identity: usize, guard: usize) -> Record {
    let base = [mario(), anna(), old(), giulia()][person].clone();
    let base = moved_to(PLACES[place], &format!("{place}-{number}"), base);
    let base = with(base, |card| {
        card.national_id =
            [None, Some("AA00000AA"), Some("BB11111BB"), Some("CC22222CC")][identity].map(national_id);
    });
    let base = if 5 < guard { abroad(base) } else { base };
    match guard % 6 {
        0 => protected(base, None),
        1 => protected(base, Some("2025-06-01")),
        2 => sealed(base, NewIdentity::Awaited),
        3 => sealed(base, NewIdentity::Present),
        _ => base,
    }
}

/// Does a step; publications under the next number of their municipality. What is refused is refused.
fn take(store: &JournaledStore, step: Step, now_ms: u64) {
    let publish = |place: usize, number: usize, card: Option<Record>| {
        let code = PLACES[place];
        let held = store.municipality(municipality(code));
        let next = held.map_or(1, |state| state.watermark.0 + 1);
        let local_id = format!("{place}-{number}");
        let batch = batch(store, code, next, vec![(local_id.as_str(), card)]);
        let published = wait(store.publish(batch, now_ms));
        assert!(
            matches!(published, Ok(_) | Err(PublishError::Withdrawn)),
            "{published:?}"
        );
        settled(store, code);
    };
    match step {
        Step::Publish {
            place,
            person,
            number,
            identity,
            guard,
        } => publish(
            place,
            number,
            Some(card_of(place, person, number, identity, guard)),
        ),
        Step::Remove { place, number } => publish(place, number, None),
        Step::Confirm { place } => {
            if store.municipality(municipality(PLACES[place])).is_some() {
                World::new(Kind::Memory).confirm(store, PLACES[place]);
            }
        }
        Step::Quarantine { place } => {
            let order = Order::Quarantine {
                municipality: municipality(PLACES[place]),
                from_ms: now_ms - 5,
                to_ms: now_ms,
                reference: "prot. 1".to_owned(),
            };
            // There may be nothing to be quarantined, or nobody.
            let _ = wait(store.order(order, now_ms));
        }
        Step::Profile { place, abroad } => {
            let without = GroupSet::of(if abroad { &[] } else { &[FieldGroup::Aire] });
            let groups = GroupSet::ALL.difference(without);
            // Of two at once: a replay takes them one after the other.
            let next = (place + 1) % PLACES.len();
            let wanted = [place, next].map(|place| (municipality(PLACES[place]), groups));
            wait(store.set_profiles(wanted.to_vec(), now_ms)).unwrap();
        }
        Step::Withdraw { place } => {
            let done = wait(store.order(withdrawal(store, PLACES[place]), now_ms));
            assert!(
                matches!(done, Ok(_) | Err(OrderError::UnknownMunicipality)),
                "{done:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_rows_of_a_region_are_those_of_a_replay_whoever_left_when(
        steps in prop::collection::vec(any_step(), 1..24),
        leaves in 0..PLACES.len(),
        more in prop::collection::vec(any_step(), 0..6),
    ) {
        let world = World::new(Kind::Memory);
        let store = world.open();
        let story = steps.into_iter().chain([Step::Withdraw { place: leaves }]).chain(more);
        for (step, now_ms) in story.zip((NOW_MS..).step_by(2)) {
            take(&store, step, now_ms);
        }
        let fresh = world.with_fresh_engine(Kind::Memory);
        check_same(&rows_of(&store), &rows_of(&fresh.open()));
    }
}
