//! Municipalities since 1861: what was called how, under which codes, in which period.
//!
//! A municipality keeps its cadastral code through changes of name, of province and of ISTAT code, and a code is
//! never given to another one; a merger makes a new municipality with a new code. The cadastral code therefore is
//! the identity behind all of them: [`MunicipalityId`]. Who inherits from whom is [`MunicipalityId::successor`].
//!
//! Known anomalies of the published table, kept as they are:
//! - 28 periods, the last of which ended in 1974, have no cadastral code, hence no identity; ten, the last of which
//!   ended in 1960, have no ISTAT code.
//! - D588 was shared by Filago and Marne until 1928.
//! - 366 ISTAT codes were used by more than one municipality in turn; none of them in Emilia-Romagna.
//! - Sardinian ISTAT codes are those in force before 1 January 2026.
//! - A municipality may have gaps between its periods, and births before its first; see [`Standing`].

mod succession;
mod table;

use std::fmt;

use chrono::NaiveDate;

use crate::identifier::{CadastralCode, IstatCode};
use crate::letters::plain_letters;
use crate::validity::{Standing, Validity, placed};

/// A municipality as it was in one period: one name, one province, one pair of codes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Municipality {
    cadastral: Option<CadastralCode>,
    istat: Option<IstatCode>,
    name: &'static str,
    province: &'static str,
    region: &'static str,
    validity: Validity,
}

/// A municipality that need not have existed on the day asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The period that answers best: the one of the day, else the first, or the last that ended before it.
    pub municipality: &'static Municipality,
    /// How the day lies to the periods.
    pub standing: Standing,
}

/// Identity of a municipality, the same through changes of name, province and ISTAT code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MunicipalityId(CadastralCode);

/// Why a name and province do not lead to one municipality.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameLookupError {
    /// No municipality ever bore the name in that province.
    #[error("no municipality has that name in that province")]
    Unknown,
    /// One did, on other days.
    #[error("no municipality had that name in that province on that day")]
    OtherPeriod,
    /// Two did on the same day; this happened only before 1929.
    #[error("several municipalities had that name in that province on that day")]
    Ambiguous,
}

impl Municipality {
    /// Cadastral code of the period, where the table knows it.
    pub fn cadastral(&self) -> Option<CadastralCode> {
        self.cadastral
    }

    /// ISTAT code of the period, where the table knows it.
    pub fn istat(&self) -> Option<IstatCode> {
        self.istat
    }

    /// Official name, upper case, with accents.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Province (*sigla*) of the period, two letters.
    pub fn province(&self) -> &'static str {
        self.province
    }

    /// ISTAT code of the region, `01` to `20`; `EX` for territory ceded after the war, `00` where not known.
    pub fn region(&self) -> &'static str {
        self.region
    }

    /// The period.
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Whether this is how the municipality is today.
    pub fn is_current(&self) -> bool {
        self.validity.is_current()
    }

    /// Identity behind the period.
    pub fn id(&self) -> Option<MunicipalityId> {
        self.cadastral.map(MunicipalityId)
    }
}

impl fmt::Debug for Municipality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Municipality({} {} {:?})",
            self.name, self.province, self.validity
        )
    }
}

impl MunicipalityId {
    /// Identity of the municipality that had the code on `day`.
    pub fn of(istat: IstatCode, day: NaiveDate) -> Option<Self> {
        by_istat_at(istat, day).and_then(Municipality::id)
    }

    /// Identity of the municipality that had the code last, today or in the past.
    ///
    /// For the 366 codes used by several municipalities in turn, earlier holders need [`Self::of`] with a date.
    pub fn of_any(istat: IstatCode) -> Option<Self> {
        periods_of_istat(istat).rev().find_map(Municipality::id)
    }

    /// Reads the written form, and admits only identities that the table knows.
    pub fn parse(text: &str) -> Option<Self> {
        let code = CadastralCode::parse(text).ok()?;
        if periods(code).is_empty() {
            None
        } else {
            Some(Self(code))
        }
    }

    /// The cadastral code that is the identity.
    pub fn cadastral(self) -> CadastralCode {
        self.0
    }

    /// The written form, four characters.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The municipality as it is today, unless it has ceased.
    pub fn current(self) -> Option<&'static Municipality> {
        periods(self.0).iter().find(|period| period.is_current())
    }
}

impl fmt::Display for MunicipalityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for MunicipalityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MunicipalityId({})", self.as_str())
    }
}

/// Every period of every municipality, by cadastral code and start; those without a code come first.
pub fn all() -> &'static [Municipality] {
    table::rows()
}

/// The periods of a cadastral code, oldest first; empty if no municipality ever had it.
pub fn periods(code: CadastralCode) -> &'static [Municipality] {
    let rows = table::rows();
    let start = rows.partition_point(|row| row.cadastral < Some(code));
    let rest = rows.get(start..).unwrap_or_default();
    let length = rest.partition_point(|row| row.cadastral == Some(code));
    rest.get(..length).unwrap_or_default()
}

/// The periods in which an ISTAT code was in use, oldest first.
pub fn periods_of_istat(code: IstatCode) -> impl DoubleEndedIterator<Item = &'static Municipality> {
    table::by_istat(code)
}

/// The municipality that had the ISTAT code on `day`.
pub fn by_istat_at(code: IstatCode, day: NaiveDate) -> Option<&'static Municipality> {
    periods_of_istat(code).find(|period| period.validity.contains(day))
}

/// The municipality that has the ISTAT code today.
pub fn current_by_istat(code: IstatCode) -> Option<&'static Municipality> {
    periods_of_istat(code).find(|period| period.is_current())
}

/// The municipality that had the cadastral code on `day`.
///
/// For D588 before 26 January 1928 the table has two; the answer is Marne, whose ISTAT code Filago has today.
pub fn by_cadastral_at(code: CadastralCode, day: NaiveDate) -> Option<&'static Municipality> {
    periods(code).iter().find(|period| period.validity.contains(day))
}

/// The municipality of a cadastral code on `day` even where the table has no period for the day.
pub fn placed_at(code: CadastralCode, day: NaiveDate) -> Option<Placed> {
    placed(periods(code), |period| period.validity, day).map(|(municipality, standing)| Placed {
        municipality,
        standing,
    })
}

/// Every period in which a municipality bore the name in the province, in no particular order. Case, accents,
/// apostrophes, hyphens and blanks do not count.
pub fn named(name: &str, province: &str) -> impl Iterator<Item = &'static Municipality> {
    table::by_name(name)
        .filter(move |row| row.province.eq_ignore_ascii_case(province) && same_letters(row.name, name))
}

/// The municipality that bore the name in the province on `day`; spelling as in [`named`].
pub fn by_name_at(
    name: &str,
    province: &str,
    day: NaiveDate,
) -> Result<&'static Municipality, NameLookupError> {
    let mut known = false;
    let mut found = None;
    for period in named(name, province) {
        known = true;
        if !period.validity.contains(day) {
            continue;
        }
        if found.replace(period).is_some() {
            return Err(NameLookupError::Ambiguous);
        }
    }
    found.ok_or(if known {
        NameLookupError::OtherPeriod
    } else {
        NameLookupError::Unknown
    })
}

/// The municipalities that a region has today, by cadastral code; `08` is Emilia-Romagna with 330.
pub fn current_of_region(region: &str) -> impl Iterator<Item = &'static Municipality> {
    table::rows()
        .iter()
        .filter(move |row| row.is_current() && row.region == region)
}

fn same_letters(one: &str, other: &str) -> bool {
    plain_letters(one).eq(plain_letters(other))
}

#[cfg(test)]
mod tests;
