//! Hours of service (R14).

use std::fmt;

use chrono::{NaiveTime, Timelike, Weekday};

use crate::moment::Moment;

/// Hours of some days of the week, Europe/Rome. A night is written as two windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoursWindow {
    days: Vec<Weekday>,
    from_minute: u16,
    to_minute: u16,
}

/// Why days and times are no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// Not a day, or no day at all, or one twice.
    #[error("days are a list of mon, tue, wed, thu, fri, sat, sun, each at most once")]
    Days,
    /// Not a time.
    #[error("a time is written HH:MM, at most 24:00")]
    Time,
    /// The end does not follow the beginning.
    #[error("the window must end after it begins; write a night as two windows")]
    Order,
}

const MINUTES_OF_DAY: u16 = 24 * 60;

impl HoursWindow {
    /// Reads days (`mon` to `sun`) and times (`HH:MM`; the end may be `24:00`).
    pub fn parse<'a>(
        days: impl IntoIterator<Item = &'a str>,
        from: &str,
        to: &str,
    ) -> Result<Self, HoursError> {
        let mut parsed = Vec::new();
        for day in days {
            let day = weekday(day).ok_or(HoursError::Days)?;
            if parsed.contains(&day) {
                return Err(HoursError::Days);
            }
            parsed.push(day);
        }
        if parsed.is_empty() {
            return Err(HoursError::Days);
        }
        let from_minute = minute_of_day(from).ok_or(HoursError::Time)?;
        let to_minute = minute_of_day(to).ok_or(HoursError::Time)?;
        if to_minute <= from_minute {
            return Err(HoursError::Order);
        }
        Ok(Self {
            days: parsed,
            from_minute,
            to_minute,
        })
    }

    /// Whether the moment lies in the window: from the first minute on, up to but without the last.
    pub fn contains(&self, moment: Moment) -> bool {
        self.days.contains(&moment.weekday()) && self.contains_time(moment.time())
    }

    fn contains_time(&self, time: NaiveTime) -> bool {
        let seconds = |minute: u16| u32::from(minute) * 60;
        (seconds(self.from_minute)..seconds(self.to_minute)).contains(&time.num_seconds_from_midnight())
    }
}

/// `mon, tue 07:00-20:00`.
impl fmt::Display for HoursWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, day) in self.days.iter().enumerate() {
            let separator = if position == 0 { "" } else { ", " };
            write!(f, "{separator}{}", day_name(*day))?;
        }
        let clock = |minute: u16| (minute / 60, minute % 60);
        let ((from_hour, from_minute), (to_hour, to_minute)) =
            (clock(self.from_minute), clock(self.to_minute));
        write!(f, " {from_hour:02}:{from_minute:02}-{to_hour:02}:{to_minute:02}")
    }
}

const DAYS: [Weekday; 7] = [
    Weekday::Mon,
    Weekday::Tue,
    Weekday::Wed,
    Weekday::Thu,
    Weekday::Fri,
    Weekday::Sat,
    Weekday::Sun,
];

fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "mon",
        Weekday::Tue => "tue",
        Weekday::Wed => "wed",
        Weekday::Thu => "thu",
        Weekday::Fri => "fri",
        Weekday::Sat => "sat",
        Weekday::Sun => "sun",
    }
}

fn weekday(name: &str) -> Option<Weekday> {
    DAYS.into_iter().find(|day| day_name(*day) == name)
}

fn minute_of_day(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |part: &str| -> Option<u16> {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits { part.parse().ok() } else { None }
    };
    let (hour, minute) = (two_digits(hour)?, two_digits(minute)?);
    let total = hour * 60 + minute;
    if minute < 60 && total <= MINUTES_OF_DAY {
        Some(total)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(window: &HoursWindow, utc: &str, expect: bool) {
        assert_eq!(
            window.contains(Moment::new(utc.parse().unwrap())),
            expect,
            "{utc} in {window}"
        );
    }

    #[test]
    fn a_window_holds_its_first_minute_and_not_its_last() {
        let window = HoursWindow::parse(["mon", "fri"], "07:30", "20:00").unwrap();
        // 23 November 2026 is a Monday; Italy is an hour ahead of UTC.
        check(&window, "2026-11-23T06:29:59Z", false);
        check(&window, "2026-11-23T06:30:00Z", true);
        check(&window, "2026-11-23T18:59:59.999Z", true);
        check(&window, "2026-11-23T19:00:00Z", false);
        check(&window, "2026-11-24T12:00:00Z", false);
        check(&window, "2026-11-27T12:00:00Z", true);
    }

    #[test]
    fn a_window_may_reach_midnight() {
        let window = HoursWindow::parse(["sun"], "00:00", "24:00").unwrap();
        check(&window, "2026-11-21T22:59:59Z", false);
        check(&window, "2026-11-21T23:00:00Z", true);
        check(&window, "2026-11-22T22:59:59Z", true);
        check(&window, "2026-11-22T23:00:00Z", false);
    }

    #[test]
    fn windows_follow_the_clock_on_the_wall_when_it_is_changed() {
        let window = HoursWindow::parse(["sun"], "02:00", "03:00").unwrap();
        // Summer time begins on 29 March 2026: the hour does not exist.
        check(&window, "2026-03-29T00:59:59Z", false);
        check(&window, "2026-03-29T01:00:00Z", false);
        // It ends on 25 October 2026: the hour comes twice.
        check(&window, "2026-10-24T23:59:59Z", false);
        check(&window, "2026-10-25T00:00:00Z", true);
        check(&window, "2026-10-25T01:59:59Z", true);
        check(&window, "2026-10-25T02:00:00Z", false);
    }

    #[test]
    fn what_is_no_window_is_refused() {
        let parse =
            |days: &[&str], from: &str, to: &str| HoursWindow::parse(days.iter().copied(), from, to).err();
        assert_eq!(parse(&[], "07:00", "20:00"), Some(HoursError::Days));
        assert_eq!(parse(&["lun"], "07:00", "20:00"), Some(HoursError::Days));
        assert_eq!(parse(&["mon", "mon"], "07:00", "20:00"), Some(HoursError::Days));
        for wrong in ["7:00", "07:60", "24:01", "25:00", "07.00", "", "+7:00"] {
            assert_eq!(parse(&["mon"], "00:00", wrong), Some(HoursError::Time), "{wrong}");
        }
        assert_eq!(parse(&["mon"], "20:00", "20:00"), Some(HoursError::Order));
        assert_eq!(parse(&["mon"], "20:00", "07:00"), Some(HoursError::Order));
        assert_eq!(parse(&["mon"], "20:00", "20:01"), None);
    }

    #[test]
    fn a_window_is_written_as_it_is_read() {
        for day in DAYS {
            let window = HoursWindow::parse([day_name(day)], "07:05", "24:00").unwrap();
            assert_eq!(window.to_string(), format!("{} 07:05-24:00", day_name(day)));
        }
        let window = HoursWindow::parse(["sat", "sun"], "00:00", "12:30").unwrap();
        assert_eq!(window.to_string(), "sat, sun 00:00-12:30");
    }
}
