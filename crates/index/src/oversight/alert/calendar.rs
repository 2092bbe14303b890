//! National holidays of Italy (*festività nazionali*, L. 260/1949 and its changes; Saint Francis since 2026, L. 151/2025).

use chrono::{Datelike, NaiveDate};

/// Month and day of those that have the same date each year.
const FIXED: [(u32, u32); 10] = [
    (1, 1),
    (1, 6),
    (4, 25),
    (5, 1),
    (6, 2),
    (8, 15),
    (11, 1),
    (12, 8),
    (12, 25),
    (12, 26),
];

/// First year in which 4 October is a holiday.
const SAINT_FRANCIS_SINCE: i32 = 2026;

/// Whether a day is a national holiday. Sundays are none by themselves; Easter is one.
pub(super) fn is_holiday(day: NaiveDate) -> bool {
    let date = (day.month(), day.day());
    let easter = easter(day.year());
    FIXED.contains(&date)
        || (date == (10, 4) && SAINT_FRANCIS_SINCE <= day.year())
        || easter == Some(day)
        || easter.and_then(|easter| easter.succ_opt()) == Some(day)
}

/// Easter Sunday of the Gregorian calendar, by the algorithm of Meeus, Jones and Butcher.
fn easter(year: i32) -> Option<NaiveDate> {
    let a = year.rem_euclid(19);
    let (b, c) = (year.div_euclid(100), year.rem_euclid(100));
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - b / 4 - g + 15).rem_euclid(30);
    let l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4).rem_euclid(7);
    let m = (a + 11 * h + 22 * l) / 451;
    let sum = h + l - 7 * m + 114;
    let (month, day) = (sum / 31, sum % 31 + 1);
    NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn easter_is_where_almanacs_have_it() {
        for easter_day in [
            "1961-04-02",
            "2000-04-23",
            "2008-03-23",
            "2011-04-24",
            "2019-04-21",
            "2024-03-31",
            "2025-04-20",
            "2026-04-05",
            "2027-03-28",
            "2030-04-21",
            "2038-04-25",
            "2285-03-22",
        ] {
            let expected = day(easter_day);
            assert_eq!(easter(expected.year()), Some(expected));
        }
    }

    #[test]
    fn each_holiday_of_a_year_is_one_and_no_other_day() {
        let expected = [
            "2026-01-01",
            "2026-01-06",
            "2026-04-05",
            "2026-04-06",
            "2026-04-25",
            "2026-05-01",
            "2026-06-02",
            "2026-08-15",
            "2026-10-04",
            "2026-11-01",
            "2026-12-08",
            "2026-12-25",
            "2026-12-26",
        ];
        let found: Vec<String> = day("2026-01-01")
            .iter_days()
            .take(365)
            .filter(|day| is_holiday(*day))
            .map(|day| day.to_string())
            .collect();
        assert_eq!(found, expected);
        assert!(!is_holiday(day("2025-10-04")), "before the law");
    }
}
