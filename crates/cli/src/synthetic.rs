//! Synthetic people for tests, demonstrations and load: the registries of a whole region, out of nothing but a seed.
//!
//! Each municipality is a pure function of seed, year and ISTAT code, so any of them can be made alone, on any
//! machine, in any order, and always comes out the same. Numbers of residents by single year of age and sex are
//! those of the published count, exactly; households, citizenships, names, birth places, addresses and events follow
//! published or estimated shares (`data/README.md`). No real person's data go in, and none can come out other than
//! by chance, which for frequent names is certain: a synthetic Mario Rossi is nobody in particular.
//!
//! **Codici fiscali** are right for the generalities they stand beside, and no two cards have the same one: inside a
//! municipality colliding persons get the forms of omocodia one after the other, and across municipalities the days
//! of birth that a base code leaves open are dealt out so that no two municipalities can make it. Two extents of one
//! municipality (another scale, another day) may give a colliding pair its forms in another order.
//!
//! The generator is deterministic and not secure: it must never make keys, tokens or pseudonyms.

#![expect(
    clippy::match_overlapping_arm,
    reason = "steps by age: each arm begins where the one before ends"
)]

mod random;
mod region;
mod ownership;
mod names;
mod places;
mod streets;
mod skeleton;
mod calendar;
mod descent;
mod identity;
mod status;
mod numbers;
mod family;
mod cards;
mod events;
mod abroad;
mod people;
pub mod truth;
pub mod churn;

use std::io;
use std::num::NonZeroU32;

use chrono::NaiveDate;

use registry::export::{ExportContext, ExportWriter};
use registry::identifier::IstatCode;

pub use self::people::People;
pub use self::region::{Municipality, Region};

/// Seed and year: what all municipalities of a region have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    seed: u64,
    year: i32,
}

/// Which part of a municipality is made, and how it stood when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// How many of the households.
    pub scale: Scale,
    /// On which day.
    pub moment: Moment,
    /// Residents only, or citizens abroad too.
    pub registers: Registers,
}

/// One household in so many is made; households stay whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale(NonZeroU32);

/// Day on which the registry is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// 1 January of the plan's year: residents are exactly those of the count.
    Start,
    /// A day of the plan's year, with all births, deaths, moves and arrivals up to it.
    Until(NaiveDate),
}

/// Which registers are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registers {
    /// Residents (APR), with the cards closed in the year before.
    Residents,
    /// The same, and citizens abroad (AIRE), about 58 for each 1,000 residents.
    ResidentsAndAbroad,
}

/// Why nothing can be made, or the making ended.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// Reference tables of municipalities and codes hold for these years.
    #[error("the year must lie between {} and {}", Plan::YEARS.0, Plan::YEARS.1)]
    Year,
    /// One household in none is no scale.
    #[error("the scale must be 1/N with N from 1 to 1000000")]
    Scale,
    /// Not one of the 330.
    #[error("municipality {0} is not one of Emilia-Romagna's")]
    UnknownMunicipality(IstatCode),
    /// Events are made for one year.
    #[error("the day must lie in the year of the plan")]
    DayOutsideYear,
    /// Each municipality has its days once.
    #[error("municipality {0} is named twice")]
    MunicipalityTwice(IstatCode),
    /// Days cannot stand still or rush.
    #[error("the pace must be from 1 to 1000")]
    Pace,
    /// The output failed.
    #[error("the export cannot be written")]
    Io(#[from] io::Error),
}

impl Plan {
    /// First and last admitted year.
    pub const YEARS: (i32, i32) = (2023, 2060);

    /// A plan for the year that begins on the day of the count's ages.
    pub fn new(seed: u64, year: i32) -> Result<Self, GenerateError> {
        let (first, last) = Self::YEARS;
        if (first..=last).contains(&year) {
            Ok(Self { seed, year })
        } else {
            Err(GenerateError::Year)
        }
    }

    /// The seed.
    pub fn seed(self) -> u64 {
        self.seed
    }

    /// The year.
    pub fn year(self) -> i32 {
        self.year
    }

    /// The day on which a moment reads the registry: the export's reference date.
    pub fn reference_date(self, moment: Moment) -> Result<NaiveDate, GenerateError> {
        let day = match moment {
            Moment::Start => calendar::new_year(self.year),
            Moment::Until(day) => day,
        };
        let year = calendar::new_year(self.year)..=calendar::year_end(self.year);
        if year.contains(&day) {
            Ok(day)
        } else {
            Err(GenerateError::DayOutsideYear)
        }
    }

    /// What a reader of the export needs to know beside the file.
    pub fn export_context(self, istat: IstatCode, moment: Moment) -> Result<ExportContext, GenerateError> {
        Ok(ExportContext {
            municipality: istat,
            reference_date: self.reference_date(moment)?,
        })
    }
}

impl Default for Extent {
    /// Every resident, on 1 January.
    fn default() -> Self {
        Self {
            scale: Scale::WHOLE,
            moment: Moment::Start,
            registers: Registers::Residents,
        }
    }
}

impl Scale {
    /// Every household.
    pub const WHOLE: Self = Self(NonZeroU32::MIN);

    /// One household in `households`.
    pub fn one_in(households: u32) -> Result<Self, GenerateError> {
        let admitted = NonZeroU32::new(households).filter(|it| it.get() <= 1_000_000);
        admitted.map(Self).ok_or(GenerateError::Scale)
    }

    /// Reads `1/100`, or `1` for everybody.
    pub fn parse(text: &str) -> Result<Self, GenerateError> {
        match text.split_once('/') {
            Some(("1", households)) => households
                .parse()
                .map_err(|_| GenerateError::Scale)
                .and_then(Self::one_in),
            None if text == "1" => Ok(Self::WHOLE),
            _ => Err(GenerateError::Scale),
        }
    }

    /// Households for each one that is made.
    pub fn households(self) -> u32 {
        self.0.get()
    }
}

/// The cards of a municipality, household by household.
pub fn municipality(plan: Plan, istat: IstatCode, extent: Extent) -> Result<People, GenerateError> {
    let municipality = Region::emilia_romagna()
        .municipality(istat)
        .ok_or(GenerateError::UnknownMunicipality(istat))?;
    let read = plan.reference_date(extent.moment)?;
    let until = match extent.moment {
        // The year's first day begins with nothing of it having happened.
        Moment::Start => read.pred_opt().unwrap_or(read),
        Moment::Until(_) => read,
    };
    Ok(People::new(plan, municipality, extent, until))
}

/// Writes a municipality's total export and tells how many cards it has. Holds one household at a time.
pub fn write_export(
    plan: Plan,
    istat: IstatCode,
    extent: Extent,
    output: &mut impl io::Write,
) -> Result<u64, GenerateError> {
    let people = municipality(plan, istat, extent)?;
    let mut writer = ExportWriter::new(output)?;
    let mut written = 0;
    for card in people {
        writer.write(&card)?;
        written += 1;
    }
    writer.finish()?;
    Ok(written)
}

#[cfg(test)]
mod tests;
