//! Rows under random histories of cards and profiles: nothing outside is left in any version, nothing leads to what
//! left, and a replay over whatever part of the rows is there ends in the same rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use registry::identifier::PersonId;
use registry::record::{Parent, ParentRole, PersonName, Register};
use uuid::Uuid;

use super::*;
use crate::files::faulty::FaultyFiles;
use crate::keys::encryption_key::KeyEncryptionKey;
use crate::keys::ring::KeyRing;
use crate::kv::memory::Memory;
use crate::kv::{EngineError, KeyValue, Row};
use crate::projection::AppliedChange;
use crate::projection::burial::Moment;
use crate::test_support::CountingEntropy;
use crate::test_support::people::{DOZZA, IMOLA, code, giulia, mario, municipality, with};

/// Writes that are admitted unless a test says otherwise.
const MANY: usize = usize::MAX;

/// An engine that refuses every write after so many, as one whose machine stops.
#[derive(Debug)]
struct Stopping {
    inner: Memory,
    left: AtomicUsize,
}

impl Stopping {
    fn write(&self) -> Result<(), EngineError> {
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        match taken {
            Ok(_) => Ok(()),
            Err(_) => Err(EngineError::Failed("the machine has stopped".into())),
        }
    }
}

impl KeyValue for Stopping {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.inner.get(key)
    }

    fn last_not_after(&self, prefix: &[u8], upper: &[u8]) -> Result<Option<Row>, EngineError> {
        self.inner.last_not_after(prefix, upper)
    }

    fn scan(&self, prefix: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<(), EngineError> {
        self.inner.scan(prefix, visit)
    }

    fn insert(&self, key: &[u8], value: &[u8]) -> Result<(), EngineError> {
        self.write()?;
        self.inner.insert(key, value)
    }

    fn remove(&self, key: &[u8]) -> Result<(), EngineError> {
        self.write()?;
        self.inner.remove(key)
    }

    fn sync(&self) -> Result<(), EngineError> {
        self.inner.sync()
    }
}

fn projection() -> (Projection, Arc<Stopping>) {
    let entropy = Arc::new(CountingEntropy::default());
    let key = KeyEncryptionKey::from_bytes(&[5; 32]);
    let keys = Arc::new(KeyRing::open(Arc::new(FaultyFiles::default()), key, entropy).unwrap());
    for code in [IMOLA, DOZZA] {
        keys.get_or_create(&municipality_key(municipality(code))).unwrap();
    }
    let engine = Arc::new(Stopping {
        inner: Memory::default(),
        left: AtomicUsize::new(MANY),
    });
    let shared = Arc::clone(&engine) as Arc<dyn KeyValue>;
    (Projection::new(shared, keys).unwrap(), engine)
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A card has this state from now on, or none, and belongs to this person.
    Serve(u8, Option<u8>, u8),
    /// The same waits for a registrar.
    Hold(u8, Option<u8>),
    /// These groups are published, and no others.
    Publish(GroupSet),
}

fn any_step() -> impl Strategy<Value = Step> {
    let state = || proptest::option::weighted(0.9, 0u8..6);
    prop_oneof![
        5 => (0u8..3, state(), 0u8..3).prop_map(|(card, state, person)| Step::Serve(card, state, person)),
        1 => (0u8..3, state()).prop_map(|(card, state)| Step::Hold(card, state)),
        2 => any_profile().prop_map(Step::Publish),
    ]
}

fn any_profile() -> impl Strategy<Value = GroupSet> {
    (0..=GroupSet::ALL.bits()).prop_filter_map("a profile", GroupSet::from_bits)
}

/// Cards 0 and 1 are of Imola, card 2 is of Dozza and follows no profile of Imola.
fn keeper(card: u8) -> MunicipalityId {
    municipality(if card == 2 { DOZZA } else { IMOLA })
}

fn record(card: u8) -> RecordId {
    RecordId(Uuid::from_bytes([card + 1; 16]))
}

fn body(like: u8) -> Record {
    let parents = |card: &mut Record| {
        card.parents.push(Parent {
            role: ParentRole::Mother,
            surname: PersonName::parse("Neri").ok(),
            given_name: None,
            tax_code: None,
        });
    };
    let abroad = |card: &mut Record| card.register = Register::Aire;
    let protected = |card: &mut Record| card.flags.protected = true;
    match like {
        0 => mario(),
        1 => with(mario(), parents),
        2 => with(mario(), abroad),
        3 => with(with(mario(), abroad), protected),
        4 => with(giulia(), abroad),
        _ => with(giulia(), protected),
    }
}

fn apply(projection: &Projection, history: &[Step], from: usize) -> Result<(), (usize, ProjectionError)> {
    let mut profile = GroupSet::ALL;
    for (place, step) in history.iter().enumerate() {
        let moment = Moment {
            sequence: CommitSequence(place as u64 + 1),
            recorded_ms: 1_000 + place as u64,
        };
        let before = profile;
        if let Step::Publish(groups) = step {
            profile = *groups;
        }
        if place < from {
            continue;
        }
        let change =
            |card: u8,
             state: Option<u8>,
             person: u8,
             act: &dyn Fn(&AppliedChange<'_>) -> Result<Replaced, ProjectionError>| {
                let keeper = keeper(card);
                let groups = if card == 2 { GroupSet::ALL } else { profile };
                let body = state.and_then(|like| groups.applied(body(like)));
                let change = AppliedChange {
                    sequence: moment.sequence,
                    recorded_ms: moment.recorded_ms,
                    municipality: keeper,
                    record: record(card),
                    person: PersonId(record(person).0),
                    card: body.as_ref(),
                };
                act(&change).map(drop)
            };
        let done = match *step {
            Step::Serve(card, state, person) => {
                change(card, state, person, &|change| projection.apply(change))
            }
            Step::Hold(card, state) => change(card, state, card, &|change| projection.hold(change)),
            Step::Publish(groups) if before.is_subset(groups) => Ok(()),
            Step::Publish(groups) => {
                let narrowing = Narrowing {
                    until: moment.sequence,
                    municipality: municipality(IMOLA),
                    profile: groups,
                };
                projection.narrow(&[narrowing], &mut |_, _| Ok(()))
            }
        };
        done.map_err(|error| (place, error))?;
    }
    Ok(())
}

fn rows(projection: &Projection) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    projection
        .every_row(&mut |key, value| rows.push((key.to_vec(), value.to_vec())))
        .unwrap();
    rows
}

fn clean(history: &[Step]) -> Projection {
    let (projection, _) = projection();
    apply(&projection, history, 0)
        .map_err(|(_, error)| error)
        .unwrap();
    projection
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_replay_over_rows_that_hold_any_part_of_it_ends_in_the_same_rows(
        history in proptest::collection::vec(any_step(), 1..24),
        held in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
    ) {
        let expected = rows(&clean(&history));
        let held = held.index(history.len()) + 1;
        let again = clean(&history[..held]);
        apply(&again, &history, from.index(held)).unwrap();
        prop_assert!(rows(&again) == expected);
        apply(&again, &history, 0).unwrap();
        prop_assert!(rows(&again) == expected);
    }

    #[test]
    fn a_replay_after_a_stop_at_any_write_ends_in_the_same_rows(
        history in proptest::collection::vec(any_step(), 1..16),
        writes in 0usize..120,
        from in any::<prop::sample::Index>(),
    ) {
        let (stopped, engine) = projection();
        engine.left.store(writes, Ordering::Relaxed);
        let reached = match apply(&stopped, &history, 0) {
            Ok(()) => history.len() - 1,
            Err((reached, _)) => reached,
        };
        engine.left.store(MANY, Ordering::Relaxed);
        apply(&stopped, &history, from.index(reached + 1)).unwrap();
        prop_assert!(rows(&stopped) == rows(&clean(&history)));
    }

    #[test]
    fn no_version_of_any_moment_holds_what_is_outside_and_nothing_leads_to_what_left(
        history in proptest::collection::vec(any_step(), 1..24),
        last in any_profile(),
    ) {
        let history: Vec<Step> = history.into_iter().chain([Step::Publish(last)]).collect();
        let projection = clean(&history);
        for card in 0..2 {
            for version in projection.served_versions(record(card)).unwrap() {
                prop_assert!(!is_outside(&version, last), "card {card}");
            }
            for visible in 0..=history.len() {
                let waits = projection.waiting_at(record(card), CommitSequence(visible as u64)).unwrap();
                let waits = waits.flatten().map(|bytes| decoded(&bytes).unwrap());
                prop_assert!(waits.is_none_or(|card| GroupSet::of_card(&card).is_subset(last)));
            }
        }
        for (visible, of) in (0..=history.len()).flat_map(|visible| [(visible, mario()), (visible, giulia())]) {
            let visible = CommitSequence(visible as u64);
            let led = projection.cards_of(projection.tax_code(code(&of).as_str()), visible).unwrap();
            let bear = (0u8..3).map(record).filter(|id| {
                let card = projection.card_at(*id, visible).unwrap().and_then(|card| card.record);
                card.is_some_and(|card| card.tax_codes == of.tax_codes)
            });
            prop_assert_eq!(led.into_iter().collect::<BTreeSet<_>>(), bear.collect::<BTreeSet<_>>());
        }
    }

    #[test]
    fn a_narrower_profile_ends_no_protection(
        history in proptest::collection::vec(any_step(), 1..24),
        last in any_profile(),
    ) {
        let before = clean(&history);
        let sheltered = |projection: &Projection| -> BTreeMap<Vec<u8>, Vec<u8>> {
            let shelters = |(key, _): &(Vec<u8>, Vec<u8>)| matches!(key.first(), Some(b'Q' | b'S'));
            rows(projection).into_iter().filter(shelters).collect()
        };
        let earlier = sheltered(&before);
        let longer: Vec<Step> = history.iter().copied().chain([Step::Publish(last)]).collect();
        apply(&before, &longer, history.len()).unwrap();
        prop_assert_eq!(sheltered(&before), earlier);
        // And whoever asks still finds the places behind them.
        let sequence = CommitSequence(longer.len() as u64);
        for person in (0u8..3).map(|card| PersonId(record(card).0)) {
            for card in before.cards_of(Lead::Protected(person), sequence).unwrap() {
                prop_assert!(before.sheltering_at(card, sequence).unwrap().is_some());
            }
        }
    }
}
