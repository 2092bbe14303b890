use crate::peer::Role;

use super::*;

const DIGEST: RequestDigest = RequestDigest([1; 16]);
const OTHER: RequestDigest = RequestDigest([2; 16]);

fn at(minutes: i64) -> Moment {
    let start = DateTime::parse_from_rfc3339("2026-03-01T10:00:00Z")
        .unwrap()
        .to_utc();
    Moment::new(start + TimeDelta::minutes(minutes))
}

fn key(agency: &str, agreement: &str, id: u128) -> RequestKey {
    RequestKey {
        agency: SpiffeId::new("ponte.example", Role::Agency, agency).unwrap(),
        agreement: AgreementId::parse(agreement).unwrap(),
        id: Uuid::from_u128(id),
    }
}

fn own() -> RequestKey {
    key("questura", "questura-2026", 7)
}

fn call(entry: u64) -> FirstCall {
    FirstCall {
        entry,
        read_at: Some(entry + 100),
        reference_date: at(0).date(),
    }
}

#[test]
fn the_same_request_under_the_same_id_is_a_repeat_for_a_day() {
    let mut book = RequestBook::default();
    assert_eq!(book.begin(&own(), DIGEST, at(0)), Ok(Standing::First));
    book.end(&own(), Some(call(3)));
    for minutes in [0, 1, 24 * 60 - 1] {
        let again = book.begin(&own(), DIGEST, at(minutes));
        assert_eq!(again, Ok(Standing::Repeat(call(3))));
        let other = book.begin(&own(), OTHER, at(minutes));
        assert_eq!(other, Err(RepeatError::Reused));
    }
    assert_eq!(book.begin(&own(), OTHER, at(24 * 60)), Ok(Standing::First));
}

#[test]
fn an_id_belongs_to_its_caller_and_agreement() {
    let mut book = RequestBook::default();
    for key in [
        own(),
        key("comune", "questura-2026", 7),
        key("questura", "questura-2027", 7),
        key("questura", "questura-2026", 8),
    ] {
        assert_eq!(book.begin(&key, DIGEST, at(0)), Ok(Standing::First));
    }
    assert_eq!(book.len(), 4);
}

#[test]
fn a_call_that_runs_holds_its_id_and_one_that_fails_gives_it_back() {
    let mut book = RequestBook::default();
    book.begin(&own(), DIGEST, at(0)).unwrap();
    assert_eq!(book.begin(&own(), DIGEST, at(1)), Err(RepeatError::Running));
    assert_eq!(book.begin(&own(), OTHER, at(1)), Err(RepeatError::Reused));
    book.end(&own(), None);
    assert!(book.is_empty());
    assert_eq!(book.begin(&own(), OTHER, at(2)), Ok(Standing::First));
    // One that never ended, as when its task was lost.
    assert_eq!(book.begin(&own(), DIGEST, at(12)), Ok(Standing::First));
}

#[test]
fn what_no_longer_counts_is_dropped() {
    let mut book = RequestBook::default();
    for (id, minutes) in [(1, 0), (2, 60)] {
        let key = key("questura", "questura-2026", id);
        book.begin(&key, DIGEST, at(minutes)).unwrap();
        book.end(&key, Some(call(1)));
    }
    book.begin(&own(), DIGEST, at(24 * 60 - 5)).unwrap();
    book.expire(at(24 * 60));
    assert_eq!(book.len(), 2, "the later one and the one that runs");
    book.expire(at(25 * 60));
    assert!(book.is_empty());
    book.end(&own(), Some(call(9)));
    assert!(book.is_empty(), "what was dropped does not come back");
}

#[test]
fn a_restart_keeps_the_ids_of_the_log() {
    let mut book = RequestBook::default();
    book.restore([RepeatEvent {
        key: own(),
        digest: DIGEST,
        call: call(5),
        moment: at(0),
    }]);
    assert_eq!(book.begin(&own(), DIGEST, at(60)), Ok(Standing::Repeat(call(5))));
    assert_eq!(book.begin(&own(), OTHER, at(60)), Err(RepeatError::Reused));
    assert_eq!(book.begin(&own(), OTHER, at(24 * 60)), Ok(Standing::First));
    assert_eq!(format!("{DIGEST:?}"), "RequestDigest(..)");
}
