use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn period(from: Option<&str>, to: Option<&str>) -> Validity {
    Validity {
        from: from.map(day),
        to: to.map(day),
    }
}

#[test]
fn both_ends_of_a_period_belong_to_it() {
    let closed = period(Some("1900-01-01"), Some("1909-12-31"));
    for (asked, inside) in [
        ("1899-12-31", false),
        ("1900-01-01", true),
        ("1909-12-31", true),
        ("1910-01-01", false),
    ] {
        assert_eq!(closed.contains(day(asked)), inside, "{asked}");
    }
    assert!(period(None, None).contains(NaiveDate::MIN));
    assert!(period(Some("1900-01-01"), None).is_current());
}

#[test]
fn a_day_outside_every_period_says_where_it_lies() {
    let periods = [
        period(Some("1900-01-01"), Some("1909-12-31")),
        period(Some("1920-01-01"), Some("1929-12-31")),
    ];
    for (asked, at, standing) in [
        ("1850-01-01", 0, Standing::BeforeFirstPeriod),
        ("1905-01-01", 0, Standing::Valid),
        ("1915-01-01", 0, Standing::InGap),
        ("1925-01-01", 1, Standing::Valid),
        ("1930-01-01", 1, Standing::AfterEnd),
    ] {
        assert_eq!(
            placed(&periods, |it| *it, day(asked)),
            Some((&periods[at], standing)),
            "{asked}"
        );
    }
    assert_eq!(placed(&[], |it: &Validity| *it, day("1900-01-01")), None);
}

#[test]
fn compact_dates_are_read_and_nothing_else() {
    assert_eq!(compact_date("19280125"), Some(day("1928-01-25")));
    for text in [
        "",
        "1928",
        "192801",
        "1928012",
        "19281301",
        "1928-01-25",
        "１９２８０１２５",
    ] {
        assert_eq!(compact_date(text), None, "{text:?}");
    }
}
