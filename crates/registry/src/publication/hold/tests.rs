use super::{Allowance, DailyLimits, HoldReason, Limited, LimitedKinds, Others, RollingDay};
use crate::change::ChangeBody;
use crate::code::{AprCancellationReason, CancellationReason};
use crate::record::{Cancellation, Death, Record};
use crate::testing::{day, full_record, open_record};

const HOUR_MS: u64 = 60 * 60 * 1000;

fn upsert(record: &Record) -> ChangeBody {
    ChangeBody::Upsert(Box::new(record.clone()))
}

fn dead() -> Record {
    Record {
        death: Some(Death {
            date: day("2026-01-02"),
            place: None,
        }),
        ..open_record()
    }
}

fn cancelled() -> Record {
    let cancellation = full_record().cancellation.map(|exit| Cancellation {
        effective: day("2026-01-02"),
        ..exit
    });
    Record {
        cancellation,
        ..open_record()
    }
}

fn without_identifiers() -> Record {
    Record {
        tax_codes: Vec::new(),
        national_id: None,
        ..open_record()
    }
}

fn with_other_code() -> Record {
    Record {
        tax_codes: full_record().tax_codes.into_iter().take(1).collect(),
        ..open_record()
    }
}

#[test]
fn changes_belong_to_the_kinds_that_harm_when_they_are_false() {
    let open = open_record();
    assert!(cancelled().cancellation.is_some());
    assert!(
        open.current_tax_code().is_some() && with_other_code().current_tax_code() != open.current_tax_code()
    );
    let mut moved = cancelled();
    if let Some(exit) = &mut moved.cancellation {
        exit.reason = CancellationReason::Apr(AprCancellationReason::MoveToOtherMunicipality);
    }
    let nobody = Others::default();
    let registered = Others {
        registered: true,
        alive: true,
    };
    let alive = Others {
        registered: false,
        alive: true,
    };
    let check = |previous: Option<&Record>, next: &ChangeBody, others: Others, expected: &[Limited]| {
        let kinds = LimitedKinds::of(previous, next, others);
        let found: Vec<Limited> = Limited::ALL
            .into_iter()
            .filter(|kind| kinds.contains(*kind))
            .collect();
        assert_eq!(found, expected, "{previous:?} {others:?}");
        assert_eq!(kinds.is_none(), expected.is_empty());
        assert_eq!(LimitedKinds::from_byte(kinds.byte()), Some(kinds));
    };
    check(Some(&open), &upsert(&dead()), nobody, &[Limited::Departures]);
    check(Some(&open), &upsert(&cancelled()), nobody, &[Limited::Departures]);
    check(Some(&open), &ChangeBody::Remove, nobody, &[Limited::Departures]);
    check(Some(&dead()), &upsert(&dead()), nobody, &[]);
    check(Some(&dead()), &ChangeBody::Remove, nobody, &[]);
    check(None, &upsert(&dead()), nobody, &[]);
    check(None, &upsert(&dead()), alive, &[Limited::Departures]);
    check(Some(&moved), &upsert(&dead()), alive, &[Limited::Departures]);
    check(Some(&dead()), &upsert(&dead()), alive, &[]);
    check(None, &upsert(&moved), registered, &[]);
    check(
        Some(&open),
        &upsert(&with_other_code()),
        nobody,
        &[Limited::Identifiers],
    );
    check(
        Some(&open),
        &upsert(&without_identifiers()),
        nobody,
        &[Limited::Identifiers],
    );
    check(Some(&without_identifiers()), &upsert(&open), nobody, &[]);
    check(None, &upsert(&open), nobody, &[]);
    check(None, &upsert(&open), registered, &[Limited::Arrivals]);
    check(Some(&dead()), &upsert(&open), registered, &[Limited::Arrivals]);
    check(Some(&open), &upsert(&open), alive, &[]);
    check(Some(&open), &upsert(&open), registered, &[Limited::Arrivals]);
    let both = Record {
        tax_codes: Vec::new(),
        ..dead()
    };
    check(
        Some(&open),
        &upsert(&both),
        nobody,
        &[Limited::Departures, Limited::Identifiers],
    );
}

#[test]
fn a_day_admits_so_many_and_the_next_as_many_again() {
    let limits = DailyLimits {
        departures: Allowance {
            at_least: 3,
            per_mille: 1,
        },
        ..DailyLimits::default()
    };
    let death = LimitedKinds::of(Some(&open_record()), &ChangeBody::Remove, Others::default());
    let mut rolling = RollingDay::default();
    let mut serve = |cards: u64, now_ms: u64| {
        let exceeded = rolling.exceeded_by(death, &limits, cards, now_ms);
        if exceeded.is_none() {
            rolling.note(death, now_ms);
        }
        exceeded
    };
    for hour in [0, 1, 20] {
        assert_eq!(serve(100, hour * HOUR_MS), None);
    }
    assert_eq!(serve(100, 23 * HOUR_MS), Some(Limited::Departures));
    assert_eq!(serve(4_000, 23 * HOUR_MS), None, "four of 4,000 cards");
    assert_eq!(serve(100, 24 * HOUR_MS), Some(Limited::Departures));
    assert_eq!(serve(100, 26 * HOUR_MS), None, "the first two are a day old");
    assert_eq!(serve(100, 26 * HOUR_MS), Some(Limited::Departures));
}

#[test]
fn limits_are_shares_of_what_was_there_a_day_ago_and_on_the_first_day_of_all() {
    let mut day = RollingDay::default();
    assert_eq!(day.base(0, 0), 0);
    day.receive(100_000, 0);
    assert_eq!(day.base(100_000, HOUR_MS), 100_000, "the first load");
    day.receive(50_000, 20 * HOUR_MS);
    assert_eq!(day.base(150_000, 21 * HOUR_MS), 150_000);
    assert_eq!(day.base(150_000, 24 * HOUR_MS), 100_000);
    day.receive(500_000, 30 * HOUR_MS);
    assert_eq!(day.base(650_000, 31 * HOUR_MS), 100_000, "made up today");
    assert_eq!(day.base(650_000, 44 * HOUR_MS), 150_000);
    day.receive(700_000, 50 * HOUR_MS);
    assert_eq!(day.base(650_000, 50 * HOUR_MS), 0);
    assert_eq!(day.base(650_000, 80 * HOUR_MS), 650_000);
}

#[test]
fn kinds_that_are_not_there_never_exceed() {
    let nothing = DailyLimits {
        departures: Allowance {
            at_least: 0,
            per_mille: 0,
        },
        ..DailyLimits::default()
    };
    let mut rolling = RollingDay::default();
    assert_eq!(rolling.exceeded_by(LimitedKinds::NONE, &nothing, 0, 0), None);
    let death = LimitedKinds::of(Some(&open_record()), &ChangeBody::Remove, Others::default());
    assert_eq!(
        rolling.exceeded_by(death, &nothing, 0, 0),
        Some(Limited::Departures)
    );
}

#[test]
fn reasons_are_found_by_number_and_code() {
    for reason in HoldReason::ALL {
        assert_eq!(HoldReason::from_number(reason.number()), Some(reason));
        assert_eq!(HoldReason::from_code(reason.code()), Some(reason));
        assert!(!reason.italian().is_empty() && !reason.english().is_empty());
    }
    assert_eq!(HoldReason::from_number(0), None);
    assert_eq!(HoldReason::from_code("OTHER"), None);
    assert_eq!(LimitedKinds::from_byte(8), None);
}
