use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, expect: Result<(i32, Option<u8>, Option<u8>), DateError>) {
    let parts = PartialDate::parse(text).map(|date| (date.year(), date.month(), date.day()));
    assert_eq!(parts, expect, "{text:?}");
}

fn date(text: &str) -> PartialDate {
    PartialDate::parse(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Any date that the type admits, known to the day, to the month or to the year.
fn any_date() -> impl Strategy<Value = PartialDate> {
    let parts = (1800..=9998_i32, 1..=12_u8, 1..=31_u8, 0..3_u8);
    parts.prop_filter_map(
        "the month lacks the day",
        |(year, month, day, known)| match known {
            0 => PartialDate::new(year, None, None).ok(),
            1 => PartialDate::new(year, Some(month), None).ok(),
            _ => PartialDate::new(year, Some(month), Some(day)).ok(),
        },
    )
}

#[test]
fn a_date_is_read_to_the_part_that_is_known() {
    check("1980-03-01", Ok((1980, Some(3), Some(1))));
    check("1980-03", Ok((1980, Some(3), None)));
    check("1980", Ok((1980, None, None)));
    check("2000-02-29", Ok((2000, Some(2), Some(29))));
    check("1800-01-01", Ok((1800, Some(1), Some(1))));
    check("9998-12-31", Ok((9998, Some(12), Some(31))));
}

#[test]
fn what_is_no_date_is_refused_by_the_rule_it_breaks() {
    for text in [
        "",
        "80-03-01",
        "1980-3-1",
        "1980-03-01-",
        "1980-",
        "01/03/1980",
        "1980-03-1x",
        "+198",
        " 1980",
        "１９８０",
    ] {
        check(text, Err(DateError::Form));
    }
    for text in ["1799", "1799-12-31", "9999-12-31", "0000"] {
        check(text, Err(DateError::Year));
    }
    for text in ["1980-00", "1980-13-01"] {
        check(text, Err(DateError::Month));
    }
    for text in ["1980-03-00", "1980-04-31", "1900-02-29", "2001-02-29"] {
        check(text, Err(DateError::Day));
    }
    assert_eq!(
        PartialDate::new(1980, None, Some(1)),
        Err(DateError::DayWithoutMonth)
    );
}

#[test]
fn an_unknown_part_spans_everything_it_can_be() {
    for (text, earliest, latest) in [
        ("1980-03-01", "1980-03-01", "1980-03-01"),
        ("1980-02", "1980-02-01", "1980-02-29"),
        ("1981-12", "1981-12-01", "1981-12-31"),
        ("1980", "1980-01-01", "1980-12-31"),
        ("9998", "9998-01-01", "9998-12-31"),
    ] {
        assert_eq!(
            (date(text).earliest(), date(text).latest()),
            (day(earliest), day(latest)),
            "{text}"
        );
    }
}

#[test]
fn order_is_certain_only_where_the_unknown_parts_do_not_matter() {
    for (one, other, order) in [
        ("1980-03-01", "1980-03-01", Some(Ordering::Equal)),
        ("1980-03-01", "1980-03-02", Some(Ordering::Less)),
        ("1980", "1981-01-01", Some(Ordering::Less)),
        ("1980", "1980-12-31", None),
        ("1980", "1980", None),
        ("1980-03", "1980-03", None),
        ("1980-03", "1980-04", Some(Ordering::Less)),
    ] {
        assert_eq!(date(one).certain_cmp(date(other)), order, "{one} {other}");
    }
}

#[test]
fn debugging_output_hides_the_date() {
    assert_eq!(format!("{:?}", date("1980-03-01")), "PartialDate(..)");
}

proptest! {
    #[test]
    fn the_written_form_reads_back(date in any_date()) {
        prop_assert_eq!(PartialDate::parse(&date.to_string()), Ok(date));
    }

    #[test]
    fn the_span_holds_the_date_and_is_one_day_only_when_known(date in any_date()) {
        prop_assert!(date.earliest() <= date.latest());
        prop_assert_eq!(date.earliest() == date.latest(), date.to_naive().is_some());
        prop_assert_eq!(date.latest().year(), date.year());
    }

    #[test]
    fn turning_the_comparison_round_turns_the_answer_round(one in any_date(), other in any_date()) {
        prop_assert_eq!(one.certain_cmp(other), other.certain_cmp(one).map(Ordering::reverse));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        if let Ok(date) = PartialDate::parse(&text) {
            prop_assert_eq!(date.to_string(), text);
        }
    }
}
