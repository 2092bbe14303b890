//! Alerts (*segnalazioni*, DOMAIN R28): what an operator does that calls for a look.
//!
//! An alert is no proof of anything: somebody of the agency, or the regional auditor, asks. Which rules are in force is
//! in the configuration; each has parameters with defaults that are stated in [`AlertKind`]. Days and hours are those of
//! Europe/Rome. A repeat of a call counts as no call, and rows of approved lists count only where a rule says so.
//!
//! What an operator does for ordinary purposes and what for reserved ones is watched apart, so that an alert about the
//! latter, which its agency's supervisor alone is shown, tells nothing about the former, and hides nothing of it.

pub(crate) mod activity;
mod calendar;
pub(crate) mod engine;
pub(crate) mod entry;
pub(crate) mod raising;
pub(crate) mod roster;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use chrono::NaiveTime;

use crate::oversight::alert::roster::Roster;

/// A rule that is in force for some agencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRule {
    /// What calls for a look.
    pub kind: AlertKind,
    /// SPIFFE ids of the agencies that it is for; empty for all.
    pub agencies: BTreeSet<String>,
}

/// What calls for a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertKind {
    /// More calls on a day than are usual for the operator.
    Volume {
        /// So many times the median of the operator's last active days: 2 to 100, usually 4.
        factor: u32,
        /// So many of them, within three times as many days: 3 to 60, usually 10. An operator with fewer than three has no
        /// baseline, and may make `factor` times `at_least` calls.
        days: u32,
        /// Never below so many calls: 1 to 100,000, usually 100.
        at_least: u32,
    },
    /// Accesses at night, on holidays, and on Sundays.
    NightAndHolidays {
        /// Beginning of the night, usually 22:00.
        from: NaiveTime,
        /// End of the night, usually 6:00. Where it is not before the beginning, the night lies within one day.
        until: NaiveTime,
        /// Whether Sundays count; usually they do.
        sundays: bool,
        /// So many on one day: 1 to 100,000, usually 5.
        at_least: u32,
    },
    /// The same person again and again, lists included. A person is one under one pseudonym: with one municipality and
    /// within one year.
    RepeatedSubject {
        /// More often than this: 1 to 1,000, usually 8.
        more_than: u32,
        /// In so many days: 1 to 92, usually 30. One alert for each person and month.
        days: u32,
    },
    /// Many calls that find nobody.
    ManyMisses {
        /// So many of a hundred calls of a day that were answered: 1 to 100, usually 50.
        percent: u32,
        /// Of so many: 1 to 100,000, usually 20.
        at_least: u32,
    },
    /// Persons of municipalities that the operator had not to do with lately.
    OutsideTerritory {
        /// Not in so many days: 7 to 92, usually 30. An operator who was active on fewer than five of them has no
        /// territory yet.
        days: u32,
        /// So many accesses on one day: 1 to 100,000, usually 10.
        at_least: u32,
    },
    /// A colleague, or the operator's own person, lists included. One alert for each operator, person and day.
    Colleague {
        /// The agency's staff.
        roster: Arc<Roster>,
    },
    /// Many different persons without a reference of a case.
    WithoutCase {
        /// So many persons on one day: 1 to 100,000, usually 15.
        at_least: u32,
    },
}

impl AlertKind {
    /// The name, in configuration and entries.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Volume { .. } => "volume",
            Self::NightAndHolidays { .. } => "night-and-holidays",
            Self::RepeatedSubject { .. } => "repeated-subject",
            Self::ManyMisses { .. } => "many-misses",
            Self::OutsideTerritory { .. } => "outside-territory",
            Self::Colleague { .. } => "colleague",
            Self::WithoutCase { .. } => "without-case",
        }
    }

    /// How many days before the day of an access the rule looks at.
    pub const fn looks_back(&self) -> u32 {
        match self {
            Self::Volume { days, .. } => 3 * *days,
            Self::RepeatedSubject { days, .. } | Self::OutsideTerritory { days, .. } => *days,
            Self::NightAndHolidays { .. }
            | Self::ManyMisses { .. }
            | Self::Colleague { .. }
            | Self::WithoutCase { .. } => 0,
        }
    }
}

impl AlertRule {
    /// Whether the rule is for an agency.
    pub fn is_for(&self, agency: &str) -> bool {
        self.agencies.is_empty() || self.agencies.contains(agency)
    }

    /// The rule with all its parameters on one line, as entries state it. Of a roster it says how long it is.
    pub fn text(&self) -> String {
        let mut text = self.kind.name().to_owned();
        // Writing to a string cannot fail.
        let _ = match &self.kind {
            AlertKind::Volume {
                factor,
                days,
                at_least,
            } => write!(text, " factor={factor} days={days} at_least={at_least}"),
            AlertKind::NightAndHolidays {
                from,
                until,
                sundays,
                at_least,
            } => write!(
                text,
                " from={} until={} sundays={sundays} at_least={at_least}",
                from.format("%H:%M"),
                until.format("%H:%M")
            ),
            AlertKind::RepeatedSubject { more_than, days } => {
                write!(text, " more_than={more_than} days={days}")
            }
            AlertKind::ManyMisses { percent, at_least } => {
                write!(text, " percent={percent} at_least={at_least}")
            }
            AlertKind::OutsideTerritory { days, at_least } => {
                write!(text, " days={days} at_least={at_least}")
            }
            AlertKind::Colleague { roster } => write!(text, " roster={}", roster.len()),
            AlertKind::WithoutCase { at_least } => write!(text, " at_least={at_least}"),
        };
        for agency in &self.agencies {
            let _ = write!(text, " agency={agency}");
        }
        text
    }
}
