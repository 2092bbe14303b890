use super::*;

fn at(text: &str) -> Moment {
    Moment::new(text.parse().unwrap())
}

fn key(purpose: &str, operator: &str) -> UsageKey {
    UsageKey {
        agency: SpiffeId::parse("spiffe://ponte.example/agency/questura").unwrap(),
        agreement: AgreementId::parse("a").unwrap(),
        purpose: PurposeId::parse(purpose).unwrap(),
        operator: if operator.is_empty() {
            None
        } else {
            OperatorId::parse(operator).ok()
        },
        unit: Unit::Call,
    }
}

fn call(counters: &mut UsageCounters, key: &UsageKey, when: &str, settlement: Settlement) -> Usage {
    let (reservation, usage) = counters.reserve(key.clone(), at(when));
    counters.settle(reservation, settlement);
    usage
}

fn counters(calls_this_minute: u32, calls_today: u32, misses_today: u32) -> Counters {
    Counters {
        calls_this_minute,
        calls_today,
        misses_today,
        rows_today: 0,
    }
}

#[test]
fn calls_count_for_agreement_purpose_and_operator() {
    let mut all = UsageCounters::default();
    let now = "2026-03-02T10:00:30Z";
    assert_eq!(
        call(&mut all, &key("p", "anna"), now, Settlement::Hit),
        Usage::default()
    );
    call(&mut all, &key("p", "bruno"), now, Settlement::Miss);
    call(&mut all, &key("q", "anna"), now, Settlement::Miss);
    let expect = Usage {
        agreement: counters(3, 3, 2),
        purpose: counters(2, 2, 1),
        operator: counters(2, 2, 1),
        declarations: DeclarationUse::Open,
    };
    assert_eq!(all.peek(&key("p", "anna"), at(now)), expect);
    let expect = Usage {
        agreement: counters(3, 3, 2),
        purpose: counters(1, 1, 1),
        operator: Counters::default(),
        declarations: DeclarationUse::Open,
    };
    assert_eq!(all.peek(&key("q", ""), at(now)), expect);
}

#[test]
fn calls_in_flight_are_counted() {
    let mut all = UsageCounters::default();
    let now = at("2026-03-02T10:00:00Z");
    let (first, before_first) = all.reserve(key("p", "anna"), now);
    let (second, before_second) = all.reserve(key("p", "anna"), now);
    assert_eq!(
        (before_first.agreement, before_second.agreement),
        (counters(0, 0, 0), counters(1, 1, 0))
    );
    assert_eq!(
        (before_second.purpose, before_second.operator),
        (counters(1, 1, 0), counters(1, 1, 0))
    );
    all.settle(first, Settlement::Denied);
    all.settle(second, Settlement::Hit);
    assert_eq!(all.peek(&key("p", "anna"), now).agreement, counters(1, 1, 0));
}

#[test]
fn a_denied_call_costs_nothing_and_leaves_nothing_behind() {
    let mut all = UsageCounters::default();
    for name in ["p", "q", "r"] {
        call(
            &mut all,
            &key(name, name),
            "2026-03-02T10:00:00Z",
            Settlement::Denied,
        );
    }
    assert!(all.is_empty());
    assert_eq!(all.len(), 0);
    call(
        &mut all,
        &key("p", "anna"),
        "2026-03-02T10:00:00Z",
        Settlement::Hit,
    );
    call(
        &mut all,
        &key("q", "bruno"),
        "2026-03-02T10:00:00Z",
        Settlement::Denied,
    );
    assert_eq!(
        all.len(),
        3,
        "agreement, purpose and operator of the call that was granted"
    );
}

#[test]
fn a_call_denied_in_a_later_minute_gives_back_only_what_it_took() {
    let mut all = UsageCounters::default();
    let (early, _) = all.reserve(key("p", ""), at("2026-03-02T10:00:59Z"));
    call(&mut all, &key("p", ""), "2026-03-02T10:01:00Z", Settlement::Hit);
    all.settle(early, Settlement::Denied);
    assert_eq!(
        all.peek(&key("p", ""), at("2026-03-02T10:01:30Z")).agreement,
        counters(1, 1, 0)
    );
}

#[test]
fn minutes_and_days_begin_anew() {
    let mut all = UsageCounters::default();
    call(
        &mut all,
        &key("p", "anna"),
        "2026-03-02T22:58:59Z",
        Settlement::Miss,
    );
    let minute_later = at("2026-03-02T22:59:00Z");
    assert_eq!(
        all.peek(&key("p", "anna"), minute_later).operator,
        counters(0, 1, 1)
    );
    let before = call(
        &mut all,
        &key("p", "anna"),
        "2026-03-02T22:59:00Z",
        Settlement::Miss,
    );
    let expect = counters(0, 1, 1);
    assert_eq!(
        before,
        Usage {
            agreement: expect,
            purpose: expect,
            operator: expect,
            declarations: DeclarationUse::Open,
        }
    );
    // Midnight in Italy.
    assert_eq!(
        all.peek(&key("p", "anna"), at("2026-03-02T22:59:59Z")).agreement,
        counters(1, 2, 2)
    );
    assert_eq!(
        all.peek(&key("p", "anna"), at("2026-03-02T23:00:00Z")),
        Usage::default()
    );
    assert_eq!(
        call(
            &mut all,
            &key("p", "anna"),
            "2026-03-02T23:00:00Z",
            Settlement::Hit
        ),
        Usage::default()
    );
    assert_eq!(
        all.peek(&key("p", "anna"), at("2026-03-02T23:00:00Z")).agreement,
        counters(1, 1, 0)
    );
}

#[test]
fn a_call_settled_after_midnight_does_not_touch_the_new_day() {
    let mut all = UsageCounters::default();
    let (late, _) = all.reserve(key("p", ""), at("2026-03-02T22:59:59Z"));
    call(&mut all, &key("p", ""), "2026-03-02T23:00:00Z", Settlement::Hit);
    all.settle(late, Settlement::Miss);
    assert_eq!(
        all.peek(&key("p", ""), at("2026-03-02T23:00:00Z")).agreement,
        counters(1, 1, 0)
    );
}

#[test]
fn a_clock_that_goes_back_opens_no_new_quota() {
    let mut all = UsageCounters::default();
    call(&mut all, &key("p", ""), "2026-03-02T23:00:00Z", Settlement::Hit);
    let before = call(&mut all, &key("p", ""), "2026-03-02T22:59:00Z", Settlement::Hit);
    assert_eq!(before.agreement, counters(1, 1, 0));
    assert_eq!(
        all.peek(&key("p", ""), at("2026-03-02T22:00:00Z")).agreement,
        counters(2, 2, 0)
    );
}

#[test]
fn another_agency_cannot_use_up_the_quota() {
    let mut all = UsageCounters::default();
    let now = "2026-03-02T10:00:00Z";
    let stranger = SpiffeId::parse("spiffe://ponte.example/agency/stranger").unwrap();
    let foreign = UsageKey {
        agency: stranger,
        ..key("p", "anna")
    };
    call(&mut all, &foreign, now, Settlement::Hit);
    assert_eq!(all.peek(&key("p", "anna"), at(now)), Usage::default());
    assert_eq!(all.peek(&foreign, at(now)).agreement, counters(1, 1, 0));
}

#[test]
fn operators_beyond_the_bound_share_a_counter() {
    let mut all = UsageCounters::default();
    let now = "2026-03-02T10:00:00Z";
    for number in 0..MAX_OPERATORS {
        call(&mut all, &key("p", &format!("o{number}")), now, Settlement::Hit);
    }
    let full = all.len();
    assert_eq!(
        call(&mut all, &key("p", "late"), now, Settlement::Miss).operator,
        counters(0, 0, 0)
    );
    assert_eq!(
        call(&mut all, &key("p", "later"), now, Settlement::Hit).operator,
        counters(1, 1, 1)
    );
    assert_eq!(
        call(&mut all, &key("p", "o7"), now, Settlement::Hit).operator,
        counters(1, 1, 0)
    );
    assert_eq!(all.len(), full);
    let (reservation, before) = all.reserve(key("p", "last"), at("2026-03-02T10:01:00Z"));
    all.settle(reservation, Settlement::Denied);
    assert_eq!(before.operator, counters(0, 2, 1));
}

#[test]
fn counters_of_ended_days_are_dropped() {
    let mut all = UsageCounters::default();
    call(
        &mut all,
        &key("p", "anna"),
        "2026-03-02T10:00:00Z",
        Settlement::Hit,
    );
    all.expire(at("2026-03-02T22:59:59Z"));
    assert_eq!(all.len(), 3);
    all.expire(at("2026-03-02T23:00:00Z"));
    assert!(all.is_empty());
}

#[test]
fn the_log_brings_the_counters_back() {
    let calls = [
        ("p", "anna", "2026-03-02T10:00:00Z", Settlement::Hit),
        ("p", "bruno", "2026-03-02T10:00:10Z", Settlement::Miss),
        ("q", "anna", "2026-03-02T10:00:20Z", Settlement::Denied),
        ("q", "", "2026-03-02T10:01:00Z", Settlement::Miss),
    ];
    let mut lived = UsageCounters::default();
    for (purpose, operator, when, settlement) in calls {
        call(&mut lived, &key(purpose, operator), when, settlement);
    }
    let events = calls.map(|(purpose, operator, when, settlement)| UsageEvent {
        key: key(purpose, operator),
        moment: at(when),
        settlement,
    });
    let restored = UsageCounters::restore(events);
    for (purpose, operator) in [("p", "anna"), ("p", "bruno"), ("q", "anna"), ("q", "")] {
        for when in ["2026-03-02T10:01:00Z", "2026-03-02T10:02:00Z"] {
            let key = key(purpose, operator);
            assert_eq!(
                restored.peek(&key, at(when)),
                lived.peek(&key, at(when)),
                "{purpose} {operator} {when}"
            );
        }
    }
    assert_eq!(
        restored.peek(&key("q", ""), at("2026-03-02T10:01:00Z")).agreement,
        counters(1, 3, 2)
    );
}

#[test]
fn rows_count_as_rows_and_are_given_back_where_they_are_denied() {
    let mut all = UsageCounters::default();
    let now = "2026-03-02T10:00:30Z";
    let row = UsageKey {
        unit: Unit::Row,
        ..key("p", "anna")
    };
    for settlement in [Settlement::Hit, Settlement::Miss, Settlement::Denied] {
        call(&mut all, &row, now, settlement);
    }
    call(&mut all, &key("p", "anna"), now, Settlement::Miss);
    let expect = Counters {
        rows_today: 2,
        ..counters(1, 1, 1)
    };
    let usage = all.peek(&key("p", "anna"), at(now));
    assert_eq!(
        (usage.agreement, usage.purpose, usage.operator),
        (expect, expect, expect)
    );
    let later = all.peek(&row, at("2026-03-02T10:01:30Z")).purpose;
    assert_eq!((later.calls_this_minute, later.rows_today), (0, 2));
    assert_eq!(all.peek(&row, at("2026-03-03T10:01:30Z")), Usage::default());
}
