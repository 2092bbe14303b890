use proptest::prelude::*;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn fact(from: Option<&str>, value: &'static str) -> Dated<&'static str> {
    Dated {
        from: from.map(day),
        value,
    }
}

#[test]
fn a_value_holds_from_its_first_day_until_the_next_begins() {
    let status = Timeline::from_facts([
        fact(Some("2001-06-01"), "married"),
        fact(Some("1980-03-01"), "single"),
    ]);
    for (asked, expect) in [
        ("1980-02-29", AsOf::BeforeHistory),
        ("1980-03-01", AsOf::Held(&"single")),
        ("2001-05-31", AsOf::Held(&"single")),
        ("2001-06-01", AsOf::Held(&"married")),
        ("2100-01-01", AsOf::Held(&"married")),
    ] {
        assert_eq!(status.at(day(asked)), expect, "{asked}");
    }
}

#[test]
fn a_value_of_unknown_start_holds_from_before_all_history() {
    let status = Timeline::from_facts([fact(Some("2001-06-01"), "married"), fact(None, "single")]);
    assert_eq!(status.at(day("1800-01-01")), AsOf::Held(&"single"));
    assert_eq!(status.facts().first(), Some(&fact(None, "single")));
    assert_eq!(status.latest(), Some(&fact(Some("2001-06-01"), "married")));
}

#[test]
fn without_facts_nothing_ever_held() {
    let empty = Timeline::<&str>::default();
    assert_eq!(empty.at(day("2000-01-01")), AsOf::Never);
    assert_eq!(empty.at(day("2000-01-01")).held(), None);
    assert!(empty.is_empty());
    assert_eq!(empty.latest(), None);
}

#[test]
fn a_fact_with_the_same_start_supersedes_and_hands_back_the_old_one() {
    let mut status = Timeline::starting(Some(day("2001-06-01")), "married");
    assert_eq!(
        status.record(fact(Some("2001-06-01"), "united")),
        Some(fact(Some("2001-06-01"), "married"))
    );
    assert_eq!(status.record(fact(None, "single")), None);
    assert_eq!(status.record(fact(None, "unknown")), Some(fact(None, "single")));
    assert_eq!(
        status.facts(),
        [fact(None, "unknown"), fact(Some("2001-06-01"), "united")]
    );
}

/// A day in a range small enough for starts to meet.
fn any_day() -> impl Strategy<Value = NaiveDate> {
    (0..60_u64).prop_map(|days| NaiveDate::default() + chrono::Days::new(days))
}

fn any_facts() -> impl Strategy<Value = Vec<(Option<NaiveDate>, u8)>> {
    prop::collection::vec((prop::option::weighted(0.9, any_day()), any::<u8>()), 0..20)
}

proptest! {
    #[test]
    fn facts_are_in_order_and_no_start_stands_twice(facts in any_facts()) {
        let timeline = Timeline::from_facts(facts.into_iter().map(|(from, value)| Dated { from, value }));
        prop_assert!(timeline.facts().windows(2).all(|pair| pair[0].from < pair[1].from));
    }

    #[test]
    fn the_answer_is_the_last_given_of_those_that_began_last(facts in any_facts(), asked in any_day()) {
        let expect = facts
            .iter()
            .filter(|(from, _)| from.is_none_or(|from| from <= asked))
            .max_by_key(|(from, _)| *from)
            .map(|(_, value)| *value);
        let timeline = Timeline::from_facts(facts.iter().map(|&(from, value)| Dated { from, value }));
        prop_assert_eq!(timeline.at(asked).held().copied(), expect);
    }
}
