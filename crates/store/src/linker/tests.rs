//! What is kept aside, and what the order of a batch has to do with it.

use registry::linking::RegionKey;

use super::*;
use crate::test_support::people::{IMOLA, day, giulia, local_id, mario, municipality, national_id, with};
use crate::test_support::projections::empty;

fn decide(cards: Vec<Record>) -> Vec<Decision> {
    let changes = cards.into_iter().zip(1..).map(|(card, sequence)| Change {
        sequence,
        local_id: card.local_id.clone(),
        body: ChangeBody::Upsert(Box::new(card)),
        events: Vec::new(),
    });
    let changes: Vec<Change> = changes.collect();
    let linker = Linker::new(RegionKey::new(&[1; 32]));
    let today = day("2026-03-02");
    let resolved = linker.resolve(&empty(), municipality(IMOLA), &changes, today, &mut Gate::Open);
    resolved.unwrap().decisions
}

fn numbered(card: Record, number: &str) -> Record {
    with(card, |card| card.local_id = local_id(number))
}

fn persons(decisions: &[Decision]) -> Vec<Option<PersonId>> {
    let person = |decision: &Decision| match decision {
        Decision::Linked { person, standing: _ } | Decision::Related { person, .. } => Some(*person),
        Decision::Sealed { record, .. } => Some(PersonId(record.0)),
        Decision::Quarantined { .. }
        | Decision::Held { .. }
        | Decision::Buried { .. }
        | Decision::Renewed { .. } => None,
    };
    decisions.iter().map(person).collect()
}

#[test]
fn a_card_that_breaks_a_rule_is_kept_aside_under_its_code() {
    let before_birth = with(mario(), |card| {
        card.registration.effective = Some(day("1985-12-09"))
    });
    let decisions = decide(vec![before_birth, numbered(mario(), "2")]);
    assert_eq!(
        decisions[0],
        Decision::Quarantined {
            rule: "EHA3".to_owned()
        }
    );
    assert!(matches!(
        decisions[1],
        Decision::Linked {
            standing: LinkStanding::Confirmed,
            ..
        }
    ));
}

#[test]
fn a_card_dated_tomorrow_is_served_because_tomorrow_may_have_begun() {
    let from = |date: &str| with(mario(), |card| card.registration.effective = Some(day(date)));
    assert!(persons(&decide(vec![from("2026-03-03")]))[0].is_some());
    assert!(persons(&decide(vec![from("2026-03-04")]))[0].is_none());
}

#[test]
fn cards_of_one_batch_are_linked_with_one_another_as_the_batch_leaves_them() {
    let with_id = |card: Record, id: &str| with(card, |card| card.national_id = Some(national_id(id)));
    let linked = persons(&decide(vec![
        with_id(mario(), "AA00000AA"),
        with_id(numbered(giulia(), "2"), "AA00000AA"),
        with_id(mario(), "BB11111BB"),
        with_id(numbered(giulia(), "3"), "AA00000AA"),
        with_id(numbered(giulia(), "4"), "BB11111BB"),
    ]));
    assert_eq!(linked[0], linked[1], "both had the same national id");
    // Who bore the person's id has left it: the others take the id of the first of them.
    assert_ne!(linked[3], linked[0]);
    assert_eq!(linked[4], linked[2]);
    assert!(linked.iter().all(Option::is_some));
}

#[test]
fn an_identifier_that_a_crowd_shares_links_nobody() {
    let alike = |number: usize| numbered(mario(), &format!("n{number}"));
    let linked = persons(&decide((0..=CROWD + 1).map(alike).collect()));
    assert_eq!(linked[0], linked[CROWD]);
    assert_ne!(linked[0], linked[CROWD + 1]);
}
