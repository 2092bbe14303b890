//! Citizenship and origin of families: shares by age and province, states by frequency.

use std::sync::LazyLock;

use registry::record::Sex;

use super::random::{Stream, Weighted};

/// Citizenship of a person and where the names come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Descent {
    /// Italian by birth.
    Italian,
    /// Citizen of a state, by ISO code.
    Foreign(&'static str),
    /// Italian now, citizen of a state by birth.
    Naturalised(&'static str),
}

/// States by their share of the foreign citizens of the region, in per cent.
const STATES: [(&str, f64); 43] = [
    ("ROU", 17.4),
    ("MAR", 11.2),
    ("ALB", 10.6),
    ("UKR", 4.6),
    ("CHN", 5.4),
    ("MDA", 4.3),
    ("PAK", 4.2),
    ("TUN", 3.5),
    ("IND", 3.3),
    ("BGD", 2.8),
    ("NGA", 2.7),
    ("PHL", 2.4),
    ("SEN", 2.2),
    ("GHA", 2.0),
    ("POL", 1.6),
    ("EGY", 1.6),
    ("TUR", 1.2),
    ("BGR", 1.1),
    ("MKD", 1.1),
    ("LKA", 1.0),
    ("RUS", 0.9),
    ("BRA", 1.0),
    ("PER", 0.8),
    ("ECU", 0.8),
    ("CIV", 1.2),
    ("CMR", 0.8),
    ("DZA", 0.7),
    ("SRB", 0.5),
    ("DOM", 0.4),
    ("COL", 0.3),
    ("CUB", 0.4),
    ("BFA", 0.4),
    ("BLR", 0.2),
    ("GEO", 0.5),
    ("SYR", 0.2),
    ("ARG", 0.3),
    ("BIH", 0.2),
    ("HRV", 0.1),
    ("DEU", 0.4),
    ("FRA", 0.5),
    ("GBR", 0.3),
    ("ESP", 0.5),
    ("USA", 0.2),
];

/// States of women of middle age who came alone, most of them to care for the old.
const CARERS: [(&str, f64); 6] = [
    ("UKR", 45.0),
    ("MDA", 21.0),
    ("ROU", 20.0),
    ("POL", 7.0),
    ("RUS", 3.0),
    ("GEO", 4.0),
];

/// States to which Italians went and where some of their children were born.
const EMIGRATION: [(&str, f64); 9] = [
    ("ARG", 18.0),
    ("DEU", 16.0),
    ("CHE", 16.0),
    ("BRA", 11.0),
    ("FRA", 13.0),
    ("GBR", 11.0),
    ("USA", 7.0),
    ("BEL", 5.0),
    ("VEN", 3.0),
];

/// States in which 1 January is written where the birth date was not known.
const UNCERTAIN_BIRTHS: [&str; 8] = ["PAK", "BGD", "SEN", "NGA", "GHA", "MAR", "CIV", "BFA"];

static FREQUENT: LazyLock<Weighted<&'static str>> = LazyLock::new(|| Weighted::new(STATES));
static OF_CARERS: LazyLock<Weighted<&'static str>> = LazyLock::new(|| Weighted::new(CARERS));
static OF_EMIGRANTS: LazyLock<Weighted<&'static str>> = LazyLock::new(|| Weighted::new(EMIGRATION));

impl Descent {
    /// Of a family, by the age and sex of its head.
    pub(super) fn of_family(stream: &mut Stream, province: &str, age: u8, sex: Sex, alone: bool) -> Self {
        let foreign = match age {
            ..25 => 0.34,
            ..30 => 0.30,
            ..35 => 0.26,
            ..40 => 0.235,
            ..45 => 0.20,
            ..50 => 0.16,
            ..55 => 0.12,
            ..60 => 0.10,
            ..65 => 0.08,
            ..70 => 0.05,
            ..75 => 0.03,
            _ => 0.011,
        };
        let naturalised = match age {
            ..30 => 0.03,
            ..65 => 0.055,
            _ => 0.01,
        };
        let chosen = stream.unit();
        let foreign = foreign * province_factor(province);
        let state = |stream: &mut Stream| {
            if alone && sex == Sex::Female && 45 <= age && stream.chance(0.6) {
                *OF_CARERS.draw(stream)
            } else {
                *FREQUENT.draw(stream)
            }
        };
        if chosen < foreign {
            Self::Foreign(state(stream))
        } else if chosen < foreign + naturalised {
            Self::Naturalised(state(stream))
        } else {
            Self::Italian
        }
    }

    /// Of the other half of a couple.
    pub(super) fn of_partner(self, stream: &mut Stream, sex: Sex) -> Self {
        match self {
            Self::Foreign(_) if stream.chance(0.06) => Self::Italian,
            Self::Foreign(state) => Self::Foreign(state),
            Self::Naturalised(state) if stream.chance(0.25) => Self::Foreign(state),
            Self::Naturalised(state) => Self::Naturalised(state),
            Self::Italian => {
                let share = if sex == Sex::Female { 0.045 } else { 0.015 };
                if stream.chance(share) {
                    Self::Foreign(FREQUENT.draw(stream))
                } else {
                    Self::Italian
                }
            }
        }
    }

    /// Of the children of two parents: Italian as soon as one of them is.
    pub(super) fn of_children(self, other: Option<Self>) -> Self {
        match (self, other) {
            (Self::Italian, _) | (_, Some(Self::Italian)) => Self::Italian,
            (Self::Naturalised(state), _) | (_, Some(Self::Naturalised(state))) => Self::Naturalised(state),
            (Self::Foreign(state), _) => Self::Foreign(state),
        }
    }

    /// State of the names, where they are not Italian.
    pub(super) fn state(self) -> Option<&'static str> {
        match self {
            Self::Italian => None,
            Self::Foreign(state) | Self::Naturalised(state) => Some(state),
        }
    }

    /// Whether the person holds no Italian citizenship.
    pub(super) fn is_foreign(self) -> bool {
        matches!(self, Self::Foreign(_))
    }
}

/// Whether birth dates from a state are often not known to the day.
pub(super) fn births_uncertain(state: &str) -> bool {
    UNCERTAIN_BIRTHS.contains(&state)
}

/// A state to which Italians emigrated.
pub(super) fn state_of_emigrants(stream: &mut Stream) -> &'static str {
    OF_EMIGRANTS.draw(stream)
}

/// Share of foreign citizens of a province over that of the region (end of 2019).
fn province_factor(province: &str) -> f64 {
    let share = match province {
        "PC" => 15.0,
        "PR" => 14.7,
        "MO" => 13.6,
        "RE" => 12.5,
        "RA" => 12.3,
        "BO" => 12.1,
        "FC" | "RN" => 11.2,
        "FE" => 9.8,
        _ => 12.6,
    };
    share / 12.6
}
