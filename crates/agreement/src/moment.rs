//! The instant of a call, with the civil date and time of Europe/Rome that agreements speak of.

use chrono::{
    DateTime, Datelike, Days, Duration, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc, Weekday,
};
use chrono_tz::Europe::Rome;

/// An instant and what the clock on the wall showed in Italy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    utc: DateTime<Utc>,
    rome: NaiveDateTime,
}

impl Moment {
    /// The moment of an instant.
    pub fn new(utc: DateTime<Utc>) -> Self {
        Self {
            utc,
            rome: utc.with_timezone(&Rome).naive_local(),
        }
    }

    /// The instant.
    pub fn utc(self) -> DateTime<Utc> {
        self.utc
    }

    /// The date in Italy: "today" of every rule.
    pub fn date(self) -> NaiveDate {
        self.rome.date()
    }

    /// The time of day in Italy. In the night when summer time ends, each time between 2 and 3 comes twice.
    pub fn time(self) -> NaiveTime {
        self.rome.time()
    }

    /// The day of the week in Italy.
    pub fn weekday(self) -> Weekday {
        self.rome.weekday()
    }

    /// Number of the minute since 1970, the window of quotas per minute.
    pub fn minute(self) -> i64 {
        self.utc.timestamp().div_euclid(60)
    }

    /// The instant at which the next minute begins.
    pub fn next_minute(self) -> DateTime<Utc> {
        let elapsed = self.utc.timestamp().rem_euclid(60);
        let whole_second = DateTime::from_timestamp(self.utc.timestamp(), 0).unwrap_or(self.utc);
        whole_second + Duration::seconds(60 - elapsed)
    }

    /// The instant at which the next day begins in Italy.
    pub fn next_midnight(self) -> DateTime<Utc> {
        let Some(tomorrow) = self.date().checked_add_days(Days::new(1)) else {
            return DateTime::<Utc>::MAX_UTC;
        };
        start_of_day(tomorrow)
    }
}

/// The first instant of a day in Italy. Where summer time once began at midnight it is the first hour that exists.
pub fn start_of_day(day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    let existing = (0..3).find_map(|hours| {
        Rome.from_local_datetime(&(midnight + Duration::hours(hours)))
            .earliest()
    });
    existing.map_or_else(|| midnight.and_utc(), |start| start.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        Moment::new(text.parse().unwrap())
    }

    #[track_caller]
    fn check(utc: &str, date: &str, time: &str, next_midnight: &str) {
        let moment = moment(utc);
        assert_eq!(
            moment.utc().to_rfc3339(),
            DateTime::parse_from_rfc3339(utc).unwrap().to_utc().to_rfc3339()
        );
        assert_eq!(
            (moment.date().to_string(), moment.time().to_string()),
            (date.to_owned(), time.to_owned())
        );
        assert_eq!(
            moment.next_midnight(),
            next_midnight.parse::<DateTime<Utc>>().unwrap()
        );
    }

    #[test]
    fn the_date_is_that_of_italy() {
        check(
            "2026-01-15T22:59:59Z",
            "2026-01-15",
            "23:59:59",
            "2026-01-15T23:00:00Z",
        );
        check(
            "2026-01-15T23:00:00Z",
            "2026-01-16",
            "00:00:00",
            "2026-01-16T23:00:00Z",
        );
        check(
            "2026-07-15T21:59:59Z",
            "2026-07-15",
            "23:59:59",
            "2026-07-15T22:00:00Z",
        );
        check(
            "2026-07-15T22:00:00Z",
            "2026-07-16",
            "00:00:00",
            "2026-07-16T22:00:00Z",
        );
        assert_eq!(moment("2026-01-15T23:00:00Z").weekday(), Weekday::Fri);
    }

    #[test]
    fn the_night_in_which_summer_time_begins_lacks_an_hour() {
        check(
            "2026-03-29T00:59:59Z",
            "2026-03-29",
            "01:59:59",
            "2026-03-29T22:00:00Z",
        );
        check(
            "2026-03-29T01:00:00Z",
            "2026-03-29",
            "03:00:00",
            "2026-03-29T22:00:00Z",
        );
        check(
            "2026-03-28T23:00:00Z",
            "2026-03-29",
            "00:00:00",
            "2026-03-29T22:00:00Z",
        );
    }

    #[test]
    fn the_night_in_which_summer_time_ends_has_an_hour_twice() {
        check(
            "2026-10-25T00:30:00Z",
            "2026-10-25",
            "02:30:00",
            "2026-10-25T23:00:00Z",
        );
        check(
            "2026-10-25T01:30:00Z",
            "2026-10-25",
            "02:30:00",
            "2026-10-25T23:00:00Z",
        );
        check(
            "2026-10-25T02:00:00Z",
            "2026-10-25",
            "03:00:00",
            "2026-10-25T23:00:00Z",
        );
        check(
            "2026-10-24T22:00:00Z",
            "2026-10-25",
            "00:00:00",
            "2026-10-25T23:00:00Z",
        );
    }

    #[test]
    fn a_day_whose_midnight_did_not_exist_begins_at_one() {
        let day = NaiveDate::from_ymd_opt(1966, 5, 22).unwrap();
        assert_eq!(
            start_of_day(day),
            "1966-05-21T23:00:00Z".parse::<DateTime<Utc>>().unwrap()
        );
    }

    #[test]
    fn minutes_begin_on_the_minute() {
        let at = moment("2026-01-15T10:20:30.500Z");
        assert_eq!(
            at.next_minute(),
            "2026-01-15T10:21:00Z".parse::<DateTime<Utc>>().unwrap()
        );
        assert_eq!(moment("2026-01-15T10:20:00Z").next_minute(), at.next_minute());
        assert_eq!(moment("2026-01-15T10:20:59.999Z").minute(), at.minute());
        assert_eq!(moment("2026-01-15T10:21:00Z").minute(), at.minute() + 1);
        assert_eq!(moment("1970-01-01T00:02:00Z").minute(), 2);
    }
}
