use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use agreement::peer::Role;
use chrono::NaiveTime;
use serde::Deserialize;

use super::{ConfigError, peer_id, value_error};
use crate::oversight::alert::roster::{Roster, RosterError};
use crate::oversight::alert::{AlertKind, AlertRule};

/// A rule as it is configured: a roster is a file that is read when the index starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlertSetting {
    /// A rule that is complete.
    Rule(AlertRule),
    /// A rule about colleagues.
    Colleague {
        /// SPIFFE id of the agency.
        agency: String,
        /// Its roster.
        roster: PathBuf,
    },
}

impl AlertSetting {
    /// The setting on one line, as the entry of a start states it. A roster is named by its path alone.
    pub fn text(&self) -> String {
        match self {
            Self::Rule(rule) => rule.text(),
            Self::Colleague { agency, roster } => {
                format!("colleague roster={} agency={agency}", roster.display())
            }
        }
    }

    /// The rule, with its roster read.
    ///
    /// # Errors
    /// See [`RosterError`].
    pub fn load(&self) -> Result<AlertRule, RosterError> {
        match self {
            Self::Rule(rule) => Ok(rule.clone()),
            Self::Colleague { agency, roster } => Ok(AlertRule {
                kind: AlertKind::Colleague {
                    roster: Arc::new(Roster::load(roster)?),
                },
                agencies: BTreeSet::from([agency.clone()]),
            }),
        }
    }
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum RawAlert {
    Volume {
        #[serde(default)]
        agencies: Vec<String>,
        factor: Option<u32>,
        days: Option<u32>,
        at_least: Option<u32>,
    },
    NightAndHolidays {
        #[serde(default)]
        agencies: Vec<String>,
        from: Option<String>,
        until: Option<String>,
        sundays: Option<bool>,
        at_least: Option<u32>,
    },
    RepeatedSubject {
        #[serde(default)]
        agencies: Vec<String>,
        more_than: Option<u32>,
        days: Option<u32>,
    },
    ManyMisses {
        #[serde(default)]
        agencies: Vec<String>,
        percent: Option<u32>,
        at_least: Option<u32>,
    },
    OutsideTerritory {
        #[serde(default)]
        agencies: Vec<String>,
        days: Option<u32>,
        at_least: Option<u32>,
    },
    Colleague {
        agency: String,
        roster: PathBuf,
    },
    WithoutCase {
        #[serde(default)]
        agencies: Vec<String>,
        at_least: Option<u32>,
    },
}

/// Rules at most: each access is looked at by each.
const MOST_RULES: usize = 64;

const MANY: RangeInclusive<u32> = 1..=100_000;

/// Where a rule stands in the file, for errors.
struct Place<'a> {
    key: String,
    trust_domain: &'a str,
}

impl Place<'_> {
    /// A number within its bounds, or the usual one.
    fn number(
        &self,
        name: &str,
        given: Option<u32>,
        usual: u32,
        bounds: RangeInclusive<u32>,
    ) -> Result<u32, ConfigError> {
        let number = given.unwrap_or(usual);
        if bounds.contains(&number) {
            Ok(number)
        } else {
            Err(value_error(
                &format!("{}.{name}", self.key),
                "lies outside of its bounds",
            ))
        }
    }

    fn time(&self, name: &str, given: Option<&str>, usual: (u32, u32)) -> Result<NaiveTime, ConfigError> {
        let time = match given {
            None => NaiveTime::from_hms_opt(usual.0, usual.1, 0),
            Some(text) => NaiveTime::parse_from_str(text, "%H:%M").ok(),
        };
        time.ok_or_else(|| value_error(&format!("{}.{name}", self.key), "must be a time, HH:MM"))
    }

    fn agency(&self, name: &str, text: &str) -> Result<String, ConfigError> {
        let key = format!("{}.{name}", self.key);
        Ok(peer_id(&key, text, self.trust_domain, Role::Agency)?.to_string())
    }

    fn agencies(&self, texts: &[String]) -> Result<BTreeSet<String>, ConfigError> {
        texts.iter().map(|text| self.agency("agencies", text)).collect()
    }
}

/// Checks every rule; none may be there twice.
pub(super) fn check(
    alerts: Vec<RawAlert>,
    base: &Path,
    trust_domain: &str,
) -> Result<Vec<AlertSetting>, ConfigError> {
    if MOST_RULES < alerts.len() {
        return Err(value_error("alert", "must be at most 64"));
    }
    let mut settings = Vec::with_capacity(alerts.len());
    for (position, raw) in alerts.into_iter().enumerate() {
        let place = Place {
            key: format!("alert[{position}]"),
            trust_domain,
        };
        let setting = raw.check(&place, base)?;
        if settings.contains(&setting) {
            return Err(value_error(&place.key, "must differ from all others"));
        }
        settings.push(setting);
    }
    Ok(settings)
}

impl RawAlert {
    fn check(self, place: &Place<'_>, base: &Path) -> Result<AlertSetting, ConfigError> {
        let (kind, agencies) = match self {
            Self::Volume {
                agencies,
                factor,
                days,
                at_least,
            } => {
                let kind = AlertKind::Volume {
                    factor: place.number("factor", factor, 4, 2..=100)?,
                    days: place.number("days", days, 10, 3..=60)?,
                    at_least: place.number("at_least", at_least, 100, MANY)?,
                };
                (kind, agencies)
            }
            Self::NightAndHolidays {
                agencies,
                from,
                until,
                sundays,
                at_least,
            } => {
                let (from, until) = (
                    place.time("from", from.as_deref(), (22, 0))?,
                    place.time("until", until.as_deref(), (6, 0))?,
                );
                if from == until {
                    let rule = "must differ from the beginning";
                    return Err(value_error(&format!("{}.until", place.key), rule));
                }
                let kind = AlertKind::NightAndHolidays {
                    from,
                    until,
                    sundays: sundays.unwrap_or(true),
                    at_least: place.number("at_least", at_least, 5, MANY)?,
                };
                (kind, agencies)
            }
            Self::RepeatedSubject {
                agencies,
                more_than,
                days,
            } => {
                let kind = AlertKind::RepeatedSubject {
                    more_than: place.number("more_than", more_than, 8, 1..=1_000)?,
                    days: place.number("days", days, 30, 1..=92)?,
                };
                (kind, agencies)
            }
            Self::ManyMisses {
                agencies,
                percent,
                at_least,
            } => {
                let kind = AlertKind::ManyMisses {
                    percent: place.number("percent", percent, 50, 1..=100)?,
                    at_least: place.number("at_least", at_least, 20, MANY)?,
                };
                (kind, agencies)
            }
            Self::OutsideTerritory {
                agencies,
                days,
                at_least,
            } => {
                let kind = AlertKind::OutsideTerritory {
                    days: place.number("days", days, 30, 7..=92)?,
                    at_least: place.number("at_least", at_least, 10, MANY)?,
                };
                (kind, agencies)
            }
            Self::Colleague { agency, roster } => {
                return Ok(AlertSetting::Colleague {
                    agency: place.agency("agency", &agency)?,
                    roster: base.join(roster),
                });
            }
            Self::WithoutCase { agencies, at_least } => {
                let kind = AlertKind::WithoutCase {
                    at_least: place.number("at_least", at_least, 15, MANY)?,
                };
                (kind, agencies)
            }
        };
        Ok(AlertSetting::Rule(AlertRule {
            kind,
            agencies: place.agencies(&agencies)?,
        }))
    }
}
