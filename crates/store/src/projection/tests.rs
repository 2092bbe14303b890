//! Rows under random histories: a replay over whatever part of them is there changes nothing, and a reader at a
//! sequence sees that sequence.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use registry::code::Kinship;
use registry::identifier::{PersonId, RecordId};
use registry::record::Record;
use uuid::Uuid;

use super::*;
use crate::test_support::people::{IMOLA, code, giulia, joined, luca, mario, municipality};
use crate::test_support::projections::empty;

/// One change: which of few cards, what becomes of it, to which of few persons it is linked.
#[derive(Clone, Copy, Debug)]
struct Step {
    card: u8,
    state: State,
    person: u8,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Removed,
    Like(u8),
}

fn any_step() -> impl Strategy<Value = Step> {
    let state = prop_oneof![1 => Just(State::Removed), 4 => (0u8..4).prop_map(State::Like)];
    (0u8..3, state, 0u8..3).prop_map(|(card, state, person)| Step { card, state, person })
}

fn record(card: u8) -> RecordId {
    RecordId(Uuid::from_bytes([card + 1; 16]))
}

fn body(like: u8) -> Record {
    match like {
        0 => mario(),
        1 => giulia(),
        2 => luca(),
        _ => joined(mario(), "F-2", Kinship::Cohabitant, "2020-01-01"),
    }
}

fn apply(projection: &Projection, history: &[Step], from: usize) {
    for (place, step) in history.iter().enumerate().skip(from) {
        let card = match step.state {
            State::Removed => None,
            State::Like(like) => Some(body(like)),
        };
        projection
            .apply(&AppliedChange {
                sequence: CommitSequence(place as u64 + 1),
                recorded_ms: 1_000 + place as u64,
                municipality: municipality(IMOLA),
                record: record(step.card),
                person: PersonId(record(step.person).0),
                card: card.as_ref(),
            })
            .unwrap();
    }
}

fn rows(projection: &Projection) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    projection
        .every_row(&mut |key, value| rows.push((key.to_vec(), value.to_vec())))
        .unwrap();
    rows
}

/// What a reader sees: every card, and for each of the leads that any card ever had, the cards behind it.
fn seen(projection: &Projection, visible: CommitSequence) -> (Vec<Option<Record>>, Vec<BTreeSet<RecordId>>) {
    let cards = (0..3).map(|card| {
        projection
            .card_at(record(card), visible)
            .unwrap()
            .and_then(|card| card.record)
    });
    let household = |number| Lead::Household(projection.household_token(municipality(IMOLA), number));
    let leads = [mario(), giulia(), luca()]
        .map(|card| projection.tax_code(code(&card).as_str()))
        .into_iter()
        .chain(["F-1", "F-2"].map(household))
        .chain((0..3).map(|person| Lead::Person(PersonId(record(person).0))));
    let behind = leads.map(|lead| projection.cards_of(lead, visible).unwrap().into_iter().collect());
    (cards.collect(), behind.collect())
}

/// The same without rows: what the history says.
fn expected(history: &[Step]) -> (Vec<Option<Record>>, Vec<BTreeSet<RecordId>>) {
    let mut state: BTreeMap<u8, (Option<Record>, u8)> = BTreeMap::new();
    for step in history {
        let card = match step.state {
            State::Removed => None,
            State::Like(like) => Some(body(like)),
        };
        state.insert(step.card, (card, step.person));
    }
    let cards: Vec<Option<Record>> = (0..3)
        .map(|card| state.get(&card).and_then(|(card, _)| card.clone()))
        .collect();
    let behind = |holds: &dyn Fn(&Record, u8, u8) -> bool| -> BTreeSet<RecordId> {
        let held = state
            .iter()
            .filter(|(card, (body, person))| body.as_ref().is_some_and(|body| holds(body, **card, *person)));
        held.map(|(card, _)| record(*card)).collect()
    };
    let mut leads: Vec<BTreeSet<RecordId>> = [mario(), giulia(), luca()]
        .iter()
        .map(|person| behind(&|body, _, _| body.tax_codes == person.tax_codes))
        .collect();
    for number in ["F-1", "F-2"] {
        let belongs = |body: &Record| {
            body.households
                .facts()
                .iter()
                .any(|link| link.value.household.as_str() == number)
        };
        leads.push(behind(&|body, _, _| belongs(body)));
    }
    for wanted in 0..3 {
        leads.push(behind(&|_, card, person| person == wanted && card != wanted));
    }
    (cards, leads)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_replay_over_rows_that_hold_any_part_of_it_ends_in_the_same_rows(
        history in proptest::collection::vec(any_step(), 1..24),
        held in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
    ) {
        let clean = empty();
        apply(&clean, &history, 0);
        let held = held.index(history.len()) + 1;
        let again = empty();
        apply(&again, &history[..held], 0);
        apply(&again, &history, from.index(held));
        prop_assert!(rows(&again) == rows(&clean));
        apply(&again, &history, 0);
        prop_assert!(rows(&again) == rows(&clean));
    }

    #[test]
    fn a_replay_over_a_change_cut_short_at_any_row_ends_in_the_same_rows(
        history in proptest::collection::vec(any_step(), 1..16),
        written in 0usize..8,
    ) {
        let clean = empty();
        apply(&clean, &history, 0);
        let before = history.len() - 1;
        let whole = empty();
        apply(&whole, &history[..before], 0);
        let held: BTreeMap<Vec<u8>, Vec<u8>> = rows(&whole).into_iter().collect();
        let mut changed: Vec<_> = rows(&clean).into_iter().filter(|(key, value)| held.get(key) != Some(value)).collect();
        // The order in which rows are written: superseded version, newest version, then whatever leads to the card.
        let order = |key: &[u8]| match key[0] { b'H' => 0, b'C' => 1, _ => 2 };
        changed.sort_by_key(|(key, _)| order(key));
        for (key, value) in changed.iter().take(written) {
            whole.engine.insert(key, value).unwrap();
        }
        apply(&whole, &history, before);
        prop_assert!(rows(&whole) == rows(&clean));
    }

    #[test]
    fn a_reader_at_a_sequence_sees_that_sequence_whatever_came_later(
        history in proptest::collection::vec(any_step(), 1..24),
    ) {
        let projection = empty();
        apply(&projection, &history, 0);
        for visible in 0..=history.len() {
            let sequence = CommitSequence(visible as u64);
            prop_assert!(seen(&projection, sequence) == expected(&history[..visible]), "at {}", visible);
        }
    }
}
