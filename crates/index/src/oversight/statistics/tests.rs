use proptest::prelude::*;

use super::*;
use crate::oversight::access::{Access, Name};
use crate::oversight::counters::shares;

const POLICE: &str = "spiffe://ponte.test/agency/questura-bo";
const BODY: &str = "spiffe://ponte.test/agency/asl-imola";
const PLACES: [&str; 3] = ["C265", "D360", "E289"];

fn day(number: u64) -> NaiveDate {
    // The first day of a block.
    let first = block_of(NaiveDate::from_ymd_opt(2026, 1, 15).unwrap());
    first.checked_add_days(Days::new(number)).unwrap()
}

fn access(caller: &str, purpose: &str, places: &[&str]) -> Access {
    Access {
        reached: true,
        caller: caller.into(),
        agreement: "agreement".into(),
        purpose: purpose.into(),
        service: "ponte.consultation.v1.ConsultationService/LookupPerson".into(),
        outcome: "OK".into(),
        operator: "m.esposito".into(),
        class: "operator 24m 2026-01".into(),
        reserved: purpose == "investigation",
        places: places.iter().map(|place| Name::from(*place)).collect(),
        is_repeat: false,
        is_row: false,
        has_case: true,
        subjects: Vec::new(),
    }
}

type Days100 = BTreeMap<NaiveDate, DayCount>;

fn counted(accesses: &[(u64, u8, Access)]) -> Days100 {
    let mut days = Days100::new();
    for (number, hour, access) in accesses {
        days.entry(day(*number)).or_default().add(*hour, access);
    }
    days
}

fn ask(days: &Days100, scope: &Scope, range: Range<u64>, by: &[Dimension], today: u64) -> Statistics {
    let question = Question::new(scope.clone(), day(range.start)..day(range.end), by.to_vec());
    let days = days.iter().map(|(date, counts)| (*date, counts));
    question
        .expect("a dimension of the scope")
        .answer(days, day(today))
}

fn imola() -> Scope {
    Scope::Municipality(BTreeSet::from(["E289".to_owned()]))
}

fn police() -> Scope {
    Scope::Agency(POLICE.to_owned())
}

fn any_access() -> impl Strategy<Value = (u64, u8, Access)> {
    let places = proptest::sample::subsequence(&PLACES[..], 0..=3);
    let caller = prop_oneof![Just(POLICE), Just(BODY)];
    let purpose = prop_oneof![Just("identification"), Just("investigation"), Just("")];
    (0..100u64, 0..24u8, caller, purpose, places)
        .prop_map(|(day, hour, caller, purpose, places)| (day, hour, access(caller, purpose, &places)))
}

proptest! {
    #[test]
    fn shares_of_an_entry_are_together_one_entry(places in 1..400u64) {
        let shares: Vec<u64> = shares(places).collect();
        prop_assert_eq!(shares.len() as u64, places);
        prop_assert_eq!(shares.iter().sum::<u64>(), WHOLE);
        prop_assert!(shares.iter().all(|share| share.abs_diff(WHOLE / places) <= 1));
    }

    #[test]
    fn municipalities_and_the_region_add_up_to_the_total(
        accesses in proptest::collection::vec(any_access(), 0..60),
        start in 0..100u64,
        length in 1..100u64,
    ) {
        let days = counted(&accesses);
        let range = start..start + length;
        let ordinary = accesses
            .iter()
            .filter(|(day, _, access)| range.contains(day) && !access.reserved)
            .count() as u64;
        let answer = ask(&days, &Scope::Region, range.clone(), &[Dimension::Municipality], 300);
        let sum: u64 = answer.rows.values().map(|count| count.share).sum();
        prop_assert_eq!(sum, ordinary * WHOLE);
        prop_assert_eq!(answer.total, Count { entries: ordinary, share: ordinary * WHOLE });
        // Whoever reads for one municipality sees the region's row of it, and every other break-down adds up too.
        let own = ask(&days, &imola(), range.clone(), &[], 300).total;
        let row = answer.rows.get(&vec!["E289".to_owned()]).copied().unwrap_or_default();
        prop_assert_eq!(own, Count { entries: row.entries, share: row.entries * WHOLE });
        for by in [Dimension::Agency, Dimension::Hour, Dimension::Purpose, Dimension::Day] {
            let answer = ask(&days, &Scope::Region, range.clone(), &[by], 300);
            let sum: u64 = answer.rows.values().map(|count| count.entries).sum();
            prop_assert_eq!(sum, ordinary);
        }
    }

    #[test]
    fn agencies_add_up_to_what_their_supervisors_see_but_for_reserved_purposes(
        accesses in proptest::collection::vec(any_access(), 0..60),
    ) {
        let days = counted(&accesses);
        let own = ask(&days, &police(), 0..100, &[], 300).total.entries;
        let expected = accesses.iter().filter(|(_, _, access)| *access.caller == *POLICE).count() as u64;
        prop_assert_eq!(own, expected);
        let by_day: u64 = ask(&days, &police(), 0..100, &[Dimension::Day, Dimension::Operator], 300)
            .rows.values().map(|count| count.entries).sum();
        prop_assert_eq!(by_day, expected);
    }
}

/// Ordinary accesses of a hundred days, and one for a reserved purpose on a day.
fn world(reserved_on: Option<u64>) -> Days100 {
    let mut accesses = Vec::new();
    for number in 0..100 {
        accesses.push((number, 9, access(POLICE, "identification", &["E289"])));
        if number % 3 == 0 {
            accesses.push((number, 10, access(BODY, "co-payment", &["E289", "D360"])));
        }
    }
    accesses.extend(reserved_on.map(|number| (number, 9, access(POLICE, "investigation", &["E289"]))));
    counted(&accesses)
}

/// Everything that a reader outside of the agency can be told on a day.
fn everything(days: &Days100, scope: &Scope, today: u64) -> Vec<Statistics> {
    let breakdowns: [&[Dimension]; 4] = [
        &[],
        &[Dimension::Agency, Dimension::Purpose],
        &[Dimension::Day, Dimension::Hour],
        &[Dimension::Municipality, Dimension::Outcome],
    ];
    let mut told = Vec::new();
    for start in 25..65 {
        for end in start + 1..=65 {
            for by in breakdowns {
                told.push(ask(days, scope, start..end, by, today));
            }
        }
    }
    told
}

#[test]
fn no_difference_of_any_two_ranges_tells_on_which_day_of_a_block_a_reserved_purpose_was() {
    for scope in [Scope::Region, imola()] {
        let early = everything(&world(Some(30)), &scope, 200);
        for day in [31, 44, 59] {
            let late = everything(&world(Some(day)), &scope, 200);
            assert!(early == late, "some answer tells days of one block apart");
        }
        // The control: in another block, which no range holds whole, it counts nowhere.
        let other = everything(&world(Some(60)), &scope, 200);
        assert!(early != other, "blocks hold reserved purposes");
        let none = everything(&world(None), &scope, 200);
        let told: Vec<_> = early.iter().zip(&none).filter(|(a, b)| a != b).collect();
        assert!(!told.is_empty());
        for (with, without) in told {
            assert_eq!((&with.rows, with.total), (&without.rows, without.total));
            let more: Vec<u64> = with
                .blocks
                .iter()
                .map(|(first, count)| count.entries - without.blocks[first].entries)
                .collect();
            assert_eq!(more.iter().sum::<u64>(), 1);
        }
    }
}

#[test]
fn of_a_block_that_is_not_over_nothing_is_told_on_any_day_of_it() {
    for today in [30, 31, 32, 45, 59] {
        for scope in [Scope::Region, imola()] {
            let with = everything(&world(Some(31)), &scope, today);
            assert!(with == everything(&world(None), &scope, today), "day {today}");
        }
    }
    let over = ask(&world(Some(31)), &Scope::Region, 0..100, &[], 60);
    assert_eq!(over.blocks.keys().copied().collect::<Vec<_>>(), [day(0), day(30)]);
}

#[test]
fn a_total_with_reserved_purposes_is_of_thirty_days_that_lie_in_the_range() {
    let days = world(Some(31));
    let blocks = |range: Range<u64>| -> Vec<u64> {
        let answer = ask(&days, &Scope::Region, range, &[], 300);
        answer.blocks.values().map(|count| count.entries).collect()
    };
    assert_eq!(blocks(0..30), [40]);
    assert_eq!(blocks(0..29), [0; 0]);
    assert_eq!(blocks(1..60), [41]);
    assert_eq!(blocks(31..60), [0; 0]);
    assert_eq!(blocks(0..90), [40, 41, 40]);
    assert_eq!(block_end(day(0)), day(30));
    assert_eq!(block_of(day(29)), day(0));
    let before = NaiveDate::from_ymd_opt(1969, 12, 31).unwrap();
    assert_eq!(block_of(before), NaiveDate::from_ymd_opt(1969, 12, 2).unwrap());
}

#[test]
fn the_agencys_own_supervisor_sees_its_reserved_purposes_and_no_block() {
    let answer = ask(&world(Some(31)), &police(), 31..32, &[Dimension::Purpose], 300);
    let purposes: Vec<&str> = answer.rows.keys().map(|values| values[0].as_str()).collect();
    assert_eq!(purposes, ["identification", "investigation"]);
    assert_eq!(answer.total.entries, 2);
    let answer = ask(&world(Some(31)), &police(), 0..100, &[], 300);
    assert!(answer.blocks.is_empty());
}

#[test]
fn each_scope_shows_its_dimensions_and_no_others() {
    let cases = [
        (Scope::Region, Dimension::Operator, true),
        (Scope::Region, Dimension::Municipality, true),
        (imola(), Dimension::Operator, false),
        (imola(), Dimension::Municipality, true),
        (imola(), Dimension::Hour, true),
        (police(), Dimension::Operator, true),
        (police(), Dimension::Municipality, false),
    ];
    for (scope, dimension, shown) in cases {
        let asked = Question::new(scope.clone(), day(0)..day(1), vec![Dimension::Day, dimension]);
        assert_eq!(asked.is_ok(), shown, "{scope:?} {dimension:?}");
    }
}
