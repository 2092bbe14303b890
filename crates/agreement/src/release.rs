//! When accesses for a reserved purpose become ordinary ones (d.lgs. 51/2018 art. 14: what is kept from the data subject is
//! kept only as long as the reason lasts).

use chrono::{DateTime, Days, Months, Utc};

use crate::moment::{Moment, start_of_day};
use crate::terms::{Purpose, PurposeKind};

/// Most months after which an access can be released: fifty years, the longest term of the access log.
pub const MAX_RELEASE_MONTHS: u16 = 600;

/// The rule of a reserved purpose: when its accesses are released (*svincolo dalla riservatezza*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Release {
    /// They never are.
    Never,
    /// So many months after each access.
    AfterMonths(ReleaseMonths),
}

/// Months after an access, 1 to [`MAX_RELEASE_MONTHS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseMonths(u16);

/// Whether an access is kept from everybody outside the agency, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seclusion {
    /// It is an ordinary access.
    None,
    /// It is reserved before this instant, and ordinary from it on.
    Until(DateTime<Utc>),
    /// It is reserved for ever.
    Forever,
}

impl ReleaseMonths {
    /// A number of months; `None` outside its range.
    pub const fn new(months: u16) -> Option<Self> {
        if months < 1 || MAX_RELEASE_MONTHS < months {
            return None;
        }
        Some(Self(months))
    }

    /// The number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl Release {
    /// What the rule makes of an access of this moment: reserved through the day so many months later, Europe/Rome, so
    /// that it is never released early. A day that the later month lacks is its last one.
    pub fn of(self, made: Moment) -> Seclusion {
        let Self::AfterMonths(months) = self else {
            return Seclusion::Forever;
        };
        let last = made.date().checked_add_months(Months::new(months.0.into()));
        match last.and_then(|last| last.checked_add_days(Days::new(1))) {
            Some(first_free) => Seclusion::Until(start_of_day(first_free)),
            None => Seclusion::Forever,
        }
    }
}

impl Purpose {
    /// Whether an access of this moment for the purpose is reserved, and until when. A reserved purpose that states no
    /// rule never releases.
    pub fn seclusion(&self, made: Moment) -> Seclusion {
        match self.kind {
            PurposeKind::Ordinary => Seclusion::None,
            PurposeKind::Reserved => self.release.unwrap_or(Release::Never).of(made),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn moment(text: &str) -> Moment {
        Moment::new(text.parse().unwrap())
    }

    fn after(months: u16) -> Release {
        Release::AfterMonths(ReleaseMonths::new(months).unwrap())
    }

    #[track_caller]
    fn check(made: &str, months: u16, released: &str) {
        let released: DateTime<Utc> = released.parse().unwrap();
        assert_eq!(
            after(months).of(moment(made)),
            Seclusion::Until(released),
            "{made}"
        );
    }

    #[test]
    fn an_access_is_released_after_the_whole_day_some_months_later_in_italy() {
        check("2026-11-02T08:00:00Z", 6, "2027-05-02T22:00:00Z");
        // 23:30 of the day before in UTC is the next day in Italy.
        check("2026-11-01T23:30:00Z", 6, "2027-05-02T22:00:00Z");
        check("2026-11-02T08:00:00Z", 1, "2026-12-02T23:00:00Z");
        check("2026-11-02T08:00:00Z", 600, "2076-11-02T23:00:00Z");
    }

    #[test]
    fn a_day_that_the_later_month_lacks_is_its_last_one() {
        check("2026-01-31T12:00:00Z", 1, "2026-02-28T23:00:00Z");
        check("2027-08-31T12:00:00Z", 6, "2028-02-29T23:00:00Z");
    }

    #[test]
    fn months_lie_within_their_range() {
        assert_eq!(ReleaseMonths::new(0), None);
        assert_eq!(ReleaseMonths::new(1).map(ReleaseMonths::get), Some(1));
        assert_eq!(ReleaseMonths::new(600).map(ReleaseMonths::get), Some(600));
        assert_eq!(ReleaseMonths::new(601), None);
    }

    #[test]
    fn what_states_no_rule_is_never_released_and_what_is_ordinary_never_reserved() {
        let made = moment("2026-11-02T08:00:00Z");
        let seclusions = |from: &str, to: &str| {
            let agreement = fixture::changed(from, to);
            let purposes = &agreement.terms().purposes;
            purposes
                .iter()
                .map(|purpose| purpose.seclusion(made))
                .collect::<Vec<_>>()
        };
        let reserved = "kind = \"reserved\"";
        let rule = "release_after_months = 3";
        assert!(fixture::DOCUMENT.contains(rule));
        assert_eq!(seclusions(rule, ""), [Seclusion::Forever, Seclusion::None]);
        assert_eq!(
            seclusions(rule, "release = \"never\""),
            [Seclusion::Forever, Seclusion::None]
        );
        let released = "2027-02-02T23:00:00Z".parse().unwrap();
        assert_eq!(
            seclusions(reserved, reserved),
            [Seclusion::Until(released), Seclusion::None]
        );
    }

    #[test]
    fn beyond_the_calendar_nothing_is_released() {
        let last = Moment::new(DateTime::<Utc>::MAX_UTC - chrono::Duration::days(2));
        assert_eq!(after(1).of(last), Seclusion::Forever);
    }
}
