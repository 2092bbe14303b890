//! Civil status by age, sex and part in the household.

use chrono::NaiveDate;

use registry::code::{CivilStatus, Kinship};
use registry::record::Sex;
use registry::timeline::Dated;

use super::calendar::{after_years, day_between, late_day_between};
use super::random::Stream;
use super::skeleton::{Member, Part};

/// Brings the divorced of the table below to their share among all residents.
const DIVORCED: f64 = 0.65;

/// How two people live as a couple.
#[derive(Clone, Copy, Debug)]
pub(super) enum Union {
    /// Married on a day.
    Married(NaiveDate),
    /// Not married.
    Cohabiting,
}

impl Union {
    /// Of a couple, by the woman's age and the younger one's birth date.
    pub(super) fn of_couple(
        stream: &mut Stream,
        woman: u8,
        foreign: bool,
        younger: NaiveDate,
        last: NaiveDate,
    ) -> Self {
        let unmarried = match woman {
            ..25 => 0.60,
            ..30 => 0.48,
            ..35 => 0.34,
            ..45 => 0.22,
            ..55 => 0.13,
            ..65 => 0.07,
            _ => 0.025,
        };
        let adult = after_years(younger, 18);
        if last <= adult || stream.chance(if foreign { unmarried / 3.0 } else { unmarried }) {
            return Self::Cohabiting;
        }
        // Most marry within sixteen years of coming of age.
        let latest = last.min(after_years(younger, 36));
        Self::Married(day_between(stream, after_years(younger, 20).min(latest), latest))
    }
}

/// The civil status with the day from which it holds.
pub(super) fn civil_status(
    stream: &mut Stream,
    member: Member,
    birth: NaiveDate,
    union: Option<Union>,
    last: NaiveDate,
) -> Dated<CivilStatus> {
    if let (Part::Head | Part::Partner, Some(Union::Married(day))) = (member.part, union) {
        return Dated {
            from: Some(day),
            value: CivilStatus::Married,
        };
    }
    let status = unmarried_status(stream, member, union.is_some());
    let adult = after_years(birth, 18);
    if status == CivilStatus::Single || member.age < 19 || last <= adult {
        return Dated {
            from: Some(birth),
            value: CivilStatus::Single,
        };
    }
    let earliest = after_years(
        birth,
        if status == CivilStatus::Widowed && 60 < member.age {
            50
        } else {
            20
        },
    );
    Dated {
        from: Some(late_day_between(stream, earliest.min(last), last)),
        value: status,
    }
}

fn unmarried_status(stream: &mut Stream, member: Member, in_couple: bool) -> CivilStatus {
    let Member { age, sex, part } = member;
    // Shares of divorced, widowed and married people living apart; the rest never married.
    let (divorced, widowed, married) = match part {
        _ if age < 22 => (0.0, 0.0, 0.0),
        Part::Partner | Part::Head if in_couple => match age {
            ..35 => (0.04, 0.0, 0.0),
            ..50 => (0.24, 0.01, 0.03),
            _ => (0.45, 0.10, 0.04),
        },
        Part::Child => match age {
            ..30 => (0.0, 0.0, 0.02),
            ..45 => (0.10, 0.0, 0.06),
            _ => (0.22, 0.01, 0.05),
        },
        Part::Kin(Kinship::Parent | Kinship::ParentInLaw) => (0.07, 0.80, 0.09),
        Part::Kin(Kinship::ChildInLaw) => (0.0, 0.0, 1.0),
        Part::Head | Part::Partner | Part::Kin(_) | Part::Responsible | Part::Inmate => match (sex, age) {
            (_, ..30) => (0.0, 0.0, 0.05),
            (_, ..40) => (0.06, 0.0, 0.10),
            (_, ..50) => (0.22, 0.02, 0.15),
            (_, ..65) => (0.34, 0.07, 0.16),
            (Sex::Female, ..75) => (0.24, 0.46, 0.09),
            (Sex::Female, ..85) => (0.10, 0.77, 0.05),
            (Sex::Female, _) => (0.03, 0.88, 0.03),
            (_, ..75) => (0.30, 0.26, 0.13),
            (_, ..85) => (0.16, 0.52, 0.12),
            (_, _) => (0.06, 0.76, 0.08),
        },
    };
    let divorced = divorced * DIVORCED;
    let chosen = stream.unit();
    if chosen < divorced {
        CivilStatus::Divorced
    } else if chosen < divorced + widowed {
        CivilStatus::Widowed
    } else if chosen < divorced + widowed + married {
        CivilStatus::Married
    } else {
        CivilStatus::Single
    }
}
